"""The application as `steward serve` runs it: a process of its own under waitress, on loopback, with SQLite."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from voting_app.access import Role
from voting_app.accounts.service import create_token
from voting_app.clock import SystemClock
from voting_app.config import SECRET_FILE_NAME, load_settings
from voting_app.db import Database, upgrade
from voting_app.demo.client import Client

HOST = "127.0.0.1"
PROJECT = Path(__file__).resolve().parents[2]
_START_SECONDS = 60
_STOP_SECONDS = 20
# Its input ends when whoever has started it is no more, however that came about: then nobody would end it.
_PROGRAM = """
import os, signal, sys, threading
from voting_app.cli import main

def watch():
    sys.stdin.buffer.read()
    os.killpg(0, signal.SIGKILL)

threading.Thread(target=watch, daemon=True).start()
main()
"""


@dataclass
class Installation:
    """One server with a folder, a database and a log of its own; it can be ended and started again."""

    folder: Path
    port: int
    settings: dict[str, str]
    tokens: dict[str, str] = field(default_factory=dict)
    _process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        """Its public address."""
        return f"http://{HOST}:{self.port}"

    @property
    def log(self) -> Path:
        """Everything that it has said."""
        return self.folder / "server.log"

    def files(self) -> list[Path]:
        """Every file that it writes: log, database and what belongs to it. Not the secret that it was given."""
        return [path for path in self.folder.rglob("*") if path.is_file() and path.name != SECRET_FILE_NAME]

    def start(self) -> None:
        """Start it and wait until it answers."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("STEWARD_")}
        command = [
            "-c",
            _PROGRAM,
            "--instance",
            str(self.folder),
            "serve",
            "--port",
            str(self.port),
        ]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, *command],
                cwd=PROJECT,
                env={**own, **self.settings},
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + _START_SECONDS
        while True:
            with contextlib.suppress(OSError), socket.create_connection((HOST, self.port), 1):
                return
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the application did not start:\n{self.log.read_text(errors='replace')}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End it as an administrator does."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at this very moment, as a power cut would (but for the disk)."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, how)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._process = None

    @contextlib.contextmanager
    def client(self) -> Iterator[Client]:
        """Requests as programs make them."""
        with Client(self.url) as client:
            yield client


def find_free_port() -> int:
    """A port of this computer that nobody listens at."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


@contextlib.contextmanager
def running_installation(folder: Path, **settings: str) -> Iterator[Installation]:
    """A running server with an empty database in `folder`. settings: as in steward.toml, in capitals."""
    port = find_free_port()
    environment = {f"STEWARD_{name}": value for name, value in settings.items()}
    environment.setdefault("STEWARD_BASE_URL", f"http://{HOST}:{port}")
    # Nothing arrives late on loopback, and every flow closes an election.
    environment.setdefault("STEWARD_CLOSING_GRACE_SECONDS", "0")
    installation = Installation(folder, port, environment)
    loaded = load_settings(folder, {})
    upgrade(loaded.database_url)
    database = Database(loaded.database_url)
    with database.write() as session:
        for role in (Role.COMMITTEE, Role.REGISTRAR, Role.OBSERVER):
            made = create_token(session, role=role, label="flows", now=SystemClock().now())
            installation.tokens[role] = made.text
    database.dispose()
    try:
        installation.start()
        yield installation
    finally:
        installation.kill()
