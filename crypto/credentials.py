"""Voting credentials and the public list of them (PROTOCOL §5; rules S4, B4).

A credential is a text that only its voter holds. It derives a secret exponent s, different for
each election; the public credential g^s stands in the list that is fixed at setup.
"""

from __future__ import annotations

import hashlib
import re
from bisect import bisect_left
from collections.abc import Sequence

from crypto.encoding import (
    BASE58,
    encode_json_bytes,
    parse_decimal,
    parse_json,
    require_list,
    require_text,
)
from crypto.errors import MalformedError, RejectedError
from crypto.groups import Element, Group
from crypto.randomness import CREDENTIAL_GROUPS, new_credential_text

__all__ = [
    "CredentialList",
    "derive_public",
    "derive_secret",
    "encode_credential_list",
    "new_credential_text",
    "parse_credential_list",
    "parse_credential_text",
]

RULE = "S4"
# White space, every kind of dash, and what cannot be seen: keyboards and copied pages put them in.
_SEPARATORS = re.compile("[\\s\\-\u00ad\u200b-\u200d\u2010-\u2015\u2060\u2212\ufe58\ufe63\uff0d\ufeff]+")


def parse_credential_text(text: str) -> str:
    """What a person typed → ``XXXXX-XXXXXX-XXXXX-XXXXXX``; spaces and dashes may stand anywhere.

    Raises MalformedError (rule B4) whose sentence helps: it never repeats the credential.
    """
    compact = _SEPARATORS.sub("", text)
    if len(compact) != sum(CREDENTIAL_GROUPS):
        raise MalformedError("B4", f"a credential has 22 characters, this text has {len(compact)}")
    wrong = sorted({character for character in compact if character not in BASE58})
    if wrong:
        raise MalformedError(
            "B4", f"a credential never contains {' or '.join(wrong)} (0, O, I and l are not used)"
        )
    parts, start = [], 0
    for length in CREDENTIAL_GROUPS:
        parts.append(compact[start : start + length])
        start += length
    return "-".join(parts)


def derive_secret(group: Group, uuid: str, text: str) -> int:
    """The credential's secret exponent: 512 bits of SHA-256 reduced mod q."""
    digits = "".join(
        hashlib.sha256(f"derive_credential|{uuid}|{index}|{text}".encode()).hexdigest() for index in (0, 1)
    )
    return int(digits, 16) % group.q


def derive_public(group: Group, uuid: str, text: str) -> Element:
    """The public credential g^s."""
    return group.power_g(derive_secret(group, uuid, text))


def encode_credential_list(group: Group, entries: Sequence[tuple[Element, int | None]]) -> bytes:
    """The published list, sorted, so that its order tells nothing about the roll.

    Weights are written for all or for none: an election that weighs votes says so for everybody.
    """
    weighted = any(weight is not None for _, weight in entries)
    ordered = sorted(entries, key=lambda entry: group.sort_key(entry[0]))
    return encode_json_bytes(
        [
            f"{element.text},{1 if weight is None else weight}" if weighted else element.text
            for element, weight in ordered
        ]
    )


class CredentialList:
    """The public credentials with their weights, searchable in little memory.

    Kept per credential: its sort key (32 bytes for Ed25519) and, in weighted elections, its weight.
    """

    def __init__(self, group: Group, keys: Sequence[bytes], weights: Sequence[int] | None) -> None:
        order = sorted(range(len(keys)), key=keys.__getitem__)
        self._group = group
        self._width = len(keys[0]) if keys else 0
        self._sorted = b"".join(keys[index] for index in order)
        self._count = len(keys)
        self._weights = None if weights is None else [weights[index] for index in order]
        self.is_sorted = order == list(range(len(keys)))
        self.total_weight = len(keys) if weights is None else sum(weights)
        if self.total_weight >= group.q:
            # Counts are exponents: beyond q two results would open the same tally.
            raise RejectedError(RULE, "the weights together are not below the group's order")
        for index in range(1, self._count):
            if self._key(index - 1) == self._key(index):
                raise RejectedError(RULE, "a public credential stands twice in the list")

    def __len__(self) -> int:
        return self._count

    def _key(self, index: int) -> bytes:
        return self._sorted[index * self._width : (index + 1) * self._width]

    @property
    def has_weights(self) -> bool:
        """Whether the list names weights."""
        return self._weights is not None

    def find(self, credential: Element) -> int | None:
        """The credential's place (0 … len-1, in sorted order), or None if it is not listed."""
        return self._find(self._group.sort_key(credential))

    def find_text(self, credential: str) -> int | None:
        """:meth:`find` for a text that was not decoded: what is in the list was."""
        key = self._group.unverified_sort_key(credential)
        return None if key is None else self._find(key)

    def _find(self, key: bytes) -> int | None:
        index = bisect_left(range(self._count), key, key=self._key)
        return index if index < self._count and self._key(index) == key else None

    def weight(self, index: int) -> int:
        """The weight of the credential at that place."""
        return 1 if self._weights is None else self._weights[index]


def parse_credential_list(group: Group, raw: bytes) -> CredentialList:
    """Reads the published list: canonical, every key a group member, none twice, no login."""
    keys: list[bytes] = []
    weights: list[int] = []
    for number, item in enumerate(require_list(parse_json(raw, RULE), RULE, what="credentials"), 1):
        what = f"credential {number}"
        key, comma, weight = require_text(item, RULE, what).partition(",")
        if "," in weight:
            raise RejectedError(RULE, f"{what}: more than a key and a weight is published (a login?)")
        keys.append(group.sort_key(group.decode(key, RULE, what, allow_identity=False)))
        if comma:
            weights.append(parse_decimal(weight, RULE, f"{what}: weight"))
    if weights and len(weights) != len(keys):
        raise MalformedError(RULE, "weights are given for some credentials but not for all")
    return CredentialList(group, keys, weights or None)


def unverified_totals(raw: bytes) -> tuple[int, int]:
    """(how many credentials, the weight of all) of a published list that was read before: no key is looked at."""
    items = require_list(parse_json(raw, RULE), RULE, what="credentials")
    weights = [require_text(item, RULE, "credential").partition(",")[2] for item in items]
    return len(items), sum(parse_decimal(weight, RULE, "weight") if weight else 1 for weight in weights)
