"""A roll as a CSV file: untrusted text -> members, or every fault of the file at once.

Columns (DESIGN §11): ``name,member_number,email,phone,address,unit,weight,language,standing``; the
first two are required, the others may be absent. A file with one bad row is refused whole, because
half a roll is a wrong roll, and all faults are named, because somebody must mend them in one go.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from crypto.writing import is_blank, is_writing

REQUIRED_COLUMNS = ("name", "member_number")
_WRITTEN_COLUMNS = ("name", "address", "unit")
OPTIONAL_COLUMNS = ("email", "phone", "address", "unit", "weight", "language", "standing")
COLUMNS = REQUIRED_COLUMNS + OPTIONAL_COLUMNS

MAX_ROWS = 1_000_000
# The result is found by baby-step/giant-step on the total weight (PROTOCOL §11).
MAX_TOTAL_WEIGHT = 10**11
# Longest accepted text per column, in characters; the table's columns are as wide.
MAX_LENGTH = {
    "name": 200,
    "member_number": 64,
    "email": 254,
    "phone": 40,
    "address": 1000,
    "unit": 200,
    "weight": 12,
    "language": 35,
    "standing": 40,
}
# What unions write in this column; anything else is asked back rather than guessed.
STANDING = {
    "": True,
    "good": True,
    "good standing": True,
    "in good standing": True,
    "active": True,
    "not good": False,
    "not-good": False,
    "not in good standing": False,
    "suspended": False,
    "lapsed": False,
}

_EMAIL = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+")
_PHONE = re.compile(r"\+?[0-9][0-9 ()./-]{2,}")
_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", re.ASCII)
_WEIGHT = re.compile(r"[1-9][0-9]{0,11}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Member:
    """One row of a roll, checked. ``eligible`` is False for a member who is not in good standing."""

    name: str
    member_number: str
    email: str = ""
    phone: str = ""
    address: str = ""
    unit: str = ""
    weight: int = 1
    language: str = ""
    eligible: bool = True


@dataclass(frozen=True, slots=True)
class RowFault:
    """What is wrong with one cell: the row as a spreadsheet counts it (the header is row 1)."""

    row: int
    column: str
    sentence: str

    def encode(self) -> dict[str, int | str]:
        return {"row": self.row, "column": self.column, "sentence": self.sentence}


class RollFileError(Exception):
    """A refused roll file, with every fault that was found in it."""

    def __init__(self, faults: list[RowFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"row {f.row}, {f.column}: {f.sentence}" for f in faults))


def parse_roll(raw: bytes) -> list[Member]:
    """The members of a roll file, in file order; RollFileError naming every bad row."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = raw[: error.start].count(b"\n") + 1
        raise RollFileError([RowFault(row, "", "The file is not UTF-8 text.")]) from error
    rows = list(_read_rows(text))
    if not rows:
        raise RollFileError([RowFault(1, "", "The file is empty.")])
    header = _parse_header(rows[0][1])
    faults: list[RowFault] = []
    members: list[Member] = []
    first_row: dict[str, int] = {}
    for row, cells in rows[1:]:
        if not any(cell.strip() for cell in cells):
            continue
        member = _parse_row(row, header, cells, faults)
        if member is None:
            continue
        if member.member_number in first_row:
            sentence = f"This member number stands already in row {first_row[member.member_number]}."
            faults.append(RowFault(row, "member_number", sentence))
        first_row.setdefault(member.member_number, row)
        members.append(member)
    if not faults:
        faults = list(_whole_file_faults(members))
    if faults:
        raise RollFileError(faults)
    return members


def _read_rows(text: str) -> Iterator[tuple[int, list[str]]]:
    row = 0
    try:
        # A NUL or a quote that is never closed is reported by the reader itself.
        for row, cells in enumerate(csv.reader(io.StringIO(text, newline=""), strict=True), start=1):
            if row > MAX_ROWS + 1:
                raise RollFileError([RowFault(row, "", f"A roll has at most {MAX_ROWS} rows.")])
            yield row, cells
    except csv.Error as error:
        raise RollFileError([RowFault(row + 1, "", f"The row is not readable as CSV: {error}.")]) from error


def _parse_header(cells: list[str]) -> list[str]:
    header = [cell.strip().lower() for cell in cells]
    faults = [RowFault(1, name, "The column is missing.") for name in REQUIRED_COLUMNS if name not in header]
    for place, name in enumerate(header):
        if name not in COLUMNS:
            known = ", ".join(COLUMNS)
            faults.append(RowFault(1, name[:40], f"The column is unknown; columns are {known}."))
        elif name in header[:place]:
            faults.append(RowFault(1, name, "The column stands twice."))
    if faults:
        raise RollFileError(faults)
    return header


def _parse_row(row: int, header: list[str], cells: list[str], faults: list[RowFault]) -> Member | None:
    """One member, or None after its faults were added to ``faults``."""
    if len(cells) != len(header):
        sentence = f"The row has {len(cells)} cells, the header has {len(header)}."
        faults.append(RowFault(row, "", sentence))
        return None
    values = dict.fromkeys(COLUMNS, "") | {
        name: cell.strip() for name, cell in zip(header, cells, strict=True)
    }
    found = [RowFault(row, *fault) for fault in _cell_faults(values)]
    if found:
        faults.extend(found)
        return None
    return Member(
        name=values["name"],
        member_number=values["member_number"],
        email=values["email"],
        phone=values["phone"],
        address=values["address"],
        unit=values["unit"],
        weight=int(values["weight"] or "1"),
        language=values["language"],
        eligible=STANDING[values["standing"].lower()],
    )


def _cell_faults(values: dict[str, str]) -> Iterator[tuple[str, str]]:
    """(column, sentence) for each bad cell. Sentences never repeat a member's data."""
    for column, value in values.items():
        if len(value) > MAX_LENGTH[column]:
            yield column, f"The cell is longer than {MAX_LENGTH[column]} characters."
        elif not _is_clean(column, value):
            yield column, "The cell has a character that cannot be printed."
    for column in REQUIRED_COLUMNS:
        if is_blank(values[column]):
            yield column, "The cell is empty."
    if values["email"] and not _EMAIL.fullmatch(values["email"]):
        yield "email", "This is not an e-mail address."
    if values["phone"] and not _PHONE.fullmatch(values["phone"]):
        yield "phone", "This is not a telephone number."
    if values["language"] and not _LANGUAGE.fullmatch(values["language"]):
        yield "language", "This is not a language tag such as en or pt-BR."
    if values["weight"] and not _WEIGHT.fullmatch(values["weight"]):
        yield "weight", "A weight is a whole number of at least 1, without sign or leading zero."
    if values["standing"].lower() not in STANDING:
        yield "standing", "The standing is unknown; write good or not-good."


def _is_clean(column: str, value: str) -> bool:
    if column in _WRITTEN_COLUMNS:
        return is_writing(value.replace("\n", " ") if column == "address" else value)
    # Numbers and addresses of one member must not be told from another's by a sign that nobody sees.
    return value.isprintable()


def _whole_file_faults(members: list[Member]) -> Iterator[RowFault]:
    eligible = [member for member in members if member.eligible]
    if not eligible:
        yield RowFault(1, "", "No member on this roll may vote.")
    if sum(member.weight for member in eligible) > MAX_TOTAL_WEIGHT:
        yield RowFault(1, "weight", f"All weights together are more than {MAX_TOTAL_WEIGHT}.")


def encode_roll(members: Iterable[Member]) -> str:
    """A roll file with these members, which :func:`parse_roll` reads back."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for m in members:
        standing = "good" if m.eligible else "not-good"
        row = (m.name, m.member_number, m.email, m.phone, m.address, m.unit, m.weight, m.language, standing)
        writer.writerow(row)
    return file.getvalue()
