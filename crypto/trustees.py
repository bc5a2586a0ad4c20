"""The trustees of an election as the archive lists them (PROTOCOL §7; rules T1–T6, S5, S6).

Owners are numbered from 1 over the flattened list; a threshold group counts all its members.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from crypto.checker import Checker
from crypto.encoding import encode_json_bytes, parse_json, require_list
from crypto.errors import MalformedError, MisuseError, RejectedError
from crypto.groups import Element, Group
from crypto.pedersen import FORM_3, PedersenParams, parse_pedersen, verify_pedersen
from crypto.trustee_key import (
    TrusteeKey,
    encode_secret_key,
    generate_key,
    make_drill,
    make_trustee_key,
    parse_secret_key,
    parse_trustee_key,
    verify_drill,
    verify_trustee_key,
)

__all__ = [
    "TrusteeKey",
    "Trustees",
    "election_public_key",
    "encode_secret_key",
    "encode_trustees",
    "generate_key",
    "make_drill",
    "make_trustee_key",
    "parse_secret_key",
    "parse_trustee_key",
    "parse_trustees",
    "verify_drill",
    "verify_trustee_key",
    "verify_trustees",
]

RULE = "S3"
Item = TrusteeKey | PedersenParams


@dataclass(frozen=True)
class Trustees:
    """All trustees, as items of the record and flattened to owners."""

    items: tuple[Item, ...]

    @property
    def owners(self) -> tuple[TrusteeKey, ...]:
        """The key of owner number n is ``owners[n - 1]``."""
        keys: list[TrusteeKey] = []
        for item in self.items:
            keys += [item] if isinstance(item, TrusteeKey) else item.verification_keys
        return tuple(keys)

    @property
    def old_forms(self) -> tuple[str, ...]:
        """The forms of threshold groups that are older than 3.0: a warning each."""
        groups = [item for item in self.items if isinstance(item, PedersenParams)]
        return tuple(item.form for item in groups if item.form != FORM_3)

    def spans(self) -> list[tuple[Item, range]]:
        """Each item with the owner numbers that it covers."""
        result: list[tuple[Item, range]] = []
        start = 1
        for item in self.items:
            count = 1 if isinstance(item, TrusteeKey) else item.size
            result.append((item, range(start, start + count)))
            start += count
        return result

    def is_enough(self, present: Collection[int]) -> bool:
        """Whether these owners together can decrypt."""
        return all(
            sum(owner in present for owner in owners)
            >= (1 if isinstance(item, TrusteeKey) else item.threshold)
            for item, owners in self.spans()
        )


def encode_trustees(items: Sequence[Item]) -> bytes:
    """The trustees' record."""
    if not items:
        raise MisuseError("an election needs a trustee")
    return encode_json_bytes(
        [["Single" if isinstance(item, TrusteeKey) else "Pedersen", item.encode()] for item in items]
    )


def _parse_item(group: Group, value: Any) -> Item:
    kind, content = require_list(value, RULE, 2, "trustee")
    if kind == "Single":
        key = parse_trustee_key(group, content)
        if key.signature is not None:
            raise MalformedError(RULE, "a single trustee's key has no signature field")
        return key
    if kind == "Pedersen":
        return parse_pedersen(group, content)
    raise MalformedError(RULE, f"unknown kind of trustee {str(kind)[:20]!r}")


def parse_trustees(group: Group, raw: bytes) -> Trustees:
    """Reads the trustees' record; shapes and group elements only."""
    items = require_list(parse_json(raw, RULE), RULE, what="trustees")
    if not items:
        raise MalformedError(RULE, "an election without trustees")
    return Trustees(tuple(_parse_item(group, item) for item in items))


def verify_trustees(group: Group, trustees: Trustees, checker: Checker) -> None:
    """Rules T1 (single keys), T2–T6 (threshold keys), S6 (no key stands twice)."""
    for item, owners in trustees.spans():
        checker.record = f"trustee {owners[0]}" if len(owners) == 1 else f"trustees {owners[0]}–{owners[-1]}"
        if isinstance(item, TrusteeKey):
            verify_trustee_key(group, item, checker)
        else:
            verify_pedersen(group, item, checker)
    checker.record = None
    keys: list[str] = []
    for item in trustees.items:
        if isinstance(item, TrusteeKey):
            keys.append(item.public_key.text)
            continue
        shares = [key.public_key.text for key in item.verification_keys]
        # Where one trustee is enough, each of them holds the same whole key.
        keys += shares if item.threshold > 1 else shares[:1]
        for certificate in item.certificates:
            keys += [certificate.verification.text, certificate.encryption.text]
    if len(set(keys)) != len(keys):
        raise RejectedError("S6", "two trustees share a key")


def election_public_key(group: Group, trustees: Trustees) -> Element:
    """The product of all single keys and threshold sub-keys (rule S5)."""
    return group.product(
        [
            item.public_key if isinstance(item, TrusteeKey) else item.public_key(group)
            for item in trustees.items
        ]
    )
