"""``steward``: serve the application, run the demo, make tokens, and run elections from a terminal.

Whoever can read the installation's folder may act here. The journal names such acts by a role and the
random number of an account labelled "terminal", which is made when it is first needed.
"""

from __future__ import annotations

import json
import logging
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import FrameType
from typing import Any, ClassVar, NoReturn, TextIO, TypeVar

import click

from voting_app.patience import pulsing_bar

R = TypeVar("R")

ROLES = ("committee", "registrar", "observer", "administrator", "helpdesk")
TERMINAL = "terminal"
SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
SERVER_THREADS = 8
# How much of an answer waits in memory for a slow reader before the rest is made. What is made at a time is smaller
# than the difference, so that nothing ever waits in a file.
WAITING_BYTES = 4_000_000
MEMORY_BYTES = 8_000_000
PRIVATE_MODE = 0o600


class _Commands(click.Group):
    """A group that imports a large command only when it is called, and says every refusal in one sentence."""

    lazy: ClassVar[dict[str, str]] = {"demo": "voting_app.demo.cli:demo"}

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


# --- the installation ------------------------------------------------------------------------------


@contextmanager
def _installation(folder: Path) -> Iterator[Any]:
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


def _with_context(command: Callable[..., R]) -> Callable[..., R]:
    """Gives a command the Context of ``--instance`` as its first argument."""

    @click.pass_obj
    def wrapped(folder: Path, /, *args: Any, **kwargs: Any) -> R:
        title = (command.__doc__ or "Working").partition("\n")[0].rstrip(".")
        with _installation(folder) as context, pulsing_bar(title):
            return command(context, *args, **kwargs)

    wrapped.__name__ = command.__name__
    wrapped.__doc__ = command.__doc__
    return wrapped


def _terminal_actor(context: Any, role: str) -> Any:
    """The account in whose name this terminal acts in ``role``."""
    from sqlalchemy import select

    from voting_app.accounts.models import Account
    from voting_app.accounts.service import Actor, create_account

    with context.database.write() as session:
        number = session.scalar(
            select(Account.number)
            .where(Account.role == role, Account.label == TERMINAL, Account.ended_at.is_(None))
            .limit(1)
        )
        if number is not None:
            return Actor(role, number)
        return create_account(session, role=role, label=TERMINAL, now=context.clock.now())


_NEW_FILE = click.Path(dir_okay=False, path_type=Path)


@contextmanager
def _private_file(path: Path) -> Iterator[TextIO]:
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
@click.argument("file", type=_NEW_FILE)
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
        _give_up(str(error))
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
        _give_up(f"cannot listen at {host}, port {port}: {error.strerror}; choose another one with --port")
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


# --- administrators --------------------------------------------------------------------------------


@cli.group(context_settings=SETTINGS)
def admin() -> None:
    """Administrators of the pages, when none of them can log in any more."""


@admin.command("list")
@_with_context
def list_administrators(context: Any) -> None:
    """List administrators: account number, mail address, name, whether password and second factor are set."""
    from voting_app.accounts import service

    with context.database.read() as session:
        for person in service.list_people(session, context.clock.now()):
            if person.role == service.ADMINISTRATOR:
                state = "ready" if person.is_ready else "invited"
                click.echo(f"{person.number}  {person.email}  {person.name}  {state}")


@admin.command("reset")
@click.option("--email", metavar="ADDRESS", help="Of the administrator; without it the link makes a new one.")
@_with_context
def reset_administrator(context: Any, email: str | None) -> None:
    """Print a one-time link with which an administrator sets password and second factor anew.

    Those that were set are worthless at once, and where this administrator was logged in is ended. The link
    is good for a day: open it yourself, or pass it on by a way that nobody else reads.
    """
    from voting_app.accounts import links

    click.echo(links.reset_administrator(context, email).get_url(context.settings.base_url))


# --- tokens ----------------------------------------------------------------------------------------


@cli.group(context_settings=SETTINGS)
def token() -> None:
    """Bearer tokens of programs: one role each, shown once, kept as a hash."""


@token.command("create")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What the bearer may do.")
@click.option("--label", default="", help="A note for you, such as the program's name. Never published.")
@_with_context
def create_token(context: Any, role: str, label: str) -> None:
    """Make a token and print it, this once.

    Trustees' tokens are made with their seats: `steward election trustees`.
    """
    from voting_app.accounts import service

    with context.database.write() as session:
        made = service.create_token(session, role=role, label=label, now=context.clock.now())
    click.echo(made.text)
    click.echo(
        f"It acts as {made.actor}; end it with: steward token end {made.actor.account_number}", err=True
    )


@token.command("end")
@click.argument("account_number", type=click.IntRange(1))
@_with_context
def end_token(context: Any, account_number: int) -> None:
    """End the account with this number and its tokens, at once and for good."""
    from voting_app.accounts import service

    with context.database.write() as session:
        service.end_account(session, account_number, context.clock.now())
    click.echo("Ended.")


# --- mail ------------------------------------------------------------------------------------------


@cli.group(context_settings=SETTINGS)
def mail() -> None:
    """Mail: send what is due, see what was not taken by trustees' and officers' mail servers, try again.

    `steward serve` sends by itself. Where mail is handed over is said by the settings smtp_url and mail_from.
    """


def _require_mail(context: Any) -> None:
    from voting_app.mail.service import is_enabled

    if not is_enabled(context.settings):
        _give_up("no mail is sent here: the setting smtp_url is empty")


@mail.command("send")
@_with_context
def send_mail(context: Any) -> None:
    """Send what is due, once, and say how many messages the mail server took.

    For cron, and for hosts without a timer. Several at once do not send anything twice.
    """
    from voting_app.mail.jobs import run_due
    from voting_app.mailing.jobs import run_due as run_due_to_members

    _require_mail(context)
    count = 0
    # Mail to members is paced: what is over this minute's share goes the next time.
    while taken := run_due(context) + run_due_to_members(context):
        count += taken
    click.echo(f"{count} sent.")


@mail.command("list")
@_with_context
def list_mail(context: Any) -> None:
    """List what was not sent: number, state, attempts, kind, recipient, next attempt or reason."""
    from voting_app.mail import service

    with context.database.read() as session:
        for view in service.list_unsent(session):
            when = "" if view.state == "failed" else f"  next attempt {view.next_try_at:%Y-%m-%dT%H:%MZ}"
            reason = f"  {view.reason}" if view.reason else ""
            click.echo(
                f"{view.id}  {view.state.value:<8} {view.attempts}  {view.kind}  {view.recipient}{when}{reason}"
            )


@mail.command("retry")
@_with_context
def retry_mail(context: Any) -> None:
    """Let everything that failed begin anew, for example after a wrong setting."""
    from voting_app.mail import service

    click.echo(f"{service.retry_failed(context)} will be tried again.")


# --- elections -------------------------------------------------------------------------------------


@cli.group(context_settings=SETTINGS)
def election() -> None:
    """Prepare, run and certify elections: what the committee and the registrar can do.

    In order: create, roll, freeze, credentials, trustees, keys, open, close, certify. The trustees' part is
    done with `steward-trustee` and over HTTP. Every act of the committee but `create` and `roll` needs two of
    its people; these commands are one of them.
    """


_UUID = click.argument("uuid")
_REASON = click.option("--reason", required=True, help="Why; the public reads it.")
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


def _say_state(view: Any) -> None:
    from voting_app.elections.states import STATE_WORDS

    click.echo(f"{view.uuid}: the election is {STATE_WORDS[view.state]}.")


def _say_act(result: tuple[Any, Any]) -> bool:
    """What became of an act; whether it is done and waits for nobody."""
    view, outcome = result
    if outcome.is_done:
        _say_state(view)
    else:
        _say_waiting(outcome)
    return bool(outcome.is_done)


def _say_waiting(outcome: Any) -> None:
    """All commands act as one officer, so the second one acts on the pages or over HTTP."""
    people = "a second person" if outcome.awaited == 1 else f"{outcome.awaited} more people"
    click.echo(
        f"Proposed, and not done yet: waiting for {people} of the committee, until"
        f" {outcome.proposal.expires_at:%Y-%m-%dT%H:%MZ}. They agree on the pages of the office, or by sending the"
        " same request with a token of their own."
    )


@election.command("create")
@click.argument("file", type=_FILE)
@_with_context
def create_election(context: Any, file: Path) -> None:
    """Create an election in draft from FILE and print its uuid.

    FILE is a JSON object with the fields of POST /api/v1/elections (openapi.json, NewElection): name,
    questions, closes_at, trustees, and where wanted description, group, revoting, time_zone,
    credential_mode, unit.
    """
    from voting_app.elections import service, wire

    new = wire.parse_new_election(file.read_bytes())
    view = service.create_election(context, new, _terminal_actor(context, "committee"))
    click.echo(view.uuid)


@election.command("list")
@_with_context
def list_elections(context: Any) -> None:
    """List all elections: uuid, state, name."""
    from voting_app.elections import service

    with context.database.read() as session:
        for view in service.list_elections(session):
            click.echo(f"{view.uuid}  {view.state.value:<12}  {view.name}")


@election.command("roll")
@_UUID
@click.argument("file", type=_FILE)
@click.option("--preview", is_flag=True, help="Write nothing; say what is wrong, odd, and different.")
@click.option(
    "--against",
    metavar="UUID",
    help="For --preview: compare with this election's roll.  [default: the last one that was frozen]",
)
@_with_context
def import_roll(context: Any, uuid: str, file: Path, preview: bool, against: str | None) -> None:
    """Take the roll from FILE (CSV), replacing the one there was.

    Columns: name, member_number, and where wanted email, phone, address, unit (as in Region East > Local
    12), weight, language, standing (good, not-good), separated by commas, semicolons or tabs. One bad row
    refuses the file; all bad rows are named. --preview ends with status 1 if there is one.
    """
    from crypto.roll import read_roll
    from voting_app.roll import service, wire
    from voting_app.roll.views import list_lines

    if preview:
        found, other = service.preview_roll(context, uuid, read_roll(file.read_bytes()), against)
        for line in list_lines(found, other):
            click.echo(line)
        raise SystemExit(1 if found.faults else 0)
    if against is not None:
        raise click.UsageError("--against goes with --preview.")
    summary = service.import_roll(context, uuid, wire.parse_roll_body(file.read_bytes()))
    click.echo(f"{summary.members} members, {summary.eligible} of them may vote.")


@election.command("save-roll")
@_UUID
@click.argument("file", type=_NEW_FILE)
@_with_context
def save_roll(context: Any, uuid: str, file: Path) -> None:
    """Write the roll as it is now to FILE (CSV), new and readable by you only.

    `roll` takes it back. Cells in which a spreadsheet would find a formula have an apostrophe before it.
    """
    from crypto.roll import encode_roll
    from voting_app.roll import service

    with _private_file(file) as out:
        # Spreadsheets take a file for UTF-8 only if it begins with this mark.
        out.write("\ufeff" + encode_roll(service.get_roll(context, uuid)))
    click.echo(f"Written to {file}.")


@election.command("freeze")
@_UUID
@_with_context
def freeze_roll(context: Any, uuid: str) -> None:
    """Fix who may vote, and print the roll's published hash."""
    from voting_app.roll import service

    summary, outcome = service.freeze_roll(context, uuid, _terminal_actor(context, "committee"))
    if outcome.is_done:
        click.echo(summary.roll_hash)
    else:
        _say_waiting(outcome)


@election.command("credentials")
@_UUID
@click.option("--public", type=_FILE, help="The registrar's public list, made by steward-registrar.")
@click.option(
    "--out", type=_NEW_FILE, help="New file for the credentials that the server makes (CSV, secret)."
)
@_with_context
def publish_credentials(context: Any, uuid: str, public: Path | None, out: Path | None) -> None:
    """Publish the voting credentials, as the registrar.

    With --public the list comes from the registrar's own machine. With --out (mode "server") the
    credentials are made here and written to a new file that is the only copy.
    """
    from crypto.tables import encode_table
    from voting_app.registrar import service, wire

    if (public is None) == (out is None):
        raise click.UsageError("Give either --public or --out.")
    actor = _terminal_actor(context, "registrar")
    if public is not None:
        published = service.publish_credentials(
            context, uuid, wire.parse_list_body(public.read_bytes()), actor
        )
        click.echo(f"{published.count} credentials are published.")
    elif out is not None:
        with _private_file(out) as file:
            credentials = service.hand_to_program(context, uuid, actor)
            file.write(encode_table([("member_number", "credential"), *sorted(credentials.items())]))
        # Only now, when the file is whole: until then they wait sealed, and sheets can be printed in the office.
        service.forget_handed(context, uuid, credentials, actor)
        click.echo(f"{len(credentials)} credentials are published; the secret ones are in {out}.")


def _say_seat(seat: Any) -> None:
    click.echo(f"{seat.owner} {seat.kind.value} {seat.token} {seat.link}")


def _pairs(_ctx: click.Context, _option: click.Parameter, values: tuple[str, ...]) -> dict[int, str]:
    """Reads options of the form OWNER=TEXT."""
    pairs: dict[int, str] = {}
    for value in values:
        owner, sign, text = value.partition("=")
        if not sign or not re.fullmatch("[0-9]{1,3}", owner) or int(owner) in pairs:
            raise click.BadParameter("give OWNER=…, such as 1=…, once for each trustee")
        pairs[int(owner)] = text
    return pairs


@election.command("trustees")
@_UUID
@click.option(
    "--name", "names", multiple=True, callback=_pairs, metavar="OWNER=NAME", help="For the other trustees."
)
@click.option(
    "--email",
    "emails",
    multiple=True,
    callback=_pairs,
    metavar="OWNER=ADDRESS",
    help="Where mail goes when it is this trustee's turn.",
)
@_with_context
def create_seats(context: Any, uuid: str, names: dict[int, str], emails: dict[int, str]) -> None:
    """Make the trustees' seats; print owner number, kind, token and link of each, this once.

    The link holds the token: give each trustee its own, by a way that nobody else reads.
    """
    from voting_app.trustees import service, wire

    owners = sorted(names.keys() | emails.keys())
    people = {owner: wire.make_person(names.get(owner), emails.get(owner)) for owner in owners}
    for seat in service.create_seats(context, uuid, people):
        _say_seat(seat)


@election.command("trustee")
@_UUID
@click.argument("owner", type=click.IntRange(1))
@click.option("--name", help="For the other trustees.")
@click.option("--email", help="Where mail goes when it is this trustee's turn.")
@_with_context
def set_person(context: Any, uuid: str, owner: int, name: str | None, email: str | None) -> None:
    """Correct name and mail address of trustee OWNER; what is not given is removed."""
    from voting_app.trustees import service, wire

    service.set_person(context, uuid, owner, wire.make_person(name, email))
    click.echo("Changed.")


@election.command("restart")
@_UUID
@click.argument("owner", type=click.IntRange(1))
@_REASON
@click.option("--name", help="Of the person who has the seat from now on.")
@click.option("--email", help="Of that person.")
@_with_context
def restart_seat(
    context: Any, uuid: str, owner: int, reason: str, name: str | None, email: str | None
) -> None:
    """Give the seat of trustee OWNER a new token and start the key ceremony anew."""
    from voting_app.trustees import service, wire

    person = wire.make_person(name, email) if name or email else None
    actor = _terminal_actor(context, "committee")
    _say_seat(service.restart_seat(context, uuid, owner, reason, actor, person))


@election.command("keys")
@_UUID
@_with_context
def ready_keys(context: Any, uuid: str) -> None:
    """Assemble the election's key from the trustees', set up the ballot box, print the fingerprint."""
    from voting_app.trustees import keys

    click.echo(keys.ready_keys(context, uuid, _terminal_actor(context, "committee")))


@election.command("check")
@_UUID
@_with_context
def check_election(context: Any, uuid: str) -> None:
    """Say what the result would tell of its voters; exit 1 if that keeps the election from being opened.

    Computed from roll, weights and questions: block, warn or note, then the reason.
    """
    from voting_app.elections import service
    from voting_app.elections.privacy_words import describe_finding

    report = service.report_privacy(context, uuid)
    for finding in report.findings:
        click.echo(f"{finding.severity.value:<5}  {finding.code}  {describe_finding(finding)}")
    if not report.findings:
        click.echo("Nothing was found.")
    if report.blocking:
        click.get_current_context().exit(1)


@election.command("open")
@_UUID
@click.option("--closes-at", help="Another closing time, such as 2026-11-22T18:00:00Z.")
@_with_context
def open_election(context: Any, uuid: str, closes_at: str | None) -> None:
    """Take ballots from now on."""
    from voting_app.booth import opening
    from voting_app.elections import wire

    moment = None if closes_at is None else wire.parse_time(closes_at, "closes_at")
    _say_act(opening.open_election(context, uuid, _terminal_actor(context, "committee"), moment))


@election.command("pause")
@_UUID
@_REASON
@_with_context
def pause_election(context: Any, uuid: str, reason: str) -> None:
    """Take no ballots for now."""
    from voting_app.elections import service

    _say_act(service.pause_election(context, uuid, _terminal_actor(context, "committee"), reason))


@election.command("resume")
@_UUID
@_with_context
def resume_election(context: Any, uuid: str) -> None:
    """Take ballots again."""
    from voting_app.elections import service

    _say_act(service.resume_election(context, uuid, _terminal_actor(context, "committee")))


@election.command("extend")
@_UUID
@click.argument("closes_at")
@_REASON
@_with_context
def extend_election(context: Any, uuid: str, closes_at: str, reason: str) -> None:
    """Set the later closing time CLOSES_AT, such as 2026-11-22T18:00:00Z."""
    from voting_app.elections import service, wire

    moment = wire.parse_time(closes_at, "closes_at")
    actor = _terminal_actor(context, "committee")
    _say_act(service.extend_election(context, uuid, actor, moment, reason))


@election.command("close")
@_UUID
@_with_context
def close_election(context: Any, uuid: str) -> None:
    """Close now and compute the encrypted tally.

    Ballots that have arrived are still taken, so this takes a few seconds; if some are being verified even
    then, counting follows by itself while `steward serve` runs, or at the next `steward election status`.
    """
    from voting_app.elections import service
    from voting_app.tally.service import advance

    if _say_act(service.close_election(context, uuid, _terminal_actor(context, "committee"))):
        time.sleep(context.settings.closing_grace_seconds)
        advance(context, uuid)


@election.command("cancel")
@_UUID
@_REASON
@_with_context
def cancel_election(context: Any, uuid: str, reason: str) -> None:
    """End the election without a result; its record is kept."""
    from voting_app.elections import service

    _say_act(service.cancel_election(context, uuid, _terminal_actor(context, "committee"), reason))


@election.command("untalliable")
@_UUID
@_REASON
@_with_context
def declare_untalliable(context: Any, uuid: str, reason: str) -> None:
    """Declare that too few trustees can decrypt."""
    from voting_app.tally import service

    _say_act(service.declare_untalliable(context, uuid, _terminal_actor(context, "committee"), reason))


@election.command("certify")
@_UUID
@click.option("--statement", required=True, help="The committee's words; the public reads them.")
@_with_context
def certify_election(context: Any, uuid: str, statement: str) -> None:
    """Say that the result stands."""
    from voting_app.certification import service

    _say_act(service.certify_election(context, uuid, _terminal_actor(context, "committee"), statement))


@election.command("status")
@_UUID
@click.option("--json", "as_json", is_flag=True, help="Print what GET /status answers, as one JSON object.")
@_with_context
def show_status(context: Any, uuid: str, as_json: bool) -> None:
    """Say where an election stands, after doing what is due (closing, counting, opening the result)."""
    from voting_app.elections.views import encode_status
    from voting_app.tally import service
    from voting_app.trustees import service as trustees
    from voting_app.trustees.states import is_act

    service.advance(context, uuid)
    with context.database.read() as session:
        status = encode_status(session, uuid)
        result = service.find_result(session, uuid)
        seats = trustees.list_seat_views(session, uuid)
    if as_json:
        click.echo(json.dumps(status, ensure_ascii=False))
        return
    for name in ("uuid", "name", "state", "closes_at", "members", "fingerprint"):
        click.echo(f"{name:<12} {'-' if status[name] is None else status[name]}")
    click.echo(f"{'ballots':<12} {status['box']['ballots']}")
    if result is not None:
        click.echo(f"{'result':<12} {json.dumps(result)}")
    for seat in seats:
        if is_act(seat.step):
            name = f" ({seat.name})" if seat.name else ""
            click.echo(f"{'next':<12} trustee {seat.progress.owner}{name}: {seat.step.value}")


@election.command("export")
@_UUID
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path), default=Path())
@_with_context
def export_election(context: Any, uuid: str, folder: Path) -> None:
    """Write the published record, UUID.bel and UUID.journal.jsonl, to FOLDER (default: the current one)."""
    from voting_app.ledger import service

    with context.database.read() as session:
        box_id = service.get_box_id(session, uuid)
    folder.mkdir(parents=True, exist_ok=True)
    parts = {
        f"{uuid}.bel": service.iter_archive(context.database, box_id),
        f"{uuid}.journal.jsonl": service.iter_journal(context.database, box_id),
    }
    for name, pieces in parts.items():
        with (folder / name).open("wb") as file:
            file.writelines(pieces)
        click.echo(folder / name)


# --- the entry -------------------------------------------------------------------------------------


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
        _give_up(
            "\n".join(
                [f"{where}{problem.title} {problem.detail or ''}".strip(), *(f"row {x}" for x in lines)]
            )
        )
    except (SettingsError, SchemaError) as error:
        _give_up(str(error))
    except OSError as error:
        _give_up(f"{error.filename}: {error.strerror}" if error.filename else str(error))


def _give_up(sentence: str) -> NoReturn:
    click.echo(f"Error: {sentence}", err=True)
    raise SystemExit(1)
