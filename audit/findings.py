"""What an audit found: the state of every numbered check, and the verdict that follows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from audit.checks import CHECKS
from crypto.errors import ProtocolError
from crypto.journal import JournalLine
from crypto.result import Result
from crypto.tally import EncryptedTally

if TYPE_CHECKING:
    from audit.checks.setup import SetupFacts

Status = Literal["pass", "fail", "not-checked"]
Verdict = Literal["sound", "findings", "unchecked"]
# A rule that a thousand ballots break is one finding with a few examples.
_EXAMPLES = 5


class Stop(Exception):  # noqa: N818 - a signal, not an error
    """What comes after depends on what just failed; the audit ends here."""


@dataclass
class Check:
    """One numbered check. ``required``: without it the verdict cannot be "sound"."""

    id: str
    title: str
    required: bool = False
    status: Status = "not-checked"
    details: list[str] = field(default_factory=list)
    failures: int = 0

    @property
    def detail(self) -> str:
        more = self.failures - len(self.details)
        return "; ".join(self.details) + (f"; and {more} more" if self.failures and more > 0 else "")


@dataclass
class Findings:
    """Collects the outcome of checks while the audit runs."""

    checks: dict[str, Check] = field(
        default_factory=lambda: {spec.id: Check(spec.id, spec.title) for spec in CHECKS}
    )
    warnings: list[str] = field(default_factory=list)

    def require(self, *rules: str) -> None:
        """These checks apply to what was given: not making one leaves the verdict open."""
        for rule in rules:
            self.checks[rule].required = True

    def passed(self, *rules: str) -> None:
        """Every record was seen that these rules speak of (a failure stays a failure)."""
        for rule in rules:
            check = self.checks[rule]
            check.required = True
            if check.status == "not-checked":
                check.status = "pass"

    def failed(self, error: ProtocolError) -> None:
        """A finding."""
        check = self.checks[error.rule]
        check.required = True
        check.status = "fail"
        check.failures += 1
        if len(check.details) < _EXAMPLES:
            check.details.append(f"{error.record}: {error.detail}" if error.record else error.detail)

    def unsupported(self, rules: tuple[str, ...], why: str) -> None:
        """Required checks that this version cannot make."""
        for rule in rules:
            self.checks[rule].required = True
            self.checks[rule].details = [why]

    def not_applicable(self, why: str, *rules: str) -> None:
        """Checks of things that this election does not have, or that came without their file."""
        for rule in rules:
            self.checks[rule].details = [why]

    def warn(self, text: str) -> None:
        """Something worth knowing that is no finding."""
        if text not in self.warnings:
            self.warnings.append(text)

    @contextmanager
    def stage(self, *rules: str, record: str | None = None) -> Iterator[None]:
        """The rules pass if the block ends; a ProtocolError is a finding and stops the audit."""
        try:
            yield
        except ProtocolError as error:
            self.failed(error.at(record) if record else error)
            raise Stop from error
        self.passed(*rules)

    @property
    def verdict(self) -> Verdict:
        """A finding is a failed check; a required check that was not made gives "unchecked"."""
        checks = self.checks.values()
        if any(check.status == "fail" for check in checks):
            return "findings"
        if any(check.required and check.status == "not-checked" for check in checks):
            return "unchecked"
        return "sound"


# States of the journal in which nothing that the ballot box says decides anything.
WITHOUT_RESULT = {
    "cancelled": "the election was cancelled",
    "untalliable": "the election could not be counted",
}


@dataclass
class Report:
    """The outcome of one audit, as ``--json`` prints it (DESIGN §6)."""

    findings: Findings
    engine: str
    state: str = "setup"
    election: str | None = None
    name: str | None = None
    fingerprint: str | None = None
    ballots: int = 0
    counted: int = 0
    # For the report of a package: the weight of the counted ballots, and where the box ends.
    counted_weight: int = 0
    box_height: int = -1
    box_head: str | None = None
    result_hash: str | None = None
    result: Result | None = None
    # For people: the questions as the election data has them.
    questions: list[Any] = field(default_factory=list)
    service_key: str | None = None
    # For a trustee: what was fixed at setup, the encrypted tally that the ballots make, and what the journal tells.
    setup: SetupFacts | None = None
    tally: EncryptedTally | None = None
    journal: tuple[JournalLine, ...] = ()
    journal_state: str | None = None

    @property
    def verdict(self) -> Verdict:
        return self.findings.verdict

    @property
    def trusted_result(self) -> Result | None:
        """The result, unless something is wrong: nobody should quote a number beside a finding."""
        return None if self.verdict == "findings" else self.result

    def as_json(self) -> dict[str, Any]:
        return {
            "verdict": self.verdict,
            "state": self.state,
            "election": self.election,
            "name": self.name,
            "fingerprint": self.fingerprint,
            "ballots": self.ballots,
            "counted": self.counted,
            "result": self.trusted_result,
            "engine": self.engine,
            "checks": [
                {
                    "id": check.id,
                    "title": check.title,
                    "required": check.required,
                    "status": check.status,
                    "detail": check.detail,
                }
                for check in self.findings.checks.values()
            ],
            "warnings": self.findings.warnings,
        }


EXIT_CODES: dict[str, int] = {"sound": 0, "findings": 1, "unchecked": 2}
