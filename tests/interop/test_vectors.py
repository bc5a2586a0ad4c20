"""The archives from outside, judged with `crypto` alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from crypto.errors import ProtocolError
from crypto.result import encode_result
from tests.interop.bench import judge

FOLDER = Path(__file__).parent.parent / "vectors" / "archives"
CASES: list[dict[str, Any]] = json.loads((FOLDER / "manifest.json").read_text())
VALID = [c for c in CASES if c["case"].startswith("valid/")]


def archive(case: dict[str, Any]) -> bytes:
    return FOLDER.joinpath(case["case"], case["archive"]).read_bytes()


def test_there_is_something_to_judge() -> None:
    assert len(VALID) == 8
    assert len(CASES) >= 30


@pytest.mark.parametrize("case", VALID, ids=lambda case: case["case"])
def test_results_of_other_programs(case: dict[str, Any]) -> None:
    result = judge(archive(case))
    assert result is not None
    assert json.loads(encode_result(result))["result"] == case["result"]


@pytest.mark.parametrize(
    "name, rule",
    [
        ("ballot_after_end_drops_earlier", "A7"),
        ("ballot_bad_indiv", "B8"),
        ("ballot_extra_field_in_answer", "B1"),
        ("ballot_unsigned_change", "B7"),
        ("creds_with_login", "S4"),
        ("ed_torsion_in_ballot", "B5"),
        ("nh_no_shuffle", "A7"),
        ("nh_shuffle_wrong_input", "H3"),
        ("no_end_ballots", "A7"),
        ("timestamp_int", "A3"),
        ("wrong_result", "R2"),
    ],
)
def test_hostile_archives_break_the_rule_that_they_are_about(name: str, rule: str) -> None:
    with pytest.raises(ProtocolError) as caught:
        judge((FOLDER / "hostile" / f"{name}-ed25519" / "test.bel").read_bytes())
    assert caught.value.rule == rule
