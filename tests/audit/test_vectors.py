"""Archives that others made: the auditor's verdict and result are the known ones."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from audit.runner import audit
from tests.audit.judging import assert_findings, assert_sound, failed

VECTORS = Path(__file__).parent.parent / "vectors" / "archives"
MANIFEST: list[dict[str, Any]] = json.loads((VECTORS / "manifest.json").read_text())
# What the auditor must name, where the manifest's reason leaves only one rule.
RULES = {
    "ballot_after_end_drops_earlier": "A7",
    "ballot_bad_indiv": "B8",
    "ballot_extra_field_in_answer": "B1",
    "ballot_unsigned_change": "B7",
    "creds_with_login": "S4",
    "duplicate_ballot": "B11",
    "ed_torsion_in_ballot": "B5",
    "false_tally_event": "C3",
    "nh_no_shuffle": "A7",
    "nh_shuffle_wrong_input": "H3",
    "no_end_ballots": "A7",
    "pd_twice_same_owner": "D1",
    "timestamp_int": "A3",
    "truncated_event": "A1",
    "unknown_credential": "B4",
    "wrong_result": "R2",
}


def _path(case: dict[str, Any]) -> Path:
    return VECTORS / case["case"] / case["archive"]


def _named(cases: list[dict[str, Any]]) -> Any:
    return pytest.mark.parametrize("case", cases, ids=lambda case: case["case"])


def _as_numbers(value: Any) -> Any:
    """Great counts are texts in the manifest."""
    return [_as_numbers(item) for item in value] if isinstance(value, list) else int(value)


@_named([case for case in MANIFEST if case["expect"] == "accept"])
def test_a_right_archive_is_sound_and_has_the_known_result(case: dict[str, Any]) -> None:
    """Without it: honest elections of other programs would be called broken, or their counts misread."""
    report = audit(_path(case))
    assert_sound(report)
    expected = case["result"] and _as_numbers(case["result"])
    assert report.result == expected
    assert report.state == ("tallied" if expected else "setup")


@_named([case for case in MANIFEST if case["expect"] == "reject"])
def test_a_wrong_archive_has_findings_that_name_the_rule(case: dict[str, Any]) -> None:
    """Without it: an attack that the field already knows would pass, or be reported as something else."""
    report = audit(_path(case))
    [name] = [rule for name, rule in RULES.items() if f"/{name}-" in f"/{case['case']}"]
    assert_findings(report, name)
    assert report.result is None or "R2" not in failed(report)


def test_the_list_of_vectors_covers_what_it_must() -> None:
    """Without it: an empty manifest would make every test above pass."""
    assert len(MANIFEST) >= 30
    assert {case["expect"] for case in MANIFEST} == {"accept", "reject"}
    assert {"v3.3.0-ed25519-nh", "v3.3.0-ed25519-lists", "v3.0-rfc-3526-2048-nh"} <= {
        Path(case["case"]).name for case in MANIFEST
    }
    assert {path.parent.name for path in VECTORS.glob("*/*/*.bel")} == {
        Path(case["case"]).name for case in MANIFEST
    }


@pytest.mark.parametrize(
    "name, code, verdict",
    [
        ("v3.3.0-ed25519-threshold", 0, "sound"),
        ("v2.0-belenios-2048-threshold", 0, "sound"),
        ("only_setup-ed25519", 0, "sound"),
        ("wrong_result-ed25519", 1, "findings"),
        ("timestamp_int-ed25519", 1, "findings"),
        ("v3.3.0-ed25519-nh", 0, "sound"),
        ("v3.3.0-ed25519-lists", 0, "sound"),
        ("nh_no_shuffle-ed25519", 1, "findings"),
    ],
)
def test_the_installed_command_says_the_same(name: str, code: int, verdict: str) -> None:
    """Without it: scripts of observers that look at the exit status could be told the wrong thing."""
    [path] = VECTORS.glob(f"*/{name}/*.bel")
    run = subprocess.run(
        [sys.executable, "-m", "audit", "verify", "--json", "--jobs", "1", path],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (run.returncode, json.loads(run.stdout)["verdict"]) == (code, verdict), run.stderr
    assert json.loads(run.stdout) == audit(path).as_json()


def test_a_count_that_was_not_compared_is_not_called_right() -> None:
    """Without it: beside a bad ballot the report would say "ok" to counts and a product that nobody compared."""
    report = audit(VECTORS / "hostile/ballot_bad_indiv-ed25519/test.bel")
    assert failed(report) == {"B8"}
    assert {rule: report.findings.checks[rule].status for rule in ("C1", "C2", "C3")} == {
        "C1": "pass",
        "C2": "not-checked",
        "C3": "not-checked",
    }
