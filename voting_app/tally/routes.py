"""The JSON interface from closing to result; and the hook by which any request obeys a closing time."""

from __future__ import annotations

from flask import Blueprint, Response, request

from voting_app.access import access, get_actor
from voting_app.context import get_context
from voting_app.elections import service as elections
from voting_app.elections.views import make_act_response
from voting_app.errors import Problem
from voting_app.json_body import make_json
from voting_app.tally import service, wire
from voting_app.trustees.routes import encode_inbox
from voting_app.trustees.service import get_inbox

blueprint = Blueprint("tally", __name__)

_ELECTION = "/api/v1/elections/<uuid>"
# Requests that do what is due before they are answered. Casting asks for the time itself and must
# stay fast; the archive is only read.
_OBEYING = frozenset({"elections", "roll", "registrar", "trustees", "tally", "certification", "public"})


@blueprint.before_app_request
def do_what_is_due() -> None:
    """Closing, counting and opening the result do not depend on the timer."""
    uuid = (request.view_args or {}).get("uuid")
    if request.blueprint in _OBEYING and isinstance(uuid, str):
        context = get_context()
        with context.database.read() as session:
            if not elections.is_anything_due(session, uuid, context.clock.now()):
                return
        service.advance(context, uuid)


@blueprint.post(f"{_ELECTION}/trustee/decryption")
@access("token", roles=("trustee",))
def submit_decryption(uuid: str) -> Response:
    """A partial decryption of the tally with its strong proofs."""
    decryption = wire.parse_decryption(request.get_data(cache=False))
    context, actor = get_context(), get_actor()
    service.submit_decryption(context, uuid, actor, decryption.partial, decryption.strong_proofs)
    return make_json(encode_inbox(get_inbox(context, uuid, actor)), is_secret=True)


@blueprint.get(f"{_ELECTION}/result")
@access("public")
def get_result(uuid: str) -> Response:
    """The counts, once they are published."""
    with get_context().database.read() as session:
        result = service.find_result(session, uuid)
    if result is None:
        raise Problem(404, "no-result", "There is no result yet.")
    return make_json({"result": result})


@blueprint.post(f"{_ELECTION}/untalliable")
@access("token", roles=("committee",))
def declare_untalliable(uuid: str) -> Response:
    """Too few trustees can decrypt."""
    reason = wire.parse_reason(request.get_data(cache=False))
    return make_act_response(service.declare_untalliable(get_context(), uuid, get_actor(), reason))
