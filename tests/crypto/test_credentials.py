"""Credentials: the same text must give the same key in every program, and the list must hold keys only."""

import hashlib
import json
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.credentials import (
    derive_public,
    derive_secret,
    encode_credential_list,
    new_credential_text,
    parse_credential_list,
    parse_credential_text,
    unverified_totals,
)
from crypto.encoding import BASE58, encode_json_bytes
from crypto.errors import MalformedError
from crypto.groups import get_group
from tests.crypto.refusals import refused

G = get_group("Ed25519")
UUID, TEXT = "KatE1ection111", "abcde-fghijk-mnopq-rstuvw"


def test_the_derivation_of_the_protocol() -> None:
    """KAT of PROTOCOL §5, equal to belenios-tool's --derive."""
    expected = "cd3d35ccc23f2c91cb92dee080c471b1eb99249eab5aa8c9b58902da66642b81"
    assert derive_public(G, UUID, TEXT).text == expected


@pytest.mark.parametrize("name", ["Ed25519", "BELENIOS-2048", "RFC-3526-2048"])
def test_512_bits_are_reduced_once(name: str) -> None:
    group = get_group(name)
    digests = [hashlib.sha256(f"derive_credential|{UUID}|{i}|{TEXT}".encode()).digest() for i in (0, 1)]
    assert derive_secret(group, UUID, TEXT) == int.from_bytes(b"".join(digests)) % group.q
    assert derive_public(group, UUID, TEXT) == group.power_g(derive_secret(group, UUID, TEXT))


def test_another_election_or_another_character_gives_another_key() -> None:
    keys = {
        derive_secret(G, uuid, text) for uuid in (UUID, UUID[:-1] + "2") for text in (TEXT, TEXT[:-1] + "x")
    }
    assert len(keys) == 4


def test_new_credentials_have_the_shape_and_do_not_repeat() -> None:
    texts = {new_credential_text() for _ in range(200)}
    assert len(texts) == 200
    for text in texts:
        assert [len(part) for part in text.split("-")] == [5, 6, 5, 6]
        assert parse_credential_text(text) == text
    assert set("".join(texts)) - {"-"} == set(BASE58)


@pytest.mark.parametrize(
    "typed",
    [
        TEXT,
        TEXT.replace("-", ""),
        TEXT.replace("-", " "),
        f"  {TEXT}\n",
        TEXT.replace("-", "–"),
        "abcd efgh-ijk m nopq rstu vw",
        TEXT.replace("-", " - "),
    ],
)
def test_what_people_type_is_understood(typed: str) -> None:
    assert parse_credential_text(typed) == TEXT


@pytest.mark.parametrize(
    "typed, words",
    [
        (TEXT[:-1], "has 21"),
        (TEXT + "x", "has 23"),
        ("", "has 0"),
        (TEXT[:-1] + "0", "0"),
        (TEXT[:-1] + "l", "l"),
        (TEXT[:-1] + "ä", "ä"),
        (TEXT[:-2] + "OI", "I or O"),
    ],
)
def test_a_mistyped_credential_is_explained_and_never_repeated(typed: str, words: str) -> None:
    with refused("B4", words, MalformedError) as caught:
        parse_credential_text(typed)
    # The sentence may reach a log or a screen that somebody else sees.
    assert typed[:5] not in str(caught.value) or not typed[:5]


# --- the public list ---------------------------------------------------------------------------------------------


@settings(max_examples=20)
@given(
    keys=st.lists(st.integers(1, 10**6), min_size=1, max_size=12, unique=True),
    is_weighted=st.booleans(),
    seed=st.integers(),
)
def test_the_list_finds_every_key_with_its_weight(keys: list[int], is_weighted: bool, seed: int) -> None:
    chance = random.Random(seed)
    weights = {key: chance.choice([0, 1, 7, 2**30, 10**15]) for key in keys}
    entries = [(G.power_g(key), weights[key] if is_weighted else None) for key in keys]
    raw = encode_credential_list(G, entries)
    found = parse_credential_list(G, raw)
    assert len(found) == len(keys)
    assert found.is_sorted
    assert found.has_weights == is_weighted
    assert found.total_weight == (sum(weights.values()) if is_weighted else len(keys))
    assert unverified_totals(raw) == (len(found), found.total_weight)
    places = set()
    for key in keys:
        place = found.find(G.power_g(key))
        assert place is not None
        places.add(place)
        assert found.weight(place) == (weights[key] if is_weighted else 1)
    assert places == set(range(len(keys)))
    assert found.find(G.power_g(10**6 + 1)) is None
    assert found.find(G.identity) is None
    # Its order tells nothing about the order of the roll.
    chance.shuffle(entries)
    assert encode_credential_list(G, entries) == raw


@pytest.mark.parametrize("name", ["Ed25519", "BELENIOS-2048"])
def test_a_text_is_found_in_its_one_spelling_only(name: str) -> None:
    group = get_group(name)
    keys = [group.power_g(k) for k in range(1, 9)]
    found = parse_credential_list(group, encode_credential_list(group, [(key, None) for key in keys]))
    for key in keys:
        assert found.find_text(key.text) == found.find(key) is not None
        for other in (
            "0" + key.text,
            "+" + key.text,
            " " + key.text,
            key.text + " ",
            key.text[:-1],
            key.text[::-1],
            key.text + "0" * 2000,
            "٣" + key.text[1:],
        ):
            assert found.find_text(other) is None, other
    upper = (
        next(key.text.upper() for key in keys if key.text.upper() != key.text) if name == "Ed25519" else ""
    )
    for other in (upper, "", "x", "-1", "1e5", group.identity.text, group.power_g(9).text, str(2**5000)):
        assert found.find_text(other) is None, other


@pytest.mark.parametrize("name", ["Ed25519", "BELENIOS-2048"])
def test_the_list_is_sorted_as_the_protocol_sorts(name: str) -> None:
    group = get_group(name)
    raw = encode_credential_list(group, [(group.power_g(k), None) for k in range(1, 30)])
    texts = [group.decode(t, "X1", "key", allow_identity=False) for t in json.loads(raw)]
    if name == "Ed25519":
        assert texts == sorted(texts, key=lambda key: bytes.fromhex(key.text)[::-1])
    else:
        assert texts == sorted(texts, key=lambda key: int(key.text))


def test_an_unsorted_list_is_read_and_noted() -> None:
    ordered = sorted((G.power_g(k) for k in range(1, 9)), key=G.sort_key)
    listed = [f"{key.text},{n}" for n, key in enumerate(ordered)][::-1]
    found = parse_credential_list(G, encode_json_bytes(listed))
    assert not found.is_sorted
    for n, key in enumerate(ordered):
        place = found.find(key)
        assert place is not None
        assert found.weight(place) == n


A, B = G.power_g(2).text, G.power_g(3).text


@pytest.mark.parametrize(
    "listed",
    [
        [A, A],
        [f"{A},1", f"{A},2"],
        [f"{A},1", B],
        [A, f"{B},1"],
        [f"{A},,login"],
        [f"{A},1,login"],
        [f"{A},"],
        [f"{A},01"],
        [f"{A},-1"],
        [f"{A},1.5"],
        [f"{A}, 1"],
        [f" {A}"],
        [""],
        [",1"],
        [A.upper()],
        [G.identity.text],
        [f"{G.identity.text},5"],
        [None],
        [5],
        [[A]],
        {"a": A},
        A,
        None,
    ],
)
def test_what_is_no_list_of_keys_is_refused(listed: Any) -> None:
    with refused("S4"):
        parse_credential_list(G, encode_json_bytes(listed))


def test_a_login_in_the_list_is_named_as_what_it_is() -> None:
    """It links a voter to a ballot; the committee must understand what it is about to publish."""
    with refused("S4", "login"):
        parse_credential_list(G, encode_json_bytes([f"{A},1,ada@example.org"]))


def test_a_list_in_another_spelling_is_refused() -> None:
    with refused("S4"):
        parse_credential_list(G, f'["{A}", "{B}"]'.encode())


def test_an_empty_list_finds_nothing() -> None:
    found = parse_credential_list(G, b"[]")
    assert len(found) == 0
    assert found.find(G.generator) is None
    assert found.total_weight == 0


def test_weights_that_reach_the_order_of_the_group_are_refused() -> None:
    """g^count is all that a result shows: with weights beyond q two results would open one tally."""
    for total, is_allowed in ((G.q - 1, True), (G.q, False), (2 * G.q, False)):
        raw = encode_json_bytes([f"{A},1", f"{B},{total - 1}"])
        if is_allowed:
            assert parse_credential_list(G, raw).total_weight == total
        else:
            with refused("S4", "order"):
                parse_credential_list(G, raw)
