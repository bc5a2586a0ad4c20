"""The registrar's pages of the voting codes: make them, see where each is, replace lost ones."""

from __future__ import annotations

from flask import Blueprint, Response, request

from voting_app.access import OFFICERS, REGISTRARS, Role, access, get_actor, get_login
from voting_app.accounts.forms import parse_form
from voting_app.context import get_context
from voting_app.elections.office import find_election, make_election_page
from voting_app.elections.states import Act, State, is_allowed
from voting_app.errors import Problem
from voting_app.office import confirm, redirect_to, shown_again
from voting_app.paging import cut
from voting_app.registrar import service, vault
from voting_app.registrar.words import describe_held, describe_way
from voting_app.roll import service as roll

blueprint = Blueprint("registrar_office", __name__)

READERS = (*OFFICERS, Role.REGISTRAR, Role.OBSERVER)
_CREDENTIALS = "/office/elections/<uuid>/credentials"
_MEMBER = f"{_CREDENTIALS}/members/<int:entry>"
_TAB = "registrar_office.show_credentials"
_LONGEST_SEARCH = 100


@blueprint.get(_CREDENTIALS)
@access("login", roles=READERS)
def show_credentials(uuid: str, problem: Problem | None = None) -> Response:
    """Who makes the codes, and how many are where; the form that makes them."""
    view = find_election(uuid)
    with get_context().database.read() as session:
        is_published = service.find_credentials(session, uuid) is not None
        count = vault.count_ways(session, view.id)
        members = len(roll.list_eligible(session, view.id))
    return make_election_page(
        "office/credentials.html",
        view,
        problem=problem,
        tab=_TAB,
        is_registrar=get_login().actor.role in REGISTRARS,
        is_server=view.credential_mode == service.SERVER_MODE,
        is_published=is_published,
        is_frozen=view.roll_hash is not None,
        may_make=is_allowed(view.state, Act.PUBLISH_CREDENTIALS) and not is_published,
        may_replace=is_allowed(view.state, Act.PUBLISH_CREDENTIALS) and is_published,
        members=members,
        count=count,
        ways=[(describe_way(way), number) for way, number in sorted(count.ways.items())],
        done=request.args.get("done", ""),
    )


@blueprint.post(_CREDENTIALS)
@access("login", roles=REGISTRARS)
@shown_again(show_credentials)
def generate_credentials(uuid: str) -> Response:
    """Make the codes of all members on this server."""
    fields = parse_form(request.form, ("code",))
    confirm(fields["code"])
    service.generate_credentials(get_context(), uuid, get_actor().acting_as(Role.REGISTRAR))
    return redirect_to(_TAB, uuid=uuid, done="made")


@blueprint.get(f"{_CREDENTIALS}/members")
@access("login", roles=REGISTRARS)
def list_members(uuid: str) -> Response:
    """Where each member's code is, fifty at a time."""
    view = find_election(uuid)
    search = request.args.get("q", "").strip()[:_LONGEST_SEARCH]
    with get_context().database.read() as session:
        page = cut(vault.list_held(session, view.id, search), request.args.get("page"))
    return make_election_page(
        "office/credential_members.html",
        view,
        tab=_TAB,
        members=[(member, describe_held(member)) for member in page.items],
        page=page,
        search=search,
    )


@blueprint.get(_MEMBER)
@access("login", roles=REGISTRARS)
def show_member(uuid: str, entry: int, problem: Problem | None = None) -> Response:
    """Where one member's code is, and what can be done if it is lost."""
    view = find_election(uuid)
    member = _find_member(view.id, entry)
    return make_election_page(
        "office/credential_member.html",
        view,
        problem=problem,
        tab=_TAB,
        member=member,
        held=describe_held(member),
        is_fixed=view.state in (State.KEYS_READY, State.OPEN, State.PAUSED),
        may_replace=member.replaced is not None and is_allowed(view.state, Act.PUBLISH_CREDENTIALS),
        done=request.args.get("done", ""),
    )


@blueprint.post(_MEMBER)
@access("login", roles=REGISTRARS)
@shown_again(show_member)
def replace_credential(uuid: str, entry: int) -> Response:
    """Give the member a new code in the place of the lost one."""
    fields = parse_form(request.form, ("code",))
    member = _find_member(find_election(uuid).id, entry)
    confirm(fields["code"])
    actor = get_actor().acting_as(Role.REGISTRAR)
    service.replace_credentials(get_context(), uuid, [member.member_number], actor)
    return redirect_to("registrar_office.show_member", uuid=uuid, entry=entry, done="replaced")


def _find_member(election_id: int, entry: int) -> vault.Held:
    with get_context().database.read() as session:
        member = vault.find_held(session, election_id, entry)
    if member is None:
        raise Problem(404, "not-found", "There is nothing at this address.")
    return member
