"""CSV files: what is read, what is refused in words, and that no cell of ours is a formula to a spreadsheet."""

import csv
import io
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from crypto.tables import TableError, encode_table, make_harmless, read_table, restore

FORMULA_SIGNS = "=+-@＝＋－＠"
NASTY = st.text(st.sampled_from(FORMULA_SIGNS + "'\"\t\r\n ,;|a1\u00a0"), max_size=12)
# What read_table gives: it takes blanks at both ends away.
NASTY_CELLS = NASTY.map(str.strip)


def cells_that_a_spreadsheet_finds(text: str) -> list[str]:
    """Whichever separator it was told, and although it drops blanks and quotes at the beginning of a cell."""
    found = []
    for separator in ",;\t":
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            found += [cell.lstrip().lstrip('"').lstrip() for cell in row]
        # A program that knows no quotes at all.
        found += [
            cell.strip().strip('"').strip() for line in text.splitlines() for cell in line.split(separator)
        ]
    return found


@pytest.mark.parametrize(
    "cell, written",
    [
        ("=1+1", "'=1+1"),
        ("+1 (555) 0100", "'+1 (555) 0100"),
        ("-5", "'-5"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\t=1", "'\t'=1"),
        ("\rx", "'\rx"),
        ("＝1", "'＝1"),
        ('"=1', "\"'=1"),
        ("Ada;=HYPERLINK(1)", "Ada;'=HYPERLINK(1)"),
        ("1 Main St\n=1", "1 Main St\n'=1"),
        ("'=1", "''=1"),
        # Nothing in these begins a cell, and they stay as people write them.
        ("'s-Gravenhage", "'s-Gravenhage"),
        ("Anne-Marie O'Neill", "Anne-Marie O'Neill"),
        ("a+b@example.org", "a+b@example.org"),
        ("Smith - Jones", "Smith - Jones"),
        ("", ""),
    ],
)
def test_formulas_get_an_apostrophe(cell: str, written: str) -> None:
    assert make_harmless(cell) == written
    assert restore(written) == cell


@given(NASTY)
@example("''''=")
@example("a;'\"=")
@example('=";=\n\t+')
def test_every_text_comes_back(cell: str) -> None:
    assert restore(make_harmless(cell)) == cell


@given(st.lists(st.lists(NASTY_CELLS, min_size=2, max_size=3), min_size=1, max_size=4))
def test_a_table_comes_back(rows: list[list[str]]) -> None:
    header = ["name", "number"]
    assert [cells for _, cells in read_table(encode_table([header, *rows]).encode())] == [header, *rows]


@given(st.lists(NASTY, min_size=2, max_size=4))
@example(["Ada;=HYPERLINK(1);", "M1"])
@example(["M1", 'x";=1;"'])
@example(["M1", 'x;"=1'])
@example(["M1", "x\n=1"])
def test_no_spreadsheet_finds_a_formula(cells: list[str]) -> None:
    text = encode_table([["name", "number"], cells])
    bad = [cell for cell in cells_that_a_spreadsheet_finds(text) if cell[:1] and cell[0] in FORMULA_SIGNS]
    assert bad == []


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-bom", "utf-16-be-bom"])
def test_what_spreadsheets_save_is_read(separator: str, encoding: str) -> None:
    text = (
        separator.join(["name", "number"])
        + "\r\n"
        + separator.join(['"Łukasz ""Luk"" O;,\tB"', " 12 "])
        + "\r\n"
    )
    if encoding.endswith("-bom"):
        raw = ("\ufeff" + text).encode(encoding.removesuffix("-bom"))
    else:
        raw = text.encode(encoding)
    assert list(read_table(raw)) == [(1, ["name", "number"]), (2, ['Łukasz "Luk" O;,\tB', "12"])]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lines_end_as_they_like(end: str) -> None:
    rows = [cells for _, cells in read_table(f"a,b{end}1,2{end}".encode())]
    assert rows == [["a", "b"], ["1", "2"]]


@pytest.mark.parametrize(
    "raw, row, words",
    [
        (b"PK\x03\x04\x14\x00", 1, "not a CSV file but a spreadsheet"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1", 1, "not a CSV file but a spreadsheet"),
        (b"%PDF-1.7", 1, "not a CSV file but a spreadsheet or document"),
        ("name,number\n".encode("utf-16-le"), 1, "seems to be UTF-16"),
        ("name,number\n".encode("utf-16-be"), 1, "seems to be UTF-16"),
        ("\ufeffname".encode("utf-16-le")[:-1], 1, "damaged UTF-16"),
        (b"\xff\xfen\x00\x00\xd8", 1, "damaged UTF-16"),
        (b'a,b\n1,2\n"3,4\n', 3, "never closed"),
        (b'a,b\n"1"2,3\n', 2, "not readable as CSV"),
        (b"a,b\n" + b"x" * 200_000 + b",1\n", 2, "far too long"),
        (b"," * 100_000, 1, "more cells"),
        (b"a,b\n1,2\n" + b'"\n",' * 100_000, 3, "more cells"),
    ],
)
def test_what_cannot_be_read_is_said_in_words(raw: bytes, row: int, words: str) -> None:
    with pytest.raises(TableError) as refused:
        list(read_table(raw))
    assert refused.value.row == row
    assert words in refused.value.sentence
    assert refused.value.sentence.endswith(".")


@pytest.mark.parametrize("sign", ["'", ",", ";", " ", '"', "\n", "'=", ",'", "\n'"])
def test_long_cells_take_no_longer_than_their_length(sign: str) -> None:
    """A look at each run from each of its places would take minutes."""
    cell = sign * 100_000
    started = time.perf_counter()
    assert restore(make_harmless(cell + "x")) == cell + "x"
    restore("'" + cell)
    assert time.perf_counter() - started < 10
