"""What a trustee saw of the published record at earlier visits, and that the record goes on from there (rule T9).

Both chains only ever grow. Whoever holds the service key could leave ballots out before any trustee
has decrypted, and seal the journal anew from there: in itself that record is sound. Who remembers
one line and one event from before notices it. It is kept beside the key file, under its name with
``.seen``: nothing in it is secret, and a key's copies need not be renewed for it.

The same is kept once more in a folder of the computer's user, under the hash that the trustee committed
to: an older copy of the key file that lies in another folder has no ``.seen`` beside it, and does not
know which sum its key has opened already.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from audit.reader import read_entries
from crypto.election import parse_election
from crypto.encoding import is_sha256_hex, sha256_hex
from crypto.errors import MalformedError, RejectedError
from crypto.journal import JournalReader

RULE = "T9"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Head:
    """A line of the journal, or an event of the ballot box, by its hash."""

    height: int
    head: str


@dataclass(frozen=True, slots=True)
class Seen:
    """The last line and the last event that were seen, and the tally that the key was applied to; None where none
    was.
    """

    journal: Head | None = None
    box: Head | None = None
    decrypted: str | None = None


def seen_file(key_file: Path) -> Path:
    """Where the program looks for what was seen with this key, without being told."""
    return key_file.with_name(f"{key_file.name}.seen")


def computer_note(commitment: str) -> Path | None:
    """Where this computer keeps the same, whichever copy of the key file is used; None where it has no such place."""
    state = Path(os.environ.get("XDG_STATE_HOME") or "")
    try:
        # A relative one is to be ignored, says the standard.
        folder = state if state.is_absolute() else Path.home() / ".local" / "state"
    except RuntimeError:
        return None
    return folder / "steward-trustee" / f"{commitment}.seen"


def parse_head(value: Any, what: str) -> Head:
    """MalformedError (T9) unless it is ``{"height","head"}``."""
    height, head = (value.get("height"), value.get("head")) if isinstance(value, dict) else (None, None)
    if type(height) is not int or height < 0 or not isinstance(head, str) or not is_sha256_hex(head):
        raise _damaged(what)
    return Head(height, head)


def _damaged(what: str) -> MalformedError:
    return MalformedError(RULE, f"{what} is damaged: look for a copy of it")


def read_seen(path: Path) -> Seen:
    """What an earlier visit has written; nothing if there was none. A damaged file is refused, not forgotten."""
    try:
        content = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return Seen()
    except ValueError:
        content = None
    if not isinstance(content, dict) or content.get("version") != VERSION:
        raise _damaged(path.name)
    found = {
        name: None if content.get(name) is None else parse_head(content[name], path.name)
        for name in ("journal", "box")
    }
    decrypted = content.get("decrypted")
    if decrypted is not None and (not isinstance(decrypted, str) or not is_sha256_hex(decrypted)):
        raise _damaged(path.name)
    return Seen(**found, decrypted=decrypted)


def write_seen(path: Path, seen: Seen) -> None:
    """Puts the new note in the place of the old one in a single step."""
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(json.dumps({"version": VERSION, **asdict(seen)}, indent=1) + "\n")
    beside.replace(path)


def compare_journal(known: Sequence[Head], journal: Path) -> Head:
    """Reads a journal by its own rules (J1–J6); RejectedError (T9) unless it has the known lines. Its last line."""
    reader = JournalReader()
    hashes: list[str] = []
    with journal.open("rb") as file:
        for raw in file:
            if not raw.endswith(b"\n"):
                raise MalformedError("J1", "the last line is cut off", f"journal line {len(hashes)}")
            reader.feed(raw[:-1])
            hashes.append(sha256_hex(raw[:-1]))
    reader.close()
    for height, head in ((item.height, item.head) for item in known):
        if height >= len(hashes) or hashes[height] != head:
            raise RejectedError(RULE, f"line {height} of the journal is not the one that was seen before")
    return Head(len(hashes) - 1, hashes[-1])


@dataclass(frozen=True, slots=True)
class BoxEnd:
    """The last event of a ballot box, and the fingerprint of its election."""

    last: Head
    fingerprint: str


def compare_box(
    known: Sequence[Head], archive: Path, progress: Callable[[int], None] = lambda _: None
) -> BoxEnd:
    """Reads a ballot box by the rules of its chain (A1–A7); RejectedError (T9) unless it has the known events."""
    last: Head | None = None
    fingerprint = ""
    found = dict.fromkeys((item.height for item in known), "")
    for entry, reader in read_entries(archive, progress):
        if entry.event.type == "Setup":
            election = parse_election(entry.data[0])
            reader.cursor = reader.cursor.with_election(election)
            fingerprint = election.fingerprint
        last = Head(entry.event.height, entry.hash)
        if last.height in found:
            found[last.height] = entry.hash
    if last is None:
        raise MalformedError("A7", "the archive has no Setup yet")
    for item in known:
        if item.height > last.height:
            sentence = f"the ballot box ends at event {last.height}, but event {item.height} was seen before"
            raise RejectedError(RULE, sentence)
        if found[item.height] != item.head:
            sentence = f"event {item.height} of the ballot box is not the one that was seen before"
            raise RejectedError(RULE, sentence)
    return BoxEnd(last, fingerprint)
