"""The encrypted tally: the product of all counted ballots, or all of them in a row (PROTOCOL §8; rules C1–C3)."""

from __future__ import annotations

from collections import Counter
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
from crypto.errors import MisuseError
from crypto.questions import ListsQuestion, NonHomomorphicQuestion, Question

# An encrypted tally has one row per question: one ciphertext per choice (of all lists, one after the other); one per
# ballot where ballots are shuffled.
EncryptedTally = tuple[tuple[Ciphertext, ...], ...]


class TallyAccumulator:
    """Adds ballots to a tally, one at a time; a superseded ballot can be taken out again.

    Homomorphic and list questions are multiplied. Of ranked and graded ones every ciphertext is kept, and given in
    the order of the group's elements: who cast which shows in the ballots, not in the tally.
    """

    def __init__(self, election: Election, start: EncryptedTally | None = None) -> None:
        self._group = election.group
        self._kept = frozenset(election.shuffled_questions)
        self._removed: dict[int, list[Ciphertext]] = {place: [] for place in self._kept}
        self._rows: list[list[Ciphertext]] = (
            [
                [] if place in self._kept else [neutral(election.group)] * question.choice_count
                for place, question in enumerate(election.questions)
            ]
            if start is None
            else [list(row) for row in start]
        )

    def _combine(self, other: EncryptedTally, *, remove: bool = False) -> None:
        operation = divide if remove else multiply
        for place, (row, addition) in enumerate(zip(self._rows, other, strict=True)):
            if place in self._kept:
                (self._removed[place] if remove else row).extend(addition)
            else:
                for index, ciphertext in enumerate(addition):
                    row[index] = operation(self._group, row[index], ciphertext)

    def _weighted(self, ballot: Ballot, weight: int) -> EncryptedTally:
        return tuple(
            answer.choices
            if place in self._kept
            else tuple(power(self._group, choice, weight) for choice in answer.choices)
            for place, answer in enumerate(ballot.answers)
        )

    def _require_weight(self, weight: int) -> None:
        if self._kept and weight != 1:
            raise MisuseError("ballots that are opened one by one count once each")

    def add(self, ballot: Ballot, weight: int) -> None:
        """Counts a verified ballot with its credential's weight."""
        self._require_weight(weight)
        if weight:
            self._combine(self._weighted(ballot, weight))

    def remove(self, ballot: Ballot, weight: int) -> None:
        """Takes out a ballot that a later one of the same credential replaces."""
        self._require_weight(weight)
        if weight:
            self._combine(self._weighted(ballot, weight), remove=True)

    def merge(self, part: EncryptedTally) -> None:
        """Adds the tally of another part of the ballots."""
        self._combine(part)

    def _sort_key(self, ciphertext: Ciphertext) -> bytes:
        return self._group.sort_key(ciphertext.alpha) + self._group.sort_key(ciphertext.beta)

    def _kept_row(self, place: int) -> list[Ciphertext]:
        """All that were added, but those that were taken out, in order."""
        gone = Counter(self._removed[place])
        left = []
        for ciphertext in self._rows[place]:
            if gone[ciphertext]:
                gone[ciphertext] -= 1
            else:
                left.append(ciphertext)
        return sorted(left, key=self._sort_key)

    def tally(self) -> EncryptedTally:
        return tuple(
            tuple(self._kept_row(place) if place in self._kept else row)
            for place, row in enumerate(self._rows)
        )


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


def encode_encrypted_tally(election: Election, tally: EncryptedTally) -> bytes:
    """Array per question of arrays of ciphertexts, nested as the question's answers are."""
    return encode_json_bytes(
        [
            question.split([ciphertext.encode() for ciphertext in row])
            for question, row in zip(election.questions, tally, strict=True)
        ]
    )


def parse_encrypted_tally(election: Election, raw: bytes) -> EncryptedTally:
    """Rule C1. The identity is legal here: it is the product over no ballot."""
    questions = election.questions
    rows: list[Any] = require_list(parse_json(raw, "C1"), "C1", len(questions), "encrypted tally")
    return tuple(
        tuple(
            parse_ciphertext(election.group, item, "C1", f"tally of question {number}", allow_identity=True)
            for item in require_row(question, row, "C1", f"tally of question {number}")
        )
        for number, (question, row) in enumerate(zip(questions, rows, strict=True), 1)
    )


def require_row(
    question: Question, value: Any, rule: str, what: str, ballots: int | None = None
) -> list[Any]:
    """A question's row in a record, as one list of what it has for each ciphertext; MalformedError otherwise.

    Of ranked and graded questions that is one for each of so many ``ballots``, or any number of them.
    """
    if isinstance(question, NonHomomorphicQuestion):
        return require_list(value, rule, ballots, what)
    if isinstance(question, ListsQuestion):
        return question.join(value, rule, what)
    return require_list(value, rule, question.choice_count, what)


def parse_sized_tally(raw: bytes) -> SizedTally:
    """Rule C2's record."""
    fields = require_fields(parse_json(raw, "C2"), ("num_tallied", "total_weight", "encrypted_tally"), "C2")
    return SizedTally(
        require_int(fields["num_tallied"], "C2", "num_tallied"),
        parse_counter(fields["total_weight"], "C2", "total_weight"),
        require_sha256_hex(fields["encrypted_tally"], "C2", "encrypted_tally"),
    )
