"""Casting over HTTP: what is accepted, what is refused with which code, and that a refusal writes nothing."""

import json
import logging
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from crypto.ballot import ballot_tracker, make_ballot, max_ballot_size, votes_from_choices
from crypto.encoding import encode_json_bytes
from crypto.randomness import SystemCoins
from crypto.receipt import parse_receipt, verify_receipt
from crypto.record import BoxState
from tests.simulator import Simulation, sound
from tests.voting_app.casting import ballots_of, open_box
from tests.voting_app.conftest import SettableClock, make_settings
from voting_app.app import create_app
from voting_app.booth import service as booth
from voting_app.booth.models import CastingInFlight
from voting_app.context import Context
from voting_app.elections.models import Election
from voting_app.errors import get_overloaded
from voting_app.ledger import service as ledger


@pytest.fixture
def simulation() -> Simulation:
    return ballots_of(6)


@pytest.fixture
def box_id(context: Context, simulation: Simulation) -> int:
    return open_box(context, simulation)


def cast(client: FlaskClient, simulation: Simulation, raw: bytes, **kwargs: Any) -> TestResponse:
    return client.post(f"/api/v1/elections/{simulation.election.uuid}/ballots", data=raw, **kwargs)


def require_refused(answer: TestResponse, status: int, code: str) -> dict[str, Any]:
    document = answer.get_json(force=True)
    assert (answer.status_code, document["code"]) == (status, code), document
    assert answer.content_type == "application/problem+json"
    assert document["status"] == status
    assert document["title"].endswith((".", "!"))
    return dict(document)


def content(context: Context, box_id: int) -> tuple[bytes, int]:
    """Everything that casting may write: the archive, and the ballots in flight."""
    archive = b"".join(ledger.iter_archive(context.database, box_id))
    with context.database.read() as session:
        return archive, len(session.scalars(select(CastingInFlight)).all())


@pytest.fixture
def unchanged(context: Context, box_id: int) -> Iterator[None]:
    """The test must leave the box as it is."""
    before = content(context, box_id)
    yield
    assert content(context, box_id) == before


def test_ballots_are_accepted_with_receipts(
    client: FlaskClient, context: Context, simulation: Simulation, box_id: int
) -> None:
    uuid = simulation.election.uuid
    public = ledger.get_service_key(context.settings, uuid).public
    for height, raw in enumerate(simulation.ballots, start=1):
        answer = cast(client, simulation, raw)
        assert answer.status_code == 201
        document = answer.get_json()
        assert document["tracker"] == ballot_tracker(raw)
        receipt = parse_receipt(encode_json_bytes(document["receipt"]))
        verify_receipt(receipt, public)
        assert (receipt.election, receipt.tracker, receipt.height) == (uuid, document["tracker"], height)
        assert receipt.event == simulation.heads[height]
    # All of them, in the order of casting, and the very archive that the simulator makes.
    assert content(context, box_id) == (simulation.archive, 0)


def test_the_same_ballot_again_gets_the_same_receipt(
    client: FlaskClient, context: Context, simulation: Simulation, box_id: int, clock: SettableClock
) -> None:
    raw = simulation.ballots[0]
    first = cast(client, simulation, raw)
    before = content(context, box_id)
    # With the newline that belenios-tool prints, and also after the election has closed.
    for body in (raw, raw + b"\n"):
        again = cast(client, simulation, body)
        assert (again.status_code, again.get_json()) == (200, first.get_json())
    clock.advance(hours=2)
    with context.database.write() as session:
        ledger.append(session, box_id, ledger.END_BALLOTS)
    after = cast(client, simulation, raw)
    assert (after.status_code, after.get_json()) == (200, first.get_json())
    assert content(context, box_id)[0][: len(before[0])] == before[0]


def test_a_vote_is_final(client: FlaskClient, context: Context, simulation: Simulation, box_id: int) -> None:
    assert cast(client, simulation, simulation.ballots[0]).status_code == 201
    before = content(context, box_id)
    require_refused(cast(client, simulation, make_another(simulation, 0)), 409, "already-voted")
    assert content(context, box_id) == before


def test_a_vote_may_be_changed_where_the_election_says_so(
    client: FlaskClient, context: Context, simulation: Simulation
) -> None:
    box_id = open_box(context, simulation, revoting=True)
    assert cast(client, simulation, simulation.ballots[0]).status_code == 201
    assert cast(client, simulation, make_another(simulation, 0)).status_code == 201
    with context.database.read() as session:
        assert (ledger.count_ballots(session, box_id), ledger.count_voters(session, box_id)) == (2, 1)


def make_another(simulation: Simulation, voter: int) -> bytes:
    votes = votes_from_choices(simulation.election, [[1]])
    return make_ballot(simulation.election, simulation.credentials[voter], votes, SystemCoins())


@pytest.mark.usefixtures("unchanged")
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\n",
        b"{}",
        b"[]",
        b"null",
        b'"x"',
        b"\xff\xfe",
        b'{"credential":1}',
        b'{"credential":"x"}',
        b"[" * 50_000,
        b'{"a":' * 5000,
        b'{"credential":"x","credential":"x"}',
        b'{"credential":1e400}',
        b'{"credential":NaN}',
        b'{"credential":"\\ud800"}',
        b"a=b&c=d",
    ],
)
def test_what_is_no_ballot(client: FlaskClient, simulation: Simulation, body: bytes) -> None:
    answer = cast(client, simulation, body)
    if len(body) > max_ballot_size(simulation.election):
        require_refused(answer, 413, "too-large")
    else:
        require_refused(answer, 400, "malformed")


@pytest.mark.usefixtures("unchanged")
def test_other_spellings_of_a_ballot(client: FlaskClient, simulation: Simulation) -> None:
    raw = simulation.ballots[0]
    value = json.loads(raw)
    for body in (
        raw + b"\n\n",
        b" " + raw,
        json.dumps(value).encode(),
        encode_json_bytes(dict(reversed(value.items()))),
        encode_json_bytes({**value, "extra": 1}),
        raw.replace(value["credential"].encode(), value["credential"].upper().encode()),
        raw[:-1],
    ):
        require_refused(cast(client, simulation, body), 400, "malformed")


def test_half_a_ballot_is_no_ballot_also_when_there_was_one(
    client: FlaskClient, simulation: Simulation, box_id: int
) -> None:
    """Its credential is found in its beginning, but that it has voted is not what its sender must be told."""
    raw = simulation.ballots[0]
    assert cast(client, simulation, raw).status_code == 201
    require_refused(cast(client, simulation, raw[:-3]), 400, "malformed")
    require_refused(cast(client, simulation, make_another(simulation, 0)[:-3]), 400, "malformed")


@pytest.mark.usefixtures("unchanged")
def test_false_ballots(client: FlaskClient, simulation: Simulation) -> None:
    value = json.loads(simulation.ballots[0])
    other = json.loads(simulation.ballots[1])
    response = value["signature"]["proof"]["response"]
    changed = json.loads(simulation.ballots[0].replace(response.encode(), b"1"))
    for false, rule in (
        (changed, "B7"),
        ({**value, "answers": other["answers"]}, "B6"),
        ({**value, "signature": other["signature"]}, "B6"),
    ):
        document = require_refused(cast(client, simulation, encode_json_bytes(false)), 422, "bad-proof")
        assert document["rule"] == rule


@pytest.mark.usefixtures("unchanged")
def test_ballots_of_others(client: FlaskClient, simulation: Simulation) -> None:
    stranger = sound("plain")
    require_refused(
        cast(client, simulation, make_for(simulation, stranger.credentials[0])), 403, "unknown-credential"
    )
    # Its credential is on the list, what it says of the election is not true.
    value = json.loads(simulation.ballots[0])
    for field in ("election_uuid", "election_hash"):
        false = encode_json_bytes({**value, field: json.loads(stranger.ballots[0])[field]})
        require_refused(cast(client, simulation, false), 409, "wrong-election")


def make_for(simulation: Simulation, credential: str) -> bytes:
    return make_ballot(
        simulation.election, credential, votes_from_choices(simulation.election, [[0]]), SystemCoins()
    )


class Unreadable(BytesIO):
    """A body that is never to be read."""

    def read(self, *args: Any) -> bytes:
        raise AssertionError("the body was read")


@pytest.mark.usefixtures("unchanged")
def test_a_body_that_is_too_large_is_not_read(app: Flask, simulation: Simulation) -> None:
    limit = max_ballot_size(simulation.election)
    url = f"/api/v1/elections/{simulation.election.uuid}/ballots"
    # Set past the client, which would count the empty stream.
    length = {"CONTENT_LENGTH": str(limit + 2)}
    with app.test_request_context(url, method="POST", input_stream=Unreadable(), environ_overrides=length):
        document = app.full_dispatch_request().get_json(force=True)
    assert (document["code"], document["limit"]) == ("too-large", limit)


@pytest.mark.usefixtures("unchanged")
def test_a_body_of_unknown_length_is_read_to_the_limit_only(
    client: FlaskClient, simulation: Simulation
) -> None:
    limit = max_ballot_size(simulation.election)
    body = BytesIO(b"x" * (10 * limit))
    answer = client.post(
        f"/api/v1/elections/{simulation.election.uuid}/ballots",
        input_stream=body,
        environ_overrides={"wsgi.input_terminated": True},
        headers={"Transfer-Encoding": "chunked"},
    )
    require_refused(answer, 413, "too-large")
    assert body.tell() <= limit + 2


@pytest.mark.usefixtures("unchanged")
def test_the_limit_of_the_settings_holds_too(context: Context, simulation: Simulation) -> None:
    settings = make_settings(
        context.settings.instance_folder, context.settings.database_url, max_ballot_bytes=1000
    )
    client = create_app(settings, clock=context.clock, database=context.database).test_client()
    assert require_refused(cast(client, simulation, simulation.ballots[0]), 413, "too-large")["limit"] == 1000


@pytest.mark.parametrize("state", ["keys-ready", "paused", "cancelled"])
def test_not_open(client: FlaskClient, context: Context, simulation: Simulation, state: str) -> None:
    box_id = open_box(context, simulation, state=state)
    before = content(context, box_id)
    require_refused(cast(client, simulation, simulation.ballots[0]), 409, "not-open")
    assert content(context, box_id) == before


def test_not_set_up(client: FlaskClient, context: Context, simulation: Simulation, box_id: int) -> None:
    answer = client.post("/api/v1/elections/aaaaaaaaaaaaaa/ballots", data=simulation.ballots[0])
    require_refused(answer, 404, "unknown-election")


def test_too_late(
    client: FlaskClient, context: Context, simulation: Simulation, box_id: int, clock: SettableClock
) -> None:
    clock.advance(minutes=60)
    before = content(context, box_id)
    require_refused(cast(client, simulation, simulation.ballots[0]), 409, "closed")
    assert content(context, box_id) == before
    with context.database.read() as session:
        # The closing time is obeyed by the next request too.
        assert session.scalars(select(Election.state)).one() == "closed"


def test_what_arrived_in_time_counts_however_long_it_takes(
    client: FlaskClient,
    context: Context,
    simulation: Simulation,
    box_id: int,
    clock: SettableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock.advance(minutes=59, seconds=59)
    verify = booth._verify

    def verify_slowly(*args: Any) -> Any:
        # The election closes meanwhile; whoever ends the voting sees this ballot in flight.
        clock.advance(seconds=30)
        with context.database.write() as session:
            session.execute(
                update(Election).values(state="closed", stopped_at=clock.now() - timedelta(seconds=29))
            )
            ledger.lock_box(session, box_id, exclusive=True)
            assert booth.in_flight(session, box_id) == 1
        return verify(*args)

    monkeypatch.setattr(booth, "_verify", verify_slowly)
    assert cast(client, simulation, simulation.ballots[0]).status_code == 201
    with context.database.read() as session:
        assert booth.in_flight(session, box_id) == 0
    monkeypatch.setattr(booth, "_verify", verify)
    require_refused(cast(client, simulation, simulation.ballots[1]), 409, "closed")


def test_a_lease_that_ran_out_is_refused_once_the_voting_has_ended(
    client: FlaskClient,
    context: Context,
    simulation: Simulation,
    box_id: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    verify = booth._verify

    def verify_too_slowly(*args: Any) -> Any:
        with context.database.write() as session:
            ledger.append(session, box_id, ledger.END_BALLOTS)
        return verify(*args)

    monkeypatch.setattr(booth, "_verify", verify_too_slowly)
    require_refused(cast(client, simulation, simulation.ballots[0]), 409, "closed")
    with context.database.read() as session:
        assert ledger.box_state(session, box_id) is BoxState.ENDED
        assert not session.scalars(select(CastingInFlight)).all()


def another_process(context: Context) -> FlaskClient:
    """A client of an application that shares nothing with the first one but the database."""
    return create_app(context.settings, clock=context.clock, database=context.database).test_client()


def test_two_casts_of_one_ballot_at_once_make_one_event(
    client: FlaskClient,
    context: Context,
    simulation: Simulation,
    box_id: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The second looks before the first has appended, so only the last look, in the transaction, can tell."""
    append = booth._append
    raw = simulation.ballots[0]

    def append_after_another(*args: Any) -> Any:
        monkeypatch.setattr(booth, "_append", append)
        assert cast(another_process(context), simulation, raw).status_code == 201
        return append(*args)

    monkeypatch.setattr(booth, "_append", append_after_another)
    assert cast(client, simulation, raw).status_code == 200
    with context.database.read() as session:
        assert ledger.count_ballots(session, box_id) == 1


def test_two_votes_of_one_voter_at_once_make_one_event(
    client: FlaskClient,
    context: Context,
    simulation: Simulation,
    box_id: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    append = booth._append

    def append_after_another(*args: Any) -> Any:
        monkeypatch.setattr(booth, "_append", append)
        assert cast(another_process(context), simulation, make_another(simulation, 0)).status_code == 201
        return append(*args)

    monkeypatch.setattr(booth, "_append", append_after_another)
    require_refused(cast(client, simulation, simulation.ballots[0]), 409, "already-voted")
    with context.database.read() as session:
        assert ledger.count_ballots(session, box_id) == 1


def test_ballots_that_come_together_are_looked_at_together(
    app: Flask, simulation: Simulation, box_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, verify = booth._look, booth._verify
    looks: list[int] = []
    is_verifying, go_on = threading.Event(), threading.Event()

    def note(context: Context, counter: booth.Counter, ballots: Any) -> Any:
        looks.append(len(ballots))
        return look(context, counter, ballots)

    def wait(*args: Any) -> Any:
        is_verifying.set()
        assert go_on.wait(20)
        return verify(*args)

    monkeypatch.setattr(booth, "_look", note)
    monkeypatch.setattr(booth, "_verify", wait)
    raws = [*simulation.ballots, simulation.ballots[0], make_another(simulation, 1)]
    counter = app.extensions["steward-desk"].find_counter(simulation.election.uuid)
    counter.casts._leaders = 1
    with ThreadPoolExecutor(len(raws)) as pool:
        first = pool.submit(cast, app.test_client(), simulation, raws[0])
        assert is_verifying.wait(20)
        others = [pool.submit(cast, app.test_client(), simulation, raw) for raw in raws[1:]]
        while len(counter.casts._waiting) < len(others):
            threading.Event().wait(0.01)
        go_on.set()
        statuses = sorted(answer.result().status_code for answer in [first, *others])
    # The first one before it was let in, the others when they were.
    assert looks == [1, 7]
    assert statuses == [200, 201, 201, 201, 201, 201, 201, 409]


def test_late_ballots_do_not_keep_others_company(
    app: Flask,
    context: Context,
    simulation: Simulation,
    box_id: int,
    clock: SettableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While a ballot is in flight, the next ones are let in unseen; but not once one was found to come too late."""
    counter = app.extensions["steward-desk"].find_counter(simulation.election.uuid)
    assert cast(app.test_client(), simulation, simulation.ballots[0]).status_code == 201
    assert counter.lets_in
    with counter.presence.hold():
        clock.advance(hours=2)
        joined: list[int] = []
        look = booth._look

        def note(*args: Any) -> Any:
            joined.append(counter.presence.count() - 1)
            return look(*args)

        monkeypatch.setattr(booth, "_look", note)
        for raw in simulation.ballots[1:4]:
            require_refused(cast(app.test_client(), simulation, raw), 409, "closed")
    assert joined == [1, 0, 0]
    assert not counter.lets_in


def test_many_threads_of_one_process_share_looks_and_appends(
    context: Context, simulation: Simulation, box_id: int
) -> None:
    app = create_app(context.settings, clock=context.clock, database=context.database)
    with ThreadPoolExecutor(12) as pool:
        answers = list(
            pool.map(lambda raw: (raw, cast(app.test_client(), simulation, raw)), [*simulation.ballots] * 2)
        )
    for raw in simulation.ballots:
        both = [answer for body, answer in answers if body == raw]
        assert sorted(answer.status_code for answer in both) == [200, 201]
        assert both[0].get_json() == both[1].get_json()
    archive, announced = content(context, box_id)
    assert announced == 0
    assert all(raw in archive for raw in simulation.ballots)


@pytest.mark.usefixtures("unchanged")
def test_overloaded(context: Context, simulation: Simulation) -> None:
    settings = make_settings(
        context.settings.instance_folder,
        context.settings.database_url,
        max_verifications=1,
        verification_wait_seconds=1,
    )
    app = create_app(settings, clock=context.clock, database=context.database)
    desk: booth.Desk = app.extensions["steward-desk"]
    # Ballots of another box are being verified.
    with desk._verifiers._places:
        answer = cast(app.test_client(), simulation, simulation.ballots[0])
    require_refused(answer, 503, "overloaded")
    assert int(answer.headers["Retry-After"]) >= 1


@pytest.mark.usefixtures("unchanged")
def test_overloaded_behind_others_of_the_same_box(
    context: Context, simulation: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = make_settings(
        context.settings.instance_folder,
        context.settings.database_url,
        max_verifications=1,
        verification_wait_seconds=1,
    )
    app = create_app(settings, clock=context.clock, database=context.database)
    is_verifying, go_on = threading.Event(), threading.Event()

    def verify_slowly(_verifiers: Any, _counter: Any, ballots: Any) -> Any:
        is_verifying.set()
        assert go_on.wait(20)
        return [get_overloaded()] * len(ballots)

    monkeypatch.setattr(booth, "_verify", verify_slowly)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(cast, app.test_client(), simulation, simulation.ballots[0])
        assert is_verifying.wait(20)
        require_refused(cast(app.test_client(), simulation, simulation.ballots[1]), 503, "overloaded")
        go_on.set()
        require_refused(first.result(), 503, "overloaded")


def test_the_log_knows_neither_who_nor_when(
    client: FlaskClient, simulation: Simulation, box_id: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    raw = simulation.ballots[0]
    cast(
        client,
        simulation,
        raw,
        headers={
            "User-Agent": "Phone/7",
            "X-Forwarded-For": "203.0.113.9",
            "Authorization": "Bearer secret-token",
        },
        environ_base={"REMOTE_ADDR": "198.51.100.7"},
    )
    cast(client, simulation, b"nonsense", environ_base={"REMOTE_ADDR": "198.51.100.7"})
    text = "\n".join(record.getMessage() for record in caplog.records)
    assert '"route": "/api/v1/elections/<uuid>/ballots"' in text
    value = json.loads(raw)
    for secret in (
        "198.51.100.7",
        "203.0.113.9",
        "Phone/7",
        "secret-token",
        value["credential"],
        ballot_tracker(raw),
    ):
        assert secret not in text
    lines = [
        json.loads(record.getMessage()) for record in caplog.records if record.name == "steward.requests"
    ]
    assert [line["status"] for line in lines] == [201, 400]
    assert all(set(line) == {"event", "level", "method", "route", "status"} for line in lines)


def test_nothing_of_the_request_reaches_the_database(
    client: FlaskClient, context: Context, simulation: Simulation, box_id: int
) -> None:
    cast(
        client,
        simulation,
        simulation.ballots[0],
        headers={"User-Agent": "Phone/7-4711"},
        environ_base={"REMOTE_ADDR": "198.51.100.7"},
    )
    context.database.dispose()
    folder = context.settings.instance_folder
    stored = b"".join(path.read_bytes() for path in folder.glob("steward.sqlite3*"))
    assert (
        simulation.ballots[0] in stored or json.loads(simulation.ballots[0])["credential"].encode() in stored
    )
    for secret in (b"Phone/7-4711", b"198.51.100.7"):
        assert secret not in stored
