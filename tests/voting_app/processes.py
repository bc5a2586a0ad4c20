"""Runs the application as in real use: gunicorn with several processes, reached over HTTP, killed without warning."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

from tests.voting_app.conftest import make_settings
from voting_app.clock import SystemClock
from voting_app.config import SECRET_FILE_NAME
from voting_app.context import Context
from voting_app.db import Database

PROJECT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 60


class Server:
    """One gunicorn with `workers` processes on a port of its own."""

    def __init__(self, instance: Path, database_url: str, *, workers: int = 2, threads: int = 4) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="steward-test-"))
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self._instance = instance
        self._environment = {
            **os.environ,
            "STEWARD_INSTANCE": str(instance),
            "STEWARD_DATABASE_URL": database_url,
            # More than this machine has cores, so that appends meet.
            "STEWARD_MAX_VERIFICATIONS": "4",
        }
        self._command = [
            sys.executable,
            "-m",
            "gunicorn",
            "--workers",
            str(workers),
            "--threads",
            str(threads),
        ]
        self._command += ["--bind", f"127.0.0.1:{self._port}", "--no-control-socket", "voting_app.wsgi:app"]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                cwd=PROJECT,
                env=self._environment,
                stdout=log,
                stderr=log,
                # A group of its own, so that master and workers can be killed at one stroke.
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        with self.client() as client:
            while True:
                with contextlib.suppress(httpx.TransportError):
                    client.get("/elections/none")
                    return
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"gunicorn did not start:\n{self.log()}")
                time.sleep(0.05)

    def client(self) -> httpx.Client:
        """A client of this server."""
        return httpx.Client(base_url=f"http://127.0.0.1:{self._port}", timeout=60)

    def log(self) -> str:
        """What it has said so far."""
        return (self._folder / "log").read_text(errors="replace")

    def find_workers(self) -> list[int]:
        """The processes that answer requests."""
        return [] if self._process is None else find_children(self._process.pid)

    def find_verifiers(self) -> list[int]:
        """The processes that verify ballots for them."""
        return [child for worker in self.find_workers() for child in find_children(worker)]

    def kill(self) -> None:
        """End master and workers at this very moment, as a power cut would (but for the disk)."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def remove(self) -> None:
        """Kill it and remove its files."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)


def find_children(pid: int) -> list[int]:
    """The processes that a process has started."""
    found: list[int] = []
    # The process, or one of its threads, may have ended since somebody heard of it.
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        for file in Path(f"/proc/{pid}/task").glob("*/children"):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                found += [int(word) for word in file.read_text().split()]
    return found


def find_descendants(pid: int) -> list[int]:
    """The processes that a process has started, those that they have started, and so on."""
    found = find_children(pid)
    for child in found:
        # The list grows while it is walked through.
        found += find_children(child)
    return found


def is_running(pid: int) -> bool:
    """Whether the process is there and has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(is_so: Callable[[], bool], seconds: float = 20) -> None:
    """Wait for something that must come."""
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError("it did not come")
        time.sleep(0.02)


@contextlib.contextmanager
def running_server(
    instance: Path, database_url: str, *, workers: int = 2, threads: int = 4
) -> Iterator[Server]:
    """A running server, gone afterwards."""
    server = Server(instance, database_url, workers=workers, threads=threads)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@contextlib.contextmanager
def real_context(instance: Path, database_url: str) -> Iterator[Context]:
    """What services ask for, with the computer's clock and the secret that the server will read."""
    settings = make_settings(instance, database_url)
    (instance / SECRET_FILE_NAME).write_bytes(b"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n")
    database = Database(database_url)
    try:
        yield Context(settings, database, SystemClock())
    finally:
        database.dispose()
