"""What is left to do before an election can be opened, in the order in which it is usually done."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext, ngettext
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from voting_app.context import Context
from voting_app.elections import service
from voting_app.elections.service import ElectionView
from voting_app.elections.states import State
from voting_app.mailing.models import Delivery, DeliveryState
from voting_app.roll.models import RollEntry
from voting_app.trustees.service import list_seat_views
from voting_app.trustees.states import is_complete


@dataclass(frozen=True, slots=True)
class Task:
    """endpoint: of the page on which it is done."""

    is_done: bool
    sentence: str
    endpoint: str


_EDITOR, _ROLL, _CODES = (
    "elections_editor.show_editor",
    "roll_office.show_roll",
    "registrar_office.show_credentials",
)
_TRUSTEES, _CALENDAR = "trustees_office.show_trustees", "approvals_office.show_calendar"
_CHECKLIST = "elections_editor.show_checklist"


def list_tasks(session: Session, context: Context, view: ElectionView, *, is_private: bool) -> list[Task]:
    """All that has to be done, and whether it is. is_private: what the privacy check says."""
    state = view.state
    is_fixed = state not in (State.DRAFT, State.ROLL_FROZEN)
    members = session.scalar(select(func.count()).where(RollEntry.election_id == view.id, RollEntry.eligible))
    seats = list_seat_views(session, view.uuid)
    progress = [seat.progress for seat in seats]
    missing = sum(not seat.progress.drilled for seat in seats)
    box_id = service.find_box(session, view.uuid).id
    is_open_later = view.closes_at > context.clock.now()
    return [
        Task(is_fixed, gettext("Texts and questions are read once more, and fixed with the keys"), _EDITOR),
        Task(
            is_open_later,
            gettext("The closing time is in the future"),
            _EDITOR if not is_fixed else _CALENDAR,
        ),
        Task(
            bool(members),
            ngettext(
                "The roll is there: %(num)s member may vote",
                "The roll is there: %(num)s members may vote",
                members or 0,
            ),
            _ROLL,
        ),
        Task(is_private, gettext("The privacy check does not forbid the opening"), _CHECKLIST),
        Task(state is not State.DRAFT, gettext("The roll is frozen"), _ROLL),
        Task(service.has_credentials(session, box_id), gettext("The voting codes are made"), _CODES),
        Task(bool(seats), gettext("The trustees have their seats and their links"), _TRUSTEES),
        Task(is_complete(progress), gettext("The trustees have made their keys"), _TRUSTEES),
        Task(is_fixed, _say_fixed(session, view, is_fixed=is_fixed), _TRUSTEES),
        Task(
            view.keys_drilled,
            gettext("Enough trustees have proved that the key is at hand")
            if view.keys_drilled or not is_fixed
            else ngettext(
                "Enough trustees have proved that the key is at hand (%(num)s has not)",
                "Enough trustees have proved that the key is at hand (%(num)s have not)",
                missing,
            ),
            _TRUSTEES,
        ),
        Task(view.opened_at is not None, gettext("The voting is opened"), _CALENDAR),
    ]


def _say_fixed(session: Session, view: ElectionView, *, is_fixed: bool) -> str:
    mails = 0
    if not is_fixed:
        # From then on a code that is lost on its way cannot be replaced.
        of_election = select(func.count()).where(Delivery.election_id == view.id)
        mails = session.scalar(of_election.where(Delivery.state != DeliveryState.SENT)) or 0
    if not mails:
        return gettext("The key of the election is fixed")
    return ngettext(
        "The key of the election is fixed (first wait for %(num)s mail with a code: a lost one can be replaced only "
        "before)",
        "The key of the election is fixed (first wait for %(num)s mails with codes: a lost one can be replaced only "
        "before)",
        mails,
    )
