"""The only road from a statement to a challenge (docs/protocol.md §3).

Each function below writes one row of that table: the exact bytes that are hashed before the
commitments. ``|`` and ``,`` are literal.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from crypto.groups import Element, Group


def challenge(group: Group, prefix: str, commitments: Iterable[str]) -> int:
    """H(prefix + enc(E1) + "," + … + enc(Ek)) mod q, H = SHA-256 as a big-endian number."""
    text = prefix + ",".join(commitments)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()) % group.q


def trustee_key(group: Group, public_key: Element) -> str:
    """Proof of knowledge of a trustee's secret key."""
    return f"pok|{group.name}|{public_key.text}|"


def ballot_signature(ballot_hash: str) -> str:
    """Signature of a ballot by its credential."""
    return f"sig|{ballot_hash}|"


def signed_message(message: str) -> str:
    """Signature of a threshold trustee's message."""
    return f"sigmsg|{message}|"


def ballot_context(fingerprint: str, credential: Element) -> str:
    """PROTOCOL's S0: binds every proof of a ballot to the election and to the credential."""
    return f"{fingerprint}|{credential.text}"


def answer_context(ballot: str, ciphertexts: Sequence[tuple[Element, Element]]) -> str:
    """PROTOCOL's S: S0 and all ciphertexts of one question."""
    joined = ",".join(f"{alpha.text},{beta.text}" for alpha, beta in ciphertexts)
    return f"{ballot}|{joined}"


def individual(ballot: str, alpha: Element, beta: Element) -> str:
    """One choice is 0 or 1."""
    return f"prove|{ballot}|{alpha.text},{beta.text}|"


def overall(answer: str, alpha: Element, beta: Element) -> str:
    """The sum of the choices is between minimum and maximum (no blank vote possible)."""
    return f"prove|{answer}|{alpha.text},{beta.text}|"


def blank(answer: str) -> str:
    """Not blank, or nothing chosen."""
    return f"bproof0|{answer}|"


def overall_or_blank(answer: str) -> str:
    """Blank, or a sum between minimum and maximum."""
    return f"bproof1|{answer}|"


def raw_ballot(ballot: str, y: Element, alpha: Element, beta: Element) -> str:
    """The voter knows what a ranked or graded vote encrypts."""
    return f"raweg|{ballot}|{y.text},{alpha.text},{beta.text}|"


def list_choice(answer: str) -> str:
    """A list is chosen, or none of its candidates is."""
    return f"lproof|{answer}|"


def nonzero(answer: str) -> str:
    """Some candidate of some list is chosen."""
    return f"nonzero|{answer}|"


def decryption(fingerprint: str, public_key: Element) -> str:
    """Belenios' decryption proof. It hashes neither alpha nor the factor: see strong_decryption."""
    return f"decrypt|{fingerprint}|{public_key.text}|"


def strong_decryption(fingerprint: str, public_key: Element, alpha: Element, factor: Element) -> str:
    """Steward's decryption proof (DESIGN §11): the whole statement is hashed."""
    return f"steward-decrypt|{fingerprint}|{public_key.text}|{alpha.text}|{factor.text}|"


def key_drill(label: str, public_key: Element, nonce: str) -> str:
    """A trustee shows before opening that the key is at hand (DESIGN §11)."""
    return f"steward-drill|{label}|{public_key.text}|{nonce}|"
