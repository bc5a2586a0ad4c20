"""The record: appending to it, looking into it, publishing it.

Functions that write need a session of `Database.write()`, and the caller's transaction is the unit: what
they append is durable when that transaction has ended, not before. Two appends to one box never run at a
time: on SQLite the write transaction is alone, on PostgreSQL `lock_box` makes the second wait.
"""

import base64
import binascii
from bisect import bisect_right
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields, replace
from itertools import accumulate
from typing import Any, cast

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import (
    ARRAY,
    Select,
    String,
    Table,
    TextClause,
    any_,
    bindparam,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from crypto.archive import encode_header_record, encode_record, header_bytes, record_size
from crypto.election import parse_election
from crypto.encoding import encode_base64, is_sha256_hex, parse_json, sha256_hex
from crypto.errors import MisuseError
from crypto.journal import first_line, make_seal, next_line
from crypto.receipt import ServiceKey
from crypto.record import BoxState, Cursor, encode_entry_event
from voting_app.config import Settings
from voting_app.db import Database, Transaction, get_connection
from voting_app.errors import Problem
from voting_app.ledger.models import JournalRow, LedgerBox, LedgerData, LedgerEvent

BALLOT = "Ballot"
SETUP = "Setup"
END_BALLOTS = "EndBallots"

# At these heights PostgreSQL should look at the tables again: they have grown much since the last time, and for a table
# of a page or two every plan is as good as another.
_HEIGHTS_TO_LEARN = frozenset({50, 500, 5_000})

# A published archive is read in pieces of about this many bytes, each in a transaction of its own.
_PIECE_BYTES = 1 << 20
_PIECE_EVENTS = 400
_PIECE_LINES = 500


@dataclass(frozen=True, slots=True)
class Appended:
    """Where an event landed. position: byte at which its first record begins; length: of the archive with
    it, in bytes.
    """

    height: int
    event_hash: str
    position: int
    length: int


@dataclass(frozen=True, slots=True)
class Head:
    """The newest event of a box: height −1 and no hash before Setup. length: of the archive, in bytes."""

    height: int
    event_hash: str | None
    length: int


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of a box. position: byte at which the next event's first record begins."""

    cursor: Cursor
    position: int


@dataclass(frozen=True, slots=True)
class BallotPlace:
    """Where a ballot stands."""

    height: int
    event_hash: str


# Every ballot passes through these statements. Made once, and on tables instead of classes, they take a quarter of the
# time. Those for looking are for others to build on: one statement that looks at several things costs little more than
# one that looks at one.
_box = cast(Table, LedgerBox.__table__)
_event = cast(Table, LedgerEvent.__table__)
_data = cast(Table, LedgerData.__table__)
# The newest event of a box: none before Setup.
LAST_EVENT = (
    select(
        _event.c.height,
        _event.c.state.label("box_state"),
        _event.c.hash.label("head"),
        _event.c.end_position.label("length"),
    )
    .where(_event.c.box_id == bindparam("box_id"))
    .order_by(_event.c.height.desc())
    .limit(1)
)


def make_ballots_of(*, has_arrays: bool) -> Select[Any]:
    """The statement that says where the ballots of some public credentials stand.

    has_arrays: on PostgreSQL they are one value, so that the statement is the same however many they are, and is
    planned once.
    """
    return (
        select(
            _data.c.credential,
            _data.c.hash.label("digest"),
            _event.c.height.label("ballot_height"),
            _event.c.hash.label("ballot_event"),
        )
        .join(_event, (_event.c.box_id == _data.c.box_id) & (_event.c.height == _data.c.height))
        .where(
            _data.c.box_id == bindparam("box_id"),
            _data.c.credential == any_(bindparam("credentials", type_=ARRAY(String)))
            if has_arrays
            else _data.c.credential.in_(bindparam("credentials", expanding=True)),
        )
    )


@dataclass(frozen=True, slots=True)
class Setup:
    """The four data records of the Setup event, as bytes."""

    election: bytes
    trustees: bytes
    credentials: bytes
    setup: bytes


# --- boxes -------------------------------------------------------------------------------------------------


def get_service_key(settings: Settings, uuid: str) -> ServiceKey:
    """Return the Ed25519 key that signs the receipts and seals of the box `uuid`.

    It is derived from the installation's secret, so that it stands in no database and no backup of one.
    All app hosts of an installation share the secret; who loses it can't seal any more.
    """
    info = b"steward-service-key|" + uuid.encode()
    return ServiceKey(HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(settings.secret))


def create_box(session: Session, uuid: str, timestamp: int, *, service_key: ServiceKey) -> int:
    """Make an empty box with the first line of its journal and return its id.

    timestamp: seconds; it stands in every record of the archive, so it tells nothing about any ballot.
    """
    box = LedgerBox(uuid=uuid, timestamp=timestamp)
    session.add(box)
    session.flush()
    _add_line(session, box.id, 0, "journal", None, first_line(uuid, service_key.public))
    return box.id


def get_box_id(session: Session, uuid: str) -> int:
    """Return the id of the box `uuid`; Problem 404 `unknown-election`."""
    box_id = find_box(session, uuid)
    if box_id is None:
        raise Problem(404, "unknown-election", "There is no election with this address.")
    return box_id


def find_box(session: Session, uuid: str) -> int | None:
    """Return the id of the box `uuid`, or None."""
    return session.scalar(select(LedgerBox.id).where(LedgerBox.uuid == uuid))


def lock_box(transaction: Transaction, box_id: int, *, exclusive: bool = False) -> None:
    """Wait until no other transaction appends to this box, and keep others waiting until this one ends.

    exclusive: also wait for ballots that are just arriving (rows that point at the box), and keep them
    waiting. Whoever ends the voting locks so, then counts the ballots in flight, then appends. On SQLite a
    write transaction is alone anyway.
    """
    if _has_row_locks(transaction):
        _lock(transaction, box_id, exclusive=exclusive)


def lock_arrival(transaction: Transaction, box_id: int) -> None:
    """Keep an exclusive lock of this box away until this transaction ends; any number of arrivals hold this."""
    if _has_row_locks(transaction):
        get_connection(transaction).execute(_LOCK_ARRIVAL, {"box_id": box_id}).one()


def read_ballot_place(row: Any) -> BallotPlace | None:
    """Return where the ballot of a row of `make_ballots_of` stands; None if the row was joined and has no ballot."""
    return None if row.digest is None else BallotPlace(row.ballot_height, row.ballot_event)


def make_tail(row: Any) -> Tail:
    """Return what a row of LAST_EVENT says of where the next event goes."""
    return Tail(Cursor(BoxState(row.box_state), row.height, row.head), row.length)


def box_state(session: Session, box_id: int) -> BoxState:
    """Return the state of the box after its newest event."""
    row = _find_last(session, box_id)
    return BoxState.EMPTY if row is None else BoxState(row.box_state)


def head(session: Session, box_id: int) -> Head:
    """Return the newest event's height and hash, and the length of the archive."""
    row = _find_last(session, box_id)
    if row is None:
        return Head(-1, None, len(encode_header_record(_get_timestamp(session, box_id))))
    return Head(row.height, row.head, row.length)


# --- appending ---------------------------------------------------------------------------------------------


def append(session: Session, box_id: int, event_type: str, bodies: Sequence[bytes] = ()) -> Appended:
    """Append an event with its data records (PROTOCOL §9) and return where it landed.

    bodies: the data records in the order of crypto.record.DATA_BEFORE; the last one is the payload. They are stored
    as they are: whoever calls has verified them. Raises RejectedError: A7 if the box's state does not allow the
    event; A4, S2, C2 or D1 if its data are not the right ones.
    """
    # For what is not a ballot, arrivals wait too: so EndBallots comes after everything that arrived before it.
    timestamp = _lock(session, box_id, exclusive=event_type != BALLOT)
    row = _find_last(session, box_id)
    tail = Tail(Cursor(), len(encode_header_record(timestamp))) if row is None else make_tail(row)
    cursor = replace(tail.cursor, ranking=_has_ranking(session, box_id, event_type))
    credential = _get_credential(bodies[-1]) if event_type == BALLOT and bodies else None
    return _append(session, box_id, event_type, Tail(cursor, tail.position), [(bodies, credential)])[0]


def append_ballots(
    transaction: Transaction, box_id: int, tail: Tail, ballots: Sequence[tuple[bytes, str]]
) -> list[Appended]:
    """Append verified ballots, an event for each, in their order; the whole costs little more than one.

    tail: found in this transaction after `lock_box`, so that nothing can have been appended since. ballots: each with
    its public credential, as it was verified.
    """
    entries = [([ballot], credential) for ballot, credential in ballots]
    return _append(transaction, box_id, BALLOT, tail, entries) if entries else []


def learn(database: Database, heights: Collection[int]) -> None:
    """Tell PostgreSQL that the record's tables have grown, if these events are the ones to tell it after.

    The plans that its connections have made for small tables read a whole table for each ballot. For whoever has
    appended.
    """
    if not _HEIGHTS_TO_LEARN.isdisjoint(heights):
        # What was appended stands, whatever becomes of this.
        with suppress(SQLAlchemyError):
            # The columns that are searched.
            database.learn(
                f"{_event.name} (box_id, height, hash, parent, end_position)",
                f"{_data.name} (box_id, height, hash, credential)",
            )


def append_journal(
    session: Session,
    box_id: int,
    kind: str,
    actor: str,
    payload: dict[str, Any],
) -> None:
    """Append a line to the box's journal (DESIGN §11).

    actor: "role:number", "service:0" for acts of the service.
    """
    _lock(session, box_id, exclusive=False)
    previous = _get_last_line(session, box_id)
    height, box_head = _get_place(session, box_id)
    line = next_line(
        previous.body, box_height=height, box_head=box_head, kind=kind, actor=actor, payload=payload
    )
    _add_line(session, box_id, previous.height + 1, kind, previous.hash, line)


def seal(session: Session, box_id: int, service_key: ServiceKey) -> None:
    """Append a seal: the service's signature over the journal so far."""
    _lock(session, box_id, exclusive=False)
    previous = _get_last_line(session, box_id)
    height, box_head = _get_place(session, box_id)
    line = make_seal(previous.body, service_key, box_height=height, box_head=box_head)
    _add_line(session, box_id, previous.height + 1, "seal", previous.hash, line)


# --- looking -----------------------------------------------------------------------------------------------


def find_ballot(session: Session, box_id: int, name: str) -> BallotPlace | None:
    """Return where the ballot with this tracker (base64) or SHA-256 (hex) stands, or None."""
    digest = name if is_sha256_hex(name) else _find_hex(name)
    if digest is None:
        return None
    row = session.execute(
        select(LedgerEvent.height, LedgerEvent.hash)
        .join(
            LedgerData,
            (LedgerData.box_id == LedgerEvent.box_id) & (LedgerData.height == LedgerEvent.height),
        )
        .where(LedgerData.box_id == box_id, LedgerData.hash == digest, LedgerData.credential.is_not(None))
    ).one_or_none()
    return None if row is None else BallotPlace(row.height, row.hash)


def has_voted(session: Session, box_id: int, credential: str) -> bool:
    """Whether a ballot of this public credential is in the box."""
    statement = make_ballots_of(has_arrays=False)
    return session.execute(statement, {"box_id": box_id, "credentials": [credential]}).first() is not None


def count_ballots(session: Session, box_id: int) -> int:
    """Return how many ballots are in the box, superseded ones included."""
    return _count(session, func.count(), box_id)


def count_voters(session: Session, box_id: int) -> int:
    """Return how many different credentials have a ballot in the box."""
    return _count(session, func.count(LedgerData.credential.distinct()), box_id)


def read_object(session: Session, box_id: int, name: str) -> bytes | None:
    """Return the body of the data record or event with this SHA-256 (hex), or None."""
    if not is_sha256_hex(name):
        return None
    body = session.scalar(
        select(LedgerData.body).where(LedgerData.box_id == box_id, LedgerData.hash == name).limit(1)
    )
    if body is not None:
        return body
    return session.scalar(
        select(LedgerEvent.body).where(LedgerEvent.box_id == box_id, LedgerEvent.hash == name)
    )


def find_setup(session: Session, box_id: int) -> Setup | None:
    """Return the data of the Setup event, or None before it. It never changes again."""
    rows = session.scalars(
        select(LedgerData.body)
        .where(LedgerData.box_id == box_id, LedgerData.height == 0)
        .order_by(LedgerData.ordinal)
    ).all()
    return Setup(*rows) if rows else None


def find_election_data(session: Session, box_id: int) -> bytes | None:
    """Return the election data of the Setup event, or None before it."""
    return find_setup_record(session, box_id, "election")


def find_setup_record(session: Session, box_id: int, name: str) -> bytes | None:
    """Return one data record of the Setup event (a field of `Setup`), or None before it: the list of
    credentials may be large, and who does not ask for it should not read it.
    """
    ordinal = [field.name for field in fields(Setup)].index(name)
    return session.scalar(
        select(LedgerData.body).where(
            LedgerData.box_id == box_id, LedgerData.height == 0, LedgerData.ordinal == ordinal
        )
    )


def read_data(session: Session, box_id: int, event_type: str) -> list[list[bytes]]:
    """Return the data records of every event of this type, in the box's order: one list for each event.
    Not for ballots.
    """
    if event_type == BALLOT:
        raise MisuseError("ballots are read piece by piece: iter_ballots")
    rows = session.execute(
        select(LedgerData.height, LedgerData.body)
        .join(
            LedgerEvent,
            (LedgerData.box_id == LedgerEvent.box_id) & (LedgerData.height == LedgerEvent.height),
        )
        .where(LedgerEvent.box_id == box_id, LedgerEvent.type == event_type)
        .order_by(LedgerData.height, LedgerData.ordinal)
    )
    found: dict[int, list[bytes]] = {}
    for height, body in rows:
        found.setdefault(height, []).append(body)
    return list(found.values())


def iter_ballots(database: Database, box_id: int) -> Iterator[bytes]:
    """Give every ballot of the box in its order, superseded ones included; no transaction stays open
    between two.
    """
    height = -1
    while True:
        with database.read() as session:
            rows = session.execute(
                select(LedgerData.height, LedgerData.body)
                .where(
                    LedgerData.box_id == box_id,
                    LedgerData.height > height,
                    LedgerData.credential.is_not(None),
                )
                .order_by(LedgerData.height)
                .limit(_PIECE_EVENTS)
            ).all()
        if not rows:
            return
        yield from (row.body for row in rows)
        height = rows[-1].height


# --- publishing --------------------------------------------------------------------------------------------


def read_header_body(session: Session, box_id: int) -> bytes:
    """Return the body of the archive's first record."""
    return header_bytes(_get_timestamp(session, box_id))


def iter_archive(database: Database, box_id: int, start: int = 0, end: int | None = None) -> Iterator[bytes]:
    """Give the bytes [start, end) of the box's archive in pieces; end=None: up to its present length.

    Each piece is read in a short transaction of its own, which is sound because nothing that was published
    ever changes.
    """
    with database.read() as session:
        now = head(session, box_id)
        timestamp = _get_timestamp(session, box_id)
    end = now.length if end is None else min(end, now.length)
    header = encode_header_record(timestamp)
    if start < min(len(header), end):
        yield header[start:end]
        start = min(len(header), end)
    height = None
    while start < end:
        with database.read() as session:
            if height is None:
                height = _get_height_at(session, box_id, start)
            piece, position, height = _read_piece(session, box_id, height, end, timestamp)
        if position < start:
            piece = piece[start - position :]
            position = start
        piece = piece[: end - position]
        yield piece
        start = position + len(piece)


def journal_head(session: Session, box_id: int) -> tuple[int, str | None]:
    """Return how many lines the journal has and the hash of the last one."""
    row = session.execute(
        select(JournalRow.height, JournalRow.hash)
        .where(JournalRow.box_id == box_id)
        .order_by(JournalRow.height.desc())
        .limit(1)
    ).one_or_none()
    return (0, None) if row is None else (row.height + 1, row.hash)


def read_journal(
    session: Session, box_id: int, *, kinds: Collection[str] = (), start: int = 0, count: int | None = None
) -> list[bytes]:
    """Return lines of the journal without their line feeds: of some `kinds` or of all, from height `start` on, at
    most `count`.
    """
    query = select(JournalRow.body).where(JournalRow.box_id == box_id, JournalRow.height >= start)
    if kinds:
        query = query.where(JournalRow.kind.in_(kinds))
    return list(session.scalars(query.order_by(JournalRow.height).limit(count)))


def count_lines(session: Session, box_id: int, kind: str) -> int:
    """Return how many lines of this kind the journal has."""
    statement = select(func.count()).where(JournalRow.box_id == box_id, JournalRow.kind == kind)
    return session.scalar(statement) or 0


def iter_journal(database: Database, box_id: int, lines: int | None = None) -> Iterator[bytes]:
    """Give the journal line by line, each with its line feed, up to the number of `lines`."""
    height = 0
    while lines is None or height < lines:
        with database.read() as session:
            rows = session.scalars(
                select(JournalRow.body)
                .where(JournalRow.box_id == box_id, JournalRow.height >= height)
                .order_by(JournalRow.height)
                .limit(_PIECE_LINES if lines is None else min(_PIECE_LINES, lines - height))
            ).all()
        if not rows:
            return
        for body in rows:
            yield body + b"\n"
        height += len(rows)


# --- inside ------------------------------------------------------------------------------------------------

_LOCK_TO_APPEND = (
    select(_box.c.timestamp).where(_box.c.id == bindparam("box_id")).with_for_update(key_share=True)
)
_LOCK_ALONE = select(_box.c.timestamp).where(_box.c.id == bindparam("box_id")).with_for_update()
_LOCK_ARRIVAL = (
    select(_box.c.timestamp)
    .where(_box.c.id == bindparam("box_id"))
    .with_for_update(read=True, key_share=True)
)


def _make_bulk_insert(table: Table) -> TextClause:
    """One statement for PostgreSQL, with an array for each column: however many rows there are, it is planned,
    sent, and looked at by the triggers once.
    """
    names = ", ".join(column.name for column in table.columns)
    types = ((column.name, column.type.compile(postgresql.dialect())) for column in table.columns)
    arrays = ", ".join(f"CAST(:{name} AS {kind}[])" for name, kind in types)
    # The names are those of the model.
    return text(f"INSERT INTO {table.name} ({names}) SELECT * FROM unnest({arrays})")  # noqa: S608


_BULK_INSERTS = {table.name: _make_bulk_insert(table) for table in (_event, _data)}


def _append(
    transaction: Transaction,
    box_id: int,
    event_type: str,
    tail: Tail,
    entries: Sequence[tuple[Sequence[bytes], str | None]],
) -> list[Appended]:
    """Append one event of the type for each entry: its data records, and the credential if it is a ballot."""
    cursor, position = tail.cursor, tail.position
    data: list[dict[str, Any]] = []
    events: list[dict[str, Any]] = []
    for bodies, credential in entries:
        parent = cursor.head
        # The same rules as the auditor's: what it would refuse is never stored.
        raw, cursor = encode_entry_event(cursor, event_type, bodies)
        length = position + sum(record_size(len(body)) for body in (*bodies, raw))
        data += [
            {
                "box_id": box_id,
                "height": cursor.height,
                "ordinal": ordinal,
                "hash": sha256_hex(body),
                "credential": credential,
                "body": body,
            }
            for ordinal, body in enumerate(bodies)
        ]
        events.append(
            {
                "box_id": box_id,
                "height": cursor.height,
                "type": event_type,
                "state": cursor.state.value,
                "hash": cursor.head,
                "parent": parent,
                "body": raw,
                "position": position,
                "end_position": length,
            }
        )
        position = length
    if data:
        _add(transaction, _data, data)
    _add(transaction, _event, events)
    return [Appended(e["height"], e["hash"], e["position"], e["end_position"]) for e in events]


def _add(transaction: Transaction, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    connection = get_connection(transaction)
    if connection.dialect.name == "sqlite":
        connection.execute(table.insert(), rows)
    else:
        columns = {column.name: [row[column.name] for row in rows] for column in table.columns}
        connection.execute(_BULK_INSERTS[table.name], columns)


def _has_row_locks(transaction: Transaction) -> bool:
    """Whether rows can be locked; on SQLite a write transaction is alone, and asking would be all that is done."""
    return get_connection(transaction).dialect.name != "sqlite"


def _lock(transaction: Transaction, box_id: int, *, exclusive: bool) -> int:
    """Lock the box's row and return its timestamp; SQLite ignores the lock and needs none."""
    statement = _LOCK_ALONE if exclusive else _LOCK_TO_APPEND
    return int(get_connection(transaction).execute(statement, {"box_id": box_id}).scalar_one())


def _get_timestamp(session: Session, box_id: int) -> int:
    return session.scalars(select(LedgerBox.timestamp).where(LedgerBox.id == box_id)).one()


def _find_last(transaction: Transaction, box_id: int) -> Any:
    return get_connection(transaction).execute(LAST_EVENT, {"box_id": box_id}).one_or_none()


def _get_place(session: Session, box_id: int) -> tuple[int, str | None]:
    """Return the box's height and head for a journal line: −1 and None before Setup."""
    row = _find_last(session, box_id)
    return (-1, None) if row is None else (row.height, row.head)


def _has_ranking(session: Session, box_id: int, event_type: str) -> bool:
    """Whether the election has questions whose ballots are shuffled; only events after the voting depend
    on it.
    """
    if event_type in {SETUP, BALLOT, END_BALLOTS}:
        return False
    raw = find_election_data(session, box_id)
    return raw is not None and any(
        getattr(q, "kind", "") == "NonHomomorphic" for q in parse_election(raw).questions
    )


def _get_credential(ballot: bytes) -> str:
    credential = parse_json(ballot, "B1")["credential"]
    if not isinstance(credential, str):
        raise MisuseError("an unverified ballot reached the ledger")
    return credential


def _get_last_line(session: Session, box_id: int) -> Any:
    return session.execute(
        select(JournalRow.height, JournalRow.hash, JournalRow.body)
        .where(JournalRow.box_id == box_id)
        .order_by(JournalRow.height.desc())
        .limit(1)
    ).one()


def _add_line(session: Session, box_id: int, height: int, kind: str, parent: str | None, body: bytes) -> None:
    session.execute(
        insert(JournalRow).values(
            box_id=box_id, height=height, kind=kind, hash=sha256_hex(body), parent=parent, body=body
        )
    )


def _count(session: Session, what: Any, box_id: int) -> int:
    return (
        session.scalar(
            select(what)
            .select_from(LedgerData)
            .where(LedgerData.box_id == box_id, LedgerData.credential.is_not(None))
        )
        or 0
    )


def _find_hex(tracker: str) -> str | None:
    """Return a tracker's hash in hex, or None if the text is no tracker."""
    try:
        raw = base64.b64decode(tracker + "=", validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw.hex() if len(raw) == 32 and encode_base64(raw) == tracker else None


def _get_height_at(session: Session, box_id: int, position: int) -> int:
    """Return the height of the event among whose records the byte `position` lies."""
    return session.scalars(
        select(LedgerEvent.height)
        .where(LedgerEvent.box_id == box_id, LedgerEvent.end_position > position)
        .order_by(LedgerEvent.end_position)
        .limit(1)
    ).one()


def _read_piece(
    session: Session, box_id: int, height: int, end: int, timestamp: int
) -> tuple[bytes, int, int]:
    """Return the records of some events from `height` on, the position of the first byte, and the height
    after the last event.

    About _PIECE_BYTES, at least one event, none that begins at or after `end`.
    """
    events = session.execute(
        select(LedgerEvent.height, LedgerEvent.body, LedgerEvent.position, LedgerEvent.end_position)
        .where(LedgerEvent.box_id == box_id, LedgerEvent.height >= height, LedgerEvent.position < end)
        .order_by(LedgerEvent.height)
        .limit(_PIECE_EVENTS)
    ).all()
    sizes = list(accumulate(event.end_position - event.position for event in events))
    events = events[: max(1, bisect_right(sizes, _PIECE_BYTES))]
    rows = session.execute(
        select(LedgerData.height, LedgerData.body)
        .where(LedgerData.box_id == box_id, LedgerData.height.between(events[0].height, events[-1].height))
        .order_by(LedgerData.height, LedgerData.ordinal)
    )
    data: dict[int, list[bytes]] = {}
    for row in rows:
        data.setdefault(row.height, []).append(row.body)
    records: list[bytes] = []
    for event in events:
        records += [encode_record(body, "data", timestamp) for body in data.get(event.height, ())]
        records.append(encode_record(event.body, "event", timestamp))
    return b"".join(records), events[0].position, events[-1].height + 1
