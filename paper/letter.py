"""A page for each member: A4 or US Letter, folded twice so that only the address can be seen.

The upper third has the address, where the windows of common envelopes are (45 to 90 mm from the upper edge). What is
secret stands in the other two thirds, which lie on each other if the page is folded to and fro like a Z.
"""

from __future__ import annotations

from paper.lettering import Face
from paper.page import Content, Page, Person

_MARGIN = 20.0
_WINDOW_TOP, _WINDOW_WIDTH = 50.0, 85.0
_CODE_SIDE = 56.0
# The words are for eyes and telephones, the whole fingerprint for who wants all of it.
_WORDS_SIZE, _FINGERPRINT_SIZE = 16.0, 8.0
# Down to a size that can just be read: better a small name than one that is cut off.
_SIZES = (12.0, 11.0, 10.0, 9.0, 8.0, 7.0, 6.0, 5.0)
_NAME_SIZES = (18.0, 16.0, 14.0, 12.0, 10.0, 8.0, 7.0, 6.0, 5.0)


def draw_letter(page: Page, content: Content, person: Person) -> str:
    """Fill the page; the fault if something has no room, otherwise an empty text."""
    third = page.height / 3
    width = page.width - 2 * _MARGIN
    for fold in (third, 2 * third):
        for x in (4.0, page.width - 9.0):
            page.draw_line(x, fold, 5.0)
    return (
        _draw_address(page, content, person, third - 4)
        or _draw_invitation(page, content, person, (third + 5, 2 * third - 3), width)
        or _draw_code(page, content, person, (2 * third + 4, page.height - 8), width)
    )


def _draw_address(page: Page, content: Content, person: Person, bottom: float) -> str:
    if content.organisation:
        block = page.lettering.fit(content.organisation, Face.BOLD, _SIZES, page.width - 2 * _MARGIN, 20.0)
        if block is None:
            return "The organisation's name is too long for a sheet."
        page.place(_MARGIN, 15.0, block)
    lines = "\n".join(filter(None, (person.name, person.address)))
    block = page.lettering.fit(lines, Face.PLAIN, _SIZES, _WINDOW_WIDTH, bottom - _WINDOW_TOP)
    number = page.lettering.fit(
        content.member_number.format(number=person.number), Face.PLAIN, _SIZES[1:], 65.0, bottom - _WINDOW_TOP
    )
    if block is None or number is None:
        return "Name, address or number are too long for a sheet."
    page.place(_MARGIN, _WINDOW_TOP, block)
    page.place(page.width - _MARGIN - 65.0, _WINDOW_TOP, number)
    return ""


def _draw_invitation(
    page: Page, content: Content, person: Person, between: tuple[float, float], width: float
) -> str:
    """Which election, until when, and the code to scan."""
    y, bottom = between
    block = page.lettering.fit(content.election, Face.BOLD, _NAME_SIZES, width, 17.0)
    if block is None:
        return "The election's name is too long for a sheet."
    y = page.place(_MARGIN, y, block) + 1.5
    y = page.write(_MARGIN, y, width, content.opens, 11.0)
    page.write(_MARGIN, y, width, content.closes, 11.0, Face.BOLD)
    # The quiet zone of the code is white already, so it may stand a little out of the margin.
    page.draw_code(_MARGIN - 4, bottom - _CODE_SIDE, _CODE_SIDE, person.link)
    x = _MARGIN + _CODE_SIDE
    y = bottom - _CODE_SIDE + 5
    for title, sentence in (content.phone, content.any_device):
        y = page.write(x, y, page.width - _MARGIN - x, title, 13.0, Face.BOLD)
        y = page.write(x, y, page.width - _MARGIN - x, sentence, 12.0) + 3
    return ""


def _draw_code(
    page: Page, content: Content, person: Person, between: tuple[float, float], width: float
) -> str:
    """The code to type, the fingerprint to compare, and what else a member should know."""
    y, bottom = between
    title, hint = content.code
    y = page.write(_MARGIN, y, width, title, 13.0, Face.BOLD) + 1
    page.draw_frame(_MARGIN, y, width, 12.5)
    page.write(_MARGIN + 5, y + 1.8, width, person.credential, 22.0, Face.CODE)
    y = page.write(_MARGIN, y + 13.5, width, hint, 10.0) + 2
    # The sentences of all languages have room in some size (a test tries them all).
    for size in (12.0, 11.5, 11.0, 10.5, 10.0, 9.5, 9.0):
        if y + _measure_rest(page, content, width, size) <= bottom:
            break
    title, sentence = content.fingerprint
    y = page.write(_MARGIN, y, width, title, size + 1, Face.BOLD)
    y = page.write(_MARGIN, y, width, sentence, size)
    y = page.write(_MARGIN, y + 0.5, width, content.fingerprint_words, _WORDS_SIZE, Face.CODE)
    y = page.write(_MARGIN, y, width, content.fingerprint_groups, _FINGERPRINT_SIZE, Face.CODE) + 2
    for sentence in content.advice:
        y = page.write(_MARGIN, y, width, sentence, size) + 1
    return "" if y <= bottom + 1 else "The sentences have no room on this paper."


def _measure_rest(page: Page, content: Content, width: float, size: float) -> float:
    parts = [
        (content.fingerprint[0], size + 1, Face.BOLD),
        (content.fingerprint[1], size, Face.PLAIN),
        (content.fingerprint_words, _WORDS_SIZE, Face.CODE),
        (content.fingerprint_groups, _FINGERPRINT_SIZE, Face.CODE),
        *((sentence, size, Face.PLAIN) for sentence in content.advice),
    ]
    heights = (page.lettering.wrap(text, face, points, width).height for text, points, face in parts)
    return sum(heights) + 2.5 + len(content.advice)
