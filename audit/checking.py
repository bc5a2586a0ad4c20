"""Check instead of cast: what does the ballot contain that a voter's phone gave up? (rule V4)"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from audit.fetch import FetchError, fetch_file, split_election_url, unescape
from crypto.ballot import open_ballot
from crypto.challenge import Challenge, parse_challenge
from crypto.checker import PlainChecker
from crypto.election import Election, parse_election
from crypto.encoding import parse_base64
from crypto.errors import MalformedError, ProtocolError, RejectedError
from crypto.journal import JournalReader
from crypto.words import fingerprint_words

_LARGEST_RECORD = 64 << 20
_LARGEST_JOURNAL = 1 << 30


class NotOpened(Exception):  # noqa: N818 - says what is the case
    """The ballot is not what the code says; the text names the part that differs."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What a ballot contains. ``is_given_up``: the journal says so; None if it was not asked."""

    election: Election
    challenge: Challenge
    is_given_up: bool | None


def _split(code: str) -> tuple[str | None, Challenge]:
    """The address in front of the ``#``, if the whole text of a QR code was given, and what the code says."""
    address, mark, fragment = code.strip().rpartition("#")
    # Some scanners write signs of an address in another way.
    return (address if mark else None), parse_challenge(unescape(fragment))


def _is_given_up(raw: bytes, election: Election, tracker: str) -> bool:
    """Whether the journal names the ballot; ProtocolError if it cannot be read as this election's, NotOpened if it is
    not of the service that the election data name.
    """
    reader = JournalReader()
    found = False
    for line in raw.split(b"\n")[:-1]:
        read = reader.feed(line)
        found = found or (read.kind == "ballot-challenged" and read.payload["tracker"] == tracker)
    if reader.election != election.uuid:
        raise RejectedError("J9", "the journal belongs to another election")
    terms = election.record_terms
    if terms is not None and terms.service_key != reader.service_key:
        # One of somebody's own, for this device: what it says of the ballot binds nobody.
        raise NotOpened(
            "the journal is sealed with another key than the election data name: it proves nothing"
        )
    return found


def check_ballot_code(
    code: str, folder: Path, election_file: Path | None, ballot_file: Path | None
) -> Opened:
    """Opens the ballot of a code; files that are not given are fetched from the code's address.

    NotOpened if the ballot is not what the code says. ProtocolError, FetchError and OSError say that it
    could not be checked.
    """
    address, challenge = _split(code)
    place = split_election_url(address or "")
    if address is not None and place is None:
        raise FetchError(f"{address}: not the address of an election")
    if place is None and (election_file is None or ballot_file is None):
        raise FetchError(
            "this code has no address: give --election and --ballot, or the whole text of the QR code"
        )
    base, uuid = place or ("", "")
    interface = f"{base}/api/v1/elections/{uuid}"
    if election_file is not None:
        election = parse_election(election_file.read_bytes().removesuffix(b"\n"))
    else:
        election = parse_election(fetch_file(f"{interface}/election", folder, _LARGEST_RECORD))
    if place is not None and election.uuid != uuid:
        raise RejectedError("V3", "the election data are another election's than the code names")
    if not election.is_homomorphic:
        raise MalformedError("S1", "questions of this kind are opened by a later version of this program")
    if ballot_file is not None:
        raw = ballot_file.read_bytes().removesuffix(b"\n")
    else:
        digest = parse_base64(challenge.tracker, "V4", 32, "tracker").hex()
        raw = fetch_file(f"{interface}/challenges/{digest}", folder, _LARGEST_RECORD)
    try:
        open_ballot(
            election, raw, challenge.tracker, challenge.seed, challenge.choices, PlainChecker(election.group)
        )
    except ProtocolError as error:
        raise NotOpened(str(error)) from error
    is_given_up = None
    if place is not None and ballot_file is None:
        journal = fetch_file(f"{base}/elections/{uuid}/{uuid}.journal.jsonl", folder, _LARGEST_JOURNAL)
        is_given_up = _is_given_up(journal, election, challenge.tracker)
        if not is_given_up:
            raise NotOpened("the journal does not say that this ballot was given up: it could still be cast")
    return Opened(election, challenge, is_given_up)


def opened_lines(opened: Opened) -> Iterator[str]:
    """What the ballot contains, in the election's words."""
    election = opened.election
    yield "The ballot contains exactly this:"
    yield ""
    for number, (question, chosen) in enumerate(
        zip(election.homomorphic_questions, opened.challenge.choices, strict=True), 1
    ):
        yield f"Question {number}: {question.question}"
        if chosen == "blank":
            yield "  blank vote"
        elif not chosen:
            yield "  nothing chosen"
        else:
            yield from (f"  {question.answers[int(index)]}" for index in sorted(map(int, chosen)))
    yield ""
    yield f"election     {election.name} ({election.uuid})"
    yield f"fingerprint  {election.fingerprint}"
    yield f"words        {fingerprint_words(election.fingerprint)}"
    yield f"tracker      {opened.challenge.tracker}"
    yield ""
    yield "Compare these words with those on your voting sheet: others are another election."
    if opened.is_given_up is None:
        yield "Whether the ballot was given up, so that it can never be cast, was not asked."
    else:
        yield "This ballot was given up to be checked; it can never be cast. Vote with a new one."
