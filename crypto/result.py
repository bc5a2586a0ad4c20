"""From combined factors to the counts: g^m is opened by baby-step giant-step (PROTOCOL §8; R1–R3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isqrt

from crypto.decryption import PartialDecryption, combine_factors, spare_decryptions
from crypto.election import Election
from crypto.encoding import (
    encode_counter,
    encode_json_bytes,
    parse_counter,
    parse_json,
    require_fields,
    require_list,
)
from crypto.errors import RejectedError
from crypto.groups import Element, Group
from crypto.questions import HomomorphicQuestion
from crypto.tally import EncryptedTally
from crypto.trustees import Trustees

Result = list[list[int]]


class DiscreteLog:
    """log_g of group elements in [0, bound]; one table serves all of them.

    About √bound group operations for the table and as many at most for each element.
    """

    def __init__(self, group: Group, bound: int) -> None:
        self._group = group
        self._bound = bound
        self._steps = isqrt(bound) + 1
        self._table: dict[str, int] = {}
        element = group.identity
        for index in range(self._steps):
            self._table[element.text] = index
            element = group.multiply(element, group.generator)
        self._giant = group.inverse(element)

    def find(self, element: Element) -> int:
        """RejectedError (R1) if no number in range fits: somebody's factor was false."""
        start = element
        for giant in range(self._steps + 1):
            baby = self._table.get(start.text)
            if baby is not None:
                value = giant * self._steps + baby
                if value <= self._bound:
                    return value
                break
            start = self._group.multiply(start, self._giant)
        raise RejectedError("R1", "the decrypted tally is no number of votes: a decryption factor is false")


def _plaintexts(
    election: Election, trustees: Trustees, tally: EncryptedTally, partials: Mapping[int, PartialDecryption]
) -> list[list[Element]]:
    """β / ∏ factors for each ciphertext: g^count."""
    group = election.group
    factors = combine_factors(election, trustees, tally, partials)
    return [
        [group.divide(c.beta, f) for c, f in zip(row, row_factors, strict=True)]
        for row, row_factors in zip(tally, factors, strict=True)
    ]


def compute_result(
    election: Election,
    trustees: Trustees,
    tally: EncryptedTally,
    partials: Mapping[int, PartialDecryption],
    total_weight: int,
) -> Result:
    """Opens the tally: per question the count of each choice (blank first where allowed)."""
    search = DiscreteLog(election.group, total_weight)
    return [[search.find(e) for e in row] for row in _plaintexts(election, trustees, tally, partials)]


def encode_result(result: Sequence[Sequence[int]]) -> bytes:
    """The result's record."""
    return encode_json_bytes({"result": [[encode_counter(count) for count in row] for row in result]})


def parse_result(election: Election, raw: bytes) -> Result:
    """Rule R1: one count per choice."""
    fields = require_fields(parse_json(raw, "R1"), ("result",), "R1")
    questions = election.homomorphic_questions
    rows = require_list(fields["result"], "R1", len(questions), "result")
    return [
        [
            parse_counter(count, "R1", f"count in question {number}")
            for count in require_list(row, "R1", question.choice_count, f"result of question {number}")
        ]
        for number, (question, row) in enumerate(zip(questions, rows, strict=True), 1)
    ]


def _require_possible(question: HomomorphicQuestion, row: list[int], total_weight: int, number: int) -> None:
    """Rule R3: no count above the votes cast, no sum that valid ballots cannot make."""
    where = f"result of question {number}"
    if any(count > total_weight for count in row):
        raise RejectedError("R3", f"{where}: a count is larger than the votes cast")
    blank = row[0] if question.blank else 0
    chosen = sum(row[int(question.blank) :])
    voting = total_weight - blank
    if not question.minimum * voting <= chosen <= question.maximum * voting:
        raise RejectedError("R3", f"{where}: the counts do not fit the number of votes")


def verify_result(
    election: Election,
    trustees: Trustees,
    tally: EncryptedTally,
    partials: Mapping[int, PartialDecryption],
    result: Result,
    total_weight: int,
) -> None:
    """Rules R2 (g^count is what the factors open, whichever t of them one takes) and R3 (the counts
    are possible)."""
    group = election.group
    plaintexts = _plaintexts(election, trustees, tally, partials)
    for owner, others in spare_decryptions(trustees, partials):
        if _plaintexts(election, trustees, tally, others) != plaintexts:
            raise RejectedError("R2", f"the decryption of trustee {owner} does not agree with the others")
    for number, (question, row, elements) in enumerate(
        zip(election.homomorphic_questions, result, plaintexts, strict=True), 1
    ):
        _require_possible(question, row, total_weight, number)
        for index, (count, element) in enumerate(zip(row, elements, strict=True), 1):
            if group.power_g(count) != element:
                raise RejectedError(
                    "R2", f"result of question {number}: count {index} is not what the tally decrypts to"
                )
