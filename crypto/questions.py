"""Questions of an election (PROTOCOL §4).

Homomorphic and ``Lists`` questions are counted by adding encrypted 0/1 choices. Ranked and graded ones
(``NonHomomorphic``) are encrypted as a whole, shuffled by the trustees, and opened one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from crypto.encoding import require_fields, require_int, require_list, require_text
from crypto.errors import MalformedError, MisuseError

_FIELDS = ("answers", "blank", "min", "max", "question")
# The largest integer that is embedded: a byte.
MOST = 255

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class HomomorphicQuestion:
    """Choose between ``minimum`` and ``maximum`` of the answers, or vote blank where allowed.

    On a ballot it has one ciphertext per answer, preceded by one for "blank" if ``blank``.
    """

    answers: tuple[str, ...]
    minimum: int
    maximum: int
    question: str
    blank: bool = False

    @property
    def choice_count(self) -> int:
        """How many ciphertexts the question has on a ballot."""
        return len(self.answers) + int(self.blank)

    def encode(self) -> dict[str, Any]:
        blank = {"blank": True} if self.blank else {}
        return {
            "answers": list(self.answers),
            **blank,
            "min": self.minimum,
            "max": self.maximum,
            "question": self.question,
        }

    def split(self, row: Sequence[T]) -> list[T]:
        """A row of the tally as the records nest it."""
        return list(row)

    def require_vote(self, vote: Sequence[int], where: str) -> None:
        """The rule a voter must obey; MisuseError with a sentence otherwise."""
        if len(vote) != self.choice_count or any(value not in (0, 1) for value in vote):
            raise MisuseError(f"{where}: one 0 or 1 is needed for each of {self.choice_count} choices")
        chosen = vote[int(self.blank) :]
        if self.blank and vote[0]:
            if any(chosen):
                raise MisuseError(f"{where}: a blank vote cannot choose anybody")
        elif not self.minimum <= sum(chosen) <= self.maximum:
            raise MisuseError(f"{where}: choose between {self.minimum} and {self.maximum}, not {sum(chosen)}")

    def make_vote(self, chosen: Sequence[int] | str, where: str) -> list[int]:
        """The 0-based chosen answers, or ``"blank"`` → a 0 or 1 for each ciphertext; MisuseError otherwise."""
        if chosen == "blank":
            if not self.blank:
                raise MisuseError(f"{where} has no blank vote")
            return [1] + [0] * len(self.answers)
        if len(set(chosen)) != len(chosen) or any(
            not isinstance(c, int) or not 0 <= c < len(self.answers) for c in chosen
        ):
            raise MisuseError(f"{where}: choices must be different numbers of its answers")
        vote = [0] * int(self.blank) + [int(index in chosen) for index in range(len(self.answers))]
        self.require_vote(vote, where)
        return vote


@dataclass(frozen=True, slots=True)
class NonHomomorphicQuestion:
    """Give each answer a rank or a grade: an integer from 0 to 255.

    On a ballot it has one ciphertext, which embeds all integers. Ballots are shuffled and then opened one by one.
    ``extra`` says how they are counted; Belenios leaves it open (any JSON).
    """

    answers: tuple[str, ...]
    question: str
    extra: Any = field(default=None, hash=False)

    kind: ClassVar[str] = "NonHomomorphic"

    @property
    def choice_count(self) -> int:
        """How many ciphertexts the question has on a ballot."""
        return 1

    def encode(self) -> dict[str, Any]:
        value = {"type": self.kind, "value": {"answers": list(self.answers), "question": self.question}}
        return value if self.extra is None else {**value, "extra": self.extra}

    def make_vote(self, chosen: Sequence[int] | str, where: str) -> list[int]:
        """The integers that a voter gave the answers, checked."""
        if isinstance(chosen, str) or any(not isinstance(value, int) for value in chosen):
            raise MisuseError(f"{where}: a number is needed for each answer")
        self.require_vote(chosen, where)
        return list(chosen)

    def require_vote(self, vote: Sequence[int], where: str) -> None:
        """An integer for each answer; MisuseError with a sentence otherwise. What it means is the method's to say."""
        if len(vote) != len(self.answers) or any(not 0 <= value <= MOST for value in vote):
            raise MisuseError(
                f"{where}: a number from 0 to {MOST} is needed for each of {len(self.answers)} answers"
            )

    def split(self, row: Sequence[T]) -> list[T]:
        """A row of the tally as the records nest it."""
        return list(row)


@dataclass(frozen=True, slots=True)
class ListsQuestion:
    """Choose one list, and candidates of that list. The first text of a list is its name.

    On a ballot each text has a ciphertext. Verified and tallied only: Steward makes no such elections.
    """

    lists: tuple[tuple[str, ...], ...]
    question: str

    kind: ClassVar[str] = "Lists"

    @property
    def choice_count(self) -> int:
        """How many ciphertexts the question has on a ballot."""
        return sum(len(entries) for entries in self.lists)

    def encode(self) -> dict[str, Any]:
        answers = [list(entries) for entries in self.lists]
        return {"type": self.kind, "value": {"answers": answers, "question": self.question}}

    def make_vote(self, _chosen: Sequence[int] | str, where: str) -> list[int]:
        """MisuseError: ballots with lists are not made here."""
        raise MisuseError(f"{where}: votes for lists are not made here")

    def require_vote(self, _vote: Sequence[int], where: str) -> None:
        """MisuseError: ballots with lists are not made here."""
        raise MisuseError(f"{where}: votes for lists are not made here")

    def split(self, row: Sequence[T]) -> list[list[T]]:
        """A row of the tally as the records nest it: a part for each list."""
        parts: list[list[T]] = []
        start = 0
        for entries in self.lists:
            parts.append(list(row[start : start + len(entries)]))
            start += len(entries)
        return parts

    def join(self, value: Any, rule: str, what: str) -> list[Any]:
        """The parts of a record's row, one after the other; MalformedError if they are not as many as the texts."""
        parts = require_list(value, rule, len(self.lists), what)
        return [
            item
            for entries, part in zip(self.lists, parts, strict=True)
            for item in require_list(part, rule, len(entries), what)
        ]


Question = HomomorphicQuestion | NonHomomorphicQuestion | ListsQuestion


def _parse_homomorphic(value: Any, rule: str) -> HomomorphicQuestion:
    fields = require_fields(
        value,
        ("answers", "min", "max", "question"),
        rule,
        order=_FIELDS,
    )
    answers = require_list(fields["answers"], rule, what="answers")
    if not answers:
        raise MalformedError(rule, "a question without answers")
    blank = fields.get("blank", False)
    if not isinstance(blank, bool):
        raise MalformedError(rule, "blank: true or false was expected")
    maximum = require_int(fields["max"], rule, "max", 0, len(answers))
    return HomomorphicQuestion(
        tuple(require_text(answer, rule, "answer") for answer in answers),
        require_int(fields["min"], rule, "min", 0, maximum),
        maximum,
        require_text(fields["question"], rule, "question"),
        blank,
    )


def _parse_texts(value: Any, rule: str) -> tuple[str, ...]:
    texts = tuple(require_text(text, rule, "answer") for text in require_list(value, rule, what="answers"))
    if not texts:
        raise MalformedError(rule, "a question without answers")
    return texts


def _parse_typed(item: dict[str, Any], rule: str) -> NonHomomorphicQuestion | ListsQuestion:
    """A question with a ``type``."""
    kind = item["type"]
    if kind == NonHomomorphicQuestion.kind:
        fields = require_fields(item, ("type", "value"), rule, ("extra",))
        if "extra" in fields and fields["extra"] is None:
            raise MalformedError(rule, "extra: absent rather than null")
        value = require_fields(fields["value"], ("answers", "question"), rule)
        answers = _parse_texts(value["answers"], rule)
        return NonHomomorphicQuestion(
            answers, require_text(value["question"], rule, "question"), fields.get("extra")
        )
    if kind == ListsQuestion.kind:
        value = require_fields(
            require_fields(item, ("type", "value"), rule)["value"], ("answers", "question"), rule
        )
        lists = require_list(value["answers"], rule, what="answers")
        if not lists:
            raise MalformedError(rule, "a question without answers")
        return ListsQuestion(
            tuple(_parse_texts(entries, rule) for entries in lists),
            require_text(value["question"], rule, "question"),
        )
    raise MalformedError(rule, f"unknown type of question {str(kind)[:40]!r}")


def sort_question_fields(value: Any) -> Any:
    """A question as a person wrote it, fields in any order → the protocol's order; anything else as it is."""
    if not isinstance(value, dict):
        return value
    order = {name: place for place, name in enumerate(_FIELDS)}
    return {name: value[name] for name in sorted(value, key=lambda name: order.get(name, len(order)))}


def parse_questions(value: Any, rule: str = "S1") -> tuple[Question, ...]:
    """The ``questions`` array of election data; MalformedError under ``rule``."""
    questions: list[Question] = []
    for item in require_list(value, rule, what="questions"):
        if isinstance(item, dict) and "type" in item:
            questions.append(_parse_typed(item, rule))
        else:
            questions.append(_parse_homomorphic(item, rule))
    if not questions:
        raise MalformedError(rule, "an election without questions")
    return tuple(questions)
