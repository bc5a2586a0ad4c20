"""Partial decryptions of the tally, and the strong proofs beside them (PROTOCOL §8; D1–D4).

A trustee applies the key to the encrypted tally only: never to a single ballot as it was cast, never to an
element that a server chose. Where ballots are shuffled, "the tally" here has the last shuffle's rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crypto.checker import Checker
from crypto.election import Election
from crypto.encoding import (
    encode_json_bytes,
    parse_json,
    require_fields,
    require_int,
    require_list,
    require_sha256_hex,
)
from crypto.errors import MisuseError, RejectedError
from crypto.groups import Element, Group
from crypto.pedersen import PedersenParams
from crypto.proofs.decryption import prove_plain, prove_strong, verify_plain, verify_strong
from crypto.proofs.schnorr import Proof, parse_proof
from crypto.randomness import Coins
from crypto.tally import EncryptedTally, require_row
from crypto.trustee_key import TrusteeKey
from crypto.trustees import Trustees

Factors = tuple[tuple[Element, ...], ...]
Proofs = tuple[tuple[Proof, ...], ...]


@dataclass(frozen=True, slots=True)
class PartialDecryption:
    """One factor α^x and one proof per ciphertext, nested like the tally."""

    factors: Factors
    proofs: Proofs


@dataclass(frozen=True, slots=True)
class Owned:
    """Who owns the partial decryption whose record has that hash."""

    owner: int
    payload: str

    def encode(self) -> bytes:
        return encode_json_bytes({"owner": self.owner, "payload": self.payload})


def parse_owned(raw: bytes) -> Owned:
    """Rule D1's record."""
    fields = require_fields(parse_json(raw, "D1"), ("owner", "payload"), "D1")
    return Owned(
        require_int(fields["owner"], "D1", "owner", 1),
        require_sha256_hex(fields["payload"], "D1", "payload"),
    )


def _nest(election: Election, rows: Sequence[Sequence[Any]]) -> list[Any]:
    """Rows as the records nest them."""
    return [question.split(row) for question, row in zip(election.questions, rows, strict=True)]


def make_partial_decryption(election: Election, tally: EncryptedTally, secret: int, coins: Coins) -> bytes:
    """A trustee's record: factors and plain proofs, as the archive wants them."""
    group = election.group
    factors = _nest(election, [[group.power(c.alpha, secret).text for c in row] for row in tally])
    proofs = _nest(
        election,
        [
            [prove_plain(group, election.fingerprint, secret, c.alpha, coins).encode() for c in row]
            for row in tally
        ],
    )
    return encode_json_bytes({"decryption_factors": factors, "decryption_proofs": proofs})


def _parse_rows(
    election: Election, value: Any, tally: EncryptedTally, rule: str, what: str
) -> list[list[Any]]:
    """Nested like the tally, or MalformedError."""
    rows = require_list(value, rule, len(tally), what)
    return [
        require_row(question, row, rule, what, len(ciphertexts))
        for question, row, ciphertexts in zip(election.questions, rows, tally, strict=True)
    ]


def _parse_proofs(election: Election, value: Any, tally: EncryptedTally, rule: str, what: str) -> Proofs:
    return tuple(
        tuple(parse_proof(election.group, item, rule, what) for item in row)
        for row in _parse_rows(election, value, tally, rule, what)
    )


def parse_partial_decryption(election: Election, tally: EncryptedTally, raw: bytes) -> PartialDecryption:
    """Rule D2. A factor is the identity exactly where its alpha is."""
    group = election.group
    fields = require_fields(parse_json(raw, "D2"), ("decryption_factors", "decryption_proofs"), "D2")
    rows = _parse_rows(election, fields["decryption_factors"], tally, "D2", "decryption factors")
    factors = tuple(
        tuple(group.decode(item, "D2", "decryption factor", allow_identity=True) for item in row)
        for row in rows
    )
    for ciphertexts, row in zip(tally, factors, strict=True):
        for ciphertext, factor in zip(ciphertexts, row, strict=True):
            if (ciphertext.alpha == group.identity) != (factor == group.identity):
                raise RejectedError("D2", "a decryption factor cannot be right: it is 1, or ought to be")
    proofs = _parse_proofs(election, fields["decryption_proofs"], tally, "D2", "decryption proof")
    return PartialDecryption(factors, proofs)


def verify_partial_decryption(
    election: Election, tally: EncryptedTally, public_key: Element, pd: PartialDecryption, checker: Checker
) -> None:
    """Rule D3 on every factor."""
    for row, factors, proofs in zip(tally, pd.factors, pd.proofs, strict=True):
        for ciphertext, factor, proof in zip(row, factors, proofs, strict=True):
            verify_plain(
                election.group, election.fingerprint, public_key, ciphertext.alpha, factor, proof, checker
            )


def make_strong_proofs(
    election: Election, tally: EncryptedTally, secret: int, owner: int, coins: Coins
) -> dict[str, Any]:
    """The payload of a "strong-decryption" journal line."""
    group = election.group
    return {
        "owner": owner,
        "proofs": _nest(
            election,
            [
                [prove_strong(group, election.fingerprint, secret, c.alpha, coins).encode() for c in row]
                for row in tally
            ],
        ),
    }


def verify_strong_proofs(
    election: Election,
    tally: EncryptedTally,
    public_key: Element,
    pd: PartialDecryption,
    value: Any,
    checker: Checker,
) -> None:
    """Rule D4 on every factor; ``value`` is what :func:`make_strong_proofs` returns."""
    fields = require_fields(value, ("owner", "proofs"), "D4")
    parsed = _parse_proofs(election, fields["proofs"], tally, "D4", "strong decryption proof")
    for row, factors, proofs in zip(tally, pd.factors, parsed, strict=True):
        for ciphertext, factor, proof in zip(row, factors, proofs, strict=True):
            verify_strong(
                election.group, election.fingerprint, public_key, ciphertext.alpha, factor, proof, checker
            )


def lagrange(group: Group, indices: Sequence[int], index: int) -> int:
    """λ_index = ∏ k/(k − index) mod q over the other indices."""
    result = 1
    for k in indices:
        if k != index:
            result = result * k * pow(k - index, -1, group.q) % group.q
    return result


def _item_factors(
    group: Group, item: TrusteeKey | PedersenParams, owners: range, partials: Mapping[int, PartialDecryption]
) -> list[tuple[PartialDecryption, int]]:
    """The partial decryptions to use for one item, each with its exponent."""
    present = [owner for owner in owners if owner in partials]
    if isinstance(item, TrusteeKey):
        chosen, indices = present, [1]
    else:
        chosen = present[: item.threshold]
        indices = [owner - owners[0] + 1 for owner in chosen]
    needed = 1 if isinstance(item, TrusteeKey) else item.threshold
    if len(chosen) < needed:
        who = f"trustee {owners[0]}" if needed == 1 else f"{needed} of trustees {owners[0]}–{owners[-1]}"
        raise RejectedError("D5", f"the decryption of {who} is missing")
    if isinstance(item, TrusteeKey):
        return [(partials[chosen[0]], 1)]
    return [
        (partials[owner], lagrange(group, indices, index))
        for owner, index in zip(chosen, indices, strict=True)
    ]


def spare_decryptions(
    trustees: Trustees, partials: Mapping[int, PartialDecryption]
) -> Iterator[tuple[int, dict[int, PartialDecryption]]]:
    """Each owner whom :func:`combine_factors` does not need, with a choice of decryptions that needs it.

    The proof of a spare decryption says too little (PROTOCOL §14), so it must agree with the others.
    """
    for item, owners in trustees.spans():
        if isinstance(item, TrusteeKey):
            continue
        present = [owner for owner in owners if owner in partials]
        kept = present[: item.threshold - 1]
        for spare in present[item.threshold :]:
            left_out = {owner for owner in present if owner not in kept and owner != spare}
            yield spare, {owner: pd for owner, pd in partials.items() if owner not in left_out}


def combine_factors(
    election: Election, trustees: Trustees, tally: EncryptedTally, partials: Mapping[int, PartialDecryption]
) -> Factors:
    """∏ of all factors (with Lagrange exponents in threshold groups); rule D5 if some are missing."""
    group = election.group
    used: list[tuple[PartialDecryption, int]] = []
    for item, owners in trustees.spans():
        used += _item_factors(group, item, owners, partials)
    if not used:
        raise MisuseError("an election has trustees")
    return tuple(
        tuple(
            group.product_of_powers([(pd.factors[row][column], exponent) for pd, exponent in used])
            for column in range(len(ciphertexts))
        )
        for row, ciphertexts in enumerate(tally)
    )
