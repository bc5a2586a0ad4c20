"""The JSON interface of certification."""

from __future__ import annotations

from flask import Blueprint, Response, request

from voting_app.access import access, get_actor
from voting_app.certification import service, wire
from voting_app.context import get_context
from voting_app.elections.views import encode_view
from voting_app.json_body import make_json

blueprint = Blueprint("certification", __name__)


@blueprint.post("/api/v1/elections/<uuid>/certify")
@access("token", roles=("committee",))
def certify(uuid: str) -> Response:
    """The committee's word that the result stands."""
    statement = wire.parse_statement(request.get_data(cache=False))
    return make_json(encode_view(service.certify_election(get_context(), uuid, get_actor(), statement)))
