"""A trustee's decryption: request body -> its two parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from voting_app.json_body import get_object, get_text, parse_body

LONGEST_REASON = 2000


@dataclass(frozen=True, slots=True)
class Decryption:
    """A partial decryption (PROTOCOL §8) and the strong proofs beside it (DESIGN §11)."""

    partial: dict[str, Any]
    strong_proofs: dict[str, Any]


def parse_decryption(raw: bytes) -> Decryption:
    """The body of ``POST …/trustee/decryption``; both parts are required."""
    body = parse_body(raw, required=("partial_decryption", "strong_proofs"))
    return Decryption(get_object(body, "partial_decryption"), get_object(body, "strong_proofs"))


def parse_reason(raw: bytes) -> str:
    """The body of ``POST …/untalliable``: the public reason."""
    return get_text(parse_body(raw, required=("reason",)), "reason", longest=LONGEST_REASON, is_long=True)
