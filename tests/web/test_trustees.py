"""Trustees' keys, the sealed channel, key files, archive and tally: JavaScript and Python agree to the byte."""

import json
import random
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from audit.keyfile import KeyFile, encode_key_file, parse_key_file
from crypto import channel
from crypto.checker import PlainChecker
from crypto.decryption import (
    combine_factors,
    lagrange,
    make_partial_decryption,
    make_strong_proofs,
    parse_partial_decryption,
    verify_partial_decryption,
    verify_strong_proofs,
)
from crypto.election import Election
from crypto.encoding import encode_json, encode_json_bytes, parse_json, sha256_hex
from crypto.groups import get_group
from crypto.pedersen import (
    coefficient_commitment,
    make_certificate,
    make_coefficients,
    make_vinput,
    make_voutput,
    open_private_key,
)
from crypto.randomness import SeedCoins
from crypto.receipt import ServiceKey
from crypto.tally import encode_encrypted_tally, parse_encrypted_tally
from crypto.trustees import (
    election_public_key,
    encode_secret_key,
    encode_trustees,
    generate_key,
    make_drill,
    parse_secret_key,
    parse_trustee_key,
    parse_trustees,
    verify_drill,
    verify_trustee_key,
    verify_trustees,
)
from tests.simulator import (
    KINDS,
    Simulation,
    Threshold,
    change_json,
    generate_threshold_key,
    rebuild,
    simulated,
    sound,
)
from tests.web.agreeing import mutations, verdict
from tests.web.node import JsError, Node

GROUP = get_group("Ed25519")
KEYS = generate_threshold_key(GROUP, Threshold(2, 3), "web")
ED25519 = ("plain", "blank", "weighted", "revotes", "threshold", "mixed", "empty", "presented")


def seed_of(rng: random.Random) -> str:
    return rng.randbytes(32).hex()


def coins(seed: str) -> SeedCoins:
    return SeedCoins(bytes.fromhex(seed))


# --- one trustee's key -------------------------------------------------------------------------------------------


def test_keys_and_drills_are_the_same_bytes(js: Node, rng: random.Random) -> None:
    seed = seed_of(rng)
    made = coins(seed)
    secret, key = generate_key(GROUP, made)
    assert js.call("newTrusteeKey", seed=seed) == {"secret": str(secret), "key": encode_json(key.encode())}
    nonce = rng.randbytes(16).hex()
    drill = make_drill(GROUP, "label", secret, nonce, coins(seed))
    assert js.call("drillMake", label="label", secret=str(secret), nonce=nonce, seed=seed) == drill
    text = key.public_key.text
    js.call("drillVerify", label="label", key=text, nonce=nonce, proof=drill)
    for label, other in (("labeL", nonce), ("label", nonce[::-1])):
        ours = verdict(
            lambda a=label, b=other: verify_drill(GROUP, a, key.public_key, b, drill, PlainChecker(GROUP))
        )
        assert ours == ("RejectedError", "J7")
        assert (
            verdict(lambda a=label, b=other: js.call("drillVerify", label=a, key=text, nonce=b, proof=drill))
            == ours
        )


def test_both_refuse_the_same_keys(js: Node) -> None:
    _, key = generate_key(GROUP, coins("11" * 32))

    def ours(raw: str) -> str:
        parsed = parse_trustee_key(GROUP, parse_json(raw.encode(), "T8"))
        verify_trustee_key(GROUP, parsed, PlainChecker(GROUP))
        return encode_json(parsed.encode())

    cases = [
        ("as it is", key.encode()),
        ("named", {**key.encode(), "name": "Ada"}),
        *mutations({**key.encode(), "name": "A"}),
    ]
    refused = 0
    for what, value in cases:
        raw = encode_json(value)
        found = verdict(lambda r=raw: ours(r))
        assert verdict(lambda r=raw: js.call("readTrusteeKey", json=r)) == found, what
        refused += found[0] != "value"
    assert 5 < refused < len(cases)


@pytest.mark.parametrize("text", ['"5"', '"05"', ' "5"\n', "5", '"-1"', "", '"5" "6"', f'"{GROUP.q}"'])
def test_secret_keys_as_belenios_tool_writes_them(js: Node, text: str) -> None:
    ours = verdict(lambda: encode_secret_key(parse_secret_key(GROUP, text)))
    assert verdict(lambda: js.call("readSecretKey", json=text)) == ours


# --- the sealed channel ------------------------------------------------------------------------------------------


@pytest.fixture
def sealing(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """From now on the channel's coins follow from this seed, one after the other, as in JavaScript's tests."""

    def use(seed: str) -> None:
        made = coins(seed)
        monkeypatch.setattr(channel, "SystemCoins", lambda: made)

    return use


def test_sealed_messages_are_the_same_bytes(
    js: Node, rng: random.Random, sealing: Callable[[str], None]
) -> None:
    for message in ("", "é\n\x7f", '{"secret":"5"}', "x" * 1000):
        signing, decryption = (rng.randrange(1, GROUP.q) for _ in range(2))
        recipient, sender = GROUP.power_g(decryption), GROUP.power_g(signing)
        seed = seed_of(rng)
        sealing(seed)
        sealed = channel.send(GROUP, signing, recipient, message)
        given = {"signingKey": str(signing), "recipient": recipient.text, "message": message, "seed": seed}
        assert js.call("sealedSend", **given) == sealed
        opened = js.call("sealedReceive", decryptionKey=str(decryption), sender=sender.text, sealed=sealed)
        assert opened == message == channel.receive(GROUP, decryption, sender, sealed)


def test_both_refuse_the_same_sealed_messages(js: Node, rng: random.Random) -> None:
    signing, decryption, other = (rng.randrange(1, GROUP.q) for _ in range(3))
    recipient, sender = GROUP.power_g(decryption), GROUP.power_g(signing)
    sealed = json.loads(channel.send(GROUP, signing, recipient, "hello"))
    for_other = channel.send(GROUP, signing, GROUP.power_g(other), "hello")
    by_other = channel.send(GROUP, other, recipient, "hello")
    texts = [encode_json(value) for _, value in mutations(sealed)]
    cases = [(text, decryption) for text in [*texts, for_other, by_other, "", encode_json(sealed)]]
    verdicts = set()
    for text, key in [*cases, (encode_json(sealed), other)]:
        ours = verdict(lambda t=text, k=key: channel.receive(GROUP, k, sender, t))
        given = {"decryptionKey": str(key), "sender": sender.text, "sealed": text}
        assert verdict(lambda g=given: js.call("sealedReceive", **g)) == ours, text
        verdicts.add(ours)
    assert verdicts == {("value", "hello"), ("MalformedError", "T8"), ("RejectedError", "T8")}


# --- threshold keys ----------------------------------------------------------------------------------------------


def test_the_ceremony_is_the_same_bytes(js: Node, rng: random.Random, sealing: Callable[[str], None]) -> None:
    seeds = KEYS.seeds
    certificates, messages = [], []
    for index, seed in enumerate(seeds, 1):
        chance = seed_of(rng)
        certificates.append(make_certificate(GROUP, seed, 3, 2, index, coins(chance)))
        given = {"seed": seed, "size": 3, "threshold": 2, "index": index, "coins": chance}
        assert js.call("makeCertificate", **given) == encode_json(certificates[-1])
    for index, seed in enumerate(seeds, 1):
        chance, letters = seed_of(rng), seed_of(rng)
        sealing(letters)
        messages.append(make_coefficients(GROUP, seed, certificates, 2, index, coins(chance)))
        given = {"seed": seed, "certificates": encode_json(certificates), "threshold": 2, "index": index}
        assert js.call("makeCoefficients", **given, coins=chance, sealing=letters) == {
            "message": encode_json(messages[-1]),
            "commitment": coefficient_commitment(messages[-1]["coefexps"]),
        }
    for index, seed in enumerate(seeds, 1):
        chance, letters = seed_of(rng), seed_of(rng)
        vinput = make_vinput(messages, index)
        sealing(letters)
        voutput = make_voutput(GROUP, seed, certificates, 2, vinput, index, coins(chance))
        given = {
            "seed": seed,
            "certificates": encode_json(certificates),
            "threshold": 2,
            "vinput": encode_json(vinput),
            "index": index,
        }
        assert js.call("makeVoutput", **given, coins=chance, sealing=letters) == encode_json(voutput)
        sealed = voutput["private_key"]
        opened = js.call("openPrivateKey", seed=seed, sealed=sealed)
        assert opened == str(open_private_key(GROUP, seed, sealed))


def test_both_refuse_the_same_certificates(js: Node) -> None:
    certificates = KEYS.certificates
    own = {"seed": KEYS.seeds[0], "threshold": 2, "index": 1}

    def ours(value: Any) -> bool:
        return bool(make_coefficients(GROUP, KEYS.seeds[0], value, 2, 1, coins("22" * 32)))

    first = json.loads(certificates[0]["message"])
    inner = [
        [{**certificates[0], "message": encode_json(value)}, *certificates[1:]]
        for _, value in mutations(first)
    ]
    lists = [certificates[:2], [certificates[1], certificates[0], certificates[2]], [certificates[0]] * 3]
    lists += [[other, *certificates[1:]] for _, other in mutations(certificates[0])]
    for value in [*lists, *inner]:
        found = verdict(lambda v=value: ours(v))
        theirs = verdict(lambda v=value: js.call("makeCoefficients", certificates=encode_json(v), **own))
        assert found[0] != "value"
        assert theirs == found, encode_json(value)[:300]


def test_both_refuse_the_same_shares(js: Node) -> None:
    vinput = make_vinput(KEYS.messages, 2)
    other = make_vinput(KEYS.messages, 3)
    given = {
        "certificates": encode_json(KEYS.certificates),
        "threshold": 2,
        "index": 2,
        "seed": KEYS.seeds[1],
    }

    def ours(value: Any) -> bool:
        return bool(make_voutput(GROUP, KEYS.seeds[1], KEYS.certificates, 2, value, 2, coins("33" * 32)))

    swapped = [
        {**vinput, "secrets": other["secrets"]},
        {**vinput, "secrets": vinput["secrets"][::-1]},
        {**vinput, "coefexps": vinput["coefexps"][::-1]},
        {**vinput, "signatures": vinput["signatures"][::-1]},
        {**vinput, "signatures": [*vinput["signatures"][:2], {"challenge": "1", "response": "2"}]},
    ]
    # The longest sealed texts are the same; one more character is refused by both.
    long = [{**vinput, "polynomial": "A" * length} for length in (20_480, 20_481)]
    long += [{**vinput, "secrets": ["A" * 16_385, *vinput["secrets"][1:]]}]
    assert [verdict(lambda v=value: ours(v))[0] for value in long] == ["value", *["MalformedError"] * 2]
    shapes = [value for what, value in mutations(vinput) if what.count("/") < 1]
    for value in [*swapped, *long, *shapes]:
        found = verdict(lambda v=value: ours(v))
        theirs = verdict(lambda v=value: bool(js.call("makeVoutput", vinput=encode_json(v), **given)))
        assert theirs == found
    assert verdict(lambda: ours(swapped[0])) == ("RejectedError", "T8")


def test_a_sealed_text_that_is_too_long_is_not_opened(js: Node) -> None:
    """Without it: a trustee's phone would work on megabytes that another trustee sent."""
    given = {
        "certificates": encode_json(KEYS.certificates),
        "threshold": 2,
        "index": 2,
        "seed": KEYS.seeds[1],
    }
    vinput = make_vinput(KEYS.messages, 2)
    long = {**vinput, "secrets": ["A" * 16_385, *vinput["secrets"][1:]]}
    with pytest.raises(JsError, match="the share of trustee 1: the sealed text is too long"):
        js.call("makeVoutput", vinput=encode_json(long), **given)
    with pytest.raises(JsError, match="private_key: the sealed text is too long"):
        js.call("openPrivateKey", seed=KEYS.seeds[1], sealed="A" * 16_385)


def test_a_share_that_does_not_fit_names_its_trustee(js: Node) -> None:
    """A dishonest trustee's share: sealed and signed as it should be, but not the value of its polynomial."""
    certificates, seeds = KEYS.certificates, KEYS.seeds
    signing = int.from_bytes(bytes.fromhex(sha256_hex(f"sk|{seeds[2]}".encode()))) % GROUP.q
    encryption = json.loads(certificates[0]["message"])["encryption"]
    recipient = GROUP.decode(encryption, "T", "key", allow_identity=False)
    false = channel.send(GROUP, signing, recipient, encode_json({"secret": "5"}))
    vinput = make_vinput(KEYS.messages, 1)
    vinput["secrets"][2] = false
    given = {"certificates": encode_json(certificates), "threshold": 2, "index": 1, "seed": seeds[0]}
    with pytest.raises(
        JsError, match="the share of trustee 3 does not fit trustee 3's coefficients"
    ) as caught:
        js.call("makeVoutput", vinput=encode_json(vinput), **given)
    assert caught.value.rule == "T8"


# --- the trustees' record ----------------------------------------------------------------------------------------


def read_trustees(raw: str) -> dict[str, Any]:
    trustees = parse_trustees(GROUP, raw.encode())
    verify_trustees(GROUP, trustees, PlainChecker(GROUP))
    commitments = []
    for item in trustees.items:
        if hasattr(item, "certificates"):
            commitments += [coefficient_commitment(c.signed.encode()) for c in item.coefficients]
        else:
            commitments.append(sha256_hex(encode_json_bytes(item.encode())))
    return {
        "again": encode_trustees(trustees.items).decode(),
        "key": election_public_key(GROUP, trustees).text,
        "owners": [key.public_key.text for key in trustees.owners],
        "forms": list(trustees.old_forms),
        "commitments": commitments,
        "enough": [trustees.is_enough(owners) for owners in ([], [1], [2, 3], [1, 2], [1, 2, 3])],
    }


@pytest.mark.parametrize("kind", ["plain", "blank", "threshold", "mixed"])
def test_the_trustees_record(js: Node, kind: str) -> None:
    raw = sound(kind).entries[0].body("trustees").decode()
    assert js.call("readTrustees", json=raw) == read_trustees(raw)


def test_older_forms_of_threshold_keys(js: Node) -> None:
    [[kind, params]] = json.loads(sound("threshold").entries[0].body("trustees"))
    unsigned = {
        **params,
        "verification_keys": [
            {name: value for name, value in key.items() if name != "signature"}
            for key in params["verification_keys"]
        ],
    }
    some = {
        **params,
        "verification_keys": [*params["verification_keys"][:2], unsigned["verification_keys"][2]],
    }
    without = {name: value for name, value in unsigned.items() if name != "signatures"}
    for value in (params, unsigned, some, without):
        raw = encode_json([[kind, value]])
        found = verdict(lambda r=raw: read_trustees(r))
        assert verdict(lambda r=raw: js.call("readTrustees", json=r)) == found
    assert read_trustees(encode_json([[kind, unsigned]]))["forms"] == ["2.5"]


def test_both_refuse_the_same_trustees(js: Node, rng: random.Random, samples: int) -> None:
    value = json.loads(sound("mixed").entries[0].body("trustees"))
    cases = list(mutations(value))
    refused = 0
    for what, other in rng.sample(cases, min(len(cases), 2 * samples)):
        raw = encode_json(other)
        found = verdict(lambda r=raw: read_trustees(r))
        assert verdict(lambda r=raw: js.call("readTrustees", json=r)) == found, what
        refused += found[0] != "value"
    assert refused > min(len(cases), 2 * samples) // 2
    single = value[0]
    for others in ([single, single], [value[1], value[1]], []):
        raw = encode_json(others)
        found = verdict(lambda r=raw: read_trustees(r))
        assert found[0] != "value"
        assert verdict(lambda r=raw: js.call("readTrustees", json=r)) == found


# --- key files ---------------------------------------------------------------------------------------------------


def key_files() -> list[KeyFile]:
    message = KEYS.messages[0]
    known = {"1": "ab" * 32, "2": "cd" * 32}
    place = {"seed": KEYS.seeds[0], "size": 3, "threshold": 2, "index": 1}
    made = KeyFile("threshold", "Ed25519", **place, message=message, certificates=KEYS.certificates)
    single = KeyFile("single", "Ed25519", secret="5", message={"a": 'é\x7f\x00"'}, commitments=known)
    drilled = KeyFile(
        "threshold",
        "Ed25519",
        **place,
        commitments=known,
        private_key="sealed",
        fingerprint="f",
        journal={"height": 3, "head": "ef" * 32},
        decrypted="12" * 32,
    )
    return [KeyFile("threshold", "Ed25519", **place), made, single, drilled]


def test_key_files_are_the_same_bytes(js: Node) -> None:
    for key in key_files():
        raw = encode_key_file(key)
        assert js.call("keyFile", json=raw.decode()).encode() == raw
        assert parse_key_file(raw, "key") == key


def test_both_refuse_the_same_key_files(js: Node) -> None:
    refused = 0
    cases = [
        value
        for key in key_files()
        for what, value in mutations(json.loads(encode_key_file(key)))
        if what.count("/") < 1 and "group" not in what
    ]
    for value in [*cases, 5, "x", [], None]:
        raw = json.dumps(value)
        # As values: JavaScript sorts names that are numbers, which those of the commitments are anyway.
        found = verdict(lambda r=raw: json.loads(encode_key_file(parse_key_file(r.encode(), "key"))))
        assert verdict(lambda r=raw: json.loads(js.call("keyFile", json=r))) == found, raw[:200]
        refused += found[0] != "value"
    assert refused > 50
    for raw in ("", "{", "\x00"):
        assert verdict(lambda r=raw: js.call("keyFile", json=r)) == ("MalformedError", "T7")


def test_a_key_of_another_group_is_not_for_browsers(js: Node) -> None:
    raw = encode_key_file(KeyFile("single", "BELENIOS-2048", secret="5")).decode()
    assert verdict(lambda: js.call("keyFile", json=raw)) == ("MalformedError", "T7")


# --- the published record ----------------------------------------------------------------------------------------


def before_result(simulation: Simulation, last: str = "PartialDecryption") -> Simulation:
    """The same election before its result, and before anybody decrypted where `last` is EncryptedTally."""
    kept = ["Setup", "Ballot", "EndBallots", "EncryptedTally", "PartialDecryption"]
    kept = kept[: kept.index(last) + 1]
    entries = [entry for entry in simulation.entries if entry.type in kept]
    stop = next(n for n, act in enumerate(simulation.acts) if act.kind == "tallied")
    acts = [
        act
        for act in simulation.acts[:stop]
        if last == "PartialDecryption" or act.kind != "strong-decryption"
    ]
    return simulation.with_entries(entries).with_acts(acts)


def record(js: Node, simulation: Simulation, archive: bytes | None = None, **more: Any) -> Any:
    raw = simulation.archive if archive is None else archive
    return js.call("readRecord", archive=raw.hex(), journal=simulation.journal.hex(), **more)


@pytest.mark.parametrize("kind", ED25519)
@pytest.mark.parametrize("chunk", [511, 4096, 1 << 20])
def test_the_record_is_read_in_pieces_of_any_size(js: Node, kind: str, chunk: int) -> None:
    simulation = before_result(sound(kind))
    raw_tally = simulation.entries[simulation.index("EncryptedTally")].body("encrypted_tally")
    found = record(js, simulation, chunk=chunk)
    assert found == {
        "state": "decrypting",
        "heads": list(simulation.heads),
        "ballots": len(simulation.ballots),
        "counted": len(simulation.counted),
        "fingerprint": simulation.election.fingerprint,
        "tally": raw_tally.decode(),
        "owners": found["owners"],
        "length": len(simulation.archive),
    }


def test_any_cut_or_changed_byte_of_the_archive_is_refused(
    js: Node, rng: random.Random, samples: int
) -> None:
    simulation = before_result(sound("threshold"))
    archive = simulation.archive
    for _ in range(samples):
        place = rng.randrange(len(archive))
        changed = bytearray(archive)
        changed[place] ^= 1 << rng.randrange(8)
        family, rule = verdict(lambda c=bytes(changed): record(js, simulation, c))
        assert family in ("MalformedError", "RejectedError"), place
        assert rule
    for _ in range(samples // 4):
        cut = archive[: rng.randrange(1, len(archive))]
        assert verdict(lambda c=cut: record(js, simulation, c))[0] != "value"


def forged(simulation: Simulation, change: Callable[[list[Any]], None]) -> bytes:
    entries = list(simulation.entries)
    change(entries)
    return rebuild(entries)


def test_a_shortened_box_is_refused(js: Node) -> None:
    """A server that leaves out a ballot must leave the tally (C2, C3) or the journal (J8) in contradiction."""
    simulation = before_result(sound("blank"), "EncryptedTally")
    ballot = simulation.index("Ballot", 1)

    def drop(entries: list[Any]) -> None:
        del entries[ballot]

    assert verdict(lambda: record(js, simulation, forged(simulation, drop))) == ("RejectedError", "C2")
    # A sound beginning of the box, but the journal that all others see tells of more.
    whole = before_result(sound("revotes"), "EncryptedTally")
    prefix = [entry for entry in whole.entries if entry.type == "Setup"]
    assert verdict(lambda: record(js, whole, rebuild(prefix))) == ("RejectedError", "J8")


def test_another_tally_is_refused(js: Node) -> None:
    simulation = before_result(sound("blank"), "EncryptedTally")
    index = simulation.index("EncryptedTally")

    def swap(value: Any) -> Any:
        return [value[0][::-1], value[1]]

    other = rebuild(change_json(simulation.entries, index, "encrypted_tally", swap))
    assert verdict(lambda: record(js, simulation, other)) == ("RejectedError", "C3")


def test_a_copied_ballot_and_one_that_nobody_may_cast_are_refused(js: Node) -> None:
    simulation = before_result(sound("blank"), "EncryptedTally")
    index = simulation.index("Ballot", 1)

    def copy(entries: list[Any]) -> None:
        entries.insert(index, entries[index])

    assert verdict(lambda: record(js, simulation, forged(simulation, copy))) == ("RejectedError", "B11")

    def stranger(value: Any) -> Any:
        return {**value, "credential": GROUP.generator.text}

    other = rebuild(change_json(simulation.entries, index, "ballot", stranger))
    assert verdict(lambda: record(js, simulation, other)) == ("RejectedError", "B4")


@pytest.mark.parametrize(
    "role,change,rule",
    [
        ("election", lambda v: {**v, "name": "Another"}, "B3"),
        ("election", lambda v: {**v, "public_key": GROUP.generator.text}, "S5"),
        ("trustees", lambda v: v[:1], "S5"),
        ("trustees", lambda v: [v[0], v[0]], "S6"),
        ("credentials", lambda v: [*v[1:], v[1]], "S4"),
    ],
)
def test_another_setup_is_refused(js: Node, role: str, change: Callable[[Any], Any], rule: str) -> None:
    simulation = before_result(sound("blank"), "EncryptedTally")
    other = rebuild(change_json(simulation.entries, 0, role, change))
    assert verdict(lambda: record(js, simulation, other)) == ("RejectedError", rule)


@pytest.mark.parametrize(
    "kind,change,rule",
    [
        ("keys-ready", lambda p: {**p, "trustees": "ab" * 32}, "J9"),
        ("credentials-published", lambda p: {**p, "count": p["count"] + 1}, "J9"),
        ("credentials-published", lambda p: {**p, "credentials": "ab" * 32}, "J9"),
        ("trustee-committed", lambda p: {**p, "commitment": "ab" * 32}, "J9"),
        ("key-drill", lambda p: {**p, "nonce": "ab" * 16}, "J7"),
        ("key-drill", None, "J7"),
        ("credentials-published", None, "J9"),
        ("opened", lambda p: {**p, "revotes": False}, "J9"),
        ("strong-decryption", lambda p: {**p, "owner": 2}, "J9"),
    ],
)
def test_a_journal_that_tells_something_else_is_refused(
    js: Node, kind: str, change: Callable[[Any], Any] | None, rule: str
) -> None:
    simulation = before_result(sound("revotes" if kind == "opened" else "threshold"))
    if kind == "strong-decryption":
        simulation = before_result(sound("threshold"))
        entries = [entry for entry in simulation.entries if entry.type != "PartialDecryption"]
        simulation = simulation.with_entries(entries)
        assert verdict(lambda: record(js, simulation)) == ("RejectedError", rule)
        return
    acts = []
    numbers = count()
    for act in simulation.acts:
        if act.kind != kind or next(numbers):
            acts.append(act)
        elif change is not None:
            acts.append(type(act)(act.kind, change(act.payload), act.actor, act.box))
    if change is None and kind == "key-drill":
        acts = [act for act in simulation.acts if act.kind != kind]
    assert verdict(lambda: record(js, simulation.with_acts(acts))) == ("RejectedError", rule)


def test_credentials_may_be_replaced_before_the_setup(js: Node) -> None:
    simulation = before_result(sound("threshold"))
    place = next(n for n, act in enumerate(simulation.acts) if act.kind == "credentials-published")
    published = simulation.acts[place]
    last, other = published.payload["credentials"], "ab" * 32

    def tell(*lists: str, first: str = other, replaced: int = 1) -> Any:
        acts = [
            replace(
                published, kind="credentials-replaced", payload={"credentials": name, "replaced": replaced}
            )
            for name in lists
        ]
        begin = replace(published, payload={**published.payload, "credentials": first})
        story = [*simulation.acts[:place], begin, *acts, *simulation.acts[place + 1 :]]
        return record(js, simulation.with_acts(story))

    tell("cd" * 32, last)
    refused = ("RejectedError", "J9")
    assert verdict(lambda: tell(other, last)) == refused
    assert verdict(lambda: tell(last, first=last)) == refused
    assert verdict(lambda: tell(other)) == refused
    assert verdict(lambda: tell(last, replaced=99)) == refused
    before = [replace(published, kind="credentials-replaced", payload={"credentials": other, "replaced": 1})]
    story = [*simulation.acts[:place], *before, *simulation.acts[place:]]
    assert verdict(lambda: record(js, simulation.with_acts(story))) == refused


def test_a_journal_that_contradicts_the_election_data_is_refused(js: Node) -> None:
    """The election data name the key of receipts and seals, and say whether votes are final (ADR 0009)."""
    simulation = before_result(sound("presented"))
    record(js, simulation)
    forger = ServiceKey(b"\x07" * 32)
    [first, *acts] = simulation.acts
    other = replace(first, payload={**first.payload, "service_key": forger.public})
    forged = replace(simulation.with_acts([other, *acts]), service_key=forger)
    assert verdict(lambda: record(js, forged)) == ("RejectedError", "J9")
    changed = [
        replace(act, payload={**act.payload, "revotes": True}) if act.kind == "opened" else act
        for act in acts
    ]
    assert verdict(lambda: record(js, simulation.with_acts([first, *changed]))) == ("RejectedError", "J9")


def test_a_second_vote_where_votes_are_final_is_refused(js: Node) -> None:
    spec = replace(KINDS["revotes"], is_bound=True)
    record(js, before_result(simulated(spec)))
    final = before_result(simulated(replace(spec, revoting=False)))
    assert verdict(lambda: record(js, final)) == ("RejectedError", "B12")


def test_a_challenged_ballot_must_not_be_in_the_box(js: Node) -> None:
    simulation = before_result(sound("threshold"))
    tracker = simulation.receipts[0].tracker
    opened = next(n for n, act in enumerate(simulation.acts) if act.kind == "opened") + 2
    act = type(simulation.acts[0])("ballot-challenged", {"tracker": tracker}, "service:0", 0)
    acts = [*simulation.acts[:opened], act, *simulation.acts[opened:]]
    assert verdict(lambda: record(js, simulation.with_acts(acts))) == ("RejectedError", "J9")


def test_the_journal_of_the_drill_is_the_beginning_of_todays(js: Node) -> None:
    lines = sound("plain").journal_lines
    journal = sound("plain").journal.hex()
    for height in (0, 5, len(lines) - 1):
        known = {"height": height, "head": sha256_hex(lines[height])}
        js.call("knowJournal", journal=journal, known=known)
        for other in (
            {**known, "height": height + 1},
            {**known, "head": "ab" * 32},
            {**known, "height": 1000},
            {**known, "height": "x"},
        ):
            refused = verdict(lambda k=other: js.call("knowJournal", journal=journal, known=k))
            assert refused == ("RejectedError", "T9")


# --- decryption --------------------------------------------------------------------------------------------------


def tally_of(simulation: Simulation) -> tuple[Election, bytes]:
    raw = simulation.entries[simulation.index("EncryptedTally")].body("encrypted_tally")
    return simulation.election, raw


@pytest.mark.parametrize("kind", ["blank", "threshold", "empty", "weighted"])
def test_decryptions_are_the_same_bytes(js: Node, kind: str, rng: random.Random) -> None:
    simulation = sound(kind)
    election, raw = tally_of(simulation)
    tally = parse_encrypted_tally(election, raw)
    secret = simulation.secrets[1]
    seed = seed_of(rng)
    made = coins(seed)
    partial = make_partial_decryption(election, tally, secret, made)
    strong = make_strong_proofs(election, tally, secret, 1, made)
    given = {"election": election.raw.decode(), "tally": raw.decode()}
    assert js.call("partialMake", **given, secret=str(secret), owner=1, seed=seed) == {
        "partial": partial.decode(),
        "strong": encode_json(strong),
    }
    assert encode_encrypted_tally(election, tally) == raw


def test_both_refuse_the_same_decryptions(js: Node, rng: random.Random) -> None:
    simulation = sound("plain")
    election, raw = tally_of(simulation)
    tally = parse_encrypted_tally(election, raw)
    key = simulation.trustees.owners[0].public_key
    made = coins(seed_of(rng))
    partial = json.loads(make_partial_decryption(election, tally, simulation.secrets[1], made))
    strong = make_strong_proofs(election, tally, simulation.secrets[1], 1, made)
    given = {"election": election.raw.decode(), "tally": raw.decode(), "key": key.text}

    def ours(first: Any, second: Any) -> bool:
        parsed = parse_partial_decryption(election, tally, encode_json_bytes(first))
        checker = PlainChecker(GROUP)
        verify_partial_decryption(election, tally, key, parsed, checker)
        verify_strong_proofs(election, tally, key, parsed, second, checker)
        return True

    cases = [(partial, strong)]
    cases += [(other, strong) for _, other in mutations(partial)]
    cases += [(partial, other) for what, other in mutations(strong) if what != "owner #0"]
    rules = set()
    for first, second in cases:
        found = verdict(lambda a=first, b=second: ours(a, b))
        theirs = verdict(
            lambda a=first, b=second: js.call(
                "partialVerify", **given, partial=encode_json(a), strong=encode_json(b)
            )
        )
        assert theirs == found
        rules.add(found[1])
    assert {"D2", "D3", "D4", True} <= rules


@pytest.mark.parametrize("owners", [(1, 2), (1, 3), (2, 3), (1, 2, 3), (3,)])
def test_factors_of_any_t_trustees(js: Node, owners: tuple[int, ...]) -> None:
    simulation = sound("threshold")
    election, raw = tally_of(simulation)
    tally = parse_encrypted_tally(election, raw)
    partials = {
        owner: make_partial_decryption(election, tally, simulation.secrets[owner], coins("44" * 32))
        for owner in owners
    }
    parsed = {owner: parse_partial_decryption(election, tally, item) for owner, item in partials.items()}

    def ours() -> list[list[str]]:
        factors = combine_factors(election, simulation.trustees, tally, parsed)
        return [[factor.text for factor in row] for row in factors]

    given = {
        "election": election.raw.decode(),
        "trustees": simulation.entries[0].body("trustees").decode(),
        "tally": raw.decode(),
        "partials": [[owner, item.decode()] for owner, item in partials.items()],
    }
    found = verdict(ours)
    assert verdict(lambda: js.call("combine2", **given)) == found
    assert (found[0] == "value") == (len(owners) > 1)


def test_lagrange(js: Node, rng: random.Random) -> None:
    for _ in range(20):
        indices = sorted(rng.sample(range(1, 256), rng.randrange(1, 6)))
        for index in indices:
            expected = str(lagrange(GROUP, indices, index))
            assert js.call("lagrangeOf", indices=indices, index=index) == expected
