"""The states of an election and what may happen in each: one table, no I/O (DESIGN §3).

    draft -> roll-frozen -> keys-ready -> open <-> paused -> closed -> tallied -> certified

*cancelled* is reached from every state before certified, *untalliable* from closed only. The
spelling of the states is that of the journal and of the JSON interface.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """Where an election stands."""

    DRAFT = "draft"
    ROLL_FROZEN = "roll-frozen"
    KEYS_READY = "keys-ready"
    OPEN = "open"
    PAUSED = "paused"
    CLOSED = "closed"
    TALLIED = "tallied"
    CERTIFIED = "certified"
    CANCELLED = "cancelled"
    UNTALLIABLE = "untalliable"


class Act(StrEnum):
    """What moves an election, or may be done to it only in some states."""

    EDIT = "edit"
    EDIT_ROLL = "edit-roll"
    FREEZE_ROLL = "freeze-roll"
    PUBLISH_CREDENTIALS = "publish-credentials"
    MAKE_KEYS = "make-keys"
    RENEW_LINK = "renew-link"
    READY_KEYS = "ready-keys"
    DRILL = "drill"
    OPEN = "open"
    PAUSE = "pause"
    RESUME = "resume"
    EXTEND = "extend"
    CLOSE = "close"
    DECRYPT = "decrypt"
    TALLY = "tally"
    CERTIFY = "certify"
    CANCEL = "cancel"
    UNTALLIABLE = "declare-untalliable"


S = State
_BEFORE_CERTIFIED = (
    S.DRAFT,
    S.ROLL_FROZEN,
    S.KEYS_READY,
    S.OPEN,
    S.PAUSED,
    S.CLOSED,
    S.TALLIED,
)

# Act -> {state it may happen in: state afterwards}. What is not in the table is refused.
TRANSITIONS: dict[Act, dict[State, State]] = {
    # Until the keys are ready: then all of it is in the election data, which the fingerprint on the sheets covers.
    Act.EDIT: {S.DRAFT: S.DRAFT, S.ROLL_FROZEN: S.ROLL_FROZEN},
    Act.EDIT_ROLL: {S.DRAFT: S.DRAFT},
    Act.FREEZE_ROLL: {S.DRAFT: S.ROLL_FROZEN},
    Act.PUBLISH_CREDENTIALS: {S.ROLL_FROZEN: S.ROLL_FROZEN},
    # Trustees need nothing of the roll, so their ceremony may run beside its preparation.
    Act.MAKE_KEYS: {S.DRAFT: S.DRAFT, S.ROLL_FROZEN: S.ROLL_FROZEN},
    # A trustee who has lost the link needs another one, as long as there is something to do with it.
    Act.RENEW_LINK: {
        state: state for state in (S.DRAFT, S.ROLL_FROZEN, S.KEYS_READY, S.OPEN, S.PAUSED, S.CLOSED)
    },
    Act.READY_KEYS: {S.ROLL_FROZEN: S.KEYS_READY},
    Act.DRILL: {S.KEYS_READY: S.KEYS_READY},
    Act.OPEN: {S.KEYS_READY: S.OPEN},
    Act.PAUSE: {S.OPEN: S.PAUSED},
    Act.RESUME: {S.PAUSED: S.OPEN},
    Act.EXTEND: {S.OPEN: S.OPEN, S.PAUSED: S.PAUSED},
    Act.CLOSE: {S.OPEN: S.CLOSED, S.PAUSED: S.CLOSED},
    Act.DECRYPT: {S.CLOSED: S.CLOSED},
    Act.TALLY: {S.CLOSED: S.TALLIED},
    Act.CERTIFY: {S.TALLIED: S.CERTIFIED},
    Act.CANCEL: dict.fromkeys(_BEFORE_CERTIFIED, S.CANCELLED),
    Act.UNTALLIABLE: {S.CLOSED: S.UNTALLIABLE},
}

# Acts that leave a line in the journal, with the line's kind.
JOURNAL_KINDS: dict[Act, str] = {
    Act.FREEZE_ROLL: "roll-frozen",
    Act.READY_KEYS: "keys-ready",
    Act.OPEN: "opened",
    Act.PAUSE: "paused",
    Act.RESUME: "resumed",
    Act.EXTEND: "extended",
    Act.CLOSE: "closed",
    Act.CANCEL: "cancelled",
    Act.UNTALLIABLE: "untalliable",
    Act.TALLY: "tallied",
    Act.CERTIFY: "certified",
}

# For sentences to people: "The election is <words>."
STATE_WORDS: dict[State, str] = {
    S.DRAFT: "being prepared",
    S.ROLL_FROZEN: "being prepared and its roll is frozen",
    S.KEYS_READY: "ready to be opened",
    S.OPEN: "open",
    S.PAUSED: "paused",
    S.CLOSED: "closed",
    S.TALLIED: "tallied",
    S.CERTIFIED: "certified",
    S.CANCELLED: "cancelled",
    S.UNTALLIABLE: "declared untalliable",
}

ACT_WORDS: dict[Act, str] = {
    Act.EDIT: "change the election",
    Act.EDIT_ROLL: "change the roll",
    Act.FREEZE_ROLL: "freeze the roll",
    Act.PUBLISH_CREDENTIALS: "publish the credentials",
    Act.MAKE_KEYS: "make the trustees' keys",
    Act.RENEW_LINK: "give a trustee another link",
    Act.READY_KEYS: "declare the keys ready",
    Act.DRILL: "drill a key",
    Act.OPEN: "open the election",
    Act.PAUSE: "pause the election",
    Act.RESUME: "resume the election",
    Act.EXTEND: "extend the closing time",
    Act.CLOSE: "close the election",
    Act.DECRYPT: "give a partial decryption",
    Act.TALLY: "publish the result",
    Act.CERTIFY: "certify the result",
    Act.CANCEL: "cancel the election",
    Act.UNTALLIABLE: "declare the election untalliable",
}


class WrongStateError(Exception):
    """An act that the table does not allow in this state; ``str()`` is a sentence for people."""

    def __init__(self, state: State, act: Act) -> None:
        self.state = state
        self.act = act
        super().__init__(f"You cannot {ACT_WORDS[act]} now: the election is {STATE_WORDS[state]}.")


def next_state(state: State, act: Act) -> State:
    """The state after ``act``; WrongStateError where the table has no entry."""
    try:
        return TRANSITIONS[act][state]
    except KeyError:
        raise WrongStateError(state, act) from None


def is_allowed(state: State, act: Act) -> bool:
    """Whether the table has an entry, for pages that show a form only where it can be of use."""
    return state in TRANSITIONS[act]


def is_final(state: State) -> bool:
    """Whether nothing can happen to the election any more."""
    return not any(state in moves for moves in TRANSITIONS.values())
