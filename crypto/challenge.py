"""The code of a ballot that is checked instead of cast: what the voter's phone shows to a second device.

``1.TRACKER.SEED.CHOICES``: tracker and seed are 32 bytes in base64 without padding; choices are, per
question and separated by ``;``, the numbers of the chosen answers from 0 separated by ``,``, or ``b``
for blank, or nothing (docs/protocol.md §7.9, rule V4). :func:`crypto.ballot.open_ballot` opens the ballot.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from crypto.encoding import encode_base64, parse_base64
from crypto.errors import MalformedError, MisuseError
from crypto.randomness import SEED_BYTES

RULE = "V4"
_VERSION = "1"
# Neither "." nor ";" is a sign of base64, and the lengths are fixed: the parts cannot run into each other.
_CODE = re.compile(r"1\.([A-Za-z0-9+/]{43})\.([A-Za-z0-9+/]{43})\.([0-9,;b]*)", re.ASCII)
_NUMBER = r"(0|[1-9][0-9]{0,3})"
_CHOSEN = re.compile(rf"(b|{_NUMBER}(,{_NUMBER})*)?", re.ASCII)

# Per question the 0-based chosen answers, or "blank".
Choices = Sequence[Sequence[int] | str]


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a code says. ``seed``: of all coins of the ballot but the signature's."""

    tracker: str
    seed: bytes
    choices: tuple[tuple[int, ...] | str, ...]


def encode_challenge(tracker: str, seed: bytes, choices: Choices) -> str:
    """The code's text."""
    if len(seed) != SEED_BYTES:
        raise MisuseError(f"a seed has {SEED_BYTES} bytes, not {len(seed)}")
    texts = [
        "b" if chosen == "blank" else ",".join(str(number) for number in sorted(map(int, chosen)))
        for chosen in choices
    ]
    return ".".join((_VERSION, tracker, encode_base64(seed), ";".join(texts)))


def parse_challenge(text: str) -> Challenge:
    """The inverse of :func:`encode_challenge`; MalformedError (V4) for anything else."""
    match = _CODE.fullmatch(text)
    if match is None:
        raise MalformedError(RULE, "this is not the code of a ballot that is checked")
    parse_base64(match[1], RULE, 32, "tracker")
    choices: list[tuple[int, ...] | str] = []
    for chosen in match[3].split(";"):
        if not _CHOSEN.fullmatch(chosen):
            raise MalformedError(RULE, "the code's choices cannot be read")
        if chosen == "b":
            choices.append("blank")
        else:
            choices.append(tuple(int(number) for number in chosen.split(",")) if chosen else ())
    return Challenge(match[1], parse_base64(match[2], RULE, SEED_BYTES, "seed"), tuple(choices))
