"""How tests ask the auditor for its verdict on bytes, and how they read its report."""

from dataclasses import dataclass
from pathlib import Path

from audit.findings import Report
from audit.runner import audit
from crypto.archive import BLOCK
from tests.simulator import Simulation

# crypto.record.DATA_BEFORE's names of records → the rules one of which must fail when such a record is not right
RULES_OF = {
    # Other questions make ballots and tallies of the wrong shape.
    "election": {"S1", "S3", "S5", "B1", "B2", "B3", "C1", "D3"},
    "trustees": {"S3", "S5", "S6", "T1", "T2", "T3", "T4", "T5", "T6", "D1", "D3", "D5"},
    "credentials": {"S4", "S6", "B4", "C2"},
    "setup": {"S2"},
    "ballot": {"B1", "B2", "B3", "B4", "B5", "B6", "B7", "B8", "B9", "B10", "B11", "B12"},
    "encrypted_tally": {"C1", "C3"},
    "sized_tally": {"C2"},
    "partial_decryption": {"D2", "D3"},
    "owned": {"D1", "D3"},
    "result": {"R1", "R2", "R3"},
    "event": {"A4", "A5", "A6", "A7"},
    "header": {"A1", "A3"},
}


@dataclass(frozen=True)
class Judge:
    """Writes bytes to a file and audits it, as a person would."""

    folder: Path

    def __call__(self, archive: bytes, journal: bytes | None = None, *, jobs: int = 1) -> Report:
        box = self.folder / "judged.bel"
        box.write_bytes(archive)
        acts = None
        if journal is not None:
            acts = self.folder / "judged.journal.jsonl"
            acts.write_bytes(journal)
        return audit(box, acts, jobs=jobs)

    def of(self, election: Simulation, *, journal: bool = False) -> Report:
        """The report on a simulated election."""
        return self(election.archive, election.journal if journal else None)


def failed(report: Report) -> set[str]:
    """The ids of the checks that failed."""
    return {check.id for check in report.findings.checks.values() if check.status == "fail"}


def complaint(report: Report) -> str:
    """Everything that failed, in words, for a test's message."""
    checks = report.findings.checks.values()
    found = "; ".join(f"{check.id}: {check.detail}" for check in checks if check.status == "fail")
    return f"{report.verdict} ({report.state}): {found} {report.findings.warnings}"


def assert_findings(report: Report, *rules: str) -> None:
    """Findings, each with a sentence, and one of these rules among them (any rule if none is given)."""
    assert report.verdict == "findings", complaint(report)
    assert all(check.detail for check in report.findings.checks.values() if check.status == "fail"), (
        complaint(report)
    )
    assert not rules or failed(report) & set(rules), f"{rules} was expected: {complaint(report)}"


def assert_sound(report: Report) -> None:
    """No check failed, and none was left out."""
    assert report.verdict == "sound", complaint(report)


def tar_record(name: str, body: bytes, mtime: int) -> bytes:
    """One record as PROTOCOL §9 draws it, written without the code under test."""
    fields = [
        name.encode().ljust(100, b"\0"),
        b"0000644\0" + b"0000000\0" * 2,
        b"%011o\0" % len(body) + b"%011o\0" % mtime,
        b" " * 8 + b"0",
    ]
    header = bytearray(b"".join(fields).ljust(BLOCK, b"\0"))
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header) + body + bytes(-len(body) % BLOCK)


def event_ends(archive: bytes) -> list[int]:
    """The positions right after an event, where a cut leaves a sound beginning."""
    ends, position = [], 0
    while position < len(archive):
        header = archive[position : position + BLOCK]
        length = int(header[124:135], 8)
        position += BLOCK + -(-length // BLOCK) * BLOCK
        if b".event.json" in header[:100]:
            ends.append(position)
    return ends
