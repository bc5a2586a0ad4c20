"""Logging in, guessing, sessions, and the second factor once more."""

import logging
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from flask import Flask
from sqlalchemy import select, text
from werkzeug.test import TestResponse

from tests.voting_app.office import PASSWORD, Officer, Visitor
from voting_app.accounts import factors, logins, tries
from voting_app.accounts.models import LoginSession, LoginTry, Password, RecoveryCode
from voting_app.app import create_app
from voting_app.errors import Problem

WRONG = "Mail address or password is wrong."
PAUSED = "There were too many wrong tries."


def told(answer: TestResponse) -> tuple[int, str, tuple[str, ...]]:
    """Everything that an answer tells but what is of chance in every one."""
    page = re.sub(r'(name="csrf_token" value=)"[^"]+"', r"\1", answer.text)
    return (
        answer.status_code,
        re.sub(r'(name="email"[^>]* value=)"[^"]*"', r"\1", page),
        tuple(sorted(answer.headers.keys())),
    )


def stranger(ada: Officer, email: str = "") -> Officer:
    """Somebody who knows an address, and nothing else."""
    return Officer(ada.app, email or ada.email, "wrong horse battery")


# --- the way in --------------------------------------------------------------------------------------------


def test_a_login_takes_a_password_and_then_a_code(each_ada: Officer) -> None:
    ada = each_ada
    ada.forget_everything()
    # However it is typed.
    ada.email = " Ada@Example.ORG "
    assert not ada.is_logged_in()
    assert ada.say_password().headers["Location"] == "/office/login/code"
    # The password alone opens nothing.
    assert not ada.is_logged_in()
    assert ada.say_code().headers["Location"] == "/office"
    assert ada.is_logged_in()


def test_a_code_is_good_once_and_now(ada: Officer) -> None:
    assert ada.totp is not None
    for code in (
        ada.totp.at(ada.clock.now()),
        ada.totp.at(ada.clock.now() + timedelta(minutes=2)),
        "000000",
        "",
    ):
        ada.forget_everything()
        ada.clock.advance(minutes=20)
        ada.say_password()
        assert "The six digits are not those" in ada.say_code(code).text
        assert not ada.is_logged_in()
    ada.clock.advance(minutes=20)
    good = ada.totp.at(ada.clock.now())
    ada.say_password()
    assert ada.say_code(good).status_code == 303
    # Somebody who looked over the shoulder, and knows the password.
    ada.forget_everything()
    ada.say_password()
    assert ada.say_code(good).status_code == 400


def test_a_code_typed_in_two_places_at_once_is_good_in_one(each_ada: Officer) -> None:
    browsers = []
    for _ in range(4):
        each_ada.forget_everything()
        each_ada.say_password()
        browsers.append(Officer(each_ada.app, totp=each_ada.totp))
        browsers[-1].client = each_ada.client
    code = each_ada.code()
    with ThreadPoolExecutor(4) as pool:
        statuses = sorted(answer.status_code for answer in pool.map(lambda one: one.say_code(code), browsers))
    assert statuses == [303, 400, 400, 400]


def test_the_code_comes_soon_after_the_password(ada: Officer) -> None:
    ada.forget_everything()
    ada.say_password()
    ada.clock.advance(minutes=11)
    answer = ada.say_code()
    assert answer.status_code == 401
    assert "This took too long." in answer.text
    # Without the first step there is no second one.
    assert Visitor(ada.app).get("/office/login/code").headers["Location"] == "/office/login"


def test_each_step_has_a_token_of_its_own(ada: Officer) -> None:
    """Whoever planted or saw an earlier one has nothing of what comes later."""
    ada.forget_everything()
    ada.get("/office/login")
    planted = ada.cookies()["steward-office"]
    ada.say_password()
    half = ada.cookies()["steward-office"]
    with ada.client.session_transaction("/office") as session:
        pending = session["pending"]
    ada.say_code()
    whole = ada.cookies()["steward-office"]
    with ada.client.session_transaction("/office") as session:
        token = session["_user_id"]
        assert "pending" not in session
    assert len({planted, half, whole}) == 3
    assert pending != token
    for cookie in (planted, half):
        thief = Visitor(ada.app)
        thief.client.set_cookie("steward-office", cookie)
        assert thief.get("/office").status_code == 303
    with pytest.raises(Problem, match="login-over"):
        logins.finish_login(ada.context, pending, code=ada.code(), browser=None)
    # Nor is a token for the code one for the pages, and the other way round.
    assert logins.find_login(ada.context, pending) is None
    with pytest.raises(Problem, match="login-over"):
        logins.finish_login(ada.context, token, code=ada.code(), browser=None)


def test_the_database_has_nothing_that_opens_a_door(ada: Officer) -> None:
    with ada.client.session_transaction("/office") as session:
        token = session["_user_id"]
    secrets = [token, ada.cookies()["steward-browser"], PASSWORD, *ada.recovery_codes, ada.totp.secret]  # type: ignore[union-attr]
    ada.context.database.dispose()
    for file in ada.context.settings.instance_folder.glob("steward.sqlite3*"):
        raw = file.read_bytes()
        assert not [secret for secret in secrets if secret.encode() in raw]
    with ada.context.database.read() as session:
        assert session.scalars(select(Password.password_hash)).one().startswith("$argon2id$")


def test_passwords_cost_what_they_must(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert factors.hash_password(PASSWORD).startswith("$argon2id$v=19$m=65536,t=3,p=1$")


def test_nothing_of_a_login_is_logged(ada: Officer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    ada.forget_everything()
    ada.say_password(next="/office/account")
    code = ada.code()
    ada.say_code(code)
    assert "/office/login" in caplog.text
    for secret in (ada.email, PASSWORD, code, "example", *ada.cookies().values()):
        assert secret not in caplog.text


# --- whether there is such an account ----------------------------------------------------------------------


def test_unknown_addresses_get_the_same_answers(ada: Officer) -> None:
    """With the right form and a wrong password, at each try, until there is a pause and in it."""
    ada.invite("invited@example.org")
    ended = ada.new_officer("ended@example.org")
    ada.act(f"/office/accounts/{ended.number}/end")
    addresses = (
        ada.email,
        "nobody@example.org",
        "invited@example.org",
        "ended@example.org",
        "x",
        "\x00' OR 1=1",
        "é@é",
    )
    for attempt in range(7):
        answers = {told(stranger(ada, address).say_password()) for address in addresses}
        assert len(answers) == 1, answers
        [(status, page, _)] = answers
        assert (status, (WRONG if attempt < 5 else PAUSED) in page) == (400 if attempt < 5 else 429, True)


def test_unknown_addresses_cost_the_same_work(ada: Officer, monkeypatch: pytest.MonkeyPatch) -> None:
    verified: list[str] = []
    verify = Argon2id.verify_phc_encoded

    def count(material: bytes, encoded: str) -> None:
        # What the work depends on.
        verified.append(encoded.rpartition("$")[0].rpartition("$")[0])
        verify(material, encoded)

    monkeypatch.setattr(factors, "Argon2id", type("Counted", (), {"verify_phc_encoded": staticmethod(count)}))
    ada.invite("invited@example.org")
    work = []
    for address in (ada.email, "nobody@example.org", "invited@example.org"):
        verified.clear()
        stranger(ada, address).say_password()
        work.append(list(verified))
    assert work == [["$argon2id$v=19$m=64,t=1,p=1"]] * 3


# --- guessing ----------------------------------------------------------------------------------------------


def test_passwords_are_guessed_five_times_in_a_quarter_of_an_hour(ada: Officer) -> None:
    ada.forget_everything()
    thief = stranger(ada)
    for _ in range(tries.OF_ONE.tries):
        assert WRONG in thief.say_password().text
    # Now the right one is not looked at either, and it is said for how long.
    thief.password = PASSWORD
    answer = thief.say_password()
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "901")
    assert "Try again in 16 minutes." in answer.text
    ada.clock.advance(minutes=14)
    assert "Try again in 2 minutes." in thief.say_password().text
    ada.clock.advance(minutes=2)
    assert thief.say_password().status_code == 303


def test_pauses_grow_to_a_day_and_are_forgotten(ada: Officer) -> None:
    lengths = []
    for _ in range(9):
        for _ in range(5):
            assert stranger(ada).say_password().status_code == 400
        lengths.append(int(stranger(ada).say_password().headers["Retry-After"]) // 60)
        ada.clock.advance(minutes=lengths[-1] + 1)
    assert lengths == [15, 30, 60, 120, 240, 480, 960, 1440, 1440]
    ada.clock.advance(days=3)
    for _ in range(5):
        assert stranger(ada).say_password().status_code == 400
    assert stranger(ada).say_password().headers["Retry-After"] == "901"


def test_patience_is_no_way_round_a_pause(ada: Officer) -> None:
    """Four guesses an hour would be a hundred a day."""
    refused = 0
    for _ in range(24):
        refused += [stranger(ada).say_password().status_code for _ in range(4)].count(429)
        ada.clock.advance(minutes=61)
    assert refused > 60


def test_a_pause_survives_a_restart_and_holds_on_every_host(each_ada: Officer) -> None:
    for _ in range(5):
        stranger(each_ada).say_password()
    context = each_ada.context
    again = create_app(context.settings, clock=context.clock, database=context.database)
    assert Officer(again, each_ada.email).say_password().status_code == 429


def test_guesses_at_the_same_time_are_counted_one_by_one(each_ada: Officer) -> None:
    """Before they are judged: not one more than the limit is looked at."""
    guessers = [stranger(each_ada) for _ in range(12)]
    with ThreadPoolExecutor(6) as pool:
        statuses = [answer.status_code for answer in pool.map(Officer.say_password, guessers)]
    # Some are asked to come back, because one password is verified at a time; they were counted too.
    assert set(statuses) <= {400, 429, 503}
    assert statuses.count(400) + statuses.count(503) == 5


def test_a_stranger_locks_nobody_out_of_a_browser_that_is_known(ada: Officer) -> None:
    ada.post("/office/logout", page="/office")
    for _ in range(20):
        stranger(ada).say_password()
    # Not from elsewhere, but from where she was logged in before.
    assert Officer(ada.app, ada.email).say_password().status_code == 429
    assert ada.log_in().status_code == 303
    # Somebody on her computer has as few guesses as a stranger, of passwords and of codes.
    ada.post("/office/logout", page="/office")
    ada.password = "wrong horse battery"
    assert [ada.say_password().status_code for _ in range(6)] == [400] * 5 + [429]


def test_a_known_browser_is_known_for_one_account(ada: Officer) -> None:
    """Otherwise each officer could guess the others' passwords without a pause."""
    grace = ada.new_officer("grace@example.org")
    for _ in range(5):
        stranger(ada).say_password()
    grace.post("/office/logout", page="/office")
    grace.email, grace.password = ada.email, PASSWORD
    assert grace.say_password().status_code == 429


def test_one_password_with_many_addresses_is_paused_too(
    ada: Officer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tries, "OF_ALL", replace(tries.OF_ALL, tries=10))
    for number in range(10):
        assert stranger(ada, f"x{number}@example.org").say_password().status_code == 400
    assert stranger(ada, "fresh@example.org").say_password().status_code == 429
    # Not for known browsers, and not for long.
    ada.post("/office/logout", page="/office")
    assert ada.log_in().status_code == 303
    ada.clock.advance(minutes=16)
    ada.forget_everything()
    assert ada.log_in().status_code == 303


def test_good_logins_do_not_count(ada: Officer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tries, "OF_ALL", replace(tries.OF_ALL, tries=3))
    for _ in range(5):
        ada.forget_everything()
        assert ada.log_in().status_code == 303


def test_a_new_link_is_a_way_in_that_no_stranger_can_close(ada: Officer) -> None:
    grace = ada.new_officer("grace@example.org")
    for _ in range(30):
        stranger(ada, grace.email).say_password()
    answer = ada.act(f"/office/accounts/{grace.number}/link", {"way": "shown"})
    [link] = re.findall(r"/setup/([\w-]+)<", answer.text)
    grace.forget_everything()
    assert grace.set_up(link).status_code == 200
    assert grace.is_logged_in()


def test_codes_are_guessed_five_times(ada: Officer) -> None:
    thief = Officer(ada.app, ada.email)
    thief.say_password()
    assert [thief.say_code("000000").status_code for _ in range(6)] == [400] * 5 + [429]
    # A new password step gives no new guesses, and no recovery code is looked at either.
    thief.forget_everything()
    thief.say_password()
    assert thief.say_code("000000").status_code == 429
    assert thief.say_code("", recovery=ada.recovery_codes[0]).status_code == 429
    # Who is logged in elsewhere has no part of it, and can log in there again.
    ada.post("/office/logout", page="/office")
    assert ada.log_in().status_code == 303


def test_recovery_codes_are_guessed_five_times(ada: Officer) -> None:
    thief = Officer(ada.app, ada.email)
    thief.say_password()
    statuses = [thief.say_code("", recovery=f"0000-0000-0000-000{n}").status_code for n in range(6)]
    assert statuses == [400] * 5 + [429]
    assert thief.say_code("", recovery=ada.recovery_codes[0]).status_code == 429


def test_what_strangers_typed_is_not_kept(ada: Officer) -> None:
    stranger(ada, "somebody.private@example.org").say_password()
    with ada.context.database.read() as session:
        subjects = session.scalars(select(LoginTry.subject)).all()
    assert subjects
    assert all(re.fullmatch("[0-9a-f]{64}", subject) for subject in subjects)
    ada.clock.advance(days=3)
    ada.forget_everything()
    ada.log_in()
    with ada.context.database.read() as session:
        assert session.execute(text("SELECT count(*) FROM login_try WHERE count > 0")).scalar() == 0


def test_a_flood_of_logins_leaves_threads_for_the_voting(ada: Officer) -> None:
    """One password is verified at a time, one waits, and the others are asked to come back."""
    with factors._at_work:
        assert factors._places.acquire(blocking=False)
        assert factors._places.acquire(blocking=False)
        answer = stranger(ada).say_password()
        factors._places.release()
        factors._places.release()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")


# --- recovery codes ----------------------------------------------------------------------------------------


def test_a_recovery_code_stands_in_for_the_phone_once(each_ada: Officer) -> None:
    ada = each_ada
    assert len(set(ada.recovery_codes)) == 10
    for typed in (ada.recovery_codes[0], ada.recovery_codes[1].upper().replace("-", " ")):
        ada.forget_everything()
        ada.say_password()
        assert ada.say_code("", recovery=typed).status_code == 303
        ada.forget_everything()
        ada.say_password()
        assert ada.say_code("", recovery=typed).status_code == 400
    ada.forget_everything()
    ada.clock.advance(minutes=20)
    ada.log_in()
    assert "You have 8 recovery codes left." in ada.get("/office/account").text


def test_somebody_elses_recovery_code_is_none(ada: Officer) -> None:
    grace = ada.new_officer("grace@example.org")
    grace.forget_everything()
    grace.say_password()
    assert grace.say_code("", recovery=ada.recovery_codes[0]).status_code == 400
    with ada.context.database.read() as session:
        assert len(session.scalars(select(RecoveryCode.digest)).all()) == 20


def test_new_recovery_codes_end_the_old_ones(ada: Officer) -> None:
    old = ada.recovery_codes
    answer = ada.act("/office/account/recovery", {"password": PASSWORD})
    new = re.findall(r"<li><code[^>]*>([0-9a-f-]{19})</code>", answer.text)
    assert len(set(new) - set(old)) == 10
    ada.forget_everything()
    ada.say_password()
    assert ada.say_code("", recovery=old[0]).status_code == 400
    assert ada.say_code("", recovery=new[0]).status_code == 303


# --- sessions ----------------------------------------------------------------------------------------------


def test_a_session_ends_when_nobody_uses_it(ada: Officer) -> None:
    for _ in range(5):
        ada.clock.advance(minutes=50)
        assert ada.is_logged_in()
    ada.clock.advance(minutes=61)
    assert not ada.is_logged_in()


def test_a_session_ends_after_half_a_day_at_the_latest(ada: Officer) -> None:
    ada.forget_everything()
    ada.log_in()
    for _ in range(14):
        ada.clock.advance(minutes=51)
        assert ada.is_logged_in()
    ada.clock.advance(minutes=10)
    assert not ada.is_logged_in()


def test_who_logs_out_is_out_even_with_a_copy_of_the_cookie(ada: Officer) -> None:
    copy = ada.cookies()["steward-office"]
    assert ada.post("/office/logout", page="/office").status_code == 303
    thief = Visitor(ada.app)
    thief.client.set_cookie("steward-office", copy)
    assert thief.get("/office").status_code == 303


def test_sessions_are_listed_and_ended_by_their_owner_only(ada: Officer) -> None:
    grace = ada.new_officer("grace@example.org")
    phone = Officer(ada.app, grace.email, totp=grace.totp)
    phone.client.environ_base["HTTP_USER_AGENT"] = (
        "Mozilla/5.0 (Android 15; Mobile) Gecko/146.0 Firefox/146.0"
    )
    phone.log_in()
    page = grace.get("/office/account").text
    assert "Firefox, Android" in page
    assert "Mozilla" not in page
    [number] = re.findall(r"/office/account/sessions/(\d+)/end", page)
    path = f"/office/account/sessions/{number}/end"
    assert ada.post(path, page="/office").status_code == 404
    assert phone.is_logged_in()
    assert grace.post(path, page="/office").status_code == 303
    assert not phone.is_logged_in()
    assert grace.is_logged_in()
    # Twice is no mistake that anybody need hear of in other words.
    assert grace.post(path, page="/office").status_code == 404


def test_the_time_of_use_is_coarse(ada: Officer) -> None:
    ada.clock.advance(minutes=17, seconds=13)
    assert ada.is_logged_in()
    with ada.context.database.read() as session:
        for row in session.scalars(select(LoginSession)):
            assert (row.used_at.minute % 5, row.used_at.second, row.used_at.microsecond) == (0, 0, 0)
    assert "17:" not in ada.get("/office/account").text


# --- one's own password ------------------------------------------------------------------------------------


def test_a_new_password_ends_all_other_sessions(ada: Officer) -> None:
    other = Officer(ada.app, ada.email, totp=ada.totp)
    other.log_in()
    known = Officer(ada.app, ada.email, totp=ada.totp)
    known.client.set_cookie("steward-browser", other.cookies()["steward-browser"])
    answer = ada.act("/office/account/password", {"old": PASSWORD, "new": "a much better phrase"})
    assert answer.headers["Location"] == "/office/account?done=password"
    assert ada.is_logged_in()
    assert not other.is_logged_in()
    ada.forget_everything()
    assert ada.say_password().status_code == 400
    ada.password = "a much better phrase"
    assert ada.log_in().status_code == 303


@pytest.mark.parametrize(
    "old,new,words",
    [
        ("wrong horse battery", "a much better phrase", "The present password is another one."),
        (PASSWORD, "short", "A password needs 12 to 256 characters."),
        (PASSWORD, "x" * 300, "A password needs 12 to 256 characters."),
        (PASSWORD, "aaaaaaaaaaaaaaaa", "too easy to guess"),
        (PASSWORD, "121212121212", "too easy to guess"),
        (PASSWORD, "ADA@example.org", "too easy to guess"),
        (PASSWORD, "ada lovelace", "too easy to guess"),
    ],
)
def test_passwords_that_are_refused(ada: Officer, old: str, new: str, words: str) -> None:
    answer = ada.act("/office/account/password", {"old": old, "new": new})
    assert answer.status_code == 400
    assert words in answer.text
    ada.forget_everything()
    assert ada.log_in().status_code == 303


def test_a_stolen_session_is_no_place_to_guess_a_password(ada: Officer) -> None:
    fields = {"old": "wrong horse battery", "new": "a much better phrase", "code": "000000"}
    statuses = [ada.post("/office/account/password", fields, page="/office").status_code for _ in range(6)]
    assert statuses == [400] * 5 + [429]


# --- the second factor once more ---------------------------------------------------------------------------


def test_an_act_needs_a_code_of_its_own(ada: Officer) -> None:
    code = ada.code()
    for _, expected in ((1, 200), (2, 400)):
        answer = ada.post("/office/account/recovery", {"password": PASSWORD, "code": code}, page="/office")
        assert answer.status_code == expected


def test_wrong_confirmations_end_the_session(each_ada: Officer) -> None:
    """An unlocked laptop, or a stolen cookie, is worth five guesses."""
    ada = each_ada
    other = Officer(ada.app, ada.email, totp=ada.totp)
    other.log_in()
    page, wrong = "/office/account/recovery", {"password": PASSWORD, "code": "000000"}
    assert [ada.post(page, wrong, page="/office").status_code for _ in range(4)] == [400] * 4
    assert ada.is_logged_in()
    answer = ada.post(page, wrong, page="/office")
    assert (answer.status_code, PAUSED in answer.text) == (429, True)
    assert not ada.is_logged_in()
    assert not other.is_logged_in()
    # She can log in, and wait with the act.
    assert ada.log_in().status_code == 303
    assert ada.act(page, {"password": PASSWORD}).status_code == 429
    ada.clock.advance(minutes=16)
    assert ada.act(page, {"password": PASSWORD}).status_code == 200


def test_a_good_confirmation_forgives_wrong_ones(ada: Officer) -> None:
    for _ in range(3):
        for _ in range(4):
            ada.post("/office/account/recovery", {"password": PASSWORD, "code": "000000"}, page="/office")
        assert ada.act("/office/account/recovery", {"password": PASSWORD}).status_code == 200


def test_roles_cannot_be_confirmed_by_others(ada: Officer) -> None:
    """Another officer's code is none."""
    grace = ada.new_officer("grace@example.org", "administrator")
    answer = ada.post(
        "/office/account/recovery", {"password": PASSWORD, "code": grace.code()}, page="/office"
    )
    assert answer.status_code == 400


def test_the_database_is_not_kept_waiting_while_a_password_is_verified(app: Flask, ada: Officer) -> None:
    """Ballots are written at the same time; a verification takes a third of a second."""
    verify = Argon2id.verify_phc_encoded
    wrote: list[int] = []

    def write_meanwhile(material: bytes, encoded: str) -> None:
        with ada.context.database.write() as session:
            wrote.append(session.execute(text("UPDATE organisation SET name = name")).rowcount)  # type: ignore[attr-defined]
        verify(material, encoded)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            factors,
            "Argon2id",
            type("Slow", (), {"verify_phc_encoded": staticmethod(write_meanwhile)}),
        )
        ada.forget_everything()
        assert ada.say_password().status_code == 303
    assert len(wrote) == 1
