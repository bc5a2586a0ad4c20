"""What tests of mail share: a mail server, and an installation that hands its mail to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.smtp import MailDrop, running_mail_server
from tests.voting_app.conftest import SettableClock, make_settings
from voting_app.context import Context
from voting_app.db import Database

SENDER = "vote@union.example"


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
