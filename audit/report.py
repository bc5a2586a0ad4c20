"""What an audit found, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from audit.findings import WITHOUT_RESULT, Report
from crypto.counting import Outcome, QuestionOutcome, Verdict, decide
from crypto.presentation import Majority
from crypto.questions import HomomorphicQuestion, ListsQuestion, NonHomomorphicQuestion
from crypto.words import fingerprint_words
from crypto.writing import is_sign_of_writing

# Ranked and graded ballots are shown up to so many different ones.
_MOST_BALLOTS = 20
_MARKS = {"pass": "ok", "fail": "FAIL", "not-checked": "-"}
_UNFINISHED = {
    "setup": "set up, no ballot yet",
    "open": "open, no result",
    "closed": "closed, no result",
    "tallying": "being tallied, no result",
}


def verdict_line(report: Report) -> str:
    """The first line: what a person wants to know."""
    if report.verdict == "findings":
        count = sum(check.status == "fail" for check in report.findings.checks.values())
        return f"FINDINGS: {count} {'check' if count == 1 else 'checks'} failed"
    if report.verdict == "unchecked":
        return "COULD NOT CHECK: required checks were not made"
    if report.journal_state in WITHOUT_RESULT:
        return f"sound: every check passed, but {WITHOUT_RESULT[report.journal_state]}"
    if report.state != "tallied":
        return f"sound so far: {_UNFINISHED[report.state]}"
    return "sound: every check passed"


def result_names(report: Report) -> list[str]:
    """The texts of the election's questions."""
    return [question.question for question in report.questions]


_RULES = {
    Majority.PLURALITY: "the most votes",
    Majority.MAJORITY: "more than half of the votes",
    Majority.TWO_THIRDS: "at least two thirds of the votes",
}


def find_outcome(report: Report) -> Outcome | None:
    """Who has won, where there is a result that can be trusted and the election data say what decides."""
    if report.setup is None or report.trusted_result is None or report.journal_state in WITHOUT_RESULT:
        return None
    election = report.setup.election
    presentation = election.presentation
    if presentation is None or presentation.rules is None or not election.is_homomorphic:
        return None
    return decide(
        election.homomorphic_questions,
        report.trusted_result,
        presentation.rules,
        quorum_percent=presentation.quorum_percent,
        members=len(report.setup.credentials),
        ballots=report.counted,
    )


def _outcome_line(question: HomomorphicQuestion, outcome: QuestionOutcome) -> str:
    """Who has won, in a sentence. A tie is said, never broken."""

    def names(places: tuple[int, ...]) -> str:
        return ", ".join(question.answers[place] for place in places)

    rule = _RULES[outcome.rule]
    if outcome.seats > 1:
        rule += f", {outcome.seats} seats"
    if outcome.verdict is Verdict.QUORUM_MISSED:
        return f"decided by {rule}: nothing, the quorum was missed"
    if outcome.verdict is Verdict.NONE:
        return f"decided by {rule}: no answer reached it"
    won = names(outcome.winners) if outcome.winners else "nobody yet"
    if outcome.verdict is Verdict.TIE:
        seats = "the last seat" if outcome.tied_seats == 1 else f"the last {outcome.tied_seats} seats"
        return f"decided by {rule}: {won}; TIE for {seats} between {names(outcome.tied)}"
    return f"decided by {rule}: {won}"


def _count_lines(names: Sequence[str], counts: Sequence[int]) -> Iterator[str]:
    width = max(len(str(count)) for count in counts)
    for name, count in zip(names, counts, strict=True):
        yield f"  {count:>{width}}  {name}"


def _ballot_lines(question: NonHomomorphicQuestion, ballots: Sequence[Sequence[int]]) -> Iterator[str]:
    """How many ballots gave the answers these ranks or grades, the most frequent ones first."""
    yield f"  ranks or grades, in this order: {', '.join(question.answers)}"
    counted = Counter(map(tuple, ballots))
    shown = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    width = len(str(max(counted.values(), default=0)))
    for ballot, count in shown[:_MOST_BALLOTS]:
        yield f"  {count:>{width}}  {' '.join(map(str, ballot))}"
    if len(shown) > _MOST_BALLOTS:
        yield f"  and {len(shown) - _MOST_BALLOTS} more kinds of ballots: steward-audit result prints all"


def _result_lines(report: Report) -> Iterator[str]:
    if report.trusted_result is None:
        if report.result is not None:
            yield ""
            yield "The published result is not shown, because of the findings."
        return
    outcome = find_outcome(report)
    for number, (question, row) in enumerate(zip(report.questions, report.trusted_result, strict=True), 1):
        yield ""
        yield f"Question {number}: {question.question}"
        if isinstance(question, NonHomomorphicQuestion):
            yield from _ballot_lines(question, row)
        elif isinstance(question, ListsQuestion):
            texts = [
                text for entries in question.lists for text in (entries[0], *(f"  {e}" for e in entries[1:]))
            ]
            yield from _count_lines(texts, [count for part in row for count in part])
        else:
            yield from _count_lines([*(["(blank)"] if question.blank else []), *question.answers], row)
        if outcome is not None:
            yield f"  {_outcome_line(question, outcome.questions[number - 1])}"
    if outcome is not None and (quorum := outcome.quorum) is not None:
        yield ""
        yield (
            f"Quorum: {quorum.percent} percent of {quorum.members} members, {quorum.needed} ballots; "
            f"{quorum.ballots} count, {'reached' if quorum.is_reached else 'MISSED'}"
        )


def printable(text: str) -> str:
    """The text with control characters and the like spelled out; no-break blanks and joiners are writing.

    Names come from whoever made the archive; sent to a terminal as they are, they could move the
    cursor and overwrite the verdict.
    """
    return "".join(c if is_sign_of_writing(c) else ascii(c)[1:-1] for c in text)


def report_lines(report: Report) -> Iterator[str]:
    """The whole report, a line at a time."""
    yield from map(printable, _lines(report))


def fingerprint_lines(fingerprint: str | None) -> Iterator[str]:
    """What somebody who has a sheet compares with it."""
    if fingerprint is not None:
        yield f"words of the election: {fingerprint_words(fingerprint)} (compare them with your sheet)"
        yield f"fingerprint of the election: {fingerprint} (compare it with your sheet)"


def _lines(report: Report) -> Iterator[str]:
    yield verdict_line(report)
    if report.election is not None:
        yield ""
        yield f"election     {report.name} ({report.election})"
        yield f"fingerprint  {report.fingerprint}"
        if report.fingerprint is not None:
            yield f"words        {fingerprint_words(report.fingerprint)}"
        yield f"ballots      {report.ballots}, of which {report.counted} count"
    if report.service_key:
        # Whoever holds a receipt can compare: another key would be another journal's.
        is_bound = report.setup is not None and report.setup.election.record_terms is not None
        yield f"service key  {report.service_key}{' (covered by the fingerprint)' if is_bound else ''}"
    yield f"engine       {report.engine}"
    yield ""
    skipped: dict[str, list[str]] = {}
    for check in report.findings.checks.values():
        if check.status == "not-checked" and not check.required:
            skipped.setdefault(check.detail or "nothing to check yet", []).append(check.id)
            continue
        detail = f" ({check.detail})" if check.detail else ""
        yield f"{_MARKS[check.status]:>4}  {check.id:<4} {check.title}{detail}"
    for why, ids in skipped.items():
        yield f"   -  not checked: {', '.join(ids)} ({why})"
    if report.findings.warnings:
        yield ""
        yield from (f"warning: {warning}" for warning in report.findings.warnings)
    yield from _result_lines(report)
