"""A roll as a CSV file: untrusted text -> members, or every fault of the file at once.

Columns (DESIGN §11): ``name,member_number,email,phone,address,unit,weight,language,standing``; the
first two are required, the others may be absent. A file with one bad row is refused whole, because
half a roll is a wrong roll, and all faults are named, because somebody must mend them in one go.

``unit`` is a place in a tree: names from the top down with ``>`` between them, as in ``Region East > Local 12``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from crypto.tables import TableError, encode_table, is_decoded, read_table
from crypto.writing import has_unseen, is_blank, is_writing

REQUIRED_COLUMNS = ("name", "member_number")
_WRITTEN_COLUMNS = ("name", "address", "unit")
OPTIONAL_COLUMNS = ("email", "phone", "address", "unit", "weight", "language", "standing")
COLUMNS = REQUIRED_COLUMNS + OPTIONAL_COLUMNS

MAX_ROWS = 1_000_000
# A file with more faults than this is another file than was meant, and nobody reads on.
MAX_FAULTS = 10_000
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
UNIT_SEPARATOR = ">"
MAX_UNIT_DEPTH = 8
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
    """What is wrong with one cell: the row as a spreadsheet counts it (the header is row 1).

    text: the sentence with ``%(name)s`` where one of ``values`` stands, so that pages can say it in other languages.
    """

    row: int
    column: str
    text: str
    values: tuple[tuple[str, int | str], ...] = ()

    @property
    def sentence(self) -> str:
        return self.text % dict(self.values)

    def encode(self) -> dict[str, int | str]:
        return {"row": self.row, "column": self.column, "sentence": self.sentence}


@dataclass(frozen=True, slots=True)
class RollFile:
    """What a file holds. rows: (row number, member) of each row that is sound by itself; faults: all others', and the
    file's. Only a file without faults is a roll.
    """

    rows: tuple[tuple[int, Member], ...]
    faults: tuple[RowFault, ...]

    @property
    def members(self) -> list[Member]:
        return [member for _, member in self.rows]


class RollFileError(Exception):
    """A refused roll file, with every fault that was found in it."""

    def __init__(self, faults: Iterable[RowFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"row {f.row}, {f.column}: {f.sentence}" for f in self.faults))


def parse_roll(raw: bytes) -> list[Member]:
    """The members of a roll file, in file order; RollFileError naming every bad row."""
    file = read_roll(raw)
    if file.faults:
        raise RollFileError(file.faults)
    return file.members


def read_roll(raw: bytes) -> RollFile:
    """Members and faults of a file, for whoever shows both before anything is taken."""
    rows: list[tuple[int, Member]] = []
    faults: list[RowFault] = []
    try:
        _read_rows(raw, rows, faults)
    except TableError as error:
        faults.append(RowFault(error.row, "", error.text, error.values))
    if not faults:
        faults.extend(_whole_file_faults([member for _, member in rows]))
    return RollFile(tuple(rows), tuple(faults))


def read_member(values: Mapping[str, str]) -> Member | tuple[RowFault, ...]:
    """One member, typed in by hand: ``values`` by column, absent ones are empty. Or what is wrong, as in row 0."""
    # As cells of a file: without blanks around them. Programs end a line within a text with both signs.
    cells = {column: values.get(column, "").strip().replace("\r\n", "\n") for column in COLUMNS}
    faults = tuple(_cell_faults(0, cells))
    return faults or _make_member(cells)


def _read_rows(raw: bytes, rows: list[tuple[int, Member]], faults: list[RowFault]) -> None:
    """Adds to ``rows`` and ``faults``; TableError where the file cannot be read on."""
    table = read_table(raw)
    first = next(table, None)
    if first is None:
        raise TableError(1, "The file is empty.")
    header = _parse_header(first[1], faults)
    if faults:
        return
    first_row: dict[str, int] = {}
    for row, cells in table:
        if row > MAX_ROWS + 1:
            raise TableError(row, "A roll has at most %(most)s rows.", most=MAX_ROWS)
        if len(faults) >= MAX_FAULTS:
            raise TableError(row, "So much is wrong that the file was not read on from here.")
        if not any(cells):
            continue
        if len(cells) != len(header):
            text = "The row has %(cells)s cells, the header has %(columns)s."
            faults.append(RowFault(row, "", text, (("cells", len(cells)), ("columns", len(header)))))
            continue
        values = dict.fromkeys(COLUMNS, "") | dict(zip(header, cells, strict=True))
        # Some programs end a line within a cell with both signs.
        values["address"] = values["address"].replace("\r\n", "\n")
        found = list(_cell_faults(row, values))
        # Two spellings of one sign look the same, and so would the two members.
        number = unicodedata.normalize("NFC", values["member_number"])
        if number and number in first_row:
            text = "This member number stands already in row %(first)s."
            found.append(RowFault(row, "member_number", text, (("first", first_row[number]),)))
        first_row.setdefault(number, row)
        faults.extend(found)
        if not found:
            rows.append((row, _make_member(values)))


def _parse_header(cells: list[str], faults: list[RowFault]) -> list[str]:
    header = [cell.lower() for cell in cells]
    faults.extend(
        RowFault(1, name, "The column is missing.") for name in REQUIRED_COLUMNS if name not in header
    )
    for place, name in enumerate(header):
        if name not in COLUMNS:
            known = ", ".join(COLUMNS)
            # What nobody can see, or what moves a terminal's cursor, is not repeated.
            shown = name[:40] if is_writing(name) and name else f"column {place + 1}"
            text = "The column is unknown; columns are %(known)s."
            faults.append(RowFault(1, shown, text, (("known", known),)))
        elif name in header[:place]:
            faults.append(RowFault(1, name, "The column stands twice."))
    return header


def _make_member(values: dict[str, str]) -> Member:
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


def _cell_faults(row: int, values: dict[str, str]) -> Iterator[RowFault]:
    """A fault for each bad cell. Sentences never repeat a member's data."""
    for column, value in values.items():
        if len(value) > MAX_LENGTH[column]:
            most = (("most", MAX_LENGTH[column]),)
            yield RowFault(row, column, "The cell is longer than %(most)s characters.", most)
        elif not is_decoded(value):
            yield RowFault(row, column, "A letter is not UTF-8; save the file again as “CSV UTF-8”.")
        elif not _is_clean(column, value):
            yield RowFault(row, column, "The cell has a character that cannot be printed.")
    for column in REQUIRED_COLUMNS:
        if is_blank(values[column]):
            yield RowFault(row, column, "The cell is empty.")
    if values["email"] and not _EMAIL.fullmatch(values["email"]):
        yield RowFault(row, "email", "This is not an e-mail address.")
    if values["phone"] and not _PHONE.fullmatch(values["phone"]):
        yield RowFault(row, "phone", "This is not a telephone number.")
    if values["language"] and not _LANGUAGE.fullmatch(values["language"]):
        yield RowFault(row, "language", "This is not a language tag such as en or pt-BR.")
    if values["weight"] and not _WEIGHT.fullmatch(values["weight"]):
        text = "A weight is a whole number of at least 1, without sign or leading zero."
        yield RowFault(row, "weight", text)
    if values["standing"].lower() not in STANDING:
        yield RowFault(row, "standing", "The standing is unknown; write good or not-good.")
    if values["unit"]:
        yield from _unit_faults(row, parse_unit(values["unit"]))


def _unit_faults(row: int, path: tuple[str, ...]) -> Iterator[RowFault]:
    if any(is_blank(name) for name in path):
        sign = (("sign", UNIT_SEPARATOR),)
        yield RowFault(row, "unit", "A unit's name is missing before or after “%(sign)s”.", sign)
    elif len(path) > MAX_UNIT_DEPTH:
        most = (("most", MAX_UNIT_DEPTH),)
        yield RowFault(row, "unit", "Units are nested more than %(most)s deep.", most)


def parse_unit(text: str) -> tuple[str, ...]:
    """A unit's place in the tree, from the top down; () for none."""
    return tuple(name.strip() for name in text.split(UNIT_SEPARATOR)) if text else ()


def _is_clean(column: str, value: str) -> bool:
    if column in _WRITTEN_COLUMNS:
        return is_writing(value.replace("\n", " ") if column == "address" else value)
    # Numbers and addresses of one member must not be told from another's by a sign that nobody sees.
    return value.isprintable() and not has_unseen(value)


def _whole_file_faults(members: list[Member]) -> Iterator[RowFault]:
    eligible = [member for member in members if member.eligible]
    if not eligible:
        yield RowFault(1, "", "No member on this roll may vote.")
    if sum(member.weight for member in eligible) > MAX_TOTAL_WEIGHT:
        most = (("most", MAX_TOTAL_WEIGHT),)
        yield RowFault(1, "weight", "All weights together are more than %(most)s.", most)


def get_cells(member: Member) -> dict[str, str]:
    """The member's row as text, by column, in the order of the columns."""
    return {
        "name": member.name,
        "member_number": member.member_number,
        "email": member.email,
        "phone": member.phone,
        "address": member.address,
        "unit": member.unit,
        "weight": str(member.weight),
        "language": member.language,
        "standing": "good" if member.eligible else "not-good",
    }


def encode_roll(members: Iterable[Member]) -> str:
    """A roll file with these members, which :func:`parse_roll` reads back."""
    return encode_table([COLUMNS, *(tuple(get_cells(member).values()) for member in members)])
