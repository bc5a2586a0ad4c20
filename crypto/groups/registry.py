"""The groups by the names that election data uses."""

from __future__ import annotations

from functools import cache
from typing import Any

from crypto.errors import MalformedError
from crypto.groups.ed25519 import Ed25519
from crypto.groups.interface import Group
from crypto.groups.modp import make_belenios_2048, make_rfc_3526_2048

DEFAULT_GROUP = "Ed25519"
_MAKERS = {
    "Ed25519": Ed25519,
    "BELENIOS-2048": make_belenios_2048,
    "RFC-3526-2048": make_rfc_3526_2048,
}
GROUP_NAMES = tuple(_MAKERS)


@cache
def _make(name: str) -> Group:
    return _MAKERS[name]()


def get_group(name: Any, rule: str = "S1") -> Group:
    """The group of that name; MalformedError for a name that protocol version 1 does not have."""
    if name not in GROUP_NAMES:
        raise MalformedError(rule, f"unknown group {str(name)[:40]!r}; known: {', '.join(GROUP_NAMES)}")
    return _make(name)
