"""What an audit found, in words."""

from __future__ import annotations

from collections.abc import Iterator

from audit.findings import Report
from crypto.questions import HomomorphicQuestion

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
    if report.state != "tallied":
        return f"sound so far: {_UNFINISHED[report.state]}"
    return "sound: every check passed"


def result_names(report: Report) -> list[str]:
    """The texts of the election's questions."""
    return [q.question for q in report.questions if isinstance(q, HomomorphicQuestion)]


def _result_lines(report: Report) -> Iterator[str]:
    if report.trusted_result is None:
        if report.result is not None:
            yield ""
            yield "The published result is not shown, because of the findings."
        return
    for number, (question, counts) in enumerate(zip(report.questions, report.trusted_result, strict=True), 1):
        if not isinstance(question, HomomorphicQuestion):
            continue
        yield ""
        yield f"Question {number}: {question.question}"
        names = (["(blank)"] if question.blank else []) + list(question.answers)
        width = max(len(str(count)) for count in counts)
        for name, count in zip(names, counts, strict=True):
            yield f"  {count:>{width}}  {name}"


def printable(text: str) -> str:
    """The text with control characters and the like spelled out.

    Names come from whoever made the archive; sent to a terminal as they are, they could move the
    cursor and overwrite the verdict.
    """
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def report_lines(report: Report) -> Iterator[str]:
    """The whole report, a line at a time."""
    yield from map(printable, _lines(report))


def _lines(report: Report) -> Iterator[str]:
    yield verdict_line(report)
    if report.election is not None:
        yield ""
        yield f"election     {report.name} ({report.election})"
        yield f"fingerprint  {report.fingerprint}"
        yield f"ballots      {report.ballots}, of which {report.counted} count"
    if report.service_key:
        # Whoever holds a receipt can compare: another key would be another journal's.
        yield f"service key  {report.service_key}"
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
