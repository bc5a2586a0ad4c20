"""The JSON interface of complaints."""

from __future__ import annotations

from flask import Blueprint, Response, request

from voting_app.access import access, get_actor
from voting_app.context import get_context
from voting_app.incidents import service, wire
from voting_app.incidents.service import Complaint
from voting_app.json_body import make_json

blueprint = Blueprint("incidents", __name__)

_COMPLAINTS = "/api/v1/elections/<uuid>/complaints"


@blueprint.post(_COMPLAINTS)
@access("token", roles=("committee",))
def record_complaint(uuid: str) -> Response:
    """Write a complaint into the journal."""
    text = wire.parse_words(request.get_data(cache=False))
    return make_json(_encode(service.record_complaint(get_context(), uuid, text, get_actor())), 201)


@blueprint.post(f"{_COMPLAINTS}/<int:number>/resolution")
@access("token", roles=("committee",))
def resolve_complaint(uuid: str, number: int) -> Response:
    """Write what was decided on a complaint into the journal."""
    text = wire.parse_words(request.get_data(cache=False))
    return make_json(_encode(service.resolve_complaint(get_context(), uuid, number, text, get_actor())), 201)


def _encode(complaint: Complaint) -> dict[str, object]:
    made, resolved = complaint.made.payload, complaint.resolved
    return {
        "number": complaint.number,
        "at": made["at"],
        "text": made["text"],
        "resolution": None
        if resolved is None
        else {"at": resolved.payload["at"], "text": resolved.payload["text"]},
    }
