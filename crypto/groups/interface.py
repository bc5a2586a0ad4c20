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
from functools import cached_property
from hashlib import sha256
from typing import Any

from crypto.encoding import parse_decimal
from crypto.errors import MalformedError, MisuseError
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
    # Integer embedding (PROTOCOL §2): how many integers of 0 … 255 an element holds at most (0: none), and the bits
    # below them that are tried until the number is a member's.
    most_integers = 0
    padding = 0

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

    @abstractmethod
    def _to_number(self, a: Element) -> int:
        """The number whose digits are the element's text."""

    @abstractmethod
    def _from_number(self, number: int) -> Element | None:
        """The element of that number, or None if it is no member's. Numbers are small enough to be one's."""

    @abstractmethod
    def _derive_generator(self, index: int) -> Element:
        """Independent generator ``index``: nobody knows its logarithm."""

    def embed(self, values: Sequence[int]) -> Element:
        """Integers of 0 … 255, the first one the most significant → the one element that stands for them.

        MisuseError if there are too many or one is out of range, and in groups without embedding.
        """
        if len(values) > self.most_integers:
            raise MisuseError(f"{self.name} embeds at most {self.most_integers} integers, not {len(values)}")
        if any(not 0 <= value <= 255 for value in values):
            raise MisuseError("only integers from 0 to 255 are embedded")
        start = int.from_bytes(bytes(values)) << self.padding
        for number in range(start, start + (1 << self.padding)):
            element = self._from_number(number)
            if element is not None:
                return element
        raise MisuseError("no element stands for these integers")

    def extract(self, a: Element, count: int) -> tuple[int, ...]:
        """The last ``count`` integers in an element's number; of any element, embedded or not.

        What was embedded comes back. Whether it *was* is told by embedding it once more (rule R4).
        """
        number = self._to_number(a) >> self.padding
        return tuple((number % (1 << 8 * count)).to_bytes(count))

    def independent_generator(self, index: int) -> Element:
        """PROTOCOL §2's generator ``index`` (from -1 on); nobody knows a logarithm between any two."""
        if index not in self._generators:
            self._generators[index] = self._derive_generator(index)
        return self._generators[index]

    @cached_property
    def _generators(self) -> dict[int, Element]:
        return {}

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


def hash_of_generator(index: int) -> int:
    """H("ggen|" + index) of PROTOCOL §2, as a number of 256 bits."""
    return int.from_bytes(sha256(f"ggen|{index}".encode()).digest())
