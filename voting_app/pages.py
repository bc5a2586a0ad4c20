"""Answers for people: HTML pages, and how they name each other.

The head of templates/base.html says how a page is made.
"""

from typing import Any

from babel import numbers
from flask import Flask, Response, g, render_template, request, url_for
from flask_babel import format_decimal

from crypto.markup import parse_markup
from crypto.words import fingerprint_words
from voting_app.compression import compress
from voting_app.context import get_context
from voting_app.languages import (
    LANGUAGES,
    format_day,
    format_moment,
    get_chosen_language,
    get_direction,
    get_language,
)

_GROUP = 4


def make_page(template: str, **values: Any) -> Response:
    """A page that anybody may see: caches may keep it, but ask each time whether it still holds."""
    response = Response(render_template(template, **values), content_type="text/html; charset=utf-8")
    response.headers["Cache-Control"] = "no-cache"
    response.vary.add("Accept-Language")
    response.add_etag()
    response.make_conditional(request)
    return compress(response)


def make_fixed_page(template: str, **values: Any) -> Response:
    """A page whose hash the journal has: the same bytes in a language, whether the address names it or the browser."""
    g.language_of_links = get_language()
    return make_page(template, **values)


def page_url(endpoint: str, **values: Any) -> str:
    """The address of a page, in the language that the reader has chosen by the present one.

    For pages only: files, pictures and programs have one address, whatever the language.
    """
    language = g.get("language_of_links") or get_chosen_language()
    if language is not None:
        values.setdefault("lang", language)
    return url_for(endpoint, **values)


def split_code(text: str) -> list[str]:
    """A long code in groups that a person can compare with another screen or a sheet of paper."""
    return [text[start : start + _GROUP] for start in range(0, len(text), _GROUP)]


def format_share(share: float) -> str:
    """A part of a whole in percent with at most one decimal."""
    return numbers.format_percent(round(share, 3), locale=get_language(), decimal_quantization=False)


def is_for_person() -> bool:
    """Whether the present request wants a page. Programs get what they always got: everything below /api/, and
    whoever does not ask for HTML before anything else.
    """
    if request.path.startswith("/api/"):
        return False
    accepted = request.accept_mimetypes
    html = accepted["text/html"]
    return html > accepted["application/problem+json"] and html > accepted["application/json"]


def register_pages(app: Flask) -> None:
    """Give the templates of `app` what every page needs."""
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(
        page_url=page_url,
        split_code=split_code,
        fingerprint_words=fingerprint_words,
        format_day=format_day,
        format_moment=format_moment,
        format_decimal=format_decimal,
        format_share=format_share,
        parse_markup=parse_markup,
    )

    @app.context_processor
    def describe_reader() -> dict[str, Any]:
        language = get_language()
        return {
            "organisation": get_context(app).settings.organisation,
            "language": language,
            "direction": get_direction(language),
            "languages": LANGUAGES,
        }
