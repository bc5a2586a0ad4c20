"""The order of answers by lot: once for the same answers, so that nobody draws until a friend comes first.

Whoever adds a candidate, draws, takes the candidate away and draws again is shown by the list of all drawings, which
stands on the editor's page for good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from crypto.encoding import encode_json_bytes, sha256_hex
from crypto.presentation import Presentation, QuestionTexts, parse_presentation
from crypto.questions import parse_questions
from crypto.randomness import SystemCoins
from voting_app.accounts.service import Actor
from voting_app.context import Context
from voting_app.elections.models import AnswerDrawing, BallotBox
from voting_app.elections.service import find_box, lock_election, require_editable
from voting_app.elections.states import State
from voting_app.errors import Problem

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Drawing:
    """An order that was drawn: of which question, when, by whom."""

    question: str
    answers: tuple[str, ...]
    drawn_at: datetime
    actor: str


def draw_order(context: Context, uuid: str, number: int, actor: Actor) -> Drawing:
    """Puts the answers of a question (from 0 on) into an order that chance decides.

    Problems: 409 ``wrong-state``, ``already-drawn``; 404 ``unknown-question``.
    """
    with context.database.write() as session:
        election = lock_election(session, uuid)
        require_editable(State(election.state))
        box = find_box(session, uuid)
        if not 0 <= number < len(box.questions):
            raise Problem(404, "unknown-question", "There is no question with this number.")
        question = box.questions[number]
        answers_hash = _hash(question["answers"])
        known = select(AnswerDrawing.id).where(
            AnswerDrawing.ballot_box_id == box.id, AnswerDrawing.answers_hash == answers_hash
        )
        if session.scalar(known) is not None:
            raise Problem(
                409, "already-drawn", "The order of these choices was drawn already. It is drawn once only."
            )
        order = _shuffle(len(question["answers"]))
        answers = _permute(question["answers"], order)
        presentation = _permute_presentation(box, election.name, election.description, number, order)
        box.questions = [
            item | {"answers": list(answers)} if place == number else item
            for place, item in enumerate(box.questions)
        ]
        box.presentation = presentation
        drawing = Drawing(question["question"], answers, context.clock.now(), str(actor))
        session.add(
            AnswerDrawing(
                ballot_box_id=box.id,
                answers_hash=answers_hash,
                question=drawing.question,
                answers=list(drawing.answers),
                drawn_at=drawing.drawn_at,
                actor=drawing.actor,
            )
        )
        return drawing


def list_drawings(session: Session, uuid: str) -> list[Drawing]:
    """All drawings of an election, the oldest first; of questions that were changed since as well."""
    rows = session.scalars(
        select(AnswerDrawing)
        .join(BallotBox, BallotBox.id == AnswerDrawing.ballot_box_id)
        .where(BallotBox.uuid == uuid)
        .order_by(AnswerDrawing.id)
    )
    return [Drawing(row.question, tuple(row.answers), row.drawn_at, row.actor) for row in rows]


def _hash(answers: Sequence[str]) -> str:
    return sha256_hex(encode_json_bytes(sorted(answers)))


def _shuffle(count: int) -> list[int]:
    """A permutation, each as likely as every other (Fisher and Yates)."""
    coins, order = SystemCoins(), list(range(count))
    for last in range(count - 1, 0, -1):
        other = coins.scalar(last + 1)
        order[last], order[other] = order[other], order[last]
    return order


def _permute(items: Sequence[Item], order: Sequence[int]) -> tuple[Item, ...]:
    return tuple(items[place] for place in order)


def _permute_presentation(
    box: BallotBox, name: str, description: str, number: int, order: Sequence[int]
) -> dict[str, Any] | None:
    """Translations and candidates follow the answers that they belong to."""
    if box.presentation is None:
        return None
    before: Presentation = parse_presentation(
        box.presentation, name, description, parse_questions(list(box.questions))
    )

    def turn(texts: QuestionTexts) -> QuestionTexts:
        return QuestionTexts(texts.question, _permute(texts.answers, order))

    translations = tuple(
        replace(
            texts,
            questions=tuple(turn(q) if place == number else q for place, q in enumerate(texts.questions)),
        )
        for texts in before.translations
    )
    candidates = before.candidates and tuple(
        _permute(group, order) if place == number and group else group
        for place, group in enumerate(before.candidates)
    )
    return replace(before, translations=translations, candidates=candidates).encode()
