"""Ranked and graded questions: what trustees and voters can do to ballots that are opened one by one, and its rule."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from audit.findings import Report
from audit.reader import read_entries
from audit.recount import NotDecryptable, recount
from crypto import transcript
from crypto.answers.nonhomomorphic import NonHomomorphicAnswer
from crypto.ballot import make_ballot, parse_ballot
from crypto.credentials import derive_secret
from crypto.decryption import make_partial_decryption, make_strong_proofs, parse_partial_decryption
from crypto.election import parse_election
from crypto.elgamal import Ciphertext, encrypt_element
from crypto.encoding import encode_json_bytes, sha256_hex
from crypto.groups import Element
from crypto.proofs import schnorr
from crypto.proofs.schnorr import Proof
from crypto.result import compute_result, encode_result
from crypto.shuffle import Shuffle, apply_shuffle, make_shuffle, parse_shuffle
from crypto.tally import (
    EncryptedTally,
    SizedTally,
    TallyAccumulator,
    encode_encrypted_tally,
    parse_encrypted_tally,
)
from tests.audit.forgery import owned_entry, sign_ballot, voter_secret
from tests.audit.judging import Judge, assert_findings, assert_sound, complaint, failed
from tests.audit.test_tamper_raw import KINDS_OF_DAMAGE
from tests.crypto.cheating import sign_again
from tests.simulator import (
    RANKED_KINDS,
    Entry,
    Simulation,
    coins_for,
    in_one_order,
    json_at,
    json_paths,
    json_with,
    rebuild,
    simulated,
    sound,
)

ARCHIVES = Path(__file__).parent.parent / "vectors" / "archives" / "valid"
ONE_QUESTION = replace(
    RANKED_KINDS["ranked"],
    questions=RANKED_KINDS["ranked"].questions[1:],
    votes=((0, ((1, 2, 3),)), (1, ((3, 1, 2),)), (2, ((1, 2, 3),))),
    seed=41,
)


@pytest.fixture(scope="module")
def ranked() -> Simulation:
    return simulated(ONE_QUESTION)


@pytest.mark.parametrize("kind", RANKED_KINDS)
def test_an_honest_election_is_sound_with_every_vote_in_the_result(kind: str, judge: Judge) -> None:
    election = sound(kind)
    for journal in (False, True):
        report = judge.of(election, journal=journal)
        assert_sound(report)
        assert report.result == election.result
    assert in_one_order(election.spec, report.result or []) == in_one_order(
        election.spec, election.result or []
    )
    assert report.findings.checks["D4"].status == "pass" or kind == "ranked-empty"


# --- from the tally on, made anew ------------------------------------------------------------------------------------


def tally_of(election: Simulation) -> EncryptedTally:
    return parse_encrypted_tally(
        election.election, election.entries[election.index("EncryptedTally")].body("encrypted_tally")
    )


def shuffle_entry(owner: int, shuffle: Shuffle) -> Entry:
    raw = shuffle.encode()
    return Entry("Shuffle", (raw, owned_entry(owner, raw).bodies[1]))


def shuffles_of(election: Simulation) -> list[Entry]:
    return [entry for entry in election.entries if entry.type == "Shuffle"]


def continued(election: Simulation, shuffles: Sequence[Entry], tally: EncryptedTally) -> list[Entry]:
    """The election with these shuffles, of which ``tally`` came out, honestly decrypted."""
    start = list(election.entries[: election.index("EncryptedTally") + 1])
    partials = {}
    entries = [*start, *shuffles, Entry("EndShuffles")]
    for owner, secret in election.secrets.items():
        raw = make_partial_decryption(election.election, tally, secret, coins_for(1, f"again {owner}"))
        partials[owner] = parse_partial_decryption(election.election, tally, raw)
        entries.append(owned_entry(owner, raw))
    result = compute_result(election.election, election.trustees, tally, partials, len(election.counted))
    return [*entries, Entry("Result", (encode_result(result),))]


def test_what_is_made_anew_honestly_is_sound(ranked: Simulation, judge: Judge) -> None:
    """Without it: the refusals below could come from the way in which this file makes elections."""
    tally = tally_of(ranked)
    shuffle = make_shuffle(ranked.election, tally, coins_for(1, "shuffle"))
    out = apply_shuffle(ranked.election, tally, shuffle)
    report = judge(rebuild(continued(ranked, [shuffle_entry(1, shuffle)], out)))
    assert_sound(report)
    assert sorted((report.result or [[]])[0]) == sorted((ranked.result or [[]])[0])


def false_rows(
    election: Simulation, change: Callable[[list[Ciphertext]], Sequence[Ciphertext]]
) -> list[Entry]:
    """A trustee who shuffles honestly, then changes rows and leaves the proof as it was."""
    tally = tally_of(election)
    honest = make_shuffle(election.election, tally, coins_for(1, "shuffle"))
    false = replace(honest, rows=(tuple(change(list(honest.rows[0]))),))
    out = apply_shuffle(election.election, tally, false)
    return continued(election, [shuffle_entry(1, false)], out)


def own_row(election: Simulation) -> Ciphertext:
    group, y = election.group, election.election.public_key
    return encrypt_element(group, y, group.embed([9, 9, 9]), 12345)


def test_replaced_rows(ranked: Simulation, judge: Judge) -> None:
    entries = false_rows(ranked, lambda rows: [own_row(ranked), *rows[1:]])
    assert_findings(judge(rebuild(entries)), "H3")


def test_doubled_rows(ranked: Simulation, judge: Judge) -> None:
    assert_findings(judge(rebuild(false_rows(ranked, lambda rows: [rows[1], *rows[1:]]))), "H3")


def test_dropped_and_added_rows(ranked: Simulation, judge: Judge) -> None:
    assert_findings(judge(rebuild(false_rows(ranked, lambda rows: rows[1:]))), "H1")
    assert_findings(judge(rebuild(false_rows(ranked, lambda rows: [*rows, own_row(ranked)]))), "H1")


def test_two_trustees_shuffles_swapped(ranked: Simulation, judge: Judge) -> None:
    """The last one's output is what was decrypted, so only the shuffles' places are wrong."""
    first, second = shuffles_of(ranked)
    entries = [*ranked.entries]
    place = ranked.index("Shuffle")
    entries[place : place + 2] = [second, first]
    assert_findings(judge(rebuild(entries)), "H3")


def test_a_shuffle_of_another_election(ranked: Simulation, judge: Judge) -> None:
    """Of the same keys and ballots, even: an election differs by its fingerprint at least."""
    other = simulated(replace(ONE_QUESTION, seed=42))
    entries = [*ranked.entries]
    entries[ranked.index("Shuffle")] = shuffles_of(other)[0]
    assert_findings(judge(rebuild(entries)), "H3")


def test_a_shuffle_of_the_wrong_input(ranked: Simulation, judge: Judge) -> None:
    """The second trustee takes the tally in place of the first one's output: sound in itself, and a lie."""
    tally = tally_of(ranked)
    first, second = (make_shuffle(ranked.election, tally, coins_for(1, f"shuffle {n}")) for n in (1, 2))
    entries = continued(
        ranked,
        [shuffle_entry(1, first), shuffle_entry(2, second)],
        apply_shuffle(ranked.election, tally, second),
    )
    assert_findings(judge(rebuild(entries)), "H3")


def test_no_shuffle_at_all(ranked: Simulation, judge: Judge) -> None:
    tally = tally_of(ranked)
    entries = continued(ranked, [], tally)
    assert_findings(judge(rebuild(entries)), "A7")
    assert_findings(judge(rebuild([e for e in entries if e.type != "EndShuffles"])), "A7")


def test_a_shuffle_of_nobody(ranked: Simulation, judge: Judge) -> None:
    tally = tally_of(ranked)
    shuffle = make_shuffle(ranked.election, tally, coins_for(1, "shuffle"))
    out = apply_shuffle(ranked.election, tally, shuffle)
    assert_findings(judge(rebuild(continued(ranked, [shuffle_entry(3, shuffle)], out))), "H1")
    twice = make_shuffle(ranked.election, out, coins_for(1, "second"))
    entries = continued(
        ranked,
        [shuffle_entry(1, shuffle), shuffle_entry(1, twice)],
        apply_shuffle(ranked.election, out, twice),
    )
    report = judge(rebuild(entries))
    assert_sound(report)
    assert any("shuffled twice" in warning for warning in report.findings.warnings)


def test_ballots_that_are_decrypted_before_they_were_shuffled_are_nobodys_to_decrypt(
    ranked: Simulation, judge: Judge
) -> None:
    """Without it: `steward-trustee decrypt` would open each ballot beside its credential."""
    entries = list(ranked.entries[: ranked.index("EncryptedTally") + 1])
    for more, is_there in (
        ([], False),
        (shuffles_of(ranked), False),
        ([*shuffles_of(ranked), Entry("EndShuffles")], True),
    ):
        report = judge(rebuild([*entries, *more]))
        assert_sound(report)
        assert (report.tally is not None) == is_there
    last = parse_shuffle(ranked.election, tally_of(ranked), shuffles_of(ranked)[1].bodies[0])
    assert report.tally == (last.rows[0],)


def test_a_trustees_command_opens_no_single_ballots(ranked: Simulation, tmp_path: Path) -> None:
    """Without it: a server that makes ranked questions of an election, and all shuffles itself, would get each ballot
    opened while it knows whose it is."""
    end = ranked.index("PartialDecryption")
    acts = [act for act in ranked.acts if act.box < end and act.kind != "strong-decryption"]
    before = ranked.with_entries(ranked.entries[:end]).with_acts(acts)
    (tmp_path / "box.bel").write_bytes(before.archive)
    (tmp_path / "journal").write_bytes(before.journal)
    for journal in (None, tmp_path / "journal"):
        with pytest.raises(NotDecryptable, match="one by one"):
            recount(tmp_path / "box.bel", journal, jobs=1, progress=lambda _ballots, _read: None)


# --- false decryptions -----------------------------------------------------------------------------------------------


def grinding_trustee(election: Simulation, wanted: Sequence[int]) -> list[Entry]:
    """PROTOCOL §0, fact 5: the last trustee's factor for the first ballot makes any element come out, with a proof that
    holds; the integers in it are the ones that were wanted after some grinding. Here the factor is simply chosen."""
    group, place = election.group, election.index("Result")
    tally = election_tally_to_decrypt(election)
    owner, secret = max(election.secrets.items())
    others = [value for number, value in election.secrets.items() if number != owner]
    raw = make_partial_decryption(election.election, tally, secret, coins_for(1, "false"))
    value = json.loads(raw)
    first = tally[0][0]
    prefix = transcript.decryption(election.election.fingerprint, group.power_g(secret))
    rest = group.product([group.power(first.alpha, other) for other in others])
    for attempt in range(2**16):
        w, b = 5 + attempt, group.power_g(7 * attempt + 3)
        c = transcript.challenge(group, prefix, [group.power_g(w).text, b.text])
        r = (w - secret * c) % group.q
        factor = group.power(group.divide(b, group.power(first.alpha, r)), pow(c, -1, group.q))
        opened = group.divide(first.beta, group.multiply(rest, factor))
        if group.extract(opened, 3)[: len(wanted)] == tuple(wanted):
            break
    value["decryption_factors"][0][0] = factor.text
    value["decryption_proofs"][0][0] = Proof(c, r).encode()
    entries = list(election.entries[:place])
    entries[-1] = owned_entry(owner, encode_json_bytes(value))
    row = [list(ballot) for ballot in (election.result or [[]])[0]]
    row[0] = list(group.extract(opened, 3))
    return [*entries, Entry("Result", (encode_result([row]),))]


def election_tally_to_decrypt(election: Simulation) -> EncryptedTally:
    tally = tally_of(election)
    for entry in shuffles_of(election):
        tally = apply_shuffle(
            election.election, tally, parse_shuffle(election.election, tally, entry.bodies[0])
        )
    return tally


def test_a_trustee_who_replaces_a_ballot_is_found_without_a_journal(ranked: Simulation, judge: Judge) -> None:
    """belenios-tool 3.3.0 accepts such an archive (PROTOCOL §0, fact 5)."""
    report = judge(rebuild(grinding_trustee(ranked, [9])))
    assert_findings(report, "R4")
    assert failed(report) == {"R4"}, complaint(report)


def test_a_trustee_who_replaces_a_ballot_is_found_with_the_journal(ranked: Simulation, judge: Judge) -> None:
    report = judge(rebuild(grinding_trustee(ranked, [9])), ranked.journal)
    assert_findings(report, "D4")


def test_missing_strong_proofs_are_a_finding(ranked: Simulation, judge: Judge) -> None:
    """In homomorphic elections a warning is enough: there a false factor cannot choose what comes out."""
    acts = [act for act in ranked.acts if act.kind != "strong-decryption"]
    report = judge(ranked.archive, ranked.with_acts(acts).journal)
    assert_findings(report, "D4")


# --- odd ballots of voters -------------------------------------------------------------------------------------------


def odd_ballot(election: Simulation, voter: int, message: Element) -> bytes:
    """A ballot that encrypts an element which no program embeds, with proofs that hold."""
    group, y = election.group, election.election.public_key
    secret = voter_secret(election, voter)
    credential = group.power_g(secret)
    s0 = transcript.ballot_context(election.election.fingerprint, credential)
    choice = encrypt_element(group, y, message, 4711)
    prefix = transcript.raw_ballot(s0, y, choice.alpha, choice.beta)
    proof = schnorr.prove(group, prefix, (group.generator,), 4711, coins_for(1, "odd"))
    unsigned = {
        "election_uuid": election.election.uuid,
        "election_hash": election.election.fingerprint,
        "credential": credential.text,
        "answers": [NonHomomorphicAnswer(choice, proof).encode()],
    }
    return sign_ballot(group, unsigned, secret, coins_for(1, "signature"))


def with_odd_ballot(election: Simulation) -> Simulation:
    """The same election, its first ballot odd; decrypted with strong proofs by all."""
    group = election.group
    ballot = odd_ballot(election, 0, group.power_g(99))
    entries = list(election.entries)
    entries[election.index("Ballot")] = Entry("Ballot", (ballot,))
    accumulator = TallyAccumulator(election.election)
    for entry in entries:
        if entry.type == "Ballot":
            accumulator.add(parse_ballot(election.election, entry.bodies[0]), 1)
    tally = accumulator.tally()
    raw = encode_encrypted_tally(election.election, tally)
    entries[election.index("EncryptedTally")] = Entry(
        "EncryptedTally", (raw, SizedTally(3, 3, sha256_hex(raw)).encode())
    )
    counted = election.with_entries(entries)
    shuffle = make_shuffle(election.election, tally, coins_for(1, "shuffle"))
    out = apply_shuffle(election.election, tally, shuffle)
    return election.with_entries(continued(counted, [shuffle_entry(1, shuffle)], out))


def test_a_voters_odd_ballot_is_a_finding_until_every_trustee_proves_strongly(
    ranked: Simulation, judge: Judge
) -> None:
    odd = with_odd_ballot(ranked)
    report = judge(odd.archive)
    assert failed(report) == {"R4"}, complaint(report)
    tally = election_tally_to_decrypt(odd)
    proofs = {
        owner: make_strong_proofs(ranked.election, tally, secret, owner, coins_for(1, f"strong {owner}"))
        for owner, secret in ranked.secrets.items()
    }
    acts = [
        replace(act, payload=proofs[act.payload["owner"]]) if act.kind == "strong-decryption" else act
        for act in ranked.acts
    ]
    report = judge(odd.archive, odd.with_acts(acts).journal)
    assert "R4" not in failed(report), complaint(report)
    assert any("it is invalid" in warning for warning in report.findings.warnings)
    only_one = [act for act in acts if act.kind != "strong-decryption" or act.payload["owner"] == 1]
    report = judge(odd.archive, odd.with_acts(only_one).journal)
    assert {"R4", "D4"} <= failed(report), complaint(report)


def test_a_copy_of_somebody_elses_ciphertext(ranked: Simulation, judge: Judge) -> None:
    """Voter 3 repeats voter 0's ranking without knowing it: the proof is of voter 0's credential."""
    stolen = json.loads(ranked.ballots[0])["answers"]
    own = make_ballot(ranked.election, ranked.credentials[3], [[1, 2, 3]], coins_for(1, "own"))
    copy = sign_again(ranked.election, ranked.credentials[3], {**json.loads(own), "answers": stolen})
    entries = list(ranked.entries[: ranked.index("EndBallots")])
    assert_sound(judge(rebuild([*entries, Entry("Ballot", (own,))])))
    assert_findings(judge(rebuild([*entries, Entry("Ballot", (copy,))])), "B13")


def test_members_who_weigh_more_cannot_be_hidden_in_single_ballots(ranked: Simulation, judge: Judge) -> None:
    entries = list(ranked.entries[:1])
    keys = json.loads(entries[0].body("credentials"))
    for weights, rules in (([1, 1, 1, 1], ()), ([1, 2, 1, 1], ("S4",)), ([1, 0, 1, 1], ("S4",))):
        body = encode_json_bytes([f"{key},{weight}" for key, weight in zip(keys, weights, strict=True)])
        report = judge(rebuild([entries[0].with_body("credentials", body)]))
        if rules:
            assert_findings(report, *rules)
        else:
            assert_sound(report)


# --- tampering -------------------------------------------------------------------------------------------------------


def test_raw_damage_is_always_found(ranked: Simulation, judge: Judge, samples: int) -> None:
    rng = Random(f"ranked {samples}")
    for _ in range(samples):
        name, changed = rng.choice(KINDS_OF_DAMAGE)(ranked.archive, rng)
        if changed == ranked.archive or ranked.archive.startswith(changed):
            continue
        assert judge(changed).verdict in ("findings", "unchecked"), name


PARTS = {
    "Shuffle": ("shuffle", {"H1", "H2", "H3"}),
    "PartialDecryption": ("partial_decryption", {"D2", "D3"}),
    "Result": ("result", {"R1", "R2"}),
    "EncryptedTally": ("encrypted_tally", {"C1", "C3"}),
}


@pytest.mark.parametrize("event", PARTS)
def test_no_value_of_a_record_is_free_even_when_all_hashes_are_made_anew(
    event: str, ranked: Simulation, judge: Judge
) -> None:
    role, rules = PARTS[event]
    place = ranked.index(event)
    value = json.loads(ranked.entries[place].body(role))
    rng = Random(event)
    paths = [path for path in json_paths(value) if isinstance(json_at(value, path), (str, int))]
    for path in rng.sample(paths, min(len(paths), 12)):
        old = json_at(value, path)
        new = (old + 1) % 256 if isinstance(old, int) else ranked.group.power_g(77).text
        if isinstance(old, str) and len(old) != 64:
            new = str((int(old) + 1) % ranked.group.q)
        entries = list(ranked.entries)
        entries[place] = entries[place].with_body(role, encode_json_bytes(json_with(value, path, new)))
        report = judge(rebuild(entries))
        assert failed(report) & rules, f"{path}: {complaint(report)}"


# --- lists -----------------------------------------------------------------------------------------------------------


LISTS = ARCHIVES / "v3.3.0-ed25519-lists"


def lists_entries() -> list[Entry]:
    """An election of belenios-tool 3.3.0."""
    [path] = LISTS.glob("*.bel")
    entries = []
    for entry, reader in read_entries(path, lambda _: None):
        if entry.event.type == "Setup":
            reader.cursor = reader.cursor.with_election(parse_election(entry.data[0]))
        entries.append(Entry(entry.event.type, entry.data))
    return entries


def test_every_part_of_a_vote_for_lists_is_checked(judge: Judge) -> None:
    """Signed anew by its voter, so that nothing but the changed part is wrong."""
    entries = lists_entries()
    election = parse_election(entries[0].bodies[0])
    texts = list(json.loads((LISTS / "private_creds.json").read_text()).values())
    first = json.loads(entries[1].bodies[0])
    [text] = [
        text
        for text in texts
        if election.group.power_g(derive_secret(election.group, election.uuid, text)).text
        == first["credential"]
    ]

    def verdict(value: dict[str, Any]) -> Report:
        return judge(rebuild([entries[0], Entry("Ballot", (sign_again(election, text, value),))]))

    assert_sound(verdict(first))
    answer = first["answers"][0]
    zero = {"challenge": "1", "response": "1"}
    for path, new, rule in (
        (("individual_proofs", 0, 1, 0), zero, "B8"),
        (("overall_proof",), zero, "B9"),
        (("list_proofs", 0, 0), zero, "B14"),
        (("list_proofs", 1, 1), zero, "B14"),
        (("nonzero_proof", "challenge"), "5", "B14"),
        (("nonzero_proof", "response", 0), "5", "B14"),
        (("nonzero_proof", "commitment"), election.group.power_g(3).text, "B14"),
        (("nonzero_proof", "commitment"), election.group.identity.text, "B14"),
        (("choices", 0), answer["choices"][1], "B8"),
        (("choices",), answer["choices"][:1], "B1"),
        (("list_proofs",), answer["list_proofs"][:1], "B1"),
        (("nonzero_proof", "response"), ["1"], "B1"),
    ):
        assert_findings(verdict(json_with(first, ("answers", 0, *path), new)), rule)


@pytest.mark.parametrize(
    "result, rule",
    [
        ([[[2, 1, 1], [1, 1, 0]]], "R2"),
        ([[[1, 1, 1], [1, 1, 1]]], "R3"),
        ([[[1, 1, 2], [2, 1, 1]]], "R3"),
        ([[[2, 1], [1, 1, 1]]], "R1"),
        ([[2, 1, 1, 1, 1, 1]], "R1"),
    ],
)
def test_a_wrong_result_of_lists(result: Any, rule: str, judge: Judge) -> None:
    entries = lists_entries()
    assert_findings(judge(rebuild([*entries[:-1], Entry("Result", (encode_result(result),))])), rule)
