"""Knowledge of one secret exponent over one or more bases.

Letters: secret x, bases B1…Bk, statement Xi = Bi^x. The prover draws w and commits to Ai = Bi^w;
challenge c = chal(prefix, [A1…Ak]); response r = w - x·c mod q. The verifier recomputes
Ai = Bi^r · Xi^c.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crypto import transcript
from crypto.checker import Checker
from crypto.encoding import require_fields
from crypto.errors import RejectedError
from crypto.groups import Element, Group
from crypto.randomness import Coins


@dataclass(frozen=True, slots=True)
class Proof:
    """A compact proof; both numbers in [0, q)."""

    challenge: int
    response: int

    def encode(self) -> dict[str, str]:
        return {"challenge": str(self.challenge), "response": str(self.response)}


def parse_proof(group: Group, value: Any, rule: str, what: str) -> Proof:
    """``{"challenge": decimal, "response": decimal}`` → Proof."""
    fields = require_fields(value, ("challenge", "response"), rule)
    return Proof(
        group.parse_scalar(fields["challenge"], rule, f"{what}: challenge"),
        group.parse_scalar(fields["response"], rule, f"{what}: response"),
    )


def prove(group: Group, prefix: str, bases: Sequence[Element], secret: int, coins: Coins) -> Proof:
    """Proves knowledge of ``secret`` over ``bases``; takes one coin."""
    w = coins.scalar(group.q)
    commitments = [group.product_of_powers([(base, w)]).text for base in bases]
    c = transcript.challenge(group, prefix, commitments)
    return Proof(c, (w - secret * c) % group.q)


def verify(
    group: Group,
    prefix: str,
    statement: Sequence[tuple[Element, Element]],
    proof: Proof,
    checker: Checker,
    rule: str,
    what: str,
) -> None:
    """Checks ``statement`` = [(Bi, Xi)…]; RejectedError under ``rule`` if it does not hold."""
    commitments = [
        checker.commitment([(base, proof.response), (public, proof.challenge)], rule)
        for base, public in statement
    ]
    if transcript.challenge(group, prefix, commitments) != proof.challenge:
        raise RejectedError(rule, f"{what} does not hold", checker.record)
