"""Each part of an election made by one program and used by the other: texts, credentials, keys, ballots, tallies."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from crypto.ballot import check_ballot
from crypto.checker import PlainChecker
from crypto.credentials import derive_public, encode_credential_list, parse_credential_list
from crypto.decryption import (
    parse_owned,
    parse_partial_decryption,
    verify_partial_decryption,
)
from crypto.election import encode_election, parse_election
from crypto.encoding import encode_json_bytes, sha256_base64
from crypto.groups import Group, get_group
from crypto.pedersen import (
    assemble,
    check_coefficients_message,
    make_certificate,
    make_coefficients,
    make_vinput,
    make_voutput,
    open_private_key,
    parse_pedersen,
    verify_pedersen,
)
from crypto.questions import HomomorphicQuestion
from crypto.randomness import SystemCoins, new_credential_text, new_trustee_seed, new_uuid
from crypto.result import compute_result, encode_result
from crypto.tally import parse_encrypted_tally
from crypto.trustees import (
    Trustees,
    election_public_key,
    encode_secret_key,
    encode_trustees,
    generate_key,
    parse_secret_key,
    parse_trustee_key,
    verify_trustee_key,
)
from tests.interop.bench import Bench, ToolTrustee, dump, judge
from tests.simulator import (
    BOARD,
    SINGLE,
    YES_NO,
    Simulation,
    Spec,
    Threshold,
    generate_threshold_key,
    simulate,
)

GROUPS = ("Ed25519", "BELENIOS-2048")
EVERY_GROUP = pytest.mark.parametrize("group", GROUPS)


def benches(request: pytest.FixtureRequest, group: str) -> list[Bench]:
    """A bench for every version that knows the group."""
    names = ["bench33"] if group == "Ed25519" else ["bench33", "bench20"]
    found: list[Bench] = [request.getfixturevalue(name) for name in names]
    for bench in found:
        bench.group = group
    return found


# --- texts -------------------------------------------------------------------------------------------------------

CONTROLS = "".join(map(chr, range(1, 32))) + "\x7f"
OTHERS = "\x80\x9f\xa0\u0301\u2028\u2029\ufeff\ufffd\uffff\U0001f600\U0010ffffé/\"\\<>&'"


@EVERY_GROUP
@pytest.mark.parametrize(
    "text", [CONTROLS, OTHERS, "\x7f", "\x00"], ids=["C0 and DEL", "others", "DEL", "NUL"]
)
def test_election_texts_are_written_as_they_write_them(
    request: pytest.FixtureRequest, group: str, text: str
) -> None:
    """The fingerprint is a hash of these bytes: DEL is escaped as \\u007f, other characters above it are not."""
    for bench in benches(request, group):
        _, key = bench.single_key()
        bench.write("public_keys.jsons", dump(key) + "\n")
        bench.run("setup", "make-trustees", "--dir", bench.folder)
        question = HomomorphicQuestion((text, "b"), 0, 1, text, blank=True)
        template = {"description": text, "name": text, "questions": [question.encode()]}
        path = bench.temporary(json.dumps(template))
        args: list[str | Path] = [
            "--dir",
            bench.folder,
            "--group",
            group,
            "--template",
            path,
            "--uuid",
            "AAAAAAAAAAAAAA",
        ]
        bench.run("setup", "make-election", *args)
        theirs = bench.read("election.json")
        election = parse_election(theirs)
        assert election.name == election.description == text
        assert election.questions == (question,)
        ours = encode_election(
            uuid="AAAAAAAAAAAAAA",
            name=text,
            description=text,
            group_name=group,
            public_key=election.public_key,
            questions=[question],
        )
        assert ours == theirs


# --- credentials -------------------------------------------------------------------------------------------------


@EVERY_GROUP
def test_credentials_give_the_same_key(bench33: Bench, group: str) -> None:
    for _ in range(3):
        uuid, text = new_uuid(), new_credential_text()
        args: list[str | Path] = ["--uuid", uuid, "--group", group, "--derive", text]
        run = bench33.run("setup", "generate-credentials", *args)
        assert run.stdout.strip() == derive_public(get_group(group), uuid, text).text


@EVERY_GROUP
@pytest.mark.parametrize("weights", [(), (2, 0, 7, 1)])
def test_their_list_of_credentials_is_ours(bench33: Bench, group: str, weights: tuple[int, ...]) -> None:
    uuid = new_uuid()
    rows = [
        f"voter{n}@example.org" + (f",voter{n},{w}" if weights else "")
        for n, w in enumerate(weights or range(4))
    ]
    voters = bench33.write("voters.txt", "".join(row + "\n" for row in rows))
    args: list[str | Path] = ["--uuid", uuid, "--group", group, "--file", voters, "--dir", bench33.folder]
    run = bench33.run("setup", "generate-credentials", *args)
    (public,) = bench33.folder.glob("*.pubcreds")
    (private,) = bench33.folder.glob("*.privcreds")
    # The authority's list still has logins: the published one has not.
    listed = [item.split(",") for item in json.loads(public.read_bytes())]
    published = [",".join(parts[:2]) if len(parts) > 1 and parts[1] else parts[0] for parts in listed]
    texts = list(json.loads(private.read_bytes()).values())
    mine = get_group(group)
    entries = [(derive_public(mine, uuid, text), None) for text in texts]
    if weights:
        entries = [(key, w) for (key, _), w in zip(entries, weights, strict=True)]  # type: ignore[misc]
    ours = encode_credential_list(mine, entries)
    assert sorted(json.loads(ours)) == sorted(published)
    found = parse_credential_list(mine, ours)
    assert all(found.find(key) is not None for key, _ in entries)
    # They sort as we do; the fingerprint for humans is that of the published list.
    assert [parts[0] for parts in listed] == [item.split(",")[0] for item in json.loads(ours)]
    assert sha256_base64(ours) in run.stdout


# --- trustees ----------------------------------------------------------------------------------------------------


@EVERY_GROUP
def test_their_single_keys_are_accepted(request: pytest.FixtureRequest, group: str) -> None:
    mine = get_group(group)
    for bench in benches(request, group):
        for _ in range(2):
            private, value = bench.single_key()
            key = parse_trustee_key(mine, value)
            verify_trustee_key(mine, key, PlainChecker(mine))
            secret = parse_secret_key(mine, private)
            assert mine.power_g(secret) == key.public_key
            assert encode_secret_key(secret) == private.strip()


@EVERY_GROUP
@pytest.mark.parametrize("threshold", [None, Threshold(2, 3)])
def test_they_make_an_election_with_our_keys(
    request: pytest.FixtureRequest, group: str, threshold: Threshold | None
) -> None:
    mine = get_group(group)
    keys = [generate_key(mine, SystemCoins())[1] for _ in range(2)]
    items: list[Any] = list(keys)
    for bench in benches(request, group):
        bench.write("public_keys.jsons", "".join(dump(key.encode()) + "\n" for key in keys))
        if threshold:
            params = generate_threshold_key(mine, threshold, 1).params
            items = [*keys, params]
            bench.write("threshold.json", dump(params.encode()) + "\n")
        bench.run("setup", "make-trustees", "--dir", bench.folder)
        if not (threshold and bench.is_old):  # it leaves out the signatures that it does not know
            assert sorted(json.loads(bench.read("trustees.json")), key=dump) == sorted(
                json.loads(encode_trustees(items)), key=dump
            )
        template = {"description": "d", "name": "n", "questions": [YES_NO.encode()]}
        path = bench.temporary(json.dumps(template))
        args: list[str | Path] = [
            "--dir",
            bench.folder,
            "--group",
            group,
            "--template",
            path,
            "--uuid",
            "AAAAAAAAAAAAAA",
        ]
        bench.run("setup", "make-election", *args)
        election = parse_election(bench.read("election.json"))
        assert election.public_key == election_public_key(mine, Trustees(tuple(items)))


# --- a threshold key that both make together ---------------------------------------------------------------------


class OurTrustee:
    """The steps of `ToolTrustee`, by crypto.pedersen."""

    def __init__(self, group: Group, index: int, needed: int, size: int) -> None:
        self.group, self.index, self.needed, self.size = group, index, needed, size
        self.seed = new_trustee_seed()

    def certificate(self) -> Any:
        return make_certificate(self.group, self.seed, self.size, self.needed, self.index, SystemCoins())

    def coefficients(self, certificates: list[Any]) -> Any:
        return make_coefficients(self.group, self.seed, certificates, self.needed, self.index, SystemCoins())

    def output(self, certificates: list[Any], vinput: Any) -> Any:
        return make_voutput(
            self.group, self.seed, certificates, self.needed, vinput, self.index, SystemCoins()
        )


@EVERY_GROUP
@pytest.mark.parametrize("ours, needed, size", [({2}, 2, 3), ({1, 3}, 2, 3), ({1, 4}, 3, 5)])
@pytest.mark.parametrize("server", ["ours", "theirs"])
def test_a_key_generation_with_both_programs(
    bench33: Bench, group: str, ours: set[int], needed: int, size: int, server: str
) -> None:
    if size == 5 and (group, server) != ("Ed25519", "ours"):
        needed, size, ours = 2, 4, {1, 4}
    bench33.group, mine = group, get_group(group)
    people: list[Any] = [
        OurTrustee(mine, i, needed, size) if i in ours else ToolTrustee(bench33, i, needed, size)
        for i in range(1, size + 1)
    ]
    theirs: ToolTrustee = next(p for p in people if isinstance(p, ToolTrustee))
    certificates = [person.certificate() for person in people]
    theirs.check(certificates)
    messages = [person.coefficients(certificates) for person in people]
    for index, message in enumerate(messages, 1):
        check_coefficients_message(mine, certificates, needed, index, message)
    vinputs = [make_vinput(messages, index) for index in range(1, size + 1)]
    if server == "theirs":
        collected = theirs.collect(certificates, messages)
        assert len(collected) == size
        assert sorted(map(dump, collected.values())) == sorted(map(dump, vinputs))
    outputs = [person.output(certificates, v) for person, v in zip(people, vinputs, strict=True)]
    params = assemble(mine, needed, certificates, messages, outputs)
    if server == "theirs":
        assert theirs.assemble(certificates, messages, outputs) == params.encode()
    checker = PlainChecker(mine)
    verify_pedersen(mine, parse_pedersen(mine, params.encode()), checker)
    # Each opens the own private key with the seed alone, whoever made it.
    for person, output, key in zip(people, outputs, params.verification_keys, strict=True):
        secret = open_private_key(mine, person.seed, output["private_key"])
        assert mine.power_g(secret) == key.public_key


# --- ballots -----------------------------------------------------------------------------------------------------

VOTES = [([1, 0], [1, 0, 0, 0]), ([0, 1], [0, 1, 0, 1]), ([1, 0], [0, 0, 0, 0]), ([0, 1], [0, 0, 1, 0])]


def opened(group: str, **changes: Any) -> Simulation:
    spec = Spec((YES_NO, BOARD), group=group, voters=4, votes=(), stage="open", seed=60)
    return simulate(replace(spec, **changes))


@EVERY_GROUP
@pytest.mark.parametrize("weights", [None, (1, 5, 0, 2)])
def test_their_ballots_are_accepted(bench33: Bench, group: str, weights: tuple[int, ...] | None) -> None:
    simulation = opened(group, weights=weights)
    election = simulation.election
    bench33.put_archive(election.uuid, simulation.archive)
    for credential, vote in zip(simulation.credentials, VOTES, strict=True):
        raw = bench33.make_ballot(credential, vote)
        ballot = check_ballot(election, raw, PlainChecker(election.group))
        assert ballot.credential == derive_public(election.group, election.uuid, credential)
        bench33.add_event("Ballot", [raw])
        summary = bench33.run("election", "compute-ballot-summary", "--dir", bench33.folder).stdout
        assert ballot.tracker in summary or bytes_in_hex(raw) in summary
    assert judge(bench33.archive) is None


def bytes_in_hex(raw: bytes) -> str:
    import hashlib

    return hashlib.sha256(raw).hexdigest()


# --- tally and decryption ----------------------------------------------------------------------------------------


def decrypted_by_them(bench: Bench, simulation: Simulation, jobs: dict[int, list[bytes]]) -> None:
    """Their partial decryptions are accepted by us, and with the result that we compute the archive by both."""
    election, group = simulation.election, simulation.group
    entry = simulation.entries[simulation.index("EncryptedTally")]
    tally = parse_encrypted_tally(election, entry.body("encrypted_tally"))
    partials = {}
    for owner, (raw, owned) in jobs.items():
        assert parse_owned(owned).owner == owner
        pd = parse_partial_decryption(election, tally, raw)
        key = simulation.trustees.owners[owner - 1].public_key
        verify_partial_decryption(election, tally, key, pd, PlainChecker(group))
        partials[owner] = pd
        bench.add_event("PartialDecryption", [raw, owned])
    result = compute_result(election, simulation.trustees, tally, partials, simulation.total_weight)
    (theirs,) = bench.lines_of("election", "compute-result")
    assert encode_result(result) == theirs
    bench.add_event("Result", [theirs])
    bench.verify()
    assert judge(bench.archive) == result


def counted(group: str, trustees: Any, weights: tuple[int, ...] | None = None) -> Simulation:
    """A simulated election up to the encrypted tally."""
    spec = Spec(
        (YES_NO, BOARD),
        group=group,
        voters=3,
        weights=weights,
        votes=((0, ((0,), "blank")), (2, ((1,), (0, 1))), (0, ((1,), ()))),
        trustees=trustees,
        seed=61,
    )
    whole = simulate(spec)
    return whole.with_entries(whole.entries[: whole.index("EncryptedTally") + 1])


@EVERY_GROUP
def test_their_decryptions_with_our_single_keys(request: pytest.FixtureRequest, group: str) -> None:
    simulation = counted(group, (SINGLE, SINGLE), weights=(2, 1, 3))
    for bench in benches(request, group):
        bench.put_archive(simulation.election.uuid, simulation.archive)
        # They compute the same tally from the ballots.
        entry = simulation.entries[-1]
        assert bench.lines_of("election", "compute-encrypted-tally") == list(entry.bodies)
        jobs = {
            owner: bench.lines_of(
                "election",
                "decrypt",
                "--privkey",
                bench.temporary(encode_secret_key(secret)),
                "--trustee-id",
                str(owner),
            )
            for owner, secret in simulation.secrets.items()
        }
        decrypted_by_them(bench, simulation, jobs)


@EVERY_GROUP
def test_their_decryptions_with_our_threshold_keys(bench33: Bench, group: str) -> None:
    simulation = counted(group, (SINGLE, Threshold(2, 3)))
    bench33.put_archive(simulation.election.uuid, simulation.archive)
    # The same key generation again, for the sealed private keys, which differ each time.
    made = generate_threshold_key(simulation.group, Threshold(2, 3), f"{simulation.spec.seed} item 1")
    assert made.secrets == tuple(simulation.secrets[owner] for owner in (2, 3, 4))
    jobs = {
        1: bench33.lines_of(
            "election",
            "decrypt",
            "--privkey",
            bench33.temporary(encode_secret_key(simulation.secrets[1])),
            "--trustee-id",
            "1",
        )
    }
    for owner in (2, 4):
        jobs[owner] = bench33.lines_of(
            "election",
            "decrypt-threshold",
            "--key",
            bench33.temporary(made.seeds[owner - 2]),
            "--decryption-key",
            bench33.temporary(made.voutputs[owner - 2]["private_key"]),
            "--trustee-id",
            str(owner),
        )
    decrypted_by_them(bench33, simulation, jobs)


def test_canonical_json_of_their_records_is_ours(bench33: Bench) -> None:
    """Whatever they print is read by the strict parser and written again to the byte."""
    simulation = opened("Ed25519")
    bench33.put_archive(simulation.election.uuid, simulation.archive)
    raw = bench33.make_ballot(simulation.credentials[0], VOTES[0])
    assert encode_json_bytes(json.loads(raw)) == raw
