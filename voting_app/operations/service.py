"""Looks at the installation as a whole, and copies its database while it is used."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import dataclass, fields
from pathlib import Path

from sqlalchemy import text

from crypto.randomness import new_hex
from voting_app.accounts.logins import Login
from voting_app.config import Settings
from voting_app.context import Context
from voting_app.db import Database
from voting_app.errors import Problem
from voting_app.mail import service as mail
from voting_app.mail.letters import Letter, LetterError, compose, get_domain
from voting_app.mail.smtp import MailError, connect, parse_server

# What nobody is shown, because it may have passwords in it.
_HIDDEN = frozenset({"secret", "database_url", "smtp_url"})
_PRIVATE_MODE = 0o600
# Pages of the database that are copied at once; between two of these others may write.
_PAGES = 1000
_MESSAGE_ID_BYTES = 16


class BackupError(Exception):
    """No copy was made; the text says why."""


@dataclass(frozen=True, slots=True)
class SettingView:
    """A setting by its name in steward.toml. value: None where it is not shown; is_default: nobody has set it."""

    name: str
    value: str | None
    is_default: bool


def is_well(context: Context) -> bool:
    """Whether the database answers and has this program's tables."""
    try:
        with context.database.read() as session:
            session.execute(text("SELECT 1"))
        context.database.require_current_schema()
    except Exception:  # noqa: BLE001  whatever it is, the answer is no; the request that needs it will say what
        return False
    return True


def list_settings(settings: Settings) -> list[SettingView]:
    """Every setting as it is now, without what may hold a password."""
    views = []
    for field in fields(Settings):
        value = getattr(settings, field.name)
        shown = (
            None if field.name in _HIDDEN else str(value).lower() if isinstance(value, bool) else str(value)
        )
        views.append(SettingView(field.name, shown, value == field.default))
    return views


def send_test_mail(context: Context, login: Login, language: str) -> None:
    """Sends one message to the person who asks for it, at once and past the outbox, so that what goes wrong is seen.

    Problems: 409 ``mail-not-set`` where no mail server is set; 502 ``mail-not-taken`` with its words.
    """
    settings = context.settings
    if not mail.is_enabled(settings):
        raise Problem(409, "mail-not-set", "No mail is sent here: the setting smtp_url is empty.")
    letter = Letter(
        kind="test",
        recipient=login.email,
        language=language,
        payload={"name": login.name},
        message_id=new_hex(_MESSAGE_ID_BYTES),
        written_at=context.clock.now(),
    )
    try:
        message = compose(letter, sender=settings.mail_from, organisation=settings.organisation)
        with connect(parse_server(settings.smtp_url), get_domain(settings.mail_from)) as connection:
            connection.send(message, settings.mail_from, login.email)
    except (MailError, LetterError) as error:
        raise Problem(
            502, "mail-not-taken", "The mail server did not take the message.", extra={"reason": str(error)}
        ) from error


def back_up(database: Database, target: Path) -> None:
    """Copies the SQLite database into a new file that only its owner can read, whole as of one moment, while others go
    on writing; BackupError where that cannot be.

    The copy is looked at before it is called one. A ballot for which a receipt was given before the copy began is in
    it.
    """
    if not database.is_sqlite or database.url.database is None:
        raise BackupError("this is for SQLite; use pg_dump for PostgreSQL (docs/operations.md)")
    try:
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _PRIVATE_MODE))
    except OSError as error:
        raise BackupError(f"{target} cannot be made: {error.strerror}") from error
    try:
        source = f"file:{Path(database.url.database).resolve()}?mode=ro"
        with closing(sqlite3.connect(source, uri=True)) as old, closing(sqlite3.connect(target)) as new:
            # One read transaction, so that writers in between do not make it begin again and again.
            old.execute("BEGIN")
            old.execute("SELECT 1 FROM sqlite_master").fetchone()
            old.backup(new, pages=_PAGES)
            [(found,)] = new.execute("PRAGMA integrity_check").fetchall()[:1]
            if found != "ok":
                raise BackupError(f"the copy is damaged: {found}")
            new.execute("PRAGMA journal_mode = DELETE")
        with target.open("rb") as file:
            os.fsync(file.fileno())
    except (sqlite3.Error, OSError) as error:
        target.unlink(missing_ok=True)
        raise BackupError(f"no copy was made: {error}") from error
    except BackupError:
        target.unlink(missing_ok=True)
        raise
