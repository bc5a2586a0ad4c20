"""Languages, rules of decision and quorum: taken from the committee, shown, and published in the election data."""

import json
from typing import Any

import pytest
from flask import Flask

from crypto.presentation import Majority, Presentation, RecordTerms
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
    published = json.loads(election.raw)["steward"]
    record = published.pop("record")
    assert run.status()["presentation"] == published
    # What the service adds for every election.
    status = run.status()
    assert record == {"service_key": status["service_key"], "revotes": status["revoting"]}


def test_the_draft_shows_them_too(api: Api) -> None:
    shown = Run(api).create(**FULL).status()["presentation"]
    assert list(shown) == ["version", "language", "texts", "rules", "quorum"]
    assert list(shown["texts"]) == ["es", "fr"]


@pytest.mark.parametrize("revoting", [False, True])
def test_without_them_the_election_data_have_the_records_terms_alone(api: Api, revoting: bool) -> None:
    """The fingerprint covers the key of receipts and seals, and whether votes are final. No language is invented."""
    run = Run(api).set_up(revoting=revoting)
    assert run.status()["presentation"] is None
    terms = RecordTerms(run.status()["service_key"], revoting)
    assert run.election().presentation == Presentation(record=terms)
    journal = run.api.client.get(f"/elections/{run.uuid}/{run.uuid}.journal.jsonl").data
    first, *lines = [json.loads(line) for line in journal.splitlines()]
    assert first["payload"]["service_key"] == terms.service_key
    assert [line["payload"]["revotes"] for line in lines if line["kind"] == "opened"] == [revoting]


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
        ({"test": "yes"}, "test"),
        ({"orders": ["rotated"]}, "orders"),
        ({"orders": "rotated"}, "orders"),
        ({"candidates": [[{"statement": {"de": "Schweißerin"}}, {}], []]}, "candidates"),
        ({"candidates": [[{"statement": {"en": "x" * 3001}}, {}], []]}, "candidates"),
        ({"candidates": [["Ada", {}], []]}, "candidates"),
        ({"candidates": [[{"statement": []}, {}], []]}, "candidates"),
        ({"candidates": "Ada"}, "candidates"),
        # Only what this service has made of an upload is shown.
        ({"candidates": [[{"photo": "00" * 32}, {}], []]}, "candidates"),
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


SHOWN: dict[str, Any] = {
    "test": True,
    "orders": ["rotated", "fixed"],
    "candidates": [[{"statement": {"fr": "Soudeuse", "en": "Welder"}}, {}], [{}, {}]],
}


def test_what_is_shown_beside_the_answers_is_in_the_election_data(api: Api) -> None:
    run = Run(api).set_up(**FULL, **SHOWN)
    presentation = run.election().presentation
    assert presentation is not None
    assert presentation.is_test
    assert [presentation.is_rotated(number) for number in (0, 1)] == [True, False]
    assert presentation.find_candidate(0, 0).statements == (("en", "Welder"), ("fr", "Soudeuse"))
    published = json.loads(run.election().raw)["steward"]
    published.pop("record")
    assert run.status()["presentation"] == published
    assert published["candidates"][1] == []


def test_trustees_are_told_that_it_is_a_test(api: Api) -> None:
    run = Run(api).create(test=True).seat()
    assert run.inbox(run.trustees[0])["election_name"].startswith("TEST: ")


def test_what_says_nothing_is_left_out(api: Api) -> None:
    plain = {"test": False, "orders": ["fixed", "fixed"], "candidates": [[{}, {}], []]}
    assert Run(api).create(**plain).status()["presentation"] == {"version": 1, "language": "en"}
