"""The JSON interface of the registrar: publish the list, or have the server make the credentials."""

from __future__ import annotations

from flask import Blueprint, Response, request

from voting_app.access import access, get_actor
from voting_app.context import get_context
from voting_app.json_body import make_json, parse_body
from voting_app.registrar import service, wire

blueprint = Blueprint("registrar", __name__)

REGISTRAR = ("registrar",)


@blueprint.put("/api/v1/elections/<uuid>/credentials")
@access("token", roles=REGISTRAR)
def publish_credentials(uuid: str) -> Response:
    """Takes the public list that was made on the registrar's own machine."""
    raw = wire.parse_list_body(request.get_data(cache=False))
    published = service.publish_credentials(get_context(), uuid, raw, get_actor())
    return make_json({"credentials": published.credentials, "count": published.count, "mode": published.mode})


@blueprint.get("/api/v1/elections/<uuid>/credentials/weights")
@access("token", roles=REGISTRAR)
def get_weights(uuid: str) -> Response:
    """How many credentials of each weight the frozen roll needs: all that a registrar's list depends on."""
    weights = service.get_weights(get_context(), uuid)
    rows = [{"weight": weight, "count": weights[weight]} for weight in sorted(weights)]
    return make_json({"weights": rows})


@blueprint.post("/api/v1/elections/<uuid>/credentials/generate")
@access("token", roles=REGISTRAR)
def generate_credentials(uuid: str) -> Response:
    """Makes the credentials here and returns those that wait: again and again, until the program says it has them."""
    parse_body(request.get_data(cache=False))
    credentials = service.hand_to_program(get_context(), uuid, get_actor())
    return make_json({"credentials": credentials}, is_secret=True)


@blueprint.post("/api/v1/elections/<uuid>/credentials/delivered")
@access("token", roles=REGISTRAR)
def forget_credentials(uuid: str) -> Response:
    """The program has kept these members' credentials where they are safe; here they are erased."""
    numbers = wire.parse_numbers(request.get_data(cache=False))
    return make_json({"erased": service.forget_handed(get_context(), uuid, numbers, get_actor())})


@blueprint.post("/api/v1/elections/<uuid>/credentials/replace")
@access("token", roles=REGISTRAR)
def replace_credentials(uuid: str) -> Response:
    """Makes new credentials for members who lost theirs; `generate` returns them."""
    numbers = wire.parse_numbers(request.get_data(cache=False))
    published = service.replace_credentials(get_context(), uuid, numbers, get_actor(), is_program=True)
    return make_json({"credentials": published.credentials, "count": published.count, "mode": published.mode})
