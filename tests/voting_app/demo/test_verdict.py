"""Who has won, in words."""

import pytest

from crypto.counting import decide
from crypto.presentation import Majority
from crypto.questions import HomomorphicQuestion, parse_questions
from voting_app.demo.verdict import result_lines

RAW = [{"answers": ["Ada", "Grace"], "min": 0, "max": 1, "question": "Who?"}]


@pytest.fixture
def questions() -> tuple[HomomorphicQuestion, ...]:
    return tuple(q for q in parse_questions(RAW, "S1") if isinstance(q, HomomorphicQuestion))


@pytest.mark.parametrize(
    "rule, counts, words",
    [
        (Majority.PLURALITY, [1, 5], "→ Grace, by the most votes"),
        (
            Majority.PLURALITY,
            [5, 5],
            "→ nobody yet, by the most votes; a tie for the rest between Ada, Grace",
        ),
        (Majority.MAJORITY, [5, 5], "→ nobody has more than half of the votes"),
        (Majority.TWO_THIRDS, [6, 3], "→ Ada, by at least two thirds of the votes"),
        (Majority.PLURALITY, [1, 0], "→ nobody: the quorum was missed"),
    ],
)
def test_a_decision_names_its_rule(
    questions: tuple[HomomorphicQuestion, ...], rule: Majority, counts: list[int], words: str
) -> None:
    outcome = decide(questions, [counts], (rule,), quorum_percent=50, members=10, ballots=sum(counts))
    lines = [line.strip() for line in result_lines(questions, [counts], outcome)]
    assert words in lines
    assert any(line.startswith("Quorum ") for line in lines)


def test_without_rules_nobody_has_won(questions: tuple[HomomorphicQuestion, ...]) -> None:
    assert not any("→" in line or "Quorum" in line for line in result_lines(questions, [[1, 5]]))
