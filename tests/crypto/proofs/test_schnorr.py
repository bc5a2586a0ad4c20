"""Knowledge of an exponent: complete for those who know it, and bound to every part of the statement."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crypto.checker import PlainChecker, Terms
from crypto.errors import RejectedError
from crypto.groups import Group, get_group
from crypto.groups.registry import GROUP_NAMES
from crypto.proofs import schnorr
from crypto.proofs.schnorr import Proof, parse_proof
from tests.crypto.refusals import refused
from tests.simulator import coins_for

EVERY_GROUP = pytest.mark.parametrize("G", [get_group(name) for name in GROUP_NAMES], ids=GROUP_NAMES)
PREFIX = "test|statement|"


def verify(G: Group, prefix: str, statement: Any, proof: Proof) -> None:
    checker = PlainChecker(G)
    schnorr.verify(G, prefix, statement, proof, checker, "X1", "the proof")
    checker.finish()


@EVERY_GROUP
@settings(max_examples=10)
@given(secret=st.integers(0, 2**256), seed=st.integers(), count=st.integers(1, 3))
def test_who_knows_the_secret_is_believed(G: Group, secret: int, seed: int, count: int) -> None:
    bases = [G.power_g(7**k) for k in range(count)]
    proof = schnorr.prove(G, PREFIX, bases, secret % G.q, coins_for(seed, "schnorr"))
    verify(G, PREFIX, [(base, G.power(base, secret)) for base in bases], proof)


@EVERY_GROUP
def test_every_part_of_the_statement_and_of_the_proof_counts(G: Group) -> None:
    secret = 123456789
    bases = [G.generator, G.power_g(5)]
    statement = [(base, G.power(base, secret)) for base in bases]
    proof = schnorr.prove(G, PREFIX, bases, secret, coins_for(1, "schnorr"))
    verify(G, PREFIX, statement, proof)
    other = G.power_g(99)
    wrong: list[tuple[str, Any, Proof]] = [
        (PREFIX + "x", statement, proof),
        ("", statement, proof),
        (PREFIX, statement, replace(proof, challenge=(proof.challenge + 1) % G.q)),
        (PREFIX, statement, replace(proof, response=(proof.response + 1) % G.q)),
        (PREFIX, statement, Proof(proof.response, proof.challenge)),
        (PREFIX, statement, Proof(0, 0)),
        (PREFIX, [(other, statement[0][1]), statement[1]], proof),
        (PREFIX, [(statement[0][0], other), statement[1]], proof),
        (PREFIX, [statement[0], (other, statement[1][1])], proof),
        (PREFIX, [statement[0], (statement[1][0], other)], proof),
        (PREFIX, statement[::-1], proof),
        (PREFIX, statement[:1], proof),
        (PREFIX, [*statement, statement[0]], proof),
    ]
    for prefix, claimed, made in wrong:
        with refused("X1", "does not hold", RejectedError):
            verify(G, prefix, claimed, made)


@EVERY_GROUP
def test_different_exponents_over_two_bases_are_not_one_secret(G: Group) -> None:
    """The decryption proof rests on this: a factor made with another key must not pass."""
    bases = [G.generator, G.power_g(5)]
    for secret in (3, 4):
        proof = schnorr.prove(G, PREFIX, bases, secret, coins_for(secret, "schnorr"))
        with refused("X1"):
            verify(G, PREFIX, [(bases[0], G.power_g(3)), (bases[1], G.power(bases[1], 4))], proof)


@EVERY_GROUP
@pytest.mark.parametrize(
    "change",
    [
        lambda p, q: {**p, "response": str(int(p["response"]) + q)},
        lambda p, q: {**p, "challenge": str(int(p["challenge"]) + q)},
        lambda p, q: {**p, "response": int(p["response"])},
        lambda p, q: {**p, "response": "0" + p["response"]},
        lambda p, q: {**p, "response": "-" + p["response"]},
        lambda p, q: {**p, "commitment": "1"},
        lambda p, q: {"response": p["response"], "challenge": p["challenge"]},
        lambda p, q: {"challenge": p["challenge"]},
        lambda p, q: {**p, "response": None},
        lambda p, q: [p["challenge"], p["response"]],
        lambda p, q: None,
        lambda p, q: "proof",
    ],
)
def test_a_proof_has_one_spelling(G: Group, change: Any) -> None:
    proof = schnorr.prove(G, PREFIX, [G.generator], 5, coins_for(1, "schnorr"))
    assert parse_proof(G, proof.encode(), "X1", "proof") == proof
    with refused("X1"):
        parse_proof(G, change(proof.encode(), G.q), "X1", "proof")


class LateChecker:
    """Believes whatever hint it is given, writes the equation down, and computes only in `finish`."""

    def __init__(self, group: Group, hints: list[str]) -> None:
        self.record: str | None = None
        self._group = group
        self._hints = iter(hints)
        self._open: list[tuple[str, Terms, str, str | None]] = []

    def commitment(self, terms: Terms, rule: str) -> str:
        hint = next(self._hints)
        self._open.append((hint, terms, rule, self.record))
        return hint

    def finish(self) -> None:
        for hint, terms, rule, record in self._open:
            if self._group.product_of_powers(terms).text != hint:
                raise RejectedError(rule, "an equation does not hold", record)


@EVERY_GROUP
def test_a_checker_may_compute_later_and_name_the_record_then(G: Group) -> None:
    """The interface must carry everything that a batching engine needs, or each proof would be rewritten for it."""
    secret, w = 77, 1234
    commitment = G.power_g(w).text
    statement = [(G.generator, G.power_g(secret))]
    from crypto import transcript

    c = transcript.challenge(G, PREFIX, [commitment])
    good = LateChecker(G, [commitment])
    schnorr.verify(G, PREFIX, statement, Proof(c, (w - secret * c) % G.q), good, "X1", "the proof")
    good.finish()
    bad = LateChecker(G, [commitment])
    bad.record = "ballot at height 3"
    schnorr.verify(G, PREFIX, statement, Proof(c, 5), bad, "X1", "the proof")
    with refused("X1", "ballot at height 3"):
        bad.finish()
