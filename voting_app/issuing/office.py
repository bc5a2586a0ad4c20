"""The page on which a registrar makes the voting codes in the own browser. Its program is static/pages/registrar.js."""

from __future__ import annotations

from flask import Blueprint, Response, request

from voting_app.access import REGISTRARS, Role, access, get_actor, get_login
from voting_app.accounts import logins
from voting_app.accounts.forms import parse_form
from voting_app.context import get_context
from voting_app.elections.office import find_election, make_election_page
from voting_app.error_pages import translate_problem
from voting_app.errors import Problem
from voting_app.issuing import service
from voting_app.json_body import make_json
from voting_app.registrar import service as registrar
from voting_app.registrar import wire

blueprint = Blueprint("issuing_office", __name__)

_PAGE = "/office/elections/<uuid>/credentials/browser"
_TAB = "registrar_office.show_credentials"
# A hundred thousand public credentials with weights.
LONGEST_LIST = 10_000_000


@blueprint.get(_PAGE)
@access("login", roles=REGISTRARS)
def show_browser(uuid: str) -> Response:
    """Show what the registrar can do in the own browser at this time."""
    issuing = service.get_issuing(get_context(), uuid)
    return make_election_page("issuing/browser.html", find_election(uuid), tab=_TAB, issuing=issuing)


@blueprint.get(f"{_PAGE}/members")
@access("login", roles=REGISTRARS)
def send_members(uuid: str) -> Response:
    """Send who may vote, and what stands on sheets, to the page's program."""
    return make_json(service.describe(get_context(), uuid), is_secret=True)


@blueprint.post(f"{_PAGE}/list")
@access("login", roles=REGISTRARS, longest_form=LONGEST_LIST)
def publish_list(uuid: str) -> Response:
    """Publish the list that the page's program made. A refusal is said in the reader's language."""
    fields = parse_form(request.form, ("code",))
    file = request.files.get("list")
    try:
        raw = wire.parse_list_body(b"" if file is None else file.read())
        logins.confirm(get_context(), get_login(), fields["code"])
        actor = get_actor().acting_as(Role.REGISTRAR)
        published = registrar.publish_credentials(get_context(), uuid, raw, actor)
    except Problem as problem:
        return make_json({"code": problem.code, "sentence": translate_problem(problem)}, problem.status)
    return make_json({"credentials": published.credentials, "count": published.count})
