"""The officers' pages of acts: the calendar of an election, and a page for each act, where one officer proposes it and
others agree or withdraw it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, request

from voting_app.access import OFFICERS, access, get_actor
from voting_app.accounts.forms import parse_form
from voting_app.approvals import service, wire
from voting_app.approvals.proposals import ProposalView
from voting_app.approvals.words import ORDER, DeedWords, describe_deed
from voting_app.context import get_context
from voting_app.elections import service as elections
from voting_app.elections.office import find_election, make_election_page
from voting_app.elections.privacy import Severity
from voting_app.elections.privacy_words import describe_finding
from voting_app.elections.service import ElectionView, PrivacyReport
from voting_app.elections.states import Act, is_allowed
from voting_app.error_pages import translate_problem
from voting_app.errors import Problem
from voting_app.languages import get_language
from voting_app.mail.service import is_enabled
from voting_app.office import confirm, redirect_to, shown_again
from voting_app.roll import service as roll

blueprint = Blueprint("approvals_office", __name__)

_CALENDAR = "approvals_office.show_calendar"
_ACT = "/office/elections/<uuid>/acts/<act>"
# Before these people read what the privacy check has found: after the first nothing of it can be mended any more.
_CHECKED = frozenset({Act.FREEZE_ROLL, Act.OPEN})


@dataclass(frozen=True, slots=True)
class _Proposed:
    """An open proposal as a page shows it. people: who agrees, by name; more: how many others must."""

    view: ProposalView
    words: DeedWords
    people: tuple[str, ...]
    more: int
    is_mine: bool
    closes_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Privacy:
    """What the privacy check found that who decides must know. findings: severity and sentence of each."""

    is_blocking: bool
    findings: tuple[tuple[str, str], ...]


@blueprint.get("/office/elections/<uuid>/calendar")
@access("login", roles=OFFICERS)
def show_calendar(uuid: str) -> Response:
    """Show what waits for another officer, and which acts the election's state allows."""
    view = find_election(uuid)
    found = service.list_proposals(get_context(), uuid)
    return make_election_page(
        "approvals/calendar.html",
        view,
        proposed=[_describe(view, proposal) for proposal in found],
        acts=[(act, describe_deed(act)) for act in ORDER if is_allowed(view.state, act)],
        is_short=_is_short(view),
        has_mail=is_enabled(get_context().settings),
        done=_find_done(),
    )


@blueprint.get(_ACT)
@access("login", roles=OFFICERS)
def show_act(uuid: str, act: str, problem: Problem | None = None) -> Response:
    """Show an act: what it means and its form, or who has proposed it."""
    deed = wire.parse_act(act)
    view = find_election(uuid)
    proposal = service.find_proposal(get_context(), uuid, deed)
    is_possible = is_allowed(view.state, deed)
    report = elections.report_privacy(get_context(), uuid) if deed in _CHECKED and is_possible else None
    hindrance = _find_hindrance(view, deed, proposal, report) if is_possible else None
    return make_election_page(
        "approvals/act.html",
        view,
        problem=problem,
        tab=_CALENDAR,
        act=deed,
        words=describe_deed(deed),
        fields=wire.FIELDS[deed],
        typed={name: request.form.get(name, "") for name in wire.FIELDS[deed]},
        is_possible=is_possible,
        hindrance=hindrance,
        hindrance_words=None if hindrance is None else translate_problem(hindrance),
        proposed=None if proposal is None else _describe(view, proposal),
        needed=1 if view.officers is None else view.officers.count(deed),
        is_short=_is_short(view),
        has_mail=is_enabled(get_context().settings),
        freeze=_find_freeze(view) if deed is Act.FREEZE_ROLL else None,
        privacy=None if report is None else _describe_privacy(report),
    )


@blueprint.post(_ACT)
@access("login", roles=OFFICERS)
@shown_again(show_act)
def propose(uuid: str, act: str) -> Response:
    """Propose an act; where one officer is enough, it is done."""
    deed, view = wire.parse_act(act), find_election(uuid)
    fields = parse_form(request.form, ("code",), wire.FIELDS[deed])
    # Before the code, which is good once: a slip of the hand must not cost one.
    wish = wire.parse_wish(deed, fields, view.time_zone)
    _require_possible(uuid, deed, wish)
    confirm(fields["code"])
    outcome = service.propose_or_agree(get_context(), uuid, deed, wish, get_actor())
    return _go_on(uuid, deed, is_done=outcome.is_done)


@blueprint.post(f"{_ACT}/agreement")
@access("login", roles=OFFICERS)
@shown_again(show_act)
def agree(uuid: str, act: str) -> Response:
    """Agree to what was read; the last one who is needed does it with that."""
    deed = wire.parse_act(act)
    fields = parse_form(request.form, ("code", "subject"))
    proposal = service.find_proposal(get_context(), uuid, deed)
    if proposal is not None and proposal.subject == fields["subject"]:
        _require_possible(uuid, deed, proposal.payload)
    confirm(fields["code"])
    outcome = service.agree(get_context(), uuid, deed, fields["subject"], get_actor())
    return _go_on(uuid, deed, is_done=outcome.is_done)


@blueprint.post(f"{_ACT}/withdrawal")
@access("login", roles=OFFICERS)
@shown_again(show_act)
def withdraw(uuid: str, act: str) -> Response:
    """Withdraw a proposal, one's own or another officer's. Nothing is done by it, so it needs no code."""
    deed = wire.parse_act(act)
    fields = parse_form(request.form, ("subject",))
    service.withdraw(get_context(), uuid, deed, fields["subject"])
    return redirect_to(_CALENDAR, uuid=uuid, done="withdrawn")


def _require_possible(uuid: str, act: Act, payload: Mapping[str, Any]) -> None:
    hindrance = service.find_hindrance(get_context(), uuid, act, payload)
    if hindrance is not None:
        raise hindrance


def _find_hindrance(
    view: ElectionView, act: Act, proposal: ProposalView | None, report: PrivacyReport | None
) -> Problem | None:
    """Why what the page would offer cannot be done now: to agree to the proposal, or to make one."""
    if act is Act.OPEN and report is not None:
        problem = elections.find_privacy_problem(report)
        if problem is not None:
            return problem
    payload = None if proposal is None else proposal.payload
    return service.find_hindrance(get_context(), view.uuid, act, payload)


def _go_on(uuid: str, act: Act, *, is_done: bool) -> Response:
    return redirect_to(_CALENDAR, uuid=uuid, done=act.value if is_done else "proposed")


def _find_done() -> str | DeedWords | None:
    """What the page before this one did."""
    done = request.args.get("done", "")
    if done in ("proposed", "withdrawn"):
        return done
    return describe_deed(Act(done)) if done in ORDER else None


def _is_short(view: ElectionView) -> bool:
    """Whether fewer officers can log in than an act needs."""
    needed = 1 if view.officers is None else view.officers.needed
    return service.count_officers(get_context()) < needed


def _describe_privacy(report: PrivacyReport) -> _Privacy | None:
    """What the result would tell of votes, in words; None where nothing was found."""
    found = [finding for finding in report.findings if finding.severity is not Severity.NOTE]
    if not found:
        return None
    said = ((finding.severity.value, describe_finding(finding, get_language())) for finding in found)
    return _Privacy(bool(report.blocking), tuple(said))


def _find_freeze(view: ElectionView) -> Any:
    """What a freeze would fix now; None where it cannot be done."""
    try:
        with get_context().database.read() as session:
            return roll.describe_freeze(get_context(), session, view.uuid)
    except Problem:
        return None


def _describe(view: ElectionView, proposal: ProposalView) -> _Proposed:
    needed = 1 if view.officers is None else view.officers.count(proposal.act)
    closes_at = proposal.payload.get("closes_at")
    return _Proposed(
        view=proposal,
        words=describe_deed(proposal.act),
        people=tuple(service.find_names(get_context(), proposal.agreed)),
        more=max(needed - len(proposal.agreed), 1),
        is_mine=get_actor().account_number in {actor.account_number for actor in proposal.agreed},
        closes_at=None
        if closes_at is None
        else datetime.strptime(closes_at, "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC),
    )
