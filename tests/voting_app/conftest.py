"""What tests of the application share: a clock that is set, databases with all tables, and the application itself."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.routing import Rule

from tests.postgres import Cluster
from tests.smtp import SENDER, MailDrop, running_mail_server
from tests.voting_app.api import check_every_answer
from voting_app.accounts import factors
from voting_app.app import create_app
from voting_app.booth import service as booth
from voting_app.config import Settings
from voting_app.context import Context
from voting_app.db import Database, upgrade


class SettableClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, moment: datetime = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def advance(self, **duration: float) -> None:
        """Move it on: `advance(minutes=5)`."""
        self.moment += timedelta(**duration)


class _Templates(BytecodeCache):
    """What templates were compiled to, for as long as the tests run."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """A changed file has another checksum."""
        bucket.code = self._found.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        if bucket.code is not None:
            self._found[bucket.key, bucket.checksum] = bucket.code


@pytest.fixture(scope="session", autouse=True)
def _compiled_once() -> Iterator[None]:
    """Each application compiles its templates, and its addresses; that of one test has the same ones as all others,
    and this would be half of what most tests do.
    """
    compile_builder = Rule._compile_builder

    @cache
    def build(rule: str, trace: tuple[tuple[bool, str], ...], append_unknown: bool) -> Callable[..., Any]:
        made = Rule(rule)
        made._trace = list(trace)
        return compile_builder(made, append_unknown)

    def look_up(rule: Rule, append_unknown: bool = True) -> Callable[..., Any]:
        if rule.defaults:
            return compile_builder(rule, append_unknown)
        return build(rule.rule, tuple(rule._trace), append_unknown)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Flask, "jinja_options", {**Flask.jinja_options, "bytecode_cache": _Templates()})
        patch.setattr(Rule, "_compile_builder", look_up)
        yield


@pytest.fixture(autouse=True)
def _closed_desks() -> Iterator[None]:
    """No process that verified ballots for a test outlives it."""
    yield
    for desk in list(booth._desks):
        desk.close()


@pytest.fixture(autouse=True)
def _quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    """Passwords cost a third of a second each, on purpose; tests of other things need not wait for it."""
    monkeypatch.setattr(factors, "ARGON2_MEMORY_KIB", 64)
    monkeypatch.setattr(factors, "ARGON2_PASSES", 1)


@pytest.fixture
def clock() -> SettableClock:
    return SettableClock()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database with all tables; tests copy it, because migrating takes longer than most of them."""
    path = tmp_path_factory.mktemp("template") / "template.sqlite3"
    upgrade(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of an SQLite database with all tables."""
    path = tmp_path / "steward.sqlite3"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(scope="session")
def postgres_template(postgres_cluster: Cluster) -> str:
    """The URL of an empty PostgreSQL database with all tables; tests copy it, for the same reason."""
    url = postgres_cluster.new_database()
    upgrade(url)
    return url


@pytest.fixture
def migrated_postgres_url(postgres_cluster: Cluster, postgres_template: str) -> Iterator[str]:
    """The URL of a PostgreSQL database with all tables."""
    url = postgres_cluster.new_database(postgres_template)
    yield url
    postgres_cluster.drop_database(url)


@pytest.fixture(params=["sqlite", "postgresql"])
def migrated_url(request: pytest.FixtureRequest) -> str:
    """The URL of a database with all tables; a test that asks for it runs once on each kind."""
    name = "sqlite_url" if request.param == "sqlite" else "migrated_postgres_url"
    url: str = request.getfixturevalue(name)
    return url


def make_settings(folder: Path, url: str, **changes: object) -> Settings:
    """Settings of an installation in `folder` with a fixed secret."""
    values: dict[str, object] = {
        "instance_folder": folder,
        "secret": bytes(range(32)),
        "database_url": url,
        "jobs_in_process": False,
        "closing_grace_seconds": 0,
        **changes,
    }
    return Settings(**values)  # type: ignore[arg-type]


@pytest.fixture
def settings(tmp_path: Path, sqlite_url: str) -> Settings:
    """Settings of an installation on SQLite."""
    return make_settings(tmp_path, sqlite_url)


@pytest.fixture
def database(sqlite_url: str) -> Iterator[Database]:
    """An SQLite database with all tables."""
    database = Database(sqlite_url)
    yield database
    database.dispose()


@pytest.fixture
def each_database(migrated_url: str) -> Iterator[Database]:
    """A database with all tables; a test that asks for it runs once on each kind."""
    database = Database(migrated_url)
    yield database
    database.dispose()


@pytest.fixture
def context(settings: Settings, database: Database, clock: SettableClock) -> Context:
    """What services ask for, on SQLite."""
    return Context(settings, database, clock)


@pytest.fixture
def each_context(tmp_path: Path, migrated_url: str, each_database: Database, clock: SettableClock) -> Context:
    """What services ask for; a test that asks for it runs once on each kind of database."""
    return Context(make_settings(tmp_path, migrated_url), each_database, clock)


@pytest.fixture
def app(context: Context) -> Flask:
    """The application on SQLite; its answers to programs must be as the OpenAPI document says."""
    app = create_app(context.settings, clock=context.clock, database=context.database)
    check_every_answer(app)
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A client of the application on SQLite."""
    return app.test_client()


# --- mail ------------------------------------------------------------------------------------------


@pytest.fixture
def drop() -> Iterator[MailDrop]:
    """A mail server."""
    with running_mail_server() as server:
        yield server


@pytest.fixture
def mail_context(
    tmp_path: Path, sqlite_url: str, database: Database, clock: SettableClock, drop: MailDrop
) -> Context:
    """What services ask for, on SQLite, with mail."""
    settings = make_settings(
        tmp_path, sqlite_url, smtp_url=drop.url, mail_from=SENDER, organisation="Local 12"
    )
    return Context(settings, database, clock)


@pytest.fixture
def each_mail_context(
    tmp_path: Path, migrated_url: str, each_database: Database, clock: SettableClock, drop: MailDrop
) -> Context:
    """What services ask for, with mail; a test that asks for it runs once on each kind of database."""
    settings = make_settings(tmp_path, migrated_url, smtp_url=drop.url, mail_from=SENDER)
    return Context(settings, each_database, clock)
