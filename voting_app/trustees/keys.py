"""The election's key: assembled from what the trustees sent, and shown to be in their hands (the drill)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from crypto.checker import PlainChecker
from crypto.election import encode_election, parse_election
from crypto.encoding import sha256_hex
from crypto.errors import ProtocolError
from crypto.groups import Group, get_group
from crypto.pedersen import assemble
from crypto.presentation import Presentation, RecordTerms, parse_presentation
from crypto.questions import HomomorphicQuestion, parse_questions
from crypto.randomness import new_hex
from crypto.record import make_setup
from crypto.trustees import (
    Item,
    TrusteeKey,
    Trustees,
    election_public_key,
    encode_trustees,
    parse_trustee_key,
    parse_trustees,
    verify_drill,
    verify_trustees,
)
from voting_app.accounts.service import Actor
from voting_app.context import Context
from voting_app.elections import service as elections
from voting_app.elections.service import ElectionView
from voting_app.elections.states import Act
from voting_app.errors import Problem
from voting_app.ledger import service as ledger
from voting_app.registrar import service as registrar
from voting_app.registrar import vault
from voting_app.trustees.service import (
    get_seat,
    list_seats,
    load_message,
    progress_of,
    refused_message,
    tell_whose_turn_it_is,
)
from voting_app.trustees.states import Kind, are_keys_drilled, is_complete

NONCE_BYTES = 16


@dataclass(frozen=True, slots=True)
class _Messages:
    """Everything that was revealed: single keys, and the threshold group's messages by step."""

    singles: list[Any]
    certificates: list[Any]
    coefficients: list[Any]
    voutputs: list[Any]


def ready_keys(context: Context, uuid: str, actor: Actor) -> str:
    """Assembles the election's key, appends Setup and says "keys ready"; returns the fingerprint.

    Problems: 409 ``wrong-state``, ``trustees-missing``, ``keys-incomplete``, ``credentials-missing``,
    ``changed-meanwhile``, ``sheets-differ``; 422 ``bad-keys``.
    """
    with context.database.read() as session:
        view = elections.election_for_box(session, uuid)
        elections.require_act_in(view.state, Act.READY_KEYS)
        messages = _collect(session, view.id)
        credentials = registrar.find_credentials(session, uuid)
    if credentials is None:
        raise Problem(409, "credentials-missing", "The registrar has not published the credentials yet.")
    # The proofs are checked once more and together, outside the transaction.
    trustees = _assemble(view, messages)
    raw_election, raw_trustees = _encode_setup_data(view, trustees)
    setup = make_setup(raw_election, raw_trustees, credentials)
    fingerprint = parse_election(raw_election).fingerprint
    with context.database.write() as session:
        election = elections.lock_election(session, uuid)
        elections.require_act(election, Act.READY_KEYS)
        if _collect(session, view.id) != messages:
            raise Problem(
                409, "changed-meanwhile", "A trustee's messages changed meanwhile; please try again."
            )
        if registrar.find_credentials(session, uuid) != credentials:
            raise Problem(
                409, "changed-meanwhile", "The list of credentials changed meanwhile; please try again."
            )
        # Texts and questions may be edited up to this moment; what was not read cannot be what is fixed.
        if elections.election_for_box(session, uuid) != view:
            raise Problem(409, "changed-meanwhile", "The election was changed meanwhile; look and try again.")
        box_id = ledger.get_box_id(session, uuid)
        registrar.require_sheets_fit(session, election.id, fingerprint)
        vault.forget_publics(session, election.id)
        ledger.append(session, box_id, ledger.SETUP, [raw_election, raw_trustees, credentials, setup])
        payload = {"trustees": sha256_hex(raw_trustees), "fingerprint": fingerprint}
        elections.perform(session, context, election, Act.READY_KEYS, str(actor), payload)
        for seat in list_seats(session, election.id):
            seat.drill_nonce = new_hex(NONCE_BYTES)
        tell_whose_turn_it_is(session, context, uuid)
    return fingerprint


def find_fingerprint(context: Context, uuid: str) -> str | None:
    """The fingerprint of the election data: what Setup has fixed, or what it would fix now; None without all keys.

    Before Setup every change of a text and every restart of the trustees makes it another one.
    """
    with context.database.read() as session:
        view = elections.election_for_box(session, uuid)
        setup = ledger.find_setup(session, ledger.get_box_id(session, uuid))
        if setup is not None:
            return parse_election(setup.election).fingerprint
        try:
            messages = _collect(session, view.id)
        except Problem:
            return None
    raw_election, _ = _encode_setup_data(view, _assemble(view, messages))
    return parse_election(raw_election).fingerprint


def _collect(session: Session, election_id: int) -> _Messages:
    """What the seats sent; Problem 409 if something is missing."""
    seats = list_seats(session, election_id)
    if not seats:
        raise Problem(409, "trustees-missing", "The trustees have no seats yet.")
    if not is_complete([progress_of(seat, set()) for seat in seats]):
        late = [
            seat.owner
            for seat in seats
            if not seat.revealed or (seat.kind == Kind.THRESHOLD and not seat.voutput)
        ]
        who = ", ".join(str(owner) for owner in late)
        title = f"The keys are not complete: trustee {who} has not finished."
        raise Problem(409, "keys-incomplete", title, extra={"owners": late})
    singles = [seat for seat in seats if seat.kind == Kind.SINGLE]
    others = [seat for seat in seats if seat.kind == Kind.THRESHOLD]
    return _Messages(
        singles=[load_message(seat.revealed) for seat in singles],
        certificates=[load_message(seat.certificate) for seat in others],
        coefficients=[load_message(seat.revealed) for seat in others],
        voutputs=[load_message(seat.voutput) for seat in others],
    )


def _assemble(view: ElectionView, messages: _Messages) -> Trustees:
    group = get_group(view.group_name)
    items: list[Item] = [parse_trustee_key(group, value) for value in messages.singles]
    try:
        if messages.certificates:
            items.append(
                assemble(
                    group,
                    view.trustees.threshold or 0,
                    messages.certificates,
                    messages.coefficients,
                    messages.voutputs,
                )
            )
        trustees = Trustees(tuple(items))
        checker = PlainChecker(group)
        verify_trustees(group, trustees, checker)
        checker.finish()
    except ProtocolError as error:
        title = f"The trustees' keys do not fit together: {error.detail}."
        raise Problem(422, "bad-keys", title, extra={"rule": error.rule}) from error
    return trustees


def _encode_setup_data(view: ElectionView, trustees: Trustees) -> tuple[bytes, bytes]:
    """The election data and the trustees' record."""
    public_key = election_public_key(get_group(view.group_name), trustees)
    questions = parse_questions(list(view.questions))
    presentation = Presentation()
    if view.presentation is not None:
        presentation = parse_presentation(view.presentation, view.name, view.description, questions)
    raw_election = encode_election(
        uuid=view.uuid,
        name=view.name,
        description=view.description,
        group_name=view.group_name,
        public_key=public_key,
        questions=[question for question in questions if isinstance(question, HomomorphicQuestion)],
        # What voters rely on when they keep a receipt is fixed with the questions, under the fingerprint (ADR 0009).
        presentation=replace(presentation, record=RecordTerms(view.service_key, view.revoting)),
    )
    return raw_election, encode_trustees(trustees.items)


# --- the drill -------------------------------------------------------------------------------------


def submit_drill(context: Context, uuid: str, actor: Actor, proof: dict[str, Any]) -> None:
    """A trustee shows that its key is at hand (rule J7); journaled.

    Problems: 409 ``wrong-state``, ``already-drilled``; 422 ``bad-drill``.
    """
    with context.database.write() as session:
        election = elections.lock_election(session, uuid)
        seat = get_seat(session, election.id, actor)
        elections.require_act(election, Act.DRILL)
        if seat.drilled:
            raise Problem(409, "already-drilled", "You have shown already that you hold your key.")
        setup = ledger.find_setup(session, ledger.get_box_id(session, uuid))
        if setup is None or seat.drill_nonce is None:
            raise RuntimeError("keys are ready without Setup")
        parsed = parse_election(setup.election)
        key = get_owner_key(parsed.group, setup.trustees, seat.owner)
        checker = PlainChecker(parsed.group)
        try:
            verify_drill(parsed.group, parsed.fingerprint, key.public_key, seat.drill_nonce, proof, checker)
            checker.finish()
        except ProtocolError as error:
            raise refused_message("drill", seat, error) from error
        seat.drilled = True
        payload = {"owner": seat.owner, "nonce": seat.drill_nonce, "proof": proof}
        elections.write_journal(session, context, election, "key-drill", str(actor), payload)
        progress = [progress_of(other, set()) for other in list_seats(session, election.id)]
        election.keys_drilled = are_keys_drilled(progress, election.threshold or 0)
        tell_whose_turn_it_is(session, context, uuid)


def get_owner_key(group: Group, raw_trustees: bytes, owner: int) -> TrusteeKey:
    """The public key of an owner number, from the published record."""
    return parse_trustees(group, raw_trustees).owners[owner - 1]
