"""Partial decryptions: any enough of them open the tally, a false one is found, a missing one is missed."""

import itertools
import json
from typing import Any

import pytest

from crypto.checker import PlainChecker
from crypto.decryption import (
    Owned,
    PartialDecryption,
    combine_factors,
    lagrange,
    make_partial_decryption,
    make_strong_proofs,
    parse_owned,
    parse_partial_decryption,
    verify_partial_decryption,
    verify_strong_proofs,
)
from crypto.elgamal import neutral
from crypto.encoding import encode_json_bytes
from crypto.groups import get_group
from crypto.result import compute_result
from crypto.tally import EncryptedTally, parse_encrypted_tally
from tests.crypto.refusals import refused
from tests.simulator import Simulation, coins_for, json_with, sound

KINDS = ("blank", "threshold", "mixed", "belenios-mixed", "empty")


def tally_of(simulation: Simulation) -> EncryptedTally:
    entry = simulation.entries[simulation.index("EncryptedTally")]
    return parse_encrypted_tally(simulation.election, entry.body("encrypted_tally"))


def partial(simulation: Simulation, owner: int, secret: int | None = None) -> PartialDecryption:
    tally = tally_of(simulation)
    raw = make_partial_decryption(
        simulation.election, tally, secret or simulation.secrets[owner], coins_for(owner, "partial")
    )
    return parse_partial_decryption(simulation.election, tally, raw)


def verify(simulation: Simulation, owner: int, pd: PartialDecryption) -> None:
    checker = PlainChecker(simulation.group)
    key = simulation.trustees.owners[owner - 1].public_key
    verify_partial_decryption(simulation.election, tally_of(simulation), key, pd, checker)
    checker.finish()


@pytest.mark.parametrize("kind", KINDS)
def test_every_owners_part_verifies_under_the_own_key_only(kind: str) -> None:
    simulation = sound(kind)
    for owner in simulation.secrets:
        verify(simulation, owner, partial(simulation, owner))
        for other in simulation.secrets.keys() - {owner}:
            with refused("D3"):
                verify(simulation, other, partial(simulation, owner))


@pytest.mark.parametrize("kind", KINDS)
def test_any_enough_of_the_owners_open_the_same_result(kind: str) -> None:
    simulation = sound(kind)
    tally = tally_of(simulation)
    parts = {owner: partial(simulation, owner) for owner in simulation.secrets}
    opened = 0
    for size in range(1, len(parts) + 1):
        for present in itertools.combinations(parts, size):
            chosen = {owner: parts[owner] for owner in present}
            args = (simulation.election, simulation.trustees, tally, chosen)
            if simulation.trustees.is_enough(present):
                assert compute_result(*args, simulation.total_weight) == simulation.result
                opened += 1
            else:
                with refused("D5", "missing"):
                    combine_factors(*args)
    assert opened >= 1


def test_a_false_factor_in_a_threshold_group_is_found_before_it_is_combined() -> None:
    """ATTACKS 22: the bad share is named, and any t good ones still open the tally."""
    simulation = sound("threshold")
    bad = partial(simulation, 1, secret=999)
    with refused("D3"):
        verify(simulation, 1, bad)
    good = {owner: partial(simulation, owner) for owner in (2, 3)}
    tally = tally_of(simulation)
    assert (
        compute_result(simulation.election, simulation.trustees, tally, good, simulation.total_weight)
        == simulation.result
    )
    with refused("R1", "factor is false"):
        compute_result(
            simulation.election, simulation.trustees, tally, {1: bad, 2: good[2]}, simulation.total_weight
        )


@pytest.mark.parametrize("kind", ["blank", "belenios-mixed"])
@pytest.mark.parametrize("path", [("decryption_factors", 0, 0), ("decryption_proofs", 0, 0, "response")])
def test_a_changed_factor_or_proof_is_found(kind: str, path: Any) -> None:
    simulation = sound(kind)
    tally = tally_of(simulation)
    raw = simulation.entries[simulation.index("PartialDecryption")].body("partial_decryption")
    owner = parse_owned(simulation.entries[simulation.index("PartialDecryption")].body("owned")).owner
    new = simulation.group.power_g(5).text if path[0] == "decryption_factors" else "5"
    value = json_with(json.loads(raw), path, new)
    changed = parse_partial_decryption(simulation.election, tally, encode_json_bytes(value))
    with refused("D3"):
        verify(simulation, owner, changed)


@pytest.mark.parametrize(
    "change",
    [
        lambda v: {"decryption_proofs": v["decryption_proofs"], **v},
        lambda v: {"decryption_factors": v["decryption_factors"]},
        lambda v: {**v, "owner": 1},
        lambda v: {**v, "decryption_factors": v["decryption_factors"][:-1]},
        lambda v: {**v, "decryption_proofs": v["decryption_proofs"][:-1]},
        lambda v: json_with(v, ("decryption_factors", 0), v["decryption_factors"][0][:-1]),
        lambda v: json_with(v, ("decryption_proofs", 0), []),
        lambda v: json_with(v, ("decryption_factors", 0, 0), "0" * 64),
        lambda v: json_with(v, ("decryption_factors", 0, 0), None),
        lambda v: json_with(v, ("decryption_proofs", 0, 0), {}),
        lambda v: json_with(v, ("decryption_proofs", 0, 0, "response"), "007"),
        lambda v: [v],
        lambda v: None,
    ],
)
def test_a_partial_decryption_of_another_shape_is_refused(change: Any) -> None:
    simulation = sound("blank")
    raw = simulation.entries[simulation.index("PartialDecryption")].body("partial_decryption")
    with refused("D2"):
        parse_partial_decryption(
            simulation.election, tally_of(simulation), encode_json_bytes(change(json.loads(raw)))
        )


@pytest.mark.parametrize("kind", ["plain", "belenios"])
def test_a_factor_is_one_exactly_where_nothing_was_encrypted(kind: str) -> None:
    """α^x = 1 only for α = 1: a trustee who publishes 1 takes no part in the decryption."""
    simulation = sound(kind)
    raw = simulation.entries[simulation.index("PartialDecryption")].body("partial_decryption")
    value = json_with(json.loads(raw), ("decryption_factors", 0, 1), simulation.group.identity.text)
    with refused("D2"):
        parse_partial_decryption(simulation.election, tally_of(simulation), encode_json_bytes(value))
    nothing = tuple(tuple(neutral(simulation.group) for _ in row) for row in tally_of(simulation))
    with refused("D2"):
        parse_partial_decryption(simulation.election, nothing, raw)


HASH = "cd" * 32


def test_an_owned_record_comes_back_and_has_one_shape() -> None:
    assert parse_owned(Owned(3, HASH).encode()) == Owned(3, HASH)
    bad: list[Any] = [
        {"owner": 0, "payload": HASH},
        {"owner": "1", "payload": HASH},
        {"owner": True, "payload": HASH},
        {"owner": 1},
        {"owner": 1, "payload": HASH.upper()},
        {"owner": 1, "payload": HASH, "x": 1},
        {"payload": HASH, "owner": 1},
        None,
    ]
    for value in bad:
        with refused("D1"):
            parse_owned(encode_json_bytes(value))


# --- the strong proofs -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_strong_proofs_verify_beside_the_part_that_they_belong_to(kind: str) -> None:
    simulation = sound(kind)
    tally = tally_of(simulation)
    owner = next(iter(simulation.secrets))
    key = simulation.trustees.owners[owner - 1].public_key
    pd = partial(simulation, owner)
    value = make_strong_proofs(
        simulation.election, tally, simulation.secrets[owner], owner, coins_for(1, "strong")
    )
    checker = PlainChecker(simulation.group)
    verify_strong_proofs(simulation.election, tally, key, pd, value, checker)
    bad: list[Any] = [
        json_with(value, ("proofs", 0, 0, "response"), "5"),
        json_with(value, ("proofs", 0), []),
        {**value, "proofs": []},
        {**value, "proofs": None},
        {**value, "x": 1},
        {"owner": owner},
        None,
    ]
    for wrong in bad:
        with refused("D4"):
            verify_strong_proofs(simulation.election, tally, key, pd, wrong, checker)
    with refused("D4"):
        verify_strong_proofs(simulation.election, tally, simulation.group.power_g(5), pd, value, checker)
    if kind != "empty":
        false = partial(simulation, owner, secret=31337)
        with refused("D4"):
            verify_strong_proofs(simulation.election, tally, key, false, value, checker)


# --- Lagrange ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Ed25519", "BELENIOS-2048"])
def test_lagrange_exponents_find_the_constant_of_any_polynomial(name: str) -> None:
    group = get_group(name)
    coins = coins_for(1, "lagrange")
    for needed in range(1, 6):
        polynomial = [coins.scalar(group.q) for _ in range(needed)]

        def value(x: int, terms: list[int] = polynomial) -> int:
            total: int = sum(a * x**k for k, a in enumerate(terms)) % group.q
            return total

        for present in itertools.combinations(range(1, 7), needed):
            total = sum(lagrange(group, present, i) * value(i) for i in present) % group.q
            assert total == polynomial[0]
