"""What cannot be printed, and whose it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """``member_number`` is empty where the fault is the election's own. The sentence never repeats a name."""

    member_number: str
    sentence: str

    def __str__(self) -> str:
        return f"member {self.member_number}: {self.sentence}" if self.member_number else self.sentence


class PaperError(Exception):
    """No document was made. All faults are named at once, because somebody must see to them in one go."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(map(str, faults)))
