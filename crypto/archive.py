"""The ``.bel`` archive: framing of records and events, byte by byte (PROTOCOL §9; rules A1–A6).

An archive is an old-style tar file without end marker: a header record, then data and event
records, each named by the hash of its body. Every header is fully determined by name, size and the
archive's one timestamp, so reading means: write it anew and compare.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from crypto.encoding import (
    encode_json_bytes,
    parse_decimal,
    parse_json,
    require_fields,
    require_int,
    require_sha256_hex,
    sha256_hex,
)
from crypto.errors import MalformedError, MisuseError, RejectedError

BLOCK = 512
HEADER_NAME = "BELENIOS"
EVENT_TYPES = (
    "Setup",
    "Ballot",
    "EndBallots",
    "EncryptedTally",
    "Shuffle",
    "EndShuffles",
    "PartialDecryption",
    "Result",
)
_TYPES_WITHOUT_PAYLOAD = ("EndBallots", "EndShuffles")
# Eleven octal digits: what a tar header can say about size and time.
_LARGEST_FIELD = 8**11 - 1

Kind = Literal["header", "data", "event"]


@dataclass(frozen=True, slots=True)
class Record:
    """One record of an archive: ``offset`` of its header, ``size`` with header and padding."""

    kind: Kind
    hash: str
    body: bytes
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class Event:
    """One link of the chain. ``parent`` is absent in the first, ``payload`` in end markers."""

    height: int
    type: str
    parent: str | None
    payload: str | None


def record_size(body_length: int) -> int:
    """Bytes that a record with such a body takes in the archive."""
    return BLOCK + -(-body_length // BLOCK) * BLOCK


def _tar_header(name: str, size: int, timestamp: int) -> bytes:
    header = bytearray(BLOCK)
    fields = (
        (0, name.encode()),
        (100, b"0000644\0"),
        (108, b"0000000\0"),
        (116, b"0000000\0"),
        (124, b"%011o\0" % size),
        (136, b"%011o\0" % timestamp),
        (148, b" " * 8),
        (156, b"0"),
    )
    for position, value in fields:
        header[position : position + len(value)] = value
    header[148:156] = b"%06o\0 " % sum(header)
    return bytes(header)


def _encode(name: str, body: bytes, timestamp: int) -> bytes:
    if not 0 <= timestamp <= _LARGEST_FIELD or len(body) > _LARGEST_FIELD:
        raise MisuseError("an archive can hold neither such a time nor so large a record")
    return _tar_header(name, len(body), timestamp) + body + bytes(-len(body) % BLOCK)


def header_bytes(timestamp: int) -> bytes:
    """The body of the first record. The timestamp is a string: version 2.0 needs it so."""
    return encode_json_bytes({"version": 1, "timestamp": str(timestamp)})


def encode_header_record(timestamp: int) -> bytes:
    """The first record of an archive."""
    return _encode(HEADER_NAME, header_bytes(timestamp), timestamp)


def encode_record(body: bytes, kind: Literal["data", "event"], timestamp: int) -> bytes:
    """A data or event record, named by the hash of its body."""
    return _encode(f"{sha256_hex(body)}.{kind}.json", body, timestamp)


def encode_event(event: Event) -> bytes:
    """The event's text; its hash is the next event's parent."""
    value: dict[str, object] = {}
    if event.parent is not None:
        value["parent"] = event.parent
    value |= {"height": event.height, "type": event.type}
    if event.payload is not None:
        value["payload"] = event.payload
    return encode_json_bytes(value)


def parse_event(raw: bytes) -> Event:
    """Rule A5: the event's shape; its place in the chain is :mod:`crypto.record`'s business."""
    fields = require_fields(
        parse_json(raw, "A5"), ("height", "type"), "A5", order=("parent", "height", "type", "payload")
    )
    kind = fields["type"]
    if kind not in EVENT_TYPES:
        raise MalformedError("A5", f"unknown type of event {str(kind)[:30]!r}")
    if ("payload" in fields) == (kind in _TYPES_WITHOUT_PAYLOAD):
        raise MalformedError("A5", f"a {kind} event {'has no' if 'payload' in fields else 'needs a'} payload")
    return Event(
        require_int(fields["height"], "A5", "height"),
        kind,
        require_sha256_hex(fields["parent"], "A5", "parent") if "parent" in fields else None,
        require_sha256_hex(fields["payload"], "A5", "payload") if "payload" in fields else None,
    )


class RecordParser:
    """Turns a stream of bytes into records; keeps no more than the record in the making.

    Feed chunks of any size in order, then ``close``. Checks A1 (framing), A2 (names) and A3 (the
    header record). ``largest`` bounds a record's body, so that a hostile size field costs no memory.
    """

    def __init__(self, largest: int = 2**31) -> None:
        self._buffer = bytearray()
        self._offset = 0
        self._largest = largest
        self.timestamp: int | None = None

    @property
    def offset(self) -> int:
        """Where the next record begins."""
        return self._offset

    def feed(self, chunk: bytes) -> Iterator[Record]:
        """The records that are complete with this chunk."""
        self._buffer += chunk
        start = 0
        try:
            while (record := self._next(start)) is not None:
                start += record.size
                self._offset += record.size
                yield record
        finally:
            del self._buffer[:start]

    def close(self) -> None:
        """Raises MalformedError (A1) if the stream ended inside a record."""
        if self._buffer:
            raise MalformedError("A1", "the file ends inside a record", self._where())

    def _where(self) -> str:
        return f"record at byte {self._offset}"

    def _next(self, start: int) -> Record | None:
        if len(self._buffer) < start + BLOCK:
            return None
        header = bytes(self._buffer[start : start + BLOCK])
        size_text = header[124:135]
        if not all(48 <= digit < 56 for digit in size_text):
            raise MalformedError("A1", "this is not the header of a record", self._where())
        length = int(size_text, 8)
        if length > self._largest:
            raise MalformedError("A1", f"a record of {length} bytes is too large", self._where())
        size = record_size(length)
        if len(self._buffer) < start + size:
            return None
        body = bytes(self._buffer[start + BLOCK : start + BLOCK + length])
        return self._record(header, body, bytes(self._buffer[start + BLOCK + length : start + size]))

    def _record(self, header: bytes, body: bytes, padding: bytes) -> Record:
        if self.timestamp is None:
            self._read_header(body)
            kind, digest, name = "header", "", HEADER_NAME
        else:
            digest = hashlib.sha256(body).hexdigest()
            kind = "event" if header[64:76] == b".event.json\0" else "data"
            name = f"{digest}.{kind}.json"
            if header[:64] != digest.encode():
                raise RejectedError("A2", "the name of a record is not the hash of its body", self._where())
        if header != _tar_header(name, len(body), self.timestamp or 0):
            raise MalformedError("A1", "the header of a record is not canonical", self._where())
        if any(padding):
            raise MalformedError("A1", "the padding of a record is not empty", self._where())
        return Record(kind, digest, body, self._offset, record_size(len(body)))  # type: ignore[arg-type]

    def _read_header(self, body: bytes) -> None:
        fields = require_fields(parse_json(body, "A3"), ("version", "timestamp"), "A3")
        if fields["version"] != 1 or isinstance(fields["version"], bool):
            raise MalformedError("A3", "only version 1 of the archive format is known", self._where())
        timestamp = parse_decimal(fields["timestamp"], "A3", "timestamp")
        if timestamp > _LARGEST_FIELD:
            raise MalformedError("A3", "the timestamp is too large", self._where())
        self.timestamp = timestamp
