"""The committee's pages of the candidates, and what everybody sees of them."""

import re
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from crypto.encoding import sha256_hex
from tests.voting_app.api import QUESTIONS, Api, Run
from tests.voting_app.candidates.pictures import make_camera_picture, make_picture, make_png_bomb
from tests.voting_app.office import HTML, Officer, find_form_token, first_administrator
from voting_app.candidates.models import CandidatePhoto
from voting_app.candidates.photos import LONGEST_UPLOAD

SPANISH = {
    "name": "Junta",
    "description": "",
    "questions": [
        {"question": "Presidencia", "answers": ["Ada", "Grace"]},
        {"question": "¿Cuotas?", "answers": ["Sí", "No"]},
    ],
}
STATEMENT = (
    "# Why me\n**Treasurer** since 2019.\n\n- bread\n- roses <b>red</b> [here](https://example.org/a?b=1)"
)


@pytest.fixture
def ada(app: Flask) -> Officer:
    return first_administrator(app)


@pytest.fixture
def run(app: Flask, ada: Officer) -> Run:
    return Run(Api(ada.context, app.test_client())).create(language="en", texts={"es": SPANISH})


def address(run: Run, place: str = "0/0") -> str:
    return f"/office/elections/{run.uuid}/candidates/{place}"


def send(who: Officer, page: str, *, photo: bytes = b"", revision: str = "", **fields: Any) -> TestResponse:
    """The form of one candidate, as a browser sends it."""
    shown = who.get(page).text
    found = re.search(r'name="revision" value="(\w+)"', shown)
    data = {
        "csrf_token": find_form_token(shown),
        "revision": revision or (found[1] if found else ""),
        "statement-en": "",
        "statement-es": "",
        "photo": (BytesIO(photo), "me.php" if photo else ""),
        **fields,
    }
    return who.client.post(page, data=data, headers={"Accept": HTML}, content_type="multipart/form-data")


def list_photos(who: Officer) -> list[tuple[str, bytes]]:
    with who.context.database.read() as session:
        return [(row.digest, row.content) for row in session.query(CandidatePhoto)]


def test_a_statement_and_a_photo_stand_in_the_election_data(ada: Officer, run: Run) -> None:
    fields = {"statement-en": STATEMENT.replace("\n", "\r\n"), "statement-es": "Tesorera"}
    assert send(ada, address(run), photo=make_camera_picture(), **fields).status_code == 303
    [(digest, photo)] = list_photos(ada)
    assert digest == sha256_hex(photo)
    assert b"SECRET" not in photo
    # The committee sees a draft's photo, everybody else does not.
    page = ada.get(f"/office/elections/{run.uuid}/candidates").text
    assert f"/office/elections/{run.uuid}/photos/{digest}" in page
    shown = ada.get(f"/office/elections/{run.uuid}/photos/{digest}")
    assert (shown.data, shown.mimetype) == (photo, "image/jpeg")
    public = f"/elections/{run.uuid}/photos/{digest}"
    assert run.api.client.get(public).status_code == 404
    assert "<strong>Treasurer</strong>" in ada.get(address(run)).text
    run.freeze().generate().seat().ceremony().ready()
    presentation = run.election().presentation
    assert presentation is not None
    candidate = presentation.find_candidate(0, 0)
    assert candidate.statements == (("en", STATEMENT), ("es", "Tesorera"))
    assert presentation.photos == (digest,)
    answer = run.api.client.get(public)
    assert (answer.data, answer.mimetype) == (photo, "image/jpeg")
    assert "immutable" in answer.headers["Cache-Control"]
    assert "Set-Cookie" not in answer.headers
    for wrong in (digest[:-1], digest.upper(), "0" * 64, "x"):
        assert run.api.client.get(f"/elections/{run.uuid}/photos/{wrong}").status_code == 404
    page = run.api.client.get(f"/elections/{run.uuid}", headers={"Accept": HTML}).text
    assert f'src="{public}"' in page
    assert '<h2 dir="auto">Why me</h2>' in page
    assert "roses &lt;b&gt;red&lt;/b&gt;" in page
    assert (
        '<a href="https://example.org/a?b=1" target="_blank" rel="noopener noreferrer nofollow">here</a>'
        in page
    )
    assert "Tesorera" in run.api.client.get(f"/elections/{run.uuid}?lang=es", headers={"Accept": HTML}).text
    # From now on the fingerprint covers it.
    refused = send(ada, address(run), **{"statement-en": "Other"})
    assert refused.status_code == 409
    assert run.election().presentation == presentation


def test_a_photo_is_replaced_and_removed(ada: Officer, run: Run) -> None:
    for colour in ((1, 2, 3), (250, 20, 3)):
        send(ada, address(run), photo=make_picture(colour=colour))
    [(second, _)] = list_photos(ada)
    # The same picture of two candidates is one file, and stays while one of them has it.
    send(ada, address(run, "1/1"), photo=make_picture(colour=(250, 20, 3)))
    send(ada, address(run), remove="yes")
    assert [digest for digest, _ in list_photos(ada)] == [second]
    # Saving a statement leaves the photo alone.
    send(ada, address(run, "1/1"), **{"statement-en": "No more"})
    assert [digest for digest, _ in list_photos(ada)] == [second]
    send(ada, address(run, "1/1"), remove="yes")
    assert list_photos(ada) == []
    assert run.status()["presentation"].keys() == {"version", "language", "texts"}


def test_what_is_refused_leaves_everything_as_it_was(ada: Officer, run: Run) -> None:
    page = address(run)
    for photo, status, words in (
        (b"#!/bin/sh", 422, "not a picture"),
        (make_png_bomb(60_000, 60_000), 422, "too large"),
    ):
        answer = send(ada, page, photo=photo, **{"statement-en": "Kept while it is mended"})
        assert answer.status_code == status
        assert words in answer.text
        assert "Kept while it is mended" in answer.text
    # Refused by its length, before it is read.
    huge = {"data": bytes(LONGEST_UPLOAD + 300_000), "content_type": "multipart/form-data; boundary=b"}
    assert ada.client.post(page, **huge).status_code == 413  # type: ignore[arg-type]
    for statement in ("x" * 3001, "turned \u202e round", "\u200b"):
        answer = send(ada, page, **{"statement-en": statement})
        assert answer.status_code == 422
    assert send(ada, page, revision="0" * 64, **{"statement-en": "Late"}).status_code == 409
    assert send(ada, page, **{"statement-de": "Ja"}).status_code == 400
    assert send(ada, page, presentation="{}").status_code == 400
    assert send(ada, page, other=(BytesIO(make_picture()), "x.jpg")).status_code == 400
    assert send(ada, page, csrf_token="wrong").status_code == 400
    for place in ("0/2", "2/0", "99999999999999999999/0"):
        assert ada.get(address(run, place)).status_code == 404
    assert list_photos(ada) == []
    assert "candidates" not in run.status()["presentation"]


def test_who_may_do_what(ada: Officer, run: Run) -> None:
    send(ada, address(run), photo=make_picture())
    [(digest, _)] = list_photos(ada)
    observer = ada.new_officer("eve@example.org", "observer")
    observer.log_in()
    assert observer.get(f"/office/elections/{run.uuid}/photos/{digest}").status_code == 200
    shown = observer.get(f"/office/elections/{run.uuid}/candidates")
    assert shown.status_code == 200
    assert address(run) not in shown.text
    assert observer.get(address(run)).status_code == 403
    nobody = Officer(ada.app)
    assert nobody.get(f"/office/elections/{run.uuid}/photos/{digest}").status_code in (303, 401)


def test_photos_stay_when_the_election_is_edited(ada: Officer, run: Run) -> None:
    send(ada, address(run), photo=make_picture(), **{"statement-en": "Welder"})
    [(digest, _)] = list_photos(ada)
    body = {
        "name": "Officers",
        "questions": [{**QUESTIONS[0], "answers": ["Grace", "Ada"]}, QUESTIONS[1]],
        "closes_at": "2026-11-23T12:00:00Z",
        "trustees": {"singles": 1},
        "language": "en",
    }
    path = f"/api/v1/elections/{run.uuid}"
    run.api.post(path, body, method="PUT", role="committee")
    assert run.status()["presentation"]["candidates"] == [
        [{}, {"statement": {"en": "Welder"}, "photo": digest}],
        [],
    ]
    # Another person in the same place has no photo.
    body["questions"] = [{**QUESTIONS[0], "answers": ["Grace", "Joan"]}, QUESTIONS[1]]
    run.api.post(path, body, method="PUT", role="committee")
    assert "candidates" not in run.status()["presentation"]
    assert ada.get(f"/office/elections/{run.uuid}/photos/{digest}").status_code == 404
    assert list_photos(ada) == [], "who does not stand any more is forgotten"


def test_what_was_typed_for_one_candidate_is_not_saved_for_the_next_one_in_the_place(
    ada: Officer, run: Run
) -> None:
    """Two officers at once: one writes a statement, the other turns the names round. The first one presses twice."""
    page = address(run)
    shown = ada.get(page).text
    [before] = re.findall(r'name="revision" value="(\w+)"', shown)
    body = {
        "name": "Officers",
        "questions": [{**QUESTIONS[0], "answers": ["Grace", "Ada"]}, QUESTIONS[1]],
        "closes_at": "2026-11-23T12:00:00Z",
        "trustees": {"singles": 1},
        "language": "en",
    }
    run.api.post(f"/api/v1/elections/{run.uuid}", body, method="PUT", role="committee")
    for _ in range(2):
        answer = send(ada, page, revision=before, **{"statement-en": "I am Ada"})
        assert answer.status_code == 409
        assert "I am Ada" in answer.text, "to be copied"
        [before] = re.findall(r'name="revision" value="(\w+)"', answer.text)
    assert "candidates" not in run.status()["presentation"]


def test_where_nobody_said_a_language_it_is_english(app: Flask, ada: Officer) -> None:
    run = Run(Api(ada.context, app.test_client())).create()
    page = address(run)
    shown = ada.get(page).text
    assert 'name="statement-en"' in shown
    data = {
        "csrf_token": find_form_token(shown),
        "revision": re.search(r'name="revision" value="(\w+)"', shown)[1],  # type: ignore[index]
        "statement-en": "Welder",
    }
    assert ada.client.post(page, data=data, headers={"Accept": HTML}).status_code == 303
    assert run.status()["presentation"]["language"] == "en"
