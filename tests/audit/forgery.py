"""What attackers make: ballots with any secret and any votes, false decryptions, threshold keys with dishonest parts.

Written with the public pieces of `crypto` and no check of its own, so that only the auditor's checks can notice.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from crypto import transcript
from crypto.channel import sign_message, sign_text
from crypto.credentials import derive_secret
from crypto.decryption import Owned, PartialDecryption
from crypto.election import Election, encode_election
from crypto.elgamal import Ciphertext, encrypt, multiply
from crypto.encoding import encode_json, encode_json_bytes, sha256_base64, sha256_hex
from crypto.groups import Element, Group
from crypto.proofs import disjunction, schnorr
from crypto.proofs.schnorr import Proof
from crypto.questions import HomomorphicQuestion
from crypto.randomness import Coins
from crypto.record import make_setup
from crypto.result import encode_result
from crypto.tally import EncryptedTally, SizedTally
from crypto.trustees import make_trustee_key
from tests.simulator import Entry, Simulation, coins_for

# --- ballots -----------------------------------------------------------------------------------------------------


def sign_ballot(group: Group, unsigned: dict[str, Any], secret: int, coins: Coins) -> bytes:
    """The ballot with a signature by that secret, whatever it says."""
    digest = sha256_base64(encode_json_bytes(unsigned))
    proof = schnorr.prove(group, transcript.ballot_signature(digest), (group.generator,), secret, coins)
    return encode_json_bytes({**unsigned, "signature": {"hash": digest, "proof": proof.encode()}})


def _false_branches(group: Group, c: Ciphertext, messages: Sequence[int]) -> list[tuple[Element, Element]]:
    return [(c.alpha, group.divide(c.beta, group.power_g(m))) for m in messages]


def forge_ballot(
    election: Election,
    secret: int,
    votes: Sequence[Sequence[int]],
    coins: Coins,
    *,
    randomness: Callable[[], int] | None = None,
) -> bytes:
    """A ballot without blank votes whose proofs are as good as its maker can make them: where a vote is not allowed,
    the proof claims that it is, and is false."""
    group, y = election.group, election.public_key
    credential = group.power_g(secret)
    s0 = transcript.ballot_context(election.fingerprint, credential)
    draw = randomness or (lambda: coins.scalar(group.q))
    answers = []
    for question, vote in zip(election.homomorphic_questions, votes, strict=True):
        numbers = [draw() for _ in vote]
        choices = [encrypt(group, y, m, r) for m, r in zip(vote, numbers, strict=True)]
        individual = [
            disjunction.prove(
                group,
                y,
                transcript.individual(s0, c.alpha, c.beta),
                _false_branches(group, c, (0, 1)),
                min(max(m, 0), 1),
                r,
                coins,
            )
            for c, m, r in zip(choices, vote, numbers, strict=True)
        ]
        total = choices[0]
        for choice in choices[1:]:
            total = multiply(group, total, choice)
        allowed = range(question.minimum, question.maximum + 1)
        s = transcript.answer_context(s0, [(c.alpha, c.beta) for c in choices])
        overall = disjunction.prove(
            group,
            y,
            transcript.overall(s, total.alpha, total.beta),
            _false_branches(group, total, allowed),
            min(max(sum(vote) - question.minimum, 0), len(allowed) - 1),
            sum(numbers) % group.q,
            coins,
        )
        answers.append(
            {
                "choices": [c.encode() for c in choices],
                "individual_proofs": [[p.encode() for p in proofs] for proofs in individual],
                "overall_proof": [p.encode() for p in overall],
            }
        )
    unsigned = {
        "election_uuid": election.uuid,
        "election_hash": election.fingerprint,
        "credential": credential.text,
        "answers": answers,
    }
    return sign_ballot(group, unsigned, secret, coins)


def voter_secret(election: Simulation, voter: int) -> int:
    """The secret exponent of a simulated voter's credential."""
    return derive_secret(election.group, election.election.uuid, election.credentials[voter])


# --- decryptions -------------------------------------------------------------------------------------------------


def owned_entry(owner: int, raw: bytes) -> Entry:
    """The PartialDecryption entry of these bytes."""
    return Entry("PartialDecryption", (raw, Owned(owner, sha256_hex(raw)).encode()))


def false_decryption(election: Election, tally: EncryptedTally, secret: int, coins: Coins) -> bytes:
    """False factors with valid proofs: the commitment B is chosen first, the factor last (PROTOCOL §0, fact 5)."""
    group = election.group
    prefix = transcript.decryption(election.fingerprint, group.power_g(secret))
    factors, proofs = [], []
    for row in tally:
        factors.append([])
        proofs.append([])
        for ciphertext in row:
            w, b = coins.scalar(group.q), group.power_g(coins.scalar(group.q))
            c = transcript.challenge(group, prefix, [group.power_g(w).text, b.text])
            r = (w - secret * c) % group.q
            # B = α^r·F^c
            f = group.power(group.divide(b, group.power(ciphertext.alpha, r)), pow(c, -1, group.q))
            factors[-1].append(f.text)
            proofs[-1].append(Proof(c, r).encode())
    return encode_json_bytes({"decryption_factors": factors, "decryption_proofs": proofs})


def adapted_decryption(
    election: Election, old: EncryptedTally, partial: PartialDecryption, new: EncryptedTally
) -> bytes:
    """A trustee's proofs for one tally made to fit another one, by somebody without the trustee's key."""
    group = election.group
    factors = []
    for row, other, fs, proofs in zip(old, new, partial.factors, partial.proofs, strict=True):
        factors.append([])
        for before, after, factor, proof in zip(row, other, fs, proofs, strict=True):
            b = group.product_of_powers([(before.alpha, proof.response), (factor, proof.challenge)])
            base = group.divide(b, group.power(after.alpha, proof.response))
            factors[-1].append(group.power(base, pow(proof.challenge, -1, group.q)).text)
    proofs_json = [[proof.encode() for proof in row] for row in partial.proofs]
    return encode_json_bytes({"decryption_factors": factors, "decryption_proofs": proofs_json})


def tally_entry(tally: EncryptedTally, count: int, weight: int) -> Entry:
    """The EncryptedTally entry of that tally of homomorphic questions, its size as it is claimed."""
    raw = encode_json_bytes([[ciphertext.encode() for ciphertext in row] for row in tally])
    return Entry("EncryptedTally", (raw, SizedTally(count, weight, sha256_hex(raw)).encode()))


def result_entry(result: Sequence[Sequence[int]]) -> Entry:
    """The Result entry."""
    return Entry("Result", (encode_result(result),))


# --- setups ------------------------------------------------------------------------------------------------------


def setup_entry(election: bytes, trustees: Any, credentials: Any) -> Entry:
    """A Setup entry of anything: JSON values or exact bytes."""
    bodies = [
        value if isinstance(value, bytes) else encode_json_bytes(value)
        for value in (election, trustees, credentials)
    ]
    return Entry("Setup", (*bodies, make_setup(*bodies)))


def election_bytes(
    group: Group, public_key: Element, questions: Sequence[HomomorphicQuestion], uuid: str = "Forged1E1ection"
) -> bytes:
    """Election data with that key."""
    return encode_election(
        uuid=uuid,
        name="Forged",
        description="",
        group_name=group.name,
        public_key=public_key,
        questions=questions,
    )


def single_trustee(group: Group, secret: int) -> list[Any]:
    """A `Single` item whose owner knows the secret, 0 included."""
    return ["Single", make_trustee_key(group, secret, coins_for("forged trustee", secret)).encode()]


def _evaluate(polynomial: Sequence[int], x: int, q: int) -> int:
    return sum(a * x**k for k, a in enumerate(polynomial)) % q


def forge_pedersen(
    group: Group,
    polynomials: Sequence[Sequence[int]],
    *,
    signing_keys: Sequence[int] | None = None,
    encryption_keys: Sequence[Element] | None = None,
    form: str = "3.0",
    context: Callable[[dict[str, Any]], dict[str, Any]] = lambda c: c,
    threshold: int | None = None,
) -> tuple[list[Any], list[int]]:
    """A `Pedersen` item by trustees who all do what they are told, with their secrets."""
    size, coins = len(polynomials), coins_for("forged threshold key", polynomials)
    threshold = threshold or len(polynomials[0])
    if signing_keys is None:
        signing_keys = [coins.scalar(group.q) for _ in range(size)]
    if encryption_keys is None:
        encryption_keys = [group.power_g(coins.scalar(group.q)) for _ in range(size)]
    certs = []
    for index, (sk, ek) in enumerate(zip(signing_keys, encryption_keys, strict=True), 1):
        value: dict[str, Any] = {}
        if form != "2.0":
            fields = {"group": group.name, "size": size, "threshold": threshold, "index": index}
            value["context"] = context(fields)
        value |= {"verification": group.power_g(sk).text, "encryption": ek.text}
        certs.append(sign_message(group, sk, value, coins).encode())
    coefexps, signatures, keys, secrets = [], [], [], []
    for index, (sk, polynomial) in enumerate(zip(signing_keys, polynomials, strict=True), 1):
        texts = [group.power_g(a).text for a in polynomial]
        coefexps.append(sign_message(group, sk, {"coefexps": texts}, coins).encode())
        signed = "certs_sig|" + encode_json({"certs": certs, "coefexps": texts})
        signatures.append(sign_text(group, sk, signed, coins).encode())
        secrets.append(sum(_evaluate(p, index, group.q) for p in polynomials) % group.q)
        key = make_trustee_key(group, secrets[-1], coins)
        if form == "3.0":
            key = replace(key, signature=sign_text(group, sk, key.public_key.text, coins))
        keys.append(key.encode())
    params: dict[str, Any] = {"threshold": threshold, "certs": certs, "coefexps": coefexps}
    if form != "2.0":
        params["signatures"] = signatures
    return ["Pedersen", {**params, "verification_keys": keys}], secrets


def fitting_key(group: Group, prefix: str, proof: Proof, commitment: Element) -> Element:
    """The key under which a given signature verifies: (A·g^-r)^(1/c), known to whoever can divide."""
    base = group.divide(commitment, group.power_g(proof.response))
    return group.power(base, pow(proof.challenge, -1, group.q))


def digest(text: str) -> int:
    """SHA-256 as a number."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest())
