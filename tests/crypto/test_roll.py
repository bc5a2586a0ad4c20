"""Roll files: what is taken, and that a bad one is refused whole with every bad row named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto.roll import COLUMNS, MAX_LENGTH, RollFileError, encode_roll, parse_roll
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
    ],
    ids=["plain", "other-order-crlf", "bom-blank-rows", "blanks-and-capitals"],
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
        ("name,member_number,weight\nA,1,99999999999\nB,2,99999999999\n", [(1, "weight")]),
        ("name,member_number\nA\u202eB,1\n", [(2, "name")]),
        ("name,member_number\n\u200d,1\n", [(2, "name")]),
        ("name,member_number\nA,1\u200d\n", [(2, "member_number")]),
        ("name,member_number\nA,1\u00a02\n", [(2, "member_number")]),
        ("name,member_number,email\nA,1,a\u200d@example.org\n", [(2, "email")]),
        (f"name,member_number\n{'x' * 201},1\n", [(2, "name")]),
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


def test_other_encodings_are_refused_with_the_row() -> None:
    assert faults_of("name,member_number\nA,1\nJosé,2\n".encode("latin-1")) == [(3, "")]


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
