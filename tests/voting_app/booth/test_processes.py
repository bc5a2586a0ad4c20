"""Several processes cast at once, and die at random moments: no ballot with a receipt is lost, none is doubled."""

import contextlib
import json
import os
import queue
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from crypto.archive import RecordParser
from crypto.encoding import encode_json_bytes
from crypto.receipt import Receipt, parse_receipt, verify_receipt
from crypto.record import EntryReader
from tests.simulator import Simulation
from tests.voting_app.casting import ballots_of, open_box
from tests.voting_app.processes import (
    PROJECT,
    Server,
    find_children,
    is_running,
    real_context,
    running_server,
    wait_until,
)
from voting_app.booth import service as booth
from voting_app.context import Context
from voting_app.ledger import service as ledger


@pytest.fixture
def real(tmp_path: Path, migrated_url: str) -> Iterator[Context]:
    with real_context(tmp_path, migrated_url) as context:
        yield context


def read_ballots(archive: bytes) -> dict[bytes, tuple[int, str]]:
    """Ballot → where it stands; raises if the archive breaks a rule of its order or a ballot stands in it twice."""
    parser, reader = RecordParser(), EntryReader()
    found: dict[bytes, tuple[int, str]] = {}
    for record in parser.feed(archive):
        for entry in reader.feed(record):
            if entry.event.type == "Ballot":
                assert entry.payload not in found
                found[entry.payload] = (entry.event.height, entry.hash)
    parser.close()
    reader.close()
    return found


def url_of(simulation: Simulation) -> str:
    return f"/api/v1/elections/{simulation.election.uuid}/ballots"


def require_kept(context: Context, box_id: int, receipts: dict[bytes, Receipt], public: str) -> set[bytes]:
    """Every receipt is true of the archive; the ballots in it."""
    archive = b"".join(ledger.iter_archive(context.database, box_id))
    found = read_ballots(archive)
    for raw, receipt in receipts.items():
        verify_receipt(receipt, public)
        assert found[raw] == (receipt.height, receipt.event)
    return set(found)


def test_several_processes_cast_at_once(real: Context) -> None:
    simulation = ballots_of(40)
    box_id = open_box(real, simulation)
    uuid = simulation.election.uuid
    public = ledger.get_service_key(real.settings, uuid).public
    with running_server(real.settings.instance_folder, real.settings.database_url) as server:

        def cast(raw: bytes) -> tuple[bytes, int, Receipt]:
            with server.client() as client:
                answer = client.post(url_of(simulation), content=raw)
            assert answer.status_code in {200, 201}, answer.text + server.log()
            return raw, answer.status_code, parse_receipt(encode_json_bytes(answer.json()["receipt"]))

        # Everybody presses the button twice, at nearly the same time.
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(cast, [raw for raw in simulation.ballots for _ in range(2)]))
    receipts = {raw: receipt for raw, _, receipt in answers}
    assert require_kept(real, box_id, receipts, public) == set(simulation.ballots)
    for raw in simulation.ballots:
        twice = [(status, receipt) for body, status, receipt in answers if body == raw]
        assert sorted(status for status, _ in twice) == [200, 201]
        assert twice[0][1] == twice[1][1]
    assert sorted(receipt.height for receipt in receipts.values()) == list(range(1, 41))
    with real.database.read() as session:
        assert booth.in_flight(session, box_id) == 0


def test_verifiers_are_killed_while_they_work(real: Context) -> None:
    """Nobody is told anything but a receipt, and what they leave is verified by the next ones."""
    simulation = ballots_of(120, seed=52)
    box_id = open_box(real, simulation)
    public = ledger.get_service_key(real.settings, simulation.election.uuid).public
    killed: set[int] = set()
    with running_server(real.settings.instance_folder, real.settings.database_url) as server:
        senders = Senders(server, simulation, list(simulation.ballots))
        while senders.is_sending():
            time.sleep(0.1)
            for pid in server.find_verifiers():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    killed.add(pid)
        senders.finish(now=False)
        workers = server.find_workers()
        assert len(workers) == 2
        assert len(killed) > 2
        assert not senders.surprises
        assert not senders.overloads, server.log()
        assert require_kept(real, box_id, senders.receipts, public) == set(simulation.ballots)
        log = server.log()
    for raw in simulation.ballots:
        assert json.loads(raw)["credential"] not in log


def test_verifiers_end_with_their_worker(real: Context) -> None:
    simulation = ballots_of(12, seed=53)
    open_box(real, simulation)
    with running_server(real.settings.instance_folder, real.settings.database_url) as server:
        assert not server.find_verifiers()
        senders = Senders(server, simulation, list(simulation.ballots))
        senders.finish(now=False)
        verifiers = server.find_verifiers()
        assert verifiers
        assert all(is_running(pid) for pid in verifiers)
        for worker in server.find_workers():
            os.kill(worker, signal.SIGKILL)
        wait_until(lambda: not any(is_running(pid) for pid in verifiers))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_steward_serve_ends_with_its_verifiers_and_says_nothing(
    tmp_path: Path, sqlite_url: str, number: signal.Signals
) -> None:
    simulation = ballots_of(3, seed=54)
    with real_context(tmp_path, sqlite_url) as context:
        open_box(context, simulation)
    command = [
        sys.executable,
        "-c",
        "from voting_app.cli import main; main()",
        "--instance",
        str(tmp_path),
        "serve",
        "--port",
        "0",
    ]
    server = subprocess.Popen(
        command,
        cwd=PROJECT,
        env={**os.environ, "STEWARD_DATABASE_URL": sqlite_url},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert server.stdout is not None
    try:
        address = next(line for line in server.stdout if line.startswith("Steward listens at")).split()[-1]
        for raw in simulation.ballots:
            assert httpx.post(address + url_of(simulation), content=raw, timeout=60).status_code == 201
        verifiers = find_children(server.pid)
        assert verifiers
        # As at a terminal: everybody in its group hears it.
        os.killpg(server.pid, number)
        rest = server.stdout.read()
        server.wait(30)
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
    assert "Traceback" not in rest, rest
    assert "Warning" not in rest, rest
    assert not any(is_running(pid) for pid in verifiers)


class Senders:
    """Six voters' worth of traffic against one server, until it is stopped or everything was sent."""

    def __init__(self, server: Server, simulation: Simulation, waiting: list[bytes]) -> None:
        self.receipts: dict[bytes, Receipt] = {}
        self.surprises: list[str] = []
        self.overloads = 0
        self._server = server
        self._url = url_of(simulation)
        self._waiting = queue.SimpleQueue[bytes]()
        for raw in waiting:
            self._waiting.put(raw)
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send) for _ in range(6)]
        for thread in self._threads:
            thread.start()

    def is_sending(self) -> bool:
        """Whether anything is under way."""
        return any(thread.is_alive() for thread in self._threads)

    def finish(self, *, now: bool) -> None:
        """Wait for all that was given, or now=True only for what is under way."""
        if now:
            self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send(self) -> None:
        with self._server.client() as client:
            while not self._stop.is_set():
                try:
                    raw = self._waiting.get_nowait()
                    answer = client.post(self._url, content=raw)
                except queue.Empty:
                    return
                except httpx.TransportError:
                    continue  # killed before the answer: the voter will try again
                if answer.status_code in {200, 201}:
                    self.receipts[raw] = parse_receipt(encode_json_bytes(answer.json()["receipt"]))
                elif answer.status_code == 503:
                    self.overloads += 1
                else:
                    self.surprises.append(answer.text)


def test_a_killed_server_has_lost_no_ballot_with_a_receipt(real: Context, rng: random.Random) -> None:
    simulation = ballots_of(120, seed=51)
    box_id = open_box(real, simulation)
    public = ledger.get_service_key(real.settings, simulation.election.uuid).public
    receipts: dict[bytes, Receipt] = {}
    waiting = list(simulation.ballots)
    rounds = 0
    while waiting:
        rounds += 1
        with running_server(real.settings.instance_folder, real.settings.database_url) as server:
            senders = Senders(server, simulation, waiting)
            is_killed = rounds <= 4
            if is_killed:
                time.sleep(rng.uniform(0.05, 0.3))
                server.kill()
            senders.finish(now=is_killed)
        assert not senders.surprises
        receipts |= senders.receipts
        # Ballots without a receipt may be in the box or not; those with one are, unchanged and at their place.
        assert require_kept(real, box_id, receipts, public) >= set(receipts)
        waiting = [raw for raw in simulation.ballots if raw not in receipts]
        assert rounds < 30
    assert rounds > 4, "everything was cast before the last kill"
    assert require_kept(real, box_id, receipts, public) == set(simulation.ballots)
