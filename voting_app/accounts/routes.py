"""Pages of accounts: one-time links, login, one's own account, and who else has one."""

import io

import qrcode
import qrcode.image.svg
from flask import Blueprint, Response, request, url_for
from markupsafe import Markup

from voting_app import login as cookies
from voting_app.access import access, get_login
from voting_app.accounts import factors, links, logins, own, service
from voting_app.accounts.forms import PEOPLE_ROLES, parse_code, parse_form, parse_language, parse_role
from voting_app.accounts.links import NewLink
from voting_app.accounts.own import PhoneOffer
from voting_app.context import get_context
from voting_app.errors import Problem
from voting_app.languages import get_language
from voting_app.mail.service import is_enabled
from voting_app.office import confirm, make_office_page, redirect_back, redirect_to, shown_again
from voting_app.paging import cut

blueprint = Blueprint("accounts", __name__)

ADMINISTRATORS = ("administrator",)


# --- one-time links ----------------------------------------------------------------------------------------


@blueprint.get("/setup/<link>")
@access("entrance")
def show_setup(link: str, problem: Problem | None = None) -> Response:
    """Show the form that sets password and second factor."""
    return make_office_page(
        "accounts/setup.html",
        problem=problem,
        link=link,
        form=links.get_setup_form(get_context(), link),
        # Never the password.
        typed={name: request.form.get(name, "") for name in ("name", "email")},
        shortest=factors.SHORTEST_PASSWORD,
    )


@blueprint.post("/setup/<link>")
@access("entrance")
@shown_again(show_setup)
def set_up(link: str) -> Response:
    """Set password and second factor; the link ends with it, and the browser is logged in."""
    context = get_context()
    # Before the form: who has no link is not listened to.
    links.get_setup_form(context, link)
    fields = parse_form(request.form, ("password", "code"), ("name", "email"))
    ready = links.set_up(context, link, **fields)
    new = logins.log_in_after_setup(context, ready.actor, cookies.get_device())
    page = make_office_page(
        "accounts/ready.html", here=url_for("accounts.show_own"), codes=ready.recovery_codes
    )
    return cookies.log_in(page, new)


@blueprint.get("/setup/<link>/qr.svg")
@access("entrance")
def send_setup_code(link: str) -> Response:
    """Send the picture that an authenticator app reads."""
    form = links.get_setup_form(get_context(), link)
    image = _draw(form.totp_address)
    out = io.BytesIO()
    image.save(out)
    return Response(out.getvalue(), content_type="image/svg+xml")


def _draw(address: str) -> qrcode.image.svg.SvgPathFillImage:
    return qrcode.make(address, image_factory=qrcode.image.svg.SvgPathFillImage)


# --- login -------------------------------------------------------------------------------------------------


@blueprint.get("/office/login")
@access("entrance")
def show_login(problem: Problem | None = None) -> Response:
    """Ask for mail address and password."""
    return make_office_page(
        "accounts/login.html",
        problem=problem,
        email=request.form.get("email", ""),
        next=_get_next(),
        # Of the address only: who has typed a password knows.
        is_lost=request.args.get("lost") == "yes",
    )


@blueprint.post("/office/login")
@access("entrance")
@shown_again(show_login)
def begin_login() -> Response:
    """Look at mail address and password; then the code is asked for."""
    fields = parse_form(request.form, ("email", "password"), ("next",))
    token = logins.begin_login(
        get_context(),
        email=fields["email"],
        password=fields["password"],
        browser=cookies.get_browser(),
        device=cookies.get_device(),
    )
    cookies.expect_code(token)
    return redirect_to("accounts.show_code", **_keep_next())


@blueprint.get("/office/login/code")
@access("entrance")
def show_code(problem: Problem | None = None) -> Response:
    """Ask for the second factor."""
    if cookies.get_expected() is None:
        return redirect_to("accounts.show_login", **_keep_next())
    return make_office_page("accounts/code.html", problem=problem, next=_get_next())


@blueprint.post("/office/login/code")
@access("entrance")
@shown_again(show_code)
def finish_login() -> Response:
    """Look at the second factor; then the browser is logged in."""
    fields = parse_form(request.form, (), ("code", "recovery", "next"))
    token = cookies.get_expected()
    if token is None:
        return redirect_to("accounts.show_login", **_keep_next())
    try:
        new = logins.finish_login(
            get_context(), token, code=parse_code(fields), browser=cookies.get_browser()
        )
    except Problem as problem:
        if problem.code != "login-over":
            raise
        cookies.log_out()
        return show_login(problem)
    return cookies.log_in(redirect_back(fields["next"]), new)


@blueprint.post("/office/logout")
@access("entrance")
def log_out() -> Response:
    """Log out."""
    parse_form(request.form)
    cookies.log_out()
    return redirect_to("accounts.show_login")


def _get_next() -> str:
    return request.form.get("next") or request.args.get("next", "")


def _keep_next() -> dict[str, str]:
    wanted = _get_next()
    return {"next": wanted} if wanted else {}


# --- one's own account -------------------------------------------------------------------------------------


@blueprint.get("/office/account")
@access("login", roles=PEOPLE_ROLES)
def show_own(problem: Problem | None = None) -> Response:
    """Where one is logged in, password, phone, recovery codes."""
    context, login = get_context(), get_login()
    return make_office_page(
        "accounts/own.html",
        problem=problem,
        sessions=logins.list_sessions(context, login),
        codes=own.count_recovery_codes(context, login),
        shortest=factors.SHORTEST_PASSWORD,
        done=request.args.get("done", ""),
    )


@blueprint.post("/office/account/password")
@access("login", roles=PEOPLE_ROLES)
@shown_again(show_own)
def change_password() -> Response:
    """Set another password; all other sessions end."""
    fields = parse_form(request.form, ("old", "new", "code"))
    new = own.change_password(get_context(), get_login(), **fields)
    return cookies.log_in(redirect_to("accounts.show_own", done="password"), new)


@blueprint.post("/office/account/recovery")
@access("login", roles=PEOPLE_ROLES)
@shown_again(show_own)
def renew_recovery_codes() -> Response:
    """Make new recovery codes and show them, this once."""
    fields = parse_form(request.form, ("password",), ("code", "recovery"))
    codes, new = own.renew_recovery_codes(
        get_context(), get_login(), password=fields["password"], code=parse_code(fields)
    )
    page = make_office_page("accounts/ready.html", here=url_for("accounts.show_own"), codes=codes)
    return cookies.log_in(page, new)


@blueprint.get("/office/account/phone")
@access("login", roles=PEOPLE_ROLES)
def show_phone(problem: Problem | None = None) -> Response:
    """The form that asks for another second factor."""
    return make_office_page("accounts/phone.html", problem=problem)


@blueprint.post("/office/account/phone")
@access("login", roles=PEOPLE_ROLES)
@shown_again(show_phone)
def offer_phone() -> Response:
    """Show a new second factor, this once; the old one holds until a code of the new one was typed."""
    fields = parse_form(request.form, ("password",), ("code", "recovery"))
    new = own.offer_phone(get_context(), get_login(), password=fields["password"], code=parse_code(fields))
    return _show_offer(new.offer, new=new)


@blueprint.post("/office/account/phone/code")
@access("login", roles=PEOPLE_ROLES)
@shown_again(show_phone)
def take_phone() -> Response:
    """Look at the first code of the new phone, which from then on is the second factor."""
    fields = parse_form(request.form, ("offer", "code"))
    try:
        new = own.take_phone(get_context(), get_login(), **fields)
    except Problem as problem:
        if problem.code != "wrong-code":
            raise
        # What was shown is not shown again. Whoever has it can try once more.
        return _show_offer(fields["offer"], problem)
    return cookies.log_in(redirect_to("accounts.show_own", done="phone"), new)


def _show_offer(offer: str, problem: Problem | None = None, *, new: PhoneOffer | None = None) -> Response:
    # In the page and not at an address of its own, which could be opened again. A picture has no text in it.
    picture = Markup(_draw(new.totp_address).to_string().decode()) if new else None  # noqa: S704
    return make_office_page(
        "accounts/new_phone.html",
        problem=problem,
        here=url_for("accounts.show_phone"),
        offer=offer,
        new=new,
        picture=picture,
    )


@blueprint.post("/office/account/sessions/<int:session_id>/end")
@access("login", roles=PEOPLE_ROLES)
def end_session(session_id: int) -> Response:
    """Log out on another device."""
    parse_form(request.form)
    logins.end_session(get_context(), get_login(), session_id)
    return redirect_to("accounts.show_own", done="session")


@blueprint.post("/office/account/sessions/end")
@access("login", roles=PEOPLE_ROLES)
def end_other_sessions() -> Response:
    """Log out everywhere else."""
    parse_form(request.form)
    logins.end_other_sessions(get_context(), get_login())
    return redirect_to("accounts.show_own", done="session")


# --- everybody's accounts ----------------------------------------------------------------------------------


@blueprint.get("/office/accounts")
@access("login", roles=ADMINISTRATORS)
def list_accounts(problem: Problem | None = None) -> Response:
    """Who has an account, and the form that invites somebody."""
    context = get_context()
    with context.database.read() as session:
        people = service.list_people(session, context.clock.now())
    words = request.args.get("words", "")[:200]
    wanted = words.casefold().split()
    found = [one for one in people if all(word in f"{one.name} {one.email}".casefold() for word in wanted)]
    return make_office_page(
        "accounts/people.html",
        problem=problem,
        page=cut(found, request.args.get("page")),
        words=words,
        roles=PEOPLE_ROLES,
        typed={name: request.form.get(name, "") for name in ("name", "email", "role", "language")},
        chosen_language=request.form.get("language") or get_language(),
        done=request.args.get("done", ""),
    )


@blueprint.post("/office/accounts")
@access("login", roles=ADMINISTRATORS)
@shown_again(list_accounts)
def invite() -> Response:
    """Make an account and its one-time link."""
    fields = parse_form(request.form, ("name", "email", "role", "language", "code"))
    role, language = parse_role(fields["role"]), parse_language(fields["language"])
    # Before the code, which is good once: a slip of the hand must not cost one.
    service.require_name(fields["name"])
    service.require_email(fields["email"])
    confirm(fields["code"])
    new = links.invite(
        get_context(), name=fields["name"], email=fields["email"], role=role, language=language
    )
    return _show_link(new)


@blueprint.get("/office/accounts/<int:number>")
@access("login", roles=ADMINISTRATORS)
def show_account(number: int, problem: Problem | None = None) -> Response:
    """One person, and what can be done about the account."""
    context = get_context()
    with context.database.read() as session:
        person = service.get_person(session, number, context.clock.now())
    return make_office_page(
        "accounts/person.html",
        problem=problem,
        person=person,
        roles=PEOPLE_ROLES,
        has_mail=is_enabled(context.settings),
        done=request.args.get("done", ""),
    )


@blueprint.post("/office/accounts/<int:number>/role")
@access("login", roles=ADMINISTRATORS)
@shown_again(show_account)
def change_role(number: int) -> Response:
    """Give somebody another role."""
    fields = parse_form(request.form, ("role", "code"))
    role = parse_role(fields["role"])
    confirm(fields["code"])
    with get_context().database.write() as session:
        service.change_role(session, number, role)
    if number == get_login().actor.account_number:
        return redirect_to("dashboard_office.show_start")
    return redirect_to("accounts.show_account", number=number, done="role")


@blueprint.post("/office/accounts/<int:number>/link")
@access("login", roles=ADMINISTRATORS)
@shown_again(show_account)
def renew_link(number: int) -> Response:
    """Send an invitation again, or make password and second factor worthless and send a link for new ones."""
    fields = parse_form(request.form, ("code", "way"))
    context = get_context()
    confirm(fields["code"])
    with context.database.read() as session:
        person = service.get_person(session, number, context.clock.now())
    by_mail = fields["way"] != "shown"
    make = links.reset if person.is_ready else links.renew_invitation
    new = make(context, number, by_mail=by_mail)
    return _show_link(new)


@blueprint.post("/office/accounts/<int:number>/end")
@access("login", roles=ADMINISTRATORS)
@shown_again(show_account)
def end_account(number: int) -> Response:
    """End an account, and everything in which it is logged in, at once and for good."""
    fields = parse_form(request.form, ("code",))
    context = get_context()
    confirm(fields["code"])
    links.end_person(context, number)
    return redirect_to("accounts.list_accounts", done="ended")


def _show_link(new: NewLink) -> Response:
    context = get_context()
    with context.database.read() as session:
        person = service.get_person(session, new.account_number, context.clock.now())
    # Whom it was mailed to has it alone; otherwise the administrator passes it on.
    address = None if new.is_mailed else new.get_url(context.settings.base_url)
    return make_office_page(
        "accounts/link.html", here=url_for("accounts.list_accounts"), person=person, address=address
    )
