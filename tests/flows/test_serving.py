"""The servers of these tests end with the tests."""

import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.flows.serving import HOST, PROJECT

_TESTS = """
import sys
from pathlib import Path
from tests.flows.serving import running_installation

with running_installation(Path(sys.argv[1])) as running:
    print(running.port, flush=True)
    sys.stdin.read()
"""


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) == 0


def test_a_server_does_not_survive_tests_that_were_killed(tmp_path: Path) -> None:
    """As by an editor that is closed, or by a limit of time: nothing is left that could end the server."""
    command = [sys.executable, "-c", _TESTS, str(tmp_path)]
    with subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as tests:
        assert tests.stdout is not None
        port = int(tests.stdout.readline())
        assert is_listening(port)
        tests.kill()
    deadline = time.monotonic() + 20
    while is_listening(port):
        assert time.monotonic() < deadline, "the server is still there"
        time.sleep(0.05)
