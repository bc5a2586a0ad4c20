"""The report in words says who has won, where the election data say what decides."""

import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from audit.cli import cli
from audit.report import find_outcome, report_lines
from crypto.journal import SERVICE
from crypto.presentation import Majority, Presentation
from tests.audit.judging import Judge
from tests.simulator import (
    KINDS,
    OFFICERS,
    RANKED_KINDS,
    SEAL,
    YES_NO,
    Act,
    Simulation,
    Spec,
    change_json,
    rebuild,
    simulated,
    sound,
)

_SEATS = (Majority.PLURALITY, Majority.MAJORITY)


def lines(judge: Judge, election: Simulation) -> list[str]:
    return [line.strip() for line in report_lines(judge.of(election))]


def decided(*votes: tuple[tuple[int, ...], tuple[int, ...]], percent: int | None = None) -> Simulation:
    """OFFICERS has two seats for Ada, Grace and Joan; YES_NO needs a majority. Four members."""
    presentation = Presentation("en", rules=_SEATS, quorum_percent=percent)
    cast = tuple(enumerate(votes))
    return simulated(Spec((OFFICERS, YES_NO), votes=cast, presentation=presentation, seed=90))


def test_winners_and_quorum(judge: Judge) -> None:
    told = lines(judge, decided(((0, 1), (0,)), ((1,), (0,)), ((0,), (1,)), percent=75))
    assert "decided by the most votes, 2 seats: Ada, Grace" in told
    assert "decided by more than half of the votes: Yes" in told
    assert told[-1] == "Quorum: 75 percent of 4 members, 3 ballots; 3 count, reached"


def test_a_tie_and_no_majority(judge: Judge) -> None:
    told = lines(judge, decided(((0, 1), (0,)), ((0, 2), (1,))))
    assert "decided by the most votes, 2 seats: Ada; TIE for the last seat between Grace, Joan" in told
    assert "decided by more than half of the votes: no answer reached it" in told
    assert not any(line.startswith("Quorum") for line in told)


def test_all_seats_tied(judge: Judge) -> None:
    told = lines(judge, decided(((0,), (0,)), ((1,), (1,)), ((2,), (1,))))
    assert (
        "decided by the most votes, 2 seats: nobody yet; TIE for the last 2 seats between Ada, Grace, Joan"
        in told
    )


def test_a_missed_quorum_decides_nothing(judge: Judge) -> None:
    told = lines(judge, decided(((0, 1), (0,)), ((0, 1), (0,)), percent=51))
    assert "decided by the most votes, 2 seats: nothing, the quorum was missed" in told
    assert told[-1] == "Quorum: 51 percent of 4 members, 3 ballots; 2 count, MISSED"


def test_a_weighted_ballot_is_one_ballot_for_the_quorum_and_many_votes(judge: Judge) -> None:
    presentation = Presentation("en", rules=(Majority.TWO_THIRDS,), quorum_percent=66)
    spec = Spec((YES_NO,), voters=3, weights=(9, 2, 2), presentation=presentation, seed=91)
    told = lines(judge, simulated(replace(spec, votes=((0, ((0,),)), (1, ((1,),))))))
    assert "decided by at least two thirds of the votes: Yes" in told
    assert told[-1] == "Quorum: 66 percent of 3 members, 2 ballots; 2 count, reached"


def test_without_rules_or_result_there_is_no_outcome(judge: Judge) -> None:
    assert find_outcome(judge.of(sound("plain"))) is None
    assert find_outcome(judge.of(simulated(replace(KINDS["presented"], stage="closed")))) is None
    election = sound("presented")

    def exchanged(value: dict[str, Any]) -> dict[str, Any]:
        return {"result": [value["result"][0][::-1], value["result"][1]]}

    broken = rebuild(change_json(election.entries, election.index("Result"), "result", exchanged))
    assert find_outcome(judge(broken)) is None
    assert find_outcome(judge.of(election)) is not None


def test_a_test_election_is_called_one(judge: Judge) -> None:
    spec = Spec((YES_NO,), voters=3, presentation=Presentation("en", is_test=True), seed=92)
    told = lines(judge, simulated(replace(spec, votes=((0, ((0,),)), (1, ((1,),))))))
    assert "warning: this is a test election, for practice only: nothing in it decides anything" in told


@pytest.mark.parametrize("kind", ["cancelled", "untalliable"])
def test_an_election_that_ended_without_a_result_decides_nothing(kind: str, judge: Judge) -> None:
    """Without it: whoever verifies the package of a cancelled election would read that somebody has won."""
    election = sound("presented")
    if kind == "untalliable":
        election = simulated(replace(KINDS["presented"], stage="closed"))
    box = election.acts[-1].box
    end = Act(kind, {"at": "2026-11-20T18:00Z", "reason": "The notice was wrong."}, "committee:7", box)
    journal = election.with_acts([*election.acts, end, Act(SEAL, {}, SERVICE, box)]).journal
    report = judge(election.archive, journal)
    told = list(report_lines(report))
    assert report.verdict == "sound", "\n".join(told)
    words = {"cancelled": "the election was cancelled", "untalliable": "the election could not be counted"}[
        kind
    ]
    assert told[0].endswith(words)
    assert f"warning: {words}, so nothing in it decides anything: The notice was wrong." in told
    assert not any("decided by" in line or line.startswith("Quorum") for line in told)


def test_a_package_with_questions_that_have_no_reports_is_not_checked(tmp_path: Path) -> None:
    election = simulated(RANKED_KINDS["ranked-empty"])
    uuid, path = election.election.uuid, tmp_path / "package.zip"
    with zipfile.ZipFile(path, "w") as package:
        package.writestr(f"{uuid}.bel", election.archive)
        package.writestr(f"{uuid}.journal.jsonl", election.journal)
        package.writestr("report.json", b'{"version":1,"roll":{}}')
    found = CliRunner().invoke(cli, ["verify", str(path), "--jobs", "1"])
    assert (found.exit_code, found.stdout.splitlines()[0][:15]) == (2, "COULD NOT CHECK")
    assert "there are no reports on ranked" in found.stdout
