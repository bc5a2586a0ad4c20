"""The page behind a link to confirm an address, and where a mail provider reports what came back."""

from __future__ import annotations

from flask import Blueprint, Response, render_template, request

from voting_app.access import access
from voting_app.context import get_context
from voting_app.errors import Problem
from voting_app.json_body import make_json
from voting_app.mailing import addresses, deliveries, wire

blueprint = Blueprint("mailing", __name__)

_LONGEST_ANSWER = 1000


@blueprint.get("/addresses/<link>")
@access("public")
def show_question(link: str) -> Response:
    """Ask whether the address is the member's. Looking changes nothing: mail programs open links by themselves."""
    return _show(addresses.get_question(get_context(), link), link=link)


@blueprint.post("/addresses/<link>")
@access("public")
def answer_question(link: str) -> Response:
    """Note the answer. The secret in the link is what another site does not know."""
    request.max_content_length = _LONGEST_ANSWER
    answer = request.form.get("answer")
    if set(request.form) != {"answer"} or answer not in ("yes", "no"):
        raise Problem(400, "bad-request", "The request could not be understood.")
    try:
        question = addresses.answer_question(get_context(), link, is_mine=answer == "yes")
    except Problem as problem:
        if problem.code != "already-answered":
            raise
        return _show(addresses.get_question(get_context(), link), status=problem.status)
    return _show(question, answer=answer)


def _show(question: addresses.Question, *, link: str = "", answer: str = "", status: int = 200) -> Response:
    page = render_template("mailing/address.html", question=question, link=link, answer=answer)
    # Not compressed, because it holds the link's secret, and kept by no cache.
    response = Response(page, status, content_type="text/html; charset=utf-8")
    response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.post("/api/v1/mail/bounces")
@access("token", roles=("registrar", "helpdesk"))
def report_bounce() -> Response:
    """A mail came back, says the program that reads what comes back."""
    bounce = wire.parse_bounce(request.get_data(cache=False))
    count = deliveries.report_bounce(
        get_context(), message_id=bounce.message_id, recipient=bounce.recipient, reason=bounce.reason
    )
    return make_json({"mails": count})
