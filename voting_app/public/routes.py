"""The pages that everybody may read."""

from flask import Blueprint, Response, request

from crypto.election import parse_election
from crypto.encoding import encode_json_bytes
from voting_app.access import access
from voting_app.context import get_context
from voting_app.elections import service as elections
from voting_app.elections.states import State
from voting_app.errors import Problem
from voting_app.languages import LANGUAGES, get_browser_messages
from voting_app.ledger import service as ledger
from voting_app.pages import make_page

blueprint = Blueprint("public", __name__)


@blueprint.get("/")
@access("public")
def show_elections() -> Response:
    """All elections whose roll is fixed, newest first."""
    with get_context().database.read() as session:
        views = [view for view in elections.list_elections(session) if view.state is not State.DRAFT]
    return make_page("public/elections.html", views=views[::-1])


@blueprint.get("/elections/<uuid>")
@access("public")
def show_election(uuid: str) -> Response:
    """Say to a person what this election is, and where its record lies."""
    with get_context().database.read() as session:
        box_id = ledger.get_box_id(session, uuid)
        raw = ledger.find_election_data(session, box_id)
    return make_page("public/election.html", uuid=uuid, election=parse_election(raw) if raw else None)


@blueprint.get("/texts/<language>.json")
@access("public")
def send_texts(language: str) -> Response:
    """Send the words of the programs that run in the browser."""
    if language not in LANGUAGES:
        raise Problem(404, "not-found", "There are no texts in that language.")
    body = encode_json_bytes({"language": language, "messages": get_browser_messages(language)})
    response = Response(body, content_type="application/json")
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response
