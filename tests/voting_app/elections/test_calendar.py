"""The committee's calendar over HTTP: refusals, and which ballots are in time."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from flask import Flask

from crypto.journal import JournalReader
from tests.voting_app.api import ALONE, QUESTIONS, ROLL, Api, Run
from voting_app.app import create_app
from voting_app.context import Context
from voting_app.elections import service
from voting_app.elections.models import Election
from voting_app.errors import Problem

NEW = {
    "name": "Officers",
    "questions": QUESTIONS,
    "closes_at": "2026-11-23T12:00:00Z",
    "trustees": {"singles": 1},
    **ALONE,
}


@pytest.fixture
def api(context: Context, app: Flask) -> Api:
    return Api(context, app.test_client())


@pytest.mark.parametrize(
    "change, field",
    [
        ({"name": " "}, "name"),
        ({"name": "x" * 501}, "name"),
        ({"name": "bell\x07"}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"description": 1}, "description"),
        ({"questions": []}, "questions"),
        ({"questions": [{"answers": ["A"], "min": 2, "max": 1, "question": "?"}]}, "questions"),
        (
            {"questions": [{"type": "NonHomomorphic", "value": {"answers": ["A"], "question": "?"}}]},
            "questions",
        ),
        ({"closes_at": "tomorrow"}, "closes_at"),
        ({"closes_at": "2026-11-23T12:00:30Z"}, "closes_at"),
        ({"closes_at": "2026-11-21T12:00:00Z"}, "closes_at"),
        ({"closes_at": "2026-02-30T12:00:00Z"}, "closes_at"),
        ({"closes_at": "2026-11-23T12:00:00"}, "closes_at"),
        ({"group": "P-256"}, "group"),
        ({"revoting": "yes"}, "revoting"),
        # By the clocks of many zones that is a year later, of which Python has none.
        ({"closes_at": "9999-12-31T23:59:00Z"}, "closes_at"),
        ({"closes_at": "9998-01-01T00:00:00Z"}, "closes_at"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "posix/Europe/Berlin"}, "time_zone"),
        ({"time_zone": "localtime"}, "time_zone"),
        ({"time_zone": "../../etc/passwd"}, "time_zone"),
        ({"credential_mode": "mail"}, "credential_mode"),
        ({"trustees": {"singles": 0}}, "trustees"),
        ({"trustees": {"singles": 31}}, "singles"),
        ({"trustees": {"singles": True}}, "singles"),
        ({"trustees": {"threshold": {"size": 3, "threshold": 4}}}, "threshold"),
        ({"trustees": {"threshold": {"size": 3}}}, "trustees"),
        ({"trustees": {"both": 1}}, "trustees"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_bad_settings_are_refused_by_field(api: Api, change: dict[str, Any], field: str) -> None:
    problem = api.refuse(422, "invalid-field", "/api/v1/elections", NEW | change, role="committee")
    assert problem["field"] == field
    assert api.get("/api/v1/elections", role="committee") == {"elections": []}


@pytest.mark.parametrize("missing", [name for name in NEW if name not in ALONE])
def test_missing_settings_are_named(api: Api, missing: str) -> None:
    body = {name: value for name, value in NEW.items() if name != missing}
    problem = api.refuse(422, "invalid-field", "/api/v1/elections", body, role="committee")
    assert problem["field"] == missing


@pytest.mark.parametrize(
    "body", [b"{", b"[]", b'{"name":1.5}', b'{"name":"a","name":"b"}', b"\xff", b"[" * 100_000]
)
def test_bodies_that_are_no_json_objects_are_refused(api: Api, body: bytes) -> None:
    api.refuse(400, "malformed-json", "/api/v1/elections", body, role="committee")


def test_times_of_other_zones_are_understood(api: Api) -> None:
    body = NEW | {"closes_at": "2026-11-23T18:00:00-06:00"}
    answer = api.post("/api/v1/elections", body, role="committee")
    assert answer["closes_at"] == "2026-11-24T00:00:00Z"


def test_unknown_elections_are_not_found(api: Api) -> None:
    base = "/api/v1/elections/1111111111111A"
    for path in ("status", "election", "trustees", "credentials", "result"):
        api.refuse(404, "unknown-election", f"{base}/{path}", method="GET")
    for path in ("roll/freeze", "open", "close", "keys", "trustees"):
        api.refuse(404, "unknown-election", f"{base}/{path}", role="committee")
    api.refuse(404, "unknown-election", f"{base}/roll", ROLL, role="committee")
    api.refuse(404, "unknown-election", f"{base}/credentials/generate", role="registrar")


def test_nothing_is_published_before_the_keys_are_ready(api: Api) -> None:
    run = Run(api).create()
    for path in ("election", "trustees", "credentials"):
        api.refuse(404, "not-set-up", f"{run.base}/{path}", method="GET")
    api.refuse(404, "no-result", f"{run.base}/result", method="GET")
    assert run.status()["fingerprint"] is None


def test_acts_in_the_wrong_state_are_refused_and_change_nothing(api: Api) -> None:
    run = Run(api).create()
    for path, body in [
        ("open", {}),
        ("pause", {"reason": "x"}),
        ("resume", {}),
        ("extend", {"closes_at": "2026-12-01T12:00:00Z", "reason": "x"}),
        ("close", {}),
        ("certify", {"statement": "x"}),
        ("untalliable", {"reason": "x"}),
        ("keys", {}),
    ]:
        problem = api.refuse(409, "wrong-state", f"{run.base}/{path}", body, role="committee")
        assert problem["state"] == "draft"
    status = run.status()
    assert (status["state"], status["journal"]["lines"]) == ("draft", 2)


def test_the_roll_is_fixed_by_the_freeze(api: Api) -> None:
    run = Run(api).create()
    api.refuse(409, "roll-empty", f"{run.base}/roll/freeze", role="committee")
    assert run.committee("roll", "name,member_number\nOld,1\n")["members"] == 1
    assert run.committee("roll", ROLL) == {"members": 4, "eligible": 4, "total_weight": 4, "roll": None}
    frozen = run.committee("roll/freeze")
    assert run.status()["roll"] == frozen["roll"]
    api.refuse(409, "wrong-state", f"{run.base}/roll", ROLL, role="committee")
    api.refuse(409, "wrong-state", f"{run.base}/roll/freeze", role="committee")


def test_a_bad_roll_is_refused_whole(api: Api) -> None:
    run = Run(api).create()
    run.committee("roll", ROLL)
    bad = "name,member_number,weight\nA,1,1\n,2,1\nC,3,none\n"
    problem = api.refuse(422, "bad-roll", f"{run.base}/roll", bad, role="committee")
    assert [(row["row"], row["column"]) for row in problem["rows"]] == [(3, "name"), (4, "weight")]
    assert run.committee("roll/freeze")["members"] == 4


def test_opening_needs_the_drill(api: Api) -> None:
    run = Run(api).create().freeze().generate().seat().ceremony().ready()
    api.refuse(409, "keys-not-drilled", f"{run.base}/open", role="committee")
    run.drill().open()


def test_opening_needs_time_before_the_close(api: Api, clock: Any) -> None:
    run = Run(api).create().freeze().generate().seat().ceremony().ready().drill()
    clock.advance(days=1)
    api.refuse(409, "closing-time-passed", f"{run.base}/open", role="committee")
    answer = run.committee("open", {"closes_at": "2026-11-25T12:00:00Z"})
    assert (answer["state"], answer["closes_at"]) == ("open", "2026-11-25T12:00:00Z")


def test_extending_goes_forward_only(api: Api) -> None:
    run = Run(api).set_up()
    for closes_at in ("2026-11-23T12:00:00Z", "2026-11-23T11:00:00Z"):
        body = {"closes_at": closes_at, "reason": "x"}
        api.refuse(409, "not-later", f"{run.base}/extend", body, role="committee")


def test_a_pause_outlasts_the_closing_time_until_people_decide(api: Api, clock: Any) -> None:
    run = Run(api).set_up()
    run.committee("pause", {"reason": "Power cut."})
    clock.advance(days=2)
    assert run.status()["state"] == "paused"
    api.refuse(409, "closing-time-passed", f"{run.base}/resume", role="committee")
    run.committee("extend", {"closes_at": "2026-11-26T12:00:00Z", "reason": "Power cut."})
    assert run.committee("resume")["state"] == "open"
    assert run.cast("M1", [[0], [0]]).status_code == 201


def test_a_person_cannot_extend_what_is_over(api: Api, clock: Any) -> None:
    run = Run(api).set_up()
    clock.advance(days=1)
    with pytest.raises(Problem) as refused:
        service.extend_election(
            api.context,
            run.uuid,
            service.SERVICE_ACTOR,
            clock.now() + timedelta(days=1),
            "Too late.",
        )
    assert refused.value.code == "wrong-state"


# --- in time or not ----------------------------------------------------------------------------------------

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def set_state(context: Context, uuid: str, state: str, stopped_at: datetime | None) -> None:
    with context.database.write() as session:
        election: Election = service.find_box(session, uuid).election
        election.state, election.stopped_at = state, stopped_at


@pytest.mark.parametrize(
    "state, stopped_at, arrived_at, code",
    [
        ("draft", None, NOON, "not-open"),
        ("keys-ready", None, NOON, "not-open"),
        ("open", None, NOON, None),
        ("open", None, NOON + timedelta(days=1, seconds=-1), None),
        ("open", None, NOON + timedelta(days=1), "closed"),
        ("paused", NOON, NOON, "not-open"),
        ("paused", NOON, NOON - timedelta(seconds=1), None),
        ("paused", NOON, NOON + timedelta(days=1), "closed"),
        ("closed", NOON, NOON - timedelta(seconds=1), None),
        ("closed", NOON, NOON, "closed"),
        ("tallied", NOON, NOON - timedelta(seconds=1), "closed"),
        ("certified", NOON, NOON - timedelta(seconds=1), "closed"),
        ("untalliable", NOON, NOON - timedelta(seconds=1), "closed"),
        ("cancelled", NOON, NOON - timedelta(seconds=1), "not-open"),
    ],
)
def test_a_ballot_counts_by_when_it_arrived(
    api: Api, state: str, stopped_at: datetime | None, arrived_at: datetime, code: str | None
) -> None:
    run = Run(api).create()
    set_state(api.context, run.uuid, state, stopped_at)
    with api.context.database.read() as session:
        if code is None:
            assert service.require_open(session, run.uuid, arrived_at).state == state
        else:
            with pytest.raises(Problem) as refused:
                service.require_open(session, run.uuid, arrived_at)
            assert refused.value.code == code


def test_closing_a_paused_election_keeps_the_moment_of_the_pause(api: Api, clock: Any) -> None:
    run = Run(api).set_up()
    run.committee("pause", {"reason": "x"})
    clock.advance(minutes=10)
    run.close()
    with (
        api.context.database.read() as session,
        pytest.raises(Problem, match="closed"),
    ):
        service.require_open(session, run.uuid, clock.now() - timedelta(minutes=5))


# --- at once -----------------------------------------------------------------------------------------------


def test_of_many_who_close_at_once_one_wins(each_context: Context) -> None:
    app = create_app(each_context.settings, clock=each_context.clock, database=each_context.database)
    run = Run(Api(each_context, app.test_client())).set_up()
    barrier = Barrier(6)

    def close(number: int) -> str:
        client = app.test_client()
        barrier.wait()
        if number == 0:
            return "timer" if service.close_if_due(each_context, run.uuid) else "timer-late"
        headers = {"Authorization": f"Bearer {run.api.tokens['committee']}"}
        answer = client.post(f"{run.base}/close", headers=headers)
        if answer.status_code == 409:
            assert answer.get_json()["code"] == "wrong-state"
        return str(answer.status_code)

    with ThreadPoolExecutor(6) as pool:
        outcomes = sorted(pool.map(close, range(6)))
    assert outcomes == ["200", "409", "409", "409", "409", "timer-late"]
    raw = app.test_client().get(f"/elections/{run.uuid}/{run.uuid}.journal.jsonl").data
    reader = JournalReader()
    assert [reader.feed(line).kind for line in raw.splitlines()].count("closed") == 1


def test_timer_and_requests_close_an_overdue_election_once(each_context: Context) -> None:
    app = create_app(each_context.settings, clock=each_context.clock, database=each_context.database)
    run = Run(Api(each_context, app.test_client())).set_up()
    each_context.clock.moment += timedelta(days=1)  # type: ignore[attr-defined]
    barrier = Barrier(5)

    def act(number: int) -> bool:
        barrier.wait()
        if number < 3:
            return service.close_if_due(each_context, run.uuid)
        return app.test_client().get(f"{run.base}/status").get_json()["state"] == "closed"

    with ThreadPoolExecutor(5) as pool:
        outcomes = list(pool.map(act, range(5)))
    assert outcomes[3:] == [True, True]
    assert sum(outcomes[:3]) <= 1
    raw = app.test_client().get(f"/elections/{run.uuid}/{run.uuid}.journal.jsonl").data
    reader = JournalReader()
    assert [reader.feed(line).kind for line in raw.splitlines()].count("closed") == 1
