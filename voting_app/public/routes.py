"""The pages that everybody may read."""

from typing import Any

from flask import Blueprint, Response, current_app, request

from crypto.encoding import encode_json_bytes
from voting_app.access import access
from voting_app.compression import compress
from voting_app.context import get_context
from voting_app.elections.states import State
from voting_app.errors import Problem
from voting_app.languages import LANGUAGES, PARTS, get_browser_messages, get_language
from voting_app.pages import make_page
from voting_app.public import outcome, service, words

blueprint = Blueprint("public", __name__)

_ELECTION = "/elections/<uuid>"
# State -> the act whose reason or statement belongs beside it.
_EXPLAINED = {
    State.PAUSED: "paused",
    State.CANCELLED: "cancelled",
    State.UNTALLIABLE: "untalliable",
    State.CERTIFIED: "certified",
}


@blueprint.get("/")
@access("public")
def show_elections() -> Response:
    """All elections whose roll is fixed."""
    with get_context().database.read() as session:
        found = service.list_elections(session, get_language())
    entries = [(view, texts, words.describe_state(view.state)) for view, texts in found]
    return make_page("public/elections.html", entries=entries)


@blueprint.get(_ELECTION)
@access("public")
def show_election(uuid: str) -> Response:
    """An election: what it is about, where it stands, and everything that is published about it."""
    shown = _get_shown(uuid)
    return make_page("public/election.html", **_describe(shown), visibility=words.list_visibility(shown))


@blueprint.get(f"{_ELECTION}/report")
@access("public")
def show_report(uuid: str) -> Response:
    """The same for a notice board: one document to print."""
    shown = _get_shown(uuid)
    acts = [words.describe_act(line, shown.view.time_zone) for line in shown.acts]
    return make_page("public/report.html", **_describe(shown), acts=acts, address=_get_address(uuid))


@blueprint.get(f"{_ELECTION}/journal")
@access("public")
def show_journal(uuid: str) -> Response:
    """The journal in words."""
    start = _get_start()
    with get_context().database.read() as session:
        shown = service.get_shown(session, uuid, get_language())
        page = service.read_journal_page(session, uuid, start)
    acts = [words.describe_act(line, shown.view.time_zone) for line in page.lines]
    return make_page("public/journal.html", shown=shown, page=page, acts=acts)


@blueprint.get(f"{_ELECTION}/trackers")
@access("public")
def show_trackers(uuid: str) -> Response:
    """Where a voter looks for the own ballot; the search happens in the browser."""
    return make_page("public/trackers.html", shown=_get_shown(uuid))


@blueprint.get(f"{_ELECTION}/verify")
@access("public")
def show_verify(uuid: str) -> Response:
    """How to check the election without trusting this server."""
    return make_page("public/verify.html", shown=_get_shown(uuid), address=_get_address(uuid))


@blueprint.get("/favicon.ico")
@access("public")
def send_icon() -> Response:
    """Browsers ask for it at this address beside files that are no pages, such as the list of trackers."""
    return current_app.send_static_file("css/icon.svg")


@blueprint.get("/texts/<language>.json")
@blueprint.get("/texts/<part>/<language>.json")
@access("public")
def send_texts(language: str, part: str | None = None) -> Response:
    """Send the words of the programs that run in the browser; those of some pages only are parts by themselves."""
    if language not in LANGUAGES or not (part is None or part in PARTS):
        raise Problem(404, "not-found", "There are no texts in that language.")
    body = encode_json_bytes({"language": language, "messages": get_browser_messages(language, part)})
    response = Response(body, content_type="application/json")
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return compress(response)


def _get_shown(uuid: str) -> service.Shown:
    with get_context().database.read() as session:
        return service.get_shown(session, uuid, get_language())


def _describe(shown: service.Shown) -> dict[str, Any]:
    """What the election's page and the report have in common."""
    explained = shown.find_act(_EXPLAINED.get(shown.view.state, ""))
    return {
        "shown": shown,
        "state": words.describe_state(shown.view.state),
        "trustees": words.describe_trustees(shown.view),
        "outcome": outcome.describe_outcome(shown),
        "warnings": words.list_warnings(shown),
        "why": words.describe_act(explained, shown.view.time_zone) if explained else None,
    }


def _get_address(uuid: str) -> str:
    """The election's address as others reach it, whatever host this request named."""
    return f"{get_context().settings.base_url}/elections/{uuid}"


def _get_start() -> int:
    """The height from which to show the journal; anything that is no number means the beginning."""
    text = request.args.get("from", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
