"""Trustees' messages: request body -> JSON values whose proofs the service checks."""

from __future__ import annotations

from typing import Any

from voting_app.json_body import get_text, parse_body, parse_object

LONGEST_REASON = 2000


def parse_message(raw: bytes) -> dict[str, Any]:
    """A trustee's message, the very object that its program wrote; crypto reads its fields strictly."""
    return parse_object(raw)


def parse_commitment(raw: bytes) -> str:
    """The body of ``POST …/trustee/commitment``: the one field ``commitment``."""
    return get_text(parse_body(raw, required=("commitment",)), "commitment", longest=64)


def parse_restart(raw: bytes) -> str:
    """The body of ``POST …/trustees/<owner>/restart``: the public reason."""
    return get_text(parse_body(raw, required=("reason",)), "reason", longest=LONGEST_REASON, is_long=True)
