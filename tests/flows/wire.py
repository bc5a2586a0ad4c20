"""A proxy between browser and server that writes down every request and can lose the connection.

Playwright tells of requests, too, but as the page's process sees them. Here is what leaves the browser: requests of
workers, beacons, reports and prefetches included, byte for byte. Only addresses of this computer are reached.
"""

import gzip
import http.client
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

# Of the connection, not of the message.
_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "te", "upgrade"}
)
_IDLE_SECONDS = 30
# Chromium asks its maker what kinds of fields a form has, whatever the page. It gets no answer and no mention here:
# what pages ask is to be seen.
_OF_THE_BROWSER = frozenset({"content-autofill.googleapis.com:443"})
# The watcher's own requests have this header: they are passed on, and are no part of what a page did.
OWN_LOOK = "X-Own-Look"


@dataclass(frozen=True)
class Exchange:
    """A request as it left the browser, and its answer; status 0: none came."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    status: int = 0
    answer_headers: tuple[tuple[str, str], ...] = ()
    answer: bytes = field(default=b"", repr=False)

    @property
    def path(self) -> str:
        """The address without scheme and host."""
        return "/" + self.url.partition("://")[2].partition("/")[2]

    def header(self, name: str) -> str:
        """A header of the answer, or nothing."""
        return next((value for key, value in self.answer_headers if key.lower() == name.lower()), "")


@dataclass(frozen=True)
class Weight:
    """What was fetched: answers, their bytes as they came (compressed), those of their headers, and all unpacked."""

    requests: int
    bodies: int
    headers: int
    unpacked: int

    @property
    def total(self) -> int:
        return self.bodies + self.headers


def weigh(exchanges: Iterable[Exchange]) -> Weight:
    """The weight of these answers together, in bytes."""
    requests = bodies = headers = unpacked = 0
    for exchange in exchanges:
        requests += 1
        bodies += len(exchange.answer)
        headers += sum(len(name) + len(value) + 4 for name, value in exchange.answer_headers)
        is_packed = exchange.header("Content-Encoding") == "gzip"
        unpacked += len(gzip.decompress(exchange.answer) if is_packed else exchange.answer)
    return Weight(requests, bodies, headers, unpacked)


Fault = Callable[[str, str], bool]
# On what the answer to a request for a file of the program depends, besides its address.
_CONDITIONS = ("accept-encoding", "if-none-match", "if-modified-since", "range")


@dataclass(frozen=True)
class ProgramFiles:
    """Answers with files of the program below /static/, which stay as they are while a server runs.

    A page fetches fifty of them, and each test's browsers begin with none: here a server is asked for each only once.
    What a browser asks and gets is written down all the same. origins: the servers of which that is true.
    """

    origins: set[str] = field(default_factory=set)
    _answers: dict[tuple[str, ...], Exchange] = field(default_factory=dict)

    def get(self, asked: Exchange, forward: Callable[[], Exchange]) -> Exchange:
        """The answer that was got before, or that `forward` gets."""
        origin = asked.url.removesuffix(asked.path)
        if asked.method != "GET" or origin not in self.origins or not asked.path.startswith("/static/"):
            return forward()
        headers = {name.lower(): value for name, value in asked.headers}
        key = (asked.url, *(headers.get(name, "") for name in _CONDITIONS))
        kept = self._answers.get(key)
        if kept is None:
            kept = forward()
            if kept.status not in (200, 304):
                return kept
            self._answers[key] = kept
        return replace(kept, headers=asked.headers, body=asked.body)


class Wire:
    """The proxy; a context manager. `exchanges` grows as the browser talks. files: that need not be asked for again."""

    def __init__(self, files: ProgramFiles | None = None) -> None:
        self.files = files or ProgramFiles()
        self.exchanges: list[Exchange] = []
        # What was asked of other machines, or through a tunnel whose content can't be read.
        self.strays: list[str] = []
        self._lock = threading.Lock()
        self._lose_request: Fault | None = None
        self._lose_answer: Fault | None = None
        wire = self

        class Handler(_Handler):
            """A handler that knows this wire."""

            def __init__(self, *args: Any, **kwargs: Any) -> None:
                self.wire = wire
                super().__init__(*args, **kwargs)

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        """Its address, for the browser."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def lose_requests(self, method: str, part: str) -> None:
        """From now on requests of this kind whose path has `part` break off before the server sees them."""
        self._lose_request = lambda m, path: m == method and part in path

    def lose_answers(self, method: str, part: str) -> None:
        """From now on the server gets such requests and acts, and the connection breaks before the browser hears."""
        self._lose_answer = lambda m, path: m == method and part in path

    def mend(self) -> None:
        """Nothing is lost any more."""
        self._lose_request = self._lose_answer = None

    def find(self, method: str, part: str) -> list[Exchange]:
        """The exchanges with this method whose path has `part`."""
        return [e for e in list(self.exchanges) if e.method == method and part in e.path]

    def is_request_lost(self, method: str, path: str) -> bool:
        return self._lose_request is not None and self._lose_request(method, path)

    def is_answer_lost(self, method: str, path: str) -> bool:
        return self._lose_answer is not None and self._lose_answer(method, path)

    def note(self, exchange: Exchange) -> None:
        with self._lock:
            self.exchanges.append(exchange)

    def note_stray(self, what: str) -> None:
        with self._lock:
            self.strays.append(what)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.end_connections()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    """Threads end with their connections, and connections with the server, so that nothing outlives a test."""

    daemon_threads = False
    request_queue_size = 64

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._open: set[socket.socket] = set()
        self._guard = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._guard:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._open.discard(request)
        super().shutdown_request(request)

    def end_connections(self) -> None:
        """Wake the threads that wait for another request of a browser that is gone."""
        with self._guard:
            for connection in self._open:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that goes away in the middle is nothing to talk of; everything else is a fault of ours."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = _IDLE_SECONDS
    wire: Wire

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        asked = Exchange(
            self.command, self.path, tuple(self.headers.items()), self.rfile.read(length) if length else b""
        )
        if parts.scheme != "http" or parts.hostname not in ("127.0.0.1", "localhost") or parts.port is None:
            self._refuse(asked)
            return
        if self.wire.is_request_lost(self.command, asked.path):
            self.wire.note(asked)
            self.close_connection = True
            return
        host, port = parts.hostname, parts.port
        answered = self.wire.files.get(asked, lambda: self._forward(asked, host, port))
        if OWN_LOOK not in self.headers:
            self.wire.note(answered)
        if answered.status == 0 or self.wire.is_answer_lost(self.command, asked.path):
            self.close_connection = True
            return
        self.send_response_only(answered.status)
        for name, value in answered.answer_headers:
            if name.lower() not in _HOP_BY_HOP | {"content-length"}:
                self.send_header(name, value)
        if answered.status not in (204, 304):
            # An answer to HEAD has the length of what GET would bring.
            length_text = answered.header("content-length") if self.command == "HEAD" else ""
            self.send_header("Content-Length", length_text or str(len(answered.answer)))
        self.end_headers()
        self.wfile.write(answered.answer)

    do_HEAD = do_POST = do_PUT = do_DELETE = do_OPTIONS = do_PATCH = do_GET

    def do_CONNECT(self) -> None:
        """A tunnel: the application's pages have no use for one."""
        self._refuse(Exchange(self.command, self.path, tuple(self.headers.items()), b""))

    def _refuse(self, asked: Exchange) -> None:
        if asked.url not in _OF_THE_BROWSER:
            self.wire.note(asked)
            self.wire.note_stray(f"{asked.method} {asked.url}")
        self.close_connection = True
        self.send_response_only(502)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _forward(self, asked: Exchange, host: str, port: int) -> Exchange:
        connection = http.client.HTTPConnection(host, port, timeout=120)
        try:
            connection.putrequest(asked.method, asked.path, skip_host=True, skip_accept_encoding=True)
            for name, value in asked.headers:
                if name.lower() not in _HOP_BY_HOP:
                    connection.putheader(name, value)
            connection.putheader("Connection", "close")
            connection.endheaders(asked.body or None)
            response = connection.getresponse()
            return Exchange(
                asked.method,
                asked.url,
                asked.headers,
                asked.body,
                response.status,
                tuple(response.getheaders()),
                response.read(),
            )
        except (OSError, http.client.HTTPException):
            return asked
        finally:
            connection.close()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the name of the library's parameter
        """Exchanges are the log."""
