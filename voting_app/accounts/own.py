"""What somebody changes of one's own: password, recovery codes, the phone with the second factor.

Each takes the password and a code, because a browser that was left open has neither. Each ends all sessions of the
account, this one too, which goes on under a new token: whoever has a copy of its cookie is out. It forgets the browsers
that were known, and is told to the account's mail address: the owner hears of what somebody else did.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from crypto.randomness import new_hex, new_token
from voting_app.accounts import factors, links, logins, service, tries
from voting_app.accounts.logins import Login, NewLogin
from voting_app.accounts.models import Account, LoginSession, NewPhone, Password, RecoveryCode
from voting_app.context import Context
from voting_app.errors import Problem
from voting_app.languages import SOURCE
from voting_app.mail import service as mail
from voting_app.mail.service import NewMail

# From the picture to the first code of the new phone.
PHONE_TIME = timedelta(minutes=10)


class Changed(StrEnum):
    """What the account's address is told of."""

    PASSWORD = "password"  # noqa: S105
    RECOVERY_CODES = "recovery-codes"
    PHONE = "phone"


@dataclass(frozen=True)
class PhoneOffer:
    """A second factor that is shown this once, and is worth nothing before a code of it was typed. offer: names it in
    the form that brings the code.
    """

    offer: str
    totp_secret: str
    totp_address: str


# --- password, recovery codes ------------------------------------------------------------------------------


def change_password(context: Context, login: Login, *, old: str, new: str, code: str) -> NewLogin:
    """Set another password; the cookies of the session that goes on. Problems as `_prove`; 400 `weak-password`,
    `guessable-password`.
    """
    normal = factors.require_password(new, login.email, login.name, context.settings.organisation)
    password_hash = _prove(context, login, old, code)
    new_hash = factors.hash_password(normal)
    with context.database.write() as session:
        row = _lock_factors(session, context, login, password_hash)
        row.password_hash = new_hash
        return _end_and_tell(session, context, login, Changed.PASSWORD)


def renew_recovery_codes(
    context: Context, login: Login, *, password: str, code: str
) -> tuple[list[str], NewLogin]:
    """Return new recovery codes, to be shown once, and the cookies of the session that goes on; the codes before are
    worth nothing. Problems as `_prove`.
    """
    password_hash = _prove(context, login, password, code)
    with context.database.write() as session:
        _lock_factors(session, context, login, password_hash)
        codes = links.replace_recovery_codes(session, context.settings.secret, login.actor.account_number)
        return codes, _end_and_tell(session, context, login, Changed.RECOVERY_CODES)


def count_recovery_codes(context: Context, login: Login) -> int:
    """How many are left."""
    with context.database.read() as session:
        statement = select(func.count()).where(RecoveryCode.account_number == login.actor.account_number)
        return session.scalar(statement) or 0


# --- another phone -----------------------------------------------------------------------------------------


def offer_phone(context: Context, login: Login, *, password: str, code: str) -> PhoneOffer:
    """Return a new second factor, to be shown once. The present one stays what it is until `take_phone`; an offer that
    was made before is worth nothing. Problems as `_prove`.
    """
    password_hash = _prove(context, login, password, code)
    offer = new_token()
    digest, number = service.digest(offer), login.actor.account_number
    with context.database.write() as session:
        _lock_factors(session, context, login, password_hash)
        _forget_offer(session, number)
        session.add(
            NewPhone(
                account_number=number,
                digest=digest,
                session_id=login.session_id,
                offered_at=context.clock.now(),
            )
        )
    totp_secret = factors.get_totp_secret(context.settings.secret, digest)
    return PhoneOffer(
        offer, totp_secret, factors.get_totp_address(totp_secret, login.email, context.settings.organisation)
    )


def take_phone(context: Context, login: Login, *, offer: str, code: str) -> NewLogin:
    """Use the offered second factor from now on, if this is a code of it: only a phone that has it takes the place of
    the old one. The cookies of the session that goes on. The handful of wrong codes that tries allow end the offer.

    Problems: 409 `phone-offer-over`; 400 `wrong-code`; 429 `too-many-tries`.
    """
    now, number, secret = context.clock.now(), login.actor.account_number, context.settings.secret
    subject = logins.make_subject(context, "new phone", str(number))
    with context.database.write() as session:
        tries.take(session, subject, tries.OF_ONE, now)
        row = _lock_factors(session, context, login)
        digest = _require_offer(session, login, offer, now)
        totp_secret = factors.get_totp_secret(secret, digest)
        step = factors.find_totp_step(totp_secret, code, now, after=0)
        if step is not None:
            tries.forgive(session, subject)
            row.sealed_totp = factors.seal_totp(secret, number, totp_secret)
            # This code was typed already, so it is good for nothing else.
            row.last_totp_step = step
            return _end_and_tell(session, context, login, Changed.PHONE)
        pause = tries.find_pause(session, subject, now)
        if pause is not None:
            _forget_offer(session, number)
    # Here, where the count of this try stands already.
    raise pause or links.wrong_code()


def _require_offer(session: Session, login: Login, offer: str, now: datetime) -> str:
    """The digest of an offer that was made in this very session: nobody can be given another one's phone."""
    row = session.get(NewPhone, login.actor.account_number)
    if (
        row is None
        or (row.digest, row.session_id) != (service.digest(offer), login.session_id)
        or row.offered_at <= now - PHONE_TIME
    ):
        raise Problem(
            409, "phone-offer-over", "This took too long, or was begun anew elsewhere. Please begin again."
        )
    return row.digest


def _forget_offer(session: Session, account_number: int) -> None:
    session.execute(delete(NewPhone).where(NewPhone.account_number == account_number))


# --- for all of them ---------------------------------------------------------------------------------------


def _prove(context: Context, login: Login, password: str, code: str) -> str:
    """Ask for the password, then for a code of the app or a recovery code; the password's hash that it was.

    Problems: 400 `wrong-password`; 429 `too-many-tries`; those of `logins.confirm`.
    """
    now, number = context.clock.now(), login.actor.account_number
    # Counted here too: a stolen session is no place to guess a password.
    subject = logins.make_subject(context, "own password", str(number))
    with context.database.write() as session:
        tries.take(session, subject, tries.OF_ONE, now)
        password_hash = session.scalar(
            select(Password.password_hash).where(Password.account_number == number)
        )
    if not factors.is_password(password_hash, password) or password_hash is None:
        raise Problem(400, "wrong-password", "The present password is another one.")
    with context.database.write() as session:
        tries.forgive(session, subject)
    logins.confirm(context, login, code)
    return password_hash


def _lock_factors(
    session: Session, context: Context, login: Login, password_hash: str | None = None
) -> Password:
    """The row of password and second factor, locked, if the session goes on and the password is still the one that was
    judged: of two who change something at once, the one who comes second was logged out by the first. Problem 401
    `not-logged-in`.
    """
    # First of all, as whoever ends or resets an account does, so that no two wait for each other.
    session.execute(
        select(Account.number)
        .where(Account.number == login.actor.account_number)
        .with_for_update(read=True, key_share=True)
    )
    row = session.scalar(
        select(Password)
        .where(Password.account_number == login.actor.account_number)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    is_on = session.scalar(
        select(LoginSession.id).where(LoginSession.id == login.session_id, LoginSession.ended_at.is_(None))
    )
    if row is None or is_on is None or password_hash not in (None, row.password_hash):
        raise Problem(401, "not-logged-in", "Please log in first.")
    return row


def _end_and_tell(session: Session, context: Context, login: Login, what: Changed) -> NewLogin:
    number = login.actor.account_number
    new = logins.renew_login(session, login, context.clock.now())
    # What is offered was asked for with what held before.
    _forget_offer(session, number)
    account = session.get_one(Account, number)
    mail.enqueue(
        session,
        context,
        NewMail(
            # Of its own, so that nothing takes it back: neither another link nor the end of the account.
            topic=f"accounts/{number}/changes",
            event=f"{what} {new_hex(16)}",
            recipient=account.email or "",
            kind="factor-changed",
            payload={"name": account.label, "what": what.value},
            language=account.language or SOURCE,
        ),
    )
    return new
