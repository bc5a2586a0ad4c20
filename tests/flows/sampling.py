"""Which variants of a test a desk runs: each test, but a quarter of its variants, by chance."""

import random
from collections.abc import Iterable

# A test with no more variants than this runs in all of them.
FEW = 2
SHARE = 4


def draw_variants(names: Iterable[str], seed: str) -> set[str]:
    """Names as pytest gives them, `file::test[variant]` → those to run; the same ones in whatever order they come."""
    variants: dict[str, list[str]] = {}
    for name in sorted(names):
        variants.setdefault(name.partition("[")[0], []).append(name)
    drawn: set[str] = set()
    for test, same in variants.items():
        chance = random.Random(f"{seed} {test}")
        drawn |= set(chance.sample(same, min(len(same), max(FEW, len(same) // SHARE))))
    return drawn
