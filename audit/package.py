"""The package of an election: ballot box, journal and report in one ZIP file (rules P1–P4, docs/protocol.md §7.10).

What else it holds (the report for people, how to verify) is not read: nothing follows from it.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from audit.checks import PACKAGE
from audit.findings import Findings, Report, Stop
from crypto.encoding import parse_json, sha256_hex
from crypto.errors import RejectedError
from crypto.report import (
    AGREEMENTS,
    STATES,
    Ballots,
    ElectionReport,
    find_mismatches,
    make_outcome,
    read_delivered,
)

REPORT_NAME = "report.json"
_UUID = "(?P<uuid>[1-9A-HJ-NP-Za-km-z]{14,40})"
_BOX = re.compile(rf"{_UUID}\.bel")
_OTHERS = re.compile(r"README\.txt|program\.json|report\.[A-Za-z-]{2,12}\.pdf|texts\.[A-Za-z-]{2,12}\.txt")
_MOST_FILES = 100
# A report has a few numbers for each question.
_LONGEST_REPORT = 1 << 20
_PIECE = 1 << 20
# Base64 and JSON become three to four times shorter; what becomes a thousand times longer is meant to fill a disk.
_MOST_EXPANSION = 50
# The others are unpacked in pieces of any length, however little of it is wanted.
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


class PackageError(Exception):
    """The file is no package; the text says why."""


@dataclass(frozen=True, slots=True)
class Package:
    """What was in it, as files of a folder that is deleted afterwards; `report`: the bytes of report.json; `unread`:
    the names of what is for people, and could say anything.
    """

    archive: Path
    journal: Path
    report: bytes
    unread: tuple[str, ...]


def is_package(path: Path) -> bool:
    """Whether the file begins as a ZIP file does, which no ballot box can."""
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PK\x03\x04"
    except OSError:
        return False


@contextmanager
def unpacked(path: Path) -> Iterator[Package]:
    """The files that are checked; PackageError if the file is damaged or has other files than a package (P1)."""
    with TemporaryDirectory(prefix="steward-package-") as folder:
        yield _unpack_all(path, Path(folder))


def _unpack_all(path: Path, folder: Path) -> Package:
    archive, journal, report = (folder / name for name in ("archive.bel", "journal.jsonl", REPORT_NAME))
    most = path.stat().st_size * _MOST_EXPANSION
    try:
        with zipfile.ZipFile(path) as file:
            uuid = _require_names(file)
            _unpack(file, f"{uuid}.bel", archive, most)
            _unpack(file, f"{uuid}.journal.jsonl", journal, most)
            _unpack(file, REPORT_NAME, report, _LONGEST_REPORT)
            unread = tuple(name for name in file.namelist() if _OTHERS.fullmatch(name))
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise PackageError(f"the package cannot be unpacked: {error}") from error
    return Package(archive, journal, report.read_bytes(), unread)


def _require_names(file: zipfile.ZipFile) -> str:
    """The election's uuid, if the package has each file that it needs once and no file that it has not."""
    names = [info.filename for info in file.infolist()]
    if len(names) > _MOST_FILES or len(set(names)) != len(names):
        raise PackageError("the package has a file twice, or too many files")
    found = [match["uuid"] for name in names if (match := _BOX.fullmatch(name))]
    if len(found) != 1:
        raise PackageError("the package must have exactly one ballot box (UUID.bel)")
    needed = {f"{found[0]}.bel", f"{found[0]}.journal.jsonl", REPORT_NAME}
    if missing := sorted(needed - set(names)):
        raise PackageError(f"the package lacks {', '.join(missing)}")
    if strange := [name for name in names if name not in needed and not _OTHERS.fullmatch(name)]:
        raise PackageError(f"the package has a file that does not belong to it: {strange[0][:80]}")
    return found[0]


def _unpack(file: zipfile.ZipFile, name: str, target: Path, limit: int) -> None:
    info = file.getinfo(name)
    if info.compress_type not in _METHODS:
        raise PackageError(f"{name} is compressed in a way that packages are not")
    if info.file_size > min(limit, max(info.compress_size, 1) * _MOST_EXPANSION):
        raise PackageError(f"{name} would become too large")
    with file.open(info) as packed, target.open("wb") as out:
        while piece := packed.read(_PIECE):
            out.write(piece)


# --- the report ------------------------------------------------------------------------------------------------------


def check_report(report: Report, package: Package) -> None:
    """Rules P2–P4: the package's report is the one that follows from box and journal, and that the journal names."""
    findings, is_sound, raw = report.findings, report.verdict == "sound", package.report
    findings.require(*PACKAGE)
    findings.passed("P1")
    if package.unread:
        # Whoever packs a sound record could put a printed report beside it that names other winners.
        findings.checks["P1"].details = [f"for people, compared with nothing: {', '.join(package.unread)}"]
    if not is_sound:
        # Numbers of a record that is wrong itself agree with nothing.
        findings.unsupported(PACKAGE[1:], "not compared, because of what else was found")
        return
    if report.setup is not None and not report.setup.election.is_homomorphic:
        findings.unsupported(PACKAGE[1:], "there are no reports on ranked, graded or list questions")
        return
    try:
        with findings.stage("P2", record=REPORT_NAME):
            given, delivered = read_delivered(raw)
            own = _make_report(report, delivered)
            for mismatch in find_mismatches(own, report.setup.election if report.setup else None):
                raise RejectedError(
                    "P2",
                    f"it is not so that {AGREEMENTS[mismatch.code]}: {mismatch.found} beside {mismatch.expected}",
                )
        with findings.stage("P3", record=REPORT_NAME):
            if own.encode() != raw:
                raise RejectedError("P3", _describe_difference(given, parse_json(own.encode(), "P3")))
        _check_hash(report, raw, findings)
    except Stop:
        return


def _make_report(report: Report, delivered: int | None) -> ElectionReport:
    """The report that the record asks for."""
    counts = {line.kind: line.payload for line in report.journal}
    frozen, setup = counts.get("roll-frozen"), report.setup
    state = {"certified": "tallied"}.get(report.journal_state or "", report.journal_state or "")
    if state not in STATES:
        raise RejectedError("P2", "the election has not ended, so there is no report of it")
    is_tallied = report.result is not None
    members = 0 if frozen is None else frozen["members"]
    return ElectionReport(
        election=report.election or report.journal[0].payload["election"],
        state=state,
        fingerprint=report.fingerprint,
        box_height=report.box_height,
        box_head=report.box_head,
        roll_hash=None if frozen is None else frozen["roll"],
        members=members,
        credentials=len(setup.credentials) if setup else 0,
        delivered=delivered,
        ballots=Ballots(
            received=report.ballots,
            superseded=report.ballots - report.counted,
            counted=report.counted if is_tallied else None,
            opened=sum(line.kind == "ballot-challenged" for line in report.journal),
        ),
        weight=setup.credentials.total_weight if setup else 0,
        counted_weight=report.counted_weight if is_tallied else None,
        result=report.result_hash,
        outcome=make_outcome(setup.election, report.result, report.counted, members)
        if setup and report.result is not None
        else None,
    )


def _describe_difference(given: dict[str, Any], own: dict[str, Any]) -> str:
    fields = [name for name in (*own, *(set(given) - set(own))) if given.get(name) != own.get(name)]
    return (
        f"the record says something else about: {', '.join(fields)}"
        if fields
        else "it is written differently"
    )


def _check_hash(report: Report, raw: bytes, findings: Findings) -> None:
    named = [line.payload["report"] for line in report.journal if line.kind == "reported"]
    if report.journal_state != "certified":
        findings.not_applicable("the result is not certified, so the journal names no report", "P4")
        findings.checks["P4"].required = False
        return
    if not named:
        findings.not_applicable("the journal is from before reports were named in it", "P4")
        findings.checks["P4"].required = False
        findings.warn("the journal does not name the report that was certified")
        return
    with findings.stage("P4", record=REPORT_NAME):
        if named != [sha256_hex(raw)]:
            raise RejectedError("P4", "the journal names another report, or more than one")
