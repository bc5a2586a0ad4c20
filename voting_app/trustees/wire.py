"""Trustees' messages: request body -> JSON values whose proofs the service checks."""

from __future__ import annotations

from typing import Any

from voting_app.json_body import get_int, get_text, invalid, parse_body, parse_object
from voting_app.mail.smtp import LONGEST_ADDRESS, is_address
from voting_app.trustees.service import Person

LONGEST_REASON = 2000
LONGEST_NAME = 200
MOST_TRUSTEES = 100


def parse_message(raw: bytes) -> dict[str, Any]:
    """A trustee's message, the very object that its program wrote; crypto reads its fields strictly."""
    return parse_object(raw)


def parse_commitment(raw: bytes) -> str:
    """The body of ``POST …/trustee/commitment``: the one field ``commitment``."""
    return get_text(parse_body(raw, required=("commitment",)), "commitment", longest=64)


def parse_people(raw: bytes) -> dict[int, Person]:
    """The body of ``POST …/trustees``: owner number -> person, of those who are named; it may be empty."""
    body = parse_body(raw, optional=("trustees",))
    rows = body.get("trustees", [])
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise invalid("trustees", "A list of objects is expected.")
    people: dict[int, Person] = {}
    for row in rows:
        _require_fields(row, ("owner", "name", "email"))
        owner = get_int(row, "owner", 1, MOST_TRUSTEES)
        if owner in people:
            raise invalid("owner", "A trustee is named twice.")
        people[owner] = _get_person(row)
    return people


def parse_person(raw: bytes) -> Person:
    """The body of ``PUT …/trustees/<owner>/person``; what is absent is unknown from now on."""
    return _get_person(parse_body(raw, optional=("name", "email")))


def parse_restart(raw: bytes) -> tuple[str, Person | None]:
    """The body of ``POST …/trustees/<owner>/restart``: the public reason; and who has the seat from now on,
    None if it is the same person.
    """
    body = parse_body(raw, required=("reason",), optional=("name", "email"))
    return read_reason(body["reason"]), _get_person(body) if "name" in body or "email" in body else None


def read_reason(value: Any) -> str:
    """Why keys are made anew, for everybody to read."""
    return get_text({"reason": value}, "reason", longest=LONGEST_REASON, is_long=True)


def make_person(name: str | None, email: str | None) -> Person:
    """A person from a command's options, or from a form."""
    return _get_person({"name": name or "", "email": email or ""})


def _require_fields(row: dict[str, Any], known: tuple[str, ...]) -> None:
    for name in row:
        if name not in known:
            raise invalid(name[:40], "This field is unknown here.")


def _get_person(body: dict[str, Any]) -> Person:
    name = get_text(body, "name", longest=LONGEST_NAME, default="")
    email = get_text(body, "email", longest=LONGEST_ADDRESS, default="")
    if email and not is_address(email):
        raise invalid("email", "A mail address such as ada@example.org is expected.")
    return Person(name or None, email or None)
