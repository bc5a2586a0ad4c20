"""Answers to homomorphic questions: encrypted 0 or 1 for each choice (PROTOCOL §3; rules B8–B10)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from crypto import transcript
from crypto.answers.parts import Branches, minus_range, parse_proofs
from crypto.checker import Checker
from crypto.elgamal import Ciphertext, encrypt, multiply, parse_ciphertext
from crypto.encoding import require_fields, require_list
from crypto.groups import Element, Group
from crypto.proofs import disjunction
from crypto.proofs.schnorr import Proof
from crypto.questions import HomomorphicQuestion
from crypto.randomness import Coins


@dataclass(frozen=True, slots=True)
class HomomorphicAnswer:
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
class _Statements:
    """The three statements about one question's ciphertexts: prefixes and branches."""

    individual: list[Branches]
    overall: Branches
    blank: Branches | None


def _statements(
    group: Group, question: HomomorphicQuestion, s0: str, choices: Sequence[Ciphertext]
) -> _Statements:
    individual = [(transcript.individual(s0, c.alpha, c.beta), minus_range(group, c, 0, 1)) for c in choices]
    s = transcript.answer_context(s0, [(c.alpha, c.beta) for c in choices])
    total = reduce(lambda a, b: multiply(group, a, b), choices[int(question.blank) :])
    in_range = minus_range(group, total, question.minimum, question.maximum)
    if not question.blank:
        return _Statements(individual, (transcript.overall(s, total.alpha, total.beta), in_range), None)
    first = choices[0]
    is_blank = (first.alpha, group.divide(first.beta, group.generator))
    return _Statements(
        individual,
        (transcript.overall_or_blank(s), [is_blank, *in_range]),
        (transcript.blank(s), [(first.alpha, first.beta), (total.alpha, total.beta)]),
    )


def make(
    group: Group, y: Element, question: HomomorphicQuestion, s0: str, vote: Sequence[int], coins: Coins
) -> HomomorphicAnswer:
    """Coins, in order: one per choice; each individual proof; the overall proof; the blank proof."""
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
    return HomomorphicAnswer(choices, individual, overall, blank)


def parse(group: Group, question: HomomorphicQuestion, value: Any, what: str) -> HomomorphicAnswer:
    names = ("choices", "individual_proofs", "overall_proof", *(("blank_proof",) if question.blank else ()))
    fields = require_fields(value, names, "B1")
    count = question.choice_count
    choices = tuple(
        parse_ciphertext(group, item, "B5", f"{what}, choice {number}", allow_identity=False)
        for number, item in enumerate(require_list(fields["choices"], "B1", count, f"{what}: choices"), 1)
    )
    individual = tuple(
        parse_proofs(group, item, f"{what}: proof of choice {number}")
        for number, item in enumerate(
            require_list(fields["individual_proofs"], "B1", count, f"{what}: proofs of the choices"), 1
        )
    )
    overall = parse_proofs(group, fields["overall_proof"], f"{what}: overall proof")
    blank = parse_proofs(group, fields["blank_proof"], f"{what}: blank proof") if question.blank else None
    return HomomorphicAnswer(choices, individual, overall, blank)


def verify(
    group: Group,
    y: Element,
    question: HomomorphicQuestion,
    s0: str,
    answer: HomomorphicAnswer,
    checker: Checker,
    where: str,
) -> None:
    """Rules B8 (choices), B9 (overall), B10 (blank)."""
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
