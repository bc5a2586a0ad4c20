"""Everything that somebody might change in a ballot box and then repair, found by walking through its JSON values.

`repaired_mutations(election)` lists them lazily: thousands, of which tests take a sample or all. A mutation is made by
calling it; afterwards names, headers, parents, heights and the hashes inside payloads fit again, as a clever forger
would leave them. Ballots come three times: left as they are, with the hash in their signature recomputed (anybody can),
and signed again (their voter can).
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from crypto.archive import EVENT_TYPES, encode_event, parse_event
from crypto.ballot import parse_ballot
from crypto.credentials import derive_public, derive_secret
from crypto.encoding import encode_json, encode_json_bytes, sha256_base64, sha256_hex
from crypto.errors import ProtocolError
from crypto.groups import Group
from crypto.proofs import schnorr
from crypto.record import DATA_BEFORE
from crypto.transcript import ballot_signature
from tests.audit.judging import tar_record
from tests.simulator import TIMESTAMP, Entry, Simulation, coins_for, rebuild


@dataclass(frozen=True)
class Tampered:
    """A forger's archive. `entries` is None where the header record was changed."""

    archive: bytes
    entries: tuple[Entry, ...] | None


@dataclass(frozen=True)
class Mutation:
    """`record` is a name of crypto.record.DATA_BEFORE, or "event", "events", "header"."""

    name: str
    record: str
    make: Callable[[], Tampered]


# --- ways into JSON, also into the JSON texts that threshold trustees sign ---------------------------------------


class _Inside:
    """The step from a text to the JSON value that it holds."""

    def __repr__(self) -> str:
        return "(text)"


INSIDE = _Inside()
Way = tuple[Any, ...]


def ways(value: Any, way: Way = ()) -> Iterator[Way]:
    """The way to every value, the whole one first."""
    yield way
    if isinstance(value, dict):
        for key, child in value.items():
            yield from ways(child, (*way, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from ways(child, (*way, index))
    elif isinstance(value, str) and value.startswith("{"):
        yield from ways(json.loads(value), (*way, INSIDE))


def value_at(value: Any, way: Way) -> Any:
    """The value at the end of the way."""
    for step in way:
        value = json.loads(value) if step is INSIDE else value[step]
    return value


def value_with(value: Any, way: Way, new: Any) -> Any:
    """A copy with another value there."""
    if not way:
        return new
    step, rest = way[0], way[1:]
    if step is INSIDE:
        return encode_json(value_with(json.loads(value), rest, new))
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[step] = value_with(copy[step], rest, new)
    return copy


# --- what can be done to one value -------------------------------------------------------------------------------


def _other_elements(group: Group, text: str) -> list[tuple[str, Any]]:
    try:
        element = group.decode(text, "test", "element", allow_identity=True)
    except ProtocolError:
        return []
    return [
        ("times g", group.multiply(element, group.generator).text),
        ("inverse", group.inverse(element).text),
        ("generator", group.generator.text),
        ("identity", group.identity.text),
    ]


def _other_texts(group: Group, text: str) -> list[tuple[str, Any]]:
    changes: list[tuple[str, Any]] = [("longer", text + "x"), ("shorter", text[:-1]), ("space", text + " ")]
    changes += [("upper case", text.upper()), ("leading zero", "0" + text)]
    changes += _other_elements(group, text)
    if text.isdecimal():
        number = int(text)
        changes += [("+1", str((number + 1) % group.q)), ("+q", str(number + group.q)), ("number", number)]
    if len(text) == 64:
        changes.append(("other hash", sha256_hex(text.encode())))
    if len(text) == 43:
        changes.append(("other hash", sha256_base64(text.encode())))
    key, comma, weight = text.partition(",")
    if comma and weight.isdecimal():
        changes += [
            ("weight +1", f"{key},{int(weight) + 1}"),
            ("weight 0", f"{key},0"),
            ("weight 0w", f"{key},0{weight}"),
            ("weight -", f"{key},-{weight}"),
            ("no weight", key),
            ("no comma", key + weight),
            *((name, f"{new},{weight}") for name, new in _other_elements(group, key)),
        ]
    return changes


def other_values(group: Group, value: Any) -> list[tuple[str, Any]]:
    """Values of the same and of other types to put in place of this one."""
    changes: list[tuple[str, Any]] = [("null", None), ("in a list", [value])]
    if isinstance(value, bool):
        changes += [("flipped", not value), ("number", int(value))]
    elif isinstance(value, int):
        changes += [("+1", value + 1), ("-1", value - 1), ("+q", value + group.q), ("text", str(value))]
    elif isinstance(value, str):
        changes += _other_texts(group, value)
    elif isinstance(value, dict):
        changes += [("empty", {}), ("extra key last", {**value, "extra": 1})]
        changes += [("extra key first", {"extra": 1, **value})]
    else:
        changes += [("empty", []), ("extra item", [*value, None])]
    return changes


def _list_changes(items: list[Any]) -> Iterator[tuple[str, Any]]:
    for index, item in enumerate(items):
        yield f"drop {index}", items[:index] + items[index + 1 :]
        yield f"double {index}", [*items[:index], item, *items[index:]]
        for other in range(index + 1, len(items)):
            swapped = list(items)
            swapped[index], swapped[other] = items[other], item
            yield f"swap {index} and {other}", swapped


def _object_changes(value: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    keys = list(value)
    for index, key in enumerate(keys):
        yield f"drop {key}", {k: v for k, v in value.items() if k != key}
        yield f"rename {key}", {(k + "s" if k == key else k): v for k, v in value.items()}
        for other in keys[index + 1 :]:
            order = list(keys)
            order[index], order[keys.index(other)] = other, key
            yield f"swap the keys {key} and {other}", {k: value[k] for k in order}
            yield f"swap what is in {key} and {other}", {**value, key: value[other], other: value[key]}


def json_changes(group: Group, root: Any) -> Iterator[tuple[str, Any]]:
    """Every change of one value in `root`, with its description: the changed root."""
    for way in ways(root):
        value = value_at(root, way)
        where = "/".join(map(str, way))
        found: list[tuple[str, Any]] = other_values(group, value)
        if isinstance(value, list):
            found += _list_changes(value)
        elif isinstance(value, dict):
            found += _object_changes(value)
        for name, new in found:
            if new != value or type(new) is not type(value) or encode_json(new) != encode_json(value):
                yield f"/{where}: {name}", value_with(root, way, new)


# --- what a forger repairs in ballots ----------------------------------------------------------------------------


def rehash(ballot: dict[str, Any]) -> dict[str, Any]:
    """The ballot with the right hash in its signature, if it has a place for it."""
    unsigned = {key: value for key, value in ballot.items() if key != "signature"}
    signature = ballot.get("signature")
    if not isinstance(signature, dict) or "hash" not in signature:
        return ballot
    return {**ballot, "signature": {**signature, "hash": sha256_base64(encode_json_bytes(unsigned))}}


def resign(election: Simulation, ballot: dict[str, Any]) -> dict[str, Any]:
    """The ballot signed by the voter whose credential it names, if that is a voter of the election."""
    group, uuid = election.group, election.election.uuid
    for text in election.credentials:
        if derive_public(group, uuid, text).text == ballot.get("credential"):
            fresh = rehash({**ballot, "signature": {"hash": ""}})
            prefix = ballot_signature(fresh["signature"]["hash"])
            secret = derive_secret(group, uuid, text)
            coins = coins_for("sign again", prefix)
            proof = schnorr.prove(group, prefix, (group.generator,), secret, coins)
            return {**fresh, "signature": {**fresh["signature"], "proof": proof.encode()}}
    return ballot


def _refingerprint(entry: Entry, fingerprint: str) -> Entry:
    """A ballot that names other election data, its hash repaired."""
    value = json.loads(entry.body("ballot"))
    return entry.with_body("ballot", encode_json_bytes(rehash({**value, "election_hash": fingerprint})))


# --- mutations of one record -------------------------------------------------------------------------------------


def _replaced(entries: Sequence[Entry], index: int, entry: Entry) -> tuple[Entry, ...]:
    return (*entries[:index], entry, *entries[index + 1 :])


def _built(entries: Iterable[Entry]) -> Tampered:
    entries = tuple(entries)
    return Tampered(rebuild(entries), entries)


def _with_body(election: Simulation, index: int, role: str, make_body: Callable[[], bytes]) -> Tampered:
    return _built(_replaced(election.entries, index, election.entries[index].with_body(role, make_body())))


def _with_election(election: Simulation, new: Any) -> Tampered:
    body = encode_json_bytes(new)
    setup = election.entries[0].with_body("election", body)
    fingerprint = sha256_base64(body)
    return _built(
        [setup]
        + [
            _refingerprint(entry, fingerprint) if entry.type == "Ballot" else entry
            for entry in election.entries[1:]
        ]
    )


def _as_if_voter(election: Simulation, new: Any) -> bytes:
    return encode_json_bytes(resign(election, new) if isinstance(new, dict) else new)


def _as_if_anybody(new: Any) -> bytes:
    return encode_json_bytes(rehash(new) if isinstance(new, dict) else new)


def record_mutations(election: Simulation, index: int, role: str) -> Iterator[Mutation]:
    """One value of one record changed, dropped, added, doubled or swapped."""
    entry = election.entries[index]
    body = entry.body(role)
    where = f"event {index} {entry.type}, {role}"
    loose = json.dumps(json.loads(body), ensure_ascii=False).encode()
    for name, text in (
        ("spaces", loose),
        ("newline", body + b"\n"),
        ("empty text", b""),
        ("no text", b"\xff"),
    ):
        yield Mutation(
            f"{where}: {name}", role, partial(_with_body, election, index, role, partial(bytes, text))
        )
    for name, new in json_changes(election.group, json.loads(body)):
        make = partial(_with_body, election, index, role, partial(encode_json_bytes, new))
        yield Mutation(f"{where} {name}", role, make)
        if role == "election":
            yield Mutation(f"{where} {name} (ballots too)", role, partial(_with_election, election, new))
        if role == "ballot" and not name.startswith("/signature"):
            anybody, voter = partial(_as_if_anybody, new), partial(_as_if_voter, election, new)
            yield Mutation(
                f"{where} {name} (hashed)", role, partial(_with_body, election, index, role, anybody)
            )
            # Whoever changes the whole ballot and signs it has cast another ballot, and may.
            if "signature" not in name:
                make = partial(_with_body, election, index, role, voter)
                yield Mutation(f"{where} {name} (signed)", role, make)


# --- mutations of events and of the order ------------------------------------------------------------------------


def _event_with(election: Simulation, index: int, change: Callable[[dict[str, Any]], Any]) -> Tampered:
    """The event's own text changed, in its right place in the chain."""
    built = rebuild(election.entries[: index + 1])
    text = built[built.rindex(b'{"', 0, len(built)) :].rstrip(b"\0")
    if encode_event(parse_event(text)) != text:
        raise AssertionError("the last record of the archive is an event")
    entry = replace(election.entries[index], event=encode_json_bytes(change(json.loads(text))))
    return _built(_replaced(election.entries, index, entry))


def event_mutations(election: Simulation, index: int) -> Iterator[Mutation]:
    """Changes of an event's text that no repair of the chain would undo."""
    kind = election.entries[index].type
    hashes = [sha256_hex(body) for entry in election.entries for body in entry.bodies]
    changes: list[tuple[str, Callable[[dict[str, Any]], Any]]] = [
        (f"type {other}", lambda e, other=other: {**e, "type": other})
        for other in (*EVENT_TYPES, "Nothing", None)
        if other != kind
    ]
    changes += [
        ("extra key", lambda e: {**e, "extra": 1}),
        ("height +1", lambda e: {**e, "height": e["height"] + 1}),
        ("height -1", lambda e: {**e, "height": e["height"] - 1}),
        ("height as text", lambda e: {**e, "height": str(e["height"])}),
        ("no height", lambda e: {k: v for k, v in e.items() if k != "height"}),
        ("keys reversed", lambda e: dict(reversed(e.items()))),
        ("other parent", lambda e: {"parent": hashes[0], **{k: v for k, v in e.items() if k != "parent"}}),
        ("in a list", lambda e: [e]),
    ]
    if index:
        changes.append(("no parent", lambda e: {k: v for k, v in e.items() if k != "parent"}))
    own = sha256_hex(election.entries[index].bodies[-1]) if election.entries[index].bodies else None
    if own:
        changes.append(("no payload", lambda e: {k: v for k, v in e.items() if k != "payload"}))
    changes += [
        ("other payload", lambda e, digest=digest: {**e, "payload": digest})
        for digest in dict.fromkeys(hashes)
        if digest != own
    ]
    for name, change in changes:
        make = partial(_event_with, election, index, change)
        yield Mutation(f"event {index} {kind} itself: {name}", "event", make)


def _moved(entries: Sequence[Entry], start: int, end: int) -> tuple[Entry, ...]:
    rest = [*entries[:start], *entries[start + 1 :]]
    return (*rest[:end], entries[start], *rest[end:])


def order_mutations(election: Simulation) -> Iterator[Mutation]:
    """Whole events dropped, doubled, swapped, moved; data records dropped, doubled, swapped, given to another event."""
    entries = election.entries
    count = len(entries)

    def make(name: str, new: Iterable[Entry]) -> Mutation:
        return Mutation(name, "events", partial(_built, tuple(new)))

    for index, entry in enumerate(entries):
        yield make(f"drop event {index} {entry.type}", (*entries[:index], *entries[index + 1 :]))
        yield make(f"double event {index} {entry.type}", (*entries[:index], entry, *entries[index:]))
        yield make(f"event {index} {entry.type} again at the end", (*entries, entry))
        for other in range(count):
            if other != index:
                yield make(f"move event {index} {entry.type} to {other}", _moved(entries, index, other))
        for other in range(index + 1, count):
            swapped = list(entries)
            swapped[index], swapped[other] = entries[other], entry
            yield make(f"swap events {index} and {other}", swapped)
        for place in range(len(entry.bodies)):
            yield from _record_order(election, index, place)
        if entry.bodies:
            for other in EVENT_TYPES:
                if other != entry.type:
                    yield make(
                        f"event {index} {entry.type} as {other}",
                        _replaced(entries, index, replace(entry, type=other)),
                    )


def _record_order(election: Simulation, index: int, place: int) -> Iterator[Mutation]:
    entries, bodies = election.entries, election.entries[index].bodies

    def make(name: str, *changed: tuple[int, tuple[bytes, ...]]) -> Mutation:
        new = entries
        for where, records in changed:
            new = _replaced(new, where, replace(new[where], bodies=records))
        return Mutation(f"event {index} {entries[index].type}: {name}", "events", partial(_built, new))

    without = (*bodies[:place], *bodies[place + 1 :])
    yield make(f"drop record {place}", (index, without))
    yield make(f"double record {place}", (index, (*bodies[:place], bodies[place], *bodies[place:])))
    for other in range(place + 1, len(bodies)):
        swapped = list(bodies)
        swapped[place], swapped[other] = bodies[other], bodies[place]
        yield make(f"swap records {place} and {other}", (index, tuple(swapped)))
    for other, entry in enumerate(entries):
        if other != index:
            yield make(
                f"record {place} moved to event {other}",
                (index, without),
                (other, (bodies[place], *entry.bodies)),
            )
            yield make(f"record {place} copied to event {other}", (other, (bodies[place], *entry.bodies)))


# --- mutations of the header record ------------------------------------------------------------------------------


def _with_header(election: Simulation, body: bytes, mtime: int) -> Tampered:
    """Another header record, with every record's time as `mtime`."""
    rest = rebuild(election.entries, mtime)
    first = len(tar_record("BELENIOS", encode_json_bytes({"version": 1, "timestamp": str(mtime)}), mtime))
    return Tampered(tar_record("BELENIOS", body, mtime) + rest[first:], None)


def header_mutations(election: Simulation) -> Iterator[Mutation]:
    """The header record's JSON changed; with the times of all records left or repaired."""
    value = {"version": 1, "timestamp": str(TIMESTAMP)}
    for name, new in json_changes(election.group, value):
        make = partial(_with_header, election, encode_json_bytes(new), TIMESTAMP)
        yield Mutation(f"header {name}", "header", make)


def repaired_mutations(election: Simulation) -> list[Mutation]:
    """All of them, for one election."""
    found = [*header_mutations(election), *order_mutations(election)]
    for index, entry in enumerate(election.entries):
        found += event_mutations(election, index)
        for role in DATA_BEFORE[entry.type]:
            found += record_mutations(election, index, role)
    return found


def credential_of(election: Simulation, entry: Entry) -> str:
    """The public credential of a Ballot entry."""
    return parse_ballot(election.election, entry.body("ballot")).credential.text
