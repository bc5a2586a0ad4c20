"""The application as a child process of the demo: the same program that `steward serve` runs, on loopback only.

`python -m voting_app.demo.server FOLDER PORT` serves the installation in FOLDER (port 0: a free one), writes one line
to standard output, `listening PORT` or `busy`, and ends when its standard input ends. So it never outlives the
demo, however that ends, and Ctrl-C at the terminal ends the demo's voting, not the server under it.
"""

import contextlib
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

HOST = "127.0.0.1"
LOG_NAME = "server.log"
_THREADS = 8
_START_SECONDS = 60
_STOP_SECONDS = 20


class ServerError(Exception):
    """The application did not start or has ended; the text says what is known."""


class PortBusyError(ServerError):
    """Another program listens on the port."""


# --- the parent's side -------------------------------------------------------------------------------


class Server:
    """A running application."""

    def __init__(self, process: "subprocess.Popen[str]", port: int, log: Path) -> None:
        self._process = process
        self._log = log
        self.url = f"http://{HOST}:{port}"

    def read_log(self) -> str:
        """The newest lines of the application's log, each on a line of its own, or nothing."""
        return _read_tail(self._log)

    def require_running(self) -> None:
        """ServerError if it has ended."""
        if self._process.poll() is not None:
            raise ServerError(f"The application has stopped unexpectedly.{_read_tail(self._log)}")


@contextlib.contextmanager
def running_server(folder: Path, port: int) -> Iterator[Server]:
    """Serve the installation in `folder` while the block runs. Raises PortBusyError, ServerError."""
    log = folder / LOG_NAME
    process = subprocess.Popen(
        [sys.executable, "-m", "voting_app.demo.server", str(folder), str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # Ctrl-C is for the demo alone.
        start_new_session=True,
    )
    try:
        yield Server(process, _wait_for_port(process, port, log), log)
    finally:
        _stop(process)


def _wait_for_port(process: "subprocess.Popen[str]", port: int, log: Path) -> int:
    # A server that hangs before it says anything is ended, which ends this reading too.
    watchdog = threading.Timer(_START_SECONDS, process.kill)
    watchdog.daemon = True
    watchdog.start()
    try:
        word, _, number = (process.stdout.readline() if process.stdout else "").strip().partition(" ")
    finally:
        watchdog.cancel()
    if word == "busy":
        raise PortBusyError(
            f"Port {port} is used by another program on this computer; choose another one with --port."
        )
    if word == "denied":
        raise ServerError(f"This user may not listen on port {port}; choose one above 1023 with --port.")
    if word != "listening":
        raise ServerError(f"The application did not start.{_read_tail(log)}")
    return int(number)


def _stop(process: "subprocess.Popen[str]") -> None:
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    try:
        process.wait(_STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _read_tail(log: Path) -> str:
    try:
        lines = log.read_text("utf-8", "replace").splitlines()
    except OSError:
        return ""
    return "".join(f"\n  {line}" for line in lines[-5:])


# --- the child's side --------------------------------------------------------------------------------


def main() -> None:
    """Entry point of the child process."""
    from waitress.server import create_server  # noqa: PLC0415  the parent's side does without

    from voting_app.app import create_app  # noqa: PLC0415
    from voting_app.config import load_settings  # noqa: PLC0415
    from voting_app.context import get_context  # noqa: PLC0415
    from voting_app.timer import Timer  # noqa: PLC0415

    folder, port = Path(sys.argv[1]), int(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _leave)
    logging.basicConfig(filename=folder / LOG_NAME, level=logging.WARNING)
    # It warns of every request that waits for a free thread, which is what requests do.
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    listener = _listen(port)
    port = listener.getsockname()[1]
    try:
        # No environment: whoever runs a demo on a machine that also serves must not reach the real database.
        # Nobody votes in a demo, so it may show elections whose result tells votes; it says so then.
        settings = load_settings(
            folder,
            {},
            base_url=f"http://{HOST}:{port}",
            privacy_least_members=1,
            privacy_refuse_readable_weights=False,
            # When a demo closes, no ballot is on its way from a telephone in the country.
            closing_grace_seconds=0,
        )
        app = create_app(settings)
        timer = Timer(get_context(app))
        server = create_server(
            app,
            sockets=[listener],
            threads=_THREADS,
            ident=None,
            max_request_body_size=settings.max_body_bytes,
        )
    except Exception:
        logging.exception("the application did not start")
        raise
    timer.start()
    threading.Thread(target=_leave_with_parent, daemon=True).start()
    _say(f"listening {port}")
    server.run()
    timer.stop()
    get_context(app).database.dispose()


def _listen(port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    if os.name == "posix":
        # A demo can follow another one at once. (On Windows the option would let two programs share a port.)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        # Without this a second program could bind the same port before waitress listens.
        listener.listen(128)
    except PermissionError:
        _say("denied")
        raise SystemExit(1) from None
    except OSError:
        _say("busy")
        raise SystemExit(1) from None
    return listener


def _say(word: str) -> None:
    sys.stdout.write(word + "\n")
    sys.stdout.flush()


def _leave_with_parent() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


def _leave(_number: int, _frame: FrameType | None) -> NoReturn:
    raise SystemExit(0)


if __name__ == "__main__":
    main()
