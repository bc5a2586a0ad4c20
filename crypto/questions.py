"""Questions of an election (PROTOCOL §4).

Homomorphic questions are counted by adding encrypted 0/1 choices. Ranked (``NonHomomorphic``) and
``Lists`` questions are recognised, kept as read, and reported as unsupported for now.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from crypto.encoding import require_fields, require_int, require_list, require_text
from crypto.errors import MalformedError, MisuseError

_FIELDS = ("answers", "blank", "min", "max", "question")
UNSUPPORTED_KINDS = ("NonHomomorphic", "Lists")


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

    def require_vote(self, vote: list[int], where: str) -> None:
        """The rule a voter must obey; MisuseError with a sentence otherwise."""
        if len(vote) != self.choice_count or any(value not in (0, 1) for value in vote):
            raise MisuseError(f"{where}: one 0 or 1 is needed for each of {self.choice_count} choices")
        chosen = vote[int(self.blank) :]
        if self.blank and vote[0]:
            if any(chosen):
                raise MisuseError(f"{where}: a blank vote cannot choose anybody")
        elif not self.minimum <= sum(chosen) <= self.maximum:
            raise MisuseError(f"{where}: choose between {self.minimum} and {self.maximum}, not {sum(chosen)}")


@dataclass(frozen=True, slots=True)
class UnsupportedQuestion:
    """A question of a kind that is verified by a later version of this program."""

    kind: str
    value: Any

    def encode(self) -> Any:
        return self.value


Question = HomomorphicQuestion | UnsupportedQuestion


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
            if item["type"] not in UNSUPPORTED_KINDS:
                raise MalformedError(rule, f"unknown type of question {str(item['type'])[:40]!r}")
            require_fields(item, ("type", "value"), rule, ("extra",))
            questions.append(UnsupportedQuestion(item["type"], item))
        else:
            questions.append(_parse_homomorphic(item, rule))
    if not questions:
        raise MalformedError(rule, "an election without questions")
    return tuple(questions)
