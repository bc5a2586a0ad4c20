"""The service keeps what the election data promise of the record: its key, and whether votes are final (ADR 0009)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from crypto.ballot import make_ballot, votes_from_choices
from crypto.encoding import sha256_base64
from crypto.randomness import SystemCoins
from tests.voting_app.api import Api, Run
from voting_app.app import create_app
from voting_app.context import Context
from voting_app.elections.models import Election
from voting_app.ledger import service as ledger


@pytest.fixture
def run(context: Context, app: Flask) -> Run:
    return Run(Api(context, app.test_client()))


def set_revoting(context: Context, revoting: bool) -> None:
    """By hand, in the database: no request does it."""
    with context.database.write() as session:
        session.execute(update(Election).values(revoting=revoting))


def client_of_another_secret(context: Context) -> FlaskClient:
    """The same database after its secret was lost, or with that of another installation."""
    settings = replace(context.settings, secret=bytes(32))
    return create_app(settings, clock=context.clock, database=context.database).test_client()


def test_an_election_does_not_open_otherwise_than_its_data_say(context: Context, run: Run) -> None:
    run.create().freeze().generate().seat().ceremony().ready().drill()
    set_revoting(context, revoting=True)
    run.api.refuse(409, "changed-since-setup", f"{run.base}/open", role="committee")
    assert run.status()["state"] == "keys-ready"
    journal = run.api.client.get(f"/elections/{run.uuid}/{run.uuid}.journal.jsonl").data
    assert b'"kind":"opened"' not in journal
    set_revoting(context, revoting=False)
    run.open()
    assert run.status()["state"] == "open"


def test_an_election_does_not_open_under_another_key(context: Context, run: Run) -> None:
    run.create().freeze().generate().seat().ceremony().ready().drill()
    true = run.api.client
    run.api.client = client_of_another_secret(context)
    run.api.refuse(409, "changed-since-setup", f"{run.base}/open", role="committee")
    run.api.client = true
    run.open()


def test_no_ballot_is_taken_whose_receipt_nobody_could_verify(context: Context, run: Run) -> None:
    run.set_up()
    ballot = run.make_ballot("M1", [[0], [0]])
    client = client_of_another_secret(context)
    client.application.config["PROPAGATE_EXCEPTIONS"] = False
    address = f"{run.base}/ballots"
    assert client.post(address, data=ballot).status_code == 500
    with context.database.read() as session:
        assert ledger.head(session, ledger.get_box_id(session, run.uuid)).height == 0
    # Nothing is lost: with the right secret the very same ballot is taken.
    answer = run.api.post(address, ballot)
    assert answer["tracker"] == sha256_base64(ballot)


def _cast(run: Run, ballot: bytes) -> Any:
    return run.api.send("POST", f"{run.base}/ballots", ballot)


def _challenge(run: Run, ballot: bytes) -> Any:
    return run.api.send("POST", f"{run.base}/challenges", ballot)


@pytest.mark.parametrize("send", [_cast, _challenge])
@pytest.mark.parametrize("revoting", [False, True])
def test_finality_is_what_the_sheet_covers(
    send: Callable[[Run, bytes], Any], revoting: bool, context: Context, run: Run
) -> None:
    """Whoever can write to the database cannot let a few vote again; nor shut out those who were told that they may."""
    run.set_up(revoting=revoting)
    assert run.cast("M1", [[0], [0]]).status_code == 201
    set_revoting(context, revoting=not revoting)
    election = run.election()
    votes = votes_from_choices(election, [[1], [1]])
    second = make_ballot(election, run.credentials["M1"], votes, SystemCoins())
    answer = send(run, second)
    if revoting:
        assert answer.status_code == 201
    else:
        assert (answer.status_code, answer.get_json()["code"]) == (409, "already-voted")
