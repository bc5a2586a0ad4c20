"""Credentials: the public list that Setup fixes.

Two modes. *registrar*: credentials are made on the registrar's own machine and only the public list
comes here. *server*: they are made here, and the journal says so; until they are handed out they wait
sealed (vault.py). In neither mode can the database be read for a private credential, or for which
member has which public one: the list is sorted by key.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from crypto.credentials import (
    CredentialList,
    derive_public,
    encode_credential_list,
    new_credential_text,
    parse_credential_list,
)
from crypto.encoding import encode_json_bytes, sha256_hex
from crypto.errors import ProtocolError
from crypto.groups import Element, get_group
from voting_app.accounts.service import Actor
from voting_app.context import Context
from voting_app.elections import service as elections
from voting_app.elections.models import Election
from voting_app.elections.service import ElectionView
from voting_app.elections.states import Act
from voting_app.errors import Problem
from voting_app.mailing.models import Delivery
from voting_app.registrar import vault
from voting_app.registrar.models import CredentialPublication, SheetRun, SheetRunEntry
from voting_app.registrar.vault import NewCredential
from voting_app.roll import service as roll
from voting_app.roll.models import RollEntry
from voting_app.roll.service import Eligible

SERVER_MODE = "server"
REGISTRAR_MODE = "registrar"


@dataclass(frozen=True, slots=True)
class Published:
    """What was published: the list's hash (hex), how many credentials, in which mode."""

    credentials: str
    count: int
    mode: str


def publish_credentials(context: Context, uuid: str, raw: bytes, actor: Actor) -> Published:
    """Takes the registrar's public list (canonical JSON, sorted).

    Problems: 409 ``credential-mode``, ``wrong-state``, ``credentials-published``; 422
    ``bad-credentials`` when the list is not readable, not sorted or does not fit the roll.
    """
    with context.database.read() as session:
        view = elections.election_for_box(session, uuid)
    _require_mode(view, REGISTRAR_MODE)
    parsed = _parse_list(view, raw)
    with context.database.write() as session:
        election = elections.lock_election(session, uuid)
        _require_fits(parsed, roll.count_weights(session, election.id))
        return _publish(session, context, election, uuid, raw, REGISTRAR_MODE, actor)


def generate_credentials(context: Context, uuid: str, actor: Actor, *, program: int | None = None) -> int:
    """Makes a credential for each eligible member, publishes the list and keeps the private ones sealed; how many.

    All of it happens or nothing. program: the account of a program that will ask for them (`hand_to_program`).
    Problems: 409 ``credential-mode``, ``wrong-state``, ``credentials-published``.
    """
    with context.database.read() as session:
        view = elections.election_for_box(session, uuid)
        _require_mode(view, SERVER_MODE)
        elections.require_act_in(view.state, Act.PUBLISH_CREDENTIALS)
        if _find_publication(session, uuid) is not None:
            raise _already_published()
        # A frozen roll does not change any more, so it may be read before the transaction below.
        members = roll.list_eligible(session, view.id)
    made = {member: _make_credential(view, member) for member in members}
    is_weighted = any(member.weight != 1 for member in members)
    raw = encode_credential_list(
        get_group(view.group_name),
        [(public, member.weight if is_weighted else None) for member, (_, public) in made.items()],
    )
    new = [NewCredential(member.roll_entry_id, text, public.text) for member, (text, public) in made.items()]
    with context.database.write() as session:
        election = elections.lock_election(session, uuid)
        _publish(session, context, election, uuid, raw, SERVER_MODE, actor, program=program)
        vault.keep(session, context, new)
    return len(new)


def replace_credentials(
    context: Context, uuid: str, numbers: Collection[str], actor: Actor, *, is_program: bool = False
) -> Published:
    """Gives these members new credentials in the place of lost ones, and publishes the hash of the new list.

    Only before the keys are ready: then Setup has fixed the list for good. is_program: the actor is a token, which has
    no second factor, so the credentials must have been made for it. Problems: 409 ``wrong-state``,
    ``credential-mode``, ``credentials-missing``, ``not-your-credentials``, ``not-replaceable``; 422 ``unknown-member``
    for who is not on the roll or may not vote.
    """
    with context.database.write() as session:
        election = elections.lock_election(session, uuid)
        view = elections.election_for_box(session, uuid)
        _require_mode(view, SERVER_MODE)
        elections.require_act(election, Act.PUBLISH_CREDENTIALS)
        published = _find_publication(session, uuid)
        if published is None:
            raise Problem(409, "credentials-missing", "The credentials of this election are not made yet.")
        if is_program and published.program != actor.account_number:
            raise _not_yours()
        members = roll.find_eligible(session, election.id, numbers)
        if unknown := sorted(set(numbers) - members.keys()):
            raise _unknown_member(unknown)
        if not members:
            raise _unknown_member([])
        old, new = set(), []
        # Always in one order, so that two of these do not wait for each other.
        for member in sorted(members.values(), key=lambda member: member.roll_entry_id):
            text, public = _make_credential(view, member)
            lost = vault.replace(session, context, NewCredential(member.roll_entry_id, text, public.text))
            if lost is None:
                raise Problem(
                    409,
                    "not-replaceable",
                    "These credentials were made by an older version and stay as they are.",
                )
            old.add(lost)
            new.append((public.text, member.weight))
        raw = _exchange(view, published.credentials, old, new)
        published.credentials, published.credentials_hash = raw.decode(), sha256_hex(raw)
        payload = {"credentials": published.credentials_hash, "replaced": len(members)}
        elections.write_journal(session, context, election, "credentials-replaced", str(actor), payload)
        return Published(published.credentials_hash, published.count, SERVER_MODE)


def _make_credential(view: ElectionView, member: Eligible) -> tuple[str, Element]:
    text = new_credential_text()
    return text, derive_public(get_group(view.group_name), view.uuid, text)


def _exchange(view: ElectionView, listed: str, old: set[str], new: Sequence[tuple[str, int]]) -> bytes:
    """The list with other entries, sorted again: the place of a new one tells nothing."""
    items: list[str] = json.loads(listed)
    is_weighted = "," in items[0]
    kept = [item for item in items if item.partition(",")[0] not in old]
    if len(kept) + len(new) != len(items):
        raise RuntimeError("a sealed public credential is not in the list")
    kept += [f"{public},{weight}" if is_weighted else public for public, weight in new]
    group = get_group(view.group_name)

    def sort_key(item: str) -> bytes:
        key = group.unverified_sort_key(item.partition(",")[0])
        if key is None:
            raise RuntimeError("the published list has an entry that is no key")
        return key

    return encode_json_bytes(sorted(kept, key=sort_key))


def hand_to_program(context: Context, uuid: str, actor: Actor) -> dict[str, str]:
    """Makes the credentials and gives them to the registrar's program that asks: member number -> credential.

    Until it says that it has them safely (`forget_handed`) the same account may ask again, so an answer that is lost on
    the way loses nothing. Nobody else's program ever can, and none where they were made in the office: a token has no
    second factor. Problems as for `generate_credentials`; ``credentials-published`` also when none waits any more.
    """
    with context.database.read() as session:
        published = _find_publication(session, uuid)
        view = elections.election_for_box(session, uuid)
    if published is None:
        generate_credentials(context, uuid, actor, program=actor.account_number)
    elif published.program != actor.account_number:
        raise _already_published()
    with context.database.read() as session:
        numbers = {row.roll_entry_id: row.member_number for row in vault.list_waiting(session, view.id)}
        opened = vault.open_many(context, session, numbers)
    if not opened:
        raise _already_published()
    return {numbers[id_]: text for id_, text in opened.items()}


def forget_handed(context: Context, uuid: str, numbers: Collection[str], actor: Actor) -> int:
    """Erases the credentials of these member numbers, which a program has now; how many were still there.

    Problems: 409 ``not-your-credentials`` where they were not handed to this account; 422 ``unknown-member`` for a
    number that is not on the roll. Then nothing is erased.
    """
    with context.database.write() as session:
        election = elections.lock_election(session, uuid)
        published = _find_publication(session, uuid)
        if published is None or published.program != actor.account_number:
            raise _not_yours()
        ids = roll.find_entries(session, election.id)
        if unknown := sorted(set(numbers) - ids.keys()):
            raise _unknown_member(unknown)
        return vault.erase_many(session, [ids[number] for number in numbers], vault.Way.PROGRAM)


def require_sheets_fit(session: Session, election_id: int, fingerprint: str) -> None:
    """Refuses a fingerprint that is not the one on the sheets and in the links that members have: 409
    ``sheets-differ``.
    """
    sheets = session.scalar(
        select(func.count())
        .select_from(SheetRunEntry)
        .join(SheetRun, SheetRun.id == SheetRunEntry.run_id)
        .where(
            SheetRun.election_id == election_id,
            SheetRun.state == "printed",
            SheetRun.fingerprint != fingerprint,
        )
    )
    # A mail that was refused after its text counts too: somebody may have read it.
    links = session.scalar(
        select(func.count()).where(Delivery.election_id == election_id, Delivery.fingerprint != fingerprint)
    )
    if sheets or links:
        raise Problem(
            409,
            "sheets-differ",
            "Sheets were printed or links mailed already, and this election is not the one that their fingerprint is"
            " of: a text or a key was changed since. Set the texts back, or give these members new codes.",
            extra={"sheets": sheets, "links": links},
        )


def get_weights(context: Context, uuid: str) -> Counter[int]:
    """How many eligible members have each weight; 409 ``wrong-state`` before the roll is frozen."""
    with context.database.read() as session:
        view = elections.election_for_box(session, uuid)
        elections.require_act_in(view.state, Act.PUBLISH_CREDENTIALS)
        return roll.count_weights(session, view.id)


def count_handed_out(session: Session, uuid: str) -> int | None:
    """How many members were given their credential; None where the registrar or the registrar's program hands them out.

    Sheets that were made for printing, of which nobody has said so before voting was over, are taken for printed: a
    forgotten click must not make it look as if members had voted without a code.
    """
    published = _find_publication(session, uuid)
    election = elections.find_box(session, uuid).election
    if published is None or election.credential_mode != SERVER_MODE or published.program is not None:
        return None
    made = (
        select(SheetRunEntry.roll_entry_id)
        .join(SheetRun, SheetRun.id == SheetRunEntry.run_id)
        .where(
            SheetRun.election_id == election.id, SheetRun.state != "dropped", SheetRunEntry.fault.is_(None)
        )
    )
    late = and_(RollEntry.credential_way == vault.Way.EXPIRED.value, RollEntry.id.in_(made))
    statement = select(func.count()).where(
        RollEntry.election_id == election.id,
        RollEntry.eligible,
        or_(RollEntry.credential_state == "delivered", late),
    )
    return session.scalar(statement) or 0


def find_credentials(session: Session, uuid: str) -> bytes | None:
    """The published list, or None before its publication."""
    row = _find_publication(session, uuid)
    return None if row is None else row.credentials.encode()


def find_hash(session: Session, uuid: str) -> str | None:
    """The published list's hash (hex), or None before its publication."""
    row = _find_publication(session, uuid)
    return None if row is None else row.credentials_hash


def _publish(
    session: Session,
    context: Context,
    election: Election,
    uuid: str,
    raw: bytes,
    mode: str,
    actor: Actor,
    *,
    program: int | None = None,
) -> Published:
    elections.require_act(election, Act.PUBLISH_CREDENTIALS)
    box = next(box for box in election.boxes if box.uuid == uuid)
    if _find_publication(session, uuid) is not None:
        raise _already_published()
    count = election.member_count or 0
    published = Published(sha256_hex(raw), count, mode)
    session.add(
        CredentialPublication(
            ballot_box_id=box.id,
            credentials=raw.decode(),
            credentials_hash=published.credentials,
            count=count,
            program=program,
        )
    )
    payload = {"credentials": published.credentials, "count": count, "mode": mode}
    elections.write_journal(session, context, election, "credentials-published", str(actor), payload)
    return published


def _find_publication(session: Session, uuid: str) -> CredentialPublication | None:
    return session.get(CredentialPublication, elections.find_box(session, uuid).id)


def _not_yours() -> Problem:
    return Problem(
        409, "not-your-credentials", "The credentials of this election were not given to this program."
    )


def _unknown_member(numbers: Sequence[str]) -> Problem:
    return Problem(
        422,
        "unknown-member",
        "A member number is not on the roll, or its member may not vote.",
        extra={"member_numbers": list(numbers[:20])},
    )


def _already_published() -> Problem:
    return Problem(409, "credentials-published", "The credentials of this election were published before.")


def _require_mode(view: ElectionView, mode: str) -> None:
    if view.credential_mode != mode:
        sentence = {
            SERVER_MODE: "The registrar makes the credentials of this election, not the server.",
            REGISTRAR_MODE: "The server makes the credentials of this election, not the registrar.",
        }[mode]
        raise Problem(409, "credential-mode", sentence)


def _parse_list(view: ElectionView, raw: bytes) -> CredentialList:
    try:
        parsed = parse_credential_list(get_group(view.group_name), raw)
    except ProtocolError as error:
        raise _bad_credentials(f"The list is not usable: {error.detail}.") from error
    if not parsed.is_sorted:
        # The order in which a registrar wrote the list could be the order of the roll.
        raise _bad_credentials(
            "The list must be sorted by key, so that its order says nothing of the members."
        )
    return parsed


def _require_fits(parsed: CredentialList, expected: Counter[int]) -> None:
    if len(parsed) != expected.total():
        raise _bad_credentials(
            f"The list has {len(parsed)} credentials, the roll has {expected.total()} members who may vote."
        )
    if Counter(parsed.weight(index) for index in range(len(parsed))) != expected:
        raise _bad_credentials("The weights in the list are not those of the roll.")


def _bad_credentials(sentence: str) -> Problem:
    return Problem(422, "bad-credentials", sentence)
