"""Raw tampering: bytes of a sound archive changed, removed, doubled or moved without repair are always findings."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from crypto.archive import BLOCK, RecordParser
from tests.audit.judging import Judge, assert_findings, complaint, event_ends
from tests.simulator import KINDS, YES_NO, Simulation, Spec, simulated, sound

TINY = Spec((YES_NO,), voters=2, votes=((0, ((0,),)),), seed=21)
# No ballot, so that an audit takes a millisecond
BARE = replace(TINY, votes=(), stage="closed")


def _records(archive: bytes) -> list[tuple[int, int]]:
    return [(record.offset, record.offset + record.size) for record in RecordParser().feed(archive)]


def _byte(archive: bytes, rng: Random) -> tuple[str, bytes]:
    """A byte of some record: of its header or of its content, short records as likely as long ones."""
    start, end = rng.choice(_records(archive))
    place = rng.randrange(start, rng.choice((start + BLOCK, end)))
    new = rng.choice([value for value in range(256) if value != archive[place]])
    return f"byte {place} {archive[place]:#x} -> {new:#x}", archive[:place] + bytes([new]) + archive[
        place + 1 :
    ]


def _bit(archive: bytes, rng: Random) -> tuple[str, bytes]:
    place, bit = rng.randrange(len(archive)), 1 << rng.randrange(8)
    return f"bit {bit} of byte {place}", archive[:place] + bytes([archive[place] ^ bit]) + archive[
        place + 1 :
    ]


def _span(archive: bytes, rng: Random) -> tuple[int, int]:
    """Some bytes, some blocks or some records in a row."""
    kind = rng.randrange(3)
    if kind == 0:
        start = rng.randrange(len(archive))
        return start, min(len(archive), start + rng.choice((1, 2, 7, 100, 511)))
    if kind == 1:
        start = rng.randrange(len(archive) // BLOCK) * BLOCK
        return start, min(len(archive), start + BLOCK * rng.randint(1, 5))
    records = _records(archive)
    first = rng.randrange(len(records))
    last = min(len(records) - 1, first + rng.randrange(3))
    return records[first][0], records[last][1]


def _removed(archive: bytes, rng: Random) -> tuple[str, bytes]:
    start, end = _span(archive, rng)
    return f"{start} to {end} removed", archive[:start] + archive[end:]


def _doubled(archive: bytes, rng: Random) -> tuple[str, bytes]:
    start, end = _span(archive, rng)
    return f"{start} to {end} doubled", archive[:end] + archive[start:]


def _moved(archive: bytes, rng: Random) -> tuple[str, bytes]:
    start, end = _span(archive, rng)
    rest = archive[:start] + archive[end:]
    place = rng.choice([*(a for a, _ in _records(archive)), rng.randrange(len(rest) + 1)])
    return f"{start} to {end} moved to {place}", rest[:place] + archive[start:end] + rest[place:]


def _swapped(archive: bytes, rng: Random) -> tuple[str, bytes]:
    (a, b), (c, d) = sorted((_span(archive, rng), _span(archive, rng)))
    if b > c:
        return "", archive
    changed = archive[:a] + archive[c:d] + archive[b:c] + archive[a:b] + archive[d:]
    return f"{a} to {b} and {c} to {d} swapped", changed


def _cut(archive: bytes, rng: Random) -> tuple[str, bytes]:
    place = rng.randrange(1, len(archive))
    return f"cut at {place}", archive[:place]


def _longer(archive: bytes, rng: Random) -> tuple[str, bytes]:
    tail = rng.choice((b"\0", b"\0" * BLOCK, b"\0" * 2 * BLOCK, b"\n", rng.randbytes(BLOCK), archive[:BLOCK]))
    return f"{len(tail)} bytes {tail[:4]!r} at the end", archive + tail


KINDS_OF_DAMAGE = (_byte, _byte, _bit, _removed, _doubled, _moved, _swapped, _cut, _longer)


def _is_beginning(archive: bytes, changed: bytes) -> bool:
    """Whether only whole entries at the end are missing: that is an earlier state of the box, and sound."""
    return archive.startswith(changed) and (len(changed) in event_ends(archive) or len(changed) == BLOCK * 2)


def _damaged(archive: bytes, rng: Random, count: int) -> Iterator[tuple[str, bytes]]:
    while count:
        name, changed = rng.choice(KINDS_OF_DAMAGE)(archive, rng)
        if changed != archive and not _is_beginning(archive, changed):
            count -= 1
            yield name, changed


@pytest.mark.parametrize("kind", KINDS)
def test_damage_is_always_found(kind: str, judge: Judge, rng: Random, samples: int) -> None:
    """Without it: somebody with an editor could change a published election unseen."""
    archive = sound(kind).archive
    # 2048-bit numbers take ten times as long, and nothing about framing is different.
    count = samples // 3 if kind.startswith("belenios") else samples
    for name, changed in _damaged(archive, rng, count):
        report = judge(changed)
        assert report.verdict == "findings", f"{name}: {complaint(report)}"


def test_every_byte_of_every_header_counts(judge: Judge) -> None:
    """Without it: a field of the tar header that nobody compares could carry a message or confuse other readers."""
    archive = simulated(BARE).archive
    for start, _ in _records(archive):
        for place in range(start, start + BLOCK):
            report = judge(archive[:place] + bytes([archive[place] ^ 1]) + archive[place + 1 :])
            assert_findings(report, "A1", "A2", "A3")


def test_every_byte_of_padding_counts(judge: Judge) -> None:
    """Without it: the room after a record could carry what no check reads."""
    archive = simulated(TINY).archive
    for record in RecordParser().feed(archive):
        end = record.offset + record.size
        for place in {record.offset + BLOCK + len(record.body), end - 1} - {end}:
            assert_findings(judge(archive[:place] + b"x" + archive[place + 1 :]), "A1", "A2")


def test_each_cut_is_a_finding_but_between_entries(judge: Judge) -> None:
    """Without it: half an entry could be taken for the end, or an honest unfinished box be called broken."""
    election: Simulation = simulated(TINY)
    archive = election.archive
    ends = event_ends(archive)
    assert len(ends) == len(election.entries)
    cuts = {start for start, _ in _records(archive)} | {end + shift for end in ends for shift in (-1, 0, 1)}
    for cut in sorted(cuts - {0, len(archive) + 1}):
        report = judge(archive[:cut])
        if cut in ends:
            assert report.verdict == "sound", f"cut at {cut}: {complaint(report)}"
            assert (report.result is None) == (cut != len(archive))
        elif cut == BLOCK * 2:
            # The header record alone: a box in which nothing has happened. There is nothing to call sound.
            assert report.verdict == "unchecked"
        else:
            assert_findings(report, "A1", "A4")


def test_the_states_of_the_beginnings_are_those_of_the_election(judge: Judge) -> None:
    """Without it: an unfinished election could be shown as a finished one, or the other way round."""
    archive = simulated(TINY).archive
    states = [judge(archive[:end]).state for end in event_ends(archive)]
    assert states == ["setup", "open", "closed", "tallying", "tallying", "tallied"]


def test_nothing_at_all_is_not_sound(judge: Judge) -> None:
    """Without it: an empty file, as a failed download leaves it, would count as a verified election."""
    assert judge(b"").verdict == "unchecked"
