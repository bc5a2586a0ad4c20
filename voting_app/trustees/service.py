"""The trustees' seats, what each trustee has to do next, and the mail that tells them.

What they send in the key ceremony is taken by ceremony.py; keys.py makes the election's key of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from crypto.decryption import parse_owned
from crypto.election import parse_election
from crypto.encoding import parse_json
from crypto.errors import ProtocolError
from crypto.pedersen import make_vinput
from crypto.record import BoxState
from voting_app.accounts import service as accounts
from voting_app.accounts.service import Actor
from voting_app.context import Context
from voting_app.elections import service as elections
from voting_app.elections.service import ElectionView
from voting_app.elections.states import Act, State
from voting_app.errors import Problem
from voting_app.languages import SOURCE
from voting_app.ledger import service as ledger
from voting_app.mail import service as mail
from voting_app.mail.service import NewMail
from voting_app.trustees.models import RetiredCommitment, TrusteeSeat
from voting_app.trustees.states import (
    ACTS,
    Kind,
    Progress,
    Step,
    is_act,
    list_turns,
    next_act,
    next_step,
)

TRUSTEE_ROLE = "trustee"


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
    """What has arrived from a seat, what is next there, and the person on it. has_begun: anything arrived in the
    present ceremony."""

    progress: Progress
    step: Step
    name: str | None
    email: str | None

    @property
    def has_begun(self) -> bool:
        return self.progress.certified or self.progress.committed


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
        link = _replace_link(session, context, uuid, seat)
        elections.write_journal(
            session, context, election, "trustees-restarted", str(actor), {"reason": reason}
        )
        tell_whose_turn_it_is(session, context, uuid)
        return link


def renew_link(context: Context, uuid: str, owner: int) -> SeatToken:
    """Gives a trustee who has lost the link another one; the old one ends, and nothing else changes.

    Only where a link alone is worth nothing: before the trustee began, or once the keys are ready, when every act needs
    the key itself. In between it would let another person go on in the trustee's name, unseen; that is what
    ``restart_seat`` is for, which the journal tells. Problems: 409 ``wrong-state``, ``trustee-began``; 404
    ``unknown-trustee``.
    """
    with context.database.write() as session:
        election = elections.lock_election(session, uuid)
        elections.require_act(election, Act.RENEW_LINK)
        seat = _find_owner(list_seats(session, election.id), owner)
        is_in_ceremony = State(election.state) in (State.DRAFT, State.ROLL_FROZEN)
        if is_in_ceremony and (seat.certificate is not None or seat.commitment is not None):
            raise Problem(
                409,
                "trustee-began",
                "This trustee has begun to make the key. Without the link it must be made anew, by all trustees.",
            )
        return _replace_link(session, context, uuid, seat)


def remind(context: Context, uuid: str, owner: int) -> None:
    """Mails a trustee once more that it is their turn; once a day, so that nobody is pestered by a double click.

    Problems: 404 ``unknown-trustee``; 409 ``no-mail``, ``no-address``, ``not-awaited``, ``reminded-already``.
    """
    if not mail.is_enabled(context.settings):
        raise Problem(409, "no-mail", "This server sends no mail. Tell the trustee yourself.")
    with context.database.write() as session:
        election = elections.lock_election(session, uuid)
        seat = _find_owner(list_seats(session, election.id), owner)
        if not seat.email:
            raise Problem(409, "no-address", "There is no mail address of this trustee. Add one first.")
        step = list_seat_views(session, uuid)[owner - 1].step
        if not is_act(step):
            raise Problem(409, "not-awaited", "This trustee has nothing to do now.")
        view = elections.election_for_box(session, uuid)
        day = context.clock.now().date().isoformat()
        letter = _turn_mail(context, view, seat, step)
        if not mail.enqueue(session, context, replace(letter, event=f"{letter.event}/{day}")):
            raise Problem(
                409, "reminded-already", "This trustee was reminded today. Telephone, or wait until tomorrow."
            )


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


def _replace_link(session: Session, context: Context, uuid: str, seat: TrusteeSeat) -> SeatToken:
    accounts.end_account(session, seat.account_number, context.clock.now())
    token = _new_token(session, context, uuid, seat.owner)
    seat.account_number = token.actor.account_number
    return _seat_token(context, uuid, seat.owner, Kind(seat.kind), seat.name, token)


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
            seat.email,
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
    return [progress_of(seat, decrypted) for seat in list_seats(session, election_id)]


def progress_of(seat: TrusteeSeat, decrypted: set[int]) -> Progress:
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
            inputs["certificates"] = [load_message(other.certificate) for other in group_seats]
        if step is Step.SHARE:
            inputs["vinput"] = make_vinput(
                [load_message(other.revealed) for other in group_seats], seat.share_index or 0
            )
        if seat.voutput is not None:
            # Sealed to the trustee itself, who therefore needs to keep the seed only.
            inputs["private_key"] = load_message(seat.voutput)["private_key"]
    if step is Step.REVEAL:
        # So that a trustee can keep what the others were bound to before it showed its own.
        inputs["commitments"] = {str(other.owner): other.commitment for other in seats}
    if step is Step.DRILL:
        inputs["nonce"] = seat.drill_nonce
    return inputs


# --- messages --------------------------------------------------------------------------------------


def refused_message(what: str, seat: TrusteeSeat, error: ProtocolError) -> Problem:
    """Why the server does not take a trustee's message, and whose it is: 422 ``bad-WHAT``."""
    title = f"The {what} of trustee {seat.owner} was refused: {error.detail}."
    return Problem(422, f"bad-{what}", title, extra={"owner": seat.owner, "rule": error.rule})


def load_message(text: str | None) -> Any:
    """A message as its trustee sent it; None where none has come yet."""
    return parse_json((text or "null").encode(), "T8")
