"""The public credential list of a box between its publication and Setup, and what is sealed until it is handed out."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from voting_app.db import Base, UtcTime


class CredentialPublication(Base):
    """What the registrar published: public keys with weights, sorted, so its order says nothing.

    No private credential and no member is named here; after Setup the same bytes are in the box.
    """

    __tablename__ = "credential_publication"

    ballot_box_id: Mapped[int] = mapped_column(ForeignKey("ballot_box.id"), primary_key=True)
    # Canonical JSON, exactly the bytes that Setup will name.
    credentials: Mapped[str] = mapped_column(Text)
    credentials_hash: Mapped[str] = mapped_column(String(64))
    count: Mapped[int] = mapped_column(Integer)
    # The account of the program that had the credentials made here and may ask for them until it has them.
    program: Mapped[int | None] = mapped_column(Integer)


class SealedCredential(Base):
    """A member's private credential, made by the server and not handed out yet; `vault.py` alone opens it.

    There is one for each row of the roll at most. It is encrypted with a key that is not in the database, and the row
    goes when the member has the credential. All of them are written at once, so their order is that of the roll.
    """

    __tablename__ = "sealed_credential"

    roll_entry_id: Mapped[int] = mapped_column(
        ForeignKey("roll_entry.id"), primary_key=True, autoincrement=False
    )
    sealed: Mapped[bytes] = mapped_column(LargeBinary)


class ReplaceableCredential(Base):
    """Which public credential is a member's: known until Setup fixes the list, so that a lost one can be taken out.

    Sealed as the private one is, and of no use before there are ballots. Setup erases all rows in its transaction.
    """

    __tablename__ = "replaceable_credential"

    roll_entry_id: Mapped[int] = mapped_column(
        ForeignKey("roll_entry.id"), primary_key=True, autoincrement=False
    )
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    # How many credentials this member had before the present one.
    replaced: Mapped[int] = mapped_column(Integer, default=0)


class SheetRun(Base):
    """Sheets that a registrar has asked for together. The document itself is made while it is downloaded, and not kept.

    fingerprint: of the election data, as it stands on these sheets.
    """

    __tablename__ = "sheet_run"
    __table_args__ = (CheckConstraint("state IN ('open', 'printed', 'dropped')", name="state"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    election_id: Mapped[int] = mapped_column(ForeignKey("election.id"), index=True)
    layout: Mapped[str] = mapped_column(String(20))
    fingerprint: Mapped[str] = mapped_column(String(43))
    # What was chosen: empty for everybody, otherwise a unit, or one member's number.
    unit: Mapped[str] = mapped_column(String(200))
    member_number: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    state: Mapped[str] = mapped_column(String(10), default="open")


class SheetRunEntry(Base):
    """Whose sheets are in a run, in their order. fault: why this one could not be printed."""

    __tablename__ = "sheet_run_entry"
    __table_args__ = (Index("ix_sheet_run_entry_roll_entry_id", "roll_entry_id"),)

    run_id: Mapped[int] = mapped_column(ForeignKey("sheet_run.id"), primary_key=True)
    place: Mapped[int] = mapped_column(Integer, primary_key=True)
    roll_entry_id: Mapped[int] = mapped_column(ForeignKey("roll_entry.id"))
    fault: Mapped[str | None] = mapped_column(String(500))
