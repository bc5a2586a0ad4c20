"""Casting a ballot: arrive, verify, append, receive.

1. The moment of arrival is noted before anything else.
2. A look at the database: does anything speak against the ballot?
3. The process announces that it has ballots in flight (`presence`): whoever ends the voting waits for them.
4. It is verified, outside any transaction.
5. One short transaction looks again and appends it. Ballots that are ready at about the same time share it
   (`gathering`), and with it one wait for the disk. What this look says decides; the first one is there to spare
   the verification.
6. After that transaction is on the disk, the receipt is signed.
"""

import os
import threading
import weakref
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, func, select, true
from sqlalchemy.orm import Session

from crypto.ballot import ballot_tracker, check_ballot, max_ballot_size
from crypto.checker import PlainChecker
from crypto.credentials import CredentialList, parse_credential_list
from crypto.election import Election, parse_election
from crypto.encoding import sha256_hex
from crypto.errors import RejectedError
from crypto.receipt import make_receipt
from crypto.record import BoxState
from voting_app.booth.challenges import find_challenged, get_challenged
from voting_app.booth.gathering import Gathering
from voting_app.booth.models import CastingInFlight
from voting_app.booth.presence import Presence
from voting_app.context import Context
from voting_app.elections import service as elections
from voting_app.errors import Problem, get_overloaded
from voting_app.ledger import service as ledger
from voting_app.ledger.service import BallotPlace

# A process keeps what it needs of this many ballot boxes at a time.
_COUNTERS = 32

# A verified ballot waits this long at most for others that are being verified in this process, so that they share a
# transaction. Nobody waits who is alone.
_PATIENCE_SECONDS = 0.02

# While so many ballots are in flight that have yet to be verified, there is no hurry to look at the next one: up to
# _LOOKS_TOGETHER share a look, waiting for each other less long than it takes to verify those.
_ENOUGH_TO_VERIFY = 4
_LOOKS_TOGETHER = 6
_LOOK_PATIENCE_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Cast:
    """A ballot that is in the box. receipt: the signed object of DESIGN §11; is_new: false if it was there
    before.
    """

    tracker: str
    receipt: dict[str, Any]
    is_new: bool


@dataclass(frozen=True, slots=True)
class _Ballot:
    """A ballot that is being cast. digest: its SHA-256 in hex."""

    raw: bytes
    digest: str
    credential: str
    arrived_at: datetime


# What a look at the database says about a ballot: where it stands already, why it is refused, or nothing
# against it.
_Finding = BallotPlace | Problem | None


@dataclass(frozen=True, slots=True)
class _Appended:
    """Where a ballot stands, or why it is refused; is_new: it was appended just now, for this very
    request.
    """

    finding: BallotPlace | Problem
    is_new: bool


class Counter:
    """What one process needs to cast ballots into one box. election and credentials never change after
    setup.
    """

    def __init__(self, context: Context, box_id: int, setup: ledger.Setup) -> None:
        """Parse what the ballots are verified against."""
        self.box_id = box_id
        self.election: Election = parse_election(setup.election)
        self.credentials: CredentialList = parse_credential_list(self.election.group, setup.credentials)
        self.size_limit = min(max_ballot_size(self.election), context.settings.max_ballot_bytes)
        self.service_key = ledger.get_service_key(context.settings, self.election.uuid)
        self.presence = Presence(context.database, box_id)
        self.looks = Gathering[_Ballot, _Finding](
            lambda ballots: _look(context, self, ballots),
            company=self._get_company_for_look,
            patience=_LOOK_PATIENCE_SECONDS,
        )
        self.appends = Gathering[_Ballot, _Appended](
            lambda ballots: _append(context, self, ballots),
            company=self.presence.count,
            patience=_PATIENCE_SECONDS,
        )

    def _get_company_for_look(self) -> int:
        unverified = self.presence.count() - self.appends.count()
        return _LOOKS_TOGETHER if unverified >= _ENOUGH_TO_VERIFY else 1


class Desk:
    """What one process shares between its casts: parsed elections, and places for verification.

    Both are for speed and for bounded load only. Nothing that decides about a ballot is kept here.
    """

    def __init__(self, context: Context) -> None:
        """Open the desk of one application."""
        self._context = context
        self.clear()
        _desks.add(self)

    def clear(self) -> None:
        """Forget everything: after a fork, locks may be held by threads that are not here, and ballots be counted
        that are cast elsewhere.
        """
        self._counters: dict[str, Counter] = {}
        self._loading = threading.Lock()
        self._places = threading.BoundedSemaphore(self._context.settings.max_verifications)

    def find_counter(self, uuid: str) -> Counter | None:
        """Return the counter of the box `uuid`, None before its setup; Problem 404 `unknown-election`."""
        counter = self._counters.get(uuid)
        if counter is not None:
            return counter
        # One thread parses a list of perhaps a million credentials; the others wait for it.
        with self._loading:
            counter = self._counters.get(uuid)
            if counter is None:
                counter = _load_counter(self._context, uuid)
                if counter is not None:
                    while len(self._counters) >= _COUNTERS:
                        del self._counters[next(iter(self._counters))]
                    self._counters[uuid] = counter
        return counter

    @contextmanager
    def place(self) -> Iterator[None]:
        """Wait for a place to verify in; Problem 503 `overloaded` if none is free in time."""
        if not self._places.acquire(timeout=self._context.settings.verification_wait_seconds):
            raise get_overloaded()
        try:
            yield
        finally:
            self._places.release()


_desks: "weakref.WeakSet[Desk]" = weakref.WeakSet()


def _clear_desks() -> None:
    for desk in list(_desks):
        desk.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_clear_desks)


def get_size_limit(context: Context, desk: Desk, uuid: str) -> int:
    """Return how many bytes a ballot of this box may have; Problem 404, or 409 `not-open` before its
    setup.
    """
    counter = desk.find_counter(uuid)
    if counter is None:
        with context.database.read() as session:
            elections.require_open(session, uuid, context.clock.now())
        raise RuntimeError("an open election has no setup")
    return counter.size_limit


def cast_ballot(
    context: Context, desk: Desk, uuid: str, raw: bytes, credential: str, arrived_at: datetime
) -> Cast:
    """Put the ballot `raw` (its exact text) into the box, durably, and return its receipt.

    credential: the public credential that the ballot names. The very same ballot again returns the same
    receipt, at any time later. Raises ProtocolError naming the rule (B1 to B10) that the ballot breaks,
    Problem for already-voted, not-open, closed and overloaded; nothing is written then.
    """
    counter = desk.find_counter(uuid)
    if counter is None:
        raise RuntimeError("the caller asked for the size limit first")
    require_listed(counter, credential)
    ballot = _Ballot(raw, sha256_hex(raw), credential, arrived_at)
    # Before the announcement: a ballot that came too late must not make the end of voting wait.
    finding = counter.looks.submit(ballot)
    if isinstance(finding, Problem):
        raise finding
    if finding is not None:
        return _make_cast(counter, raw, finding, is_new=False)
    with counter.presence.hold():
        with desk.place():
            checked = check_ballot(counter.election, raw, PlainChecker(counter.election.group))
        if checked.credential.text != credential:
            raise RuntimeError("two readings of one ballot differ")
        result = counter.appends.submit(ballot)
    if isinstance(result.finding, Problem):
        raise result.finding
    return _make_cast(counter, raw, result.finding, is_new=result.is_new)


def in_flight(session: Session, box_id: int) -> int:
    """Return how many processes have ballots in flight that arrived at this box.

    Whoever ends the voting asks this after `ledger.lock_box(session, box_id, exclusive=True)` in the same
    transaction, and appends EndBallots only if the answer is 0 or the lease is over: a process that died
    leaves its rows here.
    """
    return session.scalar(select(func.count()).where(CastingInFlight.box_id == box_id)) or 0


def forget_in_flight(session: Session, box_id: int) -> None:
    """Remove what the dead announced; for whoever has just ended the voting."""
    session.execute(delete(CastingInFlight).where(CastingInFlight.box_id == box_id))


def _load_counter(context: Context, uuid: str) -> Counter | None:
    with context.database.read() as session:
        box_id = ledger.get_box_id(session, uuid)
        setup = ledger.find_setup(session, box_id)
    return None if setup is None else Counter(context, box_id, setup)


def require_listed(counter: Counter, credential: str) -> None:
    """Raise RejectedError: rule B4, or B5 for what is no element of the group.

    Before the proofs and the database, because it costs a hundredth of them.
    """
    element = counter.election.group.decode(credential, "B5", "credential", allow_identity=False)
    if counter.credentials.find(element) is None:
        raise RejectedError("B4", "the credential is not on the list that was fixed at setup")


# What the two looks ask for, each as one statement: the calendar of the box, in as many rows as the credentials have
# ballots already, or in one without any. The last look adds the end of the box.
_calendar = elections.CALENDAR.subquery()
_earlier = ledger.BALLOTS_OF.subquery()
_last = ledger.LAST_EVENT.subquery()
_found = _calendar.outerjoin(_earlier, true())
_FIRST_LOOK = select(_calendar, _earlier).select_from(_found)
_LAST_LOOK = select(_calendar, _earlier, _last).select_from(_found.join(_last, true()))


class _View:
    """One moment's look at what speaks against some ballots; what is appended after it is told by `take`."""

    def __init__(
        self, connection: Connection, statement: Select[Any], counter: Counter, ballots: Sequence[_Ballot]
    ) -> None:
        values = {
            "uuid": counter.election.uuid,
            "box_id": counter.box_id,
            "credentials": list({ballot.credential for ballot in ballots}),
        }
        self.rows = connection.execute(statement, values).all()
        if not self.rows:
            raise RuntimeError("a box with a counter has an election and its setup")
        self._calendar = elections.make_calendar(self.rows[0])
        self._earlier: dict[str, dict[str, BallotPlace]] = {}
        for row in self.rows:
            place = ledger.read_ballot_place(row)
            if place is not None:
                self._earlier.setdefault(row.credential, {})[row.digest] = place
        self._taken: set[str] = set()

    def look(self, ballot: _Ballot) -> _Finding:
        """Return where the ballot stands already, why it is refused, or None: nothing speaks against it."""
        earlier = self._earlier.get(ballot.credential, {})
        if ballot.digest in earlier:
            return earlier[ballot.digest]
        try:
            elections.require_in_time(self._calendar, ballot.arrived_at)
        except Problem as problem:
            return problem
        if not self._calendar.revoting and (earlier or ballot.credential in self._taken):
            return Problem(
                409,
                "already-voted",
                "A ballot was cast with this credential before, and votes are final in this election.",
            )
        return None

    def take(self, ballot: _Ballot) -> None:
        """Count this ballot as cast from here on."""
        self._taken.add(ballot.credential)


def _look(context: Context, counter: Counter, ballots: Sequence[_Ballot]) -> list[_Finding]:
    """The first look. Two ballots of one voter may both pass it: only the append decides between them."""
    with context.database.look() as connection:
        view = _View(connection, _FIRST_LOOK, counter, ballots)
    return [view.look(ballot) for ballot in ballots]


def _append(context: Context, counter: Counter, ballots: Sequence[_Ballot]) -> list[_Appended]:
    """Append verified ballots; durable when this returns."""
    with context.database.write_plain() as connection:
        # A statement of its own: the next one must see what was there when the lock was given.
        ledger.lock_box(connection, counter.box_id)
        view = _View(connection, _LAST_LOOK, counter, ballots)
        tail = ledger.make_tail(view.rows[0])
        challenged = find_challenged(connection, counter.box_id, [ballot.digest for ballot in ballots])
        findings, fresh = _sort(view, tail.cursor.state, challenged, ballots)
        raws = [ballot.raw for ballot in fresh.values()]
        appended = ledger.append_ballots(connection, counter.box_id, tail, raws)
    places = {
        digest: BallotPlace(landed.height, landed.event_hash)
        for digest, landed in zip(fresh, appended, strict=True)
    }
    return [
        _Appended(places[ballot.digest], fresh[ballot.digest] is ballot)
        if finding is None
        else _Appended(finding, False)
        for ballot, finding in zip(ballots, findings, strict=True)
    ]


def _sort(
    view: _View, state: BoxState, challenged: Collection[str], ballots: Sequence[_Ballot]
) -> tuple[list[_Finding], dict[str, _Ballot]]:
    """Return what is found about each ballot, and by digest those that are to be appended.

    The very same ballot may be here twice; nothing is found about either, and one is appended.
    """
    findings: list[_Finding] = []
    fresh: dict[str, _Ballot] = {}
    for ballot in ballots:
        finding = None if ballot.digest in fresh else view.look(ballot)
        if finding is None and ballot.digest in challenged:
            finding = get_challenged()
        if finding is None and state is not BoxState.VOTING:
            finding = Problem(409, "closed", "The election closed before this ballot was verified.")
        if finding is None and ballot.digest not in fresh:
            fresh[ballot.digest] = ballot
            view.take(ballot)
        findings.append(finding)
    return findings, fresh


def _make_cast(counter: Counter, raw: bytes, place: BallotPlace, *, is_new: bool) -> Cast:
    tracker = ballot_tracker(raw)
    uuid = counter.election.uuid
    receipt = make_receipt(counter.service_key, uuid, tracker, place.height, place.event_hash)
    return Cast(tracker, receipt.encode(), is_new)
