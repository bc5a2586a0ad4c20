"""Languages, rules of decision and quorum: taken from the committee, shown, and published in the election data."""

import json
from typing import Any

import pytest
from flask import Flask

from crypto.election import parse_election
from crypto.presentation import Majority
from tests.voting_app.api import QUESTIONS, Api, Run
from voting_app.context import Context

SPANISH = {
    "questions": [
        {"answers": ["Ada", "Grace"], "question": "Presidencia"},
        {"answers": ["Sí", "No"], "question": "¿Aumentar las cuotas?"},
    ],
    "description": "",
    "name": "Directiva de la sección 12",
}
FRENCH = {
    "name": "Bureau de la section 12",
    "description": "",
    "questions": [
        {"question": "Présidence", "answers": ["Ada", "Grace"]},
        {"question": "Augmenter les cotisations\u202f?", "answers": ["Oui", "Non"]},
    ],
}
FULL: dict[str, Any] = {
    "language": "en",
    "texts": {"fr": FRENCH, "es": SPANISH},
    "rules": [{"majority": "majority"}, {"majority": "two-thirds"}],
    "quorum": {"percent": 40},
}


@pytest.fixture
def api(context: Context, app: Flask) -> Api:
    return Api(context, app.test_client())


def test_the_committees_words_are_in_the_election_data(api: Api) -> None:
    """Fields and languages in any order become the protocol's."""
    run = Run(api).set_up(**FULL)
    election = run.election()
    presentation = election.presentation
    assert presentation is not None
    assert presentation.languages == ("en", "es", "fr")
    assert presentation.rules == (Majority.MAJORITY, Majority.TWO_THIRDS)
    assert presentation.quorum_percent == 40
    spanish = presentation.find_translation("es")
    assert spanish is not None
    assert spanish.questions[1].answers == ("Sí", "No")
    assert election.unknown_fields == ()
    # What the committee was shown as a draft is what was published.
    assert run.status()["presentation"] == json.loads(election.raw)["steward"]


def test_the_draft_shows_them_too(api: Api) -> None:
    shown = Run(api).create(**FULL).status()["presentation"]
    assert list(shown) == ["version", "language", "texts", "rules", "quorum"]
    assert list(shown["texts"]) == ["es", "fr"]


def test_without_them_the_election_data_have_no_such_field(api: Api) -> None:
    run = Run(api).set_up()
    assert run.status()["presentation"] is None
    assert run.election().presentation is None
    assert b"steward" not in parse_election(run.election().raw).raw


def test_english_unless_said(api: Api) -> None:
    shown = Run(api).create(quorum={"percent": 1}).status()["presentation"]
    assert shown == {"version": 1, "language": "en", "quorum": {"percent": 1}}


@pytest.mark.parametrize(
    "change, field",
    [
        ({"language": "english"}, "language"),
        ({"language": None}, "language"),
        ({"texts": {}}, "texts"),
        ({"texts": [FRENCH]}, "texts"),
        ({"texts": {"en": FRENCH}}, "texts"),
        ({"texts": {"fr": {**FRENCH, "name": ""}}}, "texts"),
        ({"texts": {"fr": {**FRENCH, "name": "x" * 501}}}, "texts"),
        ({"texts": {"fr": {**FRENCH, "name": "\u202eetteG"}}}, "texts"),
        ({"texts": {"fr": {**FRENCH, "title": "x"}}}, "texts"),
        ({"texts": {"fr": {**FRENCH, "description": "x"}}}, "texts"),
        ({"texts": {"fr": {**FRENCH, "questions": FRENCH["questions"][:1]}}}, "texts"),
        ({"texts": {"fr": {**FRENCH, "questions": "?"}}}, "texts"),
        ({"texts": {"fr": "Bureau"}}, "texts"),
        ({"texts": {f"a{a}{b}": FRENCH for a in "abcdef" for b in "abcdef"}}, "texts"),
        ({"rules": [{"majority": "majority"}]}, "rules"),
        ({"rules": [{"majority": "all"}, {"majority": "majority"}]}, "rules"),
        ({"rules": "plurality"}, "rules"),
        ({"quorum": {"percent": 0}}, "quorum"),
        ({"quorum": 50}, "quorum"),
    ],
)
def test_what_cannot_be_shown_is_refused_by_its_field(api: Api, change: dict[str, Any], field: str) -> None:
    body = {
        "name": "Officers",
        "questions": QUESTIONS,
        "closes_at": "2026-11-23T12:00:00Z",
        "trustees": {"singles": 1},
        **FULL,
        **change,
    }
    problem = api.refuse(422, "invalid-field", "/api/v1/elections", body, role="committee")
    assert problem["field"] == field
