"""Answers to ranked and graded questions: one ciphertext that embeds all integers (PROTOCOL §2, §3; rule B13).

The proof says that the voter knows what was encrypted: nobody can cast a copy of somebody else's ciphertext. That the
integers make sense for the method shows only when the shuffled ballots are opened.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crypto import transcript
from crypto.checker import Checker
from crypto.elgamal import Ciphertext, encrypt_element, parse_ciphertext
from crypto.encoding import require_fields
from crypto.groups import Element, Group
from crypto.proofs import schnorr
from crypto.proofs.schnorr import Proof, parse_proof
from crypto.randomness import Coins


@dataclass(frozen=True, slots=True)
class NonHomomorphicAnswer:
    """One question's part of a ballot."""

    choice: Ciphertext
    proof: Proof

    @property
    def choices(self) -> tuple[Ciphertext, ...]:
        return (self.choice,)

    def encode(self) -> dict[str, Any]:
        return {"choices": self.choice.encode(), "proof": self.proof.encode()}


def make(group: Group, y: Element, s0: str, vote: Sequence[int], coins: Coins) -> NonHomomorphicAnswer:
    """Coins, in order: the encryption, the proof."""
    randomness = coins.scalar(group.q)
    choice = encrypt_element(group, y, group.embed(vote), randomness)
    prefix = transcript.raw_ballot(s0, y, choice.alpha, choice.beta)
    return NonHomomorphicAnswer(choice, schnorr.prove(group, prefix, (group.generator,), randomness, coins))


def parse(group: Group, value: Any, what: str) -> NonHomomorphicAnswer:
    """Rules B1 (fields) and B5 (elements)."""
    fields = require_fields(value, ("choices", "proof"), "B1")
    return NonHomomorphicAnswer(
        parse_ciphertext(group, fields["choices"], "B5", f"{what}: choices", allow_identity=False),
        parse_proof(group, fields["proof"], "B1", f"{what}: proof"),
    )


def verify(
    group: Group, y: Element, s0: str, answer: NonHomomorphicAnswer, checker: Checker, where: str
) -> None:
    """Rule B13."""
    choice = answer.choice
    prefix = transcript.raw_ballot(s0, y, choice.alpha, choice.beta)
    statement = ((group.generator, choice.alpha),)
    schnorr.verify(group, prefix, statement, answer.proof, checker, "B13", f"{where}: the proof")
