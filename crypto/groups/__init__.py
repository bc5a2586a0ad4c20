"""The groups behind one interface: Ed25519, BELENIOS-2048, RFC-3526-2048 (docs/protocol.md §2)."""

from crypto.groups.interface import Element, Group
from crypto.groups.registry import get_group

__all__ = ["Element", "Group", "get_group"]
