"""Reads sheets as people and telephones do: the text of pages by pdftotext, the codes in their pictures by zbarimg."""

import re
import shutil
import subprocess
import zlib
from dataclasses import dataclass
from pathlib import Path

import pytest

# Dots per inch; a telephone sees more.
_RESOLUTION = 110


@dataclass(frozen=True)
class Area:
    """A part of a page, in millimetres from its upper left corner."""

    x: float
    y: float
    width: float
    height: float

    def words(self) -> list[str]:
        """As options of the programs of poppler, which count points of the picture."""
        scale = _RESOLUTION / 25.4
        names = (("-x", self.x), ("-y", self.y), ("-W", self.width), ("-H", self.height))
        return [word for name, value in names for word in (name, str(round(value * scale)))]


def find_program(name: str, package: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is missing (Debian: apt-get install {package})")
    return path


class Reader:
    """Somebody with a document in front of them. Pages count from 1."""

    def __init__(self, document: bytes, folder: Path) -> None:
        self._folder = folder
        self._path = folder / "read.pdf"
        self._path.write_bytes(document)

    def read(self, page: int, area: Area | None = None) -> str:
        """The text of a page, with single blanks, and the letters rather than their forms."""
        program = find_program("pdftotext", "poppler-utils")
        part = ["-r", str(_RESOLUTION), *area.words()] if area else []
        command = [program, "-f", str(page), "-l", str(page), *part, self._path, "-"]
        run = subprocess.run(command, capture_output=True, check=True)
        assert run.stderr == b""
        return " ".join(run.stdout.decode().split())

    def count_pages(self) -> int:
        run = subprocess.run(
            [find_program("pdfinfo", "poppler-utils"), self._path], capture_output=True, check=True, text=True
        )
        return int(re.findall(r"^Pages: +(\d+)$", run.stdout, re.MULTILINE)[0])

    def scan(self, page: int, area: Area | None = None) -> list[str]:
        """What the QR codes say that can be seen there."""
        program = find_program("pdftoppm", "poppler-utils")
        part = area.words() if area else []
        words = ["-r", str(_RESOLUTION), "-gray", "-f", str(page), "-l", str(page), "-singlefile", *part]
        subprocess.run([program, *words, self._path, self._folder / "picture"], check=True)
        command = [find_program("zbarimg", "zbar-tools"), "--quiet", "--raw", self._folder / "picture.pgm"]
        # Without a message bus it complains, and works.
        run = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True, text=True
        )
        return run.stdout.splitlines()


def split_objects(document: bytes) -> tuple[bytes, list[bytes]]:
    """What a viewer acts on, and what it draws: the file without its streams, and the streams."""
    streams: list[bytes] = []

    def take(match: re.Match[bytes]) -> bytes:
        try:
            streams.append(zlib.decompress(match[1]))
        except zlib.error:
            streams.append(match[1])
        return b"stream endstream"

    return re.sub(rb"stream\n(.*?)\nendstream", take, document, flags=re.DOTALL), streams
