"""People of the office as tests see them: an address, a password, an authenticator app, and a browser of their own."""

import re
from dataclasses import dataclass, field
from typing import Any

import pyotp
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.voting_app.conftest import SettableClock
from voting_app.accounts import links, service
from voting_app.context import Context, get_context

PASSWORD = "correct horse battery"
HTML = "text/html"


def find_form_token(page: str) -> str:
    """What a form of the page has against other sites."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert found, page
    return found[1]


@dataclass
class Visitor:
    """A browser."""

    app: Flask
    client: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.app.test_client()

    @property
    def context(self) -> Context:
        return get_context(self.app)

    @property
    def clock(self) -> SettableClock:
        clock = self.context.clock
        assert isinstance(clock, SettableClock)
        return clock

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(path, headers={"Accept": HTML}, **more)

    def post(
        self, path: str, fields: dict[str, str] | None = None, *, page: str = "/office/login"
    ) -> TestResponse:
        """Send a form that stands on `page`."""
        token = find_form_token(self.get(page).text)
        return self.client.post(path, data={**(fields or {}), "csrf_token": token}, headers={"Accept": HTML})

    def cookies(self) -> dict[str, str]:
        return {cookie.key: cookie.value for cookie in self.client._cookies.values()}  # type: ignore[union-attr]


@dataclass
class Officer(Visitor):
    """Somebody with an account."""

    email: str = "ada@example.org"
    password: str = PASSWORD
    number: int = 0
    totp: pyotp.TOTP | None = None
    recovery_codes: list[str] = field(default_factory=list)

    def code(self) -> str:
        """What the app shows; half a minute later, because each code is good once."""
        self.clock.advance(seconds=30)
        assert self.totp is not None
        return self.totp.at(self.clock.now())

    def set_up(self, link: str, **fields: str) -> TestResponse:
        """Open a one-time link and set password and second factor."""
        form = links.get_setup_form(self.context, link)
        self.totp = pyotp.TOTP(form.totp_secret)
        answer = self.post(
            f"/setup/{link}",
            {"password": self.password, "code": self.code(), **fields},
            page=f"/setup/{link}",
        )
        if answer.status_code == 200:
            self.recovery_codes = re.findall(r"<li><code[^>]*>([0-9a-f-]{19})</code>", answer.text)
            with self.context.database.read() as session:
                people = service.list_people(session, self.clock.now())
            [self.number] = [person.number for person in people if person.email == self.email]
        return answer

    def say_password(self, **fields: str) -> TestResponse:
        return self.post("/office/login", {"email": self.email, "password": self.password, **fields})

    def say_code(self, code: str | None = None, **fields: str) -> TestResponse:
        typed = {"code": self.code() if code is None else code, **fields}
        return self.post("/office/login/code", typed, page="/office/login/code")

    def log_in(self, **fields: str) -> TestResponse:
        answer = self.say_password(**fields)
        assert answer.status_code == 303, answer.text
        return self.say_code(**fields)

    def forget_everything(self) -> None:
        """Another browser."""
        self.client = self.app.test_client()

    def is_logged_in(self) -> bool:
        status = self.get("/office").status_code
        assert status in (200, 303)
        return status == 200

    def act(self, path: str, fields: dict[str, str] | None = None) -> TestResponse:
        """A form of one of the pages behind the login, with a code."""
        return self.post(path, {**(fields or {}), "code": self.code()}, page="/office")

    def invite(self, email: str, role: str = "committee", name: str = "Grace Hopper") -> str:
        """Invite somebody; the link as it is shown where there is no mail."""
        fields = {"name": name, "email": email, "role": role, "language": "en"}
        answer = self.act("/office/accounts", fields)
        assert answer.status_code == 200, answer.text
        found = re.search(r"/setup/([\w-]+)<", answer.text)
        assert found, answer.text
        return found[1]

    def new_officer(self, email: str, role: str = "committee") -> "Officer":
        """Invite somebody who sets the account up at once."""
        officer = Officer(self.app, email)
        assert officer.set_up(self.invite(email, role)).status_code == 200
        return officer


def first_administrator(app: Flask, email: str = "ada@example.org") -> Officer:
    """Set up by the link that `steward serve` prints; logged in."""
    context = get_context(app)
    with context.database.write() as session:
        link = links.create_setup_link(session, context.clock.now())
    officer = Officer(app, email)
    answer = officer.set_up(link, name="Ada Lovelace", email=email)
    assert answer.status_code == 200, answer.text
    officer.clock.advance(minutes=1)
    return officer
