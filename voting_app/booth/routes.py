"""The address where ballots arrive."""

from typing import cast

from flask import Blueprint, Response, current_app, jsonify, request
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import RequestEntityTooLarge

from crypto.errors import ProtocolError
from voting_app.access import access
from voting_app.booth import service, wire
from voting_app.context import get_context
from voting_app.elections import service as elections
from voting_app.errors import Problem

blueprint = Blueprint("booth", __name__)

_DESK = "steward-desk"


@blueprint.record_once
def open_desk(state: BlueprintSetupState) -> None:
    """Give the application its desk."""
    state.app.extensions[_DESK] = service.Desk(get_context(state.app))


@blueprint.post("/api/v1/elections/<uuid>/ballots")
@access("public", voting=True)
def cast_ballot(uuid: str) -> tuple[Response, int]:
    """Take a ballot: 201 with tracker and receipt, 200 with the same ones if it is in the box already."""
    context = get_context()
    # First of all: reading a long body or waiting for a place must not make a ballot late.
    arrived_at = context.clock.now()
    desk = _get_desk()
    try:
        raw = _read_body(service.get_size_limit(context, desk, uuid))
        result = service.cast_ballot(context, desk, uuid, raw, wire.parse_credential(raw), arrived_at)
    except ProtocolError as error:
        raise wire.make_problem(error) from error
    except Problem as problem:
        if problem.code == "closed":
            # The closing time is obeyed by the next request as by the timer.
            elections.close_if_due(context, uuid)
        raise
    response = jsonify(tracker=result.tracker, receipt=result.receipt)
    response.headers["Cache-Control"] = "no-store"
    return response, 201 if result.is_new else 200


def _read_body(limit: int) -> bytes:
    """Return the ballot's text; one that is too long is refused by its length, or unread from the limit
    on.
    """
    # One more for the newline that programs add.
    request.max_content_length = limit + 1
    try:
        return wire.parse_body(request.get_data(cache=False), limit)
    except RequestEntityTooLarge as error:
        raise wire.get_too_large(limit) from error


def _get_desk() -> service.Desk:
    return cast(service.Desk, current_app.extensions[_DESK])
