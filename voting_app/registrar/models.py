"""The public credential list of a box between its publication and Setup, and what is sealed until it is handed out."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Integer, LargeBinary, String, Text
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
