"""Eight words of a fingerprint: what the paper about proquints says of them, and no words of what is no fingerprint."""

from ipaddress import IPv4Address
from typing import Any

import pytest

from crypto.encoding import encode_base64
from crypto.errors import MisuseError
from crypto.words import encode_words, fingerprint_words


@pytest.mark.parametrize(
    "address, words",
    [
        ("127.0.0.1", "lusab babad"),
        ("63.84.220.193", "gutih tugad"),
        ("63.118.7.35", "gutuk bisog"),
        ("140.98.193.141", "mudof sakat"),
        ("64.255.6.200", "haguz biram"),
        ("128.30.52.45", "mabiv gibot"),
        ("147.67.119.2", "natag lisaf"),
        ("212.58.253.68", "tibup zujah"),
        ("216.35.68.215", "tobog higil"),
        ("216.68.232.21", "todah vobij"),
        ("198.81.129.136", "sinid makam"),
        ("12.110.110.204", "budov kuras"),
    ],
)
def test_the_papers_own_examples(address: str, words: str) -> None:
    assert encode_words(IPv4Address(address).packed) == words


def test_two_numbers_never_have_one_word() -> None:
    words = {encode_words(number.to_bytes(2, "big")) for number in range(2**16)}
    assert len(words) == 2**16


def test_eight_words_are_the_first_half() -> None:
    addresses = ("127.0.0.1", "63.84.220.193", "140.98.193.141", "64.255.6.200")
    digest = b"".join(IPv4Address(address).packed for address in addresses)
    for rest in (b"\x00", b"\xff"):
        assert (
            fingerprint_words(encode_base64(digest + rest * 16))
            == "lusab babad gutih tugad mudof sakat haguz biram"
        )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "A" * 42,
        "A" * 44,
        "A" * 42 + "B",
        "A" * 42 + "=",
        "A" * 42 + "-",
        "A" * 43 + "\n",
        None,
        5,
        b"A" * 43,
    ],
)
def test_what_is_no_fingerprint_has_no_words(text: Any) -> None:
    """Words of a wrong text would look as good as any others."""
    with pytest.raises(MisuseError):
        fingerprint_words(text)


def test_half_a_word_is_refused() -> None:
    with pytest.raises(MisuseError):
        encode_words(b"\x7f\x00\x00")
