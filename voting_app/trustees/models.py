"""Trustees' seats and the messages that they sent during the key ceremony.

Everything here is either public or encrypted between trustees; no private key ever reaches the
server in a form that it could read.
"""

from __future__ import annotations

from sqlalchemy import CheckConstraint, ForeignKey, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from voting_app.db import Base


class TrusteeSeat(Base):
    """One trustee of an election: owner number, kind and what has arrived so far (canonical JSON)."""

    __tablename__ = "trustee_seat"
    __table_args__ = (
        UniqueConstraint("election_id", "owner"),
        CheckConstraint("kind IN ('single', 'threshold')", name="kind"),
        CheckConstraint("(kind = 'threshold') = (share_index IS NOT NULL)", name="share_index"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    election_id: Mapped[int] = mapped_column(ForeignKey("election.id"))
    # 1-based over the flattened list of keys: Singles first (PROTOCOL §7).
    owner: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String(10))
    # 1-based within the threshold group.
    share_index: Mapped[int | None] = mapped_column(Integer)
    # The random number of the account whose bearer token speaks for this seat.
    account_number: Mapped[int] = mapped_column(Integer, unique=True)
    # Who it is, and where mail goes when it is this trustee's turn; both may be unknown. Neither is published.
    name: Mapped[str | None] = mapped_column(String(200))
    email: Mapped[str | None] = mapped_column(String(254))
    # Counts the ceremonies of the election: a step of a new one is another event than that of an abandoned one.
    ceremony: Mapped[int] = mapped_column(Integer, default=1)
    certificate: Mapped[str | None] = mapped_column(Text)
    commitment: Mapped[str | None] = mapped_column(String(64))
    revealed: Mapped[str | None] = mapped_column(Text)
    voutput: Mapped[str | None] = mapped_column(Text)
    drill_nonce: Mapped[str | None] = mapped_column(String(64))
    drilled: Mapped[bool] = mapped_column(default=False)


class RetiredCommitment(Base):
    """A commitment of an abandoned ceremony: seen by others, so it can never be used again."""

    __tablename__ = "retired_commitment"
    __table_args__ = (UniqueConstraint("election_id", "commitment"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    election_id: Mapped[int] = mapped_column(ForeignKey("election.id"))
    commitment: Mapped[str] = mapped_column(String(64))
