"""The committee's certification: untrusted JSON -> the statement."""

from __future__ import annotations

from voting_app.json_body import get_text, parse_body

LONGEST_STATEMENT = 2000


def parse_statement(raw: bytes) -> str:
    """The body of ``POST …/certify``: the one field ``statement``."""
    return get_text(
        parse_body(raw, required=("statement",)), "statement", longest=LONGEST_STATEMENT, is_long=True
    )
