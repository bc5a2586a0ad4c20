"""`steward election`: what the committee and the registrar do, from a terminal.

These commands act as one person of the role that each needs; a second one acts on the pages or over HTTP.
"""

import json
import re
import time
from pathlib import Path
from typing import Any

import click

from crypto.words import fingerprint_words
from voting_app.commands import NEW_FILE, SETTINGS, make_actor, make_private_file, with_context


@click.group(context_settings=SETTINGS)
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
@with_context
def create_election(context: Any, file: Path) -> None:
    """Create an election in draft from FILE and print its uuid.

    FILE is a JSON object with the fields of POST /api/v1/elections (openapi.json, NewElection): name,
    questions, closes_at, trustees, and where wanted description, group, revoting, time_zone,
    credential_mode, unit.
    """
    from voting_app.elections import service, wire

    new = wire.parse_new_election(file.read_bytes())
    view = service.create_election(context, new, make_actor(context, "committee"))
    click.echo(view.uuid)


@election.command("list")
@with_context
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
@with_context
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
@click.argument("file", type=NEW_FILE)
@with_context
def save_roll(context: Any, uuid: str, file: Path) -> None:
    """Write the roll as it is now to FILE (CSV), new and readable by you only.

    `roll` takes it back. Cells in which a spreadsheet would find a formula have an apostrophe before it.
    """
    from crypto.roll import encode_roll
    from voting_app.roll import service

    with make_private_file(file) as out:
        # Spreadsheets take a file for UTF-8 only if it begins with this mark.
        out.write("\ufeff" + encode_roll(service.get_roll(context, uuid)))
    click.echo(f"Written to {file}.")


@election.command("freeze")
@_UUID
@with_context
def freeze_roll(context: Any, uuid: str) -> None:
    """Fix who may vote, and print the roll's published hash."""
    from voting_app.roll import service

    summary, outcome = service.freeze_roll(context, uuid, make_actor(context, "committee"))
    if outcome.is_done:
        click.echo(summary.roll_hash)
    else:
        _say_waiting(outcome)


@election.command("credentials")
@_UUID
@click.option("--public", type=_FILE, help="The registrar's public list, made by steward-registrar.")
@click.option(
    "--out", type=NEW_FILE, help="New file for the credentials that the server makes (CSV, secret)."
)
@with_context
def publish_credentials(context: Any, uuid: str, public: Path | None, out: Path | None) -> None:
    """Publish the voting credentials, as the registrar.

    With --public the list comes from the registrar's own machine. With --out (mode "server") the
    credentials are made here and written to a new file that is the only copy.
    """
    from crypto.tables import encode_table
    from voting_app.registrar import service, wire

    if (public is None) == (out is None):
        raise click.UsageError("Give either --public or --out.")
    actor = make_actor(context, "registrar")
    if public is not None:
        published = service.publish_credentials(
            context, uuid, wire.parse_list_body(public.read_bytes()), actor
        )
        click.echo(f"{published.count} credentials are published.")
    elif out is not None:
        with make_private_file(out) as file:
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
@with_context
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
@with_context
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
@with_context
def restart_seat(
    context: Any, uuid: str, owner: int, reason: str, name: str | None, email: str | None
) -> None:
    """Give the seat of trustee OWNER a new token and start the key ceremony anew."""
    from voting_app.trustees import service, wire

    person = wire.make_person(name, email) if name or email else None
    actor = make_actor(context, "committee")
    _say_seat(service.restart_seat(context, uuid, owner, reason, actor, person))


@election.command("keys")
@_UUID
@with_context
def ready_keys(context: Any, uuid: str) -> None:
    """Assemble the election's key from the trustees', set up the ballot box, print the fingerprint.

    Its eight words, for people to compare, go beside it to standard error.
    """
    from voting_app.trustees import keys

    fingerprint = keys.ready_keys(context, uuid, make_actor(context, "committee"))
    # Programs read one line, as ever.
    click.echo(f"words        {fingerprint_words(fingerprint)}", err=True)
    click.echo(fingerprint)


@election.command("check")
@_UUID
@with_context
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
@with_context
def open_election(context: Any, uuid: str, closes_at: str | None) -> None:
    """Take ballots from now on."""
    from voting_app.booth import opening
    from voting_app.elections import wire

    moment = None if closes_at is None else wire.parse_time(closes_at, "closes_at")
    _say_act(opening.open_election(context, uuid, make_actor(context, "committee"), moment))


@election.command("pause")
@_UUID
@_REASON
@with_context
def pause_election(context: Any, uuid: str, reason: str) -> None:
    """Take no ballots for now."""
    from voting_app.elections import service

    _say_act(service.pause_election(context, uuid, make_actor(context, "committee"), reason))


@election.command("resume")
@_UUID
@with_context
def resume_election(context: Any, uuid: str) -> None:
    """Take ballots again."""
    from voting_app.elections import service

    _say_act(service.resume_election(context, uuid, make_actor(context, "committee")))


@election.command("extend")
@_UUID
@click.argument("closes_at")
@_REASON
@with_context
def extend_election(context: Any, uuid: str, closes_at: str, reason: str) -> None:
    """Set the later closing time CLOSES_AT, such as 2026-11-22T18:00:00Z."""
    from voting_app.elections import service, wire

    moment = wire.parse_time(closes_at, "closes_at")
    actor = make_actor(context, "committee")
    _say_act(service.extend_election(context, uuid, actor, moment, reason))


@election.command("close")
@_UUID
@with_context
def close_election(context: Any, uuid: str) -> None:
    """Close now and compute the encrypted tally.

    Ballots that have arrived are still taken, so this takes a few seconds; if some are being verified even
    then, counting follows by itself while `steward serve` runs, or at the next `steward election status`.
    """
    from voting_app.elections import service
    from voting_app.tally.service import advance

    if _say_act(service.close_election(context, uuid, make_actor(context, "committee"))):
        time.sleep(context.settings.closing_grace_seconds)
        advance(context, uuid)


@election.command("cancel")
@_UUID
@_REASON
@with_context
def cancel_election(context: Any, uuid: str, reason: str) -> None:
    """End the election without a result; its record is kept."""
    from voting_app.elections import service

    _say_act(service.cancel_election(context, uuid, make_actor(context, "committee"), reason))


@election.command("untalliable")
@_UUID
@_REASON
@with_context
def declare_untalliable(context: Any, uuid: str, reason: str) -> None:
    """Declare that too few trustees can decrypt."""
    from voting_app.tally import service

    _say_act(service.declare_untalliable(context, uuid, make_actor(context, "committee"), reason))


@election.command("certify")
@_UUID
@click.option("--statement", required=True, help="The committee's words; the public reads them.")
@with_context
def certify_election(context: Any, uuid: str, statement: str) -> None:
    """Say that the result stands."""
    from voting_app.certification import service

    _say_act(service.certify_election(context, uuid, make_actor(context, "committee"), statement))


@election.command("status")
@_UUID
@click.option("--json", "as_json", is_flag=True, help="Print what GET /status answers, as one JSON object.")
@with_context
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
    if status["fingerprint"] is not None:
        click.echo(f"{'words':<12} {fingerprint_words(status['fingerprint'])}")
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
@with_context
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
