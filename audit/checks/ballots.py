"""Ballots (rules B1–B14) and the product of the counted ones.

Ballots are verified in chunks. A chunk is a plain value (path and byte ranges), so that another
process can take it. Kept per credential: where its last ballot stands (12 bytes); per revote: a
hash and a place. A copy of a ballot has the same credential, so copies are looked for there only.
"""

from __future__ import annotations

import hashlib
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.checks.setup import SetupFacts
from audit.findings import Findings
from crypto.ballot import parse_ballot, verify_ballot
from crypto.checker import PlainChecker
from crypto.election import Election
from crypto.errors import ProtocolError, RejectedError
from crypto.groups.fixed_base import FixedBases
from crypto.questions import ListsQuestion, NonHomomorphicQuestion
from crypto.record import Entry
from crypto.result import Result
from crypto.tally import EncryptedTally, TallyAccumulator

CHUNK = 64
_NOWHERE = -1


@dataclass(frozen=True, slots=True)
class Place:
    """Where a ballot's text stands in the file, and the height of its event."""

    height: int
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """Consecutive ballots of one file: a task that any process can do."""

    path: Path
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class Seen:
    """One ballot: its credential's place in the list, the hash of its text, or what is wrong."""

    place: Place
    credential: int
    digest: bytes
    error: ProtocolError | None


@dataclass(frozen=True, slots=True)
class ChunkResult:
    """``tally`` is the weighted product of the chunk's good ballots."""

    seen: tuple[Seen, ...]
    tally: EncryptedTally


def _read(chunk: Chunk) -> Iterator[tuple[Place, bytes]]:
    first, last = chunk.places[0], chunk.places[-1]
    with chunk.path.open("rb") as file:
        file.seek(first.offset)
        data = file.read(last.offset + last.length - first.offset)
    for place in chunk.places:
        start = place.offset - first.offset
        yield place, data[start : start + place.length]


def verify_chunk(
    setup: SetupFacts, tables: FixedBases[Any], ballots: Iterable[tuple[Place, bytes]]
) -> ChunkResult:
    """Every rule that concerns one ballot alone: B1 to B10, B13, B14."""
    election, checker = setup.election, PlainChecker(setup.election.group, tables)
    tally = TallyAccumulator(election)
    seen: list[Seen] = []
    for place, raw in ballots:
        record = checker.record = f"ballot at height {place.height}"
        digest = hashlib.sha256(raw).digest()
        try:
            ballot = parse_ballot(election, raw)
            credential = setup.credentials.find(ballot.credential)
            if credential is None:
                raise RejectedError("B4", "its credential is not in the list", record)
            verify_ballot(election, ballot, checker)
            checker.finish()
        except ProtocolError as error:
            seen.append(Seen(place, _NOWHERE, digest, error.at(record)))
            continue
        tally.add(ballot, setup.credentials.weight(credential))
        seen.append(Seen(place, credential, digest, None))
    return ChunkResult(tuple(seen), tally.tally())


def make_tables(setup: SetupFacts) -> FixedBases[Any]:
    """Tables for the one base that every ballot uses twice a proof."""
    return setup.election.group.make_tables([setup.election.public_key])


_worker: list[tuple[SetupFacts, FixedBases[Any]]] = []


def start_worker(setup: SetupFacts) -> None:
    """Gives a worker process what all chunks share."""
    _worker[:] = [(setup, make_tables(setup))]


def _work(chunk: Chunk) -> ChunkResult:
    setup, tables = _worker[0]
    return verify_chunk(setup, tables, _read(chunk))


class BallotCheck:
    """Takes ballots in order; ``finish`` gives the product of those that count."""

    def __init__(
        self,
        path: Path,
        setup: SetupFacts,
        findings: Findings,
        pool: ProcessPoolExecutor | None,
        jobs: int,
        progress: Callable[[int], None],
    ) -> None:
        self._path, self._setup, self._findings, self._pool = path, setup, findings, pool
        self._jobs, self._progress = jobs, progress
        self._tally, self._tables = TallyAccumulator(setup.election), make_tables(setup)
        count = len(setup.credentials)
        self._offsets = array("q", [_NOWHERE]) * count
        self._lengths = array("l", [0]) * count
        self._superseded = (array("q"), array("l"))
        self._earlier: set[bytes] = set()
        self._waiting: list[tuple[Place, bytes]] = []
        self._running: deque[Future[ChunkResult]] = deque()
        self.revoted_at: int | None = None
        self.ballots = 0
        self.counted = 0
        self.counted_weight = 0
        self.all_good = True

    def add(self, entry: Entry) -> None:
        """The next Ballot entry."""
        self.ballots += 1
        place = Place(entry.event.height, entry.data_offset + 512, len(entry.payload))
        self._waiting.append((place, entry.payload if self._pool is None else b""))
        if len(self._waiting) >= CHUNK:
            self._dispatch()

    def _dispatch(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        if self._pool is None:
            self._absorb(verify_chunk(self._setup, self._tables, waiting))
            return
        chunk = Chunk(self._path, tuple(place for place, _ in waiting))
        self._running.append(self._pool.submit(_work, chunk))
        while len(self._running) > 3 * self._jobs:
            self._absorb(self._running.popleft().result())

    def _absorb(self, result: ChunkResult) -> None:
        for seen in result.seen:
            if seen.error is not None:
                self._findings.failed(seen.error)
                self.all_good = False
            else:
                self._place(seen)
        self._tally.merge(result.tally)
        self._progress(len(result.seen))

    def _place(self, seen: Seen) -> None:
        """A later ballot of a credential replaces the earlier one; a copy is a finding (B11), and any where votes are
        final (B12)."""
        index = seen.credential
        if self._offsets[index] == _NOWHERE:
            self.counted += 1
            self.counted_weight += self._setup.credentials.weight(index)
        else:
            where = f"ballot at height {seen.place.height}"
            self.revoted_at = seen.place.height if self.revoted_at is None else self.revoted_at
            terms = self._setup.election.record_terms
            if terms is not None and not terms.revotes:
                self._findings.failed(RejectedError("B12", "votes are final, but it replaces another", where))
            before = Place(-1, self._offsets[index], self._lengths[index])
            self._earlier.add(self._digest(before))
            if seen.digest in self._earlier:
                self._findings.failed(RejectedError("B11", "the same ballot was already cast", where))
                self.all_good = False
            for column, number in zip(self._superseded, (before.offset, before.length), strict=True):
                column.append(number)
        self._offsets[index], self._lengths[index] = seen.place.offset, seen.place.length

    def _digest(self, place: Place) -> bytes:
        [(_, raw)] = _read(Chunk(self._path, (place,)))
        return hashlib.sha256(raw).digest()

    def flush(self) -> None:
        """Waits until every ballot so far was checked."""
        self._dispatch()
        while self._running:
            self._absorb(self._running.popleft().result())

    def tally(self) -> EncryptedTally:
        """The weighted product of the counted ballots: all good ones but the superseded."""
        self.flush()
        election = self._setup.election
        for offset, length in zip(*self._superseded, strict=True):
            self._remove(election, Place(-1, offset, length))
        self._superseded = (array("q"), array("l"))
        return self._tally.tally()

    def _remove(self, election: Election, place: Place) -> None:
        [(_, raw)] = _read(Chunk(self._path, (place,)))
        ballot = parse_ballot(election, raw)
        index = self._setup.credentials.find(ballot.credential)
        self._tally.remove(ballot, self._setup.credentials.weight(index) if index is not None else 0)


def make_pool(setup: SetupFacts, jobs: int) -> ProcessPoolExecutor | None:
    """Worker processes that know ``setup``; none for one job."""
    if jobs <= 1:
        return None
    return ProcessPoolExecutor(jobs, initializer=start_worker, initargs=(setup,))


def unanimous(election: Election, result: Result, weight: int) -> bool:
    """Whether the result shows that all voted alike: then it reveals everybody's vote."""
    if weight == 0:
        return False
    for question, row in zip(election.questions, result, strict=True):
        if isinstance(question, NonHomomorphicQuestion):
            if any(ballot != row[0] for ballot in row):
                return False
            continue
        counts = [count for part in row for count in part] if isinstance(question, ListsQuestion) else row
        if any(count not in (0, weight) for count in counts):
            return False
    return True
