"""The JSON interface of trustees: seats for the committee, an inbox and the ceremony for each trustee."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from voting_app.access import access, get_actor
from voting_app.context import get_context
from voting_app.json_body import make_json, parse_body
from voting_app.pages import make_fixed_page
from voting_app.trustees import ceremony, keys, service, wire
from voting_app.trustees.service import Inbox, SeatToken

blueprint = Blueprint("trustees", __name__)

_ELECTION = "/api/v1/elections/<uuid>"
COMMITTEE = ("committee",)
TRUSTEE = ("trustee",)
STAFF = ("administrator", "committee", "registrar", "observer")


# --- the committee ---------------------------------------------------------------------------------


@blueprint.post(f"{_ELECTION}/trustees")
@access("token", roles=COMMITTEE)
def create_seats(uuid: str) -> Response:
    """Makes the seats; the bearer tokens are shown this once."""
    people = wire.parse_people(_body())
    seats = [_encode_seat(seat) for seat in service.create_seats(get_context(), uuid, people)]
    return make_json({"trustees": seats}, 201, is_secret=True)


@blueprint.get(f"{_ELECTION}/trustees/progress")
@access("token", roles=STAFF)
def get_progress(uuid: str) -> Response:
    """What has arrived from each trustee."""
    rows = [
        {
            "owner": seat.progress.owner,
            "name": seat.name,
            "kind": seat.progress.kind.value,
            "step": seat.step.value,
            "certified": seat.progress.certified,
            "committed": seat.progress.committed,
            "revealed": seat.progress.revealed,
            "shared": seat.progress.shared,
            "drilled": seat.progress.drilled,
            "decrypted": seat.progress.decrypted,
        }
        for seat in service.get_progress(get_context(), uuid)
    ]
    return make_json({"trustees": rows})


@blueprint.post(f"{_ELECTION}/trustees/<int:owner>/restart")
@access("token", roles=COMMITTEE)
def restart_seat(uuid: str, owner: int) -> Response:
    """Gives a seat a new token and starts the ceremony anew."""
    reason, person = wire.parse_restart(_body())
    seat = service.restart_seat(get_context(), uuid, owner, reason, get_actor(), person)
    return make_json(_encode_seat(seat), is_secret=True)


@blueprint.put(f"{_ELECTION}/trustees/<int:owner>/person")
@access("token", roles=COMMITTEE)
def set_person(uuid: str, owner: int) -> Response:
    """Corrects a trustee's name or mail address."""
    service.set_person(get_context(), uuid, owner, wire.parse_person(_body()))
    return make_json({})


@blueprint.post(f"{_ELECTION}/keys")
@access("token", roles=COMMITTEE)
def ready_keys(uuid: str) -> Response:
    """Assembles the election's key and sets the ballot box up."""
    parse_body(_body())
    return make_json({"fingerprint": keys.ready_keys(get_context(), uuid, get_actor())})


# --- a trustee -------------------------------------------------------------------------------------


@blueprint.get("/elections/<uuid>/trustee")
@access("public")
def show_visit(uuid: str) -> Response:
    """The page on which trustees make and use their keys. It tells nothing: its program asks, with the token."""
    return make_fixed_page("trustees/visit.html")


@blueprint.get(f"{_ELECTION}/trustee")
@access("token", roles=TRUSTEE)
def get_inbox(uuid: str) -> Response:
    """What this trustee has to do next."""
    return _inbox_response(uuid)


@blueprint.post(f"{_ELECTION}/trustee/certificate")
@access("token", roles=TRUSTEE)
def submit_certificate(uuid: str) -> Response:
    """A threshold trustee's certificate."""
    ceremony.submit_certificate(get_context(), uuid, get_actor(), wire.parse_message(_body()))
    return _inbox_response(uuid)


@blueprint.post(f"{_ELECTION}/trustee/commitment")
@access("token", roles=TRUSTEE)
def submit_commitment(uuid: str) -> Response:
    """The hash of what the trustee will reveal."""
    ceremony.submit_commitment(get_context(), uuid, get_actor(), wire.parse_commitment(_body()))
    return _inbox_response(uuid)


@blueprint.post(f"{_ELECTION}/trustee/reveal")
@access("token", roles=TRUSTEE)
def submit_reveal(uuid: str) -> Response:
    """The single key or the message with coefficients that was committed to."""
    ceremony.submit_reveal(get_context(), uuid, get_actor(), wire.parse_message(_body()))
    return _inbox_response(uuid)


@blueprint.post(f"{_ELECTION}/trustee/share")
@access("token", roles=TRUSTEE)
def submit_share(uuid: str) -> Response:
    """A threshold trustee's public key, from everybody's shares."""
    ceremony.submit_share(get_context(), uuid, get_actor(), wire.parse_message(_body()))
    return _inbox_response(uuid)


@blueprint.post(f"{_ELECTION}/trustee/drill")
@access("token", roles=TRUSTEE)
def submit_drill(uuid: str) -> Response:
    """Proof that the trustee has the key at hand."""
    keys.submit_drill(get_context(), uuid, get_actor(), wire.parse_message(_body()))
    return _inbox_response(uuid)


# --- answers ---------------------------------------------------------------------------------------


def encode_inbox(inbox: Inbox) -> dict[str, Any]:
    """A trustee's inbox as a JSON object (schema Inbox of openapi.json)."""
    plan = inbox.election.trustees
    name = inbox.election.name
    return {
        "election": inbox.election.uuid,
        # Before everything else, so that no trustee takes it for a real one.
        "election_name": f"TEST: {name}" if inbox.election.is_test else name,
        "state": inbox.election.state.value,
        "owner": inbox.owner,
        "trustees": plan.seats,
        "name": inbox.name,
        "kind": inbox.kind.value,
        "index": inbox.index,
        "size": plan.threshold_size,
        "threshold": plan.threshold,
        "step": inbox.step.value,
        "acts": [act.value for act in inbox.acts],
        "act": None if inbox.act is None else inbox.act.value,
        "number": None if inbox.act is None else inbox.acts.index(inbox.act) + 1,
        "awaited": [{"owner": seat.progress.owner, "name": seat.name} for seat in inbox.awaited],
        "inputs": inbox.inputs,
    }


def _inbox_response(uuid: str) -> Response:
    return make_json(encode_inbox(service.get_inbox(get_context(), uuid, get_actor())), is_secret=True)


def _encode_seat(seat: SeatToken) -> dict[str, Any]:
    return {
        "owner": seat.owner,
        "name": seat.name,
        "kind": seat.kind.value,
        "token": seat.token,
        "link": seat.link,
    }


def _body() -> bytes:
    return request.get_data(cache=False)
