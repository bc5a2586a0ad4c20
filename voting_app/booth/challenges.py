"""The challenged ballots of a box: found, counted, kept."""

from collections.abc import Sequence

from sqlalchemy import ARRAY, Label, String, any_, bindparam, exists, func, insert, select
from sqlalchemy.orm import Session

from crypto.ballot import ballot_tracker
from voting_app.accounts.service import SERVICE_ACTOR
from voting_app.booth.models import ChallengedBallot
from voting_app.db import Transaction, get_connection
from voting_app.errors import Problem
from voting_app.ledger import service as ledger

_FIND = select(ChallengedBallot.digest).where(
    ChallengedBallot.box_id == bindparam("box_id"),
    ChallengedBallot.digest.in_(bindparam("digests", expanding=True)),
)


def get_challenged() -> Problem:
    """Return the refusal of a ballot that was opened: whoever saw it open could prove how this voter voted."""
    return Problem(
        409,
        "challenged",
        "This ballot was opened to check it, so it cannot be cast. Make a new one.",
    )


def make_any_challenged(*, has_arrays: bool) -> Label[bool]:
    """A column for the look that every append takes: whether any of these ballots was challenged.

    has_arrays: as in `ledger.make_ballots_of`.
    """
    digests = (
        ChallengedBallot.digest == any_(bindparam("digests", type_=ARRAY(String)))
        if has_arrays
        else ChallengedBallot.digest.in_(bindparam("digests", expanding=True))
    )
    return exists().where(ChallengedBallot.box_id == bindparam("box_id"), digests).label("any_challenged")


def find_challenged(transaction: Transaction, box_id: int, digests: Sequence[str]) -> set[str]:
    """Return which of these ballots (SHA-256 in hex) were challenged.

    Between two transactions that lock the box, one of which casts a ballot and the other challenges it, the
    second one sees what the first one did.
    """
    if not digests:
        return set()
    rows = get_connection(transaction).execute(_FIND, {"box_id": box_id, "digests": list(digests)})
    return set(rows.scalars())


def count_challenged(session: Session, box_id: int, credential: str) -> int:
    """Return how many ballots of this public credential were challenged."""
    return (
        session.scalar(
            select(func.count()).where(
                ChallengedBallot.box_id == box_id, ChallengedBallot.credential == credential
            )
        )
        or 0
    )


def read_challenged(session: Session, box_id: int, digest: str) -> bytes | None:
    """Return the exact text of a challenged ballot, or None."""
    return session.scalar(
        select(ChallengedBallot.body).where(
            ChallengedBallot.box_id == box_id, ChallengedBallot.digest == digest
        )
    )


def add_challenged(session: Session, box_id: int, digest: str, credential: str, raw: bytes) -> None:
    """Keep a ballot as challenged, and say so in the journal; the caller has locked the box and looked."""
    session.execute(
        insert(ChallengedBallot).values(box_id=box_id, digest=digest, credential=credential, body=raw)
    )
    ledger.append_journal(
        session, box_id, "ballot-challenged", str(SERVICE_ACTOR), {"tracker": ballot_tracker(raw)}
    )
