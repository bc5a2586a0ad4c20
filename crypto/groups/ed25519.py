"""Ed25519 through libsodium (PyNaCl); PROTOCOL §2.2.

The text form is the 256-bit compressed point as 64 lower-case hex digits, most significant first:
the RFC 8032 byte string reversed. ``raw`` holds the RFC 8032 bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nacl.bindings import (
    crypto_core_ed25519_add,
    crypto_core_ed25519_is_valid_point,
    crypto_scalarmult_ed25519_base_noclamp,
    crypto_scalarmult_ed25519_noclamp,
)
from nacl.exceptions import RuntimeError as NaClRuntimeError

from crypto.encoding import is_sha256_hex
from crypto.errors import MalformedError, RejectedError
from crypto.groups import edwards
from crypto.groups.fixed_base import FixedBases, LazyTable
from crypto.groups.interface import Element, Group, hash_of_generator

_ORDER = 2**252 + 27742317777372353535851937790883648493
_IDENTITY = b"\x01" + bytes(31)
_GENERATOR = bytes.fromhex("58" + "66" * 31)


def _element(raw: bytes) -> Element:
    return Element(raw, raw[::-1].hex())


class Ed25519(Group):
    """The prime-order subgroup of edwards25519."""

    name = "Ed25519"
    q = _ORDER
    generator = _element(_GENERATOR)
    identity = _element(_IDENTITY)
    most_integers = 30
    padding = 14

    def decode(self, text: Any, rule: str, what: str, *, allow_identity: bool) -> Element:
        if not is_sha256_hex(text):  # the same shape: 64 lower-case hex digits
            raise MalformedError(rule, f"{what}: an Ed25519 element has 64 lower-case hex digits")
        raw = bytes.fromhex(text)[::-1]
        if raw == _IDENTITY:
            if allow_identity:
                return self.identity
            raise RejectedError(rule, f"{what}: the identity is not allowed here")
        # libsodium checks: y < p, on the curve, not of small order, in the prime-order subgroup.
        if not crypto_core_ed25519_is_valid_point(raw):
            raise RejectedError(rule, f"{what}: not an element of the prime-order group")
        return Element(raw, text)

    def multiply(self, a: Element, b: Element) -> Element:
        return _element(crypto_core_ed25519_add(a.raw, b.raw))

    def inverse(self, a: Element) -> Element:
        if a.raw == _IDENTITY:
            return a
        return _element(a.raw[:31] + bytes([a.raw[31] ^ 0x80]))

    def power(self, a: Element, exponent: int) -> Element:
        exponent %= _ORDER
        # libsodium refuses scalar 0 and the identity; both are plain mathematics here.
        if exponent == 0 or a.raw == _IDENTITY:
            return self.identity
        return _element(crypto_scalarmult_ed25519_noclamp(exponent.to_bytes(32, "little"), a.raw))

    def power_g(self, exponent: int) -> Element:
        exponent %= _ORDER
        if exponent == 0:
            return self.identity
        return _element(crypto_scalarmult_ed25519_base_noclamp(exponent.to_bytes(32, "little")))

    def product_of_powers(
        self, terms: Sequence[tuple[Element, int]], tables: FixedBases[bytes] | None = None
    ) -> Element:
        # The hot path of verification: no intermediate text form, no addition of the identity.
        total = _IDENTITY
        for base, exponent in terms:
            reduced = exponent % _ORDER
            if reduced == 0 or base.raw == _IDENTITY:
                continue
            scalar = reduced.to_bytes(32, "little")
            if base.raw == _GENERATOR:
                raised = crypto_scalarmult_ed25519_base_noclamp(scalar)
            elif tables is not None and (table := tables.find(base.text)) is not None:
                raised = table.power(reduced)
            else:
                raised = crypto_scalarmult_ed25519_noclamp(scalar, base.raw)
            total = raised if total == _IDENTITY else crypto_core_ed25519_add(total, raised)
        return _element(total)

    def make_tables(self, bases: Sequence[Element]) -> FixedBases[bytes]:
        # libsodium has a table of its own for the generator.
        return FixedBases((base.text, self._make_table(base)) for base in bases if base != self.identity)

    def _make_table(self, base: Element) -> LazyTable[bytes]:
        def plain(exponent: int) -> bytes:
            return bytes(self.power(base, exponent).raw)

        return LazyTable(plain, lambda: edwards.make_power(base.raw))

    def sort_key(self, a: Element) -> bytes:
        return bytes(a.raw)

    def _to_number(self, a: Element) -> int:
        return int.from_bytes(a.raw, "little")

    def _from_number(self, number: int) -> Element | None:
        raw = number.to_bytes(32, "little")
        # Three nothings embed as the number 1, which is the identity.
        is_member = raw == _IDENTITY or crypto_core_ed25519_is_valid_point(raw)
        return _element(raw) if is_member else None

    def _derive_generator(self, index: int) -> Element:
        number = hash_of_generator(index) >> 2
        while True:
            try:
                return self._times_eight(number.to_bytes(32, "little"))
            except NaClRuntimeError:  # not on the curve
                number += 1

    def _times_eight(self, raw: bytes) -> Element:
        for _ in range(3):
            raw = crypto_core_ed25519_add(raw, raw)
        return _element(raw)

    def unverified_sort_key(self, text: str) -> bytes | None:
        return bytes.fromhex(text)[::-1] if is_sha256_hex(text) else None
