"""Answers to list questions: one list is chosen, and candidates of that list (PROTOCOL §8; rules B8, B9, B14).

Steward makes no such elections; this reads and verifies those of other programs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from crypto import transcript
from crypto.answers.parts import Branches, minus_range, parse_proofs
from crypto.checker import Checker
from crypto.elgamal import Ciphertext, multiply, parse_ciphertext
from crypto.encoding import require_fields, require_list
from crypto.errors import RejectedError
from crypto.groups import Element, Group
from crypto.proofs import disjunction
from crypto.proofs.schnorr import Proof, parse_proof
from crypto.questions import ListsQuestion

_FIELDS = ("choices", "individual_proofs", "overall_proof", "list_proofs", "nonzero_proof")


@dataclass(frozen=True, slots=True)
class NonzeroProof:
    """That a ciphertext does not encrypt zero: a commitment that is not 1, a challenge, two responses."""

    commitment: Element
    challenge: int
    responses: tuple[int, int]

    def encode(self) -> dict[str, Any]:
        return {
            "commitment": self.commitment.text,
            "challenge": str(self.challenge),
            "response": [str(response) for response in self.responses],
        }


@dataclass(frozen=True, slots=True)
class ListsAnswer:
    """One question's part of a ballot; a row for each list, its name first."""

    rows: tuple[tuple[Ciphertext, ...], ...]
    individual_proofs: tuple[tuple[tuple[Proof, ...], ...], ...]
    overall_proof: Proof
    list_proofs: tuple[tuple[Proof, ...], ...]
    nonzero_proof: NonzeroProof

    @property
    def choices(self) -> tuple[Ciphertext, ...]:
        return tuple(choice for row in self.rows for choice in row)

    def encode(self) -> dict[str, Any]:
        return {
            "choices": [[choice.encode() for choice in row] for row in self.rows],
            "individual_proofs": [
                [[proof.encode() for proof in proofs] for proofs in row] for row in self.individual_proofs
            ],
            "overall_proof": self.overall_proof.encode(),
            "list_proofs": [[proof.encode() for proof in proofs] for proofs in self.list_proofs],
            "nonzero_proof": self.nonzero_proof.encode(),
        }


def _parse_nonzero(group: Group, value: Any, what: str) -> NonzeroProof:
    fields = require_fields(value, ("commitment", "challenge", "response"), "B1")
    first, second = require_list(fields["response"], "B1", 2, what)
    return NonzeroProof(
        group.decode(fields["commitment"], "B5", f"{what}: commitment", allow_identity=True),
        group.parse_scalar(fields["challenge"], "B1", f"{what}: challenge"),
        (group.parse_scalar(first, "B1", what), group.parse_scalar(second, "B1", what)),
    )


def parse(group: Group, question: ListsQuestion, value: Any, what: str) -> ListsAnswer:
    """Rules B1 (fields) and B5 (elements)."""
    fields = require_fields(value, _FIELDS, "B1")
    choices = tuple(
        parse_ciphertext(group, item, "B5", f"{what}, choice {number}", allow_identity=False)
        for number, item in enumerate(question.join(fields["choices"], "B1", f"{what}: choices"), 1)
    )
    individual = tuple(
        parse_proofs(group, item, f"{what}: proof of choice {number}")
        for number, item in enumerate(question.join(fields["individual_proofs"], "B1", f"{what}: proofs"), 1)
    )
    return ListsAnswer(
        tuple(map(tuple, question.split(choices))),
        tuple(map(tuple, question.split(individual))),
        parse_proof(group, fields["overall_proof"], "B1", f"{what}: overall proof"),
        tuple(
            parse_proofs(group, item, f"{what}: list proofs")
            for item in require_list(fields["list_proofs"], "B1", len(question.lists), f"{what}: list proofs")
        ),
        _parse_nonzero(group, fields["nonzero_proof"], f"{what}: proof of a choice"),
    )


def _sum(group: Group, ciphertexts: Sequence[Ciphertext]) -> Ciphertext:
    return reduce(lambda a, b: multiply(group, a, b), ciphertexts)


def _list_branches(group: Group, s: str, row: Sequence[Ciphertext]) -> Branches:
    """The list is chosen, or none of its candidates is."""
    [chosen] = minus_range(group, row[0], 1, 1)
    # A list without candidates has nothing to add up: zero, with any randomness.
    candidates = _sum(group, row[1:]) if len(row) > 1 else Ciphertext(group.identity, group.identity)
    return transcript.list_choice(s), [chosen, (candidates.alpha, candidates.beta)]


def verify(
    group: Group,
    y: Element,
    s0: str,
    answer: ListsAnswer,
    checker: Checker,
    where: str,
) -> None:
    """Rules B8 (each is 0 or 1), B9 (exactly one list), B14 (candidates of that list, and something is chosen)."""
    s = transcript.answer_context(s0, [(c.alpha, c.beta) for c in answer.choices])
    proofs_of_choices = [proofs for row in answer.individual_proofs for proofs in row]
    for index, (c, proofs) in enumerate(zip(answer.choices, proofs_of_choices, strict=True), 1):
        prefix = transcript.individual(s0, c.alpha, c.beta)
        what = f"{where}: the proof of choice {index}"
        disjunction.verify(group, y, prefix, minus_range(group, c, 0, 1), proofs, checker, "B8", what)
    names = _sum(group, [row[0] for row in answer.rows])
    prefix = transcript.overall(s, names.alpha, names.beta)
    branches = minus_range(group, names, 1, 1)
    what = f"{where}: the overall proof"
    disjunction.verify(group, y, prefix, branches, (answer.overall_proof,), checker, "B9", what)
    for number, (row, proofs) in enumerate(zip(answer.rows, answer.list_proofs, strict=True), 1):
        prefix, branches = _list_branches(group, s, row)
        what = f"{where}: the proof of list {number}"
        disjunction.verify(group, y, prefix, branches, proofs, checker, "B14", what)
    _verify_nonzero(group, y, s, answer, checker, f"{where}: the proof of a choice")


def _verify_nonzero(
    group: Group, y: Element, s: str, answer: ListsAnswer, checker: Checker, what: str
) -> None:
    """Some candidate is chosen: the sum of all is not zero."""
    proof = answer.nonzero_proof
    total = _sum(
        group, [c for row in answer.rows for c in row[1:]] or [Ciphertext(group.identity, group.identity)]
    )
    if proof.commitment == group.identity:
        raise RejectedError("B14", f"{what} shows nothing", checker.record)
    first, second = proof.responses
    commitments = [
        proof.commitment.text,
        checker.commitment([(total.alpha, first), (group.generator, second)], "B14"),
        checker.commitment([(total.beta, first), (y, second), (proof.commitment, proof.challenge)], "B14"),
    ]
    if transcript.challenge(group, transcript.nonzero(s), commitments) != proof.challenge:
        raise RejectedError("B14", f"{what} does not hold", checker.record)
