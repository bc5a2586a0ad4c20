"""A decryption factor F = α^x was made with the secret key of X = g^x.

Two forms of the same statement. The *plain* one is Belenios' and stands in the archive; its
challenge covers neither α nor F, so a dishonest trustee can prove a false factor (PROTOCOL §0,
fact 5). The *strong* one hashes the whole statement and stands in the journal (DESIGN §11).
"""

from __future__ import annotations

from crypto import transcript
from crypto.checker import Checker
from crypto.groups import Element, Group
from crypto.proofs import schnorr
from crypto.proofs.schnorr import Proof
from crypto.randomness import Coins


def prove_plain(group: Group, fingerprint: str, secret: int, alpha: Element, coins: Coins) -> Proof:
    """The archive's proof for α^secret."""
    prefix = transcript.decryption(fingerprint, group.power_g(secret))
    return schnorr.prove(group, prefix, (group.generator, alpha), secret, coins)


def verify_plain(
    group: Group,
    fingerprint: str,
    public_key: Element,
    alpha: Element,
    factor: Element,
    proof: Proof,
    checker: Checker,
) -> None:
    """Rule D3."""
    prefix = transcript.decryption(fingerprint, public_key)
    statement = ((group.generator, public_key), (alpha, factor))
    schnorr.verify(group, prefix, statement, proof, checker, "D3", "the decryption proof")


def prove_strong(group: Group, fingerprint: str, secret: int, alpha: Element, coins: Coins) -> Proof:
    """The journal's proof for α^secret."""
    public_key, factor = group.power_g(secret), group.power(alpha, secret)
    prefix = transcript.strong_decryption(fingerprint, public_key, alpha, factor)
    return schnorr.prove(group, prefix, (group.generator, alpha), secret, coins)


def verify_strong(
    group: Group,
    fingerprint: str,
    public_key: Element,
    alpha: Element,
    factor: Element,
    proof: Proof,
    checker: Checker,
) -> None:
    """Rule D4."""
    prefix = transcript.strong_decryption(fingerprint, public_key, alpha, factor)
    statement = ((group.generator, public_key), (alpha, factor))
    schnorr.verify(group, prefix, statement, proof, checker, "D4", "the strong decryption proof")
