"""Paper, and whose sheets, in words."""

from __future__ import annotations

import re

from flask_babel import gettext

from paper.sheets import Layout
from voting_app.languages import N_
from voting_app.sheets.service import Choice

_LAYOUTS = {
    Layout.LETTER: N_("US Letter, one sheet each"),
    Layout.A4: N_("A4, one sheet each"),
    Layout.LETTER_LABELS: N_("US Letter, labels"),
    Layout.A4_LABELS: N_("A4, labels"),
}
# What paper says of a member's sheet, which knows no languages; a test holds this against its source.
FAULTS = (
    N_("There is a character that cannot be printed."),
    N_("The organisation's name is too long for a sheet."),
    N_("Name, address or number are too long for a sheet."),
    N_("The election's name is too long for a sheet."),
    N_("The sentences have no room on this paper."),
    N_("Name or number are too long for a label."),
    N_("The election's name is too long for a label."),
    N_("The sentences have no room on a label."),
)
LETTERS = re.compile(r"The fonts have no letter for (.+?)( and others)?\.")


def list_layouts() -> list[tuple[str, str]]:
    """Code and words of each."""
    return [(layout.value, gettext(words)) for layout, words in _LAYOUTS.items()]


def describe_layout(layout: Layout) -> str:
    """The paper."""
    return gettext(_LAYOUTS[layout])


def describe_fault(sentence: str) -> str:
    """Why a sheet cannot be printed. Letters are named as everybody names them, in English."""
    if found := LETTERS.fullmatch(sentence):
        if found[2]:
            return gettext("The fonts have no letter for %(letters)s and others.", letters=found[1])
        return gettext("The fonts have no letter for %(letters)s.", letters=found[1])
    return gettext(sentence) if sentence in FAULTS else sentence


def describe_choice(choice: Choice) -> str:
    """Whose sheets."""
    if choice.member_number:
        return gettext("Member number %(number)s", number=choice.member_number)
    return choice.unit or gettext("Everybody whose code waited")
