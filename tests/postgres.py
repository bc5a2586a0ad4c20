"""A private PostgreSQL server for tests: made in a temporary folder, reached by a Unix socket, gone afterwards."""

import contextlib
import getpass
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
from psycopg import sql

ADMIN = "postgres"
# Databases belong to a role that may do no more than the application's own role in real use.
OWNER = "steward"
START_SECONDS = 60


class PostgresMissingError(LookupError):
    """This machine has no PostgreSQL server; the message says how to get one."""


class Cluster:
    """A running server; `new_database` gives a database of its own to each caller."""

    def __init__(self, folder: Path, server: "subprocess.Popen[bytes]") -> None:
        self._folder = folder
        self._server = server
        self._numbers = count(1)
        self.pid = server.pid

    def new_database(self, template: str = "") -> str:
        """Makes an empty database, or a copy of another one that nobody is connected to, and returns its URL.

        The URLs are for SQLAlchemy with psycopg 3.
        """
        name = f"test_{next(self._numbers)}"
        self._administer(
            sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(OWNER), sql.Identifier(_name_of(template) or "template1")
            )
        )
        return f"postgresql+psycopg://{OWNER}@/{name}?host={quote(str(self._folder), safe='')}"

    def drop_database(self, url: str) -> None:
        """Removes a database again and ends the connections that are left open to it."""
        if self._server.poll() is not None:
            return  # Ctrl-C has stopped the server already, and its databases go with it.
        name = sql.Identifier(_name_of(url))
        self._administer(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))

    def read_tables(self) -> bytes:
        """All bytes of all tables, as they are on the disk."""
        self._administer(sql.SQL("CHECKPOINT").format())
        return b"".join(
            file.read_bytes() for file in (self._folder / "data" / "base").rglob("*") if file.is_file()
        )

    def _administer(self, statement: sql.Composed) -> None:
        with psycopg.connect(
            host=str(self._folder), user=ADMIN, dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(statement)


def _name_of(url: str) -> str:
    return url.partition("@/")[2].partition("?")[0]


def find_programs() -> Path:
    """The folder with `initdb` and `postgres`, the newest one first, or PostgresMissingError."""
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True
    )
    on_path = shutil.which("postgres")
    for folder in [*debian, *([Path(on_path).resolve().parent] if on_path else [])]:
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            return folder
    raise PostgresMissingError(
        "the PostgreSQL server is not here: apt-get install postgresql, or your system's like"
    )


@contextlib.contextmanager
def running_cluster(*, durable: bool = False) -> Iterator[Cluster]:
    """Starts a server and stops it at the end.

    durable: write to disk as a server in real use does. Tests kill programs, never the machine, so that they may do
    without; measurements may not.
    """
    programs = find_programs()
    # Directly below the system's temporary folder: other users cannot enter pytest's folders, and the path of a Unix
    # socket may have about a hundred characters only.
    folder = Path(tempfile.mkdtemp(prefix="steward-pg-"))
    user = _server_user()
    try:
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        data = folder / "data"
        encoding = ["--encoding", "UTF8", "--locale", "C"]
        access = ["--username", ADMIN, "--auth", "trust"]
        _run_as(user, [programs / "initdb", "--pgdata", data, *access, *encoding, "--no-sync"], folder)
        settings = {
            # No network: who may enter the folder, which is its owner (and root), may connect.
            "listen_addresses": "",
            "unix_socket_directories": str(folder),
            "max_connections": "100",
            "shared_buffers": "64MB",
            "fsync": "on" if durable else "off",
        }
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        with (folder / "log").open("wb") as log:
            server = subprocess.Popen(
                [programs / "postgres", "-D", data, *options],
                cwd=folder,
                stdout=log,
                stderr=subprocess.STDOUT,
                # It stays in the tests' process group: what ends them from outside, like CI's time limit, ends it too.
                **_identity(user),
            )
        try:
            _wait_until_ready(server, folder)
            yield Cluster(folder, server)
        finally:
            # A "fast" stop, then the hard way: nothing in there is worth keeping.
            server.send_signal(signal.SIGINT)
            try:
                server.wait(timeout=20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _server_user() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: then as its own user, or as nobody. Otherwise as whoever runs the tests."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise PostgresMissingError(f"PostgreSQL does not run as {getpass.getuser()}, and there is no user for it")


def _identity(user: pwd.struct_passwd | None) -> dict[str, Any]:
    return {} if user is None else {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _run_as(user: pwd.struct_passwd | None, command: list[str | Path], folder: Path) -> None:
    done = subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        **_identity(user),
    )
    if done.returncode != 0:
        raise RuntimeError(f"{command[0]} failed: {done.stderr.strip()}")


def _wait_until_ready(server: "subprocess.Popen[bytes]", folder: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with psycopg.connect(
                host=str(folder), user=ADMIN, dbname="postgres", autocommit=True
            ) as connection:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(OWNER)))
            return
        except psycopg.OperationalError as error:
            if server.poll() is not None or time.monotonic() > deadline:
                log = (folder / "log").read_text(errors="replace")
                raise RuntimeError(f"PostgreSQL did not start:\n{log}") from error
            time.sleep(0.05)
