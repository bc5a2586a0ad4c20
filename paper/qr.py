"""QR codes as shapes, so that they print sharply at every size."""

from __future__ import annotations

from collections.abc import Iterator

from qrcode.constants import ERROR_CORRECT_M
from qrcode.main import QRCode

# A reader takes any of the eight masks. Trying all of them for the evenest picture takes five times as long as the
# rest, a minute and a half for ten thousand sheets; codes are random enough to look even under the first one.
_MASK = 0
_QUIET = 4  # modules of white around the code, which the standard asks for


def draw_qr(text: str, x: float, y: float, side: float) -> bytes:
    """Instructions of a PDF page that draw the code of an ASCII text, its quiet zone included: in a square with its
    *lower* left corner at (x, y); in points, from the lower left corner of the page."""
    code = QRCode(error_correction=ERROR_CORRECT_M, mask_pattern=_MASK, border=0)
    # As one piece of bytes: cut in pieces of digits and letters it would hardly be smaller.
    code.add_data(text.encode("ascii"), optimize=0)
    code.make(fit=True)
    rows = code.get_matrix()
    module = side / (len(rows) + 2 * _QUIET)
    shapes = " ".join(_runs(rows))
    # One module is one unit from here on, and y counts downwards, as the rows do.
    place = f"{module:.4f} 0 0 {-module:.4f} {x + _QUIET * module:.3f} {y + side - _QUIET * module:.3f} cm"
    return f"q {place} 0 g {shapes} f Q\n".encode("ascii")


def _runs(rows: list[list[bool]]) -> Iterator[str]:
    """A rectangle for each run of dark modules in a row."""
    for number, row in enumerate(rows):
        start = None
        for place, dark in enumerate([*row, False]):
            if dark and start is None:
                start = place
            elif not dark and start is not None:
                yield f"{start} {number} {place - start} 1 re"
                start = None
