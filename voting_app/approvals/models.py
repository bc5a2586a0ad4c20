"""Tables of acts that wait for another officer. None of it is published: what comes of it stands in the journal."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from voting_app.db import Base, UtcTime

# done; withdrawn by an officer; overtaken by another act, or by a change of what it was about; expired.
OUTCOMES = ("done", "withdrawn", "overtaken", "expired")
_OUTCOMES = ", ".join(f"'{outcome}'" for outcome in OUTCOMES)
_OPEN = text("ended_at IS NULL")


class Proposal(Base):
    """An act that one officer has asked for and others have to agree to. One at a time for each act of an election."""

    __tablename__ = "proposal"
    __table_args__ = (
        CheckConstraint(f"outcome IN ({_OUTCOMES})", name="outcome"),
        CheckConstraint("(outcome IS NULL) = (ended_at IS NULL)", name="ended"),
        Index(
            "uq_proposal_open",
            "election_id",
            "act",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    election_id: Mapped[int] = mapped_column(ForeignKey("election.id"))
    act: Mapped[str] = mapped_column(String(30))
    # What the journal will say, but the time: canonical JSON, and the hash of it that people agree to.
    payload: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(String(64))
    proposed_at: Mapped[datetime] = mapped_column(UtcTime)
    expires_at: Mapped[datetime] = mapped_column(UtcTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)
    outcome: Mapped[str | None] = mapped_column(String(10))


class Agreement(Base):
    """An officer who wants a proposed act; the first is who proposed it."""

    __tablename__ = "agreement"
    __table_args__ = (UniqueConstraint("proposal_id", "account_number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id"))
    account_number: Mapped[int] = mapped_column(ForeignKey("account.number"))
