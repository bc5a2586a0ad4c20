"""The registrar's own browser: what the server tells it, and takes from it."""

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from crypto.credentials import derive_public, encode_credential_list, new_credential_text
from crypto.groups import get_group
from tests.voting_app.api import Api, Run
from tests.voting_app.office import HTML, Officer, find_form_token, first_administrator
from voting_app.elections.office import find_election
from voting_app.elections.states import State
from voting_app.issuing.service import Step, find_step

ROLL = (
    "name,member_number,email,address,language,standing\n"
    "Ada,M1,ada@example.org,1 Main St,es-MX,\nGrace,M2,,,xx,\nJoan,M3,,,,suspended\n"
)


@pytest.fixture
def ada(app: Flask) -> Officer:
    return first_administrator(app)


@pytest.fixture
def run(app: Flask, ada: Officer) -> Run:
    return Run(Api(ada.context, app.test_client())).create(credential_mode="registrar")


def page_of(run: Run) -> str:
    return f"/office/elections/{run.uuid}/credentials/browser"


def make_list(run: Run, *numbers: str) -> bytes:
    group = get_group("Ed25519")
    run.credentials = {number: new_credential_text() for number in numbers}
    public = [(derive_public(group, run.uuid, code), None) for code in run.credentials.values()]
    return encode_credential_list(group, public)


def publish(officer: Officer, run: Run, raw: bytes, code: str | None = None) -> TestResponse:
    token = find_form_token(officer.get("/office").text)
    return officer.client.post(
        f"{page_of(run)}/list",
        data={
            "csrf_token": token,
            "code": officer.code() if code is None else code,
            "list": (io.BytesIO(raw), "public-credentials.json"),
        },
        headers={"Accept": "application/json"},
    )


def test_codes_are_listed_by_a_browser_and_the_page_says_what_comes_next(ada: Officer, run: Run) -> None:
    assert "The roll must be frozen first" in ada.get(page_of(run)).text
    run.freeze(ROLL)
    page = ada.get(page_of(run)).text
    assert 'data-step="make"' in page
    told: Any = json.loads(ada.get(f"{page_of(run)}/members").data)
    assert told["members"] == [
        {"number": "M1", "name": "Ada", "address": "1 Main St", "unit": "", "weight": 1, "language": "es"},
        {"number": "M2", "name": "Grace", "address": "", "unit": "", "weight": 1, "language": "en"},
    ]
    assert set(told["contents"]) == {"en", "es", "fr"}
    assert told["contents"]["en"]["election"] == "Officers of Local 12"
    raw = make_list(run, "M1", "M2")
    answer = json.loads(publish(ada, run, raw).data)
    assert answer["count"] == 2
    page = ada.get(page_of(run)).text
    assert 'data-step="keys"' in page
    assert f'data-published="{answer["credentials"]}"' in page
    run.seat().ceremony().ready()
    assert 'data-step="print"' in ada.get(page_of(run)).text
    # The journal says which registrar it was.
    journal = run.api.send("GET", f"/elections/{run.uuid}/{run.uuid}.journal.jsonl").text
    [line] = [json.loads(text) for text in journal.splitlines() if "credentials-published" in text]
    assert (line["actor"], line["payload"]["mode"]) == (f"registrar:{ada.number}", "registrar")


def test_a_list_is_taken_once_whole_and_with_the_second_factor(ada: Officer, run: Run) -> None:
    run.freeze(ROLL)
    right = make_list(run, "M1", "M2")
    for raw, code, status, problem in (
        (right, "000000", 400, "wrong-code"),
        (make_list(run, "M1"), None, 422, "bad-credentials"),
        (right[:-1], None, 422, "bad-credentials"),
        (b"", None, 422, "bad-credentials"),
    ):
        answer = publish(ada, run, raw, code)
        told = json.loads(answer.data)
        assert (answer.status_code, told["code"]) == (status, problem)
        assert told["sentence"].endswith(".")
    assert publish(ada, run, right).status_code == 200
    assert json.loads(publish(ada, run, make_list(run, "M1", "M2")).data)["code"] == "credentials-published"


def test_who_may_make_codes(ada: Officer, run: Run) -> None:
    run.freeze(ROLL)
    raw = make_list(run, "M1", "M2")
    for role in ("committee", "observer", "helpdesk", "registrar"):
        officer = ada.new_officer(f"{role}@example.org", role)
        is_registrar = role == "registrar"
        for path in ("", "/members"):
            assert officer.get(page_of(run) + path).status_code == (200 if is_registrar else 403)
        assert publish(officer, run, raw).status_code == (200 if is_registrar else 403)
    assert ada.client.post(f"{page_of(run)}/list", headers={"Accept": HTML}).status_code == 400


def test_where_the_server_makes_the_codes_there_is_nothing_to_do(ada: Officer, app: Flask) -> None:
    run = Run(Api(ada.context, app.test_client())).create().freeze(ROLL)
    page = ada.get(page_of(run)).text
    assert "The server makes the codes" in page
    assert "registrar.js" not in page
    assert ada.get(f"{page_of(run)}/members").status_code == 409
    assert publish(ada, run, make_list(run, "M1", "M2")).status_code == 409


def test_every_state_has_its_step(ada: Officer, run: Run) -> None:
    with ada.app.app_context():
        view = find_election(run.uuid)
    steps = {state: find_step(replace(view, state=state), is_published=True) for state in State}
    assert {state for state, step in steps.items() if step is Step.PRINT} == {
        State.KEYS_READY,
        State.OPEN,
        State.PAUSED,
    }
    assert steps[State.ROLL_FROZEN] is Step.KEYS
    assert steps[State.CANCELLED] is steps[State.CERTIFIED] is Step.OVER
