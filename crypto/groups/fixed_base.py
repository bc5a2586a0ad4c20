"""Powers of a base that comes back thousands of times: the generator, the election's key.

A table holds base^(d·2^(w·i)) for every window i and digit d, so that a power is one multiplication
per window. Building it costs about as much as a few hundred powers; hence the first ones go the plain way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Generic, TypeVar

Value = TypeVar("Value")

# So many plain powers before a table is built: it must pay even if nothing comes after it.
_PATIENCE = 400


def window_digits(exponent: int, width: int) -> list[int]:
    """The digits of ``exponent`` in base 2^width, lowest first."""
    mask = (1 << width) - 1
    digits = []
    while exponent:
        digits.append(exponent & mask)
        exponent >>= width
    return digits


class LazyTable(Generic[Value]):
    """Gives base^exponent in whatever form its two functions have."""

    def __init__(
        self,
        plain: Callable[[int], Value],
        build: Callable[[], Callable[[int], Value]],
        patience: int = _PATIENCE,
    ) -> None:
        self._power, self._build, self._left = plain, build, patience

    def power(self, exponent: int) -> Value:
        """base^exponent for 0 ≤ exponent < q."""
        if self._left > 0:
            self._left -= 1
            if self._left == 0:
                self._power = self._build()
        return self._power(exponent)


class FixedBases(Generic[Value]):
    """The tables of one group, found by the base's text."""

    def __init__(self, tables: Iterable[tuple[str, LazyTable[Value]]] = ()) -> None:
        self._tables: Mapping[str, LazyTable[Value]] = dict(tables)

    def find(self, text: str) -> LazyTable[Value] | None:
        """The table of the base with that text, or None."""
        return self._tables.get(text)
