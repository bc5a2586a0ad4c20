"""A web server on loopback, as honest or as lying as a test wants it."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import PurePosixPath

_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml; charset=utf-8",
    ".jsonl": "text/plain",
}
_POLICY = "default-src 'none'; script-src 'self'; base-uri 'none'"


@dataclass(frozen=True)
class Reply:
    """What is answered. headers: instead of, or besides, those of an honest server."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


@contextmanager
def serving(
    answer: Callable[[str], bytes | Reply | None],
    *,
    lie: int = 0,
    asked: list[tuple[str, dict[str, str]]] | None = None,
) -> Iterator[str]:
    """Serves `answer(path)`, 404 for None; with `lie` it announces that many bytes more than it sends.

    asked: takes the address and the headers of each request.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if asked is not None:
                asked.append((self.path, dict(self.headers.items())))
            found = answer(self.path)
            if not isinstance(found, Reply):
                found = Reply(status=404) if found is None else Reply(found)
            kind = _TYPES.get(PurePosixPath(self.path.partition("?")[0]).suffix, "text/html; charset=utf-8")
            honest = {"Content-Type": kind, "Content-Security-Policy": _POLICY}
            self.send_response(found.status)
            for name, value in {**honest, **found.headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(found.body) + lie))
            self.end_headers()
            self.wfile.write(found.body)

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
