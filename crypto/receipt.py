"""Receipts and the election's service key (DESIGN §11; rules V1, V2).

A receipt is the service's signed word that a ballot stands at a height of the box. It says nothing
about the choice. Signatures are RFC 8032 Ed25519.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

from crypto.encoding import (
    encode_base64,
    encode_json,
    is_uuid,
    parse_base64,
    parse_json,
    require_fields,
    require_int,
    require_sha256_hex,
)
from crypto.errors import MalformedError, RejectedError
from crypto.randomness import new_seed

_FIELDS = ("version", "election", "tracker", "height", "event")
_LABEL = "steward-receipt-1\n"


class ServiceKey:
    """The election's signing key, held by the service."""

    def __init__(self, seed: bytes) -> None:
        self._key = SigningKey(seed)

    @classmethod
    def generate(cls) -> ServiceKey:
        return cls(new_seed())

    @property
    def seed(self) -> bytes:
        """The 32 secret bytes."""
        return bytes(self._key)

    @property
    def public(self) -> str:
        """The public key in base64 (43 characters), as line 0 of the journal announces it."""
        return encode_base64(bytes(self._key.verify_key))

    def sign(self, message: bytes) -> str:
        """The signature in base64 (86 characters); the same message gives the same signature."""
        return encode_base64(self._key.sign(message).signature)


def verify_signature(public: str, message: bytes, signature: Any, rule: str, what: str) -> None:
    """RejectedError under ``rule`` unless ``signature`` is the key's over ``message``."""
    key = parse_base64(public, rule, 32, "service key")
    raw = parse_base64(signature, rule, 64, f"{what}: signature")
    try:
        VerifyKey(key).verify(message, raw)
    except BadSignatureError as error:
        raise RejectedError(rule, f"{what} does not verify under the service key") from error


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a voter keeps."""

    election: str
    tracker: str
    height: int
    event: str
    signature: str

    def encode(self) -> dict[str, Any]:
        return {**self.statement(), "signature": self.signature}

    def statement(self) -> dict[str, Any]:
        return {
            "version": 1,
            "election": self.election,
            "tracker": self.tracker,
            "height": self.height,
            "event": self.event,
        }


def _message(statement: dict[str, Any]) -> bytes:
    return (_LABEL + encode_json(statement)).encode()


def make_receipt(key: ServiceKey, election: str, tracker: str, height: int, event: str) -> Receipt:
    """Signs "the ballot with this tracker is event ``event`` at ``height``"; deterministic."""
    unsigned = Receipt(election, tracker, height, event, "")
    return Receipt(election, tracker, height, event, key.sign(_message(unsigned.statement())))


def parse_receipt(raw: bytes) -> Receipt:
    """Rule V1; a trailing newline is allowed, as saving a file may add one."""
    fields = require_fields(parse_json(raw.rstrip(b"\r\n"), "V1"), (*_FIELDS, "signature"), "V1")
    if fields["version"] != 1 or isinstance(fields["version"], bool):
        raise MalformedError("V1", "only version 1 of receipts is known")
    if not is_uuid(fields["election"]):
        raise MalformedError("V1", "the receipt's election is not a uuid")
    parse_base64(fields["tracker"], "V1", 32, "tracker")
    parse_base64(fields["signature"], "V1", 64, "signature")
    return Receipt(
        fields["election"],
        fields["tracker"],
        require_int(fields["height"], "V1", "height", 1),
        require_sha256_hex(fields["event"], "V1", "event"),
        fields["signature"],
    )


def verify_receipt(receipt: Receipt, public: str) -> None:
    """Rule V2: the service key signed it."""
    verify_signature(public, _message(receipt.statement()), receipt.signature, "V2", "the receipt")
