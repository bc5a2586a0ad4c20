"""Own files: what is refused, and that everything that is wrong is named."""

import json

import pytest

from tests.voting_app.demo.conftest import QUESTIONS
from voting_app.demo.count import count_voters, count_votes, find_difference
from voting_app.demo.files import Case, FilesError, Source, parse_case
from voting_app.demo.samples import SAMPLES

ROLL = "name,member_number,weight\nAda,1,1\nGrace,2,3\nJoan,3,1\n"
# The first takes one answer, the second up to two or a blank vote, the third one of three or none.
THREE = json.dumps(
    [
        {"answers": ["Yes", "No"], "min": 1, "max": 1, "question": "One"},
        {"answers": ["A", "B", "C"], "blank": True, "min": 1, "max": 2, "question": "Two"},
        {"answers": ["X", "Y", "Z"], "min": 0, "max": 1, "question": "Three"},
    ]
)
HEADER = "member_number,q1,q2,q3\n"


def parse(roll: str | bytes = ROLL, questions: str | bytes = THREE, votes: str | bytes = "") -> Case:
    def source(name: str, content: str | bytes) -> Source:
        return Source(name, content if isinstance(content, bytes) else content.encode())

    return parse_case(
        source("roll.csv", roll), source("questions.json", questions), source("votes.csv", votes)
    )


def refuse(**files: str | bytes) -> list[tuple[str, int, str, str]]:
    """(file, row, column, sentence) of every fault."""
    with pytest.raises(FilesError) as caught:
        parse(**files)
    assert all(fault.sentence.endswith(".") for fault in caught.value.faults)
    return [(fault.file, fault.row, fault.column, fault.sentence) for fault in caught.value.faults]


def test_files_are_read() -> None:
    case = parse(votes=HEADER + "1,1,1 3,\n2,2,blank,3\n")
    assert [vote.choices for vote in case.votes] == [((0,), (0, 2), ()), ((1,), "blank", (2,))]
    assert not case.has_revotes
    assert case.weights == {"1": 1, "2": 3, "3": 1}
    assert count_votes(case) == [[1, 3], [3, 1, 0, 1], [0, 0, 3]]


def test_last_row_of_a_member_counts() -> None:
    case = parse(votes=HEADER + "1,1,1,1\n2,1,1,1\n1,2,blank,\n")
    assert case.has_revotes
    assert count_voters(case) == 2
    assert count_votes(case) == [[3, 1], [1, 3, 0, 0], [3, 0, 0]]


@pytest.mark.parametrize("change", ["bom", "crlf", "spaces", "empty lines", "upper case"])
def test_what_spreadsheets_do_is_accepted(change: str) -> None:
    votes = HEADER + "1,1,1 3,\n2,2,blank,3\n"
    changed = {
        "bom": "\ufeff" + votes,
        "crlf": votes.replace("\n", "\r\n"),
        "spaces": HEADER + " 1 , 1,  3   1 , \n2,2, blank ,3\n",
        "empty lines": votes.replace("\n", "\n\n,,,\n"),
        "upper case": votes.replace("blank", "BLANK").replace("member_number", "Member_Number"),
    }[change]
    roll = "\ufeff" + ROLL.replace("\n", "\r\n") if change in {"bom", "crlf"} else ROLL
    questions = "\ufeff" + THREE if change == "bom" else THREE
    assert parse(roll, questions, changed) == parse(votes=votes)


def test_every_bad_row_of_the_votes_is_named() -> None:
    votes = HEADER + "1,1,1,1\n9,1,1,1\n2,3,1 1,x\n3,,1 2 3,1 2\n,0,blank 1,\n2,blank,,1\n3,1,1\n2,-1,１,1\n"
    faults = refuse(votes=votes)
    assert {file for file, *_ in faults} == {"votes.csv"}
    found = {(row, column): sentence for _, row, column, sentence in faults}
    assert found == {
        (3, "member_number"): "No member on the roll has this number.",
        (4, "q1"): "There is no answer 3; the question has 2.",
        (4, "q2"): "An answer is chosen twice.",
        (4, "q3"): "Numbers of answers from 1 on are expected, separated by spaces, or blank, or nothing.",
        (5, "q1"): "Too few answers are chosen: 0, at least 1 are needed.",
        (5, "q2"): "Too many answers are chosen: 3, at most 2 may be.",
        (5, "q3"): "Too many answers are chosen: 2, at most 1 may be.",
        (6, "member_number"): "The cell is empty.",
        (6, "q1"): "There is no answer 0; the question has 2.",
        (6, "q2"): "Numbers of answers from 1 on are expected, separated by spaces, or blank, or nothing.",
        (7, "q1"): "This question has no blank vote.",
        (7, "q2"): "Too few answers are chosen: 0, at least 1 are needed.",
        (8, ""): "The row has 3 cells, the header has 4.",
        (9, "q1"): "Numbers of answers from 1 on are expected, separated by spaces, or blank, or nothing.",
        (9, "q2"): "Numbers of answers from 1 on are expected, separated by spaces, or blank, or nothing.",
    }


def test_member_in_bad_standing_does_not_vote() -> None:
    roll = "name,member_number,standing\nAda,1,good\nGrace,2,suspended\n"
    assert refuse(roll=roll, votes=HEADER + "2,1,1,1\n") == [
        ("votes.csv", 2, "member_number", "This member is not in good standing and may not vote.")
    ]


def test_faults_of_roll_and_questions_are_named_together() -> None:
    roll = "name,member_number,weight\nAda,1,1\nGrace,1,0\n,3,1\nJoan,1,2\n"
    questions = (
        '[{"answers": [], "min": 0, "max": 0, "question": "x"}, {"answers": ["a"], "min": 2, "max": 1}]'
    )
    faults = refuse(roll=roll, questions=questions)
    assert [(file, row, column) for file, row, column, _ in faults] == [
        ("roll.csv", 3, "weight"),
        ("roll.csv", 3, "member_number"),
        ("roll.csv", 4, "name"),
        ("roll.csv", 5, "member_number"),
        ("questions.json", 0, ""),
        ("questions.json", 0, ""),
    ]
    assert faults[4][3].startswith("Question 1: ")
    assert faults[5][3].startswith("Question 2: ")


@pytest.mark.parametrize(
    "votes, row, words",
    [
        ("", 1, "empty"),
        ("\n\n", 1, "empty"),
        (HEADER, 1, "no vote"),
        ("member_number,q1,q2\n1,1,1\n", 1, "columns must be member_number,q1,q2,q3"),
        ("number,q1,q2,q3\n1,1,1,1\n", 1, "columns must be"),
        (HEADER.encode() + b"1,1,1,1\n2,1,1,1 \xe9\n", 3, "not UTF-8"),
        ((HEADER + "1,1,1,1\n").encode("utf-16"), 1, "not UTF-8"),
        (HEADER + '1,"1,1,1\n', 2, "not readable as CSV"),
    ],
)
def test_votes_files_that_cannot_be_read(votes: str | bytes, row: int, words: str) -> None:
    [(file, at, column, sentence)] = refuse(votes=votes)
    assert (file, at, column) == ("votes.csv", row, "")
    assert words in sentence


@pytest.mark.parametrize(
    "roll, row, words",
    [
        ("", 1, "empty"),
        ("name,member_number\n", 1, "No member"),
        ("name\nAda\n", 1, "missing"),
        ("name,member_number\nJosé,1\n".encode("latin-1"), 2, "not UTF-8"),
        ("name,member_number,weight\nAda,1,1.5\n", 2, "weight"),
    ],
)
def test_rolls_that_cannot_be_read(roll: str | bytes, row: int, words: str) -> None:
    [(file, at, _, sentence)] = refuse(roll=roll, votes=HEADER)
    assert (file, at) == ("roll.csv", row)
    assert words in sentence


@pytest.mark.parametrize(
    "questions, words",
    [
        ("", "not JSON"),
        ("{", "Line 1 is not JSON"),
        ("[]", "An array of 1 to"),
        ("{}", "An array of 1 to"),
        ('[{"answers": ["a"], "answers": ["b"], "min": 0, "max": 1, "question": "x"}]', "twice"),
        ('[{"answers": ["a"], "min": 0.5, "max": 1, "question": "x"}]', "Question 1"),
        ('[{"answers": ["a"], "min": 0, "max": 1}]', "'question' is missing"),
        ('[{"answers": ["a"], "min": 0, "max": 1, "question": "x", "colour": 1}]', "unknown field"),
        ('[{"type": "NonHomomorphic", "value": {"answers": ["A", "B"], "question": "?"}}]', "not ranked"),
        (b'[{"question": "\xe9"}]', "not UTF-8"),
        ("[" * 100_000, "not readable as JSON"),
        (json.dumps([{"answers": ["a"] * 501, "min": 0, "max": 1, "question": "x"}]), "at most 500"),
    ],
)
def test_questions_that_cannot_be_read(questions: str | bytes, words: str) -> None:
    [(file, _, _, sentence)] = refuse(questions=questions)
    assert file == "questions.json"
    assert words in sentence


def test_fields_of_a_question_come_in_any_order() -> None:
    shuffled = '[{"question": "Shall we?", "max": 1, "min": 1, "answers": ["Yes", "No"]}]'
    votes = "member_number,q1\n1,1\n"
    assert parse(questions=shuffled, votes=votes) == parse(questions=QUESTIONS, votes=votes)


def test_a_result_must_be_the_plain_count() -> None:
    case = parse(votes=HEADER + "1,1,1 3,\n2,2,blank,3\n")
    expected = count_votes(case)
    assert find_difference(case.questions, expected, expected, 0) is None
    for row in range(3):
        for column in range(len(expected[row])):
            wrong = [list(counts) for counts in expected]
            wrong[row][column] += 1
            assert find_difference(case.questions, expected, wrong, 0) is not None
    assert find_difference(case.questions, expected, expected[:2], 0) is not None
    assert find_difference(case.questions, expected, [*expected[:2], [0, 0]], 0) is not None


@pytest.mark.parametrize(
    "more, guests, is_possible",
    [
        ([[1, 0], [0, 1, 1, 0], [0, 0, 0]], 1, True),
        ([[1, 0], [1, 0, 0, 0], [0, 0, 1]], 1, True),
        ([[1, 1], [1, 1, 0, 0], [1, 0, 0]], 2, True),
        ([[0, 0], [1, 0, 0, 0], [0, 0, 1]], 1, False),  # the first question must be answered
        ([[1, 1], [1, 0, 0, 0], [0, 0, 1]], 1, False),  # and only once
        ([[1, 0], [1, 1, 0, 0], [0, 0, 0]], 1, False),  # blank and an answer
        ([[1, 0], [0, 1, 1, 1], [0, 0, 0]], 1, False),  # more than two
        ([[1, 0], [0, 2, 0, 0], [0, 0, 0]], 1, False),  # one answer twice
        ([[2, -1], [0, 1, 0, 0], [0, 0, 0]], 1, False),  # a vote taken away
    ],
)
def test_guests_add_no_more_than_their_votes(more: list[list[int]], guests: int, is_possible: bool) -> None:
    case = parse(votes=HEADER + "1,1,1 3,\n2,2,blank,3\n")
    expected = count_votes(case)
    result = [
        [a + b for a, b in zip(row, extra, strict=True)] for row, extra in zip(expected, more, strict=True)
    ]
    assert (find_difference(case.questions, expected, result, guests) is None) is is_possible


def test_samples_are_what_is_said_of_them() -> None:
    cases = {
        name: parse_case(*(sample.read(file) for file in ("roll.csv", "questions.json", "votes.csv")))
        for name, sample in SAMPLES.items()
    }
    officers, association = cases["officers"], cases["association"]
    assert len(officers.members) == len(officers.weights) == 60
    assert len(officers.questions) == 4
    assert not officers.has_revotes
    assert count_voters(officers) < 60
    assert association.has_revotes
    assert len(set(association.weights.values())) > 1
    assert all(question.blank for question in association.questions)
    assert any("blank" in vote.choices for vote in association.votes)
    assert (SAMPLES["officers"].trustees, SAMPLES["officers"].threshold) == (3, 2)
    assert (SAMPLES["association"].trustees, SAMPLES["association"].threshold) == (5, 3)
