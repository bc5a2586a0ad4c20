"""The frame of the committee's pages."""

import re

import pytest
from flask import Flask

from tests.voting_app.api import Api, Run
from tests.voting_app.office import Officer, first_administrator


@pytest.fixture
def ada(app: Flask) -> Officer:
    return first_administrator(app)


def test_elections_are_listed_and_each_has_its_page(app: Flask, ada: Officer) -> None:
    assert "There is no election" in ada.get("/office/elections").text
    run = Run(Api(ada.context, app.test_client()))
    run.create()
    listed = ada.get("/office/elections").text
    assert f'href="/office/elections/{run.uuid}"' in listed
    page = ada.get(f"/office/elections/{run.uuid}").text
    tabs = re.search(r'<nav class="tabs".*?</nav>', page, re.DOTALL)
    assert tabs
    assert f'href="/office/elections/{run.uuid}" aria-current="page">Overview' in tabs[0]


def test_an_unknown_election_is_none(ada: Officer) -> None:
    assert ada.get("/office/elections/3QzGZSqmK3sM2S").status_code == 404
