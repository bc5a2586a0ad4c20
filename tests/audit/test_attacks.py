"""Attacks 1 to 15 of the list of attacks on electronic voting, as far as they concern homomorphic elections.

Each test says the number of its attack. 11 is about shuffles and 9 about generators that only shuffles use.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.findings import Report
from audit.runner import audit
from crypto import transcript
from crypto.archive import encode_header_record
from crypto.ballot import check_ballot, make_ballot, parse_ballot, votes_from_choices
from crypto.channel import verify_text
from crypto.checker import PlainChecker
from crypto.credentials import derive_secret
from crypto.decryption import make_partial_decryption, parse_partial_decryption, verify_partial_decryption
from crypto.election import Election, parse_election
from crypto.elgamal import Ciphertext, multiply
from crypto.encoding import encode_json_bytes, sha256_base64, sha256_hex
from crypto.errors import ProtocolError, RejectedError
from crypto.groups import get_group
from crypto.groups.registry import DEFAULT_GROUP
from crypto.proofs.schnorr import Proof
from crypto.randomness import SeedCoins
from crypto.record import DATA_BEFORE
from crypto.tally import parse_encrypted_tally
from crypto.trustees import make_trustee_key
from tests.audit.forgery import (
    election_bytes,
    false_decryption,
    fitting_key,
    forge_ballot,
    forge_pedersen,
    owned_entry,
    result_entry,
    setup_entry,
    sign_ballot,
    single_trustee,
    tally_entry,
    voter_secret,
)
from tests.audit.judging import RULES_OF, Judge, assert_findings, assert_sound, complaint, failed, tar_record
from tests.audit.mutations import (
    INSIDE,
    Mutation,
    Way,
    rehash,
    repaired_mutations,
    resign,
    value_at,
    value_with,
    ways,
)
from tests.belenios import Tool
from tests.crypto.edwards import LOW_ORDER, NON_CANONICAL, TORSION, P, add, encode, recover_x
from tests.simulator import (
    KINDS,
    TIMESTAMP,
    YES_NO,
    Entry,
    Simulation,
    Spec,
    change_json,
    coins_for,
    rebuild,
    simulated,
    sound,
)

BELENIOS_P = int(
    "206947856914225464010136436575050080649229892957511040971008847870573742192427174019222372544976843381290"
    "666331380789584049600543896362897963930387739057228036059737494276713767776188985898727358650490811670993"
    "105358677809800307904916540637771737641986785272734744763418356000356983051931442845617019110007867373073"
    "335641239717328979132404745788344682606523279746479511376726586935821800463179220736688600526271863633860"
    "887968821207694323661494910029234443463732221458841005864210502421203654335612013204811188524087310770141"
    "51666200162313177169372189248078507711827842317498073276598828825169183103125680162072880719"
)


def _ballot_entry(raw: bytes) -> Entry:
    return Entry("Ballot", (raw,))


def _outside_accepts(tool: Tool, election: Simulation | Sequence[Entry], ballot: bytes, folder: Path) -> bool:
    """Whether `belenios-tool election verify-ballot` takes the ballot for this election."""
    entries = election.entries if isinstance(election, Simulation) else election
    folder.mkdir(exist_ok=True)
    uuid = json.loads(entries[0].body("election"))["uuid"]
    (folder / f"{uuid}.bel").write_bytes(rebuild([entries[0]]))
    (folder / "ballot.json").write_bytes(ballot)
    run = tool.run(
        "election", "verify-ballot", "--dir", folder, "--ballot", folder / "ballot.json", check=False
    )
    return run.returncode == 0


def _outside_verifies(tool: Tool, archive: bytes, folder: Path, uuid: str) -> bool:
    """Whether `belenios-tool election verify` takes the archive."""
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.bel"):
        old.unlink()
    (folder / f"{uuid}.bel").write_bytes(archive)
    return tool.run("election", "verify", "--dir", folder, check=False).returncode == 0


# --- 1. weak Fiat-Shamir: proofs re-randomised or bent -----------------------------------------------------------


def _proof_ways(ballot: dict[str, Any]) -> list[Way]:
    return [
        way
        for way in ways(ballot)
        if isinstance(value_at(ballot, way), dict) and "challenge" in value_at(ballot, way)
    ]


def _mauled(election: Simulation, raw: bytes, number: int) -> Iterator[tuple[str, bytes]]:
    """Ballots whose encryption or credential was changed in a way that a weak proof would follow."""
    group, y = election.group, election.election.public_key
    ballot = json.loads(raw)
    s = 4711 + number
    for answer_index, answer in enumerate(ballot["answers"]):
        for index, choice in enumerate(answer["choices"]):
            # The same vote encrypted again: α·g^s, β·y^s; each response moves by -s times the challenge.
            new = {
                "alpha": group.multiply(
                    group.decode(choice["alpha"], "t", "t", allow_identity=False), group.power_g(s)
                ).text,
                "beta": group.multiply(
                    group.decode(choice["beta"], "t", "t", allow_identity=True), group.power(y, s)
                ).text,
            }
            for sign in (1, -1):
                bent = value_with(ballot, ("answers", answer_index, "choices", index), new)
                for kind in ("individual_proofs", "overall_proof"):
                    way: Way = (
                        "answers",
                        answer_index,
                        kind,
                        *((index,) if kind == "individual_proofs" else ()),
                    )
                    bent = value_with(
                        bent, way, [_moved(group.q, p, sign * s) for p in value_at(ballot, way)]
                    )
                yield (
                    f"answer {answer_index} choice {index} encrypted again",
                    encode_json_bytes(resign(election, bent)),
                )
                yield (
                    f"answer {answer_index} choice {index} the same, only hashed",
                    encode_json_bytes(rehash(bent)),
                )
    # The signature for another credential: response + s·challenge fits credential·g^-s.
    signature = ballot["signature"]["proof"]
    key = group.decode(ballot["credential"], "t", "t", allow_identity=False)
    for sign in (1, -1):
        stolen = {**ballot, "credential": group.multiply(key, group.power_g(-sign * s)).text}
        for fresh in (stolen, rehash(stolen)):
            proof = _moved(group.q, signature, sign * s)
            yield (
                "another credential",
                encode_json_bytes(
                    {**fresh, "signature": {"hash": fresh["signature"]["hash"], "proof": proof}}
                ),
            )


def _moved(q: int, proof: dict[str, str], s: int) -> dict[str, str]:
    challenge, response = int(proof["challenge"]), int(proof["response"])
    return {"challenge": proof["challenge"], "response": str((response + s * challenge) % q)}


@pytest.mark.parametrize("kind", ["plain", "belenios"])
def test_01_mauled_ballots(kind: str, judge: Judge, belenios33: Tool, tmp_path: Path) -> None:
    """Attack 1. Without it: a voter's ballot could be turned into another valid one, and so its vote be copied."""
    election = simulated(replace(KINDS[kind], stage="open"))
    raw = election.ballots[0]
    rest = [entry for entry in election.entries if entry.bodies != (raw,)]
    assert _outside_accepts(belenios33, election, raw, tmp_path / "outside")
    outside: list[str] = []
    for number, (name, mauled) in enumerate(_mauled(election, raw, 0)):
        with pytest.raises(ProtocolError):
            check_ballot(election.election, mauled, PlainChecker(election.group))
        assert_findings(judge(rebuild([*rest, _ballot_entry(mauled)])), "B4", "B6", "B7", "B8", "B9")
        if number % 3 == 0 and _outside_accepts(belenios33, election, mauled, tmp_path / "outside"):
            outside.append(name)
    assert outside == []


def test_01_every_proof_is_bound_to_what_it_proves(judge: Judge, rng: Random, samples: int) -> None:
    """Attack 1. Without it: a proof could be taken from one place of a ballot to another, or from another ballot."""
    election = sound("blank")
    first, second = (json.loads(raw) for raw in election.ballots[:2])
    index = election.index("Ballot")
    places = _proof_ways(first)
    for _ in range(samples):
        way, source, other = rng.choice(places), rng.choice((first, second)), rng.choice(places)
        proof = value_at(source, other)
        if proof == value_at(first, way):
            continue
        changed = value_with(first, way, proof)
        if "signature" not in way:
            changed = resign(election, changed)
        report = judge(rebuild(change_json(election.entries, index, "ballot", lambda _, c=changed: c)))
        assert_findings(report, "B7", "B8", "B9", "B10")


# --- 2. ballot copying -------------------------------------------------------------------------------------------


def test_02_an_answer_copied_into_another_voters_ballot(judge: Judge) -> None:
    """Attack 2. Without it: who copies a ballot learns its vote from the sum of few."""
    election = simulated(replace(KINDS["blank"], stage="open"))
    victim, copier = (json.loads(raw) for raw in election.ballots[:2])
    entries = [entry for entry in election.entries if entry.bodies != (election.ballots[1],)]
    for number in range(len(victim["answers"])):
        answers = [*copier["answers"]]
        answers[number] = victim["answers"][number]
        copied = encode_json_bytes(resign(election, {**copier, "answers": answers}))
        assert_findings(judge(rebuild([*entries, _ballot_entry(copied)])), "B8")
    whole = resign(election, {**victim, "credential": copier["credential"]})
    assert_findings(judge(rebuild([*entries, _ballot_entry(encode_json_bytes(whole))])), "B8")


def test_02_the_same_bytes_again(judge: Judge) -> None:
    """Attack 2. Without it: a vote could be counted twice, or an old one come back."""
    election = simulated(replace(KINDS["plain"], stage="open"))
    for raw in election.ballots:
        assert_findings(judge(rebuild([*election.entries, _ballot_entry(raw)])), "B11")


# --- 3. elements that are no members of the group ----------------------------------------------------------------


def _is_element(election: Simulation, value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        election.group.decode(value.partition(",")[0], "t", "t", allow_identity=True)
    except ProtocolError:
        return False
    return True


# The names of values that are elements; the walk finds them and a test compares.
ELEMENT_NAMES = {
    "public_key",
    "verification",
    "encryption",
    "coefexps",
    "credential",
    "alpha",
    "beta",
    "decryption_factors",
}


def _element_ways(election: Simulation) -> list[tuple[int, str, Way]]:
    """Every place in the archive that holds a group element: event, record, way."""
    found = []
    for index, entry in enumerate(election.entries):
        for role in DATA_BEFORE[entry.type]:
            value = json.loads(entry.body(role))
            for way in ways(value):
                name = next((step for step in reversed(way) if isinstance(step, str)), role)
                is_scalar = name in ("challenge", "response", "hash", "election_hash", "payload")
                if _is_element(election, value_at(value, way)) and not is_scalar:
                    if role in ("setup", "sized_tally", "owned") or name in ("num_tallied", "total_weight"):
                        continue
                    found.append((index, role, way))
    return found


def _name_of(role: str, way: Way) -> str:
    return next((step for step in reversed(way) if isinstance(step, str)), role)


def _bad_ed25519(text: str) -> list[tuple[str, str]]:
    """No members: low order, another spelling, a torsion component, no point at all."""

    raw = int(text, 16)
    y, sign = raw & (2**255 - 1), raw >> 255
    x = recover_x(y, sign)
    assert x is not None
    bad = [
        (f"low order {point.hex()[:8]}", point[::-1].hex())
        for point in LOW_ORDER
        if point != b"\x01" + bytes(31)
    ]
    bad += [(f"not canonical {point.hex()[:8]}", point[::-1].hex()) for point in NON_CANONICAL]
    bad += [("plus torsion", encode(add((x, y), point))[::-1].hex()) for point in TORSION[1:]]
    bad += [("upper case", text.upper())] if text.upper() != text else []
    bad += [("63 digits", text[1:]), ("65 digits", "0" + text), ("empty", ""), ("not hex", "g" + text[1:])]
    bad += [
        ("y above p", f"{P + 3:064x}"),
        ("all ones", "f" * 64),
        ("bytes reversed", bytes.fromhex(text)[::-1].hex()),
    ]
    return bad


def _bad_modp(text: str) -> list[tuple[str, str]]:
    p, x = BELENIOS_P, int(text)
    q = get_group("BELENIOS-2048").q
    assert (p - 1) % q == 0
    cofactor = (p - 1) // q
    assert cofactor % 6 == 0
    cube = next(r for g in range(2, 99) if (r := pow(g, (p - 1) // 3, p)) != 1)
    bad = [("order 2", str(p - 1)), ("order 3", str(cube)), ("order 3", str(cube * cube % p))]
    bad += [("times order 2", str(x * (p - 1) % p)), ("times order 3", str(x * cube % p))]
    bad += [
        ("plus p", str(x + p)),
        ("p", str(p)),
        ("nought", "0"),
        ("negative", str(x - p)),
        ("p+1", str(p + 1)),
    ]
    bad += [("leading zero", "0" + text), ("sign", "+" + text), ("hex", hex(x)), ("space", text + " ")]
    return bad


# Where DESIGN §5 refuses the identity. It is allowed in tallies, factors, and in β.
IDENTITY_REFUSED = {"public_key", "verification", "encryption", "credential", "credentials", "alpha"}


def _is_identity_refused(role: str, way: Way) -> bool:
    name = _name_of(role, way)
    if role == "encrypted_tally":
        return False
    return name in IDENTITY_REFUSED or (name == "coefexps" and way[-1] == 0)


def _put(election: Simulation, place: tuple[int, str, Way], text: str) -> bytes:
    index, role, way = place
    value = json.loads(election.entries[index].body(role))
    old = value_at(value, way)
    new = value_with(value, way, text + old[len(old.partition(",")[0]) :])
    if role == "ballot":
        # As its own voter would: so that not the signature alone stands in the way.
        new = resign(election, new) if way[0] != "credential" else rehash(new)
    return rebuild(change_json(election.entries, index, role, lambda _: new))


@pytest.mark.parametrize("kind", ["mixed", "blank", "belenios-mixed"])
def test_03_elements_outside_the_group(kind: str, judge: Judge, rng: Random, samples: int) -> None:
    """Attack 3. Without it: parts of secrets leak through small subgroups, and proofs hold that prove nothing."""
    election = sound(kind)
    places = _element_ways(election)
    assert {_name_of(role, way) for _, role, way in places} >= ELEMENT_NAMES - (
        set() if kind != "blank" else {"verification", "encryption", "coefexps"}
    )
    names = sorted({(role, _name_of(role, way)) for _, role, way in places})
    by_name = {name: [p for p in places if (p[1], _name_of(p[1], p[2])) == name] for name in names}
    is_ed25519 = election.group.name == "Ed25519"
    for number in range(samples if is_ed25519 else samples // 2):
        place = rng.choice(by_name[names[number % len(names)]])
        index, role, way = place
        text = value_at(json.loads(election.entries[index].body(role)), way).partition(",")[0]
        name, bad = rng.choice(_bad_ed25519(text) if is_ed25519 else _bad_modp(text))
        report = judge(_put(election, place, bad))
        assert report.verdict == "findings", f"{role} {way} {name}: {complaint(report)}"
        assert failed(report) & RULES_OF[role], f"{role} {way} {name}: {complaint(report)}"
        details = " ".join(
            check.detail for check in report.findings.checks.values() if check.status == "fail"
        )
        named = (
            "prime-order",
            "hex digits",
            "decimal",
            "between 1 and p-1",
            "signed",
            "does not hold",
            "product",
        )
        assert any(word in details for word in named), f"{role} {way} {name}: {details}"


@pytest.mark.parametrize("kind", ["mixed", "belenios"])
def test_03_the_identity_where_a_key_or_an_alpha_is_meant(kind: str, judge: Judge) -> None:
    """Attack 3. Without it: a key that everybody has, or a vote that is not encrypted, would be accepted."""
    election = sound(kind)
    done: Counter[str] = Counter()
    for place in _element_ways(election):
        _, role, way = place
        name = _name_of(role, way)
        if not _is_identity_refused(role, way) or done[role + name] > 2:
            continue
        done[role + name] += 1
        report = judge(_put(election, place, election.group.identity.text))
        details = [check.detail for check in report.findings.checks.values() if check.status == "fail"]
        assert any("identity is not allowed" in detail for detail in details), f"{role} {way}: {details}"
    assert {"credentials" + "credentials", "ballotalpha", "ballotcredential", "electionpublic_key"} <= set(
        done
    )


# --- 4. keys that everybody knows --------------------------------------------------------------------------------


def _election_with(group_name: str, trustee: int, voter: int) -> tuple[Election, list[Entry]]:
    """A whole election of one trustee and one voter with these secrets, which may be 0."""
    group = get_group(group_name)
    y = group.power_g(trustee)
    raw = election_bytes(group, y, [YES_NO])
    # parse_election refuses what is meant here.
    honest = parse_election(election_bytes(group, group.generator, [YES_NO]))
    election = replace(honest, public_key=y, raw=raw, fingerprint=sha256_base64(raw))
    ballot = forge_ballot(election, voter, [[1, 0]], coins_for(61, f"{trustee} {voter}"))
    choices = [
        Ciphertext(*(group.decode(c[k], "t", "t", allow_identity=True) for k in ("alpha", "beta")))
        for c in json.loads(ballot)["answers"][0]["choices"]
    ]
    tally = (tuple(choices),)
    decryption = make_partial_decryption(election, tally, trustee, coins_for(62, trustee))
    return election, [
        setup_entry(raw, [single_trustee(group, trustee)], [group.power_g(voter).text]),
        _ballot_entry(ballot),
        Entry("EndBallots"),
        tally_entry(tally, 1, 1),
        owned_entry(1, decryption),
        result_entry([[1, 0]]),
    ]


@pytest.mark.parametrize("group_name", ["Ed25519", "BELENIOS-2048"])
@pytest.mark.parametrize(
    "trustee, voter, rules",
    [
        pytest.param(0, 0, ("S1",), id="both"),
        pytest.param(0, 5, ("S1",), id="the trustee's"),
        pytest.param(5, 0, ("S4", "S6"), id="the voter's"),
        pytest.param(5, 7, (), id="neither"),
    ],
)
def test_04_keys_that_are_the_identity(
    group_name: str,
    trustee: int,
    voter: int,
    rules: tuple[str, ...],
    judge: Judge,
    belenios33: Tool,
    tmp_path: Path,
) -> None:
    """Attack 4. Without it: an archive whose keys are all 1, which anybody can decrypt and vote in, would be sound, as
    it is for belenios-tool 3.3.0."""
    election, entries = _election_with(group_name, trustee, voter)
    archive = rebuild(entries)
    assert _outside_verifies(belenios33, archive, tmp_path / "outside", election.uuid)
    assert _outside_accepts(belenios33, entries, entries[1].bodies[0], tmp_path / "outside")
    report = judge(archive)
    if rules:
        assert_findings(report, *rules)
        assert "identity is not allowed" in complaint(report)
    else:
        assert_sound(report)


@pytest.mark.parametrize("group_name", ["Ed25519", "BELENIOS-2048"])
def test_04_a_threshold_trustee_who_gets_letters_that_all_can_open(
    group_name: str, judge: Judge, belenios33: Tool, tmp_path: Path
) -> None:
    """Attack 4. Without it: with the identity for an encryption key everybody could read that trustee's shares."""
    group = get_group(group_name)
    polynomials = ([101, 102], [103, 104], [105, 106])
    for identity in (False, True):
        keys = [group.power_g(7), group.power_g(8), group.identity if identity else group.power_g(9)]
        item, _ = forge_pedersen(group, polynomials, encryption_keys=keys)
        raw = election_bytes(group, group.power_g(101 + 103 + 105), [YES_NO])
        election = parse_election(raw)
        archive = rebuild([setup_entry(raw, [item], [group.power_g(11).text])])
        assert _outside_verifies(belenios33, archive, tmp_path / "outside", election.uuid)
        report = judge(archive)
        if identity:
            assert_findings(report, "T2")
        else:
            assert_sound(report)


def test_04_a_first_coefficient_of_one(judge: Judge) -> None:
    """Attack 4. Without it: a trustee could take part in name only."""
    group = get_group("Ed25519")
    item, _ = forge_pedersen(group, ([101, 102], [0, 104], [105, 106]))
    raw = election_bytes(group, group.power_g(101 + 105), [YES_NO])
    assert_findings(judge(rebuild([setup_entry(raw, [item], [group.power_g(11).text])])), "T3")


# --- 5. keys made to fit a signature -----------------------------------------------------------------------------


def _commitment_of(group: Any, key: Any, proof: Proof) -> Any:
    return group.product_of_powers([(group.generator, proof.response), (key, proof.challenge)])


def test_05_a_key_made_to_fit_a_signature_of_coefficients(judge: Judge) -> None:
    """Attack 5. Without it: somebody could claim a trustee's signed coefficients as their own, since version 1 does not
    hash the key."""
    election = sound("threshold")
    group = election.group
    items = json.loads(election.entries[0].body("trustees"))
    params = items[0][1]
    signed = params["coefexps"][1]
    key = group.decode(
        json.loads(params["certs"][1]["message"])["verification"], "t", "t", allow_identity=False
    )
    proof = Proof(int(signed["signature"]["challenge"]), int(signed["signature"]["response"]))
    # Another proof of the same challenge: the key moves, the message stays.
    bent = Proof(proof.challenge, (proof.response + 5) % group.q)
    commitment = _commitment_of(group, key, proof)
    fitting = fitting_key(group, transcript.signed_message(signed["message"]), bent, commitment)
    assert fitting != key
    # The attack works: the signature verifies under the key that was made for it.
    verify_text(group, fitting, signed["message"], bent, "T3", "the attack")
    params["coefexps"][1] = {**signed, "signature": bent.encode()}
    message = json.loads(params["certs"][1]["message"])
    params["certs"][1]["message"] = encode_json_bytes({**message, "verification": fitting.text}).decode()
    assert_findings(judge(rebuild(change_json(election.entries, 0, "trustees", lambda _: items))), "T2")


def test_05_a_credential_made_to_fit_a_signature(judge: Judge) -> None:
    """Attack 5. Without it: a ballot could be claimed by another credential that its signature happens to fit."""
    election = simulated(replace(KINDS["plain"], stage="open"))
    group = election.group
    ballot = json.loads(election.ballots[0])
    key = group.decode(ballot["credential"], "t", "t", allow_identity=False)
    proof = Proof(*(int(ballot["signature"]["proof"][name]) for name in ("challenge", "response")))
    bent = Proof(proof.challenge, (proof.response + 5) % group.q)
    prefix = transcript.ballot_signature(ballot["signature"]["hash"])
    fitting = fitting_key(group, prefix, bent, _commitment_of(group, key, proof))
    stolen = {**ballot, "credential": fitting.text}
    stolen["signature"] = {"hash": ballot["signature"]["hash"], "proof": bent.encode()}
    # Even where the list names that credential
    entries = change_json(election.entries, 0, "credentials", lambda lines: [*lines, fitting.text])
    for forged, rule in ((stolen, "B6"), (rehash(stolen), "B7")):
        assert_findings(judge(rebuild([*entries, _ballot_entry(encode_json_bytes(forged))])), rule)


# --- 6. a trustee who waits for the others -----------------------------------------------------------------------


def test_06_a_trustee_who_chooses_after_seeing_the_others(judge: Judge) -> None:
    """Attack 6. Without it: the last trustee could choose its key so that the election key comes out as it likes."""
    for kind in ("threshold", "revotes"):
        election = sound(kind)
        acts = list(election.acts)
        last_commit = max(i for i, act in enumerate(acts) if act.kind == "trustee-committed")
        late = acts.pop(last_commit)
        second_reveal = [i for i, act in enumerate(acts) if act.kind == "trustee-revealed"][1]
        acts.insert(second_reveal, late)
        assert "J6" in failed(judge(election.archive, election.with_acts(acts).journal))
        # Or commits to one thing and reveals another
        acts = list(election.acts)
        acts[last_commit] = replace(late, payload={**late.payload, "commitment": "ab" * 32})
        assert "J9" in failed(judge(election.archive, election.with_acts(acts).journal))


# --- 7. a key that cancels the others ----------------------------------------------------------------------------


def test_07_a_rogue_key_without_its_secret(judge: Judge) -> None:
    """Attack 7. Without it: one of n trustees could choose a key so that it alone opens the tally."""
    group = get_group("Ed25519")
    honest = [make_trustee_key(group, secret, coins_for(63, secret)) for secret in (71, 72)]
    target = group.power_g(73)
    rogue = group.divide(target, group.product([key.public_key for key in honest]))
    raw = election_bytes(group, target, [YES_NO])
    own = make_trustee_key(group, 73, coins_for(64, "own"))
    for pok in (honest[0].pok, honest[1].pok, own.pok, Proof(0, 0), Proof(1, 1)):
        trustees = [["Single", key.encode()] for key in honest]
        trustees.append(["Single", {"pok": pok.encode(), "public_key": rogue.text}])
        report = judge(rebuild([setup_entry(raw, trustees, [group.power_g(11).text])]))
        assert failed(report) == {"T1"}, complaint(report)


def test_07_the_same_trustee_twice(judge: Judge) -> None:
    """Attack 7. Without it: two names could stand for one person."""
    group = get_group("Ed25519")
    raw = election_bytes(group, group.power_g(142), [YES_NO])
    trustees = [single_trustee(group, 71), single_trustee(group, 71)]
    assert_findings(judge(rebuild([setup_entry(raw, trustees, [group.power_g(11).text])])), "S6")


def test_07_a_threshold_trustee_without_the_secret(judge: Judge) -> None:
    """Attack 7. Without it: a threshold trustee could have a key that does not follow from what all signed."""
    group = get_group("Ed25519")
    item, secrets = forge_pedersen(group, ([101, 102], [103, 104], [105, 106]))
    raw = election_bytes(group, group.power_g(101 + 103 + 105), [YES_NO])
    keys = item[1]["verification_keys"]
    keys[2] = {**keys[2], "pok": keys[1]["pok"]}
    assert_findings(judge(rebuild([setup_entry(raw, [item], [group.power_g(11).text])])), "T5")
    assert len(set(secrets)) == 3


# --- 8. biased scalars -------------------------------------------------------------------------------------------


def _chi_square(values: Sequence[int], q: int, bins: int = 16) -> float:
    counts = Counter(value * bins // q for value in values)
    expected = len(values) / bins
    return sum((counts[i] - expected) ** 2 / expected for i in range(bins))


@pytest.mark.parametrize("group_name", ["Ed25519", "BELENIOS-2048"])
def test_08_scalars_are_spread_evenly(group_name: str) -> None:
    """Attack 8. Without it: secrets of BELENIOS-2048 from one 256-bit hash would be twice as likely in one half."""
    q = get_group(group_name).q
    group = get_group(group_name)
    credentials = [derive_secret(group, "Chi1Square1Test", f"{n:022d}") for n in range(4000)]
    coins = SeedCoins(bytes(32))
    drawn = [coins.scalar(q) for _ in range(4000)]
    # 15 degrees of freedom: 60 is beyond one in a million.
    assert _chi_square(credentials, q) < 60
    assert _chi_square(drawn, q) < 60
    one_hash = [int(sha256_hex(str(n).encode()), 16) % q for n in range(4000)]
    if group_name == "BELENIOS-2048":
        assert _chi_square(one_hash, q) > 200, "the test would not notice the bias"


def test_08_the_default_group_is_ed25519() -> None:
    """Attack 8. Without it: elections would be made in the group with the visible bias."""
    assert DEFAULT_GROUP == "Ed25519"


# --- 10. decryption proofs that say too little -------------------------------------------------------------------


def test_10_a_false_factor_with_a_proof_that_holds(judge: Judge) -> None:
    """Attack 10. Without it: a trustee could spoil the tally and nobody could say who. The strong proof can."""
    election = sound("revotes")
    index = election.index("PartialDecryption", 1)
    tally = parse_encrypted_tally(election.election, election.entries[index - 2].bodies[0])
    raw = false_decryption(election.election, tally, election.secrets[2], coins_for(65, "lie"))
    key = election.trustees.owners[1].public_key
    # The attack works: the archive's proof holds for factors that are false.
    partial = parse_partial_decryption(election.election, tally, raw)
    verify_partial_decryption(election.election, tally, key, partial, PlainChecker(election.group))
    entries = [*election.entries[:index], owned_entry(2, raw), *election.entries[index + 1 :]]
    assert election.result is not None
    [row] = election.result
    for result in (row, row[::-1], [0, sum(row)], [sum(row), 0]):
        broken = election.with_entries([*entries[:-1], result_entry([result])])
        assert failed(judge(broken.archive)) == {"R2"}
    unfinished = election.with_entries(entries[:-1]).with_acts(
        [act for act in election.acts if act.kind != "tallied"][:-1]
    )
    assert judge(unfinished.archive).verdict == "sound"
    assert failed(judge(unfinished.archive, unfinished.journal)) == {"D4"}


# --- 12. which of a voter's ballots is the last ------------------------------------------------------------------


def test_12_the_first_ballot_again_after_the_second(judge: Judge) -> None:
    """Attack 12. Without it: a server could bring back the vote that a voter had replaced."""
    election = simulated(replace(KINDS["revotes"], stage="open"))
    again = [*election.entries, election.entries[1]]
    assert_findings(judge(rebuild(again)), "B11")


def test_12_two_ballots_of_a_voter_in_the_other_order(judge: Judge) -> None:
    """Attack 12. Without it: the same, by moving ballots."""
    spec = replace(KINDS["plain"], votes=((0, ((0,),)), (1, ((1,),)), (0, ((1,),))))
    election = simulated(spec)
    entries = list(election.entries)
    entries[1], entries[3] = entries[3], entries[1]
    assert_findings(judge(rebuild(entries)), "C3")
    # Before there is a tally, receipts and copies show it.
    unfinished = simulated(replace(spec, stage="closed"))
    entries = list(unfinished.entries)
    entries[1], entries[3] = entries[3], entries[1]
    assert_sound(judge(rebuild(entries)))
    assert failed(judge(rebuild(entries), unfinished.journal)) == {"J8"}


# --- 13. one ballot for two voters -------------------------------------------------------------------------------


def test_13_a_client_that_gives_two_voters_the_same_ballot(judge: Judge) -> None:
    """Attack 13. Without it: two voters could be shown the same tracker, and one of the two votes be replaced."""
    election = simulated(replace(KINDS["plain"], stage="open", votes=()))
    votes = votes_from_choices(election.election, [(0,)])
    ballots = [
        make_ballot(election.election, text, votes, SeedCoins(bytes(32))) for text in election.credentials
    ]
    entries = [_ballot_entry(raw) for raw in ballots]
    # Even with the same coins and the same vote each voter has a tracker of their own.
    assert len({parse_ballot(election.election, raw).tracker for raw in ballots}) == len(ballots)
    assert_sound(judge(rebuild([*election.entries, *entries])))
    assert_findings(judge(rebuild([*election.entries, entries[0], entries[1], entries[0]])), "B11")


# --- 14. what the audit recomputes -------------------------------------------------------------------------------


def test_14_an_altered_tally_and_all_that_follows_from_it(judge: Judge) -> None:
    """Attack 14. Without it: a tally that is not the sum of the ballots could be decrypted honestly (belenios-tool 3.0
    takes it)."""
    election = sound("plain")
    start = election.index("EncryptedTally")
    group = election.group
    tally = parse_encrypted_tally(election.election, election.entries[start].bodies[0])
    one = Ciphertext(group.identity, group.generator)
    minus = Ciphertext(group.identity, group.inverse(group.generator))
    altered = (tuple(multiply(group, c, d) for c, d in zip(tally[0], (one, minus), strict=True)),)
    raw = make_partial_decryption(election.election, altered, election.secrets[1], coins_for(66, "x"))
    assert election.result is not None
    [(yes, no)] = election.result
    entries = [
        *election.entries[:start],
        tally_entry(altered, 3, 3),
        owned_entry(1, raw),
        result_entry([[yes + 1, no - 1]]),
    ]
    assert failed(judge(rebuild(entries))) == {"C3"}


def test_14_credentials_and_weights(judge: Judge) -> None:
    """Attack 14. Without it: people could be added to the list, taken off it, or be given more votes."""
    election = sound("weighted")
    used = {json.loads(raw)["credential"] for raw in election.ballots}
    lines = json.loads(election.entries[0].body("credentials"))
    extra = election.group.power_g(81).text + ",1"
    for changed in ([*lines, extra], lines[1:], lines[:-1]):
        archive = rebuild(change_json(election.entries, 0, "credentials", lambda _, c=changed: c))
        report = judge(archive, election.journal)
        assert {"J8", "J9"} <= failed(report) or "B4" in failed(report), complaint(report)
    for number, line in enumerate(lines):
        key, _, weight = line.partition(",")
        changed = [*lines[:number], f"{key},{int(weight) + 1}", *lines[number + 1 :]]
        report = judge(rebuild(change_json(election.entries, 0, "credentials", lambda _, c=changed: c)))
        assert key in used
        assert_findings(report, "C2")
    # The roll had another number of members than there are credentials.
    acts = [
        replace(act, payload={**act.payload, "members": 5}) if act.kind == "roll-frozen" else act
        for act in election.acts
    ]
    assert failed(judge(election.archive, election.with_acts(acts).journal)) == {"J9"}


# --- 15. other spellings of the same thing -----------------------------------------------------------------------

_HEADER = {"version": 1, "timestamp": str(TIMESTAMP)}
SPELLINGS: dict[str, Callable[[bytes], bytes]] = {
    "a key twice": lambda raw: (
        raw.replace(b'{"', b'{"version":1,"', 1) if b'"version":1' in raw else raw[:-1] + b"," + raw[1:]
    ),
    "spaces": lambda raw: raw.replace(b":", b": "),
    "a line's end": lambda raw: raw + b"\n",
    "a byte order mark": lambda raw: b"\xef\xbb\xbf" + raw,
    "an escaped letter": lambda raw: raw.replace(b"e", b"\\u0065", 1),
    "an escaped slash": lambda raw: raw.replace(b"/", b"\\/") if b"/" in raw else raw + b" ",
    "a float": lambda raw: raw.replace(b":1", b":1.0", 1) if b":1" in raw else raw.replace(b'"', b"1.0", 1),
    "an exponent": lambda raw: raw.replace(b":1", b":1e0", 1) if b":1" in raw else raw + b"e0",
    "not a number": lambda raw: raw.replace(b":1", b":NaN", 1) if b":1" in raw else b"NaN",
    "infinity": lambda raw: raw.replace(b":1", b":Infinity", 1) if b":1" in raw else b"Infinity",
    "a huge number": lambda raw: raw.replace(b":1", b":1" + b"0" * 5000, 1) if b":1" in raw else b"1" * 5000,
    "a depth bomb": lambda raw: b"[" * 100_000 + b"]" * 100_000,
    "deep inside": lambda raw: raw[:-1] + b',"x":' + b'{"a":' * 50_000 + b"1" + b"}" * 50_000 + raw[-1:],
    "a lone surrogate": lambda raw: raw.replace(b'":"', b'":"\\ud800', 1) if b'":"' in raw else b'"\\ud800"',
    "raw surrogate bytes": lambda raw: raw.replace(b'"', b'"\xed\xa0\x80', 1),
    "an overlong byte": lambda raw: raw.replace(b'"', b'"\xc0\xaf', 1),
    "a zero byte": lambda raw: raw.replace(b'"', b'"\0', 1),
    "trailing JSON": lambda raw: raw + raw,
    "nothing": lambda raw: b"",
}


def _rebuilt(entries: Sequence[Entry]) -> bytes:
    try:
        return rebuild(entries)
    except RecursionError:
        # What we cannot read ourselves we cannot repair.
        return rebuild(entries, repair=False)


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_15_other_spellings_of_json(spelling: str, judge: Judge) -> None:
    """Attack 15. Without it: two programs could read two things in one record, or a crash stop the audit."""
    election = sound("mixed")
    for index, entry in enumerate(election.entries):
        for role in DATA_BEFORE[entry.type]:
            body = SPELLINGS[spelling](entry.body(role))
            if body == entry.body(role):
                continue
            entries = [*election.entries[:index], entry.with_body(role, body), *election.entries[index + 1 :]]
            archive = _rebuilt(entries)
            if archive != election.archive:
                assert_findings(judge(archive), *RULES_OF[role], "S2", "C2", "D1")
    # Nor in the header record
    body = SPELLINGS[spelling](encode_json_bytes(_HEADER))
    rest = election.archive[len(encode_header_record(TIMESTAMP)) :]
    if body != encode_json_bytes(_HEADER):
        assert_findings(judge(tar_record("BELENIOS", body, TIMESTAMP) + rest), "A3")


def test_15_letters_that_look_alike_are_different(judge: Judge) -> None:
    """Attack 15. Without it: a text could be normalised on the way and its hash no longer fit, or two fit."""
    for name in ("Björn", "Bjo\u0308rn", "\u202eevil", "ﬁ", "🗳", "\x7f", "\u2028"):
        election = simulated(replace(KINDS["plain"], stage="open", name=name))
        report = judge.of(election, journal=True)
        assert_sound(report)
        assert report.name == name


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda children: (
        st.lists(children, max_size=3) | st.dictionaries(st.text(max_size=8), children, max_size=3)
    ),
    max_leaves=6,
)


@given(data=st.data())
def test_15_any_json_in_any_record(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Attack 15. Without it: some value nobody thought of could crash the audit, or pass it."""
    election = sound("mixed")
    index = data.draw(st.sampled_from([i for i, entry in enumerate(election.entries) if entry.bodies]))
    role = data.draw(st.sampled_from(DATA_BEFORE[election.entries[index].type]))
    value = json.loads(election.entries[index].body(role))
    way = data.draw(st.sampled_from([way for way in ways(value) if INSIDE not in way]))
    new = data.draw(_json)
    entries = change_json(election.entries, index, role, lambda _: value_with(value, way, new))
    archive = rebuild(entries)
    if archive == election.archive:
        return
    path = tmp_path_factory.getbasetemp() / "any.bel"
    path.write_bytes(archive)
    report = audit(path)
    # A used credential's line may be exchanged for nothing but itself; an unused one is on the closed list.
    assert report.verdict == "findings" or role == "credentials", complaint(report)


@given(noise=st.binary(max_size=2000), place=st.integers(0, 40_000), overwrite=st.booleans())
def test_15_any_bytes_anywhere(
    noise: bytes, place: int, overwrite: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Attack 15. Without it: some bytes could crash the reader of archives, or be passed over."""
    archive = sound("plain").archive
    place %= len(archive) + 1
    changed = archive[:place] + noise + archive[place + len(noise) * overwrite :]
    path = tmp_path_factory.getbasetemp() / "noise.bel"
    path.write_bytes(changed)
    report = audit(path)
    assert report.verdict == ("sound" if changed == archive else "findings"), complaint(report)


_OTHER_SPELLINGS = (
    ": spaces",
    ": newline",
    ": upper case",
    ": leading zero",
    ": extra key first",
    ": extra key last",
    ": text",
    ": number",
)


def _why_the_tool_takes(mutation: Mutation, report: Report) -> str | None:
    """Why belenios-tool 3.3.0 accepts what we refuse: the list of its deviations (PROTOCOL §0, §4)."""
    if any(rule.startswith("B") for rule in failed(report)):
        return "its verify may end before the ballots are checked (fact 2)"
    if failed(report) <= {"A7", "D1"} and mutation.record in ("event", "events"):
        return "no version checks the order of events (fact 4), nor whether a trustee decrypts twice"
    if mutation.record == "sized_tally":
        return "it does not compare the number and the weight of the counted ballots"
    if mutation.record == "credentials" and mutation.name.endswith(": identity"):
        return "it takes the identity for a key"
    name = mutation.name.removesuffix(" (ballots too)")
    if name.endswith(_OTHER_SPELLINGS) or " swap the keys " in name:
        return "it reads several spellings of the same value, and skips what it does not know"
    return None


@pytest.mark.parametrize("kind", ["plain", "belenios"])
def test_15_the_outside_verifier_and_ours_agree_but_for_a_list(
    kind: str, judge: Judge, rng: Random, samples: int, belenios33: Tool, tmp_path: Path
) -> None:
    """Attack 15. Without it: an archive could be sound for us and broken for everybody else, or the other way round."""
    election = sound(kind)
    uuid = election.election.uuid
    assert _outside_verifies(belenios33, election.archive, tmp_path / "outside", uuid)
    kinds: dict[str, list[Mutation]] = {}
    for mutation in repaired_mutations(election):
        kinds.setdefault(mutation.record, []).append(mutation)
    chosen = [rng.choice(list(kinds.values())[number % len(kinds)]) for number in range(samples)]
    # What is sound in spite of a mutation is rare, so some of that is always tried.
    chosen += [m for m in kinds["credentials"] if ": swap 0 and 1" in m.name]
    for mutation in chosen:
        archive = mutation.make().archive
        report = judge(archive)
        outside = _outside_verifies(belenios33, archive, tmp_path / "outside", uuid)
        if report.verdict == "sound":
            assert outside, mutation.name
        elif outside:
            assert _why_the_tool_takes(mutation, report), f"{mutation.name}: {complaint(report)}"


def test_15_a_signed_covert_channel(judge: Judge) -> None:
    """Attack 15. Without it: a voter's device could say in a ballot, beside the vote, what the voter chose."""
    election = simulated(replace(KINDS["plain"], stage="open", votes=()))
    secret = voter_secret(election, 0)
    ballot = json.loads(forge_ballot(election.election, secret, [[1, 0]], coins_for(67, "x")))
    del ballot["signature"]
    answer = ballot["answers"][0]
    first = answer["choices"][0]
    for changed in (
        {**answer, "note": "Yes"},
        dict(reversed(answer.items())),
        {**answer, "choices": [{**first, "alpha": first["alpha"].upper()}, answer["choices"][1]]},
        {**answer, "choices": [{"beta": first["beta"], "alpha": first["alpha"]}, answer["choices"][1]]},
        {
            **answer,
            "overall_proof": [{**p, "response": "0" + p["response"]} for p in answer["overall_proof"]],
        },
    ):
        raw = sign_ballot(election.group, {**ballot, "answers": [changed]}, secret, coins_for(68, "x"))
        assert_findings(judge(rebuild([*election.entries, _ballot_entry(raw)])), "B1", "B5")
    raw = sign_ballot(election.group, ballot, secret, coins_for(69, "x"))
    assert_sound(judge(rebuild([*election.entries, _ballot_entry(raw)])))


def test_the_sentence_about_the_identity_is_from_the_door_for_elements() -> None:
    """Without it: the tests of attack 4 could look for a sentence that nothing says."""
    group = get_group("Ed25519")
    with pytest.raises(RejectedError, match="identity is not allowed here"):
        group.decode(group.identity.text, "X1", "key", allow_identity=False)
    assert Spec((YES_NO,)).group == "Ed25519"
