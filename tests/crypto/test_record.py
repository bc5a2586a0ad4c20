"""The order of the ballot box: a table, walked in every state with every event."""

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest

from crypto.archive import EVENT_TYPES, Event, RecordParser
from crypto.election import parse_election
from crypto.encoding import encode_json_bytes, sha256_hex
from crypto.errors import MisuseError, RejectedError
from crypto.record import (
    DATA_BEFORE,
    TRANSITIONS,
    BoxState,
    Cursor,
    Entry,
    EntryReader,
    encode_entry_event,
    make_setup,
    next_state,
    parse_setup,
)
from tests.crypto.refusals import refused
from tests.simulator import KINDS, Simulation, json_with, rebuild, sound
from tests.simulator import Entry as Made

S = BoxState
# Written from PROTOCOL §9, not from the table under test: which event leads where, without and with ranking questions.
ALLOWED = {
    False: {
        (S.EMPTY, "Setup", S.VOTING),
        (S.VOTING, "Ballot", S.VOTING),
        (S.VOTING, "EndBallots", S.ENDED),
        (S.ENDED, "EncryptedTally", S.COUNTED),
        (S.COUNTED, "PartialDecryption", S.DECRYPTING),
        (S.DECRYPTING, "PartialDecryption", S.DECRYPTING),
        (S.DECRYPTING, "Result", S.DONE),
    },
}
ALLOWED[True] = {step for step in ALLOWED[False] if step[:2] != (S.COUNTED, "PartialDecryption")} | {
    (S.COUNTED, "Shuffle", S.SHUFFLING),
    (S.SHUFFLING, "Shuffle", S.SHUFFLING),
    (S.SHUFFLING, "EndShuffles", S.SHUFFLED),
    (S.SHUFFLED, "PartialDecryption", S.DECRYPTING),
}
# Without ranking questions these states are never reached; what may follow them there is nobody's business.
SHUFFLE_STATES = {S.SHUFFLING, S.SHUFFLED}


@pytest.mark.parametrize("ranking", [False, True])
@pytest.mark.parametrize("state", BoxState)
@pytest.mark.parametrize("event", [*EVENT_TYPES, "Unknown", ""])
def test_every_state_with_every_event(state: BoxState, event: str, ranking: bool) -> None:
    if not ranking and state in SHUFFLE_STATES:
        reachable = {after for _, _, after in ALLOWED[False]}
        assert state not in reachable
        return
    after = {end for start, kind, end in ALLOWED[ranking] if (start, kind) == (state, event)}
    if after:
        assert {next_state(state, event, ranking=ranking)} == after
    else:
        with refused("A7", event, RejectedError):
            next_state(state, event, ranking=ranking)


def test_the_table_leads_everywhere_and_nothing_follows_the_result() -> None:
    assert set(TRANSITIONS.values()) | {S.EMPTY} == set(BoxState)
    assert not [step for step in TRANSITIONS if step[0] is S.DONE]
    assert set(DATA_BEFORE) == set(EVENT_TYPES)


# --- reading -----------------------------------------------------------------------------------------------------


def read(archive: bytes) -> list[Entry]:
    reader = EntryReader()
    entries: list[Entry] = []
    parser = RecordParser()
    for record in parser.feed(archive):
        for entry in reader.feed(record):
            entries.append(entry)
            if entry.event.type == "Setup":
                reader.cursor = reader.cursor.with_election(parse_election(entry.data[0]))
    parser.close()
    reader.close()
    return entries


@pytest.mark.parametrize("kind", KINDS)
def test_sound_archives_are_read_entry_by_entry(kind: str) -> None:
    simulation = sound(kind)
    entries = read(simulation.archive)
    assert [e.event.type for e in entries] == [e.type for e in simulation.entries]
    assert [e.data for e in entries] == [e.bodies for e in simulation.entries]
    assert tuple(e.hash for e in entries) == simulation.heads
    assert [e.event.height for e in entries] == list(range(len(entries)))
    # What stands between offset and end is the entry and nothing else.
    assert entries[-1].end == len(simulation.archive)
    assert [e.offset for e in entries[1:]] == [e.end for e in entries[:-1]]


def test_every_prefix_is_a_sound_unfinished_box() -> None:
    simulation = sound("blank")
    for length in range(len(simulation.entries) + 1):
        assert len(read(rebuild(simulation.entries[:length]))) == length


@pytest.mark.parametrize("kind", ["plain", "threshold"])
def test_the_writer_makes_what_the_reader_reads(kind: str) -> None:
    simulation = sound(kind)
    cursor = Cursor()
    for entry, head in zip(simulation.entries, simulation.heads, strict=True):
        raw, cursor = encode_entry_event(cursor, entry.type, entry.bodies)
        assert sha256_hex(raw) == head == cursor.head
    assert cursor.state is S.DONE
    with refused("A7"):
        encode_entry_event(cursor, "Ballot", simulation.entries[1].bodies)


def rearranged(simulation: Simulation) -> list[tuple[str, list[Made]]]:
    """Orders that belenios-tool accepts or that lose votes, each with the rule that must refuse it."""
    e = list(simulation.entries)
    setup, end, tally, result = (
        e[simulation.index(k)] for k in ("Setup", "EndBallots", "EncryptedTally", "Result")
    )
    ballot, partial = e[simulation.index("Ballot")], e[simulation.index("PartialDecryption")]
    return [
        ("A7", [setup, *e]),
        ("A7", e[1:]),
        # PROTOCOL §0, fact 4: only the last run of ballots is counted.
        ("A7", [setup, ballot, ballot, end, ballot, end, tally, partial, result]),
        ("A7", [*e, ballot]),
        ("A7", [*e, result]),
        ("A7", [*e, partial]),
        ("A7", [x for x in e if x.type != "EndBallots"]),
        ("A7", [x for x in e if x.type != "EncryptedTally"]),
        ("A7", [x for x in e if x.type != "PartialDecryption"]),
        ("A7", [setup, ballot, end, end, tally, partial, result]),
        ("A7", [setup, ballot, end, tally, tally, partial, result]),
        ("A7", [setup, end, ballot, tally, partial, result]),
        ("A7", [setup, ballot, end, tally, Made("EndShuffles"), partial, result]),
        ("A7", [setup, ballot, end, tally, Made("Shuffle", (b"{}", partial.bodies[1])), partial, result]),
    ]


@pytest.mark.parametrize("number", range(14))
def test_other_orders_are_refused(number: int) -> None:
    simulation = sound("plain")
    cases = rearranged(simulation)
    assert len(cases) == 14
    rule, entries = cases[number]
    with refused(rule):
        read(rebuild(entries))


@pytest.mark.parametrize("first, second", [*itertools.pairwise(range(7))])
def test_swapped_neighbours_are_refused_unless_both_are_ballots(first: int, second: int) -> None:
    simulation = sound("plain")
    entries = list(simulation.entries)
    entries[first], entries[second] = entries[second], entries[first]
    if {entries[first].type, entries[second].type} == {"Ballot"}:
        assert len(read(rebuild(entries))) == len(entries)
    else:
        with refused("A7"):
            read(rebuild(entries))


@pytest.mark.parametrize(
    "rule, event",
    [
        ("A6", {"height": 2}),
        ("A6", {"height": 0}),
        ("A6", {"parent": "00" * 32}),
        ("A4", {"payload": "00" * 32}),
        ("A5", {"type": "Unknown"}),
        ("A7", {"type": "Setup"}),
        ("A5", {"type": "EndBallots"}),
    ],
)
def test_a_link_of_the_chain_that_does_not_fit_is_refused(rule: str, event: dict[str, Any]) -> None:
    simulation = sound("plain")
    entries = list(simulation.entries[:2])
    value = {
        "parent": simulation.heads[0],
        "height": 1,
        "type": "Ballot",
        "payload": sha256_hex(entries[1].bodies[-1]),
    }
    entries[1] = replace(entries[1], event=encode_json_bytes(value))
    assert len(read(rebuild(entries))) == 2
    entries[1] = replace(entries[1], event=encode_json_bytes({**value, **event}))
    with refused(rule):
        read(rebuild(entries))


def test_the_first_event_has_no_parent() -> None:
    simulation = sound("plain")
    event = encode_json_bytes(
        {
            "parent": "00" * 32,
            "height": 0,
            "type": "Setup",
            "payload": sha256_hex(simulation.entries[0].bodies[-1]),
        }
    )
    with refused("A6", "parent"):
        read(rebuild([replace(simulation.entries[0], event=event)]))


@pytest.mark.parametrize(
    "kind", ["Setup", "Ballot", "EndBallots", "EncryptedTally", "PartialDecryption", "Result"]
)
def test_the_data_before_an_event_are_complete_and_nothing_more(kind: str) -> None:
    simulation = sound("plain")
    index = simulation.index(kind)
    entry = simulation.entries[index]
    before = simulation.entries[:index]
    more = replace(entry, bodies=(b'{"stray":1}', *entry.bodies))
    wrong = [more]
    if entry.bodies:
        wrong += [replace(entry, bodies=entry.bodies[1:])] if len(entry.bodies) > 1 else []
        wrong += [replace(entry, bodies=(*entry.bodies[:-1], entry.bodies[-1], entry.bodies[-1]))]
    for case in wrong:
        text = simulation.entries[index]
        raw = rebuild([*before, replace(case, event=_event_text(simulation, index))], repair=False)
        assert text.type == kind
        with refused("A4"):
            read(raw)


def _event_text(simulation: Simulation, index: int) -> bytes:
    from crypto.archive import encode_event

    entry = simulation.entries[index]
    payload = sha256_hex(entry.bodies[-1]) if entry.bodies else None
    return encode_event(Event(index, entry.type, simulation.heads[index - 1] if index else None, payload))


@pytest.mark.parametrize(
    "rule, kind, role, key",
    [
        ("S2", "Setup", "setup", "election"),
        ("S2", "Setup", "setup", "trustees"),
        ("S2", "Setup", "setup", "credentials"),
        ("C2", "EncryptedTally", "sized_tally", "encrypted_tally"),
        ("D1", "PartialDecryption", "owned", "payload"),
    ],
)
@pytest.mark.parametrize("new", ["00" * 32, None, "x"])
def test_a_payload_names_the_data_before_it(rule: str, kind: str, role: str, key: str, new: Any) -> None:
    simulation = sound("plain")
    index = simulation.index(kind)
    entry = simulation.entries[index]
    body = encode_json_bytes(json_with(json.loads(entry.body(role)), (key,), new))
    with refused(rule):
        read(rebuild([*simulation.entries[:index], entry.with_body(role, body)], repair=False))


def test_the_setup_record() -> None:
    simulation = sound("plain")
    election, trustees, credentials, setup = simulation.entries[0].bodies
    assert make_setup(election, trustees, credentials) == setup
    assert parse_setup(setup).election == sha256_hex(election)
    value = json.loads(setup)
    for wrong in (
        {**value, "credentials_certificate": "00" * 32},
        {k: v for k, v in value.items() if k != "trustees"},
        dict(reversed(value.items())),
        None,
    ):
        with refused("S2"):
            parse_setup(encode_json_bytes(wrong))


def test_stray_data_are_refused_at_once_and_at_the_end() -> None:
    """A reader that waited for an event would keep a hostile file's data records forever."""
    simulation = sound("plain")
    from crypto.archive import encode_record

    stray = encode_record(b'{"a":1}', "data", simulation.timestamp)
    with refused("A4", "belong to no event"):
        read(simulation.archive + stray)
    with refused("A4"):
        read(simulation.archive + stray * 50)


def test_an_entry_without_data_has_no_payload() -> None:
    simulation = sound("plain")
    entry = read(simulation.archive)[simulation.index("EndBallots")]
    with pytest.raises(MisuseError):
        _ = entry.payload


def test_ranking_elections_wait_for_shuffles() -> None:
    election = sound("plain").election
    value = json.loads(election.raw)
    ranked = {"type": "NonHomomorphic", "value": {"answers": ["a"], "question": "?"}}
    parsed = parse_election(encode_json_bytes({**value, "questions": [*value["questions"], ranked]}))
    assert Cursor().with_election(parsed).ranking
    assert not Cursor().with_election(election).ranking
