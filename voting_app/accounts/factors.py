"""What people prove themselves with: passwords (Argon2id), six digits of an app (TOTP), recovery codes. No database."""

import base64
import hmac
import threading
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pyotp
from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from crypto.randomness import new_hex
from voting_app.errors import Problem, get_overloaded
from voting_app.sealing import derive, seal, tag, unseal

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 256
_FEWEST_DIFFERENT_SIGNS = 5
TOTP_SECONDS = 30
RECOVERY_CODES = 10
_RECOVERY_BYTES = 8
_RECOVERY_GROUP = 4

# OWASP's first choice for Argon2id is 19 MiB and 2 passes; there are few officers, so they get more.
ARGON2_MEMORY_KIB = 65536
ARGON2_PASSES = 3
_ARGON2_LANES = 1

# Each verification takes memory and a good part of a second of a core that ballots need too. So one process does one
# at a time, one more may wait, and who comes then is asked to come back: a flood of logins can't stop the voting.
_at_work = threading.Semaphore(1)
_places = threading.Semaphore(2)

_TOTP_PURPOSE = "steward-totp-seal"


# --- passwords ---------------------------------------------------------------------------------------------


def require_password(password: str, *known: str) -> str:
    """Return the password as it is hashed; Problem 400 `weak-password`. known: what must not be used as one."""
    normal = _normalise(password)
    if not SHORTEST_PASSWORD <= len(normal) <= LONGEST_PASSWORD:
        raise Problem(
            400, "weak-password", f"A password needs {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters."
        )
    is_known = normal.casefold() in {_normalise(word).casefold() for word in known}
    if is_known or len(set(normal)) < _FEWEST_DIFFERENT_SIGNS:
        raise Problem(400, "guessable-password", "This password is too easy to guess.")
    return normal


def hash_password(normal: str) -> str:
    """Return the Argon2id hash of what `require_password` gave. Only who has a link or is logged in gets here."""
    with _at_work:
        return _hash(normal)


def is_password(password_hash: str | None, password: str) -> bool:
    """Whether this is the password. Without a hash (nobody has this address) it is not, after the same work."""
    normal = _normalise(password)[: LONGEST_PASSWORD + 1]
    with _working():
        try:
            Argon2id.verify_phc_encoded(
                normal.encode("utf-8", "surrogatepass"), password_hash or _get_nobodys_hash()
            )
        except InvalidKey:
            return False
    return password_hash is not None


def _normalise(password: str) -> str:
    return unicodedata.normalize("NFKC", password)


def _hash(normal: str) -> str:
    kdf = Argon2id(
        salt=bytes.fromhex(new_hex(16)),
        length=32,
        iterations=ARGON2_PASSES,
        lanes=_ARGON2_LANES,
        memory_cost=ARGON2_MEMORY_KIB,
    )
    return kdf.derive_phc_encoded(normal.encode("utf-8", "surrogatepass"))


def _get_nobodys_hash() -> str:
    """What to verify where there is no account: as much work as a real one, and no password has it."""
    salt, key = "bm9ib2R5J3Mgc2FsdCEhIQ", "A" * 43
    return f"$argon2id$v=19$m={ARGON2_MEMORY_KIB},t={ARGON2_PASSES},p={_ARGON2_LANES}${salt}${key}"


@contextmanager
def _working() -> Iterator[None]:
    if not _places.acquire(blocking=False):
        raise get_overloaded("Others are logging in at this moment.")
    try:
        with _at_work:
            yield
    finally:
        _places.release()


# --- the second factor -------------------------------------------------------------------------------------


def get_totp_secret(secret: bytes, link_digest: str) -> str:
    """Return the second factor's secret that belongs to a one-time link, or to what offers another phone: stored only
    when it is used.
    """
    return base64.b32encode(derive(secret, f"steward-totp|{link_digest}", 20)).decode()


def get_totp_address(totp_secret: str, name: str, organisation: str) -> str:
    """Return the otpauth:// address that an app reads from a picture."""
    return pyotp.TOTP(totp_secret).provisioning_uri(name=name, issuer_name=organisation)


def seal_totp(secret: bytes, account_number: int, totp_secret: str) -> bytes:
    """Return the second factor's secret as it is stored."""
    return seal(secret, _TOTP_PURPOSE, str(account_number), totp_secret)


def unseal_totp(secret: bytes, account_number: int, sealed: bytes) -> str:
    """Return the second factor's secret. RuntimeError when the installation's secret is another one."""
    return unseal(secret, _TOTP_PURPOSE, str(account_number), sealed)


def find_totp_step(totp_secret: str, code: str, now: datetime, *, after: int) -> int | None:
    """Return the time step whose code this is: the present or the last one, and later than `after`; else
    None.
    """
    totp = pyotp.TOTP(totp_secret)
    typed = code.replace(" ", "").encode("utf-8", "surrogatepass")
    present = int(now.timestamp()) // TOTP_SECONDS
    for step in (present, present - 1):
        if step > after and hmac.compare_digest(totp.generate_otp(step).encode(), typed):
            return step
    return None


# --- recovery codes ----------------------------------------------------------------------------------------


def new_recovery_codes() -> list[str]:
    """Return new codes of 64 bits each, in groups that can be read and typed."""
    codes = [new_hex(_RECOVERY_BYTES) for _ in range(RECOVERY_CODES)]
    return [
        "-".join(code[at : at + _RECOVERY_GROUP] for at in range(0, len(code), _RECOVERY_GROUP))
        for code in codes
    ]


def digest_recovery_code(secret: bytes, account_number: int, code: str) -> str:
    """Return what is stored of a code, however it was typed. Keyed, because 64 bits alone could be tried out."""
    typed = "".join(sign for sign in code if sign not in "-–— \t").lower()
    return tag(secret, "steward-recovery-code", f"{account_number}|{typed}")
