"""Long lists in pages: `cut` gives one of them, `office.pages` in templates/office/parts.html leads to the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A part of a list. number: from 1; count: how many pages there are, at least 1; total: of the list."""

    items: Sequence[T]
    number: int
    count: int
    total: int

    @property
    def first(self) -> int:
        """The number in the list of the first one here, from 1."""
        return (self.number - 1) * PAGE_SIZE + 1

    @property
    def last(self) -> int:
        """The number in the list of the last one here."""
        return self.first + len(self.items) - 1


def cut(items: Sequence[T], wanted: str | None) -> Page[T]:
    """Return the page that an address names, the nearest there is where it names none."""
    count = max(1, -(-len(items) // PAGE_SIZE))
    # Longer numbers name no page, and reading one of a million digits takes long.
    is_number = wanted is not None and wanted.isascii() and wanted.isdigit() and len(wanted) < 9
    number = min(max(int(wanted or 1), 1), count) if is_number else 1
    start = (number - 1) * PAGE_SIZE
    return Page(items[start : start + PAGE_SIZE], number, count, len(items))
