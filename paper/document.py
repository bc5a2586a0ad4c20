"""A document of headings, sentences, facts and tables, such as the report of an election → one PDF.

As with sheets, the same values always give the same bytes, nothing in them says when or where they were made, and a
letter that no font has refuses the document.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fpdf import FPDF

from paper.faults import Fault, PaperError
from paper.lettering import Block, Face, Lettering
from paper.page import Page
from paper.sheets import Layout, new_pdf

_MARGIN, _GAP = 20.0, 2.0
_FOOT = 12.0
_TEXT = 11.0
# Of the line's width: what the first column of facts and tables has.
_FIRST_COLUMN = 0.5


@dataclass(frozen=True, slots=True)
class Section:
    """A part of the document: sentences, then facts (name and value), codes (name and hash or key), and a table whose
    first row is its head."""

    heading: str
    sentences: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    codes: tuple[tuple[str, str], ...] = ()
    table: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """All of it. kicker: what kind of document it is; foot: stands below each page, beside its number."""

    title: str
    kicker: str
    sections: tuple[Section, ...]
    foot: str = ""


def make_document(
    document: Document, layout: Layout = Layout.A4, *, more_fonts: Sequence[Path] = ()
) -> bytes:
    """The PDF; PaperError for letters that no font has."""
    pdf = new_pdf(layout, document.title)
    with Lettering(pdf, more_fonts) as lettering:
        if fault := lettering.find_fault(list(_list_texts(document))):
            raise PaperError([Fault("", fault)])
        _Writer(pdf, lettering, document).write()
        return bytes(pdf.output())


def _list_texts(document: Document) -> Sequence[str]:
    texts = [document.title, document.kicker, document.foot]
    for section in document.sections:
        texts += [section.heading, *section.sentences]
        texts += [text for row in (*section.facts, *section.codes, *section.table) for text in row]
    return [line for text in texts for line in text.split("\n")]


class _Writer:
    """Goes down the pages."""

    def __init__(self, pdf: FPDF, lettering: Lettering, document: Document) -> None:
        self._pdf, self._document = pdf, document
        self._page = Page(pdf, lettering)
        self._y = 0.0

    @property
    def _width(self) -> float:
        return self._page.width - 2 * _MARGIN

    def write(self) -> None:
        self._turn()
        self._write(self._document.kicker, _TEXT)
        self._write(self._document.title, 20.0, Face.BOLD)
        for section in self._document.sections:
            self._y += 3 * _GAP
            # A heading never stands alone at the end of a page.
            self._make_room(25.0)
            self._write(section.heading, 14.0, Face.BOLD)
            for sentence in section.sentences:
                self._write(sentence, _TEXT)
            for fact in section.facts:
                self._write_row(fact)
            for name, code in section.codes:
                self._write(name, _TEXT)
                self._write(code, 9.0, Face.CODE)
            for number, row in enumerate(section.table):
                self._write_row(row, Face.PLAIN if number else Face.BOLD)

    def _turn(self) -> None:
        self._pdf.add_page()
        number = f"{self._document.foot} · {self._pdf.page}" if self._document.foot else str(self._pdf.page)
        self._page.write(_MARGIN, self._page.height - _FOOT, self._width, number, 8.0)
        self._y = _MARGIN

    def _make_room(self, height: float) -> None:
        if self._y + height > self._page.height - _FOOT - 2 * _GAP:
            self._turn()

    def _write(self, text: str, size: float, face: Face = Face.PLAIN) -> None:
        block = self._page.lettering.wrap(text, face, size, self._width)
        if block.height < self._page.height / 2:
            self._make_room(block.height)
            self._y = self._page.place(_MARGIN, self._y, block) + _GAP
            return
        # A long text goes on over pages, line by line.
        for line in block.lines:
            single = Block((line,), face, size)
            self._make_room(single.height)
            self._y = self._page.place(_MARGIN, self._y, single)
        self._y += _GAP

    def _write_row(self, row: tuple[str, ...], face: Face = Face.PLAIN) -> None:
        first = self._width * _FIRST_COLUMN
        others = (self._width - first) / max(len(row) - 1, 1)
        widths = [first, *[others] * (len(row) - 1)]
        blocks = [
            self._page.lettering.wrap(text, face, _TEXT, width - _GAP)
            for text, width in zip(row, widths, strict=True)
        ]
        height = max(block.height for block in blocks)
        self._make_room(height + _GAP)
        x = _MARGIN
        for block, width in zip(blocks, widths, strict=True):
            self._page.place(x, self._y, block)
            x += width
        self._y += height + _GAP / 2
        self._page.draw_line(_MARGIN, self._y, self._width)
        self._y += _GAP / 2
