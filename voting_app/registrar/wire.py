"""What the registrar's programs send: the public list, and whose credentials they have."""

from __future__ import annotations

from voting_app.errors import Problem
from voting_app.json_body import invalid, parse_body


def parse_list_body(raw: bytes) -> bytes:
    """The canonical JSON text; one trailing newline, which editors and programs add, is dropped."""
    text = raw.removesuffix(b"\n").removesuffix(b"\r")
    if not text:
        raise Problem(422, "bad-credentials", "The list is empty.")
    return text


def parse_numbers(raw: bytes) -> list[str]:
    """`{"member_numbers": […]}`; 422 ``invalid-field`` where it is no list of texts."""
    numbers = parse_body(raw, required=("member_numbers",))["member_numbers"]
    if not isinstance(numbers, list) or not all(isinstance(number, str) for number in numbers):
        raise invalid("member_numbers", "A list of member numbers is expected.")
    return numbers
