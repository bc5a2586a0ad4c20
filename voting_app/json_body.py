"""JSON bodies: untrusted ones -> typed fields, or a Problem that names the field; and our answers.

Reading is strict (no key twice, no fractions, no unknown field), because a program that misspells
a setting of an election must hear of it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NoReturn

from flask import Response

from crypto.encoding import encode_json_bytes
from crypto.writing import is_blank, is_writing
from voting_app.errors import Problem


def invalid(field: str, sentence: str) -> Problem:
    """The problem document for one bad field: 422 ``invalid-field``."""
    return Problem(422, "invalid-field", sentence, extra={"field": field})


def _refuse_number(text: str) -> NoReturn:
    raise ValueError(f"{text[:20]} is not a whole number")


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return result


def parse_object(raw: bytes) -> dict[str, Any]:
    """Any JSON object; an empty body is an empty object. Problem 400 ``malformed-json``."""
    try:
        value = json.loads(
            raw.decode() or "{}",
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
            object_pairs_hook=_unique_keys,
        )
    except RecursionError as error:
        raise Problem(400, "malformed-json", "The JSON is nested too deeply.") from error
    except ValueError as error:
        raise Problem(400, "malformed-json", "This is not readable as JSON.", f"Found: {error}.") from error
    if not isinstance(value, dict):
        raise Problem(400, "malformed-json", "The body must be a JSON object.")
    if b"\\u" in raw:
        # Half of a pair of surrogates can be escaped in JSON, but is no text that could be written down again.
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise Problem(400, "malformed-json", "The body has half a character in it.") from error
    return value


def parse_body(raw: bytes, required: Sequence[str] = (), optional: Sequence[str] = ()) -> dict[str, Any]:
    """A JSON object with these fields and no other.

    Problems: 400 ``malformed-json``; 422 ``invalid-field`` for a missing or unknown field.
    """
    value = parse_object(raw)
    for name in value:
        if name not in required and name not in optional:
            raise invalid(name[:40], "This field is unknown here.")
    for name in required:
        if name not in value:
            raise invalid(name, "This field is missing.")
    return value


def get_text(
    body: dict[str, Any], field: str, *, longest: int, default: str | None = None, is_long: bool = False
) -> str:
    """A text of 1..``longest`` characters that people write (crypto.writing), surrounding blanks removed.

    ``is_long``: it may have several lines. With a ``default`` it may be empty.
    """
    value = body.get(field, default)
    if not isinstance(value, str):
        raise invalid(field, "Text is expected.")
    text = value.strip()
    if default is None and is_blank(text):
        raise invalid(field, "This field must not be empty.")
    if len(text) > longest:
        raise invalid(field, f"At most {longest} characters are allowed.")
    if not is_writing(text.replace("\n", " ") if is_long else text):
        raise invalid(field, "A character cannot be printed.")
    return text


def get_int(body: dict[str, Any], field: str, minimum: int, maximum: int, default: int | None = None) -> int:
    """A whole number in [minimum, maximum]."""
    value = body.get(field, default)
    if not isinstance(value, int) or isinstance(value, bool) or not minimum <= value <= maximum:
        raise invalid(field, f"A whole number from {minimum} to {maximum} is expected.")
    return value


def get_bool(body: dict[str, Any], field: str, default: bool | None = None) -> bool:
    """``true`` or ``false``."""
    value = body.get(field, default)
    if not isinstance(value, bool):
        raise invalid(field, "true or false is expected.")
    return value


def get_choice(body: dict[str, Any], field: str, allowed: Sequence[str], default: str | None = None) -> str:
    """One of the ``allowed`` words."""
    value = body.get(field, default)
    if not isinstance(value, str) or value not in allowed:
        raise invalid(field, f"One of these is expected: {', '.join(allowed)}.")
    return value


def get_object(body: dict[str, Any], field: str) -> dict[str, Any]:
    """A JSON object, as it came; whoever reads it checks its fields."""
    value = body.get(field)
    if not isinstance(value, dict):
        raise invalid(field, "An object is expected.")
    return value


def make_json(value: dict[str, Any], status: int = 200, *, is_secret: bool = False) -> Response:
    """An answer with its keys in the order given: in messages of the protocol the order counts.

    ``is_secret`` keeps every cache from storing it.
    """
    response = Response(encode_json_bytes(value), status=status, content_type="application/json")
    if is_secret:
        response.headers["Cache-Control"] = "no-store"
    return response
