"""``steward-audit``: verify an election, read its result, look up a receipt, open a ballot, compare copies."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import click

from audit.booth import check_booth
from audit.checking import NotOpened, check_ballot_code, opened_lines
from audit.checks import ARCHIVE
from audit.fetch import FetchError, fetch_election, is_url
from audit.findings import EXIT_CODES, WITHOUT_RESULT, Findings, Report
from audit.package import Package, PackageError, check_report, is_package, unpacked
from audit.progress import LateProgress
from audit.receipt import Place, find_receipt
from audit.report import fingerprint_lines, printable, report_lines, verdict_line
from audit.runner import ENGINE, audit
from crypto.errors import ProtocolError, RejectedError
from crypto.journal import JournalReader
from crypto.receipt import parse_receipt

_UNREADABLE = 2


def _give_up(reason: str, *, as_json: bool = False) -> NoReturn:
    """Exit 2 with one line that says why."""
    reason = printable(reason)
    if as_json:
        findings = Findings()
        findings.unsupported(ARCHIVE, reason)
        click.echo(json.dumps(Report(findings, ENGINE).as_json(), ensure_ascii=False))
    click.echo(f"could not check: {reason}", err=True)
    raise SystemExit(_UNREADABLE)


def _reason(error: BaseException) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return str(error) or type(error).__name__


@contextmanager
def _local_copy(source: str, journal: Path | None) -> Iterator[tuple[Path, Path | None, Package | None]]:
    """(the archive as a file, its journal if there is one, the package if it is one); an address is downloaded,
    with its journal where it has one."""
    with tempfile.TemporaryDirectory(prefix="steward-audit-") as folder:
        archive = Path(source)
        if is_url(source):
            fetched = fetch_election(source, Path(folder))
            archive, journal = fetched.archive, journal or fetched.journal
        if not is_package(archive):
            yield archive, journal, None
            return
        with unpacked(archive) as package:
            yield package.archive, journal or package.journal, package


def _run(source: str, journal: Path | None, jobs: int) -> Report:
    with _local_copy(source, journal) as (archive, journal_file, package):
        size = archive.stat().st_size
        with LateProgress("verifying", size) as bar:
            report = audit(
                archive,
                journal_file,
                jobs=jobs,
                progress=lambda ballots, read: bar.update(read, f"{ballots} ballots"),
            )
        if package is not None:
            check_report(report, package)
        return report


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="steward-voting", prog_name="steward-audit")
def cli() -> None:
    """Verify a Steward or Belenios election from its published files.

    The ballot box of an election is one file, UUID.bel. This program repeats every check on it:
    that nothing was removed or reordered, that each ballot is valid and of an eligible voter, that
    the tally is the sum of the ballots, and that the trustees opened it honestly. It needs no
    network and trusts no server.
    """


@cli.command()
@click.argument("source", metavar="FILE|URL")
@click.option(
    "--journal",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The election's journal (UUID.journal.jsonl): who did what, when, and the trustees' strong proofs.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the report as one JSON object.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    default=os.cpu_count() or 1,
    show_default="one per processor",
    help="How many processes verify ballots.",
)
def verify(source: str, journal: Path | None, as_json: bool, jobs: int) -> None:
    """Make every check on an archive.

    FILE is a ballot box (.bel), or the package of an election (.zip), whose journal and report are
    checked as well; URL its address, or the address of an election's page, of which the journal is
    fetched as well.

    Exit status: 0 sound, 1 findings, 2 could not check.
    """
    try:
        report = _run(source, journal, jobs)
    except (OSError, FetchError, PackageError) as error:
        _give_up(_reason(error), as_json=as_json)
    if as_json:
        click.echo(json.dumps(report.as_json(), ensure_ascii=False))
    else:
        for line in report_lines(report):
            click.echo(line)
    raise SystemExit(EXIT_CODES[report.verdict])


@cli.command()
@click.argument("source", metavar="FILE|URL")
@click.option(
    "--jobs",
    type=click.IntRange(1, 256),
    default=os.cpu_count() or 1,
    show_default="one per processor",
    help="How many processes verify ballots.",
)
def result(source: str, jobs: int) -> None:
    """Print the result as JSON, after verifying the archive.

    The output is an array with a row per question: the count of each answer in its order, preceded
    by the count of blank votes where these are allowed. null while there is no result.

    Exit status: as for verify; a result with findings is printed on no account.
    """
    try:
        report = _run(source, None, jobs)
    except (OSError, FetchError, PackageError) as error:
        _give_up(_reason(error))
    if report.verdict != "sound":
        click.echo(f"{verdict_line(report)} (see steward-audit verify)", err=True)
        raise SystemExit(EXIT_CODES[report.verdict])
    if report.journal_state in WITHOUT_RESULT:
        click.echo(f"warning: {WITHOUT_RESULT[report.journal_state]}", err=True)
    click.echo(json.dumps(report.result))


def _service_key(journal: Path, election: str) -> str:
    """The key that the election's journal announces; ProtocolError if the file is no such journal."""
    reader = JournalReader()
    with journal.open("rb") as file:
        for raw in file:
            reader.feed(raw.removesuffix(b"\n"))
    reader.close()
    if reader.election != election:
        raise RejectedError("J9", "the journal belongs to another election than the receipt")
    return reader.service_key


@cli.command()
@click.argument("source", metavar="FILE|URL")
@click.argument("receipt_file", metavar="RECEIPT", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--journal",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The election's journal; needed only where the election data do not name the key of receipts.",
)
def receipt(source: str, receipt_file: Path, journal: Path | None) -> None:
    """Tell whether the ballot of a receipt is in the ballot box.

    RECEIPT is the file that the voter saved when casting. This looks for one ballot; that the box
    as a whole is sound is told by verify.

    Exit status: 0 it is in (also if a later vote replaced it: then with a warning), 1 it is not,
    2 the files could not be read.
    """
    try:
        parsed = parse_receipt(receipt_file.read_bytes())
        with _local_copy(source, journal) as (archive, journal_file, _):
            key = _service_key(journal_file, parsed.election) if journal_file is not None else None
            with LateProgress("searching", archive.stat().st_size) as bar:
                answer = find_receipt(archive, parsed, key, bar.update)
    except ProtocolError as error:
        if error.rule in ("V2", "V3"):
            click.echo(f"not in: {error}")
            raise SystemExit(1) from error
        _give_up(str(error))
    except (OSError, FetchError, PackageError) as error:
        _give_up(_reason(error))
    if key is None and answer.fingerprint is None:
        click.echo("warning: the receipt's signature was not checked (no --journal)", err=True)
    if answer.place is Place.SUPERSEDED:
        click.echo("warning: the vote was replaced by a later one", err=True)
    click.echo(answer.sentence)
    if answer.fingerprint is not None:
        # Whoever made this file could have put another key into it: the sheet tells.
        for line in fingerprint_lines(answer.fingerprint):
            click.echo(line)
    raise SystemExit(1 if answer.place is Place.MISSING else 0)


@cli.command("check-ballot")
@click.argument("code")
@click.option(
    "--election",
    "election_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The election data, instead of fetching them.",
)
@click.option(
    "--ballot",
    "ballot_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The ballot, instead of fetching it by its tracker.",
)
def check_ballot(code: str, election_file: Path | None, ballot_file: Path | None) -> None:
    """Tell what a ballot contains that was checked instead of cast.

    CODE is the text of the QR code that the voter's phone shows: the address of an election, then
    "#", then version, tracker, seed and choices. Election data, the ballot and the journal are
    fetched from that address. The ballot is made again from seed and choices, and compared.

    Exit status: 0 it contains exactly these choices, 1 it does not, 2 could not check.
    """
    try:
        with tempfile.TemporaryDirectory(prefix="steward-audit-") as folder:
            opened = check_ballot_code(code, Path(folder), election_file, ballot_file)
    except NotOpened as error:
        click.echo(printable(f"NOT WHAT IT SAYS: {error}"))
        click.echo("Do not vote on that device. Keep the code, and complain.")
        raise SystemExit(1) from error
    except ProtocolError as error:
        _give_up(str(error))
    except (OSError, FetchError, PackageError) as error:
        _give_up(_reason(error))
    for line in opened_lines(opened):
        click.echo(printable(line))


@cli.command()
@click.argument("url")
@click.option(
    "--journal",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Your own copy of the election's journal, instead of fetching the server's.",
)
def booth(url: str, journal: Path | None) -> None:
    """Tell whether a server shows the pages that the election's journal names.

    URL is the address of any page of an election. When voting was opened, the service wrote into
    the journal what the pages for voters consist of. This fetches each file as a browser does and
    compares its hash, and tells what the pages load that is not listed. A redirect, or a header that
    changes what a browser does, is a difference too.
    A server may show other files to other people: run it from several places.

    Exit status: 0 all are the same, 1 some differ, are missing or not listed, 2 could not check.
    """
    try:
        with (
            tempfile.TemporaryDirectory(prefix="steward-audit-") as folder,
            LateProgress("comparing", None) as bar,
        ):
            report = check_booth(
                url, journal, Path(folder), lambda done, total: bar.update(done, f"{done} of {total} files")
            )
    except ProtocolError as error:
        _give_up(str(error))
    except (OSError, FetchError, PackageError) as error:
        _give_up(_reason(error))
    for path in report.different:
        click.echo(printable(f"DIFFERS: {path}"))
    for path in report.missing:
        click.echo(printable(f"MISSING: {path}"))
    for path in report.unlisted:
        click.echo(printable(f"NOT LISTED: {path}"))
    if not report.is_same:
        raise SystemExit(1)
    click.echo(f"the same: {report.files} files are as the journal says")
    # Whoever made this journal could have named a key of his own in election data of his own: the sheet tells.
    for line in fingerprint_lines(report.fingerprint):
        click.echo(line)
    if not report.is_bound:
        click.echo(
            "warning: the election data do not name the service's key that sealed the journal", err=True
        )
    if report.lists > 1:
        click.echo(f"warning: the list was changed {report.lists - 1} times during voting", err=True)


def _first_difference(old: Path, new: Path) -> int | None:
    """The first byte at which ``old`` is not a prefix of ``new``; None if it is one."""
    position = 0
    with (
        old.open("rb") as a,
        new.open("rb") as b,
        LateProgress("comparing", old.stat().st_size) as bar,
    ):
        while before := a.read(1 << 20):
            after = b.read(len(before))
            if before != after:
                same = next(
                    (i for i, (x, y) in enumerate(zip(before, after, strict=False)) if x != y), len(after)
                )
                return position + same
            position += len(before)
            bar.update(position)
    return None


@cli.command()
@click.argument("old", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("new", type=click.Path(exists=True, dir_okay=False, path_type=Path))
def diff(old: Path, new: Path) -> None:
    """Compare an earlier copy of an archive or journal with a later one.

    Both only ever grow: the earlier copy must be the beginning of the later one, byte by byte.

    Exit status: 0 grew or equal, 1 something that was published has changed or gone, 2 unreadable.
    """
    try:
        position = _first_difference(old, new)
        grown = new.stat().st_size - old.stat().st_size
    except OSError as error:
        _give_up(_reason(error))
    if position is None:
        click.echo("equal" if grown == 0 else f"grew by {grown} bytes")
        return
    click.echo(f"NOT A CONTINUATION: the files differ from byte {position} on; keep both, and ask why")
    raise SystemExit(1)


def main() -> None:
    """Entry point. Whatever goes wrong unexpectedly is "could not check", never a pass.

    Also an interrupt, and a reader who went away: click would end with 1, which here means findings.
    """
    try:
        # Not cli.main(), which ends with 1 when nobody reads its output any more.
        with cli.make_context("steward-audit", sys.argv[1:]) as context:
            cli.invoke(context)
    except click.exceptions.Exit as done:
        raise SystemExit(done.exit_code) from done
    except click.ClickException as error:
        error.show()
        raise SystemExit(_UNREADABLE) from error
    except (KeyboardInterrupt, click.Abort):
        _give_up("interrupted")
    except BrokenPipeError:
        _give_up("nobody reads the output any more")
    except Exception as error:  # noqa: BLE001 - a verifier that crashes must say so, and say no more
        _give_up(f"internal error: {type(error).__name__}: {error}")
