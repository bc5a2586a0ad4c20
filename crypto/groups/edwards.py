"""Additions on edwards25519 with gmpy2, for tables of a fixed base (RFC 8032 §5.1; formulas of
Hisil, Wong, Carter and Dawson 2008, complete for this curve).

Only for public values: nothing here runs in constant time.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gmpy2

from crypto.errors import MisuseError
from crypto.groups.fixed_base import window_digits

_P = gmpy2.mpz(2**255 - 19)
_D = -121665 * gmpy2.invert(121666, _P) % _P
_SQRT_MINUS_1 = gmpy2.powmod(2, (_P - 1) // 4, _P)
_BITS = 253
_WIDTH = 10  # bits of a window: 26 additions a power, 27,000 entries, about 8 MB

# A point is (X, Y, Z, T) with x = X/Z, y = Y/Z, T = XY/Z; a table entry is (y+x, y-x, 2d·xy).
_Point = tuple[Any, Any, Any, Any]
_Entry = tuple[Any, Any, Any]
_NEUTRAL: _Point = (gmpy2.mpz(0), gmpy2.mpz(1), gmpy2.mpz(1), gmpy2.mpz(0))


def _decompress(raw: bytes) -> _Point:
    """RFC 8032 §5.1.3 for a point that was checked before."""
    number = int.from_bytes(raw, "little")
    sign, y = number >> 255, gmpy2.mpz(number & ((1 << 255) - 1))
    u, v = (y * y - 1) % _P, (_D * y * y + 1) % _P
    x = u * gmpy2.powmod(v, 3, _P) * gmpy2.powmod(u * gmpy2.powmod(v, 7, _P), (_P - 5) // 8, _P) % _P
    if (v * x * x - u) % _P:
        x = x * _SQRT_MINUS_1 % _P
    if (v * x * x - u) % _P:
        raise MisuseError("a table was asked for what is no point of the curve")
    if (x & 1) != sign:
        x = -x % _P
    return x, y, gmpy2.mpz(1), x * y % _P


def _compress(point: _Point) -> bytes:
    x, y, z, _ = point
    inverse = gmpy2.invert(z, _P)
    affine_x, affine_y = x * inverse % _P, y * inverse % _P
    return int(affine_y | (affine_x & 1) << 255).to_bytes(32, "little")


def _add_entry(point: _Point, entry: _Entry) -> _Point:
    x, y, z, t = point
    plus, minus, scaled = entry
    a, b, c = (y - x) * minus % _P, (y + x) * plus % _P, t * scaled % _P
    d = z + z
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % _P, g * h % _P, f * g % _P, e * h % _P


def _entries(points: list[_Point]) -> list[_Entry]:
    """Table entries of the points, with one inversion for all (Montgomery's trick)."""
    running, products = gmpy2.mpz(1), []
    for point in points:
        products.append(running)
        running = running * point[2] % _P
    inverse = gmpy2.invert(running, _P)
    entries: list[_Entry] = []
    for point, before in zip(reversed(points), reversed(products), strict=True):
        own = inverse * before % _P
        inverse = inverse * point[2] % _P
        x, y = point[0] * own % _P, point[1] * own % _P
        entries.append(((y + x) % _P, (y - x) % _P, 2 * _D * x * y % _P))
    entries.reverse()
    return entries


def make_power(raw: bytes) -> Callable[[int], bytes]:
    """A function from an exponent in [0, q) to the compressed base^exponent."""
    table: list[list[_Entry]] = []
    base = _decompress(raw)
    for _ in range(-(-_BITS // _WIDTH)):
        [step] = _entries([base])
        points = [_NEUTRAL]
        for _ in range(1 << _WIDTH):
            points.append(_add_entry(points[-1], step))
        base = points.pop()
        table.append(_entries(points))

    def power(exponent: int) -> bytes:
        total = _NEUTRAL
        for window, digit in zip(table, window_digits(exponent, _WIDTH), strict=False):
            if digit:
                total = _add_entry(total, window[digit])
        return _compress(total)

    return power
