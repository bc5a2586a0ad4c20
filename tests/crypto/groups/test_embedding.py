"""Integers in group elements, and generators of which nobody knows a logarithm (PROTOCOL §2)."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.errors import MisuseError
from crypto.groups import Group, get_group
from crypto.groups.registry import GROUP_NAMES
from tests.crypto import edwards

ED25519, RFC, BELENIOS = (get_group(name) for name in ("Ed25519", "RFC-3526-2048", "BELENIOS-2048"))
EMBEDDING = pytest.mark.parametrize("G", [ED25519, RFC], ids=["Ed25519", "RFC-3526-2048"])


def test_what_belenios_embeds() -> None:
    assert ED25519.embed([1, 2, 3]).text == f"{'4080c009':0>64}"
    assert ED25519.embed([0, 0, 0]) == ED25519.identity
    assert RFC.embed([1, 2, 3]).text == "16909057"
    assert RFC.embed([0, 0, 0]).text == "1"


@EMBEDDING
@settings(max_examples=20)
@given(values=st.lists(st.integers(0, 255), min_size=1, max_size=30))
def test_integers_come_back_from_a_member_of_the_group(G: Group, values: list[int]) -> None:
    element = G.embed(values)
    assert G.decode(element.text, "X1", "element", allow_identity=True) == element
    assert G.extract(element, len(values)) == tuple(values)


@EMBEDDING
def test_as_many_as_fit_and_not_one_more(G: Group) -> None:
    most = [255] * G.most_integers
    assert G.extract(G.embed(most), len(most)) == tuple(most)
    with pytest.raises(MisuseError, match="at most"):
        G.embed([*most, 0])
    for value in (-1, 256):
        with pytest.raises(MisuseError, match="from 0 to 255"):
            G.embed([value])


def test_a_group_without_embedding_says_so() -> None:
    with pytest.raises(MisuseError, match="at most 0"):
        BELENIOS.embed([1])


@EMBEDDING
def test_any_element_gives_integers_and_embedding_them_tells_whether_they_were_embedded(G: Group) -> None:
    odd = G.power_g(12345)
    values = G.extract(odd, 3)
    assert all(0 <= value <= 255 for value in values)
    assert G.embed(values) != odd
    # The next number that is a member's holds the same integers, and is not the one that stands for them.
    honest = G.embed([1, 2, 3])
    start = (1 << 16 | 2 << 8 | 3) << G.padding
    others = [e for e in map(G._from_number, range(start, start + 100)) if e not in (None, honest)]
    assert others
    assert all(G.extract(other, 3) == (1, 2, 3) for other in others if other is not None)


def test_the_generators_are_those_of_belenios() -> None:
    assert (
        ED25519.independent_generator(-1).text
        == "d6f7c1ea42e2474a28baea1141185bb7b39fe58011e5fc31d093b5c9345f18c7"
    )
    assert (
        ED25519.independent_generator(0).text
        == "c95c81b40c41366b2e62e68fec3c5fa4dbb93f0c3c242ac2fe7a07c0e0fd92fe"
    )
    text = RFC.independent_generator(-1).text
    assert text.startswith("7562611357224275")
    assert text.endswith("096991296")


@pytest.mark.parametrize("name", GROUP_NAMES)
def test_generators_are_members_and_differ(name: str) -> None:
    G = get_group(name)
    found = [G.independent_generator(index) for index in range(-1, 12)]
    assert len({*found, G.generator, G.identity}) == len(found) + 2
    for element in found:
        assert G.decode(element.text, "X1", "generator", allow_identity=False) == element


def test_an_ed25519_generator_is_eight_times_a_point_of_the_curve() -> None:
    """Second implementation: plain Edwards arithmetic."""
    for index in range(-1, 5):
        y = int.from_bytes(sha256(f"ggen|{index}".encode()).digest()) >> 2
        while (x := edwards.recover_x(y, 0)) is None:
            y += 1
        assert edwards.encode(edwards.multiply((x, y), 8)) == ED25519.independent_generator(index).raw
