"""What the pages of the booth show: the election data in one language, and nothing that changes after setup."""

from typing import Any

from sqlalchemy.orm import Session

from crypto.election import Election, parse_election
from crypto.presentation import QuestionTexts, Texts
from voting_app.elections import service as elections
from voting_app.elections.service import ElectionView
from voting_app.elections.states import State
from voting_app.ledger import service as ledger


def describe_booth(session: Session, uuid: str, language: str) -> dict[str, Any] | None:
    """The values of templates/booth/vote.html, None while there are no election data yet.

    The page's hash stands in the journal, so nothing may be added here that changes while people vote.
    Problem 404 ``unknown-election``, for drafts too.
    """
    view = elections.election_for_box(session, uuid)
    if view.state is State.DRAFT:
        raise elections.not_found()
    raw = ledger.find_election_data(session, ledger.get_box_id(session, uuid))
    if raw is None:
        return None
    election = parse_election(raw)
    presentation = election.presentation
    return {
        "texts": _choose_texts(election, language),
        "is_test": presentation is not None and presentation.is_test,
        "has_candidates": presentation is not None and presentation.candidates is not None,
        "needed": view.trustees.singles + (view.trustees.threshold or 0),
        "is_server_mode": view.credential_mode == "server",
    }


def get_view(session: Session, uuid: str) -> ElectionView:
    """The election while there are no election data yet."""
    return elections.election_for_box(session, uuid)


def _choose_texts(election: Election, language: str) -> Texts:
    """The election's texts in this language; in its own, if it has none in this one."""
    presentation = election.presentation
    if presentation is not None and (found := presentation.find_translation(language)):
        return found
    return Texts(
        presentation.language if presentation else "",
        election.name,
        election.description,
        tuple(QuestionTexts(q.question, q.answers) for q in election.homomorphic_questions),
    )
