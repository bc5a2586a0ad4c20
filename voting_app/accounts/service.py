"""Accounts: people and programs who may act, the tokens of programs, and who may be ended or given another role."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select, delete, select, update
from sqlalchemy.orm import Session

from crypto.randomness import new_account_number, new_token
from crypto.writing import is_blank, is_writing
from voting_app.accounts.models import (
    AccessToken,
    Account,
    KnownBrowser,
    LoginSession,
    NewPhone,
    Password,
    RecoveryCode,
    SetupLink,
)
from voting_app.errors import Problem
from voting_app.mail import service as mail
from voting_app.mail.smtp import is_address

ADMINISTRATOR = "administrator"
LONGEST_NAME = 200
# Of mail about what waits for officers (voting_app.approvals.news).
PROPOSAL_TOPICS = "proposals/"


@dataclass(frozen=True)
class Actor:
    """Who acts: a role and the account's random number. `str` gives the journal's form, "role:number"."""

    role: str
    account_number: int

    def __str__(self) -> str:
        return f"{self.role}:{self.account_number}"

    def acting_as(self, role: str) -> "Actor":
        """The same person in another role: the journal knows no administrators."""
        return Actor(role, self.account_number)


# What the timer and the service itself do, in the journal's form (DESIGN §11).
SERVICE_ACTOR = Actor("service", 0)


@dataclass(frozen=True)
class NewToken:
    """A token that was just made; its text exists nowhere else."""

    text: str
    actor: Actor


@dataclass(frozen=True)
class Person:
    """Somebody with an account. is_ready: password and second factor are set."""

    number: int
    role: str
    name: str
    email: str
    is_ready: bool
    invited_until_at: datetime | None


def create_account(
    session: Session,
    *,
    role: str,
    label: str,
    now: datetime,
    email: str | None = None,
    language: str | None = None,
) -> Actor:
    """Make an account with a random number and return who that is."""
    number = new_account_number()
    session.add(
        Account(
            number=number,
            role=role,
            label=label[:LONGEST_NAME],
            email=email,
            language=language,
            created_at=now,
            ended_at=None,
        )
    )
    session.flush()
    return Actor(role, number)


def create_token(session: Session, *, role: str, label: str, now: datetime) -> NewToken:
    """Make an account with one bearer token. The caller shows the text once; only its hash is kept."""
    actor = create_account(session, role=role, label=label, now=now)
    text = new_token()
    session.add(
        AccessToken(digest=digest(text), account_number=actor.account_number, created_at=now, ended_at=None)
    )
    session.flush()
    return NewToken(text, actor)


def find_token(session: Session, text: str) -> Actor | None:
    """Return who bears the token `text`, or None if it is unknown or ended."""
    row = session.execute(
        select(Account.role, Account.number)
        .join(AccessToken, AccessToken.account_number == Account.number)
        .where(AccessToken.digest == digest(text), AccessToken.ended_at.is_(None), Account.ended_at.is_(None))
    ).one_or_none()
    return None if row is None else Actor(row.role, row.number)


def has_administrator(session: Session) -> bool:
    """Whether somebody can log in as administrator; until then `steward serve` prints a setup link."""
    return session.scalar(select(_administrators().subquery().c.number).limit(1)) is not None


def list_people(session: Session, now: datetime) -> list[Person]:
    """Everybody with an account who has not been ended, by name."""
    ready = set(session.scalars(select(Password.account_number)))
    links = select(SetupLink).where(SetupLink.used_at.is_(None), SetupLink.expires_at > now)
    invited = {link.account_number: link.expires_at for link in session.scalars(links)}
    rows = session.scalars(select(Account).where(Account.email.is_not(None), Account.ended_at.is_(None)))
    people = [
        Person(r.number, r.role, r.label, r.email or "", r.number in ready, invited.get(r.number))
        for r in rows
    ]
    return sorted(people, key=lambda person: (person.name.casefold(), person.email))


def get_person(session: Session, number: int, now: datetime) -> Person:
    """One of `list_people`; Problem 404 `unknown-account`."""
    for person in list_people(session, now):
        if person.number == number:
            return person
    raise _unknown()


def end_account(session: Session, account_number: int, now: datetime) -> None:
    """End an account, and with it at once its tokens, sessions and links; it keeps its number, which the journal may
    name, and loses its mail address. Problem 409 `last-administrator`.
    """
    row = _lock_account(session, account_number)
    _require_another(session, row)
    _take_back_mail(session, row)
    row.ended_at, row.email = now, None
    take_factors(session, account_number, now)


def change_role(session: Session, account_number: int, role: str) -> None:
    """Give a person another role, from the next request on. Problem 409 `last-administrator`."""
    row = _lock_account(session, account_number)
    if row.email is None:
        # The role of a program stays what it was made for.
        raise _unknown()
    if role != ADMINISTRATOR:
        _require_another(session, row)
    _take_back_mail(session, row)
    row.role = role


def _take_back_mail(session: Session, row: Account) -> None:
    """What officers propose is for officers: a waiting question to one who is none any more is not asked. Whoever stays
    one finds it in the office.
    """
    if row.email is not None:
        mail.withdraw_from(session, row.email, PROPOSAL_TOPICS)


def require_another_administrator(session: Session, account_number: int) -> None:
    """Raise Problem 409 `last-administrator` if without this account nobody could log in as administrator."""
    _require_another(session, _lock_account(session, account_number))


def take_factors(session: Session, account_number: int, now: datetime) -> None:
    """Make password, second factor, recovery codes, links, sessions and known browsers of an account worthless."""
    for table in (Password, RecoveryCode, KnownBrowser, NewPhone):
        session.execute(delete(table).where(table.account_number == account_number))
    end_sessions(session, account_number, now)
    session.execute(
        update(SetupLink)
        .where(SetupLink.account_number == account_number, SetupLink.used_at.is_(None))
        .values(used_at=now)
    )


def end_sessions(session: Session, account_number: int, now: datetime, *, but: int | None = None) -> None:
    """End everything in which this account is logged in, or begins to be; but: the session that goes on."""
    statement = update(LoginSession).where(
        LoginSession.account_number == account_number, LoginSession.ended_at.is_(None)
    )
    session.execute(
        (statement if but is None else statement.where(LoginSession.id != but)).values(ended_at=now)
    )


def require_email(text: str) -> str:
    """Return a mail address as accounts have it; Problem 400 `bad-address`."""
    email = normalise_email(text)
    if not is_address(email) or "." not in email.rpartition("@")[2]:
        raise Problem(400, "bad-address", "This is not a mail address that can be written to.")
    return email


def normalise_email(text: str) -> str:
    """Capital and small letters are the same to people, and to every mail server that is in use."""
    return text.strip().lower()


def require_name(text: str) -> str:
    """Return a person's name; Problem 400 `bad-name`."""
    name = text.strip()
    if is_blank(name) or len(name) > LONGEST_NAME or not is_writing(name):
        raise Problem(400, "bad-name", f"A name is needed, on one line, of at most {LONGEST_NAME} signs.")
    return name


def require_free_email(session: Session, email: str) -> None:
    """Raise Problem 409 `address-taken` if somebody has this address; the table would refuse it too."""
    if session.scalar(select(Account.number).where(Account.email == email)) is not None:
        raise Problem(409, "address-taken", "Somebody else has an account with this mail address.")


def _administrators() -> Select[int]:
    return (
        select(Account.number)
        .join(Password, Password.account_number == Account.number)
        # One from before people logged in with an address cannot.
        .where(Account.role == ADMINISTRATOR, Account.ended_at.is_(None), Account.email.is_not(None))
    )


def lock_administrators(session: Session) -> None:
    """Let one at a time decide who is administrator: of two who end each other at once, one comes first."""
    administrators = select(Account).where(Account.role == ADMINISTRATOR, Account.ended_at.is_(None))
    # In the order of their numbers, so that no two wait for each other.
    session.scalars(administrators.order_by(Account.number).with_for_update()).all()


def _lock_account(session: Session, account_number: int) -> Account:
    lock_administrators(session)
    row = session.scalar(select(Account).where(Account.number == account_number).with_for_update())
    if row is None or row.ended_at is not None:
        raise _unknown()
    return row


def _require_another(session: Session, row: Account) -> None:
    able = set(session.scalars(_administrators()))
    if row.number in able and len(able) == 1:
        raise Problem(
            409,
            "last-administrator",
            "This is the last administrator. Invite another one first, and wait until the invitation was used.",
        )


def _unknown() -> Problem:
    return Problem(404, "unknown-account", "There is no such account, or it was ended before.")


def digest(text: str) -> str:
    """Return the SHA-256 by which a secret of 256 random bits is looked for."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
