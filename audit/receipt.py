"""Is my ballot in? Looks a receipt up in an archive (rules V1–V3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from audit.reader import read_entries
from crypto.ballot import ballot_tracker
from crypto.election import parse_election
from crypto.encoding import parse_json, require_text
from crypto.errors import RejectedError
from crypto.receipt import Receipt, verify_receipt


class Place(Enum):
    """Where the ballot of a receipt is."""

    COUNTED = "counted"
    SUPERSEDED = "superseded"
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the archive says about a receipt. fingerprint: of the election data that name the key under which its
    signature was verified; None where they name none, so that only a journal could tell the key."""

    place: Place
    sentence: str
    fingerprint: str | None


def _credential(raw: bytes) -> str:
    """Of a ballot of any kind; that the ballot is right is for the whole audit to say."""
    value = parse_json(raw, "B1")
    credential = value.get("credential") if isinstance(value, dict) else None
    return require_text(credential, "B1", "credential")


def find_receipt(
    archive: Path,
    receipt: Receipt,
    service_key: str | None,
    progress: Callable[[int], None] = lambda _: None,
) -> Answer:
    """Searches the whole archive. ProtocolError if it cannot be read or the signature is wrong.

    ``service_key``: of the journal, where there is one. The key that the election data name is what decides, and a
    journal of another key belongs to another record (J9). ``progress`` gets the number of bytes read so far.
    """
    fingerprint: str | None = None
    found_at: int | None = None
    credential = ""
    replaced_at: int | None = None
    elsewhere: int | None = None
    height = -1
    for entry, entries in read_entries(archive, progress):
        height = entry.event.height
        if entry.event.type == "Setup":
            election = parse_election(entry.data[0])
            entries.cursor = entries.cursor.with_election(election)
            if election.uuid != receipt.election:
                raise RejectedError("V3", "the receipt belongs to another election")
            if (terms := election.record_terms) is not None:
                if service_key not in (None, terms.service_key):
                    raise RejectedError("J9", "the journal's service key is not the one of the election data")
                fingerprint = election.fingerprint
            if (key := terms.service_key if terms else service_key) is not None:
                verify_receipt(receipt, key)
        if entry.event.type != "Ballot":
            continue
        if ballot_tracker(entry.payload) == receipt.tracker:
            if (height, entry.hash) == (receipt.height, receipt.event):
                found_at, credential = height, _credential(entry.payload)
            else:
                elsewhere = height
        elif found_at is not None and _same_credential(entry.payload, credential):
            replaced_at = height
    place, sentence = _describe(found_at, replaced_at, elsewhere, receipt.height, height)
    return Answer(place, sentence, fingerprint)


def _describe(
    found_at: int | None, replaced_at: int | None, elsewhere: int | None, promised: int, height: int
) -> tuple[Place, str]:
    """What was found of the ballot that the receipt promises, in words; ``height`` is where the archive ends."""
    if found_at is not None and replaced_at is None:
        return Place.COUNTED, f"your ballot is in the ballot box, at height {found_at}"
    if found_at is not None:
        return Place.SUPERSEDED, (
            f"your ballot is in the ballot box at height {found_at}, but a later vote with the same "
            f"credential at height {replaced_at} counts instead"
        )
    if elsewhere is not None:
        return Place.MISSING, (
            f"the ballot is in the ballot box, but at height {elsewhere} and not where the receipt says: "
            "the box was changed after the receipt was given. Keep the receipt and this file, and complain"
        )
    if promised > height:
        return Place.MISSING, (
            f"your ballot is not in this file, which ends at height {height}; the receipt says height "
            f"{promised}. Fetch a newer copy; if it is not there either, complain"
        )
    return (
        Place.MISSING,
        "your ballot is not in the ballot box. Keep the receipt and this file, and complain",
    )


def _same_credential(raw: bytes, credential: str) -> bool:
    """Cheaper than parsing: the credential's text is quoted in a ballot in exactly one field."""
    return f'"credential":"{credential}"'.encode() in raw
