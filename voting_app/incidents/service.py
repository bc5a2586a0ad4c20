"""Complaints and the decisions on them: written into the journal, and read from it.

The journal is all there is of them: no table of ours has a second text that could differ. They may come in every state
(rule J5), after the certification too, because that is when members protest. Each line is sealed at once, so that
nobody but the service can take it away from the end of the journal unseen.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from crypto.journal import JournalLine, parse_line
from voting_app.accounts.service import Actor
from voting_app.context import Context
from voting_app.elections import service as elections
from voting_app.elections.models import Election
from voting_app.elections.times import encode_minute
from voting_app.errors import Problem
from voting_app.ledger import service as ledger

_MADE, _RESOLVED = "complaint", "complaint-resolved"


@dataclass(frozen=True, slots=True)
class Complaint:
    """A complaint as the journal has it. made, resolved: its lines; None where the committee has not decided."""

    made: JournalLine
    resolved: JournalLine | None

    @property
    def number(self) -> int:
        """Its number in this election, from 1."""
        number: int = self.made.payload["number"]
        return number

    @property
    def text(self) -> str:
        """What it says."""
        text: str = self.made.payload["text"]
        return text


def record_complaint(context: Context, uuid: str, text: str, actor: Actor) -> Complaint:
    """Writes a complaint into the journal, under the next number.

    Problems: 404 ``unknown-election``; 409 ``already-recorded`` [number] where the same words wait for a decision: an
    answer was lost, or somebody else was faster, and nothing can be taken away again.
    """
    with context.database.write() as session:
        election = elections.lock_election(session, uuid)
        found = list_complaints(session, uuid)
        require_new(found, text)
        _write(session, context, election, _MADE, len(found) + 1, text, actor)
        return list_complaints(session, uuid)[-1]


def resolve_complaint(context: Context, uuid: str, number: int, text: str, actor: Actor) -> Complaint:
    """Writes what the committee decided on a complaint, once.

    Problems: 404 ``unknown-election``, ``unknown-complaint``; 409 ``already-resolved``.
    """
    with context.database.write() as session:
        election = elections.lock_election(session, uuid)
        require_unresolved(get_complaint(session, uuid, number))
        _write(session, context, election, _RESOLVED, number, text, actor)
        return get_complaint(session, uuid, number)


def list_complaints(session: Session, uuid: str) -> list[Complaint]:
    """All complaints of an election in the order of their numbers; Problem 404 ``unknown-election``."""
    box_id = ledger.get_box_id(session, uuid)
    lines = [parse_line(raw) for raw in ledger.read_journal(session, box_id, kinds=(_MADE, _RESOLVED))]
    resolved = {line.payload["number"]: line for line in lines if line.kind == _RESOLVED}
    return [Complaint(line, resolved.get(line.payload["number"])) for line in lines if line.kind == _MADE]


def get_complaint(session: Session, uuid: str, number: int) -> Complaint:
    """One complaint; Problem 404 ``unknown-election``, ``unknown-complaint``."""
    for complaint in list_complaints(session, uuid):
        if complaint.number == number:
            return complaint
    raise Problem(404, "unknown-complaint", "This election has no complaint with this number.")


def require_new(complaints: list[Complaint], text: str) -> None:
    """Problem 409 ``already-recorded`` [number] where the same words wait for a decision."""
    for complaint in complaints:
        if complaint.resolved is None and complaint.text == text:
            raise Problem(
                409,
                "already-recorded",
                "This complaint is in the journal already, and waits for its decision.",
                extra={"number": complaint.number},
            )


def require_unresolved(complaint: Complaint) -> None:
    """Problem 409 ``already-resolved`` where the committee has decided: what stands in the journal stands for good."""
    if complaint.resolved is not None:
        raise Problem(
            409, "already-resolved", "The decision on this complaint is in the journal already, for good."
        )


def _write(
    session: Session, context: Context, election: Election, kind: str, number: int, text: str, actor: Actor
) -> None:
    payload = {"at": encode_minute(context.clock.now()), "number": number, "text": text}
    elections.write_journal(session, context, election, kind, str(actor), payload)
    for box in election.boxes:
        ledger.seal(
            session, ledger.get_box_id(session, box.uuid), elections.get_service_key(context, box.uuid)
        )
