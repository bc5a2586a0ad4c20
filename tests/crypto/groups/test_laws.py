"""What is true in every cyclic group must be true in ours: proofs are written with nothing else."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.checker import PlainChecker
from crypto.groups import Group, get_group
from crypto.groups.registry import GROUP_NAMES
from tests.crypto.refusals import refused

SCALARS = st.integers(-(2**300), 2**300) | st.sampled_from([0, 1, -1, 2])
EVERY_GROUP = pytest.mark.parametrize("G", [get_group(name) for name in GROUP_NAMES], ids=GROUP_NAMES)


@EVERY_GROUP
@settings(max_examples=25)
@given(a=SCALARS, b=SCALARS, c=SCALARS)
def test_laws(G: Group, a: int, b: int, c: int) -> None:
    A, B, C = (G.power_g(k) for k in (a, b, c))
    assert G.multiply(A, B) == G.multiply(B, A) == G.power_g(a + b)
    assert G.multiply(G.multiply(A, B), C) == G.multiply(A, G.multiply(B, C))
    assert G.multiply(A, G.identity) == A
    assert G.multiply(A, G.inverse(A)) == G.identity
    assert G.inverse(A) == G.power_g(-a)
    assert G.divide(A, B) == G.power_g(a - b)
    assert G.power(A, b) == G.power(B, a) == G.power_g(a * b)
    assert G.power(A, b + G.q) == G.power(A, b)
    assert G.product([A, B, C]) == G.power_g(a + b + c)
    assert G.product_of_powers([(A, b), (G.generator, c), (B, 1)]) == G.power_g(a * b + c + b)
    assert PlainChecker(G).commitment([(A, b), (B, c)], "X1") == G.power_g(a * b + b * c).text


@EVERY_GROUP
@settings(max_examples=15)
@given(a=SCALARS)
def test_text_comes_back_as_the_same_element(G: Group, a: int) -> None:
    A = G.power_g(a)
    assert G.decode(A.text, "X1", "element", allow_identity=True) == A
    assert (G.identity == A) == (a % G.q == 0)


@EVERY_GROUP
def test_scalars_lie_below_q_and_have_one_spelling(G: Group) -> None:
    assert G.parse_scalar("0", "X1", "n") == 0
    assert G.parse_scalar(str(G.q - 1), "X1", "n") == G.q - 1
    bad: list[Any] = [str(G.q), str(2 * G.q), "-1", "01", "", 5, None, "1 ", "0" + str(G.q - 1)]
    for text in bad:
        with refused("X1"):
            G.parse_scalar(text, "X1", "n")
