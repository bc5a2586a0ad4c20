"""The exact bytes before every challenge: one differing character and no other program verifies our proofs."""

import hashlib

import pytest

from crypto import transcript
from crypto.groups import get_group

G = get_group("Ed25519")
X, A, B = G.power_g(2), G.power_g(3), G.power_g(5)
F = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"
S0 = f"{F}|{X.text}"
S = f"{S0}|{A.text},{B.text},{B.text},{A.text}"


@pytest.mark.parametrize(
    "made, expected",
    [
        (transcript.trustee_key(G, X), f"pok|Ed25519|{X.text}|"),
        (transcript.ballot_signature("HASH"), "sig|HASH|"),
        (transcript.signed_message("MESSAGE"), "sigmsg|MESSAGE|"),
        (transcript.ballot_context(F, X), S0),
        (transcript.answer_context(S0, [(A, B), (B, A)]), S),
        (transcript.individual(S0, A, B), f"prove|{S0}|{A.text},{B.text}|"),
        (transcript.overall(S, A, B), f"prove|{S}|{A.text},{B.text}|"),
        (transcript.blank(S), f"bproof0|{S}|"),
        (transcript.overall_or_blank(S), f"bproof1|{S}|"),
        (transcript.decryption(F, X), f"decrypt|{F}|{X.text}|"),
        (transcript.strong_decryption(F, X, A, B), f"steward-decrypt|{F}|{X.text}|{A.text}|{B.text}|"),
        (transcript.key_drill(F, X, "00ff"), f"steward-drill|{F}|{X.text}|00ff|"),
    ],
)
def test_prefixes_are_those_of_the_protocol(made: str, expected: str) -> None:
    assert made == expected


def test_the_challenge_is_a_hash_modulo_q() -> None:
    for name in ("Ed25519", "BELENIOS-2048"):
        group = get_group(name)
        digest = hashlib.sha256(b"prefix|a,b,c").digest()
        assert transcript.challenge(group, "prefix|", ["a", "b", "c"]) == int.from_bytes(digest) % group.q


def test_no_prefix_begins_another() -> None:
    """Proofs of one kind must not be taken for proofs of another kind."""
    starts = ["pok|", "sig|", "sigmsg|", "prove|", "bproof0|", "bproof1|", "decrypt|", "steward-decrypt|"]
    starts.append("steward-drill|")
    assert not [(a, b) for a in starts for b in starts if a != b and b.startswith(a)]
