"""Organisation, units, elections and their ballot boxes.

An election is what the committee runs and members see; it has one or more ballot boxes, each with
questions of its own and a Belenios archive named by its uuid. The first box (ordinal 0) names the
election: its uuid stands in every address. What is in the ballot box or the journal is not here
but in voting_app.ledger; these rows hold settings and the state.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, CheckConstraint, ForeignKey, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from voting_app.db import Base, UtcTime

# The states of voting_app.elections.states, which knows no table; a test holds the two together.
STATES = (
    "draft",
    "roll-frozen",
    "keys-ready",
    "open",
    "paused",
    "closed",
    "tallied",
    "certified",
    "cancelled",
    "untalliable",
)
_STATES = ", ".join(f"'{state}'" for state in STATES)


class Organisation(Base):
    """The one organisation that this installation serves."""

    __tablename__ = "organisation"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200))


class Unit(Base):
    """A local, bargaining unit or committee; units form a tree below the organisation."""

    __tablename__ = "unit"
    __table_args__ = (UniqueConstraint("organisation_id", "parent_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    name: Mapped[str] = mapped_column(String(200))


class Election(Base):
    """One vote: its settings, its state and the moments that decide which ballot was in time."""

    __tablename__ = "election"
    __table_args__ = (
        CheckConstraint(f"state IN ({_STATES})", name="state"),
        CheckConstraint("credential_mode IN ('server', 'registrar')", name="credential_mode"),
        CheckConstraint("single_trustees >= 0", name="single_trustees"),
        CheckConstraint(
            "(threshold_size IS NULL) = (threshold IS NULL)"
            " AND threshold >= 1 AND threshold <= threshold_size",
            name="threshold",
        ),
        CheckConstraint(
            "(officers_needed IS NULL) = (certifiers IS NULL) AND (officers_needed IS NULL) = (waiver IS NULL)"
            " AND (officers_needed IS NULL OR (officers_needed = 1 AND certifiers = 1 AND waiver <> '')"
            " OR (officers_needed = 2 AND certifiers >= 2 AND waiver = ''))",
            name="officers",
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    organisation_id: Mapped[int] = mapped_column(ForeignKey("organisation.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    name: Mapped[str] = mapped_column(String(500))
    description: Mapped[str] = mapped_column(Text)
    group_name: Mapped[str] = mapped_column(String(40))
    revoting: Mapped[bool] = mapped_column(Boolean)
    credential_mode: Mapped[str] = mapped_column(String(20))
    time_zone: Mapped[str] = mapped_column(String(64))
    closes_at: Mapped[datetime] = mapped_column(UtcTime)
    state: Mapped[str] = mapped_column(String(20), default=STATES[0])
    # Ballots that arrive from this moment on are refused; empty while the box takes ballots. What
    # arrived before counts, however long its verification takes.
    stopped_at: Mapped[datetime | None] = mapped_column(UtcTime)
    opened_at: Mapped[datetime | None] = mapped_column(UtcTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcTime)
    single_trustees: Mapped[int] = mapped_column(Integer)
    threshold_size: Mapped[int | None] = mapped_column(Integer)
    threshold: Mapped[int | None] = mapped_column(Integer)
    # Set by the key drill when every Single trustee and enough threshold trustees proved their key.
    keys_drilled: Mapped[bool] = mapped_column(Boolean, default=False)
    # How many officers must want an act, and a certification, and why one alone may act: as in the journal's line
    # "officers". Empty in an election of a version that did not know of it.
    officers_needed: Mapped[int | None] = mapped_column(Integer)
    certifiers: Mapped[int | None] = mapped_column(Integer)
    waiver: Mapped[str | None] = mapped_column(Text)
    # Set when the roll is frozen: its salted hash (the journal has it too) and how many may vote.
    roll_salt: Mapped[str | None] = mapped_column(String(64))
    roll_hash: Mapped[str | None] = mapped_column(String(64))
    member_count: Mapped[int | None] = mapped_column(Integer)

    boxes: Mapped[list[BallotBox]] = relationship(back_populates="election", order_by="BallotBox.ordinal")


class BallotBox(Base):
    """One box of an election: its questions and the uuid of its archive."""

    __tablename__ = "ballot_box"
    __table_args__ = (UniqueConstraint("election_id", "ordinal"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    election_id: Mapped[int] = mapped_column(ForeignKey("election.id"))
    ordinal: Mapped[int] = mapped_column(Integer)
    uuid: Mapped[str] = mapped_column(String(40), unique=True)
    # PROTOCOL §4 question objects, in the order of the ballot.
    questions: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    # The field ``steward`` of the election data (languages, rules, quorum), or nothing.
    presentation: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    # The public service key of the ledger, unpadded base64 (its private part is a file).
    service_key: Mapped[str] = mapped_column(String(43))

    election: Mapped[Election] = relationship(back_populates="boxes")


class AnswerDrawing(Base):
    """An order of answers that was drawn by lot: once for the same answers, whatever becomes of the question."""

    __tablename__ = "answer_drawing"
    __table_args__ = (UniqueConstraint("ballot_box_id", "answers_hash"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    ballot_box_id: Mapped[int] = mapped_column(ForeignKey("ballot_box.id"))
    # SHA-256 of the answers, sorted.
    answers_hash: Mapped[str] = mapped_column(String(64))
    question: Mapped[str] = mapped_column(Text)
    # The answers in the order that was drawn.
    answers: Mapped[list[str]] = mapped_column(JSON)
    drawn_at: Mapped[datetime] = mapped_column(UtcTime)
    # Whose act it was, as the journal names people.
    actor: Mapped[str] = mapped_column(String(40))
