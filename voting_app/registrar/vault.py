"""Credentials that the server made and nobody has yet: sealed in the database, opened to be handed out, then erased.

The key is derived from the installation's secret, which is not in the database, so a copy of the database opens none.
Whoever has both, opens what still waits: that is what pages warn of before credentials are made here (mode *server*).
An erased row cannot be brought back, from no page and by no program.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Select, delete, func, insert, select, update
from sqlalchemy.orm import Session

from voting_app.context import Context
from voting_app.elections.models import Election
from voting_app.elections.states import State
from voting_app.mailing.models import Delivery
from voting_app.registrar.models import ReplaceableCredential, SealedCredential, SheetRunEntry
from voting_app.roll.members import contains_words, split_words
from voting_app.roll.models import RollEntry
from voting_app.sealing import seal, unseal

_PURPOSE = "steward-credential-seal"
_PUBLIC_PURPOSE = "steward-public-credential-seal"
# SQLite takes a bounded number of values in one statement.
_AT_ONCE = 500
_DELIVERED = "delivered"
# No ballot is taken any more, and never will be again.
ENDED = (State.CLOSED, State.TALLIED, State.CERTIFIED, State.CANCELLED, State.UNTALLIABLE)


class Way(StrEnum):
    """How a member got the credential, or why it is gone."""

    PRINTED = "printed"
    MAILED = "mailed"
    # A program took it and said so.
    PROGRAM = "program"
    # Voting was over before anybody handed it out.
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True)
class Waiting:
    """A member whose credential is sealed here; the credential is not in here.

    is_delivered: it was handed out already, and is kept a while so that the same one can be sent again.
    """

    roll_entry_id: int
    member_number: str
    name: str
    email: str
    address: str
    unit: str
    language: str
    is_delivered: bool


@dataclass(frozen=True, slots=True)
class NewCredential:
    """The credential of a row of the roll: the private text, and the public one that stands in the list."""

    roll_entry_id: int
    text: str
    public: str


def keep(session: Session, context: Context, credentials: Iterable[NewCredential]) -> None:
    """Seal credentials; their members may have none yet."""
    secret, ordered = context.settings.secret, sorted(credentials, key=lambda new: new.roll_entry_id)
    session.execute(
        insert(SealedCredential),
        [
            {
                "roll_entry_id": new.roll_entry_id,
                "sealed": seal(secret, _PURPOSE, _place(new.roll_entry_id), new.text),
            }
            for new in ordered
        ],
    )
    session.execute(
        insert(ReplaceableCredential),
        [
            {
                "roll_entry_id": new.roll_entry_id,
                "sealed": seal(secret, _PUBLIC_PURPOSE, _place(new.roll_entry_id), new.public),
                "replaced": 0,
            }
            for new in ordered
        ],
    )


def replace(session: Session, context: Context, new: NewCredential) -> str | None:
    """Seal a new credential in the place of the one that this member has; the public text of that one.

    None, and nothing is done, where it is not known any more: Setup has fixed the list.
    """
    secret, place = context.settings.secret, _place(new.roll_entry_id)
    known = session.get(ReplaceableCredential, new.roll_entry_id, with_for_update=True)
    if known is None:
        return None
    # Before the rows below are locked, in the order of whoever notes what became of a mail. A mail that is on its way
    # loses its row: what it has is worth nothing, and its end must not erase the new credential.
    session.execute(delete(Delivery).where(Delivery.roll_entry_id == new.roll_entry_id))
    old = unseal(secret, _PUBLIC_PURPOSE, place, known.sealed)
    known.sealed = seal(secret, _PUBLIC_PURPOSE, place, new.public)
    known.replaced += 1
    waiting = session.get(SealedCredential, new.roll_entry_id)
    sealed = seal(secret, _PURPOSE, place, new.text)
    if waiting is None:
        session.add(SealedCredential(roll_entry_id=new.roll_entry_id, sealed=sealed))
    else:
        waiting.sealed = sealed
    # Whatever sheet there is of it is not good any more.
    session.execute(delete(SheetRunEntry).where(SheetRunEntry.roll_entry_id == new.roll_entry_id))
    session.execute(
        update(RollEntry)
        .where(RollEntry.id == new.roll_entry_id)
        .values(credential_state="none", credential_way=None)
    )
    return old


def forget_publics(session: Session, election_id: int) -> None:
    """Erase which public credential is whose: from Setup on, ballots will name them."""
    entries = select(RollEntry.id).where(RollEntry.election_id == election_id)
    session.execute(delete(ReplaceableCredential).where(ReplaceableCredential.roll_entry_id.in_(entries)))


def open_credential(context: Context, session: Session, roll_entry_id: int) -> str | None:
    """Return the credential of that row of the roll while it waits, None before and after.

    RuntimeError when the installation's secret is not the one that sealed it.
    """
    row = session.get(SealedCredential, roll_entry_id)
    return None if row is None else _unseal(context, row.roll_entry_id, row.sealed)


def open_many(context: Context, session: Session, roll_entry_ids: Collection[int]) -> dict[int, str]:
    """Return what waits of these rows: id -> credential; the others are left out. RuntimeError as above."""
    opened: dict[int, str] = {}
    for some in _portions(roll_entry_ids):
        rows = session.execute(
            select(SealedCredential.roll_entry_id, SealedCredential.sealed).where(
                SealedCredential.roll_entry_id.in_(some)
            )
        )
        opened |= {id_: _unseal(context, id_, sealed) for id_, sealed in rows}
    return opened


def erase(session: Session, roll_entry_id: int, how: Way) -> bool:
    """Erase one credential, because its member has it now; whether it was still there.

    In the transaction that notes the delivery: the row and the note go together.
    """
    return erase_many(session, [roll_entry_id], how) == 1


def erase_many(session: Session, roll_entry_ids: Collection[int], how: Way) -> int:
    """As `erase`, for many; how many were still there. What was erased before keeps its note."""
    done = 0
    for some in _portions(roll_entry_ids):
        there = list(
            session.scalars(
                select(SealedCredential.roll_entry_id)
                .where(SealedCredential.roll_entry_id.in_(some))
                .with_for_update()
            )
        )
        session.execute(delete(SealedCredential).where(SealedCredential.roll_entry_id.in_(there)))
        entries = update(RollEntry).where(RollEntry.id.in_(there))
        if how is Way.EXPIRED:
            # Who had the credential already, and it was kept: only mail does that.
            had_it = RollEntry.credential_state == _DELIVERED
            session.execute(entries.where(had_it).values(credential_way=Way.MAILED.value))
            session.execute(entries.where(~had_it).values(credential_way=how.value))
        else:
            session.execute(entries.values(credential_way=how.value, credential_state=_DELIVERED))
        done += len(there)
    return done


def erase_all(session: Session, election_id: int, how: Way) -> int:
    """Erase everything that waits in an election; how many there were."""
    return erase_many(session, [waiting.roll_entry_id for waiting in list_waiting(session, election_id)], how)


def list_waiting(session: Session, election_id: int) -> list[Waiting]:
    """Return everybody in an election whose credential is sealed here, by member number."""
    rows = session.execute(
        select(
            RollEntry.id,
            RollEntry.member_number,
            RollEntry.name,
            RollEntry.email,
            RollEntry.address,
            RollEntry.unit,
            RollEntry.language,
            RollEntry.credential_state == _DELIVERED,
        )
        .join(SealedCredential, SealedCredential.roll_entry_id == RollEntry.id)
        .where(RollEntry.election_id == election_id)
        .order_by(RollEntry.member_number)
    )
    return [Waiting(*row[:-1], is_delivered=bool(row[-1])) for row in rows]


@dataclass(frozen=True, slots=True)
class Count:
    """How many credentials are where. waiting: sealed, and nobody has them; kept: sealed, and their members have them;
    ways: how many went which way (`Way`).
    """

    waiting: int
    kept: int
    ways: dict[str, int]


def count_ways(session: Session, election_id: int) -> Count:
    """Return how many credentials wait, and how many went which way."""
    rows = session.execute(
        select(RollEntry.credential_way, func.count())
        .where(RollEntry.election_id == election_id, RollEntry.credential_way.is_not(None))
        .group_by(RollEntry.credential_way)
    )
    waiting = count_waiting(session, election_id)
    kept = count_waiting(session, election_id, is_delivered=True)
    return Count(waiting, kept, {row[0] or "": row[1] for row in rows})


@dataclass(frozen=True, slots=True)
class Held:
    """Where a member's credential is. replaced: how many earlier ones were lost; None where that is not known (any
    more).
    """

    roll_entry_id: int
    member_number: str
    name: str
    unit: str
    is_sealed: bool
    is_delivered: bool
    way: str | None
    replaced: int | None


def list_held(session: Session, election_id: int, search: str = "") -> list[Held]:
    """Return those who get a credential, by member number. search: parts of name and number."""
    found = select(RollEntry).where(RollEntry.election_id == election_id, RollEntry.eligible)
    held = _hold(session, found.order_by(RollEntry.member_number))
    # Not by the database: SQLite knows capitals of English letters only.
    wanted = split_words(search)
    return [member for member in held if contains_words((member.name, member.member_number), wanted)]


def find_held(session: Session, election_id: int, roll_entry_id: int) -> Held | None:
    """Return where one member's credential is; None if nobody with this row gets one in this election."""
    found = select(RollEntry).where(
        RollEntry.election_id == election_id, RollEntry.eligible, RollEntry.id == roll_entry_id
    )
    return next(iter(_hold(session, found)), None)


def _hold(session: Session, found: Select[RollEntry]) -> list[Held]:
    rows = session.execute(
        found.outerjoin(SealedCredential, SealedCredential.roll_entry_id == RollEntry.id)
        .outerjoin(ReplaceableCredential, ReplaceableCredential.roll_entry_id == RollEntry.id)
        .add_columns(SealedCredential.roll_entry_id, ReplaceableCredential.replaced)
    )
    return [
        Held(
            entry.id,
            entry.member_number,
            entry.name,
            entry.unit,
            waiting is not None,
            entry.credential_state == _DELIVERED,
            entry.credential_way,
            replaced,
        )
        for entry, waiting, replaced in rows
    ]


def count_waiting(session: Session, election_id: int, *, is_delivered: bool = False) -> int:
    """Return how many credentials wait in an election for the first time; or how many of those that were handed out
    are kept, so that the same one can be sent again.
    """
    has_it = RollEntry.credential_state == _DELIVERED
    return (
        session.scalar(
            select(func.count())
            .select_from(SealedCredential)
            .join(RollEntry, SealedCredential.roll_entry_id == RollEntry.id)
            .where(RollEntry.election_id == election_id, has_it if is_delivered else ~has_it)
        )
        or 0
    )


@dataclass(frozen=True, slots=True)
class Traces:
    """Numbers in all elections, of which another one each time that something sealed was erased or replaced."""

    private: int
    public: int
    replaced: int
    gone: int


def find_traces(session: Session) -> Traces:
    """Return them as they are now."""
    private = session.scalar(select(func.count()).select_from(SealedCredential)) or 0
    public, replaced = session.execute(
        select(func.count(), func.coalesce(func.sum(ReplaceableCredential.replaced), 0))
    ).one()
    gone = select(func.count()).where(RollEntry.credential_way.is_not(None))
    return Traces(private, int(public), int(replaced), session.scalar(gone) or 0)


def list_ended(session: Session) -> list[int]:
    """Return the elections in which credentials wait although nobody can vote there any more."""
    return list(
        session.scalars(
            select(RollEntry.election_id)
            .join(SealedCredential, SealedCredential.roll_entry_id == RollEntry.id)
            .join(Election, Election.id == RollEntry.election_id)
            .where(Election.state.in_(ENDED))
            .distinct()
        )
    )


def _place(roll_entry_id: int) -> str:
    """A sealed credential that somebody moves to another member's row does not open there."""
    return f"roll-entry/{roll_entry_id}"


def _unseal(context: Context, roll_entry_id: int, sealed: bytes) -> str:
    return unseal(context.settings.secret, _PURPOSE, _place(roll_entry_id), sealed)


def _portions(ids: Iterable[int]) -> Iterator[list[int]]:
    ordered = sorted(set(ids))
    for start in range(0, len(ordered), _AT_ONCE):
        yield ordered[start : start + _AT_ONCE]
