"""What taking a roll file would mean, before anything is written: pure rules, members in, findings out.

Faults refuse a file (crypto.roll). What is here does not: it is what a person should look at, because programs cannot
tell a typing error from two people who share a name. Warnings name rows and never repeat what stands in them.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from crypto.roll import COLUMNS, Member, RollFile, RowFault, get_cells, parse_unit
from crypto.writing import make_seen
from voting_app.languages import LANGUAGES, N_
from voting_app.mail.smtp import is_address

# Rows of a file: (row number as a spreadsheet counts, member).
Rows = Sequence[tuple[int, Member]]
Path = tuple[str, ...]
T = TypeVar("T")

_NUMBER_PART = re.compile(r"[0-9]+|[^\W\d_]+")
_SHORTENED = re.compile(r"[0-9]([.,][0-9]+)?[eE]\+[0-9]{2,3}", re.ASCII)
_REPLACEMENT = "\ufffd"


@dataclass(frozen=True, slots=True)
class RollWarning:
    """What a person should look at. code: stable; sentence: in the catalogues; groups: rows that belong together."""

    code: str
    sentence: str
    groups: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class UnitCount:
    """A unit with all units below it. members: on the roll; eligible: who may vote; weight: of these."""

    path: Path
    members: int
    eligible: int
    weight: int


@dataclass(frozen=True, slots=True)
class Change:
    """A member who is on both rolls. columns: (column, before, after) of each that differs, as a file has it."""

    row: int
    member_number: str
    name: str
    columns: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Differences:
    """A file beside an earlier roll, members matched by number.

    renumbered: (number before, row) of those who are gone and seem to be new under another number.
    """

    new: tuple[tuple[int, Member], ...]
    gone: tuple[Member, ...]
    changed: tuple[Change, ...]
    renumbered: tuple[tuple[str, int], ...]
    new_units: tuple[Path, ...]
    gone_units: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """All that is found in a file. differences: None while there are faults, or without an earlier roll."""

    faults: tuple[RowFault, ...]
    members: int
    eligible: int
    total_weight: int
    warnings: tuple[RollWarning, ...]
    units: tuple[UnitCount, ...]
    weights: tuple[tuple[int, int], ...]
    languages: tuple[tuple[str, int], ...]
    differences: Differences | None


def make_preview(file: RollFile, earlier: Sequence[Member] | None) -> Preview:
    """What there is to say about a file; ``earlier``: the members of the roll to compare with."""
    eligible = [member for member in file.members if member.eligible]
    # With rows missing, everybody in them would seem to be gone.
    differences = None if file.faults or earlier is None else compare(file.rows, earlier)
    return Preview(
        faults=file.faults,
        members=len(file.rows),
        eligible=len(eligible),
        total_weight=sum(member.weight for member in eligible),
        warnings=tuple(warning for warning in list_warnings(file.rows) if warning.groups),
        units=tuple(count_units(file.members)),
        weights=tuple(sorted(Counter(member.weight for member in eligible).items())),
        languages=tuple(sorted(Counter(member.language for member in eligible).items())),
        differences=differences,
    )


# --- warnings ----------------------------------------------------------------------------------------


def list_warnings(rows: Rows) -> Iterator[RollWarning]:
    """Every kind of warning, found or not (then without groups)."""
    yield RollWarning(
        "number-alike",
        N_("These member numbers differ only in capitals, leading zeros or signs between."),
        _group(rows, lambda member: fold_number(member.member_number)),
    )
    yield RollWarning(
        "number-shortened",
        N_("A spreadsheet seems to have shortened this member number, as in 1.2E+05."),
        _single(rows, lambda member: _SHORTENED.fullmatch(member.member_number) is not None),
    )
    yield RollWarning(
        "name-alike",
        N_("These members have the same name. Is it one person with two numbers?"),
        _group(rows, lambda member: fold_name(member.name)),
    )
    yield RollWarning(
        "letters-damaged",
        N_("Letters seem to be damaged, as they are when a file was opened in a wrong encoding."),
        _single(rows, lambda m: any(map(is_damaged, (m.name, m.address, m.unit)))),
    )
    yield RollWarning(
        "email-shared",
        N_(
            "These members share an e-mail address: whoever reads its mail gets the voting links of all of them."
        ),
        _group(rows, lambda member: fold_email(member.email)),
    )
    yield RollWarning(
        "phone-shared",
        N_("These members share a telephone number."),
        _group(rows, lambda member: fold_phone(member.phone)),
    )
    yield from _contact_warnings(rows)
    yield from _other_warnings(rows)


def _contact_warnings(rows: Rows) -> Iterator[RollWarning]:
    voters = [(row, member) for row, member in rows if member.eligible]
    yield RollWarning(
        "no-contact",
        N_("There is neither an e-mail address nor a telephone number nor a postal address."),
        _single(voters, lambda m: not (m.email or m.phone or m.address)),
    )
    # A roll without any address of that kind is one that nobody wants to use so.
    has_mail = any(member.email for _, member in voters)
    yield RollWarning(
        "no-email",
        N_("There is no e-mail address: this member needs a printed sheet."),
        _single(voters, lambda member: has_mail and not member.email),
    )
    yield RollWarning(
        "email-odd",
        N_("No mail can be sent to this e-mail address as it is written."),
        _single(rows, lambda member: bool(member.email) and not is_address(member.email)),
    )


def _other_warnings(rows: Rows) -> Iterator[RollWarning]:
    has_units = any(member.unit for _, member in rows)
    yield RollWarning(
        "no-unit",
        N_("There is no unit, while other members have one."),
        _single(rows, lambda member: has_units and not member.unit),
    )
    yield RollWarning(
        "unit-alike",
        N_(
            "The names of these units differ only in capitals, blanks or signs. The first row of each is named."
        ),
        _group_units(rows),
    )
    yield RollWarning(
        "language-unknown",
        N_("Pages and sheets are not made in this language; the member gets the election's own."),
        _single(rows, lambda m: bool(m.language) and m.language.lower().partition("-")[0] not in LANGUAGES),
    )


def _single(rows: Rows, is_meant: Callable[[Member], bool]) -> tuple[tuple[int, ...], ...]:
    return tuple((row,) for row, member in rows if is_meant(member))


def _group(rows: Rows, fold: Callable[[Member], str]) -> tuple[tuple[int, ...], ...]:
    """Rows with the same folded text, where there are several; nothing is like nothing."""
    found: dict[str, list[int]] = defaultdict(list)
    for row, member in rows:
        found[fold(member)].append(row)
    return tuple(tuple(group) for text, group in found.items() if text and len(group) > 1)


def _group_units(rows: Rows) -> tuple[tuple[int, ...], ...]:
    first: dict[Path, int] = {}
    for row, member in rows:
        first.setdefault(parse_unit(member.unit), row)
    found: dict[Path, list[int]] = defaultdict(list)
    for path, row in first.items():
        found[tuple(fold_number(name) or name for name in path)].append(row)
    return tuple(tuple(group) for group in found.values() if len(group) > 1)


# --- what counts as the same -------------------------------------------------------------------------


def fold_number(number: str) -> str:
    """Letters and digits only, without capitals and leading zeros: what a spreadsheet or a tired person changes."""
    parts = _NUMBER_PART.findall(unicodedata.normalize("NFKC", number).casefold())
    return "-".join(part.lstrip("0") or "0" if part.isascii() and part.isdigit() else part for part in parts)


def fold_name(name: str) -> str:
    """A name's words in any order, without capitals, accents and signs between."""
    signs = unicodedata.normalize("NFKD", make_seen(name)).casefold()
    return " ".join(sorted(signs.translate(_FOLDED_SIGNS).split()))


class _FoldedSigns(dict[int, str]):
    """What is left of each sign; looked up once, because a roll has millions."""

    def __missing__(self, code: int) -> str:
        sign = chr(code)
        # Marks that sit on a letter; vowel signs of other writings are letters to their readers and have class 0.
        left = "" if unicodedata.combining(sign) else " " if unicodedata.category(sign)[0] in "PSZC" else sign
        self[code] = left
        return left


_FOLDED_SIGNS = _FoldedSigns()


def fold_email(email: str) -> str:
    """Without capitals; nearly every mail server takes both."""
    return unicodedata.normalize("NFKC", email).casefold()


def fold_phone(phone: str) -> str:
    """The digits, without what is dialled before the country or the town."""
    return "".join(sign for sign in phone if sign.isdigit()).lstrip("0")


def is_damaged(text: str) -> bool:
    """Whether the text was read in a wrong encoding somewhere: replaced letters, or UTF-8 taken for Windows-1252."""
    if text.isascii():
        return False
    if _REPLACEMENT in text:
        return True
    for encoding in ("cp1252", "latin-1"):
        try:
            # Hardly any text of people is by chance the bytes of another one in UTF-8.
            text.encode(encoding).decode("utf-8")
        except ValueError:
            continue
        return True
    return False


# --- units -------------------------------------------------------------------------------------------


def count_units(members: Iterable[Member]) -> Iterator[UnitCount]:
    """Every unit with the units below it, a tree written from the top: a unit stands right before those below it."""
    counts: dict[Path, list[int]] = defaultdict(lambda: [0, 0, 0])
    for member in members:
        path = parse_unit(member.unit)
        for depth in range(1, len(path) + 1):
            count = counts[path[:depth]]
            count[0] += 1
            if member.eligible:
                count[1] += 1
                count[2] += member.weight
    for path in sorted(counts):
        yield UnitCount(path, *counts[path])


# --- beside an earlier roll --------------------------------------------------------------------------


def compare(rows: Rows, earlier: Sequence[Member]) -> Differences:
    """What has changed since ``earlier``, in the order of the file, and of the earlier roll for who is gone."""
    before = {member.member_number: member for member in earlier}
    now = {member.member_number for _, member in rows}
    new = tuple((row, member) for row, member in rows if member.member_number not in before)
    gone = tuple(member for member in earlier if member.member_number not in now)
    changed = tuple(
        Change(row, member.member_number, member.name, columns)
        for row, member in rows
        if (old := before.get(member.member_number)) is not None
        and (columns := tuple(_list_changes(old, member)))
    )
    units_before = {unit.path for unit in count_units(earlier)}
    units_now = {unit.path for unit in count_units(member for _, member in rows)}
    return Differences(
        new=new,
        gone=gone,
        changed=changed,
        renumbered=tuple(_find_renumbered(new, gone)),
        new_units=tuple(sorted(units_now - units_before)),
        gone_units=tuple(sorted(units_before - units_now)),
    )


def _list_changes(old: Member, new: Member) -> Iterator[tuple[str, str, str]]:
    if old == new:
        return
    before, after = get_cells(old), get_cells(new)
    for column in COLUMNS:
        if before[column] != after[column]:
            yield column, before[column], after[column]


def _find_renumbered(new: Rows, gone: Sequence[Member]) -> Iterator[tuple[str, int]]:
    """Pairs that have the same name or nearly the same number; only where there is no other who has."""
    folds: tuple[Callable[[Member], str], ...] = (
        lambda member: fold_number(member.member_number),
        lambda member: fold_name(member.name),
    )
    for fold in folds:
        came = _find_lonely((fold(member), row) for row, member in new)
        went = _find_lonely((fold(member), member.member_number) for member in gone)
        pairs = [(went[text], came[text]) for text in went.keys() & came.keys() if text]
        yield from sorted(pairs, key=lambda pair: pair[1])
        found_rows, found_numbers = {row for _, row in pairs}, {number for number, _ in pairs}
        new = [(row, member) for row, member in new if row not in found_rows]
        gone = [member for member in gone if member.member_number not in found_numbers]


def _find_lonely(items: Iterable[tuple[str, T]]) -> dict[str, T]:
    """The value of each text that stands once."""
    found: dict[str, list[T]] = defaultdict(list)
    for text, value in items:
        found[text].append(value)
    return {text: values[0] for text, values in found.items() if len(values) == 1}
