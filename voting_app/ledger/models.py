"""Tables of the record. Rows are only ever added: triggers (migration 0002) refuse UPDATE, DELETE and a
row out of order.

No table here has a key, a time or an address in common with a table of members, and none of them knows the
time of a ballot.
"""

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from voting_app.db import Base


class LedgerBox(Base):
    """One ballot box: one Belenios archive and its journal. `timestamp` (seconds) stands in every record
    of the archive.
    """

    __tablename__ = "ledger_box"

    id: Mapped[int] = mapped_column(primary_key=True)
    uuid: Mapped[str] = mapped_column(String(64), unique=True)
    timestamp: Mapped[int] = mapped_column(BigInteger)


class LedgerEvent(Base):
    """One event of a box, hash-chained (PROTOCOL §9).

    state: the box's state after this event; position: byte of the archive where the event's first data
    record begins; end_position: length of the archive after the event.
    """

    __tablename__ = "ledger_event"
    __table_args__ = (
        UniqueConstraint("box_id", "hash"),
        UniqueConstraint("box_id", "parent"),
        UniqueConstraint("box_id", "end_position"),
    )

    box_id: Mapped[int] = mapped_column(ForeignKey("ledger_box.id"), primary_key=True)
    height: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    type: Mapped[str] = mapped_column(String(32))
    state: Mapped[str] = mapped_column(String(32))
    hash: Mapped[str] = mapped_column(String(64))
    parent: Mapped[str | None] = mapped_column(String(64))
    body: Mapped[bytes] = mapped_column(LargeBinary)
    position: Mapped[int] = mapped_column(BigInteger)
    end_position: Mapped[int] = mapped_column(BigInteger)


class LedgerData(Base):
    """One data record; it stands in the archive before the event with the same height, in the order of
    `ordinal`.

    credential: public credential of a ballot, else NULL (it is in the body, here it can be searched for).
    """

    __tablename__ = "ledger_data"
    __table_args__ = (
        # Deferred: the archive has the data before its event, and the trigger that closes an event's data
        # relies on that order.
        ForeignKeyConstraint(
            ["box_id", "height"],
            ["ledger_event.box_id", "ledger_event.height"],
            deferrable=True,
            initially="DEFERRED",
        ),
        Index("ix_ledger_data_box_id_hash", "box_id", "hash"),
        # The very same ballot twice (B11) is impossible whatever the program does; other data may repeat
        # (PROTOCOL §12.9).
        Index(
            "uq_ledger_data_ballot",
            "box_id",
            "hash",
            unique=True,
            sqlite_where=text("credential IS NOT NULL"),
            postgresql_where=text("credential IS NOT NULL"),
        ),
        Index("ix_ledger_data_box_id_credential", "box_id", "credential"),
    )

    box_id: Mapped[int] = mapped_column(ForeignKey("ledger_box.id"), primary_key=True)
    height: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    ordinal: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hash: Mapped[str] = mapped_column(String(64))
    # 2048-bit credentials have up to 617 digits.
    credential: Mapped[str | None] = mapped_column(String(700))
    body: Mapped[bytes] = mapped_column(LargeBinary)


class JournalRow(Base):
    """One line of a box's journal (DESIGN §11), hash-chained; `body` is the line without its line feed."""

    __tablename__ = "journal_line"
    __table_args__ = (UniqueConstraint("box_id", "hash"), UniqueConstraint("box_id", "parent"))

    box_id: Mapped[int] = mapped_column(ForeignKey("ledger_box.id"), primary_key=True)
    height: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(String(40))
    hash: Mapped[str] = mapped_column(String(64))
    parent: Mapped[str | None] = mapped_column(String(64))
    body: Mapped[bytes] = mapped_column(LargeBinary)
