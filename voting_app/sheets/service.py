"""Runs of voting sheets: whose are printed together, the documents part by part, and the end of it.

The database knows who is in a run and how far it is, so a browser or a server that dies loses nothing; the documents,
which have credentials in them, are made in memory for each download and are in no file of ours. A part has at most PART
sheets: a few seconds of work and a few megabytes, however long the roll is. Once a run is said to be printed, its
credentials are erased, and nobody can have them printed again.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, cast

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from crypto.presentation import Presentation, parse_presentation
from crypto.questions import parse_questions
from crypto.roll import MAX_LENGTH, UNIT_SEPARATOR, parse_unit
from paper.faults import PaperError
from paper.link import parse_site
from paper.sheets import Layout, Occasion, Sheet, make_sheets
from voting_app.context import Context
from voting_app.elections import service as elections
from voting_app.elections.service import ElectionView
from voting_app.errors import Problem
from voting_app.registrar import vault
from voting_app.registrar.models import SealedCredential, SheetRun, SheetRunEntry
from voting_app.registrar.vault import Waiting, Way
from voting_app.roll.models import RollEntry
from voting_app.trustees import keys

PART = 500
_LONGEST_FAULT = 500


@dataclass(frozen=True, slots=True)
class Choice:
    """Whose sheets: everybody's whose credential waits, those of a unit, or one member's."""

    unit: str = ""
    member_number: str = ""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Somebody whose sheet cannot be printed, and why."""

    member_number: str
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class RunView:
    """A run as pages show it.

    count: sheets asked for; waiting: of these, whose credential is still there and can be printed; parts: how many
    documents; left_out: whose sheet has a fault.
    """

    id: int
    layout: Layout
    choice: Choice
    created_at: datetime
    state: str
    count: int
    waiting: int
    parts: int
    left_out: tuple[LeftOut, ...] = ()


def create_run(context: Context, uuid: str, choice: Choice, layout: Layout) -> int:
    """Fixes whose sheets are printed together; the run's number.

    Problems: 409 ``keys-incomplete`` while there is no fingerprint, ``nobody-waits``, ``wrong-state`` after voting.
    """
    fingerprint = _get_fingerprint(context, uuid)
    with context.database.write() as session:
        election = elections.lock_election(session, uuid)
        _require_before_end(election.state)
        chosen = [
            waiting for waiting in vault.list_waiting(session, election.id) if _is_chosen(waiting, choice)
        ]
        if not chosen:
            raise Problem(409, "nobody-waits", "No code waits to be printed for whom you chose.")
        run = SheetRun(
            election_id=election.id,
            layout=layout.value,
            fingerprint=fingerprint,
            unit=_tidy_unit(choice.unit),
            member_number=choice.member_number,
            created_at=context.clock.now(),
        )
        session.add(run)
        session.flush()
        session.execute(
            insert(SheetRunEntry),
            [
                {"run_id": run.id, "place": place, "roll_entry_id": waiting.roll_entry_id}
                for place, waiting in enumerate(chosen)
            ],
        )
        return run.id


def list_runs(context: Context, uuid: str) -> list[RunView]:
    """All runs of an election that were not dropped, the newest first."""
    with context.database.read() as session:
        view = elections.election_for_box(session, uuid)
        runs = session.scalars(
            select(SheetRun)
            .where(SheetRun.election_id == view.id, SheetRun.state != "dropped")
            .order_by(SheetRun.id.desc())
        )
        return [_make_view(session, run) for run in runs]


def get_run(context: Context, uuid: str, number: int) -> RunView:
    """One run, with whom it leaves out; Problem 404 ``not-found``."""
    with context.database.read() as session:
        return _make_view(session, _find_run(session, uuid, number), has_faults=True)


def make_part(context: Context, uuid: str, number: int, part: int) -> bytes:
    """The PDF of one part, counted from 1, without those who have their code by now.

    Problems: 404 ``not-found``; 409 ``sheets-erased`` when nothing is left of it, ``fingerprint-changed``.
    """
    with context.database.read() as session:
        view = elections.election_for_box(session, uuid)
        run = _find_run(session, uuid, number)
        layout, fingerprint = Layout(run.layout), run.fingerprint
        if run.state != "open":
            raise _erased()
    _require_same(context, uuid, fingerprint)
    occasion = make_occasion(context, view, fingerprint)
    with context.database.read() as session:
        sheets = _read_sheets(context, session, number, part)
    if not sheets:
        raise _erased()
    try:
        return make_sheets(occasion, sheets, layout)
    except PaperError as error:
        faults = {fault.member_number: fault.sentence for fault in error.faults}
    if "" in faults:
        raise Problem(422, "unprintable", f"The sheets cannot be printed. {faults['']}")
    # The others need not wait for those whose names or addresses no font of ours has, or no sheet has room for.
    _leave_out(context, view.id, number, faults)
    rest = [sheet for sheet in sheets if sheet.member_number not in faults]
    if not rest:
        raise Problem(
            422, "unprintable", "None of these sheets can be printed. The page of the run says why."
        )
    return make_sheets(occasion, rest, layout)


def iter_archive(context: Context, uuid: str, number: int) -> Iterator[bytes]:
    """All parts of a run as one ZIP file, made while it is read."""
    run = get_run(context, uuid, number)
    if run.state != "open" or not run.waiting:
        raise _erased()
    return _iter_archive(context, uuid, run)


def _iter_archive(context: Context, uuid: str, run: RunView) -> Iterator[bytes]:
    drain = _Drain()
    # PDF is compressed already.
    with zipfile.ZipFile(cast(IO[bytes], drain), "w", zipfile.ZIP_STORED) as archive:
        for part in range(1, run.parts + 1):
            try:
                document = make_part(context, uuid, run.id, part)
            except Problem as problem:
                if problem.code not in ("sheets-erased", "unprintable"):
                    raise
                continue
            # A date that is always the same: the file says nothing that its parts do not.
            name = zipfile.ZipInfo(f"sheets-{part:03}.pdf", (2000, 1, 1, 0, 0, 0))
            archive.writestr(name, document)
            yield drain.take()
    yield drain.take()


class _Drain:
    """A file that is only written to, and emptied in between."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, data: bytes) -> int:
        self._written += data
        return len(data)

    def flush(self) -> None:
        pass

    def take(self) -> bytes:
        taken = bytes(self._written)
        self._written.clear()
        return taken


def say_printed(context: Context, uuid: str, number: int) -> int:
    """Erases the credentials of a run that is printed; how many. Those that were left out stay.

    Problems: 404 ``not-found``; 409 ``sheets-erased`` if somebody said so before, ``fingerprint-changed``.
    """
    with context.database.write() as session:
        elections.lock_election(session, uuid)
        run = _find_run(session, uuid, number)
        if run.state != "open":
            raise _erased()
        # While the election is locked, nobody changes a text or fixes the key.
        _require_same(context, uuid, run.fingerprint)
        run.state = "printed"
        ids = session.scalars(
            select(SheetRunEntry.roll_entry_id).where(
                SheetRunEntry.run_id == number, SheetRunEntry.fault.is_(None)
            )
        )
        return vault.erase_many(session, list(ids), Way.PRINTED)


def drop_run(context: Context, uuid: str, number: int) -> None:
    """Forgets a run that was not printed; the credentials go on waiting. Problems as for `say_printed`, also when
    voting is over: then no credential waits, and the report has counted these sheets.
    """
    with context.database.write() as session:
        election = elections.lock_election(session, uuid)
        run = _find_run(session, uuid, number)
        if run.state != "open" or election.state in vault.ENDED:
            raise _erased()
        run.state = "dropped"


def list_units(context: Context, uuid: str) -> list[str]:
    """The units in which codes wait, and those above them, as `Choice.unit` names them."""
    with context.database.read() as session:
        election_id = elections.election_for_box(session, uuid).id
        paths = {
            parse_unit(waiting.unit)
            for waiting in vault.list_waiting(session, election_id)
            if not waiting.is_delivered
        }
    above = {path[:length] for path in paths for length in range(1, len(path) + 1)}
    return [f" {UNIT_SEPARATOR} ".join(path) for path in sorted(above)]


def is_ready(context: Context, uuid: str) -> bool:
    """Whether there is a fingerprint that sheets can have."""
    return keys.find_fingerprint(context, uuid) is not None


def _get_fingerprint(context: Context, uuid: str) -> str:
    fingerprint = keys.find_fingerprint(context, uuid)
    if fingerprint is None:
        raise Problem(
            409,
            "keys-incomplete",
            "Sheets have a fingerprint of the election, so the trustees' keys come first.",
        )
    return fingerprint


def _require_same(context: Context, uuid: str, fingerprint: str) -> None:
    if keys.find_fingerprint(context, uuid) != fingerprint:
        raise Problem(
            409,
            "fingerprint-changed",
            "The election was changed after these sheets were asked for: their fingerprint is not right any more."
            " Throw away what is printed, and print anew.",
        )


def _require_before_end(state: str) -> None:
    if state in vault.ENDED:
        raise Problem(
            409, "wrong-state", "Voting is over: no sheet is of use any more.", extra={"state": state}
        )


def _tidy_unit(text: str) -> str:
    """A unit without the blanks around its names that somebody typed. Where somebody is chosen by it, the roll has it
    in so many letters, so that the shorter form has room in the database."""
    path = parse_unit(text)
    spaced = f" {UNIT_SEPARATOR} ".join(path)
    return spaced if len(spaced) <= MAX_LENGTH["unit"] else UNIT_SEPARATOR.join(path)


def _is_chosen(waiting: Waiting, choice: Choice) -> bool:
    if choice.member_number:
        # Who has the code by mail and lost it can have the same one on a sheet while it is kept.
        return waiting.member_number == choice.member_number
    # The name of what is below a unit begins with the unit's.
    unit = parse_unit(choice.unit)
    return not waiting.is_delivered and parse_unit(waiting.unit)[: len(unit)] == unit


def _find_run(session: Session, uuid: str, number: int) -> SheetRun:
    run = session.get(SheetRun, number)
    if run is None or run.election_id != elections.election_for_box(session, uuid).id:
        raise Problem(404, "not-found", "There is nothing at this address.")
    return run


def _make_view(session: Session, run: SheetRun, *, has_faults: bool = False) -> RunView:
    entries = (
        select(func.count(), func.count(SealedCredential.roll_entry_id), func.max(SheetRunEntry.place))
        .select_from(SheetRunEntry)
        .outerjoin(
            SealedCredential,
            (SealedCredential.roll_entry_id == SheetRunEntry.roll_entry_id) & SheetRunEntry.fault.is_(None),
        )
        .where(SheetRunEntry.run_id == run.id)
    )
    row = session.execute(entries).one()
    count, waiting, last = int(row[0]), int(row[1]), cast("int | None", row[2])
    faults: Sequence[LeftOut] = ()
    if has_faults:
        faults = [
            LeftOut(row.member_number, row.name, row.fault or "")
            for row in session.execute(
                select(RollEntry.member_number, RollEntry.name, SheetRunEntry.fault)
                .join(SheetRunEntry, SheetRunEntry.roll_entry_id == RollEntry.id)
                .where(SheetRunEntry.run_id == run.id, SheetRunEntry.fault.is_not(None))
                .order_by(SheetRunEntry.place)
            )
        ]
    return RunView(
        id=run.id,
        layout=Layout(run.layout),
        choice=Choice(run.unit, run.member_number),
        created_at=run.created_at,
        state=run.state,
        count=count,
        waiting=waiting,
        # A run whose members all got other codes has no place any more.
        parts=(-1 if last is None else last) // PART + 1,
        left_out=tuple(faults),
    )


def _read_sheets(context: Context, session: Session, number: int, part: int) -> list[Sheet]:
    start = (part - 1) * PART
    rows = session.execute(
        select(
            RollEntry.id,
            RollEntry.member_number,
            RollEntry.name,
            RollEntry.address,
            RollEntry.language,
        )
        .join(SheetRunEntry, SheetRunEntry.roll_entry_id == RollEntry.id)
        .where(
            SheetRunEntry.run_id == number,
            SheetRunEntry.place >= start,
            SheetRunEntry.place < start + PART,
            SheetRunEntry.fault.is_(None),
        )
        .order_by(SheetRunEntry.place)
    ).all()
    opened = vault.open_many(context, session, [row.id for row in rows])
    return [
        Sheet(row.member_number, row.name, opened[row.id], row.address, row.language)
        for row in rows
        if row.id in opened
    ]


def _leave_out(context: Context, election_id: int, number: int, faults: dict[str, str]) -> None:
    with context.database.write() as session:
        for member_number, reason in faults.items():
            entry = select(RollEntry.id).where(
                RollEntry.election_id == election_id, RollEntry.member_number == member_number
            )
            session.execute(
                update(SheetRunEntry)
                .where(SheetRunEntry.run_id == number, SheetRunEntry.roll_entry_id.in_(entry))
                .values(fault=reason[:_LONGEST_FAULT])
            )


def make_occasion(context: Context, view: ElectionView, fingerprint: str) -> Occasion:
    """What all sheets of the election say; 409 ``no-site`` where its address cannot stand on one."""
    presentation = Presentation()
    if view.presentation is not None:
        questions = parse_questions(list(view.questions))
        presentation = parse_presentation(view.presentation, view.name, view.description, questions)
    names = {presentation.language: view.name}
    names |= {texts.language: texts.name for texts in presentation.translations}
    try:
        site = parse_site(context.settings.base_url)
    except ValueError:
        raise Problem(
            409,
            "no-site",
            "The setting base_url names no address that can stand on a sheet; ask whoever runs the server.",
        ) from None
    return Occasion(
        uuid=view.uuid,
        names=names,
        language=presentation.language,
        fingerprint=fingerprint,
        site=site,
        closes_at=view.closes_at,
        time_zone=view.time_zone,
        revotes=view.revoting,
        organisation=context.settings.organisation,
        is_test=presentation.is_test,
    )


def _erased() -> Problem:
    return Problem(
        409, "sheets-erased", "These sheets are printed or were dropped: their codes are not here any more."
    )
