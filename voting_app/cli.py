"""``steward``: serve the application and look after its database; the other commands lie with their features.

Whoever can read the installation's folder may act here. The journal names such acts by a role and the
random number of an account labelled "terminal", which is made when it is first needed.
"""

from __future__ import annotations

import logging
import signal
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import ClassVar, NoReturn

import click

from voting_app.commands import NEW_FILE, SETTINGS, give_up

SERVER_THREADS = 8
# How much of an answer waits in memory for a slow reader before the rest is made. What is made at a time is smaller
# than the difference, so that nothing ever waits in a file.
WAITING_BYTES = 4_000_000
MEMORY_BYTES = 8_000_000


class _Commands(click.Group):
    """A group that imports a large command only when it is called, and says every refusal in one sentence."""

    lazy: ClassVar[dict[str, str]] = {
        "admin": "voting_app.accounts.cli:admin",
        "demo": "voting_app.demo.cli:demo",
        "election": "voting_app.elections.cli:election",
        "mail": "voting_app.mail.cli:mail",
        "token": "voting_app.accounts.cli:token",
    }

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self.lazy})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.lazy:
            return super().get_command(ctx, cmd_name)
        module, _, name = self.lazy[cmd_name].partition(":")
        command = getattr(import_module(module), name)
        if not isinstance(command, click.Command):
            raise TypeError(f"{self.lazy[cmd_name]} is not a command")
        return command


@click.group(cls=_Commands, context_settings=SETTINGS)
@click.version_option(package_name="steward-voting", prog_name="steward")
@click.option(
    "--instance",
    type=click.Path(file_okay=False, path_type=Path),
    envvar="STEWARD_INSTANCE",
    default=Path("instance"),
    show_default=True,
    help="Folder of the installation: settings, secret and, by default, the database. Also STEWARD_INSTANCE.",
)
@click.pass_context
def cli(ctx: click.Context, instance: Path) -> None:
    """Elections for unions that every member can verify.

    Start with `steward demo`, which runs a whole election on this computer, or with `steward serve`,
    which starts the application. The other commands do from a terminal what the committee, the
    registrar and programs do over HTTP; `steward-audit`, `steward-trustee` and `steward-registrar`
    are separate programs that need no server.
    """
    ctx.obj = instance


@cli.command()
@click.pass_obj
def upgrade(folder: Path) -> None:
    """Bring the database's tables to this version of the program.

    `steward serve` does it by itself; use this before the other commands, or when several hosts share
    one database. Make a backup first.
    """
    from voting_app.config import load_settings
    from voting_app.db import upgrade as upgrade_database

    upgrade_database(load_settings(folder).database_url)
    click.echo("The database has the tables of this version.")


@cli.command()
@click.argument("file", type=NEW_FILE)
@click.pass_obj
def backup(folder: Path, file: Path) -> None:
    """Copy the database, while it is used, into a new FILE that only you can read.

    For SQLite; for PostgreSQL use pg_dump. Keep the file secret.key elsewhere than the copy: together they can sign in
    the name of this installation.
    """
    from voting_app.config import load_settings
    from voting_app.db import Database
    from voting_app.operations.service import BackupError, back_up

    database = Database(load_settings(folder).database_url)
    try:
        back_up(database, file)
    except BackupError as error:
        give_up(str(error))
    finally:
        database.dispose()
    click.echo(f"{file}: the database as it is now.")


@cli.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="Port; 0: a free one."
)
@click.pass_obj
def serve(folder: Path, host: str, port: int) -> None:
    """Start the application on this computer and keep it running until Ctrl-C.

    Makes what is missing: folder, secret, database. The first start prints a one-time link with which
    the first administrator sets a password and a second factor. Put a TLS proxy in front before
    others use it, and say its address in the setting base_url.
    """
    from waitress.server import create_server

    from voting_app.accounts.links import create_setup_link
    from voting_app.accounts.service import has_administrator
    from voting_app.app import create_app
    from voting_app.config import Settings, load_settings
    from voting_app.context import get_context
    from voting_app.db import upgrade as upgrade_database
    from voting_app.timer import Timer

    logging.basicConfig(level=logging.INFO, format="%(message)s")
    # They speak of every migration step and of every request that waits for a thread.
    for chatty in ("alembic", "waitress.queue"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    settings = load_settings(folder)
    upgrade_database(settings.database_url)
    app = create_app(settings)
    context = get_context(app)
    try:
        server = create_server(
            app,
            host=host,
            port=port,
            threads=SERVER_THREADS,
            ident=None,
            max_request_body_size=settings.max_body_bytes,
            # An answer waits for a slow reader in memory, never in a file: sheets have voting codes in them.
            outbuf_high_watermark=WAITING_BYTES,
            outbuf_overflow=MEMORY_BYTES,
        )
    except OSError as error:
        context.database.dispose()
        give_up(f"cannot listen at {host}, port {port}: {error.strerror}; choose another one with --port")
    # After the port is ours: a new link ends an older one, which a running server may have printed.
    with context.database.write() as session:
        link = None if has_administrator(session) else create_setup_link(session, context.clock.now())
    timer = Timer(context) if settings.jobs_in_process else None
    # SIGTERM ends it as Ctrl-C does: requests that run are finished, the timer's round too.
    signal.signal(signal.SIGTERM, _interrupt)
    if timer is not None:
        timer.start()
    listening = f"http://{host}:{getattr(server, 'effective_port', port)}"
    click.echo(f"Steward listens at {listening}")
    if link is not None:
        # Without a proxy's address in the settings, the page is where this process listens.
        base_url = listening if settings.base_url == Settings.base_url else settings.base_url
        click.echo(f"The first administrator sets a password at {base_url}/setup/{link}")
    try:
        server.run()
    finally:
        if timer is not None:
            timer.stop()
        server.close()
        context.database.dispose()


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def main() -> None:
    """Entry point: every refusal is one sentence and exit status 1; 2 for a command that is not understood."""
    from voting_app.config import SettingsError
    from voting_app.db import SchemaError
    from voting_app.errors import Problem

    try:
        cli(prog_name="steward")
    except Problem as problem:
        lines = [
            f"{row['row']}, {row['column'] or 'row'}: {row['sentence']}"
            for row in problem.extra.get("rows", ())
        ]
        where = f"{problem.extra['field']}: " if "field" in problem.extra else ""
        give_up(
            "\n".join(
                [f"{where}{problem.title} {problem.detail or ''}".strip(), *(f"row {x}" for x in lines)]
            )
        )
    except (SettingsError, SchemaError) as error:
        give_up(str(error))
    except OSError as error:
        give_up(f"{error.filename}: {error.strerror}" if error.filename else str(error))
