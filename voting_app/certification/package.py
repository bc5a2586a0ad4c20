"""The package of an election that has ended: everything for an auditor in one ZIP file, made while it is sent.

Nothing is compressed, and each file has the same date, so that the same election always gives the same bytes.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# The earliest that the format knows.
_DATE = (1980, 1, 1, 0, 0, 0)
_READABLE = 0o644 << 16
_PIECE = 1 << 18


@dataclass(frozen=True, slots=True)
class PackageFile:
    """A file of the package: its name, and its bytes in pieces."""

    name: str
    pieces: Iterable[bytes]


class _Pipe(io.RawIOBase):
    """What is written to it is taken out at the other end; nothing is kept."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._length = 0

    def writable(self) -> bool:
        return True

    def write(self, piece: object) -> int:
        data = bytes(piece)  # type: ignore[call-overload]
        self._pieces.append(data)
        self._length += len(data)
        return len(data)

    def take(self, at_least: int = 0) -> bytes:
        """What was written since the last time, or nothing while it is less than this."""
        if self._length < max(at_least, 1):
            return b""
        taken = b"".join(self._pieces)
        self._pieces.clear()
        self._length = 0
        return taken


def iter_package(files: Iterable[PackageFile]) -> Iterator[bytes]:
    """The ZIP file, piece by piece."""
    pipe = _Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_STORED) as package:
        for file in files:
            info = zipfile.ZipInfo(file.name, _DATE)
            info.external_attr = _READABLE
            # A ballot box may be larger than what the old form can say of a file, and its length is not known yet.
            with package.open(info, "w", force_zip64=True) as entry:
                for piece in file.pieces:
                    entry.write(piece)
                    if taken := pipe.take(_PIECE):
                        yield taken
    if taken := pipe.take():
        yield taken
