"""Casting a ballot: arrive, verify, append, receive.

1. The moment of arrival is noted before anything else.
2. What is cheap to refuse is refused from a look at the database.
3. The ballot is announced as in flight, in the transaction that sees the election open: whoever ends the
voting waits for it. 4. It is verified, outside any transaction.
5. One short transaction looks again, appends and takes the announcement back.
6. After that transaction is on the disk, the receipt is signed.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from crypto.ballot import ballot_tracker, check_ballot, max_ballot_size
from crypto.checker import PlainChecker
from crypto.credentials import CredentialList, parse_credential_list
from crypto.election import Election, parse_election
from crypto.encoding import sha256_hex
from crypto.errors import RejectedError
from crypto.randomness import new_hex
from crypto.receipt import make_receipt
from crypto.record import BoxState
from voting_app.booth.models import CastingInFlight
from voting_app.context import Context
from voting_app.elections import service as elections
from voting_app.errors import Problem, get_overloaded
from voting_app.ledger import service as ledger
from voting_app.ledger.service import BallotPlace

# A process keeps what it needs of this many ballot boxes at a time.
_MATERIALS = 32


@dataclass(frozen=True, slots=True)
class Cast:
    """A ballot that is in the box. receipt: the signed object of DESIGN §11; is_new: false if it was there
    before.
    """

    tracker: str
    receipt: dict[str, Any]
    is_new: bool


@dataclass(frozen=True, slots=True)
class Material:
    """What a box's ballots are verified against; it never changes once the box is set up. size_limit in
    bytes.
    """

    box_id: int
    election: Election
    credentials: CredentialList
    size_limit: int


class Desk:
    """What one process shares between its casts: parsed elections, and places for verification.

    Both are for speed and for bounded load only. Nothing that decides about a ballot is kept here.
    """

    def __init__(self, context: Context) -> None:
        """Open the desk of one application."""
        self._context = context
        self._materials: dict[str, Material] = {}
        self._loading = threading.Lock()
        self._places = threading.BoundedSemaphore(context.settings.max_verifications)

    def find_material(self, uuid: str) -> Material | None:
        """Return what the ballots of box `uuid` are verified against, None before its setup; Problem 404."""
        material = self._materials.get(uuid)
        if material is not None:
            return material
        # One thread parses a list of perhaps a million credentials; the others wait for it.
        with self._loading:
            material = self._materials.get(uuid)
            if material is None:
                material = _load_material(self._context, uuid)
                if material is not None:
                    while len(self._materials) >= _MATERIALS:
                        del self._materials[next(iter(self._materials))]
                    self._materials[uuid] = material
        return material

    @contextmanager
    def place(self) -> Iterator[None]:
        """Wait for a place to verify in; Problem 503 `overloaded` if none is free in time."""
        if not self._places.acquire(timeout=self._context.settings.verification_wait_seconds):
            raise get_overloaded()
        try:
            yield
        finally:
            self._places.release()


def get_size_limit(context: Context, desk: Desk, uuid: str) -> int:
    """Return how many bytes a ballot of this box may have; Problem 404, or 409 `not-open` before its
    setup.
    """
    material = desk.find_material(uuid)
    if material is None:
        with context.database.read() as session:
            elections.require_open(session, uuid, context.clock.now())
        raise RuntimeError("an open election has no setup")
    return material.size_limit


def cast_ballot(
    context: Context, desk: Desk, uuid: str, raw: bytes, credential: str, arrived_at: datetime
) -> Cast:
    """Put the ballot `raw` (its exact text) into the box, durably, and return its receipt.

    credential: the public credential that the ballot names. The very same ballot again returns the same
    receipt, at any time later. Raises ProtocolError naming the rule (B1 to B10) that the ballot breaks,
    Problem for already-voted, not-open, closed and overloaded; nothing is written then.
    """
    material = desk.find_material(uuid)
    if material is None:
        raise RuntimeError("the caller asked for the size limit first")
    with context.database.read() as session:
        place = ledger.find_ballot(session, material.box_id, sha256_hex(raw))
        if place is None:
            _require_castable(session, material, credential, arrived_at)
    if place is not None:
        return _make_cast(context, material, raw, place, is_new=False)
    _require_listed(material, credential)
    with _in_flight(context, material, arrived_at) as announcement:
        with desk.place():
            ballot = check_ballot(material.election, raw, PlainChecker(material.election.group))
        if ballot.credential.text != credential:
            raise RuntimeError("two readings of one ballot differ")
        place, is_new = _append(context, material, raw, credential, arrived_at, announcement)
    return _make_cast(context, material, raw, place, is_new=is_new)


def in_flight(session: Session, box_id: int, now: datetime) -> int:
    """Return how many ballots that arrived at this box are still being verified.

    Whoever ends the voting asks this after `ledger.lock_box(session, box_id, exclusive=True)` in the same
    transaction, and appends EndBallots only if the answer is 0.
    """
    count = select(func.count()).where(CastingInFlight.box_id == box_id, CastingInFlight.expires_at > now)
    return session.scalar(count) or 0


def _load_material(context: Context, uuid: str) -> Material | None:
    with context.database.read() as session:
        box_id = ledger.get_box_id(session, uuid)
        setup = ledger.find_setup(session, box_id)
    if setup is None:
        return None
    election = parse_election(setup.election)
    credentials = parse_credential_list(election.group, setup.credentials)
    limit = min(max_ballot_size(election), context.settings.max_ballot_bytes)
    return Material(box_id, election, credentials, limit)


def _require_castable(session: Session, material: Material, credential: str, arrived_at: datetime) -> None:
    """Refuse a ballot that is late, early, or a second one where votes are final."""
    view = elections.require_open(session, material.election.uuid, arrived_at)
    if ledger.box_state(session, material.box_id) is not BoxState.VOTING:
        raise _get_closed()
    if not view.revoting and ledger.has_voted(session, material.box_id, credential):
        raise Problem(
            409,
            "already-voted",
            "A ballot was cast with this credential before, and votes are final in this election.",
        )


def _require_listed(material: Material, credential: str) -> None:
    """Rule B4. Before the proofs, because it costs a hundredth of them."""
    element = material.election.group.decode(credential, "B5", "credential", allow_identity=False)
    if material.credentials.find(element) is None:
        raise RejectedError("B4", "the credential is not on the list that was fixed at setup")


@contextmanager
def _in_flight(context: Context, material: Material, arrived_at: datetime) -> Iterator[str]:
    """Announce a ballot while the block runs; `_append` takes the announcement back in its own
    transaction.
    """
    announcement = new_hex(16)
    now = context.clock.now()
    # Not synced to the disk: after a power cut there is no ballot in flight, so the rows may vanish.
    with context.database.relaxed() as session:
        ledger.lock_arrival(session, material.box_id)
        elections.require_open(session, material.election.uuid, arrived_at)
        if ledger.box_state(session, material.box_id) is not BoxState.VOTING:
            raise _get_closed()
        session.execute(
            insert(CastingInFlight).values(
                id=announcement,
                box_id=material.box_id,
                expires_at=now + timedelta(seconds=context.settings.casting_lease_seconds),
            )
        )
    try:
        yield announcement
    except BaseException:
        with context.database.relaxed() as session:
            session.execute(delete(CastingInFlight).where(CastingInFlight.id == announcement))
        raise


def _append(
    context: Context, material: Material, raw: bytes, credential: str, arrived_at: datetime, announcement: str
) -> tuple[BallotPlace, bool]:
    """Append a verified ballot; return where it stands and whether it was not there before."""
    with context.database.write() as session:
        ledger.lock_box(session, material.box_id)
        place = ledger.find_ballot(session, material.box_id, sha256_hex(raw))
        is_new = place is None
        if place is None:
            _require_castable(session, material, credential, arrived_at)
            appended = ledger.append(session, material.box_id, ledger.BALLOT, [raw])
            place = BallotPlace(appended.height, appended.event_hash)
        session.execute(delete(CastingInFlight).where(CastingInFlight.id == announcement))
    return place, is_new


def _make_cast(context: Context, material: Material, raw: bytes, place: BallotPlace, *, is_new: bool) -> Cast:
    uuid = material.election.uuid
    tracker = ballot_tracker(raw)
    key = ledger.get_service_key(context.settings, uuid)
    receipt = make_receipt(key, uuid, tracker, place.height, place.event_hash)
    return Cast(tracker, receipt.encode(), is_new)


def _get_closed() -> Problem:
    return Problem(409, "closed", "The election closed before this ballot arrived.")
