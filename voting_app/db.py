"""The database: its tables' common base and three kinds of transaction.

`Database.read` cannot write, `Database.write` is durable when it returns, `Database.relaxed` is for
rows that a power cut may take away. What is done for each ballot takes the first two without the object-relational
part (`write_plain`), which costs more than the statements, and `look` is one statement without a transaction.
Correctness between processes rests on the database alone; there is no lock of ours in memory.
"""

import os
import sqlite3
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from sqlalchemy import DateTime, Dialect, Engine, MetaData, create_engine, event, inspect, make_url, text
from sqlalchemy.engine import URL, Connection
from sqlalchemy.exc import InvalidatePoolError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

# Alembic takes a quarter of the time in which the program starts, so it is imported where tables are changed.
if TYPE_CHECKING:
    from alembic.config import Config

# A migration can only drop a constraint that has a name, and both databases must give it the same one.
NAMING_CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

# A writer waits this long for its turn before the request is answered with "overloaded".
LOCK_TIMEOUT_SECONDS = 30
# So long at most others wait for `Database.wipe_deleted`.
_WIPE_TIMEOUT_MS = 500

# The database may have been restarted while a connection was idle this long.
_PING_AFTER_SECONDS = 2
_IDLE_SINCE = "steward_idle_since"

MIGRATIONS_FOLDER = Path(__file__).resolve().parent.parent / "migrations"


class Base(DeclarativeBase):
    """Base of every table of the application."""

    metadata = MetaData(naming_convention=NAMING_CONVENTION)


class UtcTime(TypeDecorator[datetime]):
    """An aware UTC time. SQLite forgets the zone of a time; this puts it back, and refuses a time without
    zone.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive time and store the others in UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without time zone reached the database")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return what was stored as an aware UTC time."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# Functions that say no more than a statement or two take either.
Transaction = Session | Connection


def get_connection(transaction: Transaction) -> Connection:
    """Return the connection on which the transaction runs."""
    return transaction.connection() if isinstance(transaction, Session) else transaction


class SchemaError(Exception):
    """The tables of the database are not those of this program."""


class Database:
    """One database, SQLite file or PostgreSQL, given by its URL."""

    def __init__(self, url: str) -> None:
        """Prepare connections to `url`; nothing is opened before the first transaction."""
        self.url = make_url(url)
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        if self.is_sqlite:
            if not self.url.database or self.url.database == ":memory:":
                raise ValueError("a database in memory can't be shared by connections; name a file")
            self._write_engine = _sqlite_engine(self.url, begin="BEGIN IMMEDIATE", synchronous="FULL")
            # NORMAL, not OFF: commits are not synced, but a checkpoint is. With OFF a checkpoint made by
            # this connection could lose, in a power cut, ballots for which receipts were given.
            self._relaxed_engine = _sqlite_engine(self.url, begin="BEGIN IMMEDIATE", synchronous="NORMAL")
            self._read_engine = _sqlite_engine(self.url, begin="BEGIN", synchronous="FULL", read_only=True)
            self._look_engine = _sqlite_engine(self.url, begin=None, synchronous="FULL", read_only=True)
        elif self.url.get_backend_name() == "postgresql":
            engine = create_engine(
                self.url,
                isolation_level="READ COMMITTED",
                connect_args={"options": f"-c lock_timeout={LOCK_TIMEOUT_SECONDS}s -c timezone=UTC"},
                hide_parameters=True,
                max_overflow=20,
                pool_use_lifo=True,
            )
            event.listen(engine, "begin", _begin_postgresql)
            _ping_when_idle(engine)
            self._write_engine = engine
            self._relaxed_engine = engine.execution_options(steward_relaxed=True)
            self._read_engine = engine.execution_options(
                postgresql_readonly=True, isolation_level="REPEATABLE READ"
            )
            self._look_engine = engine.execution_options(isolation_level="AUTOCOMMIT")
        else:
            raise ValueError(f"{self.url.get_backend_name()} is not supported: use sqlite or postgresql")
        _databases.add(self)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """One transaction for looking: it sees one moment's state and can't change anything. Keep it short."""
        with Session(self._read_engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction, durable when the block has ended without an exception, undone otherwise.

        On SQLite it is alone from its first statement on. On PostgreSQL whoever changes shared state locks
        its row first (`ledger.service.lock_box`).
        """
        with Session(self._write_engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def relaxed(self) -> Iterator[Session]:
        """As `write`, but a power cut may take the newest commits away: no disk is waited for. Never for a
        ballot.
        """
        with Session(self._relaxed_engine, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def look(self) -> Iterator[Connection]:
        """For one statement that reads, which sees one moment's state by itself: no transaction is begun."""
        with self._look_engine.connect() as connection:
            yield connection

    @contextmanager
    def write_plain(self) -> Iterator[Connection]:
        """As `write`, for statements only."""
        with self._write_engine.begin() as connection:
            yield connection

    def learn(self, *tables: str) -> None:
        """Let PostgreSQL look at how much is in these tables, and make plans anew that it made when they were empty.

        It does so by itself, but a minute later at the earliest.
        """
        if not self.is_sqlite:
            with self.look() as connection:
                connection.exec_driver_sql(f"ANALYZE {', '.join(tables)}")

    def wipe_deleted(self, *tables: str) -> bool:
        """Have what was deleted from these tables gone from the disk too, as far as the database can see to it; False
        if somebody was in the way, and it must be tried again.

        SQLite overwrites deleted rows (secure_delete), but its write-ahead log keeps them until it is written anew.
        PostgreSQL leaves their bytes on the pages even where it clears up, so it writes these tables, which must be
        small, anew. Copies and backups, and PostgreSQL's own log, are beyond this.

        Both let writers wait while they wait for readers themselves, so they do not wait long: there may be ballots.
        """
        with self.look() as connection:
            if self.is_sqlite:
                connection.exec_driver_sql(f"PRAGMA busy_timeout = {_WIPE_TIMEOUT_MS}")
                try:
                    is_blocked = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()[0]
                finally:
                    connection.exec_driver_sql(f"PRAGMA busy_timeout = {LOCK_TIMEOUT_SECONDS * 1000}")
                return not is_blocked
            connection.exec_driver_sql(f"SET lock_timeout = {_WIPE_TIMEOUT_MS}")
            try:
                connection.exec_driver_sql(f"VACUUM (FULL) {', '.join(tables)}")
            except OperationalError:
                return False
            finally:
                connection.exec_driver_sql("RESET lock_timeout")
            return True

    def connect(self) -> Connection:
        """Return a bare connection with the right to write, for migrations and their tests."""
        return self._write_engine.connect()

    def require_current_schema(self) -> None:
        """Raise SchemaError unless every migration of this program has been applied, and nothing newer."""
        with self.connect() as connection:
            found = _read_schema(connection)
        known = _list_migrations()
        if found != known[-1:]:
            _require_known(found)
            raise SchemaError(
                f"the database has schema {', '.join(found) or 'none'}, this program needs "
                f"{known[-1]}; run `steward upgrade`"
            )

    def dispose(self, *, close: bool = True) -> None:
        """Close all idle connections, or with close=False only forget them (a forked child must not close
        its parent's).
        """
        for engine in (self._write_engine, self._relaxed_engine, self._read_engine, self._look_engine):
            engine.dispose(close=close)


# A connection used on both sides of a fork corrupts what it carries: a preloading server forks after the
# engines exist.
_databases: "weakref.WeakSet[Database]" = weakref.WeakSet()


def _forget_connections() -> None:
    for database in list(_databases):
        database.dispose(close=False)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_connections)


def upgrade(url: str, revision: str = "head") -> None:
    """Apply the migrations up to `revision` to the database at `url`."""
    from alembic import command  # noqa: PLC0415

    _make_private(make_url(url))
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            _require_known(_read_schema(connection))
    finally:
        engine.dispose()
    command.upgrade(_alembic_config(make_url(url)), revision)


def _read_schema(connection: Connection) -> list[str]:
    """Return the number of the last migration that was applied, where Alembic keeps it; none in an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return []
    return sorted(connection.scalars(text("SELECT version_num FROM alembic_version")))


def _list_migrations() -> list[str]:
    """Return the numbers of this program's migrations, with which their files' names begin; they follow one another."""
    return sorted(file.name.partition("_")[0] for file in (MIGRATIONS_FOLDER / "versions").glob("[0-9]*.py"))


def _require_known(found: Sequence[str]) -> None:
    """Raise SchemaError if a newer program has changed the tables: only it can work with them."""
    if not set(found) <= set(_list_migrations()):
        raise SchemaError(
            f"the database has schema {', '.join(found)}, which a newer version of Steward made; use that version"
        )


def downgrade(url: str, revision: str) -> None:
    """Undo the migrations back to `revision` ("base" for all): every table that they made and what is in
    it is gone.
    """
    from alembic import command  # noqa: PLC0415

    command.downgrade(_alembic_config(make_url(url)), revision)


def _make_private(url: URL) -> None:
    """Make an SQLite file that is not there yet readable to its owner only, whatever folder it is in.

    SQLite gives its WAL the same rights.
    """
    if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).exists():
        os.close(os.open(url.database, os.O_WRONLY | os.O_CREAT, 0o600))


def _alembic_config(url: URL) -> "Config":
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS_FOLDER))
    config.attributes["url"] = url
    return config


def _sqlite_engine(url: URL, *, begin: str | None, synchronous: str, read_only: bool = False) -> Engine:
    """Return an engine whose every connection has our safety settings and whose transactions start with
    `begin`; without it each statement is a transaction.
    """
    engine = create_engine(
        url,
        connect_args={"timeout": LOCK_TIMEOUT_SECONDS},
        # An error's text may be logged; names, addresses and hashes are not for the log.
        hide_parameters=True,
        pool_size=8,
        max_overflow=24,
        pool_timeout=LOCK_TIMEOUT_SECONDS,
        # The connection that was used last has prepared its statements.
        pool_use_lifo=True,
    )

    @event.listens_for(engine, "connect")
    def configure(connection: sqlite3.Connection, _: Any) -> None:
        # The driver would start transactions by itself, late and deferred; with None it leaves them to the
        # "begin" event.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute("PRAGMA foreign_keys = ON")
        # Without it INSERT OR REPLACE deletes rows behind the back of the triggers that guard the ledger.
        connection.execute("PRAGMA recursive_triggers = ON")
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("PRAGMA secure_delete = ON")
        if read_only:
            connection.execute("PRAGMA query_only = ON")

    if begin is not None:

        @event.listens_for(engine, "begin")
        def start(connection: Connection) -> None:
            connection.exec_driver_sql(begin)

    return engine


def _ping_when_idle(engine: Engine) -> None:
    """Before a connection is used that was idle for a while, look whether the server still knows it.

    SQLAlchemy's own ping before every use costs a round trip for each statement that a ballot needs.
    """

    @event.listens_for(engine, "checkin")
    def note(_: Any, record: Any) -> None:
        record.info[_IDLE_SINCE] = monotonic()

    @event.listens_for(engine, "checkout")
    def ping(connection: Any, record: Any, _: Any) -> None:
        if monotonic() - record.info.get(_IDLE_SINCE, monotonic()) > _PING_AFTER_SECONDS:
            try:
                engine.dialect.do_ping(connection)
            except engine.dialect.loaded_dbapi.Error:
                # The others will be no better; a new one is made.
                raise InvalidatePoolError from None


def _begin_postgresql(connection: Connection) -> None:
    if connection.get_execution_options().get("steward_relaxed"):
        connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
