"""The Worker in which a trustee's key lives: what it gives out, and when."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from crypto.ballot import parse_ballot
from crypto.decryption import Owned
from crypto.encoding import encode_json, sha256_hex
from crypto.tally import SizedTally, TallyAccumulator, encode_encrypted_tally
from tests.simulator import (
    SEAL,
    SERVICE,
    SINGLE,
    YES_NO,
    Act,
    Entry,
    Simulation,
    Spec,
    change_json,
    simulated,
)
from tests.web.node import Node

VOTERS = 8
# Three parts of the box, for three Workers.
MANY = 70


@cache
def counted(voters: int = VOTERS) -> Simulation:
    """An election of two single trustees that waits for its decryptions."""
    votes = tuple((voter, ((voter % 2,),)) for voter in range(voters))
    spec = Spec((YES_NO,), voters=voters, trustees=(SINGLE, SINGLE), votes=votes, seed=21)
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
        heads = simulation.heads
        box = {"height": len(heads) - 1, "head": heads[-1] if heads else None}
        self.tell(encode_json({"box": box}))

    def tell(self, status: str) -> None:
        (self.folder / "status").write_text(status)

    def call(self, *calls: tuple[str, dict[str, Any]]) -> list[dict[str, Any]]:
        ends = {".bel": "bel", ".journal.jsonl": "journal", "/status": "status"}
        files = {end: str(self.folder / name) for end, name in ends.items()}
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


def key(voters: int = VOTERS, **more: Any) -> str:
    of = counted(voters)
    content = {"version": 1, "kind": "single", "group": "Ed25519", "secret": str(of.secrets[1])}
    content |= {"fingerprint": of.election.fingerprint}
    return json.dumps(content | more)


def read(memory: Any = None, voters: int = VOTERS, **more: Any) -> tuple[str, dict[str, Any]]:
    uuid = counted(voters).election.uuid
    return "read", {"uuid": uuid, "file": key(voters, **more), "memory": memory}


def compare(
    memory: Any = None, uuid: str | None = None, owner: int | None = None
) -> tuple[str, dict[str, Any]]:
    return "compare", {"uuid": uuid or counted().election.uuid, "memory": memory, "owner": owner}


def memory_of(simulation: Simulation, line: int = -1, event: int | None = -1) -> dict[str, Any]:
    """What a device noted when these were the last line and the last event."""
    lines = simulation.journal_lines
    line %= len(lines)
    box = [] if event is None else [event_of(simulation, event)]
    return {"journal": {"height": line, "head": sha256_hex(lines[line])}, "box": box}


def first_of(simulation: Simulation, **more: Any) -> dict[str, Any]:
    """What a device notes that remembers nothing."""
    return memory_of(simulation, **more) | {"since": len(simulation.journal_lines) - 1}


def digest_of(simulation: Simulation) -> str:
    """The sum that a key was applied to, as key files and devices remember it."""
    tally = simulation.entries[simulation.index("EncryptedTally")].body("encrypted_tally")
    return sha256_hex(f"{simulation.election.fingerprint}|".encode() + tally)


def event_of(simulation: Simulation, event: int = -1) -> dict[str, Any]:
    heads = simulation.heads
    return {"height": event % len(heads), "head": heads[event]}


VERIFY: tuple[str, dict[str, Any]] = ("verify", {})
AGAIN: tuple[str, dict[str, Any]] = ("compareAgain", {"memory": None})
DECRYPT: tuple[str, dict[str, Any]] = ("decrypt", {})
LOOK: tuple[str, dict[str, Any]] = ("look", {})


def confirm(file: str) -> tuple[str, dict[str, Any]]:
    return "confirm", {"file": file}


def test_several_workers_agree_on_the_sum(desk: Desk) -> None:
    many = counted(MANY)
    desk.show(many)
    found, verified, again = desk.call(read(voters=MANY), VERIFY, AGAIN)
    assert found["result"] == {"ballots": MANY}
    assert again["result"] == {"seen": first_of(many) | {"tally": digest_of(many)}}
    assert verified["result"] == {
        "name": many.election.name,
        "fingerprint": many.election.fingerprint,
        "owner": 1,
        "owners": 2,
        "needed": 2,
        "drilledAt": [act.kind for act in many.acts].index("key-drill"),
        "ballots": MANY,
        "counted": MANY,
        "questions": [YES_NO.question],
    }
    assert verified["progress"][-1] == [MANY, MANY]
    assert len(verified["progress"]) == 3


@pytest.mark.parametrize("place", [0, 40, 69])
def test_one_false_ballot_is_found_by_any_of_them(desk: Desk, place: int) -> None:
    """A service that signs whatever it shows: only the ballot's own proofs tell."""

    def forge(value: Any) -> Any:
        value["signature"]["proof"]["response"] = "1"
        return value

    many = counted(MANY)
    index = many.index("Ballot", place)
    desk.show(many.with_entries(change_json(many.entries, index, "ballot", forge)))
    found, verified, *_, then = desk.call(read(voters=MANY), VERIFY, AGAIN, DECRYPT)
    assert found["result"]["ballots"] == MANY
    assert (verified["family"], verified["rule"]) == ("RejectedError", "B7")
    assert f"ballot at height {place + 1}" in verified["message"]
    assert then["family"] == "MisuseError"


def test_nothing_is_given_out_before_the_changed_file_was_saved(desk: Desk) -> None:
    *_, made, wrong, again = desk.call(read(), VERIFY, AGAIN, DECRYPT, confirm(key()), confirm("made"))
    assert made["result"]["body"] is None
    saved = json.loads(made["result"]["file"])
    assert saved["decrypted"] == digest_of(counted())
    assert (wrong["family"], wrong["rule"]) == ("Refusal", "not-the-saved-file")
    assert set(json.loads(again["result"]["body"])) == {"partial_decryption", "strong_proofs"}
    # The file is as it has to be already: the same sum may be opened again at once.
    *_, made = desk.call(read(decrypted=saved["decrypted"]), VERIFY, AGAIN, DECRYPT)
    assert made["result"]["file"] is None
    assert set(json.loads(made["result"]["body"])) == {"partial_decryption", "strong_proofs"}
    assert desk.refused(read(decrypted="ab" * 32), VERIFY) == ("Refusal", "other-tally")


def test_no_answer_of_the_worker_holds_a_secret(desk: Desk) -> None:
    """The changed file itself comes as a file, which a page hands on without reading it."""
    found = desk.call(read(), VERIFY, AGAIN, DECRYPT, confirm("made"), confirm("x"), LOOK)
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
        [read(), AGAIN],
        [read(), VERIFY, DECRYPT],
        [read(), VERIFY, AGAIN, DECRYPT, DECRYPT],
        [read(), VERIFY, LOOK],
    ],
    ids=lambda calls: " ".join(op for op, _ in calls),
)
def test_steps_out_of_order_are_refused(desk: Desk, calls: list[tuple[str, dict[str, Any]]]) -> None:
    assert desk.refused(*calls)[0] == "MisuseError"


def test_older_copies_of_a_key_file_are_refused(desk: Desk) -> None:
    """They would refuse no other election, and no second sum."""
    older = json.loads(key())
    del older["fingerprint"]
    args = {"uuid": counted().election.uuid, "file": json.dumps(older), "memory": None}
    assert desk.refused(("read", args)) == ("Refusal", "older")
    desk.call(read(), VERIFY, AGAIN, DECRYPT)
    body = desk.go_on(confirm("made"))[0]["result"]["body"]
    desk.show(publish(body))
    assert desk.refused(read()) == ("Refusal", "older")
    assert desk.call(read(decrypted=digest_of(counted())))[0]["result"] == {"ballots": VOTERS}


def test_what_the_record_must_be_before_a_key_is_used(desk: Desk) -> None:
    assert desk.refused(read(secret="7")) == ("Refusal", "not-a-trustee")
    assert desk.refused(read(fingerprint="A" * 43)) == ("Refusal", "other-fingerprint")
    assert desk.refused(read(commitments={"1": "ab" * 32, "2": "cd" * 32})) == ("Refusal", "other-keys")
    assert desk.refused(read(journal={"height": 1, "head": "ab" * 32})) == ("RejectedError", "T9")
    assert desk.refused(("read", {"uuid": "1" * 14, "file": key()})) == ("Refusal", "other-election")
    assert desk.refused(compare(uuid="1" * 14)) == ("Refusal", "other-election")
    assert desk.refused(("read", {"uuid": "../x", "file": key()}))[0] == "MisuseError"
    assert desk.refused(("read", {"uuid": "1" * 14, "file": "x" * 2**23})) == ("MalformedError", "T7")
    entries = [entry for entry in counted().entries if entry.type in ("Setup", "Ballot")]
    desk.show(counted().with_entries(entries))
    assert desk.refused(read()) == ("Refusal", "no-tally")
    (desk.folder / "bel").unlink()
    assert desk.refused(read()) == ("Refusal", "no-connection")


# --- what the device saw at earlier visits -----------------------------------------------------------------------


def while_voting(ballots: int) -> Simulation:
    """The same election when so many ballots were in the box."""
    entries = [entry for entry in counted().entries if entry.type in ("Setup", "Ballot")][: ballots + 1]
    kinds = [act.kind for act in counted().acts]
    return counted().with_entries(entries).with_acts(counted().acts[: kinds.index("closed")])


def shortened() -> Simulation:
    """Without the second ballot, counted anew, and sealed anew by whoever has the service key: sound in itself."""
    entries = list(counted().entries)
    place = counted().index("Ballot", 1)
    del entries[place]
    raw, sized = recount_of(counted(), [entry for entry in entries if entry.type == "Ballot"])
    tally = next(n for n, entry in enumerate(entries) if entry.type == "EncryptedTally")
    entries[tally] = replace(entries[tally], bodies=(raw, sized), event=None)
    acts = [replace(act, box=act.box - (act.box > place)) for act in counted().acts]
    return counted().with_entries(entries).with_acts(acts)


def recount_of(simulation: Simulation, ballots: list[Entry]) -> tuple[bytes, bytes]:
    accumulator = TallyAccumulator(simulation.election)
    for entry in ballots:
        accumulator.add(parse_ballot(simulation.election, entry.bodies[0]), 1)
    raw = encode_encrypted_tally(simulation.election, accumulator.tally())
    return raw, SizedTally(len(ballots), len(ballots), sha256_hex(raw)).encode()


def test_a_visit_tells_how_far_the_record_has_come(desk: Desk) -> None:
    """Events that only the server has told stay until the whole box was seen to have them."""
    desk.show(while_voting(5))
    [first] = desk.call(compare())
    assert first["result"] == {"seen": first_of(while_voting(5))}
    [same] = desk.call(compare(first["result"]["seen"]))
    assert same == first
    desk.show(counted())
    [later] = desk.call(compare(first["result"]["seen"]))
    both = [event_of(while_voting(5)), event_of(counted())]
    since = {"since": first["result"]["seen"]["since"]}
    assert later["result"] == {"seen": memory_of(counted()) | since | {"box": both}}
    *_, again = desk.call(read(), VERIFY, ("compareAgain", {"memory": later["result"]["seen"]}))
    assert again["result"] == {"seen": memory_of(counted()) | since | {"tally": digest_of(counted())}}


def test_a_forged_event_does_not_take_the_place_of_the_one_that_was_seen(desk: Desk) -> None:
    """Visits between the shortening and the tally, at which the server tells the newest event of the other box."""
    desk.show(while_voting(5))
    [first] = desk.call(compare())
    desk.show(shortened())
    [between] = desk.call(compare(first["result"]["seen"]))
    memory = between["result"]["seen"]
    assert desk.refused(read(memory)) == ("RejectedError", "T9")
    *_, refused = desk.call(read(), VERIFY, ("compareAgain", {"memory": memory}))
    assert refused["rule"] == "T9"
    # Nor is the true one opened: the others must hear what happened.
    desk.show(counted())
    assert desk.refused(read(memory)) == ("RejectedError", "T9")


def test_many_events_are_looked_up_in_the_box(desk: Desk) -> None:
    """What a device keeps has an end: then a visit fetches the box, and finds them all or refuses."""
    many = counted(MANY)
    desk.show(many)
    known = {**memory_of(many), "box": [event_of(many, event) for event in range(64)]}
    [seen] = desk.call(compare(uuid=many.election.uuid, memory=known))
    assert seen["result"] == {"seen": memory_of(many)}
    known["box"][40] = {"height": 40, "head": "ab" * 32}
    assert desk.refused(compare(uuid=many.election.uuid, memory=known)) == ("RejectedError", "T9")
    [few] = desk.call(compare(uuid=many.election.uuid, memory={**known, "box": known["box"][:40]}))
    assert len(few["result"]["seen"]["box"]) == 41


def test_a_box_without_event_is_noted_as_such(desk: Desk) -> None:
    """Before the keys are ready there is a journal, and no event."""
    kinds = [act.kind for act in counted().acts]
    draft = counted().with_entries([]).with_acts(counted().acts[: kinds.index("keys-ready")])
    desk.show(draft)
    assert desk.call(compare())[0]["result"] == {"seen": first_of(draft, event=None)}
    desk.show(while_voting(1))
    [seen] = desk.call(compare(memory_of(draft, event=None)))
    assert seen["result"] == {"seen": memory_of(while_voting(1))}
    desk.show(draft)
    assert desk.refused(compare(memory_of(draft, event=None) | {"box": memory_of(counted())["box"]})) == (
        "RejectedError",
        "T9",
    )


def test_a_shortened_box_that_is_sealed_anew_is_sound_but_not_the_one_seen_before(desk: Desk) -> None:
    """What no check of the record alone can find: only who remembers an event of it refuses."""
    before = memory_of(while_voting(5))
    desk.show(shortened())
    _, verified = desk.call(read(), VERIFY)
    assert verified["result"]["ballots"] == VOTERS - 1
    # The journal's head while people vote was that of the opening, and it is in the new one as well.
    assert desk.refused(read(before)) == ("RejectedError", "T9")
    *_, refused, then = desk.call(read(before), DECRYPT)
    assert (refused["rule"], then["family"]) == ("T9", "MisuseError")
    # As seen by the key file, after closing.
    assert desk.refused(read(journal=memory_of(counted())["journal"])) == ("RejectedError", "T9")


def test_of_two_sums_in_two_tabs_one_is_opened(desk: Desk) -> None:
    """Both tabs began with what was seen at the opening, which both records have; each key file is as it was."""
    opening = memory_of(while_voting(0))
    *_, first = desk.call(read(opening), VERIFY, ("compareAgain", {"memory": opening}))
    noted = first["result"]["seen"]
    assert noted["tally"] == digest_of(counted())
    desk.show(shortened())
    *_, second = desk.call(read(opening), VERIFY, ("compareAgain", {"memory": opening}))
    assert second["result"]["seen"]["tally"] == digest_of(shortened())
    # Right before the key is applied each tab compares with what the other has noted by then.
    again, then = desk.go_on(("compareAgain", {"memory": noted}), DECRYPT)
    assert (again["family"], again["rule"]) == ("RejectedError", "T9")
    assert then["family"] == "MisuseError"
    # A digest alone tells it as well; and the record may not have become another one meanwhile.
    desk.call(read(), VERIFY)
    [again] = desk.go_on(("compareAgain", {"memory": opening | {"tally": "ab" * 32}}))
    assert again["rule"] == "T9"
    desk.show(counted())
    [again] = desk.go_on(AGAIN)
    assert "result" not in again


@pytest.mark.parametrize("kind", ["cancelled", "untalliable", "tallied"])
def test_nothing_is_opened_of_an_election_that_is_not_to_be_counted(desk: Desk, kind: str) -> None:
    why = {"at": "2026-11-22T13:00Z", "reason": "By order of the court."}
    acts = ending(kind, *(({"result": "ab" * 32}, SERVICE) if kind == "tallied" else (why, "committee:1")))
    over = counted().with_acts([*counted().acts, *acts])
    desk.call(read(), VERIFY, AGAIN)
    desk.show(over)
    again, then = desk.go_on(AGAIN, read())
    assert (again["family"], again["rule"]) == ("Refusal", "not-closed")
    assert (then["family"], then["rule"]) == ("Refusal", "not-closed")


@pytest.mark.parametrize("line", [0, 3, -1])
def test_another_line_of_the_journal_is_refused(desk: Desk, line: int) -> None:
    known = memory_of(counted(), line)
    other = {**known, "journal": {**known["journal"], "head": "ab" * 32}}
    for calls in (compare(other), read(other)):
        assert desk.refused(calls) == ("RejectedError", "T9")


def test_a_visit_without_the_box_refuses_what_cannot_follow(desk: Desk) -> None:
    newest = event_of(counted())
    beyond = {"height": newest["height"] + 1, "head": "ab" * 32}
    other = {**newest, "head": "ab" * 32}
    # An event that the journal names, too.
    opened = next(act.box for act in counted().acts if act.kind == "opened")
    for event in (beyond, other, {"height": opened, "head": "ab" * 32}):
        for box in ([event], [event_of(counted(), 2), event]):
            assert desk.refused(compare({**memory_of(counted()), "box": box})) == ("RejectedError", "T9")
    # Nobody can tell without the box, so it stays to be found; with the box it is refused.
    between = {**memory_of(counted()), "box": [{"height": 7, "head": "ab" * 32}]}
    seen = desk.call(compare(between))[0]["result"]["seen"]
    assert seen == {**between, "box": [*between["box"], newest]}
    assert desk.refused(read(seen)) == ("RejectedError", "T9")
    # A journal that names what the box does not have.
    desk.tell(encode_json({"box": {"height": opened, "head": counted().heads[opened]}}))
    assert desk.refused(compare()) == ("RejectedError", "J8")


def test_a_step_of_the_ceremony_is_refused_as_well(desk: Desk) -> None:
    known = memory_of(counted())
    inbox = encode_json({"kind": "single", "step": "commitment", "owner": 1, "inputs": {"group": "Ed25519"}})
    args = {"inbox": inbox, "file": None, "uuid": counted().election.uuid, "memory": known}
    [made] = desk.call(("begin", args))
    assert made["result"]["seen"] == known
    assert made["result"]["file"]
    other = {**known, "journal": {**known["journal"], "head": "ab" * 32}}
    assert desk.refused(("begin", args | {"memory": other})) == ("RejectedError", "T9")
    # Then there is nothing that could be confirmed.
    assert desk.refused(("begin", args | {"memory": other}), confirm("x"))[0] == "MisuseError"


@pytest.mark.parametrize(
    "status",
    [
        "",
        "<html>",
        "null",
        "5",
        "[]",
        "{}",
        '{"box":null}',
        '{"box":{}}',
        '{"box":{"height":"3","head":"' + "ab" * 32 + '"}}',
        '{"box":{"height":3,"head":null}}',
        '{"box":{"height":-1,"head":"' + "ab" * 32 + '"}}',
        '{"box":{"height":-2,"head":null}}',
        '{"box":{"height":1.5,"head":"' + "ab" * 32 + '"}}',
        '{"box":{"height":3,"head":"' + "AB" * 32 + '"}}',
        '{"box":{"height":3,"head":5}}',
    ],
)
def test_a_status_that_is_none_is_refused(desk: Desk, status: str) -> None:
    desk.tell(status)
    assert desk.refused(compare()) == ("Refusal", "bad-answer")


@pytest.mark.parametrize("name", ["bel", "journal", "status"])
def test_an_answer_that_never_ends_is_given_up(desk: Desk, name: str) -> None:
    (desk.folder / name).write_text("stall")
    calls = compare() if name == "status" else read()
    assert desk.refused(calls) == ("Refusal", "no-connection")


# --- after the tally ---------------------------------------------------------------------------------------------


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
    *_, made, missing = desk.call(read(), VERIFY, AGAIN, DECRYPT, LOOK)
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
    desk.call(read(), VERIFY, AGAIN, DECRYPT)
    [given] = desk.go_on(confirm("made"))
    body = given["result"]["body"]
    sent = json.loads(body)
    other = encode_json({**sent["partial_decryption"], "decryption_proofs": []})
    desk.show(publish(body, payload=other))
    [refused] = desk.go_on(LOOK)
    assert (refused["family"], refused["rule"]) == ("Refusal", "not-published")

    desk.show(counted())
    desk.call(read(), VERIFY, AGAIN, DECRYPT)
    [given] = desk.go_on(confirm("made"))
    rewritten = publish(given["result"]["body"])
    entries = list(rewritten.entries)
    # Another order of two ballots: the new part stands at the same place.
    first, second = rewritten.index("Ballot", 1), rewritten.index("Ballot", 2)
    entries[first], entries[second] = entries[second], entries[first]
    desk.show(rewritten.with_entries(entries))
    [refused] = desk.go_on(LOOK)
    assert (refused["family"], refused["rule"]) == ("RejectedError", "A6")


def part_of(desk: Desk, owner: int = 1) -> str:
    [found] = desk.call(compare(owner=owner))
    assert "result" in found, found
    part: str = found["result"]["part"]
    return part


def test_whether_a_trustee_is_done_stands_in_the_record(desk: Desk) -> None:
    """Whatever the server says of a trustee who comes back: without key file, by proofs that need the trustee's key."""
    kinds = [act.kind for act in counted().acts]
    for kept in ("keys-ready", "opened"):
        desk.show(counted().with_acts(counted().acts[: kinds.index(kept) + 2]))
        assert part_of(desk) == "missing"
    desk.show(counted())
    assert part_of(desk) == "missing"
    desk.call(read(), VERIFY, AGAIN, DECRYPT)
    body = desk.go_on(confirm("made"))[0]["result"]["body"]
    published = publish(body)
    desk.show(published)
    found = desk.call(compare(memory_of(while_voting(5)), owner=1))[0]["result"]
    assert found == {"part": "seen", "seen": memory_of(published)}
    assert part_of(desk, 2) == part_of(desk, 9) == "missing"
    # The archive has the decryption; the journal has no strong proofs of it yet, or others.
    desk.show(published.with_acts(published.acts[:-1]))
    assert part_of(desk) == "missing"
    proofs = json.loads(body)["strong_proofs"]
    desk.show(publish(body, strong={**proofs, "proofs": [proofs["proofs"][0][::-1]]}))
    assert desk.refused(compare(owner=1)) == ("RejectedError", "D4")
    # Of another trustee, under our number.
    other = json.loads(body)["partial_decryption"]
    other["decryption_factors"] = [other["decryption_factors"][0][::-1]]
    desk.show(publish(body, payload=encode_json(other)))
    assert desk.refused(compare(owner=1))[1] == "D3"


@pytest.mark.parametrize(
    "kind, payload, actor, part",
    [
        ("cancelled", {"at": "2026-11-22T13:00Z", "reason": "Too few."}, "committee:1", "not-needed"),
        ("tallied", {"result": "ab" * 32}, SERVICE, "without"),
    ],
)
def test_who_was_not_needed_is_told_so(
    desk: Desk, kind: str, payload: dict[str, Any], actor: str, part: str
) -> None:
    desk.show(counted().with_acts([*counted().acts, *ending(kind, payload, actor)]))
    assert part_of(desk) == part


def ending(kind: str, payload: dict[str, Any], actor: str) -> list[Act]:
    """A change of state, and its seal."""
    box = len(counted().heads) - 1
    return [Act(kind, payload, actor, box), Act(SEAL, {}, SERVICE, box)]
