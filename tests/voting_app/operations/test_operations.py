"""Is the installation well, does mail go out, and what a copy of the database is worth."""

import re
import sqlite3
import stat
import subprocess
import threading
from dataclasses import fields, replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from audit.runner import audit
from tests.postgres import find_programs
from tests.smtp import MailDrop
from tests.voting_app.api import Api, Run
from tests.voting_app.conftest import SettableClock, make_settings
from tests.voting_app.office import first_administrator
from voting_app.app import create_app
from voting_app.config import Settings
from voting_app.context import Context
from voting_app.db import Database, SchemaError, downgrade, upgrade
from voting_app.ledger import service as ledger
from voting_app.operations.service import BackupError, back_up

ROOT = Path(__file__).parents[3]


# --- health --------------------------------------------------------------------------------------------------


def test_health_is_said_and_nothing_else(client: FlaskClient) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_database_of_another_version_is_not_well(app: Flask, context: Context) -> None:
    """An upgrade that ran beside this process: a proxy must send people elsewhere."""
    with context.database.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    answer = app.test_client().get("/healthz")
    assert (answer.status_code, answer.json["code"]) == (503, "not-well")
    assert "0001" not in answer.text


# --- the page ------------------------------------------------------------------------------------------------


def test_the_settings_are_shown_without_passwords(
    tmp_path: Path, sqlite_url: str, database: Database, clock: SettableClock, drop: MailDrop
) -> None:
    settings = make_settings(
        tmp_path, sqlite_url, smtp_url=f"{drop.url}", mail_from="vote@example.org", privacy_least_members=3
    )
    secretive = replace(settings, database_url=f"{sqlite_url}?password=hunter2")
    app = create_app(secretive, clock=clock, database=database)
    page = first_administrator(app).get("/office/settings").text
    assert "hunter2" not in page
    assert drop.url not in page
    assert "privacy_least_members" in page
    rows = dict(re.findall(r"<code>(\w+)</code></dt><dd>(.*?)</dd>", page))
    assert set(rows) == {field.name for field in fields(Settings)}
    assert "set here" in rows["privacy_least_members"]
    assert "set here" not in rows["privacy_few_ballots"]
    assert all("not shown" in rows[name] for name in ("secret", "database_url", "smtp_url"))


def test_only_administrators_see_them(app: Flask) -> None:
    ada = first_administrator(app)
    grace = ada.new_officer("grace@example.org", "committee")
    assert grace.get("/office/settings").status_code == 403
    assert "/office/settings" not in grace.get("/office").text


def test_a_message_to_oneself_goes_out_at_once(mail_context: Context, drop: MailDrop) -> None:
    ada = first_administrator(
        create_app(mail_context.settings, clock=mail_context.clock, database=mail_context.database)
    )
    answer = ada.act("/office/settings/mail")
    assert answer.status_code == 303, answer.text
    assert "has taken the message" in ada.get(answer.headers["Location"]).text
    [received] = drop.received
    assert received.recipients == (ada.email,)
    assert b"mail from Steward arrives" in received.raw


def test_what_the_mail_server_says_is_shown(mail_context: Context, drop: MailDrop) -> None:
    settings = replace(mail_context.settings, smtp_url="smtp://127.0.0.1:9")
    ada = first_administrator(create_app(settings, clock=mail_context.clock, database=mail_context.database))
    answer = ada.act("/office/settings/mail")
    assert answer.status_code == 502
    assert "did not take the message" in answer.text
    assert "What it said:" in answer.text
    assert not drop.received


def test_without_a_mail_server_there_is_no_button(app: Flask) -> None:
    ada = first_administrator(app)
    assert "Send me a message" not in ada.get("/office/settings").text
    assert ada.act("/office/settings/mail").status_code == 409


def test_a_wrong_code_sends_nothing(mail_context: Context, drop: MailDrop) -> None:
    ada = first_administrator(
        create_app(mail_context.settings, clock=mail_context.clock, database=mail_context.database)
    )
    answer = ada.post("/office/settings/mail", {"code": "000000"}, page="/office/settings")
    assert answer.status_code == 400
    assert not drop.received


# --- copies of the database ----------------------------------------------------------------------------------


def restore(copy: Path, folder: Path, clock: SettableClock) -> Context:
    """Another computer, with the copy and the same secret."""
    folder.mkdir()
    url = f"sqlite:///{folder / 'steward.sqlite3'}"
    (folder / "steward.sqlite3").write_bytes(copy.read_bytes())
    return Context(make_settings(folder, url), Database(url), clock)


def test_a_copy_of_an_election_that_goes_on_is_whole_and_goes_on(
    client: FlaskClient, context: Context, clock: SettableClock, tmp_path: Path
) -> None:
    """The computer burns while people vote: from the copy and the secret they go on voting."""
    run = Run(Api(context, client)).set_up()
    first = run.cast("M1", [[0], [0]])
    assert first.status_code == 201
    copy = tmp_path / "copy.sqlite3"
    # Somebody votes while it is copied.
    voter = threading.Thread(target=lambda: run.cast("M2", [[1], [1]]))
    voter.start()
    back_up(context.database, copy)
    voter.join()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    other = restore(copy, tmp_path / "other", clock)
    assert other.settings.secret == context.settings.secret
    go_on(other, run, first.json["tracker"], tmp_path)
    other.database.dispose()


def go_on(other: Context, run: Run, tracker: str, folder: Path) -> None:
    """Out of the copy: the ballot that had a receipt is there, others are taken, and the auditor finds it sound."""
    app = create_app(other.settings, clock=other.clock, database=other.database)
    again = Run(
        Api(other, app.test_client()), uuid=run.uuid, credentials=run.credentials, trustees=run.trustees
    )
    with other.database.read() as session:
        box_id = ledger.get_box_id(session, run.uuid)
        assert ledger.find_ballot(session, box_id, tracker) is not None
    assert again.cast("M3", [[0], [0]]).status_code == 201
    archive, journal = folder / "box.bel", folder / "journal"
    archive.write_bytes(b"".join(ledger.iter_archive(other.database, box_id)))
    journal.write_bytes(b"".join(ledger.iter_journal(other.database, box_id)))
    report = audit(archive, journal)
    assert report.verdict == "sound"
    assert report.ballots >= 2


@pytest.mark.parametrize("migrated_url", ["postgresql"], indirect=True)
def test_a_dump_of_postgresql_goes_on_elsewhere(
    each_context: Context, postgres_url: str, tmp_path: Path
) -> None:
    """The commands of the document, while the election is open; not even the owner of the tables changes the record."""
    app = create_app(each_context.settings, clock=each_context.clock, database=each_context.database)
    run = Run(Api(each_context, app.test_client())).set_up()
    first = run.cast("M1", [[0], [0]])
    assert first.status_code == 201
    commands = re.findall(
        r"^(pg_dump|pg_restore) (.*)$", (ROOT / "docs/operations.md").read_text(), re.MULTILINE
    )
    assert [program for program, _ in commands] == ["pg_dump", "pg_restore"]
    urls = (each_context.settings.database_url, postgres_url)
    for (program, options), url in zip(commands, urls, strict=True):
        words = [word.strip('"') for word in options.split()]
        assert words[-2].startswith("--dbname=")
        command = [find_programs() / program, *words[:-2], f"--dbname={url.replace('+psycopg', '')}"]
        files = [f"--file={tmp_path / 'dump'}"] if program == "pg_dump" else [tmp_path / "dump"]
        subprocess.run([*command, *files], check=True)
    folder = tmp_path / "other"
    folder.mkdir()
    other = Context(make_settings(folder, postgres_url), Database(postgres_url), each_context.clock)
    go_on(other, run, first.json["tracker"], tmp_path)
    with pytest.raises(DBAPIError), other.database.write() as session:
        session.execute(text("DELETE FROM ledger_event"))
    other.database.dispose()


def test_a_copy_never_replaces_a_file(context: Context, tmp_path: Path) -> None:
    target = tmp_path / "copy.sqlite3"
    target.write_text("something of somebody's")
    with pytest.raises(BackupError, match="File exists"):
        back_up(context.database, target)
    assert target.read_text() == "something of somebody's"


def test_a_damaged_database_gives_no_copy(tmp_path: Path) -> None:
    broken = tmp_path / "broken.sqlite3"
    with sqlite3.connect(broken) as connection:
        connection.execute("CREATE TABLE x (y TEXT)")
        connection.executemany("INSERT INTO x VALUES (?)", [("a" * 500,)] * 200)
    connection.close()
    raw = bytearray(broken.read_bytes())
    raw[5000:9000] = bytes(4000)
    broken.write_bytes(raw)
    target = tmp_path / "copy.sqlite3"
    database = Database(f"sqlite:///{broken}")
    with pytest.raises(BackupError):
        back_up(database, target)
    assert not target.exists()
    database.dispose()


def test_postgresql_has_its_own_program(tmp_path: Path) -> None:
    database = Database("postgresql://nobody@localhost/nothing")
    with pytest.raises(BackupError, match="pg_dump"):
        back_up(database, tmp_path / "copy")
    database.dispose()


# --- another version -----------------------------------------------------------------------------------------


def test_an_election_that_is_open_goes_on_after_an_upgrade(each_context: Context, tmp_path: Path) -> None:
    """The tables are those of an older version, and people are voting in them when the new program starts."""
    app = create_app(each_context.settings, clock=each_context.clock, database=each_context.database)
    run = Run(Api(each_context, app.test_client())).set_up()
    first = run.cast("M1", [[0], [0]])
    assert first.status_code == 201
    downgrade(each_context.settings.database_url, "0008")
    assert app.test_client().get("/healthz").status_code == 503
    with pytest.raises(SchemaError, match="steward upgrade"):
        create_app(each_context.settings, clock=each_context.clock, database=each_context.database)
    upgrade(each_context.settings.database_url)
    upgraded = create_app(each_context.settings, clock=each_context.clock, database=each_context.database)
    again = replace(run, api=Api(each_context, upgraded.test_client()))
    assert again.status()["state"] == "open"
    assert again.cast("M1", [[1], [1]]).status_code == 409
    assert again.cast("M2", [[0], [0]]).status_code == 201
    with each_context.database.read() as session:
        box_id = ledger.get_box_id(session, run.uuid)
        assert ledger.find_ballot(session, box_id, first.json["tracker"]) is not None
        assert ledger.count_ballots(session, box_id) == 2


# --- the document --------------------------------------------------------------------------------------------


def test_every_setting_stands_in_the_document_with_its_default() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \| ", (ROOT / "docs/operations.md").read_text(), re.MULTILINE)
    listed = dict(rows)
    for field in fields(Settings):
        if field.name in ("instance_folder", "secret"):
            continue
        assert field.name in listed, field.name
        default = field.default
        if isinstance(default, bool):
            assert listed[field.name] == str(default).lower()
        elif field.name not in ("database_url", "max_verifications"):
            assert listed[field.name] == (
                f"`{default}`" if isinstance(default, str) and default else str(default) or "–"
            )
