"""Paper, and whose sheets, in words."""

from __future__ import annotations

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


def list_layouts() -> list[tuple[str, str]]:
    """Code and words of each."""
    return [(layout.value, gettext(words)) for layout, words in _LAYOUTS.items()]


def describe_layout(layout: Layout) -> str:
    """The paper."""
    return gettext(_LAYOUTS[layout])


def describe_choice(choice: Choice) -> str:
    """Whose sheets."""
    if choice.member_number:
        return gettext("Member number %(number)s", number=choice.member_number)
    return choice.unit or gettext("Everybody whose code waited")
