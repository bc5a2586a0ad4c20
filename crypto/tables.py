"""Tables as CSV files: untrusted bytes -> rows of cells, and cells -> a file in which no spreadsheet finds a formula.

Spreadsheets take a cell that begins with ``= + - @`` for a formula, and a formula can send the other cells to a
stranger: in a list of credentials, the votes of everybody. Such a cell is written with an apostrophe before
that sign, and reading takes one away again, so that every text comes back as it was. Who opens a file with the
wrong separator gets other cells than were written, so the rule holds after each separator within a cell too.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence

_SEPARATORS = (",", ";", "\t")
# Spreadsheets for Chinese, Japanese and Korean take the wide forms as well.
_FORMULA_SIGNS = "=+@\\-＝＋－＠"
# A formula's sign, and all that may stand between it and the beginning of a cell. The look behind makes each run be
# looked at once, however long it is.
_BEFORE_FORMULA = re.compile(rf"(?<![;,\s\"'])([;,\s\"']*+)([{_FORMULA_SIGNS}])")
_BLANK_FIRST = re.compile(r"'*[\t\r\n]")
_UNDECODED = re.compile("[\udc80-\udcff]")

# No table of ours has a hundredth of them. Rows are lists in memory, and a file may be one row of commas.
MAX_SEPARATORS = 5_000
_SPREADSHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"%PDF")


class TableError(Exception):
    """A file that cannot be read on. row: as a spreadsheet counts, the first is 1; sentence: without data; text: the
    same with ``%(name)s`` where one of ``values`` stands, for translations.
    """

    def __init__(self, row: int, text: str, **values: int | str) -> None:
        self.row = row
        self.text = text
        self.values = tuple(values.items())
        self.sentence = text % values
        super().__init__(f"row {row}: {self.sentence}")


def read_table(raw: bytes) -> Iterator[tuple[int, list[str]]]:
    """(row number, cells without surrounding blanks) of each row; TableError where it cannot be read on.

    UTF-8, or UTF-16 that says so by its first bytes; separated by commas, semicolons or tabs, whichever the first line
    has most of. Bytes that are not UTF-8 leave signs for which :func:`is_decoded` is false.
    """
    text = _decode(raw)
    separator = max(_SEPARATORS, key=re.split(r"[\r\n]", text, maxsplit=1)[0].count)
    row = separators = 0

    def read_lines() -> Iterator[str]:
        nonlocal separators
        for line in io.StringIO(text, newline=""):
            separators += line.count(separator)
            if separators > MAX_SEPARATORS:
                raise TableError(row + 1, "The row has more cells than any table has.")
            yield line

    try:
        for row, cells in enumerate(csv.reader(read_lines(), delimiter=separator, strict=True), start=1):
            separators = 0
            yield row, [restore(cell.strip()) for cell in cells]
    except csv.Error as error:
        raise _explain(row + 1, error) from error


def encode_table(rows: Iterable[Sequence[str]]) -> str:
    """A file with these rows, separated by commas, which :func:`read_table` reads back."""
    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    # Python 3.11 leaves a cell with a carriage return without quotes, and readers would begin a row there.
    quoter = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
    for row in rows:
        cells = [make_harmless(cell) for cell in row]
        (quoter if any("\r" in cell for cell in cells) else writer).writerow(cells)
    return file.getvalue()


def is_decoded(cell: str) -> bool:
    """Whether all bytes of the cell were UTF-8."""
    return cell.isascii() or _UNDECODED.search(cell) is None


def make_harmless(cell: str) -> str:
    """The cell with an apostrophe before each sign at which a spreadsheet would begin a formula."""
    harmless = _BEFORE_FORMULA.sub(_add_apostrophe, cell)
    return f"'{harmless}" if _BLANK_FIRST.match(cell) else harmless


def restore(cell: str) -> str:
    """What :func:`make_harmless` was given; texts from elsewhere stay as they are but for just these apostrophes."""
    if "'" not in cell:
        return cell
    if cell[0] == "'" and _BLANK_FIRST.match(cell):
        cell = cell[1:]
    return _BEFORE_FORMULA.sub(_take_apostrophe, cell)


def _begins_cell(found: re.Match[str]) -> bool:
    """Whether a spreadsheet that splits at any separator, and drops blanks and quotes, begins a cell with this sign."""
    run = found[1].rstrip("'")
    end = len(run)
    while end and (run[end - 1].isspace() or run[end - 1] == '"'):
        if run[end - 1] in "\t\r\n":
            return True
        end -= 1
    return run[end - 1] in ";," if end else found.start() == 0


def _add_apostrophe(found: re.Match[str]) -> str:
    return f"{found[1]}'{found[2]}" if _begins_cell(found) else found[0]


def _take_apostrophe(found: re.Match[str]) -> str:
    return f"{found[1][:-1]}{found[2]}" if found[1].endswith("'") and _begins_cell(found) else found[0]


def _decode(raw: bytes) -> str:
    if raw.startswith(_SPREADSHEETS):
        text = (
            "This is not a CSV file but a spreadsheet or document. "
            "Save the sheet as “CSV UTF-8” and take that file."
        )
        raise TableError(1, text)
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return raw.decode("utf-16")
        except UnicodeDecodeError as error:
            text = "The file is damaged UTF-16 text. Save the sheet as “CSV UTF-8” and take that file."
            raise TableError(1, text) from error
    if 0 in raw[:2]:
        # Every second byte of UTF-16 is zero in our column names. Without a mark two programs may guess two things.
        text = "The file seems to be UTF-16 and does not say so. Save the sheet as “CSV UTF-8” and take that file."
        raise TableError(1, text)
    return raw.decode("utf-8", "surrogateescape").removeprefix("\ufeff")


def _explain(row: int, error: csv.Error) -> TableError:
    if "unexpected end" in str(error) or "field larger" in str(error):
        return TableError(row, "A quotation mark in this row is never closed, or a cell is far too long.")
    return TableError(row, "The row is not readable as CSV: %(error)s.", error=str(error))
