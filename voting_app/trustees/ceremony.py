"""The trustees' key ceremony: what each of them sends, checked when it arrives.

The trustee whose message is false is named; the server never holds a private key that it could
open. The order (PROTOCOL §7): threshold seats send certificates, every seat commits to its public
values by a hash, and only when the last commitment is there does anybody reveal (both acts are
journaled); threshold seats then open their shares.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crypto.channel import verify_text
from crypto.checker import PlainChecker
from crypto.encoding import encode_json, encode_json_bytes, is_sha256_hex, sha256_hex
from crypto.errors import ProtocolError, RejectedError
from crypto.groups import Group, get_group
from crypto.pedersen import (
    check_coefficients_message,
    check_voutput,
    coefficient_commitment,
    parse_certificate,
)
from crypto.trustees import parse_trustee_key, verify_trustee_key
from voting_app.accounts.service import Actor
from voting_app.context import Context
from voting_app.elections import service as elections
from voting_app.elections.models import Election
from voting_app.elections.states import Act
from voting_app.errors import Problem
from voting_app.trustees.models import RetiredCommitment, TrusteeSeat
from voting_app.trustees.service import (
    get_seat,
    list_seats,
    load_message,
    progress_of,
    refused_message,
    tell_whose_turn_it_is,
)
from voting_app.trustees.states import Kind, Step, next_ceremony_step

# What a trustee is told who is early: the step that it has to wait for, in words.
_WAITING: dict[Step, str] = {
    Step.WAIT_CERTIFICATES: "Another trustee's certificate is still missing.",
    Step.WAIT_COMMITMENTS: "Another trustee has not committed yet; nobody reveals before the last commitment.",
    Step.WAIT_REVEALS: "Another trustee has not revealed yet.",
}


def submit_certificate(context: Context, uuid: str, actor: Actor, value: dict[str, Any]) -> None:
    """A threshold trustee's certificate (rule T2). Problems: 409 ``wrong-step``; 422 ``bad-certificate``."""
    with context.database.write() as session:
        election, seat, seats = _enter(session, uuid, actor)
        _require_step(seat, seats, Step.CERTIFICATE)
        try:
            _verify_certificate(election, seat, seats, value)
        except ProtocolError as error:
            raise refused_message("certificate", seat, error) from error
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
            raise refused_message("reveal", seat, error) from error
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
            raise refused_message("share", seat, error) from error
        seat.voutput = encode_json(value)
        tell_whose_turn_it_is(session, context, uuid)


def _enter(session: Session, uuid: str, actor: Actor) -> tuple[Election, TrusteeSeat, list[TrusteeSeat]]:
    election = elections.lock_election(session, uuid)
    seat = get_seat(session, election.id, actor)
    elections.require_act(election, Act.MAKE_KEYS)
    return election, seat, list_seats(session, election.id)


def _require_step(seat: TrusteeSeat, seats: Sequence[TrusteeSeat], wanted: Step) -> None:
    progress = [progress_of(other, set()) for other in seats]
    step = next_ceremony_step(progress[seat.owner - 1], progress)
    if step is not wanted:
        sentence = _WAITING.get(step, f"Your next step is another one: {step.value}.")
        raise Problem(409, "wrong-step", sentence, extra={"step": step.value})


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
            parsed = parse_certificate(group, load_message(other.certificate))
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
    certificates = [load_message(other.certificate) for other in seats if other.kind == Kind.THRESHOLD]
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
        if parse_trustee_key(group, load_message(other.revealed)).public_key == key.public_key:
            raise RejectedError("S6", f"it is the key of trustee {other.owner}")


def _verify_voutput(
    election: Election, seat: TrusteeSeat, seats: Sequence[TrusteeSeat], value: dict[str, Any]
) -> None:
    group_seats = [other for other in seats if other.kind == Kind.THRESHOLD]
    check_voutput(
        get_group(election.group_name),
        [load_message(other.certificate) for other in group_seats],
        [load_message(other.revealed) for other in group_seats],
        seat.share_index or 0,
        value,
    )
