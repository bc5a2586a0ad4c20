"""The languages of the pages: which there are, which one a reader gets, and their texts.

English stands in the source. Every other language is one gettext catalogue, `translations/XX/LC_MESSAGES/messages.po`,
read once when the program needs it; no compiled file is kept beside it that could differ. A new language is a new
catalogue and a line in LANGUAGES.

A reader gets the language that the address names (`?lang=es`), else the first one of the browser's list that we have,
else English. There is no cookie, so that a page is the same for everybody who asks for the same address and language.
"""

from datetime import datetime
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time, get_timezone_name
from babel.messages import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, has_request_context, request
from flask_babel import Babel, Domain, get_locale

SOURCE = "en"
# Code -> the language's own name for itself.
LANGUAGES = {"en": "English", "es": "Español", "fr": "Français"}

CATALOGUES = Path(__file__).parent / "translations"
# Where the programs that run in the browser lie; their messages are the ones that are sent to it.
BROWSER_FOLDER = "voting_app/static/"
# Which of them are sent apart, so that no phone carries the sentences of pages that its owner never opens.
PARTS = {"trustees": "voting_app/static/pages/trustee", "registrar": "voting_app/static/pages/registrar"}


def N_(text: str) -> str:  # noqa: N802  one of the names by which Babel finds texts
    """Mark a text for the catalogues that `gettext` will translate later, when it is known for whom."""
    return text


class _Catalogues(Domain):
    """Flask-Babel's texts, out of our catalogues."""

    def get_translations(self) -> NullTranslations:
        return load_translations(get_language())


def register_languages(app: Flask) -> None:
    """Give every request of `app` its language; templates get `_` and `ngettext`."""
    babel = Babel(app, default_locale=SOURCE, locale_selector=select_language)
    babel.domain_instance = _Catalogues()


def get_chosen_language() -> str | None:
    """The language that the reader chose by the address, None when it names none of ours."""
    if not has_request_context():
        return None
    language = request.args.get("lang", "")
    return language if language in LANGUAGES else None


def select_language() -> str:
    """The language in which to answer the present request."""
    if not has_request_context():
        return SOURCE
    return get_chosen_language() or request.accept_languages.best_match(list(LANGUAGES)) or SOURCE


def get_language() -> str:
    """The language of what is being written now; `flask_babel.force_locale` may have set another for a mail."""
    locale = get_locale()
    return SOURCE if locale is None else locale.language


def get_direction(language: str) -> str:
    """ltr or rtl, for the attribute `dir`."""
    return Locale.parse(language).text_direction


def format_moment(moment: datetime, time_zone: str, language: str | None = None) -> str:
    """A moment to the minute in the election's time zone, with the zone's name: all members read the same words,
    wherever they are. language: of a mail, say; the reader's without it.
    """
    locale = Locale.parse(language or get_language())
    there = moment.astimezone(ZoneInfo(time_zone))
    date = format_date(there, "full", locale=locale)
    time = format_time(there, "short", tzinfo=there.tzinfo, locale=locale)
    return f"{date}, {time} ({get_timezone_name(there, 'long', locale=locale)})"


def format_day(moment: datetime) -> str:
    """The day of a moment (UTC), for what nobody needs to know more exactly."""
    return str(format_date(moment, "long", locale=Locale.parse(get_language())))


# --- catalogues --------------------------------------------------------------------------------------------


@cache
def load_catalogue(language: str) -> Catalog:
    """The catalogue of a language other than English."""
    with (CATALOGUES / language / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


@cache
def load_translations(language: str) -> NullTranslations:
    """The texts of a language as gettext answers with them."""
    if language == SOURCE:
        return NullTranslations()
    compiled = BytesIO()
    write_mo(compiled, load_catalogue(language))
    compiled.seek(0)
    return Translations(compiled)


@cache
def get_browser_messages(language: str, part: str | None = None) -> dict[str, Any]:
    """English -> this language, for the messages of programs that run in the browser: a text, or the list of its
    plural forms. Empty for English. part: those that stand in its programs only, None: all the others.
    """
    if language == SOURCE:
        return {}
    messages: dict[str, Any] = {}
    for message in load_catalogue(language):
        programs = [path for path, _ in message.locations if path.startswith(BROWSER_FOLDER)]
        if programs and _find_part(programs) == part:
            name = message.id if isinstance(message.id, str) else message.id[0]
            messages[name] = message.string if isinstance(message.string, str) else list(message.string or ())
    return dict(sorted(messages.items()))


def _find_part(programs: list[str]) -> str | None:
    """The part that all of these programs belong to."""
    parts = (part for part, start in PARTS.items() if all(path.startswith(start) for path in programs))
    return next(parts, None)
