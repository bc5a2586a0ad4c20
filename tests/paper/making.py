"""Sheets for tests."""

from datetime import UTC, datetime
from typing import Any

from paper.sheets import Layout, Occasion, Sheet, make_sheets
from tests.simulator import base58

UUID = "AbCdEfGhJkLmNp"
SITE = "https://vote.example.org"
FINGERPRINT = "a/cdefghijklmnop+rstuvwxyz0123456789ABCDEFI"
CODE = "fZd1k-iC1Lwb-YjjEi-9G2WWt"
NAMES = {"en": "Officers of Local 12", "es": "Directiva de la sección 12", "fr": "Bureau de la section 12"}


def occasion(**changes: Any) -> Occasion:
    values: dict[str, Any] = {
        "uuid": UUID,
        "names": NAMES,
        "language": "en",
        "fingerprint": FINGERPRINT,
        "site": SITE,
        "closes_at": datetime(2026, 12, 5, 23, 0, tzinfo=UTC),
        "time_zone": "America/Chicago",
        "revotes": False,
    }
    return Occasion(**{**values, **changes})


def sheet(**changes: Any) -> Sheet:
    values: dict[str, Any] = {"member_number": "M1", "name": "Ada Byron", "credential": CODE}
    return Sheet(**{**values, **changes})


def code_number(number: int) -> str:
    """A credential of its own for each number."""
    from random import Random

    chance = Random(number)
    return "-".join(base58(chance, length) for length in (5, 6, 5, 6))


def make(*sheets: Sheet, layout: Layout = Layout.A4, more_fonts: Any = (), **changes: Any) -> bytes:
    return make_sheets(occasion(**changes), sheets, layout, more_fonts=more_fonts)
