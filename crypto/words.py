"""The first bits of an election's fingerprint as words that people can read aloud and compare.

Proquints (Daniel S. Wilkerson, "A Proposal for Proquints: Identifiers that are Readable, Spellable, and Pronounceable",
arXiv:0901.4016, 2009): 16 bits, most significant first, are one word of consonant, vowel, consonant, vowel, consonant.
They are in no language, so members of all of them compare the same eight words, such as
``lusab babad gutih tugad mudof sakat haguz biram``.
Why words, and why 128 bits: docs/adr. The same in voting_app/static/booth/words.js.
"""

from __future__ import annotations

from typing import Any

from crypto.encoding import parse_base64
from crypto.errors import MalformedError, MisuseError

CONSONANTS = "bdfghjklmnprstvz"
VOWELS = "aiou"
# Eight words: 128 of the 256 bits.
BYTES_IN_WORDS = 16


def encode_words(data: bytes) -> str:
    """Each two bytes as a word, with spaces between them; an odd number of bytes is a caller's mistake."""
    if len(data) % 2:
        raise MisuseError("words are made of two bytes each")
    return " ".join(_encode_word(data[start] << 8 | data[start + 1]) for start in range(0, len(data), 2))


def _encode_word(bits: int) -> str:
    return (
        CONSONANTS[bits >> 12]
        + VOWELS[bits >> 10 & 3]
        + CONSONANTS[bits >> 6 & 15]
        + VOWELS[bits >> 4 & 3]
        + CONSONANTS[bits & 15]
    )


def fingerprint_words(fingerprint: Any) -> str:
    """The eight words of a fingerprint, which is base64 of 32 bytes; anything else is a caller's mistake."""
    try:
        digest = parse_base64(fingerprint, "V1", 32, "fingerprint")
    except MalformedError as error:
        raise MisuseError(error.detail) from error
    return encode_words(digest[:BYTES_IN_WORDS])
