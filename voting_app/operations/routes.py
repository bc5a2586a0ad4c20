"""The address by which a proxy or a watchdog sees whether the application works."""

from __future__ import annotations

from flask import Blueprint, Response

from voting_app.access import access
from voting_app.context import get_context
from voting_app.errors import Problem
from voting_app.json_body import make_json
from voting_app.operations import service

blueprint = Blueprint("operations", __name__)


@blueprint.get("/healthz")
@access("public")
def show_health() -> Response:
    """Say that the database answers; 503 if it does not. No more, because everybody may ask."""
    if not service.is_well(get_context()):
        raise Problem(503, "not-well", "The application cannot use its database at this moment.")
    response = make_json({"status": "ok"})
    response.headers["Cache-Control"] = "no-store"
    return response
