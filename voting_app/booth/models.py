"""Ballots that arrived and are being verified: so that the end of voting waits for them."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from voting_app.db import Base, UtcTime


class CastingInFlight(Base):
    """One ballot on its way. The row knows nothing of the ballot or the voter and lives for milliseconds.

    expires_at: nobody waits longer than until then for a process that died or a proof that takes too long.
    """

    __tablename__ = "casting_in_flight"
    __table_args__ = (Index("ix_casting_in_flight_box_id_expires_at", "box_id", "expires_at"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    box_id: Mapped[int] = mapped_column(ForeignKey("ledger_box.id"))
    expires_at: Mapped[datetime] = mapped_column(UtcTime)
