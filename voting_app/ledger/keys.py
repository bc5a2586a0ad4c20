"""The service key of an election: derived from the installation's secret, so that it stands in no database
and no backup of one.
"""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from crypto.receipt import ServiceKey


def get_service_key(secret: bytes, uuid: str) -> ServiceKey:
    """Return the Ed25519 key that signs the receipts and seals of the box `uuid`; the same secret always
    gives the same key.

    secret: `Settings.secret`, 32 bytes. All app hosts of an installation share it, and its loss ends sealing.
    """
    seed = HKDF(
        algorithm=SHA256(), length=32, salt=None, info=b"steward-service-key|" + uuid.encode()
    ).derive(secret)
    return ServiceKey.from_bytes(seed)
