"""Tables of accounts. An account is a role and a random number; person and address stand nowhere but in `account`.

Nothing here that opens a door can be read out of the database: tokens, links and recovery codes are kept as hashes,
passwords as Argon2id, the second factor sealed with a key that is not in it.
"""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from voting_app.db import Base, UtcTime


class Account(Base):
    """Somebody, or a program, who may act. `number` is random: it stands in the public journal and must not tell the
    order of accounts.
    """

    __tablename__ = "account"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    role: Mapped[str] = mapped_column(String(20))
    # A person's name, or a note about a program.
    label: Mapped[str] = mapped_column(String(200))
    # Of people only, in small letters. An ended account has none, so that it can be given anew.
    email: Mapped[str | None] = mapped_column(String(254), unique=True)
    # In which its mail is written.
    language: Mapped[str | None] = mapped_column(String(35))
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)


class AccessToken(Base):
    """A bearer token, as the SHA-256 of its text: the text has 256 random bits, so a slow hash would add
    nothing.
    """

    __tablename__ = "access_token"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_number: Mapped[int] = mapped_column(ForeignKey("account.number"), index=True)
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)


class SetupLink(Base):
    """A one-time link with which somebody sets password and second factor, as the SHA-256 of its secret.

    purpose: "first" for the first administrator, "invitation", or "reset" for who lost one of the two.
    """

    __tablename__ = "setup_link"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_number: Mapped[int] = mapped_column(ForeignKey("account.number"))
    purpose: Mapped[str] = mapped_column(String(20))
    expires_at: Mapped[datetime] = mapped_column(UtcTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcTime)


class Password(Base):
    """Password (Argon2id) and second factor (TOTP secret, sealed with the installation's secret) of an
    account.
    """

    __tablename__ = "password"

    account_number: Mapped[int] = mapped_column(ForeignKey("account.number"), primary_key=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    sealed_totp: Mapped[bytes]
    # A code is good once: the time step of the last one that was used.
    last_totp_step: Mapped[int]


class RecoveryCode(Base):
    """A code in place of the second factor, as a keyed hash; it goes when it is used."""

    __tablename__ = "recovery_code"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_number: Mapped[int] = mapped_column(ForeignKey("account.number"), index=True)


class NewPhone(Base):
    """Another second factor that was offered and not yet taken; one at a time for an account.

    Its secret is made of `digest` and the installation's secret, so nothing here is one.
    """

    __tablename__ = "new_phone"

    account_number: Mapped[int] = mapped_column(
        ForeignKey("account.number"), primary_key=True, autoincrement=False
    )
    # SHA-256 of what the form has that brings the first code.
    digest: Mapped[str] = mapped_column(String(64))
    # In which it was asked for, and can be taken. No foreign key: sessions are forgotten when they are old.
    session_id: Mapped[int]
    offered_at: Mapped[datetime] = mapped_column(UtcTime)


class LoginSession(Base):
    """Somebody who is logged in, or (`is_full` false) has said the password and not yet the code."""

    __tablename__ = "login_session"

    # Names it in lists; the cookie holds the text of which this is the SHA-256.
    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    account_number: Mapped[int] = mapped_column(ForeignKey("account.number"), index=True)
    is_full: Mapped[bool]
    # As "Firefox, Android": enough to know one's own devices, and no more.
    device: Mapped[str] = mapped_column(String(60))
    created_at: Mapped[datetime] = mapped_column(UtcTime)
    # To a few minutes, for the end of those that nobody uses.
    used_at: Mapped[datetime] = mapped_column(UtcTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcTime)


class KnownBrowser(Base):
    """A browser in which this account was logged in before: strangers' wrong tries do not lock it out."""

    __tablename__ = "known_browser"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_number: Mapped[int] = mapped_column(ForeignKey("account.number"), primary_key=True)
    created_at: Mapped[datetime] = mapped_column(UtcTime)


class LoginTry(Base):
    """Wrong tries of one subject: an address, a browser, an account's code, or everybody together."""

    __tablename__ = "login_try"

    # A keyed hash: addresses that strangers type, theirs or others', are not kept.
    subject: Mapped[str] = mapped_column(String(64), primary_key=True)
    count: Mapped[int]
    # How many pauses there were; each one is longer than the one before.
    pauses: Mapped[int]
    last_at: Mapped[datetime] = mapped_column(UtcTime)
    paused_until_at: Mapped[datetime | None] = mapped_column(UtcTime)
