"""Arrangements of trustees that are unusual and right: an honest election must not look forged."""

from pathlib import Path

import pytest

from audit.runner import audit
from crypto.questions import HomomorphicQuestion
from tests.simulator import SINGLE, Spec, Threshold, TrusteeSpec, simulated

YES_NO = HomomorphicQuestion(("Yes", "No"), 1, 1, "Shall we strike?")


@pytest.mark.parametrize(
    "trustees",
    [
        (SINGLE,),
        (Threshold(1, 1),),
        # All shares of a threshold of one are the same key, which is the election's.
        (Threshold(1, 3),),
        (SINGLE, Threshold(1, 2)),
        (Threshold(1, 2), Threshold(2, 2)),
        (Threshold(3, 3),),
    ],
    ids=str,
)
def test_an_honest_arrangement_is_sound(tmp_path: Path, trustees: tuple[TrusteeSpec, ...]) -> None:
    """belenios-tool makes and accepts each of these; a finding here would void an honest election."""
    election = simulated(Spec((YES_NO,), trustees=trustees))
    (tmp_path / "box.bel").write_bytes(election.archive)
    (tmp_path / "box.jsonl").write_bytes(election.journal)
    report = audit(tmp_path / "box.bel", tmp_path / "box.jsonl")
    failed = [check.id for check in report.findings.checks.values() if check.status == "fail"]
    assert (report.verdict, failed) == ("sound", [])
