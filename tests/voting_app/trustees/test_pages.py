"""The trustees' page as it is served: it tells nothing to anybody, so that it may be the same for everybody."""

import pytest
from flask.testing import FlaskClient

from tests.voting_app.api import Api, Run
from tests.voting_app.public.stages import STATES, TEXTS, make_stage
from voting_app.context import Context
from voting_app.languages import LANGUAGES


@pytest.fixture
def api(context: Context, client: FlaskClient) -> Api:
    return Api(context, client)


def test_the_page_is_the_same_in_every_state_and_before(api: Api, client: FlaskClient) -> None:
    """Its hash stands in the journal. The ceremony begins in a draft, whose texts nobody else may see yet."""
    draft = Run(api).create(**TEXTS)
    uuids = [draft.uuid, *(make_stage(api, state).uuid for state in STATES)]
    for language in LANGUAGES:
        pages = {client.get(f"/elections/{uuid}/trustee?lang={language}").text for uuid in uuids}
        [page] = pages
        assert '<div id="view">' in page
        assert TEXTS["name"] not in page


def test_no_election_is_no_secret(client: FlaskClient) -> None:
    """Who asks for an address learns from the page only what it asked for; its text cannot become markup."""
    answer = client.get("/elections/1111111111111111/trustee")
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    hostile = client.get('/elections/"><b onclick=alert(1)>/trustee')
    assert "<b onclick" not in hostile.text
