"""The OpenAPI document: valid, complete, true to the access marks, and served."""

import json
import re
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import validate

from tests.voting_app.api import Api, Run, load_openapi
from voting_app.access import find_mark
from voting_app.context import Context


def list_operations() -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method, path): operation
        for path, item in load_openapi()["paths"].items()
        for method, operation in item.items()
        if method != "parameters"
    }


def list_routes(app: Flask) -> dict[tuple[str, str], str]:
    """(method, path as OpenAPI writes it) -> endpoint, of every URL for programs."""
    return {
        (method.lower(), re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)): rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/api/") or rule.rule.endswith((".bel", ".jsonl"))
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }


def test_the_document_is_valid_and_served(client: FlaskClient) -> None:
    validate(load_openapi())
    response = client.get("/api/v1/openapi.json")
    assert json.loads(response.data) == load_openapi()
    assert response.mimetype == "application/json"


def test_every_route_for_programs_is_in_it_and_nothing_else(app: Flask) -> None:
    assert set(list_routes(app)) == set(list_operations())


def test_it_says_who_may_do_what(app: Flask) -> None:
    routes = list_routes(app)
    for key, operation in list_operations().items():
        mark = find_mark(app, routes[key])
        assert mark is not None
        if mark.audience == "public":
            assert operation["security"] == []
        else:
            assert operation["security"] == [{"token": []}]
            assert set(operation["x-roles"]) == mark.roles


def test_operations_have_names_of_their_own() -> None:
    names = [operation["operationId"] for operation in list_operations().values()]
    assert len(set(names)) == len(names)


def test_what_belenios_tool_pulls_is_as_described(context: Context, client: FlaskClient) -> None:
    run = Run(Api(context, client)).set_up()
    base = f"/api/elections/{run.uuid}"
    head = run.api.get(f"{base}/last-event")
    assert run.status()["box"]["head"] == head["hash"]
    run.api.get(f"{base}/archive-header")
    run.api.get(f"{base}/objects/{head['hash']}")
    run.api.refuse(404, "not-found", f"{base}/objects/{'0' * 64}", method="GET")
    assert run.api.send("GET", f"{base}/archive").data.startswith(b"BELENIOS")


def test_the_registrar_takes_the_frozen_roll_away(context: Context, client: FlaskClient) -> None:
    run = Run(Api(context, client)).create()
    run.api.refuse(409, "roll-not-frozen", f"{run.base}/roll", method="GET", role="registrar")
    run.freeze('name,member_number,address,standing\n"A, B",M1,"1 Main St\nApt 2",\nC,M2,,suspended\n')
    answer = run.api.send("GET", f"{run.base}/roll", role="registrar")
    assert answer.headers["Cache-Control"] == "no-store"
    header, *rows = answer.get_data(as_text=True).split("\n", 1)
    assert header.startswith("name,member_number,email")
    assert rows == ['"A, B",M1,,,"1 Main St\nApt 2",,1,,good\n']
    run.api.refuse(403, "forbidden", f"{run.base}/roll", method="GET", role="observer")
