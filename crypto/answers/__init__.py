"""One question's part of a ballot, by the kind of the question: read, verify, make."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crypto.answers import homomorphic, lists, nonhomomorphic
from crypto.answers.homomorphic import HomomorphicAnswer
from crypto.answers.lists import ListsAnswer
from crypto.answers.nonhomomorphic import NonHomomorphicAnswer
from crypto.checker import Checker
from crypto.errors import MisuseError
from crypto.groups import Element, Group
from crypto.questions import HomomorphicQuestion, NonHomomorphicQuestion, Question
from crypto.randomness import Coins

__all__ = [
    "Answer",
    "HomomorphicAnswer",
    "ListsAnswer",
    "NonHomomorphicAnswer",
    "make_answer",
    "parse_answer",
    "verify_answer",
]

Answer = HomomorphicAnswer | NonHomomorphicAnswer | ListsAnswer


def make_answer(
    group: Group, y: Element, question: Question, s0: str, vote: Sequence[int], coins: Coins
) -> HomomorphicAnswer | NonHomomorphicAnswer:
    """Encrypts and proves one vote under the key ``y``; ``s0`` is the ballot's context. MisuseError for lists."""
    if isinstance(question, HomomorphicQuestion):
        return homomorphic.make(group, y, question, s0, vote, coins)
    if isinstance(question, NonHomomorphicQuestion):
        return nonhomomorphic.make(group, y, s0, vote, coins)
    raise MisuseError("ballots with lists are not made here")


def parse_answer(group: Group, question: Question, value: Any, what: str) -> Answer:
    """Rules B1 and B5."""
    if isinstance(question, HomomorphicQuestion):
        return homomorphic.parse(group, question, value, what)
    if isinstance(question, NonHomomorphicQuestion):
        return nonhomomorphic.parse(group, value, what)
    return lists.parse(group, question, value, what)


def verify_answer(
    group: Group, y: Element, question: Question, s0: str, answer: Answer, checker: Checker, where: str
) -> None:
    """Rules B8–B10, B13, B14; MisuseError if the answer is none to this question."""
    match question, answer:
        case HomomorphicQuestion(), HomomorphicAnswer():
            homomorphic.verify(group, y, question, s0, answer, checker, where)
        case NonHomomorphicQuestion(), NonHomomorphicAnswer():
            nonhomomorphic.verify(group, y, s0, answer, checker, where)
        case _, ListsAnswer():
            lists.verify(group, y, s0, answer, checker, where)
        case _:
            raise MisuseError("the answer is of another kind than the question")
