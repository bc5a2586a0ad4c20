"""What voters are shown stands in the journal: every file, as it is served, before opening and when it changes."""

import base64
import json
from contextlib import closing
from pathlib import Path
from runpy import run_module
from threading import Thread
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import WSGIRequestHandler, make_server

from audit.booth import check_booth
from audit.references import list_references
from audit.runner import audit
from crypto.encoding import sha256_hex
from tests.voting_app.api import Api, Run
from tests.voting_app.conftest import SettableClock
from voting_app import languages
from voting_app.accounts.service import SERVICE_ACTOR
from voting_app.booth import files, jobs, opening
from voting_app.context import Context, get_context
from voting_app.elections import service as elections
from voting_app.ledger import service as ledger

STATIC = Path(files.__file__).parent.parent / "static"


class Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002  the library's name
        pass


@pytest.fixture
def run(context: Context, app: Flask) -> Run:
    return Run(Api(context, app.test_client()))


def listed(context: Context, uuid: str) -> list[list[list[str]]]:
    """The lists in the journal, oldest first."""
    with context.database.read() as session:
        lines = ledger.read_journal(session, ledger.get_box_id(session, uuid), kinds=["booth-files"])
    return [json.loads(line)["payload"]["files"] for line in lines]


def kinds(context: Context, uuid: str) -> list[str]:
    with context.database.read() as session:
        box_id = ledger.get_box_id(session, uuid)
    return [json.loads(line)["kind"] for line in ledger.iter_journal(context.database, box_id)]


def test_every_file_is_listed_as_it_is_served(context: Context, client: FlaskClient, run: Run) -> None:
    run.set_up()
    [found] = listed(context, run.uuid)
    paths = [path for path, _ in found]
    on_disk = {f"/static/{p.relative_to(STATIC).as_posix()}" for p in STATIC.rglob("*") if p.is_file()}
    assert {path for path in paths if path.startswith("/static/")} == on_disk
    for language in languages.LANGUAGES:
        assert f"/elections/{run.uuid}/vote?lang={language}" in paths
        assert f"/elections/{run.uuid}/check?lang={language}" in paths
        assert f"/texts/{language}.json" in paths
    for path, digest in found:
        with closing(client.get(path)) as answer:
            assert (answer.status_code, sha256_hex(answer.data)) == (200, digest), path


def test_the_auditor_finds_what_the_list_names_and_nothing_else_is_loaded(
    app: Flask, run: Run, tmp_path: Path
) -> None:
    """With the headers of the real server, and all that its pages load."""
    run.set_up()
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=Quiet)
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        report = check_booth(f"http://127.0.0.1:{server.port}/elections/{run.uuid}/vote", None, tmp_path)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert (report.different, report.missing, report.unlisted) == ((), (), ())
    assert report.is_bound


def test_what_the_auditor_follows_is_what_the_pages_load(client: FlaskClient, run: Run) -> None:
    """A pattern that found nothing would find a list whole that lacks everything."""
    run.set_up()
    [found] = listed(run.api.context, run.uuid)
    bodies = {}
    for path, _ in found:
        with closing(client.get(path)) as answer:
            bodies[path] = answer.data
    reached: set[str] = set()
    waiting = [path for path in bodies if path.endswith("?lang=en")]
    while waiting:
        path = waiting.pop()
        if path not in reached:
            reached.add(path)
            waiting += list_references(path, bodies[path])
    programs = {path for path in bodies if path.startswith(("/static/pages/", "/static/booth/"))}
    # What voters and trustees do not load: pages of the record, and the office.
    others = {"forget.js", "office.js", "trackers.js", "preview.js", "registrar.js", "registrar-sheets.js"}
    office = {"issuing.js", "tables.js", "registrarWorker.js"}
    assert programs - reached == {f"/static/pages/{name}" for name in others} | {
        f"/static/booth/{name}" for name in office
    }


def test_it_comes_right_before_the_opening(context: Context, run: Run) -> None:
    run.set_up()
    acts = kinds(context, run.uuid)
    assert acts[acts.index("booth-files") :][:3] == ["booth-files", "opened", "seal"]


def test_the_pages_are_the_same_for_everybody_and_at_all_times(
    context: Context, client: FlaskClient, run: Run, clock: SettableClock
) -> None:
    """A date, a state or a word about the reader would make an honest page look exchanged."""
    run.set_up()
    [found] = listed(context, run.uuid)
    pages = {path: digest for path, digest in found if path.startswith("/elections/")}

    def require_same() -> None:
        for path, digest in pages.items():
            headers = {
                "Accept-Language": "fr",
                "Host": "other.example.org",
                "User-Agent": "x",
                "Cookie": "a=b",
            }
            assert sha256_hex(client.get(path, headers=headers).data) == digest

    require_same()
    run.cast("M1", [[0], [0]])
    clock.advance(minutes=10)
    run.committee("pause", {"reason": "x"})
    require_same()
    run.committee("resume")
    run.committee("extend", {"closes_at": "2026-11-24T12:00:00Z", "reason": "x"})
    run.close()
    require_same()


def test_the_record_is_sound(context: Context, run: Run, tmp_path: Path) -> None:
    run.set_up().close()
    (tmp_path / "b").write_bytes(run.api.send("GET", f"/elections/{run.uuid}/{run.uuid}.bel").data)
    (tmp_path / "j").write_bytes(run.api.send("GET", f"/elections/{run.uuid}/{run.uuid}.journal.jsonl").data)
    assert audit(tmp_path / "b", tmp_path / "j").verdict == "sound"
    assert len(listed(context, run.uuid)) == 1


def test_what_cannot_be_opened_is_refused_as_before(run: Run) -> None:
    run.create()
    run.api.refuse(409, "wrong-state", f"{run.base}/open", role="committee")
    run.freeze().generate().seat().ceremony().ready()
    run.api.refuse(409, "keys-not-drilled", f"{run.base}/open", role="committee")
    assert "booth-files" not in kinds(run.api.context, run.uuid)
    run.api.refuse(404, "unknown-election", "/api/v1/elections/Unknown1E1ection/open", role="committee")


def test_an_election_that_became_ready_meanwhile_is_not_opened_without_files(
    context: Context, run: Run
) -> None:
    run.create().freeze().generate().seat().ceremony().ready().drill()
    with pytest.raises(Exception, match="meanwhile"):
        elections.open_election(context, run.uuid, SERVICE_ACTOR, None, ())


# --- other files -------------------------------------------------------------------------------------------------


@pytest.fixture
def change(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The program is started again with another version of a file."""

    def restart(path: str, digest: str) -> None:
        files._hash_static_files.cache_clear()
        other = {**files._hash_static_files(), path: digest}
        monkeypatch.setattr(files, "_hash_static_files", lambda: other)
        files._make_app.cache_clear()
        app.extensions.pop(files._NAME, None)
        opening._settled.clear()

    return restart


def test_a_new_version_of_the_program_is_told_once(context: Context, run: Run, change: Any) -> None:
    run.set_up()
    for _ in range(2):
        assert jobs.run_due(context) == 1
    assert len(listed(context, run.uuid)) == 1
    change("/static/booth/worker.js", "ab" * 32)
    run.committee("pause", {"reason": "upgrade"})
    for _ in range(3):
        jobs.run_due(context)
    found = listed(context, run.uuid)
    assert len(found) == 2
    assert ["/static/booth/worker.js", "ab" * 32] in found[1]
    # Whoever compares the pages with the list believes no list that the service has not signed.
    assert kinds(context, run.uuid)[-2:] == ["booth-files", "seal"]


def test_where_no_timer_runs_the_start_of_a_web_server_tells(
    context: Context, run: Run, change: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """gunicorn on hosts that have mail and closing done by cron: nobody would tell of an upgrade while people vote."""
    run.set_up()
    monkeypatch.setenv("STEWARD_INSTANCE", str(context.settings.instance_folder))
    monkeypatch.setenv("STEWARD_DATABASE_URL", context.settings.database_url)
    monkeypatch.setenv("STEWARD_SECRET", base64.b64encode(context.settings.secret).decode())

    def start() -> None:
        opening._settled.clear()
        app = run_module("voting_app.wsgi")["app"]
        get_context(app).database.dispose()

    start()
    assert len(listed(context, run.uuid)) == 1
    change("/static/booth/worker.js", "ab" * 32)
    for _ in range(2):
        start()
    found = listed(context, run.uuid)
    assert len(found) == 2
    assert ["/static/booth/worker.js", "ab" * 32] in found[1]


def test_two_versions_side_by_side_do_not_take_turns_for_ever(
    context: Context, run: Run, change: Any
) -> None:
    run.set_up()
    jobs.run_due(context)
    before = set(opening._settled)
    change("/static/booth/worker.js", "ab" * 32)
    jobs.run_due(context)
    opening._settled |= before
    files._make_app.cache_clear()
    jobs.run_due(context)
    assert len(listed(context, run.uuid)) == 2


@pytest.mark.parametrize("end", ["close", "cancel"])
def test_nothing_is_written_after_voting(context: Context, run: Run, change: Any, end: str) -> None:
    run.set_up()
    run.committee(end, {"reason": "x"} if end == "cancel" else None)
    change("/static/booth/worker.js", "ab" * 32)
    assert jobs.run_due(context) == 0
    assert not opening.write_changed_files(context, run.uuid)
    assert len(listed(context, run.uuid)) == 1


def test_the_list_is_made_once_in_a_process(
    context: Context, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.set_up()
    assert files.list_files(context, run.uuid)

    def refuse(*_: Any) -> Any:
        raise AssertionError("made again")

    monkeypatch.setattr(files, "_hash_pages", refuse)
    assert files.list_files(context, run.uuid)


def test_the_timers_program_lists_the_same_as_the_server(context: Context, app: Flask, run: Run) -> None:
    """The timer and the commands have no request to answer."""
    run.set_up()
    [found] = listed(context, run.uuid)
    assert [list(file) for file in files.list_files(context, run.uuid)] == found
    with app.app_context():
        assert [list(file) for file in files.list_files(context, run.uuid)] == found


def test_a_page_that_does_not_answer_stops_the_opening(
    context: Context, app: Flask, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.create().freeze().generate().seat().ceremony().ready().drill()
    monkeypatch.setattr(files, "DYNAMIC", [*files.DYNAMIC, lambda uuid, language: [f"/nothing/{language}"]])
    app.config["PROPAGATE_EXCEPTIONS"] = False
    assert run.api.send("POST", f"{run.base}/open", role="committee").status_code == 500
    assert run.status()["state"] == "keys-ready"
