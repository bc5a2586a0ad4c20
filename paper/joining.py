"""Arabic letters in the forms that they have beside each other.

A PDF shows the very signs that it is given, so the forms are chosen here: Unicode has a sign for each form of the
letters that Arabic, Persian and Urdu are written with. (Other writing that needs such rules, as the Indian ones, waits
for a shaping library: docs/adr/0010-sheets-from-a-package-of-their-own.md.)
"""

from __future__ import annotations

import unicodedata
from collections.abc import Container
from functools import cache
from typing import NamedTuple

_JOINER, _NON_JOINER, _TATWEEL = "\u200d", "\u200c", "\u0640"
_LAM = "\u0644"


class _Tables(NamedTuple):
    forms: dict[str, dict[str, str]]  # letter -> "isolated" | "final" | "initial" | "medial" -> sign
    ligatures: dict[str, dict[str, str]]  # alef behind a lam -> "isolated" | "final" -> the sign for both


@cache
def _load_tables() -> _Tables:
    """Read from Unicode's own data, where each form names the letter whose form it is."""
    tables = _Tables({}, {})
    # Block B first: where both blocks have a form, fonts rather have this one.
    for code in (*range(0xFE70, 0xFEFD), *range(0xFB50, 0xFBFF)):
        kind, *letters = unicodedata.decomposition(chr(code)).split() or [""]
        of = [chr(int(letter, 16)) for letter in letters]
        if len(of) == 1 and of[0] != " ":
            tables.forms.setdefault(of[0], {}).setdefault(kind.strip("<>"), chr(code))
        elif len(of) == 2 and of[0] == _LAM and code >= 0xFEF5:
            tables.ligatures.setdefault(of[1], {})[kind.strip("<>")] = chr(code)
    return tables


def _joins_after(sign: str, tables: _Tables) -> bool:
    """Whether the letter holds on to the one that follows it."""
    return sign in (_JOINER, _TATWEEL) or "initial" in tables.forms.get(sign, {})


def _joins_before(sign: str, tables: _Tables) -> bool:
    return sign in (_JOINER, _TATWEEL) or "final" in tables.forms.get(sign, {})


def _is_mark(sign: str) -> bool:
    return unicodedata.category(sign) == "Mn"


def join_letters(text: str, known: Container[int]) -> str:
    """The text with each letter in its form, as far as the font (``known``: its code points) has that form, and
    without the joiners, which have done their work then."""
    tables = _load_tables()
    letters: list[str] = []  # signs in the order of reading, a lam and its alef as one
    for sign in text:
        if (
            letters
            and letters[-1] == _LAM
            and ord(tables.ligatures.get(sign, {}).get("final", "\0")) in known
        ):
            letters[-1] += sign
        else:
            letters.append(sign)
    bases = [index for index, letter in enumerate(letters) if not _is_mark(letter[0])]
    shown = letters.copy()
    for place, index in enumerate(bases):
        letter = letters[index]
        before = letters[bases[place - 1]] if place else ""
        after = letters[bases[place + 1]] if place + 1 < len(bases) else ""
        is_held = before != "" and _joins_after(before[-1], tables) and _joins_before(letter[0], tables)
        holds = after != "" and _joins_after(letter[-1], tables) and _joins_before(after[0], tables)
        forms = tables.ligatures.get(letter[1:], {}) if len(letter) == 2 else tables.forms.get(letter, {})
        form = {(0, 0): "isolated", (1, 0): "final", (0, 1): "initial", (1, 1): "medial"}[is_held, holds]
        sign = forms.get(form, "")
        if sign and ord(sign) in known:
            shown[index] = sign
    return "".join(shown).replace(_JOINER, "").replace(_NON_JOINER, "")
