"""Ballots that arrived and are being verified: so that the end of voting waits for them."""

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from voting_app.db import Base


class CastingInFlight(Base):
    """One ballot on its way. The row knows nothing of the ballot or the voter and lives for milliseconds.

    It has no time either: a deleted row stays readable in the files of a database for long, and would tell
    when each ballot came.
    """

    __tablename__ = "casting_in_flight"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    box_id: Mapped[int] = mapped_column(ForeignKey("ledger_box.id"), index=True)
