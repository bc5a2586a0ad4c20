"""What becomes of uploaded pictures, and which are refused."""

from collections.abc import Callable
from io import BytesIO

import pytest
from PIL import Image

from tests.voting_app.candidates.pictures import (
    make_camera_picture,
    make_many_scans,
    make_noise,
    make_picture,
    make_png_bomb,
)
from voting_app.candidates.photos import LARGEST_PHOTO, LONGEST_SIDE, LONGEST_UPLOAD, make_photo
from voting_app.errors import Problem


def read(raw: bytes) -> Image.Image:
    picture = Image.open(BytesIO(raw), formats=("JPEG",))
    picture.load()
    return picture


@pytest.mark.parametrize(
    "raw",
    [
        make_picture(),
        make_picture("PNG"),
        make_picture("PNG", mode="P", colour=3),
        make_picture("PNG", mode="L", colour=3),
        make_picture("PNG", mode="1", colour=1),
        make_picture("PNG", mode="I;16", colour=300),
        make_picture("JPEG", mode="CMYK", colour=(1, 2, 3, 4)),
        make_picture("JPEG", mode="L", colour=9),
        make_picture("JPEG", (1200, 900), progressive=True),
        make_picture("JPEG", (1, 900)),
    ],
    ids=range(10),
)
def test_every_picture_becomes_a_small_one(raw: bytes) -> None:
    photo = make_photo(raw)
    picture = read(photo)
    assert picture.mode == "RGB"
    assert max(picture.size) <= LONGEST_SIDE
    assert len(photo) <= LARGEST_PHOTO


def test_greys_of_sixteen_bits_stay_greys() -> None:
    picture = read(make_photo(make_picture("PNG", mode="I;16", colour=32_000)))
    assert all(abs(value - 125) < 3 for value in picture.getpixel((5, 5)))  # type: ignore[union-attr]


def test_noise_becomes_small_too() -> None:
    assert len(make_photo(make_noise((900, 700)))) <= LARGEST_PHOTO


def test_what_a_camera_writes_is_gone_and_the_picture_stands_upright() -> None:
    raw = make_camera_picture()
    assert raw.count(b"SECRET") > 3
    photo = make_photo(raw)
    assert b"SECRET" not in photo
    picture = read(photo)
    assert picture.size == (60, 80)
    assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert not picture.getexif()


def test_what_is_hidden_behind_the_picture_is_gone() -> None:
    assert b"<script" not in make_photo(make_picture() + b"<script>alert(1)</script>")


def test_what_can_be_seen_through_is_white() -> None:
    picture = read(make_photo(make_picture("PNG", mode="RGBA", colour=(0, 0, 0, 0))))
    pixel = picture.getpixel((5, 5))
    assert isinstance(pixel, tuple)
    assert min(pixel) > 250


@pytest.mark.parametrize(
    "make, code",
    [
        (lambda: b"", "bad-photo"),
        (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "bad-photo"),
        (lambda: b"GIF89a" + bytes(100), "bad-photo"),
        (lambda: make_picture("WEBP"), "bad-photo"),
        (lambda: make_picture("TIFF"), "bad-photo"),
        (lambda: make_picture("BMP"), "bad-photo"),
        # The type is what the bytes are; a broken one, or one in another's clothes, is none.
        (lambda: make_picture()[:200], "bad-photo"),
        (lambda: make_picture("PNG")[:60], "bad-photo"),
        (lambda: b"\xff\xd8\xff" + make_picture("PNG"), "bad-photo"),
        (lambda: b"\x89PNG\r\n\x1a\n" + make_picture(), "bad-photo"),
        (lambda: b"\xff\xd8\xff" + bytes(1000), "bad-photo"),
        (lambda: make_picture() + bytes(LONGEST_UPLOAD), "large-photo"),
        (lambda: make_png_bomb(5000, 4001), "large-photo"),
        (lambda: make_png_bomb(65_000, 65_000), "large-photo"),
        (lambda: make_png_bomb(0, 10), "bad-photo"),
        (make_many_scans, "large-photo"),
    ],
    ids=range(16),
)
def test_what_is_refused(make: Callable[[], bytes], code: str) -> None:
    raw = make()
    with pytest.raises(Problem) as caught:
        make_photo(raw)
    assert (caught.value.status, caught.value.code) == (422, code)
