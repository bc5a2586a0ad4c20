"""What layouts have in common: the texts of a sheet, ready to be placed, and a page to place them on."""

from __future__ import annotations

from dataclasses import dataclass, field

from fpdf import FPDF

from paper.lettering import MM_PER_POINT, Block, Face, Lettering
from paper.qr import draw_qr


@dataclass(frozen=True, slots=True)
class Content:
    """The same for everybody who reads one language. ``opens`` and ``organisation`` may be empty."""

    organisation: str
    election: str
    member_number: str  # with {number} in it
    opens: str
    closes: str
    phone: tuple[str, str]  # title and sentence, here and below
    any_device: tuple[str, str]
    code: tuple[str, str]
    fingerprint: tuple[str, str]
    advice: tuple[str, ...]
    short_fingerprint: str
    short_advice: tuple[str, ...]
    fingerprint_words: str
    fingerprint_groups: str


@dataclass(frozen=True, slots=True)
class Person:
    """What is on one sheet only."""

    number: str
    name: str
    address: str
    credential: str = field(repr=False)
    link: str = field(repr=False)


class Page:
    """The document's last page. Places and lengths are millimetres from the upper left corner, sizes are points."""

    def __init__(self, pdf: FPDF, lettering: Lettering) -> None:
        self._pdf = pdf
        self.lettering = lettering

    @property
    def width(self) -> float:
        return float(self._pdf.w)

    @property
    def height(self) -> float:
        return float(self._pdf.h)

    def write(
        self, x: float, y: float, width: float, text: str, size: float, face: Face = Face.PLAIN
    ) -> float:
        """Write a text in lines of this width; the y below it. An empty one takes no room."""
        return self.place(x, y, self.lettering.wrap(text, face, size, width)) if text else y

    def place(self, x: float, y: float, block: Block) -> float:
        return self.lettering.write(x, y, block)

    def draw_code(self, x: float, y: float, side: float, text: str) -> None:
        """A QR code, with its quiet zone, in a square with this upper left corner."""
        scale = 1 / MM_PER_POINT
        drawn = draw_qr(text, x * scale, (self.height - y - side) * scale, side * scale)
        contents = self._pdf.pages[self._pdf.page].contents
        if not isinstance(contents, bytearray):
            raise TypeError("the page is written already")
        contents.extend(drawn)

    def draw_frame(self, x: float, y: float, width: float, height: float) -> None:
        self._pdf.set_line_width(0.4)
        self._pdf.rect(x, y, width, height)

    def draw_line(self, x: float, y: float, width: float) -> None:
        self._pdf.set_line_width(0.2)
        self._pdf.line(x, y, x + width, y)
