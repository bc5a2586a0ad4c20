"""No test may be left out for good, and every worker process must draw the same."""

import random

from tests.flows.sampling import draw_databases, draw_variants

NAMES = [
    "a.py::single",
    *(f"a.py::pair[{n}]" for n in range(2)),
    *(f"b.py::many[x[{n}]-y]" for n in range(18)),
]


def count(drawn: set[str], test: str) -> int:
    return sum(name.startswith(test) for name in drawn)


def test_a_sixth_of_many_variants_and_all_of_few() -> None:
    drawn = draw_variants(NAMES, "1")
    assert drawn <= set(NAMES)
    assert [count(drawn, test) for test in ("a.py::single", "a.py::pair", "b.py::many")] == [1, 2, 3]


def test_the_order_changes_nothing_and_the_seed_does(rng: random.Random) -> None:
    shuffled = rng.sample(NAMES, len(NAMES))
    assert draw_variants(shuffled, "1") == draw_variants(NAMES, "1")
    draws = [draw_variants(NAMES, str(seed)) for seed in range(40)]
    assert set.union(*draws) == set(NAMES)
    assert len({frozenset(draw) for draw in draws}) > 10


def test_one_kind_of_database_is_drawn_for_each_variant() -> None:
    names = [f"c.py::test[{kind}-{n}]" for kind in ("sqlite", "postgresql") for n in range(20)]
    names += ["d.py::test_sqlite[postgresql]", "d.py::test_sqlite[sqlite]"]
    drawn = draw_databases(names, "1")
    assert len(drawn) == 21
    assert {name.partition("-")[2] for name in drawn if "-" in name} == {f"{n}]" for n in range(20)}
    draws = [draw_databases(names, str(seed)) for seed in range(40)]
    assert set.union(*draws) == set(names)
    assert draw_databases(reversed(names), "1") == drawn
