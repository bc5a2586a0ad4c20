"""One-time links, invitations, roles, and the end of an account."""

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest
from flask import Flask
from sqlalchemy import select, text

from tests.smtp import MailDrop
from tests.voting_app.office import PASSWORD, Officer, Visitor, find_form_token, first_administrator
from voting_app.accounts import links, service
from voting_app.accounts.models import Account, SetupLink
from voting_app.app import create_app
from voting_app.context import Context
from voting_app.errors import Problem
from voting_app.mail.jobs import run_due


def new_link(app: Flask) -> str:
    context = first(app).context
    with context.database.write() as session:
        return links.create_setup_link(session, context.clock.now())


def first(app: Flask) -> Officer:
    return Officer(app)


# --- the first administrator -------------------------------------------------------------------------------


def test_the_first_administrator_is_set_up_once_and_is_logged_in(each_app: Flask) -> None:
    link = new_link(each_app)
    ada = Officer(each_app)
    page = ada.get(f"/setup/{link}")
    assert (page.status_code, page.headers["Cache-Control"]) == (200, "no-store")
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert ada.get(f"/setup/{link}/qr.svg").data.startswith(b"<?xml")
    assert ada.set_up(link, name="Ada Lovelace", email="Ada@example.org").status_code == 200
    assert ada.is_logged_in()
    # The link is used up, and there is no second one.
    assert ada.get(f"/setup/{link}").status_code == 404
    assert (
        ada.post(f"/setup/{link}", {"password": PASSWORD, "code": ada.code()}, page="/office").status_code
        == 404
    )
    with pytest.raises(Problem, match="already-set-up"):
        new_link(each_app)
    with ada.context.database.read() as session:
        assert session.scalars(select(SetupLink)).one().digest != link
        assert session.scalars(select(Account.email)).one() == "ada@example.org"


@pytest.mark.parametrize(
    "changes",
    [
        {"password": "short"},
        {"password": "x" * 300},
        {"password": "ada@example.org"},
        {"code": "000000"},
        {"code": ""},
        {"name": " "},
        {"name": "x" * 201},
        {"name": "Ada\u202e"},
        {"email": "ada"},
        {"email": "ada@localhost"},
        {"email": "ada@example.org\r\nBcc: eve@example.org"},
    ],
)
def test_a_wrong_form_leaves_the_link_usable(app: Flask, changes: dict[str, str]) -> None:
    ada, link = Officer(app), new_link(app)
    right = {"name": "Ada", "email": "ada@example.org"}
    answer = ada.set_up(link, **{**right, **changes})
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert PASSWORD not in answer.text
    assert not ada.is_logged_in()
    assert ada.set_up(link, **right).status_code == 200


def test_links_end(app: Flask) -> None:
    ada = Officer(app)
    older, newer = new_link(app), new_link(app)
    # A new link is printed at every start until one is used; older ones lie in old terminals.
    assert ada.get(f"/setup/{older}").status_code == 404
    assert ada.get(f"/setup/{newer}").status_code == 200
    ada.clock.advance(hours=25)
    assert ada.get(f"/setup/{newer}").status_code == 404
    assert ada.get("/setup/nonsense").status_code == 404


def test_a_link_of_a_first_start_is_worthless_when_there_is_an_administrator(each_app: Flask) -> None:
    """Two hosts that start at the same moment print one each."""
    link, now = new_link(each_app), Officer(each_app).clock.now()
    context = Officer(each_app).context
    with context.database.write() as session:
        other = service.create_account(session, role="administrator", label="", now=now)
        second = links._add_link(session, other.account_number, links.Purpose.FIRST, now)
    assert Officer(each_app).set_up(link, name="Ada", email="ada@example.org").status_code == 200
    answer = Officer(each_app, "eve@example.org").set_up(second, name="Eve", email="eve@example.org")
    assert (answer.status_code, "An administrator has been set up." in answer.text) == (409, True)


def test_of_two_first_links_at_once_one_makes_the_administrator(each_app: Flask) -> None:
    context, start = Officer(each_app).context, threading.Barrier(2)
    made = [add_first_link(context) for _ in range(2)]

    def use(pair: tuple[int, str]) -> str:
        number, link = pair
        code = pyotp.TOTP(links.get_setup_form(context, link).totp_secret).at(context.clock.now())
        start.wait()
        try:
            links.set_up(
                context, link, password=PASSWORD, code=code, name="A", email=f"a{number}@example.org"
            )
        except Problem as problem:
            return problem.code
        return "done"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(use, enumerate(made))) == ["already-set-up", "done"]


def add_first_link(context: Context) -> str:
    """A first link that ends no other one."""
    now = context.clock.now()
    with context.database.write() as session:
        actor = service.create_account(session, role="administrator", label="", now=now)
        return links._add_link(session, actor.account_number, links.Purpose.FIRST, now)


def test_an_installation_from_before_there_were_logins_gets_a_first_administrator(app: Flask) -> None:
    """Who has a password but no address cannot log in."""
    ada = first_administrator(app)
    with ada.context.database.write() as session:
        session.execute(text("UPDATE account SET email = NULL"))
        assert not service.has_administrator(session)
        assert links.create_setup_link(session, ada.clock.now())


# --- invitations -------------------------------------------------------------------------------------------


def test_an_invitation_gives_what_it_was_made_for(each_ada: Officer) -> None:
    link = each_ada.invite("grace@example.org", "registrar", "Grace <b>Hopper</b>")
    grace = Officer(each_ada.app, "grace@example.org")
    page = grace.get(f"/setup/{link}").text
    assert "Grace &lt;b&gt;Hopper&lt;/b&gt;" in page
    assert 'name="email"' not in page
    assert grace.set_up(link).status_code == 200
    assert "Registrar" in grace.get("/office").text
    people = each_ada.get("/office/accounts").text
    assert "grace@example.org" in people
    assert ">Invited<" not in people


@pytest.mark.parametrize(
    "more", [{"role": "administrator"}, {"account_number": "1"}, {"is_full": "1"}, {"purpose": "first"}]
)
def test_a_field_that_a_form_has_not_refuses_it(ada: Officer, more: dict[str, str]) -> None:
    """Nobody makes himself an administrator by a field of the database's."""
    grace = Officer(ada.app, "grace@example.org")
    link = ada.invite(grace.email, "observer")
    answer = grace.set_up(link, **more)
    assert (answer.status_code, grace.is_logged_in()) == (400, False)
    # Fields of the first administrator's form are read for the first administrator only.
    assert grace.set_up(link, name="Eve", email="eve@example.org").status_code == 200
    page = grace.get("/office/account").text
    assert "grace@example.org" in page
    assert "eve@example.org" not in page
    assert ">Eve<" not in page
    assert "Observer" in page
    assert grace.act("/office/account/recovery", {"password": PASSWORD, **more}).status_code == 400
    assert grace.say_password(**more).status_code == 400


def test_roles_that_there_are_not(ada: Officer) -> None:
    before = ada.get("/office/accounts").text.count('class="card"')
    fields = {"name": "Eve", "email": "eve@example.org", "language": "en"}
    for role in ("trustee", "king", "", "Administrator", "service"):
        assert ada.act("/office/accounts", {**fields, "role": role}).status_code == 400
        assert ada.act(f"/office/accounts/{ada.number}/role", {"role": role}).status_code == 400
    assert ada.act("/office/accounts", {**fields, "role": "observer", "language": "xx"}).status_code == 400
    assert ada.get("/office/accounts").text.count('class="card"') == before


def test_an_invitation_is_good_once_even_at_the_same_time(each_ada: Officer) -> None:
    link = each_ada.invite("grace@example.org")
    rivals = [Officer(each_ada.app, "grace@example.org", f"correct horse {n}") for n in range(4)]
    form = links.get_setup_form(each_ada.context, link)
    code = pyotp.TOTP(form.totp_secret).at(each_ada.clock.now())
    start = threading.Barrier(4)

    def use(rival: Officer) -> int:
        token = find_form_token(rival.get(f"/setup/{link}").text)
        start.wait()
        fields = {"password": rival.password, "code": code, "csrf_token": token}
        return rival.client.post(f"/setup/{link}", data=fields).status_code

    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(pool.map(use, rivals))
    assert statuses == [200, 404, 404, 404]
    assert [rival.is_logged_in() for rival in rivals].count(True) == 1


def test_an_invitation_ends_after_a_week_and_with_a_newer_one(ada: Officer) -> None:
    link = ada.invite("grace@example.org")
    visitor = Visitor(ada.app)
    ada.clock.advance(days=6, hours=23)
    assert visitor.get(f"/setup/{link}").status_code == 200
    ada.clock.advance(hours=2)
    assert visitor.get(f"/setup/{link}").status_code == 404
    ada.log_in()
    page = ada.get("/office/accounts").text
    assert "The link was not used in time" in page
    [number] = set(re.findall(r"/office/accounts/(\d+)", page)) - {str(ada.number)}
    answer = ada.act(f"/office/accounts/{number}/link", {"way": "shown"})
    [newer] = re.findall(r"/setup/([\w-]+)<", answer.text)
    answer = ada.act(f"/office/accounts/{number}/link", {"way": "shown"})
    [newest] = re.findall(r"/setup/([\w-]+)<", answer.text)
    assert visitor.get(f"/setup/{newer}").status_code == 404
    assert visitor.get(f"/setup/{newest}").status_code == 200


def test_an_invitation_of_an_ended_account_is_worthless(ada: Officer) -> None:
    link = ada.invite("grace@example.org")
    page = ada.get("/office/accounts").text
    [number] = set(re.findall(r"/office/accounts/(\d+)", page)) - {str(ada.number)}
    assert ada.act(f"/office/accounts/{number}/end").status_code == 303
    assert Visitor(ada.app).get(f"/setup/{link}").status_code == 404
    # The address can be invited again.
    assert ada.invite("grace@example.org") != link


def test_an_address_has_one_account(each_ada: Officer) -> None:
    fields = {"name": "Eve", "email": "ADA@example.org", "role": "observer", "language": "en"}
    answer = each_ada.act("/office/accounts", fields)
    assert (answer.status_code, "Somebody else has an account" in answer.text) == (409, True)

    def invite(_: int) -> str:
        try:
            links.invite(
                each_ada.context, name="Eve", email="eve@example.org", role="observer", language="en"
            )
        except Problem as problem:
            return problem.code
        return "made"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(invite, range(4))) == ["address-taken"] * 3 + ["made"]


def test_inviting_needs_a_code_and_a_slip_costs_none(ada: Officer) -> None:
    fields = {"name": "Eve", "email": "eve", "role": "observer", "language": "en"}
    code = ada.code()
    assert ada.post("/office/accounts", {**fields, "code": code}, page="/office").status_code == 400
    fields["email"] = "eve@example.org"
    assert ada.post("/office/accounts", {**fields, "code": "000000"}, page="/office").status_code == 400
    assert "eve@example.org" not in ada.get("/office/accounts").text
    assert ada.post("/office/accounts", {**fields, "code": code}, page="/office").status_code == 200


# --- by mail -----------------------------------------------------------------------------------------------


@pytest.fixture
def mail_app(each_mail_context: Context) -> Flask:
    return create_app(
        each_mail_context.settings, clock=each_mail_context.clock, database=each_mail_context.database
    )


def read_outbox(context: Context) -> str:
    with context.database.read() as session:
        return str(session.execute(text("SELECT * FROM outbox")).all())


def test_an_invitation_goes_by_mail_and_its_link_is_kept_nowhere(mail_app: Flask, drop: MailDrop) -> None:
    ada = first_administrator(mail_app)
    context = ada.context
    fields = {"name": "Zoë", "email": "zoe@example.org", "role": "committee", "language": "es"}
    answer = ada.act("/office/accounts", fields)
    # Not shown to the administrator, who could use it.
    assert "/setup/" not in answer.text
    assert "zoe@example.org" in answer.text
    waiting = read_outbox(context)
    assert run_due(context) == 1
    [received] = drop.received
    [link] = re.findall(r"/setup/([\w-]{43})", received.text)
    assert "Zoë" in received.text
    assert received.message["Content-Language"] == "es"
    assert link not in waiting
    with context.database.read() as session:
        assert session.execute(text("SELECT sealed FROM outbox")).scalars().all() == [None]
    # It works, and the address is told that it was used: links can be forwarded.
    zoe = Officer(mail_app, "zoe@example.org")
    assert zoe.set_up(link).status_code == 200
    assert run_due(context) == 1
    assert drop.received[1].recipients == ("zoe@example.org",)
    assert "/setup/" not in drop.received[1].text


def test_who_hears_of_wrong_codes_is_the_owner(mail_app: Flask, drop: MailDrop) -> None:
    """Somebody who comes to the codes knows the password."""
    ada = first_administrator(mail_app)
    thief = Officer(mail_app, ada.email)
    thief.say_password()
    for _ in range(7):
        thief.say_code("000000")
    assert run_due(ada.context) == 1
    assert drop.received[0].recipients == (ada.email,)
    assert "knows your password" in drop.received[0].text


def test_mail_with_a_link_that_is_worthless_is_not_sent(mail_app: Flask, drop: MailDrop) -> None:
    ada = first_administrator(mail_app)
    made = links.invite(ada.context, name="Eve", email="eve@example.org", role="observer", language="en")
    assert made.is_mailed
    ada.clock.advance(minutes=1)
    assert ada.act(f"/office/accounts/{made.account_number}/link", {"way": "shown"}).status_code == 200
    assert run_due(ada.context) == 0
    links.renew_invitation(ada.context, made.account_number, by_mail=True)
    assert ada.act(f"/office/accounts/{made.account_number}/end").status_code == 303
    assert (run_due(ada.context), drop.received) == (0, [])


def test_a_link_that_another_secret_sealed_is_not_sent(mail_app: Flask, drop: MailDrop) -> None:
    ada = first_administrator(mail_app)
    links.invite(ada.context, name="Eve", email="eve@example.org", role="observer", language="en")
    with ada.context.database.write() as session:
        session.execute(text("UPDATE outbox SET message_id = 'moved'"))
    assert (run_due(ada.context), drop.received) == (0, [])
    with ada.context.database.read() as session:
        assert session.execute(text("SELECT state FROM outbox")).scalar() == "failed"


# --- resets ------------------------------------------------------------------------------------------------


def test_a_reset_ends_everything_at_once(each_ada: Officer) -> None:
    grace = each_ada.new_officer("grace@example.org", "administrator")
    answer = each_ada.act(f"/office/accounts/{grace.number}/link", {"way": "shown"})
    [link] = re.findall(r"/setup/([\w-]+)<", answer.text)
    assert not grace.is_logged_in()
    assert grace.say_password().status_code == 400
    old = list(grace.recovery_codes)
    grace.password = "another good phrase"
    assert grace.set_up(link).status_code == 200
    assert grace.is_logged_in()
    assert grace.get(f"/setup/{link}").status_code == 404
    grace.forget_everything()
    grace.say_password()
    assert grace.say_code("", recovery=old[0]).status_code == 400
    grace.clock.advance(minutes=1)
    assert grace.say_code().status_code == 303


def test_a_reset_link_is_good_for_a_day(ada: Officer) -> None:
    grace = ada.new_officer("grace@example.org")
    made = links.reset(ada.context, grace.number, by_mail=False)
    ada.clock.advance(hours=23)
    assert grace.get(f"/setup/{made.text}").status_code == 200
    ada.clock.advance(hours=2)
    assert grace.get(f"/setup/{made.text}").status_code == 404


# --- roles and ends ----------------------------------------------------------------------------------------


def test_an_ended_account_is_out_at_once(each_ada: Officer) -> None:
    grace = each_ada.new_officer("grace@example.org", "administrator")
    half = Officer(each_ada.app, grace.email, totp=grace.totp)
    half.say_password()
    assert grace.is_logged_in()
    assert each_ada.act(f"/office/accounts/{grace.number}/end").status_code == 303
    assert not grace.is_logged_in()
    assert half.say_code().status_code == 401
    assert not half.is_logged_in()
    assert grace.say_password().status_code == 400
    assert "grace@example.org" not in each_ada.get("/office/accounts").text
    assert each_ada.get(f"/office/accounts/{grace.number}").status_code == 404
    # The number stays, because the journal may name it; address and secrets do not.
    with each_ada.context.database.read() as session:
        row = session.get_one(Account, grace.number)
        assert (row.email, row.ended_at is not None) == (None, True)
        count = text("SELECT count(*) FROM password WHERE account_number = :number")
        assert session.execute(count, {"number": grace.number}).scalar() == 0


def test_a_changed_role_holds_at_once(ada: Officer) -> None:
    grace = ada.new_officer("grace@example.org", "administrator")
    assert grace.get("/office/accounts").status_code == 200
    token = find_form_token(grace.get("/office/accounts").text)
    assert ada.act(f"/office/accounts/{grace.number}/role", {"role": "helpdesk"}).status_code == 303
    assert grace.get("/office/accounts").status_code == 403
    fields = {"name": "Eve", "email": "e@example.org", "role": "administrator", "language": "en"}
    answer = grace.client.post("/office/accounts", data={**fields, "code": grace.code(), "csrf_token": token})
    assert (answer.status_code, answer.get_json()["code"]) == (403, "forbidden")
    assert "People" not in grace.get("/office").text


def test_the_last_administrator_stays(each_ada: Officer) -> None:
    ada = each_ada
    # Neither somebody who has not used the link yet, nor a program, could take over.
    ada.invite("grace@example.org", "administrator")
    with ada.context.database.write() as session:
        service.create_token(session, role="administrator", label="", now=ada.clock.now())
    for path, fields in (
        ("end", {}),
        ("role", {"role": "committee"}),
        ("link", {"way": "shown"}),
    ):
        answer = ada.act(f"/office/accounts/{ada.number}/{path}", fields)
        assert (answer.status_code, "This is the last administrator." in answer.text) == (409, True)
    assert ada.is_logged_in()
    assert "Administrator" in ada.get("/office").text
    # With another one it goes.
    ada.new_officer("joan@example.org", "administrator")
    assert ada.act(f"/office/accounts/{ada.number}/role", {"role": "committee"}).status_code == 303
    assert ada.get("/office/accounts").status_code == 403


def end(context: Context, number: int) -> None:
    links.end_person(context, number)


def demote(context: Context, number: int) -> None:
    with context.database.write() as session:
        service.change_role(session, number, "observer")


@pytest.mark.parametrize("act", [end, demote])
def test_of_two_last_administrators_one_stays(each_ada: Officer, act: Callable[[Context, int], None]) -> None:
    """Each ends the other at the same moment."""
    others = [each_ada.new_officer(f"a{n}@example.org", "administrator") for n in range(3)]
    numbers = [each_ada.number, *(other.number for other in others)]

    def try_it(number: int) -> str:
        try:
            act(each_ada.context, number)
        except Problem as problem:
            return problem.code
        return "done"

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(try_it, numbers)) == ["done"] * 3 + ["last-administrator"]
    with each_ada.context.database.read() as session:
        assert service.has_administrator(session)


def test_the_server_helps_when_the_last_administrator_is_lost(ada: Officer) -> None:
    made = links.reset_administrator(ada.context, "ADA@example.org")
    assert not ada.is_logged_in()
    assert ada.say_password().status_code == 400
    ada.password = "another good phrase"
    assert ada.set_up(made.text).status_code == 200
    assert ada.is_logged_in()
    # Or by a new one, who says name and address.
    made = links.reset_administrator(ada.context, None)
    joan = Officer(ada.app, "joan@example.org")
    assert joan.set_up(made.text, name="Joan", email="joan@example.org").status_code == 200
    assert joan.get("/office/accounts").status_code == 200
    grace = ada.new_officer("grace@example.org", "committee")
    for email in ("nobody@example.org", grace.email):
        with pytest.raises(Problem, match="unknown-account"):
            links.reset_administrator(ada.context, email)


def test_the_list_of_people_pages_and_searches(ada: Officer) -> None:
    with ada.context.database.write() as session:
        for number in range(60):
            service.create_account(
                session,
                role="observer",
                label=f"Zoë {number:02}",
                now=ada.clock.now(),
                email=f"o{number:02}@example.org",
            )
    first = ada.get("/office/accounts").text
    assert first.count("card-title") == 50
    assert "1 to 50 of 61" in first
    assert ada.get("/office/accounts?page=2").text.count("card-title") == 11
    found = ada.get("/office/accounts?words=ZOË+o59@").text
    assert (found.count("card-title"), "Zoë 59" in found) == (1, True)
    assert "Nobody was found." in ada.get("/office/accounts?words=%25").text
