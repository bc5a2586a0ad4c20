"""Reads an archive from a file, in order, one entry at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from crypto.archive import RecordParser
from crypto.record import Entry, EntryReader

_CHUNK = 1 << 20


def read_entries(
    path: Path, progress: Callable[[int], None] = lambda _: None
) -> Iterator[tuple[Entry, EntryReader]]:
    """Each entry with the reader that made it (whose cursor the caller completes after Setup).

    ``progress`` gets the number of bytes read so far. Raises ProtocolError under A1–A7 and for what
    crypto.record checks on the way; never more than one record is kept.
    """
    parser, entries = RecordParser(largest=path.stat().st_size), EntryReader()
    read = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            for record in parser.feed(chunk):
                for entry in entries.feed(record):
                    yield entry, entries
            read += len(chunk)
            progress(read)
    parser.close()
    entries.close()
