"""The numbers of a report must agree with each other (rule P2)."""

from dataclasses import replace
from typing import Any

import pytest

from crypto.counting import decide
from crypto.encoding import encode_json_bytes, parse_json
from crypto.errors import MalformedError
from crypto.presentation import Majority
from crypto.report import AGREEMENTS, Ballots, ElectionReport, find_mismatches, make_outcome, read_delivered
from tests.simulator import sound

HASH = "ab" * 32


def report(**changes: Any) -> ElectionReport:
    """One of an election of five members, four of whom voted, one of these twice."""
    made = ElectionReport(
        election="3QzGZSqmK3sM2S",
        state="tallied",
        fingerprint="x" * 43,
        box_height=9,
        box_head=HASH,
        roll_hash=HASH,
        members=5,
        credentials=5,
        delivered=5,
        ballots=Ballots(received=5, superseded=1, counted=4, opened=0),
        weight=5,
        counted_weight=4,
        result=HASH,
        outcome=None,
    )
    return replace(made, **changes)


def codes(made: ElectionReport) -> list[str]:
    return [mismatch.code for mismatch in find_mismatches(made, None)]


def test_a_report_that_agrees() -> None:
    assert codes(report()) == []
    assert codes(report(delivered=None)) == []
    # Before Setup there is no list of credentials, and without a result nothing was counted.
    assert (
        codes(
            report(
                fingerprint=None,
                credentials=0,
                weight=0,
                counted_weight=None,
                delivered=None,
                ballots=Ballots(0, 0, None, 0),
            )
        )
        == []
    )


@pytest.mark.parametrize(
    "changes,code",
    [
        ({"credentials": 6}, "credentials"),
        ({"delivered": 6}, "delivered"),
        ({"ballots": Ballots(5, 0, 4, 0)}, "received"),
        ({"members": 3, "credentials": 3, "delivered": 3}, "voters"),
        ({"delivered": 3}, "delivered-voters"),
        ({"counted_weight": 6}, "weight"),
    ],
)
def test_numbers_that_do_not_agree(changes: dict[str, Any], code: str) -> None:
    assert code in codes(report(**changes))
    assert code in AGREEMENTS


def test_the_votes_of_a_question_fit_the_ballots() -> None:
    election = sound("certified").election
    [question] = election.homomorphic_questions
    for row, fits in (([1, 3], True), ([2, 3], False), ([1, 2], False)):
        outcome = decide([question], [row], [Majority.PLURALITY], members=5, ballots=4)
        found = [mismatch.code for mismatch in find_mismatches(report(outcome=outcome), election)]
        assert found == ([] if fits else ["questions"])
    assert make_outcome(election, [[1, 3]], 4, 5).questions[0].winners == (1,)


def test_what_it_says_of_deliveries_is_read_back() -> None:
    assert read_delivered(report().encode())[1] == 5
    assert read_delivered(report(delivered=None).encode())[1] is None
    value = parse_json(report().encode(), "P2")
    for wrong in (
        [],
        {},
        {**value, "version": True},
        {**value, "roll": 1},
        {**value, "roll": {"delivered": "5"}},
    ):
        with pytest.raises(MalformedError):
            read_delivered(encode_json_bytes(wrong))
