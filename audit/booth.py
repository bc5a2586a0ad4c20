"""Are the pages that a server shows the ones that its journal names? (journal kind ``booth-files``)"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from audit.browsing import find_fault, make_headers
from audit.fetch import (
    FetchError,
    MissingError,
    RedirectedError,
    fetch_answer,
    split_election_url,
)
from audit.references import list_references
from crypto.election import Election, parse_election
from crypto.encoding import sha256_hex
from crypto.errors import MalformedError, RejectedError
from crypto.journal import JournalReader

_LARGEST_FILE = 64 << 20
_LARGEST_JOURNAL = 1 << 30

# Of the program's pages; each has texts of its own.
LANGUAGES = ("en", "es", "fr")
_PAGES = ("vote", "check", "trustee")
# Readers of a language in which there is no page, and whose browser says none, get a page as well: one of the listed.
_STRANGERS = ("de", None)


@dataclass(frozen=True, slots=True)
class BoothReport:
    """What was found. ``lists``: how many lists the journal has; the last one was compared.

    unlisted: what people would load and the list does not name. fingerprint: of the election data, which name the
    service's key if ``is_bound``.
    """

    uuid: str
    files: int
    lists: int
    different: tuple[str, ...]
    missing: tuple[str, ...]
    unlisted: tuple[str, ...]
    fingerprint: str
    is_bound: bool

    @property
    def is_same(self) -> bool:
        return not self.different and not self.missing and not self.unlisted


def _read_lists(raw: bytes, election: Election) -> list[dict[str, str]]:
    """Every list of the journal, which must be this election's, whole, and sealed after the last one; ProtocolError."""
    if not raw.endswith(b"\n"):
        raise MalformedError("J1", "the last line of the journal is incomplete")
    reader = JournalReader()
    lists: list[dict[str, str]] = []
    is_sealed = True
    for line in raw.split(b"\n")[:-1]:
        read = reader.feed(line)
        if read.kind == "booth-files":
            lists.append(dict(read.payload["files"]))
            is_sealed = False
        is_sealed = is_sealed or read.kind == "seal"
    reader.close()
    terms = election.record_terms
    if reader.election != election.uuid:
        raise RejectedError("J9", "the journal belongs to another election")
    if terms is not None and terms.service_key != reader.service_key:
        raise RejectedError("J9", "the journal's service key is not the one of the election data")
    if not is_sealed:
        raise RejectedError("J4", "the last list of files is not sealed: try again in a minute")
    return lists


@dataclass(frozen=True, slots=True)
class _Site:
    """The server, and what it answers that is not as listed."""

    base: str
    folder: Path

    def fetch_record(self, address: str, limit: int) -> bytes:
        """What the pages' programs fetch, and prove by themselves."""
        return fetch_answer(self.base + address, self.folder, limit, make_headers(f"{address}.json"))[0]

    def ask(self, address: str, language: str | None) -> tuple[bytes, str | None]:
        """The bytes at an address, and what a browser would make something else of; MissingError."""
        try:
            body, answer = fetch_answer(
                self.base + address, self.folder, _LARGEST_FILE, make_headers(address, language)
            )
        except RedirectedError:
            return b"", "redirects"
        return body, find_fault(address, answer)

    def compare(self, path: str, files: Mapping[str, str]) -> tuple[bytes, str | None]:
        """The bytes of a listed file, and where and how it differs; MissingError."""
        # Links and sheets name no language: a page must be the same for a browser that is set to its language.
        plain, mark, language = path.partition("?lang=")
        body = b""
        for address, wanted in [(path, language or "en"), (plain, language)] if mark else [(path, "en")]:
            place = path if address == path else f"{address} (for a browser in {language})"
            body, fault = self.ask(address, wanted)
            if fault is not None:
                return body, f"{place} ({fault})"
            if sha256_hex(body) != files[path]:
                return body, place
        return body, None

    def compare_for_strangers(self, plain: str, files: Mapping[str, str]) -> str | None:
        """The page for whoever reads none of the languages: one of the listed."""
        listed = {digest for path, digest in files.items() if path.startswith(f"{plain}?lang=")}
        for language in _STRANGERS:
            body, fault = self.ask(plain, language)
            if fault is not None or sha256_hex(body) not in listed:
                return f"{plain} (for a browser in another language)"
        return None


def _list_needed(uuid: str) -> Iterator[str]:
    for language in LANGUAGES:
        yield from (f"/elections/{uuid}/{page}?lang={language}" for page in _PAGES)
        yield from (f"/texts/{language}.json", f"/texts/trustees/{language}.json")


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
    site = _Site(base, folder)
    election = parse_election(site.fetch_record(f"/api/v1/elections/{uuid}/election", _LARGEST_FILE))
    if election.uuid != uuid:
        raise RejectedError("V3", "the election data are another election's than the address names")
    if journal is None:
        raw = site.fetch_record(f"/elections/{uuid}/{uuid}.journal.jsonl", _LARGEST_JOURNAL)
    else:
        raw = journal.read_bytes()
    lists = _read_lists(raw, election)
    if not lists:
        raise FetchError("the journal does not say what the pages consist of (no line booth-files)")
    files = lists[-1]
    different: list[str] = []
    missing: list[str] = []
    # In the order in which they are found, once each.
    unlisted = {path: path for path in _list_needed(uuid) if path not in files}
    for number, path in enumerate(files):
        progress(number, len(files))
        try:
            body, difference = site.compare(path, files)
        except MissingError:
            missing.append(path)
        else:
            if difference is not None:
                different.append(difference)
                continue
            for reference in list_references(path, body):
                if reference not in files:
                    unlisted.setdefault(reference, f"{reference} (loaded by {path})")
    for plain in (f"/elections/{uuid}/{page}" for page in _PAGES):
        # What was found already is not said twice.
        if any(name.startswith(plain) for name in [*different, *missing, *unlisted]):
            continue
        if (difference := site.compare_for_strangers(plain, files)) is not None:
            different.append(difference)
    return BoothReport(
        uuid,
        len(files),
        len(lists),
        tuple(different),
        tuple(missing),
        tuple(unlisted.values()),
        election.fingerprint,
        election.record_terms is not None,
    )
