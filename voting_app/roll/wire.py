"""A roll in a request: body -> members, or a refusal that names every fault of the file."""

from __future__ import annotations

from crypto.roll import Member, RollFileError, parse_roll
from voting_app.errors import Problem


def parse_roll_body(raw: bytes) -> list[Member]:
    """:func:`parse_roll` for a request: Problem 422 ``bad-roll`` with every fault in ``rows``."""
    try:
        return parse_roll(raw)
    except RollFileError as error:
        count = len(error.faults)
        title = (
            f"The roll was refused whole; {'one fault was' if count == 1 else f'{count} faults were'} found."
        )
        faults = [fault.encode() for fault in error.faults]
        raise Problem(422, "bad-roll", title, extra={"rows": faults}) from error
