"""The committee's pages of an election that goes on, and of its result."""

import json
import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from tests.voting_app.api import Api, Run
from tests.voting_app.office import Officer, first_administrator
from tests.voting_app.public.stages import make_stage
from voting_app.context import get_context
from voting_app.elections.models import Election
from voting_app.roll.models import RollEntry


@pytest.fixture
def ada(app: Flask) -> Officer:
    return first_administrator(app)


@pytest.fixture
def api(ada: Officer, client: FlaskClient) -> Api:
    return Api(get_context(ada.app), client)


def overview(ada: Officer, run: Run) -> str:
    return " ".join(ada.get(f"/office/elections/{run.uuid}").text.split())


def result(ada: Officer, run: Run) -> str:
    return " ".join(ada.get(f"/office/elections/{run.uuid}/result").text.split())


def test_the_overview_tells_turnout_against_quorum_and_who_is_awaited(ada: Officer, api: Api) -> None:
    run = make_stage(api, "open")
    page = overview(ada, run)
    assert "3 members have a ballot in the ballot box (75%)" in page
    assert "The quorum of 2 ballots is reached." in page
    assert "Nobody is awaited." in page
    assert "Nothing so far." in page
    run.committee("pause", {"reason": "The hall's network is down."})
    run.close()
    # Whoever asks next has the ballots added up; otherwise the timer does.
    assert run.status()["state"] == "closed"
    page = overview(ada, run)
    assert "Trustee 1: Has to open the result with the key" in page
    assert "The hall&#39;s network is down." in page


def test_the_overview_of_a_draft(ada: Officer, api: Api) -> None:
    run = Run(api).create()
    page = overview(ada, run)
    assert "The election is being prepared." in page
    assert "Turnout" not in page
    assert f'href="/office/elections/{run.uuid}/checklist"' in page


def test_what_waits_for_another_officer_is_on_the_overview_and_leads_there(ada: Officer, api: Api) -> None:
    run = make_stage(api, "tallied")
    assert f'href="/office/elections/{run.uuid}/acts/certify"' in result(ada, run)
    assert "Waiting for another officer" not in overview(ada, run)
    with api.context.database.write() as session:
        session.execute(update(Election).values(officers_needed=2, certifiers=2, waiver=""))
    answer = api.send(
        "POST", f"{run.base}/certify", {"statement": "We certify this result."}, role="committee"
    )
    assert answer.status_code == 202
    page = overview(ada, run)
    assert "Waiting for another officer" in page
    assert f'href="/office/elections/{run.uuid}/acts/certify"' in page


def test_while_people_vote_there_is_no_result_for_anybody(ada: Officer, api: Api) -> None:
    run = make_stage(api, "open")
    page = result(ada, run)
    assert "There is nothing to count yet." in page
    assert "Ada Byron" not in page


def test_the_page_explains_a_missing_trustee(ada: Officer, api: Api) -> None:
    run = make_stage(api, "closed")
    page = result(ada, run)
    assert "1 more trustee must open the result." in page
    # Two trustees hold keys, one of which is enough.
    assert "One trustee may be missing" in page
    assert "Ballots in the ballot box</dt><dd>3" in page


def test_the_result_its_numbers_and_then_the_report(ada: Officer, api: Api) -> None:
    run = make_stage(api, "tallied")
    page = result(ada, run)
    assert "Chosen: \u2068Ada Byron\u2069." in page
    assert "All numbers agree with each other." in page
    assert "Download the package" not in page
    run.committee("certify", {"statement": "We certify this result."})
    page = result(ada, run)
    assert f'href="/elections/{run.uuid}/{run.uuid}.zip"' in page
    report = api.client.get(f"/elections/{run.uuid}/report.json")
    assert json.loads(report.data)["ballots"]["counted"] == 3


def test_the_certified_result_says_who_and_when_and_in_which_words(ada: Officer, api: Api) -> None:
    """Names are for officers; everybody else reads what the journal has."""
    run = make_stage(api, "tallied")
    assert "Statement of the committee" not in result(ada, run)
    with api.context.database.write() as session:
        session.execute(update(Election).values(officers_needed=2, certifiers=2, waiver=""))
    address = f"/office/elections/{run.uuid}/acts/certify"
    ada.act(address, {"statement": "We certify <this> result."})
    grace = ada.new_officer("grace@example.org")
    grace.log_in()
    [subject] = re.findall(r'name="subject" value="(\w{64})"', grace.get(address).text)[:1]
    assert grace.act(f"{address}/agreement", {"subject": subject}).status_code == 303
    page = result(ada, run)
    assert "We certify &lt;this&gt; result." in page
    assert f"committee:{ada.number}" in page
    assert page.index(f"committee:{ada.number}") < page.index(f"committee:{grace.number}")
    facts = page[page.index("<dt>Certified</dt>") : page.index("Report and package")]
    assert "Ada Lovelace" in facts
    watcher = ada.new_officer("olga@example.org", "observer")
    watcher.log_in()
    page = result(watcher, run)
    assert f"committee:{ada.number}" in page
    assert "Ada Lovelace" not in page


def test_numbers_that_do_not_agree_are_named(ada: Officer, api: Api) -> None:
    run = make_stage(api, "tallied")
    with api.context.database.write() as session:
        session.execute(update(RollEntry).where(RollEntry.member_number == "M1").values(name="Somebody else"))
    page = result(ada, run)
    assert "nothing can be certified" in page
    assert "The roll that is kept here is not the one whose hash was published" in page
    assert "All numbers agree" not in page
    address = f"/office/elections/{run.uuid}/acts/certify"
    page = ada.get(address).text
    assert "The numbers of this election do not agree, so its result cannot be certified." in page
    assert f'href="/office/elections/{run.uuid}/result"' in page
    assert 'name="statement"' not in page
    assert ada.act(address, {"statement": "We certify this result."}).status_code == 409
    assert run.status()["state"] == "tallied"
