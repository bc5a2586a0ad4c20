"""Range requests (RFC 9110 §14) on a body that is streamed: the header's text -> which bytes."""

import re
from dataclasses import dataclass

_SINGLE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ByteRange:
    """The bytes [start, end) of a file."""

    start: int
    end: int


class UnsatisfiableRangeError(Exception):
    """The range asks for no byte that exists."""


def parse_range(text: str | None, length: int) -> ByteRange | None:
    """Return the bytes that a Range header asks for, None for the whole file.

    A header that is not understood, or that asks for several ranges, asks for the whole file, as the RFC
    allows. Raises UnsatisfiableRangeError when nothing of the range exists.
    """
    match = _SINGLE.fullmatch(text.replace(" ", "")) if text else None
    if match is None:
        return None
    first, last = match.groups()
    if not first:
        if not last:
            return None
        if int(last) == 0 or length == 0:
            raise UnsatisfiableRangeError
        return ByteRange(max(0, length - int(last)), length)
    start = int(first)
    if last and int(last) < start:
        return None  # not a valid range, hence none
    if start >= length:
        raise UnsatisfiableRangeError
    return ByteRange(start, min(int(last) + 1, length) if last else length)
