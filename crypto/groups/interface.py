"""What a group offers to the protocol.

The group is written multiplicatively, as PROTOCOL and the papers do: ``multiply``, ``power``.
Public text becomes an :class:`Element` through one door, :meth:`Group.decode`, which checks the
canonical spelling and membership of the prime-order subgroup; so every Element in the program is a
member, and no proof needs to ask again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crypto.encoding import parse_decimal
from crypto.errors import MalformedError
from crypto.groups.fixed_base import FixedBases


@dataclass(frozen=True, slots=True)
class Element:
    """A member of the prime-order group; only a Group makes one. ``text`` is PROTOCOL's enc(X)."""

    raw: Any
    text: str


class Group(ABC):
    """A cyclic group of prime order ``q`` with generator ``generator``."""

    name: str
    q: int
    generator: Element
    identity: Element

    @abstractmethod
    def decode(self, text: Any, rule: str, what: str, *, allow_identity: bool) -> Element:
        """Canonical text of a group member → Element; MalformedError or RejectedError under ``rule``.

        The identity is refused unless the caller's rule allows it (DESIGN §5).
        """

    @abstractmethod
    def multiply(self, a: Element, b: Element) -> Element:
        """a·b"""

    @abstractmethod
    def inverse(self, a: Element) -> Element:
        """a^-1"""

    @abstractmethod
    def power(self, a: Element, exponent: int) -> Element:
        """a^exponent; the exponent is reduced mod q."""

    @abstractmethod
    def power_g(self, exponent: int) -> Element:
        """generator^exponent"""

    @abstractmethod
    def sort_key(self, a: Element) -> bytes:
        """Fixed-width bytes whose order is the protocol's order of elements (PROTOCOL §2, §5)."""

    @abstractmethod
    def unverified_sort_key(self, text: str) -> bytes | None:
        """What ``sort_key`` would give if this text were an element's, or None if it can be no element's text.

        Canonical: different texts have different keys. Nothing says that there is such an element.
        """

    def divide(self, a: Element, b: Element) -> Element:
        """a·b^-1"""
        return self.multiply(a, self.inverse(b))

    def product(self, elements: Sequence[Element]) -> Element:
        """The product of all, the identity for none."""
        result = self.identity
        for element in elements:
            result = self.multiply(result, element)
        return result

    @abstractmethod
    def product_of_powers(
        self, terms: Sequence[tuple[Element, int]], tables: FixedBases[Any] | None = None
    ) -> Element:
        """∏ base^exponent; ``tables`` (from :meth:`make_tables`) only make it faster."""

    @abstractmethod
    def make_tables(self, bases: Sequence[Element]) -> FixedBases[Any]:
        """Tables for bases of which thousands of public powers will be computed."""

    def parse_scalar(self, text: Any, rule: str, what: str) -> int:
        """A canonical decimal in [0, q)."""
        value = parse_decimal(text, rule, what)
        if value >= self.q:
            raise MalformedError(rule, f"{what}: not below the group's order")
        return value
