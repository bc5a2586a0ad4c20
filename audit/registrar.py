"""``steward-registrar``: credentials made on the registrar's own machine.

The server gets the public list only, so nobody there can vote in a member's name.
"""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import NoReturn

import click

from audit.progress import LateProgress
from crypto.credentials import derive_public, encode_credential_list, new_credential_text
from crypto.encoding import is_uuid, sha256_base64
from crypto.groups import Element, get_group
from crypto.groups.registry import DEFAULT_GROUP, GROUP_NAMES
from crypto.roll import Member, RollFileError, parse_roll

_MOST_SHOWN = 20


def _read_roll(path: Path) -> list[Member]:
    """The members who may vote; ClickException naming every bad row."""
    try:
        members = parse_roll(path.read_bytes())
    except RollFileError as error:
        faults = [f"row {fault.row}, {fault.column}: {fault.sentence}" for fault in error.faults]
        more = len(faults) - _MOST_SHOWN
        shown = "\n  ".join(faults[:_MOST_SHOWN]) + (f"\n  and {more} more" if more > 0 else "")
        raise click.ClickException(f"{path.name} is refused:\n  {shown}") from error
    return [member for member in members if member.eligible]


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        file.write(text)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="steward-voting", prog_name="steward-registrar")
def cli() -> None:
    """Make voting credentials where nobody else can see them.

    Each eligible member gets one credential, a text of 22 characters. Give it to the member only;
    upload the public list only.
    """


@cli.command()
@click.option("--election", "uuid", required=True, help="The election's uuid, as its page shows it.")
@click.option(
    "--group",
    "group_name",
    type=click.Choice(GROUP_NAMES),
    default=DEFAULT_GROUP,
    show_default=True,
    help="The election's group.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Folder for the two files; default: the current one.",
)
@click.argument("roll", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def generate(uuid: str, group_name: str, out: Path, roll: Path) -> None:
    """Make a credential for every member of ROLL, the frozen roll as CSV.

    Two files are written, and neither is ever replaced: credentials.csv (member number and
    credential: secret, for the members only) and public-credentials.json (for the server). The
    fingerprint that is printed must be the one that the election's page shows.
    """
    if not is_uuid(uuid):
        raise click.ClickException(f"{uuid!r} is not an election's uuid: 14 or more Base58 characters")
    members = _read_roll(roll)
    group = get_group(group_name)
    weighted = any(member.weight != 1 for member in members)
    out.mkdir(parents=True, exist_ok=True)
    table = io.StringIO(newline="")
    writer = csv.writer(table)
    writer.writerow(("member_number", "credential"))
    entries: list[tuple[Element, int | None]] = []
    with LateProgress("credentials", len(members)) as bar:
        for done, member in enumerate(members, 1):
            text = new_credential_text()
            entries.append((derive_public(group, uuid, text), member.weight if weighted else None))
            writer.writerow((member.member_number, text))
            bar.update(done)
    public = encode_credential_list(group, entries)
    secret_file, public_file = out / "credentials.csv", out / "public-credentials.json"
    with public_file.open("xb") as file:
        try:
            # Both or none: a secret list beside another public one would be handed out in vain.
            _write_private(secret_file, table.getvalue())
            file.write(public)
        except BaseException:
            public_file.unlink()
            raise
    click.echo(f"{len(members)} credentials; fingerprint of the public list: {sha256_base64(public)}")
    click.echo(f"secret, for the members only:  {secret_file}")
    click.echo(f"for the election's server:     {public_file}")


def main() -> None:
    """Entry point; every refusal is one sentence and exit 1."""
    try:
        cli(prog_name="steward-registrar")
    except FileExistsError as error:
        _give_up(f"{error.filename} exists already; credentials are never replaced")
    except OSError as error:
        _give_up(f"{error.filename}: {error.strerror}")


def _give_up(sentence: str) -> NoReturn:
    click.echo(f"Error: {sentence}", err=True)
    raise SystemExit(1)
