"""Whole elections over HTTP, from roll to certification."""

import json

import pytest
from flask import Flask

from crypto.archive import RecordParser
from crypto.journal import JournalReader
from tests.voting_app.api import Api, Run
from voting_app.app import create_app
from voting_app.context import Context


@pytest.fixture
def api(each_context: Context) -> Api:
    app: Flask = create_app(each_context.settings, clock=each_context.clock, database=each_context.database)
    return Api(each_context, app.test_client())


def read_journal(run: Run) -> list[str]:
    """The kinds of all lines, after every rule of the journal was checked."""
    raw = run.api.client.get(f"/elections/{run.uuid}/{run.uuid}.journal.jsonl").data
    reader = JournalReader()
    return [reader.feed(line).kind for line in raw.splitlines()]


@pytest.mark.parametrize(
    "trustees",
    [
        {"singles": 1},
        {"singles": 0, "threshold": {"size": 3, "threshold": 2}},
        {"singles": 1, "threshold": {"size": 3, "threshold": 2}},
    ],
    ids=["single", "2-of-3", "mixed"],
)
def test_election_from_roll_to_certification(api: Api, trustees: dict[str, object]) -> None:
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
    kinds = read_journal(run)
    assert kinds[-2:] == ["certified", "seal"]
    assert kinds.count("strong-decryption") == len(needed)
    archive = api.client.get(f"/elections/{run.uuid}/{run.uuid}.bel").data
    parser = RecordParser()
    records = list(parser.feed(archive))
    parser.close()
    assert json.loads(records[-1].body)["type"] == "Result"
