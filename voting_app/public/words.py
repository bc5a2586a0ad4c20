"""Words for people: states, acts of the journal, and who can see what, in the reader's language.

Every sentence is ours; what other people wrote (reasons, statements) is handed on beside it, so that a page can show
whose words they are and in which direction they run.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext, ngettext

from crypto.journal import SERVICE, SHARED_ACTS, JournalLine
from voting_app.elections.service import ElectionView
from voting_app.elections.states import State
from voting_app.languages import N_, format_moment
from voting_app.public.service import Shown, get_time

# --- states ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StateWords:
    """badge: one or two words; tone: the colour beside them; sentence: what the state means; then: what comes next."""

    badge: str
    tone: str
    sentence: str
    then: str = ""


_STATES = {
    State.DRAFT: StateWords(N_("In preparation"), "neutral", N_("The election is being prepared.")),
    State.ROLL_FROZEN: StateWords(
        N_("In preparation"),
        "neutral",
        N_("It is fixed who may vote. Voting codes and the trustees' keys are being made."),
        N_("When all trustees have their keys and have proved it, the committee can open the voting."),
    ),
    State.KEYS_READY: StateWords(
        N_("Not open yet"),
        "neutral",
        N_("The keys are ready. Voting has not begun."),
        N_("The trustees prove once more that they hold their keys; then the committee opens the voting."),
    ),
    State.OPEN: StateWords(
        N_("Open"),
        "good",
        N_("Members can vote now, with the link or the sheet that they were given."),
        N_("After the closing time nobody can vote any more; then the ballots are counted."),
    ),
    State.PAUSED: StateWords(
        N_("Paused"),
        "warning",
        N_(
            "The committee has paused the voting: no ballot is taken at this time. Ballots that were cast stay cast."
        ),
        N_("The committee will resume, extend or close the voting. Look at this page again later."),
    ),
    State.CLOSED: StateWords(
        N_("Being counted"),
        "info",
        N_("Voting has closed. The encrypted ballots are added up, and the trustees open the sum together."),
        N_("The result appears here as soon as enough trustees have done their part."),
    ),
    State.TALLIED: StateWords(
        N_("Counted"),
        "info",
        N_("The ballots have been counted, and the result is published with its proofs."),
        N_("The committee has still to certify the result. Until then anybody can check it and complain."),
    ),
    State.CERTIFIED: StateWords(
        N_("Certified"),
        "good",
        N_("The ballots have been counted, and the committee has certified the result."),
        N_("The record stays here, so that the result can be checked at any time."),
    ),
    State.CANCELLED: StateWords(
        N_("Cancelled"),
        "danger",
        N_("The committee has cancelled this election. There is no result, and nobody can vote in it."),
        N_("The record stays here. If there is to be another vote, the committee will announce it."),
    ),
    State.UNTALLIABLE: StateWords(
        N_("Cannot be counted"),
        "danger",
        N_("Too few trustees can open the result. The ballots stay encrypted, and there is no result."),
        N_("The record stays here. If there is to be another vote, the committee will announce it."),
    ),
}


def describe_state(state: State) -> StateWords:
    """The state in the reader's language."""
    words = _STATES[state]
    then = gettext(words.then) if words.then else ""
    return StateWords(gettext(words.badge), words.tone, gettext(words.sentence), then)


# --- who can see what --------------------------------------------------------------------------------------


def describe_trustees(view: ElectionView) -> str:
    """Who opens the result."""
    plan = view.trustees
    if plan.threshold_size is None:
        return ngettext(
            "%(num)s trustee, whose key is needed to open the result",
            "%(num)s trustees, all of whom are needed to open the result",
            plan.singles,
        )
    group = ngettext(
        "%(size)s trustees, any one of whom can open the result",
        "%(size)s trustees, any %(num)s of whom can open the result together",
        plan.threshold or 0,
        size=plan.threshold_size,
    )
    if not plan.singles:
        return group
    return ngettext(
        "%(group)s, but only with %(num)s more who cannot be replaced",
        "%(group)s, but only with %(num)s more, none of whom can be replaced",
        plan.singles,
        group=group,
    )


def list_visibility(shown: Shown) -> list[tuple[str, str]]:
    """(who, what they can see): the promises of SECURITY.md in the terms of this election."""
    view, needed = shown.view, shown.needed
    lines = [
        (
            gettext("Everybody"),
            gettext(
                "sees the encrypted ballots, how many there are, and what the committee, the trustees and the"
                " service did. Nobody can see from this who voted, or how."
            ),
        ),
        (
            gettext("You"),
            gettext(
                "get a tracker for your ballot. It shows that your ballot is in the ballot box. It does not show"
                " how you voted."
            ),
        ),
        (
            gettext("The trustees"),
            ngettext(
                "open the sum of all ballots only. One of them is enough for that, and could open single ballots"
                " too, so each of them has to be trusted.",
                "open the sum of all ballots only. To open single ballots, %(num)s of them would have to"
                " conspire.",
                needed,
            ),
        ),
    ]
    if view.credential_mode == "server":
        return [
            *lines,
            (
                gettext("This server"),
                gettext(
                    "made the voting codes. It has to be trusted that it kept none: with them it could find"
                    " out who has voted, though not how, and could vote for somebody."
                ),
            ),
        ]
    return [
        *lines,
        (
            gettext("The registrar"),
            gettext(
                "made the voting codes and knows whose they are. With them the registrar could find out who has"
                " voted, though not how, and could vote for somebody. This server never had them."
            ),
        ),
    ]


def list_warnings(shown: Shown) -> list[str]:
    """What the auditor would warn of, as far as it can be seen in the result."""
    counted = shown.counted
    if counted is None:
        return []
    warnings = []
    if counted.ballots == 1:
        warnings.append(gettext("A single ballot was counted, so the result tells how its voter voted."))
    elif counted.ballots and any(all(n in (0, counted.weight) for n in row) for row in counted.result):
        warnings.append(
            gettext("In a question all ballots are alike, so the result tells how everybody voted in it.")
        )
    if counted.unproved:
        owners = ", ".join(map(str, counted.unproved))
        warnings.append(
            gettext("These trustees gave no strong proof of their decryption: %(owners)s", owners=owners)
        )
    return warnings


# --- the journal -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ActWords:
    """An act in words. at: its time, None where the journal has none on purpose; quote: what a person wrote;
    codes: (what it is, the code) of hashes, keys and trackers.
    """

    height: int
    at: datetime | None
    sentence: str
    quote: str = ""
    codes: tuple[tuple[str, str], ...] = ()


def describe_act(line: JournalLine, time_zone: str) -> ActWords:
    """A line of the journal in the reader's language."""
    payload = line.payload
    at = get_time(line) if "at" in payload else None
    describe = _ACTS.get(line.kind)
    if describe is None:
        # A journal of a later version of the program: better the bare fact than no page.
        return ActWords(line.height, at, gettext("An act of the kind %(kind)s.", kind=line.kind))
    sentence = describe(_Act(line, payload, time_zone))
    quote = next((str(payload[name]) for name in _QUOTED if name in payload), "")
    codes = tuple(
        (gettext(label), payload[name])
        for (kind, name), label in _CODES.items()
        if kind == line.kind and name in payload
    )
    if line.kind in ("officers", "approval", *SHARED_ACTS) and line.actor != SERVICE:
        # So that an officer can see whether all that stands under the own number is true.
        codes = ((gettext("Officer"), line.actor), *codes)
    if line.kind == "booth-files":
        codes = tuple((path, digest) for path, digest in payload["files"])
    return ActWords(line.height, at, sentence, quote, codes)


@dataclass(frozen=True, slots=True)
class _Act:
    line: JournalLine
    payload: dict[str, Any]
    time_zone: str

    @property
    def is_of_service(self) -> bool:
        return self.line.actor.startswith("service:")

    def get_moment(self, field: str) -> str:
        return format_moment(get_time(self.line, field), self.time_zone)


def _describe_opening(act: _Act) -> str:
    closes = act.get_moment("closes_at")
    if act.payload["revotes"]:
        return gettext(
            "Voting opened; it closes on %(closes)s. Members may vote again until then, and the last ballot counts.",
            closes=closes,
        )
    return gettext("Voting opened; it closes on %(closes)s. Every vote is final.", closes=closes)


def _describe_credentials(act: _Act) -> str:
    count = act.payload["count"]
    if act.payload["mode"] == "server":
        return ngettext(
            "The server made the voting code of %(num)s member and published its public part.",
            "The server made the voting codes of %(num)s members and published their public parts.",
            count,
        )
    return ngettext(
        "The registrar made the voting code of %(num)s member and published its public part.",
        "The registrar made the voting codes of %(num)s members and published their public parts.",
        count,
    )


def _describe_closing(act: _Act) -> str:
    if act.is_of_service:
        return gettext("Voting closed: the closing time had come.")
    return gettext("The committee closed the voting.")


def _describe_officers(act: _Act) -> str:
    if act.payload["needed"] == 1:
        return gettext("One officer alone may act in this election and certify it. The reason:")
    return ngettext(
        "Every act of the committee needs two officers; to certify the result it takes %(num)s.",
        "Every act of the committee needs two officers; to certify the result it takes %(num)s.",
        act.payload["certifiers"],
    )


# What an officer agreed to, before another one did it.
_APPROVALS = {
    "roll-frozen": N_("An officer agreed to fix the roll."),
    "opened": N_("An officer agreed to open the voting."),
    "paused": N_("An officer agreed to pause the voting."),
    "resumed": N_("An officer agreed to resume the voting."),
    "extended": N_("An officer agreed to extend the voting."),
    "closed": N_("An officer agreed to close the voting."),
    "cancelled": N_("An officer agreed to cancel the election."),
    "untalliable": N_("An officer agreed to declare that too few trustees can open the result."),
    "certified": N_("An officer agreed to certify the result."),
}


def _describe_approval(act: _Act) -> str:
    sentence = _APPROVALS[act.payload["act"]]
    return gettext(sentence)


_ACTS: dict[str, Callable[[_Act], str]] = {
    "officers": _describe_officers,
    "approval": _describe_approval,
    "journal": lambda act: gettext(
        "The election was created, and this journal began. The service signs receipts and seals with the key below."
    ),
    "roll-frozen": lambda act: ngettext(
        "The committee fixed the roll: %(num)s member may vote.",
        "The committee fixed the roll: %(num)s members may vote.",
        act.payload["members"],
    ),
    "credentials-published": _describe_credentials,
    "credentials-replaced": lambda act: ngettext(
        "The registrar replaced the voting code of %(num)s member by a new one; the hash below is of the new list.",
        "The registrar replaced the voting codes of %(num)s members by new ones; the hash below is of the new list.",
        act.payload["replaced"],
    ),
    "trustee-committed": lambda act: gettext(
        "Trustee %(owner)s made a key and committed to it.", owner=act.payload["owner"]
    ),
    "trustee-revealed": lambda act: gettext(
        "Trustee %(owner)s published the public part of the key.", owner=act.payload["owner"]
    ),
    "trustees-restarted": lambda act: gettext(
        "The committee had the trustees start again with their keys. The reason:"
    ),
    "keys-ready": lambda act: gettext(
        "The trustees' keys were put together to the election's key, and the ballot box was set up."
    ),
    "key-drill": lambda act: gettext(
        "Trustee %(owner)s proved that the key is at hand.", owner=act.payload["owner"]
    ),
    "booth-files": lambda act: ngettext(
        "The service wrote down what the voting page consists of: %(num)s file.",
        "The service wrote down what the voting page consists of: %(num)s files.",
        len(act.payload["files"]),
    ),
    "opened": _describe_opening,
    "paused": lambda act: gettext("The committee paused the voting. The reason:"),
    "resumed": lambda act: gettext("The committee resumed the voting."),
    "extended": lambda act: gettext(
        "The committee extended the voting; it closes on %(closes)s. The reason:",
        closes=act.get_moment("closes_at"),
    ),
    "closed": _describe_closing,
    "cancelled": lambda act: gettext("The committee cancelled the election. The reason:"),
    "untalliable": lambda act: gettext(
        "The committee declared that too few trustees can open the result. The reason:"
    ),
    "strong-decryption": lambda act: gettext(
        "Trustee %(owner)s decrypted the sum of the ballots and proved that it was done rightly.",
        owner=act.payload["owner"],
    ),
    "tallied": lambda act: gettext("The result was opened and put into the ballot box."),
    "ballot-challenged": lambda act: gettext(
        "A voter had an encrypted ballot checked instead of casting it. It can never be cast."
    ),
    "complaint": lambda act: gettext(
        "The committee received complaint %(number)s:", number=act.payload["number"]
    ),
    "complaint-resolved": lambda act: gettext(
        "The committee decided on complaint %(number)s:", number=act.payload["number"]
    ),
    "tie-draw": lambda act: gettext(
        "The committee drew lots about question %(question)s. The draw's seed:",
        question=act.payload["question"],
    ),
    "reported": lambda act: gettext("The committee accepted the report of the election."),
    "certified": lambda act: gettext("The committee certified the result. Its statement:"),
    "seal": lambda act: gettext("The service sealed the journal up to here with its signature."),
}

# Fields that hold words of people.
_QUOTED = ("reason", "statement", "text", "seed")
# (kind, field) -> what the code in it is.
_CODES = {
    ("journal", "service_key"): N_("Service key"),
    ("approval", "subject"): N_("Hash of what was agreed to"),
    ("roll-frozen", "roll"): N_("Hash of the roll"),
    ("credentials-published", "credentials"): N_("Hash of the public credentials"),
    ("credentials-replaced", "credentials"): N_("Hash of the public credentials"),
    ("trustee-committed", "commitment"): N_("Commitment"),
    ("keys-ready", "trustees"): N_("Hash of the trustees' keys"),
    ("keys-ready", "fingerprint"): N_("Fingerprint of the election"),
    ("ballot-challenged", "tracker"): N_("Tracker"),
    ("tallied", "result"): N_("Hash of the result"),
    ("reported", "report"): N_("Hash of the report"),
    ("certified", "box_head"): N_("Last line of the ballot box"),
    ("certified", "result"): N_("Hash of the result"),
}
