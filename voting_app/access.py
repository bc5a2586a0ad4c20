"""Access marks: every URL says who may use it, and an application with an unmarked URL does not start."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, TypeVar

from flask import Flask, g, request

from voting_app.accounts import service as accounts
from voting_app.accounts.service import Actor
from voting_app.context import get_context
from voting_app.errors import Problem

View = TypeVar("View", bound=Callable[..., Any])
Audience = Literal["public", "token"]
_ATTRIBUTE = "__steward_access__"


class Role(StrEnum):
    """What the bearer of a token is."""

    ADMINISTRATOR = "administrator"
    COMMITTEE = "committee"
    REGISTRAR = "registrar"
    TRUSTEE = "trustee"
    OBSERVER = "observer"


@dataclass(frozen=True)
class Mark:
    """Who may use a URL: everybody, or the bearer of a token with one of `roles`; voting routes are logged
    with less.
    """

    audience: Audience
    roles: frozenset[str]
    is_voting: bool


class MissingMarkError(Exception):
    """A URL has no access mark."""


def access(
    audience: Audience, *, roles: Collection[str] = (), voting: bool = False
) -> Callable[[View], View]:
    """Mark a view. "public": anybody. "token": the bearer of a token whose role is in `roles`.

    voting: members use this URL to vote, so its request log has neither address nor person nor exact time.
    """
    unknown = set(roles) - set(Role)
    if unknown or (audience == "token") != bool(roles):
        raise ValueError(f"a token mark needs roles out of {', '.join(Role)}, a public one has none")

    def mark(view: View) -> View:
        setattr(view, _ATTRIBUTE, Mark(audience, frozenset(str(role) for role in roles), voting))
        return view

    return mark


def find_mark(app: Flask, endpoint: str | None) -> Mark | None:
    """Return the mark of an endpoint, or None."""
    return getattr(app.view_functions.get(endpoint or ""), _ATTRIBUTE, None)


def require_marks(app: Flask) -> None:
    """Raise MissingMarkError naming every URL without a mark."""
    bare = sorted(rule.rule for rule in app.url_map.iter_rules() if find_mark(app, rule.endpoint) is None)
    if bare:
        raise MissingMarkError(f"no access mark: {', '.join(bare)}")


def register_access(app: Flask) -> None:
    """Enforce the marks before every request of `app`."""

    @app.before_request
    def enforce() -> None:
        if request.endpoint is None:
            return  # no such URL: the 404 comes next
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


def get_actor() -> Actor:
    """Return who makes this request; only views with a token mark may ask."""
    actor = g.get("actor")
    if not isinstance(actor, Actor):
        raise RuntimeError("a view without token mark asked for the actor")
    return actor


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
