"""The bytes that a voter's device sends -> the ballot's exact text; and refusals of crypto as problem
documents.
"""

from collections.abc import Mapping

from crypto.encoding import parse_json
from crypto.errors import MalformedError, ProtocolError
from voting_app.errors import Problem

# What one refused field may be repeated with in a sentence.
_TITLES: Mapping[str, tuple[int, str]] = {
    "malformed": (400, "This is not a ballot as this election's booth makes it."),
    "wrong-election": (409, "This ballot was made for another election."),
    "unknown-credential": (403, "The credential of this ballot is not on this election's list."),
    "bad-proof": (422, "A proof or the signature in this ballot does not hold."),
}
_CODES: Mapping[str, str] = {"B2": "wrong-election", "B3": "wrong-election", "B4": "unknown-credential"}

# 2048-bit credentials have up to 617 digits.
_LONGEST_CREDENTIAL = 700


def get_too_large(limit: int) -> Problem:
    """Return the refusal of a body that is longer than any ballot of this election (limit in bytes)."""
    return Problem(
        413, "too-large", "This is larger than any ballot of this election.", extra={"limit": limit}
    )


def parse_body(raw: bytes, limit: int) -> bytes:
    """Return the ballot's exact text: one trailing newline is not part of it (PROTOCOL §15). limit in
    bytes.
    """
    text = raw.removesuffix(b"\n")
    if len(text) > limit:
        raise get_too_large(limit)
    return text


def parse_credential(ballot: bytes, start: bytes) -> str:
    """Return the public credential that a ballot names, unverified; MalformedError (B1) if there is none.

    start: with which every ballot of the election begins (`Counter.ballot_start`). One that does is not read as a
    whole, which would take as long as all else that is done before its proofs are verified: what is wrong with the
    rest is found with them (rule B1).
    """
    if ballot.startswith(start):
        text, quote, _ = ballot[len(start) : len(start) + _LONGEST_CREDENTIAL].partition(b'"')
        if quote and text.isalnum():
            return text.decode("ascii")
    value = parse_json(ballot, "B1")
    credential = value.get("credential") if isinstance(value, dict) else None
    if not isinstance(credential, str):
        raise MalformedError("B1", "field 'credential' is missing")
    return credential


def make_problem(error: ProtocolError) -> Problem:
    """Return what a voter's device is told about a ballot that breaks a rule."""
    code = "malformed" if isinstance(error, MalformedError) else _CODES.get(error.rule, "bad-proof")
    status, title = _TITLES[code]
    return Problem(status, code, title, error.detail, extra={"rule": error.rule})
