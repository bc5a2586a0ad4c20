"""The administrator's page of the settings, with a message to try whether mail goes out."""

from flask import Blueprint, Response, request

from voting_app.access import Role, access, get_login
from voting_app.accounts import logins
from voting_app.accounts.forms import parse_form
from voting_app.context import get_context
from voting_app.errors import Problem
from voting_app.languages import get_language
from voting_app.mail.service import is_enabled
from voting_app.office import make_office_page, redirect_to
from voting_app.operations import service

blueprint = Blueprint("operations_office", __name__)

_ADMINISTRATORS = (Role.ADMINISTRATOR,)


@blueprint.get("/office/settings")
@access("login", roles=_ADMINISTRATORS)
def show_settings() -> Response:
    """Show what is set."""
    return _show()


@blueprint.post("/office/settings/mail")
@access("login", roles=_ADMINISTRATORS)
def send_test_mail() -> Response:
    """Send a message to oneself."""
    fields = parse_form(request.form, ("code",))
    try:
        logins.confirm(get_context(), get_login(), fields["code"])
        service.send_test_mail(get_context(), get_login(), get_language())
    except Problem as problem:
        return _show(problem)
    return redirect_to("operations_office.show_settings", done="sent")


def _show(problem: Problem | None = None) -> Response:
    context = get_context()
    return make_office_page(
        "office/settings.html",
        problem=problem,
        here=request.path,
        settings=service.list_settings(context.settings),
        sends_mail=is_enabled(context.settings),
        is_https=context.settings.is_https,
        has_sent=request.args.get("done") == "sent",
    )
