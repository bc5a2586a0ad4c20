"""Cookies, forms of other sites, and the way back after a login."""

import re
from collections.abc import Iterator
from http.cookies import SimpleCookie

import pytest
from flask import Flask, Request

from tests.voting_app.conftest import make_settings
from tests.voting_app.office import HTML, Officer, Visitor, find_form_token, first_administrator
from voting_app.access import MissingMarkError, access, find_mark, require_marks
from voting_app.app import create_app
from voting_app.context import Context
from voting_app.login import is_office

UUID = "a" * 14


def addresses(app: Flask, *audiences: str) -> Iterator[tuple[str, str]]:
    """Method and address of every URL with such a mark, with something in its variable parts."""
    for rule in app.url_map.iter_rules():
        mark = find_mark(app, rule.endpoint)
        assert mark is not None
        if mark.audience in audiences:
            path = fill(rule.rule)
            for method in sorted((rule.methods or set()) - {"OPTIONS", "HEAD"}):
                yield method, path


def fill(rule: str) -> str:
    """A URL rule's address with something in its variable parts."""
    return re.sub(r"<int:\w+>", "1", re.sub(r"<(path:)?\w+>", UUID, rule))


def test_pages_for_members_neither_set_nor_read_a_cookie(
    ada: Officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even those of somebody who is logged in: whoever votes is nobody to the server."""

    def refuse(request: Request) -> None:
        assert is_office(request.path), "a page for members asked for cookies"

    before, seen = ada.cookies(), 0
    monkeypatch.setattr(Request, "cookies", property(refuse))
    for method, path in addresses(ada.app, "public", "token"):
        answer = ada.client.open(path, method=method, headers={"Accept": HTML})
        assert "Set-Cookie" not in answer.headers, path
        assert "Cookie" not in answer.headers.get("Vary", ""), path
        assert answer.status_code < 500, path
        answer.close()
        seen += 1
    assert seen > 50
    assert ada.cookies() == before


def test_cookies_are_closed_to_programs_other_sites_and_other_hosts(context: Context) -> None:
    settings = make_settings(
        context.settings.instance_folder, context.settings.database_url, base_url="https://vote.example.org"
    )
    app = create_app(settings, clock=context.clock, database=context.database)
    client = app.test_client()
    client.environ_base["wsgi.url_scheme"] = "https"
    answer = client.get("/office/login", base_url="https://localhost")
    [cookie] = SimpleCookie(answer.headers["Set-Cookie"]).values()
    assert cookie.key == "__Host-steward-office"
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"]) == (True, True, "Lax")
    # What the prefix asks for: the whole host, and no other one.
    assert (cookie["path"], cookie["domain"]) == ("/", "")
    # It ends with the browser; that somebody is logged in ends on the server.
    assert (cookie["expires"], cookie["max-age"]) == ("", "")


def test_the_session_holds_a_token_and_nothing_about_the_person(ada: Officer) -> None:
    with ada.client.session_transaction("/office") as session:
        assert set(session) <= {"_user_id", "_fresh", "csrf_token"}
        assert len(session["_user_id"]) == 43
    assert set(ada.cookies()) == {"steward-office", "steward-browser"}


def test_pages_of_the_office_are_kept_by_no_cache(ada: Officer) -> None:
    paths = ("/office", "/office/account", "/office/accounts", "/office/login", "/office/login/code")
    for path in paths:
        answer = ada.client.get(path, headers={"Accept": HTML, "Accept-Encoding": "gzip"})
        assert answer.headers["Cache-Control"] == "no-store", path
        # Their length must not tell of the secrets in them.
        assert "Content-Encoding" not in answer.headers, path


# --- forms -------------------------------------------------------------------------------------------------


def test_no_form_of_another_site_does_anything(ada: Officer) -> None:
    """Every form of the office, without our token, with a wrong one, and with that of another browser."""
    other = find_form_token(Visitor(ada.app).get("/office/login").text)
    own = find_form_token(ada.get("/office").text)
    tried = 0
    for method, path in addresses(ada.app, "login", "entrance"):
        if method == "GET":
            continue
        for token in (None, "", "x", other, own + "x", own[::-1]):
            fields = {} if token is None else {"csrf_token": token}
            answer = ada.client.open(path, method=method, data=fields)
            assert (answer.status_code, answer.get_json()["code"]) == (400, "stale-form"), path
        # A browser says where a form came from, even if its token was stolen.
        for site in ("cross-site", "same-site"):
            answer = ada.client.open(
                path, method=method, data={"csrf_token": own}, headers={"Sec-Fetch-Site": site}
            )
            assert (answer.status_code, answer.get_json()["code"]) == (400, "stale-form"), path
        tried += 1
    assert tried >= 12
    assert ada.is_logged_in()


def test_a_refused_form_is_a_page_for_people(ada: Officer) -> None:
    answer = ada.client.post("/office/logout", headers={"Accept": HTML})
    assert (answer.status_code, answer.mimetype) == (400, HTML)
    assert "This form is no longer good." in answer.text


def test_a_form_is_no_longer_good_after_the_login(ada: Officer) -> None:
    """The secret of forms changes with who is logged in: one that was planted before is worth nothing after."""
    ada.forget_everything()
    before = find_form_token(ada.get("/office/login").text)
    assert ada.log_in().status_code == 303
    answer = ada.client.post("/office/logout", data={"csrf_token": before})
    assert answer.get_json()["code"] == "stale-form"
    assert ada.is_logged_in()


def test_a_long_form_is_not_read(ada: Officer) -> None:
    token = find_form_token(ada.get("/office").text)
    answer = ada.client.post("/office/logout", data={"csrf_token": token, "x": "y" * 30_000})
    assert answer.status_code == 413
    assert ada.is_logged_in()


def test_a_sign_that_no_database_takes_is_refused_before_one_is_asked(each_ada: Officer) -> None:
    """PostgreSQL raises an error for it, and anybody can send a login."""
    answer = Officer(each_ada.app).post("/office/login", {"email": "\0", "password": "x"})
    assert answer.status_code == 400
    assert "is wrong" in answer.text
    assert each_ada.get("/office/elections/new?clone=%00").status_code == 404


# --- marks -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path,mark",
    [
        ("/office/late", access("public")),
        ("/office/late", access("token", roles={"committee"})),
        ("/late", access("login", roles={"committee"})),
        ("/officer", access("entrance")),
    ],
)
def test_a_mark_that_does_not_fit_its_address_stops_the_start(app: Flask, path: str, mark: object) -> None:
    app.add_url_rule(path, "late", mark(lambda: "x"))  # type: ignore[operator]
    with pytest.raises(MissingMarkError, match="does not fit"):
        require_marks(app)


def test_marks_that_make_no_sense() -> None:
    for audience in ("login", "entrance"):
        with pytest.raises(ValueError, match="roles"):
            access(audience, roles=() if audience == "login" else {"committee"})  # type: ignore[arg-type]


# --- the way back ------------------------------------------------------------------------------------------


def test_after_the_login_one_is_where_one_wanted_to_be(ada: Officer) -> None:
    ada.forget_everything()
    answer = ada.get("/office/accounts?lang=es")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/office/login?next=/office/accounts&lang=es"
    assert 'name="next" value="/office/accounts"' in ada.get(answer.headers["Location"]).text
    assert ada.log_in(next="/office/accounts").headers["Location"] == "/office/accounts"


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example/office",
        "/\\evil.example",
        "\\\\evil.example",
        "/office//evil.example",
        "/office/../..//evil.example",
        "/office@evil.example",
        "javascript:alert(1)",
        "/office\r\nX: y",
        "/office/login",
        "/office/logout",
        "/office/accounts/1/end",
        "/static/x",
        "/",
        "",
        "/office?next=//evil.example",
        "office",
    ],
)
def test_no_login_leads_elsewhere(ada: Officer, wanted: str) -> None:
    ada.forget_everything()
    answer = ada.say_password(next=wanted)
    assert answer.headers["Location"].startswith("/office/login/code")
    assert "\n" not in answer.headers["Location"]
    assert ada.say_code(next=wanted).headers["Location"] == "/office"


def test_who_is_logged_out_in_the_middle_of_a_form_is_sent_to_the_login(ada: Officer) -> None:
    token = find_form_token(ada.get("/office").text)
    ada.clock.advance(hours=13)
    answer = ada.client.post(
        "/office/account/sessions/end", data={"csrf_token": token}, headers={"Accept": HTML}
    )
    assert (answer.status_code, answer.headers["Location"]) == (
        303,
        "/office/login?next=/office/account/sessions/end&lost=yes",
    )
    assert "what you sent was not done" in ada.get(answer.headers["Location"]).text
    answer = ada.client.post("/office/account/sessions/end", data={"csrf_token": token})
    assert (answer.status_code, answer.get_json()["code"]) == (401, "not-logged-in")
    # Not back to the form's address, which cannot be looked at.
    assert ada.log_in(next="/office/account/sessions/end").headers["Location"] == "/office"


def test_a_secret_key_of_another_installation_opens_nothing(ada: Officer, context: Context) -> None:
    stolen = ada.cookies()["steward-office"]
    settings = make_settings(
        context.settings.instance_folder, context.settings.database_url, secret=bytes(32)
    )
    other = create_app(settings, clock=context.clock, database=context.database).test_client()
    other.set_cookie("steward-office", stolen)
    assert other.get("/office", headers={"Accept": HTML}).status_code == 303


def test_two_administrators_of_two_browsers_do_not_disturb_each_other(app: Flask) -> None:
    ada = first_administrator(app)
    grace = ada.new_officer("grace@example.org", "administrator")
    assert "Ada Lovelace" in ada.get("/office").text
    assert "Grace Hopper" in grace.get("/office").text
