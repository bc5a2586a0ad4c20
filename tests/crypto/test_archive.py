"""The archive's bytes: written as belenios-tool writes them, read in any pieces, and no other byte is accepted."""

import io
import json
import tarfile
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.archive import (
    BLOCK,
    EVENT_TYPES,
    Event,
    Record,
    RecordParser,
    encode_event,
    encode_header_record,
    encode_record,
    header_bytes,
    parse_event,
    record_size,
)
from crypto.encoding import encode_json_bytes, sha256_hex
from crypto.errors import MalformedError, MisuseError, ProtocolError
from crypto.record import EntryReader
from tests.crypto.refusals import refused
from tests.simulator import KINDS, TIMESTAMP, read_entries, rebuild, sound

ARCHIVES = sorted((Path(__file__).parent.parent / "vectors" / "archives").glob("*/*/*.bel"))
# What these two are about is what our reader refuses.
UNREADABLE = {"timestamp_int-ed25519": "A3", "truncated_event-ed25519": "A1"}
READABLE = [path for path in ARCHIVES if path.parent.name not in UNREADABLE]


def read(data: bytes, chunks: list[int] | None = None) -> list[Record]:
    """All records, the data fed in pieces of these sizes."""
    parser = RecordParser()
    records: list[Record] = []
    start = 0
    for size in chunks or []:
        records += parser.feed(data[start : start + size])
        start += size
    records += parser.feed(data[start:])
    parser.close()
    return records


# --- the vectors from outside ------------------------------------------------------------------------------------


def test_the_vectors_are_there() -> None:
    assert len(ARCHIVES) >= 35
    assert {path.parent.name for path in ARCHIVES} >= set(UNREADABLE)


@pytest.mark.parametrize("path", READABLE, ids=lambda path: path.parent.name)
def test_archives_of_other_programs_are_written_to_the_byte(path: Path) -> None:
    data = path.read_bytes()
    records = read(data)
    assert records[0].kind == "header"
    timestamp = int(json.loads(records[0].body)["timestamp"])
    again = [encode_header_record(timestamp)]
    again += [encode_record(r.body, "event" if r.kind == "event" else "data", timestamp) for r in records[1:]]
    assert b"".join(again) == data
    assert (
        rebuild(read_entries(data), timestamp, repair=False) == data or path.parent.parent.name == "hostile"
    )
    for record in records:
        if record.kind == "event":
            assert encode_event(parse_event(record.body)) == record.body


@pytest.mark.parametrize("path", READABLE, ids=lambda path: path.parent.name)
def test_records_do_not_depend_on_the_pieces_in_which_they_come(path: Path, rng: Random) -> None:
    data = path.read_bytes()
    expected = read(data)
    for largest in (1, 700, 5000):
        sizes = [rng.randint(0, largest) for _ in range(200)]
        assert read(data, sizes) == expected
    assert sum(record.size for record in expected) == len(data)
    assert [record.offset for record in expected[1:]] == [r.offset + r.size for r in expected[:-1]]


@pytest.mark.parametrize("name, rule", sorted(UNREADABLE.items()))
def test_vectors_that_are_no_archives_in_our_reading(name: str, rule: str) -> None:
    (path,) = [path for path in ARCHIVES if path.parent.name == name]
    with refused(rule):
        read(path.read_bytes())


@pytest.mark.parametrize("path", READABLE[:6], ids=lambda path: path.parent.name)
def test_an_ordinary_tar_program_reads_it(path: Path) -> None:
    # The end marker that a tar file has and an archive lacks.
    data = path.read_bytes() + bytes(2 * BLOCK)
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        names = tar.getnames()
    assert names[0] == "BELENIOS"
    assert names[1:] == [f"{r.hash}.{r.kind}.json" for r in read(path.read_bytes())[1:]]


# --- our own -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_simulated_archives_come_back(kind: str) -> None:
    simulation = sound(kind)
    records = read(simulation.archive)
    assert records[0].body == header_bytes(TIMESTAMP) == b'{"version":1,"timestamp":"1700000000"}'
    assert [r.body for r in records if r.kind == "data"] == [
        body for entry in simulation.entries for body in entry.bodies
    ]
    entries = read_entries(simulation.archive)
    assert [entry.bodies for entry in entries] == [entry.bodies for entry in simulation.entries]


@settings(max_examples=30)
@given(
    bodies=st.lists(st.binary(max_size=1100), max_size=6), timestamp=st.integers(0, 8**11 - 1), data=st.data()
)
def test_any_bodies_come_back(bodies: list[bytes], timestamp: int, data: st.DataObject) -> None:
    kinds: list[Any] = [data.draw(st.sampled_from(["data", "event"])) for _ in bodies]
    raw = encode_header_record(timestamp) + b"".join(
        encode_record(body, kind, timestamp) for body, kind in zip(bodies, kinds, strict=True)
    )
    sizes = data.draw(st.lists(st.integers(0, 1500), max_size=8))
    records = read(raw, sizes)
    assert [(r.body, r.kind) for r in records[1:]] == list(zip(bodies, kinds, strict=True))
    assert all(r.hash == sha256_hex(r.body) for r in records[1:])
    assert all(r.size == record_size(len(r.body)) for r in records)


# --- refusals ----------------------------------------------------------------------------------------------------

SMALL = encode_header_record(1_700_000_000) + encode_record(b'{"a":1}', "data", 1_700_000_000)


def survives(data: bytes) -> bool:
    """Whether the reader accepts these bytes as a whole archive whose records are in a sound order so far."""
    try:
        reader = EntryReader()
        for record in read(data):
            for _ in reader.feed(record):
                pass
        reader.close()
    except ProtocolError:
        return False
    return True


def test_every_changed_byte_is_found() -> None:
    """Each of the bytes of a small archive, changed in two ways: no byte of a header or of the padding is free."""
    event = encode_record(b'{"height":0,"type":"EndBallots"}', "event", 1_700_000_000)
    data = SMALL + event
    assert len(read(data)) == 3
    for place in range(len(data)):
        for flip in (0x01, 0x80):
            broken = bytearray(data)
            broken[place] ^= flip
            with pytest.raises(ProtocolError) as caught:
                read(bytes(broken))
            assert caught.value.rule in {"A1", "A2", "A3"}


@pytest.mark.parametrize("kind", ["plain", "threshold"])
def test_a_changed_byte_of_an_election_is_found(kind: str, rng: Random, samples: int) -> None:
    data = sound(kind).archive
    assert survives(data)
    for _ in range(samples):
        broken = bytearray(data)
        broken[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        assert not survives(bytes(broken))


def test_a_removed_doubled_or_moved_record_is_found(rng: Random) -> None:
    data = sound("plain").archive
    records = read(data)
    parts = [data[r.offset : r.offset + r.size] for r in records]
    for index in range(len(parts)):
        removed = parts[:index] + parts[index + 1 :]
        # What is left when the last event is removed ends with data that belong to no event.
        assert not survives(b"".join(removed)), index
        assert not survives(b"".join([*parts[: index + 1], parts[index], *parts[index + 1 :]])), index
        moved = rng.choice([i for i in range(len(parts)) if i != index])
        if parts[index] != parts[moved]:
            swapped = list(parts)
            swapped[index], swapped[moved] = swapped[moved], swapped[index]
            assert not survives(b"".join(swapped)), (index, moved)


def test_every_cut_is_found_but_those_between_entries() -> None:
    data = sound("plain").archive
    records = read(data)
    ends = {0, records[0].size} | {r.offset + r.size for r in records if r.kind == "event"}
    for cut in range(0, len(data), 64):
        assert survives(data[:cut]) == (cut in ends), cut


@pytest.mark.parametrize(
    "data",
    [
        SMALL + bytes(512),
        SMALL + bytes(1024),
        SMALL[:-1],
        SMALL + b"\n",
        SMALL + SMALL[512:600],
        b"x",
    ],
)
def test_what_follows_a_record_is_a_record(data: bytes) -> None:
    with refused("A1"):
        read(data)


@pytest.mark.parametrize("data", [b"x" * 512, b"\0" * 1024, SMALL[1024:] + SMALL[:1024], SMALL[512:]])
def test_an_archive_begins_with_its_header(data: bytes) -> None:
    with pytest.raises(MalformedError) as caught:
        read(data)
    assert caught.value.rule in {"A1", "A3"}


@pytest.mark.parametrize(
    "body",
    [
        b'{"version":1,"timestamp":1700000000}',
        b'{"version":2,"timestamp":"1700000000"}',
        b'{"version":true,"timestamp":"1700000000"}',
        b'{"version":"1","timestamp":"1700000000"}',
        b'{"timestamp":"1700000000","version":1}',
        b'{"version":1,"timestamp":"01700000000"}',
        b'{"version":1,"timestamp":"-5"}',
        b'{"version":1,"timestamp":"99999999999999"}',
        b'{"version":1}',
        b'{"version":1,"timestamp":"1700000000","x":1}',
        b'{"version":1, "timestamp":"1700000000"}',
        b"",
        b"[]",
    ],
)
def test_the_first_record_has_one_form(body: bytes) -> None:
    from crypto.archive import _encode

    with refused("A3"):
        read(_encode("BELENIOS", body, 1_700_000_000))


def test_a_second_header_record_is_refused() -> None:
    with refused("A2"):
        read(SMALL + SMALL[:1024])


def test_another_time_in_one_record_is_refused() -> None:
    """Times of single ballots would link them to voters."""
    with refused("A1", "canonical"):
        read(SMALL + encode_record(b"{}", "data", 1_700_000_001))


def test_a_name_that_is_not_the_hash_is_refused() -> None:
    good = encode_record(b"{}", "data", 1_700_000_000)
    other = encode_record(b"[]", "data", 1_700_000_000)
    with refused("A2"):
        read(SMALL + good[:512] + other[512:])


def test_a_hostile_size_costs_no_memory() -> None:
    header = bytearray(SMALL[:512])
    header[124:135] = b"77777777777"
    parser = RecordParser()
    with refused("A1", "too large"):
        list(parser.feed(bytes(header)))
    parser = RecordParser(largest=100)
    list(parser.feed(encode_header_record(5)))
    with refused("A1", "too large"):
        list(parser.feed(encode_record(b"x" * 101, "data", 5)))
    list(RecordParser(largest=100).feed(encode_header_record(5) + encode_record(b"x" * 100, "data", 5)))


def test_what_the_format_cannot_say_is_the_callers_mistake() -> None:
    for timestamp in (-1, 8**11):
        with pytest.raises(MisuseError):
            encode_header_record(timestamp)


# --- events ------------------------------------------------------------------------------------------------------

HASH = "ef" * 32


@pytest.mark.parametrize("kind", EVENT_TYPES)
@pytest.mark.parametrize("parent", [None, HASH])
def test_events_come_back(kind: str, parent: str | None) -> None:
    payload = None if kind in ("EndBallots", "EndShuffles") else HASH
    event = Event(7, kind, parent, payload)
    assert parse_event(encode_event(event)) == event
    other = Event(7, kind, parent, None if payload else HASH)
    with refused("A5", "payload"):
        parse_event(encode_event(other))


@pytest.mark.parametrize(
    "value",
    [
        {"height": 1, "type": "ballot", "payload": HASH},
        {"height": 1, "type": "Unknown", "payload": HASH},
        {"height": 1, "type": ["Ballot"], "payload": HASH},
        {"height": 1, "type": None, "payload": HASH},
        {"height": -1, "type": "Ballot", "payload": HASH},
        {"height": "1", "type": "Ballot", "payload": HASH},
        {"height": True, "type": "Ballot", "payload": HASH},
        {"type": "Ballot", "payload": HASH},
        {"height": 1, "payload": HASH},
        {"type": "Ballot", "height": 1, "payload": HASH},
        {"height": 1, "type": "Ballot", "payload": HASH, "parent": HASH},
        {"parent": None, "height": 1, "type": "Ballot", "payload": HASH},
        {"parent": HASH.upper(), "height": 1, "type": "Ballot", "payload": HASH},
        {"parent": HASH, "height": 1, "type": "Ballot", "payload": HASH[:-1]},
        {"parent": HASH, "height": 1, "type": "Ballot", "payload": None},
        {"parent": HASH, "height": 1, "type": "Ballot", "payload": HASH, "time": 5},
        [],
        None,
    ],
)
def test_an_event_of_another_shape_is_refused(value: Any) -> None:
    with refused("A5"):
        parse_event(encode_json_bytes(value))
