"""Whole elections over HTTP, from roll to certification."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from audit.runner import audit
from crypto.journal import JournalReader
from crypto.record import BoxState
from tests.voting_app.api import Api, Run
from voting_app.app import create_app
from voting_app.context import Context
from voting_app.elections import service as elections
from voting_app.tally.jobs import run_due


@pytest.fixture
def api(each_context: Context) -> Api:
    app: Flask = create_app(each_context.settings, clock=each_context.clock, database=each_context.database)
    return Api(each_context, app.test_client())


def save(run: Run, folder: Path) -> tuple[Path, Path]:
    """What is published, as an auditor would fetch it."""
    paths = folder / f"{run.uuid}.bel", folder / f"{run.uuid}.journal.jsonl"
    for path in paths:
        path.write_bytes(run.api.client.get(f"/elections/{run.uuid}/{path.name}").data)
    return paths


def require_sound(run: Run, folder: Path) -> list[str]:
    """Every rule of archive and journal holds; the kinds of the journal's lines."""
    archive, journal = save(run, folder)
    report = audit(archive, journal)
    failed = {check.id: check.detail for check in report.findings.checks.values() if check.status == "fail"}
    assert (report.findings.verdict, failed) == ("sound", {})
    reader = JournalReader()
    return [reader.feed(line).kind for line in journal.read_bytes().splitlines()]


@pytest.mark.parametrize(
    "trustees",
    [
        {"singles": 1},
        {"singles": 0, "threshold": {"size": 3, "threshold": 2}},
        {"singles": 1, "threshold": {"size": 3, "threshold": 2}},
    ],
    ids=["single", "2-of-3", "mixed"],
)
def test_election_from_roll_to_certification(api: Api, tmp_path: Path, trustees: dict[str, object]) -> None:
    run = Run(api).set_up(trustees=trustees)
    assert run.cast("M1", [[0], [0]]).status_code == 201
    assert run.cast("M2", [[1], [0]]).status_code == 201
    assert run.cast("M3", ["blank", [1]]).status_code == 201
    run.close()
    last = run.trustees[-1].owner
    needed = run.trustees if run.threshold == 0 else [*run.trustees[: -run.size], *run.trustees[-2:]]
    for trustee in needed:
        assert api.get(f"{run.base}/status")["state"] == "closed"
        assert run.inbox(trustee)["step"] == "decryption"
        after = run.send(trustee, "decryption", run.make_decryption(trustee))
        assert after["step"] == ("done" if trustee.owner == last else "wait-result")
    assert run.result() == [[1, 1, 1], [2, 1]]
    status = run.committee("certify", {"statement": "The committee certifies this result."})
    assert status["state"] == "certified"
    kinds = require_sound(run, tmp_path)
    assert kinds[-2:] == ["certified", "seal"]
    assert kinds.count("strong-decryption") == len(needed)


def test_weights_blank_votes_and_revotes_are_counted(api: Api, tmp_path: Path) -> None:
    roll = "name,member_number,weight,standing\nA,M1,4,good\nB,M2,1,\nC,M3,3,suspended\nD,M4,3,good\n"
    run = Run(api).create(revoting=True, credential_mode="registrar").freeze(roll)
    weights = api.get(f"{run.base}/credentials/weights", role="registrar")["weights"]
    assert weights == [{"weight": w, "count": 1} for w in (1, 3, 4)]
    run.publish({"M1": 4, "M2": 1, "M4": 3}).seat().ceremony().ready().drill().open()
    for member, choices in [
        ("M1", [[0], [0]]),
        ("M2", [[0], [1]]),
        ("M4", ["blank", [1]]),
        ("M1", [[1], [1]]),
    ]:
        assert run.cast(member, choices).status_code == 201
    run.close().decrypt()
    assert run.result() == [[3, 1, 4], [0, 8]]
    require_sound(run, tmp_path)


@pytest.mark.parametrize("group", ["BELENIOS-2048"])
def test_other_groups_run_as_well(api: Api, tmp_path: Path, group: str) -> None:
    run = Run(api).set_up(group=group, trustees={"singles": 0, "threshold": {"size": 2, "threshold": 2}})
    assert run.cast("M1", [[0], [0]]).status_code == 201
    run.close().decrypt()
    assert run.result() == [[0, 1, 0], [1, 0]]
    require_sound(run, tmp_path)


def test_an_election_without_ballots_has_a_result(api: Api, tmp_path: Path) -> None:
    run = Run(api).set_up().close().decrypt()
    assert run.result() == [[0, 0, 0], [0, 0]]
    require_sound(run, tmp_path)


def test_closing_time_is_obeyed_by_the_next_request(api: Api, tmp_path: Path) -> None:
    run = Run(api).set_up()
    run.cast("M1", [[0], [0]])
    api.context.clock.moment += timedelta(days=1)  # type: ignore[attr-defined]
    status = run.status()
    assert (status["state"], status["closed_at"]) == ("closed", "2026-11-23T12:00:00Z")
    assert status["box"]["state"] == "counted"
    assert "closed" in require_sound(run, tmp_path)


def test_closing_time_is_obeyed_by_the_timer(api: Api) -> None:
    run = Run(api).set_up()
    assert run_due(api.context) == 0
    api.context.clock.moment += timedelta(days=1)  # type: ignore[attr-defined]
    assert run_due(api.context) == 1
    with api.context.database.read() as session:
        assert elections.election_for_box(session, run.uuid).state == "closed"
        assert elections.get_box_state(session, run.uuid) is BoxState.COUNTED


def test_a_paused_extended_and_cancelled_election_leaves_a_sound_record(api: Api, tmp_path: Path) -> None:
    run = Run(api).set_up()
    run.committee("pause", {"reason": "The hall's network is down."})
    api.refuse(409, "not-open", f"{run.base}/ballots", run.make_ballot("M1", [[0], [0]]))
    run.committee("extend", {"closes_at": "2026-11-24T12:00:00Z", "reason": "The pause."})
    run.committee("resume")
    assert run.cast("M1", [[0], [0]]).status_code == 201
    assert run.committee("cancel", {"reason": "The notice was wrong."})["state"] == "cancelled"
    api.refuse(409, "not-open", f"{run.base}/ballots", run.make_ballot("M2", [[0], [0]]))
    kinds: list[Any] = require_sound(run, tmp_path)
    assert [k for k in kinds if k in {"paused", "extended", "resumed", "cancelled"}] == [
        "paused",
        "extended",
        "resumed",
        "cancelled",
    ]
