"""What the answers to different kinds of questions have in common."""

from __future__ import annotations

from typing import Any

from crypto.elgamal import Ciphertext
from crypto.encoding import require_list
from crypto.groups import Group
from crypto.proofs.disjunction import Branch
from crypto.proofs.schnorr import Proof, parse_proof

# A statement of a disjunction: the prefix that is hashed, and the branches of which one holds.
Branches = tuple[str, list[Branch]]


def minus_range(group: Group, c: Ciphertext, minimum: int, maximum: int) -> list[Branch]:
    """Branches "c encrypts m" for m = minimum … maximum."""
    beta = group.divide(c.beta, group.power_g(minimum)) if minimum else c.beta
    branches = [(c.alpha, beta)]
    for _ in range(minimum, maximum):
        beta = group.divide(beta, group.generator)
        branches.append((c.alpha, beta))
    return branches


def parse_proofs(group: Group, value: Any, what: str) -> tuple[Proof, ...]:
    """An array of compact proofs, of any length; rule B1."""
    return tuple(parse_proof(group, item, "B1", what) for item in require_list(value, "B1", what=what))
