"""Uploaded pictures -> small JPEG files that hold a picture and nothing else. No database, no request.

What was uploaded is never stored or served: it is decoded and encoded anew, so that places, names and dates that
cameras write into their files are gone, and so is all that some program might take for something else than a picture.
"""

import threading
from io import BytesIO

from PIL import Image, ImageOps

from voting_app.errors import Problem

# What phones make today, and no more.
LONGEST_UPLOAD = 12_000_000
_MOST_PIXELS = {"JPEG": 50_000_000, "PNG": 20_000_000}
# A JPEG file can have any number of scans over the whole picture, each of a few bytes and much work.
_MOST_SCANNED_PIXELS = 600_000_000
_START_OF_SCAN = b"\xff\xda"
_SIGNATURES = {b"\xff\xd8\xff": "JPEG", b"\x89PNG\r\n\x1a\n": "PNG"}

LONGEST_SIDE = 480
LARGEST_PHOTO = 40_000
# Tried in turn until the file is small enough. The last one is for pictures of noise.
_QUALITIES = ((480, 82), (480, 70), (400, 70), (320, 60), (240, 50), (160, 30))

# Large pictures need a good part of a small computer's memory: one at a time.
_decoding = threading.Lock()


def make_photo(raw: bytes) -> bytes:
    """Return the picture as a JPEG file of at most LARGEST_PHOTO bytes; Problem 422 `bad-photo` or `large-photo`."""
    if len(raw) > LONGEST_UPLOAD:
        raise _too_large()
    kind = next((kind for start, kind in _SIGNATURES.items() if raw.startswith(start)), None)
    if kind is None:
        raise _unreadable()
    with _decoding:
        try:
            return _encode(_decode(raw, kind))
        except Problem:
            raise
        except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
            raise _too_large() from error
        except Exception as error:
            # What decoders raise about bytes that were made to break them is on no list.
            raise _unreadable() from error


def _decode(raw: bytes, kind: str) -> Image.Image:
    # The decoder that the first bytes name, and no other of the dozens that there are.
    with Image.open(BytesIO(raw), formats=(kind,)) as opened:
        width, height = opened.size
        if width * height > _MOST_PIXELS[kind]:
            raise _too_large()
        if kind == "JPEG":
            if width * height * raw.count(_START_OF_SCAN) > _MOST_SCANNED_PIXELS:
                raise _too_large()
            # Decodes at a half, a quarter or an eighth where that is enough.
            opened.draft("RGB", (2 * LONGEST_SIDE, 2 * LONGEST_SIDE))
        opened.load()
        turned = ImageOps.exif_transpose(opened)
        turned.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
        if turned.mode.startswith("I"):
            # Greys of sixteen bits, most of which would be white.
            turned = turned.point(lambda value: value * (1 / 256)).convert("L")
        # A new picture takes no text, colour profile or comment along.
        clean = Image.new("RGB", turned.size, "white")
        if turned.mode in ("RGBA", "LA", "PA") or "transparency" in turned.info:
            turned = turned.convert("RGBA")
            clean.paste(turned, mask=turned)
        else:
            clean.paste(turned.convert("RGB"))
        return clean


def _encode(picture: Image.Image) -> bytes:
    for side, quality in _QUALITIES:
        picture.thumbnail((side, side))
        file = BytesIO()
        picture.save(file, "JPEG", quality=quality, optimize=True)
        if file.tell() <= LARGEST_PHOTO:
            return file.getvalue()
    raise _too_large()


def _unreadable() -> Problem:
    return Problem(422, "bad-photo", "This is not a picture that can be read. Photos are JPEG or PNG files.")


def _too_large() -> Problem:
    return Problem(422, "large-photo", "This picture is too large. Photos have at most 12 megabytes.")
