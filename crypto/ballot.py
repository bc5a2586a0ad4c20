"""Ballots: making, reading strictly, verifying (PROTOCOL §3, §6; rules B1–B10, B13, B14).

A ballot holds an answer to each question (``crypto/answers/``, by the kind of the question): ciphertexts, and
proofs that they encrypt what is allowed; and a signature by the credential over the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crypto import transcript
from crypto.answers import Answer, make_answer, parse_answer, verify_answer
from crypto.checker import Checker
from crypto.credentials import derive_secret
from crypto.election import Election
from crypto.encoding import (
    encode_json_bytes,
    parse_json,
    require_fields,
    require_list,
    sha256_base64,
)
from crypto.errors import MisuseError, RejectedError
from crypto.groups import Element
from crypto.proofs import schnorr
from crypto.proofs.schnorr import Proof, parse_proof
from crypto.questions import ListsQuestion, NonHomomorphicQuestion, Question
from crypto.randomness import Coins, SeedCoins, SystemCoins

_FIELDS = ("election_uuid", "election_hash", "credential", "answers", "signature")
_SYSTEM = SystemCoins()


@dataclass(frozen=True, slots=True)
class Ballot:
    """A parsed ballot. ``raw`` is the exact payload, ``tracker`` its hash in base64."""

    credential: Element
    answers: tuple[Answer, ...]
    hash: str
    signature: Proof
    raw: bytes
    tracker: str


def ballot_tracker(raw: bytes) -> str:
    """What a voter keeps: base64 SHA-256 of the ballot's text, 43 characters."""
    return sha256_base64(raw)


# --- making --------------------------------------------------------------------------------------


def votes_from_choices(election: Election, choices: Sequence[Sequence[int] | str]) -> list[list[int]]:
    """What voters choose → what is encrypted, for each question.

    Of a homomorphic question the 0-based chosen answers, or ``"blank"``; of a ranked or graded one an integer
    for each answer. MisuseError with a sentence for a choice that the ballot does not offer.
    """
    questions = election.questions
    if len(choices) != len(questions):
        raise MisuseError(f"the election has {len(questions)} questions, {len(choices)} were answered")
    return [
        question.make_vote(chosen, f"question {number}")
        for number, (question, chosen) in enumerate(zip(questions, choices, strict=True), 1)
    ]


def make_ballot(
    election: Election,
    credential_text: str,
    votes: Sequence[Sequence[int]],
    coins: Coins,
    signing: Coins = _SYSTEM,
) -> bytes:
    """Encrypts, proves and signs; returns the ballot's exact text.

    ``votes`` has one 0/1 per ciphertext, the blank one first. ``coins`` may follow from a seed that
    the voter shows to a second device; ``signing`` gives the signature's one coin and must be nobody's
    knowledge ever: with it the signature tells the credential's secret (ADR 0006).
    """
    if signing is coins and not isinstance(coins, SystemCoins):
        raise MisuseError("a ballot's signature needs coins of its own")
    group = election.group
    questions = election.questions
    if len(votes) != len(questions):
        raise MisuseError(f"the election has {len(questions)} questions, {len(votes)} were answered")
    for number, (question, vote) in enumerate(zip(questions, votes, strict=True), 1):
        question.require_vote(list(vote), f"question {number}")
    secret = derive_secret(group, election.uuid, credential_text)
    credential = group.power_g(secret)
    s0 = transcript.ballot_context(election.fingerprint, credential)
    answers = [
        make_answer(group, election.public_key, question, s0, vote, coins)
        for question, vote in zip(questions, votes, strict=True)
    ]
    unsigned = {
        "election_uuid": election.uuid,
        "election_hash": election.fingerprint,
        "credential": credential.text,
        "answers": [answer.encode() for answer in answers],
    }
    ballot_hash = sha256_base64(encode_json_bytes(unsigned))
    prefix = transcript.ballot_signature(ballot_hash)
    signature = schnorr.prove(group, prefix, (group.generator,), secret, signing)
    return encode_json_bytes({**unsigned, "signature": {"hash": ballot_hash, "proof": signature.encode()}})


# --- reading -------------------------------------------------------------------------------------


def _without_signature(raw: bytes, signature: Any) -> bytes:
    """The text that was hashed and signed. ``raw`` is canonical and ends with the signature, so it
    can be cut off instead of writing the rest anew."""
    tail = encode_json_bytes({_FIELDS[-1]: signature})
    return raw[: -len(tail)] + b"}"


def parse_ballot(election: Election, raw: bytes) -> Ballot:
    """Exact payload bytes → Ballot; rules B1 (text), B2 (uuid), B3 (fingerprint), B5 (elements).

    That no field, key order or number spelling is free closes the covert channel that opaque
    answers would be.
    """
    value = require_fields(parse_json(raw, "B1"), _FIELDS, "B1")
    if value["election_uuid"] != election.uuid:
        raise RejectedError("B2", "the ballot names another election")
    if value["election_hash"] != election.fingerprint:
        raise RejectedError("B3", "the ballot was made for other election data (fingerprint differs)")
    group = election.group
    questions = election.questions
    credential = group.decode(value["credential"], "B5", "credential", allow_identity=False)
    answers = require_list(value["answers"], "B1", len(questions), "answers")
    signature = require_fields(value["signature"], ("hash", "proof"), "B1")
    parsed = tuple(
        parse_answer(group, question, item, f"question {number}")
        for number, (question, item) in enumerate(zip(questions, answers, strict=True), 1)
    )
    proof = parse_proof(group, signature["proof"], "B1", "signature")
    if signature["hash"] != sha256_base64(_without_signature(raw, value["signature"])):
        raise RejectedError("B6", "the hash in the signature is not the ballot's")
    return Ballot(credential, parsed, signature["hash"], proof, raw, ballot_tracker(raw))


# --- verifying -----------------------------------------------------------------------------------


def _verify_signature(election: Election, ballot: Ballot, checker: Checker) -> None:
    """Rule B7."""
    group = election.group
    prefix = transcript.ballot_signature(ballot.hash)
    statement = ((group.generator, ballot.credential),)
    schnorr.verify(group, prefix, statement, ballot.signature, checker, "B7", "the signature")


def verify_ballot(election: Election, ballot: Ballot, checker: Checker) -> None:
    """Rule B7 (signature) and those of each answer (B8–B10, B13, B14); raises RejectedError.

    That the credential is listed (B4) and the ballot not a copy (B11) is the ledger's business.
    The caller calls ``checker.finish()``.
    """
    group, y = election.group, election.public_key
    _verify_signature(election, ballot, checker)
    s0 = transcript.ballot_context(election.fingerprint, ballot.credential)
    for number, (question, answer) in enumerate(zip(election.questions, ballot.answers, strict=True), 1):
        verify_answer(group, y, question, s0, answer, checker, f"question {number}")


def check_ballot(election: Election, raw: bytes, checker: Checker) -> Ballot:
    """Reads and verifies in one step, checker finished; for callers with one ballot in hand."""
    ballot = parse_ballot(election, raw)
    verify_ballot(election, ballot, checker)
    checker.finish()
    return ballot


# --- opening (check instead of cast) -------------------------------------------------------------


def open_ballot(
    election: Election,
    raw: bytes,
    tracker: str,
    seed: bytes,
    choices: Sequence[Sequence[int] | str],
    checker: Checker,
) -> Ballot:
    """The ballot with this tracker, if it is what ``seed`` and ``choices`` make; checker finished.

    RejectedError names the rule and the first part that differs (V4), MalformedError and RejectedError
    what is wrong with the ballot itself (B1–B7). What follows from no seed, the signature, is verified.
    """
    if ballot_tracker(raw) != tracker:
        raise RejectedError("V4", "this is not the ballot whose tracker was shown")
    ballot = parse_ballot(election, raw)
    try:
        votes = votes_from_choices(election, choices)
    except MisuseError as error:
        raise RejectedError("V4", f"these choices cannot be in a ballot of this election: {error}") from error
    s0 = transcript.ballot_context(election.fingerprint, ballot.credential)
    coins = SeedCoins(seed)
    for number, (question, found, vote) in enumerate(
        zip(election.questions, ballot.answers, votes, strict=True), 1
    ):
        expected = make_answer(election.group, election.public_key, question, s0, vote, coins)
        _require_same(expected, found, f"question {number}")
    _verify_signature(election, ballot, checker)
    checker.finish()
    return ballot


def _require_same(expected: Answer, found: Answer, where: str) -> None:
    for index, (ours, theirs) in enumerate(zip(expected.choices, found.choices, strict=True), 1):
        if ours != theirs:
            raise RejectedError("V4", f"{where}: choice {index} is not encrypted as seed and choices tell")
    made, shown = expected.encode(), found.encode()
    for name in made:
        if made[name] != shown[name]:
            words = name.replace("_", " ")
            raise RejectedError("V4", f"{where}: {words} is not what seed and choices make")


def max_ballot_size(election: Election) -> int:
    """No ballot of this election is longer than this many bytes."""
    group = election.group
    scalar = len(str(group.q - 1))
    element = 64 if group.name == "Ed25519" else 617  # 617 decimal digits hold 2048 bits
    proof = len('{"challenge":"","response":""},') + 2 * scalar
    ciphertext = len('{"alpha":"","beta":""},') + 2 * element
    size = 300 + len(election.uuid) + element + proof
    for question in election.questions:
        proofs = _count_proofs(question)
        size += 100 + question.choice_count * (ciphertext + 4) + proofs * proof
    return size


def _count_proofs(question: Question) -> int:
    """How many compact proofs an answer has at most."""
    if isinstance(question, NonHomomorphicQuestion):
        return 1
    if isinstance(question, ListsQuestion):
        # Each choice, the overall proof, each list; the proof that something is chosen is as long as some of them.
        return 2 * question.choice_count + 1 + 2 * len(question.lists) + 5
    overall = question.maximum - question.minimum + 1 + int(question.blank)
    return 2 * question.choice_count + overall + 2 * int(question.blank)
