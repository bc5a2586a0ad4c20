"""The report that was certified, as it was then."""

from __future__ import annotations

from sqlalchemy import ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from voting_app.db import Base


class CertifiedReport(Base):
    """The bytes of `crypto.report`, of which the journal has the hash. Nobody is named in them."""

    __tablename__ = "certified_report"

    ballot_box_id: Mapped[int] = mapped_column(ForeignKey("ballot_box.id"), primary_key=True)
    body: Mapped[bytes] = mapped_column(LargeBinary)
