"""The application as a whole: access marks, errors that leak nothing, headers, logs, settings."""

import base64
import json
import logging
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.voting_app.conftest import make_settings
from voting_app.access import MissingMarkError, access, find_mark, get_actor, require_marks
from voting_app.accounts import service as accounts
from voting_app.app import create_app
from voting_app.config import Settings, SettingsError, load_settings, load_settings_from_environment
from voting_app.context import Context
from voting_app.db import Database, SchemaError
from voting_app.security import LOG_KEYS, request_log

# --- access ------------------------------------------------------------------------------------------------------


def test_every_url_has_a_mark_and_voting_is_marked_as_such(app: Flask) -> None:
    require_marks(app)
    marks = {rule.rule: find_mark(app, rule.endpoint) for rule in app.url_map.iter_rules()}
    assert marks["/static/<path:filename>"] is not None
    ballots = marks["/api/v1/elections/<uuid>/ballots"]
    assert ballots is not None
    assert (ballots.audience, ballots.is_voting) == ("public", True)


def test_a_url_without_mark_stops_the_start(context: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    from voting_app.ledger.routes import send_archive_header

    monkeypatch.delattr(send_archive_header, "__steward_access__")
    with pytest.raises(MissingMarkError, match="archive-header"):
        create_app(context.settings, clock=context.clock, database=context.database)


def test_a_url_that_was_added_later_without_mark_is_closed(app: Flask) -> None:
    app.add_url_rule("/late", "late", lambda: "secret")
    assert app.test_client().get("/late").status_code == 404


@pytest.fixture
def guarded(app: Flask) -> FlaskClient:
    """A client of the application with one URL for the committee."""

    @app.get("/guarded")
    @access("token", roles={"committee"})
    def guarded() -> str:
        return str(get_actor())

    return app.test_client()


def token(context: Context, role: str) -> accounts.NewToken:
    with context.database.write() as session:
        return accounts.create_token(session, role=role, label="test", now=context.clock.now())


def test_a_token_opens_what_its_role_may(guarded: FlaskClient, context: Context) -> None:
    made = token(context, "committee")
    for scheme in ("Bearer", "bearer"):
        answer = guarded.get("/guarded", headers={"Authorization": f"{scheme} {made.text}"})
        assert (answer.status_code, answer.text) == (200, f"committee:{made.actor.account_number}")
    other = guarded.get("/guarded", headers={"Authorization": f"Bearer {token(context, 'trustee').text}"})
    assert (other.status_code, other.get_json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Bearer ", "Bearer x", "Basic eDp5", "x" * 5000, "Bearer \xff"]
)
def test_without_a_good_token_it_stays_closed(guarded: FlaskClient, header: str | None) -> None:
    answer = guarded.get("/guarded", headers={} if header is None else {"Authorization": header})
    assert (answer.status_code, answer.get_json()["code"]) == (401, "not-authenticated")
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_marks_that_make_no_sense() -> None:
    with pytest.raises(ValueError, match="roles"):
        access("token")
    with pytest.raises(ValueError, match="roles"):
        access("public", roles={"committee"})
    with pytest.raises(ValueError, match="roles"):
        access("token", roles={"king"})


# --- errors and headers ------------------------------------------------------------------------------------------


def test_errors_are_problem_documents_and_tell_no_secret(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    @app.get("/broken")
    @access("public")
    def broken() -> str:
        raise ValueError("the secret tracker")

    caplog.set_level(logging.DEBUG)
    client = app.test_client()
    for answer, status, code in (
        (client.get("/nowhere"), 404, "not-found"),
        (client.get("/api/v1/elections/aaaaaaaaaaaaaa/ballots"), 405, "method-not-allowed"),
        (client.get("/broken"), 500, "internal-error"),
        (client.get("/static/../app.py"), 404, "not-found"),
    ):
        document = json.loads(answer.data)
        assert answer.content_type == "application/problem+json"
        assert (answer.status_code, document["status"], document["code"]) == (status, status, code)
        assert document["title"]
        assert "secret" not in answer.text
        assert "Content-Security-Policy" in answer.headers
    assert client.get("/api/v1/elections/aaaaaaaaaaaaaa/ballots").headers["Allow"]
    assert "ValueError" in caplog.text
    assert "secret" not in caplog.text


def test_headers(client: FlaskClient, context: Context) -> None:
    headers = client.get("/nowhere").headers
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert "Strict-Transport-Security" not in headers
    settings = make_settings(
        context.settings.instance_folder, context.settings.database_url, base_url="https://vote.example.org"
    )
    secure = create_app(settings, clock=context.clock, database=context.database).test_client()
    assert "max-age" in secure.get("/nowhere").headers["Strict-Transport-Security"]


def test_the_log_drops_what_is_not_listed(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "steward.requests")
    request_log.info("request", status=200, credential="secret", address="198.51.100.7")
    line = json.loads(caplog.records[-1].getMessage())
    assert set(line) <= LOG_KEYS
    assert line["status"] == 200


def test_one_time_links_are_not_logged(client: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    client.get("/setup/very-secret-link")
    assert "/setup/<link>" in caplog.text
    assert "very-secret-link" not in caplog.text


def test_an_empty_database_stops_the_start(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'empty.sqlite3'}")
    with pytest.raises(SchemaError):
        create_app(make_settings(tmp_path, str(database.url)), database=database)
    database.dispose()


# --- settings ----------------------------------------------------------------------------------------------------


def test_the_first_start_makes_folder_and_secret(tmp_path: Path) -> None:
    folder = tmp_path / "instance"
    first = load_settings(folder, {})
    assert len(first.secret) == 32
    assert (folder / "secret.key").stat().st_mode & 0o077 == 0
    assert folder.stat().st_mode & 0o077 == 0
    assert load_settings(folder, {}) == first
    assert load_settings(tmp_path / "other", {}).secret != first.secret
    assert first.database_url.startswith("sqlite:///")
    # Neither in a traceback nor in a log.
    assert repr(first.secret) not in repr(first)


def test_files_variables_and_arguments_in_this_order(tmp_path: Path) -> None:
    (tmp_path / "steward.toml").write_text('organisation = "Local 12"\nmax_ballot_bytes = 5000\n')
    environment = {"STEWARD_MAX_BALLOT_BYTES": "6000", "STEWARD_JOBS_IN_PROCESS": "false", "HOME": "/"}
    settings = load_settings(tmp_path, environment, base_url="https://vote.example.org")
    assert (settings.organisation, settings.max_ballot_bytes) == ("Local 12", 6000)
    assert settings.is_https
    assert settings.jobs_in_process is False


@pytest.mark.parametrize(
    "file,environment,words",
    [
        ("colour = 1", {}, "unknown setting: colour"),
        ("secret = 'x'", {}, "unknown setting: secret"),
        ("", {"STEWARD_COLOUR": "1"}, "unknown setting STEWARD_COLOUR"),
        ("max_ballot_bytes = '5'", {}, "max_ballot_bytes"),
        ("max_ballot_bytes = 0", {}, "at least 1"),
        ("login_idle_seconds = 60", {}, "login_idle_seconds must be at least 600"),
        ("max_ballot_bytes = true", {}, "max_ballot_bytes"),
        ("", {"STEWARD_MAX_BALLOT_BYTES": "-1"}, "whole number"),
        ("", {"STEWARD_JOBS_IN_PROCESS": "yes"}, "true or false"),
        ("= =", {}, "not TOML"),
        ("base_url = 'vote.example.org'", {}, "base_url"),
        ("base_url = 'https://vote.example.org/'", {}, "base_url"),
        ("database_url = 'mysql://x'", {}, "database_url"),
        ("", {"STEWARD_SECRET": "AAAA"}, "32 bytes"),
        ("", {"STEWARD_SECRET": "???"}, "base64"),
    ],
)
def test_a_wrong_setting_stops_the_start(
    tmp_path: Path, file: str, environment: dict[str, str], words: str
) -> None:
    (tmp_path / "steward.toml").write_text(file)
    with pytest.raises(SettingsError, match=words):
        load_settings(tmp_path, environment)


def test_hosts_share_the_secret_by_a_variable(tmp_path: Path) -> None:
    text = base64.b64encode(bytes(range(32))).decode()
    settings = load_settings(tmp_path, {"STEWARD_SECRET": text})
    assert settings.secret == bytes(range(32))
    assert not (tmp_path / "secret.key").exists()


def test_a_web_server_must_name_the_instance(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="STEWARD_INSTANCE"):
        load_settings_from_environment({})
    with pytest.raises(SettingsError, match="does not exist"):
        load_settings_from_environment({"STEWARD_INSTANCE": str(tmp_path / "missing")})
    settings: Settings = load_settings_from_environment({"STEWARD_INSTANCE": str(tmp_path)})
    assert settings.instance_folder == tmp_path
