"""The committee's page of the trustees: who they are, how far each has come, their links, and the making of the key."""

from collections.abc import Mapping

from flask import Blueprint, Response, request, url_for

from crypto.writing import is_blank
from voting_app.access import OFFICERS, Role, access, get_actor
from voting_app.accounts.forms import parse_form
from voting_app.context import get_context
from voting_app.elections.office import find_election, make_election_page
from voting_app.elections.states import Act, State, is_allowed
from voting_app.errors import Problem
from voting_app.login import FORM_FIELD
from voting_app.mail.service import is_enabled
from voting_app.mailing.deliveries import ON_ITS_WAY, TROUBLE, count_states
from voting_app.office import confirm, redirect_to, shown_again
from voting_app.public.words import describe_trustees
from voting_app.registrar.service import SERVER_MODE
from voting_app.trustees import keys, service, wire
from voting_app.trustees.service import Person, SeatToken, SeatView
from voting_app.trustees.states import Step
from voting_app.trustees.words import describe_step

blueprint = Blueprint("trustees_office", __name__)

READERS = (*OFFICERS, Role.REGISTRAR, Role.OBSERVER)
_TRUSTEES = "/office/elections/<uuid>/trustees"
_SEAT = f"{_TRUSTEES}/<int:owner>"
_TAB = "trustees_office.show_trustees"
# Names and addresses of thirty people.
_LONGEST_FORM = 60_000


@blueprint.get(_TRUSTEES)
@access("login", roles=READERS)
def show_trustees(uuid: str, problem: Problem | None = None) -> Response:
    """Who the trustees are and how far each has come; the form that seats them, where nobody has yet."""
    view = find_election(uuid)
    seats = service.get_progress(get_context(), uuid)
    with get_context().database.read() as session:
        mails = count_states(session, view.id)
    return make_election_page(
        "office/trustees.html",
        view,
        problem=problem,
        tab=_TAB,
        plan=describe_trustees(view),
        seats=[(seat, describe_step(seat.step)) for seat in seats],
        owners=range(1, view.trustees.seats + 1),
        typed=request.form,
        may_seat=not seats and is_allowed(view.state, Act.MAKE_KEYS),
        may_ready=_are_complete(seats) and view.state in (State.DRAFT, State.ROLL_FROZEN),
        is_server=view.credential_mode == SERVER_MODE,
        on_its_way=sum(mails[state] for state in ON_ITS_WAY),
        trouble=sum(mails[state] for state in TROUBLE),
        needs_freeze=view.state is State.DRAFT,
        is_officer=get_actor().role in OFFICERS,
        done=request.args.get("done", ""),
    )


@blueprint.post(_TRUSTEES)
@access("login", roles=OFFICERS, longest_form=_LONGEST_FORM)
@shown_again(show_trustees)
def seat_trustees(uuid: str) -> Response:
    """Make the seats, and show each trustee's link, this once."""
    count = find_election(uuid).trustees.seats
    names = [f"{field}-{owner}" for owner in range(1, count + 1) for field in ("name", "email")]
    if not set(request.form) <= {*names, "code", FORM_FIELD}:
        # The number of trustees was edited meanwhile, or the form is not ours.
        raise Problem(409, "changed-meanwhile", "Somebody else has changed this meanwhile.")
    fields = parse_form(request.form, ("code",), names)
    people = {owner: _read_person(fields, f"-{owner}") for owner in range(1, count + 1)}
    confirm(fields["code"])
    seats = service.create_seats(get_context(), uuid, people)
    return _show_links(uuid, seats)


@blueprint.post(f"{_TRUSTEES}/keys")
@access("login", roles=OFFICERS)
@shown_again(show_trustees)
def ready_keys(uuid: str) -> Response:
    """Put the election's key together; from then on nothing of the election can be edited."""
    fields = parse_form(request.form, ("code",))
    confirm(fields["code"])
    keys.ready_keys(get_context(), uuid, get_actor().acting_as(Role.COMMITTEE))
    return redirect_to(_TAB, uuid=uuid, done="keys")


@blueprint.get(_SEAT)
@access("login", roles=OFFICERS)
def show_seat(uuid: str, owner: int, problem: Problem | None = None) -> Response:
    """One trustee, and what can be done about the seat."""
    view = find_election(uuid)
    seat = next((s for s in service.get_progress(get_context(), uuid) if s.progress.owner == owner), None)
    if seat is None:
        raise Problem(404, "unknown-trustee", "This election has no trustee with this number.")
    may_restart = is_allowed(view.state, Act.MAKE_KEYS)
    return make_election_page(
        "office/trustee.html",
        view,
        problem=problem,
        tab=_TAB,
        seat=seat,
        step=describe_step(seat.step),
        typed={
            name: request.form.get(name, known)
            for name, known in (("name", seat.name or ""), ("email", seat.email or ""), ("reason", ""))
        },
        may_remind=is_enabled(get_context().settings) and seat.email is not None,
        may_renew=is_allowed(view.state, Act.RENEW_LINK) and not (may_restart and seat.has_begun),
        may_restart=may_restart,
        done=request.args.get("done", ""),
    )


@blueprint.post(f"{_SEAT}/person")
@access("login", roles=OFFICERS)
@shown_again(show_seat)
def set_person(uuid: str, owner: int) -> Response:
    """Correct name or address."""
    fields = parse_form(request.form, ("name", "email"))
    service.set_person(get_context(), uuid, owner, _read_person(fields))
    return redirect_to("trustees_office.show_seat", uuid=uuid, owner=owner, done="person")


@blueprint.post(f"{_SEAT}/remind")
@access("login", roles=OFFICERS)
@shown_again(show_seat)
def remind(uuid: str, owner: int) -> Response:
    """Mail a trustee once more that it is their turn."""
    parse_form(request.form)
    service.remind(get_context(), uuid, owner)
    return redirect_to("trustees_office.show_seat", uuid=uuid, owner=owner, done="reminded")


@blueprint.post(f"{_SEAT}/link")
@access("login", roles=OFFICERS)
@shown_again(show_seat)
def renew_link(uuid: str, owner: int) -> Response:
    """Give a trustee another link, and show it, this once."""
    fields = parse_form(request.form, ("code",))
    confirm(fields["code"])
    seat = service.renew_link(get_context(), uuid, owner)
    return _show_links(uuid, [seat])


@blueprint.post(f"{_SEAT}/restart")
@access("login", roles=OFFICERS)
@shown_again(show_seat)
def restart_seat(uuid: str, owner: int) -> Response:
    """Begin the keys anew, with the same person on this seat or another one; the journal says so."""
    fields = parse_form(request.form, ("name", "email", "reason", "code"))
    person, reason = _read_person(fields), _read_reason(fields["reason"])
    confirm(fields["code"])
    actor = get_actor().acting_as(Role.COMMITTEE)
    seat = service.restart_seat(get_context(), uuid, owner, reason, actor, person)
    return _show_links(uuid, [seat])


def _read_person(fields: Mapping[str, str], suffix: str = "") -> Person:
    """Name and address out of a form; Problem 422 `bad-name`, `bad-address`. A mail address may be missing."""
    try:
        person = wire.make_person(fields[f"name{suffix}"], fields[f"email{suffix}"])
    except Problem as problem:
        if problem.extra.get("field") == "email":
            raise Problem(
                422, "bad-address", "This is not a mail address that can be written to."
            ) from problem
        person = Person()
    if is_blank(person.name or ""):
        raise Problem(422, "bad-name", "A name is needed, on one line, of at most 200 signs.")
    return person


def _read_reason(text: str) -> str:
    try:
        return wire.read_reason(text)
    except Problem as problem:
        raise Problem(
            422, "reason-missing", "A reason is needed, of at most 2000 signs. Everybody can read it."
        ) from problem


def _are_complete(seats: list[SeatView]) -> bool:
    return bool(seats) and all(seat.step is Step.WAIT_KEYS_READY for seat in seats)


def _show_links(uuid: str, seats: list[SeatToken]) -> Response:
    return make_election_page(
        "office/trustee_links.html",
        find_election(uuid),
        tab=_TAB,
        here=url_for(_TAB, uuid=uuid),
        seats=seats,
    )
