"""Certification: the committee says that the result stands, and of which record and report.

The report (crypto.report) is made from the record; where its numbers do not agree nothing is certified.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from crypto.credentials import unverified_totals
from crypto.election import Election as ElectionData
from crypto.election import parse_election
from crypto.encoding import sha256_hex
from crypto.journal import parse_line
from crypto.report import Ballots, ElectionReport, Mismatch, find_mismatches, make_outcome, read_delivered
from voting_app.accounts.service import Actor
from voting_app.certification.models import CertifiedReport
from voting_app.context import Context
from voting_app.elections import service as elections
from voting_app.elections.models import Election
from voting_app.elections.service import ActResult
from voting_app.elections.states import Act, State
from voting_app.errors import Problem
from voting_app.ledger import service as ledger
from voting_app.public.service import get_time
from voting_app.registrar.service import count_handed_out
from voting_app.roll import service as roll
from voting_app.tally import service as tally

# The states in which nothing changes any more, so that what is said of the election stays true.
FINAL = frozenset({State.CERTIFIED, State.CANCELLED, State.UNTALLIABLE})


@dataclass(frozen=True, slots=True)
class Account:
    """An election's numbers, and where they do not agree. is_roll_same: whether the roll in the database is the one
    whose hash the journal has."""

    report: ElectionReport
    mismatches: tuple[Mismatch, ...]
    is_roll_same: bool

    @property
    def agrees(self) -> bool:
        """Whether the result may be certified."""
        return self.is_roll_same and not self.mismatches


@dataclass(frozen=True, slots=True)
class Certification:
    """What the journal says of it. actors: everybody who certified, in order."""

    actors: tuple[Actor, ...]
    at: datetime
    statement: str


def find_certification(session: Session, uuid: str) -> Certification | None:
    """Who has certified the result, when, and in which words; None where nobody has."""
    box_id = ledger.get_box_id(session, uuid)
    lines = [
        parse_line(line) for line in ledger.read_journal(session, box_id, kinds=["approval", "certified"])
    ]
    if not lines or lines[-1].kind != "certified":
        return None
    *approvals, last = lines
    others = [line for line in approvals if line.payload["act"] == "certified"]
    actors = tuple(_parse_actor(line.actor) for line in (*others, last))
    return Certification(actors, get_time(last), last.payload["statement"])


def _parse_actor(text: str) -> Actor:
    role, _, number = text.partition(":")
    return Actor(role, int(number))


def certify_election(
    context: Context, uuid: str, actor: Actor, statement: str, agreeing_to: str | None = None
) -> ActResult:
    """Journals the report's hash, then the statement with the box's head and the result's hash; nothing follows but a
    seal.

    Problems: 409 ``wrong-state`` unless the election is tallied; 409 ``does-not-agree`` if its numbers do not.
    """
    with context.database.write() as session:
        election = elections.lock_election(session, uuid)
        elections.require_act(election, Act.CERTIFY)
        account = require_agreement(session, uuid)
        payload = {
            "box_head": _get_head(session, uuid),
            "result": _get_result_hash(session, uuid),
            "statement": statement,
        }
        outcome = elections.seek(session, context, election, Act.CERTIFY, actor, payload, agreeing_to)
        if outcome.is_done:
            body = account.report.encode()
            session.add(CertifiedReport(ballot_box_id=elections.find_box(session, uuid).id, body=body))
            report = {"report": sha256_hex(body)}
            elections.write_journal(session, context, election, "reported", str(actor), report)
            elections.perform_approved(session, context, election, outcome)
        return elections.election_for_box(session, uuid), outcome


def make_account(session: Session, uuid: str) -> Account:
    """The numbers as the record has them at this moment, and whether they agree."""
    report, election = _make_report(session, uuid)
    is_roll_same = _is_roll_same(session, elections.find_box(session, uuid).election)
    return Account(report, tuple(find_mismatches(report, election)), is_roll_same)


def require_agreement(session: Session, uuid: str) -> Account:
    """The numbers; Problem 409 ``does-not-agree`` if they do not."""
    account = make_account(session, uuid)
    if not account.agrees:
        raise _does_not_agree(account)
    return account


def make_report(session: Session, uuid: str) -> ElectionReport:
    """The numbers alone: anybody may ask for them, so this compares nothing, and the keys of voters are not read."""
    return _make_report(session, uuid)[0]


def _make_report(session: Session, uuid: str) -> tuple[ElectionReport, ElectionData | None]:
    box = elections.find_box(session, uuid)
    view = elections.make_view(box.election, box)
    box_id = ledger.get_box_id(session, uuid)
    setup = ledger.find_setup(session, box_id)
    election = None if setup is None else parse_election(setup.election)
    credentials, weight = (0, 0) if setup is None else unverified_totals(setup.credentials)
    head = ledger.head(session, box_id)
    received, voters = ledger.count_ballots(session, box_id), ledger.count_voters(session, box_id)
    result = tally.find_result(session, uuid)
    sized = tally.find_sized_tally(session, uuid) if result is not None else None
    kept = session.get(CertifiedReport, box.id)
    report = ElectionReport(
        election=uuid,
        state=str(State.TALLIED if view.state is State.CERTIFIED else view.state),
        fingerprint=None if election is None else election.fingerprint,
        box_height=head.height,
        box_head=head.event_hash,
        roll_hash=view.roll_hash,
        members=view.member_count or 0,
        credentials=credentials,
        # The one number that the record does not have: once certified, it stays what it was then.
        delivered=count_handed_out(session, uuid) if kept is None else read_delivered(kept.body)[1],
        ballots=Ballots(
            received=received,
            superseded=received - voters,
            counted=None if sized is None else sized.num_tallied,
            opened=ledger.count_lines(session, box_id, "ballot-challenged"),
        ),
        weight=weight,
        counted_weight=None if sized is None else sized.total_weight,
        result=None if result is None else _get_result_hash(session, uuid),
        outcome=None
        if result is None or election is None or sized is None
        else make_outcome(election, result, sized.num_tallied, view.member_count or 0),
    )
    return report, election


def get_report(context: Context, uuid: str) -> bytes:
    """The report of an election that has ended, as it was certified; Problem 404 ``no-report`` before."""
    with context.database.read() as session:
        return read_report(session, uuid)


def read_report(session: Session, uuid: str) -> bytes:
    """:func:`get_report` in a transaction."""
    box = elections.find_box(session, uuid)
    state = State(box.election.state)
    if state not in FINAL:
        raise Problem(404, "no-report", "There is no report yet: the election has not ended.")
    kept = session.get(CertifiedReport, box.id)
    # Elections that were certified before there were reports have none that was accepted, but the numbers are there.
    return make_report(session, uuid).encode() if kept is None else kept.body


def _is_roll_same(session: Session, election: Election) -> bool:
    if election.roll_hash is None or election.roll_salt is None:
        return election.state in (State.DRAFT.value, State.CANCELLED.value)
    return roll.hash_roll(election.roll_salt, roll.list_members(session, election.id)) == election.roll_hash


def _does_not_agree(account: Account) -> Problem:
    codes = [mismatch.code for mismatch in account.mismatches]
    if not account.is_roll_same:
        codes.append("roll")
    return Problem(
        409,
        "does-not-agree",
        "The numbers of this election do not agree, so its result cannot be certified. The report says which.",
        extra={"mismatches": codes},
    )


def _get_head(session: Session, uuid: str) -> str:
    head = ledger.head(session, ledger.get_box_id(session, uuid))
    if head.event_hash is None:
        raise RuntimeError("a tallied election has an empty box")
    return head.event_hash


def _get_result_hash(session: Session, uuid: str) -> str:
    [(raw,)] = ledger.read_data(session, ledger.get_box_id(session, uuid), "Result")
    return sha256_hex(raw)
