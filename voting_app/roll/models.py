"""The roll: who may vote. Nothing here names a public credential, and no ballot row names a member."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from voting_app.db import Base, UtcTime


class RollEntry(Base):
    """One member on an election's roll.

    ``credential_state`` is all that the roll knows of participation: whether a credential was
    handed out, never whether it was used. ``credential_way`` is how (voting_app.registrar.vault.Way).
    """

    __tablename__ = "roll_entry"
    __table_args__ = (
        UniqueConstraint("election_id", "member_number"),
        CheckConstraint("weight >= 1", name="weight"),
        CheckConstraint("credential_state IN ('none', 'delivered')", name="credential_state"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    election_id: Mapped[int] = mapped_column(ForeignKey("election.id"))
    member_number: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str] = mapped_column(String(254), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    address: Mapped[str] = mapped_column(Text, default="")
    unit: Mapped[str] = mapped_column(String(200), default="")
    weight: Mapped[int] = mapped_column(BigInteger, default=1)
    language: Mapped[str] = mapped_column(String(35), default="")
    # A member who is not in good standing stays visible on the roll but gets no credential.
    eligible: Mapped[bool] = mapped_column(default=True)
    credential_state: Mapped[str] = mapped_column(String(20), default="none")
    credential_way: Mapped[str | None] = mapped_column(String(20))


class RollUpload(Base):
    """A file that somebody looks at before it becomes the roll: one for each person and election.

    It is gone as soon as it was taken or put away, and a day later in any case.
    """

    __tablename__ = "roll_upload"

    election_id: Mapped[int] = mapped_column(ForeignKey("election.id"), primary_key=True)
    account_number: Mapped[int] = mapped_column(ForeignKey("account.number"), primary_key=True)
    # SHA-256 of the content.
    digest: Mapped[str] = mapped_column(String(64))
    content: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
