"""Casting a ballot: arrive, verify, append, receive.

1. The moment of arrival is noted before anything else.
2. A look at the database: does anything speak against the ballot?
3. The process announces that it has ballots in flight (`presence`): whoever ends the voting waits for them.
4. It is verified, outside any transaction and in a process beside this one (`verifier`).
5. One short transaction looks again and appends it. What this look says decides; the first one is there to spare
   the verification.
6. After that transaction is on the disk, the receipt is signed.

Ballots that come while others are in steps 4 and 5 take these steps together when those have left (`gathering`): they
share the question to the verifying process, the transaction, and one wait for the disk.
"""

import os
import threading
import weakref
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, delete, func, select, true
from sqlalchemy.orm import Session

from crypto.ballot import ballot_tracker, max_ballot_size
from crypto.credentials import CredentialList, parse_credential_list
from crypto.election import Election, parse_election
from crypto.encoding import encode_json_bytes, parse_json, sha256_hex
from crypto.errors import ProtocolError, RejectedError
from crypto.receipt import make_receipt
from crypto.record import BoxState
from voting_app.booth.challenges import find_challenged, get_challenged, make_any_challenged
from voting_app.booth.gathering import Gathering, GaveUpError
from voting_app.booth.models import CastingInFlight
from voting_app.booth.presence import Presence
from voting_app.booth.verifier import TooSlowError, Verdict, Verifier
from voting_app.config import Settings
from voting_app.context import Context
from voting_app.elections import service as elections
from voting_app.errors import Problem, get_overloaded
from voting_app.ledger import service as ledger
from voting_app.ledger.service import BallotPlace

# A process keeps what it needs of this many ballot boxes at a time.
_COUNTERS = 32


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
    """A ballot that is being cast. digest: its SHA-256 in hex; was_looked_at: nothing spoke against it when it was
    let in.
    """

    raw: bytes
    digest: str
    credential: str
    arrived_at: datetime
    was_looked_at: bool = False


# What a look at the database says about a ballot: where it stands already, why it is refused, or nothing
# against it.
_Finding = BallotPlace | Problem | None


@dataclass(frozen=True, slots=True)
class _Landed:
    """Where a ballot stands; is_new: it was appended just now, for this very request."""

    place: BallotPlace
    is_new: bool


# What becomes of a ballot: the refusals are returned, because they are no reason to try again those that came with it.
_Outcome = _Landed | Problem | ProtocolError


class Counter:
    """What one process needs to cast ballots into one box. election and credentials never change after
    setup.
    """

    def __init__(self, context: Context, verifiers: "_Verifiers", box_id: int, setup: ledger.Setup) -> None:
        """Parse what the ballots are verified against."""
        settings = context.settings
        self.box_id = box_id
        self.raw_election = setup.election
        self.election: Election = parse_election(setup.election)
        self.credentials: CredentialList = parse_credential_list(self.election.group, setup.credentials)
        self.size_limit = min(max_ballot_size(self.election), settings.max_ballot_bytes)
        self.ballot_start = _make_start(self.election)
        self.service_key = ledger.get_service_key(settings, self.election.uuid)
        terms = self.election.record_terms
        if terms is not None and terms.service_key != self.service_key.public:
            # Receipts that no voter could verify. With the right secret the same ballots are taken.
            raise RuntimeError("the secret is not the one with which this election was set up")
        self.presence = Presence(context.database, box_id)
        self.first_look, self.last_look = _make_looks(has_arrays=not context.database.is_sqlite)
        # Whether the last look let a ballot in; then others that come while it is in flight need not be looked at
        # one by one.
        self.lets_in = False
        self.appending = threading.Lock()
        self.casts = Gathering[_Ballot, _Outcome](
            lambda ballots, hand_over: _cast_together(context, verifiers, self, ballots, hand_over),
            leaders=settings.max_verifications,
            limit=settings.verification_wait_seconds,
        )

    def may_revote(self, calendar: elections.Calendar) -> bool:
        """Whether a later ballot replaces an earlier one: as the election data say, because voters were told so, and
        auditors look (B12). Only where they say nothing does the committee's setting decide.
        """
        terms = self.election.record_terms
        return calendar.revoting if terms is None else terms.revotes


class _Verifiers:
    """The processes that verify for this one, as many as may work at a time; each is started when it is needed."""

    def __init__(self, settings: Settings) -> None:
        self._wait_seconds = settings.verification_wait_seconds
        self._places = threading.BoundedSemaphore(settings.max_verifications)
        # The one that was used last comes first: the others may never have to be started.
        self._idle = [Verifier() for _ in range(settings.max_verifications)]
        self._all = tuple(self._idle)

    def check(self, counter: Counter, ballots: Sequence[bytes]) -> Sequence[Verdict]:
        """Return a verdict for each; Problem 503 `overloaded` if no verifier is free, or done, in time."""
        if not self._places.acquire(timeout=self._wait_seconds):
            raise get_overloaded()
        try:
            verifier = self._idle.pop()
            try:
                return verifier.check(counter.election, counter.raw_election, ballots)
            except TooSlowError:
                raise get_overloaded() from None
            finally:
                self._idle.append(verifier)
        finally:
            self._places.release()

    def close(self) -> None:
        """End the processes."""
        for verifier in self._all:
            verifier.close()

    def forget(self) -> None:
        """In a forked process: leave them to the parent."""
        for verifier in self._all:
            verifier.forget()


class Desk:
    """What one process shares between its casts: parsed elections, and the processes that verify for it.

    Both are for speed and for bounded load only. Nothing that decides about a ballot is kept here.
    """

    def __init__(self, context: Context) -> None:
        """Open the desk of one application."""
        self._context = context
        self._open()
        _desks.add(self)

    def _open(self) -> None:
        self._counters: dict[str, Counter] = {}
        self._loading = threading.Lock()
        self._verifiers = _Verifiers(self._context.settings)

    def close(self) -> None:
        """End what was started for this desk, when no cast is under way; the next cast opens it again.

        It happens by itself when the application is gone, or its process.
        """
        self._verifiers.close()

    def clear(self) -> None:
        """Forget everything: after a fork, locks may be held by threads that are not here, and ballots be counted
        that are cast elsewhere.
        """
        self._verifiers.forget()
        self._open()

    def verify(self, counter: Counter, raw: bytes, credential: str) -> None:
        """Verify one ballot that names this credential; ProtocolError (B1 to B10), Problem 503 `overloaded`."""
        [verdict] = self._verifiers.check(counter, [raw])
        _require_sound(verdict, credential)

    def find_counter(self, uuid: str) -> Counter | None:
        """Return the counter of the box `uuid`, None before its setup; Problem 404 `unknown-election`."""
        counter = self._counters.get(uuid)
        if counter is not None:
            return counter
        # One thread parses a list of perhaps a million credentials; the others wait for it.
        with self._loading:
            counter = self._counters.get(uuid)
            if counter is None:
                counter = _load_counter(self._context, self._verifiers, uuid)
                if counter is not None:
                    while len(self._counters) >= _COUNTERS:
                        del self._counters[next(iter(self._counters))]
                    self._counters[uuid] = counter
        return counter


_desks: "weakref.WeakSet[Desk]" = weakref.WeakSet()


def _clear_desks() -> None:
    for desk in list(_desks):
        desk.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_clear_desks)


def get_counter(context: Context, desk: Desk, uuid: str) -> Counter:
    """Return the counter of the box `uuid`; Problem 404, or 409 `not-open` before its setup."""
    counter = desk.find_counter(uuid)
    if counter is None:
        with context.database.read() as session:
            elections.require_open(session, uuid, context.clock.now())
        raise RuntimeError("an open election has no setup")
    return counter


def cast_ballot(
    context: Context, counter: Counter, raw: bytes, credential: str, arrived_at: datetime
) -> Cast:
    """Put the ballot `raw` (its exact text) into the box, durably, and return its receipt.

    credential: the public credential that the ballot names. The very same ballot again returns the same
    receipt, at any time later. Raises ProtocolError naming the rule (B1 to B10) that the ballot breaks,
    Problem for already-voted, not-open, closed and overloaded; nothing is written then.
    """
    require_listed(counter, credential)
    ballot = _Ballot(raw, sha256_hex(raw), credential, arrived_at)
    if not (counter.lets_in and counter.presence.join()):
        # Before the announcement: a ballot that came too late must not make the end of voting wait.
        [finding] = _look(context, counter, [ballot])
        if finding is not None:
            return _make_cast(counter, raw, _conclude(finding))
        counter.presence.enter()
        ballot = replace(ballot, was_looked_at=True)
    try:
        outcome = counter.casts.submit(ballot)
    except GaveUpError:
        raise get_overloaded() from None
    finally:
        counter.presence.leave()
    return _make_cast(counter, raw, outcome)


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


def _load_counter(context: Context, verifiers: _Verifiers, uuid: str) -> Counter | None:
    with context.database.read() as session:
        box_id = ledger.get_box_id(session, uuid)
        setup = ledger.find_setup(session, box_id)
    return None if setup is None else Counter(context, verifiers, box_id, setup)


def _make_start(election: Election) -> bytes:
    """Return the bytes with which every ballot of this election begins, up to its credential."""
    start = {"election_uuid": election.uuid, "election_hash": election.fingerprint, "credential": ""}
    return encode_json_bytes(start).removesuffix(b'"}')


def require_listed(counter: Counter, credential: str) -> None:
    """Raise RejectedError: rule B4, or B5 for what is no element of the group.

    Before the proofs and the database, because it costs a hundredth of them.
    """
    if counter.credentials.find_text(credential) is None:
        # Of what is not listed, it is told first if it is no credential at all.
        counter.election.group.decode(credential, "B5", "credential", allow_identity=False)
        raise RejectedError("B4", "the credential is not on the list that was fixed at setup")


@cache
def _make_looks(*, has_arrays: bool) -> tuple[Select[Any], Select[Any]]:
    """The statements of the two looks: the calendar of the box, in as many rows as the credentials have ballots
    already, or in one without any. The last look adds the end of the box, and whether one of the ballots was
    challenged.
    """
    calendar = elections.CALENDAR.subquery()
    earlier = ledger.make_ballots_of(has_arrays=has_arrays).subquery()
    last = ledger.LAST_EVENT.subquery()
    found = calendar.outerjoin(earlier, true())
    return (
        select(calendar, earlier).select_from(found),
        select(calendar, earlier, last, make_any_challenged(has_arrays=has_arrays)).select_from(
            found.join(last, true())
        ),
    )


class _View:
    """One moment's look at what speaks against some ballots; what is appended after it is told by `take`."""

    def __init__(
        self, connection: Connection, statement: Select[Any], counter: Counter, ballots: Sequence[_Ballot]
    ) -> None:
        values = {
            "uuid": counter.election.uuid,
            "box_id": counter.box_id,
            "credentials": list({ballot.credential for ballot in ballots}),
            "digests": list({ballot.digest for ballot in ballots}),
        }
        self.rows = connection.execute(statement, values).all()
        if not self.rows:
            raise RuntimeError("a box with a counter has an election and its setup")
        self._calendar = elections.make_calendar(self.rows[0])
        self._may_revote = counter.may_revote(self._calendar)
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
        if not self._may_revote and (earlier or ballot.credential in self._taken):
            return Problem(
                409,
                "already-voted",
                "A ballot was cast with this credential before, and votes are final in this election.",
            )
        return None

    def take(self, ballot: _Ballot) -> None:
        """Count this ballot as cast from here on."""
        self._taken.add(ballot.credential)


def _conclude(finding: BallotPlace | Problem) -> _Landed | Problem:
    return finding if isinstance(finding, Problem) else _Landed(finding, is_new=False)


def _look(context: Context, counter: Counter, ballots: Sequence[_Ballot]) -> list[_Finding]:
    """The first look. Two ballots of one voter may both pass it: only the append decides between them."""
    with context.database.look() as connection:
        view = _View(connection, counter.first_look, counter, ballots)
    findings = [view.look(ballot) for ballot in ballots]
    counter.lets_in = None in findings
    return findings


def _cast_together(
    context: Context,
    verifiers: _Verifiers,
    counter: Counter,
    ballots: Sequence[_Ballot],
    hand_over: Callable[[], None],
) -> list[_Outcome]:
    """Steps 2, 4 and 5 for some ballots. The next ones may be verified while these are appended."""
    outcomes: dict[int, _Outcome] = {}
    for number, finding in _look_at_rest(context, counter, ballots).items():
        if finding is not None:
            outcomes[number] = _conclude(finding)
    left = {number: ballot for number, ballot in enumerate(ballots) if number not in outcomes}
    for number, verdict in zip(left, _verify(verifiers, counter, left.values()), strict=True):
        try:
            _require_sound(verdict, ballots[number].credential)
        except (ProtocolError, Problem) as refusal:
            outcomes[number] = refusal
    hand_over()
    left = {number: ballot for number, ballot in left.items() if number not in outcomes}
    outcomes |= zip(left, _append(context, counter, list(left.values())), strict=True)
    return [outcomes[number] for number in range(len(ballots))]


def _require_sound(verdict: Verdict | Problem, credential: str) -> None:
    """Raise what the verdict says, unless it is that a ballot of this credential is sound."""
    if not isinstance(verdict, str):
        raise verdict
    if verdict != credential:
        raise RuntimeError("two readings of one ballot differ")


def _look_at_rest(context: Context, counter: Counter, ballots: Sequence[_Ballot]) -> dict[int, _Finding]:
    """The first look for those that were let in without it."""
    rest = {number: ballot for number, ballot in enumerate(ballots) if not ballot.was_looked_at}
    return dict(zip(rest, _look(context, counter, list(rest.values())), strict=True)) if rest else {}


def _verify(
    verifiers: _Verifiers, counter: Counter, ballots: Collection[_Ballot]
) -> Sequence[Verdict | Problem]:
    if not ballots:
        return []
    try:
        return verifiers.check(counter, [ballot.raw for ballot in ballots])
    except Problem as problem:
        return [problem] * len(ballots)


def _append(context: Context, counter: Counter, ballots: Sequence[_Ballot]) -> Sequence[_Landed | Problem]:
    """Append verified ballots; durable when this returns."""
    if not ballots:
        return []
    # The other threads of this process wait here rather than for the database.
    with counter.appending, context.database.write_plain() as connection:
        # A statement of its own: the next one must see what was there when the lock was given.
        ledger.lock_box(connection, counter.box_id)
        view = _View(connection, counter.last_look, counter, ballots)
        tail = ledger.make_tail(view.rows[0])
        digests = [ballot.digest for ballot in ballots] if view.rows[0].any_challenged else []
        challenged = find_challenged(connection, counter.box_id, digests)
        findings, fresh = _sort(view, tail.cursor.state, challenged, ballots)
        verified = [(ballot.raw, ballot.credential) for ballot in fresh.values()]
        appended = ledger.append_ballots(connection, counter.box_id, tail, verified)
    ledger.learn(context.database, [landed.height for landed in appended])
    places = {
        digest: BallotPlace(landed.height, landed.event_hash)
        for digest, landed in zip(fresh, appended, strict=True)
    }
    return [
        _Landed(places[ballot.digest], is_new=fresh[ballot.digest] is ballot)
        if finding is None
        else _conclude(finding)
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


def _make_cast(counter: Counter, raw: bytes, outcome: _Outcome) -> Cast:
    """Return the receipt of a ballot that is in the box, or raise why it is not."""
    if isinstance(outcome, Problem):
        # What is no ballot at all is told that first (rule B1), whatever else speaks against it.
        parse_json(raw, "B1")
    if isinstance(outcome, Exception):
        raise outcome
    tracker = ballot_tracker(raw)
    uuid = counter.election.uuid
    height, event_hash = outcome.place.height, outcome.place.event_hash
    receipt = make_receipt(counter.service_key, uuid, tracker, height, event_hash)
    return Cast(tracker, receipt.encode(), outcome.is_new)
