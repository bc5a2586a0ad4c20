"""What each trustee has to do next: pure rules over what has arrived.

The order keeps a trustee who waits for the others from choosing its key after seeing theirs
(PROTOCOL §14, "rushing adversary"): everybody commits to a hash first, nobody reveals before the
last commitment is there.

    certificate (threshold seats) -> commitment -> reveal -> share (threshold seats)
        -> drill -> decryption
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from voting_app.elections.states import State


class Kind(StrEnum):
    """How a seat's key is made."""

    SINGLE = "single"
    THRESHOLD = "threshold"


class Step(StrEnum):
    """The next act of a trustee; the ``wait-…`` steps say what is waited for."""

    CERTIFICATE = "certificate"
    WAIT_CERTIFICATES = "wait-certificates"
    COMMITMENT = "commitment"
    WAIT_COMMITMENTS = "wait-commitments"
    REVEAL = "reveal"
    WAIT_REVEALS = "wait-reveals"
    SHARE = "share"
    WAIT_SHARES = "wait-shares"
    WAIT_KEYS_READY = "wait-keys-ready"
    DRILL = "drill"
    WAIT_CLOSE = "wait-close"
    WAIT_TALLY = "wait-tally"
    DECRYPTION = "decryption"
    WAIT_RESULT = "wait-result"
    DONE = "done"


# What a trustee does in the course of an election, in this order; the other steps are waiting.
ACTS: dict[Kind, tuple[Step, ...]] = {
    Kind.SINGLE: (Step.COMMITMENT, Step.REVEAL, Step.DRILL, Step.DECRYPTION),
    Kind.THRESHOLD: (
        Step.CERTIFICATE,
        Step.COMMITMENT,
        Step.REVEAL,
        Step.SHARE,
        Step.DRILL,
        Step.DECRYPTION,
    ),
}


@dataclass(frozen=True, slots=True)
class Progress:
    """What has arrived from one seat."""

    owner: int
    kind: Kind
    certified: bool
    committed: bool
    revealed: bool
    shared: bool
    drilled: bool
    decrypted: bool


def is_complete(seats: Sequence[Progress]) -> bool:
    """Whether every seat's key is there."""
    return bool(seats) and all(s.revealed and (s.kind is Kind.SINGLE or s.shared) for s in seats)


def are_keys_drilled(seats: Sequence[Progress], threshold: int) -> bool:
    """Whether enough trustees proved that they hold their key: every Single and t of the others.

    ``threshold`` is 0 where there is no threshold group.
    """
    singles = all(seat.drilled for seat in seats if seat.kind is Kind.SINGLE)
    return singles and sum(seat.drilled for seat in seats if seat.kind is Kind.THRESHOLD) >= threshold


def is_decryptable(seats: Sequence[Progress], threshold: int) -> bool:
    """Whether the partial decryptions suffice: every Single and t of the threshold seats."""
    singles = all(seat.decrypted for seat in seats if seat.kind is Kind.SINGLE)
    return singles and sum(seat.decrypted for seat in seats if seat.kind is Kind.THRESHOLD) >= threshold


def next_ceremony_step(seat: Progress, seats: Sequence[Progress]) -> Step:
    """The next step of ``seat`` before the keys are ready."""
    threshold_seats = [other for other in seats if other.kind is Kind.THRESHOLD]
    if seat.kind is Kind.THRESHOLD:
        if not seat.certified:
            return Step.CERTIFICATE
        if not all(other.certified for other in threshold_seats):
            return Step.WAIT_CERTIFICATES
    if not seat.committed:
        return Step.COMMITMENT
    if not all(other.committed for other in seats):
        return Step.WAIT_COMMITMENTS
    if not seat.revealed:
        return Step.REVEAL
    if seat.kind is Kind.THRESHOLD and not seat.shared:
        return Step.SHARE if all(other.revealed for other in threshold_seats) else Step.WAIT_REVEALS
    if not all(other.revealed for other in seats):
        return Step.WAIT_REVEALS
    return Step.WAIT_KEYS_READY if is_complete(seats) else Step.WAIT_SHARES


def is_act(step: Step) -> bool:
    """Whether the trustee itself is awaited; otherwise others are, or nobody."""
    return step in ACTS[Kind.THRESHOLD]


def next_act(seat: Progress, step: Step) -> Step | None:
    """The act that a trustee at ``step`` does now or will do next; None where nothing more is asked of it."""
    match step:
        case Step.WAIT_CERTIFICATES:
            return Step.COMMITMENT
        case Step.WAIT_COMMITMENTS:
            return Step.REVEAL
        case Step.WAIT_REVEALS if seat.kind is Kind.THRESHOLD and not seat.shared:
            return Step.SHARE
        case Step.WAIT_REVEALS | Step.WAIT_SHARES | Step.WAIT_KEYS_READY:
            return Step.DRILL
        case Step.WAIT_CLOSE | Step.WAIT_TALLY:
            return Step.DECRYPTION
        case Step.WAIT_RESULT | Step.DONE:
            return None
    return step


def next_step(
    state: State, seat: Progress, seats: Sequence[Progress], *, has_encrypted_tally: bool, has_result: bool
) -> Step:
    """The next step of ``seat`` in an election in ``state``."""
    if state in (State.DRAFT, State.ROLL_FROZEN):
        return next_ceremony_step(seat, seats)
    if state is State.KEYS_READY and not seat.drilled:
        return Step.DRILL
    if state in (State.KEYS_READY, State.OPEN, State.PAUSED):
        return Step.WAIT_CLOSE
    if state is State.CLOSED and not has_result:
        if not has_encrypted_tally:
            return Step.WAIT_TALLY
        return Step.WAIT_RESULT if seat.decrypted else Step.DECRYPTION
    return Step.DONE


def list_turns(
    state: State, seats: Sequence[Progress], *, has_encrypted_tally: bool, has_result: bool
) -> dict[int, Step]:
    """Whose turn it is, and what is to be done: owner number -> act, of everybody who could act now."""
    steps = {
        seat.owner: next_step(
            state, seat, seats, has_encrypted_tally=has_encrypted_tally, has_result=has_result
        )
        for seat in seats
    }
    return {owner: step for owner, step in steps.items() if is_act(step)}
