"""Accounts: tokens of programs, the first administrator's one-time link, password and second factor."""

import base64
import hashlib
import hmac
import unicodedata
from dataclasses import dataclass
from datetime import datetime, timedelta

import pyotp
from cryptography.exceptions import InvalidKey, InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from crypto.randomness import new_account_number, new_hex, new_token
from voting_app.accounts.models import AccessToken, Account, Password, SetupLink
from voting_app.errors import Problem

ADMINISTRATOR = "administrator"
SETUP_LINK_LIFETIME = timedelta(hours=24)
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 256
TOTP_SECONDS = 30
# Guesses of the second factor: 10^6 codes, two of them good at a time, 5 tries in 15 minutes.
FAILURES_BEFORE_LOCK = 5
LOCK_TIME = timedelta(minutes=15)

# OWASP's first choice for Argon2id is 19 MiB and 2 passes; there are few administrators, so they get more.
_ARGON2_MEMORY_KIB = 65536
_ARGON2_PASSES = 3
_ARGON2_LANES = 1


@dataclass(frozen=True)
class Actor:
    """Who acts: a role and the account's random number. `str` gives the journal's form, "role:number"."""

    role: str
    account_number: int

    def __str__(self) -> str:
        return f"{self.role}:{self.account_number}"


# What the timer and the service itself do, in the journal's form (DESIGN §11).
SERVICE_ACTOR = Actor("service", 0)


@dataclass(frozen=True)
class NewToken:
    """A token that was just made; its text exists nowhere else."""

    text: str
    actor: Actor


@dataclass(frozen=True)
class SetupForm:
    """What the page behind a setup link shows: the second factor's secret as text and as otpauth://
    address.
    """

    totp_secret: str
    totp_address: str


def create_account(session: Session, *, role: str, label: str, now: datetime) -> Actor:
    """Make an account with a random number and return who that is."""
    number = new_account_number()
    session.add(Account(number=number, role=role, label=label[:200], created_at=now, ended_at=None))
    session.flush()
    return Actor(role, number)


def create_token(session: Session, *, role: str, label: str, now: datetime) -> NewToken:
    """Make an account with one bearer token. The caller shows the text once; only its hash is kept."""
    actor = create_account(session, role=role, label=label, now=now)
    text = new_token()
    session.add(
        AccessToken(digest=_digest(text), account_number=actor.account_number, created_at=now, ended_at=None)
    )
    session.flush()
    return NewToken(text, actor)


def find_token(session: Session, text: str) -> Actor | None:
    """Return who bears the token `text`, or None if it is unknown or ended."""
    row = session.execute(
        select(Account.role, Account.number)
        .join(AccessToken, AccessToken.account_number == Account.number)
        .where(
            AccessToken.digest == _digest(text), AccessToken.ended_at.is_(None), Account.ended_at.is_(None)
        )
    ).one_or_none()
    return None if row is None else Actor(row.role, row.number)


def end_account(session: Session, account_number: int, now: datetime) -> None:
    """End an account and with it its tokens; it keeps its number, which the journal may name."""
    ended = session.execute(
        update(Account)
        .where(Account.number == account_number, Account.ended_at.is_(None))
        .values(ended_at=now)
    )
    if ended.rowcount != 1:  # type: ignore[attr-defined]
        raise Problem(404, "unknown-account", "There is no such account, or it was ended before.")


def has_administrator(session: Session) -> bool:
    """Whether somebody has a password yet; until then `steward serve` prints a setup link."""
    return session.scalar(select(Password.account_number).limit(1)) is not None


def create_setup_link(session: Session, now: datetime) -> str:
    """Return the secret of a new one-time link for the first administrator; links made before end with it."""
    if has_administrator(session):
        raise Problem(409, "already-set-up", "An administrator has been set up.")
    session.execute(update(SetupLink).where(SetupLink.used_at.is_(None)).values(used_at=now))
    actor = create_account(session, role=ADMINISTRATOR, label="first administrator", now=now)
    text = new_token()
    session.add(
        SetupLink(
            digest=_digest(text),
            account_number=actor.account_number,
            expires_at=now + SETUP_LINK_LIFETIME,
            used_at=None,
        )
    )
    session.flush()
    return text


def get_setup_form(session: Session, link: str, now: datetime, secret: bytes, issuer: str) -> SetupForm:
    """Return what the page of the link shows. Raises Problem 404 for a link that is unknown, used or too
    old.
    """
    _require_setup_link(_find_setup_link(session, link), now)
    totp_secret = _totp_secret(secret, link)
    address = pyotp.TOTP(totp_secret).provisioning_uri(name="administrator", issuer_name=issuer)
    return SetupForm(totp_secret, address)


def set_up_administrator(
    session: Session, link: str, *, password: str, code: str, now: datetime, secret: bytes
) -> Actor:
    """Use the link up: keep the password and the second factor. A wrong code or weak password leaves the
    link usable.
    """
    # Locked on PostgreSQL, so that of two who use the link at once the second finds it used.
    row = _require_setup_link(_find_setup_link(session, link, is_locked=True), now)
    normal = _require_password(password)
    totp_secret = _totp_secret(secret, link)
    step = _find_totp_step(totp_secret, code, now, after=0)
    if step is None:
        raise Problem(
            400, "wrong-code", "The six digits are not those of the authenticator app at this moment."
        )
    if has_administrator(session):
        raise Problem(409, "already-set-up", "An administrator has been set up.")
    session.add(
        Password(
            account_number=row.account_number,
            password_hash=_hash_password(normal),
            sealed_totp=_seal(secret, row.account_number, totp_secret),
            last_totp_step=step,
            failures=0,
            locked_until_at=None,
        )
    )
    row.used_at = now
    session.flush()
    return Actor(ADMINISTRATOR, row.account_number)


def verify_login(
    session: Session, account_number: int, *, password: str, code: str, now: datetime, secret: bytes
) -> Actor | None:
    """Return who logs in, or None; the caller lets the transaction commit either way, because failures are
    counted in it.
    """
    # Locked on PostgreSQL, so that parallel guesses are counted one by one.
    row = session.scalar(select(Password).where(Password.account_number == account_number).with_for_update())
    if row is None or (row.locked_until_at is not None and row.locked_until_at > now):
        return None
    step = None
    if _is_password(row.password_hash, unicodedata.normalize("NFKC", password)[:LONGEST_PASSWORD]):
        totp_secret = _unseal(secret, account_number, row.sealed_totp)
        step = _find_totp_step(totp_secret, code, now, after=row.last_totp_step)
    if step is None:
        row.failures += 1
        if row.failures >= FAILURES_BEFORE_LOCK:
            row.failures, row.locked_until_at = 0, now + LOCK_TIME
        session.flush()
        return None
    row.failures, row.locked_until_at, row.last_totp_step = 0, None, step
    session.flush()
    account = session.get(Account, account_number)
    if account is None or account.ended_at is not None:
        return None
    return Actor(account.role, account.number)


def _find_setup_link(session: Session, link: str, *, is_locked: bool = False) -> SetupLink | None:
    statement = select(SetupLink).where(SetupLink.digest == _digest(link))
    # PostgreSQL locks no row in a transaction that only reads.
    return session.scalar(statement.with_for_update() if is_locked else statement)


def _require_setup_link(row: SetupLink | None, now: datetime) -> SetupLink:
    if row is None or row.used_at is not None or row.expires_at <= now:
        raise Problem(404, "not-found", "This link does not exist, was used or is too old.")
    return row


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _require_password(password: str) -> str:
    normal = unicodedata.normalize("NFKC", password)
    if not SHORTEST_PASSWORD <= len(normal) <= LONGEST_PASSWORD:
        raise Problem(
            400, "weak-password", f"A password needs {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters."
        )
    return normal


def _hash_password(normal: str) -> str:
    kdf = Argon2id(
        salt=bytes.fromhex(new_hex(16)),
        length=32,
        iterations=_ARGON2_PASSES,
        lanes=_ARGON2_LANES,
        memory_cost=_ARGON2_MEMORY_KIB,
    )
    return kdf.derive_phc_encoded(normal.encode("utf-8", "surrogatepass"))


def _is_password(password_hash: str, normal: str) -> bool:
    try:
        Argon2id.verify_phc_encoded(normal.encode("utf-8", "surrogatepass"), password_hash)
    except InvalidKey:
        return False
    return True


def _find_totp_step(totp_secret: str, code: str, now: datetime, *, after: int) -> int | None:
    """Return the time step whose code this is: the present or the last one, and later than `after`; else
    None.
    """
    totp = pyotp.TOTP(totp_secret)
    present = int(now.timestamp()) // TOTP_SECONDS
    for step in (present, present - 1):
        if step > after and hmac.compare_digest(
            totp.generate_otp(step).encode(), code.replace(" ", "").encode()
        ):
            return step
    return None


def _totp_secret(secret: bytes, link: str) -> str:
    """Return the second factor's secret that belongs to a link: shown at every visit, stored only when it
    is used.
    """
    raw = _derive(secret, b"steward-totp|" + _digest(link).encode(), 20)
    return base64.b32encode(raw).decode()


def _derive(secret: bytes, info: bytes, length: int) -> bytes:
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=info).derive(secret)


def _seal(secret: bytes, account_number: int, text: str) -> bytes:
    nonce = bytes.fromhex(new_hex(12))
    key = _derive(secret, b"steward-totp-seal", 32)
    return nonce + AESGCM(key).encrypt(nonce, text.encode(), str(account_number).encode())


def _unseal(secret: bytes, account_number: int, sealed: bytes) -> str:
    key = _derive(secret, b"steward-totp-seal", 32)
    try:
        return AESGCM(key).decrypt(sealed[:12], sealed[12:], str(account_number).encode()).decode()
    except InvalidTag as error:
        raise RuntimeError(
            "the installation's secret is not the one the second factor was sealed with"
        ) from error
