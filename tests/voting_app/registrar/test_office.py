"""The registrar's pages of voting codes."""

import pytest
from flask import Flask

from tests.voting_app.api import Api, Run
from tests.voting_app.office import Officer, first_administrator
from tests.voting_app.registrar.test_replacing import find_list, open_all, read_journal

MANY = "name,member_number,unit\n" + "".join(f"Member {n:03},N{n:03},Local {n % 2}\n" for n in range(120))


@pytest.fixture
def ada(app: Flask) -> Officer:
    return first_administrator(app)


@pytest.fixture
def run(app: Flask, ada: Officer) -> Run:
    return Run(Api(ada.context, app.test_client())).create()


def test_codes_are_made_once_and_nobody_sees_one(ada: Officer, run: Run) -> None:
    address = f"/office/elections/{run.uuid}/credentials"
    assert "roll must be frozen" in ada.get(address).text
    assert ada.act(address).status_code == 409
    run.freeze()
    page = ada.get(address).text
    assert "Who runs this server could vote for members." in page
    assert "4 members on the roll may vote" in page
    assert ada.post(address, {"code": "000000"}, page=address).status_code == 400
    assert "credentials-published" not in [line["kind"] for line in read_journal(run)]
    assert ada.act(address).status_code == 303
    [line] = [line for line in read_journal(run) if line["kind"] == "credentials-published"]
    assert line["actor"] == f"registrar:{ada.number}"
    page = ada.get(f"{address}?done=made").text
    assert "The codes are made." in page
    assert ada.act(address).status_code == 409
    credentials = open_all(run)
    for path in ("", "/members", "/sheets"):
        shown = ada.get(address + path).text
        assert not [code for code in credentials.values() if code in shown]


def test_the_list_of_members_pages_and_searches(ada: Officer, run: Run) -> None:
    run.freeze(MANY).generate()
    address = f"/office/elections/{run.uuid}/credentials/members"
    first = ada.get(address).text
    assert "120 members were found" in first
    assert first.count("card-title") == 50
    assert "1 to 50 of 120" in first
    assert ada.get(f"{address}?page=3").text.count("card-title") == 20
    assert ada.get(f"{address}?page=99").status_code == 200
    assert ada.get(f"{address}?page=x").status_code == 200
    found = ada.get(f"{address}?q=mEMBER+017").text
    assert (found.count("card-title"), "N017" in found) == (1, True)
    assert ada.get(f"{address}?q=m%C3%A9mber+n017").text.count("card-title") == 1
    # A sign that the database's pattern would take for anything stands for itself.
    assert "0 members were found" in ada.get(f"{address}?q=%25").text
    assert "<b>" not in ada.get(f"{address}?q=%3Cb%3E").text


def test_a_lost_code_is_replaced_on_the_members_page(ada: Officer, run: Run) -> None:
    run.freeze().generate()
    run.receive()
    members = f"/office/elections/{run.uuid}/credentials/members"
    page = ada.get(members).text
    entry = page.partition(f'href="{members}/')[2].partition('"')[0]
    address = f"{members}/{entry}"
    assert "Taken by the registrar" in ada.get(address).text
    before = find_list(run)
    assert ada.post(address, {"code": "000000"}, page=address).status_code == 400
    assert find_list(run) == before
    assert ada.act(address).status_code == 303
    assert list(open_all(run)) == ["M1"]
    shown = ada.get(address).text
    assert "Waits to be handed out" in shown
    assert open_all(run)["M1"] not in shown
    run.seat().ceremony().ready()
    assert "Replace a lost code" not in ada.get(address).text
    assert ada.act(address).status_code == 409
    assert ada.get(f"{members}/99").status_code == 404
    other = Run(run.api).create().freeze()
    assert ada.get(f"/office/elections/{other.uuid}/credentials/members/{entry}").status_code == 404


def test_only_registrars_make_and_replace(ada: Officer, run: Run) -> None:
    run.freeze()
    base = f"/office/elections/{run.uuid}/credentials"
    for role, status in (("committee", 200), ("observer", 200), ("helpdesk", 403)):
        officer = ada.new_officer(f"{role}@example.org", role)
        assert officer.get(base).status_code == status
        assert "Make the codes" not in officer.get(base).text
        for path in ("/members", "/members/1", "/sheets"):
            assert officer.get(base + path).status_code == 403
        assert officer.act(base).status_code == 403
        assert officer.act(f"{base}/members/1").status_code == 403
    registrar = ada.new_officer("grace@example.org", "registrar")
    assert registrar.act(base).status_code == 303
