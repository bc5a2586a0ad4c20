"""The public credential list of a box between its publication and Setup."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from voting_app.db import Base


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
