"""Tables for fixed bases only make powers faster: one wrong entry would refuse honest ballots, or worse."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.checker import PlainChecker
from crypto.errors import MisuseError
from crypto.groups import Group, edwards, get_group
from crypto.groups.fixed_base import _PATIENCE, FixedBases, LazyTable, window_digits
from crypto.groups.registry import GROUP_NAMES

EVERY_GROUP = pytest.mark.parametrize("G", [get_group(name) for name in GROUP_NAMES], ids=GROUP_NAMES)


def edge_exponents(q: int) -> list[int]:
    """Where windows begin and end, and the ends of the range."""
    edges = [n for bit in range(q.bit_length()) for n in (2**bit - 1, 2**bit, 2**bit + 1) if n < q]
    return [0, 1, 2, 3, *edges[:: max(1, len(edges) // 120)], q - 2, q - 1]


@given(exponent=st.integers(0, 2**260), width=st.integers(1, 12))
def test_digits_are_those_of_the_number(exponent: int, width: int) -> None:
    digits = window_digits(exponent, width)
    assert all(0 <= digit < 2**width for digit in digits)
    assert sum(digit << (width * place) for place, digit in enumerate(digits)) == exponent


@EVERY_GROUP
def test_a_table_gives_the_plain_powers(G: Group) -> None:
    """Both before and after it is built, for every kind of exponent, and for no base but its own."""
    base, other = G.power_g(4711), G.power_g(5)
    tables = G.make_tables([base])
    chance = random.Random(G.name)
    exponents = edge_exponents(G.q) + [chance.randrange(G.q) for _ in range(30)]
    # RFC-3526-2048 has exponents of 2047 bits: a few hundred plain powers would take seconds.
    table = tables.find(base.text)
    assert table is not None
    table._left = min(table._left, 10)
    for exponent in exponents * 2:
        assert G.product_of_powers([(base, exponent)], tables) == G.power(base, exponent)
    assert table._left == 0
    assert tables.find(other.text) is None
    for e, f in ((3, 4), (0, 5), (G.q - 1, 1), (-1, G.q + 7)):
        terms = [(base, e), (other, f), (G.generator, e + f)]
        assert G.product_of_powers(terms, tables) == G.product_of_powers(terms)
        assert PlainChecker(G, tables).commitment(terms, "X1") == PlainChecker(G).commitment(terms, "X1")


@settings(max_examples=60)
@given(secret=st.integers(1, 2**252), exponent=st.integers(0, 2**252))
def test_the_edwards_formulas_are_those_of_libsodium(secret: int, exponent: int) -> None:
    G = get_group("Ed25519")
    power = _TABLES[secret % len(_BASES)]
    base = _BASES[secret % len(_BASES)]
    assert power(exponent % G.q) == G.power_g(base * exponent).raw


# Bases whose x is even and odd; the generator; a base and its inverse.
_BASES = (1, 2, 3, -3, 2**200 + 12345)
_TABLES = [edwards.make_power(get_group("Ed25519").power_g(base).raw) for base in _BASES]


def test_what_is_no_point_has_no_table() -> None:
    with pytest.raises(MisuseError):
        edwards.make_power((2).to_bytes(32, "little"))


def test_a_table_is_built_after_so_many_powers_and_once() -> None:
    built: list[int] = []

    def build() -> object:
        built.append(1)
        return lambda exponent: -exponent

    table: LazyTable[int] = LazyTable(lambda exponent: exponent, build, patience=3)  # type: ignore[arg-type]
    assert [table.power(n) for n in (1, 2, 3, 4, 5)] == [1, 2, -3, -4, -5]
    assert built == [1]
    assert _PATIENCE > 100


def test_the_identity_needs_no_table() -> None:
    """An election key of 1 is refused elsewhere; a table of it must not crash before that."""
    G = get_group("Ed25519")
    tables = G.make_tables([G.identity])
    assert G.product_of_powers([(G.identity, 5), (G.generator, 2)], tables) == G.power_g(2)
    assert FixedBases[int]().find("anything") is None
