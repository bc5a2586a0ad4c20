"""Complaints and decisions: untrusted JSON or form fields -> a text that the public may read for good."""

from __future__ import annotations

import re

from crypto.encoding import BASE58
from voting_app.elections.limits import LONGEST_REASON
from voting_app.errors import Problem
from voting_app.json_body import get_text, parse_body

# A voting code as it stands on a sheet, or with its dashes left out. Some 22 letters in a row are a word; a code has
# almost always a digit as well.
_DASH = r"\s*[-\u00ad\u2010-\u2015\u2212\ufe58\ufe63\uff0d]\s*"
_CODE = re.compile(
    rf"(?<![0-9A-Za-z])(?:[{BASE58}]{{5}}{_DASH}[{BASE58}]{{6}}{_DASH}[{BASE58}]{{5}}{_DASH}[{BASE58}]{{6}}"
    rf"|(?=[A-Za-z]*[0-9])[{BASE58}]{{22}})(?![0-9A-Za-z])"
)


def parse_words(raw: bytes) -> str:
    """The body of ``POST …/complaints`` and ``POST …/resolution``: the one field ``text``.

    Problems: 400 ``malformed-json``; 422 ``invalid-field``, ``voting-code``.
    """
    text = get_text(parse_body(raw, required=("text",)), "text", longest=LONGEST_REASON, is_long=True)
    _require_no_code(text)
    return text


def parse_form_words(text: str) -> str:
    """The same of a form; Problem 422 ``text-missing``, ``voting-code``."""
    try:
        # Browsers end the lines of a form with two signs.
        words = get_text({"text": text.replace("\r\n", "\n")}, "text", longest=LONGEST_REASON, is_long=True)
    except Problem as problem:
        raise Problem(
            422, "text-missing", "A text is needed, of at most 2000 signs. Everybody can read it."
        ) from problem
    _require_no_code(words)
    return words


def _require_no_code(text: str) -> None:
    # Whoever complains may have sent it along. In the journal it would tell everybody how to vote in their place.
    if _CODE.search(text):
        raise Problem(
            422,
            "voting-code",
            "There is a voting code in this text. It was not kept; everybody could have voted with it.",
        )
