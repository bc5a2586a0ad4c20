"""Eight words of a fingerprint: a voter's phone says the same as the sheet, and refuses the same."""

import random
from typing import Any

import pytest

from crypto.encoding import encode_base64
from crypto.words import fingerprint_words
from tests.web.agreeing import vectors, verdict
from tests.web.node import Node


def test_vectors(js: Node) -> None:
    for case in vectors("words.json"):
        assert js.call("eightWords", fingerprint=case["fingerprint"]) == case["words"]


def test_words_of_chance(js: Node) -> None:
    rng = random.Random(80)
    for _ in range(500):
        text = encode_base64(rng.randbytes(32))
        assert js.call("eightWords", fingerprint=text) == fingerprint_words(text)


@pytest.mark.parametrize(
    "text",
    # The last sign of 32 bytes has two bits that are always 0; every other one is refused.
    [
        "",
        "A" * 42,
        "A" * 44,
        *("A" * 42 + last for last in "BCDEFGHIJ+/059z=-\n"),
        "-" + "A" * 42,
        "A" * 43 + "\n",
        None,
        5,
    ],
)
def test_what_is_no_fingerprint(js: Node, text: Any) -> None:
    assert verdict(lambda: fingerprint_words(text)) == verdict(
        lambda: js.call("eightWords", fingerprint=text)
    )
