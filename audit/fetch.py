"""Downloads what an election publishes: the only file of the auditor that opens a connection."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from audit.progress import LateProgress

_TIMEOUT = 60  # seconds without a byte
_TRIES = 5
_PIECE = 1 << 16
_GONE = (404, 410)
_GZIP = 16 + zlib.MAX_WBITS
_ADDRESS = re.compile(r"(?P<folder>.*/elections/(?P<uuid>[1-9A-HJ-NP-Za-km-z]{14,}))(?:/(?P=uuid)\.bel)?/?")

_PAGE = re.compile(
    r"(?P<base>https?://[^#?]*?)/elections/(?P<uuid>[1-9A-HJ-NP-Za-km-z]{14,})(?=[/#?]|$)", re.I
)


class FetchError(Exception):
    """The address could not be read; the text says why."""


class MissingError(FetchError):
    """The server says that there is nothing at this address."""


class RedirectedError(FetchError):
    """The server leads to another address. The same bytes may mean something else there: what a module imports, for
    one, is looked for below the address at which the module was found."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """Local copies; ``journal`` only where the address is an election's."""

    archive: Path
    journal: Path | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came besides the bytes. headers: in the order in which they came, names in small letters."""

    status: int
    headers: tuple[tuple[str, str], ...]

    def get_all(self, name: str) -> list[str]:
        """Every value of that header."""
        return [value for other, value in self.headers if other == name]


def is_url(text: str) -> bool:
    """Whether the argument is an address rather than a file's name."""
    return text.lower().startswith(("http://", "https://"))


def _download(
    url: str,
    target: Path,
    limit: int | None = None,
    headers: Mapping[str, str] | None = None,
    *,
    is_led: bool = True,
) -> Answer:
    """``limit``: the most bytes that are taken; a server must not fill the disk with what is known to be small.
    is_led: whether redirects are followed."""
    # Imported here: most audits read a file, and would wait for this first.
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.request import HTTPRedirectHandler, Request, build_opener

    class Stay(HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    if not is_url(url):
        raise FetchError(f"{url}: only http and https addresses are read")
    try:
        request = Request(url, headers=dict(headers or {}))  # noqa: S310
        opener = build_opener() if is_led else build_opener(Stay)
        with opener.open(request, timeout=_TIMEOUT) as response, target.open("wb") as file:
            with LateProgress("fetching", response.length) as bar:
                while piece := response.read(_PIECE):
                    file.write(piece)
                    if limit is not None and file.tell() > limit:
                        raise FetchError(f"{url}: longer than {limit} bytes")
                    bar.update(file.tell())
            if response.length:
                raise FetchError(f"{url}: the connection ended {response.length} bytes too early")
            return Answer(
                response.status, tuple((name.lower(), value) for name, value in response.headers.items())
            )
    except HTTPError as error:
        # It is an answer too, with a connection.
        error.close()
        if 300 <= error.code < 400:
            raise RedirectedError(
                f"{url} redirects to {error.headers.get('Location')}: not followed"
            ) from error
        kind = MissingError if error.code in _GONE else FetchError
        raise kind(f"{url}: {error.code} {error.reason}") from error
    except (URLError, HTTPException, OSError) as error:
        raise FetchError(f"{url}: {getattr(error, 'reason', error)}") from error


def fetch_election(url: str, folder: Path) -> Fetched:
    """Downloads into ``folder``. An election's address gives archive and journal; any other
    address is taken for an archive's own."""
    match = _ADDRESS.fullmatch(url.rstrip("/"))
    archive = folder / "archive.bel"
    if match is None:
        _download(url, archive)
        return Fetched(archive, None)
    base = f"{match['folder']}/{match['uuid']}"
    journal = folder / "journal.jsonl"
    _download(f"{base}.journal.jsonl", journal)
    for _ in range(_TRIES):
        # The two are one moment's if no act was written to the journal while the archive came.
        before = journal.read_bytes()
        _download(f"{base}.bel", archive)
        _download(f"{base}.journal.jsonl", journal)
        if journal.read_bytes() == before:
            return Fetched(archive, journal)
    raise FetchError(f"{url}: the election is being worked on at this moment; try again in a minute")


def split_election_url(url: str) -> tuple[str, str] | None:
    """The address before ``/elections/``, and the election's uuid; None if it is not an election's."""
    match = _PAGE.match(url) if is_url(url) else None
    return None if match is None else (match["base"], match["uuid"])


def unescape(text: str) -> str:
    """Text out of an address, with what stands there as %XX written out."""
    from urllib.parse import unquote

    return unquote(text)


def fetch_file(url: str, folder: Path, limit: int) -> bytes:
    """One small file, at most ``limit`` bytes, from that very address: redirects are refused."""
    return fetch_answer(url, folder, limit)[0]


def fetch_answer(
    url: str, folder: Path, limit: int, headers: Mapping[str, str] | None = None
) -> tuple[bytes, Answer]:
    """Like fetch_file, with what came besides; a body that came compressed with gzip is unpacked."""
    target = folder / "fetched"
    answer = _download(url, target, limit, headers, is_led=False)
    body = target.read_bytes()
    if [value.lower() for value in answer.get_all("content-encoding")] == ["gzip"]:
        body = _unpack(url, body, limit)
    return body, answer


def _unpack(url: str, packed: bytes, limit: int) -> bytes:
    unpacker = zlib.decompressobj(_GZIP)
    try:
        body = unpacker.decompress(packed, limit + 1)
    except zlib.error as error:
        raise FetchError(f"{url}: damaged ({error})") from error
    if len(body) > limit:
        raise FetchError(f"{url}: longer than {limit} bytes")
    if not unpacker.eof or unpacker.unused_data:
        raise FetchError(f"{url}: damaged (not one whole gzip stream)")
    return body
