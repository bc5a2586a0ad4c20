"""The Worker in which a trustee's key lives: what it gives out, and when."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from crypto.decryption import Owned
from crypto.encoding import encode_json, sha256_hex
from tests.simulator import SINGLE, YES_NO, Act, Entry, Simulation, Spec, change_json, simulated
from tests.web.node import Node

# Three parts of the box, for three Workers.
VOTERS = 70


@cache
def counted() -> Simulation:
    """An election of two single trustees that waits for its decryptions."""
    votes = tuple((voter, ((voter % 2,),)) for voter in range(VOTERS))
    spec = Spec((YES_NO,), voters=VOTERS, trustees=(SINGLE, SINGLE), votes=votes, seed=21)
    whole = simulated(spec)
    kept = ("Setup", "Ballot", "EndBallots", "EncryptedTally")
    acts = [act for act in whole.acts if act.kind not in ("strong-decryption", "tallied")]
    return whole.with_entries(e for e in whole.entries if e.type in kept).with_acts(acts[:-1])


@dataclass
class Desk:
    """The Worker with a key file, and the files that the server shows."""

    js: Node
    folder: Path

    def show(self, simulation: Simulation) -> None:
        (self.folder / "bel").write_bytes(simulation.archive)
        (self.folder / "journal").write_bytes(simulation.journal)

    def call(self, *calls: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
        files = {".bel": str(self.folder / "bel"), ".journal.jsonl": str(self.folder / "journal")}
        asked = [{"op": op, "args": args} for op, args in calls]
        found: list[dict[str, Any]] = self.js.call("trusteeCalls", calls=asked, files=files)
        return found

    def go_on(self, *calls: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
        """With the Worker of the last `call`."""
        asked = [{"op": op, "args": args} for op, args in calls]
        found: list[dict[str, Any]] = self.js.call("trusteeCalls", calls=asked, goesOn=True)
        return found

    def refused(self, *calls: tuple[str, dict[str, Any]]) -> tuple[str, str]:
        last = self.call(*calls)[-1]
        assert "result" not in last, last
        return last["family"], last["rule"]


@pytest.fixture
def desk(js: Node, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(js, tmp_path)
    made.show(counted())
    yield made
    js.call("trusteeClose")


def key(**more: Any) -> str:
    content = {"version": 1, "kind": "single", "group": "Ed25519", "secret": str(counted().secrets[1])}
    return json.dumps(content | more)


def read(**more: Any) -> tuple[str, dict[str, Any]]:
    return "read", {"uuid": counted().election.uuid, "file": key(**more)}


VERIFY: tuple[str, dict[str, Any]] = ("verify", {})
DECRYPT: tuple[str, dict[str, Any]] = ("decrypt", {})
LOOK: tuple[str, dict[str, Any]] = ("look", {})


def confirm(file: str) -> tuple[str, dict[str, Any]]:
    return "confirm", {"file": file}


def test_several_workers_agree_on_the_sum(desk: Desk) -> None:
    found, verified = desk.call(read(), VERIFY)
    assert found["result"] == {"ballots": VOTERS}
    assert verified["result"] == {
        "name": counted().election.name,
        "fingerprint": counted().election.fingerprint,
        "owner": 1,
        "owners": 2,
        "ballots": VOTERS,
        "counted": VOTERS,
        "questions": [YES_NO.question],
    }
    assert verified["progress"][-1] == [VOTERS, VOTERS]
    assert len(verified["progress"]) == 3


@pytest.mark.parametrize("place", [0, 40, 69])
def test_one_false_ballot_is_found_by_any_of_them(desk: Desk, place: int) -> None:
    """A service that signs whatever it shows: only the ballot's own proofs tell."""

    def forge(value: Any) -> Any:
        value["signature"]["proof"]["response"] = "1"
        return value

    index = counted().index("Ballot", place)
    desk.show(counted().with_entries(change_json(counted().entries, index, "ballot", forge)))
    found, verified, then = desk.call(read(), VERIFY, DECRYPT)
    assert found["result"] == {"ballots": VOTERS}
    assert (verified["family"], verified["rule"]) == ("RejectedError", "B7")
    assert f"ballot at height {place + 1}" in verified["message"]
    assert then["family"] == "MisuseError"


def test_nothing_is_given_out_before_the_changed_file_was_saved(desk: Desk) -> None:
    *_, made, wrong, again = desk.call(read(), VERIFY, DECRYPT, confirm(key()), confirm("made"))
    assert made["result"]["body"] is None
    saved = json.loads(made["result"]["file"])
    assert saved["decrypted"] == sha256_hex(
        f"{counted().election.fingerprint}|".encode()
        + counted().entries[counted().index("EncryptedTally")].body("encrypted_tally")
    )
    assert (wrong["family"], wrong["rule"]) == ("Refusal", "not-the-saved-file")
    assert set(json.loads(again["result"]["body"])) == {"partial_decryption", "strong_proofs"}
    # The file is as it has to be already: the same sum may be opened again at once.
    *_, made = desk.call(read(decrypted=saved["decrypted"]), VERIFY, DECRYPT)
    assert made["result"]["file"] is None
    assert set(json.loads(made["result"]["body"])) == {"partial_decryption", "strong_proofs"}
    assert desk.refused(read(decrypted="ab" * 32), VERIFY) == ("Refusal", "other-tally")


def test_no_answer_of_the_worker_holds_a_secret(desk: Desk) -> None:
    """The changed file itself comes as a file, which a page hands on without reading it."""
    found = desk.call(read(), VERIFY, DECRYPT, confirm("made"), confirm("x"), LOOK)
    for outcome in found:
        if outcome.get("result", {}).get("file"):
            outcome["result"]["file"] = ""
        assert str(counted().secrets[1]) not in json.dumps(outcome)


@pytest.mark.parametrize(
    "calls",
    [
        [VERIFY],
        [DECRYPT],
        [LOOK],
        [confirm("x")],
        [("verifyPart", {"tasks": []})],
        [("toString", {})],
        [read(), DECRYPT],
        [read(), VERIFY, LOOK],
    ],
    ids=lambda calls: " ".join(op for op, _ in calls),
)
def test_steps_out_of_order_are_refused(desk: Desk, calls: list[tuple[str, dict[str, Any]]]) -> None:
    assert desk.refused(*calls)[0] == "MisuseError"


def test_what_the_record_must_be_before_a_key_is_used(desk: Desk) -> None:
    assert desk.refused(read(secret="7")) == ("Refusal", "not-a-trustee")
    assert desk.refused(read(fingerprint="A" * 43)) == ("Refusal", "other-fingerprint")
    assert desk.refused(read(commitments={"1": "ab" * 32, "2": "cd" * 32})) == ("Refusal", "other-keys")
    assert desk.refused(read(journal={"height": 1, "head": "ab" * 32})) == ("RejectedError", "J2")
    assert desk.refused(("read", {"uuid": "1" * 14, "file": key()})) == ("Refusal", "other-election")
    assert desk.refused(("read", {"uuid": "../x", "file": key()}))[0] == "MisuseError"
    assert desk.refused(("read", {"uuid": "1" * 14, "file": "x" * 2**23})) == ("MalformedError", "T7")
    entries = [entry for entry in counted().entries if entry.type in ("Setup", "Ballot")]
    desk.show(counted().with_entries(entries))
    assert desk.refused(read()) == ("Refusal", "no-tally")
    (desk.folder / "bel").unlink()
    assert desk.refused(read()) == ("Refusal", "no-connection")


def publish(body: str, *, strong: Any = None, payload: str | None = None) -> Simulation:
    """The record after the server has taken a decryption."""
    sent = json.loads(body)
    raw = encode_json(sent["partial_decryption"]).encode() if payload is None else payload.encode()
    entry = Entry("PartialDecryption", (raw, Owned(1, sha256_hex(raw)).encode()))
    entries = [*counted().entries, entry]
    act = Act("strong-decryption", strong or sent["strong_proofs"], "trustee:101", len(entries) - 1)
    return counted().with_entries(entries).with_acts([*counted().acts, act])


def test_done_is_what_stands_in_archive_and_journal(desk: Desk) -> None:
    """Each lie about the published record in turn, then the truth."""
    *_, made, missing = desk.call(read(), VERIFY, DECRYPT, LOOK)
    assert (missing["family"], missing["rule"]) == ("Refusal", "not-published")
    assert made["result"]["body"] is None
    [given] = desk.go_on(confirm("made"))
    body = given["result"]["body"]

    # The decryption is in the archive, but the journal has no strong proofs of it, or others.
    published = publish(body)
    (desk.folder / "bel").write_bytes(published.archive)
    [without] = desk.go_on(LOOK)
    assert (without["family"], without["rule"]) == ("RejectedError", "D4")
    proofs = json.loads(body)["strong_proofs"]
    false = {**proofs, "proofs": [proofs["proofs"][0][::-1]]}
    desk.show(publish(body, strong=false))
    [refused] = desk.go_on(LOOK)
    assert (refused["family"], refused["rule"]) == ("RejectedError", "D4")
    desk.show(published)
    seen, again = desk.go_on(LOOK, LOOK)
    assert seen["result"] == again["result"] == {"height": len(published.entries) - 1}


def test_another_decryption_in_our_name_is_not_ours(desk: Desk) -> None:
    """Also a box that goes on from another beginning than the one that was verified."""
    desk.call(read(), VERIFY, DECRYPT)
    [given] = desk.go_on(confirm("made"))
    body = given["result"]["body"]
    sent = json.loads(body)
    other = encode_json({**sent["partial_decryption"], "decryption_proofs": []})
    desk.show(publish(body, payload=other))
    [refused] = desk.go_on(LOOK)
    assert (refused["family"], refused["rule"]) == ("Refusal", "not-published")

    desk.show(counted())
    desk.call(read(), VERIFY, DECRYPT)
    [given] = desk.go_on(confirm("made"))
    rewritten = publish(given["result"]["body"])
    entries = list(rewritten.entries)
    # Another order of two ballots: the new part stands at the same place.
    first, second = rewritten.index("Ballot", 1), rewritten.index("Ballot", 2)
    entries[first], entries[second] = entries[second], entries[first]
    desk.show(rewritten.with_entries(entries))
    [refused] = desk.go_on(LOOK)
    assert (refused["family"], refused["rule"]) == ("RejectedError", "A6")
