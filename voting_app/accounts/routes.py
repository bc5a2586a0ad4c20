"""The page behind the first administrator's one-time link."""

import io

import qrcode
import qrcode.image.svg
from flask import Blueprint, Response, render_template, request

from voting_app.access import access
from voting_app.accounts import service
from voting_app.accounts.wire import parse_setup_form
from voting_app.context import get_context
from voting_app.error_pages import translate_problem
from voting_app.errors import Problem

blueprint = Blueprint("accounts", __name__)

# Password and code; a body without end is not read further.
_LONGEST_FORM = 10_000


@blueprint.get("/setup/<link>")
@access("public")
def show_setup(link: str) -> Response:
    """Show the form that sets password and second factor."""
    return _show_form(link, None)


@blueprint.post("/setup/<link>")
@access("public")
def set_up(link: str) -> Response:
    """Set password and second factor; the link ends with it."""
    context = get_context()
    # Before the body: who has no link is not listened to.
    _get_form(link)
    request.max_content_length = _LONGEST_FORM
    form = parse_setup_form(request.form)
    try:
        with context.database.write() as session:
            service.set_up_administrator(
                session,
                link,
                password=form.password,
                code=form.code,
                now=context.clock.now(),
                secret=context.settings.secret,
            )
    except Problem as problem:
        if problem.status != 400:
            raise
        return _show_form(link, problem)
    return _never_kept(render_template("accounts/done.html"), 200)


@blueprint.get("/setup/<link>/qr.svg")
@access("public")
def send_setup_code(link: str) -> Response:
    """Send the picture that an authenticator app reads."""
    image = qrcode.make(_get_form(link).totp_address, image_factory=qrcode.image.svg.SvgPathFillImage)
    out = io.BytesIO()
    image.save(out)
    return _never_kept(out.getvalue(), 200, "image/svg+xml")


def _get_form(link: str) -> service.SetupForm:
    context = get_context()
    settings = context.settings
    with context.database.read() as session:
        return service.get_setup_form(
            session, link, context.clock.now(), settings.secret, settings.organisation
        )


def _show_form(link: str, problem: Problem | None) -> Response:
    form = _get_form(link)
    page = render_template(
        "accounts/setup.html",
        link=link,
        form=form,
        problem=translate_problem(problem) if problem else None,
        shortest=service.SHORTEST_PASSWORD,
    )
    return _never_kept(page, problem.status if problem else 200)


def _never_kept(body: str | bytes, status: int, content_type: str = "text/html; charset=utf-8") -> Response:
    response = Response(body, status, content_type=content_type)
    response.headers["Cache-Control"] = "no-store"
    return response
