"""Labels, to be stuck to a letter or card of one's own, or to be cut apart: several members on a page."""

from __future__ import annotations

from dataclasses import dataclass

from paper.lettering import Face
from paper.page import Content, Page, Person

_PADDING = 4.0
_NAME_SIZES = (11.0, 10.0, 9.0, 8.0, 7.0, 6.0, 5.0)
_SMALL_SIZES = (9.0, 8.0, 7.0, 6.0, 5.0)
_CODE_SIDE = 40.0


@dataclass(frozen=True, slots=True)
class LabelSheet:
    """A sheet of labels as they are sold; all lengths in millimetres. left, top: of the first label; across, down: from
    one label to the next."""

    columns: int
    rows: int
    width: float
    height: float
    left: float
    top: float
    across: float
    down: float

    @property
    def count(self) -> int:
        return self.columns * self.rows


# 99.1 × 67.7 mm, eight on a page (Avery L7165 and those like it).
A4_LABELS = LabelSheet(2, 4, 99.1, 67.7, 4.65, 13.1, 101.6, 67.7)
# 4 × 3⅓ inches, six on a page (Avery 5164 and those like it).
LETTER_LABELS = LabelSheet(2, 3, 101.6, 84.67, 3.97, 12.7, 106.36, 84.67)


def draw_label(page: Page, content: Content, person: Person, labels: LabelSheet, place: int) -> str:
    """Fill the label at that place of the page (row by row, from 0); the fault if something has no room."""
    row, column = divmod(place, labels.columns)
    left = labels.left + column * labels.across + _PADDING
    top = labels.top + row * labels.down + _PADDING
    bottom = top + labels.height - 2 * _PADDING
    width = labels.width - 2 * _PADDING
    fit = page.lettering.fit
    code_top = bottom - _CODE_SIDE + 1.5
    name = fit(person.name, Face.BOLD, _NAME_SIZES, width, 9.0)
    number = fit(content.member_number.format(number=person.number), Face.PLAIN, _SMALL_SIZES, width, 4.5)
    if name is None or number is None:
        return "Name or number are too long for a label."
    y = page.place(left, page.place(left, top, name), number) + 0.5
    election = fit(content.election, Face.BOLD, _SMALL_SIZES, width, min(code_top - y, 9.0))
    if election is None:
        return "The election's name is too long for a label."
    page.place(left, y, election)
    # The quiet zone of the code is white already: it may take some of the padding.
    page.draw_code(left - 3, bottom - _CODE_SIDE + 3, _CODE_SIDE, person.link)
    return _draw_beside(page, content, person, left + _CODE_SIDE - 3, code_top, bottom + 2, width)


def _draw_beside(
    page: Page, content: Content, person: Person, x: float, y: float, bottom: float, width: float
) -> str:
    """What stands on the right of the QR code."""
    room = width - _CODE_SIDE + 3
    # In two lines: the code can be larger then, and the dash at the end of the first says that it goes on.
    half = person.credential.index("-", 6) + 1
    y = page.write(x, y, room, person.credential[:half], 14.0, Face.CODE)
    y = page.write(x, y, room, person.credential[half:], 14.0, Face.CODE) + 0.5
    for size in (8.0, 7.5, 7.0, 6.5, 6.0, 5.5):
        texts = (content.closes, content.short_fingerprint, *content.short_advice)
        blocks = [page.lettering.wrap(text, Face.PLAIN, size, room) for text in texts]
        # Not the whole fingerprint: it has no room in a size that can be read, and the link in the square names it.
        words = page.lettering.wrap(content.fingerprint_words, Face.CODE, size + 1, room)
        if y + words.height + sum(block.height for block in blocks) <= bottom:
            break
    else:
        return "The sentences have no room on a label."
    closes, fingerprint, *advice = blocks
    for block in (closes, fingerprint, words, *advice):
        y = page.place(x, y, block)
    return ""
