"""Refusals as pages: for persons only, with the code and sentence of the problem document, in their language."""

import json
import logging
from contextlib import closing

import pytest
from flask import Flask
from flask.testing import FlaskClient

from voting_app import error_pages
from voting_app.access import access
from voting_app.context import get_context
from voting_app.error_pages import WORDS
from voting_app.errors import _HTTP_CODES, _INTERNAL, Problem, get_overloaded

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
# Takes a code out of the address bar.
FORGETTING = '<script src="/static/pages/forget.js"></script>'
HTML, JSON = "text/html; charset=utf-8", "application/problem+json"


@pytest.mark.parametrize(
    "accept,content_type",
    [
        (BROWSER, HTML),
        ("text/html", HTML),
        ("text/html;q=0.9, application/json;q=0.5", HTML),
        (None, JSON),
        ("*/*", JSON),
        ("application/json", JSON),
        ("application/problem+json", JSON),
        ("application/json, text/html", JSON),
        ("text/html;q=0.1, application/json", JSON),
        ("text/html;q=0", JSON),
        ("text/plain", JSON),
        (",;q=,", JSON),
    ],
)
def test_who_gets_a_page(client: FlaskClient, accept: str | None, content_type: str) -> None:
    answer = client.get("/nowhere", headers={} if accept is None else {"Accept": accept})
    assert (answer.status_code, answer.content_type) == (404, content_type)
    assert "Accept" in answer.headers["Vary"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_below_api_nobody_gets_a_page(client: FlaskClient) -> None:
    for path in ("/api/", "/api/v1/nothing", "/api/v1/elections/aaaaaaaaaaaaaa/status"):
        assert client.get(path, headers={"Accept": BROWSER}).content_type == JSON


@pytest.mark.parametrize(
    "language,sentence,advice",
    [
        ("en", "There is nothing at this address.", "Check the address"),
        ("es", "No hay nada en esta dirección.", "Revise la dirección"),
        ("fr", "Il n’y a rien à cette adresse.", "Vérifiez l’adresse"),
    ],
)
def test_a_page_speaks_the_readers_language(
    client: FlaskClient, language: str, sentence: str, advice: str
) -> None:
    answer = client.get("/nowhere", headers={"Accept": BROWSER, "Accept-Language": language})
    assert f"<h1>{sentence}</h1>" in answer.text
    assert advice in answer.text
    assert ">not-found<" in answer.text
    assert f'<html lang="{language}"' in answer.text


def test_sentences_are_those_of_the_problem_documents() -> None:
    problems = dict([*_HTTP_CODES.values(), _INTERNAL])
    problems["overloaded"] = get_overloaded().title
    for code, title in problems.items():
        assert WORDS[code].sentence == title


def test_an_unknown_code_keeps_its_sentence(app: Flask) -> None:
    @app.get("/strange")
    @access("public")
    def strange() -> str:
        raise Problem(418, "teapot", "I am a <b>teapot</b>.", headers={"X-Pot": "short"})

    answer = app.test_client().get("/strange?lang=es", headers={"Accept": BROWSER})
    assert (answer.status_code, answer.headers["X-Pot"]) == (418, "short")
    assert "<h1>I am a &lt;b&gt;teapot&lt;/b&gt;.</h1>" in answer.text


def test_methods_and_head(client: FlaskClient) -> None:
    answer = client.post("/", headers={"Accept": BROWSER})
    assert (answer.status_code, answer.content_type) == (405, HTML)
    assert "GET" in answer.headers["Allow"]
    head = client.head("/nowhere", headers={"Accept": BROWSER})
    assert (head.status_code, head.content_type, head.data) == (404, HTML, b"")


@pytest.mark.parametrize(
    "path",
    [
        "/<script>alert(1)</script>",
        "/%22%3E%3Cscript%3Ealert(1)%3C/script%3E",
        "/?lang=%22%3E%3Cscript%3E",
        "/elections/<script>alert(1)</script>",
        "/elections/x%22onmouseover=%22alert(1)",
        "/elections/\u202eevil",
        "/setup/<script>alert(1)</script>",
    ],
)
def test_nothing_of_the_request_is_repeated(client: FlaskClient, path: str) -> None:
    answer = client.get(path, headers={"Accept": BROWSER, "Host": "localhost"})
    assert "alert(1)" not in answer.text
    assert "<script" not in answer.text.replace(FORGETTING, "")
    assert "\u202e" not in answer.text


def test_only_a_page_that_is_to_be_loaded_again_leaves_the_code_where_it_is(app: Flask) -> None:
    @app.get("/busy")
    @access("public")
    def busy() -> str:
        raise get_overloaded()

    client = app.test_client()
    assert client.get("/nowhere", headers={"Accept": BROWSER}).text.count(FORGETTING) == 1
    answer = client.get("/busy", headers={"Accept": BROWSER})
    assert (answer.status_code, answer.content_type) == (503, HTML)
    assert "<script" not in answer.text
    with closing(client.get("/static/pages/forget.js")) as program:
        assert program.status_code == 200


@pytest.mark.parametrize(
    "path", ["//evil.example", "//evil.example/elections", "/%2F%2Fevil.example", "/\\evil.example"]
)
def test_no_address_leads_elsewhere(client: FlaskClient, path: str) -> None:
    for host in ("localhost", "evil.example"):
        # As it comes over the wire; the client itself would take "//" for a host.
        answer = client.get(
            "/", headers={"Accept": BROWSER, "Host": host}, environ_overrides={"PATH_INFO": path}
        )
        assert answer.status_code == 404
        assert "Location" not in answer.headers
        assert "evil" not in answer.text


def test_a_page_that_breaks_is_still_a_refusal(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> str:
        raise ValueError("the secret of the template")

    monkeypatch.setattr(error_pages, "render_template", broken)
    caplog.set_level(logging.DEBUG)
    answer = app.test_client().get("/nowhere", headers={"Accept": BROWSER})
    assert (answer.status_code, answer.content_type) == (404, JSON)
    assert json.loads(answer.data)["code"] == "not-found"
    assert "ValueError" in caplog.text
    assert "secret" not in caplog.text


def test_an_error_of_ours_says_nothing_of_its_cause(app: Flask) -> None:
    @app.get("/broken")
    @access("public")
    def broken() -> str:
        raise ValueError("the secret tracker")

    app.config["PROPAGATE_EXCEPTIONS"] = False
    answer = app.test_client().get("/broken", headers={"Accept": BROWSER})
    assert (answer.status_code, answer.content_type) == (500, HTML)
    assert "secret" not in answer.text
    assert "ValueError" not in answer.text


def test_the_organisation_stands_on_every_page_as_text(app: Flask) -> None:
    organisation = get_context(app).settings.organisation
    assert organisation in app.test_client().get("/nowhere", headers={"Accept": BROWSER}).text
