"""What takes longer than two seconds shows that it is at work, at a terminal only."""

import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from typing import Any

import pytest

PULSING = """
import time
from voting_app.patience import pulsing_bar
with pulsing_bar("Counting ballots"):
    time.sleep({seconds})
"""
COUNTED = """
import time
from audit.progress import LateProgress
with LateProgress("verifying", 10) as bar:
    for done in range(10):
        bar.update(done, "5 ballots")
        time.sleep({seconds} / 10)
"""


def run_at_terminal(code: str) -> str:
    """What the code shows where standard error is a terminal."""
    master, slave = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
    with subprocess.Popen([sys.executable, "-c", code], stderr=slave, env=environment) as process:
        os.close(slave)
        shown = b""
        while True:
            try:
                piece = os.read(master, 4096)
            except OSError:  # Linux says so when the other end is closed
                break
            if not piece:
                break
            shown += piece
        os.close(master)
    assert process.returncode == 0
    return shown.decode()


FETCHED = """
import http.server, pathlib, tempfile, threading, time
from audit.fetch import fetch_election
class Slow(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "655360")
        self.end_headers()
        for _ in range(10):
            time.sleep(0.3)
            self.wfile.write(bytes(65536))
    def log_message(self, *_):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Slow)
threading.Thread(target=server.serve_forever, daemon=True).start()
with tempfile.TemporaryDirectory() as folder:
    fetch_election(f"http://127.0.0.1:{server.server_port}/file.bel", pathlib.Path(folder))
"""


AT_TERMINAL = (
    PULSING.format(seconds=3),
    COUNTED.format(seconds=3),
    PULSING.format(seconds=0.3),
    COUNTED.format(seconds=0.3),
    FETCHED,
)
IN_A_PIPE = (PULSING.format(seconds=2.5), COUNTED.format(seconds=2.5))


def run_in_a_pipe(code: str) -> tuple[str, str]:
    """What the code says where nobody looks."""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return run.stdout, run.stderr


Said = Callable[..., Any]


@pytest.fixture(scope="module")
def said() -> Iterator[Said]:
    """What a program says. The first who asks starts them all: they have little to do but to let time go by."""
    with ThreadPoolExecutor(len(AT_TERMINAL) + len(IN_A_PIPE)) as pool:

        @cache
        def start() -> dict[tuple[Any, str], Future[Any]]:
            wanted = [(run_at_terminal, code) for code in AT_TERMINAL]
            wanted += [(run_in_a_pipe, code) for code in IN_A_PIPE]
            return {(run, code): pool.submit(run, code) for run, code in wanted}

        yield lambda run, code: start()[run, code].result()


@pytest.mark.parametrize("code, title", [(PULSING, "Counting ballots"), (COUNTED, "verifying")])
def test_a_bar_appears_after_two_seconds_at_a_terminal(said: Said, code: str, title: str) -> None:
    """Somebody who waits for a minute must see that it is not stuck."""
    assert title in said(run_at_terminal, code.format(seconds=3))


@pytest.mark.parametrize("code", [PULSING, COUNTED])
def test_what_is_quick_shows_nothing(said: Said, code: str) -> None:
    """A bar that flashes by is noise."""
    assert said(run_at_terminal, code.format(seconds=0.3)) == ""


@pytest.mark.parametrize("code", [PULSING, COUNTED])
def test_nothing_is_shown_where_nobody_looks(said: Said, code: str) -> None:
    """Logs and pipes must not fill with control characters."""
    assert said(run_in_a_pipe, code.format(seconds=2.5)) == ("", "")


def test_a_slow_download_shows_how_far_it_is(said: Said) -> None:
    """A large archive takes minutes to come; before it is there, nothing else shows."""
    assert "fetching" in said(run_at_terminal, FETCHED)
