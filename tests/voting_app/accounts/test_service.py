"""Tokens, the one-time link, password and second factor."""

from datetime import timedelta

import pyotp
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.voting_app.conftest import SettableClock
from voting_app.accounts import service
from voting_app.accounts.models import AccessToken, Password, SetupLink
from voting_app.context import Context
from voting_app.errors import Problem

PASSWORD = "correct horse battery"


def new_link(context: Context) -> str:
    with context.database.write() as session:
        return service.create_setup_link(session, context.clock.now())


def code_for(context: Context, link: str) -> str:
    with context.database.read() as session:
        form = service.get_setup_form(session, link, context.clock.now(), context.settings.secret, "Local 12")
    return pyotp.TOTP(form.totp_secret).at(context.clock.now())


def test_a_token_is_found_by_its_text_only(context: Context) -> None:
    with context.database.write() as session:
        token = service.create_token(session, role="committee", label="laptop", now=context.clock.now())
    with context.database.read() as session:
        assert service.find_token(session, token.text) == token.actor
        for text in ("", token.text[:-1], token.text + "x", token.text.lower(), "\ud800"):
            assert service.find_token(session, text) is None
        stored = session.scalars(select(AccessToken.digest)).one()
    assert token.text not in stored
    assert len(token.text) >= 43


def test_an_ended_account_is_nobody(context: Context) -> None:
    with context.database.write() as session:
        token = service.create_token(session, role="committee", label="laptop", now=context.clock.now())
        service.end_account(session, token.actor.account_number, context.clock.now())
    with context.database.read() as session:
        assert service.find_token(session, token.text) is None
    with pytest.raises(Problem, match="unknown-account"), context.database.write() as session:
        service.end_account(session, token.actor.account_number, context.clock.now())


def test_account_numbers_tell_no_order(context: Context) -> None:
    with context.database.write() as session:
        numbers = [
            service.create_account(
                session, role="trustee", label=str(i), now=context.clock.now()
            ).account_number
            for i in range(20)
        ]
    assert len(set(numbers)) == 20
    assert numbers != sorted(numbers)


def test_the_first_administrator_is_set_up_once(
    client: FlaskClient, context: Context, clock: SettableClock
) -> None:
    link = new_link(context)
    page = client.get(f"/setup/{link}")
    assert page.status_code == 200
    assert page.headers["Cache-Control"] == "no-store"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert client.get(f"/setup/{link}/qr.svg").data.startswith(b"<?xml")
    form = {"password": PASSWORD, "code": code_for(context, link)}
    assert client.post(f"/setup/{link}", data=form).status_code == 200
    # The link is used up, and there is no second one.
    assert client.get(f"/setup/{link}").status_code == 404
    assert client.post(f"/setup/{link}", data=form).status_code == 404
    with pytest.raises(Problem, match="already-set-up"):
        new_link(context)
    with context.database.read() as session:
        row = session.scalars(select(Password)).one()
        assert row.password_hash.startswith("$argon2id$")
        assert PASSWORD not in row.password_hash
        assert session.scalars(select(SetupLink)).one().digest != link


@pytest.mark.parametrize(
    "password,code", [("short", None), ("x" * 300, None), (PASSWORD, "000000"), (PASSWORD, "")]
)
def test_a_wrong_form_leaves_the_link_usable(
    client: FlaskClient, context: Context, password: str, code: str | None
) -> None:
    link = new_link(context)
    right = code_for(context, link)
    answer = client.post(
        f"/setup/{link}", data={"password": password, "code": right if code is None else code}
    )
    assert answer.status_code == 400
    assert b'role="alert"' in answer.data
    assert client.post(f"/setup/{link}", data={"password": PASSWORD, "code": right}).status_code == 200


def test_links_end(client: FlaskClient, context: Context, clock: SettableClock) -> None:
    first = new_link(context)
    second = new_link(context)
    # A new link is printed at every start until one is used; older ones lie in old terminals.
    assert client.get(f"/setup/{first}").status_code == 404
    assert client.get(f"/setup/{second}").status_code == 200
    clock.advance(hours=25)
    assert client.get(f"/setup/{second}").status_code == 404
    assert client.get("/setup/nonsense").status_code == 404


@pytest.fixture
def administrator(context: Context, clock: SettableClock) -> tuple[int, pyotp.TOTP]:
    """The account number of an administrator and their authenticator app."""
    link = new_link(context)
    with context.database.write() as session:
        form = service.get_setup_form(session, link, clock.now(), context.settings.secret, "Local 12")
        actor = service.set_up_administrator(
            session,
            link,
            password=PASSWORD,
            code=pyotp.TOTP(form.totp_secret).at(clock.now()),
            now=clock.now(),
            secret=context.settings.secret,
        )
    clock.advance(minutes=1)
    return actor.account_number, pyotp.TOTP(form.totp_secret)


def log_in(context: Context, number: int, password: str, code: str) -> service.Actor | None:
    with context.database.write() as session:
        return service.verify_login(
            session,
            number,
            password=password,
            code=code,
            now=context.clock.now(),
            secret=context.settings.secret,
        )


def test_login_needs_both_and_each_code_once(
    context: Context, clock: SettableClock, administrator: tuple[int, pyotp.TOTP]
) -> None:
    number, app = administrator
    code = app.at(clock.now())
    assert log_in(context, number, "wrong password", code) is None
    assert log_in(context, number, PASSWORD, "000000") is None
    assert log_in(context, number + 1, PASSWORD, code) is None
    assert log_in(context, number, PASSWORD, app.at(clock.now() - timedelta(minutes=2))) is None
    assert log_in(context, number, PASSWORD, code) == service.Actor("administrator", number)
    # Somebody who looked over the shoulder.
    assert log_in(context, number, PASSWORD, code) is None


def test_guesses_lock_the_account_for_a_while(
    context: Context, clock: SettableClock, administrator: tuple[int, pyotp.TOTP]
) -> None:
    number, app = administrator
    for _ in range(service.FAILURES_BEFORE_LOCK):
        assert log_in(context, number, PASSWORD, "000000") is None
    assert log_in(context, number, PASSWORD, app.at(clock.now())) is None
    clock.advance(minutes=16)
    assert log_in(context, number, PASSWORD, app.at(clock.now())) is not None


def test_an_ended_administrator_cannot_log_in(
    context: Context, clock: SettableClock, administrator: tuple[int, pyotp.TOTP]
) -> None:
    number, app = administrator
    with context.database.write() as session:
        service.end_account(session, number, clock.now())
    assert log_in(context, number, PASSWORD, app.at(clock.now())) is None
