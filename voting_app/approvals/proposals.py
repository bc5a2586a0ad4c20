"""Proposals and agreements inside the transaction of an act. None of it knows how an act is performed.

Every function needs the election's row locked (voting_app.elections.service.lock_election), so of two officers who do
something at once the second finds what the first has done.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from crypto.encoding import encode_json, parse_json
from crypto.journal import KINDS, SHARED_ACTS, act_subject
from voting_app.accounts.models import Account
from voting_app.accounts.service import PROPOSAL_TOPICS, Actor
from voting_app.approvals.models import Agreement, Proposal
from voting_app.elections.models import Election
from voting_app.elections.states import JOURNAL_KINDS, Act
from voting_app.errors import Problem
from voting_app.mail import service as mail

# As what officers stand in the journal, and who may be one.
ROLE = "committee"
OFFICERS = ("administrator", "committee")
# What nobody has agreed to for so long is to be thought of anew.
LIFETIME = timedelta(days=3)
# Acts that need more than one officer.
SHARED = frozenset(act for act, kind in JOURNAL_KINDS.items() if kind in SHARED_ACTS)


@dataclass(frozen=True, slots=True)
class Officers:
    """How many officers must want an act, and a certification; why one alone may act, or "". As the journal says it."""

    needed: int = 2
    certifiers: int = 2
    reason: str = ""

    def count(self, act: Act) -> int:
        """How many must want this act."""
        return self.certifiers if act is Act.CERTIFY else self.needed

    def encode(self) -> dict[str, Any]:
        """The payload of the journal's line ``officers``."""
        return {"needed": self.needed, "certifiers": self.certifiers, "reason": self.reason}


TWO_OFFICERS = Officers()


@dataclass(frozen=True, slots=True)
class ProposalView:
    """An open proposal. agreed: who wants it, in the order in which they said so; payload: as the journal will have it,
    but the time.
    """

    id: int
    act: Act
    payload: dict[str, Any]
    subject: str
    proposed_at: datetime
    expires_at: datetime
    agreed: tuple[Actor, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an officer's wish. is_done: the act is performed, by the last of ``agreed``; otherwise it waits as
    ``proposal`` for others.
    """

    is_done: bool
    act: Act
    needed: int
    agreed: tuple[Actor, ...]
    payload: dict[str, Any]
    proposal: ProposalView | None = None

    @property
    def actor(self) -> Actor:
        """Who performs the act."""
        return self.agreed[-1]

    @property
    def awaited(self) -> int:
        """How many more must agree."""
        return 0 if self.is_done else max(1, self.needed - len(self.agreed))


def get_officers(election: Election) -> Officers | None:
    """Return what was fixed when the election was made; None for one of an earlier version, which any officer runs."""
    if election.officers_needed is None or election.certifiers is None:
        return None
    return Officers(election.officers_needed, election.certifiers, election.waiver or "")


def seek(
    session: Session,
    election: Election,
    act: Act,
    actor: Actor,
    payload: Mapping[str, Any],
    now: datetime,
    *,
    agreeing_to: str | None = None,
) -> Outcome:
    """Record that an officer wants this act, and say whether enough do; then the caller performs it at once.

    payload: what the journal will say, but the time. agreeing_to: the subject that this officer has read; without it
    the act is proposed if it was not yet, and agreed to if it is the very same. The caller has checked that the act
    can be performed now.

    Problems: 409 ``other-proposal`` where another form of the act is proposed; 409 ``proposal-gone`` where what the
    officer has read is not proposed any more, or not possible any more; 403 ``forbidden`` to who is no officer now.
    """
    if act not in SHARED or actor.role != ROLE:
        raise RuntimeError(f"{act} is not an act that {actor.role} seeks approval for")
    if not list(session.scalars(_select_officers().where(Account.number == actor.account_number))):
        # Taken away after the request had begun.
        raise Problem(403, "forbidden", "Your role does not allow this.")
    kind = JOURNAL_KINDS[act]
    values = {name: payload[name] for name in KINDS[kind].fields if name != "at"}
    officers = get_officers(election)
    needed = 1 if officers is None else officers.count(act)
    if needed == 1 and agreeing_to is None:
        return Outcome(True, act, 1, (actor,), values)
    subject = act_subject(kind, values)
    _end_expired(session, election.id, now)
    row = _find_row(session, election.id, act)
    if agreeing_to is not None and (row is None or not row.subject == subject == agreeing_to):
        raise Problem(
            409,
            "proposal-gone",
            "What you agreed to is not proposed any more, or has changed since. Please look again.",
        )
    if row is None:
        row = Proposal(
            election_id=election.id,
            act=act.value,
            payload=encode_json(values),
            subject=subject,
            proposed_at=now,
            expires_at=now + LIFETIME,
            ended_at=None,
            outcome=None,
        )
        session.add(row)
        session.flush()
    elif row.subject != subject:
        raise Problem(
            409,
            "other-proposal",
            "Another officer has proposed the same act with something else in it. Agree to that one, or withdraw it"
            " first.",
            extra={"proposed": parse_json(row.payload.encode(), "J1"), "subject": row.subject},
        )
    if actor.account_number not in _list_numbers(session, row.id):
        session.add(Agreement(proposal_id=row.id, account_number=actor.account_number))
        session.flush()
    view = _make_view(session, row)
    if len(view.agreed) < needed:
        return Outcome(False, act, needed, view.agreed, values, view)
    _end(session, row, now, "done")
    others = tuple(other for other in view.agreed if other != actor)[: needed - 1]
    return Outcome(True, act, needed, (*others, actor), values, view)


def find_open(session: Session, election_id: int, act: Act, now: datetime) -> ProposalView | None:
    """Return the open proposal of this act, or None."""
    row = _find_row(session, election_id, act)
    return None if row is None or row.expires_at <= now else _make_view(session, row)


def list_open(session: Session, election_id: int, now: datetime) -> list[ProposalView]:
    """All open proposals of an election, the oldest first."""
    rows = session.scalars(
        select(Proposal)
        .where(Proposal.election_id == election_id, Proposal.ended_at.is_(None), Proposal.expires_at > now)
        .order_by(Proposal.id)
    )
    return [_make_view(session, row) for row in rows]


def withdraw(session: Session, election_id: int, act: Act, subject: str, now: datetime) -> None:
    """End a proposal; any officer may, because who did not propose it could only wait otherwise. Problem 409
    ``proposal-gone``.
    """
    row = _find_row(session, election_id, act)
    if row is None or row.expires_at <= now or row.subject != subject:
        raise Problem(409, "proposal-gone", "This is not proposed any more. Please look again.")
    _end(session, row, now, "withdrawn")


def overtake(session: Session, election_id: int, now: datetime, act: Act | None = None) -> None:
    """End open proposals, of one act or of all: what they were made for has changed."""
    for row in _list_rows(session, election_id):
        if act is None or row.act == act.value:
            _end(session, row, now, "overtaken")


def mail_topic(proposal_id: int) -> str:
    """Of mail about a proposal (news.py), which is taken back when the proposal ends."""
    return f"{PROPOSAL_TOPICS}{proposal_id}"


def _end_expired(session: Session, election_id: int, now: datetime) -> None:
    for row in _list_rows(session, election_id):
        if row.expires_at <= now:
            _end(session, row, now, "expired")


def _end(session: Session, row: Proposal, now: datetime, outcome: str) -> None:
    row.ended_at, row.outcome = now, outcome
    session.flush()
    mail.withdraw(session, mail_topic(row.id), is_over=True)


def _list_rows(session: Session, election_id: int) -> list[Proposal]:
    statement = select(Proposal).where(Proposal.election_id == election_id, Proposal.ended_at.is_(None))
    return list(session.scalars(statement.order_by(Proposal.id)))


def _find_row(session: Session, election_id: int, act: Act) -> Proposal | None:
    return session.scalar(
        select(Proposal).where(
            Proposal.election_id == election_id, Proposal.act == act.value, Proposal.ended_at.is_(None)
        )
    )


def _select_officers() -> Select[int]:
    """The accounts that may want an act at this moment."""
    return select(Account.number).where(Account.ended_at.is_(None), Account.role.in_(OFFICERS))


def _list_numbers(session: Session, proposal_id: int) -> list[int]:
    return list(
        session.scalars(
            select(Agreement.account_number)
            .where(Agreement.proposal_id == proposal_id)
            .order_by(Agreement.id)
        )
    )


def _make_view(session: Session, row: Proposal) -> ProposalView:
    # Whoever lost the account or the role since then does not count any more.
    numbers = session.scalars(
        _select_officers()
        .join(Agreement, Account.number == Agreement.account_number)
        .where(Agreement.proposal_id == row.id)
        .order_by(Agreement.id)
    )
    return ProposalView(
        row.id,
        Act(row.act),
        parse_json(row.payload.encode(), "J1"),
        row.subject,
        row.proposed_at,
        row.expires_at,
        tuple(Actor(ROLE, number) for number in numbers),
    )
