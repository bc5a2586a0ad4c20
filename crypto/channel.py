"""Signed messages, and the sealed channel between threshold trustees (PROTOCOL §7).

The channel is off the ledger: what crosses it are shares of a key in the making. It is the form
of belenios-tool 3.1 and later (AES-256-GCM with a 32-byte nonce), so that trustees of both
programs can make a key together.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from crypto import transcript
from crypto.checker import PlainChecker
from crypto.encoding import encode_json, parse_json, require_fields, require_text
from crypto.errors import MalformedError, RejectedError
from crypto.groups import Element, Group
from crypto.proofs import schnorr
from crypto.proofs.schnorr import Proof, parse_proof
from crypto.randomness import Coins, SystemCoins

RULE = "T8"
_HEX = re.compile(r"(?:[0-9a-f]{2})+", re.ASCII)


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """A text and the proof that its author knows the key that it is attributed to."""

    message: str
    signature: Proof

    def encode(self) -> dict[str, Any]:
        return {"message": self.message, "signature": self.signature.encode()}


def sign_text(group: Group, signing_key: int, text: str, coins: Coins) -> Proof:
    """Schnorr signature of ``text``."""
    prefix = transcript.signed_message(text)
    return schnorr.prove(group, prefix, (group.generator,), signing_key, coins)


def verify_text(
    group: Group, verification_key: Element, text: str, signature: Proof, rule: str, what: str
) -> None:
    """The key must come from a certificate that was already accepted: version 1 does not hash it,
    so a key could be computed to fit any signature (ATTACKS, key substitution)."""
    checker = PlainChecker(group)
    prefix = transcript.signed_message(text)
    statement = ((group.generator, verification_key),)
    schnorr.verify(group, prefix, statement, signature, checker, rule, what)


def sign_message(group: Group, signing_key: int, value: Any, coins: Coins) -> SignedMessage:
    """``value`` as canonical JSON text, signed."""
    text = encode_json(value)
    return SignedMessage(text, sign_text(group, signing_key, text, coins))


def parse_signed_message(group: Group, value: Any, rule: str) -> SignedMessage:
    """``{"message", "signature"}`` → SignedMessage (the signature is not yet verified)."""
    fields = require_fields(value, ("message", "signature"), rule)
    text = require_text(fields["message"], rule, "message")
    return SignedMessage(text, parse_proof(group, fields["signature"], rule, "signature"))


def _cipher(group: Group, shared: Element, alpha: Element) -> tuple[AESGCM, bytes]:
    key = hashlib.sha256(f"key|{shared.text}".encode()).digest()
    nonce = hashlib.sha256(f"iv|{alpha.text}".encode()).digest()
    return AESGCM(key), nonce


def send(group: Group, signing_key: int, recipient: Element, message: str) -> str:
    """Signs ``message`` for ``recipient`` and seals it to that encryption key; JSON text."""
    coins = SystemCoins()
    inner = sign_message(group, signing_key, {"recipient": recipient.text, "message": message}, coins)
    r, shared = coins.scalar(group.q), group.power_g(coins.scalar(group.q))
    alpha = group.power_g(r)
    cipher, nonce = _cipher(group, shared, alpha)
    data = cipher.encrypt(nonce, encode_json(inner.encode()).encode(), None)
    return encode_json(
        {
            "algorithm": "AES-GCM",
            "alpha": alpha.text,
            "beta": group.multiply(group.power(recipient, r), shared).text,
            "data": data.hex(),
        }
    )


def receive(group: Group, decryption_key: int, sender: Element, text: str) -> str:
    """Opens a sealed message and checks that ``sender`` wrote it for us; returns the message."""
    fields = require_fields(parse_json(text.encode(), RULE), ("algorithm", "alpha", "beta", "data"), RULE)
    if fields["algorithm"] != "AES-GCM":
        raise MalformedError(RULE, "a sealed message must use AES-GCM")
    alpha = group.decode(fields["alpha"], RULE, "sealed message: alpha", allow_identity=False)
    beta = group.decode(fields["beta"], RULE, "sealed message: beta", allow_identity=True)
    data = fields["data"]
    if not isinstance(data, str) or not _HEX.fullmatch(data):
        raise MalformedError(RULE, "sealed message: data must be hex")
    cipher, nonce = _cipher(group, group.divide(beta, group.power(alpha, decryption_key)), alpha)
    try:
        inner_text = cipher.decrypt(nonce, bytes.fromhex(data), None)
    except InvalidTag as error:
        raise RejectedError(RULE, "a sealed message was not made for this key, or was changed") from error
    inner = parse_signed_message(group, parse_json(inner_text, RULE), RULE)
    verify_text(group, sender, inner.message, inner.signature, RULE, "the sender's signature")
    content = require_fields(parse_json(inner.message.encode(), RULE), ("recipient", "message"), RULE)
    if content["recipient"] != group.power_g(decryption_key).text:
        raise RejectedError(RULE, "a sealed message is addressed to somebody else")
    return require_text(content["message"], RULE, "sealed message")
