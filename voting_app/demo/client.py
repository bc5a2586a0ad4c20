"""Requests of the demo's people to the application, as any program makes them."""

import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from crypto.encoding import encode_json_bytes

# A request after closing may have to wait until a large election is counted.
_TIMEOUT_SECONDS = 600.0


class RefusedError(Exception):
    """The application refused a request; `code` is the stable one of the problem document."""

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        self.status = status
        self.code = str(problem.get("code", ""))
        title = problem.get("title", f"It answered with status {status}.")
        super().__init__(f"{title} {problem.get('detail', '')}".strip())


class Client:
    """A connection to one application; several threads may use it."""

    def __init__(self, url: str) -> None:
        # Not the environment's proxy: this goes to the same computer.
        self._http = httpx.Client(base_url=url, timeout=_TIMEOUT_SECONDS, trust_env=False)

    def get(self, path: str, token: str | None = None) -> Any:
        """The JSON value at `path`."""
        return self._send("GET", path, None, token).json()

    def get_bytes(self, path: str) -> bytes:
        """What stands at `path`, byte for byte."""
        return self._send("GET", path, None, None).content

    def post(self, path: str, body: Any = None, token: str | None = None, *, method: str = "POST") -> Any:
        """Send bytes as they are and other values as JSON; the JSON value of the answer."""
        content = body if isinstance(body, bytes) or body is None else encode_json_bytes(body)
        return self._send(method, path, content, token).json()

    def download(self, path: str, target: Path) -> None:
        """Write what stands at `path` to a file."""
        with self._http.stream("GET", path) as response, target.open("wb") as file:
            if response.status_code != httpx.codes.OK:
                response.read()
                raise _make_refusal(response)
            for chunk in response.iter_bytes():
                file.write(chunk)

    def _send(self, method: str, path: str, content: bytes | None, token: str | None) -> httpx.Response:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        response = self._http.request(method, path, content=content, headers=headers)
        if not response.is_success:
            raise _make_refusal(response)
        return response

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()


def _make_refusal(response: httpx.Response) -> RefusedError:
    try:
        problem = response.json()
    except json.JSONDecodeError:
        problem = {}
    return RefusedError(response.status_code, problem if isinstance(problem, dict) else {})
