"""Whole elections made by belenios-tool alone, from the first token to the result, judged by us."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from crypto.encoding import encode_json_bytes
from crypto.pedersen import FORM_3, FORM_20, PedersenParams
from tests.interop.bench import Bench, ToolTrustee, dump, judge, trustees_of

QUESTIONS = [
    {"answers": ["Yes", "No"], "min": 1, "max": 1, "question": "Shall the dues be raised?"},
    {"answers": ["Ada", "Björn", "Çelik"], "blank": True, "min": 0, "max": 2, "question": "Board?"},
]
VOTES: list[Any] = [
    [[1, 0], [1, 0, 0, 0]],
    [[0, 1], [0, 1, 1, 0]],
    [[1, 0], [0, 0, 0, 1]],
    [[1, 0], [0, 0, 0, 0]],
]


def voters_of(bench: Bench, weights: tuple[int, ...] | None) -> list[str]:
    """generate-credentials: the private credentials; `public_creds.json` is what an election publishes."""
    rows = [
        f"voter{n}" + (f"@example.org,voter{n},{w}" if weights else "")
        for n, w in enumerate(weights or range(4))
    ]
    path = bench.write("voters.txt", "".join(row + "\n" for row in rows))
    args: list[str | Path] = [
        "--uuid",
        bench.uuid,
        "--group",
        bench.group,
        "--file",
        path,
        "--dir",
        bench.folder,
    ]
    bench.run("setup", "generate-credentials", *args)
    (public,) = bench.folder.glob("*.pubcreds")
    (private,) = bench.folder.glob("*.privcreds")
    listed = [item.split(",") for item in json.loads(public.read_bytes())]
    # Logins do not belong into the record, nor weights where everybody has the same.
    texts = [f"{parts[0]},{parts[1]}" if weights else parts[0] for parts in listed]
    bench.write("public_creds.json", encode_json_bytes(texts) + b"\n")
    if bench.is_old:
        return [line.split(" ")[-1] for line in private.read_text().splitlines()]
    return list(json.loads(private.read_text()).values())


def make_trustees(
    bench: Bench, singles: int, threshold: tuple[int, int] | None
) -> tuple[list[str], list[ToolTrustee]]:
    """Private keys of single trustees, and the people of a threshold group; writes trustees.json."""
    keys = [bench.single_key() for _ in range(singles)]
    bench.write("public_keys.jsons", "".join(dump(public) + "\n" for _, public in keys))
    people: list[ToolTrustee] = []
    if threshold:
        needed, size = threshold
        people = [ToolTrustee(bench, i, needed, size) for i in range(1, size + 1)]
        certificates = [person.certificate() for person in people]
        people[0].check(certificates)
        messages = [person.coefficients(certificates) for person in people]
        inputs = people[0].collect(certificates, messages)
        outputs = [person.output(certificates, inputs[person.name]) for person in people]
        params = people[0].assemble(certificates, messages, outputs)
        bench.write("threshold.json", dump(params) + "\n")
    bench.run("setup", "make-trustees", "--dir", bench.folder)
    return [private for private, _ in keys], people


def whole_election(
    bench: Bench, singles: int, threshold: tuple[int, int] | None, weights: tuple[int, ...] | None
) -> list[list[int]]:
    """Runs it as PROTOCOL §10 says; the result that plain addition gives."""
    bench.uuid = bench.run("setup", "generate-token").stdout.strip()
    credentials = voters_of(bench, weights)
    private, people = make_trustees(bench, singles, threshold)
    template = bench.write(
        "template.json", json.dumps({"description": "Yearly", "name": "Board", "questions": QUESTIONS})
    )
    args: list[str | Path] = [
        "--uuid",
        bench.uuid,
        "--group",
        bench.group,
        "--template",
        template,
        "--dir",
        bench.folder,
    ]
    bench.run("setup", "make-election", *args)
    bench.run("archive", "init", "--dir", bench.folder)
    counts = [[0, 0], [0, 0, 0, 0]]
    # The first voter changes their mind: the last ballot counts.
    order = [(0, VOTES[3]), *enumerate(VOTES)]
    for voter, vote in order:
        bench.add_event("Ballot", [bench.make_ballot(credentials[voter], vote)])
    for voter, vote in enumerate(VOTES):
        weight = weights[voter] if weights else 1
        for row, chosen in zip(counts, vote, strict=True):
            for index, bit in enumerate(chosen):
                row[index] += weight * bit
    # A half-finished archive is sound so far.
    assert judge(bench.archive) is None
    bench.add_event("EndBallots")
    bench.add_event("EncryptedTally", bench.lines_of("election", "compute-encrypted-tally"))
    shares = [
        bench.lines_of(
            "election",
            "decrypt",
            "--privkey",
            bench.temporary(key),
            "--trustee-id",
            str(_owner(bench, n, people)),
        )
        for n, key in enumerate(private)
    ]
    if threshold:
        offset = _first_threshold_owner(bench)
        # Not the first ones, so that Lagrange's exponents matter.
        shares += [person.decrypt(offset + person.index - 1) for person in people[-threshold[0] :]]
    for lines in shares:
        bench.add_event("PartialDecryption", lines)
    bench.add_event("Result", bench.lines_of("election", "compute-result"))
    bench.verify()
    return counts


def _owner(bench: Bench, number: int, people: list[ToolTrustee]) -> int:
    """The owner number of the single trustee with that number, in the order that the tool chose."""
    spans = trustees_of(bench.archive).spans()
    return [span[0] for item, span in spans if not isinstance(item, PedersenParams)][number]


def _first_threshold_owner(bench: Bench) -> int:
    (first,) = [
        span[0] for item, span in trustees_of(bench.archive).spans() if isinstance(item, PedersenParams)
    ]
    return first


@pytest.mark.whole_election
@pytest.mark.parametrize(
    "group, singles, threshold, weights",
    [
        ("Ed25519", 1, None, None),
        ("Ed25519", 3, None, (2, 1, 7, 0)),
        ("Ed25519", 0, (2, 3), None),
        ("Ed25519", 1, (2, 3), (40, 1, 0, 3)),
        ("Ed25519", 0, (3, 5), None),
        ("BELENIOS-2048", 2, None, None),
        ("BELENIOS-2048", 0, (1, 2), (2, 1, 7, 0)),
        # Counts beyond 2^30 are written as text.
        ("BELENIOS-2048", 1, (2, 3), (2**30, 1, 0, 3)),
    ],
)
def test_version_3_3(
    bench33: Bench,
    group: str,
    singles: int,
    threshold: tuple[int, int] | None,
    weights: tuple[int, ...] | None,
) -> None:
    bench33.group = group
    expected = whole_election(bench33, singles, threshold, weights)
    assert judge(bench33.archive) == expected
    if threshold:
        groups = [item for item in trustees_of(bench33.archive).items if isinstance(item, PedersenParams)]
        assert [item.form for item in groups] == [FORM_3]


@pytest.mark.whole_election
@pytest.mark.parametrize(
    "singles, threshold, weights",
    [(2, None, (2, 1, 7, 0)), (0, (2, 3), None), (1, (2, 3), (2**30, 1, 0, 3))],
)
def test_version_2_0(
    bench20: Bench, singles: int, threshold: tuple[int, int] | None, weights: tuple[int, ...] | None
) -> None:
    """Its threshold trustees sign less; we verify that form and warn."""
    expected = whole_election(bench20, singles, threshold, weights)
    assert judge(bench20.archive) == expected
    assert trustees_of(bench20.archive).old_forms == ((FORM_20,) if threshold else ())


def test_every_prefix_of_their_archive_is_sound(bench33: Bench) -> None:
    whole_election(bench33, 1, None, None)
    from crypto.archive import RecordParser

    records = list(RecordParser().feed(bench33.archive))
    ends = [records[0].size, *(r.offset + r.size for r in records if r.kind == "event")]
    for start, end in pairwise(ends):
        assert end > start
        result = judge(bench33.archive[:end])
        assert (result is not None) == (end == len(bench33.archive))
