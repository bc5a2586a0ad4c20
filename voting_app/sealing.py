"""What the database keeps but must not be able to read: keys from the installation's secret, and what they seal.

The secret lies outside of the database, so that a thief of the database or of a backup has only closed envelopes.
"""

import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from crypto.randomness import new_hex

_NONCE_BYTES = 12


def derive(secret: bytes, purpose: str, length: int = 32) -> bytes:
    """Return the key for one purpose; keys of different purposes tell nothing of each other."""
    return HKDF(algorithm=SHA256(), length=length, salt=None, info=purpose.encode()).derive(secret)


def seal(secret: bytes, purpose: str, place: str, text: str) -> bytes:
    """Return `text` encrypted (AES-256-GCM) for one `place`, such as a row: it can't be moved to another one."""
    nonce = bytes.fromhex(new_hex(_NONCE_BYTES))
    return nonce + AESGCM(derive(secret, purpose)).encrypt(nonce, text.encode(), place.encode())


def unseal(secret: bytes, purpose: str, place: str, sealed: bytes) -> str:
    """Return what was sealed. RuntimeError when the installation's secret is another one, or the bytes are."""
    key = AESGCM(derive(secret, purpose))
    try:
        return key.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], place.encode()).decode()
    except InvalidTag as error:
        raise RuntimeError(
            f"the installation's secret is not the one that sealed this ({purpose})"
        ) from error


def tag(secret: bytes, purpose: str, text: str) -> str:
    """Return a keyed hash in hex: whoever has the database alone can't try words against it."""
    return hmac.digest(derive(secret, purpose), text.encode("utf-8", "surrogatepass"), "sha256").hex()
