"""Tampering with the journal: by anybody, by somebody who repairs the chain, and by somebody who has the service key.

What the service key can do unseen is listed here and caught by whoever kept a copy (`diff`) or a receipt.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner

from audit.cli import cli
from audit.receipt import find_receipt
from crypto.ballot import ballot_tracker
from crypto.encoding import encode_json_bytes, sha256_hex
from crypto.errors import RejectedError
from crypto.journal import SERVICE, SHARED_ACTS, act_subject
from crypto.receipt import ServiceKey, make_receipt
from crypto.trustees import make_drill
from tests.audit.judging import Judge, assert_findings, assert_sound, complaint, failed
from tests.audit.mutations import json_changes
from tests.simulator import (
    KINDS,
    SEAL,
    Act,
    Simulation,
    coins_for,
    join_lines,
    rebuild,
    rebuild_journal,
    simulated,
    sound,
)

J_RULES = {f"J{number}" for number in range(1, 10)}
CERTIFIED = ("certified", "revotes", "mixed", "belenios")


def _certified(kind: str) -> Simulation:
    return simulated(replace(KINDS[kind], stage="certified"))


# --- raw ---------------------------------------------------------------------------------------------------------


def _damage(journal: bytes, rng: Random) -> bytes:
    lines = journal.splitlines(keepends=True)
    a, b = sorted(rng.sample(range(len(lines)), 2))
    place = rng.randrange(len(journal))
    end = min(len(journal), place + rng.choice((1, 1, 5, 200)))
    ways: list[Callable[[], bytes]] = [
        lambda: journal[:place] + bytes([journal[place] ^ (1 << rng.randrange(8))]) + journal[place + 1 :],
        lambda: journal[:place] + journal[end:],
        lambda: journal[:end] + journal[place:],
        lambda: journal[:place],
        lambda: journal + rng.choice((b"\n", b"\0", b" ", b"{}\n", lines[-1], lines[a])),
        lambda: b"".join([*lines[:a], *lines[a + 1 :]]),
        lambda: b"".join([*lines[: a + 1], *lines[a:]]),
        lambda: b"".join([*lines[:a], lines[b], *lines[a + 1 : b], lines[a], *lines[b + 1 :]]),
        lambda: b"".join([*lines[:a], *lines[a + 1 : b + 1], lines[a], *lines[b + 1 :]]),
        lambda: journal.replace(b"\n", b"\r\n"),
        lambda: lines[0] + journal,
    ]
    return rng.choice(ways)()


@pytest.mark.parametrize("kind", CERTIFIED)
def test_damage_is_always_found(kind: str, judge: Judge, rng: Random, samples: int) -> None:
    """Without it: who did what, and when, could be changed with an editor."""
    election = _certified(kind)
    for _ in range(samples // 3 if kind == "belenios" else samples):
        changed = _damage(election.journal, rng)
        if election.journal.startswith(changed) and changed.endswith(b"\n"):
            continue
        report = judge(election.archive, changed)
        assert report.verdict == "findings", complaint(report)
        assert failed(report) & J_RULES, complaint(report)


@pytest.mark.parametrize("kind", CERTIFIED)
def test_a_journal_that_ends_earlier_lacks_what_the_box_has(kind: str, judge: Judge) -> None:
    """Without it: the end of the story, as that votes were final or that the election was cancelled, could be cut."""
    election = _certified(kind)
    lines = election.journal_lines
    tallied = max(index for index, act in enumerate(election.acts) if act.kind == "tallied")
    for length in range(len(lines)):
        report = judge(election.archive, join_lines(lines[:length]))
        if length == tallied + 2:
            # Certified or not yet: the journal only grows, and `diff` tells who kept a copy.
            assert_sound(report)
        else:
            assert_findings(report, "J1", "J4", "J9")


def test_an_empty_journal_is_no_journal(judge: Judge) -> None:
    """Without it: publishing an empty file would be enough to have no story at all."""
    election = sound("plain")
    for nothing in (b"", b"\n", b"{}\n", b"\xff\xfe\n", b"[]\n", b"null\n", b"1\n", b"[" * 100_000 + b"\n"):
        assert_findings(judge(election.archive, nothing), "J1")


# --- the chain repaired, without the service key -----------------------------------------------------------------


def _chained(values: Iterable[Any]) -> bytes:
    """The lines with heights and parents recomputed, seals as they were."""
    lines: list[bytes] = []
    for height, value in enumerate(values):
        fields = value if isinstance(value, dict) else {}
        repaired: dict[str, Any] = {}
        if isinstance(fields.get("height"), int):
            repaired["height"] = height
        if isinstance(fields.get("parent"), str) and lines:
            repaired["parent"] = sha256_hex(lines[-1])
        lines.append(encode_json_bytes({**fields, **repaired} if repaired else value))
    return join_lines(lines)


def _repaired(election: Simulation) -> Iterator[tuple[str, Callable[[], bytes]]]:
    values = [json.loads(line) for line in election.journal_lines]
    count = len(values)
    for index, value in enumerate(values):
        for name, new in json_changes(election.group, value):
            yield (
                f"line {index} {value['kind']} {name}",
                lambda i=index, n=new: _chained([*values[:i], n, *values[i + 1 :]]),
            )
        rest = [*values[:index], *values[index + 1 :]]
        yield f"line {index} dropped", lambda r=rest: _chained(r)
        yield f"line {index} doubled", lambda i=index: _chained([*values[: i + 1], *values[i:]])
        for other in range(count):
            if other != index:
                moved = [*rest[:other], value, *rest[other:]]
                yield f"line {index} moved to {other}", lambda m=moved: _chained(m)


@pytest.mark.parametrize("kind", CERTIFIED)
def test_the_chain_repaired_but_not_the_seals(kind: str, judge: Judge, rng: Random, samples: int) -> None:
    """Without it: whoever publishes a copy could tell another story than the service told."""
    election = _certified(kind)
    mutations = list(_repaired(election))
    count = samples // 3 if kind == "belenios" else samples
    for name, make in rng.choices(mutations, k=count * 2):
        changed = make()
        if changed == election.journal or election.journal.startswith(changed):
            continue
        report = judge(election.archive, changed)
        assert report.verdict == "findings", f"{name}: {complaint(report)}"
        assert failed(report) & J_RULES, f"{name}: {complaint(report)}"


def test_every_line_dropped_doubled_or_moved(judge: Judge) -> None:
    """Without it: the samples above could miss an order that nobody checks."""
    election = sound("certified")
    for name, make in _repaired(election):
        if name.split()[-1] in ("dropped", "doubled") or " moved to " in name:
            changed = make()
            if not election.journal.startswith(changed):
                report = judge(election.archive, changed)
                assert failed(report) & J_RULES, f"{name}: {complaint(report)}"


def test_lines_after_the_last_seal_are_nobodys_word_yet(judge: Judge, tmp_path: Path) -> None:
    """Without it: a reader could take an unsealed line for the service's word. It is a warning, the next seal decides,
    and `diff` shows that the line was changed."""
    election = simulated(replace(KINDS["plain"], stage="open"))
    complaint_line = {"at": "2026-11-04T10:00Z", "number": 1, "text": "The list is too short"}
    act = Act("complaint", complaint_line, "committee:7", 3)
    honest = election.with_acts([*election.acts, act])
    forged = election.with_acts(
        [*election.acts, replace(act, payload={**complaint_line, "text": "All is well"})]
    )
    for journal in (honest.journal, forged.journal):
        report = judge(election.archive, journal)
        assert_sound(report)
        assert "the last 1 journal lines are not sealed yet" in report.findings.warnings
    old, new = tmp_path / "old.jsonl", tmp_path / "new.jsonl"
    old.write_bytes(honest.journal)
    new.write_bytes(forged.journal)
    assert CliRunner().invoke(cli, ["diff", str(old), str(new)]).exit_code == 1
    later = election.with_acts(
        [
            *election.acts,
            act,
            Act("closed", {"at": "2026-11-10T18:00Z"}, SERVICE, 3),
            Act(SEAL, {}, SERVICE, 3),
        ]
    )
    assert_sound(judge(election.archive, later.journal))
    swapped = later.journal.replace(b"The list is too short", b"All is well")
    assert_findings(judge(election.archive, swapped), "J2")
    repaired = _chained([json.loads(line) for line in swapped.splitlines()])
    assert_findings(judge(election.archive, repaired), "J4")


@pytest.mark.parametrize("kind", ["closed", "cancelled", "paused", "extended"])
def test_a_change_of_state_must_be_sealed_even_at_the_end(kind: str, judge: Judge) -> None:
    """Without it: anybody could append to a copy that the election was closed or cancelled, and it would be sound."""
    election = simulated(replace(KINDS["plain"], stage="open"))
    payload = {"at": "2026-11-04T10:00Z", "reason": "x"}
    if kind == "closed":
        del payload["reason"]
    if kind == "extended":
        payload = {"at": payload["at"], "closes_at": "2026-11-12T10:00Z", "reason": "x"}
    act = Act(kind, payload, "committee:7", 3)
    assert_findings(judge(election.archive, election.with_acts([*election.acts, act]).journal), "J4")
    sealed = election.with_acts([*election.acts, act, Act(SEAL, {}, SERVICE, 3)])
    assert_sound(judge(election.archive, sealed.journal))


def test_a_seal_from_elsewhere(judge: Judge) -> None:
    """Without it: a seal that the service gave for one line could close another one."""
    election = sound("certified")
    values = [json.loads(line) for line in election.journal_lines]
    seals = [index for index, value in enumerate(values) if value["kind"] == "seal"]
    for a in seals:
        for b in seals:
            if a != b:
                changed = [*values[:a], {**values[a], "payload": values[b]["payload"]}, *values[a + 1 :]]
                assert_findings(judge(election.archive, _chained(changed)), "J4")


# --- journals of other elections ---------------------------------------------------------------------------------


def test_the_journal_of_another_election(judge: Judge) -> None:
    """Without it: an honest story could be told about another ballot box."""
    election, other = sound("plain"), simulated(replace(KINDS["plain"], seed=51))
    report = judge(election.archive, other.journal)
    assert {"J7", "J8", "J9"} <= failed(report), complaint(report)


def test_the_journal_of_another_box_of_the_same_election(judge: Judge) -> None:
    """Without it: two boxes of the same setup, one shown to some and the other to others, could share a story."""
    spec = replace(KINDS["plain"], stage="closed")
    election = simulated(spec)
    other = simulated(replace(spec, votes=((0, ((1,),)), (1, ((1,),)), (2, ((0,),)))))
    assert other.election.raw == election.election.raw
    report = judge(election.archive, other.journal)
    assert failed(report) == {"J8"}, complaint(report)


def test_a_journal_that_knows_more_than_the_box(judge: Judge) -> None:
    """Without it: events that were published and taken back would not be missed."""
    election = sound("certified")
    for length in range(1, len(election.entries)):
        assert "J8" in failed(judge(rebuild(election.entries[:length]), election.journal))


# --- with the service key ----------------------------------------------------------------------------------------


def _all(kind: str) -> Callable[[Act], bool]:
    return lambda act: act.kind == kind


def _without(acts: Sequence[Act], kind: str, *, seal: bool = False) -> list[Act]:
    """Without the first such line (and its seal)."""
    index = next(index for index, act in enumerate(acts) if act.kind == kind)
    return [*acts[:index], *acts[index + 1 + seal :]]


def _before(acts: Sequence[Act], kind: str, *new: Act) -> list[Act]:
    index = next(index for index, act in enumerate(acts) if act.kind == kind)
    return [*acts[:index], *(replace(act, box=max(acts[index - 1].box, -1)) for act in new), *acts[index:]]


def _changed(acts: Sequence[Act], kind: str, number: int = 0, **fields: Any) -> list[Act]:
    index = [index for index, act in enumerate(acts) if act.kind == kind][number]
    payload = {**acts[index].payload, **fields}
    return [*acts[:index], replace(acts[index], payload=payload), *acts[index + 1 :]]


def _first(acts: Sequence[Act], kind: str) -> Act:
    return next(act for act in acts if act.kind == kind)


_OTHER_LIST = "ab" * 32


def _list_hash(acts: Sequence[Act]) -> str:
    """Of the list that is in the box."""
    return str(_first(acts, "credentials-published").payload["credentials"])


def _lists_of(acts: Sequence[Act]) -> list[Act]:
    """As if another list than that of the box had been published at first."""
    return _changed(acts, "credentials-published", credentials=_OTHER_LIST)


def _replaced(credentials: str, count: int = 1) -> Act:
    return Act("credentials-replaced", {"credentials": credentials, "replaced": count}, "registrar:8")


Change = Callable[[list[Act]], list[Act]]
SEALED = Act(SEAL, {})
_NOW = {"at": "2026-11-05T10:00Z"}


def _later(act: Act) -> Act:
    """The act as if the first ballot had been there already."""
    return replace(act, box=max(act.box, 1)) if act.box >= 0 else act


STORIES: dict[str, tuple[Change, str]] = {
    # order of states
    "opened before keys were ready": (
        lambda acts: _before(acts, "keys-ready", _first(acts, "opened"), SEALED),
        "J5",
    ),
    "opened twice": (lambda acts: _before(acts, "closed", _first(acts, "opened"), SEALED), "J5"),
    "closed before it was opened": (lambda acts: _before(acts, "opened", Act("closed", _NOW), SEALED), "J5"),
    "never closed": (lambda acts: _without(acts, "closed", seal=True), "J5"),
    "never opened": (lambda acts: _without(acts, "opened", seal=True), "J5"),
    "never tallied": (lambda acts: _without(acts, "tallied", seal=True), "J5"),
    "tallied twice": (lambda acts: _before(acts, "certified", _first(acts, "tallied"), SEALED), "J5"),
    "closing before opening": (lambda acts: _changed(acts, "opened", closes_at="2026-11-03T07:59Z"), "J5"),
    "resumed without a pause": (
        lambda acts: _before(acts, "closed", Act("resumed", _NOW, "committee:7"), SEALED),
        "J5",
    ),
    "cancelled, and tallied nevertheless": (
        lambda acts: _before(
            acts, "tallied", Act("cancelled", {**_NOW, "reason": "x"}, "committee:7"), SEALED
        ),
        "J5",
    ),
    "cancelled after it was certified": (
        lambda acts: [*acts, Act("cancelled", {**_NOW, "reason": "x"}, "committee:7", acts[-1].box)],
        "J5",
    ),
    "roll frozen twice": (
        lambda acts: _before(acts, "keys-ready", _first(acts, "roll-frozen"), SEALED),
        "J5",
    ),
    "credentials published again after opening": (
        lambda acts: _before(acts, "closed", _first(acts, "credentials-published")),
        "J5",
    ),
    "a trustee's proof before the end": (
        lambda acts: _before(acts, "closed", _first(acts, "strong-decryption")),
        "J5",
    ),
    # seals
    "a state without a seal": (lambda acts: [act for act in acts if act.kind != SEAL], "J4"),
    "one seal missing": (lambda acts: _without(acts, SEAL), "J4"),
    # commit, then reveal
    "revealed without commitment": (lambda acts: _without(acts, "trustee-committed"), "J6"),
    "committed after another one had revealed": (
        lambda acts: [
            *_before(
                _without(acts, "trustee-revealed"),
                "trustee-committed",
                _first(acts, "trustee-committed"),
                _first(acts, "trustee-revealed"),
            )
        ],
        "J6",
    ),
    "committed twice": (
        lambda acts: _before(acts, "trustee-revealed", _first(acts, "trustee-committed")),
        "J6",
    ),
    "revealed twice": (lambda acts: _before(acts, "keys-ready", _first(acts, "trustee-revealed")), "J6"),
    "never revealed": (lambda acts: _without(acts, "trustee-revealed"), "J6"),
    "a commitment copied": (
        lambda acts: _changed(
            acts, "trustee-committed", 1, commitment=_first(acts, "trustee-committed").payload["commitment"]
        ),
        "J6",
    ),
    "a commitment to something else": (
        lambda acts: _changed(acts, "trustee-committed", 1, commitment="ab" * 32),
        "J9",
    ),
    "no ceremony at all": (lambda acts: [act for act in acts if not act.kind.startswith("trustee-")], "J6"),
    # drills
    "a drill missing": (lambda acts: [act for act in acts if act.kind != "key-drill"], "J7"),
    "a drill of another one": (lambda acts: _changed(acts, "key-drill", owner=2), "J7"),
    "a drill of nobody": (lambda acts: _changed(acts, "key-drill", owner=99), "J7"),
    "a drill for another nonce": (lambda acts: _changed(acts, "key-drill", nonce="0" * 32), "J7"),
    "a drill after opening": (lambda acts: _before(acts, "closed", _first(acts, "key-drill")), "J5"),
    # the same as the box
    "another number of members": (lambda acts: _changed(acts, "roll-frozen", members=5), "J9"),
    "another number of credentials": (lambda acts: _changed(acts, "credentials-published", count=5), "J9"),
    "both numbers": (
        lambda acts: _changed(_changed(acts, "roll-frozen", members=5), "credentials-published", count=5),
        "J9",
    ),
    "other credentials": (lambda acts: _changed(acts, "credentials-published", credentials="ab" * 32), "J9"),
    "nobody published credentials": (lambda acts: _without(acts, "credentials-published"), "J9"),
    "replaced by others than those of the box": (
        lambda acts: _before(acts, "keys-ready", _replaced(_OTHER_LIST)),
        "J9",
    ),
    "replaced, and the list is the same": (
        lambda acts: _before(acts, "keys-ready", _replaced(_list_hash(acts))),
        "J9",
    ),
    "replaced before there were any": (
        lambda acts: _before(acts, "credentials-published", _replaced(_OTHER_LIST)),
        "J9",
    ),
    "more replaced than there are": (
        lambda acts: _before(_lists_of(acts), "keys-ready", _replaced(_list_hash(acts), 99)),
        "J9",
    ),
    "replaced when keys are ready": (
        lambda acts: _before(_lists_of(acts), "key-drill", _replaced(_list_hash(acts))),
        "J5",
    ),
    "published twice, and others than before": (
        lambda acts: _before(
            acts,
            "credentials-published",
            *_lists_of([_first(acts, "credentials-published")]),
        ),
        "J9",
    ),
    "other trustees": (lambda acts: _changed(acts, "keys-ready", trustees="ab" * 32), "J9"),
    "other election data": (lambda acts: _changed(acts, "keys-ready", fingerprint="A" * 43), "J9"),
    "votes said to be final": (lambda acts: _changed(acts, "opened", revotes=False), "J9"),
    "another result tallied": (lambda acts: _changed(acts, "tallied", result="ab" * 32), "J9"),
    "another result certified": (lambda acts: _changed(acts, "certified", result="ab" * 32), "J9"),
    "another box certified": (lambda acts: _changed(acts, "certified", box_head="ab" * 32), "J9"),
    "another election": (lambda acts: _changed(acts, "journal", election="11111111111111"), "J9"),
    "opened when there were ballots already": (
        lambda acts: [_later(act) for act in acts],
        "J9",
    ),
    # kinds and who may write them
    "closed by a trustee": (
        lambda acts: [replace(act, actor="trustee:101") if act.kind == "closed" else act for act in acts],
        "J3",
    ),
    "roll frozen by the service": (
        lambda acts: [replace(act, actor=SERVICE) if act.kind == "roll-frozen" else act for act in acts],
        "J3",
    ),
    "certified by the service": (
        lambda acts: [replace(act, actor=SERVICE) if act.kind == "certified" else act for act in acts],
        "J3",
    ),
    "a name for an actor": (
        lambda acts: [replace(act, actor="committee:Ada") if act.kind == "opened" else act for act in acts],
        "J3",
    ),
    "a time to the second": (lambda acts: _changed(acts, "closed", at="2026-11-10T18:00:01Z"), "J3"),
    "a field too many": (lambda acts: _changed(acts, "closed", voter="Ada"), "J3"),
    "a kind that is not known": (lambda acts: _before(acts, "closed", Act("ballot-cast", {})), "J3"),
    "a second announcement": (lambda acts: _before(acts, "closed", _first(acts, "journal")), "J2"),
}


@pytest.mark.parametrize("story", STORIES)
def test_a_story_that_the_service_key_cannot_make_true(story: str, judge: Judge) -> None:
    """Without it: whoever runs the server could tell the committee's, registrar's and trustees' acts in any order."""
    election = _certified("revotes")
    assert_sound(judge.of(election, journal=True))
    change, rule = STORIES[story]
    changed = election.with_acts(change(list(election.acts)))
    assert changed.journal != election.journal
    report = judge(election.archive, changed.journal)
    assert rule in failed(report), complaint(report)


def test_credentials_that_were_replaced_before_the_setup_are_sound(judge: Judge) -> None:
    election = sound("plain")
    acts, last = list(election.acts), _list_hash(election.acts)
    again = _before(_lists_of(acts), "keys-ready", _replaced("cd" * 32, 2), _replaced(last))
    assert_sound(judge(election.archive, election.with_acts(again).journal))


# What only the journal says, so that nothing in the ballot box contradicts it.
FREE = {
    ("roll-frozen", "at"),
    ("roll-frozen", "roll"),
    ("credentials-published", "mode"),
    ("keys-ready", "at"),
    ("booth-files", "files"),
    ("opened", "at"),
    ("opened", "closes_at"),
    ("opened", "revotes"),
    ("closed", "at"),
    ("certified", "at"),
    ("certified", "statement"),
}
# Of these, what the election data say too where they have the member "record".
BOUND = {("opened", "revotes")}


@pytest.mark.parametrize("kind", ["certified", "revotes", "mixed", "presented"])
def test_what_the_service_key_can_change_unseen_is_a_short_list(
    kind: str, judge: Judge, rng: Random, samples: int
) -> None:
    """Without it: the server could rewrite what drills, proofs, hashes and counts say, and seal it anew."""
    election = _certified(kind)
    found = [
        (index, name, new)
        for index, act in enumerate(election.acts)
        if act.kind != SEAL
        for name, new in json_changes(election.group, act.payload)
    ]
    for index, name, new in rng.choices(found, k=samples):
        act = election.acts[index]
        acts = [*election.acts[:index], replace(act, payload=new), *election.acts[index + 1 :]]
        report = judge(election.archive, election.with_acts(acts).journal)
        if report.verdict == "findings":
            assert failed(report) & (J_RULES | {"D4"}), f"{act.kind} {name}: {complaint(report)}"
            continue
        fields = {(act.kind, key) for key, value in act.payload.items() if new[key] != value}
        free = FREE - BOUND if election.spec.is_bound else FREE
        assert fields <= free, f"{act.kind} {name}: {complaint(report)}"


def sealed_with(election: Simulation, forger: ServiceKey) -> bytes:
    """The journal as somebody else tells it, with an own key in the first line and in every seal."""
    acts = _changed(election.acts, "journal", service_key=forger.public)
    return join_lines(rebuild_journal(acts, election.heads, forger))


def test_a_story_sealed_with_another_key_is_a_finding(judge: Judge, tmp_path: Path) -> None:
    """Without it: a server could sign one voter's receipts with a key that proves nothing to anybody else, and show a
    journal that says the same. The election data name the key, and their fingerprint stands on the sheet."""
    election, forger = _certified("presented"), ServiceKey(b"\x07" * 32)
    assert_sound(judge.of(election, journal=True))
    report = judge(election.archive, sealed_with(election, forger))
    assert failed(report) == {"J9"}, complaint(report)
    assert "not the one that the election data name" in report.findings.checks["J9"].detail
    assert report.service_key == election.service_key.public

    box = tmp_path / "box.bel"
    box.write_bytes(election.archive)
    true = election.receipts[0]
    false = make_receipt(forger, true.election, true.tracker, true.height, true.event)
    # No journal is needed to tell them apart, and none can be put in the key's place.
    assert find_receipt(box, true, None).fingerprint == election.election.fingerprint
    with pytest.raises(RejectedError, match="V2"):
        find_receipt(box, false, None)
    for receipt in (true, false):
        with pytest.raises(RejectedError, match="J9"):
            find_receipt(box, receipt, forger.public)


@pytest.mark.parametrize("kind", ["presented", "revotes"])
def test_the_journal_says_of_final_votes_what_the_election_data_say(kind: str, judge: Judge) -> None:
    """Without it: voters could be told by one that they may vote again, and by the other that they may not."""
    election = simulated(replace(KINDS[kind], is_bound=True))
    assert_sound(judge.of(election, journal=True))
    revotes = _first(election.acts, "opened").payload["revotes"]
    acts = _changed(election.acts, "opened", revotes=not revotes)
    report = judge(election.archive, election.with_acts(acts).journal)
    assert failed(report) == {"J9"}, complaint(report)
    assert "final votes" in report.findings.checks["J9"].detail


def test_a_key_that_the_election_data_do_not_name_is_said_to_be_so(judge: Judge) -> None:
    """Archives of other programs, and of this one before: sound, but the reader has to compare the key."""
    for kind, is_warned in (("plain", True), ("presented", False)):
        report = judge.of(sound(kind), journal=True)
        assert_sound(report)
        assert any("name no service key" in text for text in report.findings.warnings) is is_warned
        # Without a journal no key is asked for.
        assert not any("service key" in text for text in judge.of(sound(kind)).findings.warnings)


def test_a_story_sealed_with_another_key_is_noticed_by_receipts(judge: Judge, tmp_path: Path) -> None:
    """Where the election data do not name the key. A forger can announce an own key and seal everything with it;
    the receipts that voters hold then do not verify, and `diff` shows the difference in line 0."""
    election = _certified("certified")
    forger = ServiceKey(b"\x07" * 32)
    assert_sound(judge(election.archive, sealed_with(election, forger)))
    box = tmp_path / "box.bel"
    box.write_bytes(election.archive)
    find_receipt(box, election.receipts[0], election.service_key.public)
    with pytest.raises(RejectedError, match="V2"):
        find_receipt(box, election.receipts[0], forger.public)


# --- strong proofs -----------------------------------------------------------------------------------------------


def test_strong_proofs_missing_are_a_warning_for_counted_questions(judge: Judge) -> None:
    """Without it: an honest election whose trustees used another program would be called broken, or nobody be told."""
    election = sound("revotes")
    acts = [act for act in election.acts if act.kind != "strong-decryption"]
    report = judge(election.archive, election.with_acts(acts).journal)
    assert_sound(report)
    for owner in (1, 2, 3):
        assert f"trustee {owner} gave no strong decryption proof" in report.findings.warnings


def _other_proof(acts: list[Act]) -> list[Act]:
    proofs = [act.payload["proofs"] for act in acts if act.kind == "strong-decryption"]
    return _changed(acts, "strong-decryption", proofs=proofs[1])


def _swapped_rows(acts: list[Act]) -> list[Act]:
    [row] = _first(acts, "strong-decryption").payload["proofs"]
    return _changed(acts, "strong-decryption", proofs=[row[::-1]])


def _weak_instead(election: Simulation) -> list[Act]:
    raw = json.loads(election.entries[election.index("PartialDecryption")].bodies[0])
    return _changed(election.acts, "strong-decryption", proofs=raw["decryption_proofs"])


def _wrong_first(acts: list[Act]) -> list[Act]:
    right = _first(acts, "strong-decryption")
    return _before(acts, "strong-decryption", _first(_other_proof(acts), "strong-decryption"), right)


@pytest.mark.parametrize(
    "change, rule",
    [
        pytest.param(_other_proof, "D4", id="of another trustee"),
        pytest.param(_swapped_rows, "D4", id="in another order"),
        pytest.param(lambda acts: _changed(acts, "strong-decryption", proofs=[]), "D4", id="none"),
        pytest.param(
            lambda acts: _changed(acts, "strong-decryption", proofs=[[]]), "D4", id="none in the row"
        ),
        pytest.param(_wrong_first, "D4", id="a wrong one before a right one"),
        pytest.param(lambda acts: _changed(acts, "strong-decryption", owner=99), "J9", id="of nobody"),
    ],
)
def test_a_wrong_strong_proof_is_a_finding(change: Change, rule: str, judge: Judge) -> None:
    """Without it: the proof that makes up for Belenios' weak one could be anything."""
    election = sound("revotes")
    report = judge(election.archive, election.with_acts(change(list(election.acts))).journal)
    assert rule in failed(report), complaint(report)


def test_a_second_strong_proof_of_a_trustee(judge: Judge) -> None:
    """Without it: proofs that nothing verifies could stand beside right ones, or under another trustee's name."""
    election = sound("revotes")
    again = _before(election.acts, "tallied", _first(election.acts, "strong-decryption"))
    renamed = _changed(election.acts, "strong-decryption", 1, owner=1)
    for acts in (again, renamed):
        report = judge(election.archive, election.with_acts(acts).journal)
        assert failed(report) == {"J9"}, complaint(report)


def test_the_weak_proof_is_no_strong_one(judge: Judge) -> None:
    """Without it: the archive's own proofs, copied to the journal, would pass for the stronger statement."""
    election = sound("revotes")
    report = judge(election.archive, election.with_acts(_weak_instead(election)).journal)
    assert "D4" in failed(report), complaint(report)


def test_a_strong_proof_of_a_trustee_who_did_not_decrypt(judge: Judge) -> None:
    """Without it: lines that nothing verifies could stand in a sound journal under a trustee's name."""
    election = sound("threshold")
    acts = _changed(election.acts, "strong-decryption", owner=1)
    assert "J9" in failed(judge(election.archive, election.with_acts(acts).journal))


# --- what the box and the journal say together -------------------------------------------------------------------


def test_final_votes_are_final(judge: Judge) -> None:
    """Without it: the server could let some voters vote again although the committee had said that votes are final."""
    election = simulated(replace(KINDS["plain"], votes=((0, ((0,),)), (1, ((1,),)), (0, ((1,),)))))
    assert_sound(judge.of(election, journal=True))
    acts = _changed(election.acts, "opened", revotes=False)
    report = judge(election.archive, election.with_acts(acts).journal)
    assert failed(report) == {"J9"}, complaint(report)
    assert "height 3" in report.findings.checks["J9"].detail


def test_final_votes_are_final_without_a_journal_too(judge: Judge) -> None:
    """Without it: whoever has the archive alone would count a second ballot though the sheet says that votes are
    final."""
    spec = replace(KINDS["plain"], stage="closed", is_bound=True)
    twice = replace(spec, votes=((0, ((0,),)), (1, ((1,),)), (0, ((1,),))))
    report = judge.of(simulated(twice))
    assert_sound(report)
    assert report.findings.checks["B12"].status == "pass"
    # The same ballots, under election data that say the contrary.
    final = simulated(replace(twice, revoting=False))
    for jobs in (1, 2):
        report = judge(final.archive, jobs=jobs)
        assert failed(report) == {"B12"}, complaint(report)
        assert "ballot at height 3" in report.findings.checks["B12"].detail
    assert "B12" in failed(judge.of(final, journal=True))
    unbound = judge.of(simulated(replace(twice, is_bound=False)))
    assert_sound(unbound)
    assert unbound.findings.checks["B12"].status == "not-checked"


def test_a_ballot_that_was_opened_to_check_it_is_never_cast(judge: Judge) -> None:
    """Without it: a ballot whose randomness somebody has seen, and with it the vote, could stand in the box."""
    election = sound("plain")
    tracker = ballot_tracker(election.ballots[1])
    acts = _before(election.acts, "closed", Act("ballot-challenged", {"tracker": tracker}))
    report = judge(election.archive, election.with_acts(acts).journal)
    assert failed(report) == {"J9"}, complaint(report)
    assert "height 2" in report.findings.checks["J9"].detail
    other = ballot_tracker(b"a ballot that was never cast")
    acts = _before(election.acts, "closed", Act("ballot-challenged", {"tracker": other}))
    assert_sound(judge(election.archive, election.with_acts(acts).journal))


def test_the_files_of_the_booth_are_a_line_like_others(judge: Judge) -> None:
    """Before opening and while voting is open; after closing it would only blur what people voted on."""
    election = sound("plain")
    line = Act("booth-files", {"files": [["/static/booth/worker.js", "ab" * 32]]})
    for where in ("opened", "closed"):
        acts = _before(election.acts, where, line)
        assert_sound(judge(election.archive, election.with_acts(acts).journal))
    for where, other in (("tallied", line), ("closed", replace(line, actor="committee:7"))):
        acts = _before(election.acts, where, other)
        assert failed(judge(election.archive, election.with_acts(acts).journal)) & {"J3", "J5"}


def test_pages_that_nobody_wrote_down_before_opening_are_a_warning(judge: Judge) -> None:
    """Without it: the first voters could vote on pages that are in no list, and nobody would be told."""
    election = simulated(replace(KINDS["plain"], is_bound=True))

    def is_warned(election: Simulation) -> bool:
        report = judge.of(election, journal=True)
        assert_sound(report)
        return any("does not say before voting was opened" in text for text in report.findings.warnings)

    assert not is_warned(election)
    line = _first(election.acts, "booth-files")
    acts = [act for act in election.acts if act is not line]
    assert is_warned(election.with_acts(acts))
    # A later list is of what was shown from then on.
    assert is_warned(election.with_acts(_before(acts, "closed", line)))
    # Where voting was not opened yet, the list may still come.
    assert not is_warned(simulated(replace(KINDS["plain"], stage="setup", votes=())))


def test_ballots_after_closing_are_a_warning(judge: Judge) -> None:
    """Without it: nobody would be told that the server let ballots in after voting had been closed. It may, for those
    that had arrived; how many there are is for people to judge."""
    election = sound("plain")
    acts = [
        replace(act, box=1)
        if act.kind == "closed" or (act.kind == SEAL and election.acts[index - 1].kind == "closed")
        else act
        for index, act in enumerate(election.acts)
    ]
    report = judge(election.archive, election.with_acts(acts).journal)
    assert_sound(report)
    assert any(warning.startswith("2 ballots were appended after") for warning in report.findings.warnings)
    assert not any("appended after" in text for text in judge.of(election, journal=True).findings.warnings)
    bound = simulated(replace(election.spec, is_bound=True))
    assert judge.of(bound, journal=True).findings.warnings == []


def test_a_result_that_the_journal_does_not_know(judge: Judge) -> None:
    """Without it: a box could have a result in an election that its people think was never tallied."""
    election = sound("plain")
    acts = _without(election.acts, "tallied", seal=True)
    assert "J9" in failed(judge(election.archive, election.with_acts(acts).journal))
    untalliable = Act("untalliable", {**_NOW, "reason": "no trustee came"}, "committee:7")
    ended = _before(election.acts, "tallied", untalliable, SEALED)
    ended = _without(ended, "tallied", seal=True)
    assert "J9" in failed(judge(election.archive, election.with_acts(ended).journal))


@pytest.mark.parametrize("enough", [True, False])
def test_a_drill_by_enough_trustees_of_a_threshold_group(enough: bool, judge: Judge) -> None:
    """Without it: voting could be opened although the keys at hand cannot open the tally; or one lost key would stop
    an election that can do without it."""
    election = sound("threshold")
    missing = (1,) if enough else (1, 2)
    acts = [act for act in election.acts if act.kind != "key-drill" or act.payload["owner"] not in missing]
    report = judge(election.archive, election.with_acts(acts).journal)
    assert failed(report) == (set() if enough else {"J7"}), complaint(report)


def test_a_drill_made_for_another_election(judge: Judge) -> None:
    """Without it: a drill once passed could be shown again and again, when the key is long lost."""
    election = sound("plain")
    nonce = _first(election.acts, "key-drill").payload["nonce"]
    proof = make_drill(election.group, "A" * 43, election.secrets[1], nonce, coins_for(52, "drill"))
    acts = _changed(election.acts, "key-drill", proof=proof)
    assert failed(judge(election.archive, election.with_acts(acts).journal)) == {"J7"}


def test_a_restarted_ceremony(judge: Judge) -> None:
    """Without it: trustees could not begin again after a mistake; or could reuse what others have seen already."""
    election = sound("revotes")
    acts = list(election.acts)
    start = next(index for index, act in enumerate(acts) if act.kind == "trustee-committed")
    false_start = [Act("trustee-committed", {"owner": 1, "commitment": "cd" * 32}, "trustee:101")]
    restart = Act("trustees-restarted", {"reason": "trustee 2 fell ill"}, "committee:7")
    again = [*acts[:start], *false_start, restart, *acts[start:]]
    assert_sound(judge(election.archive, election.with_acts(again).journal))
    reused = [*acts[:start], acts[start], restart, *acts[start:]]
    assert "J6" in failed(judge(election.archive, election.with_acts(reused).journal))


# --- two officers (J10) --------------------------------------------------------------------------------------------

OFFICERS = Act("officers", {"needed": 2, "certifiers": 2, "reason": ""}, "committee:7")


def _approval(act: Act, actor: str = "committee:8") -> Act:
    subject = act_subject(act.kind, act.payload)
    return Act("approval", {"act": act.kind, "subject": subject}, actor, act.box)


def _by_two(acts: Sequence[Act], terms: Act = OFFICERS) -> list[Act]:
    """The same story with a second officer before each act of the committee that needs one."""
    told = [acts[0], terms]
    for act in acts[1:]:
        if act.kind in SHARED_ACTS and act.actor != SERVICE:
            told.append(_approval(act))
        told.append(act)
    return told


def test_the_second_officer_cannot_be_left_out(judge: Judge) -> None:
    """Without it: one of the committee, with the server's key, could say that the other one had agreed to more."""
    election = _certified("revotes")
    acts = _by_two(election.acts)
    report = judge(election.archive, election.with_acts(acts).journal)
    assert_sound(report)
    assert report.findings.checks["J10"].status == "pass"
    for index, act in enumerate(acts):
        if act.kind != "approval":
            continue
        before, after = acts[:index], acts[index + 1 :]
        for name, others in {
            "left out": [],
            "of the same officer": [replace(act, actor=after[0].actor)],
            "of something else": [replace(act, payload={**act.payload, "subject": "ab" * 32})],
            "of another act": [replace(act, payload={**act.payload, "act": "paused"})],
            "twice": [act, act],
            "of two others": [act, replace(act, actor="committee:9")],
        }.items():
            report = judge(election.archive, election.with_acts([*before, *others, *after]).journal)
            assert failed(report) >= {"J10"}, f"{act.payload['act']} {name}: {complaint(report)}"
        # After its act it approves nothing.
        late = [*before, after[0], act, *after[1:]]
        assert failed(judge(election.archive, election.with_acts(late).journal)) & {"J4", "J10"}


def test_what_was_agreed_to_cannot_be_changed_afterwards(judge: Judge) -> None:
    """Without it: "the other one agreed" to another closing time or statement than the one that stands there."""
    election = _certified("revotes")
    acts = _by_two(election.acts)
    for kind, field, new in (
        ("roll-frozen", "roll", "ab" * 32),
        ("opened", "closes_at", "2026-11-20T18:00Z"),
        ("certified", "statement", "All was well."),
    ):
        index = next(index for index, act in enumerate(acts) if act.kind == kind)
        changed = replace(acts[index], payload={**acts[index].payload, field: new})
        story = [*acts[:index], changed, *acts[index + 1 :]]
        assert_findings(judge(election.archive, election.with_acts(story).journal), "J10")


def test_one_officer_alone_is_said(judge: Judge) -> None:
    election = _certified("plain")
    alone = replace(OFFICERS, payload={"needed": 1, "certifiers": 1, "reason": "The local has one."})
    journal = election.with_acts([election.acts[0], alone, *election.acts[1:]]).journal
    report = judge(election.archive, journal)
    assert_sound(report)
    assert "one officer alone ran this election: The local has one." in report.findings.warnings


def test_without_the_announcement_it_is_said_that_nobody_looked(judge: Judge) -> None:
    """What the service key can do is to leave all of it out; an earlier copy of the journal shows that (`diff`)."""
    election = _certified("plain")
    report = judge(election.archive, election.journal)
    check = report.findings.checks["J10"]
    assert (check.status, check.required) == ("not-checked", False)
    assert check.detail == "the journal does not say how many of the committee act"
    acts = [act for act in _by_two(election.acts) if act.kind != "officers"]
    assert_findings(judge(election.archive, election.with_acts(acts).journal), "J10")


def test_the_service_cannot_close_before_the_time(judge: Judge) -> None:
    """Without it: the second officer would be got round by having the server close early."""
    election = _certified("plain")
    acts = _by_two(election.acts)
    index = next(index for index, act in enumerate(acts) if act.kind == "closed")
    early = replace(acts[index], payload={"at": "2026-11-10T17:59Z"})
    story = [*acts[:index], early, *acts[index + 1 :]]
    assert_findings(judge(election.archive, election.with_acts(story).journal), "J10")
