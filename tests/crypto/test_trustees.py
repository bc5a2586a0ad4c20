"""Trustees: their keys, the drill, the published list, and who together can decrypt."""

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest

from crypto.checker import PlainChecker
from crypto.encoding import encode_json_bytes
from crypto.errors import MisuseError, RejectedError
from crypto.groups import Group, get_group
from crypto.proofs.schnorr import Proof
from crypto.trustee_key import (
    encode_secret_key,
    generate_key,
    make_drill,
    make_trustee_key,
    parse_secret_key,
    parse_trustee_key,
    verify_drill,
    verify_trustee_key,
)
from crypto.trustees import (
    Trustees,
    election_public_key,
    encode_trustees,
    parse_trustees,
    verify_trustees,
)
from tests.crypto.refusals import refused
from tests.simulator import Threshold, coins_for, generate_threshold_key, sound

NAMES = ("Ed25519", "BELENIOS-2048")
EVERY_GROUP = pytest.mark.parametrize("G", [get_group(name) for name in NAMES], ids=NAMES)
KINDS = ("plain", "blank", "threshold", "mixed", "belenios", "belenios-mixed")


def verify(G: Group, trustees: Trustees) -> None:
    checker = PlainChecker(G)
    verify_trustees(G, trustees, checker)
    checker.finish()


# --- one key -----------------------------------------------------------------------------------------------------


@EVERY_GROUP
def test_a_new_key_is_proved_and_comes_back(G: Group) -> None:
    secret, key = generate_key(G, coins_for(1, "key"))
    assert G.power_g(secret) == key.public_key
    verify_trustee_key(G, key, PlainChecker(G))
    assert parse_trustee_key(G, key.encode()) == key
    named = replace(key, name="Ada")
    assert parse_trustee_key(G, named.encode()) == named
    assert list(replace(named, signature=key.pok).encode()) == ["pok", "public_key", "signature", "name"]


@EVERY_GROUP
def test_a_key_that_nobody_holds_is_refused(G: Group) -> None:
    """ATTACKS 7: the last trustee takes y_n = target / ∏ y_i, whose secret is unknown, with a copied proof."""
    others = [generate_key(G, coins_for(n, "rogue"))[1] for n in range(2)]
    target = G.power_g(4242)
    rogue = G.divide(target, G.product([key.public_key for key in others]))
    for pok in (others[0].pok, others[1].pok, Proof(0, 0)):
        trustees = Trustees((*others, replace(others[0], public_key=rogue, pok=pok)))
        assert election_public_key(G, trustees) == target
        with refused("T1", "trustee 3"):
            verify(G, trustees)


@EVERY_GROUP
@pytest.mark.parametrize(
    "change",
    [
        lambda k: {**k, "extra": 1},
        lambda k: {"public_key": k["public_key"], "pok": k["pok"]},
        lambda k: {"pok": k["pok"]},
        lambda k: {"public_key": k["public_key"]},
        lambda k: {**k, "name": 5},
        lambda k: {**k, "name": None},
        lambda k: {**k, "signature": None},
        lambda k: {**k, "name": "Ada", "signature": k["pok"]},
        lambda k: {**k, "public_key": "1"},
        lambda k: {**k, "public_key": "0" * 63 + "1"},
        lambda k: {**k, "public_key": None},
        lambda k: {**k, "pok": {**k["pok"], "response": "-1"}},
        lambda k: [k],
        lambda k: None,
    ],
)
def test_a_key_object_of_another_shape_is_refused(G: Group, change: Any) -> None:
    key = generate_key(G, coins_for(1, "shape"))[1]
    with refused("T1"):
        parse_trustee_key(G, change(key.encode()))


@EVERY_GROUP
def test_a_private_key_file(G: Group) -> None:
    for secret in (1, 12345, G.q - 1):
        assert parse_secret_key(G, encode_secret_key(secret)) == secret
        assert parse_secret_key(G, encode_secret_key(secret) + "\n") == secret
    for text in ("", "12345", '"01"', f'"{G.q}"', '"-1"', "null", '["5"]', '"5" "6"', '"abc"'):
        with refused("T7"):
            parse_secret_key(G, text)


class _Coins:
    """Coins that come up as told."""

    def __init__(self, *values: int) -> None:
        self._values = list(values)

    def scalar(self, q: int) -> int:
        return self._values.pop(0)


def test_zero_is_never_a_secret_key() -> None:
    """Its public key would be the identity, and the group's key everybody else's alone."""
    G = get_group("Ed25519")
    secret, key = generate_key(G, _Coins(0, 0, 7, 99))
    assert secret == 7
    assert key.public_key == G.power_g(7)


# --- the drill ---------------------------------------------------------------------------------------------------


@EVERY_GROUP
def test_a_drill_shows_the_key_for_this_election_and_nonce(G: Group) -> None:
    secret, nonce, label = 777, "00" * 16, "FINGERPRINT"
    proof = make_drill(G, label, secret, nonce, coins_for(1, "drill"))
    key = G.power_g(secret)
    verify_drill(G, label, key, nonce, proof, PlainChecker(G))
    wrong: list[tuple[Any, ...]] = [
        (label + "x", key, nonce, proof),
        (label, G.power_g(778), nonce, proof),
        (label, key, "01" * 16, proof),
        (label, key, nonce, {**proof, "response": "1"}),
        (label, key, nonce, {"challenge": proof["challenge"]}),
        (label, key, nonce, None),
        # A proof of knowledge from the ceremony must not pass for a drill.
        (label, key, nonce, make_trustee_key(G, secret, coins_for(1, "pok")).pok.encode()),
    ]
    for args in wrong:
        with refused("J7"):
            verify_drill(G, *args, PlainChecker(G))


# --- the list ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_published_trustees_come_back_and_verify(kind: str) -> None:
    simulation = sound(kind)
    raw = simulation.entries[0].body("trustees")
    trustees = parse_trustees(simulation.group, raw)
    assert trustees == simulation.trustees
    assert encode_trustees(trustees.items) == raw
    verify(simulation.group, trustees)
    assert election_public_key(simulation.group, trustees) == simulation.election.public_key
    assert trustees.old_forms == ()
    for owner, secret in simulation.secrets.items():
        assert trustees.owners[owner - 1].public_key == simulation.group.power_g(secret)


@pytest.mark.parametrize("kind", ["blank", "threshold", "mixed", "belenios-mixed"])
def test_exactly_the_right_sets_of_owners_are_enough(kind: str) -> None:
    simulation = sound(kind)
    trustees = simulation.trustees
    for size in range(len(simulation.secrets) + 1):
        for present in itertools.combinations(simulation.secrets, size):
            expected = all(
                len(set(present) & set(span)) >= getattr(item, "threshold", 1)
                for item, span in trustees.spans()
            )
            assert trustees.is_enough(present) == expected


def test_owners_are_numbered_through_all_items() -> None:
    spans = sound("mixed").trustees.spans()
    assert [list(span) for _, span in spans] == [[1], [2, 3, 4]]


@pytest.mark.parametrize(
    "change",
    [
        lambda items: [],
        lambda items: {},
        lambda items: items[0],
        lambda items: [["Triple", items[0][1]], *items[1:]],
        lambda items: [["single", items[0][1]], *items[1:]],
        lambda items: [["Single"], *items[1:]],
        lambda items: [[*items[0], 1], *items[1:]],
        lambda items: [{"Single": items[0][1]}, *items[1:]],
        lambda items: [["Single", {**items[0][1], "signature": items[0][1]["pok"]}], *items[1:]],
        lambda items: [[None, items[0][1]], *items[1:]],
    ],
)
def test_a_list_of_another_shape_is_refused(change: Any) -> None:
    simulation = sound("mixed")
    items = json.loads(simulation.entries[0].body("trustees"))
    with refused("S3"):
        parse_trustees(simulation.group, encode_json_bytes(change(items)))


@pytest.mark.parametrize("kind", ["plain", "belenios"])
def test_the_same_key_twice_is_refused(kind: str) -> None:
    simulation = sound(kind)
    items = simulation.trustees.items
    with refused("S6", "share a key", RejectedError):
        verify(simulation.group, Trustees((*items, items[0])))


def test_a_single_key_that_also_stands_in_a_threshold_group_is_refused() -> None:
    simulation = sound("mixed")
    group = simulation.group
    for secret in (simulation.secrets[2], simulation.secrets[4]):
        double = make_trustee_key(group, secret, coins_for(1, "double"))
        with refused("S6"):
            verify(group, Trustees((double, *simulation.trustees.items[1:])))


def test_trustees_any_one_of_whom_decrypts_hold_the_same_key() -> None:
    """A constant polynomial gives everybody the same share; belenios-tool makes and accepts such groups."""
    group = get_group("Ed25519")
    made = generate_threshold_key(group, Threshold(1, 3), "one of three")
    assert len({key.public_key.text for key in made.params.verification_keys}) == 1
    verify(group, Trustees((made.params,)))
    double = make_trustee_key(group, made.secrets[0], coins_for(1, "double"))
    with refused("S6"):
        verify(group, Trustees((double, made.params)))


def test_an_election_without_trustees_cannot_be_written() -> None:
    with pytest.raises(MisuseError):
        encode_trustees([])
