"""The voters of the casting measurement, as a process of its own that does as little as it can.

`python -m tests.bench.load PORT CONNECTIONS FILE`: FILE has requests that were made before, each behind its length in
ten digits. Prints JSON: seconds, own processor seconds, and how often each status was answered.
"""

import json
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

LENGTH_DIGITS = 10
_TIMEOUT_SECONDS = 120.0


def encode_requests(uuid: str, ballots: list[bytes]) -> bytes:
    """The file's content."""
    parts: list[bytes] = []
    for ballot in ballots:
        head = (
            f"POST /api/v1/elections/{uuid}/ballots HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(ballot)}\r\n\r\n"
        )
        request = head.encode() + ballot
        parts += [f"{len(request):0{LENGTH_DIGITS}}".encode(), request]
    return b"".join(parts)


def encode_get_requests(path: str, count: int) -> bytes:
    """The content of a file that asks for one address over and over, as a browser does."""
    head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/html\r\nAccept-Encoding: gzip\r\n\r\n"
    return f"{len(head):0{LENGTH_DIGITS}}{head}".encode() * count


def _read_requests(raw: bytes) -> list[bytes]:
    requests: list[bytes] = []
    position = 0
    while position < len(raw):
        start = position + LENGTH_DIGITS
        position = start + int(raw[position:start])
        requests.append(raw[start:position])
    return requests


class _Connection:
    """A connection that is kept, and made again when the server ends it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._socket: socket.socket | None = None

    def send(self, request: bytes) -> int:
        """The status of the answer; the very same request may go out twice, which casts nothing twice."""
        for _ in range(3):
            if self._socket is None:
                self._socket = socket.create_connection(("127.0.0.1", self._port), _TIMEOUT_SECONDS)
                self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                self._socket.sendall(request)
                return self._read_status(self._socket)
            except ConnectionError:
                self._socket = None
        raise ConnectionError("the server ends every connection")

    def _read_status(self, connection: socket.socket) -> int:
        answer = b""
        while (end := answer.find(b"\r\n\r\n")) < 0:
            piece = connection.recv(65536)
            if not piece:
                raise ConnectionError
            answer += piece
        head = answer[:end].lower()
        place = head.index(b"content-length:") + len(b"content-length:")
        length = int(head[place:].partition(b"\r")[0])
        while len(answer) < end + 4 + length:
            answer += connection.recv(65536)
        if b"connection: close" in head:
            connection.close()
            self._socket = None
        return int(answer[9:12])


def main() -> None:
    port, connections = int(sys.argv[1]), int(sys.argv[2])
    requests = _read_requests(Path(sys.argv[3]).read_bytes())
    queue: Iterator[bytes] = iter(requests)
    statuses: Counter[int] = Counter()
    lock = threading.Lock()

    def vote() -> None:
        connection = _Connection(port)
        while True:
            with lock:
                request = next(queue, None)
            if request is None:
                return
            status = connection.send(request)
            with lock:
                statuses[status] += 1

    threads = [threading.Thread(target=vote) for _ in range(connections)]
    started, cpu = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(json.dumps([time.perf_counter() - started, time.process_time() - cpu, statuses]))


if __name__ == "__main__":
    main()
