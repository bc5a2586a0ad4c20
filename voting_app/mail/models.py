"""The outbox: one row for each message that is to be sent or was sent.

A message goes to a person in an office, never to a voter about a ballot. What is secret in one (the link of an
invitation) is sealed with a key that is not in the database, and erased when it was sent.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from voting_app.db import Base, UtcTime


class MailState(StrEnum):
    """Where a message stands."""

    WAITING = "waiting"
    # Somebody has it; if that process dies, the lease runs out and another one takes it.
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


_STATES = ", ".join(f"'{state}'" for state in MailState)


class OutboxMail(Base):
    """One message. `event` names what it is about, so that the same event is never mailed twice to an address."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("topic", "event", "recipient"),
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        CheckConstraint("(state = 'sending') = (lease_until IS NOT NULL)", name="lease"),
        Index("ix_outbox_state_next_try_at", "state", "next_try_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    # What it belongs to, such as "trustees/UUID": what is overtaken by events is withdrawn together.
    topic: Mapped[str] = mapped_column(String(80))
    event: Mapped[str] = mapped_column(String(80))
    recipient: Mapped[str] = mapped_column(String(254))
    # The folder of templates/mail.
    kind: Mapped[str] = mapped_column(String(40))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    sealed: Mapped[bytes | None]
    language: Mapped[str] = mapped_column(String(35))
    # Of chance and the same at every attempt: who gets a message twice can tell, and most programs show it once.
    message_id: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(10), default=MailState.WAITING.value)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    next_try_at: Mapped[datetime] = mapped_column(UtcTime)
    lease_until: Mapped[datetime | None] = mapped_column(UtcTime)
    # Of chance, new at every attempt: who lost its lease must not say what became of the message.
    worker: Mapped[str | None] = mapped_column(String(32))
    # Why it was not taken, the last time.
    reason: Mapped[str | None] = mapped_column(String(500))
