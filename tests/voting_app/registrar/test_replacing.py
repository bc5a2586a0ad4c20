"""A lost credential is replaced until Setup fixes the list: the new one votes, the old one is nobody's any more."""

import json
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from crypto.credentials import derive_public, parse_credential_list
from crypto.encoding import sha256_hex
from crypto.groups import get_group
from tests.voting_app.api import Api, Run
from voting_app.accounts.service import Actor
from voting_app.context import Context
from voting_app.elections import service as elections
from voting_app.errors import Problem
from voting_app.ledger import service as ledger
from voting_app.registrar import service, vault
from voting_app.registrar.models import ReplaceableCredential
from voting_app.registrar.vault import Way
from voting_app.trustees import keys

GROUP = get_group("Ed25519")
REGISTRAR = Actor("registrar", 8)
WEIGHTED = "name,member_number,weight\nA,M1,5\nB,M2,1\nC,M3,1\n"


@pytest.fixture
def api(context: Context, app: Flask) -> Api:
    return Api(context, app.test_client())


def find_list(run: Run) -> bytes:
    with run.api.context.database.read() as session:
        found = service.find_credentials(session, run.uuid)
    assert found is not None
    return found


def count_publics(run: Run) -> int:
    with run.api.context.database.read() as session:
        return session.scalar(select(func.count()).select_from(ReplaceableCredential)) or 0


def open_all(run: Run) -> dict[str, str]:
    """What waits: member number -> credential."""
    context = run.api.context
    with context.database.read() as session:
        waiting = vault.list_waiting(session, elections.election_for_box(session, run.uuid).id)
        opened = vault.open_many(context, session, [row.roll_entry_id for row in waiting])
    return {row.member_number: opened[row.roll_entry_id] for row in waiting}


def read_journal(run: Run) -> list[dict[str, Any]]:
    return [
        json.loads(line)
        for line in run.api.send("GET", f"/elections/{run.uuid}/{run.uuid}.journal.jsonl").data.split(b"\n")
        if line
    ]


@pytest.mark.parametrize("roll", ["name,member_number\nA,M1\nB,M2\nC,M3\n", WEIGHTED])
def test_a_new_credential_takes_the_place_of_the_lost_one(api: Api, roll: str) -> None:
    run = Run(api).create().freeze(roll).generate()
    lost, before = dict(run.credentials), find_list(run)
    run.receive()
    published = service.replace_credentials(api.context, run.uuid, ["M1"], REGISTRAR)
    after = find_list(run)
    [line] = [line for line in read_journal(run) if line["kind"] == "credentials-replaced"]
    assert line["payload"] == {"credentials": sha256_hex(after), "replaced": 1}
    assert published.credentials == sha256_hex(after) != sha256_hex(before)
    assert published.count == 3
    waiting = open_all(run)
    assert list(waiting) == ["M1"]
    listed = parse_credential_list(GROUP, after)
    assert listed.is_sorted
    place = listed.find(derive_public(GROUP, run.uuid, waiting["M1"]))
    assert place is not None
    assert listed.weight(place) == (5 if roll == WEIGHTED else 1)
    assert listed.find(derive_public(GROUP, run.uuid, lost["M1"])) is None
    for number in ("M2", "M3"):
        assert listed.find(derive_public(GROUP, run.uuid, lost[number])) is not None
    # Replaced once more, while the new one still waits.
    service.replace_credentials(api.context, run.uuid, ["M1", "M2"], REGISTRAR)
    again = open_all(run)
    assert sorted(again) == ["M1", "M2"]
    assert again["M1"] != waiting["M1"]
    assert len(parse_credential_list(GROUP, find_list(run))) == 3
    run.seat().ceremony().ready()
    assert api.send("GET", f"{run.base}/credentials").data == find_list(run)


def test_the_election_goes_on_with_the_new_one_only(api: Api) -> None:
    run = Run(api).create().freeze().generate()
    lost = run.credentials["M1"]
    service.replace_credentials(api.context, run.uuid, ["M1"], REGISTRAR)
    run.seat().ceremony().ready().drill().open()
    refused = run.cast("M1", [[1], [1]])
    assert (refused.status_code, json.loads(refused.data)["code"]) == (403, "unknown-credential")
    run.credentials["M1"] = open_all(run)["M1"]
    assert run.credentials["M1"] != lost
    assert run.cast("M1", [[1], [1]]).status_code == 201


def test_setup_ends_it_and_erases_whose_is_which(api: Api) -> None:
    run = Run(api).create().freeze().generate()
    assert count_publics(run) == 4
    run.seat().ceremony()
    assert count_publics(run) == 4
    run.ready()
    assert count_publics(run) == 0
    before = find_list(run)
    with pytest.raises(Problem) as refused:
        service.replace_credentials(api.context, run.uuid, ["M1"], REGISTRAR)
    assert refused.value.code == "wrong-state"
    assert find_list(run) == before
    # Those that wait are not touched by it.
    assert open_all(run) == run.credentials


def test_what_cannot_be_replaced(api: Api) -> None:
    def refuse(run: Run, *numbers: str) -> str:
        with pytest.raises(Problem) as refused:
            service.replace_credentials(api.context, run.uuid, numbers, REGISTRAR)
        return refused.value.code

    roll = "name,member_number,standing\nA,M1,good\nB,M2,suspended\nC,M3,good\n"
    run = Run(api).create().freeze(roll)
    assert refuse(run, "M1") == "credentials-missing"
    run.generate()
    before = find_list(run)
    assert refuse(run, "M1", "M9") == "unknown-member"
    assert refuse(run, "M2") == "unknown-member"
    assert refuse(run) == "unknown-member"
    assert find_list(run) == before
    registrar = Run(api).create(credential_mode="registrar").freeze()
    assert refuse(registrar, "M1") == "credential-mode"


def test_setup_takes_no_list_that_was_replaced_meanwhile(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(api).create().freeze().generate().seat().ceremony()
    assemble = keys._assemble

    def assemble_late(*values: Any) -> Any:
        service.replace_credentials(api.context, run.uuid, ["M1"], REGISTRAR)
        return assemble(*values)

    with monkeypatch.context() as patch:
        patch.setattr(keys, "_assemble", assemble_late)
        api.refuse(409, "changed-meanwhile", f"{run.base}/keys", role="committee")
    with api.context.database.read() as session:
        assert ledger.find_setup(session, ledger.get_box_id(session, run.uuid)) is None
    run.ready()


def test_erasing_the_private_one_keeps_the_way_to_replace_it(api: Api) -> None:
    run = Run(api).create().freeze().generate()
    with api.context.database.write() as session:
        view = elections.election_for_box(session, run.uuid)
        assert vault.erase_all(session, view.id, Way.PRINTED) == 4
    assert count_publics(run) == 4
    service.replace_credentials(api.context, run.uuid, ["M3"], REGISTRAR)
    assert list(open_all(run)) == ["M3"]
