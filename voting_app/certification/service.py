"""Certification: the committee says that the result stands, and of which record."""

from __future__ import annotations

from sqlalchemy.orm import Session

from crypto.encoding import sha256_hex
from voting_app.accounts.service import Actor
from voting_app.context import Context
from voting_app.elections import service as elections
from voting_app.elections.service import ElectionView
from voting_app.elections.states import Act
from voting_app.ledger import service as ledger


def certify_election(context: Context, uuid: str, actor: Actor, statement: str) -> ElectionView:
    """Journals the statement with the box's head and the result's hash; nothing follows but a seal.

    Problem 409 ``wrong-state`` unless the election is tallied.
    """
    with context.database.write() as session:
        election = elections.lock_election(session, uuid)
        elections.require_act(election, Act.CERTIFY)
        payload = {
            "box_head": _get_head(session, uuid),
            "result": _get_result_hash(session, uuid),
            "statement": statement,
        }
        elections.perform(session, context, election, Act.CERTIFY, str(actor), payload)
        return elections.election_for_box(session, uuid)


def _get_head(session: Session, uuid: str) -> str:
    head = ledger.head(session, ledger.get_box_id(session, uuid))
    if head.event_hash is None:
        raise RuntimeError("a tallied election has an empty box")
    return head.event_hash


def _get_result_hash(session: Session, uuid: str) -> str:
    [(raw,)] = ledger.read_data(session, ledger.get_box_id(session, uuid), "Result")
    return sha256_hex(raw)
