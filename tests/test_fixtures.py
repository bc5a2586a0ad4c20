"""The stand-ins themselves: a fixture that does nothing would make every test that uses it pass."""

import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
import sqlalchemy

from tests.belenios import Tool, ToolError
from tests.network import OutsideConnectionError

# An address that is reserved for documentation: nobody answers there, should the block ever fail.
OUTSIDE = "192.0.2.1"


@pytest.mark.parametrize(
    "fixture, series", [("belenios20", "2.0"), ("belenios30", "3.0"), ("belenios33", "3.3")]
)
def test_the_outside_verifier_has_the_version_that_its_name_says(
    request: pytest.FixtureRequest, fixture: str, series: str
) -> None:
    tool: Tool = request.getfixturevalue(fixture)
    assert tool.run("--version").stdout.startswith(series)


def test_a_refusal_of_the_outside_verifier_is_an_error_that_shows_what_it_said(
    belenios33: Tool, tmp_path: Path
) -> None:
    with pytest.raises(ToolError, match="election verify"):
        belenios33.run("election", "verify", "--dir", tmp_path)
    assert belenios33.run("election", "verify", "--dir", tmp_path, check=False).returncode != 0


def test_each_database_is_empty_and_of_the_right_kind(database_url: str) -> None:
    engine = sqlalchemy.create_engine(database_url)
    assert sqlalchemy.inspect(engine).get_table_names() == []
    assert database_url.startswith(engine.dialect.name)
    with engine.begin() as connection:
        connection.execute(sqlalchemy.text("CREATE TABLE leftover (id INTEGER)"))
    engine.dispose()


def test_postgresql_gives_the_application_no_rights_beyond_its_database(postgres_url: str) -> None:
    engine = sqlalchemy.create_engine(postgres_url)
    with engine.connect() as connection:
        superuser = connection.scalar(
            sqlalchemy.text("SELECT usesuper FROM pg_user WHERE usename = current_user")
        )
    engine.dispose()
    assert superuser is False


def test_other_machines_are_out_of_reach() -> None:
    with pytest.raises(OutsideConnectionError):
        urllib.request.urlopen(f"http://{OUTSIDE}/", timeout=1)
    with pytest.raises(OutsideConnectionError):
        socket.getaddrinfo("example.org", 80)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram, pytest.raises(OutsideConnectionError):
        datagram.sendto(b"", (OUTSIDE, 53))


def test_this_machine_is_in_reach() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=5) as client,
    ):
        accepted, _ = server.accept()
        with accepted:
            accepted.sendall(b"here")
        assert client.recv(4) == b"here"


@pytest.mark.parametrize(
    "test, outcome",
    [
        ("def test_it():\n    pytest.skip('no such program')", "1 failed"),
        ("pytest.importorskip('no_such_package')\ndef test_it():\n    pass", "1 error"),
        ("@pytest.mark.skip(reason='some day')\ndef test_it():\n    pass", "1 error"),
        (
            "@pytest.mark.xfail(reason='known', strict=True)\ndef test_it():\n    raise ValueError",
            "1 xfailed",
        ),
    ],
)
def test_skips_count_as_failures_where_everything_can_run(tmp_path: Path, test: str, outcome: str) -> None:
    (tmp_path / "test_sample.py").write_text(f"import pytest\n{test}\n")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.conftest", "-p", "no:cacheprovider", tmp_path],
        env={**os.environ, "TEST_NO_SKIPS": "1"},
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert outcome in run.stdout.splitlines()[-1], run.stdout + run.stderr
