"""The JSON interface of certification, and the report and the package, which anybody may fetch."""

from __future__ import annotations

from flask import Blueprint, Response, request

from paper.faults import PaperError
from paper.sheets import Layout
from voting_app.access import access, get_actor
from voting_app.certification import contents, service, wire
from voting_app.certification.package import iter_package
from voting_app.context import get_context
from voting_app.elections.views import make_act_response
from voting_app.errors import Problem

blueprint = Blueprint("certification", __name__)

# What people have in their printers is not to be guessed from where they live.
_PAPERS = {layout.value: layout for layout in (Layout.A4, Layout.LETTER)}


@blueprint.post("/api/v1/elections/<uuid>/certify")
@access("token", roles=("committee",))
def certify(uuid: str) -> Response:
    """The committee's word that the result stands."""
    statement = wire.parse_statement(request.get_data(cache=False))
    return make_act_response(service.certify_election(get_context(), uuid, get_actor(), statement))


@blueprint.get("/elections/<uuid>/report.json")
@access("public")
def send_report(uuid: str) -> Response:
    """Send the numbers of an election that has ended, whose hash the journal has."""
    return _finish(Response(service.get_report(get_context(), uuid), content_type="application/json"))


@blueprint.get("/elections/<uuid>/report.pdf")
@access("public")
def send_document(uuid: str) -> Response:
    """Send the report for paper, in the reader's language. `paper` in the address: `a4`, or `letter`."""
    layout = _PAPERS.get(request.args.get("paper", "a4"))
    if layout is None:
        raise Problem(404, "not-found", "There is no such file.")
    try:
        body = contents.make_pdf(contents.get_document(get_context(), uuid), layout)
    except PaperError as error:
        raise Problem(
            409,
            "not-printable",
            "The texts of this election have letters that our printed report cannot show. Print the page instead.",
        ) from error
    response = Response(body, content_type="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="report-{uuid}.pdf"'
    response.vary.add("Accept-Language")
    return _finish(response)


@blueprint.get("/elections/<uuid>/<name>.zip")
@access("public")
def send_package(uuid: str, name: str) -> Response:
    """Send ballot box, journal and report in one file, which `steward-audit verify` takes."""
    if name != uuid:
        raise Problem(404, "not-found", "There is no such file.")
    response = Response(
        iter_package(contents.list_files(get_context(), uuid)), content_type="application/zip"
    )
    response.headers["Content-Disposition"] = f'attachment; filename="{uuid}.zip"'
    response.headers["Cache-Control"] = "no-cache"
    return response


def _finish(response: Response) -> Response:
    """Let caches keep it but ask each time."""
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response
