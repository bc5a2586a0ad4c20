"""Plurality, majority and two-thirds over the counts of a question (docs/protocol.md §7.8).

Words: a *vote* is one choice of an answer on one ballot, as often as the ballot's weight says. Blank
ballots and ballots that choose nothing have no vote. The *seats* of a question are its ``max``.

- **plurality**: the answers with the most votes win, as many as there are seats. An answer without a
  vote never wins, so that seats may stay empty. Where answers with equally many votes compete for
  fewer seats than they are, these seats are *tied*; seats above them are won.
- **majority** (one seat): an answer with more than half of the question's votes wins.
- **two-thirds** (one seat): an answer with at least two thirds of the question's votes wins.
- **quorum**: the ballots that count are at least so many percent of the members. It counts ballots,
  not weights. Where it is missed no question elects anybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any

from crypto.encoding import encode_counter
from crypto.errors import MisuseError
from crypto.presentation import Majority
from crypto.questions import HomomorphicQuestion

# With one seat: the votes that win, given all votes of the question.
_NEEDED = {
    Majority.MAJORITY: lambda votes: votes // 2 + 1,
    Majority.TWO_THIRDS: lambda votes: max(-(-2 * votes // 3), 1),
}


class Verdict(StrEnum):
    """What became of a question."""

    DECIDED = "decided"
    # Some seats may be won, those that the tied answers compete for are not.
    TIE = "tie"
    # No answer has a vote, or none reached the share that is needed.
    NONE = "none"
    QUORUM_MISSED = "quorum-missed"


@dataclass(frozen=True, slots=True)
class QuestionOutcome:
    """One question's outcome; answers are 0-based numbers in the order of the ballot, blank left out.

    ``needed``: the votes that win, where the rule asks for a share. ``winners`` are sorted by votes,
    then by the ballot's order. ``tied``: who competes for ``tied_seats``.
    """

    rule: Majority
    seats: int
    verdict: Verdict
    counts: tuple[int, ...]
    blank: int | None
    needed: int | None
    winners: tuple[int, ...] = ()
    tied: tuple[int, ...] = ()
    tied_seats: int = 0

    @property
    def votes(self) -> int:
        """All votes for answers of this question."""
        return sum(self.counts)

    @property
    def shares(self) -> tuple[Fraction, ...]:
        """Each answer's part of the votes; noughts where there is no vote."""
        return tuple(Fraction(count, self.votes or 1) for count in self.counts)

    @property
    def finalists(self) -> tuple[int, ...]:
        """Who would meet in a runoff, for rules that ask for one: where nobody among three or more has the share that
        is needed, the two with the most votes, and whoever has as many as the second.
        """
        voted = sorted((count for count in self.counts if count), reverse=True)
        if self.verdict is not Verdict.NONE or len(self.counts) < 3 or len(voted) < 2:
            return ()
        return tuple(place for place, count in enumerate(self.counts) if count >= voted[1])

    def encode(self) -> dict[str, Any]:
        """As a JSON object; a share is an exact fraction in words such as ``2/3``."""
        return {
            "rule": self.rule.value,
            "seats": self.seats,
            "verdict": self.verdict.value,
            "votes": encode_counter(self.votes),
            "needed": None if self.needed is None else encode_counter(self.needed),
            "counts": [encode_counter(count) for count in self.counts],
            "shares": [f"{share.numerator}/{share.denominator}" for share in self.shares],
            "blank": None if self.blank is None else encode_counter(self.blank),
            "winners": list(self.winners),
            "tied": list(self.tied),
            "tied_seats": self.tied_seats,
        }


@dataclass(frozen=True, slots=True)
class Quorum:
    """How many of the members' ballots had to count, and how many did."""

    percent: int
    members: int
    ballots: int

    @property
    def needed(self) -> int:
        """The fewest ballots that are enough."""
        return -(-self.percent * self.members // 100)

    @property
    def is_reached(self) -> bool:
        return self.ballots >= self.needed

    def encode(self) -> dict[str, Any]:
        return {
            "percent": self.percent,
            "members": self.members,
            "ballots": self.ballots,
            "needed": self.needed,
            "reached": self.is_reached,
        }


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the counts of an election mean under its rules."""

    quorum: Quorum | None
    questions: tuple[QuestionOutcome, ...]

    def encode(self) -> dict[str, Any]:
        return {
            "quorum": None if self.quorum is None else self.quorum.encode(),
            "questions": [question.encode() for question in self.questions],
        }


def decide_question(
    question: HomomorphicQuestion, counts: Sequence[int], rule: Majority, *, is_quorate: bool = True
) -> QuestionOutcome:
    """The outcome of one question. ``counts`` is its row of the result: blank first where it is allowed.

    MisuseError for a row of another shape, or a share of the votes asked for several seats.
    """
    if len(counts) != question.choice_count or any(count < 0 for count in counts):
        raise MisuseError(f"a count for each of {question.choice_count} choices is needed")
    skip = int(question.blank)
    votes = tuple(counts[skip:])
    seats = question.maximum
    if rule is not Majority.PLURALITY and seats > 1:
        raise MisuseError("only plurality decides between several seats")
    needed = _NEEDED[rule](sum(votes)) if rule in _NEEDED else None
    blank = counts[0] if question.blank else None
    if not is_quorate:
        return QuestionOutcome(rule, seats, Verdict.QUORUM_MISSED, votes, blank, needed)
    verdict, winners, tied, tied_seats = _fill_seats(votes, seats, needed or 1)
    return QuestionOutcome(rule, seats, verdict, votes, blank, needed, winners, tied, tied_seats)


def _fill_seats(
    votes: Sequence[int], seats: int, needed: int
) -> tuple[Verdict, tuple[int, ...], tuple[int, ...], int]:
    """Verdict, winners, tied answers and their seats, of all answers with at least ``needed`` votes."""
    able = sorted((i for i, count in enumerate(votes) if count >= needed), key=lambda i: (-votes[i], i))
    if not able or not seats:
        return Verdict.NONE, (), (), 0
    if len(able) <= seats or votes[able[seats]] < votes[able[seats - 1]]:
        return Verdict.DECIDED, tuple(able[:seats]), (), 0
    last = votes[able[seats]]
    winners = tuple(i for i in able if votes[i] > last)
    return Verdict.TIE, winners, tuple(i for i in able if votes[i] == last), seats - len(winners)


def decide(
    questions: Sequence[HomomorphicQuestion],
    result: Sequence[Sequence[int]],
    rules: Sequence[Majority],
    *,
    quorum_percent: int | None = None,
    members: int = 0,
    ballots: int = 0,
) -> Outcome:
    """The outcome of an election: ``members`` may vote, the ballots of ``ballots`` of them count."""
    if not len(questions) == len(result) == len(rules):
        raise MisuseError("a row of counts and a rule are needed for each question")
    quorum = None if quorum_percent is None else Quorum(quorum_percent, members, ballots)
    is_quorate = quorum is None or quorum.is_reached
    return Outcome(
        quorum,
        tuple(
            decide_question(question, counts, rule, is_quorate=is_quorate)
            for question, counts, rule in zip(questions, result, rules, strict=True)
        ),
    )
