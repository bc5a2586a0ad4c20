"""What a preview says of a file: what is odd in it, what has changed, and how units are counted."""

from dataclasses import fields, replace

import pytest

from crypto.roll import Member, read_roll
from voting_app.languages import LANGUAGES, load_catalogue
from voting_app.roll.preview import (
    Preview,
    compare,
    count_units,
    fold_name,
    fold_number,
    fold_phone,
    is_damaged,
    list_warnings,
    make_preview,
)

HEADER = "name,member_number,email,phone,address,unit,weight,language,standing\n"


def preview(rows: str, earlier: list[Member] | None = None, header: str = HEADER) -> Preview:
    return make_preview(read_roll((header + rows).encode()), earlier)


def warnings_of(rows: str, header: str = HEADER) -> dict[str, list[tuple[int, ...]]]:
    found = preview(rows, header=header)
    assert found.faults == ()
    return {warning.code: list(warning.groups) for warning in found.warnings}


def test_a_sound_roll_has_nothing_odd() -> None:
    rows = "Ada Lovelace,M1,ada@example.org,+1 555 0100,1 Main St,East > Local 12,1,en,good\n"
    assert warnings_of(rows + "Grace Hopper,M2,grace@example.org,555 0101,,East > Local 12,1,es-MX,\n") == {}


@pytest.mark.parametrize(
    "header, rows, code, groups",
    [
        ("name,member_number,phone\n", "A,M1,1\u0020234\nB,m-01,567\nC,M10,890\n", "number-alike", [(2, 3)]),
        (
            "name,member_number,phone\n",
            "A,1.2E+05,1234\nB,1E+10,567\nC,2E5,890\n",
            "number-shortened",
            [(2,), (3,)],
        ),
        (
            "name,member_number,phone\n",
            'Zoë Łuc,1,1234\n"LUC\u0301, Zoe",2,567\nŁUC ZOË,3,890\nB,4,891\n',
            "name-alike",
            [(2, 4)],
        ),
        (
            "name,member_number,phone\n",
            "José,1,1234\nJosÃ©,2,567\nJos\ufffd,3,890\n",
            "letters-damaged",
            [(3,), (4,)],
        ),
        (
            "name,member_number,email\n",
            "A,1,a@example.org\nB,2,A@Example.org\nC,3,c@example.org\nD,4,a@example.org\n",
            "email-shared",
            [(2, 3, 5)],
        ),
        (
            "name,member_number,phone\n",
            "A,1,+1 (555) 0100\nB,2,001-555-0100\nC,3,555 0100\n",
            "phone-shared",
            [(2, 3)],
        ),
        (
            "name,member_number,phone,address,standing\n",
            "A,1,,1 Main St,\nB,2,,,\nC,3,,,suspended\n",
            "no-contact",
            [(3,)],
        ),
        (
            "name,member_number,email,phone,standing\n",
            "A,1,a@example.org,,\nB,2,,1234,\nC,3,,4567,lapsed\n",
            "no-email",
            [(3,)],
        ),
        ("name,member_number,email\n", "A,1,a@example.org\nB,2,é@x\n", "email-odd", [(3,)]),
        ("name,member_number,phone,unit\n", "A,1,1234,East\nB,2,567,\n", "no-unit", [(3,)]),
        (
            "name,member_number,phone,unit\n",
            "A,1,1234,East > Local 12\nB,2,567,East>Local 12\nC,3,890,EAST > local-012\nD,4,891,Local 12\n",
            "unit-alike",
            [(2, 4)],
        ),
        (
            "name,member_number,phone,language\n",
            "A,1,1234,pt-BR\nB,2,567,fr-CA\nC,3,890,\n",
            "language-unknown",
            [(2,)],
        ),
    ],
)
def test_what_is_odd_is_named_by_its_rows(
    header: str, rows: str, code: str, groups: list[tuple[int, ...]]
) -> None:
    assert warnings_of(rows, header)[code] == groups


def test_a_roll_without_mail_addresses_is_for_paper() -> None:
    assert warnings_of("A,1,1 Main St\nB,2,2 Main St\n", "name,member_number,address\n") == {}


def test_warnings_repeat_no_data_and_are_translated() -> None:
    all_warnings = list(list_warnings([]))
    assert len({warning.code for warning in all_warnings}) == len(all_warnings) > 10
    for warning in all_warnings:
        assert warning.sentence.endswith((".", "?"))
        for language in set(LANGUAGES) - {"en"}:
            assert load_catalogue(language).get(warning.sentence).string, f"{language}: {warning.sentence}"


@pytest.mark.parametrize(
    "one, other, is_same",
    [
        ("0012", "12", True),
        ("M-0012", "m12", True),
        ("１２", "12", True),
        ("12-3", "123", False),
        ("0", "00", True),
        ("A10", "A1", False),
    ],
)
def test_numbers_that_a_person_confuses(one: str, other: str, is_same: bool) -> None:
    assert (fold_number(one) == fold_number(other)) == is_same


def test_names_of_other_writings_stay_different() -> None:
    assert fold_name("रवि") != fold_name("रावी")
    assert fold_name("محمد") != fold_name("محمود")
    assert fold_name("O'Neill, Anne-Marie") == fold_name("anne marie o’neill")
    assert fold_phone("") == fold_phone("00") == ""


@pytest.mark.parametrize(
    "name", ["José", "Ãngela", "Łukasz", "ÂÃ", "Jose", "محمد", "Nguyễn", "¡Olé!", "Œuvre"]
)
def test_honest_letters_are_not_damaged(name: str) -> None:
    assert not is_damaged(name)


@pytest.mark.parametrize("name", ["JosÃ©", "MÃ¼ller", "Jos\ufffd", "Oâ€™Neill"])
def test_damaged_letters_are_found(name: str) -> None:
    assert is_damaged(name)


def test_units_are_counted_with_all_below_them() -> None:
    members = [
        Member("A", "1", unit="East > Local 12", weight=3),
        Member("B", "2", unit="East>Local 12", eligible=False),
        Member("C", "3", unit="East"),
        Member("D", "4", unit="Local 12"),
        Member("E", "5"),
    ]
    assert [(u.path, u.members, u.eligible, u.weight) for u in count_units(members)] == [
        (("East",), 3, 2, 4),
        (("East", "Local 12"), 2, 1, 3),
        (("Local 12",), 1, 1, 1),
    ]


# --- beside an earlier roll --------------------------------------------------------------------------

ADA = Member("Ada", "1", "ada@example.org", "555 0100", "1 Main St", "East", 2, "en")


def test_the_same_roll_differs_in_nothing() -> None:
    found = compare([(2, ADA)], [ADA])
    assert not any(getattr(found, part.name) for part in fields(found))


def test_new_gone_and_changed_members_are_told() -> None:
    rows = [
        (2, replace(ADA, weight=5, eligible=False, unit="West")),
        (3, Member("Grace", "7", unit="East > Local 1")),
    ]
    gone = Member("Joan", "9")
    found = compare(rows, [gone, ADA])
    assert found.new == (rows[1],)
    assert found.gone == (gone,)
    [change] = found.changed
    assert (change.row, change.member_number, change.columns) == (
        2,
        "1",
        (("unit", "East", "West"), ("weight", "2", "5"), ("standing", "good", "not-good")),
    )
    assert found.new_units == (("East", "Local 1"), ("West",))
    assert found.gone_units == ()
    assert found.renumbered == ()


@pytest.mark.parametrize(
    "column, value",
    [("name", "Eve"), ("email", "x@example.org"), ("phone", "1234"), ("address", "2"), ("language", "fr")],
)
def test_every_column_that_differs_is_told(column: str, value: str) -> None:
    changed = replace(ADA, **{column: value})  # type: ignore[arg-type]
    [change] = compare([(2, changed)], [ADA]).changed
    assert change.columns == ((column, getattr(ADA, column), value),)


def test_leading_zeros_that_a_spreadsheet_took_away_are_noticed() -> None:
    earlier = [Member("Ada", "0012"), Member("Grace", "0013"), Member("Joan", "X9"), Member("Kay", "X8")]
    rows = [
        (2, Member("Ada", "12")),
        (3, Member("Grace H.", "13")),
        (4, Member("JOAN", "Y1")),
        (5, Member("Kim", "5")),
    ]
    assert compare(rows, earlier).renumbered == (("0012", 2), ("0013", 3), ("X9", 4))


def test_of_two_who_have_a_name_nobody_is_taken_for_the_other() -> None:
    rows = [(2, Member("Ada", "3")), (3, Member("Ada", "4"))]
    assert compare(rows, [Member("Ada", "X1")]).renumbered == ()


def test_while_rows_are_missing_nobody_is_called_gone() -> None:
    found = preview("Ada,1,bad,,,,,,\nGrace,2,,555 0101,,,,,\n", [Member("Ada", "1"), Member("Grace", "2")])
    assert [(fault.row, fault.column) for fault in found.faults] == [(2, "email")]
    assert found.differences is None
    assert (found.members, found.eligible) == (1, 1)


def test_sums_are_of_those_who_may_vote() -> None:
    found = preview("A,1,,1234,,,3,es,\nB,2,,567,,,3,,\nC,3,,890,,,9,,suspended\n")
    assert (found.members, found.eligible, found.total_weight) == (3, 2, 6)
    assert found.weights == ((3, 2),)
    assert found.languages == (("", 1), ("es", 1))
