"""What officers do together, whatever the act: propose it, agree to what another one has proposed, withdraw it.

The act itself is the business of its feature, which asks `proposals.seek` whether enough officers want it. Here it is
looked up by its name, for pages and for whoever has only the payload that the journal will get.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from voting_app.accounts import service as accounts
from voting_app.accounts.models import Account
from voting_app.accounts.service import Actor
from voting_app.approvals import proposals
from voting_app.approvals.proposals import Outcome, ProposalView
from voting_app.booth import opening
from voting_app.certification import service as certification
from voting_app.context import Context
from voting_app.elections import service as elections
from voting_app.elections.states import Act
from voting_app.errors import Problem
from voting_app.roll import service as roll
from voting_app.tally import service as tally


@dataclass(frozen=True, slots=True)
class _Wish:
    context: Context
    uuid: str
    actor: Actor
    payload: Mapping[str, Any]
    agreeing_to: str | None

    @property
    def reason(self) -> str:
        return str(self.payload["reason"])

    @property
    def closes_at(self) -> datetime | None:
        """The closing time that is wanted, if another one is."""
        return _read_closing(self.payload)


def _read_closing(payload: Mapping[str, Any]) -> datetime | None:
    """To the minute, as in the journal: 2026-11-22T18:00Z."""
    text = payload.get("closes_at")
    return None if text is None else datetime.strptime(text, "%Y-%m-%dT%H:%MZ").replace(tzinfo=UTC)


def _extend(wish: _Wish) -> Outcome:
    if wish.closes_at is None:
        raise RuntimeError("an extension needs a closing time")
    return elections.extend_election(
        wish.context, wish.uuid, wish.actor, wish.closes_at, wish.reason, wish.agreeing_to
    )[1]


_PERFORM: dict[Act, Callable[[_Wish], Outcome]] = {
    Act.FREEZE_ROLL: lambda w: roll.freeze_roll(w.context, w.uuid, w.actor, w.agreeing_to)[1],
    Act.OPEN: lambda w: opening.open_election(w.context, w.uuid, w.actor, w.closes_at, w.agreeing_to)[1],
    Act.PAUSE: lambda w: elections.pause_election(w.context, w.uuid, w.actor, w.reason, w.agreeing_to)[1],
    Act.RESUME: lambda w: elections.resume_election(w.context, w.uuid, w.actor, w.agreeing_to)[1],
    Act.EXTEND: _extend,
    Act.CLOSE: lambda w: elections.close_election(w.context, w.uuid, w.actor, w.agreeing_to)[1],
    Act.CANCEL: lambda w: elections.cancel_election(w.context, w.uuid, w.actor, w.reason, w.agreeing_to)[1],
    Act.UNTALLIABLE: lambda w: tally.declare_untalliable(w.context, w.uuid, w.actor, w.reason, w.agreeing_to)[
        1
    ],
    Act.CERTIFY: lambda w: certification.certify_election(
        w.context, w.uuid, w.actor, str(w.payload["statement"]), w.agreeing_to
    )[1],
}


def propose_or_agree(
    context: Context,
    uuid: str,
    act: Act,
    payload: Mapping[str, Any],
    actor: Actor,
    agreeing_to: str | None = None,
) -> Outcome:
    """An officer wants this act: it is proposed, agreed to, or, if enough agree, performed.

    payload: what people decide of the act, as in the journal: ``reason``, ``closes_at`` (to the minute; for opening
    only if it is another one) or ``statement``; the rest follows. agreeing_to: the subject of the proposal that this
    officer has read, so that nobody agrees to anything else. Problems: those of the act, and of `proposals.seek`.
    """
    return _PERFORM[act](_Wish(context, uuid, actor.acting_as(proposals.ROLE), payload, agreeing_to))


def agree(context: Context, uuid: str, act: Act, subject: str, actor: Actor) -> Outcome:
    """Agree to the open proposal with this subject; Problem 409 ``proposal-gone``, and those of the act."""
    proposal = find_proposal(context, uuid, act)
    if proposal is None or proposal.subject != subject:
        raise Problem(409, "proposal-gone", "This is not proposed any more. Please look again.")
    return propose_or_agree(context, uuid, act, proposal.payload, actor, subject)


def withdraw(context: Context, uuid: str, act: Act, subject: str) -> None:
    """End a proposal, one's own or another officer's; Problem 409 ``proposal-gone``."""
    with context.database.write() as session:
        election = elections.lock_election(session, uuid)
        proposals.withdraw(session, election.id, act, subject, context.clock.now())


def find_hindrance(
    context: Context, uuid: str, act: Act, payload: Mapping[str, Any] | None = None
) -> Problem | None:
    """Why an act that the election's state allows would be refused now, for who is about to want it.

    payload: as for `propose_or_agree`; None while it is not typed yet. The privacy check, which may take seconds, is
    left to the caller. The act itself looks again: this only spares people a form, and a code, for nothing.
    """
    try:
        with context.database.read() as session:
            _require_possible(context, session, uuid, act, payload)
    except Problem as problem:
        return problem
    return None


def _require_possible(
    context: Context, session: Session, uuid: str, act: Act, payload: Mapping[str, Any] | None
) -> None:
    election = elections.find_box(session, uuid).election
    elections.require_act(election, act)
    closes_at = None if payload is None else _read_closing(payload)
    if act is Act.FREEZE_ROLL:
        roll.describe_freeze(context, session, uuid)
    elif act is Act.OPEN:
        planned = None if payload is None else election.closes_at
        elections.require_openable(session, context, election, closes_at or planned)
    elif act is Act.RESUME:
        elections.require_resumable(context, election)
    elif act is Act.EXTEND and closes_at is not None:
        elections.require_later_closing(context, election, closes_at)
    elif act is Act.UNTALLIABLE:
        tally.require_counted(session, uuid)
    elif act is Act.CERTIFY:
        certification.require_agreement(session, uuid)


def find_proposal(context: Context, uuid: str, act: Act) -> ProposalView | None:
    """The open proposal of this act, or None."""
    with context.database.read() as session:
        view = elections.election_for_box(session, uuid)
        return proposals.find_open(session, view.id, act, context.clock.now())


def list_proposals(context: Context, uuid: str) -> list[ProposalView]:
    """All open proposals of an election, the oldest first."""
    with context.database.read() as session:
        view = elections.election_for_box(session, uuid)
        return proposals.list_open(session, view.id, context.clock.now())


def find_names(context: Context, actors: Sequence[Actor]) -> list[str]:
    """What people and programs are called, for other officers."""
    numbers = [actor.account_number for actor in actors]
    with context.database.read() as session:
        rows = session.execute(select(Account.number, Account.label).where(Account.number.in_(numbers)))
        labels = {row.number: row.label for row in rows}
    return [labels.get(actor.account_number) or str(actor) for actor in actors]


def count_officers(context: Context) -> int:
    """How many people can log in and act as officers."""
    with context.database.read() as session:
        people = accounts.list_people(session, context.clock.now())
    return sum(person.is_ready and person.role in proposals.OFFICERS for person in people)
