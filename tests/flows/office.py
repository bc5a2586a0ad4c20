"""Who has an account on a running installation, and how a browser gets an administrator's login.

Each code of an authenticator app is good once in thirty seconds, and tests do not wait: pages behind the login are
looked at with a cookie that is made here, and only the test of the login itself goes the whole way.
"""

from dataclasses import dataclass
from pathlib import Path

import pyotp
from flask import Flask
from playwright.sync_api import BrowserContext
from sqlalchemy import select

from crypto.randomness import new_token
from tests.flows.serving import Installation
from voting_app.accounts import factors, links, logins
from voting_app.accounts.models import Account, RecoveryCode
from voting_app.accounts.service import digest
from voting_app.app import create_app
from voting_app.config import load_settings
from voting_app.context import Context, get_context
from voting_app.mailing.models import MemberAddress
from voting_app.roll import members
from voting_app.roll.members import Wanted

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Office:
    """An administrator, somebody else, and somebody who was invited. codes: the administrator's recovery codes, each
    good once for an act; question: a member's link.
    """

    email: str
    officer: int
    link: str
    cookie: str
    codes: list[str]
    question: str

    def values(self) -> dict[str, str]:
        """For addresses of the gallery."""
        return {"officer": str(self.officer), "link": self.link, "question": self.question}


_offices: dict[Path, Office] = {}
_members: dict[str, int] = {}


def get_office(installation: Installation) -> Office:
    """The people of an installation; they are made when they are first asked for."""
    if installation.folder not in _offices:
        app = open_app(installation)
        _offices[installation.folder] = make_office(app)
        get_context(app).database.dispose()
    return _offices[installation.folder]


def enter(browser: BrowserContext, installation: Installation) -> None:
    """From now on an administrator is logged in in this browser."""
    cookie = {"name": "steward-office", "value": get_office(installation).cookie, "url": installation.url}
    browser.add_cookies([cookie])  # type: ignore[list-item]


def open_app(installation: Installation) -> Flask:
    """The installation's application in this process: the same database, settings and secret."""
    return create_app(load_settings(installation.folder, installation.settings))


def find_member(installation: Installation, uuid: str) -> int:
    """The row of the first member on a roll that stays as it is."""
    if uuid not in _members:
        context = get_context(open_app(installation))
        _members[uuid] = members.find_entries(context, uuid, Wanted())[0].number
        context.database.dispose()
    return _members[uuid]


def new_link(installation: Installation) -> str:
    """The address of a one-time link that makes an administrator."""
    context = get_context(open_app(installation))
    made = links.reset_administrator(context, None)
    context.database.dispose()
    return made.get_url(installation.url)


def new_recovery_code(installation: Installation) -> str:
    """One more for the administrator, for what is done as often as a page is looked at."""
    office = get_office(installation)
    context, [code, *_] = get_context(open_app(installation)), factors.new_recovery_codes()
    with context.database.write() as session:
        number = session.scalars(select(Account.number).where(Account.email == office.email)).one()
        digest = factors.digest_recovery_code(context.settings.secret, number, code)
        session.add(RecoveryCode(digest=digest, account_number=number))
    context.database.dispose()
    return code


def make_office(app: Flask) -> Office:
    context = get_context(app)
    made = links.reset_administrator(context, None)
    ready = _use(context, made.text, name="Ada Lovelace", email="ada@example.org")
    new = logins.log_in_after_setup(context, ready.actor, "Firefox, Linux")
    invited = {
        name: links.invite(context, name=name, email=f"{number}@example.org", role="committee", language="es")
        for number, name in enumerate(
            ("Überlandverkehrsgewerkschaftsdelegierte <b>X</b> & שלום", "Joan Clarke")
        )
    }
    officer, waiting = invited.values()
    _use(context, officer.text)
    client = app.test_client()
    with client.session_transaction("/office") as session:
        session["_user_id"], session["_fresh"] = new.token, True
    cookie = client.get_cookie("steward-office")
    assert cookie is not None
    return Office(
        "ada@example.org",
        officer.account_number,
        waiting.text,
        cookie.value,
        list(ready.recovery_codes),
        _ask(context),
    )


def _ask(context: Context) -> str:
    """The link by which a member is asked for the address."""
    link = new_token()
    with context.database.write() as session:
        session.add(
            MemberAddress(
                member_number="M1",
                address="delegierte.ueberlandverkehrsgewerkschaft@mail.example.org",
                name="Überlandverkehrsgewerkschaftsdelegierte <b>X</b> & שלום",
                language="en",
                digest=digest(link),
                asked_at=context.clock.now(),
            )
        )
    return link


def _use(context: Context, link: str, **fields: str) -> links.Ready:
    secret = links.get_setup_form(context, link).totp_secret
    code = pyotp.TOTP(secret).at(context.clock.now())
    return links.set_up(context, link, password=PASSWORD, code=code, **fields)
