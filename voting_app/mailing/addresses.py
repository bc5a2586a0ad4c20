"""Is this your address? Before an address gets a credential, its member has said yes by a single-use link.

Whoever changes an address on the roll, by mistake or in order to vote in a member's place, can make no use of it: the
new address is asked anew, and the ones before it are told that there is another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crypto.randomness import new_token
from voting_app.accounts.service import digest
from voting_app.context import Context
from voting_app.elections import service as elections
from voting_app.elections.service import ElectionView
from voting_app.elections.states import State
from voting_app.errors import Problem
from voting_app.mail import service as mail
from voting_app.mail.service import NewMail
from voting_app.mail.smtp import is_address
from voting_app.mailing.models import MailingRule, MemberAddress
from voting_app.mailing.texts import choose_mail_language, get_election_name
from voting_app.roll.models import RollEntry

LINK_LIFETIME = timedelta(days=14)
ASKING = "confirm-address"
TELLING = "address-changed"
# While an election is in one of these, its members may be asked.
ASKING_STATES = frozenset({State.DRAFT, State.ROLL_FROZEN, State.KEYS_READY, State.OPEN, State.PAUSED})
# So many members are asked in one transaction: while it writes, others wait.
_CHUNK = 500
# An address that nobody has confirmed is told of another one only while it may still be the member's.
_FORMER = timedelta(days=800)


class AddressState(StrEnum):
    """What is known of the address that a member has on a roll."""

    MISSING = "missing"
    # Not one that mail programs take everywhere.
    UNUSABLE = "unusable"
    UNASKED = "unasked"
    ASKED = "asked"
    # Nobody answered while the link was good, or the yes is too long ago.
    EXPIRED = "expired"
    CONFIRMED = "confirmed"
    # Whoever reads mail there is somebody else.
    DENIED = "denied"


@dataclass(frozen=True, slots=True)
class Question:
    """What the page behind a link asks. is_answered: it was, and is not asked any more."""

    name: str
    address: str
    is_answered: bool


# --- the rule ----------------------------------------------------------------------------------------------


def judge(
    email: str,
    row: MemberAddress | None,
    now: datetime,
    *,
    lifetime: timedelta,
    others: Iterable[MemberAddress] = (),
) -> AddressState:
    """Return what is known of an address on a roll; `row` is what its member was asked about it, if ever, `others` is
    what the same member was asked about other addresses.

    Whoever was asked about another one since then is asked anew, also if a yes was given: otherwise an address that was
    somebody's for a day could be put back on the roll, and nobody would be told.
    """
    if not email.strip():
        return AddressState.MISSING
    if not is_address(email):
        return AddressState.UNUSABLE
    if row is None:
        return AddressState.UNASKED
    if row.denied_at is not None:
        return AddressState.DENIED
    if any(other.denied_at is None and other.asked_at > row.asked_at for other in others):
        return AddressState.EXPIRED
    if row.confirmed_at is not None:
        return AddressState.CONFIRMED if now < row.confirmed_at + lifetime else AddressState.EXPIRED
    return AddressState.ASKED if now < row.asked_at + LINK_LIFETIME else AddressState.EXPIRED


def get_lifetime(context: Context) -> timedelta:
    """So long a confirmation is good."""
    return timedelta(days=context.settings.address_confirmation_days)


def normalise(email: str) -> str:
    """The spelling under which an address is remembered: nobody has two that differ in large letters."""
    return email.strip().lower()


def is_confirming(session: Session, election_id: int) -> bool:
    """Whether an address must be confirmed before it gets a credential of this election."""
    rule = session.get(MailingRule, election_id)
    return rule is None or rule.confirms_addresses


def set_confirming(session: Session, election_id: int, wanted: bool) -> None:
    """Decide whether addresses must be confirmed. The caller has asked who may."""
    rule = session.get(MailingRule, election_id)
    if rule is None:
        session.add(MailingRule(election_id=election_id, confirms_addresses=wanted))
    else:
        rule.confirms_addresses = wanted


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a member's address on a roll, and the question about it, if there was one."""

    state: AddressState
    row: MemberAddress | None


def find_known(session: Session, context: Context, entries: Sequence[RollEntry]) -> dict[int, Known]:
    """What is known of the addresses of these members, by the entry's id."""
    now, lifetime = context.clock.now(), get_lifetime(context)
    asked: dict[str, list[MemberAddress]] = defaultdict(list)
    for row in _list_rows(session, entries):
        asked[row.member_number].append(row)
    found = {}
    for entry in entries:
        rows, address = asked[entry.member_number], normalise(entry.email)
        own = next((row for row in rows if row.address == address), None)
        others = [row for row in rows if row is not own]
        found[entry.id] = Known(judge(entry.email, own, now, lifetime=lifetime, others=others), own)
    return found


def is_good(session: Session, context: Context, entry: RollEntry) -> bool:
    """Whether a credential may go to this member's address now."""
    state = find_known(session, context, [entry])[entry.id].state
    if is_confirming(session, entry.election_id):
        return state is AddressState.CONFIRMED
    return state not in (AddressState.MISSING, AddressState.UNUSABLE, AddressState.DENIED)


def _list_rows(session: Session, entries: Sequence[RollEntry]) -> list[MemberAddress]:
    numbers = [entry.member_number for entry in entries]
    rows: list[MemberAddress] = []
    # Neither database takes any number of values in one statement.
    for start in range(0, len(numbers), _CHUNK):
        chunk = numbers[start : start + _CHUNK]
        rows += session.scalars(select(MemberAddress).where(MemberAddress.member_number.in_(chunk)))
    return rows


# --- asking ------------------------------------------------------------------------------------------------


def ask_members(context: Context, uuid: str) -> int:
    """Send a link to every member who may vote and was not asked about the address on the roll, or did not answer in
    time; return how many.

    Each chunk stands by itself: when this breaks off, the others are asked the next time. Problems: 409
    `no-mail-server`, `wrong-state`, `changed-meanwhile`.
    """
    require_mail(context)
    with context.database.read() as session:
        view = elections.election_for_box(session, uuid)
        require_asking(view)
        ids = list(
            session.scalars(
                select(RollEntry.id)
                .where(RollEntry.election_id == view.id, RollEntry.eligible)
                .order_by(RollEntry.member_number)
            )
        )
    asked = 0
    for start in range(0, len(ids), _CHUNK):
        with _writing(context, uuid) as session:
            entries = list(
                session.scalars(select(RollEntry).where(RollEntry.id.in_(ids[start : start + _CHUNK])))
            )
            asked += _ask(session, context, view, entries, {AddressState.UNASKED, AddressState.EXPIRED})
    return asked


def ask_member(context: Context, uuid: str, entry_id: int) -> None:
    """Send one member a new link; the one before is worth nothing from now on. Also for who said no, or should answer
    once more. Problems: 404 `not-found`; 409 as for `ask_members`, and `unusable-address`.
    """
    require_mail(context)
    with _writing(context, uuid) as session:
        view = elections.election_for_box(session, uuid)
        entry = find_entry(session, view.id, entry_id)
        wanted = set(AddressState) - {AddressState.MISSING, AddressState.UNUSABLE}
        if not _ask(session, context, view, [entry], wanted):
            raise Problem(409, "unusable-address", "This member has no mail address that can be written to.")


def tell_former(
    session: Session, context: Context, view: ElectionView, entries: Sequence[RollEntry], event: str
) -> None:
    """Tell the other addresses of these members that the roll has another one now, once for each `event`."""
    now = context.clock.now()
    current = {entry.member_number: entry for entry in entries}
    for row in _list_rows(session, entries):
        entry = current[row.member_number]
        is_former = row.address != normalise(entry.email) and row.denied_at is None
        if is_former and now < (row.confirmed_at or row.asked_at) + _FORMER:
            mail.enqueue(
                session,
                context,
                NewMail(
                    topic=_topic(row),
                    event=f"{event} {entry.id}",
                    recipient=row.address,
                    kind=TELLING,
                    payload={"name": entry.name, "election": get_election_name(view, row.language)},
                    language=row.language,
                ),
            )


def require_mail(context: Context) -> None:
    """Problem 409 `no-mail-server` where no mail is sent."""
    if not mail.is_enabled(context.settings):
        raise Problem(409, "no-mail-server", "No mail is sent here: the installation knows no mail server.")


def find_entry(session: Session, election_id: int, entry_id: int) -> RollEntry:
    """One member who may vote; Problem 404 `not-found`, for members of other elections too."""
    entry = session.get(RollEntry, entry_id)
    if entry is None or entry.election_id != election_id or not entry.eligible:
        raise Problem(404, "not-found", "There is nothing at this address.")
    return entry


@contextmanager
def _writing(context: Context, uuid: str) -> Iterator[Session]:
    """A transaction in which the election is locked: of two who ask the same members at once, one asks."""
    try:
        with context.database.write() as session:
            elections.lock_election(session, uuid)
            require_asking(elections.election_for_box(session, uuid))
            yield session
    except IntegrityError as error:
        # For two elections at once, which is no lock's business.
        raise Problem(
            409, "changed-meanwhile", "Somebody else did the same at this moment. Please try again."
        ) from error


def require_asking(view: ElectionView) -> None:
    """Problem 409 `wrong-state` where nobody is asked any more."""
    if view.state not in ASKING_STATES:
        raise Problem(
            409,
            "wrong-state",
            "The election is over: nobody is asked any more.",
            extra={"state": view.state.value},
        )


def _ask(
    session: Session,
    context: Context,
    view: ElectionView,
    entries: Sequence[RollEntry],
    wanted: AbstractSet[AddressState],
) -> int:
    now = context.clock.now()
    known = find_known(session, context, entries)
    asked: list[tuple[RollEntry, MemberAddress, str]] = []
    for entry in entries:
        if known[entry.id].state not in wanted:
            continue
        row = known[entry.id].row
        link = new_token()
        if row is None:
            row = MemberAddress(member_number=entry.member_number, address=normalise(entry.email))
            session.add(row)
        else:
            # A link that waits to be sent is worth nothing any more.
            mail.withdraw(session, _topic(row), is_over=True)
        row.name, row.language = entry.name, choose_mail_language(entry.language, view)
        row.digest, row.asked_at, row.confirmed_at, row.denied_at = digest(link), now, None, None
        asked.append((entry, row, link))
    session.flush()
    # Not all in one minute, and after those that were asked before.
    pause = timedelta(minutes=1) / context.settings.mail_per_minute
    last = mail.find_last_due(session, ASKING)
    start = now if last is None else max(now, last + pause)
    mails = [
        _make_mail(context, view, entry, row, link, start + pause * place)
        for place, (entry, row, link) in enumerate(asked)
    ]
    mail.enqueue_new(session, context, mails)
    tell_former(
        session, context, view, [entry for entry, _, _ in asked], f"{view.uuid} {now:%Y-%m-%dT%H:%M:%S}"
    )
    return len(asked)


def _make_mail(
    context: Context,
    view: ElectionView,
    entry: RollEntry,
    row: MemberAddress,
    link: str,
    not_before: datetime,
) -> NewMail:
    address = f"{context.settings.base_url}/addresses/{link}?lang={row.language}"
    return NewMail(
        topic=_topic(row),
        event=row.digest,
        recipient=entry.email,
        kind=ASKING,
        payload={
            "name": entry.name,
            "election": get_election_name(view, row.language),
            "days": LINK_LIFETIME.days,
        },
        language=row.language,
        secret={"link": address},
        not_before=not_before,
    )


def _topic(row: MemberAddress) -> str:
    return f"addresses/{row.id}"


def find_unsent(session: Session, rows: Sequence[MemberAddress]) -> dict[int, mail.MailView]:
    """The questions that the mail server did not take (yet), by the row's id."""
    views = mail.find_unsent(session, [_topic(row) for row in rows])
    return {row.id: views[_topic(row)] for row in rows if _topic(row) in views}


# --- answering ---------------------------------------------------------------------------------------------


def get_question(context: Context, link: str) -> Question:
    """Return what the page of this link asks; Problem 404 `not-found` for a link that is unknown or too old."""
    with context.database.read() as session:
        return _show(_require_row(session, link, context.clock.now()))


def answer_question(context: Context, link: str, *, is_mine: bool) -> Question:
    """Note the answer. The first one holds: Problem 409 `already-answered`; 404 `not-found` as above."""
    now = context.clock.now()
    with context.database.write() as session:
        row = _require_row(session, link, now, is_locked=True)
        if _is_answered(row):
            raise Problem(409, "already-answered", "This question was answered before.")
        if is_mine:
            row.confirmed_at = now
        else:
            row.denied_at = now
        return _show(row)


def _require_row(session: Session, link: str, now: datetime, *, is_locked: bool = False) -> MemberAddress:
    statement = select(MemberAddress).where(MemberAddress.digest == digest(link))
    row = session.scalar(statement.with_for_update() if is_locked else statement)
    if row is None or row.asked_at + LINK_LIFETIME <= now:
        raise Problem(404, "not-found", "This link does not exist, was used or is too old.")
    return row


def _is_answered(row: MemberAddress) -> bool:
    return row.confirmed_at is not None or row.denied_at is not None


def _show(row: MemberAddress) -> Question:
    return Question(row.name, row.address, _is_answered(row))
