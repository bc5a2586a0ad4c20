"""Access marks: every URL says who may use it, and an application with an unmarked URL does not start."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, TypeVar

from flask import Flask, Response, g, request

from voting_app.accounts import service as accounts
from voting_app.accounts.logins import Login
from voting_app.accounts.service import Actor
from voting_app.context import get_context
from voting_app.errors import Problem
from voting_app.login import find_login, is_office, require_own_form
from voting_app.pages import is_for_person, page_url

View = TypeVar("View", bound=Callable[..., Any])
Audience = Literal["public", "token", "login", "entrance"]
_ATTRIBUTE = "__steward_access__"
_OFFICE_AUDIENCES = frozenset({"login", "entrance"})
_HARMLESS_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
# A form with passwords, names and texts; a page that takes files says how large they may be.
LONGEST_FORM = 20_000


class Role(StrEnum):
    """What an account may do: that of a program, a trustee or a person."""

    ADMINISTRATOR = "administrator"
    COMMITTEE = "committee"
    REGISTRAR = "registrar"
    TRUSTEE = "trustee"
    OBSERVER = "observer"
    HELPDESK = "helpdesk"


# Who may do what in the office. An administrator may do what the committee and the registrar do, as one of them: small
# organisations have no more people.
OFFICERS = (Role.ADMINISTRATOR, Role.COMMITTEE)
REGISTRARS = (Role.ADMINISTRATOR, Role.REGISTRAR)
# Everybody with an account.
STAFF = (Role.ADMINISTRATOR, Role.COMMITTEE, Role.REGISTRAR, Role.OBSERVER, Role.HELPDESK)


@dataclass(frozen=True)
class Mark:
    """Who may use a URL: everybody, or those with one of `roles`; voting routes are logged with less."""

    audience: Audience
    roles: frozenset[str]
    is_voting: bool
    longest_form: int


class MissingMarkError(Exception):
    """A URL has no access mark."""


def access(
    audience: Audience,
    *,
    roles: Collection[str] = (),
    voting: bool = False,
    longest_form: int = LONGEST_FORM,
) -> Callable[[View], View]:
    """Mark a view. "public": anybody, without cookies. "token": the bearer of a token whose role is in `roles`.
    "login": a person who is logged in with one of `roles`. "entrance": anybody, with the office's cookies: the way to
    a login. Whatever changes something in the last two is a form of ours, of `longest_form` bytes at most.

    voting: members use this URL to vote, so its request log has neither address nor person nor exact time.
    """
    unknown = set(roles) - set(Role)
    if unknown or (audience in ("token", "login")) != bool(roles):
        raise ValueError(f"a token or login mark needs roles out of {', '.join(Role)}, the others have none")

    def mark(view: View) -> View:
        made = Mark(audience, frozenset(str(role) for role in roles), voting, longest_form)
        setattr(view, _ATTRIBUTE, made)
        return view

    return mark


def find_mark(app: Flask, endpoint: str | None) -> Mark | None:
    """Return the mark of an endpoint, or None."""
    return getattr(app.view_functions.get(endpoint or ""), _ATTRIBUTE, None)


def require_marks(app: Flask) -> None:
    """Raise MissingMarkError naming every URL without a mark, or with one that does not fit where it stands."""
    marks = {rule.rule: find_mark(app, rule.endpoint) for rule in app.url_map.iter_rules()}
    if bare := sorted(rule for rule, mark in marks.items() if mark is None):
        raise MissingMarkError(f"no access mark: {', '.join(bare)}")
    # Cookies are there in the office only, and everything there is guarded by them.
    if lost := sorted(r for r, m in marks.items() if m and is_office(r) != (m.audience in _OFFICE_AUDIENCES)):
        raise MissingMarkError(f"the mark does not fit the address: {', '.join(lost)}")


def register_access(app: Flask) -> None:
    """Enforce the marks before every request of `app`."""

    @app.before_request
    def enforce() -> Response | None:
        if request.endpoint is None:
            return None  # no such URL: the 404 comes next
        if "\0" in request.path:
            # No name of ours has this sign, and PostgreSQL cannot even be asked for one.
            raise Problem(404, "not-found", "There is nothing at this address.")
        mark = find_mark(app, request.endpoint)
        if mark is None:
            # The start refused this already; a URL added later is as closed as one that does not exist.
            raise Problem(404, "not-found", "There is nothing at this address.")
        if mark.audience == "token":
            actor = _authenticate()
            if actor.role not in mark.roles:
                raise Problem(403, "forbidden", f"A token with the role {actor.role} may not do that.")
            g.actor = actor
        elif mark.audience in _OFFICE_AUDIENCES:
            return _enforce_in_office(mark)
        return None


def get_actor() -> Actor:
    """Return who makes this request; only views with a token or login mark may ask."""
    actor = g.get("actor")
    if not isinstance(actor, Actor):
        raise RuntimeError("a view without token or login mark asked for the actor")
    return actor


def get_login() -> Login:
    """Return the person who makes this request; only views with a login mark may ask."""
    login = g.get("login")
    if not isinstance(login, Login):
        raise RuntimeError("a view without login mark asked for the login")
    return login


def _enforce_in_office(mark: Mark) -> Response | None:
    is_harmless = request.method in _HARMLESS_METHODS
    if mark.audience == "login":
        login = find_login()
        if login is None:
            return _send_to_login(is_harmless)
        if login.actor.role not in mark.roles:
            raise Problem(403, "forbidden", "Your role does not allow this.")
        g.actor, g.login = login.actor, login
    if not is_harmless:
        # Before the first look at the form, which reads all of it.
        request.max_content_length = mark.longest_form
        request.max_form_memory_size = mark.longest_form
        require_own_form()
    return None


def _send_to_login(is_harmless: bool) -> Response:
    if not is_for_person():
        raise Problem(401, "not-logged-in", "Please log in first.")
    # Back to a page that is only looked at; it is looked for among ours once more before anybody is sent there. Of a
    # form the login page says that nothing was done with it.
    back = {"next": request.path, **({} if is_harmless else {"lost": "yes"})}
    return Response("", 303, headers={"Location": page_url("accounts.show_login", **back)})


def _authenticate() -> Actor:
    context = get_context()
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and text:
        with context.database.read() as session:
            actor = accounts.find_token(session, text.strip())
        if actor is not None:
            return actor
    raise Problem(
        401,
        "not-authenticated",
        "This address needs a valid access token.",
        headers={"WWW-Authenticate": 'Bearer realm="steward"'},
    )
