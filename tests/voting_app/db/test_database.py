"""Transactions: what is durable, what waits, what happens when the disk is full."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import event, select, text
from sqlalchemy.exc import DBAPIError, OperationalError, StatementError

from tests.simulator import Simulation
from tests.voting_app.casting import ballots_of, open_box
from tests.voting_app.conftest import SettableClock
from voting_app import db
from voting_app.accounts.models import Account
from voting_app.accounts.service import create_account
from voting_app.app import create_app
from voting_app.context import Context
from voting_app.db import Database
from voting_app.ledger import service as ledger

NOW = datetime(2026, 11, 22, 12, 51, tzinfo=UTC)


def test_sqlite_is_set_to_be_safe(database: Database) -> None:
    with database.write() as session:
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"
        assert session.scalar(text("PRAGMA synchronous")) == 2
        assert session.scalar(text("PRAGMA foreign_keys")) == 1
        assert session.scalar(text("PRAGMA recursive_triggers")) == 1
    with database.relaxed() as session:
        # Not 0: a checkpoint must reach the disk whoever makes it.
        assert session.scalar(text("PRAGMA synchronous")) == 1


def test_postgresql_waits_for_the_disk_unless_it_may_not(migrated_postgres_url: str) -> None:
    database = Database(migrated_postgres_url)
    with database.write() as session:
        assert session.scalar(text("SHOW synchronous_commit")) == "on"
    with database.relaxed() as session:
        assert session.scalar(text("SHOW synchronous_commit")) == "off"
    with database.write() as session:
        # Of this one transaction only, not of the connection.
        assert session.scalar(text("SHOW synchronous_commit")) == "on"
    with database.read() as session:
        assert session.scalar(text("SHOW transaction_read_only")) == "on"
        assert session.scalar(text("SHOW transaction_isolation")) == "repeatable read"
    with database.write() as session:
        assert session.scalar(text("SHOW transaction_read_only")) == "off"
        assert session.scalar(text("SHOW transaction_isolation")) == "read committed"
    database.dispose()


def test_a_connection_that_was_idle_is_looked_at_before_it_is_used(
    migrated_postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database was restarted meanwhile: nobody is told, whatever the request was."""
    database, other = Database(migrated_postgres_url), Database(migrated_postgres_url)
    with database.look() as one, database.look() as two:
        pids = [connection.execute(text("SELECT pg_backend_pid()")).scalar_one() for connection in (one, two)]
    with other.look() as connection:
        for pid in pids:
            connection.execute(text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    monkeypatch.setattr(db, "_PING_AFTER_SECONDS", -1)
    # Not only the one that was looked at is given up.
    monkeypatch.setattr(
        database._look_engine.dialect, "do_ping", note_first(database._look_engine.dialect.do_ping)
    )
    with database.look() as one, database.look() as two:
        assert [connection.execute(text("SELECT 1")).scalar_one() for connection in (one, two)] == [1, 1]
    database.dispose()
    other.dispose()


def note_first(ping: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """A ping that asks once."""
    asked: list[Any] = []

    def ask(connection: Any) -> bool:
        asked.append(connection)
        return ping(connection) if len(asked) == 1 else True

    return ask


def test_postgresql_is_told_when_a_table_has_grown(migrated_postgres_url: str) -> None:
    database = Database(migrated_postgres_url)
    rows = text("SELECT reltuples FROM pg_class WHERE relname = 'account'")
    with database.write() as session:
        assert session.scalar(rows) == -1
        for _ in range(3):
            create_account(session, role="committee", label="", now=NOW)
    database.learn("account")
    with database.read() as session:
        assert session.scalar(rows) == 3
    database.dispose()


def test_a_write_is_alone_on_sqlite_from_its_first_statement(database: Database) -> None:
    """Two who read first and write then would both see the old state; BEGIN IMMEDIATE makes the second wait."""
    order: list[str] = []
    inside = threading.Event()

    def second() -> None:
        inside.wait(10)
        with database.write() as session:
            order.append(f"second sees {len(session.scalars(select(Account)).all())}")

    thread = threading.Thread(target=second)
    thread.start()
    with database.write() as session:
        # Only looking so far, and alone already.
        assert not session.scalars(select(Account)).all()
        inside.set()
        thread.join(0.3)
        assert thread.is_alive()
        create_account(session, role="committee", label="x", now=NOW)
        order.append("first")
    thread.join()
    assert order == ["first", "second sees 1"]


def test_a_box_lock_makes_the_second_writer_wait(each_context: Context) -> None:
    box_id = open_box(each_context, ballots_of(2))
    order: list[str] = []
    inside = threading.Event()

    def second() -> None:
        inside.wait(10)
        with each_context.database.write() as session:
            ledger.lock_box(session, box_id)
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with each_context.database.write() as session:
        ledger.lock_box(session, box_id)
        inside.set()
        thread.join(0.3)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


@pytest.mark.parametrize("exclusive", [True, False])
def test_only_the_end_of_voting_keeps_arrivals_waiting(migrated_postgres_url: str, exclusive: bool) -> None:
    database = Database(migrated_postgres_url)
    simulation = ballots_of(2)
    with database.write() as session:
        box_id = ledger.create_box(session, "a" * 14, 1, service_key=simulation.service_key)
    arrived = threading.Event()

    def arrive() -> None:
        with database.relaxed() as session:
            ledger.lock_arrival(session, box_id)
            arrived.set()

    thread = threading.Thread(target=arrive)
    with database.write() as session:
        ledger.lock_box(session, box_id, exclusive=exclusive)
        thread.start()
        assert arrived.wait(0.3 if exclusive else 10) is not exclusive
    thread.join()
    assert arrived.is_set()
    database.dispose()


def test_times_keep_their_zone(each_database: Database) -> None:
    local = datetime(2026, 11, 22, 14, 51, tzinfo=timezone(timedelta(hours=2)))
    with each_database.write() as session:
        number = create_account(session, role="committee", label="x", now=local).account_number
    with each_database.read() as session:
        account = session.get(Account, number)
        assert account is not None
        assert account.created_at == NOW
        assert account.created_at.tzinfo is UTC


def test_a_time_without_zone_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="without time zone"), database.write() as session:
        create_account(session, role="committee", label="x", now=NOW.replace(tzinfo=None))


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://localhost/x"])
def test_databases_that_cannot_be_used(url: str) -> None:
    with pytest.raises(ValueError, match=r"memory|not supported"):
        Database(url)


@pytest.fixture
def full(context: Context) -> tuple[Context, Simulation, int]:
    """An open election on a disk that is about to be full."""
    simulation = ballots_of(40)
    box_id = open_box(context, simulation)
    context.database.dispose()
    return context, simulation, box_id


def limit_pages(database: Database, extra: int) -> None:
    """Let the file grow by so many pages more: SQLite then says SQLITE_FULL, as it does when the disk is."""
    for engine in (database._write_engine, database._relaxed_engine):
        with engine.connect() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            limit = pages + extra

        def restrict(dbapi_connection: object, *_: object, limit: int = limit) -> None:
            dbapi_connection.execute(f"PRAGMA max_page_count = {limit}")  # type: ignore[attr-defined]

        event.listen(engine, "checkout", restrict)


def test_a_full_disk_refuses_and_loses_nothing(full: tuple[Context, Simulation, int]) -> None:
    context, simulation, box_id = full
    client = create_app(context.settings, clock=context.clock, database=context.database).test_client()
    limit_pages(context.database, 20)
    url = f"/api/v1/elections/{simulation.election.uuid}/ballots"
    answers = [client.post(url, data=raw) for raw in simulation.ballots]
    taken = [
        raw for raw, answer in zip(simulation.ballots, answers, strict=True) if answer.status_code == 201
    ]
    refused = [answer for answer in answers if answer.status_code != 201]
    assert taken
    assert refused
    for answer in refused:
        assert (answer.status_code, answer.get_json(force=True)["code"]) == (503, "overloaded")
    assert list(ledger.iter_ballots(context.database, box_id)) == taken
    # Room again: everything goes on where it stopped.
    context.database.dispose()
    again = Context(context.settings, Database(context.settings.database_url), SettableClock())
    client = create_app(again.settings, clock=again.clock, database=again.database).test_client()
    for raw in simulation.ballots:
        assert client.post(url, data=raw).status_code == (200 if raw in taken else 201)
    assert len(list(ledger.iter_ballots(again.database, box_id))) == len(simulation.ballots)
    again.database.dispose()


def test_a_database_that_is_gone_is_an_overload(context: Context) -> None:
    app = create_app(context.settings, clock=context.clock, database=context.database)
    with app.test_request_context("/"):
        response = app.handle_user_exception(OperationalError("SELECT secret", {}, Exception("secret")))
    assert response.status_code == 503  # type: ignore[union-attr]
    assert b"secret" not in response.get_data()  # type: ignore[union-attr]


def test_a_broken_statement_is_not_hidden(database: Database) -> None:
    with pytest.raises(DBAPIError), database.write() as session:
        session.execute(text("SELECT nothing FROM nowhere"))
