"""The privacy check: how likely the result of an election tells how somebody voted. Pure: facts in, findings out.

Steward publishes a sum for each choice and nothing below it. With few members, much agreement or unequal weights
the sum itself gives votes away, and no encryption helps. So this is computed before people vote, from the roll
and the questions.

Severities: *block*: every result would tell a vote, so the election is not opened; *warn*: the committee must know
it and decide; *note*: true of the election and worth knowing. The thresholds are settings; these are their reasons:

- ``least_members``: with fewer members who may vote, opening is refused. 2, because the result of one member is that
  member's vote. Two members learn each other's, which is a warning by default. Agencies for statistics ask for three
  or five in a cell ("threshold rule" in the Glossary of Statistical Disclosure Control, UNECE/Eurostat 2005).
- ``few_ballots``: fewer ballots than that are as good as a list to those who know the people. 10: the UK's Office for
  National Statistics looks at every output with less than 10 persons, and who works with data of the US Centers for
  Medicare & Medicaid Services may publish no number from 1 to 10 (cell size suppression policy, 2024).
- ``turnout_percent``, ``majority_percent``: the model. Each member votes with the one chance, independently of all
  others, and each voter gives a question's leading answer with the other chance. Half of the members and four of five
  voters are a guess at votes on contracts and dues; strike votes are more unanimous. A model, no forecast: it says how
  large an electorate must be if people are about so much of one mind.
- ``chance_percent``: from which chance on it is said. 5 in 100: one in twenty such elections.
- ``refuse_readable_weights``: whether weights that every result tells stop the opening, or are only said: delegates
  whose votes are called out by name anyway need no secrecy.

All chances are exact fractions, rounded up to whole percents, so that none is called smaller than it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from math import ceil

from crypto.questions import HomomorphicQuestion
from voting_app.elections.weights import find_chances, find_readable

# Above this the chance of one mind is bounded by that of so many members: it only falls from there on.
_MANY = 2000


class Severity(StrEnum):
    """What a finding does to the opening."""

    BLOCK = "block"
    WARN = "warn"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When something is found; the head of this file has the reasons."""

    least_members: int = 2
    few_ballots: int = 10
    turnout_percent: int = 50
    majority_percent: int = 80
    chance_percent: int = 5
    refuse_readable_weights: bool = True


@dataclass(frozen=True, slots=True)
class Facts:
    """What the check looks at.

    weights: how many members who may vote have each weight; unit_sizes: how many of them each unit has;
    trustees_needed: how many trustees together can open single ballots; server_issues: whether the server makes the
    credentials.
    """

    weights: Mapping[int, int]
    unit_sizes: tuple[int, ...]
    questions: tuple[HomomorphicQuestion, ...]
    trustees_needed: int
    server_issues: bool

    @property
    def members(self) -> int:
        return sum(self.weights.values())


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found; ``code`` is stable, and privacy_words has its sentence. ``values`` are its numbers."""

    severity: Severity
    code: str
    values: Mapping[str, int] = field(default_factory=dict)
    # The weights or question numbers that the finding is about, ascending.
    listed: tuple[int, ...] = ()


def check_privacy(facts: Facts, thresholds: Thresholds) -> tuple[Finding, ...]:
    """All findings, the gravest first."""
    found: list[Finding] = []
    if any(leaves_choice(question) for question in facts.questions):
        found += _check_members(facts, thresholds)
        if facts.members > 1:
            found += _check_weights(facts, thresholds)
            found += _check_chances(facts, thresholds)
    found += _check_people(facts)
    order = list(Severity)
    return tuple(sorted(found, key=lambda finding: order.index(finding.severity)))


def leaves_choice(question: HomomorphicQuestion) -> bool:
    """Whether two ballots can differ in it."""
    return (
        question.blank or question.minimum < question.maximum or 0 < question.maximum < len(question.answers)
    )


def _check_members(facts: Facts, thresholds: Thresholds) -> Iterator[Finding]:
    members = facts.members
    if not members:
        yield Finding(Severity.BLOCK, "no-members")
    elif members == 1:
        severity = Severity.BLOCK if thresholds.least_members > 1 else Severity.WARN
        yield Finding(severity, "single-member")
    else:
        if members < thresholds.least_members:
            values = {"members": members, "least": thresholds.least_members}
            yield Finding(Severity.BLOCK, "too-few-members", values)
        if members == 2:
            yield Finding(Severity.WARN, "two-members")


def _check_weights(facts: Facts, thresholds: Thresholds) -> Iterator[Finding]:
    if len(facts.weights) < 2:
        return
    readable = find_readable(facts.weights)
    if readable.always:
        severity = Severity.BLOCK if thresholds.refuse_readable_weights else Severity.WARN
        yield _list("weight-readable", readable.always, severity)
    if readable.unclear:
        yield _list("weight-unclear", readable.unclear)
    chances = find_chances(facts.weights, thresholds.majority_percent) or {}
    likely = {
        weight: chance
        for weight, chance in chances.items()
        if chance * 100 >= thresholds.chance_percent and weight not in readable.always
    }
    if likely:
        values = {
            "members": sum(facts.weights[weight] for weight in likely),
            "percent": _percent(max(likely.values())),
            "majority": thresholds.majority_percent,
        }
        yield Finding(Severity.WARN, "weight-likely", values, tuple(sorted(likely)))
    alone = tuple(sorted(weight for weight, count in facts.weights.items() if count == 1))
    if alone:
        yield _list("weight-unique", alone)


def _list(code: str, weights: tuple[int, ...], severity: Severity = Severity.WARN) -> Finding:
    """A finding about weights that one member each has."""
    return Finding(severity, code, {"members": len(weights)}, weights)


def _check_chances(facts: Facts, thresholds: Thresholds) -> Iterator[Finding]:
    members, turnout = facts.members, Fraction(thresholds.turnout_percent, 100)
    is_small = members * turnout < thresholds.few_ballots
    if is_small:
        alone = members * turnout * (1 - turnout) ** (members - 1)
        values = {
            "members": members,
            "ballots": expect_ballots(members, thresholds),
            "turnout": thresholds.turnout_percent,
            "percent": _percent(alone),
        }
        yield Finding(Severity.WARN, "few-ballots", values)
    choosing = [question for question in facts.questions if leaves_choice(question)]
    chance = chance_of_one_mind(members, turnout, Fraction(thresholds.majority_percent, 100))
    # Questions of one election depend on each other; of any of them it is at most the sum.
    chance = min(chance * len(choosing), Fraction(1))
    is_likely = chance * 100 >= thresholds.chance_percent
    if is_likely:
        values = {
            "members": members,
            "questions": len(choosing),
            "percent": _percent(chance),
            "turnout": thresholds.turnout_percent,
            "majority": thresholds.majority_percent,
        }
        yield Finding(Severity.WARN, "one-mind", values)
    if is_small or is_likely:
        apart = [n for n, question in enumerate(facts.questions, 1) if question.blank or not question.minimum]
        if apart:
            yield Finding(Severity.NOTE, "blank-votes", {"questions": len(apart)}, tuple(apart))
    small = [size for size in facts.unit_sizes if size < thresholds.few_ballots]
    if small and len(facts.unit_sizes) > 1:
        yield Finding(Severity.NOTE, "small-units", {"units": len(small), "members": min(small)})


def _check_people(facts: Facts) -> Iterator[Finding]:
    if facts.trustees_needed == 1:
        yield Finding(Severity.WARN, "one-trustee")
    if facts.server_issues:
        yield Finding(Severity.WARN, "server-credentials")


def expect_ballots(members: int, thresholds: Thresholds) -> int:
    """How many ballots the model expects, rounded down."""
    return members * thresholds.turnout_percent // 100


def chance_of_one_mind(members: int, turnout: Fraction, majority: Fraction) -> Fraction:
    """The chance that there are ballots and all of them agree in a question; for many members an upper bound of it.

    Σ over m ≥ 1 of C(n, m) tᵐ (1 − t)ⁿ⁻ᵐ (pᵐ + (1 − p)ᵐ), which the binomial theorem turns into
    (1 − t(1 − p))ⁿ + (1 − tp)ⁿ − 2(1 − t)ⁿ: nobody votes for the others, nobody for the leading answer, nobody at all.
    """
    count = min(members, _MANY)
    chance = (1 - turnout * (1 - majority)) ** count + (1 - turnout * majority) ** count
    return chance - 2 * (1 - turnout) ** count if members <= _MANY else chance


def _percent(chance: Fraction) -> int:
    return ceil(chance * 100)
