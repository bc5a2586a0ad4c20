"""The verdict of the auditor: a program of its own, which gets the published files and nothing else."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crypto.counting import Outcome, QuestionOutcome
from crypto.counting import Verdict as Decision
from crypto.presentation import Majority
from crypto.questions import HomomorphicQuestion
from crypto.words import fingerprint_words
from voting_app.demo.count import Counts

_MARKS = {"pass": "ok", "fail": "FAIL", "not-checked": "-"}
_RULES = {
    Majority.PLURALITY: "the most votes",
    Majority.MAJORITY: "more than half of the votes",
    Majority.TWO_THIRDS: "at least two thirds of the votes",
}


class AuditorError(Exception):
    """The auditor could not be run, or did not answer as it should."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the auditor found. report: its JSON object, as it came."""

    is_sound: bool
    report: dict[str, Any]

    @property
    def word(self) -> str:
        """sound, findings or unchecked."""
        return str(self.report.get("verdict"))

    @property
    def result(self) -> Counts | None:
        """The published counts, or None while there are none."""
        result: Counts | None = self.report.get("result")
        return result

    @property
    def is_final(self) -> bool:
        """Whether it is sound, and of a finished election."""
        return self.is_sound and self.report.get("state") == "tallied" and self.result is not None

    @property
    def passed(self) -> int:
        """How many checks were passed."""
        return sum(check["status"] == "pass" for check in self.report["checks"])

    @property
    def failures(self) -> list[str]:
        """What failed or was left unchecked although it is required, in words."""
        return [
            f"{check['id']} {check['title']}: {check['detail'] or check['status']}"
            for check in self.report["checks"]
            if check["status"] == "fail" or (check["required"] and check["status"] == "not-checked")
        ]


def run_auditor(archive: Path, journal: Path) -> Verdict:
    """Verify the two files by `steward-audit` in a process of its own; AuditorError if it gives no verdict."""
    run = subprocess.run(
        [sys.executable, "-m", "audit", "verify", str(archive), "--journal", str(journal), "--json"],
        # Its progress bar goes to the terminal.
        stdout=subprocess.PIPE,
        check=False,
        # Ctrl-C must not make a verdict of one that was interrupted.
        start_new_session=True,
    )
    try:
        report = json.loads(run.stdout)
    except ValueError as error:
        raise AuditorError(f"The auditor ended with status {run.returncode} and gave no report.") from error
    if not isinstance(report, dict) or not isinstance(report.get("checks"), list):
        raise AuditorError("The auditor's report is not what this program knows.")
    # Both its words and its exit status must say so.
    return Verdict(run.returncode == 0 and report.get("verdict") == "sound", report)


def result_lines(
    questions: tuple[HomomorphicQuestion, ...], result: Counts, outcome: Outcome | None = None
) -> list[str]:
    """The result for people, and by which rule who has won."""
    lines: list[str] = []
    for number, (question, counts) in enumerate(zip(questions, result, strict=True), start=1):
        lines += ["", f"  {number}. {question.question}"]
        names = (["(blank)"] if question.blank else []) + list(question.answers)
        width = max(len(str(count)) for count in counts)
        lines += [f"     {count:>{width}}  {name}" for name, count in zip(names, counts, strict=True)]
        if outcome is not None:
            lines.append(f"     → {tell_decision(question, outcome.questions[number - 1])}")
    if outcome is not None and (quorum := outcome.quorum) is not None:
        reached = "reached" if quorum.is_reached else "missed"
        share = f"{quorum.percent} percent of {quorum.members} members"
        lines += ["", f"  Quorum {reached}: {quorum.ballots} ballots count; {share} are {quorum.needed}."]
    return lines


def tell_decision(question: HomomorphicQuestion, outcome: QuestionOutcome) -> str:
    """Who has won by which rule. A tie is told, never broken."""

    def names(places: tuple[int, ...]) -> str:
        return ", ".join(question.answers[place] for place in places)

    rule = _RULES[outcome.rule]
    if outcome.verdict is Decision.QUORUM_MISSED:
        return "nobody: the quorum was missed"
    if outcome.verdict is Decision.NONE:
        return f"nobody has {rule}"
    won = names(outcome.winners) or "nobody yet"
    if outcome.verdict is Decision.TIE:
        return f"{won}, by {rule}; a tie for the rest between {names(outcome.tied)}"
    return f"{won}, by {rule}"


def report_lines(
    verdict: Verdict,
    questions: tuple[HomomorphicQuestion, ...],
    comparison: str,
    outcome: Outcome | None = None,
) -> list[str]:
    """The report as a text file."""
    report = verdict.report
    lines = [
        f"verdict      {verdict.word}",
        f"election     {report.get('name')} ({report.get('election')})",
        f"fingerprint  {report.get('fingerprint')}",
        *([f"words        {fingerprint_words(report['fingerprint'])}"] if report.get("fingerprint") else []),
        f"ballots      {report.get('ballots')}, of which {report.get('counted')} count",
        f"plain count  {comparison}",
    ]
    if verdict.result is not None:
        lines += ["", "Result", *result_lines(questions, verdict.result, outcome)]
    lines += ["", "Checks", ""]
    for check in report["checks"]:
        detail = f" ({check['detail']})" if check["detail"] else ""
        lines.append(f"{_MARKS.get(check['status'], '?'):>4}  {check['id']:<4} {check['title']}{detail}")
    warnings = report.get("warnings") or []
    if warnings:
        lines += ["", *(f"warning: {warning}" for warning in warnings)]
    return lines
