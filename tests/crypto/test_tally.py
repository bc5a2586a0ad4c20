"""The encrypted tally: the product of the parts is the whole, and what is taken out was never there."""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.ballot import parse_ballot
from crypto.encoding import encode_json_bytes
from crypto.tally import (
    EncryptedTally,
    SizedTally,
    TallyAccumulator,
    encode_encrypted_tally,
    parse_encrypted_tally,
    parse_sized_tally,
)
from tests.crypto.refusals import refused
from tests.simulator import Simulation, json_with, sound

KINDS = ("plain", "blank", "weighted", "revotes", "belenios-mixed")


def tally_of(simulation: Simulation, weighted: list[tuple[int, int]]) -> EncryptedTally:
    """The tally of ballots by their number, each with a weight."""
    accumulator = TallyAccumulator(simulation.election)
    for number, weight in weighted:
        accumulator.add(parse_ballot(simulation.election, simulation.ballots[number]), weight)
    return accumulator.tally()


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=12)
@given(data=st.data())
def test_parts_make_the_whole_in_any_order(kind: str, data: st.DataObject) -> None:
    simulation = sound(kind)
    numbers = range(len(simulation.ballots))
    weighted = [(n, data.draw(st.sampled_from([0, 1, 2, 2**31]))) for n in numbers]
    whole = tally_of(simulation, weighted)
    shuffled = data.draw(st.permutations(weighted))
    cut = data.draw(st.integers(0, len(shuffled)))
    parts = TallyAccumulator(simulation.election, tally_of(simulation, shuffled[:cut]))
    parts.merge(tally_of(simulation, shuffled[cut:]))
    assert parts.tally() == whole


@pytest.mark.parametrize("kind", KINDS)
def test_a_superseded_ballot_leaves_no_trace(kind: str, rng: Random) -> None:
    simulation = sound(kind)
    ballots = [parse_ballot(simulation.election, raw) for raw in simulation.ballots]
    for _ in range(5):
        kept = [(n, rng.choice([0, 1, 3])) for n in range(len(ballots) - 1)]
        accumulator = TallyAccumulator(simulation.election)
        weight = rng.choice([0, 1, 7])
        accumulator.add(ballots[-1], weight)
        for number, each in kept:
            accumulator.add(ballots[number], each)
        accumulator.remove(ballots[-1], weight)
        assert accumulator.tally() == tally_of(simulation, kept)


@pytest.mark.parametrize("kind", KINDS)
def test_the_published_tally_is_that_of_the_ballots_that_count(kind: str) -> None:
    simulation = sound(kind)
    accumulator = TallyAccumulator(simulation.election)
    for voter, ballot in simulation.counted.items():
        accumulator.add(ballot, simulation.weight(voter))
    entry = simulation.entries[simulation.index("EncryptedTally")]
    assert encode_encrypted_tally(simulation.election, accumulator.tally()) == entry.body("encrypted_tally")
    sized = parse_sized_tally(entry.body("sized_tally"))
    assert (sized.num_tallied, sized.total_weight) == (len(simulation.counted), simulation.total_weight)


def test_a_weight_is_that_many_ballots() -> None:
    simulation = sound("plain")
    assert tally_of(simulation, [(0, 3)]) == tally_of(simulation, [(0, 1)] * 3)
    assert tally_of(simulation, [(0, 0)]) == tally_of(simulation, [])


@pytest.mark.parametrize("kind", ["plain", "blank", "belenios-mixed"])
def test_no_ballot_makes_a_tally_of_ones(kind: str) -> None:
    simulation = sound(kind)
    tally = TallyAccumulator(simulation.election).tally()
    identity = simulation.group.identity
    assert {element for row in tally for c in row for element in (c.alpha, c.beta)} == {identity}
    assert (
        parse_encrypted_tally(simulation.election, encode_encrypted_tally(simulation.election, tally))
        == tally
    )


def test_a_tally_comes_back() -> None:
    for kind in KINDS:
        simulation = sound(kind)
        raw = simulation.entries[simulation.index("EncryptedTally")].body("encrypted_tally")
        assert (
            encode_encrypted_tally(simulation.election, parse_encrypted_tally(simulation.election, raw))
            == raw
        )


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows[:-1],
        lambda rows: [*rows, rows[0]],
        lambda rows: rows[::-1],
        lambda rows: [rows[0][:-1], *rows[1:]],
        lambda rows: [[*rows[0], rows[0][0]], *rows[1:]],
        lambda rows: json_with(rows, (0, 0), None),
        lambda rows: json_with(rows, (0, 0, "alpha"), "0" * 64),
        lambda rows: {"0": rows},
        lambda rows: None,
    ],
)
def test_a_tally_of_another_shape_is_refused(change: Any) -> None:
    simulation = sound("blank")
    rows = json.loads(simulation.entries[simulation.index("EncryptedTally")].body("encrypted_tally"))
    with refused("C1"):
        parse_encrypted_tally(simulation.election, encode_json_bytes(change(rows)))


HASH = "ab" * 32


@pytest.mark.parametrize("weight", [0, 1, 2**30 - 1, 2**30, 10**15])
def test_a_sized_tally_comes_back(weight: int) -> None:
    sized = SizedTally(3, weight, HASH)
    assert parse_sized_tally(sized.encode()) == sized


@pytest.mark.parametrize(
    "value",
    [
        {"num_tallied": 1, "total_weight": 1},
        {"num_tallied": 1, "total_weight": 1, "encrypted_tally": HASH, "x": 1},
        {"total_weight": 1, "num_tallied": 1, "encrypted_tally": HASH},
        {"num_tallied": -1, "total_weight": 1, "encrypted_tally": HASH},
        {"num_tallied": "1", "total_weight": 1, "encrypted_tally": HASH},
        {"num_tallied": True, "total_weight": 1, "encrypted_tally": HASH},
        {"num_tallied": 1, "total_weight": "1", "encrypted_tally": HASH},
        {"num_tallied": 1, "total_weight": 2**30, "encrypted_tally": HASH},
        {"num_tallied": 1, "total_weight": 1, "encrypted_tally": HASH.upper()},
        {"num_tallied": 1, "total_weight": 1, "encrypted_tally": None},
        [],
        None,
    ],
)
def test_a_sized_tally_of_another_shape_is_refused(value: Any) -> None:
    with refused("C2"):
        parse_sized_tally(encode_json_bytes(value))
