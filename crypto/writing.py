"""Which signs a text of people may have: what can be seen, every kind of blank, and the two joiners.

French writes no-break blanks before a colon, and word processors put them in; Persian, Hindi and others write words
with joiners (U+200C, U+200D), which show in the letters beside them. Controls, signs that turn the direction of
writing round, and others that cannot be seen are refused: what is read must be what was written.
"""

import re
import unicodedata
from collections.abc import Iterable

_JOINERS = {"\u200c", "\u200d"}
# Signs that show nothing by themselves: joiners, fillers of Korean, and what chooses the form of the letter before.
_UNSEEN = "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u200c\u200d\ufe00-\ufe0f\U000e0100-\U000e01ef"
# Blanks that Unicode has among the letters and signs: Braille without dots, and two fillers.
_LIKE_BLANKS = "\u2800\u3164\uffa0"
_UNSEEN_SIGNS = re.compile(f"[{_UNSEEN}]")
_BLANKS = re.compile(rf"[\s{_LIKE_BLANKS}]+")
_HIDING = re.compile(f"[{_UNSEEN}{_LIKE_BLANKS}]")


def is_sign_of_writing(sign: str) -> bool:
    """Whether this one character may stand in a text on one line."""
    return sign.isprintable() or sign in _JOINERS or unicodedata.category(sign) == "Zs"


def is_writing(text: str) -> bool:
    """Whether all of the text, on one line, is of such signs."""
    # Nearly every text is, without a look at its signs one by one.
    return text.isprintable() or all(map(is_sign_of_writing, text))


def make_seen(text: str) -> str:
    """The text as a reader sees it: one blank of any kind or number is like another, what shows nothing is not there,
    and a letter is the same with its accent as one sign or as two."""
    if text.isascii():
        return " ".join(text.split())
    return unicodedata.normalize("NFC", _BLANKS.sub(" ", _UNSEEN_SIGNS.sub("", text)).strip())


def has_unseen(text: str) -> bool:
    """Whether a sign of writing stands in it that could be left out, or be a blank, and nobody would see it."""
    return not text.isascii() and _HIDING.search(text) is not None


def is_blank(text: str) -> bool:
    """Whether nothing of the text can be seen."""
    return not make_seen(text)


def are_told_apart(texts: Iterable[str]) -> bool:
    """Whether no two of these differ only in what a reader does not see."""
    seen = [make_seen(text) for text in texts]
    return len(set(seen)) == len(seen)
