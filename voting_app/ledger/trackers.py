"""Trackers: what anybody may look for in a box, and what of it still counts."""

from collections.abc import Iterator

from sqlalchemy import exists, select
from sqlalchemy.orm import Session, aliased

from crypto.encoding import encode_base64
from voting_app.db import Database
from voting_app.ledger.models import LedgerData

_PIECE_LINES = 2000


def find_last_ballot(session: Session, box_id: int, credential: str) -> str | None:
    """Return the SHA-256 in hex of the last ballot of this public credential, or None: the one that counts."""
    return session.scalar(
        select(LedgerData.hash)
        .where(LedgerData.box_id == box_id, LedgerData.credential == credential)
        .order_by(LedgerData.height.desc())
        .limit(1)
    )


def iter_trackers(database: Database, box_id: int, last_height: int) -> Iterator[bytes]:
    """Give a line for each ballot of the box as it was up to `last_height`: height and tracker, and "replaced" where
    a later ballot of the same credential counts instead.
    """
    later = aliased(LedgerData)
    is_replaced = exists().where(
        later.box_id == LedgerData.box_id,
        later.credential == LedgerData.credential,
        # A sum is in no index: otherwise SQLite goes through all later ballots instead of this credential's few.
        later.height + 0 > LedgerData.height,
        later.height + 0 <= last_height,
    )
    height = -1
    while True:
        with database.read() as session:
            rows = session.execute(
                select(LedgerData.height, LedgerData.hash, is_replaced.label("is_replaced"))
                .where(
                    LedgerData.box_id == box_id,
                    LedgerData.credential.is_not(None),
                    LedgerData.height > height,
                    LedgerData.height <= last_height,
                )
                .order_by(LedgerData.height)
                .limit(_PIECE_LINES)
            ).all()
        if not rows:
            return
        yield "".join(
            f"{row.height} {encode_base64(bytes.fromhex(row.hash))}{' replaced' if row.is_replaced else ''}\n"
            for row in rows
        ).encode()
        height = rows[-1].height
