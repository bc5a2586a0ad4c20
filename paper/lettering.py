"""Texts on a PDF's pages: which font has a letter, where a line breaks, how large it may be, which way it runs.

fpdf2 embeds the fonts and writes the file. Its own cells are not used: they take markup and place holders out of the
text, and a name is never anything but a name here.
"""

from __future__ import annotations

import itertools
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self

from fontTools.ttLib import TTFont, TTLibError
from fpdf import FPDF
from fpdf.bidi import BidiParagraph
from fpdf.fonts import TTFFont

from crypto.writing import is_writing
from paper.faults import Fault, PaperError
from paper.joining import join_letters

_FONTS = Path(__file__).parent / "fonts"
MM_PER_POINT = 25.4 / 72
# Distance of lines, in sizes: what DejaVu, with its large letters, needs.
LEADING = 1.25
# From the top of a line to the feet of its letters.
_ASCENT = 0.95
_MOST_KEPT = 1000
_RIGHT_TO_LEFT = {"R", "AL", "AN", "RLE", "RLO", "RLI"}
# What a pair of brackets looks like in a line that runs from right to left.
_MIRRORED = str.maketrans("()[]{}<>«»‹›", ")(][}{><»«›‹")


class Face(StrEnum):
    """The fonts of a document; the values are fpdf2's names for them."""

    PLAIN = "plain"
    BOLD = "bold"
    CODE = "code"


_FILES = {
    Face.PLAIN: "DejaVuSans.ttf",
    Face.BOLD: "DejaVuSans-Bold.ttf",
    Face.CODE: "DejaVuSansMono-Bold.ttf",
}


@dataclass(frozen=True, slots=True)
class Block:
    """Lines of one size, broken to a width. ``height`` in millimetres, ``size`` in points."""

    lines: tuple[str, ...]
    face: Face
    size: float

    @property
    def height(self) -> float:
        return len(self.lines) * self.size * LEADING * MM_PER_POINT


class Lettering:
    """The fonts of one document, and the pen. Widths, heights and places in millimetres, from the upper left corner."""

    def __init__(self, pdf: FPDF, more_fonts: Sequence[Path] = ()) -> None:
        """``more_fonts``: TrueType or OpenType files, asked in this order for letters that DejaVu lacks;
        PaperError for one that is none."""
        self._pdf = pdf
        self._blocks: dict[tuple[str, Face, float, float], Block] = {}
        others = [f"more{number}" for number in range(len(more_fonts))]
        try:
            for face, name in _FILES.items():
                pdf.add_font(face.value, fname=_FONTS / name)
            for name, path in zip(others, more_fonts, strict=True):
                _add_font(pdf, name, path)
            self._fonts = {face: [_get_font(pdf, name) for name in (face.value, *others)] for face in Face}
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """The files of the fonts are read until the document is written."""
        for font in self._pdf.fonts.values():
            if isinstance(font, TTFFont):
                font.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- signs --------------------------------------------------------------------------------------------------

    def find_fault(self, lines: Sequence[str]) -> str:
        """Why these cannot be printed, as a sentence; empty if they can."""
        if not all(map(is_writing, lines)):
            return "There is a character that cannot be printed."
        lacking = sorted(
            {
                sign
                # A text may be written in either, and neither font has all letters of the other.
                for face in (Face.PLAIN, Face.BOLD)
                for line in lines
                for sign in self._prepare(line, face)
                if self._find(sign, face) is None
            }
        )
        if lacking:
            # The code points, since the terminal may lack the same letters.
            shown = ", ".join(
                f"U+{ord(sign):04X} {unicodedata.name(sign, '')}".strip() for sign in lacking[:5]
            )
            return f"The fonts have no letter for {shown}{' and others' if len(lacking) > 5 else ''}."
        return ""

    def _find(self, sign: str, face: Face) -> TTFFont | None:
        """The first font that has the sign."""
        return next((font for font in self._fonts[face] if ord(sign) in font.cmap), None)

    def _prepare(self, text: str, face: Face) -> str:
        """The signs that are printed for a text, still in the order of reading."""
        if text.isascii():
            return text
        known = self._fonts[face][0].cmap
        joined = join_letters(unicodedata.normalize("NFC", text), known)
        # Blanks of odd widths may be missing; a blank is a blank.
        return "".join(
            " " if unicodedata.category(sign) == "Zs" and ord(sign) not in known else sign for sign in joined
        )

    # --- measuring ------------------------------------------------------------------------------------------------

    def measure(self, text: str, face: Face, size: float) -> float:
        """How wide prepared text is, in millimetres."""
        return (
            sum(font.get_text_width(run, size, None)[1] for font, run in self._split(text, face))
            * MM_PER_POINT
        )

    def wrap(self, text: str, face: Face, size: float, width: float) -> Block:
        """The text in lines of at most this width: broken between words, and inside only of words that are wider."""
        key = (text, face, size, width)
        if key not in self._blocks:
            # The sentences are the same on each sheet; names come once, and need not be kept for long.
            if len(self._blocks) > _MOST_KEPT:
                self._blocks.clear()
            lines = [
                line
                for paragraph in text.split("\n")
                for line in self._break(self._prepare(paragraph.strip(), face), face, size, width)
            ]
            self._blocks[key] = Block(tuple(lines), face, size)
        return self._blocks[key]

    def _break(self, text: str, face: Face, size: float, width: float) -> Iterable[str]:
        line = ""
        for word in text.split(" "):
            longer = f"{line} {word}" if line else word
            if self.measure(longer, face, size) <= width:
                line = longer
                continue
            if line:
                yield line
            line = ""
            for sign in word:
                if line and self.measure(line + sign, face, size) > width:
                    yield line
                    line = ""
                line += sign
        if line:
            yield line

    def fit(self, text: str, face: Face, sizes: Sequence[float], width: float, height: float) -> Block | None:
        """The text in the first of these sizes in which all of it has room, or None. Nothing is ever cut off."""
        for size in sizes:
            block = self.wrap(text, face, size, width)
            if block.height <= height:
                return block
        return None

    # --- writing --------------------------------------------------------------------------------------------------

    def write(self, x: float, y: float, block: Block) -> float:
        """Write the block with its upper left corner there; the y below it."""
        step = block.size * LEADING * MM_PER_POINT
        for line in block.lines:
            self._write_line(x, y + block.size * _ASCENT * MM_PER_POINT, line, block.face, block.size)
            y += step
        return y

    def _write_line(self, x: float, y: float, line: str, face: Face, size: float) -> None:
        for font, run in self._split(turn(line), face):
            self._pdf.set_font(font.fontkey, size=size)
            self._pdf.text(x, y, run)
            x += font.get_text_width(run, size, None)[1] * MM_PER_POINT

    def _split(self, line: str, face: Face) -> Iterable[tuple[TTFFont, str]]:
        """(font, signs) for the parts of a line that have one font: nearly always the first for all of it."""
        first, *others = self._fonts[face]
        if not others or first.cmap.keys() >= set(map(ord, line)):
            yield first, line
            return
        for font, signs in itertools.groupby(line, lambda sign: self._find(sign, face) or first):
            yield font, "".join(signs)


def _add_font(pdf: FPDF, name: str, path: Path) -> None:
    try:
        # Looked at first, because fpdf2 leaves a file open that is no font.
        with path.open("rb") as file:
            TTFont(file, fontNumber=0, lazy=True)
        pdf.add_font(name, fname=path)
    except (TTLibError, ValueError) as error:
        raise PaperError([Fault("", f"{path.name} is not a font that can be used.")]) from error


def _get_font(pdf: FPDF, name: str) -> TTFFont:
    font = pdf.fonts[name]
    if not isinstance(font, TTFFont):
        raise TypeError(f"{name} is not a font of its own file")
    return font


def turn(line: str) -> str:
    """A line in the order in which it is drawn, from left to right."""
    if line.isascii() or not any(unicodedata.bidirectional(sign) in _RIGHT_TO_LEFT for sign in line):
        return line
    # Turned round, marks come before the letter that they belong on; DejaVu's, which take no room, then lie on it.
    return "".join(
        character.character.translate(_MIRRORED)
        if character.get_direction_from_level() == "R"
        else character.character
        for character in BidiParagraph(line).get_reordered_characters()
    )
