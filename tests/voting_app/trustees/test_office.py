"""The committee's page of the trustees."""

import re
from typing import Any

import pytest
from flask import Flask

from tests.voting_app.api import Api, Run, Trustee
from tests.voting_app.office import Officer, first_administrator
from voting_app.app import create_app
from voting_app.context import Context
from voting_app.errors import Problem
from voting_app.trustees import service

NAMES = {"name-1": "Ada Łukasz", "email-1": "ada@example.org", "name-2": "Grace", "email-2": ""}
TWO = {"singles": 2}


@pytest.fixture
def ada(app: Flask) -> Officer:
    return first_administrator(app)


@pytest.fixture
def run(app: Flask, ada: Officer) -> Run:
    return Run(Api(ada.context, app.test_client())).create(trustees=TWO)


def find_links(page: str) -> list[str]:
    return re.findall(r"/trustee#([\w-]+)<", page)


def take(run: Run, links: list[str]) -> Run:
    run.trustees = [Trustee(owner, "single", token) for owner, token in enumerate(links, start=1)]
    return run


def test_trustees_are_seated_and_the_key_is_fixed_without_a_terminal(ada: Officer, run: Run) -> None:
    address = f"/office/elections/{run.uuid}/trustees"
    form = ada.get(address).text
    assert 'name="name-2"' in form
    assert 'name="name-3"' not in form
    # A name is missing; a wrong address; no code: what was typed stays, and nobody has a seat.
    for wrong in ({"name-2": " "}, {"email-1": "ada at home"}, {"code": "000000"}):
        answer = ada.post(address, {**NAMES, "code": ada.code(), **wrong}, page=address)
        assert answer.status_code in (400, 422)
        assert 'value="Ada Łukasz"' in answer.text
    seated = ada.act(address, NAMES)
    links = find_links(seated.text)
    assert (seated.status_code, len(links)) == (200, 2)
    assert seated.headers["Cache-Control"] == "no-store"
    shown = ada.get(address).text
    assert "Has to make the key" in shown
    assert not find_links(shown), "a link is shown once"
    assert ada.act(address, NAMES).status_code == 409
    take(run, links).ceremony()
    assert "Fix the key" in ada.get(address).text
    assert ada.act(f"{address}/keys").status_code == 409, "the roll is not frozen"
    run.freeze().generate()
    assert ada.post(f"{address}/keys", {"code": "000000"}, page=address).status_code == 400
    assert ada.act(f"{address}/keys").status_code == 303
    assert run.status()["state"] == "keys-ready"
    lines = run.api.send("GET", f"/elections/{run.uuid}/{run.uuid}.journal.jsonl").text
    assert f'"keys-ready","actor":"committee:{ada.number}"' in lines


def test_a_lost_link_is_replaced_only_where_nobody_could_go_on_in_the_trustees_name(
    ada: Officer, run: Run
) -> None:
    address = f"/office/elections/{run.uuid}/trustees"
    take(run, find_links(ada.act(address, NAMES).text))
    first = run.trustees[0].token
    [link] = find_links(ada.act(f"{address}/1/link").text)
    assert link != first
    run.api.refuse(401, "not-authenticated", f"{run.base}/trustee", method="GET", token=first)
    run.trustees[0].token = link
    run.commit()
    refused = ada.act(f"{address}/1/link")
    assert refused.status_code == 409
    assert not find_links(refused.text)
    assert "The link is lost" not in ada.get(f"{address}/1").text
    run.reveal().freeze().generate().ready()
    [run.trustees[0].token] = find_links(ada.act(f"{address}/1/link").text)
    run.drill()
    assert ada.act(f"{address}/3/link").status_code == 404


def test_somebody_else_takes_a_seat_with_a_public_reason(ada: Officer, run: Run) -> None:
    address = f"/office/elections/{run.uuid}/trustees"
    take(run, find_links(ada.act(address, NAMES).text)).commit()
    new = {"name": "Barbara", "email": "barbara@example.org"}
    assert ada.act(f"{address}/2/restart", {**new, "reason": " "}).status_code == 422
    [link] = find_links(ada.act(f"{address}/2/restart", {**new, "reason": "Grace fell ill."}).text)
    assert run.api.get(f"{run.base}/trustee", token=link)["step"] == "commitment"
    assert "Grace fell ill." in run.api.send("GET", f"/elections/{run.uuid}/{run.uuid}.journal.jsonl").text
    assert "Barbara" in ada.get(address).text
    renamed = ada.post(f"{address}/2/person", {"name": "Barbara L.", "email": ""}, page=f"{address}/2")
    assert renamed.status_code == 303
    page = ada.get(f"{address}/2").text
    assert "Barbara L." in page
    assert "Remind" not in page, "there is no address, and no mail server"


def test_who_is_no_officer_sees_how_far_they_are_and_nothing_else(ada: Officer, run: Run) -> None:
    address = f"/office/elections/{run.uuid}/trustees"
    observer = ada.new_officer("olga@example.org", "observer")
    assert "Who are the trustees?" not in observer.get(address).text
    ada.act(address, NAMES)
    page = observer.get(address).text
    assert "Ada Łukasz" in page
    assert "ada@example.org" not in page.partition("<main")[2]
    assert observer.get(f"{address}/1").status_code == 403
    for path in (
        address,
        f"{address}/keys",
        *(f"{address}/1/{act}" for act in ("link", "restart", "person", "remind")),
    ):
        assert observer.act(path, NAMES).status_code == 403, path


def test_reminders_go_to_who_is_awaited_once_a_day(mail_context: Context) -> None:
    context = mail_context
    app = create_app(context.settings, clock=context.clock, database=context.database)
    run = Run(Api(context, app.test_client())).create(trustees=TWO)

    def remind(owner: int) -> str:
        try:
            service.remind(context, run.uuid, owner)
        except Problem as problem:
            return problem.code
        return "sent"

    body: Any = {"trustees": [{"owner": 1, "name": "Ada", "email": "ada@example.org"}]}
    seats = run.committee("trustees", body)["trustees"]
    take(run, [seat["token"] for seat in seats])
    assert [remind(1), remind(1), remind(2)] == ["sent", "reminded-already", "no-address"]
    context.clock.advance(days=1)  # type: ignore[attr-defined]
    assert remind(1) == "sent"
    run.send(run.trustees[0], "commitment", {"commitment": run.make_commitment(run.trustees[0])})
    assert remind(1) == "not-awaited"
