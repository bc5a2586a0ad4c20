"""The JSON interface of elections: what everybody may read, and the committee's calendar."""

from __future__ import annotations

from flask import Blueprint, Response, current_app, request
from sqlalchemy.orm import Session

from voting_app.access import access, get_actor
from voting_app.booth import opening
from voting_app.context import get_context
from voting_app.elections import service, wire
from voting_app.elections.views import encode_privacy, encode_status, encode_view, make_act_response
from voting_app.errors import Problem
from voting_app.json_body import make_json
from voting_app.ledger import service as ledger

blueprint = Blueprint("elections", __name__)

_ELECTION = "/api/v1/elections/<uuid>"
COMMITTEE = ("committee",)
STAFF = ("administrator", "committee", "registrar", "observer")


# --- public ----------------------------------------------------------------------------------------


@blueprint.get("/api/v1/openapi.json")
@access("public")
def get_openapi() -> Response:
    """This interface, as an OpenAPI 3.1 document."""
    with current_app.open_resource("openapi.json", "rb") as file:
        return Response(file.read(), content_type="application/json")


@blueprint.get(f"{_ELECTION}/election")
@access("public")
def get_election_data(uuid: str) -> Response:
    """The election data of the box, byte for byte."""
    with get_context().database.read() as session:
        return _bytes_response(_get_setup_record(session, uuid, "election"))


@blueprint.get(f"{_ELECTION}/trustees")
@access("public")
def get_trustees(uuid: str) -> Response:
    """The trustees' public keys, byte for byte as in the box."""
    with get_context().database.read() as session:
        return _bytes_response(_get_setup_record(session, uuid, "trustees"))


@blueprint.get(f"{_ELECTION}/credentials")
@access("public")
def get_credentials(uuid: str) -> Response:
    """The public credentials, byte for byte as in the box."""
    with get_context().database.read() as session:
        return _bytes_response(_get_setup_record(session, uuid, "credentials"))


@blueprint.get(f"{_ELECTION}/status")
@access("public")
def get_status(uuid: str) -> Response:
    """Where the election stands; no interim count of votes exists."""
    with get_context().database.read() as session:
        return make_json(encode_status(session, uuid))


# --- staff -----------------------------------------------------------------------------------------


@blueprint.get("/api/v1/elections")
@access("token", roles=STAFF)
def list_elections() -> Response:
    """All elections of this installation."""
    with get_context().database.read() as session:
        return make_json({"elections": [encode_view(view) for view in service.list_elections(session)]})


@blueprint.post("/api/v1/elections")
@access("token", roles=COMMITTEE)
def create_election() -> Response:
    """A new election in draft."""
    new = wire.parse_new_election(_body())
    return make_json(encode_view(service.create_election(get_context(), new, get_actor())), 201)


@blueprint.put(_ELECTION)
@access("token", roles=COMMITTEE)
def update_election(uuid: str) -> Response:
    """Other texts, questions, trustees or times, until the keys are ready."""
    view = service.update_election(get_context(), uuid, wire.parse_new_election(_body()))
    return make_json(encode_view(view))


@blueprint.get(f"{_ELECTION}/privacy")
@access("token", roles=("committee", "observer"))
def get_privacy(uuid: str) -> Response:
    """What the result would tell of its voters; a finding that blocks keeps the election from being opened."""
    return make_json(encode_privacy(service.report_privacy(get_context(), uuid)), is_secret=True)


@blueprint.post(f"{_ELECTION}/open")
@access("token", roles=COMMITTEE)
def open_election(uuid: str) -> Response:
    """Takes ballots from now on."""
    closes_at = wire.parse_opening(_body())
    return make_act_response(opening.open_election(get_context(), uuid, get_actor(), closes_at))


@blueprint.post(f"{_ELECTION}/pause")
@access("token", roles=COMMITTEE)
def pause_election(uuid: str) -> Response:
    """Takes no ballots for now."""
    reason = wire.parse_reason(_body())
    return make_act_response(service.pause_election(get_context(), uuid, get_actor(), reason))


@blueprint.post(f"{_ELECTION}/resume")
@access("token", roles=COMMITTEE)
def resume_election(uuid: str) -> Response:
    """Takes ballots again."""
    wire.require_empty(_body())
    return make_act_response(service.resume_election(get_context(), uuid, get_actor()))


@blueprint.post(f"{_ELECTION}/extend")
@access("token", roles=COMMITTEE)
def extend_election(uuid: str) -> Response:
    """A later closing time."""
    extension = wire.parse_extension(_body())
    return make_act_response(
        service.extend_election(get_context(), uuid, get_actor(), extension.closes_at, extension.reason)
    )


@blueprint.post(f"{_ELECTION}/close")
@access("token", roles=COMMITTEE)
def close_election(uuid: str) -> Response:
    """Closes at once; counting follows by itself."""
    wire.require_empty(_body())
    return make_act_response(service.close_election(get_context(), uuid, get_actor()))


@blueprint.post(f"{_ELECTION}/cancel")
@access("token", roles=COMMITTEE)
def cancel_election(uuid: str) -> Response:
    """Ends the election without a result."""
    reason = wire.parse_reason(_body())
    return make_act_response(service.cancel_election(get_context(), uuid, get_actor(), reason))


# --- answers ---------------------------------------------------------------------------------------


def _get_setup_record(session: Session, uuid: str, name: str) -> bytes:
    raw = ledger.find_setup_record(session, ledger.get_box_id(session, uuid), name)
    if raw is None:
        raise Problem(404, "not-set-up", "The keys of this election are not ready yet.")
    return raw


def _bytes_response(raw: bytes) -> Response:
    # The very bytes: a ballot names the hash of the election data.
    response = Response(raw, content_type="application/json")
    response.headers["Cache-Control"] = "public, max-age=300"
    return response


def _body() -> bytes:
    return request.get_data(cache=False)
