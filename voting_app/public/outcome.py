"""The result in rows and words: who has won by which rule, as the page and the printed report show it.

What the rules mean is decided in crypto.counting alone; an election without rules has counts, and nobody has won.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from babel.lists import format_list
from flask_babel import format_decimal, gettext, ngettext

from crypto.counting import Outcome, QuestionOutcome, Quorum, Verdict, decide
from crypto.presentation import Majority, QuestionTexts
from voting_app.languages import get_language
from voting_app.pages import format_share
from voting_app.public.service import Counted, Shown

# Around words of other people inside a sentence of ours: whatever direction they have stays theirs.
_ISOLATE, _END = "\u2068", "\u2069"


@dataclass(frozen=True, slots=True)
class Row:
    """A choice with its votes. share: of all votes of the question, None for blank ballots, which are no votes."""

    text: str
    votes: int
    share: float | None
    has_won: bool = False
    is_tied: bool = False


@dataclass(frozen=True, slots=True)
class ShownQuestion:
    """A question with its rows in the order of the ballot. verdict: who has won; rule: by which rule; both empty
    where the election has no rules.
    """

    question: str
    rows: tuple[Row, ...]
    verdict: str
    rule: str


@dataclass(frozen=True, slots=True)
class ShownOutcome:
    """The result of an election. quorum: whether it was reached, in words; empty where none is asked for."""

    counted: Counted
    questions: tuple[ShownQuestion, ...]
    quorum: str
    has_rules: bool


def describe_outcome(shown: Shown) -> ShownOutcome | None:
    """The published result in the reader's language, None while there is none."""
    counted = shown.counted
    if counted is None:
        return None
    outcome, has_rules = _decide(shown, counted)
    questions = tuple(
        _describe_question(texts, question, has_rules=has_rules)
        for texts, question in zip(shown.texts.questions, outcome.questions, strict=True)
    )
    quorum = _describe_quorum(outcome.quorum) if outcome.quorum else ""
    return ShownOutcome(counted, questions, quorum, has_rules)


def _decide(shown: Shown, counted: Counted) -> tuple[Outcome, bool]:
    presentation = shown.presentation
    rules = presentation.rules if presentation else None
    outcome = decide(
        shown.questions,
        counted.result,
        rules or [Majority.PLURALITY] * len(shown.questions),
        quorum_percent=presentation.quorum_percent if presentation else None,
        members=shown.view.member_count or 0,
        ballots=counted.ballots,
    )
    return outcome, rules is not None


def _describe_question(texts: QuestionTexts, outcome: QuestionOutcome, *, has_rules: bool) -> ShownQuestion:
    rows = [
        Row(
            text,
            outcome.counts[place],
            float(outcome.shares[place]),
            has_won=has_rules and place in outcome.winners,
            is_tied=has_rules and place in outcome.tied,
        )
        for place, text in enumerate(texts.answers)
    ]
    if outcome.blank is not None:
        rows.append(Row(gettext("Blank votes"), outcome.blank, None))
    if not has_rules and outcome.verdict is not Verdict.QUORUM_MISSED:
        return ShownQuestion(texts.question, tuple(rows), "", "")
    verdict = describe_verdict(texts, outcome)
    return ShownQuestion(texts.question, tuple(rows), verdict, _describe_rule(outcome) if has_rules else "")


def describe_verdict(texts: QuestionTexts, outcome: QuestionOutcome) -> str:
    """Who has won, or what is to be done where nobody has."""
    if outcome.verdict is Verdict.QUORUM_MISSED:
        return gettext("The quorum was missed, so nothing is decided.")
    if outcome.verdict is Verdict.NONE:
        nothing = gettext("Nothing is chosen: no answer has the votes that it needs.")
        if not outcome.finalists:
            return nothing
        runoff = gettext(
            "If the rules of the organisation ask for a runoff, it is between %(names)s.",
            names=_join(texts.answers[place] for place in outcome.finalists),
        )
        return f"{nothing} {runoff}"
    sentences = []
    if outcome.winners:
        sentences.append(
            gettext("Chosen: %(names)s.", names=_join(texts.answers[place] for place in outcome.winners))
        )
    if outcome.verdict is Verdict.TIE:
        sentences.append(
            ngettext(
                "A tie: %(names)s have equally many votes, and %(num)s seat is left for them.",
                "A tie: %(names)s have equally many votes, and %(num)s seats are left for them.",
                outcome.tied_seats,
                names=_join(texts.answers[place] for place in outcome.tied),
            )
        )
        sentences.append(
            gettext("The rules of the organisation say whether a runoff or the lot decides between them.")
        )
    elif len(outcome.winners) < outcome.seats:
        sentences.append(
            ngettext(
                "%(num)s seat stays empty, because nobody else has a vote.",
                "%(num)s seats stay empty, because nobody else has a vote.",
                outcome.seats - len(outcome.winners),
            )
        )
    return " ".join(sentences)


def _describe_rule(outcome: QuestionOutcome) -> str:
    if outcome.rule is Majority.PLURALITY:
        return ngettext(
            "The rule: %(num)s answer is chosen, the one with the most votes.",
            "The rule: %(num)s answers are chosen, those with the most votes.",
            outcome.seats,
        )
    numbers = {"needed": format_decimal(outcome.needed), "votes": format_decimal(outcome.votes)}
    if outcome.rule is Majority.MAJORITY:
        return gettext(
            "The rule: more than half of the votes are needed, that is %(needed)s of %(votes)s.", **numbers
        )
    return gettext(
        "The rule: two thirds of the votes are needed, that is %(needed)s of %(votes)s.", **numbers
    )


def _describe_quorum(quorum: Quorum) -> str:
    numbers = {
        "percent": format_share(quorum.percent / 100),
        "needed": format_decimal(quorum.needed),
        "members": format_decimal(quorum.members),
        "ballots": format_decimal(quorum.ballots),
    }
    if quorum.is_reached:
        return gettext(
            "The quorum was reached: %(needed)s of %(members)s members (%(percent)s) had to vote, and"
            " %(ballots)s did.",
            **numbers,
        )
    return gettext(
        "The quorum was missed: %(needed)s of %(members)s members (%(percent)s) had to vote, and"
        " %(ballots)s did.",
        **numbers,
    )


def _join(names: Iterable[str]) -> str:
    return format_list([_ISOLATE + name + _END for name in names], locale=get_language())
