"""Files that somebody looks at before they become the roll: kept, shown as often as wanted, then taken or put away.

What is taken is exactly what was shown: the form of the page names the file by its hash, and the roll beside which it
was shown by another one. Where one of them is not the same any more nothing is taken, and the page shows what is now.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from crypto.encoding import sha256_hex
from crypto.roll import Member, RollFile, encode_roll, read_roll
from crypto.tables import TableError, read_table
from voting_app.accounts.service import Actor
from voting_app.context import Context
from voting_app.elections import service as elections
from voting_app.elections.service import ElectionView
from voting_app.elections.states import Act
from voting_app.errors import Problem
from voting_app.roll import service
from voting_app.roll.models import RollUpload
from voting_app.roll.preview import Preview, make_preview
from voting_app.roll.service import RollSummary

LIFETIME = timedelta(days=1)
_MOST_SOURCES = 20


@dataclass(frozen=True, slots=True)
class UploadPreview:
    """What taking a file would mean. file, roll: hashes of the file, and of the roll that it would replace; other: the
    election whose roll it is compared with, none where there is none; is_own: that is the roll that it would replace.
    """

    file: str
    roll: str
    content: RollFile
    preview: Preview
    present: int
    other: ElectionView | None
    last: ElectionView | None
    is_own: bool


def keep_upload(context: Context, uuid: str, actor: Actor, raw: bytes) -> None:
    """Keeps a file for a look at it, in the place of the person's last one.

    Problems: 404 ``unknown-election``; 409 ``wrong-state`` where an import is refused too; 400 ``no-file``,
    ``codes-file`` for a registrar's file of voting codes, which must not stand in the database for a day.
    """
    if not raw:
        raise Problem(400, "no-file", "Choose a file first; this one is empty.")
    if _has_codes(raw):
        raise Problem(
            400,
            "codes-file",
            "This is a file with voting codes, not a roll. It was not kept, but it should never be sent to a server:"
            " tell whoever makes the codes.",
        )
    with context.database.write() as session:
        election = elections.lock_election(session, uuid)
        elections.require_act(election, Act.EDIT_ROLL)
        _forget(session, election.id, actor)
        session.add(
            RollUpload(
                election_id=election.id,
                account_number=actor.account_number,
                digest=sha256_hex(raw),
                content=raw,
                created_at=context.clock.now(),
            )
        )


def _has_codes(raw: bytes) -> bool:
    try:
        _, header = next(read_table(raw), (0, []))
    except TableError:
        return False
    return "credential" in (cell.lower() for cell in header)


def list_sources(context: Context, uuid: str) -> list[ElectionView]:
    """Elections whose frozen roll this one's could begin with, the newest first; Problem 404 ``unknown-election``."""
    with context.database.read() as session:
        own = elections.election_for_box(session, uuid)
        found = [view for view in elections.list_elections(session) if view.roll_hash and view.id != own.id]
    return found[::-1][:_MOST_SOURCES]


def copy_roll(context: Context, uuid: str, actor: Actor, source: str) -> None:
    """Keeps another election's frozen roll for a look at it, as a file that was uploaded.

    Problems: as for `keep_upload`; 404 ``unknown-election`` where that has no frozen roll.
    """
    with context.database.read() as session:
        view = elections.election_for_box(session, source)
        if view.roll_hash is None:
            raise elections.not_found()
        text = encode_roll(service.list_members(session, view.id))
    keep_upload(context, uuid, actor, text.encode())


def preview_upload(
    context: Context, uuid: str, actor: Actor, *, beside_last: bool = False
) -> UploadPreview | None:
    """What the person's file would mean; None if there is none.

    Compared with the roll that it would replace, or, where that is empty or ``beside_last``, with the last frozen one.
    Problems: 404 ``unknown-election``; 409 ``wrong-state``.
    """
    with context.database.read() as session:
        view = elections.election_for_box(session, uuid)
        elections.require_act_in(view.state, Act.EDIT_ROLL)
        upload = _find(session, view.id, actor, context.clock.now())
        if upload is None:
            return None
        present = service.list_members(session, view.id)
        last = service.find_last_frozen(session, view.id)
        is_own = bool(present) and not (beside_last and last)
        other = view if is_own else last
        earlier = present if is_own else None if last is None else service.list_members(session, last.id)
    content = read_roll(upload.content)
    return UploadPreview(
        file=upload.digest,
        roll=digest_roll(present),
        content=content,
        preview=make_preview(content, earlier),
        present=len(present),
        other=other,
        last=last,
        is_own=is_own,
    )


def require_takeable(context: Context, uuid: str, actor: Actor, *, file: str, roll: str) -> RollFile:
    """Return the person's file if it could be taken at this moment: it is the one with the hash ``file``, has no fault,
    and would replace the roll with the hash ``roll``.

    Problems: 409 ``upload-gone``, ``upload-changed``, ``roll-changed``, ``wrong-state``, ``bad-roll``.
    """
    with context.database.read() as session:
        view = elections.election_for_box(session, uuid)
        elections.require_act_in(view.state, Act.EDIT_ROLL)
        upload = _require_same(session, view.id, actor, context.clock.now(), file, roll)
    content = read_roll(upload.content)
    if content.faults:
        raise Problem(409, "bad-roll", "This file has faults, so it cannot become the roll.")
    return content


def take_upload(context: Context, uuid: str, actor: Actor, *, file: str, roll: str) -> RollSummary:
    """Makes the person's file the roll. All of it happens in one transaction, or nothing.

    Problems as for `require_takeable`.
    """
    # Read before the writing transaction: others wait for that one.
    content = require_takeable(context, uuid, actor, file=file, roll=roll)
    with context.database.write() as session:
        election = elections.lock_election(session, uuid)
        elections.require_act(election, Act.EDIT_ROLL)
        _require_same(session, election.id, actor, context.clock.now(), file, roll)
        summary = service.replace_members(session, election.id, content.members)
        _forget(session, election.id, actor)
        return summary


def has_upload(context: Context, uuid: str, actor: Actor) -> bool:
    """Whether the person has a file to look at; Problem 404 ``unknown-election``."""
    with context.database.read() as session:
        view = elections.election_for_box(session, uuid)
        return _find(session, view.id, actor, context.clock.now()) is not None


def drop_upload(context: Context, uuid: str, actor: Actor) -> None:
    """Puts the person's file away."""
    with context.database.write() as session:
        _forget(session, elections.election_for_box(session, uuid).id, actor)


def forget_old(context: Context) -> int:
    """Forgets files that nobody took for a day; how many."""
    with context.database.write() as session:
        done = session.execute(
            delete(RollUpload).where(RollUpload.created_at <= context.clock.now() - LIFETIME)
        )
        return int(done.rowcount)  # type: ignore[attr-defined]


def digest_roll(members: list[Member]) -> str:
    """Tells one roll from another, for those who have all of it."""
    return service.hash_roll("", members)


def _find(session: Session, election_id: int, actor: Actor, now: datetime) -> RollUpload | None:
    return session.scalar(
        select(RollUpload).where(
            RollUpload.election_id == election_id,
            RollUpload.account_number == actor.account_number,
            RollUpload.created_at > now - LIFETIME,
        )
    )


def _require_same(
    session: Session, election_id: int, actor: Actor, now: datetime, file: str, roll: str
) -> RollUpload:
    upload = _find(session, election_id, actor, now)
    if upload is None:
        raise Problem(409, "upload-gone", "The file is not here any more. Upload it once more.")
    if upload.digest != file:
        raise Problem(
            409,
            "upload-changed",
            "You have uploaded another file since this page was shown. Nothing was taken; look at the other one.",
        )
    if digest_roll(service.list_members(session, election_id)) != roll:
        raise Problem(
            409,
            "roll-changed",
            "Somebody has changed the roll meanwhile. Nothing was taken; look at the differences once more.",
        )
    return upload


def _forget(session: Session, election_id: int, actor: Actor) -> None:
    session.execute(
        delete(RollUpload).where(
            RollUpload.election_id == election_id, RollUpload.account_number == actor.account_number
        )
    )
