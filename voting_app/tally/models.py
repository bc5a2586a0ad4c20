"""Work that takes long and that one worker at a time should do: the encrypted tally, the result."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from voting_app.db import Base, UtcTime


class WorkClaim(Base):
    """Who works on a box at present. A claim saves double work; correctness rests on the box's order rules."""

    __tablename__ = "work_claim"

    ballot_box_id: Mapped[int] = mapped_column(ForeignKey("ballot_box.id"), primary_key=True)
    worker: Mapped[str] = mapped_column(String(32))
    claimed_until: Mapped[datetime] = mapped_column(UtcTime)
