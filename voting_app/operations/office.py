"""The administrator's page of the settings, with a message to try whether mail goes out."""

from flask import Blueprint, Response, request

from voting_app.access import Role, access, get_login
from voting_app.accounts.forms import parse_form
from voting_app.context import get_context
from voting_app.errors import Problem
from voting_app.languages import get_language
from voting_app.mail.service import is_enabled
from voting_app.office import confirm, make_office_page, redirect_to, shown_again
from voting_app.operations import service

blueprint = Blueprint("operations_office", __name__)

_ADMINISTRATORS = (Role.ADMINISTRATOR,)


@blueprint.get("/office/settings")
@access("login", roles=_ADMINISTRATORS)
def show_settings(problem: Problem | None = None) -> Response:
    """Show what is set."""
    context = get_context()
    return make_office_page(
        "office/settings.html",
        problem=problem,
        settings=service.list_settings(context.settings),
        sends_mail=is_enabled(context.settings),
        is_https=context.settings.is_https,
        has_sent=request.args.get("done") == "sent",
    )


@blueprint.post("/office/settings/mail")
@access("login", roles=_ADMINISTRATORS)
@shown_again(show_settings)
def send_test_mail() -> Response:
    """Send a message to oneself."""
    fields = parse_form(request.form, ("code",))
    confirm(fields["code"])
    service.send_test_mail(get_context(), get_login(), get_language())
    return redirect_to("operations_office.show_settings", done="sent")
