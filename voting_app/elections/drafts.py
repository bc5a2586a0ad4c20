"""What an officer has typed about an election so far, complete or not: rows can be added, moved and sorted, and it can
be said what is missing. Pure; `forms.py` reads it from a form, `editor.py` shows it.

Everything is kept as it was typed, so that a page can give it back unchanged.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from voting_app.elections.service import ElectionView, TrusteePlan
from voting_app.elections.times import LocalTime, encode_local, encode_time, read_local

NO_RULE = ""


@dataclass
class AnswerRow:
    """A choice: language -> text."""

    texts: dict[str, str] = field(default_factory=dict)

    @property
    def is_blank(self) -> bool:
        return not any(text.strip() for text in self.texts.values())


@dataclass
class QuestionRow:
    """A question: language -> text, and its rules."""

    texts: dict[str, str] = field(default_factory=dict)
    answers: list[AnswerRow] = field(default_factory=list)
    minimum: str = "1"
    maximum: str = "1"
    has_blank: bool = False
    rule: str = NO_RULE
    is_rotated: bool = False

    @property
    def filled(self) -> list[AnswerRow]:
        """The choices without the empty rows, which are only there to be filled in."""
        return [row for row in self.answers if not row.is_blank]


@dataclass
class Draft:
    """languages: the election's own first. occurrence: which one is meant of a time that comes twice, "1" or "2".
    is_alone, waiver, certifiers: how many officers must act, and why one alone may; asked for a new election only,
    as is whether it gets the roll of the one that it is a copy of.
    trustees, needed: "" where the plan is another one than the form has, and stays as it is.
    """

    languages: list[str]
    names: dict[str, str] = field(default_factory=dict)
    descriptions: dict[str, str] = field(default_factory=dict)
    questions: list[QuestionRow] = field(default_factory=list)
    closes: str = ""
    occurrence: str = ""
    time_zone: str = "UTC"
    may_revote: bool = False
    quorum: str = ""
    trustees: str = "3"
    needed: str = "2"
    credential_mode: str = "registrar"
    is_test: bool = False
    is_alone: bool = False
    waiver: str = ""
    certifiers: str = "2"
    copies_roll: bool = False

    @property
    def own(self) -> str:
        return self.languages[0]

    def find_closing(self) -> LocalTime | None:
        """What the typed time means; None where it is no time."""
        try:
            return read_local(self.closes, self.time_zone)
        except ValueError:
            return None

    def get_closes_at(self) -> datetime | None:
        """The moment of closing; None where there is none, or it is not clear which one is meant."""
        found = self.find_closing()
        if found is None or not found.moments:
            return None
        if len(found.moments) == 1:
            return found.moments[0]
        return found.moments[int(self.occurrence) - 1] if self.occurrence in ("1", "2") else None


# --- from an election, and to one --------------------------------------------------------------------------


def make_draft(view: ElectionView) -> Draft:
    """An election as it is now."""
    presentation = view.presentation or {}
    own = presentation.get("language") or "en"
    texts: dict[str, Any] = presentation.get("texts", {})
    questions = []
    for number, question in enumerate(view.questions):
        rule = presentation["rules"][number]["majority"] if "rules" in presentation else NO_RULE
        rows = [
            AnswerRow(
                {own: answer} | {tag: texts[tag]["questions"][number]["answers"][place] for tag in texts}
            )
            for place, answer in enumerate(question["answers"])
        ]
        questions.append(
            QuestionRow(
                {own: question["question"]}
                | {tag: texts[tag]["questions"][number]["question"] for tag in texts},
                rows,
                str(question["min"]),
                str(question["max"]),
                question.get("blank", False),
                rule,
                "orders" in presentation and presentation["orders"][number] == "rotated",
            )
        )
    plan = view.trustees
    is_mixed = bool(plan.singles and plan.threshold_size)
    closes = encode_local(view.closes_at, view.time_zone)
    moments = read_local(closes, view.time_zone).moments
    return Draft(
        [own, *texts],
        {own: view.name} | {tag: texts[tag]["name"] for tag in texts},
        {own: view.description} | {tag: texts[tag]["description"] for tag in texts},
        questions,
        closes,
        str(moments.index(view.closes_at) + 1) if len(moments) > 1 else "",
        view.time_zone,
        view.revoting,
        str(presentation["quorum"]["percent"]) if "quorum" in presentation else "",
        "" if is_mixed else str(plan.seats),
        "" if is_mixed else str(plan.needed),
        view.credential_mode,
        view.is_test,
    )


def make_body(
    draft: Draft, *, group: str = "Ed25519", plan: TrusteePlan | None = None, is_new: bool = False
) -> dict[str, Any]:
    """A draft without faults as the body of ``POST /elections``. plan: of the election, where the form has none.
    is_new: says how many officers must act, which is fixed from then on.
    """
    others = draft.languages[1:]
    closes_at = draft.get_closes_at()
    if closes_at is None:
        raise ValueError("a draft with faults has no body")
    body: dict[str, Any] = {
        "name": draft.names[draft.own].strip(),
        "description": _lines(draft.descriptions.get(draft.own, "")),
        "questions": [
            {
                "answers": [row.texts[draft.own].strip() for row in question.filled],
                **({"blank": True} if question.has_blank else {}),
                "min": int(question.minimum),
                "max": int(question.maximum),
                "question": question.texts[draft.own].strip(),
            }
            for question in draft.questions
        ],
        "group": group,
        "revoting": draft.may_revote,
        "closes_at": encode_time(closes_at),
        "time_zone": draft.time_zone,
        "credential_mode": draft.credential_mode,
        "trustees": _make_plan(draft, plan),
        "language": draft.own,
        "test": draft.is_test,
        "orders": ["rotated" if question.is_rotated else "fixed" for question in draft.questions],
    }
    if others:
        body["texts"] = {
            tag: {
                "name": draft.names[tag].strip(),
                "description": _lines(draft.descriptions.get(tag, "")),
                "questions": [
                    {
                        "question": question.texts[tag].strip(),
                        "answers": [row.texts[tag].strip() for row in question.filled],
                    }
                    for question in draft.questions
                ],
            }
            for tag in others
        }
    if any(question.rule for question in draft.questions):
        # Whoever names a rule for one question has to for all: the one that asks for nothing.
        body["rules"] = [{"majority": question.rule or "plurality"} for question in draft.questions]
    if is_new:
        body |= {"single_officer": draft.waiver} if draft.is_alone else {"certifiers": int(draft.certifiers)}
    if draft.quorum:
        body["quorum"] = {"percent": int(draft.quorum)}
    return body


def _lines(text: str) -> str:
    """Browsers end the lines of a form with CR LF; the protocol knows LF only."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _make_plan(draft: Draft, plan: TrusteePlan | None) -> dict[str, Any]:
    if not draft.trustees and plan is not None:
        group = {"size": plan.threshold_size, "threshold": plan.threshold} if plan.threshold_size else None
        return {"singles": plan.singles, "threshold": group}
    count, needed = int(draft.trustees), int(draft.needed)
    # Where all are needed each has a key of its own, which takes fewer steps.
    if count == needed:
        return {"singles": count}
    return {"singles": 0, "threshold": {"size": count, "threshold": needed}}


# --- rows --------------------------------------------------------------------------------------------------


def sort_answers(rows: Iterable[AnswerRow], language: str) -> list[AnswerRow]:
    """In the order of the alphabet, accents and capitals aside; empty rows last."""

    def key(row: AnswerRow) -> tuple[bool, str, str]:
        text = row.texts.get(language, "").strip()
        letters = unicodedata.normalize("NFKD", text)
        return (
            not text,
            "".join(sign for sign in letters if not unicodedata.combining(sign)).casefold(),
            text,
        )

    return sorted(rows, key=key)


def fill_languages(rows: Iterable[AnswerRow], languages: list[str]) -> None:
    """Give every language that is empty the text of the election's own: names of people are the same in all."""
    for row in rows:
        own = row.texts.get(languages[0], "")
        for tag in languages[1:]:
            if not row.texts.get(tag, "").strip():
                row.texts[tag] = own


def move_up(rows: list[Any], place: int) -> None:
    """Exchange a row with the one before it."""
    if 0 < place < len(rows):
        rows[place - 1 : place + 1] = [rows[place], rows[place - 1]]
