"""Photos of candidates. Which answer each belongs to stands in the election's presentation, by its hash."""

from sqlalchemy import ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from voting_app.db import Base


class CandidatePhoto(Base):
    """A photo as this service has made it, never as it was uploaded. The same one may stand beside several answers."""

    __tablename__ = "candidate_photo"

    box_id: Mapped[int] = mapped_column(ForeignKey("ballot_box.id"), primary_key=True)
    # SHA-256 in hex of `content`, a JPEG file.
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)
