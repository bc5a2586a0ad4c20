"""Which signs a text of people may have: what can be seen, every kind of blank, and the two joiners.

French writes no-break blanks before a colon, and word processors put them in; Persian, Hindi and others write words
with joiners (U+200C, U+200D), which show in the letters beside them. Controls, signs that turn the direction of
writing round, and others that cannot be seen are refused: what is read must be what was written.
"""

import unicodedata
from collections.abc import Iterable

_JOINERS = {"\u200c", "\u200d"}


def is_sign_of_writing(sign: str) -> bool:
    """Whether this one character may stand in a text on one line."""
    return sign.isprintable() or sign in _JOINERS or unicodedata.category(sign) == "Zs"


def is_writing(text: str) -> bool:
    """Whether all of the text, on one line, is of such signs."""
    # Nearly every text is, without a look at its signs one by one.
    return text.isprintable() or all(map(is_sign_of_writing, text))


def is_blank(text: str) -> bool:
    """Whether nothing of the text can be seen."""
    return not "".join(sign for sign in text if sign not in _JOINERS).strip()


def are_told_apart(texts: Iterable[str]) -> bool:
    """Whether no two of these differ only in signs that a reader does not see: kinds of blanks, and joiners."""
    seen = [" ".join("".join(sign for sign in text if sign not in _JOINERS).split()) for text in texts]
    return len(set(seen)) == len(seen)
