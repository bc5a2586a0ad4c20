"""All randomness: the only file that imports ``secrets``.

Code that needs a random scalar takes *coins*. ``SystemCoins`` draws from the operating system;
``SeedCoins`` derives the coins of one ballot's encryption and proofs from a 32-byte seed, so that a
voter can have it opened by seed and choices ("check instead of cast", docs/protocol.md §7.5). The coin
of a signature never follows from that seed: whoever knows it has the secret that signed.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Protocol

from crypto.encoding import BASE58
from crypto.errors import MisuseError

SEED_BYTES = 32
CREDENTIAL_GROUPS = (5, 6, 5, 6)
# A coin must be longer than q by this many bits, or its bias would show.
_MARGIN_BITS = 128
_UUID_LENGTH = 14
_TRUSTEE_SEED_LENGTH = 22


class Coins(Protocol):
    """A source of uniform scalars."""

    def scalar(self, q: int) -> int:
        """The next coin, in [0, q)."""
        ...


class SystemCoins:
    """Coins from the operating system's generator."""

    def scalar(self, q: int) -> int:
        return secrets.randbelow(q)


class SeedCoins:
    """coin(i) = SHA-512("steward-coin|" + hex(seed) + "|" + i) mod q, for i = 0, 1, 2, …

    For groups whose q is too long for one SHA-512 (RFC-3526-2048), coin(i) is the concatenation of
    SHA-512("steward-coin|" + hex(seed) + "|" + i + "|" + k), k = 0, 1, …, until it is 128 bits
    longer than q: with 512 bits against a 2047-bit q the simulated branches of a proof would be
    told from the true one by their size.
    """

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise MisuseError(f"a seed has {SEED_BYTES} bytes, not {len(seed)}")
        self._prefix = f"steward-coin|{seed.hex()}|"
        self._next = 0

    def scalar(self, q: int) -> int:
        label = f"{self._prefix}{self._next}"
        self._next += 1
        if q.bit_length() + _MARGIN_BITS <= 512:
            return int.from_bytes(hashlib.sha512(label.encode()).digest()) % q
        blocks = -(-(q.bit_length() + _MARGIN_BITS) // 512)
        wide = b"".join(hashlib.sha512(f"{label}|{block}".encode()).digest() for block in range(blocks))
        return int.from_bytes(wide) % q


def new_seed() -> bytes:
    """32 random bytes: the seed of a ballot's coins, or of a signing key."""
    return secrets.token_bytes(SEED_BYTES)


def new_base58(length: int) -> str:
    """``length`` random characters of the Base58 alphabet (5.86 bits each)."""
    return "".join(secrets.choice(BASE58) for _ in range(length))


def new_uuid() -> str:
    """A new election's uuid: 14 Base58 characters."""
    return new_base58(_UUID_LENGTH)


def new_trustee_seed() -> str:
    """A threshold trustee's seed: 22 Base58 characters, 128 bits (PROTOCOL §7)."""
    return new_base58(_TRUSTEE_SEED_LENGTH)


def new_credential_text() -> str:
    """A new voting credential ``XXXXX-XXXXXX-XXXXX-XXXXXX``: 128 bits."""
    return "-".join(new_base58(length) for length in CREDENTIAL_GROUPS)


def new_hex(count: int) -> str:
    """``count`` random bytes in hex."""
    return secrets.token_hex(count)


def new_token() -> str:
    """A bearer token: 43 characters of URL-safe base64, 256 bits."""
    return secrets.token_urlsafe(32)


def new_account_number() -> int:
    """A number that names an account in the journal without naming the person."""
    return 1 + secrets.randbelow(2**31 - 1)
