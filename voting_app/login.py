"""The office's cookies: who is logged in (Flask-Login), and whether a form was sent from a page of ours (Flask-WTF).

The one place that knows the two libraries. Pages below /office and /setup have a session of Flask's: a signed cookie
with the token of a row of `login_session` and the secret of our forms, nothing else. No other page reads or sets a
cookie: there a session is empty and refuses to be written to.
"""

import hashlib
from dataclasses import dataclass

from flask import Flask, Request, Response, request, session
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from flask_wtf.csrf import generate_csrf, validate_csrf
from wtforms import ValidationError

from voting_app.accounts import logins
from voting_app.accounts.logins import Login, NewLogin
from voting_app.config import Settings
from voting_app.context import get_context
from voting_app.errors import Problem
from voting_app.sealing import derive

FORM_FIELD = "csrf_token"
_SESSION_COOKIE = "steward-office"
_BROWSER_COOKIE = "steward-browser"
_OFFICE = "/office"
_PREFIXES = (f"{_OFFICE}/", "/setup/")
# From where the browser says that a form comes; an old browser says nothing.
_OWN_SITES = frozenset({None, "same-origin", "none"})

# Browser and system, as people call them; the first that fits, because each one names others as well.
_BROWSERS = {"Firefox/": "Firefox", "Edg": "Edge", "OPR/": "Opera", "Chrome/": "Chrome", "Safari/": "Safari"}
_SYSTEMS = {
    "Android": "Android",
    "iPhone": "iPhone",
    "iPad": "iPad",
    "Windows": "Windows",
    "Mac OS": "Mac",
    "Linux": "Linux",
}


def is_office(path: str) -> bool:
    """Whether an address is one of the office's, where cookies are."""
    return path == _OFFICE or path.startswith(_PREFIXES)


@dataclass
class _User(UserMixin):
    """What Flask-Login handles. The token is its id: when the token ends, whatever cookie names it is worthless."""

    token: str
    login: Login

    def get_id(self) -> str:
        return self.token


class _OfficeSessions(SecureCookieSessionInterface):
    """Flask's sessions, in the office only."""

    digest_method = staticmethod(hashlib.sha256)

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        """None makes Flask take a session that is empty and cannot be written to."""
        return super().open_session(app, request) if is_office(request.path) else None


def register_login(app: Flask, settings: Settings) -> None:
    """Give `app` its sessions and its users."""
    app.config.update(
        SECRET_KEY=derive(settings.secret, "steward-office-cookie"),
        # The prefix makes browsers refuse one that another host of the same domain wants to set.
        SESSION_COOKIE_NAME=_name(_SESSION_COOKIE, settings),
        SESSION_COOKIE_PATH="/",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SECURE=settings.is_https,
        SESSION_COOKIE_SAMESITE="Lax",
        # A form is good as long as the session it belongs to.
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_FIELD_NAME=FORM_FIELD,
    )
    app.session_interface = _OfficeSessions()
    # Without its own variable in every template: that would look for a user on public pages too.
    manager = LoginManager(app, add_context_processor=False)
    # Its protection keeps a hash of address and browser in the cookie; phones change their address all day.
    manager.session_protection = None

    @manager.user_loader
    def load(token: str) -> _User | None:
        login = logins.find_login(get_context(app), token)
        return None if login is None else _User(token, login)


def find_login() -> Login | None:
    """Who is logged in, in the present request; asks only in the office."""
    user = current_user._get_current_object()
    return user.login if isinstance(user, _User) else None


# --- cookies -----------------------------------------------------------------------------------------------


def expect_code(token: str) -> None:
    """The password was right: remember until the code comes. Nothing of the session before goes on."""
    session.clear()
    session["pending"] = token


def get_expected() -> str | None:
    """The token of `expect_code`."""
    token = session.get("pending")
    return token if isinstance(token, str) else None


def log_in(response: Response, new: NewLogin) -> Response:
    """From this response on the browser is logged in. Nothing of the session before goes on."""
    context = get_context()
    login = logins.find_login(context, new.token)
    if login is None:
        raise RuntimeError("a login that was just made is not there")
    log_out()
    login_user(_User(new.token, login))
    # Of the protection above, which it writes nevertheless.
    session.pop("_id", None)
    if new.browser is not None:
        response.set_cookie(
            _name(_BROWSER_COOKIE, context.settings),
            new.browser,
            max_age=logins.KNOWN_BROWSER_LIFETIME,
            path="/",
            secure=context.settings.is_https,
            httponly=True,
            samesite="Strict",
        )
    return response


def log_out() -> None:
    """End the session, here and in the database."""
    user = current_user._get_current_object()
    token = user.token if isinstance(user, _User) else get_expected()
    if token is not None:
        logins.end_login(get_context(), token)
    logout_user()
    session.clear()


def get_browser() -> str | None:
    """What tells that somebody was logged in here before."""
    return request.cookies.get(_name(_BROWSER_COOKIE, get_context().settings))


def get_device() -> str:
    """Browser and system in two words, for the list of one's own sessions."""
    agent = request.headers.get("User-Agent", "")
    words = [
        next((name for sign, name in table.items() if sign in agent), None) for table in (_BROWSERS, _SYSTEMS)
    ]
    return ", ".join(word for word in words if word) or "?"


def _name(name: str, settings: Settings) -> str:
    return f"__Host-{name}" if settings.is_https else name


# --- forms -------------------------------------------------------------------------------------------------


def get_form_token() -> str:
    """What every form of ours has in it, and another site cannot know."""
    token: str = generate_csrf()
    return token


def require_own_form() -> None:
    """Raise Problem 400 `stale-form` unless the form of this request came from a page of ours in this browser."""
    try:
        if request.headers.get("Sec-Fetch-Site") not in _OWN_SITES:
            raise ValidationError("another site")
        validate_csrf(request.form.get(FORM_FIELD))
    except ValidationError as error:
        raise Problem(
            400,
            "stale-form",
            "This form is no longer good. Load the page again; your browser must allow cookies here.",
        ) from error
