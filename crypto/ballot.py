"""Ballots: making, reading strictly, verifying (PROTOCOL §3, §6; rules B1–B10).

A ballot holds, for each question, an encrypted 0 or 1 per choice with proofs that it is one, that
their sum is allowed, and a signature by the credential over the whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from crypto import transcript
from crypto.checker import Checker
from crypto.credentials import derive_secret
from crypto.election import Election
from crypto.elgamal import Ciphertext, encrypt, multiply, parse_ciphertext
from crypto.encoding import (
    encode_json_bytes,
    parse_json,
    require_fields,
    require_list,
    sha256_base64,
)
from crypto.errors import MisuseError, RejectedError
from crypto.groups import Element, Group
from crypto.proofs import disjunction, schnorr
from crypto.proofs.disjunction import Branch
from crypto.proofs.schnorr import Proof, parse_proof
from crypto.questions import HomomorphicQuestion
from crypto.randomness import Coins, SeedCoins, SystemCoins

_FIELDS = ("election_uuid", "election_hash", "credential", "answers", "signature")
_SYSTEM = SystemCoins()


@dataclass(frozen=True, slots=True)
class Answer:
    """One question's part of a ballot; ``blank_proof`` is there iff the question allows blank."""

    choices: tuple[Ciphertext, ...]
    individual_proofs: tuple[tuple[Proof, ...], ...]
    overall_proof: tuple[Proof, ...]
    blank_proof: tuple[Proof, ...] | None

    def encode(self) -> dict[str, Any]:
        value: dict[str, Any] = {
            "choices": [choice.encode() for choice in self.choices],
            "individual_proofs": [[p.encode() for p in proofs] for proofs in self.individual_proofs],
            "overall_proof": [p.encode() for p in self.overall_proof],
        }
        if self.blank_proof is not None:
            value["blank_proof"] = [p.encode() for p in self.blank_proof]
        return value


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


# --- what is proved about one question ---------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Statements:
    """The three statements about one question's ciphertexts: prefixes and branches."""

    individual: list[tuple[str, list[Branch]]]
    overall: tuple[str, list[Branch]]
    blank: tuple[str, list[Branch]] | None


def _minus_range(group: Group, c: Ciphertext, minimum: int, maximum: int) -> list[Branch]:
    """Branches "c encrypts m" for m = minimum … maximum."""
    beta = group.divide(c.beta, group.power_g(minimum)) if minimum else c.beta
    branches = [(c.alpha, beta)]
    for _ in range(minimum, maximum):
        beta = group.divide(beta, group.generator)
        branches.append((c.alpha, beta))
    return branches


def _statements(
    group: Group, question: HomomorphicQuestion, s0: str, choices: Sequence[Ciphertext]
) -> _Statements:
    individual = [(transcript.individual(s0, c.alpha, c.beta), _minus_range(group, c, 0, 1)) for c in choices]
    s = transcript.answer_context(s0, [(c.alpha, c.beta) for c in choices])
    total = reduce(lambda a, b: multiply(group, a, b), choices[int(question.blank) :])
    in_range = _minus_range(group, total, question.minimum, question.maximum)
    if not question.blank:
        return _Statements(individual, (transcript.overall(s, total.alpha, total.beta), in_range), None)
    first = choices[0]
    is_blank = (first.alpha, group.divide(first.beta, group.generator))
    return _Statements(
        individual,
        (transcript.overall_or_blank(s), [is_blank, *in_range]),
        (transcript.blank(s), [(first.alpha, first.beta), (total.alpha, total.beta)]),
    )


# --- making --------------------------------------------------------------------------------------


def votes_from_choices(election: Election, choices: Sequence[Sequence[int] | str]) -> list[list[int]]:
    """Per question the 0-based chosen answers, or ``"blank"`` → one 0/1 per ciphertext.

    Raises MisuseError with a sentence for a choice that the ballot does not offer.
    """
    questions = election.homomorphic_questions
    if len(choices) != len(questions):
        raise MisuseError(f"the election has {len(questions)} questions, {len(choices)} were answered")
    votes = []
    for number, (question, chosen) in enumerate(zip(questions, choices, strict=True), 1):
        if chosen == "blank":
            if not question.blank:
                raise MisuseError(f"question {number} has no blank vote")
            votes.append([1] + [0] * len(question.answers))
            continue
        if len(set(chosen)) != len(chosen) or any(
            not isinstance(c, int) or not 0 <= c < len(question.answers) for c in chosen
        ):
            raise MisuseError(f"question {number}: choices must be different numbers of its answers")
        vote = [int(index in chosen) for index in range(len(question.answers))]
        votes.append([0, *vote] if question.blank else vote)
        question.require_vote(votes[-1], f"question {number}")
    return votes


def _make_answer(
    election: Election, question: HomomorphicQuestion, s0: str, vote: Sequence[int], coins: Coins
) -> Answer:
    """Coins, in order: one per choice; each individual proof; the overall proof; the blank proof."""
    group, y = election.group, election.public_key
    randomness = [coins.scalar(group.q) for _ in vote]
    choices = tuple(encrypt(group, y, m, r) for m, r in zip(vote, randomness, strict=True))
    statements = _statements(group, question, s0, choices)
    skip = int(question.blank)
    chosen_sum, sum_randomness = sum(vote[skip:]), sum(randomness[skip:]) % group.q
    is_blank = bool(question.blank and vote[0])
    individual = tuple(
        disjunction.prove(group, y, prefix, branches, m, r, coins)
        for (prefix, branches), m, r in zip(statements.individual, vote, randomness, strict=True)
    )
    prefix, branches = statements.overall
    true_branch = 0 if is_blank else chosen_sum - question.minimum + skip
    witness = randomness[0] if is_blank else sum_randomness
    overall = disjunction.prove(group, y, prefix, branches, true_branch, witness, coins)
    blank = None
    if statements.blank is not None:
        prefix, branches = statements.blank
        witness = sum_randomness if is_blank else randomness[0]
        blank = disjunction.prove(group, y, prefix, branches, int(is_blank), witness, coins)
    return Answer(choices, individual, overall, blank)


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
    questions = election.homomorphic_questions
    if len(votes) != len(questions):
        raise MisuseError(f"the election has {len(questions)} questions, {len(votes)} were answered")
    for number, (question, vote) in enumerate(zip(questions, votes, strict=True), 1):
        question.require_vote(list(vote), f"question {number}")
    secret = derive_secret(group, election.uuid, credential_text)
    credential = group.power_g(secret)
    s0 = transcript.ballot_context(election.fingerprint, credential)
    answers = [
        _make_answer(election, question, s0, vote, coins)
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


def _parse_proofs(group: Group, value: Any, what: str) -> tuple[Proof, ...]:
    return tuple(parse_proof(group, item, "B1", what) for item in require_list(value, "B1", what=what))


def _parse_answer(group: Group, question: HomomorphicQuestion, value: Any, what: str) -> Answer:
    names = ("choices", "individual_proofs", "overall_proof", *(("blank_proof",) if question.blank else ()))
    fields = require_fields(value, names, "B1")
    count = question.choice_count
    choices = tuple(
        parse_ciphertext(group, item, "B5", f"{what}, choice {number}", allow_identity=False)
        for number, item in enumerate(require_list(fields["choices"], "B1", count, f"{what}: choices"), 1)
    )
    individual = tuple(
        _parse_proofs(group, item, f"{what}: proof of choice {number}")
        for number, item in enumerate(
            require_list(fields["individual_proofs"], "B1", count, f"{what}: proofs of the choices"), 1
        )
    )
    overall = _parse_proofs(group, fields["overall_proof"], f"{what}: overall proof")
    blank = _parse_proofs(group, fields["blank_proof"], f"{what}: blank proof") if question.blank else None
    return Answer(choices, individual, overall, blank)


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
    questions = election.homomorphic_questions
    credential = group.decode(value["credential"], "B5", "credential", allow_identity=False)
    answers = require_list(value["answers"], "B1", len(questions), "answers")
    signature = require_fields(value["signature"], ("hash", "proof"), "B1")
    parsed = tuple(
        _parse_answer(group, question, item, f"question {number}")
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
    """Rules B7 (signature), B8 (choices), B9 (overall), B10 (blank); raises RejectedError.

    That the credential is listed (B4) and the ballot not a copy (B11) is the ledger's business.
    The caller calls ``checker.finish()``.
    """
    group, y = election.group, election.public_key
    _verify_signature(election, ballot, checker)
    s0 = transcript.ballot_context(election.fingerprint, ballot.credential)
    for number, (question, answer) in enumerate(
        zip(election.homomorphic_questions, ballot.answers, strict=True), 1
    ):
        where = f"question {number}"
        statements = _statements(group, question, s0, answer.choices)
        for index, ((prefix, branches), proofs) in enumerate(
            zip(statements.individual, answer.individual_proofs, strict=True), 1
        ):
            what = f"{where}: the proof of choice {index}"
            disjunction.verify(group, y, prefix, branches, proofs, checker, "B8", what)
        prefix, branches = statements.overall
        what = f"{where}: the overall proof"
        disjunction.verify(group, y, prefix, branches, answer.overall_proof, checker, "B9", what)
        if statements.blank is not None and answer.blank_proof is not None:
            prefix, branches = statements.blank
            what = f"{where}: the blank proof"
            disjunction.verify(group, y, prefix, branches, answer.blank_proof, checker, "B10", what)


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
        zip(election.homomorphic_questions, ballot.answers, votes, strict=True), 1
    ):
        expected = _make_answer(election, question, s0, vote, coins)
        _require_same(expected, found, f"question {number}")
    _verify_signature(election, ballot, checker)
    checker.finish()
    return ballot


def _require_same(expected: Answer, found: Answer, where: str) -> None:
    for index, (ours, theirs) in enumerate(zip(expected.choices, found.choices, strict=True), 1):
        if ours != theirs:
            raise RejectedError("V4", f"{where}: choice {index} is not encrypted as seed and choices tell")
    for name in ("individual_proofs", "overall_proof", "blank_proof"):
        if getattr(expected, name) != getattr(found, name):
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
    for question in election.homomorphic_questions:
        overall = question.maximum - question.minimum + 1 + int(question.blank)
        proofs = 2 * question.choice_count + overall + 2 * int(question.blank)
        size += 100 + question.choice_count * (ciphertext + 4) + proofs * proof
    return size
