"""The roll of an election: import it, freeze it. Nobody is added or removed after the freeze."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from crypto.encoding import encode_json_bytes, is_uuid, sha256_hex
from crypto.roll import Member, RollFile
from voting_app.accounts.service import Actor
from voting_app.approvals import proposals
from voting_app.approvals.proposals import Outcome
from voting_app.context import Context
from voting_app.elections import service as elections
from voting_app.elections.models import Election
from voting_app.elections.service import ElectionView
from voting_app.elections.states import Act
from voting_app.errors import Problem
from voting_app.roll.models import RollEntry
from voting_app.roll.preview import Preview, list_warnings, make_preview
from voting_app.sealing import tag

_SALT_PURPOSE = "steward-roll-salt"


@dataclass(frozen=True, slots=True)
class RollSummary:
    """How large a roll is. ``eligible`` members get credentials; ``total_weight`` is theirs."""

    members: int
    eligible: int
    total_weight: int
    roll_hash: str | None


@dataclass(frozen=True, slots=True)
class RollFreeze:
    """What freezing the roll as it is now would fix, for whoever agrees to it.

    roll_hash: what the journal would have; no other roll has it. warnings: sentences of the catalogues about members
    who may vote, each with the number of findings.
    """

    members: int
    eligible: int
    total_weight: int
    salt: str
    roll_hash: str
    warnings: tuple[tuple[str, int], ...]

    @property
    def payload(self) -> dict[str, object]:
        """The journal's line but for the time."""
        return {"roll": self.roll_hash, "members": self.eligible}


@dataclass(frozen=True, slots=True)
class Eligible:
    """What a credential is made from: a row of the roll, and its weight."""

    roll_entry_id: int
    weight: int


def import_roll(context: Context, uuid: str, members: list[Member]) -> RollSummary:
    """Replaces the roll of an election in draft; 409 ``wrong-state`` afterwards."""
    with context.database.write() as session:
        election = elections.lock_election(session, uuid)
        elections.require_act(election, Act.EDIT_ROLL)
        return replace_members(session, election.id, members)


def replace_members(session: Session, election_id: int, members: Sequence[Member]) -> RollSummary:
    """Replaces all members of a locked election in draft."""
    session.execute(delete(RollEntry).where(RollEntry.election_id == election_id))
    if members:
        session.execute(insert(RollEntry), [make_row(election_id, member) for member in members])
    return _summarise(session, election_id, None)


def preview_roll(
    context: Context, uuid: str, file: RollFile, against: str | None = None
) -> tuple[Preview, ElectionView | None]:
    """What importing ``file`` would mean, and the election whose roll it was compared with; nothing is written.

    That is ``against`` (an election's uuid; the election's own for the draft that would be replaced), or the last
    election with a frozen roll, one of the same unit before others. Problems: 404 ``unknown-election``; 409
    ``wrong-state`` where an import is refused too.
    """
    with context.database.read() as session:
        view = elections.election_for_box(session, uuid)
        elections.require_act_in(view.state, Act.EDIT_ROLL)
        if against is None:
            other = find_last_frozen(session, view.id)
        elif is_uuid(against):
            other = elections.election_for_box(session, against)
        else:
            raise elections.not_found()
        earlier = None if other is None else list_members(session, other.id)
    return make_preview(file, earlier), other


def find_last_frozen(session: Session, election_id: int) -> ElectionView | None:
    """The last other election with a frozen roll, one of the same unit before others."""
    unit = select(Election.unit_id).where(Election.id == election_id).scalar_subquery()
    last = session.scalar(
        select(Election)
        .where(Election.roll_hash.is_not(None), Election.id != election_id)
        .order_by(Election.unit_id.is_not_distinct_from(unit).desc(), Election.id.desc())
        .limit(1)
    )
    return None if last is None else elections.make_view(last, last.boxes[0])


def describe_freeze(context: Context, session: Session, uuid: str) -> RollFreeze:
    """What a freeze would fix at this moment. Whoever agrees to its payload agrees to this roll and no other one.

    Problems: 404 ``unknown-election``, 409 ``wrong-state``, 409 ``roll-empty`` where nobody may vote.
    """
    view = elections.election_for_box(session, uuid)
    elections.require_act_in(view.state, Act.FREEZE_ROLL)
    members = list_members(session, view.id)
    eligible = [member for member in members if member.eligible]
    if not eligible:
        raise Problem(409, "roll-empty", "The roll has no member who may vote.")
    # The same for every look, so that several people can agree to one hash; and nobody outside can reckon it.
    salt = tag(context.settings.secret, _SALT_PURPOSE, uuid)
    found = list_warnings(list(enumerate(eligible)))
    return RollFreeze(
        members=len(members),
        eligible=len(eligible),
        total_weight=sum(member.weight for member in eligible),
        salt=salt,
        roll_hash=hash_roll(salt, members),
        warnings=tuple((warning.sentence, len(warning.groups)) for warning in found if warning.groups),
    )


def freeze_roll(
    context: Context, uuid: str, actor: Actor, agreeing_to: str | None = None
) -> tuple[RollSummary, Outcome]:
    """Fixes who may vote and publishes the roll's salted hash; 409 ``roll-empty`` without members."""
    with context.database.write() as session:
        election = elections.lock_election(session, uuid)
        freeze = describe_freeze(context, session, uuid)
        now = context.clock.now()
        proposed = proposals.find_open(session, election.id, Act.FREEZE_ROLL, now)
        if proposed is not None and proposed.payload != freeze.payload:
            # The roll has changed since: nobody can freeze what was proposed, and nobody has agreed to this one.
            proposals.overtake(session, election.id, now, Act.FREEZE_ROLL)
        outcome = elections.seek(
            session, context, election, Act.FREEZE_ROLL, actor, freeze.payload, agreeing_to
        )
        if outcome.is_done:
            election.roll_salt, election.roll_hash = freeze.salt, freeze.roll_hash
            election.member_count = freeze.eligible
            elections.perform_approved(session, context, election, outcome)
        return _summarise(session, election.id, election.roll_hash), outcome


def list_members(session: Session, election_id: int) -> list[Member]:
    """The whole roll, by member number."""
    rows = session.scalars(
        select(RollEntry).where(RollEntry.election_id == election_id).order_by(RollEntry.member_number)
    )
    return [make_member(row) for row in rows]


def make_member(row: RollEntry) -> Member:
    """What a row says of a member."""
    return Member(
        name=row.name,
        member_number=row.member_number,
        email=row.email,
        phone=row.phone,
        address=row.address,
        unit=row.unit,
        weight=row.weight,
        language=row.language,
        eligible=row.eligible,
    )


def get_roll(context: Context, uuid: str) -> list[Member]:
    """Everybody on the roll as it is now, who may vote and who may not; Problem 404 ``unknown-election``."""
    with context.database.read() as session:
        return list_members(session, elections.election_for_box(session, uuid).id)


def get_summary(context: Context, uuid: str) -> RollSummary:
    """How large the roll is now; Problem 404 ``unknown-election``."""
    with context.database.read() as session:
        view = elections.election_for_box(session, uuid)
        return _summarise(session, view.id, view.roll_hash)


def get_frozen_roll(context: Context, uuid: str) -> list[Member]:
    """Everybody who gets a credential; 409 ``roll-not-frozen`` while the roll may still change."""
    with context.database.read() as session:
        view = elections.election_for_box(session, uuid)
        if view.roll_hash is None:
            raise Problem(409, "roll-not-frozen", "The roll is not frozen yet.")
        return [member for member in list_members(session, view.id) if member.eligible]


def list_eligible(session: Session, election_id: int) -> list[Eligible]:
    """Everybody who gets a credential, by member number."""
    rows = session.execute(
        select(RollEntry.id, RollEntry.weight)
        .where(RollEntry.election_id == election_id, RollEntry.eligible)
        .order_by(RollEntry.member_number)
    )
    return [Eligible(id_, weight) for id_, weight in rows]


def find_eligible(session: Session, election_id: int, numbers: Collection[str]) -> dict[str, Eligible]:
    """Those of these member numbers who get a credential."""
    rows = session.execute(
        select(RollEntry.member_number, RollEntry.id, RollEntry.weight).where(
            RollEntry.election_id == election_id, RollEntry.eligible, RollEntry.member_number.in_(numbers)
        )
    )
    return {row.member_number: Eligible(row.id, row.weight) for row in rows}


def find_entries(session: Session, election_id: int) -> dict[str, int]:
    """Member number -> id of the row, of everybody on the roll."""
    rows = session.execute(
        select(RollEntry.member_number, RollEntry.id).where(RollEntry.election_id == election_id)
    )
    return {row.member_number: row.id for row in rows}


def count_weights(session: Session, election_id: int) -> Counter[int]:
    """How many eligible members have each weight."""
    rows = session.execute(
        select(RollEntry.weight, func.count())
        .where(RollEntry.election_id == election_id, RollEntry.eligible)
        .group_by(RollEntry.weight)
    )
    return Counter({row[0]: row[1] for row in rows})


def hash_roll(salt: str, members: list[Member]) -> str:
    """The published hash of a roll: SHA-256 of canonical JSON, members by member number.

    Without ``salt`` (32 bytes of chance, as hex) nobody can confirm a guess at a member, an address or
    a telephone number: it is never published, and is for those only who may see all of the roll.
    """
    rows = [
        [m.member_number, m.name, m.email, m.phone, m.address, m.unit, str(m.weight), m.language, m.eligible]
        for m in sorted(members, key=lambda member: member.member_number)
    ]
    return sha256_hex(encode_json_bytes({"salt": salt, "members": rows}))


def _summarise(session: Session, election_id: int, roll_hash: str | None) -> RollSummary:
    members = session.scalar(select(func.count()).where(RollEntry.election_id == election_id)) or 0
    weights = count_weights(session, election_id)
    total = sum(weight * count for weight, count in weights.items())
    return RollSummary(members, weights.total(), total, roll_hash)


def make_row(election_id: int, member: Member) -> dict[str, object]:
    """The values of a new row."""
    return {"election_id": election_id, **make_columns(member), "credential_state": "none"}


def make_columns(member: Member) -> dict[str, object]:
    """What the file says of a member, by the table's columns."""
    return {
        "member_number": member.member_number,
        "name": member.name,
        "email": member.email,
        "phone": member.phone,
        "address": member.address,
        "unit": member.unit,
        "weight": member.weight,
        "language": member.language,
        "eligible": member.eligible,
    }
