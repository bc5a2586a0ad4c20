"""Tables of mailing: which addresses are their members', and what became of each mail with a credential.

No row here has a credential or the secret of a link: credentials lie sealed in the registrar's vault until they are
handed over, and of a link there is only the hash.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from voting_app.db import Base, UtcTime


class DeliveryState(StrEnum):
    """Where the mail with somebody's credential stands."""

    WAITING = "waiting"
    # Somebody has it and speaks with the mail server; its text has not been said yet. If that process dies, the lease
    # runs out and another one begins anew: nothing was sent.
    SENDING = "sending"
    # The text is being said. If that process dies now, nobody knows whether the mail server took it.
    HANDING = "handing"
    SENT = "sent"
    # The mail server said that it will never take it.
    REFUSED = "refused"
    # It was taken, and came back.
    BOUNCED = "bounced"
    # Sent or not: only a person can find out. It is never sent again by itself.
    UNCLEAR = "unclear"


_STATES = ", ".join(f"'{state}'" for state in DeliveryState)


class MailingRule(Base):
    """What an election's committee decided about its mail; without a row, addresses must be confirmed."""

    __tablename__ = "mailing_rule"

    election_id: Mapped[int] = mapped_column(ForeignKey("election.id"), primary_key=True)
    confirms_addresses: Mapped[bool]


class MemberAddress(Base):
    """An address that a member was asked about. It belongs to no election: what was confirmed for one holds for the
    next one too, as long as the same member has the same address there.
    """

    __tablename__ = "member_address"
    __table_args__ = (
        UniqueConstraint("member_number", "address"),
        CheckConstraint("confirmed_at IS NULL OR denied_at IS NULL", name="answer"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    member_number: Mapped[str] = mapped_column(String(64))
    # In small letters.
    address: Mapped[str] = mapped_column(String(254))
    # As the question called the member.
    name: Mapped[str] = mapped_column(String(200))
    language: Mapped[str] = mapped_column(String(35))
    # SHA-256 of the secret in the newest link; older links are worth nothing.
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    asked_at: Mapped[datetime] = mapped_column(UtcTime)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    denied_at: Mapped[datetime | None] = mapped_column(UtcTime)


class Delivery(Base):
    """The mail with one member's credential: one row for each, however often it is sent."""

    __tablename__ = "delivery"
    __table_args__ = (
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        CheckConstraint("(state IN ('sending', 'handing')) = (lease_until IS NOT NULL)", name="lease"),
        Index("ix_delivery_state_next_try_at", "state", "next_try_at"),
        Index("ix_delivery_election_id_state", "election_id", "state"),
        Index("ix_delivery_attempted_at", "attempted_at"),
    )

    # The key is what keeps a recipient from standing in two runs.
    roll_entry_id: Mapped[int] = mapped_column(
        ForeignKey("roll_entry.id"), primary_key=True, autoincrement=False
    )
    election_id: Mapped[int] = mapped_column(ForeignKey("election.id"))
    # Of chance, the same at every attempt: who gets a message twice can tell, and a bounce names it.
    message_id: Mapped[str] = mapped_column(String(32), unique=True)
    state: Mapped[str] = mapped_column(String(10), default=DeliveryState.WAITING.value)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    next_try_at: Mapped[datetime] = mapped_column(UtcTime)
    # For pacing.
    attempted_at: Mapped[datetime | None] = mapped_column(UtcTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcTime)
    # How many days the credential stays sealed after the mail was sent, to be sent again should it come back.
    keep_days: Mapped[int] = mapped_column(Integer, default=0)
    lease_until: Mapped[datetime | None] = mapped_column(UtcTime)
    # Of chance, new at every attempt: who lost its lease must not say what became of the message.
    worker: Mapped[str | None] = mapped_column(String(32))
    reason: Mapped[str | None] = mapped_column(String(500))
    # Of the election data, as it stands in the newest link that a mail server has begun to hear; None before that.
    fingerprint: Mapped[str | None] = mapped_column(String(43))
