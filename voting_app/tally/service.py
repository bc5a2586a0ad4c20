"""From the closed election to the result.

1. The box is ended (EndBallots) once no ballot that arrived in time is in flight.
2. The encrypted tally is computed from the box, ballot by ballot, and appended.
3. Trustees give partial decryptions with strong proofs; each is verified before it is appended, a
   false one is refused and its owner named, a second one of an owner is refused.
4. As soon as every single trustee and enough of the threshold group are there, the result is
   opened, appended, journaled and sealed.

:func:`advance` does whatever of 1, 2 and 4 is due; the timer, the committee's close, a trustee's
decryption and any later request call it alike. Long computations run outside transactions, and
what two workers computed twice is appended once, because the box's order rules refuse the second.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy.orm import Session

from crypto.ballot import parse_ballot
from crypto.checker import PlainChecker
from crypto.credentials import CredentialList, parse_credential_list
from crypto.decryption import (
    Owned,
    PartialDecryption,
    parse_owned,
    parse_partial_decryption,
    verify_partial_decryption,
    verify_strong_proofs,
)
from crypto.election import Election, parse_election
from crypto.encoding import encode_json_bytes, parse_json, sha256_hex
from crypto.errors import ProtocolError, RejectedError
from crypto.randomness import new_hex
from crypto.record import BoxState
from crypto.result import Result, compute_result, encode_result, parse_result, verify_result
from crypto.tally import (
    EncryptedTally,
    SizedTally,
    TallyAccumulator,
    encode_encrypted_tally,
    parse_encrypted_tally,
    parse_sized_tally,
)
from crypto.trustees import Trustees, parse_trustees
from voting_app.accounts.service import SERVICE_ACTOR, Actor
from voting_app.booth import service as booth
from voting_app.context import Context
from voting_app.elections import service as elections
from voting_app.elections.service import ActResult, ElectionView
from voting_app.elections.states import Act, State
from voting_app.errors import Problem
from voting_app.ledger import service as ledger
from voting_app.tally.models import WorkClaim
from voting_app.trustees import service as trustees_service
from voting_app.trustees.states import is_decryptable

# A worker renews its claim after this many ballots; a dead worker's claim runs out by itself.
CLAIM_TIME = timedelta(seconds=60)
RENEW_AFTER_BALLOTS = 500
_WORKER_BYTES = 8


@dataclass(frozen=True, slots=True)
class Material:
    """A box's Setup, parsed."""

    election: Election
    trustees: Trustees
    credentials: CredentialList


# --- what is due -----------------------------------------------------------------------------------


def advance(context: Context, uuid: str) -> BoxState:
    """Closes, ends, counts and opens as far as it is due; where the box stands afterwards.

    Safe to call at any time by anybody; Problem 404 ``unknown-election``.
    """
    elections.close_if_due(context, uuid)
    view, state = _look(context, uuid)
    if view.state is not State.CLOSED:
        return state
    if state is BoxState.VOTING and not _end_ballots(context, uuid):
        return state
    if _is_work_due(context, uuid, view):
        with _claim(context, uuid) as claim:
            if claim is not None:
                _work(context, uuid, claim)
    return _look(context, uuid)[1]


def _look(context: Context, uuid: str) -> tuple[ElectionView, BoxState]:
    with context.database.read() as session:
        return elections.election_for_box(session, uuid), elections.get_box_state(session, uuid)


def _is_work_due(context: Context, uuid: str, view: ElectionView) -> bool:
    """A cheap look, so that requests while trustees decrypt do not claim anything for nothing."""
    with context.database.read() as session:
        state = elections.get_box_state(session, uuid)
        if state is not BoxState.DECRYPTING:
            return state is BoxState.ENDED
        progress = trustees_service.list_progress(session, view.id, uuid)
    return is_decryptable(progress, view.trustees.threshold or 0)


def _end_ballots(context: Context, uuid: str) -> bool:
    """Appends EndBallots if nothing is in flight or about to be; whether the box is ended now."""
    grace = timedelta(seconds=context.settings.closing_grace_seconds)
    with context.database.write() as session:
        election = elections.lock_election(session, uuid)
        box_id = ledger.get_box_id(session, uuid)
        ledger.lock_box(session, box_id, exclusive=True)
        if election.state != State.CLOSED or ledger.box_state(session, box_id) is not BoxState.VOTING:
            return False
        now = context.clock.now()
        if election.closed_at is None or now < election.closed_at + grace:
            return False
        lease = timedelta(seconds=context.settings.casting_lease_seconds)
        if now < election.closed_at + lease and booth.in_flight(session, box_id):
            return False
        ledger.append(session, box_id, ledger.END_BALLOTS)
        booth.forget_in_flight(session, box_id)
        return True


def _work(context: Context, uuid: str, claim: _Claim) -> None:
    _, state = _look(context, uuid)
    if state is BoxState.ENDED:
        _append_tally(context, uuid, claim)
    elif state is BoxState.DECRYPTING:
        _append_result(context, uuid)


# --- claims ----------------------------------------------------------------------------------------


class _Claim:
    """A worker's claim of a box, to be renewed while it works."""

    def __init__(self, context: Context, ballot_box_id: int, worker: str) -> None:
        self._context = context
        self._ballot_box_id = ballot_box_id
        self._worker = worker

    def renew(self) -> None:
        with self._context.database.relaxed() as session:
            row = session.get(WorkClaim, self._ballot_box_id)
            if row is not None and row.worker == self._worker:
                row.claimed_until = self._context.clock.now() + CLAIM_TIME

    def release(self) -> None:
        with self._context.database.relaxed() as session:
            session.execute(
                delete(WorkClaim).where(
                    WorkClaim.ballot_box_id == self._ballot_box_id, WorkClaim.worker == self._worker
                )
            )


@contextmanager
def _claim(context: Context, uuid: str) -> Iterator[_Claim | None]:
    """The claim, or None if another worker is at it."""
    worker = new_hex(_WORKER_BYTES)
    now = context.clock.now()
    with context.database.relaxed() as session:
        # The election's row lock makes two claimants wait for each other on PostgreSQL.
        elections.lock_election(session, uuid)
        ballot_box_id = elections.find_box(session, uuid).id
        row = session.get(WorkClaim, ballot_box_id)
        is_free = row is None or row.claimed_until <= now
        if is_free:
            session.merge(
                WorkClaim(ballot_box_id=ballot_box_id, worker=worker, claimed_until=now + CLAIM_TIME)
            )
    if not is_free:
        yield None
        return
    claim = _Claim(context, ballot_box_id, worker)
    try:
        yield claim
    finally:
        claim.release()


# --- the encrypted tally ---------------------------------------------------------------------------


def _append_tally(context: Context, uuid: str, claim: _Claim) -> None:
    with context.database.read() as session:
        box_id = ledger.get_box_id(session, uuid)
        material = _load_material(session, box_id)
        is_revoted = ledger.count_ballots(session, box_id) != ledger.count_voters(session, box_id)
    last = _find_last_ballots(context, box_id, claim) if is_revoted else None
    ballots = _renewing(ledger.iter_ballots(context.database, box_id), claim)
    tally, count, weight = count_ballots(material, ballots, last)
    raw = encode_encrypted_tally(material.election, tally)
    sized = SizedTally(count, weight, sha256_hex(raw)).encode()
    with context.database.write() as session:
        ledger.lock_box(session, box_id, exclusive=True)
        if ledger.box_state(session, box_id) is BoxState.ENDED:
            ledger.append(session, box_id, "EncryptedTally", [raw, sized])
            trustees_service.tell_whose_turn_it_is(session, context, uuid)


def count_ballots(
    material: Material, ballots: Iterable[bytes], last: dict[str, int] | None
) -> tuple[EncryptedTally, int, int]:
    """(encrypted tally, number of counted ballots, their weight) of a box's ballots in order.

    ``last`` names the place of each credential's last ballot, which alone counts; without it every
    credential has one ballot only.
    """
    accumulator = TallyAccumulator(material.election)
    count = total = 0
    for place, raw in enumerate(ballots):
        ballot = parse_ballot(material.election, raw)
        if last is not None and last[ballot.credential.text] != place:
            continue
        index = material.credentials.find(ballot.credential)
        if index is None:
            raise RejectedError("B4", "a ballot in the box has a credential that is not on the list")
        weight = material.credentials.weight(index)
        accumulator.add(ballot, weight)
        count += 1
        total += weight
    return accumulator.tally(), count, total


def _find_last_ballots(context: Context, box_id: int, claim: _Claim) -> dict[str, int]:
    ballots = _renewing(ledger.iter_ballots(context.database, box_id), claim)
    return {parse_json(raw, "B1")["credential"]: place for place, raw in enumerate(ballots)}


def _renewing(ballots: Iterable[bytes], claim: _Claim) -> Iterator[bytes]:
    for place, raw in enumerate(ballots, start=1):
        if place % RENEW_AFTER_BALLOTS == 0:
            claim.renew()
        yield raw


# --- partial decryptions ---------------------------------------------------------------------------


def submit_decryption(
    context: Context, uuid: str, actor: Actor, partial: dict[str, Any], strong_proofs: dict[str, Any]
) -> BoxState:
    """A trustee's partial decryption with its strong proofs; where the box stands afterwards.

    Problems: 409 ``wrong-state``, ``not-counted-yet``, ``already-decrypted``; 422 ``bad-decryption``.
    """
    raw = encode_json_bytes(partial)
    with context.database.read() as session:
        view = elections.election_for_box(session, uuid)
        seat = trustees_service.get_seat(session, view.id, actor)
        box_id = ledger.get_box_id(session, uuid)
        _require_decryptable(session, uuid, box_id, seat.owner)
        material = _load_material(session, box_id)
        tally, _ = _load_tally(session, box_id, material.election)
    try:
        _verify_decryption(material, tally, seat.owner, raw, strong_proofs)
    except ProtocolError as error:
        title = f"The decryption of trustee {seat.owner} was refused: {error.detail}."
        raise Problem(
            422, "bad-decryption", title, extra={"owner": seat.owner, "rule": error.rule}
        ) from error
    owned = Owned(seat.owner, sha256_hex(raw)).encode()
    with context.database.write() as session:
        election = elections.lock_election(session, uuid)
        trustees_service.get_seat(session, election.id, actor)
        ledger.lock_box(session, box_id, exclusive=True)
        _require_decryptable(session, uuid, box_id, seat.owner)
        ledger.append(session, box_id, "PartialDecryption", [raw, owned])
        elections.write_journal(session, context, election, "strong-decryption", str(actor), strong_proofs)
        trustees_service.tell_whose_turn_it_is(session, context, uuid)
    return advance(context, uuid)


def _require_decryptable(session: Session, uuid: str, box_id: int, owner: int) -> None:
    view = elections.election_for_box(session, uuid)
    elections.require_act_in(view.state, Act.DECRYPT)
    state = ledger.box_state(session, box_id)
    if owner in trustees_service.list_decrypted(session, uuid):
        raise Problem(409, "already-decrypted", "Your partial decryption is in the box already.")
    if state not in (BoxState.COUNTED, BoxState.DECRYPTING):
        raise Problem(409, "not-counted-yet", "The encrypted tally is not there yet; please try again soon.")


def _verify_decryption(
    material: Material, tally: EncryptedTally, owner: int, raw: bytes, strong_proofs: dict[str, Any]
) -> None:
    """Rules D2, D3 and D4, and that the proofs are this owner's."""
    election = material.election
    public_key = material.trustees.owners[owner - 1].public_key
    partial = parse_partial_decryption(election, tally, raw)
    checker = PlainChecker(election.group)
    verify_partial_decryption(election, tally, public_key, partial, checker)
    verify_strong_proofs(election, tally, public_key, partial, strong_proofs, checker)
    checker.finish()
    if strong_proofs["owner"] != owner or isinstance(strong_proofs["owner"], bool):
        raise RejectedError("D4", "the strong proofs name another trustee")


# --- the result ------------------------------------------------------------------------------------


def _append_result(context: Context, uuid: str) -> None:
    with context.database.read() as session:
        box_id = ledger.get_box_id(session, uuid)
        material = _load_material(session, box_id)
        tally, sized = _load_tally(session, box_id, material.election)
        partials = _load_partials(session, box_id, material.election, tally)
    if not material.trustees.is_enough(partials):
        return
    result = compute_result(material.election, material.trustees, tally, partials, sized.total_weight)
    verify_result(material.election, material.trustees, tally, partials, result, sized.total_weight)
    raw = encode_result(result)
    with context.database.write() as session:
        election = elections.lock_election(session, uuid)
        ledger.lock_box(session, box_id, exclusive=True)
        if election.state != State.CLOSED or ledger.box_state(session, box_id) is not BoxState.DECRYPTING:
            return
        ledger.append(session, box_id, "Result", [raw])
        payload = {"result": sha256_hex(raw)}
        elections.perform(session, context, election, Act.TALLY, str(SERVICE_ACTOR), payload)
        trustees_service.tell_whose_turn_it_is(session, context, uuid)


def find_result(session: Session, uuid: str) -> Result | None:
    """The published result: per question the count of each choice (blank first where allowed)."""
    box_id = ledger.get_box_id(session, uuid)
    records = ledger.read_data(session, box_id, "Result")
    raw_election = ledger.find_election_data(session, box_id)
    if not records or raw_election is None:
        return None
    return parse_result(parse_election(raw_election), records[0][0])


def find_sized_tally(session: Session, uuid: str) -> SizedTally | None:
    """How many ballots were tallied and of which weight; None before the encrypted tally."""
    records = ledger.read_data(session, ledger.get_box_id(session, uuid), "EncryptedTally")
    return parse_sized_tally(records[0][1]) if records else None


def declare_untalliable(
    context: Context, uuid: str, actor: Actor, reason: str, agreeing_to: str | None = None
) -> ActResult:
    """Too few trustees can decrypt: the election ends without a result, with a public reason.

    Refused (409 ``not-counted-yet``) before the encrypted tally is there, which is the evidence of
    what could not be opened.
    """
    with context.database.write() as session:
        election = elections.lock_election(session, uuid)
        elections.require_act(election, Act.UNTALLIABLE)
        require_counted(session, uuid)
        payload = {"reason": reason}
        outcome = elections.seek(session, context, election, Act.UNTALLIABLE, actor, payload, agreeing_to)
        if outcome.is_done:
            elections.perform_approved(session, context, election, outcome)
        return elections.election_for_box(session, uuid), outcome


def require_counted(session: Session, uuid: str) -> None:
    """409 ``not-counted-yet`` while nothing is there that trustees could open."""
    if elections.get_box_state(session, uuid) not in (BoxState.COUNTED, BoxState.DECRYPTING):
        raise Problem(409, "not-counted-yet", "The encrypted tally is not there yet.")


# --- reading the box -------------------------------------------------------------------------------


def _load_material(session: Session, box_id: int) -> Material:
    setup = ledger.find_setup(session, box_id)
    if setup is None:
        raise RuntimeError("a box without Setup cannot be counted")
    election = parse_election(setup.election)
    return Material(
        election,
        parse_trustees(election.group, setup.trustees),
        parse_credential_list(election.group, setup.credentials),
    )


def _load_tally(session: Session, box_id: int, election: Election) -> tuple[EncryptedTally, SizedTally]:
    [(raw, sized)] = ledger.read_data(session, box_id, "EncryptedTally")
    return parse_encrypted_tally(election, raw), parse_sized_tally(sized)


def _load_partials(
    session: Session, box_id: int, election: Election, tally: EncryptedTally
) -> dict[int, PartialDecryption]:
    records = ledger.read_data(session, box_id, "PartialDecryption")
    return {
        parse_owned(owned).owner: parse_partial_decryption(election, tally, raw) for raw, owned in records
    }
