"""The committee's pages of an election: the list, and the frame that each page about one election has.

Other features have pages of their own there (`office.py` in their folders); `make_election_page` gives them the frame.
"""

from typing import Any

from flask import Blueprint, Response, current_app, request
from flask_babel import gettext

from voting_app.access import OFFICERS, STAFF, access, find_mark, get_actor
from voting_app.approvals.words import describe_deed
from voting_app.context import get_context
from voting_app.dashboard.service import make_dashboard
from voting_app.elections import service
from voting_app.elections.service import ElectionView
from voting_app.errors import Problem
from voting_app.languages import N_
from voting_app.office import MenuEntry, make_office_page
from voting_app.pages import page_url
from voting_app.paging import cut
from voting_app.public.words import describe_act, describe_state
from voting_app.trustees.words import describe_step

blueprint = Blueprint("elections_office", __name__)

# Endpoint, which takes a `uuid` -> its name among the pages of an election, in the order of the work. Each is shown to
# whoever its access mark lets in.
TABS = {
    "elections_office.show_election": N_("Overview"),
    "elections_editor.show_editor": N_("Texts and questions"),
    "candidates_office.show_candidates": N_("Candidates"),
    "roll_office.show_roll": N_("Roll"),
    "registrar_office.show_credentials": N_("Voting codes"),
    "mailing_office.show_mailing": N_("Mailing"),
    "trustees_office.show_trustees": N_("Trustees"),
    "approvals_office.show_calendar": N_("Calendar"),
    "certification_office.show_result": N_("Result"),
}


@blueprint.get("/office/elections")
@access("login", roles=STAFF)
def list_elections() -> Response:
    """List all elections, the newest first."""
    words = request.args.get("words", "").strip()
    with get_context().database.read() as session:
        views = [v for v in service.list_elections(session) if words.casefold() in v.name.casefold()]
    page = cut(list(reversed(views)), request.args.get("page"))
    return make_office_page(
        "office/elections.html",
        page=page,
        entries=[(view, describe_state(view.state)) for view in page.items],
        words=words,
        may_create=get_actor().role in OFFICERS,
    )


@blueprint.get("/office/elections/<uuid>")
@access("login", roles=STAFF)
def show_election(uuid: str) -> Response:
    """Show where an election stands."""
    with get_context().database.read() as session:
        view = service.election_for_box(session, uuid)
        dashboard = make_dashboard(session, view, get_context().clock.now())
    acts = [describe_act(line, view.time_zone) for line in dashboard.incidents]
    seats = [(seat, describe_step(seat.step)) for seat in dashboard.awaited]
    return make_election_page(
        "office/election_overview.html",
        view,
        dashboard=dashboard,
        acts=acts,
        seats=seats,
        is_officer=get_actor().role in OFFICERS,
        proposed=[(act, describe_deed(act)) for act in dashboard.proposed],
    )


def find_election(uuid: str) -> ElectionView:
    """Return the election that a page is about; Problem 404 `unknown-election`."""
    with get_context().database.read() as session:
        return service.election_for_box(session, uuid)


def make_election_page(
    template: str,
    view: ElectionView,
    *,
    problem: Problem | None = None,
    status: int = 200,
    tab: str = "",
    **values: Any,
) -> Response:
    """A page about one election; its template extends office/election.html. tab: the endpoint whose tab is the present
    one, where it is not that of the request. The rest as for `make_office_page`.
    """
    return make_office_page(
        template,
        problem=problem,
        status=status,
        view=view,
        state=describe_state(view.state),
        tabs=_list_tabs(view.uuid, tab or request.endpoint or ""),
        **values,
    )


def _list_tabs(uuid: str, present: str) -> list[MenuEntry]:
    role = get_actor().role
    return [
        MenuEntry(page_url(endpoint, uuid=uuid), gettext(name), endpoint == present)
        for endpoint, name in TABS.items()
        if (mark := find_mark(current_app, endpoint)) is not None and role in mark.roles
    ]
