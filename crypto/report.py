"""The report of an election: how many might vote, what became of every ballot, who has won (docs/protocol.md §7.10).

Its numbers must agree with each other (rule P2) and with the record (P3); the journal names its hash before the result
is certified (P4). No member, credential or tracker stands in it::

    {"version":1,"election":UUID,"state":"tallied"|"cancelled"|"untalliable","fingerprint":HASH?,
     "box":{"height","head"?},"roll":{"hash"?,"members","credentials","delivered"?},
     "ballots":{"received","superseded","counted","opened"},
     "weight":{"all","counted"?},"result":HASH?,"outcome":{"quorum","questions":[…]}?}

Everything but ``delivered`` follows from ballot box and journal, so an auditor makes the report again and compares.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from crypto.counting import Outcome, decide
from crypto.election import Election
from crypto.encoding import encode_counter, encode_json_bytes, parse_json, require_int, sha256_hex
from crypto.errors import MalformedError
from crypto.presentation import Majority
from crypto.result import Result

VERSION = 1
# How the elections ended that have a report; a certified one was reported on while it was tallied.
STATES = ("tallied", "cancelled", "untalliable")


@dataclass(frozen=True, slots=True)
class Ballots:
    """received: in the ballot box; superseded: those of them that a later one of the same voter replaced; counted: in
    the tally, None where nothing was tallied; opened: given up for checking, so never received."""

    received: int
    superseded: int
    counted: int | None
    opened: int


@dataclass(frozen=True, slots=True)
class ElectionReport:
    """The numbers of one election.

    fingerprint: base64, None before Setup; box_head, roll_hash, result: SHA-256 in hex or None; members: how many may
    vote; credentials: how many the list has, 0 before Setup; delivered: how many members were given theirs, None where
    the service does not know, because the registrar hands them out; weight: of all credentials; counted_weight: of the
    counted ballots, None where nothing was tallied.
    """

    election: str
    state: str
    fingerprint: str | None
    box_height: int
    box_head: str | None
    roll_hash: str | None
    members: int
    credentials: int
    delivered: int | None
    ballots: Ballots
    weight: int
    counted_weight: int | None
    result: str | None
    outcome: Outcome | None

    def encode(self) -> bytes:
        """The canonical bytes, of which the journal names the hash."""
        return encode_json_bytes(
            {
                "version": VERSION,
                "election": self.election,
                "state": self.state,
                **_given("fingerprint", self.fingerprint),
                "box": {"height": self.box_height, **_given("head", self.box_head)},
                "roll": {
                    **_given("hash", self.roll_hash),
                    "members": self.members,
                    "credentials": self.credentials,
                    **_given("delivered", self.delivered),
                },
                "ballots": {
                    "received": self.ballots.received,
                    "superseded": self.ballots.superseded,
                    **_given("counted", self.ballots.counted),
                    "opened": self.ballots.opened,
                },
                "weight": {
                    "all": encode_counter(self.weight),
                    **_given(
                        "counted",
                        None if self.counted_weight is None else encode_counter(self.counted_weight),
                    ),
                },
                **_given("result", self.result),
                **_given("outcome", None if self.outcome is None else self.outcome.encode()),
            }
        )

    @property
    def hash(self) -> str:
        """SHA-256 of the bytes, in hex."""
        return sha256_hex(self.encode())


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Two numbers that do not agree. code: of which pair; found, expected: the numbers."""

    code: str
    found: int
    expected: int


# What each pair says when it agrees, for people.
AGREEMENTS = {
    "credentials": "there is one credential for each member who may vote",
    "delivered": "no more credentials were delivered than there are",
    "received": "every ballot in the box counts or was replaced by a later one of its voter",
    "voters": "no more ballots count than members may vote",
    "delivered-voters": "no more ballots count than credentials were delivered",
    "weight": "the counted ballots do not weigh more than all members",
    "questions": "the votes of each question are as many as the counted ballots may have",
}


def find_mismatches(report: ElectionReport, election: Election | None) -> Iterator[Mismatch]:
    """Where the numbers of a report do not agree with each other (rule P2). election: None before Setup.

    Each code of AGREEMENTS comes at most once, "questions" once for each question.
    """
    ballots = report.ballots
    if report.fingerprint is not None and report.credentials != report.members:
        yield Mismatch("credentials", report.credentials, report.members)
    if report.delivered is not None and report.delivered > report.credentials:
        yield Mismatch("delivered", report.delivered, report.credentials)
    voters = ballots.received - ballots.superseded
    if ballots.counted is not None and ballots.counted != voters:
        yield Mismatch("received", ballots.counted, voters)
    if voters > report.members:
        yield Mismatch("voters", voters, report.members)
    if report.delivered is not None and voters > report.delivered:
        yield Mismatch("delivered-voters", voters, report.delivered)
    if report.counted_weight is not None and report.counted_weight > report.weight:
        yield Mismatch("weight", report.counted_weight, report.weight)
    if election is not None and report.outcome is not None and report.counted_weight is not None:
        yield from _find_wrong_questions(report.outcome, report.counted_weight, election)


def _find_wrong_questions(outcome: Outcome, weight: int, election: Election) -> Iterator[Mismatch]:
    for question, counted in zip(election.homomorphic_questions, outcome.questions, strict=True):
        choosing = weight - (counted.blank or 0)
        least, most = question.minimum * choosing, question.maximum * choosing
        if not least <= counted.votes <= most:
            yield Mismatch("questions", counted.votes, most if counted.votes > most else least)


def make_outcome(election: Election, result: Result, ballots: int, members: int) -> Outcome:
    """What the counts mean under the election's rules; where it has none, as many of the most votes as there are
    seats."""
    presentation = election.presentation
    rules = presentation.rules if presentation else None
    return decide(
        election.homomorphic_questions,
        result,
        rules or [Majority.PLURALITY] * len(election.homomorphic_questions),
        quorum_percent=presentation.quorum_percent if presentation else None,
        members=members,
        ballots=ballots,
    )


def read_delivered(raw: bytes) -> tuple[dict[str, Any], int | None]:
    """(a report's object, what it says of delivered credentials): the one number that the record does not have, so that
    whoever makes the report again can compare all of it. MalformedError (P2) for what is no report.
    """
    value = parse_json(raw, "P2")
    if not isinstance(value, dict) or value.get("version") != VERSION or isinstance(value["version"], bool):
        raise MalformedError("P2", "this is not a report of version 1")
    roll = value.get("roll")
    if not isinstance(roll, dict):
        raise MalformedError("P2", "the report has no numbers about the roll")
    if "delivered" not in roll:
        return value, None
    return value, require_int(roll["delivered"], "P2", "delivered credentials")


def _given(name: str, value: Any) -> dict[str, Any]:
    return {} if value is None else {name: value}
