"""Ciphertexts: what they hide adds up, and only the expected shape is read."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto import elgamal
from crypto.elgamal import Ciphertext, encrypt, parse_ciphertext
from crypto.groups import Group, get_group
from tests.crypto.refusals import refused

NAMES = ("Ed25519", "BELENIOS-2048")
EVERY_GROUP = pytest.mark.parametrize("G", [get_group(name) for name in NAMES], ids=NAMES)
SECRET = 987654321
SMALL = st.integers(0, 50)
SCALARS = st.integers(1, 2**250)


def opened(G: Group, c: Ciphertext) -> Any:
    return G.divide(c.beta, G.power(c.alpha, SECRET))


@EVERY_GROUP
@settings(max_examples=15)
@given(a=SMALL, b=SMALL, r=SCALARS, s=SCALARS, weight=st.integers(0, 100))
def test_messages_add(G: Group, a: int, b: int, r: int, s: int, weight: int) -> None:
    y = G.power_g(SECRET)
    first, second = encrypt(G, y, a, r), encrypt(G, y, b, s)
    assert opened(G, first) == G.power_g(a)
    assert opened(G, elgamal.multiply(G, first, second)) == G.power_g(a + b)
    assert opened(G, elgamal.divide(G, first, second)) == G.power_g(a - b)
    assert opened(G, elgamal.power(G, first, weight)) == G.power_g(a * weight)
    assert elgamal.multiply(G, first, elgamal.neutral(G)) == first
    assert elgamal.divide(G, elgamal.multiply(G, first, second), second) == first
    assert parse_ciphertext(G, first.encode(), "X1", "c", allow_identity=False) == first


@EVERY_GROUP
def test_only_a_pair_of_elements_is_read(G: Group) -> None:
    good = encrypt(G, G.power_g(SECRET), 1, 5).encode()
    bad: list[Any] = [
        None,
        [],
        [good["alpha"], good["beta"]],
        {"alpha": good["alpha"]},
        {"beta": good["beta"], "alpha": good["alpha"]},
        {**good, "gamma": "1"},
        {**good, "alpha": "0"},
        {**good, "beta": 5},
    ]
    for value in bad:
        with refused("X1"):
            parse_ciphertext(G, value, "X1", "c", allow_identity=True)


@EVERY_GROUP
def test_an_alpha_of_one_hides_nothing_and_is_refused_on_ballots(G: Group) -> None:
    """g^0: everybody could read the vote off beta."""
    transparent = {"alpha": G.identity.text, "beta": G.generator.text}
    with refused("X1", "identity"):
        parse_ciphertext(G, transparent, "X1", "c", allow_identity=False)
    neutral = elgamal.neutral(G)
    assert parse_ciphertext(G, neutral.encode(), "X1", "c", allow_identity=True) == neutral
    assert (
        parse_ciphertext(
            G, {"alpha": G.generator.text, "beta": G.identity.text}, "X1", "c", allow_identity=False
        ).beta
        == G.identity
    )
