"""The door for numbers modulo p: canonical decimals of the subgroup of order q and nothing else."""

import hashlib
import random
from typing import Any

import gmpy2
import pytest

from crypto.errors import MalformedError, RejectedError
from crypto.groups import Element, get_group
from crypto.groups.modp import ModularGroup
from crypto.groups.registry import DEFAULT_GROUP, GROUP_NAMES
from tests.crypto.refusals import refused

NAMES = ("BELENIOS-2048", "RFC-3526-2048")
MULTIPLICATIVE = pytest.mark.parametrize("name", NAMES)
# From PROTOCOL §2.1, as written there.
BELENIOS_P = int(
    "20694785691422546401013643657505008064922989295751104097100884787057374219242717401922237254497684338129066633138"
    "07895840496005438963628979639303877390572280360597374942767137677761889858987273586504908116709931053586778098003"
    "07904916540637771737641986785272734744763418356000356983051931442845617019110007867373073335641239717328979132404"
    "74578834468260652327974647951137672658693582180046317922073668860052627186363386088796882120769432366149491002923"
    "44434637322214588410058642105024212036543356120132048111885240873107701415166620016231317716937218924807850771182"
    "7842317498073276598828825169183103125680162072880719"
)
BELENIOS_Q = 78571733251071885079927659812671450121821421258408794611510081919805623223441


def group(name: str) -> ModularGroup:
    found = get_group(name)
    assert isinstance(found, ModularGroup)
    return found


def decode(name: str, text: Any, *, allow_identity: bool = False) -> Element:
    return get_group(name).decode(text, "X1", "number", allow_identity=allow_identity)


def modulus(name: str) -> int:
    return int(group(name)._p)


def test_the_numbers_are_those_of_the_protocol() -> None:
    assert modulus("BELENIOS-2048") == BELENIOS_P
    assert get_group("BELENIOS-2048").q == BELENIOS_Q
    # Any error in a digit of p would fail one of these.
    assert str(BELENIOS_P).endswith("162072880719")
    # RFC 3526 §3 gives 2^2048 - 2^1984 - 1 + 2^64·(floor(2^1918·π) + 124476)
    gmpy2.get_context().precision = 2200
    try:
        pi = int(gmpy2.floor(gmpy2.mul_2exp(gmpy2.const_pi(), 1918)))
    finally:
        gmpy2.get_context().precision = 53
    assert modulus("RFC-3526-2048") == 2**2048 - 2**1984 - 1 + 2**64 * (pi + 124476)


@MULTIPLICATIVE
def test_p_and_q_are_prime_and_g_has_order_q(name: str) -> None:
    p, q = modulus(name), get_group(name).q
    assert gmpy2.is_prime(p)
    assert gmpy2.is_prime(q)
    assert (p - 1) % q == 0
    g = int(get_group(name).generator.text)
    assert 1 < g < p
    assert pow(g, q, p) == 1


def test_the_generators_of_the_protocol_come_from_their_text() -> None:
    """ATTACKS 9: nobody knows their logarithms, because a hash made them. KAT of PROTOCOL §2.1."""
    p, q = modulus("RFC-3526-2048"), get_group("RFC-3526-2048").q
    digest = int.from_bytes(hashlib.sha256(b"ggen|-1").digest())
    text = str(pow(digest, (p - 1) // q, p))
    assert text.startswith("7562611357224275")
    assert text.endswith("096991296")
    assert decode("RFC-3526-2048", text).text == text


@MULTIPLICATIVE
@pytest.mark.parametrize(
    "text", ["0", "-1", "-2", "+5", "", "02", "00", "1.0", "1e5", " 4", "4\n", "0x4", "٤", "9" * 1001]
)
def test_other_spellings_are_refused(name: str, text: str) -> None:
    with refused("X1", kind=MalformedError):
        decode(name, text)


@MULTIPLICATIVE
@pytest.mark.parametrize("value", [None, 4, True, ["4"], {"x": "4"}, b"4"])
def test_what_is_not_text_is_refused(name: str, value: Any) -> None:
    with refused("X1"):
        decode(name, value)


@MULTIPLICATIVE
def test_leading_zeros_are_refused(name: str) -> None:
    with refused("X1", kind=MalformedError):
        decode(name, "0" + get_group(name).generator.text)


@MULTIPLICATIVE
def test_numbers_from_p_on_are_refused(name: str) -> None:
    """g + p is the same element in a second spelling."""
    p, g = modulus(name), int(get_group(name).generator.text)
    for value in (p, p + 1, p + g, 2 * p + g):
        with refused("X1", kind=MalformedError):
            decode(name, str(value))


@MULTIPLICATIVE
def test_the_identity_is_let_in_only_where_the_rule_says_so(name: str) -> None:
    assert decode(name, "1", allow_identity=True) == get_group(name).identity
    with refused("X1", "identity", RejectedError):
        decode(name, "1")


@MULTIPLICATIVE
@pytest.mark.parametrize("allow_identity", [True, False])
def test_elements_of_other_orders_are_refused(name: str, allow_identity: bool) -> None:
    """p - 1 of BELENIOS-2048 has 2 and 3 as factors: a subgroup of six elements to leak or forge with."""
    p, q = modulus(name), get_group(name).q
    chance = random.Random(name)
    small_orders = [order for order in range(2, 200) if (p - 1) % order == 0 and order % q]
    assert 2 in small_orders
    assert (3 in small_orders) == (name == "BELENIOS-2048")
    for order in small_orders:
        element = 1
        while element == 1:
            element = pow(chance.randrange(2, p - 1), (p - 1) // order, p)
        shifted = element * int(get_group(name).generator.text) % p
        for value in (element, shifted):
            with refused("X1", "prime-order", RejectedError):
                decode(name, str(value), allow_identity=allow_identity)


@MULTIPLICATIVE
def test_membership_is_what_the_definition_says(name: str) -> None:
    """The Jacobi symbol stands for x^q = 1 in the safe-prime group: both must agree on any number."""
    p, q = modulus(name), get_group(name).q
    chance = random.Random(name)
    for _ in range(6):
        x = chance.randrange(2, p)
        y = pow(x, (p - 1) // q, p)
        for value in (x, y):
            if pow(value, q, p) == 1:
                assert decode(name, str(value)).text == str(value)
            else:
                with refused("X1", "prime-order"):
                    decode(name, str(value))


@MULTIPLICATIVE
def test_arithmetic_is_that_of_python(name: str) -> None:
    G, p = get_group(name), modulus(name)
    chance = random.Random(name)
    a, b = chance.randrange(G.q), chance.randrange(G.q)
    g = int(G.generator.text)
    assert int(G.power_g(a).text) == pow(g, a, p)
    assert int(G.multiply(G.power_g(a), G.power_g(b)).text) == pow(g, a, p) * pow(g, b, p) % p
    assert int(G.inverse(G.power_g(a)).text) == pow(pow(g, a, p), -1, p)


@MULTIPLICATIVE
def test_elements_are_ordered_as_numbers(name: str) -> None:
    G = get_group(name)
    elements = [G.power_g(k) for k in range(12)]
    by_key = sorted(elements, key=G.sort_key)
    assert by_key == sorted(elements, key=lambda element: int(element.text))
    assert len({len(G.sort_key(element)) for element in elements}) == 1


def test_the_default_group_is_ed25519() -> None:
    """ATTACKS 8: hash-to-scalar is visibly biased in BELENIOS-2048."""
    assert DEFAULT_GROUP == "Ed25519"
    assert set(GROUP_NAMES) == {"Ed25519", *NAMES}


@pytest.mark.parametrize("name", ["ed25519", "Ed25519 ", "", "BELENIOS-4096", None, 5, ["Ed25519"], {}])
def test_an_unknown_group_is_refused(name: Any) -> None:
    with refused("S1", "unknown group"):
        get_group(name)
