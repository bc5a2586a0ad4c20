"""Candidates: statements and photos beside the answers, until the keys are ready. One use case = one function = one
transaction.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from crypto.encoding import sha256_hex
from crypto.errors import ProtocolError
from crypto.presentation import Candidate, Presentation, make_candidates, parse_presentation
from crypto.questions import HomomorphicQuestion, parse_questions
from voting_app.candidates.models import CandidatePhoto
from voting_app.context import Context
from voting_app.elections import service as elections
from voting_app.elections.models import BallotBox
from voting_app.elections.service import ElectionView
from voting_app.elections.states import State
from voting_app.errors import Problem

# Of every language.
LONGEST_STATEMENT = 3000
# Where nobody has said another one, as for an election that is created with texts.
_LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class Change:
    """What shall stand beside an answer. statements: tag -> text, "" for none; photo: a JPEG file of ours, None to
    leave the present one, b"" for none.
    """

    statements: Mapping[str, str]
    photo: bytes | None = None


def get_presentation(view: ElectionView) -> Presentation:
    """Return what is shown beside the questions so far; its language is English where nobody said another one."""
    if view.presentation is None:
        return Presentation(_LANGUAGE)
    return parse_presentation(view.presentation, view.name, view.description, get_questions(view))


def get_questions(view: ElectionView) -> tuple[HomomorphicQuestion, ...]:
    """Return the questions of an election."""
    return tuple(q for q in parse_questions(list(view.questions)) if isinstance(q, HomomorphicQuestion))


def require_answer(view: ElectionView, question: int, answer: int) -> str:
    """Return the text of an answer, both counted from 0; Problem 404 `unknown-answer`."""
    questions = get_questions(view)
    if question < len(questions) and answer < len(questions[question].answers):
        return questions[question].answers[answer]
    raise Problem(404, "unknown-answer", "This election has no answer with this number.")


def set_candidate(
    context: Context, uuid: str, question: int, answer: int, change: Change, *, expected: str
) -> None:
    """Put a statement and a photo beside an answer, both counted from 0.

    expected: the revision of the election (elections.service.get_revision) that was read before. Problems: 404
    `unknown-answer`, 409 `wrong-state` and `changed-meanwhile`, 422 `long-statement` and
    `bad-statement`.
    """
    with context.database.write() as session:
        election = elections.lock_election(session, uuid)
        elections.require_editable(State(election.state))
        box = elections.find_box(session, uuid)
        view = elections.make_view(election, box)
        require_answer(view, question, answer)
        elections.require_revision(view, expected)
        before = get_presentation(view)
        photo = before.find_candidate(question, answer).photo
        if change.photo is not None:
            photo = sha256_hex(change.photo) if change.photo else ""
        statements = tuple(sorted((tag, text) for tag, text in change.statements.items() if text))
        after = _replace(view, before, (question, answer), Candidate(statements, photo))
        box.presentation = after.encode()
        elections.forget_photos(session, box)
        if change.photo and session.get(CandidatePhoto, (box.id, photo)) is None:
            session.add(CandidatePhoto(box_id=box.id, digest=photo, content=change.photo))


def _replace(
    view: ElectionView, before: Presentation, place: tuple[int, int], candidate: Candidate
) -> Presentation:
    if any(len(text) > LONGEST_STATEMENT for _, text in candidate.statements):
        raise Problem(422, "long-statement", "A statement has at most 3000 signs.")
    groups = [
        [
            candidate if (number, index) == place else before.find_candidate(number, index)
            for index in range(len(question.answers))
        ]
        for number, question in enumerate(get_questions(view))
    ]
    after = replace(before, candidates=make_candidates(groups))
    try:
        # As strictly as everybody will read it.
        parse_presentation(after.encode(), view.name, view.description, get_questions(view))
    except ProtocolError as error:
        raise Problem(
            422, "bad-statement", "A statement has a sign that cannot be seen, or nothing that can."
        ) from error
    return after


def get_photo(session: Session, uuid: str, digest: str, *, is_public: bool = True) -> bytes:
    """Return a photo that stands beside an answer now; Problem 404 `not-found`, for the public also while an election
    is a draft, and `unknown-election`.
    """
    view = elections.election_for_box(session, uuid)
    is_shown = digest in get_presentation(view).photos
    photo = session.scalar(
        select(CandidatePhoto.content)
        .join(BallotBox, BallotBox.id == CandidatePhoto.box_id)
        .where(BallotBox.uuid == uuid, CandidatePhoto.digest == digest)
    )
    if photo is None or not is_shown or (is_public and view.state is State.DRAFT):
        raise Problem(404, "not-found", "There is nothing at this address.")
    return photo
