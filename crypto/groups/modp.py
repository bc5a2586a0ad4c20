"""The multiplicative groups BELENIOS-2048 and RFC-3526-2048 through gmpy2; PROTOCOL §2.1.

The text form is the canonical decimal number; ``raw`` holds a gmpy2 integer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import gmpy2

from crypto.encoding import parse_decimal
from crypto.errors import MalformedError, RejectedError
from crypto.groups.fixed_base import FixedBases, LazyTable, window_digits
from crypto.groups.interface import Element, Group, hash_of_generator

_BELENIOS_P = int(
    "206947856914225464010136436575050080649229892957511040971008847870573742192427174019222372"
    "544976843381290666331380789584049600543896362897963930387739057228036059737494276713767776"
    "188985898727358650490811670993105358677809800307904916540637771737641986785272734744763418"
    "356000356983051931442845617019110007867373073335641239717328979132404745788344682606523279"
    "746479511376726586935821800463179220736688600526271863633860887968821207694323661494910029"
    "234443463732221458841005864210502421203654335612013204811188524087310770141516662001623131"
    "77169372189248078507711827842317498073276598828825169183103125680162072880719"
)
_BELENIOS_Q = 78571733251071885079927659812671450121821421258408794611510081919805623223441
_BELENIOS_G = int(
    "240235267750185220922768770353239993271228765737836491651007531878766327414635321932028567"
    "615526967879969466829874938909508389657342560190060106847716449173547413728310461045868131"
    "451178164675540052740288984613986453266121505579709716201616827031288643245666383486363578"
    "210615491841998253431518974065818686865115135857641013888221539601604322884360393098933366"
    "277284840659313840601023167509576377798266510360682240663507669776402534625377308513317349"
    "519424896775405257365904949247763147599157519877517771148149092045660020547812705472823814"
    "0972518639858334115700568353695553423781475582491896050296680037745308460627"
)
# RFC 3526 section 3, group 14
_RFC_P = int(
    "ffffffffffffffffc90fdaa22168c234c4c6628b80dc1cd129024e088a67cc74020bbea63b139b22514a08798e"
    "3404ddef9519b3cd3a431b302b0a6df25f14374fe1356d6d51c245e485b576625e7ec6f44c42e9a637ed6b0bff"
    "5cb6f406b7edee386bfb5a899fa5ae9f24117c4b1fe649286651ece45b3dc2007cb8a163bf0598da48361c55d3"
    "9a69163fa8fd24cf5f83655d23dca3ad961c62f356208552bb9ed529077096966d670c354e4abc9804f1746c08"
    "ca18217c32905e462e36ce3be39e772c180e86039b2783a2ec07a28fb5c55df06f4c52c9de2bcbf69558171839"
    "95497cea956ae515d2261898fa051015728e5a8aacaa68ffffffffffffffff",
    16,
)
_RFC_Q = (_RFC_P - 1) // 2


class ModularGroup(Group):
    """The subgroup of prime order q of the integers modulo a prime p."""

    def __init__(self, name: str, p: int, q: int, g: int, *, most_integers: int = 0) -> None:
        self.name = name
        self.most_integers = most_integers
        self.padding = 8
        self.q = q
        self._p = gmpy2.mpz(p)
        self._width = (p.bit_length() + 7) // 8
        # In a safe-prime group membership is quadratic residuosity, which the Jacobi symbol tells
        # a hundred times faster than a power.
        self._is_safe_prime = p == 2 * q + 1
        self.generator = self._element(gmpy2.mpz(g))
        self.identity = self._element(gmpy2.mpz(1))

    def _element(self, raw: Any) -> Element:
        return Element(raw, str(raw))

    def _is_member(self, x: Any) -> bool:
        if self._is_safe_prime:
            return bool(gmpy2.jacobi(x, self._p) == 1)
        return bool(gmpy2.powmod(x, self.q, self._p) == 1)

    def decode(self, text: Any, rule: str, what: str, *, allow_identity: bool) -> Element:
        value = gmpy2.mpz(parse_decimal(text, rule, what))
        if not 0 < value < self._p:
            raise MalformedError(rule, f"{what}: not between 1 and p-1")
        if value == 1:
            if allow_identity:
                return self.identity
            raise RejectedError(rule, f"{what}: the identity is not allowed here")
        if not self._is_member(value):
            raise RejectedError(rule, f"{what}: not an element of the prime-order group")
        return Element(value, text)

    def multiply(self, a: Element, b: Element) -> Element:
        return self._element(a.raw * b.raw % self._p)

    def inverse(self, a: Element) -> Element:
        return self._element(gmpy2.invert(a.raw, self._p))

    def power(self, a: Element, exponent: int) -> Element:
        return self._element(gmpy2.powmod(a.raw, exponent % self.q, self._p))

    def power_g(self, exponent: int) -> Element:
        return self.power(self.generator, exponent)

    def product_of_powers(
        self, terms: Sequence[tuple[Element, int]], tables: FixedBases[Any] | None = None
    ) -> Element:
        # One text form at the end: writing 2048 bits in decimal is not free.
        result = gmpy2.mpz(1)
        for base, exponent in terms:
            table = None if tables is None else tables.find(base.text)
            reduced = exponent % self.q
            raised = gmpy2.powmod(base.raw, reduced, self._p) if table is None else table.power(reduced)
            result = result * raised % self._p
        return self._element(result)

    def make_tables(self, bases: Sequence[Element]) -> FixedBases[Any]:
        return FixedBases((base.text, self._make_table(base.raw)) for base in (self.generator, *bases))

    def _make_table(self, base: Any) -> LazyTable[Any]:
        def plain(exponent: int) -> Any:
            return gmpy2.powmod(base, exponent, self._p)

        return LazyTable(plain, lambda: self._build_table(base))

    def _build_table(self, base: Any) -> Callable[[int], Any]:
        """8-bit windows for a 256-bit order, 5-bit ones for a 2047-bit order: a few MB each."""
        width = 8 if self.q.bit_length() <= 256 else 5
        table: list[list[Any]] = []
        for _ in range(-(-self.q.bit_length() // width)):
            row = [gmpy2.mpz(1)]
            for _ in range(1 << width):
                row.append(row[-1] * base % self._p)
            base = row.pop()
            table.append(row)

        def power(exponent: int) -> Any:
            result = gmpy2.mpz(1)
            for row, digit in zip(table, window_digits(exponent, width), strict=False):
                if digit:
                    result = result * row[digit] % self._p
            return result

        return power

    def sort_key(self, a: Element) -> bytes:
        return int(a.raw).to_bytes(self._width)

    def _to_number(self, a: Element) -> int:
        return int(a.raw)

    def _from_number(self, number: int) -> Element | None:
        value = gmpy2.mpz(number)
        return self._element(value) if 0 < value < self._p and self._is_member(value) else None

    def _derive_generator(self, index: int) -> Element:
        cofactor = (self._p - 1) // self.q
        return self._element(gmpy2.powmod(hash_of_generator(index), cofactor, self._p))

    def unverified_sort_key(self, text: str) -> bytes | None:
        try:
            return parse_decimal(text, "B5", "element").to_bytes(self._width)
        except (MalformedError, OverflowError):
            return None


def make_belenios_2048() -> ModularGroup:
    """2048-bit p, 256-bit q; homomorphic questions only."""
    return ModularGroup("BELENIOS-2048", _BELENIOS_P, _BELENIOS_Q, _BELENIOS_G)


def make_rfc_3526_2048() -> ModularGroup:
    """The safe-prime group 14 of RFC 3526 with generator 2."""
    return ModularGroup("RFC-3526-2048", _RFC_P, _RFC_Q, 2, most_integers=254)
