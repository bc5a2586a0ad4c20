"""What became of each member's credential: for the desk that answers when somebody calls. Never the credential."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, select
from sqlalchemy.orm import Session, aliased

from voting_app.context import Context
from voting_app.elections.service import ElectionView
from voting_app.mailing import addresses
from voting_app.mailing.addresses import AddressState
from voting_app.mailing.deliveries import ON_ITS_WAY, TROUBLE, count_states, list_candidates
from voting_app.mailing.models import Delivery, DeliveryState, MemberAddress
from voting_app.registrar.models import SealedCredential
from voting_app.roll.members import contains_words, split_words
from voting_app.roll.models import RollEntry


class Only(StrEnum):
    """Which members are listed."""

    ALL = ""
    UNCONFIRMED = "unconfirmed"
    WAITING = "waiting"
    ON_ITS_WAY = "on-its-way"
    SENT = "sent"
    TROUBLE = "trouble"


@dataclass(frozen=True, slots=True)
class Standing:
    """One member. delivery: None while no mail was begun; way: how the credential was handed over otherwise, or why it
    is gone; has_credential: it is here, sealed; unsent: why the question about the address did not arrive.
    """

    entry_id: int
    member_number: str
    name: str
    email: str
    address: AddressState
    unsent: str | None
    delivery: DeliveryState | None
    attempts: int
    sent_at: datetime | None
    next_try_at: datetime | None
    message_id: str | None
    reason: str | None
    way: str | None
    has_credential: bool


@dataclass(frozen=True, slots=True)
class Summary:
    """Numbers of an election. sheets: who waits for a printed sheet, because the address was not confirmed."""

    members: int
    addresses: Counter[AddressState]
    deliveries: dict[DeliveryState, int]
    waiting: int
    to_ask: int
    to_mail: int
    is_confirming: bool

    @property
    def on_its_way(self) -> int:
        return sum(self.deliveries[state] for state in ON_ITS_WAY)


def summarise(session: Session, context: Context, view: ElectionView) -> Summary:
    """The numbers of an election."""
    candidates = list_candidates(session, context, view)
    found = Counter(candidate.state for candidate in candidates)
    is_confirming = addresses.is_confirming(session, view.id)
    return Summary(
        members=len(candidates),
        addresses=found,
        deliveries=count_states(session, view.id),
        waiting=sum(candidate.is_waiting for candidate in candidates),
        to_ask=found[AddressState.UNASKED] + found[AddressState.EXPIRED],
        to_mail=sum(
            candidate.is_waiting and (candidate.state is AddressState.CONFIRMED or not is_confirming)
            for candidate in candidates
        ),
        is_confirming=is_confirming,
    )


def find_members(
    session: Session,
    context: Context,
    view: ElectionView,
    words: str,
    only: Only,
    *,
    sees_addresses: bool = True,
) -> list[int]:
    """The entries of the members who may vote and fit, by member number.

    sees_addresses: whoever does not finds an address by all of it only; by parts it could be guessed sign by sign.
    """
    rows = session.execute(
        select(RollEntry.id, RollEntry.name, RollEntry.member_number, RollEntry.email)
        .outerjoin(Delivery, Delivery.roll_entry_id == RollEntry.id)
        .where(RollEntry.election_id == view.id, RollEntry.eligible, *_restrict(context, only))
        .order_by(RollEntry.member_number)
    )
    # Not by the database: SQLite knows capitals of English letters only, and nobody types all accents.
    wanted, address = split_words(words), addresses.normalise(words)
    return [
        id_
        for id_, name, number, email in rows
        if contains_words((name, number, email) if sees_addresses else (name, number), wanted)
        or addresses.normalise(email) == address
    ]


def _restrict(context: Context, only: Only) -> list[ColumnElement[bool]]:
    is_sealed = exists().where(SealedCredential.roll_entry_id == RollEntry.id)
    if only is Only.UNCONFIRMED:
        good_from = context.clock.now() - addresses.get_lifetime(context)
        later = aliased(MemberAddress)
        is_overtaken = exists().where(
            later.member_number == MemberAddress.member_number,
            later.asked_at > MemberAddress.asked_at,
            later.denied_at.is_(None),
        )
        is_confirmed = exists().where(
            MemberAddress.member_number == RollEntry.member_number,
            MemberAddress.address == func.lower(RollEntry.email),
            MemberAddress.confirmed_at > good_from,
            ~is_overtaken,
        )
        return [~is_confirmed]
    if only is Only.WAITING:
        return [is_sealed, Delivery.roll_entry_id.is_(None)]
    states = {
        Only.ON_ITS_WAY: ON_ITS_WAY,
        Only.SENT: (DeliveryState.SENT,),
        Only.TROUBLE: TROUBLE,
    }
    return [Delivery.state.in_(states[only])] if only in states else []


def list_standings(
    session: Session, context: Context, view: ElectionView, ids: Sequence[int]
) -> list[Standing]:
    """These members, by member number; whoever is not of this election or may not vote is left out."""
    rows = session.execute(
        select(RollEntry, Delivery, SealedCredential.roll_entry_id)
        .outerjoin(Delivery, Delivery.roll_entry_id == RollEntry.id)
        .outerjoin(SealedCredential, SealedCredential.roll_entry_id == RollEntry.id)
        .where(and_(RollEntry.election_id == view.id, RollEntry.eligible, RollEntry.id.in_(ids)))
        .order_by(RollEntry.member_number)
    ).all()
    known = addresses.find_known(session, context, [entry for entry, _, _ in rows])
    unsent = addresses.find_unsent(session, [one.row for one in known.values() if one.row])

    def make(entry: RollEntry, delivery: Delivery | None, sealed: int | None) -> Standing:
        state, row = known[entry.id].state, known[entry.id].row
        mail = unsent.get(row.id) if row else None
        facts: dict[str, Any] = {
            "delivery": None,
            "attempts": 0,
            "sent_at": None,
            "next_try_at": None,
            "message_id": None,
            "reason": None,
        }
        if delivery is not None:
            facts = {name: getattr(delivery, name) for name in facts if name != "delivery"}
            facts["delivery"] = DeliveryState(delivery.state)
        return Standing(
            entry_id=entry.id,
            member_number=entry.member_number,
            name=entry.name,
            email=entry.email,
            address=state,
            unsent=mail.reason if mail else None,
            way=entry.credential_way,
            has_credential=sealed is not None,
            **facts,
        )

    return [make(entry, delivery, sealed) for entry, delivery, sealed in rows]


def mask(email: str) -> str:
    """An address as those may see it who need not know it: enough to ask "is it the one at example.org?"."""
    local, sign, domain = email.partition("@")
    return f"{local[:1]}…{sign}{domain}" if sign else ""
