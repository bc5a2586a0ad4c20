"""Receipts and journals: believed and refused alike."""

import json
import random
from dataclasses import replace
from typing import Any

import pytest

from crypto import journal
from crypto.ballot import ballot_tracker
from crypto.encoding import encode_base64, encode_json_bytes, sha256_hex
from crypto.errors import MalformedError
from crypto.journal import JournalLine, JournalReader
from crypto.receipt import ServiceKey, make_receipt, parse_receipt, verify_receipt, verify_signature
from tests.crypto import edwards
from tests.crypto.test_journal import KEY, SAMPLES, approve, lines, sealed, way_by_two
from tests.crypto.test_journal import act as sample
from tests.simulator import KINDS, SEAL, Act, join_lines, sound
from tests.web.agreeing import mutations, vectors, verdict
from tests.web.node import Node

TRACKER = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU"

# --- receipts ----------------------------------------------------------------------------------------------------


def py_receipt(raw: bytes, key: str) -> str:
    receipt = parse_receipt(raw)
    verify_receipt(receipt, key)
    return encode_json_bytes(receipt.encode()).decode()


def both(js: Node, raw: bytes, key: str) -> Any:
    ours = verdict(lambda: py_receipt(raw, key))
    assert verdict(lambda: js.call("receipt", hex=raw.hex(), key=key)) == ours, raw
    return ours


@pytest.mark.parametrize("kind", ["plain", "revotes", "presented"])
def test_receipts_of_the_simulator(js: Node, kind: str) -> None:
    simulation = sound(kind)
    for one, ballot in zip(simulation.receipts, simulation.ballots, strict=True):
        raw = encode_json_bytes(one.encode())
        assert both(js, raw, simulation.service_key.public) == ("value", raw.decode())
        for ending in (b"\n", b"\r\n", b"\n\n"):
            assert both(js, raw + ending, simulation.service_key.public)[0] == "value"
        for wrong in (b" " + raw, raw + b" ", raw + b"\n ", b"", b"\n"):
            assert both(js, wrong, simulation.service_key.public) == ("MalformedError", "V1")
        js.call(
            "receiptFor", hex=raw.hex(), election=simulation.election.uuid, tracker=ballot_tracker(ballot)
        )


def test_vectors_of_receipts(js: Node) -> None:
    cases = vectors("receipts.json")
    assert len(cases) > 4
    for case in cases:
        assert both(js, case["receipt"].encode(), case["service_key"]) == ("value", case["receipt"])


def test_every_change_of_a_receipt_is_refused_by_the_same_rule(js: Node) -> None:
    value = make_receipt(KEY, "AAAAAAAAAAAAAA", TRACKER, 7, "ab" * 32).encode()
    rules = {both(js, encode_json_bytes(other), KEY.public)[1] for _, other in mutations(value)}
    assert rules == {"V1", "V2"}
    assert both(js, encode_json_bytes(value), ServiceKey(bytes(32)).public) == ("RejectedError", "V2")


def test_a_receipt_for_another_ballot_or_election(js: Node) -> None:
    raw = encode_json_bytes(make_receipt(KEY, "AAAAAAAAAAAAAA", TRACKER, 7, "ab" * 32).encode()).hex()
    js.call("receiptFor", hex=raw, election="AAAAAAAAAAAAAA", tracker=TRACKER)
    wrong = verdict(lambda: js.call("receiptFor", hex=raw, election="AAAAAAAAAAAAAA", tracker="A" * 43))
    assert wrong == ("RejectedError", "V2")
    wrong = verdict(lambda: js.call("receiptFor", hex=raw, election="BBBBBBBBBBBBBB", tracker=TRACKER))
    assert wrong == ("RejectedError", "V3")


def test_odd_signatures_are_judged_alike(js: Node, rng: random.Random) -> None:
    """Keys and first halves of small order or with a part of it, other spellings, a response that is not below q."""

    def judge(key: bytes, message: bytes, signature: bytes) -> Any:
        texts = encode_base64(key), encode_base64(signature)
        ours = verdict(lambda: verify_signature(texts[0], message, texts[1], "X1", "it"))
        theirs = verdict(
            lambda: js.call("signature", key=texts[0], message=message.hex(), signature=texts[1])
        )
        assert ours == theirs, (key.hex(), signature.hex())
        return ours

    message = rng.randbytes(20)
    service = ServiceKey(rng.randbytes(32))
    key = bytes.fromhex(_hex(service.public))
    signature = bytes.fromhex(_hex(service.sign(message)))
    assert judge(key, message, signature) == ("value", None)
    q = 2**252 + 27742317777372353535851937790883648493
    high = int.from_bytes(signature[32:], "little") + q
    assert judge(key, message, signature[:32] + high.to_bytes(32, "little"))[0] == "RejectedError"
    odd = [*edwards.LOW_ORDER, *edwards.NON_CANONICAL, bytes(32), b"\xff" * 32]
    odd += [
        edwards.encode(edwards.add(edwards.multiply(edwards.BASE, 5), point)) for point in edwards.TORSION[1:]
    ]
    for point in odd:
        for response in (bytes(32), (1).to_bytes(32, "little"), signature[32:]):
            judge(point, message, point + response)
            judge(point, message, signature[:32] + response)
            judge(key, message, point + response)


def _hex(text: str) -> str:
    import base64

    return base64.b64decode(text + "=" * (-len(text) % 4)).hex()


# --- journals ----------------------------------------------------------------------------------------------------


def py_journal(raw: bytes) -> dict[str, Any]:
    reader = JournalReader()
    found = []
    *complete, rest = raw.split(b"\n")
    for line in complete:
        found.append(_shown(reader.feed(line)))
    if rest:
        raise MalformedError("J1", "incomplete")
    reader.close()
    return {
        "uuid": reader.election,
        "serviceKey": reader.service_key,
        "state": reader.state,
        "linesSinceSeal": reader.lines_since_seal,
        "head": sha256_hex(complete[-1]),
        "commitments": [[owner, text] for owner, text in reader.commitments.items()],
        "lines": found,
    }


def _shown(line: JournalLine) -> dict[str, Any]:
    return {
        "height": line.height,
        "parent": line.parent,
        "boxHeight": line.box_height,
        "boxHead": line.box_head,
        "kind": line.kind,
        "actor": line.actor,
        "payload": line.payload,
    }


def agreed(js: Node, raw: bytes) -> Any:
    ours = verdict(lambda: py_journal(raw))
    assert verdict(lambda: js.call("readJournal", hex=raw.hex())) == ours, raw
    return ours


@pytest.mark.parametrize("kind", KINDS)
def test_journals_of_the_simulator(js: Node, kind: str) -> None:
    assert agreed(js, sound(kind).journal)[0] == "value"


def test_vectors_of_journals_and_seals(js: Node) -> None:
    for case in vectors("journal.json"):
        raw = join_lines(line.encode() for line in case["lines"])
        assert agreed(js, raw)[1]["serviceKey"] == case["service_key"]
    for case in vectors("seals.json"):
        key = case["service_key"]
        signature = json.loads(case["seal"])["payload"]["signature"]
        js.call("signature", key=key, message=case["signed"].encode().hex(), signature=signature)


def test_the_tables_are_the_same(js: Node) -> None:
    tables = js.call("journalTables")
    kinds = {kind: [list(entry.fields), list(entry.roles)] for kind, entry in journal.KINDS.items()}
    assert tables["kinds"] == kinds
    changes = {kind: [list(states), after] for kind, (states, after) in journal.STATE_CHANGES.items()}
    assert tables["changes"] == changes
    assert tables["restricted"] == {kind: list(states) for kind, states in journal.RESTRICTED.items()}


def test_every_byte_and_line_of_a_journal_counts(js: Node, rng: random.Random, samples: int) -> None:
    simulation = sound("certified")
    raw, all_lines = simulation.journal, list(simulation.journal_lines)
    for _ in range(2 * samples):
        place = rng.randrange(len(raw))
        changed = raw[:place] + bytes([raw[place] ^ 1 << rng.randrange(8)]) + raw[place + 1 :]
        assert agreed(js, changed)[0] != "value"
    for index in range(len(all_lines)):
        agreed(js, join_lines(all_lines[:index]))
        agreed(js, join_lines(all_lines[:index] + all_lines[index + 1 :]))
        agreed(js, join_lines(all_lines[:index] + all_lines[index : index + 1] * 2 + all_lines[index + 1 :]))
    assert agreed(js, raw[:-1]) == ("MalformedError", "J1")
    assert agreed(js, raw + b"\n") == ("MalformedError", "J1")


def test_journals_of_two_officers_are_judged_alike(js: Node, rng: random.Random, samples: int) -> None:
    """Rule J10: an act with its approvals, and with lines dropped, doubled, swapped or of others."""
    seen = set()
    for _ in range(samples):
        kind = rng.choice(journal.SHARED_ACTS)
        acts = [*way_by_two(kind, 3 if kind == "certified" else 2), approve(kind)]
        acts += [approve(kind, "committee:9")] if kind == "certified" else []
        acts += [replace(sample(kind), actor="committee:7"), Act(SEAL, {})]
        raw = join_lines(lines(acts))
        assert agreed(js, raw)[0] == "value"
        for _ in range(2):
            index = rng.randrange(len(acts) - 4, len(acts))
            one = acts[index]
            changed = rng.choice(
                [
                    [],
                    [one, one],
                    [replace(one, actor=rng.choice(("committee:7", "committee:8", "service:0")))],
                    [replace(one, payload={**one.payload, "reason": "Other"})],
                    [approve(rng.choice(journal.SHARED_ACTS), "committee:9"), one],
                    [sample("complaint"), one],
                ]
            )
            told = agreed(js, join_lines(lines([*acts[:index], *changed, *acts[index + 1 :]])))
            seen.add(told[1] if told[0] != "value" else "value")
    for terms in (
        {"needed": 1},
        {"certifiers": 1},
        {"reason": "x"},
        {"needed": 1, "certifiers": 1, "reason": "x"},
    ):
        agreed(js, join_lines(lines([sample("officers", **terms)])))
    agreed(js, join_lines(lines([sample("complaint"), sample("officers")])))
    assert "J10" in seen


def test_every_change_of_every_kind_of_line_is_judged_alike(
    js: Node, rng: random.Random, samples: int
) -> None:
    """Payloads, actors and places, chained and sealed again so that no hash is to blame."""
    changed = []
    for kind, (actor, payload) in SAMPLES.items():
        if kind not in ("journal", "seal"):
            changed += [(sample(kind), payload, actor)]
            changed += [(sample(kind), other, actor) for _, other in mutations(payload)]
            changed += [
                (sample(kind), payload, other)
                for other in ("service:0", "service:1", "trustee:01", "x", "committee:7")
            ]
    seen = set()
    for act, payload, actor in rng.sample(changed, min(len(changed), 10 * samples)):
        one = type(act)(act.kind, payload, actor)
        raw = join_lines(lines(sealed("roll-frozen", "trustee-committed", one)))
        seen.add(agreed(js, raw)[1 if agreed(js, raw)[0] != "value" else 0])
    assert seen >= {"J3", "J5", "J6", "value"}


ORDERS = [
    (
        "roll-frozen",
        "trustee-committed",
        "trustee-revealed",
        "keys-ready",
        "key-drill",
        "opened",
        "closed",
        "tallied",
    ),
    ("roll-frozen", "trustee-committed", "trustee-committed"),
    ("trustee-revealed",),
    ("trustee-committed", "trustee-revealed", "trustee-revealed"),
    ("trustee-committed", "trustees-restarted", "trustee-committed"),
    ("trustee-committed", "roll-frozen", "keys-ready"),
    ("opened",),
    ("roll-frozen", "roll-frozen"),
    ("cancelled", "complaint", "complaint-resolved", "tie-draw"),
    ("cancelled", "cancelled"),
    ("key-drill",),
    ("strong-decryption",),
    ("ballot-challenged",),
    ("seal", "seal"),
]


@pytest.mark.parametrize("kinds", ORDERS, ids=lambda kinds: "-".join(kinds)[:40])
def test_orders_of_acts(js: Node, kinds: tuple[str, ...]) -> None:
    agreed(js, join_lines(lines(sealed(*kinds))))
    agreed(js, join_lines(lines([sample(kind) for kind in kinds])))


@pytest.mark.parametrize("length", [2000, 2001])
def test_a_text_is_measured_in_characters(js: Node, length: int) -> None:
    raw = join_lines(lines([sample("complaint", text="😀" * length)]))
    assert agreed(js, raw)[0] == ("value" if length == 2000 else "MalformedError")


def test_heads_of_the_box(js: Node) -> None:
    acts = [sample("complaint") for _ in range(3)]
    for places in ((-1, 0, 1), (1, 1, 1), (1, 0, 1), (0, 1, 0)):
        placed = [
            type(act)(act.kind, act.payload, act.actor, box) for act, box in zip(acts, places, strict=True)
        ]
        agreed(js, join_lines(lines(placed)))
    two_heads = list(lines([type(acts[0])(act.kind, act.payload, act.actor, 1) for act in acts[:2]]))
    value = json.loads(two_heads[-1])
    two_heads[-1] = encode_json_bytes({**value, "box_head": "cd" * 32})
    assert agreed(js, join_lines(two_heads)) == ("RejectedError", "J2")
