"""The door for Ed25519 points: canonical text of the prime-order subgroup and nothing else."""

import random
from typing import Any

import pytest

from crypto.errors import MalformedError, RejectedError
from crypto.groups import Element, get_group
from tests.crypto import edwards
from tests.crypto.refusals import refused

G = get_group("Ed25519")
GENERATOR = "6666666666666666666666666666666666666666666666666666666666666658"
IDENTITY = "0" * 63 + "1"


def decode(text: Any, *, allow_identity: bool = False) -> Element:
    return G.decode(text, "X1", "point", allow_identity=allow_identity)


def reversed_hex(raw: bytes) -> str:
    return raw[::-1].hex()


def test_the_generator_and_the_order_are_those_of_rfc_8032() -> None:
    assert G.generator.text == GENERATOR
    assert decode(GENERATOR) == G.generator
    assert edwards.encode(edwards.BASE) == G.generator.raw
    assert edwards.multiply(edwards.BASE, G.q) == edwards.IDENTITY
    assert G.q == 2**252 + 27742317777372353535851937790883648493


@pytest.mark.parametrize("seed", range(20))
def test_powers_are_those_of_a_second_implementation(seed: int) -> None:
    """Plain Edwards arithmetic by the formulas of RFC 8032 against libsodium."""
    chance = random.Random(seed)
    a, b = chance.randrange(G.q), chance.randrange(G.q)
    point = edwards.multiply(edwards.BASE, a)
    assert G.power_g(a).raw == edwards.encode(point)
    assert G.power(G.power_g(a), b).raw == edwards.encode(edwards.multiply(point, b))
    other = edwards.multiply(edwards.BASE, b)
    assert G.multiply(G.power_g(a), G.power_g(b)).raw == edwards.encode(edwards.add(point, other))
    assert decode(reversed_hex(edwards.encode(point))) == G.power_g(a)


@pytest.mark.parametrize(
    "secret, public",
    [
        # RFC 8032 §7.1, TEST 1 to 3: the clamped scalar of the secret key times the base point
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        ),
    ],
)
def test_public_keys_of_rfc_8032(secret: str, public: str) -> None:
    assert G.power_g(edwards.secret_scalar(bytes.fromhex(secret))).raw.hex() == public


def test_the_identity_is_let_in_only_where_the_rule_says_so() -> None:
    assert decode(IDENTITY, allow_identity=True) == G.identity
    with refused("X1", "identity", RejectedError):
        decode(IDENTITY)


@pytest.mark.parametrize("allow_identity", [True, False])
@pytest.mark.parametrize(
    "text", [reversed_hex(raw) for raw in edwards.LOW_ORDER if raw != edwards.encode(edwards.IDENTITY)]
)
def test_points_of_low_order_are_refused(text: str, allow_identity: bool) -> None:
    with refused("X1"):
        decode(text, allow_identity=allow_identity)


@pytest.mark.parametrize("allow_identity", [True, False])
@pytest.mark.parametrize("raw", edwards.NON_CANONICAL, ids=lambda raw: raw.hex()[:8] + raw.hex()[-4:])
def test_coordinates_above_p_and_negative_zero_are_refused(raw: bytes, allow_identity: bool) -> None:
    """y + p and x = -0 are second spellings of points that libraries read leniently."""
    with refused("X1"):
        decode(reversed_hex(raw), allow_identity=allow_identity)


@pytest.mark.parametrize("torsion", range(1, 8))
def test_a_point_with_a_torsion_component_is_refused(torsion: int) -> None:
    for k in (1, 2, 12345):
        point = edwards.add(edwards.multiply(edwards.BASE, k), edwards.TORSION[torsion])
        with refused("X1", "prime-order"):
            decode(reversed_hex(edwards.encode(point)))


OFF_THE_CURVE = [y for y in range(2, 30) if edwards.recover_x(y, 0) is None]


@pytest.mark.parametrize("y", OFF_THE_CURVE)
def test_what_is_not_on_the_curve_is_refused(y: int) -> None:
    for sign in (0, 1 << 255):
        with refused("X1"):
            decode(reversed_hex((y | sign).to_bytes(32, "little")))


@pytest.mark.parametrize(
    "text",
    [
        "",
        GENERATOR[:-1],
        GENERATOR + "0",
        GENERATOR[:-1] + "\n",
        GENERATOR + "\n",
        " " + GENERATOR[1:],
        "0x" + GENERATOR[2:],
        GENERATOR[::-1],
        "g" * 64,
        "٣" * 64,
        None,
        5,
        True,
        [GENERATOR],
        {"x": GENERATOR},
        15112221349535400772501151409588531511454012693041857206046113283949847762202,
    ],
)
def test_other_spellings_are_refused(text: Any) -> None:
    with refused("X1"):
        decode(text)


def test_upper_case_is_refused() -> None:
    for k in range(1, 10):
        text = G.power_g(k).text
        if text.upper() != text:
            with refused("X1", kind=MalformedError):
                decode(text.upper())


def test_the_order_of_elements_is_that_of_little_endian_bytes() -> None:
    """belenios-tool sorts credentials so; hex digits read from the left would give another order."""
    low = decode(G.power_g(3).text)
    assert G.sort_key(low) == bytes.fromhex(low.text)[::-1]
    assert len(G.sort_key(G.identity)) == 32


def test_zero_and_the_identity_are_plain_mathematics() -> None:
    """libsodium raises for these; a tally over no ballot needs them."""
    x = G.power_g(5)
    for exponent in (0, G.q, -G.q):
        assert G.power(x, exponent) == G.identity
        assert G.power_g(exponent) == G.identity
    assert G.power(G.identity, 7) == G.identity
    assert G.inverse(G.identity) == G.identity
    assert G.multiply(x, G.inverse(x)) == G.identity
    assert G.multiply(G.identity, x) == x
    assert G.product([]) == G.identity
    assert G.product_of_powers([]) == G.identity
    assert G.product_of_powers([(x, 1), (x, -1), (x, 2), (G.identity, 5), (x, 0)]) == G.power_g(10)


def test_powers_of_a_base_that_equals_the_generator_but_is_another_object() -> None:
    other = Element(bytes(G.generator.raw), str(G.generator.text))
    assert G.product_of_powers([(other, 9)]) == G.power_g(9) == G.power(other, 9)
