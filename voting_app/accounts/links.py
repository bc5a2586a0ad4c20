"""One-time links with which people set password and second factor: the first administrator's, invitations, resets.

Whoever holds a link becomes that account: role and mail address stand in it, not in what is typed. So it ends with its
use and after a while, a newer one ends it, and the account's address is told when it was used.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from crypto.randomness import new_token
from voting_app.accounts import factors, service
from voting_app.accounts.models import Account, Password, RecoveryCode, SetupLink
from voting_app.accounts.service import ADMINISTRATOR, Actor
from voting_app.context import Context
from voting_app.errors import Problem
from voting_app.languages import SOURCE
from voting_app.mail import service as mail
from voting_app.mail.service import NewMail

SETUP_LINK_LIFETIME = timedelta(hours=24)
INVITATION_LIFETIME = timedelta(days=7)


class Purpose(StrEnum):
    """Why a link was made."""

    FIRST = "first"
    INVITATION = "invitation"
    RESET = "reset"
    # By somebody on the server, when nobody else can help.
    SERVER = "server"


@dataclass(frozen=True)
class SetupForm:
    """What the page behind a link shows: whose it is (no address: it is asked for), and the second factor's secret as
    text and as otpauth:// address.
    """

    purpose: Purpose
    role: str
    name: str
    email: str | None
    totp_secret: str
    totp_address: str


@dataclass(frozen=True)
class NewLink:
    """A link that was just made; its text exists nowhere else but in the mail that was put into the outbox."""

    text: str
    account_number: int
    is_mailed: bool

    def get_url(self, base_url: str) -> str:
        """The address to open."""
        return f"{base_url}/setup/{self.text}"


@dataclass(frozen=True)
class Ready:
    """Somebody who has set password and second factor. The recovery codes are shown this once."""

    actor: Actor
    recovery_codes: list[str]


# --- making links ------------------------------------------------------------------------------------------


def create_setup_link(session: Session, now: datetime) -> str:
    """Return the secret of a new one-time link for the first administrator; links made before end with it."""
    if service.has_administrator(session):
        raise Problem(409, "already-set-up", "An administrator has been set up.")
    session.execute(update(SetupLink).where(SetupLink.used_at.is_(None)).values(used_at=now))
    actor = service.create_account(session, role=ADMINISTRATOR, label="first administrator", now=now)
    return _add_link(session, actor.account_number, Purpose.FIRST, now)


def invite(context: Context, *, name: str, email: str, role: str, language: str) -> NewLink:
    """Make an account that is ready when its link was used. Problem 400 `bad-address`, `bad-name`; 409
    `address-taken`.
    """
    address, person = service.require_email(email), service.require_name(name)
    try:
        with context.database.write() as session:
            service.require_free_email(session, address)
            actor = service.create_account(
                session, role=role, label=person, email=address, language=language, now=context.clock.now()
            )
            return _send_link(session, context, actor.account_number, Purpose.INVITATION, by_mail=True)
    except IntegrityError as error:
        # Of two invitations at once.
        raise Problem(409, "address-taken", "Somebody else has an account with this mail address.") from error


def renew_invitation(context: Context, account_number: int, *, by_mail: bool) -> NewLink:
    """Make the link of somebody who has not used it anew; the one before is worth nothing from now on."""
    with context.database.write() as session:
        person = service.get_person(session, account_number, context.clock.now())
        if person.is_ready:
            raise Problem(409, "already-set-up", "This person has set up the account.")
        return _send_link(session, context, account_number, Purpose.INVITATION, by_mail=by_mail)


def reset(context: Context, account_number: int, *, by_mail: bool) -> NewLink:
    """For who lost password or second factor: both are worthless at once, sessions end, and a link sets them anew."""
    with context.database.write() as session:
        person = service.get_person(session, account_number, context.clock.now())
        if not person.is_ready:
            raise Problem(
                409, "not-set-up-yet", "This person has not set up the account: send the invitation again."
            )
        service.require_another_administrator(session, account_number)
        return _send_link(session, context, account_number, Purpose.RESET, by_mail=by_mail)


def reset_administrator(context: Context, email: str | None) -> NewLink:
    """As `reset`, on the server, for who may read its files: the last administrator too. Without an address (or when
    there is none) the link makes a new administrator, who says name and address.
    """
    now = context.clock.now()
    with context.database.write() as session:
        if email is None:
            actor = service.create_account(session, role=ADMINISTRATOR, label="administrator", now=now)
            text = _add_link(session, actor.account_number, Purpose.SERVER, now)
            return NewLink(text, actor.account_number, is_mailed=False)
        wanted = service.normalise_email(email)
        for person in service.list_people(session, now):
            if person.email == wanted and person.role == ADMINISTRATOR:
                return _send_link(session, context, person.number, Purpose.RESET, by_mail=False)
        raise Problem(404, "unknown-account", "There is no administrator with this mail address.")


def end_person(context: Context, account_number: int) -> None:
    """End somebody's account, and take back mail about it that waits. Problems as `service.end_account`."""
    with context.database.write() as session:
        service.get_person(session, account_number, context.clock.now())
        service.end_account(session, account_number, context.clock.now())
        mail.withdraw(session, _topic(account_number), is_over=True)


def _send_link(
    session: Session, context: Context, account_number: int, purpose: Purpose, *, by_mail: bool
) -> NewLink:
    now = context.clock.now()
    service.take_factors(session, account_number, now)
    text = _add_link(session, account_number, purpose, now)
    topic = _topic(account_number)
    mail.withdraw(session, topic, is_over=True)
    account = session.get_one(Account, account_number)
    is_mailed = by_mail and mail.enqueue(
        session,
        context,
        NewMail(
            topic=topic,
            event=service.digest(text),
            recipient=account.email or "",
            kind=purpose.value,
            payload={"name": account.label},
            language=account.language or SOURCE,
            secret={"link": f"{context.settings.base_url}/setup/{text}"},
        ),
    )
    return NewLink(text, account_number, is_mailed)


def _add_link(session: Session, account_number: int, purpose: Purpose, now: datetime) -> str:
    text = new_token()
    lifetime = INVITATION_LIFETIME if purpose is Purpose.INVITATION else SETUP_LINK_LIFETIME
    session.add(
        SetupLink(
            digest=service.digest(text),
            account_number=account_number,
            purpose=purpose.value,
            expires_at=now + lifetime,
            used_at=None,
        )
    )
    session.flush()
    return text


def _topic(account_number: int) -> str:
    return f"accounts/{account_number}"


# --- using a link ------------------------------------------------------------------------------------------


def get_setup_form(context: Context, link: str) -> SetupForm:
    """Return what the page of the link shows. Raises Problem 404 for a link that is unknown, used or too
    old.
    """
    settings = context.settings
    with context.database.read() as session:
        row = _require_link(_find_link(session, link), context.clock.now())
        account = session.get_one(Account, row.account_number)
    totp_secret = factors.get_totp_secret(settings.secret, row.digest)
    address = factors.get_totp_address(totp_secret, account.email or account.role, settings.organisation)
    name = account.label if account.email else ""
    return SetupForm(Purpose(row.purpose), account.role, name, account.email, totp_secret, address)


def set_up(
    context: Context, link: str, *, password: str, code: str, name: str = "", email: str = ""
) -> Ready:
    """Use the link up: keep the password and the second factor. Whatever is wrong with the form leaves the link
    usable. name, email: of the first administrator only; everybody else's were set by who invited them.
    """
    now, secret = context.clock.now(), context.settings.secret
    form = get_setup_form(context, link)
    if form.email is None:
        name, email = service.require_name(name), service.require_email(email)
    else:
        name, email = form.name, form.email
    normal = factors.require_password(password, email, name, context.settings.organisation)
    step = factors.find_totp_step(form.totp_secret, code, now, after=0)
    if step is None:
        raise wrong_code()
    # Before the transaction, which keeps others waiting.
    password_hash = factors.hash_password(normal)
    try:
        with context.database.write() as session:
            # Locked on PostgreSQL, so that of two who use the link at once the second finds it used.
            row = _require_link(_find_link(session, link, is_locked=True), now)
            account = session.get_one(Account, row.account_number)
            if account.ended_at is not None:
                raise _unknown_link()
            if form.purpose is Purpose.FIRST:
                # Two hosts can print one each at their very first start: of both only one becomes it.
                service.lock_administrators(session)
            if form.purpose is Purpose.FIRST and service.has_administrator(session):
                raise Problem(409, "already-set-up", "An administrator has been set up.")
            if form.email is None:
                service.require_free_email(session, email)
                account.label, account.email = name, email
            row.used_at = now
            # The mail with this link, if it waits still; and who has the address hears of it.
            mail.withdraw(session, _topic(account.number), is_over=True)
            session.add(
                Password(
                    account_number=account.number,
                    password_hash=password_hash,
                    sealed_totp=factors.seal_totp(secret, account.number, form.totp_secret),
                    last_totp_step=step,
                )
            )
            codes = replace_recovery_codes(session, secret, account.number)
            _tell_owner(session, context, account, row)
            return Ready(Actor(account.role, account.number), codes)
    except IntegrityError as error:
        raise Problem(409, "address-taken", "Somebody else has an account with this mail address.") from error


def replace_recovery_codes(session: Session, secret: bytes, account_number: int) -> list[str]:
    """Make new recovery codes; those before are worth nothing. The caller shows them once."""
    codes = factors.new_recovery_codes()
    session.execute(delete(RecoveryCode).where(RecoveryCode.account_number == account_number))
    session.add_all(
        RecoveryCode(
            digest=factors.digest_recovery_code(secret, account_number, code), account_number=account_number
        )
        for code in codes
    )
    session.flush()
    return codes


def wrong_code() -> Problem:
    """The refusal of six digits that are not those of this moment."""
    return Problem(400, "wrong-code", "The six digits are not those of the authenticator app at this moment.")


def tell_of_guesses(session: Session, context: Context, account_number: int, event: str) -> None:
    """Somebody knows this account's password and not the second factor: its owner hears of it."""
    account = session.get_one(Account, account_number)
    mail.enqueue(
        session,
        context,
        NewMail(
            topic=_topic(account_number),
            event=f"guesses {event}",
            recipient=account.email or "",
            kind="code-guesses",
            payload={"name": account.label},
            language=account.language or SOURCE,
        ),
    )


def _tell_owner(session: Session, context: Context, account: Account, row: SetupLink) -> None:
    """A link can be forwarded or read by others: whose address it is hears that it was used."""
    if row.purpose in (Purpose.INVITATION, Purpose.RESET):
        mail.enqueue(
            session,
            context,
            NewMail(
                topic=_topic(account.number),
                event=f"used {row.digest}",
                recipient=account.email or "",
                kind="account-ready",
                payload={"name": account.label},
                language=account.language or SOURCE,
            ),
        )


def _find_link(session: Session, link: str, *, is_locked: bool = False) -> SetupLink | None:
    statement = select(SetupLink).where(SetupLink.digest == service.digest(link))
    # PostgreSQL locks no row in a transaction that only reads.
    return session.scalar(statement.with_for_update() if is_locked else statement)


def _require_link(row: SetupLink | None, now: datetime) -> SetupLink:
    if row is None or row.used_at is not None or row.expires_at <= now:
        raise _unknown_link()
    return row


def _unknown_link() -> Problem:
    return Problem(404, "not-found", "This link does not exist, was used or is too old.")
