"""What the commands of `steward` share: the installation, in whose name they act, and how they give up.

Modules of commands import the application in their functions only, so that `steward --help` stays quick.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TextIO, TypeVar

import click

from voting_app.patience import pulsing_bar

R = TypeVar("R")

TERMINAL = "terminal"
SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
PRIVATE_MODE = 0o600
NEW_FILE = click.Path(dir_okay=False, path_type=Path)


def give_up(sentence: str) -> NoReturn:
    """End the program with one sentence on standard error and exit status 1."""
    click.echo(f"Error: {sentence}", err=True)
    raise SystemExit(1)


@contextmanager
def open_installation(folder: Path) -> Iterator[Any]:
    """The installation's Context; the database must have the tables of this program."""
    from voting_app.clock import SystemClock
    from voting_app.config import load_settings
    from voting_app.context import Context
    from voting_app.db import Database

    settings = load_settings(folder)
    database = Database(settings.database_url)
    try:
        database.require_current_schema()
        yield Context(settings, database, SystemClock())
    finally:
        database.dispose()


def with_context(command: Callable[..., R]) -> Callable[..., R]:
    """Gives a command the Context of ``--instance`` as its first argument."""

    @click.pass_obj
    def wrapped(folder: Path, /, *args: Any, **kwargs: Any) -> R:
        title = (command.__doc__ or "Working").partition("\n")[0].rstrip(".")
        with open_installation(folder) as context, pulsing_bar(title):
            return command(context, *args, **kwargs)

    wrapped.__name__ = command.__name__
    wrapped.__doc__ = command.__doc__
    return wrapped


def make_actor(context: Any, role: str) -> Any:
    """The account in whose name this terminal acts in ``role``."""
    from sqlalchemy import select

    from voting_app.accounts.models import Account
    from voting_app.accounts.service import Actor, create_account

    with context.database.write() as session:
        number = session.scalar(
            select(Account.number)
            .where(
                Account.role == role,
                Account.label == TERMINAL,
                # People have one, and may be called anything.
                Account.email.is_(None),
                Account.ended_at.is_(None),
            )
            .order_by(Account.number)
            .limit(1)
        )
        if number is not None:
            return Actor(role, number)
        return create_account(session, role=role, label=TERMINAL, now=context.clock.now())


@contextmanager
def make_private_file(path: Path) -> Iterator[TextIO]:
    """A new file that only its owner reads, on the disk when the block ends; never an existing one.

    It is opened before anything that cannot be repeated happens, and removed if that fails.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_MODE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        try:
            yield file
        except BaseException:
            path.unlink()
            raise
        file.flush()
        os.fsync(file.fileno())
