"""Gathers, in one transaction, what the committee should know of an election at this moment. Counts only: nobody who
looks here learns who has voted."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from crypto.counting import Quorum
from crypto.journal import JournalLine, parse_line
from crypto.presentation import Presentation
from voting_app.approvals import proposals
from voting_app.elections.service import ElectionView, mail_topic
from voting_app.elections.states import Act, State
from voting_app.ledger import service as ledger
from voting_app.ledger.turnout import get_turnout
from voting_app.mail import service as mail
from voting_app.mailing import deliveries
from voting_app.mailing.deliveries import ON_ITS_WAY, TROUBLE
from voting_app.mailing.models import DeliveryState
from voting_app.public.service import find_presentation
from voting_app.registrar.service import count_handed_out
from voting_app.trustees import service as trustees
from voting_app.trustees.service import SeatView
from voting_app.trustees.states import is_act

_INCIDENTS = ("trustees-restarted", "paused", "resumed", "extended", "complaint", "complaint-resolved")


@dataclass(frozen=True, slots=True)
class Dashboard:
    """voters: how many have a ballot in the box, None before the opening; quorum: None where none is asked for;
    delivered: how many members have their code, None where the service does not hand them out; awaited: the trustees
    whose turn it is; failed_mail: messages to trustees that could not be sent; opened_ballots: given up for checking;
    mailed: mails with credentials by what became of them, without those of which there are none;
    incidents: what did not go as planned, the newest first; complaints: how many have no answer; proposed: acts that
    wait for another officer.
    """

    voters: int | None
    quorum: Quorum | None
    delivered: int | None
    awaited: tuple[SeatView, ...]
    failed_mail: int
    mailed: dict[DeliveryState, int]
    opened_ballots: int
    incidents: tuple[JournalLine, ...]
    complaints: int
    proposed: tuple[Act, ...]

    @property
    def mail_on_its_way(self) -> int:
        """Mails with credentials that are still to be sent."""
        return sum(self.mailed.get(state, 0) for state in ON_ITS_WAY)

    @property
    def mail_in_trouble(self) -> int:
        """Mails with credentials that somebody must look at."""
        return sum(self.mailed.get(state, 0) for state in TROUBLE)


def make_dashboard(session: Session, view: ElectionView, now: datetime) -> Dashboard:
    """What happens in this election now."""
    box_id = ledger.get_box_id(session, view.uuid)
    lines = [parse_line(raw) for raw in ledger.read_journal(session, box_id, kinds=_INCIDENTS)]
    voters = None if view.opened_at is None else get_turnout(session, box_id).voters
    return Dashboard(
        voters=voters,
        quorum=_make_quorum(find_presentation(view), view, voters),
        delivered=count_handed_out(session, view.uuid),
        awaited=_list_awaited(session, view),
        failed_mail=mail.count_failed(session, mail_topic(view.uuid)),
        mailed={state: count for state, count in deliveries.count_states(session, view.id).items() if count},
        opened_ballots=ledger.count_lines(session, box_id, "ballot-challenged"),
        incidents=tuple(reversed(lines)),
        complaints=_count_unanswered(lines),
        proposed=tuple(proposal.act for proposal in proposals.list_open(session, view.id, now)),
    )


def _make_quorum(presentation: Presentation | None, view: ElectionView, voters: int | None) -> Quorum | None:
    if presentation is None or presentation.quorum_percent is None or view.member_count is None:
        return None
    return Quorum(presentation.quorum_percent, view.member_count, voters or 0)


def _list_awaited(session: Session, view: ElectionView) -> tuple[SeatView, ...]:
    if view.state in (State.CANCELLED, State.UNTALLIABLE, State.TALLIED, State.CERTIFIED):
        return ()
    return tuple(seat for seat in trustees.list_seat_views(session, view.uuid) if is_act(seat.step))


def _count_unanswered(lines: list[JournalLine]) -> int:
    made = {line.payload["number"] for line in lines if line.kind == "complaint"}
    answered = {line.payload["number"] for line in lines if line.kind == "complaint-resolved"}
    return len(made - answered)
