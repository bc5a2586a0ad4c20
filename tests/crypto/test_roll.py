"""Roll files: what is taken, and that a bad one is refused whole with every bad row named."""

import csv
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.roll import (
    COLUMNS,
    MAX_FAULTS,
    MAX_LENGTH,
    RollFileError,
    encode_roll,
    parse_roll,
    parse_unit,
    read_roll,
)
from voting_app.roll.service import Member, hash_roll

FULL = (
    "name,member_number,email,phone,address,unit,weight,language,standing\n"
    'Ada Lovelace,M1,ada@example.org,+1 (555) 0100,"1 Main St\nApt 2",Local 12,5,en-US,good\n'
    "Grace Hopper,M2,,,,,,,suspended\n"
)


def faults_of(text: str | bytes) -> list[tuple[int, str]]:
    raw = text if isinstance(text, bytes) else text.encode()
    with pytest.raises(RollFileError) as refused:
        parse_roll(raw)
    assert all(fault.sentence.endswith(".") for fault in refused.value.faults)
    return [(fault.row, fault.column) for fault in refused.value.faults]


def test_all_columns_are_read() -> None:
    ada, grace = parse_roll(FULL.encode())
    assert ada == Member(
        name="Ada Lovelace",
        member_number="M1",
        email="ada@example.org",
        phone="+1 (555) 0100",
        address="1 Main St\nApt 2",
        unit="Local 12",
        weight=5,
        language="en-US",
        eligible=True,
    )
    assert grace == Member(name="Grace Hopper", member_number="M2", eligible=False)


@pytest.mark.parametrize(
    "text",
    [
        "name,member_number\nA,1\nB,2\n",
        "member_number,name\r\n1,A\r\n2,B\r\n",
        "\ufeffname,member_number\nA,1\n\n , \nB,2",
        "Name , MEMBER_NUMBER\nA,1\n B , 2 \n",
        "name;member_number;email\nA;1;\nB;2;\n",
        "name\tmember_number\r\nA\t1\r\nB\t2\r\n",
    ],
    ids=["plain", "other-order-crlf", "bom-blank-rows", "blanks-and-capitals", "semicolons", "tabs"],
)
def test_harmless_differences_are_taken(text: str) -> None:
    assert [(m.name, m.member_number, m.weight) for m in parse_roll(text.encode())] == [
        ("A", "1", 1),
        ("B", "2", 1),
    ]


def test_every_bad_row_is_named_at_once() -> None:
    text = (
        "name,member_number,email,phone,weight,language,standing\n"
        "A,1,a@example.org,,1,en,good\n"
        ",2,,,1,,\n"
        "C,,,,1,,\n"
        "D,4,not an address,,1,,\n"
        "E,5,,call me,1,,\n"
        "F,6,,,0,,\n"
        "G,7,,,1.5,,\n"
        "H,8,,,1,English please,\n"
        "I,9,,,1,,perhaps\n"
        "J,1,,,1,,\n"
        "K,10\n"
        "L,11,also bad,,-1,,\n"
    )
    assert faults_of(text) == [
        (3, "name"),
        (4, "member_number"),
        (5, "email"),
        (6, "phone"),
        (7, "weight"),
        (8, "weight"),
        (9, "language"),
        (10, "standing"),
        (11, "member_number"),
        (12, ""),
        (13, "email"),
        (13, "weight"),
    ]


@pytest.mark.parametrize(
    "text, expected",
    [
        ("", [(1, "")]),
        ("name\nA\n", [(1, "member_number")]),
        ("name,member_number,shoe_size\nA,1,44\n", [(1, "shoe_size")]),
        ("name,member_number,name\nA,1,B\n", [(1, "name")]),
        ("name,member_number\n", [(1, "")]),
        ("name,member_number,standing\nA,1,suspended\n", [(1, "")]),
        ('name,member_number\n"A,1\n', [(2, "")]),
        ("name,member_number\nA\x07,1\n", [(2, "name")]),
        ("name,member_number\nA,1\nB,1\u3164\nC,1\ufe0f\n", [(3, "member_number"), (4, "member_number")]),
        ("name,member_number,weight\nA,1,99999999999\nB,2,99999999999\n", [(1, "weight")]),
        ("name,member_number\nA\u202eB,1\n", [(2, "name")]),
        ("name,member_number\n\u200d,1\n", [(2, "name")]),
        ("name,member_number\nA,1\u200d\n", [(2, "member_number")]),
        ("name,member_number\nA,1\u00a02\n", [(2, "member_number")]),
        ("name,member_number,email\nA,1,a\u200d@example.org\n", [(2, "email")]),
        (f"name,member_number\n{'x' * 201},1\n", [(2, "name")]),
        # Both spellings of é look the same.
        ("name,member_number\nA,\u00e91\nB,e\u03011\n", [(3, "member_number")]),
        ("name,member_number\nA,1\n,1\n", [(3, "name"), (3, "member_number")]),
        ("name,member_number\nA\0,1\nB,2\0\n\0,3\n", [(2, "name"), (3, "member_number"), (4, "name")]),
        (
            "name,member_number,unit\nA,1,East > \nB,2,> x\nC,3,a > > b\n",
            [(2, "unit"), (3, "unit"), (4, "unit")],
        ),
        ("name,member_number,unit\nA,1," + " > ".join("abcdefghi") + "\n", [(2, "unit")]),
        ("name,member_number\n'\t=1,1\n", [(2, "name")]),
        ("name,member_number,\nA,1,\n", [(1, "column 3")]),
        ("name,member_number,\x1b[2J\nA,1,\n", [(1, "column 3")]),
        ("name,member_number,\u202ex\nA,1,\n", [(1, "column 3")]),
        (b"name,member_number,\xe9\nA,1,\n", [(1, "column 3")]),
    ],
)
def test_bad_files_are_refused(text: str, expected: list[tuple[int, str]]) -> None:
    assert faults_of(text) == expected


def test_names_as_people_write_them() -> None:
    """Word processors put no-break blanks into names, and Persian ones have joiners."""
    name, address = "محمد\u200cرضا Dupont\u00a0Durand", "3\u202fbis, rue du Port\nLyon"
    text = f'name,member_number,address,unit\n{name},1,"{address}",Section\u00a03\n'
    [member] = parse_roll(text.encode())
    assert (member.name, member.address, member.unit) == (name, address, "Section\u00a03")
    assert parse_roll(encode_roll([member]).encode()) == [member]


@pytest.mark.parametrize(
    "text", ["=1+1", "'=1", "''+x", "-", "@a;=b", "O'Neill", "'t Hooft", '"x" y', "a;b,c"]
)
def test_what_looks_like_a_formula_comes_back(text: str) -> None:
    members = [
        Member(
            text, text, "=cmd@example.org", "+1 555 0100", f"1 Main St\n{text}", text, 2, "en", eligible=False
        ),
        Member("Ada", "M1"),
    ]
    encoded = encode_roll(members)
    assert parse_roll(encoded.encode()) == members
    assert all(
        cell[:1] not in ("=", "+", "-", "@") for row in csv.reader(encoded.splitlines()) for cell in row
    )


WORDS = st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=15).map(str.strip)
MEMBERS = st.builds(
    Member,
    name=WORDS.filter(bool),
    email=st.sampled_from(["", "a@example.org", "=a@b"]),
    phone=st.sampled_from(["", "+1 555 0100"]),
    address=st.lists(WORDS, max_size=3).map(lambda lines: "\n".join(lines).strip()),
    unit=WORDS.filter(lambda text: ">" not in text),
    weight=st.integers(1, 9),
    language=st.sampled_from(["", "en", "pt-BR"]),
    member_number=st.just(""),
)


@given(st.lists(MEMBERS, min_size=1, max_size=4))
def test_every_roll_comes_back(members: list[Member]) -> None:
    numbered = [replace(member, member_number=f"-{place}") for place, member in enumerate(members)]
    assert parse_roll(("\ufeff" + encode_roll(numbered)).encode()) == numbered


def test_lines_of_an_address_may_end_as_windows_ends_them() -> None:
    [member] = parse_roll(b'name,member_number,address\r\nA,1,"1 Main St\r\nApt 2"\r\n')
    assert member.address == "1 Main St\nApt 2"


def test_rows_beside_bad_ones_are_read_too() -> None:
    file = read_roll(b"name,member_number\nA,1\n,2\nC,3\n")
    assert [(row, member.name) for row, member in file.rows] == [(2, "A"), (4, "C")]
    assert [(fault.row, fault.column) for fault in file.faults] == [(3, "name")]


def test_a_file_in_which_nearly_all_is_wrong_is_not_read_to_its_end() -> None:
    file = read_roll(b"name,member_number\n" + b",x\n" * (2 * MAX_FAULTS))
    assert MAX_FAULTS < len(file.faults) < MAX_FAULTS + 5
    assert "not read on" in file.faults[-1].sentence


def test_units_are_a_tree() -> None:
    assert [parse_unit(text) for text in ("", "Local 12", "East > Local 12>Shop")] == [
        (),
        ("Local 12",),
        ("East", "Local 12", "Shop"),
    ]


def test_other_encodings_are_refused_with_the_row() -> None:
    text = "name,member_number,address\nA,1,\nJosé,2,Málaga\nB,3,\nZoë,4,\n"
    assert faults_of(text.encode("latin-1")) == [(3, "name"), (3, "address"), (5, "name")]
    with pytest.raises(
        RollFileError, match=r"row 3, name: A letter is not UTF-8; save the file again as “CSV UTF-8”\."
    ):
        parse_roll(text.encode("cp1252"))


def test_refusals_repeat_no_data_of_members() -> None:
    with pytest.raises(RollFileError) as refused:
        parse_roll(b"name,member_number,email\nAda Lovelace,77177,secret-address\n")
    assert "secret-address" not in str(refused.value)
    assert "Ada" not in str(refused.value)


@given(st.binary(max_size=200))
def test_any_bytes_are_a_roll_or_a_refusal(raw: bytes) -> None:
    try:
        members = parse_roll(b"name,member_number\n" + raw)
    except RollFileError as refused:
        members, faults = [], len(refused.faults)
    else:
        faults = 0
    assert bool(members) != bool(faults)
    assert all(m.name and m.member_number for m in members)


def test_longest_cells_fit_the_table() -> None:
    from voting_app.roll.models import RollEntry

    widths = {
        column.name: getattr(column.type, "length", None)
        for column in RollEntry.__table__.columns
        if column.name in COLUMNS and getattr(column.type, "length", None)
    }
    assert widths
    assert all(MAX_LENGTH[name] <= width for name, width in widths.items())


def test_hash_does_not_depend_on_the_order_but_on_everything_else() -> None:
    a, b = Member("A", "1"), Member("B", "2")
    assert hash_roll("00", [a, b]) == hash_roll("00", [b, a])
    others = [("01", [a, b]), ("00", [a]), ("00", [a, Member("B", "2", weight=2)])]
    assert len({hash_roll(salt, members) for salt, members in others} | {hash_roll("00", [a, b])}) == 4


def test_the_published_hash_stays_what_it_was() -> None:
    """Journals of earlier elections have it."""
    members = parse_roll(FULL.encode())
    assert hash_roll("00" * 32, members) == "914269535120e9455eca2747f895422ac1143ec51bcf8c5f7ad9c9fd55081bf6"
