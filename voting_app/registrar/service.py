"""Credentials: the public list that Setup fixes.

Two modes. *registrar*: credentials are made on the registrar's own machine and only the public list
comes here. *server*: they are made here, handed out in one answer and never stored; the journal
says so. In neither mode does the database know a private credential, or which member has which
public one: the list is sorted by key.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from sqlalchemy.orm import Session

from crypto.credentials import (
    CredentialList,
    derive_public,
    encode_credential_list,
    new_credential_text,
    parse_credential_list,
)
from crypto.encoding import sha256_hex
from crypto.errors import ProtocolError
from crypto.groups import get_group
from voting_app.accounts.service import Actor
from voting_app.context import Context
from voting_app.elections import service as elections
from voting_app.elections.models import Election
from voting_app.elections.service import ElectionView
from voting_app.elections.states import Act
from voting_app.errors import Problem
from voting_app.registrar.models import CredentialPublication
from voting_app.roll import service as roll

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


def generate_credentials(context: Context, uuid: str, actor: Actor) -> dict[str, str]:
    """Makes a credential for each eligible member: member number -> credential, returned this once.

    Problems: 409 ``credential-mode``, ``wrong-state``, ``credentials-published``.
    """
    with context.database.read() as session:
        view = elections.election_for_box(session, uuid)
        _require_mode(view, SERVER_MODE)
        elections.require_act_in(view.state, Act.PUBLISH_CREDENTIALS)
        if session.get(CredentialPublication, elections.find_box(session, uuid).id) is not None:
            raise _already_published()
        # A frozen roll does not change any more, so it may be read before the transaction below.
        members = roll.list_eligible(session, view.id)
    group = get_group(view.group_name)
    texts = {number: new_credential_text() for number, _ in members}
    is_weighted = any(weight != 1 for _, weight in members)
    raw = encode_credential_list(
        group,
        [
            (derive_public(group, uuid, texts[number]), weight if is_weighted else None)
            for number, weight in members
        ],
    )
    with context.database.write() as session:
        election = elections.lock_election(session, uuid)
        _publish(session, context, election, uuid, raw, SERVER_MODE, actor)
        roll.mark_credentials_delivered(session, election.id)
    return texts


def get_weights(context: Context, uuid: str) -> Counter[int]:
    """How many eligible members have each weight; 409 ``wrong-state`` before the roll is frozen."""
    with context.database.read() as session:
        view = elections.election_for_box(session, uuid)
        elections.require_act_in(view.state, Act.PUBLISH_CREDENTIALS)
        return roll.count_weights(session, view.id)


def find_credentials(session: Session, uuid: str) -> bytes | None:
    """The published list, or None before its publication."""
    row = session.get(CredentialPublication, elections.find_box(session, uuid).id)
    return None if row is None else row.credentials.encode()


def _publish(
    session: Session, context: Context, election: Election, uuid: str, raw: bytes, mode: str, actor: Actor
) -> Published:
    elections.require_act(election, Act.PUBLISH_CREDENTIALS)
    box = next(box for box in election.boxes if box.uuid == uuid)
    if session.get(CredentialPublication, box.id) is not None:
        raise _already_published()
    count = election.member_count or 0
    published = Published(sha256_hex(raw), count, mode)
    session.add(
        CredentialPublication(
            ballot_box_id=box.id,
            credentials=raw.decode(),
            credentials_hash=published.credentials,
            count=count,
        )
    )
    payload = {"credentials": published.credentials, "count": count, "mode": mode}
    elections.write_journal(session, context, election, "credentials-published", str(actor), payload)
    return published


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
