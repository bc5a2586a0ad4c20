"""One list of ciphertexts is another one, re-encrypted in secret order (PROTOCOL §8).

The proof of Terelius and Wikström as CHVote 1.3.2 writes it. Letters: N ciphertexts e (inputs) and e'
(outputs), a secret permutation ψ with e'_i = e_ψ(i) · (g, y)^r'_ψ(i); generators h and h_0 … h_(N-1)
of which nobody knows logarithms. Commitments c say which permutation, the chain ĉ that it is one; the
challenges u bind every input. Commitments t are part of the proof here, so that a verifier compares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from crypto.checker import Checker, Terms
from crypto.elgamal import Ciphertext
from crypto.encoding import require_list
from crypto.errors import MisuseError, RejectedError
from crypto.groups import Element, Group
from crypto.randomness import Coins

RULE = "H3"


@dataclass(frozen=True, slots=True)
class Statement:
    """What is proved, and for which election (its fingerprint and key ``y``)."""

    group: Group
    y: Element
    fingerprint: str
    inputs: tuple[Ciphertext, ...]
    outputs: tuple[Ciphertext, ...]

    @property
    def size(self) -> int:
        return len(self.inputs)

    def generators(self) -> list[Element]:
        """h_0 … h_(N-1)"""
        return [self.group.independent_generator(index) for index in range(self.size)]


@dataclass(frozen=True, slots=True)
class Commitments:
    """t1, t2, t3, (t41, t42) and, for each ciphertext, t̂_i."""

    t1: Element
    t2: Element
    t3: Element
    t4: tuple[Element, Element]
    chain: tuple[Element, ...]

    def texts(self) -> list[str]:
        return [e.text for e in (self.t1, self.t2, self.t3, *self.t4, *self.chain)]


@dataclass(frozen=True, slots=True)
class Responses:
    """s1 … s4 and, for each ciphertext, ŝ_i and s'_i; all in [0, q)."""

    s1: int
    s2: int
    s3: int
    s4: int
    chain: tuple[int, ...]
    challenges: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ShuffleProof:
    """A proof as it stands in the archive: t, s, c, ĉ."""

    t: Commitments
    s: Responses
    permutation: tuple[Element, ...]
    chain: tuple[Element, ...]

    def encode(self) -> list[Any]:
        t, s = self.t, self.s
        return [
            [t.t1.text, t.t2.text, t.t3.text, [e.text for e in t.t4], [e.text for e in t.chain]],
            [
                *(str(n) for n in (s.s1, s.s2, s.s3, s.s4)),
                [str(n) for n in s.chain],
                [str(n) for n in s.challenges],
            ],
            [e.text for e in self.permutation],
            [e.text for e in self.chain],
        ]


def parse_shuffle_proof(group: Group, value: Any, size: int, what: str) -> ShuffleProof:
    """Four nested arrays → ShuffleProof for ``size`` ciphertexts; refused under H2."""
    rule = "H2"

    def elements(item: Any, count: int) -> tuple[Element, ...]:
        rows = require_list(item, rule, count, what)
        return tuple(group.decode(text, rule, what, allow_identity=True) for text in rows)

    def scalars(item: Any, count: int) -> tuple[int, ...]:
        return tuple(group.parse_scalar(text, rule, what) for text in require_list(item, rule, count, what))

    first, second, permutation, chain = require_list(value, rule, 4, what)
    *single_elements, t4, t_chain = require_list(first, rule, 5, what)
    *single_scalars, s_chain, s_challenges = require_list(second, rule, 6, what)
    t1, t2, t3 = elements(single_elements, 3)
    t41, t42 = elements(t4, 2)
    s1, s2, s3, s4 = scalars(single_scalars, 4)
    return ShuffleProof(
        Commitments(t1, t2, t3, (t41, t42), elements(t_chain, size)),
        Responses(s1, s2, s3, s4, scalars(s_chain, size), scalars(s_challenges, size)),
        elements(permutation, size),
        elements(chain, size),
    )


# --- the two challenges ----------------------------------------------------------------------------


def _join(texts: Sequence[str]) -> str:
    """Every text followed by a comma: nothing of another length reads alike."""
    return "".join(f"{text}," for text in texts)


def _join_ciphertexts(ciphertexts: Sequence[Ciphertext]) -> str:
    return "".join(f"{c.alpha.text},{c.beta.text}," for c in ciphertexts)


def _context(statement: Statement, permutation: Sequence[Element]) -> str:
    """PROTOCOL's P: inputs, outputs, commitments to the permutation."""
    ciphertexts = _join_ciphertexts(statement.inputs) + _join_ciphertexts(statement.outputs)
    return ciphertexts + _join([c.text for c in permutation])


def _input_challenges(statement: Statement, context: str) -> list[int]:
    """u_0 … u_(N-1): one for each input, after everything that they must not depend on."""
    seed = sha256(f"shuffle-challenges|{statement.fingerprint}|{context}".encode()).hexdigest()

    def challenge(index: int) -> int:
        digest = sha256((seed + sha256(str(index).encode()).hexdigest()).encode()).digest()
        return int.from_bytes(digest) % statement.group.q

    return [challenge(index) for index in range(statement.size)]


def _challenge(statement: Statement, context: str, t: Commitments, chain: Sequence[Element]) -> int:
    text = (
        f"shuffle-challenge|{statement.fingerprint}|"
        + _join(t.texts())
        + context
        + _join([c.text for c in chain])
        + statement.y.text
    )
    return int.from_bytes(sha256(text.encode()).digest()) % statement.group.q


# --- shuffling -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Secrets:
    """What only who shuffled knows: ψ (output i is input ``permutation[i]``), and r'_k of each *input* k."""

    permutation: tuple[int, ...]
    randomness: tuple[int, ...]


def draw_permutation(size: int, coins: Coins) -> tuple[int, ...]:
    """Each order of ``size`` things equally likely (Fisher and Yates)."""
    order = list(range(size))
    for last in range(size - 1, 0, -1):
        other = coins.scalar(last + 1)
        order[last], order[other] = order[other], order[last]
    return tuple(order)


def shuffle(
    group: Group, y: Element, inputs: Sequence[Ciphertext], coins: Coins
) -> tuple[tuple[Ciphertext, ...], Secrets]:
    """Re-encrypts and reorders; the secrets are for :func:`prove` and then to be forgotten."""
    secrets = Secrets(
        draw_permutation(len(inputs), coins), tuple(coins.scalar(group.q) for _ in range(len(inputs)))
    )
    return tuple(reencrypt(group, y, inputs[k], secrets.randomness[k]) for k in secrets.permutation), secrets


def reencrypt(group: Group, y: Element, ciphertext: Ciphertext, randomness: int) -> Ciphertext:
    """The same message under other randomness."""
    return Ciphertext(
        group.multiply(ciphertext.alpha, group.power_g(randomness)),
        group.multiply(ciphertext.beta, group.power(y, randomness)),
    )


def prove(statement: Statement, secrets: Secrets, coins: Coins) -> ShuffleProof:
    """Proves that ``outputs`` are what ``secrets`` make of ``inputs``."""
    group, q, psi = statement.group, statement.group.q, secrets.permutation
    n, h_all = statement.size, statement.generators()
    if sorted(psi) != list(range(n)) or len(secrets.randomness) != n or len(statement.outputs) != n:
        raise MisuseError("this is no permutation of the inputs")

    def scalars() -> list[int]:
        return [coins.scalar(q) for _ in range(n)]

    # Commitment to the permutation: position k holds the generator of the place to which input k goes.
    r = scalars()
    permutation: list[Element] = [group.identity] * n
    for place, source in enumerate(psi):
        permutation[source] = group.multiply(group.power_g(r[source]), h_all[place])
    context = _context(statement, permutation)
    u = _input_challenges(statement, context)
    u_out = [u[source] for source in psi]

    r_hat, chain = scalars(), []
    previous = group.independent_generator(-1)
    for r_i, u_i in zip(r_hat, u_out, strict=True):
        previous = group.product_of_powers([(group.generator, r_i), (previous, u_i)])
        chain.append(previous)

    w1, w2, w3, w4 = (coins.scalar(q) for _ in range(4))
    w_hat, w_out = scalars(), scalars()
    before = [group.independent_generator(-1), *chain[:-1]] if n else []
    t = Commitments(
        group.power_g(w1),
        group.power_g(w2),
        group.product_of_powers([(group.generator, w3), *zip(h_all, w_out, strict=True)]),
        (
            group.product_of_powers([(statement.y, -w4), *_powers_of(statement.outputs, "beta", w_out)]),
            group.product_of_powers([(group.generator, -w4), *_powers_of(statement.outputs, "alpha", w_out)]),
        ),
        tuple(
            group.product_of_powers([(group.generator, w), (earlier, w_i)])
            for w, earlier, w_i in zip(w_hat, before, w_out, strict=True)
        ),
    )
    c = _challenge(statement, context, t, chain)
    # v_i: what is multiplied upon link i by all later links of the chain.
    v, factor = [0] * n, 1
    for i in range(n - 1, -1, -1):
        v[i] = factor
        factor = factor * u_out[i] % q
    s = Responses(
        (w1 + c * sum(r)) % q,
        (w2 + c * sum(a * b for a, b in zip(r_hat, v, strict=True))) % q,
        (w3 + c * sum(a * b for a, b in zip(r, u, strict=True))) % q,
        (w4 + c * sum(a * b for a, b in zip(secrets.randomness, u, strict=True))) % q,
        tuple((w + c * r_i) % q for w, r_i in zip(w_hat, r_hat, strict=True)),
        tuple((w + c * u_i) % q for w, u_i in zip(w_out, u_out, strict=True)),
    )
    return ShuffleProof(t, s, tuple(permutation), tuple(chain))


def _powers_of(ciphertexts: Sequence[Ciphertext], half: str, exponents: Sequence[int]) -> Terms:
    return [(getattr(c, half), exponent) for c, exponent in zip(ciphertexts, exponents, strict=True)]


# --- verifying -------------------------------------------------------------------------------------


def verify(statement: Statement, proof: ShuffleProof, checker: Checker, what: str) -> None:
    """Rule H3: every equation of the proof; RejectedError names the one that does not hold.

    That each element is in the group was checked when it was read, that the inputs are the right ones
    is the caller's to check (rule H1).
    """
    group, q, n = statement.group, statement.group.q, statement.size
    if len(statement.outputs) != n:
        raise RejectedError(
            RULE, f"{what}: {len(statement.outputs)} came out where {n} went in", checker.record
        )
    t, s, h_all = proof.t, proof.s, statement.generators()
    h = group.independent_generator(-1)
    context = _context(statement, proof.permutation)
    u = _input_challenges(statement, context)
    c = _challenge(statement, context, t, proof.chain)
    g, y = group.generator, statement.y
    c_product, h_product = group.product(proof.permutation), group.product(h_all)
    last = proof.chain[-1] if n else h
    all_u = 1
    for u_i in u:
        all_u = all_u * u_i % q
    scaled = [-c * u_i for u_i in u]
    equations: list[tuple[str, Element, Terms]] = [
        ("t1", t.t1, [(group.divide(c_product, h_product), -c), (g, s.s1)]),
        ("t2", t.t2, [(last, -c), (h, c * all_u), (g, s.s2)]),
        (
            "t3",
            t.t3,
            [*zip(proof.permutation, scaled, strict=True), (g, s.s3), *zip(h_all, s.challenges, strict=True)],
        ),
        (
            "t4,1",
            t.t4[0],
            [
                *_powers_of(statement.inputs, "beta", scaled),
                (y, -s.s4),
                *_powers_of(statement.outputs, "beta", s.challenges),
            ],
        ),
        (
            "t4,2",
            t.t4[1],
            [
                *_powers_of(statement.inputs, "alpha", scaled),
                (g, -s.s4),
                *_powers_of(statement.outputs, "alpha", s.challenges),
            ],
        ),
    ]
    before = [h, *proof.chain]
    for i in range(n):
        terms: Terms = [(proof.chain[i], -c), (g, s.chain[i]), (before[i], s.challenges[i])]
        equations.append((f"t̂ of row {i + 1}", t.chain[i], terms))
    for name, expected, powers in equations:
        if checker.commitment(powers, RULE) != expected.text:
            raise RejectedError(RULE, f"{what}: equation {name} does not hold", checker.record)
