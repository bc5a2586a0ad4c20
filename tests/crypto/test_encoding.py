"""One value has one text: every other spelling must be refused, or two programs would disagree about a hash."""

import hashlib
import json
import string
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crypto import encoding
from crypto.encoding import (
    BASE58,
    encode_base64,
    encode_counter,
    encode_json,
    encode_json_bytes,
    is_base58,
    is_sha256_hex,
    is_uuid,
    parse_base64,
    parse_counter,
    parse_decimal,
    parse_json,
    require_fields,
    require_int,
    require_list,
    require_sha256_hex,
    require_text,
    sha256_base64,
    sha256_hex,
)
from crypto.errors import MalformedError, MisuseError
from tests.crypto.refusals import refused

# Text as it can stand in JSON: no lone surrogates, which have no UTF-8.
TEXT = st.text(st.characters(exclude_categories=["Cs"]))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)


# --- canonical JSON ----------------------------------------------------------------------------------------------


@given(VALUES)
@example('\x7f\x00\x1f\u2028\ufeff\U0001f600/"\\')
def test_reading_gives_back_what_was_written(value: Any) -> None:
    assert parse_json(encode_json_bytes(value), "X1") == value


@given(VALUES)
def test_writing_is_ordinary_json(value: Any) -> None:
    assert json.loads(encode_json(value)) == value


@given(VALUES, st.data())
def test_an_inserted_space_is_refused(value: Any, data: st.DataObject) -> None:
    text = encode_json(value)
    place = data.draw(st.integers(0, len(text)))
    changed = text[:place] + " " + text[place:]
    # A space inside a string makes another string, which is canonical; everywhere else it is too much.
    with suppress(MalformedError):
        assert parse_json(changed.encode(), "X1") != value


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a":1,"a":1}',
        b'{"a":1,"b":{"c":1,"c":2}}',
        b"1.0",
        b"1e3",
        b"-0",
        b"01",
        b"+1",
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"[1, 2]",
        b'{"a": 1}',
        b" 1",
        b"1 ",
        b"1\n",
        b"[1]\x00",
        b"[1][2]",
        b"[1,]",
        b"",
        b'"\\/"',
        b'"\\u0041"',
        b'"\\u00e9"',
        b'"\\u000A"',
        b'"\\u000a"',
        b'"\\u001F"',
        b'"\\ud83d\\ude00"',
        b'"\\ud800"',
        b'"\\udc00\\ud800"',
        b'"\x7f"',
        b'"\\u007F"',
        b'"\n"',
        b'"\t"',
        b"'a'",
        b"\xef\xbb\xbf1",
        b'"\xff"',
        b'"\xc0\xaf"',
        b'"\xed\xa0\x80"',
        b"True",
        b"nul",
        b"[" * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b"1" * 5000,
        b"-" + b"9" * 5000,
        b"1\x00".decode().encode("utf-16"),
    ],
    ids=lambda raw: repr(raw[:24]),
)
def test_any_other_spelling_is_refused(raw: bytes) -> None:
    with refused("X1"):
        parse_json(raw, "X1")


def test_any_depth_is_read_or_refused() -> None:
    """The limit of nesting lies elsewhere for reading and for writing, and moves with the caller's depth."""

    def attempt(depth: int, frames: int) -> bool:
        if frames:
            return attempt(depth, frames - 1)
        try:
            parse_json(b"[" * depth + b"]" * depth, "X1")
        except MalformedError:
            return False
        return True

    for frames in (0, 300):
        outcomes = [attempt(depth, frames) for depth in range(1, 1300, 3)]
        assert outcomes[0]
        assert not outcomes[-1]


@pytest.mark.parametrize(
    "value, text",
    [
        ("\x7f", '"\\u007f"'),
        ("\x00\x01\x1f", '"\\u0000\\u0001\\u001f"'),
        ("\b\t\n\f\r", '"\\b\\t\\n\\f\\r"'),
        ("\x0b", '"\\u000b"'),
        ("\x80\x9f\u2028\u2029\ufeff\uffff", '"\x80\x9f\u2028\u2029\ufeff\uffff"'),
        ("\U0001f600é", '"\U0001f600é"'),
        ("/", '"/"'),
        ('"\\', '"\\"\\\\"'),
        ([1, {"b": None, "a": True}], '[1,{"b":null,"a":true}]'),
    ],
)
def test_characters_are_written_as_the_other_programs_write_them(value: Any, text: str) -> None:
    # The same characters are read back from belenios-tool in tests/interop.
    assert encode_json(value) == text
    assert parse_json(text.encode(), "X1") == value


@pytest.mark.parametrize("value", [1.0, float("nan"), float("inf"), {1, 2}, b"x", object(), [1, [2.5]]])
def test_what_has_no_canonical_text_is_the_callers_mistake(value: Any) -> None:
    with pytest.raises(MisuseError):
        encode_json(value)


def test_text_without_utf8_is_the_callers_mistake() -> None:
    with pytest.raises(MisuseError):
        encode_json_bytes({"name": "\ud800"})


def test_a_repeated_key_is_named_as_the_reason() -> None:
    """Parsers differ in which of the two they take: the sentence must lead whoever looks to the right place."""
    with refused("X1", "a key stands twice"):
        parse_json(b'{"a":1,"b":{"c":1,"c":1}}', "X1")


def test_key_order_is_part_of_the_text() -> None:
    assert encode_json({"b": 1, "a": 2}) == '{"b":1,"a":2}'
    assert list(parse_json(b'{"b":1,"a":2}', "X1")) == ["b", "a"]


def test_unicode_is_not_normalised() -> None:
    """Two spellings of é are two texts with two hashes; a parser that merged them would open a second preimage."""
    composed, decomposed = "\u00e9".encode(), "e\u0301".encode()
    assert parse_json(b'"' + composed + b'"', "X1") != parse_json(b'"' + decomposed + b'"', "X1")


# --- shapes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value, words",
    [
        ([], "object"),
        ("a", "object"),
        (None, "object"),
        ({"b": 1}, "missing"),
        ({"a": 1}, "missing"),
        ({"a": 1, "b": 2, "x": 3}, "unknown field 'x'"),
        ({"b": 2, "a": 1}, "order"),
        ({"a": 1, "o": 3, "b": 2}, "order"),
    ],
)
def test_fields_are_exactly_those_of_the_format(value: Any, words: str) -> None:
    with refused("X2", words):
        require_fields(value, ("a", "b"), "X2", ("o",))


def test_optional_fields_may_be_there_or_not() -> None:
    for value in ({"a": 1, "b": 2}, {"a": 1, "b": 2, "o": 3}):
        assert require_fields(value, ("a", "b"), "X2", ("o",)) == value
    between = {"a": 1, "o": 3, "b": 2}
    assert require_fields(between, ("a", "b"), "X2", order=("a", "o", "b")) == between


@pytest.mark.parametrize("value", [True, False, None, "1", 1.0, -1, 11, [1]])
def test_an_integer_is_in_its_range_and_true_is_none(value: Any) -> None:
    with refused("X3"):
        require_int(value, "X3", "count", 0, 10)


def test_integers_at_the_borders_are_accepted() -> None:
    assert [require_int(n, "X3", "count", 0, 10) for n in (0, 10)] == [0, 10]


@pytest.mark.parametrize("value", [None, {}, "ab", [1], [1, 2, 3]])
def test_a_list_has_the_expected_length(value: Any) -> None:
    with refused("X4"):
        require_list(value, "X4", 2)


@pytest.mark.parametrize("value", [None, 1, ["a"], {"a": 1}, b"a"])
def test_text_is_text(value: Any) -> None:
    with refused("X5"):
        require_text(value, "X5", "name")


# --- numbers -----------------------------------------------------------------------------------------------------


@given(st.integers(0, 10**400))
def test_decimals_are_read_as_written(number: int) -> None:
    assert parse_decimal(str(number), "X6", "n") == number


@pytest.mark.parametrize(
    "text",
    [
        "",
        "00",
        "01",
        "-1",
        "+1",
        " 1",
        "1 ",
        "1\n",
        "1_0",
        "0x1",
        "1.0",
        "1e3",
        "٣",
        "１",
        "²",
        "9" * 1001,
        1,
        None,
        True,
    ],
)
def test_a_decimal_has_one_spelling(text: Any) -> None:
    with refused("X6"):
        parse_decimal(text, "X6", "n")


@given(st.integers(0, 2**40))
@example(2**30 - 1)
@example(2**30)
def test_counters_come_back_and_have_one_spelling(number: int) -> None:
    written = encode_counter(number)
    assert parse_counter(written, "X7", "n") == number
    other = int(written) if isinstance(written, str) else str(written)
    with refused("X7"):
        parse_counter(other, "X7", "n")


def test_counters_change_their_spelling_above_thirty_bits() -> None:
    assert encode_counter(1073741823) == 1073741823
    assert encode_counter(1073741824) == "1073741824"


@pytest.mark.parametrize("value", [True, -1, "-1", "01", None, [], 2**30, "1073741823"])
def test_no_other_counter_is_read(value: Any) -> None:
    with refused("X7"):
        parse_counter(value, "X7", "n")


# --- Base64, hex, Base58 -----------------------------------------------------------------------------------------


@given(st.binary(max_size=80))
def test_base64_comes_back_without_padding(data: bytes) -> None:
    text = encode_base64(data)
    assert "=" not in text
    assert parse_base64(text, "X8", len(data), "hash") == data


@given(st.binary(min_size=32, max_size=32), st.data())
def test_base64_has_one_spelling(data: bytes, draw: st.DataObject) -> None:
    """43 characters carry 258 bits for 256: the two left over must not make a second text of one tracker."""
    text = encode_base64(data)
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/"
    last = draw.draw(st.sampled_from(alphabet))
    if last != text[-1]:
        with suppress(MalformedError):
            assert parse_base64(text[:-1] + last, "X8", 32, "hash") != data


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A" * 42,
        "A" * 44,
        "A" * 43 + "=",
        "A" * 42 + "B",
        "A" * 42 + "\n",
        " " + "A" * 43,
        "A" * 20 + "-" + "A" * 22,
        "A" * 20 + "_" + "A" * 22,
        "Ä" * 43,
        None,
        7,
        b"A" * 43,
    ],
)
def test_base64_of_another_length_or_alphabet_is_refused(text: Any) -> None:
    with refused("X8"):
        parse_base64(text, "X8", 32, "hash")


@pytest.mark.parametrize(
    "text", ["", "a" * 63, "a" * 65, "A" * 64, "g" * 64, "a" * 64 + "\n", "٣" * 64, None, 1]
)
def test_a_hash_is_64_lower_case_hex_digits(text: Any) -> None:
    assert not is_sha256_hex(text)
    with refused("X9"):
        require_sha256_hex(text, "X9", "hash")


def test_hashes_are_sha256() -> None:
    empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert sha256_hex(b"") == empty
    assert sha256_base64(b"") == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"
    assert require_sha256_hex(empty, "X9", "hash") == hashlib.sha256().hexdigest()


def test_base58_leaves_out_what_looks_alike() -> None:
    assert len(BASE58) == len(set(BASE58)) == 58
    assert set(string.ascii_letters + string.digits) - set(BASE58) == set("0OIl")
    assert all(is_base58(character) for character in BASE58)
    for text in ("", "0", "O", "I", "l", "a b", "a\n", "ä", None, 5):
        assert not is_base58(text), text


def test_a_uuid_has_fourteen_characters_or_more() -> None:
    assert is_uuid("A" * 14)
    assert is_uuid("A" * 40)
    for text in ("A" * 13, "A" * 13 + "l", "", None, "A" * 14 + "\n"):
        assert not is_uuid(text), text


def test_the_limit_of_numbers_is_that_of_the_field() -> None:
    assert encoding.LARGEST_JSON_NUMBER == 1073741823
