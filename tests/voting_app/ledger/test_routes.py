"""What is published: whole, in parts, and as belenios-tool fetches it."""

import itertools
import threading
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from crypto.archive import header_bytes
from crypto.encoding import sha256_hex
from tests.belenios import Tool
from tests.simulator import TIMESTAMP, Simulation, sound
from tests.voting_app.casting import fill_box
from voting_app.context import Context
from voting_app.ledger import service
from voting_app.ledger.wire import ByteRange, UnsatisfiableRangeError, parse_range


@pytest.fixture
def simulation(context: Context) -> Simulation:
    """A finished election, in the database."""
    simulation = sound("plain")
    fill_box(context, simulation)
    return simulation


@pytest.fixture
def address(simulation: Simulation) -> str:
    uuid = simulation.election.uuid
    return f"/elections/{uuid}/{uuid}.bel"


def test_the_whole_archive(client: FlaskClient, simulation: Simulation, address: str) -> None:
    uuid = simulation.election.uuid
    for url in (address, f"/api/elections/{uuid}/archive"):
        answer = client.get(url)
        assert answer.status_code == 200
        assert answer.data == simulation.archive
        assert answer.content_length == len(simulation.archive)
        assert answer.headers["Accept-Ranges"] == "bytes"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["ETag"] == f'"{simulation.heads[-1]}"'


def test_head_tells_the_length(client: FlaskClient, simulation: Simulation, address: str) -> None:
    answer = client.head(address, headers={"Range": "bytes=0-9"})
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.content_length == len(simulation.archive)


def test_who_has_it_gets_304(client: FlaskClient, simulation: Simulation, address: str) -> None:
    etag = client.get(address).headers["ETag"]
    assert client.get(address, headers={"If-None-Match": etag}).status_code == 304
    assert client.get(address, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    "header,start,end",
    [
        ("bytes=0-0", 0, 1),
        ("bytes=0-511", 0, 512),
        ("bytes=100-", 100, None),
        ("bytes=-100", -100, None),
        ("bytes=-99999999", 0, None),
        ("bytes=512-99999999", 512, None),
        ("BYTES=5-9", 5, 10),
    ],
)
def test_one_range(
    client: FlaskClient, simulation: Simulation, address: str, header: str, start: int, end: int | None
) -> None:
    whole = simulation.archive
    answer = client.get(address, headers={"Range": header})
    assert answer.status_code == 206
    assert answer.data == whole[start:end]
    first = start % len(whole)
    last = first + len(answer.data) - 1
    assert answer.headers["Content-Range"] == f"bytes {first}-{last}/{len(whole)}"


@pytest.mark.parametrize(
    "header", ["bytes=0-1,5-6", "bytes=9-5", "bytes=x-", "lines=0-5", "bytes=-", "bytes=", ""]
)
def test_what_is_no_single_range_gets_the_whole_file(
    client: FlaskClient, simulation: Simulation, address: str, header: str
) -> None:
    answer = client.get(address, headers={"Range": header})
    assert (answer.status_code, answer.data) == (200, simulation.archive)
    assert "Content-Range" not in answer.headers


def test_a_range_behind_the_end(client: FlaskClient, simulation: Simulation, address: str) -> None:
    length = len(simulation.archive)
    for header in (f"bytes={length}-", "bytes=-0"):
        answer = client.get(address, headers={"Range": header})
        assert answer.status_code == 416
        assert answer.headers["Content-Range"] == f"bytes */{length}"
        assert answer.get_json()["code"] == "range-not-satisfiable"


def test_if_range(client: FlaskClient, simulation: Simulation, address: str) -> None:
    etag = client.get(address).headers["ETag"]
    same = client.get(address, headers={"Range": "bytes=0-9", "If-Range": etag})
    assert (same.status_code, same.data) == (206, simulation.archive[:10])
    other = client.get(address, headers={"Range": "bytes=0-9", "If-Range": '"older"'})
    assert (other.status_code, other.data) == (200, simulation.archive)


def test_parse_range_refuses_nothing_that_exists() -> None:
    length = 7
    for start, end in itertools.combinations(range(length + 1), 2):
        assert parse_range(f"bytes={start}-{end - 1}", length) == ByteRange(start, end)
    with pytest.raises(UnsatisfiableRangeError):
        parse_range("bytes=0-", 0)
    with pytest.raises(UnsatisfiableRangeError):
        parse_range("bytes=-1", 0)


def test_an_archive_without_events_is_its_header(client: FlaskClient, context: Context) -> None:
    simulation = sound("plain")
    uuid = simulation.election.uuid
    with context.database.write() as session:
        service.create_box(session, uuid, TIMESTAMP, service_key=simulation.service_key)
    assert client.get(f"/elections/{uuid}/{uuid}.bel").data == simulation.archive[:1024]
    assert client.get(f"/api/elections/{uuid}/last-event").get_json()["code"] == "no-event"
    assert client.get(f"/elections/{uuid}/{uuid}.journal.jsonl").data == simulation.journal_lines[0] + b"\n"


def test_the_paths_of_the_tools(client: FlaskClient, simulation: Simulation) -> None:
    base = f"/api/elections/{simulation.election.uuid}"
    assert client.get(f"{base}/archive-header").data == header_bytes(TIMESTAMP)
    assert client.get(f"{base}/last-event").get_json() == {
        "height": len(simulation.entries) - 1,
        "hash": simulation.heads[-1],
        "pos": len(simulation.archive),
    }
    names = [sha256_hex(body) for entry in simulation.entries for body in entry.bodies] + list(
        simulation.heads
    )
    for name in names:
        assert sha256_hex(client.get(f"{base}/objects/{name}").data) == name
    for name in ("0" * 64, "x", simulation.heads[0].upper()):
        assert client.get(f"{base}/objects/{name}").status_code == 404


def test_unknown_elections_and_files(client: FlaskClient, simulation: Simulation) -> None:
    uuid = simulation.election.uuid
    for path in (
        "/elections/{0}",
        "/elections/{0}/{0}.bel",
        "/elections/{0}/{0}.journal.jsonl",
        "/api/elections/{0}/archive",
    ):
        answer = client.get(path.format("aaaaaaaaaaaaaa"))
        assert answer.status_code == 404
        assert answer.content_type == "application/problem+json"
        assert answer.get_json()["code"] == "unknown-election"
    assert client.get(f"/elections/{uuid}/aaaaaaaaaaaaaa.bel").status_code == 404
    assert client.get(f"/elections/{uuid}/aaaaaaaaaaaaaa.journal.jsonl").status_code == 404


@pytest.fixture
def server(app: Flask) -> Iterator[str]:
    """The address of the application, running on loopback."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def portable(context: Context) -> Simulation:
    """A finished election that every version of the tool can read."""
    simulation = sound("belenios")
    fill_box(context, simulation)
    return simulation


def test_belenios_tool_2_reads_the_running_application(
    belenios20: Tool, portable: Simulation, server: str
) -> None:
    belenios20.run("election", "verify", "--url", f"{server}/elections/{portable.election.uuid}")


def test_belenios_tool_33_pulls_our_archive(belenios33: Tool, portable: Simulation, server: str) -> None:
    uuid = portable.election.uuid
    pulled = belenios33.run("archive", "pull", "--url", f"{server}/", "--uuid", uuid)
    assert pulled.stdout.encode() == portable.archive


def test_belenios_tool_33_verifies_the_running_application(
    belenios33: Tool, portable: Simulation, server: str
) -> None:
    belenios33.run("election", "verify", "--url", f"{server}/", "--uuid", portable.election.uuid)


def test_belenios_tool_3_reads_the_running_application(
    belenios30: Tool, portable: Simulation, server: str
) -> None:
    belenios30.run("election", "verify", "--url", server, "--uuid", portable.election.uuid)
