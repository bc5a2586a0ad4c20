"""One trustee's public key with its proof of knowledge, and the key drill (PROTOCOL §7; T1, J7)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from crypto import transcript
from crypto.checker import Checker
from crypto.encoding import parse_json, require_fields, require_text
from crypto.groups import Element, Group
from crypto.proofs import schnorr
from crypto.proofs.schnorr import Proof, parse_proof
from crypto.randomness import Coins

RULE = "T1"
_FIELDS = ("pok", "public_key", "signature", "name")


@dataclass(frozen=True, slots=True)
class TrusteeKey:
    """X = g^x with a proof of knowledge of x. ``signature`` belongs to threshold keys (3.x form)."""

    public_key: Element
    pok: Proof
    signature: Proof | None = None
    name: str | None = None

    def encode(self) -> dict[str, Any]:
        value: dict[str, Any] = {"pok": self.pok.encode(), "public_key": self.public_key.text}
        if self.signature is not None:
            value["signature"] = self.signature.encode()
        if self.name is not None:
            value["name"] = self.name
        return value


def make_trustee_key(group: Group, secret: int, coins: Coins) -> TrusteeKey:
    """The public key of ``secret`` with its proof."""
    public_key = group.power_g(secret)
    prefix = transcript.trustee_key(group, public_key)
    return TrusteeKey(public_key, schnorr.prove(group, prefix, (group.generator,), secret, coins))


def generate_key(group: Group, coins: Coins) -> tuple[int, TrusteeKey]:
    """A new secret (never 0) and its public key."""
    secret = 0
    while secret == 0:
        secret = coins.scalar(group.q)
    return secret, make_trustee_key(group, secret, coins)


def parse_trustee_key(group: Group, value: Any, rule: str = RULE) -> TrusteeKey:
    """``{"pok", "public_key", "signature"?, "name"?}`` → TrusteeKey; the identity is no key."""
    fields = require_fields(value, ("pok", "public_key"), rule, order=_FIELDS)
    signature = fields.get("signature")
    name = fields.get("name")
    return TrusteeKey(
        group.decode(fields["public_key"], rule, "trustee's public key", allow_identity=False),
        parse_proof(group, fields["pok"], rule, "trustee's proof of knowledge"),
        parse_proof(group, signature, rule, "trustee's signature") if "signature" in fields else None,
        require_text(name, rule, "trustee's name") if "name" in fields else None,
    )


def verify_trustee_key(group: Group, key: TrusteeKey, checker: Checker, rule: str = RULE) -> None:
    """The trustee knows the secret: otherwise the last one could cancel everybody else's key."""
    prefix = transcript.trustee_key(group, key.public_key)
    statement = ((group.generator, key.public_key),)
    schnorr.verify(group, prefix, statement, key.pok, checker, rule, "the trustee's proof of knowledge")


def encode_secret_key(secret: int) -> str:
    """The private key file of a single trustee: a JSON string with the decimal number."""
    return f'"{secret}"'


def parse_secret_key(group: Group, text: str) -> int:
    """The inverse of :func:`encode_secret_key`; a trailing newline is allowed."""
    value = parse_json(text.strip().encode(), "T7")
    return group.parse_scalar(value, "T7", "private key")


def make_drill(group: Group, label: str, secret: int, nonce: str, coins: Coins) -> dict[str, str]:
    """Shows that the key is at hand, without applying it to anything that a server chose."""
    prefix = transcript.key_drill(label, group.power_g(secret), nonce)
    return schnorr.prove(group, prefix, (group.generator,), secret, coins).encode()


def verify_drill(
    group: Group, label: str, public_key: Element, nonce: str, proof: Any, checker: Checker
) -> None:
    """Rule J7. ``label`` is the election's fingerprint, ``nonce`` the one in the journal."""
    prefix = transcript.key_drill(label, public_key, nonce)
    parsed = parse_proof(group, proof, "J7", "key drill")
    statement = ((group.generator, public_key),)
    schnorr.verify(group, prefix, statement, parsed, checker, "J7", "the key drill")
