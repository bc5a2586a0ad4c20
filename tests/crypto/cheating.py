"""What dishonest voters and their programs do: ballots that are well signed and say something false."""

import json
from collections.abc import Sequence
from typing import Any

from crypto import transcript
from crypto.answers import make_answer
from crypto.credentials import derive_secret
from crypto.election import Election
from crypto.encoding import encode_json_bytes, sha256_base64
from crypto.proofs import schnorr
from crypto.randomness import Coins
from tests.simulator import Path, coins_for, json_at, json_with


def sign_again(election: Election, credential: str, value: dict[str, Any], seed: object = 0) -> bytes:
    """The ballot with hash and signature made anew by its owner, so that only the inner change is left to find."""
    unsigned = {key: item for key, item in value.items() if key != "signature"}
    digest = sha256_base64(encode_json_bytes(unsigned))
    group = election.group
    secret = derive_secret(group, election.uuid, credential)
    prefix = transcript.ballot_signature(digest)
    proof = schnorr.prove(group, prefix, (group.generator,), secret, coins_for(seed, "sign again"))
    return encode_json_bytes({**unsigned, "signature": {"hash": digest, "proof": proof.encode()}})


def make_dishonest_ballot(
    election: Election, credential: str, votes: Sequence[Sequence[int]], coins: Coins
) -> bytes:
    """`make_ballot` of a program that does not obey the questions' rules; proofs of what is false do not hold."""
    group = election.group
    public = group.power_g(derive_secret(group, election.uuid, credential))
    s0 = transcript.ballot_context(election.fingerprint, public)
    answers = [
        make_answer(group, election.public_key, question, s0, vote, coins).encode()
        for question, vote in zip(election.homomorphic_questions, votes, strict=True)
    ]
    value = {
        "election_uuid": election.uuid,
        "election_hash": election.fingerprint,
        "credential": public.text,
        "answers": answers,
    }
    return sign_again(election, credential, value)


def mauled_ballot(
    election: Election,
    credential: str,
    ballot: bytes,
    *,
    shift: int = 12345,
    own_credential: str | None = None,
) -> bytes:
    """ATTACKS 1: every ciphertext re-randomised by `shift`, every proof adapted so that its commitments stay.

    With α' = α·g^s and β' = β·y^s a proof about the exponent x speaks of x + s: responses become r - s·c. Where the
    statement is not hashed (weak Fiat-Shamir) such a ballot verifies; here it must not. With `own_credential` the
    thief signs it as their own.
    """
    group, y = election.group, election.public_key
    value = json.loads(ballot)

    def moved(proof: dict[str, str], s: int) -> dict[str, str]:
        c = int(proof["challenge"])
        return {**proof, "response": str((int(proof["response"]) - s * c) % group.q)}

    for question, answer in zip(election.homomorphic_questions, value["answers"], strict=True):
        skip = int(question.blank)
        for choice in answer["choices"]:
            for key, base in (("alpha", group.generator), ("beta", y)):
                element = group.decode(choice[key], "X1", key, allow_identity=True)
                choice[key] = group.multiply(element, group.power(base, shift)).text
        answer["individual_proofs"] = [[moved(p, shift) for p in row] for row in answer["individual_proofs"]]
        # A product of n ciphertexts was shifted by n·s.
        total = shift * (question.choice_count - skip)
        answer["overall_proof"] = [
            moved(p, shift if skip and index == 0 else total)
            for index, p in enumerate(answer["overall_proof"])
        ]
        if skip:
            answer["blank_proof"] = [
                moved(p, s) for p, s in zip(answer["blank_proof"], (shift, total), strict=True)
            ]
    if own_credential is not None:
        secret = derive_secret(group, election.uuid, own_credential)
        value["credential"] = group.power_g(secret).text
    return sign_again(election, own_credential or credential, value)


def changed(ballot: bytes, path: Path, new: Any) -> dict[str, Any]:
    """The ballot's JSON with one value replaced (a function is applied to the old value)."""
    value = json.loads(ballot)
    result: dict[str, Any] = json_with(value, path, new(json_at(value, path)) if callable(new) else new)
    return result
