"""The addresses where ballots arrive, and where one is given up to be checked."""

from typing import cast

from flask import Blueprint, Response, current_app, jsonify, request
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import RequestEntityTooLarge

from crypto.errors import ProtocolError
from voting_app.access import access
from voting_app.booth import checking, pages, service, wire
from voting_app.context import get_context
from voting_app.elections import service as elections
from voting_app.errors import Problem
from voting_app.json_body import get_text, invalid, make_json, parse_body
from voting_app.languages import get_language
from voting_app.pages import make_fixed_page, make_page

blueprint = Blueprint("booth", __name__)

_DESK = "steward-desk"
# Public credentials of 2048-bit groups have up to 617 digits.
_LONGEST_CREDENTIAL = 700


@blueprint.record_once
def open_desk(state: BlueprintSetupState) -> None:
    """Give the application its desk."""
    state.app.extensions[_DESK] = service.Desk(get_context(state.app))


@blueprint.get("/elections/<uuid>/vote")
@access("public", voting=True)
def show_booth(uuid: str) -> Response:
    """Where members vote. The page is the same for everybody; what changes is fetched by its program."""
    with get_context().database.read() as session:
        shown = pages.describe_booth(session, uuid, get_language())
        if shown is None:
            return make_page("booth/early.html", view=pages.get_view(session, uuid))
    return make_fixed_page("booth/vote.html", **shown)


@blueprint.get("/elections/<uuid>/check")
@access("public", voting=True)
def show_check(uuid: str) -> Response:
    """Where a second device opens a ballot that its voter checks instead of casting it."""
    with get_context().database.read() as session:
        shown = pages.describe_booth(session, uuid, get_language())
        if shown is None:
            return make_page("booth/early.html", view=pages.get_view(session, uuid))
    return make_fixed_page("booth/check.html", is_test=shown["is_test"])


@blueprint.post("/api/v1/elections/<uuid>/ballots")
@access("public", voting=True)
def cast_ballot(uuid: str) -> tuple[Response, int]:
    """Take a ballot: 201 with tracker and receipt, 200 with the same ones if it is in the box already."""
    context = get_context()
    # First of all: reading a long body or waiting for a place must not make a ballot late.
    arrived_at = context.clock.now()
    desk = _get_desk()
    try:
        counter = service.get_counter(context, desk, uuid)
        raw = _read_body(counter.size_limit)
        credential = wire.parse_credential(raw, counter.ballot_start)
        result = service.cast_ballot(context, counter, raw, credential, arrived_at)
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


@blueprint.post("/api/v1/elections/<uuid>/challenges")
@access("public", voting=True)
def challenge_ballot(uuid: str) -> Response:
    """Take a ballot that its voter wants to check instead of casting it: 201 with its tracker, 200 the second time."""
    context = get_context()
    arrived_at = context.clock.now()
    desk = _get_desk()
    try:
        counter = service.get_counter(context, desk, uuid)
        raw = _read_body(counter.size_limit)
        credential = wire.parse_credential(raw, counter.ballot_start)
        result = checking.challenge_ballot(context, desk, uuid, raw, credential, arrived_at)
    except ProtocolError as error:
        raise wire.make_problem(error) from error
    return make_json({"tracker": result.tracker}, 201 if result.is_new else 200, is_secret=True)


@blueprint.get("/api/v1/elections/<uuid>/challenges/<digest>")
@access("public", voting=True)
def send_challenged_ballot(uuid: str, digest: str) -> Response:
    """Send a challenged ballot byte for byte, by its SHA-256 in hex (the tracker is the same in base64)."""
    raw = checking.get_challenged_ballot(get_context(), uuid, digest)
    response = Response(raw, content_type="application/json")
    # Named by its hash, it can't change.
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


@blueprint.post("/api/v1/elections/<uuid>/credentials/lookup")
@access("public", voting=True)
def look_up_credential(uuid: str) -> Response:
    """Tell whether a public credential is on the list, and the tracker of its last ballot.

    Both stand in the published files; a phone need not fetch them whole. The credential is in the body, because
    addresses are kept in logs.
    """
    body = parse_body(request.get_data(cache=False), required=("credential",))
    credential = get_text(body, "credential", longest=_LONGEST_CREDENTIAL)
    try:
        found = checking.look_up_credential(get_context(), _get_desk(), uuid, credential)
    except ProtocolError as error:
        raise invalid("credential", f"This is no public credential: {error.detail}.") from error
    return make_json({"listed": found.is_listed, "tracker": found.tracker}, is_secret=True)


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
