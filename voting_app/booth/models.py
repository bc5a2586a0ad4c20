"""Ballots that arrived and are being verified: so that the end of voting waits for them."""

from sqlalchemy import ForeignKey, String
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
