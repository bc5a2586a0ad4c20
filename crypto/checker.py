"""Checkers: who computes the commitments that a compact proof leaves out.

A compact proof (challenge, response) hides its commitments; its verifier recomputes each as a
product of powers and hashes them. Statements are written once over this interface. The plain
checker computes; a batching one may return an untrusted hint, record the equation
"hint = product of powers", and decide all of them together in :meth:`Checker.finish`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from crypto.groups import Element, Group
from crypto.groups.fixed_base import FixedBases

Terms = Sequence[tuple[Element, int]]


class Checker(Protocol):
    """Accepts equations; whoever uses one must call ``finish`` before believing anything."""

    record: str | None

    def commitment(self, terms: Terms, rule: str) -> str:
        """enc(∏ base^exponent), or a claim of it that ``finish`` will check under ``rule``."""
        ...

    def finish(self) -> None:
        """Raises RejectedError, naming record and rule, if a recorded equation does not hold."""
        ...


class PlainChecker:
    """Computes each commitment at once; nothing is left for ``finish``.

    ``tables`` (``group.make_tables([election key])``) pay where many ballots are verified.
    """

    def __init__(self, group: Group, tables: FixedBases[Any] | None = None) -> None:
        self._group, self._tables = group, tables
        self.record: str | None = None

    def commitment(self, terms: Terms, rule: str) -> str:
        return self._group.product_of_powers(terms, self._tables).text

    def finish(self) -> None:
        """Every equation was computed, so none is open."""
