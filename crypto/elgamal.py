"""Exponential ElGamal: (α, β) = (g^r, y^r·g^m). Ciphertexts multiply, their messages add."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from crypto.encoding import require_fields
from crypto.groups import Element, Group


@dataclass(frozen=True, slots=True)
class Ciphertext:
    """A pair of group elements under the election key."""

    alpha: Element
    beta: Element

    def encode(self) -> dict[str, str]:
        return {"alpha": self.alpha.text, "beta": self.beta.text}


def parse_ciphertext(group: Group, value: Any, rule: str, what: str, *, allow_identity: bool) -> Ciphertext:
    """``{"alpha", "beta"}`` → Ciphertext. β may be the identity (m = 0 does not make it so, but a
    sum may); α may only where a product over no ballot is meant."""
    fields = require_fields(value, ("alpha", "beta"), rule)
    return Ciphertext(
        group.decode(fields["alpha"], rule, f"{what}: alpha", allow_identity=allow_identity),
        group.decode(fields["beta"], rule, f"{what}: beta", allow_identity=True),
    )


def encrypt(group: Group, y: Element, message: int, randomness: int) -> Ciphertext:
    """Encrypts g^message with the given randomness in [0, q)."""
    beta = group.power(y, randomness)
    if message:
        beta = group.multiply(beta, group.power_g(message))
    return Ciphertext(group.power_g(randomness), beta)


def encrypt_element(group: Group, y: Element, message: Element, randomness: int) -> Ciphertext:
    """Encrypts a group element itself, such as an embedding."""
    return Ciphertext(group.power_g(randomness), group.multiply(group.power(y, randomness), message))


def neutral(group: Group) -> Ciphertext:
    """The product of no ciphertext."""
    return Ciphertext(group.identity, group.identity)


def multiply(group: Group, a: Ciphertext, b: Ciphertext) -> Ciphertext:
    """Adds the messages."""
    return Ciphertext(group.multiply(a.alpha, b.alpha), group.multiply(a.beta, b.beta))


def divide(group: Group, a: Ciphertext, b: Ciphertext) -> Ciphertext:
    """Subtracts the message of b."""
    return Ciphertext(group.divide(a.alpha, b.alpha), group.divide(a.beta, b.beta))


def power(group: Group, a: Ciphertext, exponent: int) -> Ciphertext:
    """Multiplies the message: a ballot's weight."""
    if exponent == 1:
        return a
    return Ciphertext(group.power(a.alpha, exponent), group.power(a.beta, exponent))
