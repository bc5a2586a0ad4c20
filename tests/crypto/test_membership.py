"""ATTACKS 3 and 4: no place in any record takes an element that is not in the prime-order group.

The places are found by walking sound records, so that no field can be missed: what decodes as a group element of more
than a few digits is one.
"""

import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from crypto.ballot import parse_ballot
from crypto.credentials import parse_credential_list
from crypto.decryption import parse_partial_decryption
from crypto.election import parse_election
from crypto.encoding import encode_json_bytes
from crypto.errors import MalformedError, ProtocolError, RejectedError
from crypto.groups import Group
from crypto.groups.modp import ModularGroup
from crypto.pedersen import parse_certificate, parse_coefficients, parse_pedersen
from crypto.tally import parse_encrypted_tally
from crypto.trustees import parse_trustees
from tests.crypto import edwards
from tests.crypto.refusals import refused
from tests.simulator import Path, Simulation, json_at, json_paths, json_with, sound

# Record → (its bytes, how it is read)
Reader = Callable[[bytes], Any]


def records(simulation: Simulation) -> dict[str, tuple[bytes, Reader]]:
    election = simulation.election
    group = election.group
    setup = simulation.entries[0]
    tally_entry = simulation.entries[simulation.index("EncryptedTally")]
    tally = parse_encrypted_tally(election, tally_entry.body("encrypted_tally"))
    partial = simulation.entries[simulation.index("PartialDecryption")]
    found: dict[str, tuple[bytes, Reader]] = {
        "election": (setup.body("election"), parse_election),
        "trustees": (setup.body("trustees"), lambda raw: parse_trustees(group, raw)),
        "credentials": (setup.body("credentials"), lambda raw: parse_credential_list(group, raw)),
        "ballot": (simulation.ballots[0], lambda raw: parse_ballot(election, raw)),
        "tally": (tally_entry.body("encrypted_tally"), lambda raw: parse_encrypted_tally(election, raw)),
        "partial": (
            partial.body("partial_decryption"),
            lambda raw: parse_partial_decryption(election, tally, raw),
        ),
    }
    for kind, content in json.loads(setup.body("trustees")):
        if kind == "Pedersen":
            for name, parse in (("certs", parse_certificate), ("coefexps", parse_coefficients)):
                message = content[name][0]

                def read(raw: bytes, parse: Any = parse, message: Any = message) -> None:
                    parse(group, {**message, "message": raw.decode()})

                found[name] = (message["message"].encode(), read)
            found["pedersen"] = (
                encode_json_bytes(content),
                lambda raw: parse_pedersen(group, json.loads(raw)),
            )
    return found


def is_element(group: Group, text: Any) -> bool:
    # Fingerprints have 43 characters, hashes of records do not occur inside these records.
    if not isinstance(text, str) or (group.name != "Ed25519" and len(text) < 200):
        return False
    try:
        group.decode(text.split(",")[0], "X1", "element", allow_identity=True)
    except ProtocolError:
        return False
    return True


def intruders(group: Group) -> list[str]:
    """Texts that are no canonical element of the prime-order subgroup, whatever the place."""
    if isinstance(group, ModularGroup):
        p, q, g = int(group._p), group.q, int(group.generator.text)
        chance = Random(1)
        order_three = 1
        while order_three == 1 and (p - 1) % 3 == 0:
            order_three = pow(chance.randrange(2, p), (p - 1) // 3, p)
        shifted = [g * (p - 1) % p, g * order_three % p] if order_three != 1 else [g * (p - 1) % p]
        outside = [0, p - 1, p, p + 1, p + g, *shifted, *([order_three] if order_three != 1 else [])]
        assert all(pow(x, q, p) != 1 or x >= p or x == 0 for x in outside)
        return [*map(str, outside), f"0{g}", f"-{g}", "-1", ""]
    points = [edwards.add(edwards.multiply(edwards.BASE, 5), t) for t in edwards.TORSION[1:]]
    raws = [*edwards.LOW_ORDER[1:], *edwards.NON_CANONICAL[::5], *edwards.NON_CANONICAL[-2:]]
    raws += [edwards.encode(point) for point in points]
    texts = [raw[::-1].hex() for raw in raws]
    return [*texts, group.power_g(2).text.upper(), group.generator.text[:-1], ""]


# Where the identity is refused (DESIGN §5), by the record and the last name on the way.
NO_IDENTITY = {
    ("election", "public_key"),
    ("trustees", "public_key"),
    ("pedersen", "public_key"),
    ("certs", "verification"),
    ("certs", "encryption"),
    ("ballot", "credential"),
    ("ballot", "alpha"),
}


RULES = {
    "election": "S1",
    "trustees": "T1",
    "pedersen": "T5",
    "certs": "T2",
    "coefexps": "T3",
    "credentials": "S4",
    "ballot": "B5",
    "tally": "C1",
    "partial": "D2",
}


def rule_of(name: str, path: Path) -> str:
    return "T5" if "verification_keys" in path else RULES[name]


def places(simulation: Simulation) -> list[tuple[str, Path]]:
    found = []
    for name, (raw, _) in records(simulation).items():
        value = json.loads(raw)
        found += [
            (name, path) for path in json_paths(value) if is_element(simulation.group, json_at(value, path))
        ]
    return found


@pytest.mark.parametrize("kind", ["mixed", "belenios-mixed", "weighted"])
def test_the_walk_finds_the_places(kind: str) -> None:
    """Without this, a broken walk would test nothing."""
    simulation = sound(kind)
    names = {
        (name, next((k for k in reversed(path) if isinstance(k, str)), ""))
        for name, path in places(simulation)
    }
    expected = NO_IDENTITY | {
        ("credentials", ""),
        ("ballot", "beta"),
        ("tally", "alpha"),
        ("tally", "beta"),
        ("partial", "decryption_factors"),
        ("coefexps", "coefexps"),
    }
    if kind == "weighted":
        expected = {item for item in expected if item[0] not in {"certs", "coefexps", "pedersen"}}
    assert names == expected


@pytest.mark.parametrize("kind", ["mixed", "belenios-mixed", "weighted"])
def test_no_place_takes_what_is_not_in_the_group(kind: str, rng: Random, samples: int) -> None:
    simulation = sound(kind)
    readable = records(simulation)
    for raw, read in readable.values():
        read(raw)
    bad = intruders(simulation.group)
    for name, path in places(simulation):
        raw, read = readable[name]
        value = json.loads(raw)
        old = json_at(value, path)
        tail = old.partition(",")[1] + old.partition(",")[2]
        for intruder in rng.sample(bad, min(len(bad), max(4, samples // 10))):
            with pytest.raises((MalformedError, RejectedError)) as caught:
                read(encode_json_bytes(json_with(value, path, intruder + tail)))
            assert caught.value.rule == rule_of(name, path), (name, path, intruder)


@pytest.mark.parametrize("kind", ["mixed", "belenios-mixed"])
def test_the_identity_is_refused_where_it_would_be_a_key(kind: str) -> None:
    """ATTACKS 4: with credential, trustee key and election key equal to 1, belenios-tool 3.3.0 accepts anything."""
    simulation = sound(kind)
    readable = records(simulation)
    refused_at = set()
    for name, path in places(simulation):
        raw, read = readable[name]
        value = json.loads(raw)
        old = json_at(value, path)
        tail = old.partition(",")[1] + old.partition(",")[2]
        changed = encode_json_bytes(json_with(value, path, simulation.group.identity.text + tail))
        last = next((k for k in reversed(path) if isinstance(k, str)), "")
        must_refuse = (
            (name, last) in NO_IDENTITY or name == "credentials" or (name == "coefexps" and path[-1] == 0)
        )
        if must_refuse:
            with refused(rule_of(name, path), "identity", RejectedError):
                read(changed)
            refused_at.add((name, last))
        elif name == "ballot":
            # A beta of 1 is only an unlikely vote: nothing but the ballot's hash is wrong.
            with refused("B6"):
                read(changed)
        elif name != "partial":
            # A tally over no ballot, or a higher coefficient that happens to be 0.
            read(changed)
    assert refused_at == NO_IDENTITY | {("credentials", ""), ("coefexps", "coefexps")}
