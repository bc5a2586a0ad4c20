"""Languages: complete catalogues, the reader's choice, and the words of programs in the browser."""

import json
import re
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages import Message
from babel.messages.extract import extract
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import force_locale, gettext, ngettext

from voting_app.languages import (
    BROWSER_FOLDER,
    LANGUAGES,
    PARTS,
    SOURCE,
    format_moment,
    get_browser_messages,
    get_direction,
    get_language,
    load_catalogue,
)
from voting_app.pages import format_share, split_code

ROOT = Path(__file__).parent.parent.parent
OTHERS = sorted(set(LANGUAGES) - {SOURCE})
_PLACEHOLDER = re.compile(r"%(?:\((\w+)\)[sd]|%)")


def messages_of(language: str) -> Iterator[Message]:
    return (message for message in load_catalogue(language) if message.id)


def forms(value: object) -> list[str]:
    return [str(form) for form in value] if isinstance(value, tuple | list) else [str(value)]


def test_the_catalogues_have_exactly_the_sentences_of_pages_and_programs() -> None:
    run = subprocess.run(
        ["tools/update-translations", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("language", OTHERS)
def test_every_sentence_is_translated(language: str) -> None:
    found = list(messages_of(language))
    missing = [m.id for m in found if not all(forms(m.string or "")) or m.string == ""]
    assert missing == []
    assert [m.id for m in found if m.fuzzy] == []
    assert not load_catalogue(language).obsolete
    assert len(found) > 100


@pytest.mark.parametrize("language", OTHERS)
def test_placeholders_are_those_of_the_source(language: str) -> None:
    """A missing one would hide a fact; one too many would break the page for the readers of one language."""
    for message in messages_of(language):
        sources, translations = forms(message.id), forms(message.string)
        if not all(translations):
            continue  # the test above tells
        if len(sources) > 1:
            assert len(translations) == 2, message.id
        # "one" may say the number in words.
        wanted = set(_PLACEHOLDER.findall(" ".join(sources)))
        for source, text in zip(sources, translations, strict=True):
            assert set(_PLACEHOLDER.findall(source)) <= set(_PLACEHOLDER.findall(text)) <= wanted, message.id
            assert "%" not in _PLACEHOLDER.sub("", text), f"a stray percent sign in {text!r}"


def test_french_signs_are_never_alone_on_a_line() -> None:
    """Before : ; ! ? and » stands a space, and a line must not break there."""
    for message in messages_of("fr"):
        for text in forms(message.string):
            assert not re.search(r" [:;!?»]|« ", text), text


@pytest.mark.parametrize("language", OTHERS)
def test_translations_are_text(language: str) -> None:
    """Templates trust our own sentences, so none may bring markup or a sign that turns the writing round."""
    for message in messages_of(language):
        for text in [*forms(message.id), *forms(message.string)]:
            assert not re.search(r"[<>\u202a-\u202e\u2066-\u2069]", text), text
            assert "&" not in text or "&amp;" in text, text


def test_no_sentence_of_a_browser_program_escapes_the_extraction() -> None:
    """The reader of JavaScript that finds the sentences is a simple one: some regular expressions put it off its
    track, such as a slash inside brackets, and all that follows is lost without a word.
    """
    programs = [p for p in (ROOT / "voting_app/static").rglob("*.js") if "vendor" not in p.parts]
    assert programs
    for path in programs:
        source = path.read_text()
        code = re.sub(r"/\*.*?\*/|^\s*//.*?$", "", source, flags=re.DOTALL | re.MULTILINE)
        calls = len(re.findall(r"(?<![\w.$])(?:_|ngettext)\(\s*[\"'`]", code))
        found = extract("javascript", BytesIO(source.encode()), options={"parse_template_string": "true"})
        assert len(list(found)) == calls, path


# --- who reads what ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address,accepted,language",
    [
        ("/", None, "en"),
        ("/", "fr", "fr"),
        ("/", "es-MX,es;q=0.9,en;q=0.5", "es"),
        ("/", "de,fr;q=0.3", "fr"),
        ("/", "de", "en"),
        ("/?lang=es", "fr", "es"),
        ("/?lang=en", "fr", "en"),
        ("/?lang=xx", "fr", "fr"),
        ("/?lang=", "fr", "fr"),
        ("/?lang=ES", "fr", "fr"),
        ("/?lang=es&lang=fr", None, "es"),
        ("/?lang=../../etc/passwd", None, "en"),
        ("/?lang=%3Cscript%3E", None, "en"),
        ("/", '"><script>,,;q=x', "en"),
    ],
)
def test_the_address_decides_then_the_browser(
    client: FlaskClient, address: str, accepted: str | None, language: str
) -> None:
    answer = client.get(address, headers={"Accept-Language": accepted} if accepted else {})
    assert f'<html lang="{language}" dir="ltr">' in answer.text
    assert "Accept-Language" in answer.headers["Vary"]
    assert "Set-Cookie" not in answer.headers
    assert "<script>" not in answer.text


def test_links_keep_the_language_that_was_chosen(client: FlaskClient) -> None:
    assert 'class="organisation" href="/?lang=es"' in client.get("/?lang=es").text
    # What only the browser prefers needs no mark in the address.
    assert 'class="organisation" href="/"' in client.get("/", headers={"Accept-Language": "es"}).text
    # Files have one address, whatever the language.
    assert 'href="/static/css/base.css"' in client.get("/?lang=es").text


def test_words_outside_of_requests_are_english_unless_forced(app: Flask) -> None:
    with app.app_context():
        assert (get_language(), gettext("Journal")) == ("en", "Journal")
        with force_locale("es"):
            assert (get_language(), gettext("Journal")) == ("es", "Diario")
    assert gettext("Journal") == "Journal"


def test_plural_forms_follow_the_language(app: Flask) -> None:
    one, several = "%(num)s ballot was counted.", "%(num)s ballots were counted."
    with app.app_context(), force_locale("fr"):
        assert [ngettext(one, several, n) for n in (0, 1, 2)] == [
            "0 bulletin a été compté.",
            "1 bulletin a été compté.",
            "2 bulletins ont été comptés.",
        ]
    with app.app_context(), force_locale("es"):
        assert ngettext(one, several, 0) == "Se contaron 0 votos."


def test_moments_have_the_elections_zone_and_its_name(app: Flask) -> None:
    moment = datetime(2026, 11, 22, 23, 0, tzinfo=UTC)
    summer = datetime(2026, 7, 1, 23, 0, tzinfo=UTC)
    with app.app_context():
        assert format_moment(moment, "America/Chicago").replace("\u202f", " ") == (
            "Sunday, November 22, 2026, 5:00 PM (Central Standard Time)"
        )
        assert "6:00\u202fPM (Central Daylight Time)" in format_moment(summer, "America/Chicago")
        with force_locale("es"):
            assert format_moment(moment, "Europe/Madrid") == (
                "lunes, 23 de noviembre de 2026, 0:00 (hora estándar de Europa central)"
            )
        with force_locale("fr"):
            assert "(temps universel coordonné)" in format_moment(moment, "UTC")


def test_numbers_are_written_as_the_language_writes_them(app: Flask) -> None:
    with app.app_context():
        assert [format_share(x) for x in (0, 1, 2 / 3)] == ["0%", "100%", "66.7%"]
        with force_locale("fr"):
            assert format_share(1 / 3).replace("\u202f", " ").replace("\xa0", " ") == "33,3 %"


def test_directions_and_codes() -> None:
    assert (get_direction("en"), get_direction("ar")) == ("ltr", "rtl")
    assert split_code("abcdefghi") == ["abcd", "efgh", "i"]
    assert split_code("") == []


# --- texts for browser programs ------------------------------------------------------------------------------


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_browser_programs_get_their_own_sentences_only(client: FlaskClient, language: str) -> None:
    answer = client.get(f"/texts/{language}.json")
    document = json.loads(answer.data)
    assert document == {"language": language, "messages": get_browser_messages(language)}
    assert answer.mimetype == "application/json"
    if language == SOURCE:
        assert document["messages"] == {}
        return
    sentence = "Your ballot is in the ballot box."
    assert document["messages"][sentence] == gettext_in(language, sentence)
    # A sentence of pages only, and one of the trustees' page only.
    assert "Office" not in document["messages"]
    assert "Make a new key" not in document["messages"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_one_page_needs_is_sent_apart_and_nothing_is_missing(client: FlaskClient, language: str) -> None:
    parts = {
        name: json.loads(client.get(f"/texts/{name}/{language}.json").data)["messages"] for name in PARTS
    }
    rest = get_browser_messages(language)
    assert parts == {name: get_browser_messages(language, name) for name in PARTS}
    assert client.get(f"/texts/others/{language}.json").status_code == 404
    if language == SOURCE:
        assert rest == {}
        assert not any(parts.values())
        return
    for name, sentence in (("trustees", "Make a new key"), ("registrar", "Publish the list")):
        assert parts[name][sentence] == gettext_in(language, sentence)
    apart = {sentence for part in parts.values() for sentence in part}
    assert len(apart) == sum(map(len, parts.values()))
    assert not apart & set(rest)
    programs = {
        forms(message.id)[0]
        for message in messages_of(language)
        if any(path.startswith(BROWSER_FOLDER) for path, _ in message.locations)
    }
    assert apart | set(rest) == programs


def gettext_in(language: str, sentence: str) -> object:
    message = load_catalogue(language).get(sentence)
    assert message is not None
    return message.string


def test_texts_are_the_same_each_time_and_cached_by_their_hash(client: FlaskClient) -> None:
    """The journal has the hash of this file, and programs compare it."""
    first, again = client.get("/texts/es.json"), client.get("/texts/es.json?lang=fr")
    assert first.data == again.data
    tag = first.headers["ETag"]
    assert client.get("/texts/es.json", headers={"If-None-Match": tag}).status_code == 304


@pytest.mark.parametrize("name", ["xx", "..", "es.json", "%2e%2e", "<script>", "ES"])
def test_there_are_no_texts_in_other_languages(client: FlaskClient, name: str) -> None:
    answer = client.get(f"/texts/{name}.json")
    assert (answer.status_code, answer.get_json()["code"]) == (404, "not-found")
