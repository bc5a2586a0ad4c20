"""How many have voted: asked for by every page, so found without going through the whole box each time.

A box only grows. Its ballots stand at heights 1, 2, …, so their number is the height of the last one; and how many
voters there are is known from the last look and from the ballots since. What a process remembers for that is one
event's place and two numbers for each box, nothing about a ballot or a moment.
"""

from dataclasses import dataclass

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session, aliased

from voting_app.ledger import service
from voting_app.ledger.models import LedgerData, LedgerEvent

# With more new ballots than this it is quicker to count anew.
_MOST_NEW = 1000


@dataclass(frozen=True, slots=True)
class Turnout:
    """ballots: how many are in the box, replaced ones included; voters: how many credentials they are of."""

    ballots: int
    voters: int


@dataclass(frozen=True, slots=True)
class _Known:
    """The turnout at the event with this hash, which names all events before it too."""

    event_hash: str
    turnout: Turnout


# (database, box) -> what the last look found. Threads may overwrite each other's: each is right for its event.
_known: dict[tuple[str, int], _Known] = {}


def get_turnout(session: Session, box_id: int) -> Turnout:
    """Return how many ballots and voters are in the box. session: of Database.read, which sees one moment only."""
    last = session.execute(
        select(LedgerEvent.height, LedgerEvent.hash)
        # After the last ballot come a few events only, so this is found at the end of the box.
        .where(LedgerEvent.box_id == box_id, LedgerEvent.type.in_(("Setup", "Ballot")))
        .order_by(LedgerEvent.height.desc())
        .limit(1)
    ).one_or_none()
    if last is None:
        return Turnout(0, 0)
    place = (str(session.get_bind().engine.url), box_id)
    known = _known.get(place)
    if known is not None and known.event_hash == last.hash:
        return known.turnout
    if known is not None and _goes_on(session, box_id, known.turnout.ballots, known.event_hash, last.height):
        voters = known.turnout.voters + _count_new(session, box_id, known.turnout.ballots, last.height)
    else:
        voters = service.count_voters(session, box_id)
    turnout = Turnout(last.height, voters)
    _known[place] = _Known(last.hash, turnout)
    return turnout


def _goes_on(session: Session, box_id: int, start: int, event_hash: str, height: int) -> bool:
    """Whether the box has this event at height `start`, and few ballots after it: another box may have come into its
    place, from a backup.
    """
    if not 0 < height - start <= _MOST_NEW:
        return False
    there = select(LedgerEvent.hash).where(LedgerEvent.box_id == box_id, LedgerEvent.height == start)
    return session.scalar(there) == event_hash


def _count_new(session: Session, box_id: int, after: int, height: int) -> int:
    """Count the voters whose first ballot stands after the height `after`, up to `height`."""
    earlier = aliased(LedgerData)
    has_earlier = exists().where(
        earlier.box_id == LedgerData.box_id,
        earlier.credential == LedgerData.credential,
        # A sum is in no index: otherwise SQLite goes through all earlier ballots instead of this credential's few.
        earlier.height + 0 < LedgerData.height,
    )
    statement = select(func.count()).where(
        LedgerData.box_id == box_id,
        LedgerData.credential.is_not(None),
        LedgerData.height > after,
        LedgerData.height <= height,
        ~has_earlier,
    )
    return session.scalar(statement) or 0
