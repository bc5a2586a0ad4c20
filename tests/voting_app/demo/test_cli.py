"""What the command refuses before anything starts, and what it says then."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.voting_app.demo.conftest import QUESTIONS, Files
from voting_app.demo import cli
from voting_app.elections.wire import GROUPS

ROLL = "name,member_number\nAda,1\nGrace,2\n"
VOTES = "member_number,q1\n1,1\n2,2\n"


@pytest.fixture(autouse=True)
def nothing_starts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("the demo was started")

    monkeypatch.setattr("voting_app.demo.run.run_demo", refuse)
    monkeypatch.chdir(tmp_path)


def refuse(*options: str) -> str:
    """What is said when the demo is refused."""
    result: Result = CliRunner().invoke(cli.demo, options)
    assert result.exit_code == 2, result.output
    assert "Traceback" not in result.output
    return result.output


@pytest.mark.parametrize(
    "options, words",
    [
        (["--threshold", "4"], "--threshold 4: there are only 3 trustees"),
        (["--sample", "association", "--threshold", "6"], "there are only 5 trustees"),
        (["--trustees", "1", "--threshold", "2"], "there is only 1 trustee"),
        (["--threshold", "1"], "each trustee alone could open every ballot"),
        (["--threshold", "0"], "at least one trustee is needed"),
        (["--trustees", "0"], "1 to 30 trustees"),
        (["--trustees", "31"], "1 to 30 trustees"),
        (["--trustees", "two"], "is not a valid integer"),
        (["--group", "Curve25519"], "BELENIOS-2048"),
        (["--sample", "none"], "association"),
        (["--roll", "missing.csv"], "missing.csv"),
        (["--port", "70000"], "65535"),
    ],
)
def test_impossible_options(options: list[str], words: str) -> None:
    assert words in refuse(*options)


def test_bad_files_are_refused_with_every_fault(files: Files) -> None:
    options = files.options(ROLL, "member_number,q1\n1,3\n7,1\n")
    said = refuse(*options)
    assert "votes.csv, row 2, column q1: There is no answer 3; the question has 2.\n" in said
    assert "votes.csv, row 3, column member_number: No member on the roll has this number.\n" in said
    assert said.endswith("Refused: 2 faults. Nothing was started.\n")


def test_the_samples_votes_do_not_fit_another_roll(files: Files) -> None:
    said = refuse("--roll", str(files.write("roll.csv", ROLL)))
    assert "The votes were those of the sample officers; give your own with --votes." in said


def test_a_folder_that_cannot_be_written(files: Files) -> None:
    occupied = files.write("occupied", "a file")
    said = refuse(*files.options(ROLL, VOTES), "--out", str(occupied / "below"))
    assert "choose another --out" in said


@pytest.mark.parametrize(
    "trustees, threshold, expected",
    [
        (None, None, (3, 2)),
        (1, None, (1, 1)),
        (2, None, (2, 2)),
        (5, None, (5, 3)),
        (4, 4, (4, 4)),
        (None, 3, (3, 3)),
    ],
)
def test_numbers_of_trustees(trustees: int | None, threshold: int | None, expected: tuple[int, int]) -> None:
    assert cli._choose_trustees(trustees, threshold, 3, 2) == expected


def test_help_names_the_groups_and_samples_that_there_are() -> None:
    result = CliRunner().invoke(cli.demo, ["--help"])
    assert result.exit_code == 0
    assert cli._GROUPS == GROUPS
    for word in (*GROUPS, "officers", "association", "spare-credentials.txt", "Exit status"):
        assert word in result.output


def test_questions_alone_may_be_replaced_by_ones_that_fit(
    files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any of the three files may be given; the others are the sample's."""
    seen = []

    def note(options: object, *_: object) -> bool:
        seen.append(options)
        return True

    monkeypatch.setattr("voting_app.demo.run.run_demo", note)
    questions = (
        "["
        + ",".join([QUESTIONS[1:-1].replace('"min": 1', '"min": 0').replace('"No"', '"No", "Maybe"')] * 4)
        + "]"
    )
    result = CliRunner().invoke(cli.demo, ["--questions", str(files.write("questions.json", questions))])
    assert result.exit_code == 0, result.output
    assert len(seen) == 1


def test_a_record_that_is_not_sound_is_exit_1(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voting_app.demo.run.run_demo", lambda *_: False)
    assert CliRunner().invoke(cli.demo, []).exit_code == 1
