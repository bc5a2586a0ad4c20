"""The booth's pages as they are served, in every state: the same to everybody, and without anybody's markup."""

import pytest
from flask.testing import FlaskClient

from tests.voting_app.api import Api, Run
from tests.voting_app.public.stages import STATES, TEXTS, make_stage
from voting_app.context import Context

PAGES = ("vote", "check")
HOSTILE = "<b onclick=alert(1)>&"


@pytest.fixture
def api(context: Context, client: FlaskClient) -> Api:
    return Api(context, client)


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("state", STATES)
def test_in_every_state(page: str, state: str, api: Api, client: FlaskClient) -> None:
    uuid = make_stage(api, state).uuid
    answer = client.get(f"/elections/{uuid}/{page}?lang=en")
    assert answer.status_code == 200
    assert ("You cannot vote yet." in answer.text) is (state == "roll-frozen")
    # Also where nobody can vote yet: the code of a link must not stay in the address bar.
    assert "pages/support.js" in answer.text
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("page", PAGES)
def test_of_no_election_and_of_a_draft(page: str, api: Api, client: FlaskClient) -> None:
    """A draft's texts may still change."""
    draft = Run(api).create(**TEXTS).uuid
    for uuid in ("none", draft):
        assert client.get(f"/elections/{uuid}/{page}").status_code == 404


def test_no_states_show(api: Api, client: FlaskClient) -> None:
    """Its hash stands in the journal before the opening and must hold until the end."""
    uuid = make_stage(api, "keys-ready").uuid
    for language in ("en", "es", "fr"):
        text = client.get(f"/elections/{uuid}/vote?lang={language}").text
        assert f'<html lang="{language}"' in text
        # Whoever follows a link of the page or asks twice gets the same bytes.
        again = client.get(f"/elections/{uuid}/vote?lang={language}", headers={"Accept-Language": "ja"})
        assert again.text == text
        # Links and sheets name no language: the browser does. The auditor compares that page too.
        for page in ("vote", "check", "trustee"):
            address = f"/elections/{uuid}/{page}"
            plain = client.get(address, headers={"Accept-Language": language})
            assert plain.data == client.get(f"{address}?lang={language}").data


@pytest.mark.parametrize("mode", ["registrar", "server"])
def test_the_page_tells_its_program_who_made_the_codes(mode: str, api: Api, client: FlaskClient) -> None:
    """Here, because the page's hash stands in the journal: a server cannot say it to one voter otherwise."""
    run = Run(api).create(credential_mode=mode).freeze()
    run = run.generate() if mode == "server" else run.publish(dict.fromkeys(("M1", "M2", "M3", "M4")))
    run.seat().ceremony().ready()
    assert f'<div id="view" data-codes="{mode}">' in client.get(f"/elections/{run.uuid}/vote").text


@pytest.mark.parametrize("page", PAGES)
def test_a_test_says_so(page: str, api: Api, client: FlaskClient) -> None:
    for state in ("roll-frozen", "keys-ready"):
        for is_test in (True, False):
            uuid = make_stage(api, state, test=is_test).uuid
            assert ("Test election" in client.get(f"/elections/{uuid}/{page}?lang=en").text) == is_test


def test_names_are_texts(api: Api, client: FlaskClient) -> None:
    uuid = make_stage(api, "keys-ready", name=HOSTILE, description=HOSTILE).uuid
    text = client.get(f"/elections/{uuid}/vote?lang=en").text
    assert HOSTILE not in text
    assert text.count("&lt;b onclick=alert(1)&gt;&amp;") == 2


def test_the_address_is_not_logged_with_a_time(
    api: Api, client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    uuid = make_stage(api, "keys-ready").uuid
    with caplog.at_level("INFO", "steward.requests"):
        caplog.clear()
        client.get(f"/elections/{uuid}/vote")
    [line] = [record.getMessage() for record in caplog.records]
    assert '"at"' not in line
    assert uuid not in line
