"""The JSON interface of what waits for another officer."""

from __future__ import annotations

from flask import Blueprint, Response, request

from voting_app.access import access
from voting_app.approvals import service, wire
from voting_app.context import get_context
from voting_app.elections.service import election_for_box
from voting_app.elections.views import encode_proposal
from voting_app.json_body import get_text, make_json, parse_body

blueprint = Blueprint("approvals", __name__)

_PROPOSALS = "/api/v1/elections/<uuid>/proposals"


@blueprint.get(_PROPOSALS)
@access("token", roles=("committee", "observer"))
def list_proposals(uuid: str) -> Response:
    """What officers have proposed and others have not agreed to yet."""
    with get_context().database.read() as session:
        officers = election_for_box(session, uuid).officers
    found = service.list_proposals(get_context(), uuid)
    needed = {one.act: 1 if officers is None else officers.count(one.act) for one in found}
    return make_json(
        {"proposals": [encode_proposal(uuid, one, needed[one.act]) for one in found]}, is_secret=True
    )


@blueprint.post(f"{_PROPOSALS}/<act>/withdraw")
@access("token", roles=("committee",))
def withdraw(uuid: str, act: str) -> Response:
    """Withdraws the proposal that has this subject, one's own or another officer's."""
    deed = wire.parse_act(act)
    body = parse_body(request.get_data(cache=False), required=("subject",))
    service.withdraw(get_context(), uuid, deed, get_text(body, "subject", longest=64))
    return make_json({})
