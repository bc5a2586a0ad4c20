"""Another phone, new recovery codes, another password: what it takes, and what ends with it."""

import html
import re
from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from tests.smtp import MailDrop
from tests.voting_app.office import PASSWORD, Officer, Visitor, find_form_token, first_administrator
from voting_app.accounts import factors, links, own
from voting_app.accounts.models import KnownBrowser, NewPhone, Password
from voting_app.app import create_app
from voting_app.context import Context
from voting_app.errors import Problem
from voting_app.mail.jobs import run_due

PHONE = "/office/account/phone"
TAKEN = "/office/account?done=phone"


def offer(who: Officer, **fields: str) -> tuple[str, pyotp.TOTP]:
    """Ask for another phone: what the next form names, and the app on the new phone."""
    answer = who.act(PHONE, {"password": who.password, **fields})
    assert answer.status_code == 200, answer.text
    return read_offer(answer.text)


def read_offer(page: str) -> tuple[str, pyotp.TOTP]:
    [name] = re.findall(r'name="offer" value="([\w-]{43})"', page)
    [groups] = re.findall(r'class="code"[^>]*>((?:<span>[A-Z2-7]+</span>)+)</code>', page)
    assert "<svg" in page
    return name, pyotp.TOTP(re.sub(r"</?span>", "", groups))


def take(who: Officer, name: str, code: str) -> tuple[int, str]:
    """Type a code of the new phone; the status, and where that leads or the page."""
    answer = who.post(f"{PHONE}/code", {"offer": name, "code": code}, page="/office")
    return answer.status_code, answer.headers.get("Location", "") or html.unescape(answer.text)


def now(app: pyotp.TOTP, who: Officer) -> str:
    return app.at(who.clock.now())


def accepts(who: Officer, app: pyotp.TOTP) -> bool:
    """Whether the digits of this app are good for a login."""
    who.clock.advance(minutes=20)
    browser = Officer(who.app, who.email, who.password, totp=app)
    return browser.log_in().status_code == 303


# --- another phone -----------------------------------------------------------------------------------------


def test_a_new_phone_takes_the_place_of_the_old_one(each_ada: Officer) -> None:
    ada, old = each_ada, each_ada.totp
    assert old is not None
    other = Officer(ada.app, ada.email, totp=old)
    other.log_in()
    name, new = offer(ada)
    # Until a code of the new one was typed the old one counts, and nobody is logged out.
    assert other.is_logged_in()
    with ada.context.database.read() as session:
        [row] = session.scalars(select(Password))
    assert factors.unseal_totp(ada.context.settings.secret, ada.number, row.sealed_totp) == old.secret
    code = now(new, ada)
    assert take(ada, name, code) == (303, TAKEN)
    assert "Your new phone is the one that counts now." in ada.get(TAKEN).text
    assert (ada.is_logged_in(), other.is_logged_in()) == (True, False)
    with ada.context.database.read() as session:
        # This one, anew.
        assert session.scalar(select(func.count()).select_from(KnownBrowser)) == 1
        assert session.scalar(select(func.count()).select_from(NewPhone)) == 0
    # The code that was typed is good for nothing else, and neither is the offer.
    fields = {"password": PASSWORD, "code": code}
    assert ada.post("/office/account/recovery", fields, page="/office").status_code == 400
    assert take(ada, name, code)[0] == 409
    assert accepts(ada, new)
    assert not accepts(ada, old)


def test_who_has_lost_the_phone_uses_a_recovery_code(ada: Officer) -> None:
    answer = ada.post(PHONE, {"password": PASSWORD, "recovery": ada.recovery_codes[0]}, page=PHONE)
    name, new = read_offer(answer.text)
    assert take(ada, name, now(new, ada)) == (303, TAKEN)
    # It is good once, and the others stay.
    ada.totp = new
    again = {"password": PASSWORD, "recovery": ada.recovery_codes[0]}
    assert ada.post(PHONE, again, page=PHONE).status_code == 400
    assert "You have 9 recovery codes left." in ada.get("/office/account").text


def test_a_session_alone_changes_nothing(ada: Officer) -> None:
    """An open browser has neither password nor phone; who knows one of the two lacks the other."""
    for fields in (
        {"password": "wrong horse battery", "code": ada.code()},
        {"password": PASSWORD},
        {"password": PASSWORD, "recovery": "0000-0000-0000-0000"},
    ):
        for path in (PHONE, "/office/account/recovery"):
            answer = ada.post(path, {"password": "", **fields}, page="/office")
            assert answer.status_code == 400, fields
            assert 'name="offer"' not in answer.text
            assert 'class="codes"' not in answer.text
    # Without the first step there is no second one.
    assert take(ada, "x", "000000")[0] == 409
    with ada.context.database.read() as session:
        assert session.scalar(select(func.count()).select_from(NewPhone)) == 0


def test_the_old_phone_stays_where_nobody_finishes(ada: Officer) -> None:
    old = ada.totp
    assert old is not None
    name, new = offer(ada)
    # No more than what is shown once is shown again.
    page = ada.get(PHONE).text
    assert new.secret not in page
    assert name not in page
    ada.clock.advance(minutes=11)
    status, page = take(ada, name, now(new, ada))
    assert (status, "Please begin again." in page) == (409, True)
    assert not accepts(ada, new)
    assert accepts(ada, old)


def test_only_a_code_of_the_new_phone_finishes(ada: Officer) -> None:
    old = ada.totp
    assert old is not None
    name, new = offer(ada)
    status, page = take(ada, name, old.at(ada.clock.now()))
    assert (status, "The six digits are not those" in page) == (400, True)
    # Who has scanned the picture tries once more; who has not begins again, because it is shown once.
    assert new.secret not in page
    assert name in page
    assert take(ada, name, now(new, ada)) == (303, TAKEN)


def test_codes_of_a_new_phone_are_guessed_five_times(each_ada: Officer) -> None:
    name, new = offer(each_ada)
    assert [take(each_ada, name, "000000")[0] for _ in range(6)] == [400] * 4 + [429] * 2
    # The offer ended with them, also after the pause.
    each_ada.clock.advance(minutes=9)
    assert take(each_ada, name, now(new, each_ada))[0] == 429
    with each_ada.context.database.read() as session:
        assert session.scalar(select(func.count()).select_from(NewPhone)) == 0
    assert accepts(each_ada, each_ada.totp)  # type: ignore[arg-type]


def test_passwords_and_codes_are_guessed_five_times_here_too(ada: Officer) -> None:
    wrong = {"password": "wrong horse battery", "code": "000000"}
    assert [ada.post(PHONE, wrong, page="/office").status_code for _ in range(6)] == [400] * 5 + [429]
    # Counted together with those at the form of the password: they are not five more.
    fields = {"old": "wrong horse battery", "new": "a much better phrase", "code": "000000"}
    assert ada.post("/office/account/password", fields, page="/office").status_code == 429
    ada.clock.advance(minutes=16)
    wrong = {"password": PASSWORD, "code": "000000"}
    assert [ada.post(PHONE, wrong, page="/office").status_code for _ in range(5)] == [400] * 4 + [429]
    assert not ada.is_logged_in()


def test_a_code_that_was_used_offers_nothing(ada: Officer) -> None:
    """Whoever looked over the shoulder."""
    fields = {"password": PASSWORD, "code": ada.code()}
    for expected in (200, 400):
        assert ada.post(PHONE, fields, page="/office").status_code == expected


def test_a_newer_offer_ends_the_one_before(ada: Officer) -> None:
    """Two tabs: the phone of the older one cannot come in by mistake."""
    first, app = offer(ada)
    second, new = offer(ada)
    assert app.secret != new.secret
    assert take(ada, first, now(app, ada))[0] == 409
    assert take(ada, first, now(new, ada))[0] == 409
    assert take(ada, second, now(app, ada))[0] == 400
    assert take(ada, second, now(new, ada)) == (303, TAKEN)


def test_nobody_is_given_a_phone_that_somebody_else_was_offered(ada: Officer) -> None:
    """Neither another account's nor that of another session of one's own: whoever saw it there has it too."""
    grace = ada.new_officer("grace@example.org")
    grace.log_in()
    name, app = offer(grace)
    assert take(ada, name, now(app, ada))[0] == 409
    other = Officer(ada.app, ada.email, totp=ada.totp)
    other.log_in()
    name, app = offer(other)
    assert take(ada, name, now(app, ada))[0] == 409
    assert take(other, name, now(app, other)) == (303, TAKEN)
    assert not ada.is_logged_in()


def test_what_ends_the_session_ends_the_offer(ada: Officer) -> None:
    """Logged out elsewhere, or with the factors taken by an administrator."""
    grace = ada.new_officer("grace@example.org")
    grace.log_in()
    name, app = offer(grace)
    login = own_login(grace)
    ada.act(f"/office/accounts/{grace.number}/link", {"way": "shown"})
    # The request was let in before the administrator acted.
    with pytest.raises(Problem, match="not-logged-in"):
        own.take_phone(grace.context, login, offer=name, code=now(app, grace))
    login, other = own_login(ada), Officer(ada.app, ada.email, totp=ada.totp)
    name, app = offer(ada)
    other.log_in()
    other.post("/office/account/sessions/end", page="/office")
    with pytest.raises(Problem, match="not-logged-in"):
        own.take_phone(ada.context, login, offer=name, code=now(app, ada))


def own_login(who: Officer) -> own.Login:
    """Who a request is from, as it was when it came in."""
    with who.client.session_transaction("/office") as session:
        found = own.logins.find_login(who.context, session["_user_id"])
    assert found is not None
    return found


def test_of_two_who_finish_at_once_one_does(each_ada: Officer) -> None:
    ada = each_ada
    name, new = offer(ada)
    code, token = now(new, ada), find_form_token(ada.get("/office").text)

    def finish(client: FlaskClient) -> bool:
        fields = {"offer": name, "code": code, "csrf_token": token}
        answer = client.post(f"{PHONE}/code", data=fields, headers={"Accept": "text/html"})
        return answer.status_code == 303 and answer.headers["Location"] == TAKEN

    clients = []
    for _ in range(4):
        browser = Visitor(ada.app)
        browser.client.set_cookie("steward-office", ada.cookies()["steward-office"])
        clients.append(browser.client)
    with ThreadPoolExecutor(4) as pool:
        done = sorted(pool.map(finish, clients))
    assert done == [False, False, False, True]
    ada.clock.advance(seconds=30)
    assert accepts(ada, new)


def test_of_two_who_change_at_once_the_second_was_logged_out(each_ada: Officer) -> None:
    """Whoever has the account and its owner: the first one wins, and nothing of the other is half done."""
    ada, other = each_ada, Officer(each_ada.app, each_ada.email, totp=each_ada.totp)
    other.log_in()
    name, app = offer(ada)
    second = own_login(other)
    assert take(ada, name, now(app, ada)) == (303, TAKEN)
    ada.totp = app
    for act in (
        lambda: own.offer_phone(ada.context, second, password=PASSWORD, code=ada.code()),
        lambda: own.renew_recovery_codes(ada.context, second, password=PASSWORD, code=ada.code()),
        lambda: own.change_password(
            ada.context, second, old=PASSWORD, new="a much better phrase", code=ada.code()
        ),
    ):
        with pytest.raises(Problem, match="not-logged-in"):
            act()
    assert accepts(ada, app)


def test_the_database_has_nothing_of_a_phone_that_was_offered(ada: Officer) -> None:
    name, app = offer(ada)
    ada.context.database.dispose()
    for file in ada.context.settings.instance_folder.glob("steward.sqlite3*"):
        raw = file.read_bytes()
        assert app.secret.encode() not in raw
        assert name.encode() not in raw


# --- new recovery codes ------------------------------------------------------------------------------------


def test_new_recovery_codes_end_other_sessions(ada: Officer) -> None:
    other = Officer(ada.app, ada.email, totp=ada.totp)
    other.log_in()
    assert ada.act("/office/account/recovery", {"password": PASSWORD}).status_code == 200
    assert (ada.is_logged_in(), other.is_logged_in()) == (True, False)


def test_a_copy_of_the_cookie_is_worthless_after_each_change(ada: Officer) -> None:
    """Who changes a factor because of a thief must not leave the thief logged in."""

    def change_phone() -> None:
        name, new = offer(ada)
        assert take(ada, name, now(new, ada)) == (303, TAKEN)
        ada.totp = new

    for change in (
        change_phone,
        lambda: ada.act("/office/account/recovery", {"password": PASSWORD}),
        lambda: ada.act("/office/account/password", {"old": PASSWORD, "new": "a much better phrase"}),
    ):
        thief = Visitor(ada.app)
        for name, value in ada.cookies().items():
            thief.client.set_cookie(name, value)
        assert thief.get("/office").status_code == 200
        before = ada.cookies()
        change()
        assert thief.get("/office").status_code == 303
        assert ada.is_logged_in()
        # Not even known as a browser; the owner's is.
        assert not set(before.values()) & set(ada.cookies().values())


# --- mail --------------------------------------------------------------------------------------------------


def test_the_owner_hears_of_each_change(mail_context: Context, drop: MailDrop) -> None:
    app = create_app(mail_context.settings, clock=mail_context.clock, database=mail_context.database)
    ada = first_administrator(app)
    name, new = offer(ada)
    # Nothing has changed yet.
    assert run_due(mail_context) == 0
    assert take(ada, name, now(new, ada)) == (303, TAKEN)
    ada.totp = new
    ada.act("/office/account/recovery", {"password": PASSWORD})
    ada.act("/office/account/password", {"old": PASSWORD, "new": "a much better phrase"})
    assert run_due(mail_context) == 3
    subjects = [str(one.message["Subject"]) for one in drop.received]
    assert subjects == [
        "Another phone for your account at Local 12",
        "New recovery codes for your account at Local 12",
        "Another password for your account at Local 12",
    ]
    for one in drop.received:
        assert one.recipients == (ada.email,)
        assert "If it was not you, tell an administrator at once" in one.text
        assert new.secret not in one.text
        assert "/setup/" not in one.text


def test_another_link_does_not_take_the_news_back(mail_context: Context, drop: MailDrop) -> None:
    app = create_app(mail_context.settings, clock=mail_context.clock, database=mail_context.database)
    first_administrator(app)
    made = links.invite(
        mail_context, name="Grace", email="grace@example.org", role="committee", language="en"
    )
    grace = Officer(app, "grace@example.org")
    assert grace.set_up(made.text).status_code == 200
    name, new = offer(grace)
    assert take(grace, name, now(new, grace)) == (303, TAKEN)
    links.reset(mail_context, grace.number, by_mail=False)
    links.end_person(mail_context, grace.number)
    run_due(mail_context)
    assert [str(one.message["Subject"]) for one in drop.received] == [
        "Another phone for your account at Local 12"
    ]
