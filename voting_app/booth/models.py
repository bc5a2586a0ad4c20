"""Ballots that are being verified, so that the end of voting waits for them; and ballots that were opened to check
them, so that they are never cast.
"""

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from voting_app.db import Base


class CastingInFlight(Base):
    """A process with ballots on their way; it knows nothing of them or of a voter, not even how many they are.

    id: of chance. It has no time either: a deleted row stays readable in the files of a database for long, and
    would tell when ballots came.
    """

    __tablename__ = "casting_in_flight"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    box_id: Mapped[int] = mapped_column(ForeignKey("ledger_box.id"), index=True)


class ChallengedBallot(Base):
    """A ballot that a voter had opened instead of cast. Part of the record: triggers refuse to change or remove it.

    It has no time. Its journal line tells the order, as that of the box tells the order of casting.
    """

    __tablename__ = "challenged_ballot"
    # How many a credential has is limited.
    __table_args__ = (Index("ix_challenged_ballot_box_id_credential", "box_id", "credential"),)

    box_id: Mapped[int] = mapped_column(ForeignKey("ledger_box.id"), primary_key=True)
    # SHA-256 in hex of the ballot's exact text, which is `body`.
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    credential: Mapped[str] = mapped_column(String(700))
    body: Mapped[bytes] = mapped_column(LargeBinary)
