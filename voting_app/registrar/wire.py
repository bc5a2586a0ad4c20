"""The registrar's public list: request body -> its exact text."""

from __future__ import annotations

from voting_app.errors import Problem


def parse_list_body(raw: bytes) -> bytes:
    """The canonical JSON text; one trailing newline, which editors and programs add, is dropped."""
    text = raw.removesuffix(b"\n").removesuffix(b"\r")
    if not text:
        raise Problem(422, "bad-credentials", "The list is empty.")
    return text
