"""Which variants of a test a desk runs: each test, a sixth of its variants, one kind of database; by chance."""

import random
import re
from collections.abc import Iterable

# A test with no more variants than this runs in all of them.
FEW = 2
SHARE = 6
DATABASES = ("sqlite", "postgresql")
_DATABASE = re.compile(rf"\b({'|'.join(DATABASES)})\b")


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


def draw_databases(names: Iterable[str], seed: str) -> set[str]:
    """Of names that differ in the kind of database only, one of each; the same ones in whatever order they come."""
    kinds: dict[str, list[str]] = {}
    for name in sorted(names):
        test, _, variant = name.partition("[")
        kinds.setdefault(f"{test}[{_DATABASE.sub('*', variant)}", []).append(name)
    return {random.Random(f"{seed} {test}").choice(same) for test, same in kinds.items()}
