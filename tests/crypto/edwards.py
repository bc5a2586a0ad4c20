"""edwards25519 by the formulas of RFC 8032 §5.1, for comparison and for points that a library refuses to make."""

import hashlib

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
_SQRT_M1 = pow(2, (P - 1) // 4, P)

Point = tuple[int, int]
IDENTITY: Point = (0, 1)


def recover_x(y: int, sign: int) -> int | None:
    """x with that sign, or None if no point has this y. x = 0 is given for either sign."""
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * _SQRT_M1 % P
    if (x * x - square) % P:
        return None
    return P - x if x and x % 2 != sign else x


def add(a: Point, b: Point) -> Point:
    (x1, y1), (x2, y2) = a, b
    product = D * x1 * x2 * y1 * y2 % P
    x = (x1 * y2 + x2 * y1) * pow(1 + product, -1, P) % P
    y = (y1 * y2 + x1 * x2) * pow(1 - product, -1, P) % P
    return x, y


def multiply(point: Point, scalar: int) -> Point:
    result = IDENTITY
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def encode(point: Point) -> bytes:
    """RFC 8032 bytes."""
    x, y = point
    return (y | (x & 1) << 255).to_bytes(32, "little")


def secret_scalar(secret: bytes) -> int:
    """The clamped scalar of an RFC 8032 secret key."""
    a = int.from_bytes(hashlib.sha512(secret).digest()[:32], "little")
    return a & (2**254 - 8) | 2**254


_BASE_Y = 4 * pow(5, -1, P) % P
BASE: Point = (recover_x(_BASE_Y, 0) or 0, _BASE_Y)


def _order_eight() -> Point:
    for y in range(2, 1000):
        x = recover_x(y, 0)
        if x is not None:
            point = multiply((x, y), L)
            if multiply(point, 4) != IDENTITY:
                return point
    raise AssertionError("no point of order 8")


# The eight points of the torsion subgroup: TORSION[i] = i·T, T of order 8
TORSION: tuple[Point, ...] = tuple(multiply(_order_eight(), i) for i in range(8))
LOW_ORDER: tuple[bytes, ...] = tuple(encode(point) for point in TORSION)


def _non_canonical() -> tuple[bytes, ...]:
    texts = []
    # y in [p, 2^255): nineteen values, each a second spelling of y - p
    for small in range(19):
        for sign in (0, 1):
            texts.append((P + small | sign << 255).to_bytes(32, "little"))
    # x = 0 with the sign bit: y = 1 and y = -1
    for y in (1, P - 1):
        texts.append((y | 1 << 255).to_bytes(32, "little"))
    return tuple(texts)


NON_CANONICAL: tuple[bytes, ...] = _non_canonical()
