"""The trustees' key ceremony, the drill, and what each trustee has to do next.

The server checks every message when it arrives and names the trustee whose message is false; it
never holds a private key that it could open. Ceremony (PROTOCOL §7): threshold seats send
certificates, every seat commits to its public values by a hash, and only when the last commitment
is there does anybody reveal (both acts are journaled); threshold seats then open their shares.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crypto.channel import verify_text
from crypto.checker import PlainChecker
from crypto.decryption import parse_owned
from crypto.election import encode_election, parse_election
from crypto.encoding import (
    encode_json,
    encode_json_bytes,
    is_sha256_hex,
    parse_json,
    sha256_hex,
)
from crypto.errors import ProtocolError, RejectedError
from crypto.groups import Group, get_group
from crypto.pedersen import (
    assemble,
    check_coefficients_message,
    check_voutput,
    coefficient_commitment,
    make_vinput,
    parse_certificate,
)
from crypto.presentation import Presentation, RecordTerms, parse_presentation
from crypto.questions import HomomorphicQuestion, parse_questions
from crypto.randomness import new_hex
from crypto.record import BoxState, make_setup
from crypto.trustees import (
    Item,
    TrusteeKey,
    Trustees,
    election_public_key,
    encode_trustees,
    parse_trustee_key,
    parse_trustees,
    verify_drill,
    verify_trustee_key,
    verify_trustees,
)
from voting_app.accounts import service as accounts
from voting_app.accounts.service import Actor
from voting_app.context import Context
from voting_app.elections import service as elections
from voting_app.elections.models import Election
from voting_app.elections.service import ElectionView
from voting_app.elections.states import Act
from voting_app.errors import Problem
from voting_app.languages import SOURCE
from voting_app.ledger import service as ledger
from voting_app.mail import service as mail
from voting_app.mail.service import NewMail
from voting_app.registrar import service as registrar
from voting_app.trustees.models import RetiredCommitment, TrusteeSeat
from voting_app.trustees.states import (
    ACTS,
    Kind,
    Progress,
    Step,
    are_keys_drilled,
    is_act,
    is_complete,
    list_turns,
    next_act,
    next_ceremony_step,
    next_step,
)

TRUSTEE_ROLE = "trustee"
NONCE_BYTES = 16

# What a trustee is told who is early: the step that it has to wait for, in words.
_WAITING: dict[Step, str] = {
    Step.WAIT_CERTIFICATES: "Another trustee's certificate is still missing.",
    Step.WAIT_COMMITMENTS: "Another trustee has not committed yet; nobody reveals before the last commitment.",
    Step.WAIT_REVEALS: "Another trustee has not revealed yet.",
}


@dataclass(frozen=True, slots=True)
class Person:
    """Who sits on a seat, as far as the committee says: a name for the other trustees, an address for mail."""

    name: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class SeatToken:
    """A trustee's seat, its bearer token and the link with it, which are shown this once."""

    owner: int
    kind: Kind
    name: str | None
    token: str
    link: str


@dataclass(frozen=True, slots=True)
class SeatView:
    """What has arrived from a seat, what is next there, and the name of the person on it."""

    progress: Progress
    step: Step
    name: str | None


@dataclass(frozen=True, slots=True)
class Inbox:
    """What one trustee has to do next, and what it needs for that (JSON values).

    acts: all that this trustee does in the course of an election; act: which of them is its turn now or, while
    it waits, will be next. awaited: the other trustees whose turn it is.
    """

    election: ElectionView
    owner: int
    kind: Kind
    name: str | None
    index: int | None
    step: Step
    acts: tuple[Step, ...]
    act: Step | None
    awaited: tuple[SeatView, ...]
    inputs: dict[str, Any]


# --- seats -----------------------------------------------------------------------------------------


def create_seats(context: Context, uuid: str, people: Mapping[int, Person] | None = None) -> list[SeatToken]:
    """Makes the seats that the election's plan names, with a token each; 409 ``trustees-exist``.

    ``people``: who sits where, by owner number; 404 ``unknown-trustee`` for a number that has no seat.
    """
    people = people or {}
    with context.database.write() as session:
        election = elections.lock_election(session, uuid)
        elections.require_act(election, Act.MAKE_KEYS)
        if list_seats(session, election.id):
            raise Problem(409, "trustees-exist", "The trustees of this election have their seats already.")
        kinds = [Kind.SINGLE] * election.single_trustees + [Kind.THRESHOLD] * (election.threshold_size or 0)
        if not all(1 <= owner <= len(kinds) for owner in people):
            raise _unknown_trustee()
        tokens: list[SeatToken] = []
        for owner, kind in enumerate(kinds, start=1):
            person = people.get(owner, Person())
            token = _new_token(session, context, uuid, owner)
            session.add(
                TrusteeSeat(
                    election_id=election.id,
                    owner=owner,
                    kind=kind.value,
                    share_index=owner - election.single_trustees if kind is Kind.THRESHOLD else None,
                    account_number=token.actor.account_number,
                    name=person.name,
                    email=person.email,
                )
            )
            tokens.append(_seat_token(context, uuid, owner, kind, person.name, token))
        tell_whose_turn_it_is(session, context, uuid)
        return tokens


def restart_seat(
    context: Context, uuid: str, owner: int, reason: str, actor: Actor, person: Person | None = None
) -> SeatToken:
    """Gives a seat to somebody else (``person``), or to the same trustee anew; its old token ends. Journaled.

    Everybody's messages are dropped, certificates too: a newcomer must not choose a key after seeing
    the others', and offline programs use a key file for one ceremony only. A commitment of an
    abandoned ceremony is never accepted again. Problems: 409 ``wrong-state``; 404 ``unknown-trustee``.
    """
    with context.database.write() as session:
        election = elections.lock_election(session, uuid)
        elections.require_act(election, Act.MAKE_KEYS)
        seats = list_seats(session, election.id)
        seat = _find_owner(seats, owner)
        for other in seats:
            _forget_keys(session, other)
            other.ceremony += 1
        if person is not None:
            seat.name, seat.email = person.name, person.email
        accounts.end_account(session, seat.account_number, context.clock.now())
        token = _new_token(session, context, uuid, owner)
        seat.account_number = token.actor.account_number
        elections.write_journal(
            session, context, election, "trustees-restarted", str(actor), {"reason": reason}
        )
        tell_whose_turn_it_is(session, context, uuid)
        return _seat_token(context, uuid, owner, Kind(seat.kind), seat.name, token)


def set_person(context: Context, uuid: str, owner: int, person: Person) -> None:
    """Corrects a trustee's name or address; who sits on the seat and the token stay. 404 ``unknown-trustee``."""
    with context.database.write() as session:
        election = elections.lock_election(session, uuid)
        seat = _find_owner(list_seats(session, election.id), owner)
        seat.name, seat.email = person.name, person.email
        tell_whose_turn_it_is(session, context, uuid)


def list_seats(session: Session, election_id: int) -> list[TrusteeSeat]:
    """All seats, by owner number."""
    return list(
        session.scalars(
            select(TrusteeSeat).where(TrusteeSeat.election_id == election_id).order_by(TrusteeSeat.owner)
        )
    )


def get_seat(session: Session, election_id: int, actor: Actor) -> TrusteeSeat:
    """The seat that this token speaks for; 403 ``not-your-election`` for another election's trustee."""
    seat = session.scalar(
        select(TrusteeSeat).where(
            TrusteeSeat.election_id == election_id, TrusteeSeat.account_number == actor.account_number
        )
    )
    if seat is None:
        raise Problem(403, "not-your-election", "This token is not that of a trustee of this election.")
    return seat


def _find_owner(seats: Sequence[TrusteeSeat], owner: int) -> TrusteeSeat:
    seat = next((seat for seat in seats if seat.owner == owner), None)
    if seat is None:
        raise _unknown_trustee()
    return seat


def _unknown_trustee() -> Problem:
    return Problem(404, "unknown-trustee", "This election has no trustee with this number.")


def _seat_token(
    context: Context, uuid: str, owner: int, kind: Kind, name: str | None, token: accounts.NewToken
) -> SeatToken:
    # Behind the #, which browsers keep to themselves: no server and no log ever sees it.
    link = f"{context.settings.base_url}/elections/{uuid}/trustee#{token.text}"
    return SeatToken(owner, kind, name, token.text, link)


def _new_token(session: Session, context: Context, uuid: str, owner: int) -> accounts.NewToken:
    label = f"trustee {owner} of {uuid}"
    return accounts.create_token(session, role=TRUSTEE_ROLE, label=label, now=context.clock.now())


def _forget_keys(session: Session, seat: TrusteeSeat) -> None:
    if seat.commitment:
        session.add(RetiredCommitment(election_id=seat.election_id, commitment=seat.commitment))
    seat.certificate = seat.commitment = seat.revealed = seat.voutput = None


# --- progress --------------------------------------------------------------------------------------


def list_decrypted(session: Session, uuid: str) -> set[int]:
    """The owner numbers whose partial decryption is in the box."""
    records = ledger.read_data(session, ledger.get_box_id(session, uuid), "PartialDecryption")
    return {parse_owned(bodies[-1]).owner for bodies in records}


def get_progress(context: Context, uuid: str) -> list[SeatView]:
    """What has arrived from each seat, by owner number; Problem 404 ``unknown-election``."""
    with context.database.read() as session:
        return list_seat_views(session, uuid)


def list_seat_views(session: Session, uuid: str) -> list[SeatView]:
    """Every seat with what is next there, by owner number; Problem 404 ``unknown-election``."""
    view = elections.election_for_box(session, uuid)
    progress = list_progress(session, view.id, uuid)
    box_state = elections.get_box_state(session, uuid)
    return [
        SeatView(
            progress[seat.owner - 1],
            next_step(view.state, progress[seat.owner - 1], progress, **_tally_of(box_state)),
            seat.name,
        )
        for seat in list_seats(session, view.id)
    ]


def _tally_of(state: BoxState) -> dict[str, bool]:
    """What a trustee's step depends on besides the election's state, from where the box stands."""
    return {
        "has_encrypted_tally": state in (BoxState.COUNTED, BoxState.DECRYPTING),
        "has_result": state is BoxState.DONE,
    }


def list_progress(session: Session, election_id: int, uuid: str) -> list[Progress]:
    """What has arrived from each seat, by owner number."""
    decrypted = list_decrypted(session, uuid)
    return [_progress_of(seat, decrypted) for seat in list_seats(session, election_id)]


def _progress_of(seat: TrusteeSeat, decrypted: set[int]) -> Progress:
    return Progress(
        owner=seat.owner,
        kind=Kind(seat.kind),
        certified=seat.certificate is not None,
        committed=seat.commitment is not None,
        revealed=seat.revealed is not None,
        shared=seat.voutput is not None,
        drilled=seat.drilled,
        decrypted=seat.owner in decrypted,
    )


def get_inbox(context: Context, uuid: str, actor: Actor) -> Inbox:
    """What this trustee has to do next."""
    with context.database.read() as session:
        view = elections.election_for_box(session, uuid)
        seat = get_seat(session, view.id, actor)
        seats = list_seats(session, view.id)
        views = list_seat_views(session, uuid)
        raw = ledger.find_election_data(session, ledger.get_box_id(session, uuid))
    own = views[seat.owner - 1]
    inputs = _make_inputs(view, seat, seats, own.step)
    if raw is not None:
        inputs["fingerprint"] = parse_election(raw).fingerprint
    return Inbox(
        election=view,
        owner=seat.owner,
        kind=Kind(seat.kind),
        name=seat.name,
        index=seat.share_index,
        step=own.step,
        acts=ACTS[Kind(seat.kind)],
        act=next_act(own.progress, own.step),
        awaited=tuple(other for other in views if other is not own and is_act(other.step)),
        inputs=inputs,
    )


# --- telling them ----------------------------------------------------------------------------------


def tell_whose_turn_it_is(session: Session, context: Context, uuid: str) -> None:
    """Mails every trustee who could act now and was not told yet; to be called in the transaction of each act.

    What waits to be sent about a turn that is over is taken back. There is no secret in it: the trustee has the
    link, and mail can be read by others.
    """
    view = elections.election_for_box(session, uuid)
    progress = list_progress(session, view.id, uuid)
    turns = list_turns(view.state, progress, **_tally_of(elections.get_box_state(session, uuid)))
    mails = [
        _turn_mail(context, view, seat, turns[seat.owner])
        for seat in list_seats(session, view.id)
        if seat.email and seat.owner in turns
    ]
    mail.replace_waiting(session, context, elections.mail_topic(uuid), mails)


def _turn_mail(context: Context, view: ElectionView, seat: TrusteeSeat, step: Step) -> NewMail:
    acts = ACTS[Kind(seat.kind)]
    return NewMail(
        topic=elections.mail_topic(view.uuid),
        event=f"{seat.ceremony}/{seat.owner}/{step.value}",
        recipient=seat.email or "",
        kind="turn",
        payload={
            "election": view.name,
            "owner": seat.owner,
            "name": seat.name,
            "step": step.value,
            "number": acts.index(step) + 1,
            "of": len(acts),
            "page": f"{context.settings.base_url}/elections/{view.uuid}",
        },
        language=(view.presentation or {}).get("language", SOURCE),
    )


def _make_inputs(
    view: ElectionView, seat: TrusteeSeat, seats: Sequence[TrusteeSeat], step: Step
) -> dict[str, Any]:
    inputs: dict[str, Any] = {"group": view.group_name}
    if seat.kind == Kind.THRESHOLD:
        inputs |= {
            "size": view.trustees.threshold_size,
            "threshold": view.trustees.threshold,
            "index": seat.share_index,
        }
        group_seats = [other for other in seats if other.kind == Kind.THRESHOLD]
        if step in (Step.COMMITMENT, Step.REVEAL, Step.SHARE):
            inputs["certificates"] = [_load(other.certificate) for other in group_seats]
        if step is Step.SHARE:
            inputs["vinput"] = make_vinput(
                [_load(other.revealed) for other in group_seats], seat.share_index or 0
            )
        if seat.voutput is not None:
            # Sealed to the trustee itself, who therefore needs to keep the seed only.
            inputs["private_key"] = _load(seat.voutput)["private_key"]
    if step is Step.REVEAL:
        # So that a trustee can keep what the others were bound to before it showed its own.
        inputs["commitments"] = {str(other.owner): other.commitment for other in seats}
    if step is Step.DRILL:
        inputs["nonce"] = seat.drill_nonce
    return inputs


# --- the ceremony ----------------------------------------------------------------------------------


def submit_certificate(context: Context, uuid: str, actor: Actor, value: dict[str, Any]) -> None:
    """A threshold trustee's certificate (rule T2). Problems: 409 ``wrong-step``; 422 ``bad-certificate``."""
    with context.database.write() as session:
        election, seat, seats = _enter(session, uuid, actor)
        _require_step(seat, seats, Step.CERTIFICATE)
        try:
            _verify_certificate(election, seat, seats, value)
        except ProtocolError as error:
            raise _bad("certificate", seat, error) from error
        seat.certificate = encode_json(value)
        tell_whose_turn_it_is(session, context, uuid)


def submit_commitment(context: Context, uuid: str, actor: Actor, commitment: str) -> None:
    """The hash that binds a trustee; journaled. Problems: 409 ``wrong-step``, ``commitment-used``."""
    with context.database.write() as session:
        election, seat, seats = _enter(session, uuid, actor)
        _require_step(seat, seats, Step.COMMITMENT)
        if not is_sha256_hex(commitment):
            raise Problem(422, "bad-commitment", "A commitment is 64 lower-case hex digits.")
        is_retired = session.scalar(
            select(RetiredCommitment.id).where(
                RetiredCommitment.election_id == election.id, RetiredCommitment.commitment == commitment
            )
        )
        if is_retired or any(other.commitment == commitment for other in seats):
            raise Problem(
                409, "commitment-used", "This commitment was used before. Make a new key and commit to that."
            )
        seat.commitment = commitment
        payload = {"owner": seat.owner, "commitment": commitment}
        elections.write_journal(session, context, election, "trustee-committed", str(actor), payload)
        tell_whose_turn_it_is(session, context, uuid)


def submit_reveal(context: Context, uuid: str, actor: Actor, value: dict[str, Any]) -> None:
    """What the trustee committed to: a single key, or the message with coefficients; journaled.

    Problems: 409 ``wrong-step`` before the last commitment; 422 ``bad-reveal``.
    """
    with context.database.write() as session:
        election, seat, seats = _enter(session, uuid, actor)
        _require_step(seat, seats, Step.REVEAL)
        try:
            _verify_reveal(election, seat, seats, value)
        except ProtocolError as error:
            raise _bad("reveal", seat, error) from error
        seat.revealed = encode_json(value)
        payload = {"owner": seat.owner}
        elections.write_journal(session, context, election, "trustee-revealed", str(actor), payload)
        tell_whose_turn_it_is(session, context, uuid)


def submit_share(context: Context, uuid: str, actor: Actor, value: dict[str, Any]) -> None:
    """A threshold trustee's key from everybody's shares (rules T5, T6). 409 ``wrong-step``; 422 ``bad-share``."""
    with context.database.write() as session:
        election, seat, seats = _enter(session, uuid, actor)
        _require_step(seat, seats, Step.SHARE)
        try:
            _verify_voutput(election, seat, seats, value)
        except ProtocolError as error:
            raise _bad("share", seat, error) from error
        seat.voutput = encode_json(value)
        tell_whose_turn_it_is(session, context, uuid)


def _enter(session: Session, uuid: str, actor: Actor) -> tuple[Election, TrusteeSeat, list[TrusteeSeat]]:
    election = elections.lock_election(session, uuid)
    seat = get_seat(session, election.id, actor)
    elections.require_act(election, Act.MAKE_KEYS)
    return election, seat, list_seats(session, election.id)


def _require_step(seat: TrusteeSeat, seats: Sequence[TrusteeSeat], wanted: Step) -> None:
    progress = [_progress_of(other, set()) for other in seats]
    step = next_ceremony_step(progress[seat.owner - 1], progress)
    if step is not wanted:
        sentence = _WAITING.get(step, f"Your next step is another one: {step.value}.")
        raise Problem(409, "wrong-step", sentence, extra={"step": step.value})


def _bad(what: str, seat: TrusteeSeat, error: ProtocolError) -> Problem:
    title = f"The {what} of trustee {seat.owner} was refused: {error.detail}."
    return Problem(422, f"bad-{what}", title, extra={"owner": seat.owner, "rule": error.rule})


def _load(text: str | None) -> Any:
    return parse_json((text or "null").encode(), "T8")


def _verify_certificate(
    election: Election, seat: TrusteeSeat, seats: Sequence[TrusteeSeat], value: dict[str, Any]
) -> None:
    group = get_group(election.group_name)
    certificate = parse_certificate(group, value)
    verify_text(
        group,
        certificate.verification,
        certificate.signed.message,
        certificate.signed.signature,
        "T2",
        "the certificate's signature",
    )
    if certificate.context != (election.threshold_size, election.threshold, seat.share_index):
        raise RejectedError("T2", "it was made for another place, size or threshold")
    used: set[str] = set()
    for other in seats:
        if other.certificate:
            parsed = parse_certificate(group, _load(other.certificate))
            used |= {parsed.verification.text, parsed.encryption.text}
    if {certificate.verification.text, certificate.encryption.text} & used:
        raise RejectedError("T2", "it has a key of another trustee")
    if certificate.verification == certificate.encryption:
        raise RejectedError("T2", "its two keys are the same")


def _verify_reveal(
    election: Election, seat: TrusteeSeat, seats: Sequence[TrusteeSeat], value: dict[str, Any]
) -> None:
    group = get_group(election.group_name)
    if seat.kind == Kind.SINGLE:
        if sha256_hex(encode_json_bytes(value)) != seat.commitment:
            raise RejectedError("T1", "it is not what the trustee committed to")
        _verify_single_key(group, seats, value)
        return
    certificates = [_load(other.certificate) for other in seats if other.kind == Kind.THRESHOLD]
    coefexps = value.get("coefexps")
    if not isinstance(coefexps, dict) or coefficient_commitment(coefexps) != seat.commitment:
        raise RejectedError("T3", "it is not what the trustee committed to")
    check_coefficients_message(group, certificates, election.threshold or 0, seat.share_index or 0, value)


def _verify_single_key(group: Group, seats: Sequence[TrusteeSeat], value: dict[str, Any]) -> None:
    key = parse_trustee_key(group, value)
    if key.signature is not None:
        raise RejectedError("T1", "a single trustee's key has no signature field")
    checker = PlainChecker(group)
    verify_trustee_key(group, key, checker)
    checker.finish()
    for other in seats:
        if other.kind != Kind.SINGLE or not other.revealed:
            continue
        if parse_trustee_key(group, _load(other.revealed)).public_key == key.public_key:
            raise RejectedError("S6", f"it is the key of trustee {other.owner}")


def _verify_voutput(
    election: Election, seat: TrusteeSeat, seats: Sequence[TrusteeSeat], value: dict[str, Any]
) -> None:
    group_seats = [other for other in seats if other.kind == Kind.THRESHOLD]
    check_voutput(
        get_group(election.group_name),
        [_load(other.certificate) for other in group_seats],
        [_load(other.revealed) for other in group_seats],
        seat.share_index or 0,
        value,
    )


# --- keys ready ------------------------------------------------------------------------------------


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
    ``changed-meanwhile``; 422 ``bad-keys``.
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
        box_id = ledger.get_box_id(session, uuid)
        ledger.append(session, box_id, ledger.SETUP, [raw_election, raw_trustees, credentials, setup])
        payload = {"trustees": sha256_hex(raw_trustees), "fingerprint": fingerprint}
        elections.perform(session, context, election, Act.READY_KEYS, str(actor), payload)
        for seat in list_seats(session, election.id):
            seat.drill_nonce = new_hex(NONCE_BYTES)
        tell_whose_turn_it_is(session, context, uuid)
    return fingerprint


def _collect(session: Session, election_id: int) -> _Messages:
    """What the seats sent; Problem 409 if something is missing."""
    seats = list_seats(session, election_id)
    if not seats:
        raise Problem(409, "trustees-missing", "The trustees have no seats yet.")
    if not is_complete([_progress_of(seat, set()) for seat in seats]):
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
        singles=[_load(seat.revealed) for seat in singles],
        certificates=[_load(seat.certificate) for seat in others],
        coefficients=[_load(seat.revealed) for seat in others],
        voutputs=[_load(seat.voutput) for seat in others],
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
            raise _bad("drill", seat, error) from error
        seat.drilled = True
        payload = {"owner": seat.owner, "nonce": seat.drill_nonce, "proof": proof}
        elections.write_journal(session, context, election, "key-drill", str(actor), payload)
        progress = [_progress_of(other, set()) for other in list_seats(session, election.id)]
        election.keys_drilled = are_keys_drilled(progress, election.threshold or 0)
        tell_whose_turn_it_is(session, context, uuid)


def get_owner_key(group: Group, raw_trustees: bytes, owner: int) -> TrusteeKey:
    """The public key of an owner number, from the published record."""
    return parse_trustees(group, raw_trustees).owners[owner - 1]
