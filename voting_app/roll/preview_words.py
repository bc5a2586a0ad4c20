"""A preview as a page says it: sections of items, in the reader's language. Needs a request for the language only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext

from crypto.roll import Member, RowFault
from voting_app.languages import N_
from voting_app.roll.preview import Change, Path, Preview
from voting_app.roll.views import join_path

COLUMN_WORDS = {
    "": N_("The whole row"),
    "name": N_("Name"),
    "member_number": N_("Member number"),
    "email": N_("Mail address"),
    "phone": N_("Telephone"),
    "address": N_("Postal address"),
    "unit": N_("Unit"),
    "weight": N_("Weight of the vote"),
    "language": N_("Language"),
    "standing": N_("Standing"),
}

# What crypto.roll and crypto.tables say is wrong with a file; a test holds this against their source.
FAULT_SENTENCES = (
    N_("A letter is not UTF-8; save the file again as “CSV UTF-8”."),
    N_("A quotation mark in this row is never closed, or a cell is far too long."),
    N_("A roll has at most %(most)s rows."),
    N_("A unit's name is missing before or after “%(sign)s”."),
    N_("A weight is a whole number of at least 1, without sign or leading zero."),
    N_("All weights together are more than %(most)s."),
    N_("No member on this roll may vote."),
    N_("So much is wrong that the file was not read on from here."),
    N_("The cell has a character that cannot be printed."),
    N_("The cell is empty."),
    N_("The cell is longer than %(most)s characters."),
    N_("The column is missing."),
    N_("The column is unknown; columns are %(known)s."),
    N_("The column stands twice."),
    N_("The file is damaged UTF-16 text. Save the sheet as “CSV UTF-8” and take that file."),
    N_("The file is empty."),
    N_("The file seems to be UTF-16 and does not say so. Save the sheet as “CSV UTF-8” and take that file."),
    N_("The row has %(cells)s cells, the header has %(columns)s."),
    N_("The row has more cells than any table has."),
    N_("The row is not readable as CSV: %(error)s."),
    N_("The standing is unknown; write good or not-good."),
    N_(
        "This is not a CSV file but a spreadsheet or document. Save the sheet as “CSV UTF-8” and take that file."
    ),
    N_("This is not a language tag such as en or pt-BR."),
    N_("This is not a telephone number."),
    N_("This is not an e-mail address."),
    N_("This member number stands already in row %(first)s."),
    N_("Units are nested more than %(most)s deep."),
)
# What is said of a file's cells, for who sees none; a test holds this against the sentences of files.
FORM_SENTENCES = {
    "The cell is empty.": N_("Please fill in this field."),
    "The cell has a character that cannot be printed.": N_(
        "This field has a character that cannot be printed."
    ),
    "The cell is longer than %(most)s characters.": N_("This field is longer than %(most)s characters."),
}


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in a file. row: as a spreadsheet counts; None for who is on the earlier roll only."""

    row: int | None
    name: str
    member_number: str


@dataclass(frozen=True, slots=True)
class Item:
    """One finding. text: a unit's name, or a sentence; changes: (column, before, after)."""

    people: tuple[Person, ...] = ()
    row: int | None = None
    column: str = ""
    text: str = ""
    changes: tuple[tuple[str, str, str], ...] = ()

    @property
    def words(self) -> Iterator[str]:
        """Everything that stands in it."""
        yield from (self.column, self.text)
        yield from (text for person in self.people for text in (person.name, person.member_number))
        yield from (text for change in self.changes for text in change)


@dataclass(frozen=True, slots=True)
class Section(Sequence[Item]):
    """Findings of one kind. Items are made when they are looked at: a section may have thousands."""

    key: str
    title: str
    kind: str
    raw: Sequence[Any] = field(repr=False)
    make: Callable[[Any], Item] = field(repr=False)

    def __len__(self) -> int:
        return len(self.raw)

    def __getitem__(self, place: Any) -> Any:
        found = self.raw[place]
        return [self.make(one) for one in found] if isinstance(place, slice) else self.make(found)


def translate_fault(fault: RowFault) -> str:
    """The fault's sentence in the reader's language."""
    return gettext(fault.text, **dict(fault.values)) if fault.values else gettext(fault.text)


def list_sections(preview: Preview, rows: Sequence[tuple[int, Member]]) -> list[Section]:
    """Everything that was found, most urgent first; kinds with nothing found are left out. rows: of the file."""
    return [section for section in _list_all(preview, dict(rows)) if len(section)]


def _list_all(preview: Preview, members: dict[int, Member]) -> Iterator[Section]:
    yield Section(
        "faults", gettext("Faults, for which the file cannot be taken"), "danger", preview.faults, _say_fault
    )
    for warning in preview.warnings:
        yield Section(
            warning.code,
            gettext(warning.sentence),
            "warning",
            warning.groups,
            lambda group: Item(people=tuple(_make_person(row, members[row]) for row in group)),
        )
    found = preview.differences
    if found is None:
        return
    number = _name_column("member_number")
    yield Section(
        "renumbered",
        gettext("Perhaps the same person under another number"),
        "warning",
        found.renumbered,
        lambda pair: Item(
            people=(_make_person(pair[1], members[pair[1]]),),
            changes=((number, pair[0], members[pair[1]].member_number),),
        ),
    )
    yield Section("gone", gettext("Members who are gone"), "info", found.gone, _say_gone)
    yield Section("new", gettext("New members"), "info", found.new, _say_new)
    yield Section("changed", gettext("Changed members"), "info", found.changed, _say_change)
    yield Section("new-units", gettext("New units"), "info", found.new_units, _say_unit)
    yield Section("gone-units", gettext("Units that are gone"), "info", found.gone_units, _say_unit)


def _name_column(column: str) -> str:
    """What the column is called; one that we do not know is named as the file does."""
    word = COLUMN_WORDS.get(column)
    return column if word is None else gettext(word)


def _say_fault(fault: RowFault) -> Item:
    return Item(row=fault.row, column=_name_column(fault.column), text=translate_fault(fault))


def _say_gone(member: Member) -> Item:
    return Item(people=(_make_person(None, member),))


def _say_new(pair: tuple[int, Member]) -> Item:
    return Item(people=(_make_person(*pair),))


def _say_change(change: Change) -> Item:
    return Item(
        people=(Person(change.row, change.name, change.member_number),),
        changes=tuple((_name_column(column), before, after) for column, before, after in change.columns),
    )


def _say_unit(path: Path) -> Item:
    return Item(text=join_path(path))


def _make_person(row: int | None, member: Member) -> Person:
    return Person(row, member.name, member.member_number)
