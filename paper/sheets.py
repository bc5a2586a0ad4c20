"""Voting sheets: what is known of an election and its members → one PDF.

``make_sheets`` is the door. Pages are laid out in ``letter.py`` (one for each member, to be folded) and ``labels.py``.
The same values always give the same bytes, and nothing in them says when or where they were made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from fpdf import FPDF

from crypto.credentials import parse_credential_text
from crypto.encoding import is_uuid
from crypto.errors import MalformedError, MisuseError
from crypto.presentation import choose_language
from crypto.words import fingerprint_words
from paper.faults import Fault, PaperError
from paper.labels import A4_LABELS, LETTER_LABELS, LabelSheet, draw_label
from paper.letter import draw_letter
from paper.lettering import Lettering
from paper.link import make_link, parse_site
from paper.page import Content, Page, Person
from paper.words import WORDS, find_words, write_moment

_FINGERPRINT = re.compile(r"[A-Za-z0-9+/]{43}", re.ASCII)
# Any moment will do that is always the same: a PDF must say when it was made.
_MADE_AT = datetime(2000, 1, 1, tzinfo=UTC)


class Layout(StrEnum):
    """Paper, and what is on it."""

    A4 = "a4"
    LETTER = "letter"
    A4_LABELS = "a4-labels"
    LETTER_LABELS = "letter-labels"


_LABELS: dict[Layout, LabelSheet] = {Layout.A4_LABELS: A4_LABELS, Layout.LETTER_LABELS: LETTER_LABELS}


@dataclass(frozen=True, slots=True)
class Occasion:
    """What all sheets of an election have in common.

    names: the election's name in its languages (tag -> name), the first of which is ``language``, its own (empty where
    nobody said it); fingerprint: that of the election data (base64); site: as ``parse_site`` gives it; moments are
    aware; time_zone: an IANA name; revotes: whether a later ballot replaces an earlier one; organisation: who invites.
    """

    uuid: str
    names: Mapping[str, str]
    language: str
    fingerprint: str
    site: str
    closes_at: datetime
    time_zone: str
    revotes: bool
    opens_at: datetime | None = None
    organisation: str = ""
    # An election for practice: each sheet says so where it names the election.
    is_test: bool = False

    def __post_init__(self) -> None:
        if (
            not is_uuid(self.uuid)
            or not _FINGERPRINT.fullmatch(self.fingerprint)
            or self.language not in self.names
        ):
            raise MisuseError("uuid, fingerprint or language is none")
        if parse_site(self.site) != self.site:
            raise MisuseError("the site's address is not as parse_site gives it")


@dataclass(frozen=True, slots=True)
class Sheet:
    """One member's. ``language`` is a tag or empty, ``address`` has any number of lines; the credential is secret."""

    member_number: str
    name: str
    credential: str = field(repr=False)
    address: str = ""
    language: str = ""


def make_sheets(
    occasion: Occasion,
    sheets: Sequence[Sheet],
    layout: Layout,
    *,
    more_fonts: Sequence[Path] = (),
    progress: Callable[[int], None] = lambda _: None,
) -> bytes:
    """The document, with the sheets in their order; ``progress`` gets the number of sheets done.

    Raises PaperError naming everything that cannot be printed (then ``more_fonts``, files of fonts, may help), and
    MisuseError for credentials that are none, or for two members with one credential.
    """
    _require_credentials(sheets)
    pdf = new_pdf(layout, f"Voting sheets {occasion.uuid}")
    with Lettering(pdf, more_fonts) as lettering:
        faults = _find_faults(lettering, occasion, sheets)
        # With a fault no page is made: the document would be thrown away.
        faults = faults or _draw_sheets(pdf, lettering, occasion, sheets, _LABELS.get(layout), progress)
        if faults:
            raise PaperError(faults)
        return bytes(pdf.output())


def _draw_sheets(
    pdf: FPDF,
    lettering: Lettering,
    occasion: Occasion,
    sheets: Sequence[Sheet],
    labels: LabelSheet | None,
    progress: Callable[[int], None],
) -> list[Fault]:
    """Every sheet on its place; what had no room there."""
    page = Page(pdf, lettering)
    contents: dict[str, Content] = {}
    faults: list[Fault] = []
    for number, sheet in enumerate(sheets):
        language = find_words(sheet.language, occasion.language)
        if language not in contents:
            contents[language] = write_content(occasion, language)
        link = make_link(occasion.site, occasion.uuid, sheet.credential, occasion.fingerprint)
        person = Person(sheet.member_number, sheet.name, sheet.address, sheet.credential, link)
        place = 0 if labels is None else number % labels.count
        if place == 0:
            pdf.add_page()
        if labels is None:
            fault = draw_letter(page, contents[language], person)
        else:
            fault = draw_label(page, contents[language], person, labels, place)
        if fault:
            faults.append(Fault(sheet.member_number, fault))
        progress(number + 1)
    return faults


def _require_credentials(sheets: Sequence[Sheet]) -> None:
    """The last look before a code is on paper. No sentence here repeats one."""
    for sheet in sheets:
        try:
            text = parse_credential_text(sheet.credential)
        except MalformedError as error:
            raise MisuseError(f"a credential is none: {error.detail}") from None
        if text != sheet.credential:
            raise MisuseError("a credential is not in its usual spelling")
    if len({sheet.credential for sheet in sheets}) != len(sheets):
        raise MisuseError("two members have the same credential")
    if len({sheet.member_number for sheet in sheets}) != len(sheets):
        raise MisuseError("two sheets are for one member")


def _find_faults(lettering: Lettering, occasion: Occasion, sheets: Sequence[Sheet]) -> list[Fault]:
    """What has a sign that cannot be printed. In the election's texts, or else in all the members'."""
    if fault := lettering.find_fault([*map(_on_one_line, occasion.names.values()), occasion.organisation]):
        return [Fault("", f"The election's or organisation's name: {fault}")]
    return [
        Fault(sheet.member_number, fault)
        for sheet in sheets
        if (fault := lettering.find_fault([sheet.name, sheet.member_number, *sheet.address.split("\n")]))
    ]


def _on_one_line(name: str) -> str:
    """Election data may have several lines in a name; a sheet has not."""
    return name.replace("\n", " ")


def new_pdf(layout: Layout, title: str) -> FPDF:
    """An empty document that says nothing of when and where it was made."""
    pdf = FPDF(unit="mm", format=layout.value.partition("-")[0])
    pdf.set_creation_date(_MADE_AT)
    pdf.set_title(title)
    pdf.set_producer("Steward")
    # Otherwise the page count takes the place of these letters, in whosever name they are.
    pdf.str_alias_nb_pages = ""
    pdf.set_margin(0)
    pdf.set_auto_page_break(False)
    return pdf


def write_content(occasion: Occasion, language: str) -> Content:
    words = WORDS[language]
    opens = ""
    if occasion.opens_at is not None:
        opens = words.opens.format(moment=write_moment(occasion.opens_at, occasion.time_zone, words))
    closes = words.closes.format(moment=write_moment(occasion.closes_at, occasion.time_zone, words))
    finality = words.revotes if occasion.revotes else words.final
    groups = [occasion.fingerprint[start : start + 4] for start in range(0, len(occasion.fingerprint), 4)]
    election = _on_one_line(occasion.names[choose_language(list(occasion.names), language)])
    return Content(
        organisation=occasion.organisation,
        election=words.test.format(name=election) if occasion.is_test else election,
        member_number=words.member_number,
        opens=opens,
        closes=closes,
        phone=(words.phone_title, words.phone),
        any_device=(words.any_device_title, words.any_device.format(site=occasion.site)),
        code=(words.code_title, words.code_hint),
        fingerprint=(words.fingerprint_title, words.fingerprint),
        advice=(finality, words.yours, words.shared_device),
        short_fingerprint=words.short_fingerprint,
        short_advice=(occasion.site, words.short_yours),
        fingerprint_words=fingerprint_words(occasion.fingerprint),
        fingerprint_groups=" ".join(groups),
    )
