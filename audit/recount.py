"""The tally as a trustee must see it before applying a key: recomputed, never taken on trust."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from audit.checks.setup import SetupFacts
from audit.findings import Report
from audit.runner import Progress, audit
from crypto.tally import EncryptedTally


class NotDecryptable(Exception):  # noqa: N818 - says what is the case
    """The archive gives no reason to decrypt; the text says why."""


@dataclass(frozen=True)
class Recount:
    """A verified archive's setup and the encrypted tally that we computed from its ballots."""

    setup: SetupFacts
    tally: EncryptedTally
    report: Report


def recount(archive: Path, journal: Path | None, *, jobs: int, progress: Progress) -> Recount:
    """Audits the archive; NotDecryptable unless it is sound and waits for decryptions."""
    report = audit(archive, journal, jobs=jobs, progress=progress)
    if report.verdict != "sound" or report.setup is None:
        raise NotDecryptable(
            f"the archive is not sound (verdict: {report.verdict}); run steward-audit verify to see why"
        )
    if report.tally is None:
        raise NotDecryptable(f"there is no tally to decrypt yet: the election is {report.state}")
    return Recount(report.setup, report.tally, report)
