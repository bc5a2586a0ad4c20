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
    """Audits the archive; NotDecryptable unless it is sound and waits for decryptions.

    The journal may be missing only where the election data do not name its key: elections of other programs have
    none. Ballots that were left out show in nothing else.
    """
    report = audit(archive, journal, jobs=jobs, progress=progress)
    if report.verdict != "sound" or report.setup is None:
        raise NotDecryptable(
            f"the archive is not sound (verdict: {report.verdict}); run steward-audit verify to see why"
        )
    if not report.setup.election.is_homomorphic:
        # Whoever made all of the shuffles knows whose ballot each one is, and nothing says here who did.
        raise NotDecryptable(
            "ballots of this election would be opened one by one, or by lists: this program opens sums of choices only"
        )
    if journal is None and report.setup.election.record_terms is not None:
        raise NotDecryptable(
            "this election has a journal, which tells whether ballots were left out: give it with --journal"
        )
    # Strong proofs come in this state only (J5): what is cancelled or untalliable was ended without a result.
    if report.journal_state not in (None, "closed"):
        raise NotDecryptable(
            f"the journal says that the election is {report.journal_state}: its sum is not to be opened"
        )
    if report.tally is None:
        raise NotDecryptable(f"there is no tally to decrypt yet: the election is {report.state}")
    return Recount(report.setup, report.tally, report)
