"""From combined factors to the result (PROTOCOL §8; R1–R4).

Counts are opened from g^count by baby-step giant-step; ranked and graded ballots are integers embedded in an element.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isqrt
from typing import Any

from crypto.decryption import PartialDecryption, combine_factors, spare_decryptions
from crypto.election import Election
from crypto.encoding import (
    encode_counter,
    encode_json_bytes,
    parse_counter,
    parse_json,
    require_fields,
    require_int,
    require_list,
)
from crypto.errors import RejectedError
from crypto.groups import Element, Group
from crypto.questions import MOST, HomomorphicQuestion, ListsQuestion, NonHomomorphicQuestion, Question
from crypto.tally import EncryptedTally, require_row
from crypto.trustees import Trustees

# A row per question: counts of its choices (for lists, a list of them each); or one list of integers for each ballot.
Result = list[list[Any]]


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
    """Opens the tally: per question the count of each choice (blank first where allowed), or each ballot's integers
    in the order of the last shuffle."""
    search = DiscreteLog(election.group, total_weight)
    rows: Result = []
    plaintexts = _plaintexts(election, trustees, tally, partials)
    for question, elements in zip(election.questions, plaintexts, strict=True):
        if isinstance(question, NonHomomorphicQuestion):
            count = len(question.answers)
            rows.append([list(election.group.extract(element, count)) for element in elements])
        else:
            rows.append(question.split([search.find(element) for element in elements]))
    return rows


def find_odd_ballots(
    election: Election, trustees: Trustees, tally: EncryptedTally, partials: Mapping[int, PartialDecryption]
) -> list[tuple[int, int]]:
    """Rule R4: (question, ballot), from 0, of each opened ballot that no honest program encrypted.

    Its element is not the one that stands for its integers. Either its voter made it so, or a trustee gave a false
    factor for it: the archive's proofs cannot tell which (PROTOCOL §0, fact 5), strong ones can.
    """
    group = election.group
    plaintexts = _plaintexts(election, trustees, tally, partials)
    return [
        (place, index)
        for place, question in enumerate(election.questions)
        if isinstance(question, NonHomomorphicQuestion)
        for index, element in enumerate(plaintexts[place])
        if group.embed(group.extract(element, len(question.answers))) != element
    ]


def encode_result(result: Sequence[Sequence[Any]]) -> bytes:
    """The result's record."""

    def encode(value: Any) -> Any:
        return encode_counter(value) if isinstance(value, int) else [encode(item) for item in value]

    return encode_json_bytes({"result": encode(result)})


def _parse_row(question: Question, value: Any, number: int) -> list[Any]:
    where = f"result of question {number}"
    if isinstance(question, NonHomomorphicQuestion):
        return [
            [
                require_int(item, "R1", f"{where}: rank or grade", 0, MOST)
                for item in require_list(ballot, "R1", len(question.answers), where)
            ]
            for ballot in require_list(value, "R1", what=where)
        ]
    row = require_row(question, value, "R1", where)
    return question.split([parse_counter(count, "R1", f"count in question {number}") for count in row])


def parse_result(election: Election, raw: bytes) -> Result:
    """Rule R1: one count per choice; of ranked and graded questions an integer per answer of each ballot."""
    fields = require_fields(parse_json(raw, "R1"), ("result",), "R1")
    questions = election.questions
    rows = require_list(fields["result"], "R1", len(questions), "result")
    return [
        _parse_row(question, row, number)
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


def _require_possible_lists(
    question: ListsQuestion, row: list[list[int]], total_weight: int, number: int
) -> None:
    """Rule R3 for lists: each ballot chooses one list, and candidates of that list only."""
    where = f"result of question {number}"
    if sum(counts[0] for counts in row) != total_weight:
        raise RejectedError("R3", f"{where}: the lists' counts do not add up to the votes cast")
    for entries, counts in zip(question.lists, row, strict=True):
        if any(count > counts[0] for count in counts):
            raise RejectedError("R3", f"{where}: a candidate of {entries[0]!r} has more votes than the list")


def verify_result(
    election: Election,
    trustees: Trustees,
    tally: EncryptedTally,
    partials: Mapping[int, PartialDecryption],
    result: Result,
    total_weight: int,
) -> None:
    """Rules R2 (it is what the factors open, whichever t of them one takes) and R3 (the counts are possible).

    Whether opened ballots were embedded honestly is told by :func:`find_odd_ballots`.
    """
    group = election.group
    plaintexts = _plaintexts(election, trustees, tally, partials)
    for owner, others in spare_decryptions(trustees, partials):
        if _plaintexts(election, trustees, tally, others) != plaintexts:
            raise RejectedError("R2", f"the decryption of trustee {owner} does not agree with the others")
    for number, (question, row, elements) in enumerate(
        zip(election.questions, result, plaintexts, strict=True), 1
    ):
        if isinstance(question, NonHomomorphicQuestion):
            _verify_ballots(group, question, row, elements, number)
            continue
        if isinstance(question, ListsQuestion):
            _require_possible_lists(question, row, total_weight, number)
            counts = [count for part in row for count in part]
        else:
            _require_possible(question, row, total_weight, number)
            counts = row
        for index, (count, element) in enumerate(zip(counts, elements, strict=True), 1):
            if group.power_g(count) != element:
                raise RejectedError(
                    "R2", f"result of question {number}: count {index} is not what the tally decrypts to"
                )


def _verify_ballots(
    group: Group, question: NonHomomorphicQuestion, row: list[list[int]], elements: list[Element], number: int
) -> None:
    """Rule R2 for ranked and graded ballots, in the order of the last shuffle."""
    where = f"result of question {number}"
    if len(row) != len(elements):
        raise RejectedError("R2", f"{where}: {len(row)} ballots are given, {len(elements)} were shuffled")
    for index, (ballot, element) in enumerate(zip(row, elements, strict=True), 1):
        if tuple(ballot) != group.extract(element, len(question.answers)):
            raise RejectedError("R2", f"{where}: ballot {index} is not what was decrypted")
