"""The record in the database is the record of the protocol, and nobody changes it afterwards."""

import random
from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, IntegrityError

from crypto.errors import RejectedError
from crypto.record import BoxState
from tests.simulator import SEAL, Simulation, sound
from tests.voting_app.casting import add_entries, fill_box
from voting_app.context import Context
from voting_app.errors import Problem
from voting_app.ledger import service


def archive_of(context: Context, box_id: int, start: int = 0, end: int | None = None) -> bytes:
    return b"".join(service.iter_archive(context.database, box_id, start, end))


@pytest.mark.parametrize("kind", ["plain", "weighted", "mixed", "certified", "belenios"])
def test_archive_and_journal_are_those_of_the_simulation(each_context: Context, kind: str) -> None:
    simulation = sound(kind)
    with each_context.database.write() as session:
        box_id = service.create_box(
            session, simulation.election.uuid, simulation.timestamp, service_key=simulation.service_key
        )
    done = 0
    for act in simulation.acts[1:]:
        with each_context.database.write() as session:
            for entry in simulation.entries[done : act.box + 1]:
                service.append(session, box_id, entry.type, entry.bodies)
            done = max(done, act.box + 1)
            if act.kind == SEAL:
                service.seal(session, box_id, simulation.service_key)
            else:
                service.append_journal(session, box_id, act.kind, act.actor, act.payload)
    assert done == len(simulation.entries)
    assert archive_of(each_context, box_id) == simulation.archive
    assert b"".join(service.iter_journal(each_context.database, box_id)) == simulation.journal
    with each_context.database.read() as session:
        head = service.head(session, box_id)
        assert (head.height, head.event_hash) == (len(simulation.entries) - 1, simulation.heads[-1])
        assert head.length == len(simulation.archive)
        assert service.box_state(session, box_id) is BoxState.DONE
        assert service.journal_head(session, box_id)[0] == len(simulation.journal_lines)


def test_append_tells_where_the_event_landed(context: Context) -> None:
    simulation = sound("plain")
    with context.database.write() as session:
        box_id = service.create_box(
            session, simulation.election.uuid, simulation.timestamp, service_key=simulation.service_key
        )
        places = [service.append(session, box_id, entry.type, entry.bodies) for entry in simulation.entries]
    assert [place.event_hash for place in places] == list(simulation.heads)
    assert [place.height for place in places] == list(range(len(places)))
    # Each event begins where the one before ended.
    assert [place.position for place in places[1:]] == [place.length for place in places[:-1]]
    assert places[-1].length == len(simulation.archive)


def test_any_part_of_the_archive_can_be_read(
    each_context: Context, rng: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    simulation = sound("revotes")
    whole = simulation.archive
    box_id = fill_box(each_context, simulation)
    for piece_bytes, piece_events in [(1, 400), (5000, 400), (1 << 20, 2)]:
        monkeypatch.setattr(service, "_PIECE_BYTES", piece_bytes)
        monkeypatch.setattr(service, "_PIECE_EVENTS", piece_events)
        cuts = [(0, None), (0, 1), (511, 513), (len(whole) - 1, None), (len(whole), None), (5, 5)]
        for _ in range(15):
            start = rng.randrange(len(whole))
            cuts.append((start, rng.randrange(start, len(whole) + 1)))
        for start, end in cuts:
            assert archive_of(each_context, box_id, start, end) == whole[start:end], (start, end)


def test_a_reader_of_a_growing_box_gets_what_was_there_when_it_began(context: Context) -> None:
    simulation = sound("plain")
    with context.database.write() as session:
        box_id = service.create_box(
            session, simulation.election.uuid, simulation.timestamp, service_key=simulation.service_key
        )
        add_entries(session, box_id, simulation, 2)
        length = service.head(session, box_id).length
    pieces = service.iter_archive(context.database, box_id)
    first = next(pieces)
    with context.database.write() as session:
        for entry in simulation.entries[2:]:
            service.append(session, box_id, entry.type, entry.bodies)
    assert first + b"".join(pieces) == simulation.archive[:length]


def test_ballots_and_records_are_found(each_context: Context) -> None:
    simulation = sound("revotes")
    box_id = fill_box(each_context, simulation)
    with each_context.database.read() as session:
        for receipt in simulation.receipts:
            place = service.find_ballot(session, box_id, receipt.tracker)
            assert place == service.BallotPlace(receipt.height, receipt.event)
        for name in (
            "",
            "x",
            "0" * 64,
            simulation.receipts[0].tracker[:-1],
            simulation.receipts[0].tracker + "=",
        ):
            assert service.find_ballot(session, box_id, name) is None
        for ballot in simulation.counted.values():
            assert service.has_voted(session, box_id, ballot.credential.text)
        assert not service.has_voted(session, box_id, "f" * 64)
        assert service.count_ballots(session, box_id) == len(simulation.receipts)
        assert service.count_voters(session, box_id) == len(simulation.counted)
        election = simulation.election.raw
        assert service.find_election_data(session, box_id) == election
        setup = service.find_setup(session, box_id)
        assert setup is not None
        assert setup.election == election
        for head in simulation.heads:
            assert service.read_object(session, box_id, head) is not None
        assert service.read_object(session, box_id, "A" * 64) is None
    assert tuple(service.iter_ballots(each_context.database, box_id)) == simulation.ballots


def test_the_trackers_of_other_data_are_no_ballots(context: Context) -> None:
    simulation = sound("plain")
    box_id = fill_box(context, simulation)
    with context.database.read() as session:
        head = simulation.heads[-1]
        assert service.find_ballot(session, box_id, head) is None


REFUSED: list[tuple[str, Callable[[Simulation], tuple[str, tuple[bytes, ...]]], str]] = [
    ("setup twice", lambda s: ("Setup", s.entries[0].bodies), "A7"),
    ("tally before the end", lambda s: ("EncryptedTally", s.entries[s.index("EncryptedTally")].bodies), "A7"),
    ("ballot without data", lambda s: ("Ballot", ()), "A4"),
    ("ballot with two records", lambda s: ("Ballot", (s.ballots[0], s.ballots[1])), "A4"),
    ("an end with a payload", lambda s: ("EndBallots", (b"{}",)), "A4"),
]


@pytest.mark.parametrize("make,rule", [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED])
def test_what_the_auditor_would_refuse_is_not_appended(
    context: Context, make: Callable[[Simulation], tuple[str, tuple[bytes, ...]]], rule: str
) -> None:
    simulation = sound("plain")
    with context.database.write() as session:
        box_id = service.create_box(
            session, simulation.election.uuid, simulation.timestamp, service_key=simulation.service_key
        )
        add_entries(session, box_id, simulation, 1)
    with (
        pytest.raises(RejectedError, match=f"^{rule}"),
        context.database.write() as session,
    ):
        service.append(session, box_id, *make(simulation))
    with context.database.read() as session:
        assert service.head(session, box_id).height == 0


def test_a_failed_transaction_leaves_nothing(each_context: Context) -> None:
    simulation = sound("plain")
    with each_context.database.write() as session:
        box_id = service.create_box(
            session, simulation.election.uuid, simulation.timestamp, service_key=simulation.service_key
        )
        add_entries(session, box_id, simulation, 1)
    before = archive_of(each_context, box_id)

    def append_and_fail() -> None:
        with each_context.database.write() as session:
            service.append(session, box_id, "Ballot", [simulation.ballots[0]])
            raise Problem(409, "closed", "Too late.")

    with pytest.raises(Problem):
        append_and_fail()
    assert archive_of(each_context, box_id) == before


def test_the_same_ballot_twice_is_refused_by_the_database(each_context: Context) -> None:
    simulation = sound("plain")
    box_id = fill_box_open(each_context, simulation)

    def append() -> None:
        with each_context.database.write() as session:
            service.append(session, box_id, "Ballot", [simulation.ballots[0]])

    append()
    with pytest.raises(IntegrityError):
        append()


def fill_box_open(context: Context, simulation: Simulation) -> int:
    with context.database.write() as session:
        box_id = service.create_box(
            session, simulation.election.uuid, simulation.timestamp, service_key=simulation.service_key
        )
        add_entries(session, box_id, simulation, 1)
    return box_id


# Each of them once worked on the bare tables (test_the_bare_tables_would_allow_it), so it is the triggers
# that refuse.
TAMPERINGS = [
    "UPDATE ledger_box SET timestamp = timestamp + 1",
    "UPDATE ledger_event SET body = body WHERE height = 1",
    "UPDATE ledger_data SET credential = credential",
    "UPDATE journal_line SET kind = 'seal'",
    "DELETE FROM ledger_data WHERE height = 1",
    "DELETE FROM ledger_event WHERE height = (SELECT MAX(height) FROM ledger_event)",
    "DELETE FROM journal_line",
    "DELETE FROM ledger_box",
    # A record that joins an event that is there.
    "INSERT INTO ledger_data SELECT box_id, height, 9, hash, NULL, body FROM ledger_data WHERE height = 1",
    # An event that does not follow the last one: a gap, a wrong parent, a wrong place.
    (
        "INSERT INTO ledger_event SELECT box_id, height + 2, type, state, 'h', hash, body, end_position, "
        "end_position + 1 FROM ledger_event ORDER BY height DESC LIMIT 1"
    ),
    (
        "INSERT INTO ledger_event SELECT box_id, height + 1, type, state, 'h', 'p', body, end_position, "
        "end_position + 1 FROM ledger_event ORDER BY height DESC LIMIT 1"
    ),
    (
        "INSERT INTO ledger_event SELECT box_id, height + 1, type, state, 'h', hash, body, end_position + 1, "
        "end_position + 2 FROM ledger_event ORDER BY height DESC LIMIT 1"
    ),
    # A second beginning, before the first one, or beside it.
    "INSERT INTO ledger_event SELECT box_id, -1, type, state, 'h', 'p', body, 0, 1 FROM ledger_event WHERE height = 1",
    (
        "INSERT INTO ledger_event SELECT box_id, height + 1, type, state, 'h', NULL, body, end_position, "
        "end_position + 1 FROM ledger_event ORDER BY height DESC LIMIT 1"
    ),
    (
        "INSERT INTO journal_line SELECT box_id, height + 2, kind, 'h', hash, body FROM journal_line "
        "ORDER BY height DESC LIMIT 1"
    ),
]
SQLITE_TAMPERINGS = [
    # These remove a row without any DELETE that a trigger would see.
    (
        "INSERT OR REPLACE INTO ledger_event SELECT box_id, height, type, state, hash, parent, 'x', position, "
        "end_position FROM ledger_event WHERE height = 1"
    ),
    (
        "INSERT OR REPLACE INTO ledger_event SELECT box_id, height + 1, type, state, parent, hash, body, "
        "end_position, end_position + 512 FROM ledger_event ORDER BY height DESC LIMIT 1"
    ),
    (
        "INSERT OR REPLACE INTO ledger_data SELECT box_id, 99, 0, hash, credential, 'x' FROM ledger_data "
        "WHERE height = 1"
    ),
    "INSERT OR REPLACE INTO journal_line SELECT box_id, height, kind, hash, parent, 'x' FROM journal_line",
    "INSERT OR REPLACE INTO ledger_box SELECT id, uuid, 1 FROM ledger_box",
    "UPDATE OR REPLACE ledger_event SET height = 1 WHERE height = 2",
]
# Two events at once, of which one follows the last one and the other does not follow it: a wrong parent, a gap, a
# wrong place.
_TWO_EVENTS = (
    "INSERT INTO ledger_event SELECT box_id, {height}, type, state, 'h' || n, "
    "CASE n WHEN 1 THEN hash ELSE {parent} END, body, {position}, end_position + 10 * n "
    "FROM generate_series(1, 2) AS n, "
    "(SELECT * FROM ledger_event ORDER BY height DESC LIMIT 1) AS last"
)
_FOLLOWING = {"height": "height + n", "parent": "'h1'", "position": "end_position + 10 * (n - 1)"}
POSTGRESQL_TAMPERINGS = [
    _TWO_EVENTS.format(**{**_FOLLOWING, "parent": "'h2'"}),
    _TWO_EVENTS.format(**{**_FOLLOWING, "height": "height + 2 * n - 1"}),
    _TWO_EVENTS.format(**{**_FOLLOWING, "position": "end_position + n - 1"}),
    # Two records at once, of which one joins an event that is there.
    (
        "INSERT INTO ledger_data SELECT box_id, height + n, 9, hash, NULL, body FROM generate_series(0, 1) AS n, "
        "(SELECT * FROM ledger_data ORDER BY height DESC LIMIT 1) AS last"
    ),
    "TRUNCATE ledger_data",
    "TRUNCATE ledger_box CASCADE",
    "INSERT INTO journal_line SELECT * FROM journal_line ON CONFLICT (box_id, height) DO UPDATE SET body = 'x'",
]


def test_the_record_refuses_every_change(each_context: Context) -> None:
    simulation = sound("plain")
    box_id = fill_box(each_context, simulation)
    own = SQLITE_TAMPERINGS if each_context.database.is_sqlite else POSTGRESQL_TAMPERINGS
    for statement in TAMPERINGS + own:
        with each_context.database.connect() as connection:
            if each_context.database.is_sqlite:
                # As a stranger's connection would be.
                driver = connection.connection.dbapi_connection
                assert driver is not None
                driver.execute("PRAGMA recursive_triggers = OFF")  # type: ignore[attr-defined]
            with pytest.raises(DBAPIError, match="append-only"):
                connection.execute(text(statement))
        assert archive_of(each_context, box_id) == simulation.archive, statement
        with each_context.database.read() as session:
            assert service.journal_head(session, box_id)[0] == 1


@pytest.mark.parametrize("statement", TAMPERINGS + SQLITE_TAMPERINGS)
def test_the_bare_tables_would_allow_it(context: Context, statement: str) -> None:
    fill_box(context, sound("plain"))
    with context.database.connect() as connection:
        for table in ("ledger_box", "ledger_event", "ledger_data", "journal_line"):
            for name in ("no_update", "no_delete", "only_at_end"):
                connection.execute(text(f"DROP TRIGGER {table}_{name}"))
        connection.execute(text("PRAGMA defer_foreign_keys = ON"))
        assert connection.execute(text(statement)).rowcount > 0  # type: ignore[attr-defined]


def test_what_follows_may_come_at_once(each_context: Context) -> None:
    """The statement of which the tamperings are made is allowed where nothing is wrong with it."""
    if not each_context.database.is_sqlite:
        fill_box(each_context, sound("plain"))
        with each_context.database.connect() as connection:
            assert connection.execute(text(_TWO_EVENTS.format(**_FOLLOWING))).rowcount == 2  # type: ignore[attr-defined]


def test_a_read_transaction_cannot_write(each_context: Context) -> None:
    simulation = sound("plain")
    with pytest.raises(DBAPIError), each_context.database.read() as session:
        service.create_box(session, simulation.election.uuid, 1, service_key=simulation.service_key)


def test_the_service_key_depends_on_secret_and_election(context: Context) -> None:
    key = service.get_service_key(context.settings, "aaaaaaaaaaaaaa")
    assert key.public == service.get_service_key(context.settings, "aaaaaaaaaaaaaa").public
    assert key.public != service.get_service_key(context.settings, "aaaaaaaaaaaaab").public
