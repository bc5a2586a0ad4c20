"""The JSON interface of the roll: import and freeze."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request

from crypto.roll import encode_roll, read_roll
from voting_app.access import access, get_actor
from voting_app.context import get_context
from voting_app.elections.views import make_awaiting_response
from voting_app.json_body import make_json, parse_body
from voting_app.roll import service, wire
from voting_app.roll.service import RollSummary
from voting_app.roll.views import encode_preview

blueprint = Blueprint("roll", __name__)

COMMITTEE = ("committee",)


@blueprint.post("/api/v1/elections/<uuid>/roll")
@access("token", roles=COMMITTEE)
def import_roll(uuid: str) -> Response:
    """Takes a roll as CSV; one bad row refuses the file, and all bad rows are named."""
    members = wire.parse_roll_body(request.get_data(cache=False))
    return make_json(encode_summary(service.import_roll(get_context(), uuid, members)))


@blueprint.post("/api/v1/elections/<uuid>/roll/preview")
@access("token", roles=COMMITTEE)
def preview_roll(uuid: str) -> Response:
    """Says what taking this file would mean, and writes nothing."""
    file = read_roll(request.get_data(cache=False))
    return make_json(
        encode_preview(*service.preview_roll(get_context(), uuid, file, request.args.get("against")))
    )


@blueprint.get("/api/v1/elections/<uuid>/roll/file")
@access("token", roles=COMMITTEE)
def save_roll(uuid: str) -> Response:
    """The whole roll as it is now, for a spreadsheet; the file can be imported again."""
    # Spreadsheets take a file for UTF-8 only if it begins with this mark.
    text = "\ufeff" + encode_roll(service.get_roll(get_context(), uuid))
    response = Response(text, content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="roll-{uuid}.csv"'
    return response


@blueprint.get("/api/v1/elections/<uuid>/roll")
@access("token", roles=("registrar",))
def export_roll(uuid: str) -> Response:
    """The frozen roll of those who may vote, as CSV, for the registrar's own machine."""
    text = encode_roll(service.get_frozen_roll(get_context(), uuid))
    response = Response(text, content_type="text/csv; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post("/api/v1/elections/<uuid>/roll/freeze")
@access("token", roles=COMMITTEE)
def freeze_roll(uuid: str) -> Response:
    """Fixes who may vote."""
    parse_body(request.get_data(cache=False))
    summary, outcome = service.freeze_roll(get_context(), uuid, get_actor())
    return make_json(encode_summary(summary)) if outcome.is_done else make_awaiting_response(uuid, outcome)


def encode_summary(summary: RollSummary) -> dict[str, Any]:
    """A roll's size as a JSON object (schema Roll of openapi.json)."""
    return {
        "members": summary.members,
        "eligible": summary.eligible,
        "total_weight": summary.total_weight,
        "roll": summary.roll_hash,
    }
