"""The proof of a shuffle: honest ones hold, ours and Belenios', and every lie breaks an equation."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from audit.reader import read_entries
from crypto.checker import PlainChecker
from crypto.election import Election, parse_election
from crypto.elgamal import Ciphertext, encrypt, parse_ciphertext
from crypto.errors import MisuseError
from crypto.groups import Group, get_group
from crypto.proofs import shuffle
from crypto.proofs.shuffle import Secrets, ShuffleProof, Statement, parse_shuffle_proof
from crypto.randomness import SeedCoins
from tests.crypto.refusals import refused

ARCHIVES = Path(__file__).parent.parent.parent / "vectors" / "archives" / "valid"
RANKED = ("v3.3.0-ed25519-nh", "v3.0-rfc-3526-2048-nh")


def make_coins(text: str) -> SeedCoins:
    return SeedCoins(sha256(text.encode()).digest())


def make_inputs(group: Group, count: int) -> tuple[Statement, list[Ciphertext]]:
    coins = make_coins("inputs")
    y = group.power_g(coins.scalar(group.q))
    inputs = [encrypt(group, y, number, coins.scalar(group.q)) for number in range(count)]
    return Statement(group, y, "f" * 43, tuple(inputs), ()), inputs


def make_honest(group: Group, count: int) -> tuple[Statement, Secrets, ShuffleProof]:
    empty, inputs = make_inputs(group, count)
    coins = make_coins("shuffle")
    outputs, secrets = shuffle.shuffle(group, empty.y, inputs, coins)
    statement = replace(empty, outputs=outputs)
    return statement, secrets, shuffle.prove(statement, secrets, coins)


def check(statement: Statement, proof: ShuffleProof) -> None:
    checker = PlainChecker(statement.group)
    shuffle.verify(statement, proof, checker, "the shuffle")
    checker.finish()


@pytest.mark.parametrize(
    "name, count", [("Ed25519", 0), ("Ed25519", 1), ("Ed25519", 2), ("Ed25519", 7), ("RFC-3526-2048", 3)]
)
def test_an_honest_shuffle_holds_as_it_is_written(name: str, count: int) -> None:
    group = get_group(name)
    statement, _, proof = make_honest(group, count)
    read = parse_shuffle_proof(group, json.loads(json.dumps(proof.encode())), count, "proof")
    assert read == proof
    check(statement, read)


# --- shuffles of belenios-tool -----------------------------------------------------------------------


def shuffles_of_others(name: str) -> Iterator[tuple[Election, Statement, Any]]:
    [path] = (ARCHIVES / name).glob("*.bel")
    rows: list[list[list[Any]]] = []
    for entry, entries in read_entries(path, lambda _: None):
        if entry.event.type == "Setup":
            election = parse_election(entry.data[0])
            entries.cursor = entries.cursor.with_election(election)
            [place] = [
                i for i, q in enumerate(election.questions) if getattr(q, "kind", "") == "NonHomomorphic"
            ]
        elif entry.event.type == "EncryptedTally":
            rows.append(json.loads(entry.data[0])[place])
        elif entry.event.type == "Shuffle":
            made = json.loads(entry.data[0])
            rows.append(made["ciphertexts"][0])
            before, after = (
                tuple(parse_ciphertext(election.group, item, "X1", "c", allow_identity=True) for item in side)
                for side in rows[-2:]
            )
            statement = Statement(election.group, election.public_key, election.fingerprint, before, after)
            yield election, statement, made["proofs"][0]


@pytest.mark.parametrize("name", RANKED)
def test_shuffles_made_by_belenios_hold(name: str) -> None:
    found = 0
    for election, statement, value in shuffles_of_others(name):
        check(statement, parse_shuffle_proof(election.group, value, statement.size, "proof"))
        found += 1
        others = replace(statement, fingerprint="f" * 43)
        with refused("H3"):
            check(others, parse_shuffle_proof(election.group, value, statement.size, "proof"))
    assert found >= 2


def test_two_shuffles_cannot_be_swapped() -> None:
    (election, first, one), (_, second, two) = list(shuffles_of_others(RANKED[0]))[:2]
    proofs = [parse_shuffle_proof(election.group, value, first.size, "proof") for value in (one, two)]
    check(first, proofs[0])
    check(second, proofs[1])
    with refused("H3"):
        check(first, proofs[1])
    swapped = replace(first, outputs=second.outputs)
    with refused("H3"):
        check(swapped, proofs[1])


# --- lies --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def honest() -> tuple[Statement, Secrets, ShuffleProof]:
    return make_honest(get_group("Ed25519"), 4)


def replaced(statement: Statement, place: int, ciphertext: Ciphertext) -> Statement:
    outputs = [*statement.outputs]
    outputs[place] = ciphertext
    return replace(statement, outputs=tuple(outputs))


LIES: dict[str, Callable[[Statement], Statement]] = {
    "a row of its own": lambda s: replaced(s, 1, encrypt(s.group, s.y, 9, 5)),
    "a row twice": lambda s: replaced(s, 1, s.outputs[2]),
    "an input unchanged": lambda s: replaced(s, 0, s.inputs[0]),
    "rows in another order": lambda s: replace(s, outputs=s.outputs[::-1]),
    "one beta": lambda s: replaced(s, 3, Ciphertext(s.outputs[3].alpha, s.outputs[2].beta)),
    "one alpha": lambda s: replaced(s, 3, Ciphertext(s.outputs[2].alpha, s.outputs[3].beta)),
    "another input": lambda s: replace(s, inputs=(s.inputs[1], *s.inputs[1:])),
    "inputs in another order": lambda s: replace(s, inputs=s.inputs[::-1]),
    "another key": lambda s: replace(s, y=s.group.generator),
    "another election": lambda s: replace(s, fingerprint="g" * 43),
}


@pytest.mark.parametrize("lie", LIES)
def test_an_honest_proof_proves_nothing_else(
    honest: tuple[Statement, Secrets, ShuffleProof], lie: str
) -> None:
    statement, _, proof = honest
    with refused("H3"):
        check(LIES[lie](statement), proof)


@pytest.mark.parametrize("lie", ["a row of its own", "a row twice", "one beta", "one alpha"])
def test_who_knows_all_secrets_cannot_prove_a_lie_either(
    honest: tuple[Statement, Secrets, ShuffleProof], lie: str
) -> None:
    """The proof made anew for the false rows, as a dishonest trustee would."""
    statement, secrets, _ = honest
    false = LIES[lie](statement)
    with refused("H3", "t4"):
        check(false, shuffle.prove(false, secrets, make_coins("false")))


def test_a_dropped_or_added_row_is_refused(honest: tuple[Statement, Secrets, ShuffleProof]) -> None:
    statement, _, proof = honest
    for outputs in (statement.outputs[:-1], (*statement.outputs, statement.outputs[0])):
        with refused("H3", "came out"):
            check(replace(statement, outputs=outputs), proof)
    for size in (3, 5):
        with refused("H2"):
            parse_shuffle_proof(statement.group, proof.encode(), size, "proof")


def places(value: Any, path: tuple[int, ...] = ()) -> Iterator[tuple[int, ...]]:
    if isinstance(value, str):
        yield path
    else:
        for index, item in enumerate(value):
            yield from places(item, (*path, index))


def at(value: Any, path: tuple[int, ...], new: Any) -> Any:
    if not path:
        return new
    return [at(item, path[1:], new) if index == path[0] else item for index, item in enumerate(value)]


def test_no_part_of_a_proof_is_free(honest: tuple[Statement, Secrets, ShuffleProof]) -> None:
    """Each element and each scalar, replaced by another well-formed one, breaks an equation."""
    statement, _, proof = honest
    group, value = statement.group, proof.encode()
    paths = list(places(value))
    assert len(paths) == 5 + 4 + 4 + 2 * 4 + 2 * 4
    for path in paths:
        new = "7" if path[0] == 1 else group.power_g(7).text
        with refused("H3"):
            check(statement, parse_shuffle_proof(group, at(value, path, new), 4, "proof"))


def test_no_other_spelling_and_no_other_shape_is_read(
    honest: tuple[Statement, Secrets, ShuffleProof],
) -> None:
    statement, _, proof = honest
    group, value = statement.group, proof.encode()
    torsion = "ec" + "ff" * 30 + "7f"  # y = -1, of order two
    for path in places(value):
        scalar = path[0] == 1
        for new in (
            (str(group.q), "-1", 7, None) if scalar else (bytes.fromhex(torsion)[::-1].hex(), "", 7, None)
        ):
            with refused("H2"):
                parse_shuffle_proof(group, at(value, path, new), 4, "proof")
    shapes: list[Any] = [
        None,
        {},
        [],
        value[:3],
        [*value, []],
        at(value, (0, 3), ["x"]),
        at(value, (1, 4), "5"),
    ]
    for shape in shapes:
        with refused("H2"):
            parse_shuffle_proof(group, shape, 4, "proof")


def test_what_is_no_permutation_is_not_proved(honest: tuple[Statement, Secrets, ShuffleProof]) -> None:
    statement, secrets, _ = honest
    for order in ((0, 0, 1, 2), (0, 1, 2), (0, 1, 2, 4)):
        with pytest.raises(MisuseError, match="permutation"):
            shuffle.prove(statement, replace(secrets, permutation=order), make_coins("no"))


def test_every_order_is_drawn_about_equally_often() -> None:
    counts: dict[tuple[int, ...], int] = {}
    coins = make_coins("orders")
    for _ in range(2400):
        order = shuffle.draw_permutation(4, coins)
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 24
    # 100 are expected, give or take 10: one in a million runs would leave these bounds, and the seed is fixed.
    assert min(counts.values()) > 50
    assert max(counts.values()) < 160
