"""Chance: coins are those of the format, uniform, and told from nothing; secrets do not repeat."""

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Sequence

import pytest

from crypto.credentials import derive_secret
from crypto.elgamal import encrypt
from crypto.encoding import is_base58, is_uuid
from crypto.errors import MisuseError
from crypto.groups import get_group
from crypto.groups.registry import GROUP_NAMES
from crypto.proofs import disjunction
from crypto.randomness import (
    SeedCoins,
    SystemCoins,
    new_account_number,
    new_base58,
    new_hex,
    new_seed,
    new_token,
    new_trustee_seed,
    new_uuid,
)

# A sound program fails one of these tests once in ten thousand million runs.
FALSE_ALARM = 1e-10


# --- coins -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["Ed25519", "BELENIOS-2048"])
def test_a_coin_is_one_hash_of_seed_and_number(name: str) -> None:
    q, seed = get_group(name).q, bytes(range(32))
    coins = SeedCoins(seed)
    for i in range(5):
        digest = hashlib.sha512(f"steward-coin|{seed.hex()}|{i}".encode()).digest()
        assert coins.scalar(q) == int.from_bytes(digest) % q


def test_a_coin_for_a_long_q_is_several_hashes() -> None:
    q, seed = get_group("RFC-3526-2048").q, bytes(range(32))
    coins = SeedCoins(seed)
    for i in range(3):
        wide = b"".join(
            hashlib.sha512(f"steward-coin|{seed.hex()}|{i}|{k}".encode()).digest() for k in range(5)
        )
        assert len(wide) * 8 >= q.bit_length() + 128 > (len(wide) - 64) * 8
        assert coins.scalar(q) == int.from_bytes(wide) % q


@pytest.mark.parametrize("seed", [b"", bytes(31), bytes(33)])
def test_a_seed_has_32_bytes(seed: bytes) -> None:
    with pytest.raises(MisuseError):
        SeedCoins(seed)


def test_secrets_do_not_repeat_and_have_their_shape() -> None:
    assert len({new_seed() for _ in range(100)}) == 100
    assert len(new_seed()) == 32
    assert len({new_token() for _ in range(100)}) == 100
    assert all(is_uuid(new_uuid()) for _ in range(20))
    assert len(new_uuid()) == 14
    assert len(new_trustee_seed()) == 22
    assert is_base58(new_base58(50))
    assert len(new_hex(16)) == 32
    assert all(1 <= new_account_number() < 2**31 for _ in range(100))
    coins = SystemCoins()
    assert len({coins.scalar(2**255) for _ in range(100)}) == 100
    assert {coins.scalar(3) for _ in range(200)} == {0, 1, 2}


# --- uniform? ----------------------------------------------------------------------------------------------------


def chi_square_tail(statistic: float, freedom: int) -> float:
    """P(χ² ≥ statistic) for an even number of degrees of freedom: a sum of Poisson terms."""
    assert freedom % 2 == 0
    half = statistic / 2
    return math.fsum(math.exp(-half + k * math.log(half) - math.lgamma(k + 1)) for k in range(freedom // 2))


def uniformity(values: Iterable[int], q: int, buckets: int = 65) -> float:
    """How likely uniform values in [0, q) are to be as uneven as these, by their size."""
    counts = Counter(value * buckets // q for value in values)
    total = sum(counts.values())
    expected = total / buckets
    assert expected > 20
    statistic = sum((counts[bucket] - expected) ** 2 / expected for bucket in range(buckets))
    return chi_square_tail(statistic, buckets - 1)


def kolmogorov_smirnov(first: Sequence[int], second: Sequence[int]) -> float:
    """An upper bound of how likely two samples of one distribution are to lie so far apart (DKW, Massart)."""
    merged = sorted([(value, 1 / len(first)) for value in first] + [(v, -1 / len(second)) for v in second])
    distance = sum_ = 0.0
    for _, step in merged:
        sum_ += step
        distance = max(distance, abs(sum_))
    size = len(first) * len(second) / (len(first) + len(second))
    return 2 * math.exp(-2 * size * distance**2)


def test_the_measures_themselves() -> None:
    """Known values: P(χ²₂ ≥ 2 ln 10) = 0.1; and they cry out where something is wrong."""
    assert chi_square_tail(2 * math.log(10), 2) == pytest.approx(0.1)
    assert chi_square_tail(83.675, 64) == pytest.approx(0.05, rel=1e-3)
    even = list(range(0, 40_000, 2))
    assert uniformity(even, 40_000) > 0.999
    assert uniformity([value // 2 for value in even], 40_000) < FALSE_ALARM
    assert kolmogorov_smirnov(even, even) > 0.999
    assert kolmogorov_smirnov(even, [value * 9 // 10 for value in even]) < FALSE_ALARM


@pytest.mark.parametrize("name", GROUP_NAMES)
def test_coins_are_uniform(name: str) -> None:
    """ATTACKS 8: what one 256-bit hash modulo q would fail for BELENIOS-2048."""
    q = get_group(name).q
    coins = SeedCoins(hashlib.sha256(b"uniform").digest())
    assert uniformity((coins.scalar(q) for _ in range(20_000)), q) > FALSE_ALARM


@pytest.mark.parametrize("name", ["Ed25519", "BELENIOS-2048"])
def test_credentials_give_uniform_secrets(name: str) -> None:
    group = get_group(name)
    secrets = (derive_secret(group, "KatE1ection111", f"credential {i}") for i in range(20_000))
    assert uniformity(secrets, group.q) > FALSE_ALARM


def test_one_hash_modulo_q_would_be_noticed() -> None:
    """The power of the test above: the bias that ATTACKS 8 describes is found with the same number of samples."""
    q = get_group("BELENIOS-2048").q
    naive = (int.from_bytes(hashlib.sha256(f"{i}".encode()).digest()) % q for i in range(20_000))
    assert uniformity(naive, q) < FALSE_ALARM


# --- which branch of a proof was simulated? ----------------------------------------------------------------------


@pytest.mark.parametrize("name, count", [("Ed25519", 3000), ("BELENIOS-2048", 800)])
def test_real_and_simulated_branches_look_alike(name: str, count: int) -> None:
    """ATTACKS 39: a difference in the size of their numbers would tell every vote."""
    group = get_group(name)
    y = group.power_g(31337)
    coins = SeedCoins(hashlib.sha256(b"branches").digest())
    numbers: dict[tuple[bool, str], list[int]] = {}
    for number in range(count):
        message, r = number % 2, coins.scalar(group.q)
        c = encrypt(group, y, message, r)
        branches = [(c.alpha, c.beta), (c.alpha, group.divide(c.beta, group.generator))]
        proofs = disjunction.prove(group, y, f"test|{number}|", branches, message, r, coins)
        for index, proof in enumerate(proofs):
            is_real = index == message
            numbers.setdefault((is_real, "challenge"), []).append(proof.challenge)
            numbers.setdefault((is_real, "response"), []).append(proof.response)
    for part in ("challenge", "response"):
        real, simulated = numbers[True, part], numbers[False, part]
        assert len(real) == len(simulated) == count
        assert kolmogorov_smirnov(real, simulated) > FALSE_ALARM, part
        assert uniformity(real, group.q, 33) > FALSE_ALARM, part
        assert uniformity(simulated, group.q, 33) > FALSE_ALARM, part


def test_real_and_simulated_numbers_of_the_long_group_have_the_same_size() -> None:
    """With one 512-bit hash for a coin, simulated numbers modulo a 2047-bit q would all be tiny."""
    q = get_group("RFC-3526-2048").q
    coins = SeedCoins(hashlib.sha256(b"long").digest())
    drawn = [coins.scalar(q) for _ in range(4000)]
    # As the real response w - x·c is: uniform because w is.
    real = [(coins.scalar(q) - 12345**9 * 99**88) % q for _ in range(4000)]
    assert kolmogorov_smirnov(drawn, real) > FALSE_ALARM
