"""Whose votes the published sums give away when votes have weights. Pure, exact, no simulation.

The result of a choice is the sum of the weights of those who took it, and everybody knows the weights of those who
voted, because the ballot box names them beside the public credentials.

**Told by every result.** Let one member have weight w, and the others w₁ … wₙ. Two ways to vote that differ in this
member's vote can give the same result exactly if w is a signed sum of the others' weights, w = Σ εⱼwⱼ with
εⱼ ∈ {−1, 0, 1}. If it is: let this member and those with −1 vote one way and those with +1 another, and then the other
way round; every choice gets the same sum. If two such ways give the same result: in a choice where this member's vote
differs, the differences of all votes, each −1, 0 or 1, times the weights add up to nothing, which is such a signed sum.
This holds for every question that leaves any choice at all, however many answers it has. Where w is no such sum,
everybody reads this member's vote from every result; if some do not vote there are fewer sums, and more is told.

So every result can tell only a weight that nobody else has. It does, for example, if the weight is more than all others
together, or if all others are multiples of a number of which it is none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, islice
from math import gcd

# How much is computed before a weight is called unclear: about a second on an old computer for each of them.
_MOST_BITS = 10_000_000_000
_MOST_STEPS = 2_000_000
_MOST_OTHERS = 20
_MOST_PARTNERS = 500
_SAMPLE = 18
_MOST_LOOKUPS = 5_000_000


@dataclass(frozen=True, slots=True)
class Readable:
    """Weights, ascending, each of one member only. ``always``: whose vote every result tells; ``unclear``: for which
    that would take too long to find out."""

    always: tuple[int, ...]
    unclear: tuple[int, ...]


def find_readable(counts: Mapping[int, int]) -> Readable:
    """``counts``: how many members have each weight, all of whom vote."""
    scale = gcd(*counts)
    members = {weight // scale: count for weight, count in sorted(counts.items())}
    always: list[int] = []
    # What every result tells is in no signed sum of nothing, so it cannot help to make another weight either.
    while found := set(_find_plainly_readable(members)):
        always += found
        members = {weight: count for weight, count in members.items() if weight not in found}
    total = sum(weight * count for weight, count in members.items())
    open_ = [weight for weight, n in members.items() if n == 1 and not _is_made_of_two(weight, members)]
    sampled = _find_made_of_samples(open_, members)
    open_ = [weight for weight in open_ if weight not in sampled]
    made = _find_made(open_, members, total)
    unclear = open_ if made is None else []
    always += [] if made is None else [weight for weight in open_ if weight not in made]
    return Readable(
        tuple(sorted(weight * scale for weight in always)), tuple(weight * scale for weight in unclear)
    )


def _find_plainly_readable(members: Mapping[int, int]) -> list[int]:
    """Weights of one member that are more than all others together, or no multiple of what divides all others."""
    total = sum(weight * count for weight, count in members.items())
    divisors = _divisors_of_others(list(members))
    return [
        weight
        for weight, divisor in zip(members, divisors, strict=True)
        if members[weight] == 1 and (weight > total - weight or weight % divisor)
    ]


def _divisors_of_others(weights: list[int]) -> list[int]:
    """For each weight the greatest common divisor of all others, 0 if there are none."""
    before = [0, *accumulate(weights, gcd)]
    after = [0, *accumulate(reversed(weights), gcd)][::-1]
    return [gcd(before[place], after[place + 1]) for place in range(len(weights))]


def _is_made_of_two(weight: int, members: Mapping[int, int]) -> bool:
    """Whether sum or difference of two other members' weights is this one: with many members nearly always so."""
    for other in islice(members, _MOST_PARTNERS):
        rest = weight - other
        if rest > 0 and members.get(rest, 0) > int(rest == other):
            return True
        if rest < 0 and -rest != weight and -rest in members:
            return True
    return False


def _find_made_of_samples(weights: list[int], members: Mapping[int, int]) -> set[int]:
    """Those that are signed sums of a few members' weights: of two groups the one that a weight is not in itself."""
    if not weights:
        return set()
    spread = sorted(members, reverse=True)[:: max(len(members) // (2 * _SAMPLE), 1)][: 2 * _SAMPLE]
    groups = [(group, *_halves(group)) for group in (spread[::2], spread[1::2])]
    made = set()
    for weight in weights:
        _, left, right = next(group for group in groups if weight not in group[0])
        parts = islice(right, _MOST_LOOKUPS // len(weights))
        if any(weight - part in left for part in parts):
            made.add(weight)
    return made


def _find_made(alone: list[int], members: Mapping[int, int], total: int) -> set[int] | None:
    """Which of the weights ``alone`` are signed sums of other members' weights; None where it takes too long."""
    if not alone:
        return set()
    count = sum(members.values())
    rounds = sum((2 * n).bit_length() for n in members.values()) + 2 * len(alone) * len(alone).bit_length()
    if 2 * total * rounds <= _MOST_BITS:
        return set(_find_made_by_bits(alone, members, total))
    if count - 1 <= _MOST_OTHERS:
        return {weight for weight in alone if _is_made_by_halves(weight, members)}
    return None


def _find_made_by_bits(alone: list[int], members: Mapping[int, int], total: int) -> Iterator[int]:
    """A number's bit s says whether s is a sum of weights, each taken 0, 1 or 2 times for each member: these are
    the signed sums, moved up by the sum of the weights in it."""
    bits, divided = 1, set(alone)
    for weight, count in members.items():
        if weight not in divided:
            bits = _add(bits, weight, 2 * count)
    pending = [(alone, bits)]
    while pending:
        # The weights in `group` are not in `bits`, all others are. Each half gets the other half.
        group, bits = pending.pop()
        if len(group) == 1:
            if bits >> total & 1:  # the others' sum moved it up by total - weight
                yield group[0]
            continue
        middle = len(group) // 2
        for stays, goes in ((group[:middle], group[middle:]), (group[middle:], group[:middle])):
            fuller = bits
            for weight in goes:
                fuller = _add(fuller, weight, 2)
            pending.append((stays, fuller))


def _add(bits: int, weight: int, times: int) -> int:
    """The sums with ``weight`` added 0 … ``times`` times."""
    step = 1
    while times:
        step = min(step, times)
        bits |= bits << weight * step
        times -= step
        step *= 2
    return bits


def _is_made_by_halves(weight: int, members: Mapping[int, int]) -> bool:
    """For a few members with weights of any size: the signed sums of one half meet those of the other."""
    others = [other for other, count in members.items() for _ in range(count) if other != weight]
    left, right = _halves(others)
    return any(weight - part in left for part in right)


def _halves(weights: list[int]) -> tuple[set[int], set[int]]:
    """The signed sums of one half, and of the other: a sum of all is one of each."""
    return _signed_sums(weights[::2]), _signed_sums(weights[1::2])


def _signed_sums(weights: list[int]) -> set[int]:
    sums = {0}
    for weight in weights:
        sums |= {part + weight for part in sums} | {part - weight for part in sums}
    return sums


def find_chances(counts: Mapping[int, int], percent: int) -> dict[int, Fraction] | None:
    """Weight -> the chance that the result of a question with two answers tells the vote of a member with it.

    The model: everybody votes, each for the first answer with a chance of ``percent`` in 100 (1 … 99). If fewer vote
    the chance is larger: what two sums leave open is left open with more voters too. None where it takes too long.

    With S the sum of those others who voted for the first answer, the result is S + w or S; it tells w's vote exactly
    if the others cannot make S + w, or S − w, themselves.
    """
    scale = gcd(*counts)
    members = {weight // scale: count for weight, count in counts.items()}
    total = sum(weight * count for weight, count in members.items())
    if (sum(members.values()) + len(members)) * total > _MOST_STEPS:
        return None
    yes, no = percent, 100 - percent
    # ways[s]: the chance that the first answer gets s, times 100 for each member. Whole numbers all the way.
    ways = [1]
    for weight, count in members.items():
        for _ in range(count):
            ways = [
                no * (ways[s] if s < len(ways) else 0) + (yes * ways[s - weight] if s >= weight else 0)
                for s in range(len(ways) + weight)
            ]
    everything = 100 ** sum(members.values())
    chances = {}
    for weight in members:
        others = _take_out(ways, weight, yes, no)
        telling = 0
        for s, way in enumerate(others):
            if way:
                telling += yes * way if s + weight >= len(others) or not others[s + weight] else 0
                telling += no * way if s < weight or not others[s - weight] else 0
        chances[weight * scale] = Fraction(telling, everything)
    return chances


def _take_out(ways: list[int], weight: int, yes: int, no: int) -> list[int]:
    """The ways without one member of this weight: the division undoes what the product did, without a remainder."""
    others: list[int] = []
    for s in range(len(ways) - weight):
        others.append((ways[s] - (yes * others[s - weight] if s >= weight else 0)) // no)
    return others
