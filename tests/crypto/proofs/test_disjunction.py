"""One of several branches holds: every branch can be the true one, and no proof shows what is false."""

from dataclasses import replace

import pytest

from crypto import transcript
from crypto.checker import PlainChecker
from crypto.elgamal import encrypt
from crypto.errors import RejectedError
from crypto.groups import Group, get_group
from crypto.groups.registry import GROUP_NAMES
from crypto.proofs import disjunction
from crypto.proofs.disjunction import Branch
from crypto.proofs.schnorr import Proof
from tests.crypto.refusals import refused
from tests.simulator import coins_for

EVERY_GROUP = pytest.mark.parametrize("G", [get_group(name) for name in GROUP_NAMES], ids=GROUP_NAMES)
PREFIX = "test|disjunction|"
SECRET = 31337


def branches_for(G: Group, message: int, randomness: int, values: range) -> list[Branch]:
    """Branches "the ciphertext encrypts v" for each v."""
    c = encrypt(G, G.power_g(SECRET), message, randomness)
    return [(c.alpha, G.divide(c.beta, G.power_g(v))) for v in values]


def verify(G: Group, prefix: str, branches: list[Branch], proofs: tuple[Proof, ...]) -> None:
    checker = PlainChecker(G)
    y = G.power_g(SECRET)
    disjunction.verify(G, y, prefix, branches, proofs, checker, "X1", "the proof")
    checker.finish()


@EVERY_GROUP
@pytest.mark.parametrize("count", [1, 2, 4])
def test_each_branch_can_be_the_true_one(G: Group, count: int) -> None:
    y = G.power_g(SECRET)
    for true in range(count):
        branches = branches_for(G, true, 999, range(count))
        coins = coins_for(true, f"disjunction {count}")
        proofs = disjunction.prove(G, y, PREFIX, branches, true, 999, coins)
        verify(G, PREFIX, branches, proofs)


@EVERY_GROUP
@pytest.mark.parametrize("message", [2, -1, 5])
def test_nothing_is_proved_about_a_message_in_no_branch(G: Group, message: int) -> None:
    """A voter who encrypts 2 must find no branch to stand on."""
    branches = branches_for(G, message, 999, range(2))
    for claimed in (0, 1):
        proofs = disjunction.prove(
            G, G.power_g(SECRET), PREFIX, branches, claimed, 999, coins_for(claimed, "false")
        )
        with refused("X1", "does not hold", RejectedError):
            verify(G, PREFIX, branches, proofs)


@EVERY_GROUP
def test_alpha_and_beta_must_share_their_exponent(G: Group) -> None:
    y = G.power_g(SECRET)
    branch = (G.power_g(5), G.power(y, 6))
    for witness in (5, 6):
        proofs = disjunction.prove(G, y, PREFIX, [branch], 0, witness, coins_for(witness, "unequal"))
        with refused("X1"):
            verify(G, PREFIX, [branch], proofs)


@EVERY_GROUP
def test_every_number_of_a_proof_counts(G: Group) -> None:
    branches = branches_for(G, 1, 999, range(3))
    proofs = disjunction.prove(G, G.power_g(SECRET), PREFIX, branches, 1, 999, coins_for(1, "numbers"))
    for index, proof in enumerate(proofs):
        for changed in (
            replace(proof, challenge=(proof.challenge + 1) % G.q),
            replace(proof, response=(proof.response - 1) % G.q),
            Proof(0, 0),
        ):
            with refused("X1", "does not hold"):
                verify(G, PREFIX, branches, (*proofs[:index], changed, *proofs[index + 1 :]))
    # Shifting one challenge against another keeps their sum.
    moved = (
        replace(proofs[0], challenge=(proofs[0].challenge + 1) % G.q),
        replace(proofs[1], challenge=(proofs[1].challenge - 1) % G.q),
        proofs[2],
    )
    for wrong in (moved, proofs[::-1], (proofs[1], proofs[0], proofs[2])):
        with refused("X1", "does not hold"):
            verify(G, PREFIX, branches, wrong)
    with refused("X1"):
        verify(G, PREFIX + "x", branches, proofs)
    with refused("X1"):
        verify(G, PREFIX, [branches[1], branches[0], branches[2]], proofs)


@EVERY_GROUP
def test_as_many_proofs_as_branches(G: Group) -> None:
    """A missing branch would let the rest prove more than it should, an added one hide a message."""
    branches = branches_for(G, 0, 999, range(2))
    proofs = disjunction.prove(G, G.power_g(SECRET), PREFIX, branches, 0, 999, coins_for(1, "count"))
    for wrong in ((), proofs[:1], (*proofs, Proof(0, 0)), (*proofs, *proofs)):
        with refused("X1", "branches"):
            verify(G, PREFIX, branches, wrong)


@EVERY_GROUP
def test_a_false_branch_is_simulated_without_knowing_anything(G: Group) -> None:
    """Sound only because the sum of the challenges is the hash: with a free challenge anything can be shown."""
    y = G.power_g(SECRET)
    branches = branches_for(G, 7, 999, range(2))
    coins = coins_for(1, "simulated")
    proofs = tuple(Proof(coins.scalar(G.q), coins.scalar(G.q)) for _ in branches)
    commitments = []
    for (alpha, beta), proof in zip(branches, proofs, strict=True):
        commitments.append(
            G.product_of_powers([(G.generator, proof.response), (alpha, proof.challenge)]).text
        )
        commitments.append(G.product_of_powers([(y, proof.response), (beta, proof.challenge)]).text)
    total = sum(proof.challenge for proof in proofs) % G.q
    assert transcript.challenge(G, PREFIX, commitments) != total
    with refused("X1"):
        verify(G, PREFIX, branches, proofs)
