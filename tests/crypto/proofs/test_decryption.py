"""Both proofs that a factor was made with the right key, and what the weaker one lets through."""

from typing import Any

import pytest

from crypto import transcript
from crypto.checker import PlainChecker
from crypto.groups import Element, Group, get_group
from crypto.proofs.decryption import prove_plain, prove_strong, verify_plain, verify_strong
from crypto.proofs.schnorr import Proof
from tests.crypto.refusals import refused
from tests.simulator import coins_for

NAMES = ("Ed25519", "BELENIOS-2048")
EVERY_GROUP = pytest.mark.parametrize("G", [get_group(name) for name in NAMES], ids=NAMES)
FINGERPRINT = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"
SECRET = 4711
FORMS: list[Any] = [(prove_plain, verify_plain, "D3"), (prove_strong, verify_strong, "D4")]
EITHER_FORM = pytest.mark.parametrize("prove, verify, rule", FORMS, ids=["plain", "strong"])


@EVERY_GROUP
@EITHER_FORM
def test_an_honest_factor_passes_and_nothing_else(G: Group, prove: Any, verify: Any, rule: str) -> None:
    alpha, key = G.power_g(99), G.power_g(SECRET)
    factor = G.power(alpha, SECRET)
    proof = prove(G, FINGERPRINT, SECRET, alpha, coins_for(1, "decryption"))
    checker = PlainChecker(G)
    verify(G, FINGERPRINT, key, alpha, factor, proof, checker)
    other = G.power_g(5)
    for wrong in (
        (FINGERPRINT[:-1] + "A", key, alpha, factor, proof),
        (FINGERPRINT, other, alpha, factor, proof),
        (FINGERPRINT, key, other, factor, proof),
        (FINGERPRINT, key, alpha, other, proof),
        (FINGERPRINT, key, alpha, G.identity, proof),
        (FINGERPRINT, key, alpha, factor, Proof(proof.challenge, (proof.response + 1) % G.q)),
        (FINGERPRINT, key, alpha, factor, Proof((proof.challenge + 1) % G.q, proof.response)),
    ):
        with refused(rule):
            verify(G, *wrong, checker)


@EVERY_GROUP
@EITHER_FORM
def test_a_tally_over_no_ballot_is_decrypted_too(G: Group, prove: Any, verify: Any, rule: str) -> None:
    proof = prove(G, FINGERPRINT, SECRET, G.identity, coins_for(1, "empty"))
    args = (G, FINGERPRINT, G.power_g(SECRET), G.identity)
    verify(*args, G.identity, proof, PlainChecker(G))
    with refused(rule):
        verify(*args, G.power_g(3), proof, PlainChecker(G))


def forge_plain(G: Group, alpha: Element, target: Element) -> tuple[Element, Proof]:
    """A trustee's false factor with a valid plain proof (PROTOCOL §0, fact 5): the factor is chosen last.

    B is free, so F = (B / α^r)^(1/c). With B = α^r · target^c it would be `target`; the trustee can only grind.
    """
    w = 8888
    A, B = G.power_g(w), target
    c = transcript.challenge(G, transcript.decryption(FINGERPRINT, G.power_g(SECRET)), [A.text, B.text])
    r = (w - SECRET * c) % G.q
    factor = G.power(G.divide(B, G.power(alpha, r)), pow(c, -1, G.q))
    return factor, Proof(c, r)


@EVERY_GROUP
def test_the_plain_proof_can_be_forged_and_the_strong_one_catches_it(G: Group) -> None:
    """ATTACKS 10. If the first half ever fails, Belenios was mended and rule D4 may be retired."""
    alpha, key = G.power_g(99), G.power_g(SECRET)
    factor, forged = forge_plain(G, alpha, G.power_g(123))
    assert factor != G.power(alpha, SECRET)
    verify_plain(G, FINGERPRINT, key, alpha, factor, forged, PlainChecker(G))
    with refused("D4"):
        verify_strong(G, FINGERPRINT, key, alpha, factor, forged, PlainChecker(G))
    # The same trick on the strong form: the factor is hashed, so choosing it last changes the challenge.
    w, B = 8888, G.power_g(123)
    guess = factor
    for _ in range(5):
        prefix = transcript.strong_decryption(FINGERPRINT, key, alpha, guess)
        c = transcript.challenge(G, prefix, [G.power_g(w).text, B.text])
        r = (w - SECRET * c) % G.q
        guess = G.power(G.divide(B, G.power(alpha, r)), pow(c, -1, G.q))
        with refused("D4"):
            verify_strong(G, FINGERPRINT, key, alpha, guess, Proof(c, r), PlainChecker(G))


@EVERY_GROUP
def test_one_form_does_not_pass_for_the_other(G: Group) -> None:
    alpha, key = G.power_g(99), G.power_g(SECRET)
    factor = G.power(alpha, SECRET)
    plain = prove_plain(G, FINGERPRINT, SECRET, alpha, coins_for(1, "form"))
    strong = prove_strong(G, FINGERPRINT, SECRET, alpha, coins_for(1, "form"))
    with refused("D4"):
        verify_strong(G, FINGERPRINT, key, alpha, factor, plain, PlainChecker(G))
    with refused("D3"):
        verify_plain(G, FINGERPRINT, key, alpha, factor, strong, PlainChecker(G))
