"""Results: the discrete logarithm at its limits, and counts that no ballots could have made."""

from math import isqrt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto import transcript
from crypto.checker import PlainChecker
from crypto.decryption import (
    PartialDecryption,
    make_partial_decryption,
    parse_owned,
    parse_partial_decryption,
    verify_partial_decryption,
)
from crypto.election import Election
from crypto.encoding import encode_json_bytes
from crypto.errors import RejectedError
from crypto.groups import get_group
from crypto.proofs.schnorr import Proof
from crypto.questions import HomomorphicQuestion
from crypto.result import (
    DiscreteLog,
    _require_possible,
    compute_result,
    encode_result,
    parse_result,
    verify_result,
)
from crypto.tally import EncryptedTally, parse_encrypted_tally
from crypto.trustees import Trustees
from tests.crypto.refusals import refused
from tests.simulator import KINDS, Simulation, coins_for, sound

NAMES = ("Ed25519", "BELENIOS-2048")


# --- discrete logarithm ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bound", [0, 1, 2, 3, 4, 8, 9, 10, 35, 36, 37])
def test_every_number_up_to_the_bound_and_none_beyond(name: str, bound: int) -> None:
    group = get_group(name)
    search = DiscreteLog(group, bound)
    for value in range(bound + 1):
        assert search.find(group.power_g(value)) == value
    for value in (bound + 1, bound + 2, bound + isqrt(bound) + 2, 10 * bound + 50, -1, -bound - 1):
        with refused("R1", kind=RejectedError):
            search.find(group.power_g(value))


@settings(max_examples=20)
@given(bound=st.integers(1, 5000), data=st.data())
def test_any_number_below_any_bound(bound: int, data: st.DataObject) -> None:
    group = get_group("BELENIOS-2048")
    value = data.draw(st.integers(0, bound))
    assert DiscreteLog(group, bound).find(group.power_g(value)) == value


def test_weights_above_thirty_bits_are_found() -> None:
    """The largest number that fits an OCaml integer is where programs of the field change their spelling."""
    group = get_group("BELENIOS-2048")
    search = DiscreteLog(group, 2**30 + 9)
    for value in (0, 1, 2**30 - 1, 2**30, 2**30 + 9):
        assert search.find(group.power_g(value)) == value
    with refused("R1"):
        search.find(group.power_g(2**30 + 10))
    simulation = sound("weighted")
    assert simulation.total_weight > 2**30
    assert simulation.result == [[1, 2**30 + 8], [0, 2**30 + 8, 2**30 + 5, 1]]


# --- spelling ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_results_come_back(kind: str) -> None:
    simulation = sound(kind)
    assert simulation.result is not None
    raw = encode_result(simulation.result)
    assert parse_result(simulation.election, raw) == simulation.result
    assert simulation.entries[simulation.index("Result")].body("result") == raw


def test_large_counts_are_text_and_small_ones_numbers() -> None:
    assert encode_result([[0, 2**30 - 1, 2**30]]) == b'{"result":[[0,1073741823,"1073741824"]]}'


@pytest.mark.parametrize(
    "value",
    [
        {"result": [[1]]},
        {"result": [[1, 2, 3]]},
        {"result": [[1, 2], [0, 0]]},
        {"result": []},
        {"result": [1, 2]},
        {"result": [["1", 2]]},
        {"result": [[-1, 2]]},
        {"result": [[True, 2]]},
        {"result": [[None, 2]]},
        {"result": [[2**30, 0]]},
        {"result": [[1, 2]], "x": 1},
        {"results": [[1, 2]]},
        [[1, 2]],
        None,
    ],
)
def test_a_result_of_another_shape_is_refused(value: Any) -> None:
    with refused("R1"):
        parse_result(sound("plain").election, encode_json_bytes(value))


# --- verification ------------------------------------------------------------------------------------------------


def arguments(
    simulation: Simulation,
) -> tuple[Election, Trustees, EncryptedTally, dict[int, PartialDecryption]]:
    """What verify_result takes before result and weight, read from the archive."""
    election = simulation.election
    tally = parse_encrypted_tally(
        election, simulation.entries[simulation.index("EncryptedTally")].body("encrypted_tally")
    )
    partials = {
        parse_owned(entry.body("owned")).owner: parse_partial_decryption(
            election, tally, entry.body("partial_decryption")
        )
        for entry in simulation.entries
        if entry.type == "PartialDecryption"
    }
    return election, simulation.trustees, tally, partials


@pytest.mark.parametrize("kind", KINDS)
def test_the_true_result_verifies_and_no_other(kind: str) -> None:
    simulation = sound(kind)
    assert simulation.result is not None
    args, total = arguments(simulation), simulation.total_weight
    verify_result(*args, simulation.result, total)
    for row in range(len(simulation.result)):
        for column in range(len(simulation.result[row])):
            for step in (1, -1):
                wrong = [list(counts) for counts in simulation.result]
                wrong[row][column] += step
                if wrong[row][column] < 0:
                    continue
                with pytest.raises(RejectedError) as caught:
                    verify_result(*args, wrong, total)
                assert caught.value.rule in {"R2", "R3"}
                # The sum kept, so that only the decryption can tell.
                other = (column + 1) % len(wrong[row])
                wrong[row][other] -= step
                if wrong[row][other] >= 0 and other != column:
                    with pytest.raises(RejectedError):
                        verify_result(*args, wrong, total)


@pytest.mark.parametrize("kind", ["plain", "belenios"])
def test_a_count_that_is_larger_by_the_order_of_the_group_is_refused(kind: str) -> None:
    """g^(count + q) = g^count: belenios-tool 2.0 accepts such a result."""
    simulation = sound(kind)
    assert simulation.result is not None
    wrong = [[simulation.result[0][0] + simulation.group.q, *simulation.result[0][1:]]]
    with refused("R3", "larger than the votes"):
        verify_result(*arguments(simulation), wrong, simulation.total_weight)


def test_swapped_counts_are_refused() -> None:
    simulation = sound("plain")
    assert simulation.result is not None
    with refused("R2", "count 1"):
        verify_result(*arguments(simulation), [simulation.result[0][::-1]], simulation.total_weight)


def forged(simulation: Simulation, owner: int) -> PartialDecryption:
    """False factors with valid proofs (PROTOCOL §0, fact 5): each is chosen after its challenge."""
    election, group = simulation.election, simulation.group
    _, _, tally, _ = arguments(simulation)
    secret = simulation.secrets[owner]
    prefix = transcript.decryption(election.fingerprint, group.power_g(secret))
    factors, proofs = [], []
    for n, c in enumerate(tally[0]):
        commitments = [group.power_g(99), group.power_g(1000 + n)]
        challenge = transcript.challenge(group, prefix, [item.text for item in commitments])
        response = (99 - secret * challenge) % group.q
        rest = group.divide(commitments[1], group.power(c.alpha, response))
        factors.append(group.power(rest, pow(challenge, -1, group.q)))
        proofs.append(Proof(challenge, response))
    return PartialDecryption((tuple(factors),), (tuple(proofs),))


@pytest.mark.parametrize("liar", [1, 2, 3])
def test_a_forged_decryption_among_more_than_enough_is_found(liar: int) -> None:
    """Its proof holds, and two honest ones are enough; but three must agree, whoever of them lies."""
    simulation = sound("threshold")
    election, trustees, tally, _ = arguments(simulation)
    assert simulation.result is not None
    partials = {}
    for owner, secret in simulation.secrets.items():
        raw = make_partial_decryption(election, tally, secret, coins_for(owner, "spare"))
        partials[owner] = parse_partial_decryption(election, tally, raw)
    verify_result(election, trustees, tally, partials, simulation.result, simulation.total_weight)
    partials[liar] = forged(simulation, liar)
    key = trustees.owners[liar - 1].public_key
    verify_partial_decryption(election, tally, key, partials[liar], PlainChecker(simulation.group))
    with refused("R2"):
        verify_result(election, trustees, tally, partials, simulation.result, simulation.total_weight)


@pytest.mark.parametrize("kind", ["empty", "plain", "belenios-mixed"])
def test_opening_gives_what_was_voted(kind: str) -> None:
    simulation = sound(kind)
    assert compute_result(*arguments(simulation), simulation.total_weight) == simulation.result


def test_no_ballot_gives_zeros() -> None:
    simulation = sound("empty")
    assert simulation.result == [[0, 0], [0, 0, 0, 0]]
    verify_result(*arguments(simulation), [[0, 0], [0, 0, 0, 0]], 0)


@pytest.mark.parametrize(
    "question, row, total, possible",
    [
        # exactly one of two, four ballots
        ((2, 1, 1, False), [3, 1], 4, True),
        ((2, 1, 1, False), [4, 1], 4, False),
        ((2, 1, 1, False), [2, 1], 4, False),
        ((2, 1, 1, False), [5, 0], 4, False),
        # none to two of three
        ((3, 0, 2, False), [4, 4, 0], 4, True),
        ((3, 0, 2, False), [4, 4, 1], 4, False),
        ((3, 0, 2, False), [0, 0, 0], 4, True),
        # one or two of three, or blank: the first count is the blank one
        ((3, 1, 2, True), [4, 0, 0, 0], 4, True),
        ((3, 1, 2, True), [3, 1, 1, 0], 4, True),
        ((3, 1, 2, True), [3, 1, 1, 1], 4, False),
        ((3, 1, 2, True), [3, 0, 0, 0], 4, False),
        ((3, 1, 2, True), [5, 0, 0, 0], 4, False),
        ((3, 1, 2, True), [0, 4, 4, 0], 4, True),
        # nothing may be chosen
        ((2, 0, 0, False), [0, 0], 4, True),
        ((2, 0, 0, False), [1, 0], 4, False),
        # no ballot
        ((2, 1, 1, False), [0, 0], 0, True),
        ((2, 1, 1, False), [0, 1], 0, False),
    ],
)
def test_only_counts_that_ballots_can_make(question: Any, row: list[int], total: int, possible: bool) -> None:
    answers, minimum, maximum, blank = question
    asked = HomomorphicQuestion(tuple("abc"[:answers]), minimum, maximum, "?", blank)
    if possible:
        _require_possible(asked, row, total, 1)
    else:
        with refused("R3"):
            _require_possible(asked, row, total, 1)
