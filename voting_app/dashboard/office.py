"""The office's first page: what waits for this person, what goes on, and the first steps of a new office."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Blueprint, Response
from sqlalchemy.orm import Session

from voting_app.access import OFFICERS, STAFF, Role, access, get_login
from voting_app.accounts import own
from voting_app.accounts import service as accounts
from voting_app.accounts.service import Person
from voting_app.approvals import proposals
from voting_app.approvals.proposals import ProposalView
from voting_app.approvals.words import describe_deed
from voting_app.context import get_context
from voting_app.elections import service as elections
from voting_app.elections.service import ElectionView
from voting_app.elections.states import State
from voting_app.office import make_office_page
from voting_app.public.words import describe_state

blueprint = Blueprint("dashboard_office", __name__)

# As many as a small screen has room for; the list of all elections is one link away.
_MOST = 10
_ENDED = (State.CERTIFIED, State.CANCELLED, State.UNTALLIABLE)


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """What a new office does before its first election: whether it is done."""

    has_second_officer: bool
    has_registrar: bool
    has_election: bool

    @property
    def are_done(self) -> bool:
        return self.has_second_officer and self.has_registrar and self.has_election


@blueprint.get("/office")
@access("login", roles=STAFF)
def show_start() -> Response:
    """The office's first page."""
    context, login = get_context(), get_login()
    now, is_officer = context.clock.now(), login.actor.role in OFFICERS
    with context.database.read() as session:
        views = elections.list_elections(session)
        going_on = [view for view in reversed(views) if view.state not in _ENDED][:_MOST]
        awaited = _list_awaited(session, going_on) if is_officer else []
        people = accounts.list_people(session, now)
    return make_office_page(
        "office/start.html",
        codes=own.count_recovery_codes(context, login),
        elections=[(view, describe_state(view.state)) for view in going_on],
        awaited=[(view, proposal.act.value, describe_deed(proposal.act)) for view, proposal in awaited],
        may_create=is_officer,
        first=find_first_steps(people, has_election=bool(views))
        if login.actor.role == Role.ADMINISTRATOR
        else None,
    )


def find_first_steps(people: list[Person], *, has_election: bool) -> FirstSteps:
    """Which of the first steps are done; who was invited and has not come yet does not count."""
    ready = [person.role for person in people if person.is_ready]
    return FirstSteps(
        has_second_officer=sum(role in OFFICERS for role in ready) > 1,
        has_registrar=Role.REGISTRAR in ready,
        has_election=has_election,
    )


def _list_awaited(session: Session, views: list[ElectionView]) -> list[tuple[ElectionView, ProposalView]]:
    """What other officers have proposed, and this one has not agreed to."""
    mine, now = get_login().actor.account_number, get_context().clock.now()
    return [
        (view, proposal)
        for view in views
        for proposal in proposals.list_open(session, view.id, now)
        if mine not in {actor.account_number for actor in proposal.agreed}
    ]
