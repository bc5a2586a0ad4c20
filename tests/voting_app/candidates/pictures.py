"""Pictures to upload, harmless and otherwise."""

import random
import struct
import zlib
from io import BytesIO
from typing import Any

from PIL import Image


def make_picture(
    kind: str = "JPEG",
    size: tuple[int, int] = (60, 80),
    colour: Any = (200, 30, 30),
    mode: str = "RGB",
    **more: Any,
) -> bytes:
    file = BytesIO()
    Image.new(mode, size, colour).save(file, kind, **more)
    return file.getvalue()


def make_noise(size: tuple[int, int]) -> bytes:
    """The worst that can be made small."""
    file = BytesIO()
    raw = random.Random(7).randbytes(size[0] * size[1] * 3)
    Image.frombytes("RGB", size, raw).save(file, "PNG", compress_level=1)
    return file.getvalue()


def make_camera_picture() -> bytes:
    """Turned by a quarter, with a place, a camera and a comment."""
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "SECRET-CAMERA"
    exif.get_ifd(0x8825)[29] = "SECRET-PLACE"
    profile = b"SECRET-PROFILE" * 20
    return make_picture(size=(80, 60), exif=exif, comment=b"SECRET-COMMENT", icc_profile=profile)


def make_png_bomb(width: int, height: int) -> bytes:
    """A few bytes that say that they are a picture of any size."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


def make_many_scans() -> bytes:
    """A large picture whose file asks to go over it again and again."""
    raw = make_picture(size=(6000, 4000), colour=0, mode="L", progressive=True)
    start = raw.index(b"\xff\xda")
    end = raw.index(b"\xff\xda", start + 2)
    return raw[:start] + raw[start:end] * 60 + raw[start:]
