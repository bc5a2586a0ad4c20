"""Logging in: password, then second factor; sessions; the second factor once more for an act.

Nothing tells a stranger whether an address has an account: unknown ones get the same answers after the same work, and
are counted and paused the same. Tries are counted before they are judged, in a transaction of their own, because what
refuses them is an exception that would take the count back.

A stranger's wrong tries lock nobody out for good. They pause an address for browsers that nobody knows; a browser in
which this account was logged in before has a count of its own (`KnownBrowser`), a one-time link of an administrator is
not counted, and neither is `steward admin reset` on the server.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from crypto.randomness import new_token
from voting_app.accounts import factors, links, service, tries
from voting_app.accounts.models import Account, KnownBrowser, LoginSession, Password, RecoveryCode
from voting_app.accounts.service import Actor
from voting_app.context import Context
from voting_app.errors import Problem
from voting_app.sealing import tag

# From the password to the code.
CODE_TIME = timedelta(minutes=10)
# "Last used" is not noted finer than this.
_GRAIN = timedelta(minutes=5)
# So long somebody sees where they were logged in.
_KEEP_ENDED = timedelta(days=30)
KNOWN_BROWSER_LIFETIME = timedelta(days=180)

_SUBJECT_PURPOSE = "steward-login-try"


@dataclass(frozen=True)
class Login:
    """Somebody who is logged in."""

    session_id: int
    actor: Actor
    name: str
    email: str


@dataclass(frozen=True)
class NewLogin:
    """What the cookies of somebody hold who has just logged in; both texts exist nowhere else. browser: None if it was
    known before.
    """

    token: str
    browser: str | None


@dataclass(frozen=True)
class SessionView:
    """One place where somebody is logged in. Days, because more is nobody's business."""

    id: int
    device: str
    created_at: datetime
    used_at: datetime
    is_present: bool


# --- logging in --------------------------------------------------------------------------------------------


def begin_login(context: Context, *, email: str, password: str, browser: str | None, device: str) -> str:
    """Return the token of somebody who has said the password and must say a code next.

    browser: what `NewLogin.browser` gave at an earlier login. Problems: 400 `wrong-login`, 429 `too-many-tries`.
    """
    now, address = context.clock.now(), service.normalise_email(email)
    with context.database.write() as session:
        number, password_hash = _find_password(session, address)
        is_known = _is_known(session, browser, number, now)
        subject = make_subject(
            context, "browser" if is_known else "address", browser if is_known else address
        )
        if not is_known:
            tries.take(session, make_subject(context, "all"), tries.OF_ALL, now)
        tries.take(session, subject, tries.OF_ONE, now)
    if not factors.is_password(password_hash, password) or number is None:
        raise Problem(400, "wrong-login", "Mail address or password is wrong.")
    with context.database.write() as session:
        # Ended, reset or changed while it was judged: then it was judged by what holds no more.
        if _find_password(session, address) != (number, password_hash):
            raise Problem(400, "wrong-login", "Mail address or password is wrong.")
        # In the order in which they were taken, so that no two logins wait for each other.
        if not is_known:
            tries.give_back(session, make_subject(context, "all"), now)
        tries.forgive(session, subject)
        return _add_session(session, number, device, now, is_full=False)


def finish_login(context: Context, token: str, *, code: str, browser: str | None) -> NewLogin:
    """Return the cookies of somebody who said a good code after `begin_login`, whose token is good no more.

    Problems: 401 `login-over` (too late: begin again), 400 `wrong-code`, 429 `too-many-tries`.
    """
    now = context.clock.now()
    with context.database.write() as session:
        row = _find_session(session, token, now - CODE_TIME)
        if row is None or row.is_full:
            raise Problem(401, "login-over", "This took too long. Please begin again.")
        number = row.account_number
        is_known = _is_known(session, browser, number, now)
        subject = make_subject(
            context, "browser code" if is_known else "code", browser if is_known else str(number)
        )
        tries.take(session, subject, tries.OF_ONE, now)
        new = None
        if _use_code(session, context, number, code, now):
            tries.forgive(session, subject)
            row.ended_at = now
            new = NewLogin(
                _add_session(session, number, row.device, now, is_full=True),
                None if is_known else _add_browser(session, number, now),
            )
        elif tries.find_pause(session, subject, now) is not None:
            links.tell_of_guesses(session, context, number, row.digest)
    # Here, where the count of this try stands already.
    if new is None:
        raise links.wrong_code()
    return new


def log_in_after_setup(context: Context, actor: Actor, device: str) -> NewLogin:
    """Return the cookies of somebody who has set password and second factor by a one-time link."""
    now = context.clock.now()
    with context.database.write() as session:
        return NewLogin(
            _add_session(session, actor.account_number, device, now, is_full=True),
            _add_browser(session, actor.account_number, now),
        )


def confirm(context: Context, login: Login, code: str) -> None:
    """Ask for the second factor once more, for an act; each code is good once. Called before the act's transaction,
    so that a wrong code is counted whatever becomes of the act.

    Problems: 400 `wrong-code`; 429 `too-many-tries`, and everything in which this account is logged in is ended.
    """
    now, number = context.clock.now(), login.actor.account_number
    subject = make_subject(context, "confirmation", str(number))
    refusal: Problem | None = None
    with context.database.write() as session:
        try:
            tries.take(session, subject, tries.OF_ONE, now)
        except Problem as problem:
            refusal = problem
        else:
            if _use_code(session, context, number, code, now):
                tries.forgive(session, subject)
            else:
                refusal = tries.find_pause(session, subject, now)
                if refusal is None:
                    refusal = links.wrong_code()
                else:
                    service.end_sessions(session, number, now)
    if refusal is not None:
        raise refusal


# --- who is logged in --------------------------------------------------------------------------------------


def renew_login(session: Session, login: Login, now: datetime) -> NewLogin:
    """End everything in which this account is logged in and forget its browsers; the cookies of this one, which goes
    on. For what takes password and second factor as a login does.
    """
    number = login.actor.account_number
    device = session.scalar(select(LoginSession.device).where(LoginSession.id == login.session_id)) or "?"
    service.end_sessions(session, number, now)
    session.execute(delete(KnownBrowser).where(KnownBrowser.account_number == number))
    return NewLogin(
        _add_session(session, number, device, now, is_full=True), _add_browser(session, number, now)
    )


def find_login(context: Context, token: str) -> Login | None:
    """Return who is logged in with this token, or None: unknown, ended, too old, or not used for too long."""
    now, settings = context.clock.now(), context.settings
    with context.database.read() as session:
        row = _find_session(session, token, now - timedelta(seconds=settings.login_lifetime_seconds))
        if row is None or not row.is_full:
            return None
        if row.used_at <= now - timedelta(seconds=settings.login_idle_seconds):
            return None
        account = session.get_one(Account, row.account_number)
    if row.used_at <= now - _GRAIN:
        with context.database.relaxed() as session:
            session.execute(update(LoginSession).where(LoginSession.id == row.id).values(used_at=_round(now)))
    return Login(row.id, Actor(account.role, account.number), account.label, account.email or "")


def end_login(context: Context, token: str) -> None:
    """Log out, or give up between password and code."""
    with context.database.write() as session:
        session.execute(
            update(LoginSession)
            .where(LoginSession.digest == service.digest(token), LoginSession.ended_at.is_(None))
            .values(ended_at=context.clock.now())
        )


def list_sessions(context: Context, login: Login) -> list[SessionView]:
    """Where this account is logged in, the newest first."""
    now, settings = context.clock.now(), context.settings
    with context.database.read() as session:
        rows = session.scalars(
            select(LoginSession)
            .where(
                LoginSession.account_number == login.actor.account_number,
                LoginSession.is_full,
                LoginSession.ended_at.is_(None),
                LoginSession.created_at > now - timedelta(seconds=settings.login_lifetime_seconds),
                LoginSession.used_at > now - timedelta(seconds=settings.login_idle_seconds),
            )
            .order_by(LoginSession.id.desc())
        )
        return [SessionView(r.id, r.device, r.created_at, r.used_at, r.id == login.session_id) for r in rows]


def end_session(context: Context, login: Login, session_id: int) -> None:
    """End one of one's own sessions; Problem 404 `not-found`, for those of others too."""
    with context.database.write() as session:
        ended = session.execute(
            update(LoginSession)
            .where(
                LoginSession.id == session_id,
                LoginSession.account_number == login.actor.account_number,
                LoginSession.ended_at.is_(None),
            )
            .values(ended_at=context.clock.now())
        )
        if ended.rowcount != 1:  # type: ignore[attr-defined]
            raise Problem(404, "not-found", "There is nothing at this address.")


def end_other_sessions(context: Context, login: Login) -> None:
    """End all but the present one, and forget the browsers that were known."""
    with context.database.write() as session:
        now, number = context.clock.now(), login.actor.account_number
        service.end_sessions(session, number, now, but=login.session_id)
        session.execute(delete(KnownBrowser).where(KnownBrowser.account_number == number))


# --- rows --------------------------------------------------------------------------------------------------


def _find_password(session: Session, address: str) -> tuple[int | None, str | None]:
    if "\0" in address:
        # Nobody's; and PostgreSQL cannot be asked for it.
        return None, None
    row = session.execute(
        select(Account.number, Password.password_hash)
        .join(Password, Password.account_number == Account.number)
        .where(Account.email == address, Account.ended_at.is_(None))
    ).one_or_none()
    return (None, None) if row is None else (row.number, row.password_hash)


def _find_session(session: Session, token: str, created_after: datetime) -> LoginSession | None:
    return session.scalar(
        select(LoginSession)
        .join(Account, Account.number == LoginSession.account_number)
        .where(
            LoginSession.digest == service.digest(token),
            LoginSession.created_at > created_after,
            LoginSession.ended_at.is_(None),
            Account.ended_at.is_(None),
        )
    )


def _add_session(session: Session, number: int, device: str, now: datetime, *, is_full: bool) -> str:
    text = new_token()
    session.execute(delete(LoginSession).where(LoginSession.created_at < now - _KEEP_ENDED))
    session.add(
        LoginSession(
            digest=service.digest(text),
            account_number=number,
            is_full=is_full,
            device=device,
            created_at=now,
            used_at=_round(now),
            ended_at=None,
        )
    )
    session.flush()
    return text


def _round(now: datetime) -> datetime:
    return now - (now - datetime.min.replace(tzinfo=now.tzinfo)) % _GRAIN


def _add_browser(session: Session, number: int, now: datetime) -> str:
    text = new_token()
    session.execute(delete(KnownBrowser).where(KnownBrowser.created_at < now - KNOWN_BROWSER_LIFETIME))
    session.add(KnownBrowser(digest=service.digest(text), account_number=number, created_at=now))
    return text


def _is_known(session: Session, browser: str | None, number: int | None, now: datetime) -> bool:
    if browser is None:
        return False
    # Asked for an address that nobody has too, so that it costs the same. No account has the number 0.
    row = session.get(KnownBrowser, (service.digest(browser), number or 0))
    return row is not None and row.created_at > now - KNOWN_BROWSER_LIFETIME


def _use_code(session: Session, context: Context, number: int, code: str, now: datetime) -> bool:
    """Whether this is a good code of the app, or a recovery code; it is good no more."""
    secret = context.settings.secret
    # Locked on PostgreSQL, so that of two who use a code at once one is refused.
    row = session.scalar(select(Password).where(Password.account_number == number).with_for_update())
    if row is None:
        return False
    totp_secret = factors.unseal_totp(secret, number, row.sealed_totp)
    step = factors.find_totp_step(totp_secret, code, now, after=row.last_totp_step)
    if step is not None:
        row.last_totp_step = step
        return True
    digest = factors.digest_recovery_code(secret, number, code)
    used = session.execute(
        delete(RecoveryCode).where(RecoveryCode.digest == digest, RecoveryCode.account_number == number)
    )
    return bool(used.rowcount == 1)  # type: ignore[attr-defined]


def make_subject(context: Context, kind: str, of: str | None = "") -> str:
    """Whom tries of this kind are counted for."""
    return tag(context.settings.secret, _SUBJECT_PURPOSE, f"{kind}|{of}")
