"""Single members of a roll: looking for them, and correcting, adding and removing one while the roll is a draft.

A form says which member it was made for, as the member was then: numbers of rows can be given anew by an import, and
two people may correct one member at once. Whoever is later is told, and nothing is overwritten.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from crypto.encoding import encode_json_bytes, sha256_hex
from crypto.roll import MAX_TOTAL_WEIGHT, Member, get_cells, parse_unit
from voting_app.context import Context
from voting_app.elections import service as elections
from voting_app.elections.models import Election
from voting_app.elections.states import Act
from voting_app.errors import Problem
from voting_app.roll.models import RollEntry
from voting_app.roll.preview import Path, UnitCount, count_units, fold_name
from voting_app.roll.service import list_members, make_columns, make_member, make_row


@dataclass(frozen=True, slots=True)
class Entry:
    """A member on the roll. number: of the row; version: tells the member as it is from what it was."""

    number: int
    member: Member

    @property
    def version(self) -> str:
        return sha256_hex(encode_json_bytes(get_cells(self.member)))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whom to list. words: all must stand in name, number, mail address or telephone number; unit: with all below it;
    eligible: who may vote, or who may not; None for both.
    """

    words: str = ""
    unit: Path = ()
    eligible: bool | None = None


def find_entries(context: Context, uuid: str, wanted: Wanted) -> list[Entry]:
    """The members that are wanted, in the order of the file; Problem 404 ``unknown-election``."""
    with context.database.read() as session:
        view = elections.election_for_box(session, uuid)
        rows = session.scalars(
            select(RollEntry).where(RollEntry.election_id == view.id).order_by(RollEntry.id)
        )
        return list(_select(rows, wanted))


def get_entry(context: Context, uuid: str, number: int) -> Entry:
    """The member in that row; Problem 404 ``unknown-election``, ``unknown-member``."""
    with context.database.read() as session:
        return _get(session, elections.election_for_box(session, uuid).id, number)


def list_units(context: Context, uuid: str) -> list[UnitCount]:
    """The tree of units; Problem 404 ``unknown-election``."""
    with context.database.read() as session:
        return list(count_units(list_members(session, elections.election_for_box(session, uuid).id)))


def add_member(context: Context, uuid: str, member: Member) -> None:
    """Adds a member to the roll of an election in draft.

    Problems: 404 ``unknown-election``; 409 ``wrong-state``, ``number-taken``, ``roll-too-heavy``.
    """
    with context.database.write() as session:
        election = _lock(session, uuid)
        _require_room(session, election.id, member)
        session.execute(insert(RollEntry), [make_row(election.id, member)])


def change_member(context: Context, uuid: str, number: int, version: str, member: Member) -> None:
    """Corrects a member who still is as ``version`` says.

    Problems: as for adding; 404 ``unknown-member``; 409 ``member-changed``.
    """
    with context.database.write() as session:
        election = _lock(session, uuid)
        _require_same(session, election.id, number, version)
        _require_room(session, election.id, member, number)
        session.execute(update(RollEntry).where(RollEntry.id == number).values(make_columns(member)))


def remove_member(context: Context, uuid: str, number: int, version: str) -> None:
    """Takes a member off who still is as ``version`` says.

    Problems: 404 ``unknown-election``, ``unknown-member``; 409 ``wrong-state``, ``member-changed``.
    """
    with context.database.write() as session:
        election = _lock(session, uuid)
        _require_same(session, election.id, number, version)
        session.delete(session.get_one(RollEntry, number))


def _lock(session: Session, uuid: str) -> Election:
    election = elections.lock_election(session, uuid)
    elections.require_act(election, Act.EDIT_ROLL)
    return election


def _get(session: Session, election_id: int, number: int) -> Entry:
    row = session.scalar(
        select(RollEntry).where(RollEntry.id == number, RollEntry.election_id == election_id)
    )
    if row is None:
        raise Problem(404, "unknown-member", "This member is not on the roll any more.")
    return Entry(row.id, make_member(row))


def _require_same(session: Session, election_id: int, number: int, version: str) -> None:
    if _get(session, election_id, number).version != version:
        raise Problem(
            409,
            "member-changed",
            "Somebody has changed this member meanwhile. Nothing was saved; look at what stands here now.",
        )


def _require_room(session: Session, election_id: int, member: Member, number: int | None = None) -> None:
    """Refuses what would make a roll that no file could: a number that stands twice, too much weight."""
    rows = session.execute(
        select(RollEntry.id, RollEntry.member_number, RollEntry.weight, RollEntry.eligible).where(
            RollEntry.election_id == election_id
        )
    ).all()
    others = [row for row in rows if row.id != number]
    # Two spellings of one sign look the same.
    wanted = unicodedata.normalize("NFC", member.member_number)
    if any(unicodedata.normalize("NFC", row.member_number) == wanted for row in others):
        raise Problem(409, "number-taken", "Another member has this number.")
    weight = sum(row.weight for row in others if row.eligible)
    if member.eligible and weight + member.weight > MAX_TOTAL_WEIGHT:
        raise Problem(409, "roll-too-heavy", "All weights together would be more than can be counted.")


def _select(rows: Iterable[RollEntry], wanted: Wanted) -> Iterator[Entry]:
    words = split_words(wanted.words)
    for row in rows:
        if wanted.eligible is not None and row.eligible != wanted.eligible:
            continue
        if wanted.unit and parse_unit(row.unit)[: len(wanted.unit)] != wanted.unit:
            continue
        if contains_words((row.name, row.member_number, row.email, row.phone), words):
            yield Entry(row.id, make_member(row))


def split_words(text: str) -> list[str]:
    """What somebody looks for, word by word, folded as names are; signs alone stay, and nobody has them."""
    return fold_name(text).split() or text.split()


def contains_words(texts: Iterable[str], words: Sequence[str]) -> bool:
    """Whether each of these words stands in one of the texts, whatever its capitals and accents there."""
    if not words:
        return True
    folded = fold_name(" ".join(texts))
    return all(word in folded for word in words)
