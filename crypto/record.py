"""The order rules of the ballot box, as one table (PROTOCOL §9; rules A4, A6, A7).

``Setup Ballot* EndBallots EncryptedTally [Shuffle+ EndShuffles] PartialDecryption+ Result``, the
bracket iff a question is ranked. Every prefix is a sound, unfinished box. No version of
belenios-tool checks this order; the server and the auditor both do, with this file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from crypto.archive import Event, Record, encode_event, parse_event
from crypto.decryption import parse_owned
from crypto.election import Election
from crypto.encoding import encode_json_bytes, parse_json, require_fields, require_sha256_hex, sha256_hex
from crypto.errors import MalformedError, MisuseError, RejectedError
from crypto.tally import parse_sized_tally


class BoxState(Enum):
    """How far a ballot box has come."""

    EMPTY = "empty"
    VOTING = "voting"
    ENDED = "ended"
    COUNTED = "counted"
    SHUFFLING = "shuffling"
    SHUFFLED = "shuffled"
    DECRYPTING = "decrypting"
    DONE = "done"


_S = BoxState
TRANSITIONS: dict[tuple[BoxState, str], BoxState] = {
    (_S.EMPTY, "Setup"): _S.VOTING,
    (_S.VOTING, "Ballot"): _S.VOTING,
    (_S.VOTING, "EndBallots"): _S.ENDED,
    (_S.ENDED, "EncryptedTally"): _S.COUNTED,
    (_S.COUNTED, "Shuffle"): _S.SHUFFLING,
    (_S.SHUFFLING, "Shuffle"): _S.SHUFFLING,
    (_S.SHUFFLING, "EndShuffles"): _S.SHUFFLED,
    (_S.COUNTED, "PartialDecryption"): _S.DECRYPTING,
    (_S.SHUFFLED, "PartialDecryption"): _S.DECRYPTING,
    (_S.DECRYPTING, "PartialDecryption"): _S.DECRYPTING,
    (_S.DECRYPTING, "Result"): _S.DONE,
}
# What follows the encrypted tally depends on whether ballots must be shuffled first.
_ONLY_RANKED = {(_S.COUNTED, "Shuffle")}
_NEVER_RANKED = {(_S.COUNTED, "PartialDecryption")}

# The data records right before an event, in order; the last one is its payload.
DATA_BEFORE: dict[str, tuple[str, ...]] = {
    "Setup": ("election", "trustees", "credentials", "setup"),
    "Ballot": ("ballot",),
    "EndBallots": (),
    "EncryptedTally": ("encrypted_tally", "sized_tally"),
    "Shuffle": ("shuffle", "owned"),
    "EndShuffles": (),
    "PartialDecryption": ("partial_decryption", "owned"),
    "Result": ("result",),
}


def next_state(state: BoxState, event_type: str, *, ranking: bool) -> BoxState:
    """The state after an event; RejectedError (A7) if it is out of order."""
    step = (state, event_type)
    if step not in TRANSITIONS or step in (_NEVER_RANKED if ranking else _ONLY_RANKED):
        raise RejectedError("A7", f"a {event_type} event cannot follow when the box is {state.value}")
    return TRANSITIONS[step]


@dataclass(frozen=True, slots=True)
class Setup:
    """The hashes of the three records that fix an election."""

    election: str
    trustees: str
    credentials: str

    def encode(self) -> bytes:
        return encode_json_bytes(
            {"election": self.election, "trustees": self.trustees, "credentials": self.credentials}
        )


def parse_setup(raw: bytes) -> Setup:
    """Rule S2's record."""
    fields = require_fields(parse_json(raw, "S2"), ("election", "trustees", "credentials"), "S2")
    return Setup(*(require_sha256_hex(fields[key], "S2", key) for key in fields))


def make_setup(election: bytes, trustees: bytes, credentials: bytes) -> bytes:
    """The setup record of these three records."""
    return Setup(sha256_hex(election), sha256_hex(trustees), sha256_hex(credentials)).encode()


def _required_hashes(event_type: str, payload: bytes) -> tuple[str, tuple[str, ...]]:
    """Which hashes the payload says that the records before it have, and the rule that says so."""
    if event_type == "Setup":
        setup = parse_setup(payload)
        return "S2", (setup.election, setup.trustees, setup.credentials)
    if event_type == "EncryptedTally":
        return "C2", (parse_sized_tally(payload).encrypted_tally,)
    if event_type in ("Shuffle", "PartialDecryption"):
        return "D1", (parse_owned(payload).payload,)
    return "A4", ()


@dataclass(frozen=True, slots=True)
class Cursor:
    """The end of a box: its state and the event that a next one must name as parent."""

    state: BoxState = BoxState.EMPTY
    height: int = -1
    head: str | None = None
    ranking: bool = False

    def next_event(self, event_type: str, payload: str | None) -> Event:
        """The event that would come next; RejectedError (A7) if its type may not."""
        next_state(self.state, event_type, ranking=self.ranking)
        return Event(self.height + 1, event_type, self.head, payload)

    def advance(self, event: Event, event_hash: str, data: Sequence[tuple[str, bytes]]) -> Cursor:
        """The cursor after ``event`` with ``data`` = [(hash, body)…] before it.

        Rules A4 (exactly the right data), A6 (height and parent), A7 (order), and S2, C2, D1 (the
        payload names the records before it).
        """
        where = f"event {event.height} ({event.type})"
        if event.height != self.height + 1:
            raise RejectedError("A6", f"height {self.height + 1} was expected", where)
        if event.parent != self.head:
            raise RejectedError("A6", "the parent is not the event before", where)
        state = next_state(self.state, event.type, ranking=self.ranking)
        roles = DATA_BEFORE[event.type]
        if len(data) != len(roles):
            raise RejectedError("A4", f"{len(roles)} data records were expected, {len(data)} found", where)
        if roles:
            digest, payload = data[-1]
            if event.payload != digest:
                raise RejectedError("A4", "the payload is not the data record right before", where)
            rule, hashes = _required_hashes(event.type, payload)
            if hashes and hashes != tuple(item[0] for item in data[:-1]):
                raise RejectedError(rule, "the payload does not name the data records before it", where)
        return replace(self, state=state, height=event.height, head=event_hash)

    def with_election(self, election: Election) -> Cursor:
        """After Setup: whether ballots of this election must be shuffled."""
        return replace(self, ranking=bool(election.shuffled_questions))


@dataclass(frozen=True, slots=True)
class Entry:
    """One event with its data records: ``offset`` of the first byte, ``end`` after the last."""

    event: Event
    hash: str
    data: tuple[bytes, ...]
    offset: int
    end: int
    data_offset: int

    @property
    def payload(self) -> bytes:
        """The body of the last data record."""
        if not self.data:
            raise MisuseError(f"a {self.event.type} event has no payload")
        return self.data[-1]


class EntryReader:
    """Groups a stream of records into entries and enforces the order rules on the way.

    After the Setup entry the caller must set ``cursor`` through ``with_election``.
    """

    def __init__(self) -> None:
        self.cursor = Cursor()
        self._pending: list[Record] = []

    def feed(self, record: Record) -> Iterator[Entry]:
        """At most one entry: the one that this record completes."""
        if record.kind == "header":
            return
        if record.kind == "data":
            self._pending.append(record)
            longest = max(len(roles) for roles in DATA_BEFORE.values())
            if len(self._pending) > longest:
                raise RejectedError("A4", "data records that belong to no event", self._where())
            return
        event = parse_event(record.body)
        data = [(item.hash, item.body) for item in self._pending]
        self.cursor = self.cursor.advance(event, record.hash, data)
        first = self._pending[0] if self._pending else record
        last = self._pending[-1] if self._pending else record
        self._pending = []
        end = record.offset + record.size
        yield Entry(event, record.hash, tuple(body for _, body in data), first.offset, end, last.offset)

    def close(self) -> None:
        """Raises MalformedError (A4) if data records stand at the end without their event."""
        if self._pending:
            raise MalformedError("A4", "the file ends with data that belong to no event", self._where())

    def _where(self) -> str:
        return f"record at byte {self._pending[-1].offset}"


def encode_entry_event(cursor: Cursor, event_type: str, bodies: Sequence[bytes]) -> tuple[bytes, Cursor]:
    """The writer's side: the event's text for these data bodies, and the cursor after it.

    The same rules as in reading apply, so a server cannot append what an auditor would refuse.
    """
    data = [(sha256_hex(body), body) for body in bodies]
    event = cursor.next_event(event_type, data[-1][0] if data else None)
    raw = encode_event(event)
    return raw, cursor.advance(event, sha256_hex(raw), data)
