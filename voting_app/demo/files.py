"""The three files of a demo election: untrusted bytes -> roll, questions and votes, or every fault in them.

Formats (DESIGN §11): the roll is the CSV file of voting_app.roll; the questions are a JSON array of questions as
an election has them; the votes are a CSV file `member_number,q1,q2,…` whose cells hold the numbers of the chosen
answers from 1 on, separated by spaces, or `blank`, or nothing. A member's second row is a vote that replaces the first.

Whoever must mend a file wants to hear everything at once, so all faults of all files are gathered.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from crypto.errors import ProtocolError
from crypto.questions import HomomorphicQuestion, parse_questions, sort_question_fields
from crypto.roll import MAX_ROWS, Member, RollFileError, parse_roll
from crypto.tables import restore
from voting_app.elections.limits import MAX_ANSWERS, MAX_QUESTIONS

Parsed = TypeVar("Parsed")
# 0-based numbers of the chosen answers, or a blank vote.
Choice = tuple[int, ...] | Literal["blank"]

_NUMBER = re.compile(r"[0-9]{1,6}", re.ASCII)
_NOT_UTF8 = "The file is not UTF-8 text; save it again as UTF-8 (spreadsheets call it “CSV UTF-8”)."


@dataclass(frozen=True, slots=True)
class Source:
    """One file: the name by which faults call it, and its bytes."""

    name: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong at one place. row: as a spreadsheet counts, the header is 1; 0 where rows mean nothing."""

    file: str
    row: int
    column: str
    sentence: str

    def __str__(self) -> str:
        place = [self.file]
        if self.row:
            place.append(f"row {self.row}")
        if self.column:
            place.append(f"column {self.column}")
        return f"{', '.join(place)}: {self.sentence}"


class FilesError(Exception):
    """The files were refused; `faults` has all that was found."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in faults))


@dataclass(frozen=True, slots=True)
class Vote:
    """One row of the votes file: what one member chose, question by question."""

    member_number: str
    choices: tuple[Choice, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """Files that fit together."""

    members: tuple[Member, ...]
    questions: tuple[HomomorphicQuestion, ...]
    votes: tuple[Vote, ...]

    @property
    def has_revotes(self) -> bool:
        """Whether somebody votes twice; then the election must allow it."""
        return len({vote.member_number for vote in self.votes}) < len(self.votes)

    @property
    def weights(self) -> dict[str, int]:
        """member number -> weight of everybody who may vote."""
        return {member.member_number: member.weight for member in self.members if member.eligible}


def parse_case(roll: Source, questions: Source, votes: Source) -> Case:
    """Everything that the three files say; FilesError with every fault in them."""
    faults: list[Fault] = []
    members = _collect(faults, lambda: _parse_members(roll))
    parsed_questions = _collect(faults, lambda: parse_questions_file(questions))
    if members is None or parsed_questions is None:
        raise FilesError(faults)
    return Case(tuple(members), parsed_questions, tuple(parse_votes_file(votes, members, parsed_questions)))


def _collect(faults: list[Fault], parse: Callable[[], Parsed]) -> Parsed | None:
    """What `parse` gives, or None after its faults were added."""
    try:
        return parse()
    except FilesError as error:
        faults.extend(error.faults)
        return None


def _parse_members(source: Source) -> list[Member]:
    try:
        return parse_roll(source.raw)
    except RollFileError as error:
        faults = [Fault(source.name, fault.row, fault.column, fault.sentence) for fault in error.faults]
        raise FilesError(faults) from error


# --- questions ---------------------------------------------------------------------------------------


def parse_questions_file(source: Source) -> tuple[HomomorphicQuestion, ...]:
    """The questions, in the order of the file; FilesError with every fault."""

    def refuse(sentence: str) -> FilesError:
        return FilesError([Fault(source.name, 0, "", sentence)])

    try:
        value = json.loads(_decode(source), object_pairs_hook=_unique_keys)
    except json.JSONDecodeError as error:
        raise refuse(f"Line {error.lineno} is not JSON: {error.msg}.") from error
    except (ValueError, RecursionError) as error:
        raise refuse(f"The file is not readable as JSON: {error}.") from error
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_QUESTIONS:
        raise refuse(f"An array of 1 to {MAX_QUESTIONS} questions is expected.")
    faults: list[Fault] = []
    questions: list[HomomorphicQuestion] = []
    for number, item in enumerate(value, start=1):
        try:
            questions.append(_parse_question(item))
        except ValueError as error:
            faults.append(Fault(source.name, 0, "", f"Question {number}: {error}."))
    if faults:
        raise FilesError(faults)
    return tuple(questions)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return value


def _parse_question(value: Any) -> HomomorphicQuestion:
    """One question, its fields in any order; ValueError with the reason."""
    try:
        [question] = parse_questions([sort_question_fields(value)])
    except ProtocolError as error:
        raise ValueError(error.detail) from error
    if not isinstance(question, HomomorphicQuestion):
        raise ValueError("this version runs questions whose answers are chosen, not ranked or in lists")
    if len(question.answers) > MAX_ANSWERS:
        raise ValueError(f"a question has at most {MAX_ANSWERS} answers")
    return question


# --- votes -------------------------------------------------------------------------------------------


def parse_votes_file(
    source: Source, members: Sequence[Member], questions: Sequence[HomomorphicQuestion]
) -> list[Vote]:
    """The votes in the order of the file; FilesError with every fault."""
    rows = list(_read_rows(source))
    if not rows:
        raise FilesError([Fault(source.name, 1, "", "The file is empty.")])
    columns = ["member_number", *(f"q{number}" for number in range(1, len(questions) + 1))]
    header = [cell.strip().lower() for cell in rows[0][1]]
    if header != columns:
        sentence = f"The columns must be {','.join(columns)}: the member's number and one for each question."
        raise FilesError([Fault(source.name, rows[0][0], "", sentence)])
    eligible = {member.member_number: member.eligible for member in members}
    faults: list[Fault] = []
    votes: list[Vote] = []
    for row, cells in rows[1:]:
        found = len(faults)
        if len(cells) != len(columns):
            sentence = f"The row has {len(cells)} cells, the header has {len(columns)}."
            faults.append(Fault(source.name, row, "", sentence))
            continue
        number = restore(cells[0].strip())
        if reason := _find_member_fault(number, eligible):
            faults.append(Fault(source.name, row, columns[0], reason))
        choices: list[Choice] = []
        for column, cell, question in zip(columns[1:], cells[1:], questions, strict=True):
            try:
                choices.append(_parse_choice(cell, question))
            except ValueError as error:
                faults.append(Fault(source.name, row, column, str(error)))
        if len(faults) == found:
            votes.append(Vote(number, tuple(choices)))
    if not faults and not votes:
        faults.append(Fault(source.name, 1, "", "The file has no vote."))
    if faults:
        raise FilesError(faults)
    return votes


def _find_member_fault(number: str, eligible: dict[str, bool]) -> str | None:
    if not number:
        return "The cell is empty."
    if number not in eligible:
        return "No member on the roll has this number."
    if not eligible[number]:
        return "This member is not in good standing and may not vote."
    return None


def _parse_choice(cell: str, question: HomomorphicQuestion) -> Choice:
    """A cell of a question; ValueError with a sentence."""
    words = cell.split()
    if [word.lower() for word in words] == ["blank"]:
        if not question.blank:
            raise ValueError("This question has no blank vote.")
        return "blank"
    count = len(question.answers)
    for word in words:
        if not _NUMBER.fullmatch(word):
            raise ValueError(
                "Numbers of answers from 1 on are expected, separated by spaces, or blank, or nothing."
            )
        if not 1 <= int(word) <= count:
            raise ValueError(f"There is no answer {int(word)}; the question has {count}.")
    chosen = sorted(int(word) - 1 for word in words)
    if len(set(chosen)) < len(chosen):
        raise ValueError("An answer is chosen twice.")
    if len(chosen) < question.minimum:
        raise ValueError(
            f"Too few answers are chosen: {len(chosen)}, at least {question.minimum} are needed."
        )
    if len(chosen) > question.maximum:
        raise ValueError(f"Too many answers are chosen: {len(chosen)}, at most {question.maximum} may be.")
    return tuple(chosen)


def _decode(source: Source) -> str:
    try:
        return source.raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = source.raw[: error.start].count(b"\n") + 1
        raise FilesError([Fault(source.name, row, "", _NOT_UTF8)]) from error


def _read_rows(source: Source) -> Iterator[tuple[int, list[str]]]:
    """(row number, cells) of each row that has any text."""
    row = 0
    text = io.StringIO(_decode(source), newline="")
    try:
        for row, cells in enumerate(csv.reader(text, strict=True), start=1):
            if row > MAX_ROWS + 1:
                raise FilesError([Fault(source.name, row, "", f"A file has at most {MAX_ROWS} rows.")])
            if any(cell.strip() for cell in cells):
                yield row, cells
    except csv.Error as error:
        sentence = f"The row is not readable as CSV: {error}."
        raise FilesError([Fault(source.name, row + 1, "", sentence)]) from error
