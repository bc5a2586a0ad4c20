"""One of several ciphertexts encrypts zero: the proof behind every rule of a ballot.

Letters: branch j is a pair (α_j, β_j) and claims α_j = g^x, β_j = y^x for some x (whoever builds
the branch has already divided g^m out of β). Verifier: A_j = g^{r_j} α_j^{c_j},
B_j = y^{r_j} β_j^{c_j}; accept iff chal(prefix, [A_0,B_0,A_1,B_1,…]) = Σ c_j mod q.
The prover simulates every branch but the true one.
"""

from __future__ import annotations

from collections.abc import Sequence

from crypto import transcript
from crypto.checker import Checker
from crypto.errors import RejectedError
from crypto.groups import Element, Group
from crypto.proofs.schnorr import Proof
from crypto.randomness import Coins

Branch = tuple[Element, Element]


def prove(
    group: Group,
    y: Element,
    prefix: str,
    branches: Sequence[Branch],
    true_branch: int,
    witness: int,
    coins: Coins,
) -> tuple[Proof, ...]:
    """Proves that ``branches[true_branch]`` holds with exponent ``witness``.

    Coins, in order: for each branch in turn, w for the true one, (challenge, response) otherwise.
    """
    q = group.q
    w = 0
    simulated: dict[int, Proof] = {}
    commitments: list[str] = []
    for index, (alpha, beta) in enumerate(branches):
        if index == true_branch:
            w = coins.scalar(q)
            commitments += [group.power_g(w).text, group.power(y, w).text]
        else:
            proof = Proof(coins.scalar(q), coins.scalar(q))
            simulated[index] = proof
            commitments.append(
                group.product_of_powers([(group.generator, proof.response), (alpha, proof.challenge)]).text
            )
            commitments.append(group.product_of_powers([(y, proof.response), (beta, proof.challenge)]).text)
    total = transcript.challenge(group, prefix, commitments)
    c = (total - sum(proof.challenge for proof in simulated.values())) % q
    honest = Proof(c, (w - witness * c) % q)
    return tuple(simulated.get(index, honest) for index in range(len(branches)))


def verify(
    group: Group,
    y: Element,
    prefix: str,
    branches: Sequence[Branch],
    proofs: Sequence[Proof],
    checker: Checker,
    rule: str,
    what: str,
) -> None:
    """RejectedError under ``rule`` unless one branch is shown to hold."""
    if len(proofs) != len(branches):
        raise RejectedError(
            rule, f"{what} has {len(proofs)} branches instead of {len(branches)}", checker.record
        )
    commitments: list[str] = []
    for (alpha, beta), proof in zip(branches, proofs, strict=True):
        commitments.append(
            checker.commitment([(group.generator, proof.response), (alpha, proof.challenge)], rule)
        )
        commitments.append(checker.commitment([(y, proof.response), (beta, proof.challenge)], rule))
    total = sum(proof.challenge for proof in proofs) % group.q
    if transcript.challenge(group, prefix, commitments) != total:
        raise RejectedError(rule, f"{what} does not hold", checker.record)
