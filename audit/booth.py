"""Are the pages that a server shows the ones that its journal names? (journal kind ``booth-files``)"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from audit.fetch import FetchError, MissingError, fetch_file, split_election_url
from crypto.encoding import sha256_hex
from crypto.errors import RejectedError
from crypto.journal import JournalReader

_LARGEST_FILE = 64 << 20
_LARGEST_JOURNAL = 1 << 30


@dataclass(frozen=True, slots=True)
class BoothReport:
    """What was found. ``lists``: how many lists the journal has; the last one was compared."""

    uuid: str
    files: int
    lists: int
    different: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def is_same(self) -> bool:
        return not self.different and not self.missing


def _read_lists(raw: bytes, uuid: str) -> list[list[list[str]]]:
    """Every list of the journal, which must be this election's; ProtocolError."""
    reader = JournalReader()
    lists = []
    for line in raw.split(b"\n")[:-1]:
        read = reader.feed(line)
        if read.kind == "booth-files":
            lists.append(read.payload["files"])
    if reader.election != uuid:
        raise RejectedError("J9", "the journal belongs to another election")
    return lists


def _addresses(path: str) -> list[tuple[str, str | None]]:
    """Where a page must be the same, and the language in which to ask: links and sheets name no language."""
    address, mark, language = path.partition("?lang=")
    return [(path, None), (address, language)] if mark else [(path, None)]


def check_booth(
    url: str,
    journal: Path | None,
    folder: Path,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> BoothReport:
    """Fetches every file that the journal's last list names, from the address of any page of an election.

    ProtocolError, FetchError and OSError say that it could not be checked.
    """
    place = split_election_url(url)
    if place is None:
        raise FetchError(f"{url}: not the address of an election")
    base, uuid = place
    if journal is None:
        raw = fetch_file(f"{base}/elections/{uuid}/{uuid}.journal.jsonl", folder, _LARGEST_JOURNAL)
    else:
        raw = journal.read_bytes()
    lists = _read_lists(raw, uuid)
    if not lists:
        raise FetchError("the journal does not say what the pages consist of (no line booth-files)")
    different: list[str] = []
    missing: list[str] = []
    for number, (path, digest) in enumerate(lists[-1], 1):
        try:
            for address, language in _addresses(path):
                if sha256_hex(fetch_file(base + address, folder, _LARGEST_FILE, language)) != digest:
                    different.append(path if address == path else f"{address} (for a browser in {language})")
                    break
        except MissingError:
            missing.append(path)
        progress(number, len(lists[-1]))
    return BoothReport(uuid, len(lists[-1]), len(lists), tuple(different), tuple(missing))
