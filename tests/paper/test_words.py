"""Moments are written as the pages write them, and every language has every sentence."""

from dataclasses import fields
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from babel.dates import format_date, format_time

from paper.words import WORDS, find_words, write_moment
from voting_app.languages import LANGUAGES


def test_sheets_speak_the_languages_of_the_pages() -> None:
    """Who reads the booth in Spanish must get a Spanish sheet."""
    assert set(WORDS) == set(LANGUAGES)


@pytest.mark.parametrize("language", list(WORDS))
def test_moments_are_written_as_the_pages_write_them(language: str) -> None:
    """A member compares the sheet with the page; Babel writes the page's."""
    zone = ZoneInfo("America/Chicago")
    for hours in range(0, 24 * 400, 29):
        moment = datetime(2026, 1, 1, 0, 7, tzinfo=UTC) + timedelta(hours=hours)
        there = moment.astimezone(zone)
        date = format_date(there, "full", locale=language)
        time = format_time(there, "short", locale=language).replace("\u202f", " ")
        assert write_moment(moment, zone.key, WORDS[language]).startswith(f"{date}, {time} (")


@pytest.mark.parametrize(
    "zone, shown",
    [("America/Argentina/Buenos_Aires", "(Buenos Aires time)"), ("UTC", "(UTC)"), ("Etc/GMT+5", "(GMT+5)")],
)
def test_the_time_zone_is_named_by_its_city(zone: str, shown: str) -> None:
    assert write_moment(datetime(2026, 1, 1, tzinfo=UTC), zone, WORDS["en"]).endswith(shown)


def test_every_language_fills_in_the_same_places() -> None:
    for field in fields(WORDS["en"]):
        texts = [getattr(words, field.name) for words in WORDS.values()]
        if isinstance(texts[0], str):
            assert (
                len({tuple(sorted(part.split("}")[0] for part in text.split("{")[1:])) for text in texts})
                == 1
            )
            assert all(texts)
            assert all("  " not in text and text == text.strip() for text in texts)


def test_french_has_no_break_blanks() -> None:
    for field in fields(WORDS["fr"]):
        text = getattr(WORDS["fr"], field.name)
        if isinstance(text, str):
            assert not [
                place for place, sign in enumerate(text) if sign in ":;!?" and text[place - 1] != "\u00a0"
            ]


@pytest.mark.parametrize(
    "tags, language",
    [(("es-MX",), "es"), (("de", "fr-CA"), "fr"), (("", ""), "en"), (("EN",), "en"), ((), "en")],
)
def test_the_first_known_language_is_taken(tags: tuple[str, ...], language: str) -> None:
    assert find_words(*tags) == language
