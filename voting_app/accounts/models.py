"""Tables of accounts. An account is a role and a random number; the name of a person stands nowhere here
but in `label`.
"""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from voting_app.db import Base, UtcTime


class Account(Base):
    """Somebody who may act. `number` is random: it stands in the public journal and must not tell the
    order of accounts.
    """

    __tablename__ = "account"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    role: Mapped[str] = mapped_column(String(20))
    label: Mapped[str] = mapped_column(String(200))
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
    """The one-time link with which an administrator sets password and second factor, as the SHA-256 of its
    secret.
    """

    __tablename__ = "setup_link"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_number: Mapped[int] = mapped_column(ForeignKey("account.number"))
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
    # A code is good for one login: the time step of the last one that was used.
    last_totp_step: Mapped[int]
    failures: Mapped[int]
    locked_until_at: Mapped[datetime | None] = mapped_column(UtcTime)
