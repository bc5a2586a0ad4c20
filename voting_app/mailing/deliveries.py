"""Credentials by mail: a run is put together, one row for each recipient, and sent message by message.

At most once. A credential that is sent twice does no harm, since both mails open the same vote, but a member who gets
two asks which one counts; and nobody may be forgotten. So each message has three moments that are on the disk before
the next one begins:

1. *sending*: one process has it, and speaks with the mail server. If it dies, another one begins anew after LEASE.
2. *handing*: the mail server has taken sender and recipient, and hears the text now. If the process dies here, or the
   connection breaks, only the mail server knows what became of it: the row becomes *unclear* and is shown to a person,
   who asks the member or looks for its Message-ID in the mail server's log. It is never sent again by itself.
3. *sent*, *refused* or *waiting* again: the mail server's answer. With *sent* the sealed credential is erased in the
   same transaction, unless the run was told to keep it for some days, for mail that comes back.

Mail goes out from the moment when all trustees' keys are complete, as sheets do: before Setup a lost code can be
replaced, and afterwards only be sent again. The link names the fingerprint, so what was mailed fixes it: no mail goes
out with another one, and Setup refuses another one (`registrar.service.require_sheets_fit`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, Update, and_, func, insert, or_, select, update
from sqlalchemy.orm import Session

from crypto.encoding import sha256_base64
from crypto.randomness import new_hex
from crypto.words import fingerprint_words
from paper.link import make_link, parse_site
from voting_app.context import Context
from voting_app.elections import service as elections
from voting_app.elections.models import BallotBox, Election
from voting_app.elections.service import ElectionView
from voting_app.elections.states import State
from voting_app.errors import Problem
from voting_app.languages import format_moment
from voting_app.ledger import service as ledger
from voting_app.mail.letters import Letter
from voting_app.mail.service import LEASE, PAUSES
from voting_app.mail.smtp import clean
from voting_app.mailing import addresses
from voting_app.mailing.models import Delivery, DeliveryState
from voting_app.mailing.preflight import Candidate, Plan, make_plan
from voting_app.mailing.texts import choose_mail_language, get_election_name
from voting_app.registrar import service as registrar
from voting_app.registrar import vault
from voting_app.registrar.models import SealedCredential
from voting_app.registrar.service import SERVER_MODE
from voting_app.registrar.vault import Way
from voting_app.roll.models import RollEntry
from voting_app.trustees import keys

KIND = "credential"
# The link names the fingerprint. With a frozen roll there is one as soon as the trustees' keys are complete.
SENDING_STATES = frozenset({State.ROLL_FROZEN, State.KEYS_READY, State.OPEN, State.PAUSED})
ON_ITS_WAY = (DeliveryState.WAITING, DeliveryState.SENDING, DeliveryState.HANDING)
# What a person has to look at.
TROUBLE = (DeliveryState.REFUSED, DeliveryState.BOUNCED, DeliveryState.UNCLEAR)
# How long a run may keep what was sent: not at all, or for mail that comes back.
KEEPING_DAYS = (0, 3, 7)
_ID_BYTES = 16
_LONGEST_REASON = 500
_MINUTE = timedelta(minutes=1)
# So many are erased in one transaction.
_AT_ONCE = 500


@dataclass(frozen=True)
class Claimed:
    """A message that this process has for the time of the lease."""

    roll_entry_id: int
    worker: str
    attempts: int
    letter: Letter
    uuid: str
    # As in the link.
    fingerprint: str
    # Setup has fixed the fingerprint.
    is_fixed: bool


class LostLeaseError(Exception):
    """Another process has the message now, or a person has decided about it."""


# --- putting a run together --------------------------------------------------------------------------------


def plan_run(session: Session, context: Context, view: ElectionView) -> Plan:
    """Return what a run would do now."""
    return make_plan(
        list_candidates(session, context, view),
        is_confirming=addresses.is_confirming(session, view.id),
    )


def list_candidates(session: Session, context: Context, view: ElectionView) -> list[Candidate]:
    """Everybody who may vote, by member number."""
    entries = list(
        session.scalars(
            select(RollEntry)
            .where(RollEntry.election_id == view.id, RollEntry.eligible)
            .order_by(RollEntry.member_number)
        )
    )
    known = addresses.find_known(session, context, entries)
    waiting = {row.roll_entry_id for row in vault.list_waiting(session, view.id)}
    begun = set(session.scalars(select(Delivery.roll_entry_id).where(Delivery.election_id == view.id)))
    return [
        Candidate(
            entry.id,
            entry.member_number,
            entry.name,
            entry.email,
            known[entry.id].state,
            is_waiting=entry.id in waiting and entry.id not in begun,
        )
        for entry in entries
    ]


def require_sendable(context: Context, view: ElectionView) -> None:
    """Refuse where no credential can go by mail. Problems: 409 `credential-mode`, `no-mail-server`, `wrong-state`,
    `keys-incomplete`, `sheets-differ`, `insecure-address`.
    """
    if view.credential_mode != SERVER_MODE:
        raise Problem(
            409,
            "credential-mode",
            "The registrar makes the credentials of this election, so the server has none to send.",
        )
    addresses.require_mail(context)
    if view.state not in SENDING_STATES:
        raise Problem(
            409,
            "wrong-state",
            "Voting links can be sent from the moment when the roll is frozen and the trustees' keys are complete until"
            " voting ends.",
            extra={"state": view.state.value},
        )
    if view.state is State.ROLL_FROZEN:
        _require_fits(context, view, keys.find_fingerprint(context, view.uuid))
    if not has_safe_address(context):
        raise Problem(
            409,
            "insecure-address",
            "Voting links must begin with https: somebody on the way could change the page otherwise.",
        )


def _require_fits(context: Context, view: ElectionView, fingerprint: str | None) -> None:
    """Before Setup: that there is a fingerprint, and that it is the one of all that members have already."""
    if fingerprint is None:
        raise Problem(
            409,
            "keys-incomplete",
            "Voting links name the fingerprint of the election, so the trustees' keys come first.",
        )
    with context.database.read() as session:
        registrar.require_sheets_fit(session, view.id, fingerprint)


def is_sending(context: Context, view: ElectionView) -> bool:
    """Whether the election is where links can be sent; `require_sendable` says what else may be in the way."""
    if view.state is State.ROLL_FROZEN:
        return keys.find_fingerprint(context, view.uuid) is not None
    return view.state in SENDING_STATES


def has_changed(context: Context, view: ElectionView) -> bool:
    """Whether mail waits because the election is not the one any more that sheets and links of members name."""
    if view.state is not State.ROLL_FROZEN:
        return False
    try:
        _require_fits(context, view, keys.find_fingerprint(context, view.uuid))
    except Problem as problem:
        return problem.code == "sheets-differ"
    return False


def has_safe_address(context: Context) -> bool:
    """Whether a link to this site may have a credential in it. Each host that sends has settings of its own."""
    try:
        parse_site(context.settings.base_url)
    except ValueError:
        return False
    return True


def start_run(context: Context, uuid: str, *, shown: str, leaves_out: bool, keep_days: int) -> int:
    """Put a row into the outbox for each recipient, all or none; return how many.

    shown: of the plan that a person has looked at; leaves_out: who has a fault gets no mail, and the others do.
    Problems: those of `require_sendable`; 409 `recipients-changed`, `mail-preflight` [faults], `nobody-to-mail`.
    """
    now = context.clock.now()
    with context.database.write() as session:
        election = elections.lock_election(session, uuid)
        view = elections.election_for_box(session, uuid)
        require_sendable(context, view)
        plan = plan_run(session, context, view)
        if plan.faults and not leaves_out:
            raise Problem(
                409,
                "mail-preflight",
                "Nobody was mailed: some members have no name or address that can be used, or share one.",
                extra={"faults": len(plan.faults)},
            )
        if plan.shown != shown:
            raise Problem(
                409,
                "recipients-changed",
                "The recipients are others now than those that were shown. Look again.",
            )
        if not plan.recipients:
            raise Problem(
                409,
                "nobody-to-mail",
                "There is nobody who could be mailed now. Addresses may have to be confirmed first.",
            )
        session.execute(
            insert(Delivery),
            [
                {
                    "roll_entry_id": recipient.roll_entry_id,
                    "election_id": election.id,
                    "message_id": new_hex(_ID_BYTES),
                    "state": DeliveryState.WAITING.value,
                    "attempts": 0,
                    "created_at": now,
                    "next_try_at": now,
                    "keep_days": keep_days,
                }
                for recipient in plan.recipients
            ],
        )
        if not addresses.is_confirming(session, view.id):
            # Otherwise they were told when the new address was asked.
            ids = {recipient.roll_entry_id for recipient in plan.recipients}
            entries = [
                entry
                for entry in session.scalars(select(RollEntry).where(RollEntry.election_id == view.id))
                if entry.id in ids
            ]
            addresses.tell_former(session, context, view, entries, f"run {uuid}")
        return len(plan.recipients)


# --- sending -----------------------------------------------------------------------------------------------


def _due(now: datetime) -> Select[Delivery]:
    is_due = or_(
        and_(Delivery.state == DeliveryState.WAITING, Delivery.next_try_at <= now),
        and_(Delivery.state == DeliveryState.SENDING, Delivery.lease_until <= now),
    )
    return (
        select(Delivery)
        .join(Election, Election.id == Delivery.election_id)
        .where(is_due, Election.state.in_(SENDING_STATES))
        .order_by(Delivery.next_try_at, Delivery.roll_entry_id)
        .limit(1)
    )


def is_anything_due(context: Context) -> bool:
    """A cheap look, so that the timer does not lock a database every second for nothing."""
    with context.database.read() as session:
        return session.scalar(_due(context.clock.now())) is not None


def claim(context: Context) -> Claimed | None:
    """Take one message that is due, for LEASE; None if there is none, or as many as the settings allow were sent in the
    last minute.
    """
    now, worker = context.clock.now(), new_hex(_ID_BYTES)
    with context.database.write() as session:
        recent = select(func.count()).where(Delivery.attempted_at > now - _MINUTE)
        if (session.scalar(recent) or 0) >= context.settings.mail_per_minute:
            return None
        while (row := session.scalar(_due(now).with_for_update(of=Delivery, skip_locked=True))) is not None:
            view = _find_view(session, row)
            is_fixed = view.state is not State.ROLL_FROZEN
            fingerprint = _find_fingerprint(session, context, view)
            if fingerprint is None:
                _hold(session, view, now)
                return None
            try:
                letter = _write(session, context, row, view, fingerprint)
            except RuntimeError:
                # Perhaps of this host only, and another one can: nobody else's mail is touched.
                row.state, row.next_try_at = DeliveryState.WAITING.value, now + PAUSES[0]
                row.lease_until = row.worker = None
                row.reason = "the credential cannot be opened: this host has another secret than the one that sealed it"
                return None
            if letter is not None:
                row.state = DeliveryState.SENDING.value
                row.lease_until, row.worker, row.attempted_at = now + LEASE, worker, now
                # Counted now: an attempt that kills the process is one too.
                row.attempts += 1
                return Claimed(
                    row.roll_entry_id, worker, row.attempts, letter, view.uuid, fingerprint, is_fixed
                )
            session.flush()
    return None


def _find_view(session: Session, row: Delivery) -> ElectionView:
    box = session.scalars(
        select(BallotBox).where(BallotBox.election_id == row.election_id).order_by(BallotBox.ordinal).limit(1)
    ).one()
    return elections.make_view(box.election, box)


def _find_fingerprint(session: Session, context: Context, view: ElectionView) -> str | None:
    """What links name now; None while there is none, or members have others already."""
    raw = ledger.find_election_data(session, ledger.get_box_id(session, view.uuid))
    if raw is not None:
        return sha256_base64(raw)
    fingerprint = keys.find_fingerprint(context, view.uuid)
    try:
        _require_fits(context, view, fingerprint)
    except Problem:
        return None
    return fingerprint


def _hold(session: Session, view: ElectionView, now: datetime) -> None:
    """All mail of an election waits, and does not stand in the way of another election's."""
    session.execute(
        _release(now + PAUSES[0], "a text or a key of the election was changed").where(
            Delivery.election_id == view.id,
            or_(
                and_(Delivery.state == DeliveryState.WAITING, Delivery.next_try_at <= now),
                and_(Delivery.state == DeliveryState.SENDING, Delivery.lease_until <= now),
            ),
        )
    )


def _release(next_try_at: datetime, reason: str) -> Update:
    return update(Delivery).values(
        state=DeliveryState.WAITING.value,
        lease_until=None,
        worker=None,
        next_try_at=next_try_at,
        reason=reason,
    )


def _write(
    session: Session, context: Context, row: Delivery, view: ElectionView, fingerprint: str
) -> Letter | None:
    """The message of a row. None: there is none to be sent (any more), and the row says so. RuntimeError where the
    secret is not the one that sealed the credential.
    """
    entry = session.get_one(RollEntry, row.roll_entry_id)
    credential = vault.open_credential(context, session, entry.id)
    if credential is None:
        # Printed in the meantime, say. Who had no mail yet is not in the run any more.
        session.delete(row)
        return None
    # A run may take hours, and a mail be sent again days later: whoever said "not me" in the meantime gets nothing.
    if not addresses.is_good(session, context, entry):
        _stop(row, "the address is not confirmed any more, or not the member's")
        return None
    language = choose_mail_language(entry.language, view)
    site = context.settings.base_url
    payload: Mapping[str, Any] = {
        "name": entry.name,
        "election": get_election_name(view, language),
        "closes": format_moment(view.closes_at, view.time_zone, language),
        "page": f"{site}/elections/{view.uuid}/vote",
        "words": fingerprint_words(fingerprint),
        "fingerprint": fingerprint,
        "code": credential,
        "link": make_link(site, view.uuid, credential, fingerprint),
    }
    return Letter(KIND, entry.email, language, payload, row.message_id, row.created_at)


def _stop(row: Delivery, reason: str) -> None:
    row.state, row.lease_until, row.reason = DeliveryState.REFUSED.value, None, reason


def begin_text(context: Context, mail: Claimed) -> None:
    """The mail server is about to hear the text: on the disk before it does. LostLeaseError, also where the election
    was changed since the text was written.
    """
    now = context.clock.now()
    with context.database.write() as session:
        if not mail.is_fixed:
            # While the election is locked, nobody changes a text or fixes the key; and whoever fixes it afterwards
            # finds the fingerprint of this link.
            elections.lock_election(session, mail.uuid)
            if keys.find_fingerprint(context, mail.uuid) != mail.fingerprint:
                # The row is not this process's any more, so what follows finds none.
                session.execute(
                    _release(now, "a text or a key of the election was changed").where(*_held_by(mail))
                )
        done = session.execute(
            update(Delivery)
            .where(*_held_by(mail), Delivery.state == DeliveryState.SENDING, Delivery.lease_until > now)
            .values(state=DeliveryState.HANDING.value, lease_until=now + LEASE, fingerprint=mail.fingerprint)
        )
        is_held = done.rowcount == 1  # type: ignore[attr-defined]
    if not is_held:
        raise LostLeaseError


def mark_sent(context: Context, mail: Claimed) -> None:
    """The mail server has taken it. The credential is erased with it, or when its days are over."""
    with context.database.write() as session:
        row = session.scalar(select(Delivery).where(*_held_by(mail)).with_for_update())
        if row is not None:
            _note_sent(session, row, context.clock.now())


def _note_sent(session: Session, row: Delivery, now: datetime) -> None:
    row.state, row.sent_at = DeliveryState.SENT.value, now
    row.lease_until = row.worker = row.reason = None
    entry = update(RollEntry).where(RollEntry.id == row.roll_entry_id)
    if row.keep_days != 0:
        session.execute(entry.values(credential_state="delivered"))
    elif not vault.erase(session, row.roll_entry_id, Way.MAILED):
        # Erased when voting was over, before anybody knew that the member had it.
        late = entry.where(RollEntry.credential_way == Way.EXPIRED.value)
        session.execute(late.values(credential_state="delivered", credential_way=Way.MAILED.value))


def mark_refused(context: Context, mail: Claimed, reason: str) -> None:
    """It will never be taken."""
    _finish(context, mail, DeliveryState.REFUSED, reason)


def mark_unclear(context: Context, mail: Claimed, reason: str) -> None:
    """The connection broke while the text was said."""
    _finish(context, mail, DeliveryState.UNCLEAR, reason)


def mark_later(context: Context, mail: Claimed, reason: str) -> None:
    """It was not taken now: after a pause, longer each time; refused after the last one."""
    if mail.attempts > len(PAUSES):
        mark_refused(context, mail, f"given up after {mail.attempts} attempts; {reason}")
        return
    next_try_at = context.clock.now() + PAUSES[mail.attempts - 1]
    _finish(context, mail, DeliveryState.WAITING, reason, next_try_at=next_try_at)


def _finish(context: Context, mail: Claimed, state: DeliveryState, reason: str, **values: Any) -> None:
    with context.database.write() as session:
        session.execute(
            update(Delivery)
            .where(*_held_by(mail))
            .values(
                state=state.value, lease_until=None, worker=None, reason=reason[:_LONGEST_REASON], **values
            )
        )


def _held_by(mail: Claimed) -> tuple[Any, ...]:
    # Who lost its lease has nothing to say any more.
    return Delivery.roll_entry_id == mail.roll_entry_id, Delivery.worker == mail.worker


def tidy(context: Context) -> None:
    """Show what died while its text was said, and erase what was kept for mail that comes back."""
    now = context.clock.now()
    lost = and_(Delivery.state == DeliveryState.HANDING, Delivery.lease_until <= now)
    # Asked of the database, because it is asked every second: thousands may be kept for days.
    is_over = or_(
        *(
            and_(Delivery.keep_days == days, Delivery.sent_at <= now - timedelta(days=days))
            for days in KEEPING_DAYS
        )
    )
    over = (
        select(Delivery.roll_entry_id)
        .join(SealedCredential, SealedCredential.roll_entry_id == Delivery.roll_entry_id)
        .where(Delivery.state == DeliveryState.SENT, is_over)
        # In the order in which codes are replaced, so that neither waits for the other.
        .order_by(Delivery.roll_entry_id)
        .limit(_AT_ONCE)
    )
    with context.database.read() as session:
        has_lost = session.scalar(select(Delivery.roll_entry_id).where(lost).limit(1)) is not None
        has_over = session.scalar(over.limit(1)) is not None
    if has_lost:
        with context.database.write() as session:
            # The process keeps its name on the row: if it lives after all, it may still say what became of it.
            session.execute(
                update(Delivery)
                .where(lost)
                .values(
                    state=DeliveryState.UNCLEAR.value,
                    lease_until=None,
                    reason="the program ended while the mail server heard the text",
                )
            )
    if has_over:
        with context.database.write() as session:
            ids = session.scalars(over.with_for_update(of=Delivery)).all()
            vault.erase_many(session, ids, Way.MAILED)


# --- what people decide ------------------------------------------------------------------------------------


def send_again(context: Context, uuid: str, entry_id: int) -> None:
    """Send the same credential once more, to the address on the roll. Problems: those of `require_sendable`; 404
    `not-found`; 409 `credential-gone`, `being-sent`.
    """
    with context.database.write() as session:
        view = elections.election_for_box(session, uuid)
        row = _get_row(session, view, entry_id)
        require_sendable(context, view)
        _require_at_rest(row)
        if session.get(SealedCredential, entry_id) is None:
            raise Problem(
                409,
                "credential-gone",
                "The code of this member was erased when it was handed over: nobody has it here.",
            )
        if row.state != DeliveryState.UNCLEAR:
            # Mail programs show a message once that comes twice under one name: good if nobody knows whether it came,
            # and bad if it lies among the spam.
            row.message_id = new_hex(_ID_BYTES)
        row.state, row.attempts, row.next_try_at = DeliveryState.WAITING.value, 0, context.clock.now()
        row.worker = row.reason = None


def note_arrived(context: Context, uuid: str, entry_id: int) -> None:
    """Somebody found out that an unclear mail has arrived: the credential is erased. Problems: 404 `not-found`; 409
    `not-unclear`.
    """
    with context.database.write() as session:
        row = _get_row(session, elections.election_for_box(session, uuid), entry_id)
        if row.state != DeliveryState.UNCLEAR:
            raise Problem(409, "not-unclear", "It is known what became of this mail.")
        _note_sent(session, row, context.clock.now())


def note_bounced(context: Context, uuid: str, entry_id: int, reason: str) -> None:
    """A mail came back. Problems: 404 `not-found`; 409 `not-sent`."""
    with context.database.write() as session:
        row = _get_row(session, elections.election_for_box(session, uuid), entry_id)
        if not _bounce(row, reason):
            raise Problem(409, "not-sent", "No mail that was sent to this member could come back.")


def report_bounce(context: Context, *, message_id: str, recipient: str, reason: str) -> int:
    """As a mail provider reports it: by the Message-ID or, without one, by the address, for elections in which people
    vote. Return how many mails that were.
    """
    with context.database.write() as session:
        statement = select(Delivery).with_for_update(of=Delivery)
        if message_id:
            statement = statement.where(Delivery.message_id == message_id)
        else:
            statement = (
                statement.join(RollEntry, RollEntry.id == Delivery.roll_entry_id)
                .join(Election, Election.id == Delivery.election_id)
                .where(
                    func.lower(RollEntry.email) == addresses.normalise(recipient),
                    Election.state.in_(SENDING_STATES),
                )
            )
        return sum(_bounce(row, reason) for row in session.scalars(statement))


def _bounce(row: Delivery, reason: str) -> bool:
    if row.state not in (DeliveryState.SENT, DeliveryState.UNCLEAR):
        return False
    row.state, row.reason, row.worker = DeliveryState.BOUNCED.value, clean(reason), None
    return True


def _get_row(session: Session, view: ElectionView, entry_id: int) -> Delivery:
    addresses.find_entry(session, view.id, entry_id)
    row = session.scalar(select(Delivery).where(Delivery.roll_entry_id == entry_id).with_for_update())
    if row is None:
        raise Problem(404, "not-found", "There is nothing at this address.")
    return row


def _require_at_rest(row: Delivery) -> None:
    if row.state in (DeliveryState.WAITING, DeliveryState.SENDING, DeliveryState.HANDING):
        raise Problem(409, "being-sent", "This mail is on its way already.")


# --- looking -----------------------------------------------------------------------------------------------


def count_states(session: Session, election_id: int) -> dict[DeliveryState, int]:
    """How many mails of an election are in each state."""
    rows = session.execute(
        select(Delivery.state, func.count())
        .where(Delivery.election_id == election_id)
        .group_by(Delivery.state)
    )
    counted = {DeliveryState(state): count for state, count in rows}
    return {state: counted.get(state, 0) for state in DeliveryState}
