"""An election is edited until its keys are ready; then the fingerprint covers all of it."""

import json
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.voting_app.api import QUESTIONS, Api, Run
from voting_app.accounts.service import Actor
from voting_app.context import get_context
from voting_app.elections import service, wire
from voting_app.errors import Problem
from voting_app.trustees import keys

SINGLE = {"singles": 1}


@pytest.fixture
def run(app: Flask, client: FlaskClient) -> Run:
    return Run(Api(get_context(app), client))


def body(run: Run, **changes: Any) -> dict[str, Any]:
    """All of an election with something changed."""
    known = run.status()
    names = "name description questions group revoting closes_at time_zone credential_mode trustees"
    return {name: known[name] for name in names.split()} | changes


def edit(run: Run, **changes: Any) -> Any:
    return run.api.post(run.base, body(run, **changes), method="PUT", role="committee")


def test_everything_can_be_edited_in_draft(run: Run) -> None:
    run.create(trustees=SINGLE)
    questions = [QUESTIONS[1]]
    changed = edit(
        run,
        name="Dues",
        description="Twice as much",
        questions=questions,
        closes_at="2031-01-01T12:00:00Z",
        time_zone="America/Chicago",
        credential_mode="server",
        revoting=True,
        trustees={"singles": 0, "threshold": {"size": 3, "threshold": 2}},
        language="fr",
        quorum={"percent": 30},
    )
    assert (changed["name"], changed["questions"], changed["revoting"]) == ("Dues", questions, True)
    assert changed["trustees"] == {"singles": 0, "threshold": {"size": 3, "threshold": 2}}
    assert changed["presentation"] == {"version": 1, "language": "fr", "quorum": {"percent": 30}}
    assert run.status() == run.status() | changed


def test_what_was_made_for_the_plan_keeps_it(run: Run) -> None:
    run.create(trustees=SINGLE).freeze().seat()
    path = run.base
    refuse = run.api.refuse
    plan = body(run, trustees={"singles": 2})
    refuse(409, "trustees-exist", path, plan, method="PUT", role="committee")
    refuse(409, "trustees-exist", path, body(run, group="BELENIOS-2048"), method="PUT", role="committee")
    assert edit(run, name="Still another name")["name"] == "Still another name"
    run.generate()
    mode = body(run, credential_mode="registrar")
    refuse(409, "credentials-published", path, mode, method="PUT", role="committee")
    run.ceremony().ready()
    problem = refuse(409, "wrong-state", path, body(run), method="PUT", role="committee")
    assert "fingerprint" in problem["detail"]


def test_edits_are_judged_as_new_elections_are(run: Run) -> None:
    run.create(trustees=SINGLE)
    refuse = run.api.refuse
    refuse(422, "invalid-field", run.base, body(run, name=""), method="PUT", role="committee")
    refuse(
        422,
        "invalid-field",
        run.base,
        body(run, closes_at="2001-01-01T00:00:00Z"),
        method="PUT",
        role="committee",
    )
    refuse(422, "invalid-field", run.base, body(run, state="open"), method="PUT", role="committee")
    refuse(403, "forbidden", run.base, body(run), method="PUT", role="observer")
    refuse(
        404, "unknown-election", "/api/v1/elections/3QzGZSqmK3sM2S", body(run), method="PUT", role="committee"
    )


def test_of_two_who_edit_at_once_the_later_one_is_told(run: Run) -> None:
    run.create(trustees=SINGLE)
    context = run.api.context
    with context.database.read() as session:
        revision = service.get_revision(service.election_for_box(session, run.uuid))
    new = wire.parse_new_election(json.dumps(body(run, name="First")).encode())
    service.update_election(context, run.uuid, new, expected=revision)
    with pytest.raises(Problem, match="changed-meanwhile"):
        service.update_election(context, run.uuid, new, expected=revision)


def test_keys_are_not_made_ready_with_texts_that_were_edited_meanwhile(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edit between reading the election and fixing it would leave a box that says something else than the pages."""
    run.create(trustees=SINGLE).freeze().generate().seat().ceremony()
    encode = keys._encode_setup_data

    def edit_meanwhile(*args: Any) -> Any:
        edit(run, name="Another election altogether")
        return encode(*args)

    monkeypatch.setattr(keys, "_encode_setup_data", edit_meanwhile)
    with pytest.raises(Problem, match="changed-meanwhile"):
        keys.ready_keys(run.api.context, run.uuid, Actor("committee", 1))
    monkeypatch.undo()
    run.ready()
    assert run.election().name == "Another election altogether"
