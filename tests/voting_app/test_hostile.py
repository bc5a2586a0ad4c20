"""Requests that nobody honest sends: each is answered calmly, tells nothing and leaves no trace of its content."""

import io
import json
import logging
import re
import stat
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import StatementError

from tests.voting_app.api import Api, Run
from voting_app.access import Role, find_mark
from voting_app.accounts import links
from voting_app.accounts import service as accounts
from voting_app.app import create_app
from voting_app.context import Context
from voting_app.db import Database, upgrade
from voting_app.errors import Problem


@pytest.fixture
def hostile_app(each_context: Context) -> Flask:
    """The application as it runs in real use, on each kind of database."""
    return create_app(each_context.settings, clock=each_context.clock, database=each_context.database)


@pytest.fixture
def hostile(hostile_app: Flask) -> FlaskClient:
    return hostile_app.test_client()


@pytest.fixture
def api(each_context: Context) -> Api:
    app = create_app(each_context.settings, clock=each_context.clock, database=each_context.database)
    return Api(each_context, app.test_client())


def new_link(context: Context) -> str:
    with context.database.write() as session:
        return links.create_setup_link(session, context.clock.now())


# --- roles ---------------------------------------------------------------------------------------------------


def test_every_guarded_address_is_closed_to_every_other_role(
    each_context: Context, hostile_app: Flask
) -> None:
    """The whole matrix: method and address by role, without token, with an ended one, with somebody's digest."""
    client = hostile_app.test_client()
    tokens = {}
    with each_context.database.write() as session:
        for role in Role:
            tokens[str(role)] = accounts.create_token(
                session, role=role, label="", now=each_context.clock.now()
            )
        ended = accounts.create_token(session, role="committee", label="", now=each_context.clock.now())
        accounts.end_account(session, ended.actor.account_number, each_context.clock.now())
        digest = session.execute(text("SELECT digest FROM access_token")).scalars().first()
    tried = 0
    for rule in hostile_app.url_map.iter_rules():
        mark = find_mark(hostile_app, rule.endpoint)
        assert mark is not None
        if mark.audience != "token":
            continue
        path = rule.rule.replace("<uuid>", "x" * 14).replace("<int:owner>", "1").replace("<int:number>", "1")
        # OPTIONS says which methods there are, and nothing else.
        for method in sorted((rule.methods or set()) - {"OPTIONS"}):
            for text_ in (None, ended.text, digest, "", tokens["committee"].text + " "):
                if text_ is not None and text_.endswith(" ") and "committee" in mark.roles:
                    continue
                headers = {} if text_ is None else {"Authorization": f"Bearer {text_}"}
                expected = 403 if text_ and text_.endswith(" ") else 401
                assert client.open(path, method=method, headers=headers).status_code == expected
            for role, token in tokens.items():
                answer = client.open(path, method=method, headers={"Authorization": f"Bearer {token.text}"})
                assert (answer.status_code == 403) == (role not in mark.roles), f"{role} {method} {path}"
                tried += 1
    assert tried > 100


def test_a_trustee_has_no_say_in_another_election(api: Api) -> None:
    one, other = Run(api).create().freeze().generate().seat(), Run(api).create().freeze().generate().seat()
    stranger = other.trustees[0]
    for method, name, body in (
        ("GET", "trustee", None),
        ("POST", "trustee/commitment", {"commitment": "a" * 64}),
        ("POST", "trustee/certificate", {}),
        ("POST", "trustee/reveal", {}),
        ("POST", "trustee/share", {}),
        ("POST", "trustee/drill", {}),
        ("POST", "trustee/decryption", {"partial_decryption": {}, "strong_proofs": {}}),
    ):
        api.refuse(403, "not-your-election", f"{one.base}/{name}", body, method=method, token=stranger.token)
    # A seat that was given to somebody else: the old token is nobody's.
    one.committee("trustees/1/restart", {"reason": "x"})
    api.refuse(401, "not-authenticated", f"{one.base}/trustee", method="GET", token=one.trustees[0].token)


def test_a_method_is_what_it_is(hostile: FlaskClient) -> None:
    headers = {"X-HTTP-Method-Override": "POST", "X-Method-Override": "POST"}
    assert hostile.get("/api/v1/elections/x/ballots?_method=POST", headers=headers).status_code == 405
    for method in ("TRACE", "CONNECT", "PROPFIND", "BREW"):
        assert hostile.open("/api/v1/elections/x/ballots", method=method).status_code == 405


# --- addresses -----------------------------------------------------------------------------------------------

ODD_PATHS = [
    "/elections/%00",
    "/elections/%00/%00.bel",
    "/elections/%00/%00.journal.jsonl",
    "/api/v1/elections/%00/status",
    "/api/v1/elections/%00/election",
    "/api/elections/%00/archive",
    "/api/elections/%00/objects/%00",
    "/elections/%ed%a0%80",
    "/elections/..%2f..%2fsecret.key",
    "/static/..%2f..%2fwsgi.py",
    "/static/%00",
    "/setup/%00",
    "/setup/unknown",
    "/setup/unknown/qr.svg",
    "/api/elections/x%0d%0aSet-Cookie:%20a=b/last-event",
    f"/api/v1/elections/{'x' * 5000}/status",
]


@pytest.mark.parametrize("path", ODD_PATHS)
def test_an_odd_address_is_not_found(hostile: FlaskClient, path: str) -> None:
    answer = hostile.get(path)
    assert (answer.status_code, answer.mimetype) == (404, "application/problem+json"), answer.text
    assert "Set-Cookie" not in answer.headers


def test_a_number_that_no_database_has_is_not_found(hostile_app: Flask, api: Api) -> None:
    """Of every address with a number in it; an officer who types one is told so, and no error is logged."""
    adapter = hostile_app.url_map.bind("localhost")
    rules = [rule for rule in hostile_app.url_map.iter_rules() if "<int:" in rule.rule]
    assert len(rules) > 20
    for rule in rules:
        for number in ("2147483648", "9223372036854775808", "1" + "0" * 30):
            path = re.sub("<[^>]+>", number, rule.rule)
            assert not any(adapter.test(path, method) for method in rule.methods or ()), path
        assert adapter.test(re.sub("<[^>]+>", "2147483647", rule.rule), min(rule.methods or ()))


def test_an_odd_address_to_cast_at_is_not_found(hostile: FlaskClient) -> None:
    for uuid in ("%00", "x%0a", "..%2f"):
        assert hostile.post(f"/api/v1/elections/{uuid}/ballots", data=b"{}").status_code == 404
    long = "9" * 5000
    assert hostile.post(f"/api/v1/elections/x/trustees/{long}/restart").status_code in (401, 404)


@pytest.mark.parametrize("path", ["/api/v1//openapi.json", "//api/v1/openapi.json", "/elections//x"])
def test_no_answer_sends_anybody_to_a_host_that_the_request_named(hostile: FlaskClient, path: str) -> None:
    answer = hostile.get(path, headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
    assert "evil.example" not in f"{answer.headers}{answer.text}"
    assert answer.status_code == 404


def test_pages_name_no_host(api: Api) -> None:
    run = Run(api).set_up()
    for path in (f"/elections/{run.uuid}", f"/setup/{new_link(api.context)}"):
        answer = api.client.get(path, headers={"Host": "evil.example", "X-Forwarded-Host": "evil.example"})
        assert answer.status_code == 200
        assert "evil.example" not in answer.text
        assert "Content-Security-Policy" in answer.headers


# --- bodies --------------------------------------------------------------------------------------------------


class Endless(io.RawIOBase):
    """A body without end; `taken` says how much of it was read."""

    taken = 0

    def tell(self) -> int:
        return 0

    def seek(self, *_: int) -> int:
        return 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = len(buffer)
        buffer[:] = (b"a&" * (size // 2 + 1))[:size]
        self.taken += size
        return size


@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"]
)
@pytest.mark.parametrize("link", ["unknown", "good"])
def test_a_form_without_end_is_not_read(
    each_context: Context, hostile: FlaskClient, content_type: str, link: str
) -> None:
    if link == "good":
        link = new_link(each_context)
    body = Endless()
    answer = hostile.post(
        f"/setup/{link}",
        input_stream=body,
        content_type=content_type,
        # As gunicorn says it for a chunked body.
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert answer.status_code in (400, 404, 413)
    assert body.taken < 500_000


def test_a_ballot_without_end_is_not_read(api: Api) -> None:
    run = Run(api).set_up()
    body = Endless()
    answer = api.client.post(
        f"{run.base}/ballots",
        input_stream=body,
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert (answer.status_code, json.loads(answer.data)["code"]) == (413, "too-large")
    assert body.taken < 100_000


SURROGATE = "\ud800"


def test_texts_that_are_no_texts_are_refused(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    """Half a character (a lone surrogate) cannot be written down again; JSON can smuggle it in."""
    api.client.application.config["PROPAGATE_EXCEPTIONS"] = False
    new = {
        "name": "x",
        "closes_at": "2026-11-23T12:00:00Z",
        "trustees": {"singles": 1},
        "questions": [{"answers": ["a", SURROGATE], "min": 1, "max": 1, "question": "q"}],
    }
    run = Run(api).create().freeze().generate().seat().commit()
    token = run.trustees[0].token
    for path, body, who in (
        ("/api/v1/elections", json.dumps(new), {"role": "committee"}),
        ("/api/v1/elections", json.dumps({SURROGATE: 1}), {"role": "committee"}),
        (f"{run.base}/trustee/reveal", json.dumps({"pok": SURROGATE}), {"token": token}),
        (f"{run.base}/trustee/reveal", json.dumps({SURROGATE: {}}), {"token": token}),
    ):
        api.refuse(400, "malformed-json", path, body, **who)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    # A whole pair is a character.
    new["questions"] = [{"answers": ["a", "\U0001f5f3"], "min": 1, "max": 1, "question": "q"}]
    api.post("/api/v1/elections", json.dumps(new), role="committee")


@pytest.mark.parametrize("sign", ["\x00", "\u202e", "\x1b", "\u2066"])
def test_a_question_cannot_hide_or_turn_round_its_text(api: Api, sign: str) -> None:
    """A sign that turns the writing round would show another candidate's name than the one that is counted."""
    question = {"answers": ["Ada", "Grace"], "min": 1, "max": 1, "question": "President"}
    body = {"name": "x", "closes_at": "2026-11-23T12:00:00Z", "trustees": {"singles": 1}}
    for bad in ({**question, "answers": [f"A{sign}da", "Grace"]}, {**question, "question": f"P{sign}"}):
        answer = api.refuse(
            422, "invalid-field", "/api/v1/elections", {**body, "questions": [bad]}, role="committee"
        )
        assert answer["field"] == "questions"
    api.post("/api/v1/elections", {**body, "questions": [{**question, "question": "A\nB"}]}, role="committee")


@pytest.mark.parametrize("name", ["Élection\u00a0: bureau\u202f?", "انتخابات هیئت\u200cمدیره", "क्\u200dष"])
def test_names_have_the_signs_that_languages_need(api: Api, name: str) -> None:
    """No-break blanks as French word processors write them, joiners as Persian and Hindi need them."""
    question = {"answers": [name, "Grace"], "min": 1, "max": 1, "question": name}
    run = Run(api).create(name=f"\u00a0{name} ", description=f"{name}\n{name}", questions=[question])
    run.freeze()
    status = run.status()
    assert (status["name"], status["description"]) == (name, f"{name}\n{name}")
    assert status["questions"][0]["answers"][0] == name
    assert name in api.client.get(f"/elections/{run.uuid}", headers={"Accept": "text/html"}).text


@pytest.mark.parametrize(
    "name", ["\u200d", "\u200c \u00a0", "\u3164", "\u2800", "Of\u200eficers", "Of\u2028ficers", "Of\nficers"]
)
def test_a_name_must_be_seen_as_it_is(api: Api, name: str) -> None:
    question = {"answers": ["Ada", "Grace"], "min": 1, "max": 1, "question": "President"}
    body = {
        "name": name,
        "closes_at": "2026-11-23T12:00:00Z",
        "trustees": {"singles": 1},
        "questions": [question],
    }
    assert api.refuse(422, "invalid-field", "/api/v1/elections", body, role="committee")["field"] == "name"


def test_two_answers_differ_in_more_than_what_nobody_sees(api: Api) -> None:
    """A ballot with twice the same name to read would divide that candidate's votes."""

    def body(*answers: str) -> dict[str, Any]:
        question = {"answers": list(answers), "min": 1, "max": 1, "question": "President"}
        start = {"name": "x", "closes_at": "2026-11-23T12:00:00Z", "trustees": {"singles": 1}}
        return {**start, "questions": [question]}

    def translated(*answers: str) -> dict[str, Any]:
        text = {"name": "y", "description": "", "questions": [{"question": "p", "answers": list(answers)}]}
        return {**body("Yes", "No"), "texts": {"es": text}}

    for bad in ("Yes", "Y\u200des", "Yes\u00a0", " Yes", "Yes\u3164", "Yes\ufe0f"):
        answer = api.refuse(422, "invalid-field", "/api/v1/elections", body("Yes", bad), role="committee")
        assert answer["field"] == "questions"
        answer = api.refuse(
            422, "invalid-field", "/api/v1/elections", translated("Yes", bad), role="committee"
        )
        assert answer["field"] == "texts"
    api.refuse(422, "invalid-field", "/api/v1/elections", body("Yes", "\u3164"), role="committee")
    api.post("/api/v1/elections", translated("Sí", "No"), role="committee")


# --- errors and logs -----------------------------------------------------------------------------------------


def test_an_error_while_an_error_is_told_is_logged_without_its_words(
    hostile_app: Flask, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)

    @hostile_app.errorhandler(Problem)
    def fail(error: Problem) -> Response:
        raise ValueError("credential ABCDE-FGHIJK")

    answer = hostile_app.test_client().get("/setup/very-secret-link")
    assert answer.status_code == 500
    assert "ABCDE" not in answer.text
    said = caplog.text + "".join(capfd.readouterr())
    assert "ABCDE" not in said
    assert "very-secret-link" not in said
    assert "ValueError" in said


def test_a_database_error_does_not_name_the_values(each_database: Database) -> None:
    with (
        pytest.raises(StatementError) as caught,
        each_database.write() as session,
    ):
        session.execute(text("INSERT INTO nothing VALUES (:mail)"), {"mail": "ada@example.org"})
    assert "ada@example.org" not in str(caught.value)


def test_the_database_is_readable_to_its_owner_only(tmp_path: Path) -> None:
    """Also in a folder that somebody made before with wider rights."""
    path = tmp_path / "steward.sqlite3"
    upgrade(f"sqlite:///{path}")
    database = Database(f"sqlite:///{path}")
    with database.write() as session:
        session.execute(text("INSERT INTO organisation (name) VALUES ('x')"))
        modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.glob("steward.sqlite3*")}
    database.dispose()
    assert len(modes) == 3
    assert set(modes.values()) == {0o600}


def test_answers_to_bearers_are_kept_by_no_cache(api: Api) -> None:
    run = Run(api).create().freeze()
    for path in ("/api/v1/elections", f"{run.base}/roll", f"{run.base}/trustees/progress"):
        answer = api.send("GET", path, role="registrar")
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")


# --- races ---------------------------------------------------------------------------------------------------


def test_of_acts_at_the_same_time_each_happens_once(api: Api) -> None:
    run = Run(api).create().freeze().generate().seat().ceremony().ready().drill()
    app, start = api.client.application, threading.Barrier(6)
    headers = {"Authorization": f"Bearer {api.tokens['committee']}"}

    def act(path: str) -> int:
        start.wait()
        body = b"{}" if path != "pause" else b'{"reason":"x"}'
        return app.test_client().post(f"{run.base}/{path}", data=body, headers=headers).status_code

    for path in ("open", "pause", "resume", "close"):
        with ThreadPoolExecutor(6) as pool:
            assert sorted(pool.map(act, [path] * 6)) == [200] + [409] * 5
    kinds = [
        json.loads(line)["kind"]
        for line in api.send("GET", f"/elections/{run.uuid}/{run.uuid}.journal.jsonl").data.splitlines()
    ]
    for kind in ("opened", "paused", "resumed", "closed"):
        assert kinds.count(kind) == 1


def test_casting_while_the_election_is_paused_and_closed_loses_no_receipt(api: Api) -> None:
    numbers = [f"M{n}" for n in range(1, 13)]
    run = Run(api).set_up("name,member_number\n" + "".join(f"{n},{n}\n" for n in numbers))
    ballots = [run.make_ballot(number, [[1], [0]]) for number in numbers]
    app = api.client.application
    headers = {"Authorization": f"Bearer {api.tokens['committee']}"}

    def cast(raw: bytes) -> tuple[int, bytes]:
        answer = app.test_client().post(f"{run.base}/ballots", data=raw)
        return answer.status_code, answer.data

    def disturb() -> Iterator[int]:
        for path, body in (("pause", b'{"reason":"x"}'), ("resume", b"{}"), ("close", b"{}")):
            yield app.test_client().post(f"{run.base}/{path}", data=body, headers=headers).status_code

    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(cast, raw) for raw in ballots]
        assert list(disturb()) == [200, 200, 200]
        results = [answer.result() for answer in answers]
    assert {status for status, _ in results} <= {201, 409}
    box = run.status()["box"]
    assert box["ballots"] == sum(status == 201 for status, _ in results)
    assert box["state"] == "counted"
    record = api.send("GET", f"/elections/{run.uuid}/{run.uuid}.bel").data
    for raw, (status, _) in zip(ballots, results, strict=True):
        assert (raw in record) == (status == 201)


# --- ranges --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "header",
    [
        "bytes=0-0,1-1,2-2," + "0-," * 2000 + "0-",
        "bytes=-",
        "bytes=5-1",
        "lines=0-1",
        "bytes=" + "9" * 5000 + "-",
        "bytes=0-" + "9" * 19,
        "bytes=0x0-1",
        "bytes=\u0660-\u0661".encode().decode("latin-1"),
    ],
)
def test_a_range_that_makes_no_sense_asks_for_the_whole_file(api: Api, header: str) -> None:
    run = Run(api).create()
    whole = api.send("GET", f"/elections/{run.uuid}/{run.uuid}.bel").data
    answer = api.client.get(f"/elections/{run.uuid}/{run.uuid}.bel", headers={"Range": header})
    assert (answer.status_code, answer.data) == (200, whole)


def test_a_small_question_does_not_read_the_whole_setup(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list of a million credentials is tens of megabytes; who asks for the election's name must not load it."""
    run = Run(api).set_up()

    def refuse(*_: Any) -> None:
        raise AssertionError("the whole Setup was read")

    monkeypatch.setattr("voting_app.ledger.service.find_setup", refuse)
    for path in ("election", "trustees", "credentials", "status"):
        assert api.send("GET", f"{run.base}/{path}").status_code == 200
    assert api.send("GET", f"/elections/{run.uuid}").status_code == 200
