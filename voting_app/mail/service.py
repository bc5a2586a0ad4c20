"""The outbox: what is put in, who takes a message to send it, and what became of it.

Other features put messages in with the transaction of the event that they tell of: either both happened or neither.
A message is sent at least once and, unless a process dies between the mail server's yes and our note of it, only
once; then it goes out again after LEASE, under the same Message-ID.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, delete, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crypto.randomness import new_hex
from voting_app.config import Settings
from voting_app.context import Context
from voting_app.mail.letters import Letter
from voting_app.mail.models import MailState, OutboxMail
from voting_app.sealing import seal, unseal

# Longer than one connection can take (smtp.SESSION_SECONDS) with the search for the server before it.
LEASE = timedelta(minutes=5)
# After the first failed attempt, after the second, …; after the last one the message has failed. Two days in all.
PAUSES = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360, 720, 1440))
# So long after the last attempt a message that was sent is kept with its address, for questions about who was told.
FORGET_AFTER = timedelta(days=30)
_FORGOTTEN = "forgotten:"
_ID_BYTES = 16
_SEAL_PURPOSE = "steward-outbox-seal"
_LONGEST_REASON = 500


@dataclass(frozen=True)
class NewMail:
    """A message to be sent. `event` is unlike that of every other event of its `topic`.

    secret: more values for the template, such as a one-time link. They are sealed in the row, and erased when the
    message was sent.
    """

    topic: str
    event: str
    recipient: str
    kind: str
    payload: Mapping[str, Any]
    language: str
    secret: Mapping[str, str] = field(default_factory=dict, repr=False)
    # Of many at once, so that they do not go out in one go.
    not_before: datetime | None = None


@dataclass(frozen=True)
class ClaimedMail:
    """A message that this process has for the time of the lease."""

    id: int
    worker: str
    attempts: int
    letter: Letter


@dataclass(frozen=True)
class MailView:
    """A message as the people of the installation may see it."""

    id: int
    state: MailState
    kind: str
    recipient: str
    attempts: int
    next_try_at: datetime
    reason: str | None


def is_enabled(settings: Settings) -> bool:
    """Whether there is a mail server; without one nothing is put into the outbox."""
    return bool(settings.smtp_url)


# --- in --------------------------------------------------------------------------------------------


def enqueue(session: Session, context: Context, mail: NewMail) -> bool:
    """Puts a message in, unless this event was mailed to this address before; whether it did."""
    if not is_enabled(context.settings):
        return False
    row = _make_row(context, mail)
    known = select(OutboxMail.id).where(
        OutboxMail.topic == mail.topic,
        OutboxMail.event == mail.event,
        OutboxMail.recipient.in_((mail.recipient, _forget(context, mail.recipient))),
    )
    if session.scalar(known) is not None:
        return False
    try:
        # Of two transactions that say the same at once, the table takes one.
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return False
    return True


def enqueue_new(session: Session, context: Context, mails: Iterable[NewMail]) -> None:
    """Puts in many messages whose events are new for certain, such as links that were just made."""
    if is_enabled(context.settings):
        session.add_all(_make_row(context, mail) for mail in mails)
        session.flush()


def _make_row(context: Context, mail: NewMail) -> OutboxMail:
    now, message_id = context.clock.now(), new_hex(_ID_BYTES)
    return OutboxMail(
        topic=mail.topic,
        event=mail.event,
        recipient=mail.recipient,
        kind=mail.kind,
        payload=dict(mail.payload),
        language=mail.language,
        message_id=message_id,
        sealed=_seal(context, message_id, mail.secret) if mail.secret else None,
        created_at=now,
        next_try_at=max(now, mail.not_before or now),
    )


def replace_waiting(session: Session, context: Context, topic: str, mails: Iterable[NewMail]) -> None:
    """Puts in what is new of `mails`, and takes back what waits under `topic` but is not among them any more."""
    if not is_enabled(context.settings):
        return
    wanted = {(mail.event, mail.recipient): mail for mail in mails}
    waiting = session.scalars(
        select(OutboxMail)
        .where(OutboxMail.topic == topic, OutboxMail.state == MailState.WAITING)
        # What is being sent at this moment is left alone.
        .with_for_update(skip_locked=True)
    )
    for row in waiting:
        if (row.event, row.recipient) not in wanted:
            session.delete(row)
    for mail in wanted.values():
        enqueue(session, context, mail)


def withdraw(session: Session, topic: str, *, is_over: bool) -> None:
    """Takes back what waits under `topic`: there is nothing to be done for now. What is being sent at this moment may
    still arrive; if it does not, it is not tried again.

    is_over: nor will there ever be. Then what failed goes too, of which an administrator should otherwise hear.
    """
    states = [MailState.WAITING, MailState.SENDING, *([MailState.FAILED] if is_over else [])]
    session.execute(delete(OutboxMail).where(OutboxMail.topic == topic, OutboxMail.state.in_(states)))


def withdraw_from(session: Session, recipient: str, topics: str) -> None:
    """Takes back what waits for one address under the topics that begin so: it is not to hear of that any more."""
    states = [MailState.WAITING, MailState.SENDING]
    session.execute(
        delete(OutboxMail).where(
            OutboxMail.recipient == recipient,
            OutboxMail.topic.startswith(topics, autoescape=True),
            OutboxMail.state.in_(states),
        )
    )


def retry_failed(context: Context) -> int:
    """Lets every failed message begin anew; how many there were."""
    with context.database.write() as session:
        done = session.execute(
            update(OutboxMail)
            .where(OutboxMail.state == MailState.FAILED)
            .values(state=MailState.WAITING.value, attempts=0, next_try_at=context.clock.now(), reason=None)
        )
        return int(done.rowcount)  # type: ignore[attr-defined]


def list_unsent(session: Session) -> list[MailView]:
    """Everything that was not sent, oldest first."""
    rows = session.scalars(
        select(OutboxMail).where(OutboxMail.state != MailState.SENT).order_by(OutboxMail.id)
    )
    return [_make_view(row) for row in rows]


def _make_view(r: OutboxMail) -> MailView:
    return MailView(r.id, MailState(r.state), r.kind, r.recipient, r.attempts, r.next_try_at, r.reason)


def find_last_due(session: Session, kind: str) -> datetime | None:
    """When the last one of this kind that waits for its first try is to be sent. What was not taken waits longer, and
    nobody waits behind it.
    """
    return session.scalar(
        select(func.max(OutboxMail.next_try_at)).where(
            OutboxMail.kind == kind, OutboxMail.state == MailState.WAITING, OutboxMail.attempts == 0
        )
    )


def find_unsent(session: Session, topics: Iterable[str]) -> dict[str, MailView]:
    """What was not sent, by its topic."""
    rows = session.scalars(
        select(OutboxMail).where(OutboxMail.topic.in_(list(topics)), OutboxMail.state != MailState.SENT)
    )
    return {row.topic: _make_view(row) for row in rows}


# --- out -------------------------------------------------------------------------------------------


def count_failed(session: Session, topic: str) -> int:
    """How many messages of a topic could not be sent, and are not tried again by themselves."""
    statement = select(func.count()).where(
        OutboxMail.topic == topic, OutboxMail.state == MailState.FAILED.value
    )
    return session.scalar(statement) or 0


def _due(now: datetime) -> Select[OutboxMail]:
    is_due = or_(
        and_(OutboxMail.state == MailState.WAITING, OutboxMail.next_try_at <= now),
        and_(OutboxMail.state == MailState.SENDING, OutboxMail.lease_until <= now),
    )
    return select(OutboxMail).where(is_due).order_by(OutboxMail.next_try_at, OutboxMail.id).limit(1)


def is_anything_due(context: Context) -> bool:
    """A cheap look, so that the timer does not lock a database every second for nothing."""
    with context.database.read() as session:
        return session.scalar(_due(context.clock.now())) is not None


def claim(context: Context) -> ClaimedMail | None:
    """Takes one message that is due, for LEASE; None if there is none or others have them all."""
    now = context.clock.now()
    worker = new_hex(_ID_BYTES)
    with context.database.write() as session:
        row = session.scalar(_due(now).with_for_update(skip_locked=True))
        if row is None:
            return None
        row.state = MailState.SENDING.value
        row.lease_until = now + LEASE
        row.worker = worker
        # Counted now: an attempt that kills the process is one too.
        row.attempts += 1
        return ClaimedMail(
            row.id,
            worker,
            row.attempts,
            Letter(
                row.kind,
                row.recipient,
                row.language,
                {**row.payload, **_unseal(context, row)},
                row.message_id,
                row.created_at,
            ),
        )


def _seal(context: Context, message_id: str, secret: Mapping[str, str]) -> bytes:
    return seal(context.settings.secret, _SEAL_PURPOSE, message_id, json.dumps(dict(secret)))


def _unseal(context: Context, row: OutboxMail) -> dict[str, str]:
    if row.sealed is None:
        return {}
    try:
        secret: dict[str, str] = json.loads(
            unseal(context.settings.secret, _SEAL_PURPOSE, row.message_id, row.sealed)
        )
    except RuntimeError:
        # The installation has another secret now. Without its values the message cannot be written, and fails.
        return {}
    return secret


def mark_sent(context: Context, mail: ClaimedMail) -> None:
    """The mail server has taken it."""
    _finish(context, mail, state=MailState.SENT.value, reason=None, sealed=None)


def mark_failed(context: Context, mail: ClaimedMail, reason: str) -> None:
    """It will never be taken."""
    _finish(context, mail, state=MailState.FAILED.value, reason=reason[:_LONGEST_REASON])


def mark_later(context: Context, mail: ClaimedMail, reason: str) -> None:
    """It was not taken now: after a pause, longer each time; failed after the last one."""
    if mail.attempts > len(PAUSES):
        mark_failed(context, mail, f"given up after {mail.attempts} attempts; {reason}")
        return
    next_try_at = context.clock.now() + PAUSES[mail.attempts - 1]
    _finish(
        context,
        mail,
        state=MailState.WAITING.value,
        reason=reason[:_LONGEST_REASON],
        next_try_at=next_try_at,
    )


def _finish(context: Context, mail: ClaimedMail, **values: Any) -> None:
    with context.database.write() as session:
        session.execute(
            update(OutboxMail)
            # Who lost its lease has nothing to say any more.
            .where(OutboxMail.id == mail.id, OutboxMail.worker == mail.worker)
            .values(lease_until=None, worker=None, **values)
        )


# --- forgetting ------------------------------------------------------------------------------------


def forget_recipients(context: Context) -> int:
    """Erases addresses and names from what was sent FORGET_AFTER ago; from how many messages.

    The rows stay, so that an event that lasts longer is not mailed a second time. What failed stays as it is until
    somebody has looked at it or its election is over.
    """
    old = select(OutboxMail).where(
        OutboxMail.state == MailState.SENT,
        OutboxMail.next_try_at <= context.clock.now() - FORGET_AFTER,
        OutboxMail.recipient.not_like(f"{_FORGOTTEN}%"),
    )
    with context.database.read() as session:
        if session.scalar(old.limit(1)) is None:
            return 0
    with context.database.write() as session:
        rows = session.scalars(old.with_for_update(skip_locked=True)).all()
        for row in rows:
            row.recipient = _forget(context, row.recipient)
            row.payload = {}
        return len(rows)


def _forget(context: Context, recipient: str) -> str:
    """What stands in place of an address: only whoever has the installation's secret can tell whether it is one's."""
    tag = hmac.digest(context.settings.secret, f"steward-outbox|{recipient}".encode(), "sha256")
    return _FORGOTTEN + tag.hex()
