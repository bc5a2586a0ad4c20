"""Elections: create, look up, and the acts of the calendar. One use case = one function = one transaction.

Other features change an election's state through :func:`lock_election` and :func:`perform`, so that
every transition is checked against the one table, journaled and sealed in the transaction that
makes it. Of two people who do the same thing at once, one wins; the other reads why not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, literal, select
from sqlalchemy.orm import Session

from crypto.election import parse_election
from crypto.encoding import encode_json_bytes, sha256_hex
from crypto.journal import KINDS, STATE_CHANGES, act_subject
from crypto.presentation import Presentation, RecordTerms, carry_candidates, parse_presentation
from crypto.questions import HomomorphicQuestion, parse_questions
from crypto.randomness import new_uuid
from crypto.receipt import ServiceKey
from crypto.record import BoxState
from voting_app.accounts.service import SERVICE_ACTOR, Actor
from voting_app.approvals import news, proposals
from voting_app.approvals.proposals import Officers, Outcome
from voting_app.candidates.models import CandidatePhoto
from voting_app.context import Context
from voting_app.elections.models import BallotBox, Election, Organisation, Unit
from voting_app.elections.privacy import Facts, Finding, Severity, Thresholds, check_privacy
from voting_app.elections.privacy_words import describe_finding
from voting_app.elections.states import JOURNAL_KINDS, Act, State, WrongStateError, next_state
from voting_app.elections.times import encode_minute
from voting_app.errors import Problem
from voting_app.ledger import service as ledger
from voting_app.mail import service as mail
from voting_app.registrar.models import CredentialPublication
from voting_app.roll.models import RollEntry
from voting_app.trustees.models import TrusteeSeat

# After these no trustee has anything to do for now, so mail that still waits to say so is taken back. The other acts
# go with a trustee's own act, which tells whose turn it is then.
_ENDING_TURNS = frozenset({Act.OPEN, Act.CANCEL, Act.UNTALLIABLE})


def mail_topic(uuid: str) -> str:
    """Under what the outbox has the mail to the trustees of this box."""
    return f"trustees/{uuid}"


@dataclass(frozen=True, slots=True)
class TrusteePlan:
    """How many trustees hold keys of their own, and the threshold group if there is one."""

    singles: int
    threshold_size: int | None
    threshold: int | None

    @property
    def seats(self) -> int:
        return self.singles + (self.threshold_size or 0)

    @property
    def needed(self) -> int:
        """How many of them together open the result, and could open single ballots."""
        return self.singles + (self.threshold or 0)


@dataclass(frozen=True, slots=True)
class NewElection:
    """What the committee decides when it creates an election. ``closes_at`` is UTC, a whole minute."""

    name: str
    description: str
    questions: tuple[HomomorphicQuestion, ...]
    group_name: str
    revoting: bool
    closes_at: datetime
    time_zone: str
    trustees: TrusteePlan
    credential_mode: str
    unit: str = ""
    presentation: Presentation | None = None
    # Two must act, if nothing is said; fixed when the election is made.
    officers: Officers | None = None


@dataclass(frozen=True, slots=True)
class ElectionView:
    """An election as other code and clients may see it: a snapshot, not a row."""

    id: int
    uuid: str
    name: str
    description: str
    questions: tuple[dict[str, Any], ...]
    group_name: str
    revoting: bool
    credential_mode: str
    time_zone: str
    state: State
    closes_at: datetime
    opened_at: datetime | None
    closed_at: datetime | None
    trustees: TrusteePlan
    keys_drilled: bool
    roll_hash: str | None
    member_count: int | None
    service_key: str
    # As crypto.presentation encodes it.
    presentation: dict[str, Any] | None
    # How many officers must want an act; None in an election of an earlier version, which any officer runs alone.
    officers: Officers | None

    @property
    def is_test(self) -> bool:
        """Whether it is for practice only; every page, sheet and letter about it must say so."""
        return self.presentation is not None and "test" in self.presentation


# What an officer's act answers with: the election after it, and whether it is done or waits for another officer.
ActResult = tuple[ElectionView, Outcome]


# --- looking up ------------------------------------------------------------------------------------


def not_found() -> Problem:
    """The refusal for a uuid that names no election here."""
    return Problem(404, "unknown-election", "There is no election with this address.")


def find_box(session: Session, uuid: str) -> BallotBox:
    """The ballot box with this uuid; Problem 404 ``unknown-election``."""
    # PostgreSQL cannot be asked for a text with this sign.
    box = None if "\0" in uuid else session.scalar(select(BallotBox).where(BallotBox.uuid == uuid))
    if box is None:
        raise not_found()
    return box


def election_for_box(session: Session, uuid: str) -> ElectionView:
    """The election that the box belongs to; Problem 404 ``unknown-election``."""
    box = find_box(session, uuid)
    return make_view(box.election, box)


def make_view(election: Election, box: BallotBox) -> ElectionView:
    """The snapshot of a row."""
    return ElectionView(
        id=election.id,
        uuid=box.uuid,
        name=election.name,
        description=election.description,
        questions=tuple(box.questions),
        group_name=election.group_name,
        revoting=election.revoting,
        credential_mode=election.credential_mode,
        time_zone=election.time_zone,
        state=State(election.state),
        closes_at=election.closes_at,
        opened_at=election.opened_at,
        closed_at=election.closed_at,
        trustees=TrusteePlan(election.single_trustees, election.threshold_size, election.threshold),
        keys_drilled=election.keys_drilled,
        roll_hash=election.roll_hash,
        member_count=election.member_count,
        service_key=box.service_key,
        presentation=box.presentation,
        officers=proposals.get_officers(election),
    )


def list_elections(session: Session) -> list[ElectionView]:
    """All elections, oldest first."""
    boxes = session.scalars(select(BallotBox).where(BallotBox.ordinal == 0).order_by(BallotBox.id))
    return [make_view(box.election, box) for box in boxes]


@dataclass(frozen=True, slots=True)
class Calendar:
    """What decides whether a ballot was in time. Read for each ballot, so it is one statement and no row object."""

    state: State
    closes_at: datetime
    stopped_at: datetime | None
    revoting: bool


# Of the box `uuid`; a statement for other ones to be built on.
CALENDAR = (
    select(Election.state, Election.closes_at, Election.stopped_at, Election.revoting)
    .join(BallotBox)
    .where(BallotBox.uuid == bindparam("uuid"))
)


def make_calendar(row: Any) -> Calendar:
    """The calendar in a row of CALENDAR."""
    return Calendar(State(row.state), row.closes_at, row.stopped_at, row.revoting)


def get_calendar(session: Session, uuid: str) -> Calendar:
    """The calendar of the box's election; Problem 404 ``unknown-election``."""
    row = session.execute(CALENDAR, {"uuid": uuid}).one_or_none()
    if row is None:
        raise not_found()
    return make_calendar(row)


def require_in_time(calendar: Calendar, arrived_at: datetime) -> None:
    """Refuses a ballot that did not arrive while the box took ballots.

    What arrived in time counts even when the election was paused or closed while it was verified;
    the booth keeps it announced as in flight so that the box is not ended before it (the box's own
    order rules refuse it afterwards). Problems: 409 ``not-open``, 409 ``closed``.
    """
    state, stopped_at = calendar.state, calendar.stopped_at
    if state in (State.OPEN, State.PAUSED, State.CLOSED) and arrived_at >= calendar.closes_at:
        raise Problem(409, "closed", "The election closed before this ballot arrived.")
    if state is State.OPEN:
        return
    if state in (State.PAUSED, State.CLOSED) and stopped_at is not None and arrived_at < stopped_at:
        return
    if state in (State.CLOSED, State.TALLIED, State.CERTIFIED, State.UNTALLIABLE):
        raise Problem(409, "closed", "The election closed before this ballot arrived.")
    if state is State.PAUSED:
        raise Problem(409, "not-open", "The election is paused; your ballot was not taken. Try again later.")
    if state is State.CANCELLED:
        raise Problem(409, "not-open", "The election was cancelled; your ballot was not taken.")
    raise Problem(409, "not-open", "The election is not open yet; your ballot was not taken.")


def require_open(session: Session, uuid: str, arrived_at: datetime) -> Calendar:
    """:func:`require_in_time` for the box with this uuid."""
    calendar = get_calendar(session, uuid)
    require_in_time(calendar, arrived_at)
    return calendar


# --- the one road of a transition ------------------------------------------------------------------


def lock_election(session: Session, uuid: str) -> Election:
    """The election's row, locked until the transaction ends; Problem 404 ``unknown-election``.

    On SQLite the writing transaction itself is the lock; PostgreSQL locks the row.
    """
    election_id = find_box(session, uuid).election_id
    return session.scalars(
        select(Election)
        .where(Election.id == election_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()


def require_act(election: Election, act: Act) -> State:
    """The state after ``act``; Problem 409 ``wrong-state`` where the table does not allow it."""
    return require_act_in(State(election.state), act)


def require_act_in(state: State, act: Act) -> State:
    """:func:`require_act` for a state that was read elsewhere."""
    try:
        return next_state(state, act)
    except WrongStateError as error:
        raise Problem(409, "wrong-state", str(error), extra={"state": state.value}) from error


def perform(
    session: Session,
    context: Context,
    election: Election,
    act: Act,
    actor: str,
    payload: Mapping[str, Any],
    *,
    moment: datetime | None = None,
    approvals: Sequence[str] = (),
) -> None:
    """Moves a locked election and writes the journal: the approvals of other officers, the act's line, and a seal.

    Lines about people's acts say when, to the minute: at ``moment``, or now. What an officer does comes here by
    :func:`perform_approved`, if more than one of them must want it.
    """
    after = require_act(election, act)
    kind = JOURNAL_KINDS[act]
    officers = proposals.get_officers(election)
    is_shared = officers is not None and act in proposals.SHARED and actor != str(SERVICE_ACTOR)
    if officers is not None and is_shared and len(approvals) + 1 != officers.count(act):
        # The auditor would find it, and nothing that stands in the record can be taken back.
        raise RuntimeError(f"{act} by {len(approvals) + 1} officers instead of {officers.count(act)}")
    # What was proposed for the election as it was is not what people would agree to now.
    proposals.overtake(session, election.id, context.clock.now())
    approval = {"act": kind, "subject": act_subject(kind, dict(payload))} if approvals else {}
    if "at" in KINDS[kind].fields:
        payload = {"at": encode_minute(moment or context.clock.now()), **payload}
    election.state = after.value
    for box in election.boxes:
        if act in _ENDING_TURNS:
            mail.withdraw(session, mail_topic(box.uuid), is_over=act is not Act.OPEN)
        box_id = ledger.get_box_id(session, box.uuid)
        for other in approvals:
            ledger.append_journal(session, box_id, "approval", other, approval)
        ledger.append_journal(session, box_id, kind, actor, dict(payload))
        if kind in STATE_CHANGES:
            ledger.seal(session, box_id, get_service_key(context, box.uuid))


def perform_approved(session: Session, context: Context, election: Election, outcome: Outcome) -> None:
    """:func:`perform` for an act that enough officers want."""
    *others, actor = map(str, outcome.agreed)
    perform(session, context, election, outcome.act, actor, outcome.payload, approvals=others)


def write_journal(
    session: Session, context: Context, election: Election, kind: str, actor: str, payload: Mapping[str, Any]
) -> None:
    """A journal line that goes with no transition (commitments, drills, decryption proofs)."""
    for box in election.boxes:
        ledger.append_journal(
            session,
            ledger.get_box_id(session, box.uuid),
            kind,
            actor,
            dict(payload),
        )


def write_files(
    session: Session, context: Context, election: Election, files: Sequence[tuple[str, str]]
) -> None:
    """The journal line that tells what the pages consist of on which people vote: path and hash of each file.

    While people vote it is sealed at once, because auditors believe no list that is not; the opening seals the first.
    """
    payload = {"files": [list(file) for file in files]}
    write_journal(session, context, election, "booth-files", str(SERVICE_ACTOR), payload)
    if election.state in (State.OPEN.value, State.PAUSED.value):
        for box in election.boxes:
            ledger.seal(session, ledger.get_box_id(session, box.uuid), get_service_key(context, box.uuid))


# --- creating --------------------------------------------------------------------------------------


def create_election(
    context: Context, new: NewElection, actor: Actor, *, copy_of: str | None = None, with_roll: bool = False
) -> ElectionView:
    """A new election in draft with its empty ballot box and the first lines of its journal: whose it is, and how many
    officers must want each act.

    ``copy_of``: the election that it was made from, whose candidates come along where their words are the same, and
    whose roll does if that is wanted (``with_roll``), with nothing of what was delivered to whom.
    """
    now = context.clock.now()
    _require_later(new.closes_at, now)
    uuid = new_uuid()
    key = get_service_key(context, uuid)
    officers = new.officers or proposals.TWO_OFFICERS
    with context.database.write() as session:
        organisation = _get_organisation(session, context.settings.organisation)
        unit = _get_unit(session, organisation, new.unit) if new.unit else None
        election = Election(
            organisation_id=organisation.id,
            unit_id=unit.id if unit else None,
            name=new.name,
            description=new.description,
            group_name=new.group_name,
            revoting=new.revoting,
            credential_mode=new.credential_mode,
            time_zone=new.time_zone,
            closes_at=new.closes_at,
            state=State.DRAFT.value,
            single_trustees=new.trustees.singles,
            threshold_size=new.trustees.threshold_size,
            threshold=new.trustees.threshold,
            keys_drilled=False,
            officers_needed=officers.needed,
            certifiers=officers.certifiers,
            waiver=officers.reason,
        )
        session.add(election)
        session.flush()
        box = BallotBox(
            election_id=election.id,
            ordinal=0,
            uuid=uuid,
            questions=[question.encode() for question in new.questions],
            presentation=None if new.presentation is None else new.presentation.encode(),
            service_key=key.public,
        )
        session.add(box)
        session.flush()
        box_id = ledger.create_box(session, uuid, int(now.timestamp()), service_key=key)
        ledger.append_journal(
            session, box_id, "officers", str(actor.acting_as(proposals.ROLE)), officers.encode()
        )
        if copy_of is not None:
            _copy(session, find_box(session, copy_of), box, new, with_roll=with_roll)
        return make_view(election, box)


# Of a member, what the roll says and not what was done in the election that it was made for.
_ROLL_COLUMNS = (
    "member_number",
    "name",
    "email",
    "phone",
    "address",
    "unit",
    "weight",
    "language",
    "eligible",
)


def _copy(session: Session, source: BallotBox, box: BallotBox, new: NewElection, *, with_roll: bool) -> None:
    box.presentation = _present(make_view(source.election, source), new)
    session.execute(
        insert(CandidatePhoto).from_select(
            ["box_id", "digest", "content"],
            select(literal(box.id), CandidatePhoto.digest, CandidatePhoto.content).where(
                CandidatePhoto.box_id == source.id, CandidatePhoto.digest.in_(_list_photos(box))
            ),
        )
    )
    if with_roll:
        columns = [getattr(RollEntry, name) for name in _ROLL_COLUMNS]
        rows = select(literal(box.election_id), literal("none"), *columns)
        session.execute(
            insert(RollEntry).from_select(
                ["election_id", "credential_state", *_ROLL_COLUMNS],
                rows.where(RollEntry.election_id == source.election_id).order_by(RollEntry.member_number),
            )
        )


def forget_photos(session: Session, box: BallotBox) -> None:
    """Keeps no photo that stands beside no answer any more: whoever withdraws one is to be forgotten."""
    session.execute(
        delete(CandidatePhoto).where(
            CandidatePhoto.box_id == box.id, CandidatePhoto.digest.not_in(_list_photos(box))
        )
    )


def _list_photos(box: BallotBox) -> list[str]:
    groups = (box.presentation or {}).get("candidates", [])
    return [candidate["photo"] for group in groups for candidate in group if "photo" in candidate]


def _require_later(closes_at: datetime, now: datetime) -> None:
    if closes_at <= now:
        raise Problem(
            422, "invalid-field", "The closing time has passed already.", extra={"field": "closes_at"}
        )


# --- editing -----------------------------------------------------------------------------------------------


def get_revision(view: ElectionView) -> str:
    """A hash of all that can be edited: who has read this version can say so when saving another one."""
    plan = view.trustees
    return sha256_hex(
        encode_json_bytes(
            {
                "name": view.name,
                "description": view.description,
                "questions": list(view.questions),
                "group": view.group_name,
                "revoting": view.revoting,
                "closes_at": encode_minute(view.closes_at),
                "time_zone": view.time_zone,
                "credential_mode": view.credential_mode,
                "trustees": [plan.singles, plan.threshold_size, plan.threshold],
                "presentation": view.presentation,
            }
        )
    )


def require_revision(view: ElectionView, expected: str) -> None:
    """Refuses what was typed for another version than the present one: 409 ``changed-meanwhile``."""
    if expected != get_revision(view):
        raise Problem(
            409, "changed-meanwhile", "Somebody else has saved a change of this election meanwhile."
        )


def update_election(
    context: Context, uuid: str, new: NewElection, *, expected: str | None = None
) -> ElectionView:
    """Replaces what the committee has decided so far, until the keys are ready.

    ``expected``: the revision that was read before; 409 ``changed-meanwhile`` if somebody has saved another one since.
    Without ``unit`` the election's unit stays. Candidates' photos stay with answers whose words stay the same, and so
    do their statements unless the new ones have any. Problems: 409 ``wrong-state``, ``trustees-exist`` and
    ``credentials-published`` for what these were made for; 422 ``invalid-field``.
    """
    with context.database.write() as session:
        election = lock_election(session, uuid)
        require_editable(State(election.state))
        box = find_box(session, uuid)
        before = make_view(election, box)
        if expected is not None:
            require_revision(before, expected)
        if new.officers is not None and new.officers != before.officers:
            raise Problem(
                422,
                "invalid-field",
                "How many officers act stands in the journal since this election was made, and cannot be changed.",
                extra={"field": "single_officer"},
            )
        _require_later(new.closes_at, context.clock.now())
        has_new_group = new.group_name != before.group_name
        if (has_new_group or new.trustees != before.trustees) and has_seats(session, election.id):
            raise Problem(
                409,
                "trustees-exist",
                "The trustees of this election have their seats already, so their number cannot be changed.",
            )
        if (has_new_group or new.credential_mode != before.credential_mode) and has_credentials(
            session, box.id
        ):
            raise Problem(
                409,
                "credentials-published",
                "The credentials of this election are published already, so the way to make them cannot be changed.",
            )
        election.name, election.description = new.name, new.description
        election.group_name, election.revoting = new.group_name, new.revoting
        election.closes_at, election.time_zone = new.closes_at, new.time_zone
        election.credential_mode = new.credential_mode
        election.single_trustees = new.trustees.singles
        election.threshold_size, election.threshold = new.trustees.threshold_size, new.trustees.threshold
        if new.unit:
            organisation = _get_organisation(session, context.settings.organisation)
            election.unit_id = _get_unit(session, organisation, new.unit).id
        box.questions = [question.encode() for question in new.questions]
        box.presentation = _present(before, new)
        forget_photos(session, box)
        session.flush()
        return make_view(election, box)


def _present(before: ElectionView, new: NewElection) -> dict[str, Any] | None:
    """What is shown beside the new questions, with the candidates of those that stay the same."""
    if before.presentation is None or "candidates" not in before.presentation:
        return None if new.presentation is None else new.presentation.encode()
    questions = [q for q in parse_questions(list(before.questions)) if isinstance(q, HomomorphicQuestion)]
    present = parse_presentation(before.presentation, before.name, before.description, questions)
    # Who has not said the language this time has not said another one.
    after = new.presentation or Presentation(present.language)
    return carry_candidates(present, questions, after, new.questions).encode()


def require_editable(state: State) -> None:
    """Refuses changes of what is fixed: 409 ``wrong-state``, which says why."""
    try:
        require_act_in(state, Act.EDIT)
    except Problem as problem:
        problem.detail = (
            "Since the keys were made, the fingerprint on the members' sheets covers every text. To change something,"
            " cancel this election and make a new one from it."
        )
        raise


def has_seats(session: Session, election_id: int) -> bool:
    """Whether the trustees have their seats: how many there are is fixed from then on."""
    return (
        session.scalar(select(TrusteeSeat.id).where(TrusteeSeat.election_id == election_id).limit(1))
        is not None
    )


def has_credentials(session: Session, box_id: int) -> bool:
    """Whether the public list of credentials is there: how they are made is fixed from then on."""
    return session.get(CredentialPublication, box_id) is not None


def _get_organisation(session: Session, name: str) -> Organisation:
    organisation = session.scalar(select(Organisation).order_by(Organisation.id).limit(1))
    if organisation is None:
        organisation = Organisation(name=name)
        session.add(organisation)
        session.flush()
    return organisation


def _get_unit(session: Session, organisation: Organisation, name: str) -> Unit:
    unit = session.scalar(select(Unit).where(Unit.organisation_id == organisation.id, Unit.name == name))
    if unit is None:
        unit = Unit(organisation_id=organisation.id, parent_id=None, name=name)
        session.add(unit)
        session.flush()
    return unit


# --- the privacy check -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PrivacyReport:
    """What the result of an election would tell of its voters, as far as roll and questions show it beforehand."""

    members: int
    thresholds: Thresholds
    findings: tuple[Finding, ...]

    @property
    def blocking(self) -> tuple[Finding, ...]:
        """The findings for which the election is not opened."""
        return tuple(finding for finding in self.findings if finding.severity is Severity.BLOCK)


def report_privacy(context: Context, uuid: str) -> PrivacyReport:
    """The privacy check with the roll as it is now, in any state; Problem 404 ``unknown-election``."""
    with context.database.read() as session:
        box = find_box(session, uuid)
        facts = _gather_facts(session, make_view(box.election, box))
    settings = context.settings
    thresholds = Thresholds(
        least_members=settings.privacy_least_members,
        few_ballots=settings.privacy_few_ballots,
        turnout_percent=settings.privacy_turnout_percent,
        majority_percent=settings.privacy_majority_percent,
        chance_percent=settings.privacy_chance_percent,
        refuse_readable_weights=settings.privacy_refuse_readable_weights,
    )
    return PrivacyReport(facts.members, thresholds, check_privacy(facts, thresholds))


def _gather_facts(session: Session, view: ElectionView) -> Facts:
    def count_by(column: Any) -> dict[Any, int]:
        rows = session.execute(
            select(column, func.count())
            .where(RollEntry.election_id == view.id, RollEntry.eligible)
            .group_by(column)
        )
        return {row[0]: row[1] for row in rows}

    questions = parse_questions(list(view.questions))
    return Facts(
        weights=count_by(RollEntry.weight),
        unit_sizes=tuple(count for unit, count in count_by(RollEntry.unit).items() if unit),
        questions=tuple(question for question in questions if isinstance(question, HomomorphicQuestion)),
        trustees_needed=view.trustees.needed,
        server_issues=view.credential_mode == "server",
    )


def _require_private(context: Context, uuid: str) -> None:
    """Refuses what would tell a vote for certain: 409 ``privacy-check``."""
    problem = find_privacy_problem(report_privacy(context, uuid))
    if problem is not None:
        raise problem


def find_privacy_problem(report: PrivacyReport) -> Problem | None:
    """The refusal of an opening for what its privacy check has found, if it is one."""
    if not report.blocking:
        return None
    return Problem(
        409,
        "privacy-check",
        "The result of this election would show how somebody voted, so it is not opened.",
        " ".join(describe_finding(finding) for finding in report.blocking),
        extra={"findings": [finding.code for finding in report.blocking]},
    )


# --- the calendar ----------------------------------------------------------------------------------


def open_election(
    context: Context,
    uuid: str,
    actor: Actor,
    closes_at: datetime | None,
    files: Sequence[tuple[str, str]],
    agreeing_to: str | None = None,
) -> ActResult:
    """Opens the box; refused until the keys are drilled (409 ``keys-not-drilled``), where the service could not keep
    what the election data promise (409 ``changed-since-setup``), and where every result would tell a vote (409
    ``privacy-check``).

    ``files``: what voters will be shown, journaled before the opening (voting_app.booth.opening lists them).

    ``closes_at`` replaces the closing time that was planned; 409 ``closing-time-passed`` if the one
    that holds is not in the future.
    """
    with context.database.read() as session:
        state = election_for_box(session, uuid).state
    require_act_in(state, Act.OPEN)
    # Before the transaction, because it may take seconds: questions and roll are fixed in this state.
    _require_private(context, uuid)
    with context.database.write() as session:
        election = lock_election(session, uuid)
        require_act(election, Act.OPEN)
        now = context.clock.now()
        closes_at = closes_at or election.closes_at
        require_openable(session, context, election, closes_at)
        if not files:
            # They were listed before this transaction, when the election could not be opened yet.
            raise Problem(409, "changed-meanwhile", "The election has changed meanwhile; look and try again.")
        payload = {"closes_at": encode_minute(closes_at), "revotes": election.revoting}
        outcome = seek(session, context, election, Act.OPEN, actor, payload, agreeing_to)
        if outcome.is_done:
            election.closes_at, election.opened_at, election.stopped_at = closes_at, now, None
            write_files(session, context, election, files)
            perform_approved(session, context, election, outcome)
        return _view_of(election, uuid), outcome


def require_openable(
    session: Session, context: Context, election: Election, closes_at: datetime | None
) -> None:
    """Refuses as :func:`open_election` does, but for privacy. closes_at: None where it can still be chosen."""
    if not election.keys_drilled:
        raise Problem(
            409,
            "keys-not-drilled",
            "Not enough trustees have proved that they hold their keys; without the drill a lost key"
            " would be noticed only when it is too late.",
        )
    if closes_at is not None and closes_at <= context.clock.now():
        raise _closing_time_passed("Give a later closing time when you open the election.")
    _require_as_set_up(session, context, election)


def _require_as_set_up(session: Session, context: Context, election: Election) -> None:
    """The journal will say what the election data say, which stand on the voters' sheets: 409 ``changed-since-setup``.

    Nothing in the program changes them. A database or a secret from a backup may be another one.
    """
    for box in election.boxes:
        raw = ledger.find_election_data(session, ledger.get_box_id(session, box.uuid))
        terms = None if raw is None else parse_election(raw).record_terms
        key = get_service_key(context, box.uuid).public
        if terms is not None and terms != RecordTerms(key, election.revoting):
            raise Problem(
                409,
                "changed-since-setup",
                "The service's key, or whether votes are final, is not what the election data say any more. Look"
                " whether the installation's secret is the one with which the election was set up.",
            )


def pause_election(
    context: Context, uuid: str, actor: Actor, reason: str, agreeing_to: str | None = None
) -> ActResult:
    """Takes no ballots for now. The closing time does not pass by itself while an election is paused."""
    with context.database.write() as session:
        election = _lock_and_settle(session, context, uuid)
        outcome = seek(session, context, election, Act.PAUSE, actor, {"reason": reason}, agreeing_to)
        if outcome.is_done:
            perform_approved(session, context, election, outcome)
            election.stopped_at = context.clock.now()
        return _view_of(election, uuid), outcome


def resume_election(context: Context, uuid: str, actor: Actor, agreeing_to: str | None = None) -> ActResult:
    """Takes ballots again; 409 ``closing-time-passed`` if there is no time left (extend it first)."""
    with context.database.write() as session:
        election = _lock_and_settle(session, context, uuid)
        require_act(election, Act.RESUME)
        require_resumable(context, election)
        outcome = seek(session, context, election, Act.RESUME, actor, {}, agreeing_to)
        if outcome.is_done:
            perform_approved(session, context, election, outcome)
            election.stopped_at = None
        return _view_of(election, uuid), outcome


def require_resumable(context: Context, election: Election) -> None:
    """409 ``closing-time-passed`` if there is no time left."""
    if election.closes_at <= context.clock.now():
        raise _closing_time_passed("Extend it first, or close the election.")


def extend_election(
    context: Context,
    uuid: str,
    actor: Actor,
    closes_at: datetime,
    reason: str,
    agreeing_to: str | None = None,
) -> ActResult:
    """A later closing time, with a public reason; an earlier one is 409 ``not-later``."""
    with context.database.write() as session:
        election = _lock_and_settle(session, context, uuid)
        require_act(election, Act.EXTEND)
        require_later_closing(context, election, closes_at)
        payload = {"closes_at": encode_minute(closes_at), "reason": reason}
        outcome = seek(session, context, election, Act.EXTEND, actor, payload, agreeing_to)
        if outcome.is_done:
            election.closes_at = closes_at
            perform_approved(session, context, election, outcome)
        return _view_of(election, uuid), outcome


def require_later_closing(context: Context, election: Election, closes_at: datetime) -> None:
    """409 ``not-later`` for a closing time that is no extension."""
    if closes_at <= election.closes_at or closes_at <= context.clock.now():
        raise Problem(
            409, "not-later", "The new closing time must be later than the present one and than now."
        )


def close_election(context: Context, uuid: str, actor: Actor, agreeing_to: str | None = None) -> ActResult:
    """Closes at once for ballots that arrive from now on; 409 ``wrong-state`` if somebody was faster.

    The box itself is ended by voting_app.tally once no ballot that arrived in time is in flight.
    """
    with context.database.write() as session:
        election = _lock_and_settle(session, context, uuid)
        outcome = seek(session, context, election, Act.CLOSE, actor, {}, agreeing_to)
        if outcome.is_done:
            perform_approved(session, context, election, outcome)
            _note_closing(election, context.clock.now())
        return _view_of(election, uuid), outcome


def cancel_election(
    context: Context, uuid: str, actor: Actor, reason: str, agreeing_to: str | None = None
) -> ActResult:
    """Ends the election without a result, with a public reason; the record is kept."""
    with context.database.write() as session:
        election = _lock_and_settle(session, context, uuid)
        outcome = seek(session, context, election, Act.CANCEL, actor, {"reason": reason}, agreeing_to)
        if outcome.is_done:
            perform_approved(session, context, election, outcome)
            election.stopped_at = election.stopped_at or context.clock.now()
        return _view_of(election, uuid), outcome


def seek(
    session: Session,
    context: Context,
    election: Election,
    act: Act,
    actor: Actor,
    payload: Mapping[str, Any],
    agreeing_to: str | None = None,
) -> Outcome:
    """Whether enough officers want this act of a locked election by now (proposals.seek); 409 ``wrong-state`` too."""
    require_act(election, act)
    outcome = proposals.seek(
        session, election, act, actor, payload, context.clock.now(), agreeing_to=agreeing_to
    )
    if outcome.proposal is not None and not outcome.is_done:
        news.tell_awaited(session, context, election, outcome.proposal)
    return outcome


def close_if_due(context: Context, uuid: str) -> bool:
    """Closes an open election whose time is over; whether it did. Safe to call at any time by anybody."""
    with context.database.read() as session:
        view = election_for_box(session, uuid)
    if view.state is not State.OPEN or context.clock.now() < view.closes_at:
        return False
    with context.database.write() as session:
        election = lock_election(session, uuid)
        return _settle(session, context, election)


def is_anything_due(session: Session, uuid: str, now: datetime) -> bool:
    """Whether a request for this uuid finds an election to be closed or counted; False for an unknown one."""
    found = session.execute(
        select(Election.state, Election.closes_at).join(BallotBox).where(BallotBox.uuid == uuid)
    ).one_or_none()
    if found is None:
        return False
    return found.state == State.CLOSED or (found.state == State.OPEN and found.closes_at <= now)


def list_due(session: Session, now: datetime) -> list[str]:
    """The uuids of open elections whose closing time has passed."""
    rows = session.scalars(
        select(BallotBox.uuid)
        .join(Election)
        .where(BallotBox.ordinal == 0, Election.state == State.OPEN.value, Election.closes_at <= now)
    )
    return list(rows)


def list_voting(session: Session) -> list[str]:
    """The uuids of elections that are open or paused."""
    rows = session.scalars(
        select(BallotBox.uuid)
        .join(Election)
        .where(BallotBox.ordinal == 0, Election.state.in_((State.OPEN.value, State.PAUSED.value)))
    )
    return list(rows)


def list_closed(session: Session) -> list[str]:
    """The uuids of closed elections, whose box may have to be ended and counted."""
    rows = session.scalars(
        select(BallotBox.uuid)
        .join(Election)
        .where(BallotBox.ordinal == 0, Election.state == State.CLOSED.value)
    )
    return list(rows)


def _closing_time_passed(advice: str) -> Problem:
    return Problem(409, "closing-time-passed", f"The closing time has passed. {advice}")


def _lock_and_settle(session: Session, context: Context, uuid: str) -> Election:
    """A person's act never happens in an election whose time is over but whose timer has not run yet."""
    election = lock_election(session, uuid)
    _settle(session, context, election)
    return election


def _settle(session: Session, context: Context, election: Election) -> bool:
    if election.state != State.OPEN or context.clock.now() < election.closes_at:
        return False
    moment = election.closes_at
    perform(session, context, election, Act.CLOSE, str(SERVICE_ACTOR), {}, moment=moment)
    _note_closing(election, moment)
    return True


def _note_closing(election: Election, moment: datetime) -> None:
    election.closed_at = moment
    # Closed from a pause: ballots have been refused since the pause began.
    election.stopped_at = election.stopped_at or moment


def _view_of(election: Election, uuid: str) -> ElectionView:
    return make_view(election, next(box for box in election.boxes if box.uuid == uuid))


# --- the ledger's key and state --------------------------------------------------------------------


def get_service_key(context: Context, uuid: str) -> ServiceKey:
    """The Ed25519 key with which the service signs receipts and seals of this box."""
    return ledger.get_service_key(context.settings, uuid)


def get_box_state(session: Session, uuid: str) -> BoxState:
    """Where the ballot box stands in the order of its events."""
    return ledger.box_state(session, ledger.get_box_id(session, uuid))
