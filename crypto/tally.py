"""The encrypted tally: the product of all counted ballots (PROTOCOL §8; rules C1–C3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from crypto.ballot import Ballot
from crypto.election import Election
from crypto.elgamal import Ciphertext, divide, multiply, neutral, parse_ciphertext, power
from crypto.encoding import (
    encode_counter,
    encode_json_bytes,
    parse_counter,
    parse_json,
    require_fields,
    require_int,
    require_list,
    require_sha256_hex,
)

# An encrypted tally has one row per question, one ciphertext per choice.
EncryptedTally = tuple[tuple[Ciphertext, ...], ...]


class TallyAccumulator:
    """Multiplies ballots into a tally, one at a time; a superseded ballot can be taken out again."""

    def __init__(self, election: Election, start: EncryptedTally | None = None) -> None:
        self._group = election.group
        self._rows: list[list[Ciphertext]] = (
            [[neutral(election.group)] * q.choice_count for q in election.homomorphic_questions]
            if start is None
            else [list(row) for row in start]
        )

    def _combine(self, other: EncryptedTally, *, remove: bool = False) -> None:
        operation = divide if remove else multiply
        for row, addition in zip(self._rows, other, strict=True):
            for index, ciphertext in enumerate(addition):
                row[index] = operation(self._group, row[index], ciphertext)

    def _weighted(self, ballot: Ballot, weight: int) -> EncryptedTally:
        return tuple(
            tuple(power(self._group, choice, weight) for choice in answer.choices)
            for answer in ballot.answers
        )

    def add(self, ballot: Ballot, weight: int) -> None:
        """Counts a verified ballot with its credential's weight."""
        if weight:
            self._combine(self._weighted(ballot, weight))

    def remove(self, ballot: Ballot, weight: int) -> None:
        """Takes out a ballot that a later one of the same credential replaces."""
        if weight:
            self._combine(self._weighted(ballot, weight), remove=True)

    def merge(self, part: EncryptedTally) -> None:
        """Adds the tally of another part of the ballots."""
        self._combine(part)

    def tally(self) -> EncryptedTally:
        return tuple(tuple(row) for row in self._rows)


@dataclass(frozen=True, slots=True)
class SizedTally:
    """How many ballots were counted, their total weight, and the hash of the tally's record."""

    num_tallied: int
    total_weight: int
    encrypted_tally: str

    def encode(self) -> bytes:
        return encode_json_bytes(
            {
                "num_tallied": self.num_tallied,
                "total_weight": encode_counter(self.total_weight),
                "encrypted_tally": self.encrypted_tally,
            }
        )


def encode_encrypted_tally(tally: EncryptedTally) -> bytes:
    """Array per question of arrays of ciphertexts."""
    return encode_json_bytes([[ciphertext.encode() for ciphertext in row] for row in tally])


def parse_encrypted_tally(election: Election, raw: bytes) -> EncryptedTally:
    """Rule C1. The identity is legal here: it is the product over no ballot."""
    questions = election.homomorphic_questions
    rows: list[Any] = require_list(parse_json(raw, "C1"), "C1", len(questions), "encrypted tally")
    return tuple(
        tuple(
            parse_ciphertext(election.group, item, "C1", f"tally of question {number}", allow_identity=True)
            for item in require_list(row, "C1", question.choice_count, f"tally of question {number}")
        )
        for number, (question, row) in enumerate(zip(questions, rows, strict=True), 1)
    )


def parse_sized_tally(raw: bytes) -> SizedTally:
    """Rule C2's record."""
    fields = require_fields(parse_json(raw, "C2"), ("num_tallied", "total_weight", "encrypted_tally"), "C2")
    return SizedTally(
        require_int(fields["num_tallied"], "C2", "num_tallied"),
        parse_counter(fields["total_weight"], "C2", "total_weight"),
        require_sha256_hex(fields["encrypted_tally"], "C2", "encrypted_tally"),
    )
