"""``steward-registrar``: credentials made on the registrar's own machine.

The server gets the public list only, so nobody there can vote in a member's name.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from audit.progress import LateProgress
from crypto.credentials import derive_public, encode_credential_list, new_credential_text
from crypto.encoding import is_uuid, sha256_base64
from crypto.groups import Element, get_group
from crypto.groups.registry import DEFAULT_GROUP, GROUP_NAMES
from crypto.roll import Member, RollFileError, parse_roll
from crypto.tables import encode_table
from crypto.words import fingerprint_words

_MOST_SHOWN = 20


def _read_roll(path: Path) -> list[Member]:
    """The members who may vote; ClickException naming every bad row."""
    try:
        members = parse_roll(path.read_bytes())
    except RollFileError as error:
        faults = [f"row {fault.row}, {fault.column}: {fault.sentence}" for fault in error.faults]
        _refuse([f"{path.name} is refused:", *faults])
    return [member for member in members if member.eligible]


def _write_private(path: Path, raw: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(raw)


def _refuse(sentences: Sequence[str]) -> NoReturn:
    more = len(sentences) - _MOST_SHOWN
    shown = "\n  ".join(sentences[:_MOST_SHOWN]) + (f"\n  and {more} more" if more > 0 else "")
    raise click.ClickException(shown)


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
    rows = [("member_number", "credential")]
    entries: list[tuple[Element, int | None]] = []
    with LateProgress("credentials", len(members)) as bar:
        for done, member in enumerate(members, 1):
            text = new_credential_text()
            entries.append((derive_public(group, uuid, text), member.weight if weighted else None))
            rows.append((member.member_number, text))
            bar.update(done)
    public = encode_credential_list(group, entries)
    secret_file, public_file = out / "credentials.csv", out / "public-credentials.json"
    with public_file.open("xb") as file:
        try:
            # Both or none: a secret list beside another public one would be handed out in vain.
            _write_private(secret_file, encode_table(rows).encode())
            file.write(public)
        except BaseException:
            public_file.unlink()
            raise
    click.echo(f"{len(members)} credentials; fingerprint of the public list: {sha256_base64(public)}")
    click.echo(f"secret, for the members only:  {secret_file}")
    click.echo(f"for the election's server:     {public_file}")


_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@cli.command()
@click.option("--site", required=True, help="Where members vote, such as https://vote.example.org.")
@click.option("--opens", metavar="TIME", help="When voting opens, such as 2026-12-01T08:00; may be left out.")
@click.option("--closes", metavar="TIME", required=True, help="When voting closes.")
@click.option(
    "--time-zone",
    metavar="ZONE",
    required=True,
    help="Of these times, such as America/Chicago or Europe/Paris.",
)
@click.option(
    "--paper",
    type=click.Choice(["a4", "letter", "a4-labels", "letter-labels"]),
    default="a4",
    show_default=True,
    help="A page for each member, or labels: 8 on A4 (99.1 x 67.7 mm), 6 on Letter (4 x 3 1/3 in).",
)
@click.option("--organisation", default="", help="Who invites; stands at the top of a page.")
@click.option(
    "--language", default="", help="For members whose row names none: en, es, fr.  [default: the election's]"
)
@click.option(
    "--member", "only", multiple=True, metavar="NUMBER", help="Only this member's sheet; may be repeated."
)
@click.option(
    "--font",
    "fonts",
    type=_FILE,
    multiple=True,
    help="TrueType file for letters that ours lacks; may be repeated.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("sheets.pdf"),
    show_default=True,
    help="The file to write; never replaced.",
)
@click.argument("archive", type=_FILE)
@click.argument("roll", type=_FILE)
@click.argument("credentials", type=_FILE)
def sheets(  # noqa: PLR0913  one for each option
    *,
    site: str,
    opens: str | None,
    closes: str,
    time_zone: str,
    paper: str,
    organisation: str,
    language: str,
    only: tuple[str, ...],
    fonts: tuple[Path, ...],
    out: Path,
    archive: Path,
    roll: Path,
    credentials: Path,
) -> None:
    """Print a voting sheet for every member, as one PDF.

    ARCHIVE is the election's ballot box (UUID.bel) from the day on which the trustees' keys are
    ready, ROLL the frozen roll, CREDENTIALS the secret list (credentials.csv). Each sheet has the
    member's code, the same as a QR code with the voting link, the dates, and the election's
    fingerprint, in the member's language.

    Before anything is written the codes are compared with the list in the ballot box: it must be
    the very list that belongs to them. Compare the fingerprint that is printed with the trustees'.
    The PDF is as secret as the codes in it. Needs the extra "sheets".
    """
    # Imported here: the other commands need neither fpdf2 nor qrcode, and do not wait for them.
    try:
        from audit import sheets as making  # noqa: PLC0415
        from paper.faults import PaperError  # noqa: PLC0415
        from paper.sheets import Layout, make_sheets  # noqa: PLC0415
    except ImportError as error:
        raise click.ClickException(
            f"sheets need a package that is not installed ({error.name}): pip install 'steward-voting[sheets]'"
        ) from error
    if out.exists():
        raise FileExistsError(None, None, str(out))
    try:
        calendar = making.parse_calendar(opens, closes, time_zone)
        setup, published = making.read_setup(archive)
        occasion = making.make_occasion(setup, site, calendar, organisation)
        members = _read_roll(roll)
        codes = making.read_credentials(credentials)
        making.match(members, codes, setup, published)
        wanted = making.make_member_sheets(members, codes, language, only)
        with LateProgress("sheets", len(wanted)) as bar:
            document = make_sheets(occasion, wanted, Layout(paper), more_fonts=fonts, progress=bar.update)
    except making.SheetsError as error:
        _refuse(error.sentences)
    except PaperError as error:
        _refuse(["this cannot be printed; --font FILE may help with letters:", *map(str, error.faults)])
    _write_private(out, document)
    click.echo(f"{len(wanted)} sheets; secret, for the members only: {out}")
    click.echo(f"words of the election on them:       {fingerprint_words(occasion.fingerprint)}")
    click.echo(f"fingerprint of the election on them: {occasion.fingerprint}")


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
