"""Pages of the office: their frame, and the menu, which has what the reader's role may open.

They are for one person, so no cache keeps them (security.py), and not compressed, because they hold secrets
(compression.py).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from flask import Response, current_app, g, render_template, request, url_for
from flask_babel import gettext
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from voting_app.access import find_mark, get_login
from voting_app.accounts import logins
from voting_app.accounts.logins import Login
from voting_app.context import get_context
from voting_app.error_pages import translate_problem
from voting_app.errors import Problem
from voting_app.languages import N_
from voting_app.login import get_form_token
from voting_app.pages import page_url

# What a role is called. The codes stand in access marks and in the journal.
ROLE_WORDS = {
    "administrator": N_("Administrator"),
    "committee": N_("Committee"),
    "registrar": N_("Registrar"),
    "observer": N_("Observer"),
    "helpdesk": N_("Help desk"),
}
# Endpoint -> its name in the menu. Whether it is shown is decided by the endpoint's access mark.
MENU = {
    "dashboard_office.show_start": N_("Start"),
    "elections_office.list_elections": N_("Elections"),
    "accounts.list_accounts": N_("People"),
    "operations_office.show_settings": N_("Settings"),
    "accounts.show_own": N_("My account"),
}


# Refusals that somebody can do something about who sees them on the page of the form; 502 is the mail server's.
_CORRECTABLE = frozenset({400, 409, 422, 429, 502})


@dataclass(frozen=True, slots=True)
class MenuEntry:
    """A line of the menu."""

    address: str
    name: str
    is_present: bool


def make_office_page(
    template: str, *, problem: Problem | None = None, status: int = 200, here: str = "", **values: Any
) -> Response:
    """A page of the office. problem: why what was sent is not done, said above the form that is shown again; here: the
    page's own address, where the request was a form's and `shown_again` does not know it.
    """
    login = g.get("login")
    page = render_template(
        template,
        login=login,
        here=here or g.get("shown_at", ""),
        menu=_list_menu(login) if login else [],
        form_token=get_form_token,
        role_words={code: gettext(word) for code, word in ROLE_WORDS.items()},
        problem=problem,
        refusal=translate_problem(problem) if problem else None,
        **values,
    )
    response = Response(page, problem.status if problem else status, content_type="text/html; charset=utf-8")
    if problem:
        response.headers.update(problem.headers)
    return response


def shown_again(
    show: Callable[..., Response],
) -> Callable[[Callable[..., Response]], Callable[..., Response]]:
    """For the view that a form is sent to: if it refuses, the page with the form is shown again, and says why.

    show: the view of that page, which takes the same parts of the address, and the Problem as `problem`. A form that is
    not ours (400 `bad-request`) has no page, and neither has what can only be gone away from, such as a 404.
    """

    def decorate(view: Callable[..., Response]) -> Callable[..., Response]:
        @wraps(view)
        def answer(**address: Any) -> Response:
            try:
                return view(**address)
            except Problem as problem:
                require_correctable(problem)
                # Where that page is, for who reads it in another language.
                g.shown_at = url_for(f"{request.blueprint}.{show.__name__}", **address)
                return show(**address, problem=problem)

        return answer

    return decorate


def require_correctable(problem: Problem) -> None:
    """Raise a problem that the page of a form cannot show; for views that show it in a way of their own."""
    if problem.status not in _CORRECTABLE or problem.code == "bad-request":
        raise problem


def confirm(code: str) -> None:
    """Ask whoever is logged in for the second factor once more, before an act; Problems as `logins.confirm`."""
    logins.confirm(get_context(), get_login(), code)


def redirect_to(endpoint: str, **values: Any) -> Response:
    """Send the reader to a page of ours after something was done, so that loading it again does it only once."""
    return Response("", 303, headers={"Location": page_url(endpoint, **values)})


def redirect_back(wanted: str) -> Response:
    """Send the reader to the page that a login stood in the way of: one of the office's, or its first page."""
    return Response(
        "", 303, headers={"Location": find_office_page(wanted) or page_url("dashboard_office.show_start")}
    )


def find_office_page(path: str) -> str | None:
    """Return the address of that page of ours behind a login, made anew; None for everything else there is."""
    try:
        endpoint, values = current_app.url_map.bind("").match(path, "GET")
    except (HTTPException, RequestRedirect):
        return None
    mark = find_mark(current_app, endpoint)
    return page_url(endpoint, **values) if mark is not None and mark.audience == "login" else None


def _list_menu(login: Login) -> list[MenuEntry]:
    marks = {endpoint: find_mark(current_app, endpoint) for endpoint in MENU}
    return [
        MenuEntry(page_url(endpoint), gettext(name), request.endpoint == endpoint)
        for endpoint, name in MENU.items()
        if (mark := marks[endpoint]) is not None and login.actor.role in mark.roles
    ]
