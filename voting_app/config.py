"""Settings: read once at the start from a TOML file and from STEWARD_* variables; a wrong one stops the
start.
"""

import base64
import binascii
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from crypto.randomness import new_seed
from crypto.writing import is_writing
from voting_app.mail.smtp import is_address, parse_server

CONFIG_FILE_NAME = "steward.toml"
SECRET_FILE_NAME = "secret.key"  # noqa: S105  a file's name
DATABASE_FILE_NAME = "steward.sqlite3"
_PREFIX = "STEWARD_"
_SHORTEST_IDLE = 600


class SettingsError(Exception):
    """A setting is missing, unknown or wrong; the text says which and what to do."""


@dataclass(frozen=True)
class Settings:
    """What the installation decides. Sizes in bytes, durations in seconds.

    instance_folder: what the program writes; secret: 32 bytes from which the service keys of elections are
    derived; database_url: SQLAlchemy URL; base_url: public address without trailing slash; smtp_url and mail_from:
    how mail goes out; the others are limits.
    """

    instance_folder: Path
    secret: bytes = field(repr=False)
    database_url: str = field(repr=False)
    base_url: str = "http://127.0.0.1:8000"
    organisation: str = "Our organisation"
    # A ballot is also bounded by what its election's questions need; this bounds it whatever they are.
    max_ballot_bytes: int = 1_000_000
    max_body_bytes: int = 64_000_000
    # How many ballots one process verifies at a time, and how long one may wait for its turn. More than
    # cores gains nothing; with several processes on one computer, cores divided by processes is best.
    max_verifications: int = max(2, os.cpu_count() or 2)
    verification_wait_seconds: int = 10
    # How many ballots of one credential can be opened to check them instead of casting them. Each is kept.
    max_challenges: int = 20
    # The box is ended this long after closing at the latest, whatever is still being verified then. It is waited for
    # in full only after a process was killed while it had ballots in flight.
    casting_lease_seconds: int = 60
    # The box is ended this long after closing: a ballot that arrived in the last moment needs a moment to be
    # announced as in flight.
    closing_grace_seconds: int = 2
    # A login of the office ends when nobody uses it for so long, and so long after it began at the latest.
    login_idle_seconds: int = 3600
    login_lifetime_seconds: int = 43200
    # The privacy check before an election is opened; voting_app.elections.privacy has the reasons. Opening is refused
    # with fewer members, and (if the last is true) with weights that every result tells; the others are for warnings.
    privacy_least_members: int = 2
    privacy_few_ballots: int = 10
    privacy_turnout_percent: int = 50
    privacy_majority_percent: int = 80
    privacy_chance_percent: int = 5
    privacy_refuse_readable_weights: bool = True
    jobs_in_process: bool = True
    # Where mail is handed over: smtp://host:port, smtps://user:password@host or smtp+starttls://user:password@host.
    # Empty: no mail is sent, and pages and commands say who is next.
    smtp_url: str = field(default="", repr=False)
    # The address that mail comes from; its domain is also how we introduce ourselves to the mail server.
    mail_from: str = ""
    # How many mails to members are sent in a minute; mail to trustees and officers goes out at once.
    mail_per_minute: int = 60
    # So long an address that a member has confirmed needs not be confirmed for another election.
    address_confirmation_days: int = 400

    @property
    def is_https(self) -> bool:
        """Whether the public address is https."""
        return self.base_url.startswith("https://")


# Settings a person writes down; `secret` has its own door below.
_PLAIN = {f.name: f for f in fields(Settings) if f.name not in {"instance_folder", "secret"}}


def load_settings(
    instance_folder: Path, environ: Mapping[str, str] | None = None, **overrides: Any
) -> Settings:
    """Return the settings of `instance_folder`: its steward.toml, over that STEWARD_* variables, over that
    `overrides`.

    The folder and its secret are made when absent. Raises SettingsError for an unknown name or an
    impossible value.
    """
    environ = os.environ if environ is None else environ
    values = _read_file(instance_folder / CONFIG_FILE_NAME) | _read_environment(environ) | overrides
    unknown = sorted(set(values) - set(_PLAIN))
    if unknown:
        raise SettingsError(f"unknown setting: {', '.join(unknown)}; known are {', '.join(sorted(_PLAIN))}")
    try:
        instance_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(
            f"the instance folder {instance_folder} can't be made: {error.strerror}"
        ) from error
    values.setdefault("database_url", f"sqlite:///{(instance_folder / DATABASE_FILE_NAME).resolve()}")
    secret = _read_secret(instance_folder / SECRET_FILE_NAME, environ)
    settings = Settings(instance_folder=instance_folder, secret=secret, **values)
    _require_sensible(settings)
    return settings


def load_settings_from_environment(environ: Mapping[str, str] | None = None) -> Settings:
    """Return the settings for a web server that was started by others: STEWARD_INSTANCE names the folder
    and must be set.
    """
    environ = os.environ if environ is None else environ
    folder = environ.get(_PREFIX + "INSTANCE")
    if not folder:
        raise SettingsError("STEWARD_INSTANCE must name the instance folder")
    if not Path(folder).is_dir():
        raise SettingsError(f"the instance folder {folder} does not exist")
    return load_settings(Path(folder), environ)


def _read_file(path: Path) -> dict[str, Any]:
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}") from error
    try:
        return tomllib.loads(raw.decode())
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path} is not TOML: {error}") from error


def _read_environment(environ: Mapping[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, text in environ.items():
        if not name.startswith(_PREFIX) or name in {_PREFIX + "INSTANCE", _PREFIX + "SECRET"}:
            continue
        key = name.removeprefix(_PREFIX).lower()
        setting = _PLAIN.get(key)
        if setting is None:
            raise SettingsError(f"unknown setting {name} in the environment")
        if setting.type is int:
            if not text.isascii() or not text.isdecimal():
                raise SettingsError(f"{name} must be a whole number, it is {text!r}")
            values[key] = int(text)
        elif setting.type is bool:
            if text not in {"true", "false"}:
                raise SettingsError(f"{name} must be true or false, it is {text!r}")
            values[key] = text == "true"
        else:
            values[key] = text
    return values


def _read_secret(path: Path, environ: Mapping[str, str]) -> bytes:
    """Return the 32 secret bytes: STEWARD_SECRET (base64), else the file, which the first start makes."""
    text = environ.get(_PREFIX + "SECRET")
    if text is None:
        try:
            # O_EXCL: of two processes that start at once, one makes the file and both read it.
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            pass
        except OSError as error:
            raise SettingsError(f"{path} can't be written: {error.strerror}") from error
        else:
            with os.fdopen(descriptor, "wb") as file:
                file.write(base64.b64encode(new_seed()) + b"\n")
                file.flush()
                os.fsync(file.fileno())
        try:
            text = path.read_text("ascii")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path} can't be read") from error
    try:
        secret = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise SettingsError(f"the secret ({path} or STEWARD_SECRET) is not base64") from error
    if len(secret) != 32:
        raise SettingsError(f"the secret ({path} or STEWARD_SECRET) must have 32 bytes, it has {len(secret)}")
    return secret


def _require_sensible(settings: Settings) -> None:
    for name, setting in _PLAIN.items():
        value = getattr(settings, name)
        if setting.type in {int, bool, str} and type(value) is not setting.type:
            # Of what may hold a password nothing is repeated.
            shown = repr(value) if setting.repr else type(value).__name__
            raise SettingsError(f"{name} has the wrong type: {shown}")
        least = 0 if name == "closing_grace_seconds" else 1
        if setting.type is int and value < least:
            raise SettingsError(f"{name} must be at least {least}, it is {value}")
        if name.endswith("_percent") and value > 100:
            raise SettingsError(f"{name} must be at most 100, it is {value}")
    if not 50 <= settings.privacy_majority_percent <= 99:
        raise SettingsError(
            f"privacy_majority_percent must be from 50 to 99, it is {settings.privacy_majority_percent}"
        )
    if settings.login_idle_seconds < _SHORTEST_IDLE:
        raise SettingsError(
            f"login_idle_seconds must be at least {_SHORTEST_IDLE}, or people are logged out at work"
        )
    parts = urlsplit(settings.base_url)
    if (
        parts.scheme not in {"http", "https"}
        or not parts.netloc
        or settings.base_url.endswith("/")
        or parts.query
    ):
        raise SettingsError(f"base_url must look like https://vote.example.org, it is {settings.base_url!r}")
    if not settings.database_url.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
        raise SettingsError("database_url must start with sqlite:/// or postgresql://")
    _require_sensible_mail(settings)


def _require_sensible_mail(settings: Settings) -> None:
    if settings.smtp_url:
        try:
            parse_server(settings.smtp_url)
        except ValueError as error:
            raise SettingsError(f"smtp_url does not name a mail server: {error}") from None
        if not settings.mail_from:
            raise SettingsError("with smtp_url there must be mail_from, the address that mail comes from")
    if settings.mail_from and not is_address(settings.mail_from):
        raise SettingsError(f"mail_from must look like vote@example.org, it is {settings.mail_from!r}")
    # It stands in the head of every mail.
    if not is_writing(settings.organisation):
        raise SettingsError("organisation has a sign that cannot be printed")
