"""The committee's page of the result: what is awaited, what was counted, whether the numbers agree, and the report."""

from flask import Blueprint, Response

from crypto.encoding import sha256_hex
from voting_app.access import OFFICERS, STAFF, access, get_actor
from voting_app.approvals import service as approvals
from voting_app.certification import service, words
from voting_app.context import get_context
from voting_app.elections.office import find_election, make_election_page
from voting_app.elections.states import State
from voting_app.languages import get_language
from voting_app.public import outcome
from voting_app.public import service as public
from voting_app.public.words import list_warnings
from voting_app.trustees import service as trustees
from voting_app.trustees.words import describe_step

blueprint = Blueprint("certification_office", __name__)

# Before these there is nothing to be counted.
_COUNTING = frozenset({State.CLOSED, State.TALLIED, *service.FINAL})


@blueprint.get("/office/elections/<uuid>/result")
@access("login", roles=STAFF)
def show_result(uuid: str) -> Response:
    """Show how far the counting is, then the result, its numbers, and the report."""
    view = find_election(uuid)
    template = "office/election_result.html"
    if view.state not in _COUNTING:
        return make_election_page(template, view, shown=None)
    with get_context().database.read() as session:
        shown = public.get_shown(session, uuid, get_language())
        account = service.make_account(session, uuid)
        report = service.read_report(session, uuid) if view.state in service.FINAL else None
        seats = trustees.list_seat_views(session, uuid)
        certification = service.find_certification(session, uuid)
    # Who acted is public by number; who that is, officers know, and it stays among them.
    is_officer = get_actor().role in OFFICERS
    actors = () if certification is None else certification.actors
    names = approvals.find_names(get_context(), actors) if is_officer else [""] * len(actors)
    return make_election_page(
        template,
        view,
        shown=shown,
        outcome=outcome.describe_outcome(shown),
        warnings=list_warnings(shown),
        counts=words.list_counts(account.report),
        mismatches=words.describe_mismatches(account),
        report_hash=sha256_hex(report) if report else None,
        seats=[(seat, describe_step(seat.step)) for seat in seats],
        missing=max(shown.needed - shown.decrypted, 0),
        may_certify=is_officer,
        certification=certification,
        certifiers=[
            (str(actor), "" if name == str(actor) else name)
            for actor, name in zip(actors, names, strict=True)
        ],
        spare=max(len(seats) - shown.needed, 0),
    )
