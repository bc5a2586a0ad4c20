"""Repaired tampering: one thing changed, then every hash, name, header, parent and height recomputed.

All of it must be findings that name the broken rule, except for a closed list (docs/protocol.md): what the mathematics
of one archive alone cannot tell. For each line of that list a test shows what catches it instead.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from click.testing import CliRunner

from audit.cli import cli
from audit.receipt import Place, find_receipt
from crypto.ballot import parse_ballot
from crypto.decryption import make_partial_decryption, parse_partial_decryption
from crypto.election import parse_election
from crypto.elgamal import multiply
from crypto.encoding import encode_json_bytes, sha256_base64
from crypto.groups import get_group
from crypto.randomness import new_credential_text
from crypto.tally import EncryptedTally, TallyAccumulator, parse_encrypted_tally
from crypto.trustees import generate_key
from tests.audit.forgery import (
    adapted_decryption,
    election_bytes,
    false_decryption,
    forge_ballot,
    forge_pedersen,
    owned_entry,
    result_entry,
    setup_entry,
    single_trustee,
    tally_entry,
    voter_secret,
)
from tests.audit.judging import RULES_OF, Judge, assert_findings, assert_sound, complaint, failed
from tests.audit.mutations import (
    Mutation,
    Tampered,
    credential_of,
    repaired_mutations,
    value_at,
    value_with,
    ways,
)
from tests.simulator import (
    KINDS,
    OFFICERS,
    SINGLE,
    TIMESTAMP,
    YES_NO,
    Entry,
    Simulation,
    Spec,
    change_json,
    coins_for,
    heads_of,
    json_at,
    json_paths,
    json_with,
    rebuild,
    simulated,
    sound,
)

# --- the closed list ---------------------------------------------------------------------------------------------


def _types(entries: Iterable[Entry]) -> list[str]:
    return [entry.type for entry in entries]


def _of_type(entries: Iterable[Entry], kind: str) -> list[tuple[bytes, ...]]:
    return [entry.bodies for entry in entries if entry.type == kind]


def _by_credential(election: Simulation, entries: Iterable[Entry]) -> dict[str, list[bytes]]:
    result: dict[str, list[bytes]] = {}
    for entry in entries:
        if entry.type == "Ballot":
            result.setdefault(credential_of(election, entry), []).append(entry.bodies[0])
    return result


def _same_but(old: Sequence[Entry], new: Sequence[Entry], kind: str) -> bool:
    """Whether all events but those of one type are the same, in the same places between them."""
    rest = [entry for entry in old if entry.type != kind], [entry for entry in new if entry.type != kind]
    shape = [k for k in _types(old) if k != kind], [k for k in _types(new) if k != kind]
    together = "".join("x" if k == kind else "." for k in _types(new)).strip(".")
    place = _types(old).index(kind) == _types(new).index(kind) if kind in _types(new) else False
    return rest[0] == rest[1] and shape[0] == shape[1] and place and "." not in together


def _is_list_of_used(election: Simulation, new: Entry) -> bool:
    """Whether the credentials that voted stand in the list as before."""
    old_lines = json.loads(election.entries[0].body("credentials"))
    lines = json.loads(new.body("credentials"))
    used = set(_by_credential(election, election.entries))
    kept = [line for line in old_lines if line.partition(",")[0] in used]
    return isinstance(lines, list) and not Counter(kept) - Counter(map(str, lines))


def excuse(election: Simulation, tampered: Tampered) -> str | None:
    """The line of the closed list that allows an archive to be sound although it is not the original."""
    old, new = election.entries, tampered.entries
    if new is None or any(entry.event for entry in new):
        return None
    if new == old[: len(new)]:
        return "a prefix of the archive"
    if _same_but(old, new, "Ballot"):
        before, after = _by_credential(election, old), _by_credential(election, new)
        if before == after:
            return "order of different credentials' ballots"
        if all(
            key in after and after[key][-1] == ballots[-1] and set(after[key]) <= set(ballots)
            for key, ballots in before.items()
        ) and all(len(set(ballots)) == len(ballots) for ballots in after.values()):
            return "a removed superseded ballot"
    if _same_but(old, new, "PartialDecryption"):
        before_pd, after_pd = _of_type(old, "PartialDecryption"), _of_type(new, "PartialDecryption")
        if sorted(before_pd) == sorted(after_pd):
            return "order of partial decryptions"
        if not election.counted and _is_order_of_proofs(before_pd, after_pd):
            return "order of proofs where no ballot was counted"
    if old[1:] == new[1:] and all(old[0].body(r) == new[0].body(r) for r in ("election", "trustees")):
        if Counter(old[0].body("credentials")) == Counter(new[0].body("credentials")):
            return "order of the list of credentials"
        if _is_list_of_used(election, new[0]):
            return "an unused credential"
    return None


def _is_order_of_proofs(old: list[tuple[bytes, ...]], new: list[tuple[bytes, ...]]) -> bool:
    def sorted_proofs(bodies: tuple[bytes, ...]) -> Any:
        value = json.loads(bodies[0])
        proofs = [proof for row in value.pop("decryption_proofs") for proof in row]
        return value, sorted(proofs, key=str)

    return [sorted_proofs(bodies) for bodies in old] == [sorted_proofs(bodies) for bodies in new]


# --- the walk ----------------------------------------------------------------------------------------------------


def _sample(mutations: list[Mutation], rng: Random, count: int) -> Iterable[Mutation]:
    """As many of each kind of record, however long their JSON is."""
    kinds: dict[str, list[Mutation]] = {}
    for mutation in mutations:
        kinds.setdefault(mutation.record, []).append(mutation)
    for number in range(count):
        yield rng.choice(list(kinds.values())[number % len(kinds)])


@pytest.mark.parametrize("kind", KINDS)
def test_one_thing_changed_and_repaired(kind: str, judge: Judge, rng: Random, samples: int) -> None:
    """Without it: whoever holds the file could change a value that no check reads, and nobody would ever know."""
    election = sound(kind)
    count = samples // 3 if kind.startswith("belenios") else samples
    for mutation in _sample(repaired_mutations(election), rng, count):
        tampered = mutation.make()
        if tampered.archive == election.archive:
            continue
        report = judge(tampered.archive)
        if report.verdict == "sound":
            assert excuse(election, tampered), f"{kind}: {mutation.name}: {complaint(report)}"
            continue
        assert_findings(report, *RULES_OF.get(mutation.record, ()))


def test_every_change_of_the_order_of_events(judge: Judge) -> None:
    """Without it: the state machine could have a gap that the samples miss. No version of belenios-tool has one."""
    election = simulated(
        replace(
            KINDS["revotes"],
            voters=3,
            votes=((0, ((0,),)), (1, ((1,),)), (0, ((1,),))),
            trustees=(SINGLE, SINGLE),
        )
    )
    excused: Counter[str] = Counter()
    for mutation in repaired_mutations(election):
        if mutation.record != "events":
            continue
        tampered = mutation.make()
        report = judge(tampered.archive)
        if report.verdict == "sound" and tampered.archive != election.archive:
            reason = excuse(election, tampered)
            assert reason, f"{mutation.name}: {complaint(report)}"
            excused[reason] += 1
        elif tampered.archive != election.archive:
            assert_findings(report)
    assert set(excused) == {
        "a prefix of the archive",
        "order of different credentials' ballots",
        "a removed superseded ballot",
        "order of partial decryptions",
    }


def test_the_walk_reaches_every_part_of_the_record() -> None:
    """Without it: a part of the archive that the walk does not know would never be tampered with."""
    names = [mutation.name for mutation in repaired_mutations(sound("mixed"))]
    for part in (
        "trustees /1/1/certs/2/message/(text)/context/threshold",
        "trustees /1/1/coefexps/0/message/(text)/coefexps/1",
        "trustees /1/1/verification_keys/2/signature/response",
        "trustees /1/1/signatures/1",
        "ballot /answers/0/individual_proofs/1/0/challenge",
        "election /questions/0/answers/1",
        "partial_decryption /decryption_factors/0/1",
        "sized_tally /total_weight",
        "owned /owner",
        "result /result/0/1",
        "Ballot itself: type EndBallots",
    ):
        assert any(part in name for name in names), part


# --- what catches the exceptions ---------------------------------------------------------------------------------


def _caught_by_journal(election: Simulation, archive: bytes, judge: Judge, *rules: str) -> None:
    """Sound alone; with the journal of the untampered election findings under each of these rules."""
    assert_sound(judge(archive))
    report = judge(archive, election.journal)
    assert report.verdict == "findings", complaint(report)
    assert set(rules) <= failed(report), complaint(report)


def _caught_by_diff(election: Simulation, archive: bytes, folder: Path) -> None:
    old, new = folder / "old.bel", folder / "new.bel"
    old.write_bytes(election.archive)
    new.write_bytes(archive)
    run = CliRunner().invoke(cli, ["diff", str(old), str(new)])
    assert run.exit_code == 1, run.output
    assert "NOT A CONTINUATION" in run.output


def _place(election: Simulation, archive: bytes, number: int, folder: Path) -> Place:
    """Where the ballot of that receipt is, by a signature-checked receipt."""
    path = folder / "receipt.bel"
    path.write_bytes(archive)
    return find_receipt(path, election.receipts[number], election.service_key.public).place


def test_the_header_timestamp_is_noticed_by_whoever_kept_a_copy(judge: Judge, tmp_path: Path) -> None:
    """Closed list: header timestamp. No hash covers it, and nothing rests on it."""
    election = sound("certified")
    archive = rebuild(election.entries, TIMESTAMP + 60)
    assert_sound(judge(archive, election.journal))
    _caught_by_diff(election, archive, tmp_path)


def test_the_order_of_ballots_is_noticed_by_journal_receipt_and_copy(judge: Judge, tmp_path: Path) -> None:
    """Closed list: order of different credentials' ballots. Sums do not know it."""
    election = sound("plain")
    a, b, c = (election.index("Ballot", number) for number in range(3))
    entries = list(election.entries)
    entries[a], entries[b] = entries[b], entries[a]
    archive = rebuild(entries)
    _caught_by_journal(election, archive, judge, "J8")
    _caught_by_diff(election, archive, tmp_path)
    assert [_place(election, archive, number, tmp_path) for number in range(3)] == [Place.MISSING] * 3
    assert c == 3


def test_a_removed_superseded_ballot_is_noticed_by_journal_receipt_and_copy(
    judge: Judge, tmp_path: Path
) -> None:
    """Closed list: a removed superseded ballot. It counted for nothing; but it was in the box."""
    election = sound("revotes")
    archive = rebuild([entry for index, entry in enumerate(election.entries) if index != 1])
    _caught_by_journal(election, archive, judge, "J8")
    _caught_by_diff(election, archive, tmp_path)
    assert _place(election, election.archive, 0, tmp_path) is Place.SUPERSEDED
    assert _place(election, archive, 0, tmp_path) is Place.MISSING


def test_the_order_of_decryptions_is_noticed_by_journal_and_copy(judge: Judge, tmp_path: Path) -> None:
    """Closed list: order of partial decryptions. The result is their product."""
    election = sound("threshold")
    first = election.index("PartialDecryption")
    entries = list(election.entries)
    entries[first], entries[first + 1] = entries[first + 1], entries[first]
    archive = rebuild(entries)
    _caught_by_journal(election, archive, judge, "J8")
    _caught_by_diff(election, archive, tmp_path)


def test_a_prefix_is_noticed_by_journal_receipt_and_copy(judge: Judge, tmp_path: Path) -> None:
    """Closed list: a prefix of the archive. It was true once; who saw more of it knows."""
    election = sound("certified")
    for length in range(1, len(election.entries)):
        archive = rebuild(election.entries[:length])
        _caught_by_journal(election, archive, judge, "J8")
        _caught_by_diff(election, archive, tmp_path)
        present = [_place(election, archive, number, tmp_path) is Place.COUNTED for number in range(3)]
        assert present == [number + 1 < length for number in range(3)]


def test_a_decryption_too_many_that_was_removed_is_noticed_by_the_journal(
    judge: Judge, tmp_path: Path
) -> None:
    """Closed list: a removed partial decryption that was not needed. Any t of them tell the same."""
    election = simulated(replace(KINDS["threshold"], decrypting=(1, 2, 3)))
    first = election.index("PartialDecryption")
    for number in range(first, first + 3):
        archive = rebuild([entry for index, entry in enumerate(election.entries) if index != number])
        _caught_by_journal(election, archive, judge, "J8", "J9")
        _caught_by_diff(election, archive, tmp_path)


def test_the_order_of_trustees_before_decryption_is_noticed_by_the_journal(
    judge: Judge, tmp_path: Path
) -> None:
    """Closed list: order of trustees while nobody has decrypted. A product has no order; decryptions name owners."""

    def swapped(archive_of: Simulation) -> bytes:
        return rebuild(change_json(archive_of.entries, 0, "trustees", lambda items: items[::-1]))

    spec = replace(KINDS["plain"], trustees=(SINGLE, SINGLE))
    election = simulated(replace(spec, stage="open"))
    _caught_by_journal(election, swapped(election), judge, "J8", "J9")
    _caught_by_diff(election, swapped(election), tmp_path)
    assert_findings(judge(swapped(simulated(spec))), "D3")


@pytest.mark.parametrize("kind", ["plain", "threshold"])
def test_a_trustees_name_is_noticed_by_the_journal_and_warned_of(
    kind: str, judge: Judge, tmp_path: Path
) -> None:
    """Closed list: a trustee's name. It stands outside of what the trustee proves or signs."""
    election = sound(kind)

    def named(items: list[Any]) -> list[Any]:
        key = items[0][1]
        (key["verification_keys"][0] if kind == "threshold" else key)["name"] = "Somebody else"
        return items

    archive = rebuild(change_json(election.entries, 0, "trustees", named))
    _caught_by_journal(election, archive, judge, "J8", "J9")
    _caught_by_diff(election, archive, tmp_path)
    assert any("names, which nobody signed" in warning for warning in judge(archive).findings.warnings)


@pytest.mark.parametrize("change", ["dropped", "added", "exchanged", "weight"])
def test_an_unused_credential_is_noticed_by_the_journal(change: str, judge: Judge, tmp_path: Path) -> None:
    """Closed list: an unused credential. Who was entitled and did not vote leaves no trace in the sum."""
    spec = replace(KINDS["weighted"], weights=(3, 1, 0, 5, 2), voters=5)
    election = simulated(spec)
    used = {credential_of(election, entry) for entry in election.entries if entry.type == "Ballot"}
    group = election.group
    extra = group.power_g(4711).text

    def changed(lines: list[str]) -> list[str]:
        kept = [line for line in lines if line.partition(",")[0] in used]
        [unused] = [line for line in lines if line not in kept]
        new = {
            "dropped": kept,
            "added": [*lines, f"{extra},1"],
            "exchanged": [*kept, f"{extra},2"],
            "weight": [*kept, unused.replace(",2", ",7")],
        }[change]
        return sorted(new, key=lambda line: bytes.fromhex(line.partition(",")[0])[::-1])

    archive = rebuild(change_json(election.entries, 0, "credentials", changed))
    _caught_by_journal(election, archive, judge, "J8", "J9")
    _caught_by_diff(election, archive, tmp_path)


@pytest.mark.parametrize("field", ["name", "description", "administrator", "questions"])
def test_texts_before_the_first_ballot_are_noticed_by_the_journal(
    field: str, judge: Judge, tmp_path: Path
) -> None:
    """Closed list: texts of an election that has no ballot yet. From the first ballot on the fingerprint binds them."""
    election = simulated(Spec((YES_NO,), votes=(), stage="open", seed=31))

    def changed(value: dict[str, Any]) -> dict[str, Any]:
        if field == "questions":
            return {**value, field: [{**value[field][0], "answers": ["No", "Yes"]}]}
        return {**value, field: "Something else"}

    archive = rebuild(change_json(election.entries, 0, "election", changed))
    _caught_by_journal(election, archive, judge, "J8", "J9")
    _caught_by_diff(election, archive, tmp_path)
    voted = sound("plain")
    assert_findings(judge(rebuild(change_json(voted.entries, 0, "election", changed))), "B3")


def test_languages_and_rules_are_known_to_the_auditor_and_bound_by_every_ballot(judge: Judge) -> None:
    """Without it: the Spanish names could change places, or the majority that is needed, under votes already cast."""
    election = sound("presented")
    report = judge.of(election, journal=True)
    assert_sound(report)
    assert report.findings.warnings == []
    value = json.loads(election.entries[0].body("election"))
    paths = [path for path in json_paths(value) if path[:1] == ("steward",)]
    assert len(paths) > 30
    for path in paths:
        changes: list[Any] = [None]
        old = json_at(value, path)
        if isinstance(old, str):
            changes = [old + "x", "majority"]
        elif isinstance(old, int):
            changes = [old + 1]
        elif isinstance(old, list):
            changes = [old[::-1], old[:-1]]
        elif isinstance(old, dict) and len(path) > 1:
            changes = [{key: old[key] for key in list(old)[:-1]}]
        for new in changes:
            body = encode_json_bytes(json_with(value, path, new))
            broken = rebuild([election.entries[0].with_body("election", body), *election.entries[1:]])
            if broken != election.archive:
                assert failed(judge(broken)) & {"S1", "B3"}, f"{path} = {new}"


@pytest.mark.parametrize("part", ["texts", "candidates", "rules", "quorum"])
def test_languages_and_rules_before_the_first_ballot_are_noticed_by_the_journal(
    part: str, judge: Judge, tmp_path: Path
) -> None:
    election = simulated(replace(KINDS["presented"], votes=(), stage="open"))

    # Candidates' statements are in the languages of the texts, so they go with them.
    gone = {part, "candidates"} if part == "texts" else {part}

    def changed(value: dict[str, Any]) -> dict[str, Any]:
        return {**value, "steward": {k: v for k, v in value["steward"].items() if k not in gone}}

    archive = rebuild(change_json(election.entries, 0, "election", changed))
    _caught_by_journal(election, archive, judge, "J8", "J9")
    _caught_by_diff(election, archive, tmp_path)


def test_the_order_of_credentials_is_a_warning_and_noticed_by_the_journal(judge: Judge) -> None:
    """Proposed for the closed list: order of the list of credentials. Foreign archives are often unsorted."""
    election = sound("plain")
    archive = rebuild(change_json(election.entries, 0, "credentials", lambda lines: lines[::-1]))
    assert any("not sorted" in warning for warning in judge(archive).findings.warnings)
    _caught_by_journal(election, archive, judge, "J8", "J9")


def test_the_name_of_a_trustee_is_noticed_by_the_journal(judge: Judge) -> None:
    """Proposed for the closed list: a trustee's name. Nobody signs it in version 1."""
    for kind, way in (("plain", (0, 1)), ("threshold", (0, 1, "verification_keys", 1))):
        election = sound(kind)

        def changed(value: Any, way: tuple[Any, ...] = way) -> Any:
            inner = value
            for step in way:
                inner = inner[step]
            inner["name"] = "Mallory"
            return value

        archive = rebuild(change_json(election.entries, 0, "trustees", changed))
        _caught_by_journal(election, archive, judge, "J8", "J9")


def test_the_order_of_single_trustees_is_noticed_by_the_journal(judge: Judge) -> None:
    """Proposed for the closed list: order of trustees, where their decryptions are renumbered with it."""
    election = sound("revotes")
    order = {1: 3, 2: 2, 3: 1}
    entries = list(change_json(election.entries, 0, "trustees", lambda items: items[::-1]))
    assert_findings(judge(rebuild(entries)), "D3")
    for index, entry in enumerate(entries):
        if entry.type == "PartialDecryption":
            owner = json.loads(entry.bodies[1])["owner"]
            entries[index] = owned_entry(order[owner], entry.bodies[0])
    _caught_by_journal(election, rebuild(entries), judge, "J8", "J9")


def test_weights_of_one_written_out_are_noticed_by_the_journal(judge: Judge) -> None:
    """Proposed for the closed list: a weight of 1 written or left out for all."""
    election = sound("plain")
    archive = rebuild(
        change_json(election.entries, 0, "credentials", lambda lines: [f"{x},1" for x in lines])
    )
    _caught_by_journal(election, archive, judge, "J8", "J9")
    some = change_json(election.entries, 0, "credentials", lambda lines: [f"{lines[0]},1", *lines[1:]])
    assert_findings(judge(rebuild(some)), "S4")


def test_a_removed_spare_decryption_is_noticed_by_the_journal(judge: Judge, tmp_path: Path) -> None:
    """Proposed for the closed list: a removed partial decryption beyond the threshold. The result did not need it."""
    election = simulated(replace(KINDS["threshold"], decrypting=(1, 2, 3)))
    assert_sound(judge.of(election, journal=True))
    last = election.index("PartialDecryption", 2)
    archive = rebuild([entry for index, entry in enumerate(election.entries) if index != last])
    _caught_by_journal(election, archive, judge, "J8", "J9")
    _caught_by_diff(election, archive, tmp_path)


def test_the_order_of_proofs_without_a_ballot_is_noticed_by_the_journal(judge: Judge) -> None:
    """Proposed for the closed list: order of decryption proofs where no ballot counted. Then all prove the same."""
    election = sound("empty")
    index = election.index("PartialDecryption")

    def changed(value: dict[str, Any]) -> dict[str, Any]:
        value["decryption_proofs"][1].reverse()
        return value

    archive = rebuild(change_json(election.entries, index, "partial_decryption", changed))
    _caught_by_journal(election, archive, judge, "J8")


def test_unsigned_threshold_keys_are_a_warning_and_noticed_by_the_journal(judge: Judge) -> None:
    """Proposed for the closed list: all signatures of threshold keys removed (form of belenios 2.5), with a warning."""
    election = sound("mixed")

    def stripped(items: list[Any]) -> list[Any]:
        for key in items[1][1]["verification_keys"]:
            del key["signature"]
        return items

    archive = rebuild(change_json(election.entries, 0, "trustees", stripped))
    assert any("not signed" in warning for warning in judge(archive).findings.warnings)
    _caught_by_journal(election, archive, judge, "J8", "J9")


@pytest.mark.parametrize("stage", ["open", "closed", "tally"])
def test_a_ballot_dropped_before_decryption_is_noticed_by_journal_receipt_and_copy(
    stage: str, judge: Judge, tmp_path: Path
) -> None:
    """Proposed for the closed list: ballots, as long as no trustee has decrypted. A server can leave one out and make
    the tally anew; nothing in the archive alone tells that there was another ballot."""
    election = simulated(replace(KINDS["plain"], stage="open" if stage == "open" else "closed", seed=32))
    entries = [entry for index, entry in enumerate(election.entries) if index != 2]
    if stage == "tally":
        tally, count = _recount(election, entries)
        entries.append(tally_entry(tally, count, count))
    archive = rebuild(entries)
    report = judge(archive)
    assert_sound(report)
    assert report.ballots == 2
    _caught_by_diff(election, archive, tmp_path)
    assert _place(election, archive, 1, tmp_path) is Place.MISSING
    if stage != "open":
        _caught_by_journal(election, archive, judge, "J8")


# --- with more thought: without any key --------------------------------------------------------------------------


def _recount(election: Simulation, entries: Iterable[Entry]) -> tuple[EncryptedTally, int]:
    """The right tally of these entries' ballots, all of weight 1, and their number."""

    last = {}
    for entry in entries:
        if entry.type == "Ballot":
            last[credential_of(election, entry)] = parse_ballot(election.election, entry.bodies[0])
    accumulator = TallyAccumulator(election.election)
    for ballot in last.values():
        accumulator.add(ballot, 1)
    return accumulator.tally(), len(last)


def _tally_of(election: Simulation) -> EncryptedTally:
    return parse_encrypted_tally(
        election.election, election.entries[election.index("EncryptedTally")].bodies[0]
    )


def test_a_result_that_differs_by_the_order_of_the_group(judge: Judge) -> None:
    """Without it: g^(n+q) = g^n, so a result could exceed the number of votes (belenios-tool 2.0 takes it)."""
    for kind in ("plain", "belenios"):
        election = sound(kind)
        index = election.index("Result")
        assert election.result is not None
        [row] = election.result
        more = [[row[0] + election.group.q, row[1]]]
        entries = (*election.entries[:index], result_entry(more))
        assert_findings(judge(rebuild(entries)), "R3")
        balanced = result_entry([[row[0] + 1, row[1] - 1]])
        assert_findings(judge(rebuild((*election.entries[:index], balanced))), "R2")


def test_owners_of_decryptions_exchanged(judge: Judge) -> None:
    """Without it: one trustee could be blamed for what another one did."""
    election = sound("revotes")
    first = election.index("PartialDecryption")
    entries = list(election.entries)
    bodies = [entries[first + n].bodies[0] for n in range(2)]
    entries[first], entries[first + 1] = owned_entry(2, bodies[0]), owned_entry(1, bodies[1])
    assert_findings(judge(rebuild(entries)), "D3")


def test_a_second_decryption_of_a_trustee(judge: Judge) -> None:
    """Without it: the tools take an owner's last one, so a first honest one could be replaced."""
    election = sound("blank")
    first = election.index("PartialDecryption")
    raw = election.entries[first].bodies[0]
    fresh = make_partial_decryption(
        election.election, _tally_of(election), election.secrets[1], coins_for(33, "x")
    )
    for again in (owned_entry(1, raw), owned_entry(1, fresh)):
        entries = (*election.entries[: first + 1], again, *election.entries[first + 1 :])
        assert_findings(judge(rebuild(entries)), "D1")
    stranger = owned_entry(3, raw)
    entries = (*election.entries[: first + 2], stranger, *election.entries[first + 2 :])
    assert_findings(judge(rebuild(entries)), "D1")


def test_a_ballot_left_out_after_decryption_with_proofs_made_to_fit(judge: Judge) -> None:
    """Without it: since the archive's decryption proofs hash neither tally nor factor, a server without any trustee's
    key could drop a ballot, make the tally anew and bend each factor until its proof holds."""
    election = sound("plain")
    entries = [entry for index, entry in enumerate(election.entries) if index != 2]
    start = next(index for index, entry in enumerate(entries) if entry.type == "EncryptedTally")
    old = _tally_of(election)
    new, count = _recount(election, entries)
    raw = entries[start + 1].bodies[0]
    partial = parse_partial_decryption(election.election, old, raw)
    bent = adapted_decryption(election.election, old, partial, new)
    without_result = [*entries[:start], tally_entry(new, count, count), owned_entry(1, bent)]
    # The bent proofs do hold: only the result shows that they are worth nothing.
    assert "D3" not in failed(judge(rebuild(without_result)))
    for yes in range(count + 1):
        report = judge(rebuild([*without_result, result_entry([[yes, count - yes]])]))
        assert failed(report) == {"R2"}, complaint(report)


@pytest.mark.parametrize("weight", ["01", "+1", "-1", "1.0", "1e3", "", " 1", "1 ", "1,ada", "0x1", "١"])
def test_other_spellings_of_a_weight(weight: str, judge: Judge) -> None:
    """Without it: two programs could read different weights, or a login could hide in the list."""
    election = simulated(replace(KINDS["weighted"], weights=(3, 1, 0, 5)))
    for number in range(4):

        def changed(lines: list[str], number: int = number) -> list[str]:
            key = lines[number].partition(",")[0]
            return [*lines[:number], f"{key},{weight}", *lines[number + 1 :]]

        assert_findings(judge(rebuild(change_json(election.entries, 0, "credentials", changed))), "S4")


def test_a_credential_twice_with_different_weights(judge: Judge) -> None:
    """Without it: it would depend on the program which weight counts."""
    election = simulated(replace(KINDS["weighted"], weights=(3, 1, 0, 5)))

    def changed(lines: list[str]) -> list[str]:
        return [*lines, lines[0].partition(",")[0] + ",9"]

    assert_findings(judge(rebuild(change_json(election.entries, 0, "credentials", changed))), "S4")


def test_weights_of_nought_are_sound_and_count_for_nothing(judge: Judge) -> None:
    """Without it: an honest election with suspended members would be called broken."""
    election = simulated(replace(KINDS["plain"], weights=(0, 0, 0, 0), seed=34))
    report = judge.of(election, journal=True)
    assert_sound(report)
    assert report.result == [[0, 0]]
    assert report.counted == 3


def test_weights_beyond_the_order_of_the_group(judge: Judge) -> None:
    """Without it: with weights as large as the group two different results would open the same tally."""
    spec = replace(KINDS["plain"], weights=(1, 1, 1, 1), stage="open", seed=35)
    election = simulated(spec)
    q = election.group.q

    def with_weight(weight: int) -> bytes:
        def changed(lines: list[str]) -> list[str]:
            return [lines[0].replace(",1", f",{weight}"), *lines[1:]]

        return rebuild(change_json(election.entries, 0, "credentials", changed))

    assert_findings(judge(with_weight(q - 3)), "S4")
    assert_findings(judge(with_weight(q + 1)), "S4")
    assert_sound(judge(with_weight(q - 4)))


# --- with more thought: threshold trustees -----------------------------------------------------------------------


def _with_pedersen(election: Simulation, change: Callable[[dict[str, Any]], None]) -> bytes:
    def changed(items: list[Any]) -> list[Any]:
        for kind, value in items:
            if kind == "Pedersen":
                change(value)
        return items

    return rebuild(change_json(election.entries, 0, "trustees", changed))


def _set_threshold(number: int) -> Callable[[dict[str, Any]], None]:
    return lambda value: value.update(threshold=number)


def _replace_key(value: dict[str, Any]) -> None:
    _, key = generate_key(get_group("Ed25519"), coins_for(36, "own key"))
    value["verification_keys"][1] = {**key.encode(), "signature": value["verification_keys"][1]["signature"]}


def _strip_signatures(value: dict[str, Any]) -> None:
    del value["signatures"]


def _strip_to_20(value: dict[str, Any]) -> None:
    """All that the form of 2.0 does not have, as somebody without the trustees' keys can take it away."""
    del value["signatures"]
    for key in value["verification_keys"]:
        del key["signature"]
    for cert in value["certs"]:
        message = json.loads(cert["message"])
        del message["context"]
        cert["message"] = json.dumps(message, separators=(",", ":"))


def _strip_keys_only_where_signed(value: dict[str, Any]) -> None:
    del value["signatures"]
    for key in value["verification_keys"]:
        del key["signature"]


def _strip_one(value: dict[str, Any]) -> None:
    del value["verification_keys"][2]["signature"]


def _swap_members(value: dict[str, Any]) -> None:
    for items in value.values():
        if isinstance(items, list):
            items[0], items[1] = items[1], items[0]


def _drop_member(value: dict[str, Any]) -> None:
    for items in value.values():
        if isinstance(items, list):
            items.pop()


@pytest.mark.parametrize("kind", ["threshold", "mixed"])
@pytest.mark.parametrize(
    "change, rules",
    [
        pytest.param(_set_threshold(1), ("T2", "T3"), id="threshold lower"),
        pytest.param(_set_threshold(3), ("T2", "T3"), id="threshold higher"),
        pytest.param(_replace_key, ("T5",), id="verification key of an attacker"),
        pytest.param(_strip_signatures, ("T4",), id="no signatures of certificates"),
        pytest.param(_strip_keys_only_where_signed, ("T4",), id="no signatures at all"),
        pytest.param(_strip_to_20, ("T2",), id="down to the form of 2.0"),
        pytest.param(_strip_one, ("T6",), id="one key unsigned"),
        pytest.param(_swap_members, ("T2",), id="two trustees exchanged in every list"),
        pytest.param(_drop_member, ("T2",), id="a trustee less"),
    ],
)
def test_a_threshold_key_changed_by_somebody_without_its_keys(
    kind: str, change: Callable[[dict[str, Any]], None], rules: tuple[str, ...], judge: Judge
) -> None:
    """Without it: fewer, other or weaker trustees could be made of the ones who held the key ceremony."""
    assert_findings(judge(_with_pedersen(sound(kind), change)), *rules)


_SIGNED = {"certs": "T2", "coefexps": "T3", "signatures": "T4", "pok": "T5", "signature": "T6"}


def test_every_signature_and_proof_of_threshold_trustees(judge: Judge) -> None:
    """Without it: one of the five kinds of signatures and proofs could be left unchecked, and a sample miss it."""
    election = sound("threshold")
    params = json.loads(election.entries[0].body("trustees"))[0][1]
    seen = set()
    for way in ways(params):
        if way[-1:] != ("response",):
            continue
        rule = _SIGNED[way[2]] if way[0] == "verification_keys" else _SIGNED[way[0]]
        bent = str((int(value_at(params, way)) + 1) % election.group.q)
        other = value_at(params, (way[0], (way[1] + 1) % 3, *way[2:-1]))
        for changed in (value_with(params, way, bent), value_with(params, way[:-1], other)):
            archive = rebuild(
                change_json(election.entries, 0, "trustees", lambda _, c=changed: [["Pedersen", c]])
            )
            report = judge(archive)
            assert failed(report) == {rule}, f"{way}: {complaint(report)}"
        seen.add(rule)
    assert seen == {"T2", "T3", "T4", "T5", "T6"}


def _threshold_election(
    item: list[Any], secrets: list[int], owners: Sequence[int] = (), *, group_name: str = "Ed25519"
) -> list[Entry]:
    """An election of two voters with one forged threshold group, its tally and these owners' decryptions."""
    group = get_group(group_name)
    firsts = [json.loads(c["message"])["coefexps"][0] for c in item[1]["coefexps"]]
    y = group.product([group.decode(text, "test", "y", allow_identity=True) for text in firsts])
    raw = election_bytes(group, y, [YES_NO])

    election = parse_election(raw)
    votes = [forge_ballot(election, secret, [[1, 0]], coins_for(37, secret)) for secret in (11, 12)]
    keys = sorted((group.power_g(s) for s in (11, 12)), key=group.sort_key)
    entries = [setup_entry(raw, [item], [key.text for key in keys])]
    entries += [Entry("Ballot", (vote,)) for vote in votes] + [Entry("EndBallots")]
    parsed = [parse_ballot(election, vote).answers[0].choices for vote in votes]
    tally = (tuple(multiply(group, a, b) for a, b in zip(*parsed, strict=True)),)
    entries.append(tally_entry(tally, 2, 2))
    for owner in owners:
        raw_pd = make_partial_decryption(election, tally, secrets[owner - 1], coins_for(38, owner))
        entries.append(owned_entry(owner, raw_pd))
    return entries


_POLYNOMIALS = ([101, 102], [103, 104], [105, 106])


def test_the_forms_of_older_versions_are_sound_with_a_warning(judge: Judge) -> None:
    """Without it: honest archives of belenios 2.0 and 2.5 would be refused, or accepted without a word."""
    group = get_group("Ed25519")
    for form in ("2.0", "2.5", "3.0"):
        item, secrets = forge_pedersen(group, _POLYNOMIALS, form=form)
        entries = [*_threshold_election(item, secrets, (1, 3)), result_entry([[2, 0]])]
        report = judge(rebuild(entries))
        assert_sound(report)
        assert any("threshold trustees" in warning for warning in report.findings.warnings) == (form != "3.0")


def test_a_certificate_for_another_ceremony(judge: Judge) -> None:
    """Without it: signatures given for one key generation could be used in another (belenios before 2.5.1)."""
    group = get_group("Ed25519")
    for change in ({"index": 2}, {"size": 4}, {"threshold": 3}, {"threshold": 1}, {"group": "BELENIOS-2048"}):
        item, secrets = forge_pedersen(group, _POLYNOMIALS, context=lambda c, change=change: {**c, **change})
        assert_findings(judge(rebuild(_threshold_election(item, secrets))), "T2")


def test_a_spare_decryption_must_agree_with_the_others(judge: Judge) -> None:
    """Without it: a third trustee of 2 out of 3 could publish false factors in a record that is called sound, because
    the result does not need them and their weak proof holds."""
    group = get_group("Ed25519")
    item, secrets = forge_pedersen(group, _POLYNOMIALS)
    honest = _threshold_election(item, secrets, (1, 2, 3))
    assert_sound(judge(rebuild([*honest, result_entry([[2, 0]])])))

    election = parse_election(honest[0].body("election"))
    tally = parse_encrypted_tally(election, honest[4].bodies[0])
    for liar in (1, 2, 3):
        lie = owned_entry(liar, false_decryption(election, tally, secrets[liar - 1], coins_for(39, liar)))
        entries = [lie if entry == honest[4 + liar] else entry for entry in honest]
        # The weak proof holds …
        assert "D3" not in failed(judge(rebuild(entries)))
        # … but a result that all decryptions agree with there is not.
        assert failed(judge(rebuild([*entries, result_entry([[2, 0]])]))) == {"R2"}


def test_a_factor_for_no_ballot_must_be_one(judge: Judge) -> None:
    """Without it: a trustee could block an election without ballots by a false factor, and be called sound until
    somebody tries to make the result."""
    election = sound("empty")
    index = election.index("PartialDecryption")
    lie = false_decryption(election.election, _tally_of(election), election.secrets[1], coins_for(40, "lie"))
    assert_findings(judge(rebuild([*election.entries[:index], owned_entry(1, lie)])), "D2")
    voted = sound("plain")
    index = voted.index("PartialDecryption")

    def to_identity(value: dict[str, Any]) -> dict[str, Any]:
        value["decryption_factors"][0][0] = voted.group.identity.text
        return value

    assert_findings(
        judge(rebuild(change_json(voted.entries, index, "partial_decryption", to_identity))), "D2"
    )


# --- with more thought: keys across roles ------------------------------------------------------------------------


def _keyed_election(secrets: Sequence[int], credentials: Sequence[int]) -> bytes:
    """Only a Setup: single trustees and credentials with these secrets."""
    group = get_group("Ed25519")
    y = group.power_g(sum(secrets))
    keys = sorted((group.power_g(s) for s in credentials), key=group.sort_key)
    trustees = [single_trustee(group, s) for s in secrets]
    entry = setup_entry(election_bytes(group, y, [YES_NO]), trustees, [key.text for key in keys])
    return rebuild([entry])


@pytest.mark.parametrize(
    "secrets, credentials",
    [
        pytest.param((21, 22), (31, 21), id="a trustee's key is a credential"),
        pytest.param((21, 22), (31, 43), id="the election key is a credential"),
        pytest.param((21, 21), (31, 32), id="two trustees with one key"),
        pytest.param((21, 22, -22), (31, 32), id="trustees who cancel each other out"),
    ],
)
def test_one_key_in_two_roles(secrets: tuple[int, ...], credentials: tuple[int, ...], judge: Judge) -> None:
    """Without it: who proves one thing could be taken to have proved another; and trustees who cancel each other out
    would leave one who can decrypt alone."""
    assert_findings(judge(_keyed_election(secrets, credentials)), "S6")
    assert_sound(judge(_keyed_election((21, 22), (31, 32))))
    assert_sound(judge(_keyed_election((21,), (31, 32))))


# --- with more thought: voters -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "question, vote, rule",
    [
        pytest.param(YES_NO, [2, -1], "B8", id="two for one, minus one for the other"),
        pytest.param(YES_NO, [1, 1], "B9", id="both"),
        pytest.param(YES_NO, [0, 0], "B9", id="none"),
        pytest.param(OFFICERS, [1, 1, 1], "B9", id="three of two"),
        pytest.param(OFFICERS, [3, 0, 0], "B8", id="three for one"),
    ],
)
def test_a_voter_who_chooses_what_is_not_offered(
    question: Any, vote: list[int], rule: str, judge: Judge
) -> None:
    """Without it: one voter could cast many votes."""
    election = simulated(Spec((question,), stage="open", votes=(), seed=41))
    honest = [1] + [0] * (len(vote) - 1)
    secret = voter_secret(election, 0)
    entries = list(election.entries)
    for votes, verdict in ((honest, "sound"), (vote, "findings")):
        raw = forge_ballot(election.election, secret, [votes], coins_for(42, votes))
        report = judge(rebuild([*entries, Entry("Ballot", (raw,))]))
        assert report.verdict == verdict, complaint(report)
        assert verdict == "sound" or rule in failed(report), complaint(report)


def test_a_stranger_and_a_ballot_of_another_election(judge: Judge) -> None:
    """Without it: people who are not on the roll, or votes from elsewhere, would be counted."""
    election = simulated(replace(KINDS["plain"], stage="open"))
    other = simulated(replace(KINDS["plain"], stage="open", seed=43))
    stranger = forge_ballot(election.election, 99, [[1, 0]], coins_for(44, new_credential_text()))
    assert_findings(judge(rebuild([*election.entries, Entry("Ballot", (stranger,))])), "B4")
    foreign = Entry("Ballot", (other.ballots[0],))
    assert_findings(judge(rebuild([*election.entries, foreign])), "B2")
    # The same people and the same uuid, but other election data
    renamed = simulated(replace(KINDS["plain"], stage="open", name="Something else"))
    assert renamed.election.uuid == election.election.uuid
    assert_findings(judge(rebuild([*election.entries, Entry("Ballot", (renamed.ballots[0],))])), "B3")


def test_who_holds_every_key_can_still_not_lie_about_the_sum(judge: Judge) -> None:
    """Without it: trustees and server together could publish any result. They can read votes, but not invent any."""
    election = sound("plain")
    start = election.index("EncryptedTally")
    count = len(election.counted)
    ballots = list(election.counted.values())
    accumulator = TallyAccumulator(election.election)
    for ballot in (ballots[0], ballots[0], ballots[0]):
        accumulator.add(ballot, 1)
    tally = accumulator.tally()
    raw = make_partial_decryption(election.election, tally, election.secrets[1], coins_for(45, "all keys"))
    entries = [
        *election.entries[:start],
        tally_entry(tally, count, count),
        owned_entry(1, raw),
        result_entry([[3, 0]]),
    ]
    assert failed(judge(rebuild(entries))) == {"C3"}


def test_the_journal_of_the_untampered_election_agrees_with_it(judge: Judge) -> None:
    """Without it: the tests above could find J8 in anything."""
    for kind in KINDS:
        assert_sound(judge.of(sound(kind), journal=True))


def test_hashes_in_the_test_are_those_of_the_program() -> None:
    """Without it: the repair in these tests could be wrong, and then every mutation would be found for that reason."""
    election = sound("mixed")
    assert rebuild(election.entries) == election.archive
    assert heads_of(election.entries) == election.heads
    assert sha256_base64(election.entries[0].body("election")) == election.election.fingerprint
    again = change_json(election.entries, 1, "ballot", lambda ballot: ballot)
    assert rebuild(again) == election.archive
    assert encode_json_bytes(json.loads(election.ballots[0])) == election.ballots[0]
