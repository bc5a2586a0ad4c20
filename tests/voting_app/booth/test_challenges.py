"""Check instead of cast, over HTTP: a ballot is cast or opened, never both, and the record says which."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import inspect, text, update
from sqlalchemy.exc import DatabaseError
from werkzeug.test import TestResponse

from audit.runner import audit
from crypto.ballot import ballot_tracker, make_ballot, max_ballot_size, votes_from_choices
from crypto.encoding import sha256_hex
from crypto.randomness import SystemCoins
from tests.crypto.cheating import mauled_ballot
from tests.simulator import Simulation
from tests.voting_app.api import Api, Run, check_every_answer
from tests.voting_app.booth.test_casting import require_refused
from tests.voting_app.casting import ballots_of, open_box
from tests.voting_app.conftest import SettableClock
from tests.voting_app.processes import real_context, running_server
from voting_app.app import create_app
from voting_app.booth import service as booth
from voting_app.context import Context
from voting_app.db import Database
from voting_app.elections.models import Election
from voting_app.ledger import service as ledger


@pytest.fixture
def simulation() -> Simulation:
    return ballots_of(6)


@pytest.fixture
def box_id(context: Context, simulation: Simulation) -> int:
    return open_box(context, simulation)


def address(simulation: Simulation, what: str) -> str:
    return f"/api/v1/elections/{simulation.election.uuid}/{what}"


def send(client: FlaskClient, simulation: Simulation, what: str, raw: bytes) -> TestResponse:
    return client.post(address(simulation, what), data=raw)


def challenge(client: FlaskClient, simulation: Simulation, raw: bytes) -> TestResponse:
    return send(client, simulation, "challenges", raw)


def cast(client: FlaskClient, simulation: Simulation, raw: bytes) -> TestResponse:
    return send(client, simulation, "ballots", raw)


def another(simulation: Simulation, voter: int = 0) -> bytes:
    votes = votes_from_choices(simulation.election, [[1]])
    return make_ballot(simulation.election, simulation.credentials[voter], votes, SystemCoins())


def journal(database: Database, box_id: int) -> list[dict[str, Any]]:
    return [json.loads(line) for line in ledger.iter_journal(database, box_id)]


def told(database: Database, box_id: int) -> list[str]:
    """The trackers of challenged ballots, as the journal has them."""
    return [
        line["payload"]["tracker"]
        for line in journal(database, box_id)
        if line["kind"] == "ballot-challenged"
    ]


def content(context: Context, box_id: int) -> tuple[bytes, bytes, list[Any]]:
    """Everything that a challenge may write."""
    with context.database.read() as session:
        rows = [tuple(row) for row in session.execute(text("SELECT * FROM challenged_ballot"))]
    archive = b"".join(ledger.iter_archive(context.database, box_id))
    return archive, b"".join(ledger.iter_journal(context.database, box_id)), rows


@pytest.fixture
def unchanged(context: Context, box_id: int) -> Iterator[None]:
    before = content(context, box_id)
    yield
    assert content(context, box_id) == before


# --- what a challenge does ---------------------------------------------------------------------------------------


def test_a_challenged_ballot_is_published_and_never_cast(
    client: FlaskClient, context: Context, simulation: Simulation, box_id: int
) -> None:
    raw = simulation.ballots[0]
    first = challenge(client, simulation, raw)
    assert (first.status_code, first.get_json()) == (201, {"tracker": ballot_tracker(raw)})
    assert told(context.database, box_id) == [ballot_tracker(raw)]
    before = content(context, box_id)
    for body in (raw, raw + b"\n"):
        again = challenge(client, simulation, body)
        assert (again.status_code, again.get_json()) == (200, first.get_json())
        require_refused(cast(client, simulation, body), 409, "challenged")
    assert content(context, box_id) == before
    sent = client.get(address(simulation, f"challenges/{sha256_hex(raw)}"))
    assert (sent.status_code, sent.data, sent.mimetype) == (200, raw, "application/json")
    # The voter goes on with a fresh one.
    assert cast(client, simulation, another(simulation)).status_code == 201


def test_the_record_stays_one_that_auditors_accept(app: Flask, context: Context, tmp_path: Path) -> None:
    """A whole election: opened, one ballot challenged, another one cast, paused, closed."""
    run = Run(Api(context, app.test_client())).set_up()
    opened = run.make_ballot("M1", [[0], [0]])
    run.api.post(f"{run.base}/challenges", opened)
    run.api.refuse(409, "challenged", f"{run.base}/ballots", opened)
    assert run.cast("M1", [[1], [1]]).status_code == 201
    run.committee("pause", {"reason": "Lunch"})
    run.committee("resume")
    run.close()
    box, acts = tmp_path / "box.bel", tmp_path / "acts.jsonl"
    box.write_bytes(run.api.send("GET", f"/elections/{run.uuid}/{run.uuid}.bel").data)
    acts.write_bytes(run.api.send("GET", f"/elections/{run.uuid}/{run.uuid}.journal.jsonl").data)
    assert ballot_tracker(opened).encode() in acts.read_bytes()
    report = audit(box, acts)
    assert (report.verdict, report.ballots) == ("sound", 1)


def test_a_cast_ballot_cannot_be_challenged(
    client: FlaskClient, context: Context, simulation: Simulation, box_id: int
) -> None:
    raw = simulation.ballots[0]
    assert cast(client, simulation, raw).status_code == 201
    before = content(context, box_id)
    require_refused(challenge(client, simulation, raw), 409, "already-cast")
    assert content(context, box_id) == before
    assert client.get(address(simulation, f"challenges/{sha256_hex(raw)}")).status_code == 404


def test_who_has_voted_finally_has_nothing_to_check(
    client: FlaskClient, context: Context, simulation: Simulation, box_id: int
) -> None:
    cast(client, simulation, simulation.ballots[0])
    before = content(context, box_id)
    require_refused(challenge(client, simulation, another(simulation)), 409, "already-voted")
    assert content(context, box_id) == before


def test_where_votes_may_be_replaced_checking_goes_on(
    client: FlaskClient, context: Context, simulation: Simulation
) -> None:
    box_id = open_box(context, simulation, revoting=True)
    cast(client, simulation, simulation.ballots[0])
    raw = another(simulation)
    assert challenge(client, simulation, raw).status_code == 201
    require_refused(cast(client, simulation, raw), 409, "challenged")
    with context.database.read() as session:
        assert ledger.count_ballots(session, box_id) == 1


@pytest.mark.usefixtures("box_id")
def test_a_credential_opens_so_many_ballots_and_no_more(context: Context, simulation: Simulation) -> None:
    settings = replace(context.settings, max_challenges=2)
    client = create_app(settings, clock=context.clock, database=context.database).test_client()
    ballots = [another(simulation) for _ in range(3)]
    assert [challenge(client, simulation, raw).status_code for raw in ballots[:2]] == [201, 201]
    assert (
        require_refused(challenge(client, simulation, ballots[2]), 409, "too-many-challenges")["limit"] == 2
    )
    # Again is not once more; others are not concerned; and the vote can be cast.
    assert challenge(client, simulation, ballots[0]).status_code == 200
    assert challenge(client, simulation, simulation.ballots[1]).status_code == 201
    assert cast(client, simulation, ballots[2]).status_code == 201


# --- what is refused ---------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize("body", [b"", b"{}", b"null", b"\xff", b'{"credential":1}'])
def test_what_is_no_ballot(client: FlaskClient, simulation: Simulation, body: bytes) -> None:
    require_refused(challenge(client, simulation, body), 400, "malformed")


@pytest.mark.usefixtures("unchanged")
def test_ballots_that_could_not_be_cast_cannot_be_challenged(
    client: FlaskClient, simulation: Simulation
) -> None:
    raw, other = simulation.ballots[0], ballots_of(2, seed=51)
    require_refused(challenge(client, simulation, other.ballots[0]), 403, "unknown-credential")
    mauled = mauled_ballot(simulation.election, simulation.credentials[0], raw)
    require_refused(challenge(client, simulation, mauled), 422, "bad-proof")
    renamed = raw.replace(simulation.election.uuid.encode(), other.election.uuid.encode())
    require_refused(challenge(client, simulation, renamed), 409, "wrong-election")
    value = json.loads(raw)
    value["signature"]["proof"]["response"] = "1"
    unsigned = json.dumps(value, separators=(",", ":")).encode()
    require_refused(challenge(client, simulation, unsigned), 422, "bad-proof")


@pytest.mark.usefixtures("unchanged")
def test_a_body_longer_than_any_ballot(client: FlaskClient, simulation: Simulation) -> None:
    limit = max_ballot_size(simulation.election)
    answer = require_refused(challenge(client, simulation, b"x" * (limit + 2)), 413, "too-large")
    assert answer["limit"] == limit


@pytest.mark.parametrize(
    "state, code",
    [
        ("keys-ready", "not-open"),
        ("paused", "not-open"),
        ("cancelled", "not-open"),
        ("closed", "closed"),
        ("tallied", "closed"),
        ("certified", "closed"),
    ],
)
def test_only_while_voting_is_open(
    client: FlaskClient, context: Context, simulation: Simulation, state: str, code: str
) -> None:
    box_id = open_box(context, simulation, state=state)
    before = content(context, box_id)
    require_refused(challenge(client, simulation, simulation.ballots[0]), 409, code)
    assert content(context, box_id) == before


@pytest.mark.usefixtures("box_id")
def test_too_late(client: FlaskClient, simulation: Simulation, clock: SettableClock) -> None:
    raw = simulation.ballots[0]
    assert challenge(client, simulation, raw).status_code == 201
    clock.advance(hours=1)
    require_refused(challenge(client, simulation, simulation.ballots[1]), 409, "closed")
    # What was opened stays opened, and who asks again hears the same.
    assert challenge(client, simulation, raw).status_code == 200
    assert client.get(address(simulation, f"challenges/{sha256_hex(raw)}")).data == raw


def test_in_time_but_verified_after_closing_is_refused(
    client: FlaskClient,
    context: Context,
    simulation: Simulation,
    box_id: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Rule J5 has no place for the line after `closed`; the voter loses nothing, the ballot was not to be cast."""

    verify = booth.Desk.verify

    def slow(*args: Any) -> None:
        with context.database.write() as session:
            session.execute(
                update(Election).values(
                    state="closed", stopped_at=context.clock.now(), closed_at=context.clock.now()
                )
            )
        verify(*args)

    monkeypatch.setattr(booth.Desk, "verify", slow)
    before = content(context, box_id)
    require_refused(challenge(client, simulation, simulation.ballots[0]), 409, "closed")
    assert content(context, box_id) == before


@pytest.mark.usefixtures("box_id")
@pytest.mark.parametrize("digest", ["0" * 64, "x", "A" * 64, "..%2f", "0" * 63])
def test_ballots_that_were_not_opened_are_not_shown(
    client: FlaskClient, simulation: Simulation, digest: str
) -> None:
    assert client.get(address(simulation, f"challenges/{digest}")).status_code == 404


def test_unknown_elections(client: FlaskClient) -> None:
    for method, what in (
        ("POST", "challenges"),
        ("GET", f"challenges/{'0' * 64}"),
        ("GET", "trackers"),
    ):
        answer = client.open(f"/api/v1/elections/Unknown1E1ection/{what}", method=method, data=b"{}")
        require_refused(answer, 404, "unknown-election")
    answer = client.post("/api/v1/elections/Unknown1E1ection/credentials/lookup", data=b'{"credential":"a"}')
    require_refused(answer, 404, "unknown-election")


# --- at once, and in the middle ----------------------------------------------------------------------------------


def test_of_a_cast_and_a_challenge_at_once_one_wins(each_context: Context) -> None:
    simulation = ballots_of(12)
    box_id = open_box(each_context, simulation)
    app = create_app(each_context.settings, clock=each_context.clock, database=each_context.database)
    check_every_answer(app)
    start = Barrier(4)

    def ask(job: tuple[str, bytes]) -> tuple[str, bytes, int, str]:
        what, raw = job
        client = app.test_client()
        start.wait()
        answer = send(client, simulation, what, raw)
        return what, raw, answer.status_code, answer.get_json(force=True).get("code", "")

    # Two ballots at a time, so that casts share their transaction.
    jobs = [
        (what, raw)
        for pair in zip(simulation.ballots[::2], simulation.ballots[1::2], strict=True)
        for what in ("ballots", "challenges")
        for raw in pair
    ]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(ask, jobs))
    archive = b"".join(ledger.iter_archive(each_context.database, box_id))
    opened = told(each_context.database, box_id)
    for raw in simulation.ballots:
        outcome = {what: (status, code) for what, other, status, code in answers if other == raw}
        if raw in archive:
            assert outcome == {"ballots": (201, ""), "challenges": (409, "already-cast")}
            assert ballot_tracker(raw) not in opened
        else:
            assert outcome == {"ballots": (409, "challenged"), "challenges": (201, "")}
            assert opened.count(ballot_tracker(raw)) == 1


def test_many_challenges_at_once_keep_the_limit(each_context: Context) -> None:
    simulation = ballots_of(2)
    box_id = open_box(each_context, simulation)
    settings = replace(each_context.settings, max_challenges=3)
    app = create_app(settings, clock=each_context.clock, database=each_context.database)
    ballots = [another(simulation) for _ in range(6)]
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda raw: challenge(app.test_client(), simulation, raw), ballots * 2))
    first, second = answers[:6], answers[6:]
    assert sorted(a.status_code for a in first + second if a.status_code == 201) == [201] * 3
    assert {a.status_code for a in first + second} <= {200, 201, 409}
    assert len(told(each_context.database, box_id)) == 3
    assert len(content(each_context, box_id)[2]) == 3


def test_row_and_line_come_together_or_not_at_all(
    app: Flask, context: Context, simulation: Simulation, box_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("the power went")

    before = content(context, box_id)
    with monkeypatch.context() as patch:
        patch.setattr(ledger, "append_journal", fail)
        app.config["PROPAGATE_EXCEPTIONS"] = False
        assert challenge(app.test_client(), simulation, simulation.ballots[0]).status_code == 500
    assert content(context, box_id) == before
    assert cast(app.test_client(), simulation, simulation.ballots[0]).status_code == 201


def test_killed_at_any_moment_a_ballot_is_still_one_thing(tmp_path: Path, sqlite_url: str) -> None:
    """Whoever was told "challenged" finds the ballot opened after the restart, and no ballot is both."""
    simulation = ballots_of(24)
    with real_context(tmp_path, sqlite_url) as real:
        box_id = open_box(real, simulation)
        done: dict[bytes, str] = {}
        with running_server(tmp_path, sqlite_url) as server:

            def ask(job: tuple[int, bytes]) -> None:
                number, raw = job
                what = ("challenges", "ballots")[number % 2]
                try:
                    with server.client() as client:
                        answer = client.post(address(simulation, what), content=raw)
                except Exception:  # noqa: BLE001  the server is gone: the voter knows nothing
                    return
                if answer.status_code == 201:
                    done[raw] = what
                if len(done) == 10:
                    server.kill()

            with ThreadPoolExecutor(4) as pool:
                list(pool.map(ask, enumerate(simulation.ballots)))
            assert len(done) >= 10
            server.start()
            archive = b"".join(ledger.iter_archive(real.database, box_id))
            opened = told(real.database, box_id)
            with server.client() as client:
                for raw in simulation.ballots:
                    assert (raw in archive) + (ballot_tracker(raw) in opened) <= 1
                    sent = client.get(address(simulation, f"challenges/{sha256_hex(raw)}"))
                    assert (sent.status_code == 200) == (ballot_tracker(raw) in opened)
            for raw, what in done.items():
                assert raw in archive if what == "ballots" else ballot_tracker(raw) in opened


# --- secrecy and permanence --------------------------------------------------------------------------------------


def test_the_table_has_no_time_and_no_person(each_database: Database) -> None:
    with each_database.connect() as connection:
        columns = {
            column["name"]: str(column["type"])
            for column in inspect(connection).get_columns("challenged_ballot")
        }
    assert set(columns) == {"box_id", "digest", "credential", "body"}
    assert not any("TIME" in kind or "DATE" in kind for kind in columns.values())


def test_a_challenged_ballot_cannot_be_changed_or_removed(each_context: Context) -> None:
    """Otherwise one that a second device has opened could be cast after all."""
    simulation = ballots_of(2)
    open_box(each_context, simulation)
    app = create_app(each_context.settings, clock=each_context.clock, database=each_context.database)
    challenge(app.test_client(), simulation, simulation.ballots[0])
    statements = ["UPDATE challenged_ballot SET digest = 'x'", "DELETE FROM challenged_ballot"]
    if not each_context.database.is_sqlite:
        statements.append("TRUNCATE challenged_ballot")
    for statement in statements:
        with pytest.raises(DatabaseError, match="append-only"), each_context.database.write() as session:
            session.execute(text(statement))
    require_refused(cast(app.test_client(), simulation, simulation.ballots[0]), 409, "challenged")


# --- looking a credential up, and trackers -----------------------------------------------------------------------


def look_up(client: FlaskClient, simulation: Simulation, credential: Any) -> TestResponse:
    return client.post(address(simulation, "credentials/lookup"), json={"credential": credential})


def test_a_credential_is_looked_up(client: FlaskClient, context: Context, simulation: Simulation) -> None:
    open_box(context, simulation, revoting=True)
    public = json.loads(simulation.ballots[0])["credential"]
    assert look_up(client, simulation, public).get_json() == {"listed": True, "tracker": None}
    cast(client, simulation, simulation.ballots[0])
    answer = look_up(client, simulation, public)
    assert answer.get_json() == {"listed": True, "tracker": ballot_tracker(simulation.ballots[0])}
    assert answer.headers["Cache-Control"] == "no-store"
    raw = another(simulation)
    cast(client, simulation, raw)
    challenge(client, simulation, another(simulation))
    assert look_up(client, simulation, public).get_json() == {"listed": True, "tracker": ballot_tracker(raw)}
    stranger = simulation.group.power_g(12345).text
    assert look_up(client, simulation, stranger).get_json() == {"listed": False, "tracker": None}


@pytest.mark.usefixtures("box_id")
@pytest.mark.parametrize(
    "credential", ["", "x", "0" * 63 + "1", 5, None, "ABCDE-FGHJKL-MNPQR-STUVWX", "1" * 701]
)
def test_what_is_no_public_credential(client: FlaskClient, simulation: Simulation, credential: Any) -> None:
    answer = require_refused(look_up(client, simulation, credential), 422, "invalid-field")
    assert answer["field"] == "credential"


def test_trackers_tell_height_and_what_was_replaced(
    client: FlaskClient, context: Context, simulation: Simulation
) -> None:
    open_box(context, simulation, revoting=True)
    empty = client.get(address(simulation, "trackers"))
    assert (empty.status_code, empty.data, empty.mimetype) == (200, b"", "text/plain")
    first, second, replacing = simulation.ballots[0], simulation.ballots[1], another(simulation)
    for raw in (first, second):
        cast(client, simulation, raw)
    before = client.get(address(simulation, "trackers"))
    assert before.text == f"1 {ballot_tracker(first)}\n2 {ballot_tracker(second)}\n"
    etag = before.headers["ETag"]
    again = client.get(address(simulation, "trackers"), headers={"If-None-Match": etag})
    assert (again.status_code, again.data) == (304, b"")
    cast(client, simulation, replacing)
    opened = another(simulation, 3)
    challenge(client, simulation, opened)
    after = client.get(address(simulation, "trackers"), headers={"If-None-Match": etag})
    assert after.status_code == 200
    assert after.text == (
        f"1 {ballot_tracker(first)} replaced\n2 {ballot_tracker(second)}\n3 {ballot_tracker(replacing)}\n"
    )
    assert ballot_tracker(opened) not in after.text


def test_trackers_of_many_ballots_come_in_pieces(
    client: FlaskClient,
    context: Context,
    simulation: Simulation,
    box_id: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("voting_app.ledger.trackers._PIECE_LINES", 2)
    for raw in simulation.ballots[:5]:
        cast(client, simulation, raw)
    lines = client.get(address(simulation, "trackers")).text.splitlines()
    assert lines == [f"{n} {ballot_tracker(raw)}" for n, raw in enumerate(simulation.ballots[:5], 1)]
    assert box_id
