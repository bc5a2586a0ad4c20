"""Pages about mail to members: addresses that must be confirmed, the run that sends codes, and what became of each."""

from __future__ import annotations

from flask import Blueprint, Response, request

from voting_app.access import OFFICERS, REGISTRARS, STAFF, Role, access, get_actor
from voting_app.accounts.forms import parse_form
from voting_app.context import get_context
from voting_app.elections.office import find_election, make_election_page
from voting_app.elections.service import election_for_box, lock_election
from voting_app.elections.states import State
from voting_app.errors import Problem
from voting_app.mail.service import is_enabled
from voting_app.mailing import addresses, deliveries, members, words
from voting_app.mailing.deliveries import KEEPING_DAYS
from voting_app.mailing.members import Only
from voting_app.office import confirm, redirect_to, shown_again
from voting_app.paging import cut
from voting_app.registrar.service import SERVER_MODE
from voting_app.roll.members import contains_words, split_words

blueprint = Blueprint("mailing_office", __name__)

_MAILING = "/office/elections/<uuid>/mailing"
_MEMBER = f"{_MAILING}/members/<int:entry>"
_TAB = "mailing_office.show_mailing"
_LONGEST_SEARCH = 200
# Observers see numbers, and nobody's name, as on the pages of the roll.
_SEES_MEMBERS = tuple(role for role in STAFF if role is not Role.OBSERVER)
# Who sees the whole address, and not only enough of it to ask.
_SEES_ADDRESSES = frozenset({*OFFICERS, *REGISTRARS})


@blueprint.get(_MAILING)
@access("login", roles=STAFF)
def show_mailing(uuid: str, problem: Problem | None = None) -> Response:
    """How many addresses are confirmed, how many codes were sent, and what to do next."""
    context, view, role = get_context(), find_election(uuid), get_actor().role
    with context.database.read() as session:
        summary = members.summarise(session, context, view)
    asked = request.args.get("asked", "")
    return make_election_page(
        "mailing/overview.html",
        view,
        problem=problem,
        tab=_TAB,
        summary=summary,
        is_server_mode=view.credential_mode == SERVER_MODE,
        is_asking=view.state in addresses.ASKING_STATES,
        is_sending=deliveries.is_sending(context, view),
        has_changed=deliveries.has_changed(context, view),
        has_mail=is_enabled(context.settings),
        per_minute=context.settings.mail_per_minute,
        is_officer=role in OFFICERS,
        is_registrar=role in REGISTRARS,
        asked=int(asked) if asked.isdecimal() and len(asked) < 9 else None,
        started=request.args.get("done") == "started",
        done=request.args.get("done", ""),
    )


@blueprint.post(f"{_MAILING}/questions")
@access("login", roles=REGISTRARS)
@shown_again(show_mailing)
def ask_members(uuid: str) -> Response:
    """Ask all who were not asked yet, or did not answer in time, whether their address is right."""
    fields = parse_form(request.form, ("code",))
    confirm(fields["code"])
    asked = addresses.ask_members(get_context(), uuid)
    return redirect_to(_TAB, uuid=uuid, asked=asked)


@blueprint.post(f"{_MAILING}/rule")
@access("login", roles=OFFICERS)
@shown_again(show_mailing)
def change_rule(uuid: str) -> Response:
    """Decide whether an address must be confirmed before it gets a code."""
    fields = parse_form(request.form, ("confirming", "code"))
    if fields["confirming"] not in ("yes", "no"):
        raise Problem(400, "bad-request", "The request could not be understood.")
    context = get_context()
    confirm(fields["code"])
    with context.database.write() as session:
        election = lock_election(session, uuid)
        addresses.require_asking(election_for_box(session, uuid))
        addresses.set_confirming(session, election.id, fields["confirming"] == "yes")
    return redirect_to(_TAB, uuid=uuid, done="rule")


# --- a run -------------------------------------------------------------------------------------------------


@blueprint.get(f"{_MAILING}/run")
@access("login", roles=REGISTRARS)
def show_run(uuid: str, problem: Problem | None = None) -> Response:
    """Who would be mailed, who not and why."""
    context, view = get_context(), find_election(uuid)
    is_sendable = True
    try:
        deliveries.require_sendable(context, view)
    except Problem as refusal:
        if refusal.code in ("credential-mode", "wrong-state", "keys-incomplete"):
            return show_mailing(uuid, refusal)
        # Who would be mailed can be looked at all the same.
        is_sendable, problem = False, refusal
    with context.database.read() as session:
        plan = deliveries.plan_run(session, context, view)
        is_confirming = addresses.is_confirming(session, view.id)
    found = [(member, words.describe_fault(fault)) for member, fault in plan.faults]
    looked_for = request.args.get("words", "")[:_LONGEST_SEARCH]
    listed = [
        member
        for member in plan.recipients
        if contains_words((member.name, member.member_number, member.email), split_words(looked_for))
    ]
    return make_election_page(
        "mailing/run.html",
        view,
        problem=problem,
        tab=_TAB,
        plan=plan,
        is_sendable=is_sendable,
        page=cut(listed, request.args.get("page")),
        words=looked_for,
        # So many that a person looks at each; the others are in the list of members.
        faults=found[:50],
        minutes=-(-len(plan.recipients) // context.settings.mail_per_minute),
        is_confirming=is_confirming,
        keeping=KEEPING_DAYS,
    )


@blueprint.post(f"{_MAILING}/run")
@access("login", roles=REGISTRARS)
@shown_again(show_run)
def start_run(uuid: str) -> Response:
    """Put the mails into the outbox, for exactly those who were shown."""
    fields = parse_form(request.form, ("shown", "keep", "code"), ("leave_out",))
    if fields["keep"] not in map(str, KEEPING_DAYS) or fields["leave_out"] not in ("", "yes"):
        raise Problem(400, "bad-request", "The request could not be understood.")
    confirm(fields["code"])
    deliveries.start_run(
        get_context(),
        uuid,
        shown=fields["shown"],
        leaves_out=fields["leave_out"] == "yes",
        keep_days=int(fields["keep"]),
    )
    return redirect_to(_TAB, uuid=uuid, done="started")


# --- members -----------------------------------------------------------------------------------------------


@blueprint.get(f"{_MAILING}/members")
@access("login", roles=_SEES_MEMBERS)
def list_members(uuid: str) -> Response:
    """Look for members by name, number or address, or by what became of their mail."""
    context, view = get_context(), find_election(uuid)
    wanted = request.args.get("words", "")[:_LONGEST_SEARCH]
    shown = request.args.get("only", "")
    only = Only(shown) if shown in set(Only) else Only.ALL
    sees_addresses = get_actor().role in _SEES_ADDRESSES
    with context.database.read() as session:
        found = members.find_members(session, context, view, wanted, only, sees_addresses=sees_addresses)
        page = cut(found, request.args.get("page"))
        standings = members.list_standings(session, context, view, page.items)
    return make_election_page(
        "mailing/members.html",
        view,
        tab=_TAB,
        page=page,
        entries=[(s, words.describe_address(s.address), words.describe_delivery(s)) for s in standings],
        words=wanted,
        only=only.value,
        filters=words.list_filters(),
        show_address=_show_address,
    )


@blueprint.get(_MEMBER)
@access("login", roles=_SEES_MEMBERS)
def show_member(uuid: str, entry: int, problem: Problem | None = None) -> Response:
    """What became of one member's code, and what can be done."""
    context, view, role = get_context(), find_election(uuid), get_actor().role
    with context.database.read() as session:
        found = members.list_standings(session, context, view, [entry])
    if not found:
        raise Problem(404, "not-found", "There is nothing at this address.")
    standing = found[0]
    return make_election_page(
        "mailing/member.html",
        view,
        problem=problem,
        tab=_TAB,
        member=standing,
        address_words=words.describe_address(standing.address),
        delivery_words=words.describe_delivery(standing),
        show_address=_show_address,
        is_registrar=role in REGISTRARS,
        is_server_mode=view.credential_mode == SERVER_MODE,
        may_replace=view.state is State.ROLL_FROZEN,
        sees_addresses=role in _SEES_ADDRESSES,
        can_ask=view.state in addresses.ASKING_STATES
        and standing.address not in (addresses.AddressState.MISSING, addresses.AddressState.UNUSABLE),
        is_sending=deliveries.is_sending(context, view),
        done=request.args.get("done", ""),
    )


@blueprint.post(f"{_MEMBER}/question")
@access("login", roles=REGISTRARS)
@shown_again(show_member)
def ask_member(uuid: str, entry: int) -> Response:
    """Ask this member once more."""
    parse_form(request.form)
    addresses.ask_member(get_context(), uuid, entry)
    return _back_to_member(uuid, entry, "asked")


@blueprint.post(f"{_MEMBER}/again")
@access("login", roles=REGISTRARS)
@shown_again(show_member)
def send_again(uuid: str, entry: int) -> Response:
    """Send the same code once more."""
    fields = parse_form(request.form, ("code",))
    confirm(fields["code"])
    deliveries.send_again(get_context(), uuid, entry)
    return _back_to_member(uuid, entry, "again")


@blueprint.post(f"{_MEMBER}/arrived")
@access("login", roles=REGISTRARS)
@shown_again(show_member)
def note_arrived(uuid: str, entry: int) -> Response:
    """Note that an unclear mail has arrived; its code is erased."""
    fields = parse_form(request.form, ("code",))
    confirm(fields["code"])
    deliveries.note_arrived(get_context(), uuid, entry)
    return _back_to_member(uuid, entry, "noted")


@blueprint.post(f"{_MEMBER}/bounced")
@access("login", roles=REGISTRARS)
@shown_again(show_member)
def note_bounced(uuid: str, entry: int) -> Response:
    """Note that a mail came back. Without a second factor: it changes a note, and there may be many in a morning."""
    parse_form(request.form)
    deliveries.note_bounced(get_context(), uuid, entry, "")
    return _back_to_member(uuid, entry, "noted")


def _back_to_member(uuid: str, entry: int, done: str) -> Response:
    return redirect_to("mailing_office.show_member", uuid=uuid, entry=entry, done=done)


def _show_address(email: str) -> str:
    return email if get_actor().role in _SEES_ADDRESSES else members.mask(email)
