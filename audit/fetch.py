"""Downloads what an election publishes: the only file of the auditor that opens a connection."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from audit.progress import LateProgress

_TIMEOUT = 60  # seconds without a byte
_TRIES = 5
_PIECE = 1 << 16
_GONE = (404, 410)
_ADDRESS = re.compile(r"(?P<folder>.*/elections/(?P<uuid>[1-9A-HJ-NP-Za-km-z]{14,}))(?:/(?P=uuid)\.bel)?/?")

_PAGE = re.compile(
    r"(?P<base>https?://[^#?]*?)/elections/(?P<uuid>[1-9A-HJ-NP-Za-km-z]{14,})(?=[/#?]|$)", re.I
)


class FetchError(Exception):
    """The address could not be read; the text says why."""


class MissingError(FetchError):
    """The server says that there is nothing at this address."""


@dataclass(frozen=True, slots=True)
class Fetched:
    """Local copies; ``journal`` only where the address is an election's."""

    archive: Path
    journal: Path | None


def is_url(text: str) -> bool:
    """Whether the argument is an address rather than a file's name."""
    return text.lower().startswith(("http://", "https://"))


def _download(url: str, target: Path, limit: int | None = None, language: str | None = None) -> None:
    """``limit``: the most bytes that are taken; a server must not fill the disk with what is known to be small."""
    # Imported here: most audits read a file, and would wait for this first.
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.request import Request, urlopen

    if not is_url(url):
        raise FetchError(f"{url}: only http and https addresses are read")
    try:
        request = Request(url, headers={"Accept-Language": language} if language else {})  # noqa: S310
        with urlopen(request, timeout=_TIMEOUT) as response, target.open("wb") as file:  # noqa: S310
            with LateProgress("fetching", response.length) as bar:
                while piece := response.read(_PIECE):
                    file.write(piece)
                    if limit is not None and file.tell() > limit:
                        raise FetchError(f"{url}: longer than {limit} bytes")
                    bar.update(file.tell())
            if response.length:
                raise FetchError(f"{url}: the connection ended {response.length} bytes too early")
    except HTTPError as error:
        # It is an answer too, with a connection.
        error.close()
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


def fetch_file(url: str, folder: Path, limit: int, language: str | None = None) -> bytes:
    """One small file, at most ``limit`` bytes; ``language``: as a browser asks that is set to it."""
    target = folder / "fetched"
    _download(url, target, limit, language)
    return target.read_bytes()
