"""Pages of an election's complaints: the list, the form that records one, and that of the decision on one."""

from __future__ import annotations

from flask import Blueprint, Response, request

from voting_app.access import OFFICERS, STAFF, Role, access, get_actor
from voting_app.accounts.forms import parse_form
from voting_app.context import get_context
from voting_app.elections.limits import LONGEST_REASON
from voting_app.elections.office import find_election, make_election_page
from voting_app.errors import Problem
from voting_app.incidents import service, wire
from voting_app.office import confirm, redirect_to, shown_again
from voting_app.paging import cut
from voting_app.public.words import describe_act

blueprint = Blueprint("incidents_office", __name__)

_COMPLAINTS = "/office/elections/<uuid>/complaints"
_COMPLAINT = f"{_COMPLAINTS}/<int:number>"
_TAB = "elections_office.show_election"
_LIST = "incidents_office.show_complaints"


@blueprint.get(_COMPLAINTS)
@access("login", roles=STAFF)
def show_complaints(uuid: str, problem: Problem | None = None) -> Response:
    """Show all complaints with what was decided on them, the newest first, and the form for another one."""
    view = find_election(uuid)
    with get_context().database.read() as session:
        found = service.list_complaints(session, uuid)
    page = cut(found[::-1], request.args.get("page"))
    return make_election_page(
        "incidents/complaints.html",
        view,
        problem=problem,
        tab=_TAB,
        page=page,
        complaints=[
            (
                one.number,
                describe_act(one.made, view.time_zone),
                describe_act(one.resolved, view.time_zone) if one.resolved else None,
            )
            for one in page.items
        ],
        may_write=get_actor().role in OFFICERS,
        typed=request.form.get("text", ""),
        longest=LONGEST_REASON,
        done=request.args.get("done", ""),
    )


@blueprint.post(_COMPLAINTS)
@access("login", roles=OFFICERS)
@shown_again(show_complaints)
def record_complaint(uuid: str) -> Response:
    """Write a complaint into the journal."""
    fields = parse_form(request.form, ("text", "code"))
    # Before the code, which is good once: a slip of the hand must not cost one.
    text = wire.parse_form_words(fields["text"])
    with get_context().database.read() as session:
        service.require_new(service.list_complaints(session, uuid), text)
    confirm(fields["code"])
    service.record_complaint(get_context(), uuid, text, get_actor().acting_as(Role.COMMITTEE))
    return redirect_to(_LIST, uuid=uuid, done="recorded")


@blueprint.get(_COMPLAINT)
@access("login", roles=OFFICERS)
def show_complaint(uuid: str, number: int, problem: Problem | None = None) -> Response:
    """Show one complaint, and the form for what was decided on it."""
    view = find_election(uuid)
    with get_context().database.read() as session:
        complaint = service.get_complaint(session, uuid, number)
    return make_election_page(
        "incidents/complaint.html",
        view,
        problem=problem,
        tab=_TAB,
        number=number,
        made=describe_act(complaint.made, view.time_zone),
        resolved=describe_act(complaint.resolved, view.time_zone) if complaint.resolved else None,
        typed=request.form.get("text", ""),
        longest=LONGEST_REASON,
    )


@blueprint.post(f"{_COMPLAINT}/resolution")
@access("login", roles=OFFICERS)
@shown_again(show_complaint)
def resolve_complaint(uuid: str, number: int) -> Response:
    """Write what was decided on a complaint into the journal."""
    fields = parse_form(request.form, ("text", "code"))
    with get_context().database.read() as session:
        service.require_unresolved(service.get_complaint(session, uuid, number))
    text = wire.parse_form_words(fields["text"])
    confirm(fields["code"])
    service.resolve_complaint(get_context(), uuid, number, text, get_actor().acting_as(Role.COMMITTEE))
    return redirect_to(_LIST, uuid=uuid, done="resolved")
