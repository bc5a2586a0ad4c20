"""A trustee's program against a lying server and damaged key files: nothing is shown too early, and each refusal
is one sentence.
"""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from audit.keyfile import KeyFile, create_key_file, read_key_file
from audit.recount import NotDecryptable
from audit.registrar import cli as registrar
from audit.seen import computer_note, seen_file
from audit.trustee import cli
from crypto.ballot import parse_ballot
from crypto.encoding import sha256_hex
from crypto.errors import MisuseError, ProtocolError
from crypto.pedersen import coefficient_commitment
from crypto.tally import SizedTally, TallyAccumulator, encode_encrypted_tally
from tests.simulator import (
    KINDS,
    SEAL,
    Act,
    Simulation,
    Threshold,
    generate_threshold_key,
    simulated,
    sound,
)


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(cli, [str(word) for word in words])


def write_inbox(folder: Path, **inputs: Any) -> Path:
    path = folder / "inbox.json"
    path.write_text(json.dumps({"inputs": inputs}, separators=(",", ":")))
    return path


def answer(result: Result) -> Any:
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def assert_refused(result: Result) -> None:
    """A refusal that ``main`` prints as a sentence; anything else would be a traceback."""
    assert isinstance(result.exception, MisuseError | ProtocolError | SystemExit), result.exception
    assert result.exit_code != 0
    assert not result.stdout


@pytest.fixture
def committed(tmp_path: Path) -> dict[str, str]:
    """Two threshold trustees who have committed: owner -> commitment; their keys are 1.key and 2.key."""
    keys = [tmp_path / "1.key", tmp_path / "2.key"]
    words = ("--size", "2", "--threshold", "2", "--index")
    certificates = [answer(run("certificate", *words, str(n), key)) for n, key in enumerate(keys, 1)]
    inbox = write_inbox(tmp_path, certificates=certificates)
    return {
        str(n): answer(run("commit", "--inbox", inbox, key))["commitment"] for n, key in enumerate(keys, 1)
    }


def test_nothing_is_revealed_before_everybody_has_committed(
    tmp_path: Path, committed: dict[str, str]
) -> None:
    key, other = tmp_path / "1.key", committed["2"]
    own = committed["1"]
    for lie in (
        {},
        {"1": own},
        {"1": other, "2": other},
        {"1": own, "2": None},
        {"1": own, "3": other},
        [own],
        "x",
    ):
        assert_refused(run("reveal", "--inbox", write_inbox(tmp_path, commitments=lie), key))
    inbox = write_inbox(tmp_path, commitments=committed)
    assert answer(run("reveal", "--inbox", inbox, key))["coefexps"]
    changed = write_inbox(tmp_path, commitments=committed | {"2": "0" * 64})
    assert_refused(run("reveal", "--inbox", changed, key))


def test_a_commitment_can_be_printed_again_but_not_for_another_ceremony(
    tmp_path: Path, committed: dict[str, str]
) -> None:
    """What is lost on the way must not cost the whole ceremony; a second polynomial must never exist."""
    key = tmp_path / "1.key"
    before = key.read_bytes()
    inbox = json.loads((tmp_path / "inbox.json").read_text())["inputs"]["certificates"]
    again = answer(run("commit", "--inbox", write_inbox(tmp_path, certificates=inbox), key))
    assert again["commitment"] == committed["1"]
    other = answer(
        run("certificate", "--size", "2", "--threshold", "2", "--index", "2", tmp_path / "stranger.key")
    )
    assert_refused(run("commit", "--inbox", write_inbox(tmp_path, certificates=[inbox[0], other]), key))
    assert key.read_bytes() == before


@pytest.mark.parametrize("certificates", [5, "x", {}, [], [1, 2], [None, None]])
def test_certificates_that_are_none(tmp_path: Path, certificates: object) -> None:
    key = tmp_path / "key"
    answer(run("certificate", "--size", "2", "--threshold", "2", "--index", "1", key))
    assert_refused(run("commit", "--inbox", write_inbox(tmp_path, certificates=certificates), key))


def test_damaged_key_files_are_refused_in_words(tmp_path: Path, committed: dict[str, str]) -> None:
    key = tmp_path / "1.key"
    content = json.loads(key.read_text())
    single = {"version": 1, "kind": "single", "group": "Ed25519", "secret": "5"}
    damaged = [{**content, name: value} for name in content for value in (5, None, [1], {"a": 1}, "x")]
    damaged += [{**single, name: value} for name in single for value in (7, None, [1], "x")]
    inbox = write_inbox(tmp_path, commitments=committed)
    for value in (*damaged, [], 5, {}):
        key.write_text(json.dumps(value))
        for result in (
            run("drill", "--fingerprint", "x", "--nonce", "00" * 16, key),
            run("commit", "--inbox", inbox, key),
            run("reveal", "--inbox", inbox, key),
            run("share", "--inbox", inbox, key),
        ):
            assert result.exception is None or isinstance(
                result.exception, MisuseError | ProtocolError | SystemExit
            ), value


@pytest.fixture
def drilled(tmp_path: Path) -> Path:
    """The first trustee of the simulator's election "threshold", who has seen everything up to the drill."""
    return drill_in(tmp_path, sound("threshold"))


def drill_in(folder: Path, whole: Simulation, index: int = 1) -> Path:
    election = before_decryption(whole)
    (folder / "box.bel").write_bytes(election.archive)
    (folder / "journal").write_bytes(election.journal)
    keys = generate_threshold_key(election.group, Threshold(2, 3), "5 item 0")
    known = {str(n): coefficient_commitment(m["coefexps"]) for n, m in enumerate(keys.messages, 1)}
    key = KeyFile("threshold", "Ed25519", seed=keys.seeds[index - 1], size=3, threshold=2, index=index)
    key.message, key.certificates, key.commitments = keys.messages[index - 1], keys.certificates, known
    key.private_key = keys.voutputs[index - 1]["private_key"]
    path = folder / "key"
    create_key_file(path, key)
    assert_proof(run("drill", "--fingerprint", election.election.fingerprint, "--nonce", "00" * 16, path))
    return path


def before_decryption(election: Simulation) -> Simulation:
    kept = ("Setup", "Ballot", "EndBallots", "EncryptedTally")
    acts = [act for act in election.acts if act.kind not in ("strong-decryption", "tallied")]
    if acts[-1].kind == "seal" and acts[-2].kind == "seal":
        del acts[-1]
    return election.with_entries(e for e in election.entries if e.type in kept).with_acts(acts)


def assert_proof(result: Result) -> None:
    assert set(answer(result)) == {"challenge", "response"}


def change(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def decrypt(path: Path) -> Result:
    folder = path.parent
    return run("decrypt", "--yes", "--jobs", "1", "--journal", folder / "journal", path, folder / "box.bel")


def test_a_drilled_key_is_for_one_election(drilled: Path) -> None:
    fingerprint = read_key_file(drilled).fingerprint
    assert fingerprint == sound("threshold").election.fingerprint
    assert_proof(run("drill", "--fingerprint", fingerprint, "--nonce", "11" * 16, drilled))
    before = drilled.read_bytes()
    assert_refused(run("drill", "--fingerprint", "A" * 43, "--nonce", "00" * 16, drilled))
    assert drilled.read_bytes() == before
    change(drilled, fingerprint="A" * 43)
    refused = decrypt(drilled)
    assert_refused(refused)
    assert "another fingerprint" in refused.stderr


def test_a_key_decrypts_for_the_keys_and_the_journal_that_it_knows(drilled: Path) -> None:
    lines = sound("threshold").journal_lines
    known = json.loads(drilled.read_text())
    others = known["commitments"] | {"2": "ab" * 32}
    for values, words in (
        ({"commitments": others}, "committed to"),
        ({"certificates": known["certificates"][:2]}, "certificates"),
        ({"journal": {"height": 3, "head": "ab" * 32}}, "journal"),
        ({"journal": {"height": 10**6, "head": "ab" * 32}}, "journal"),
        ({"journal": {"height": True}}, "journal"),
    ):
        change(drilled, **values)
        refused = decrypt(drilled)
        assert_refused(refused)
        assert words in refused.stderr
        drilled.write_text(json.dumps(known))
    change(drilled, journal={"height": 3, "head": sha256_hex(lines[3])})
    assert set(answer(decrypt(drilled))) == {"partial_decryption", "strong_proofs"}
    assert read_key_file(drilled).decrypted


# --- what must be given, and what the journal must say ---------------------------------------------------------


def bound() -> Simulation:
    """As our server makes them: the election data name the key that seals the journal."""
    return simulated(replace(KINDS["threshold"], is_bound=True))


def test_where_the_election_data_name_the_journals_key_the_journal_must_be_given(tmp_path: Path) -> None:
    """Without it: a box from which ballots were taken is sound in itself, and nothing would contradict it."""
    path = drill_in(tmp_path, bound())
    words = ["decrypt", "--yes", "--jobs", "1", path, tmp_path / "box.bel"]
    key = path.read_bytes()
    whole = (tmp_path / "box.bel").read_bytes()
    for archive in (shortened(bound()).archive, whole):
        (tmp_path / "box.bel").write_bytes(archive)
        refused = run(*words)
        assert_not_decryptable(refused, "--journal")
    (tmp_path / "box.bel").write_bytes(shortened(bound()).archive)
    assert_not_decryptable(decrypt(path), "the archive is not sound")
    assert (path.read_bytes(), (tmp_path / "key.seen").exists()) == (key, False)
    (tmp_path / "box.bel").write_bytes(whole)
    assert set(answer(decrypt(path))) == {"partial_decryption", "strong_proofs"}


def assert_not_decryptable(result: Result, words: str) -> None:
    """Refused by what the record says; ``main`` prints it."""
    assert isinstance(result.exception, NotDecryptable)
    assert words in str(result.exception)
    assert not result.stdout


@pytest.mark.parametrize("state", ["cancelled", "untalliable", "tallied", "certified"])
def test_a_sum_is_opened_only_while_the_journal_says_closed(drilled: Path, state: str) -> None:
    """Without it: what an election's own people ended without a result could be opened all the same."""
    election = before_decryption(sound("threshold"))
    acts, key = list(election.acts), drilled.read_bytes()
    if state in ("tallied", "certified"):
        whole = simulated(replace(KINDS["threshold"], stage=state))
        (drilled.parent / "box.bel").write_bytes(whole.archive)
        acts = list(whole.acts)
    else:
        payload = {"at": "2026-11-22T12:51Z", "reason": "A fire"}
        box = acts[-1].box
        acts += [Act(state, payload, "committee:1", box), Act(SEAL, {}, acts[-1].actor, box)]
        election = election.with_acts(acts)
        (drilled.parent / "journal").write_bytes(election.journal)
    if state in ("tallied", "certified"):
        (drilled.parent / "journal").write_bytes(whole.journal)
    assert_not_decryptable(decrypt(drilled), f"the election is {state}")
    assert (drilled.read_bytes(), (drilled.parent / "key.seen").exists()) == (key, False)


# --- older copies of a key file ----------------------------------------------------------------------------------


def test_a_copy_from_before_the_reveal_passes_no_drill(drilled: Path) -> None:
    """Without it: a file that does not know what everybody committed to would take any published keys."""
    content = json.loads(drilled.read_text())
    del content["commitments"], content["fingerprint"]
    drilled.write_text(json.dumps(content))
    before = drilled.read_bytes()
    fingerprint = sound("threshold").election.fingerprint
    refused = run("drill", "--fingerprint", fingerprint, "--nonce", "00" * 16, drilled)
    assert_refused(refused)
    assert "older copy" in refused.stderr
    assert drilled.read_bytes() == before


def test_a_copy_from_before_the_drill_decrypts_only_once_it_knows_the_election(drilled: Path) -> None:
    content = json.loads(drilled.read_text())
    fingerprint = content.pop("fingerprint")
    drilled.write_text(json.dumps(content))
    before = drilled.read_bytes()
    refused = decrypt(drilled)
    assert_refused(refused)
    assert "older copy" in refused.stderr
    assert drilled.read_bytes() == before
    # Where no other copy is left, the drill brings this one up to date.
    assert_proof(run("drill", "--fingerprint", fingerprint, "--nonce", "11" * 16, drilled))
    assert set(answer(decrypt(drilled))) == {"partial_decryption", "strong_proofs"}


def test_an_owner_whom_the_journal_does_not_know_from_a_drill_decrypts(drilled: Path) -> None:
    """A threshold of drills is enough to open an election (J7); the others' keys are still needed some day."""
    election = before_decryption(sound("threshold"))
    acts = [act for act in election.acts if (act.kind, act.payload.get("owner")) != ("key-drill", 1)]
    (drilled.parent / "journal").write_bytes(election.with_acts(acts).journal)
    content = json.loads(drilled.read_text())
    del content["fingerprint"]
    drilled.write_text(json.dumps(content))
    assert set(answer(decrypt(drilled))) == {"partial_decryption", "strong_proofs"}


def test_a_copy_that_does_not_know_of_its_decryption_is_not_used(tmp_path: Path) -> None:
    """Without it: a copy from before the decryption would open a second sum, which tells votes between the two."""
    whole = sound("threshold")
    path = drill_in(tmp_path, whole, 2)
    copy = path.read_bytes()
    assert decrypt(path).exit_code == 0
    kept = whole.entries[: whole.index("PartialDecryption") + 1]
    assert json.loads(kept[-1].bodies[-1])["owner"] == 2
    acts = [act for act in whole.acts if act.kind not in ("tallied", "certified")]
    proved = next(n for n, act in enumerate(acts) if act.kind == "strong-decryption")
    show(path, whole.with_entries(kept).with_acts(acts[: proved + 1]))
    assert decrypt(path).exit_code == 0
    path.write_bytes(copy)
    refused = decrypt(path)
    assert_refused(refused)
    assert "older copy" in refused.stderr


def test_each_step_that_changes_the_key_file_says_what_to_do_with_older_copies(
    tmp_path: Path, committed: dict[str, str]
) -> None:
    key = tmp_path / "1.key"
    inbox = write_inbox(tmp_path, commitments=committed)
    words = ["reveal", "--inbox", inbox, key]
    assert "destroy older copies" in run(*words).stderr
    # The same again changes nothing.
    assert "older copies" not in run(*words).stderr


def test_drill_and_decryption_say_what_to_do_with_older_copies(drilled: Path) -> None:
    assert "destroy older copies" in decrypt(drilled).stderr
    assert "older copies" not in decrypt(drilled).stderr


# --- what was seen before ----------------------------------------------------------------------------------------


def look(path: Path) -> Result:
    folder = path.parent
    return run("look", "--journal", folder / "journal", path, folder / "box.bel")


def show(path: Path, election: Simulation) -> None:
    (path.parent / "box.bel").write_bytes(election.archive)
    (path.parent / "journal").write_bytes(election.journal)


def while_voting(ballots: int) -> Simulation:
    election = sound("threshold")
    entries = [e for e in election.entries if e.type in ("Setup", "Ballot")][: ballots + 1]
    closed = [act.kind for act in election.acts].index("closed")
    return election.with_entries(entries).with_acts(election.acts[:closed])


def shortened(whole: Simulation | None = None) -> Simulation:
    """Without the second ballot, counted and sealed anew by whoever has the service key: sound in itself."""
    election = before_decryption(whole or sound("threshold"))
    place = election.index("Ballot", 1)
    entries = [entry for number, entry in enumerate(election.entries) if number != place]
    accumulator = TallyAccumulator(election.election)
    ballots = [entry for entry in entries if entry.type == "Ballot"]
    for entry in ballots:
        accumulator.add(parse_ballot(election.election, entry.bodies[0]), 1)
    raw = encode_encrypted_tally(election.election, accumulator.tally())
    sized = SizedTally(len(ballots), len(ballots), sha256_hex(raw)).encode()
    entries[-1] = replace(entries[-1], bodies=(raw, sized), event=None)
    acts = [replace(act, box=act.box - (act.box > place)) for act in election.acts]
    return election.with_entries(entries).with_acts(acts)


def require_taken_back(result: Result, words: str) -> None:
    assert result.exit_code == 1
    assert not result.stdout
    assert "something that was published has been changed or taken back" in result.stderr
    assert words in result.stderr


def test_a_look_is_noted_beside_the_key_and_compared_from_then_on(drilled: Path) -> None:
    key = drilled.read_bytes()
    show(drilled, while_voting(3))
    first = look(drilled)
    assert first.exit_code == 0
    assert first.stdout.startswith("noted for the next time: journal line ")
    seen = json.loads((drilled.parent / "key.seen").read_text())
    lines, heads = while_voting(3).journal_lines, while_voting(3).heads
    assert seen == {
        "version": 1,
        "journal": {"height": len(lines) - 1, "head": sha256_hex(lines[-1])},
        "box": {"height": 3, "head": heads[3]},
        "decrypted": None,
    }
    show(drilled, before_decryption(sound("threshold")))
    assert look(drilled).stdout.startswith("goes on from what was seen before: journal line ")
    # The key's copies stay what they are.
    assert drilled.read_bytes() == key
    assert set(answer(decrypt(drilled))) == {"partial_decryption", "strong_proofs"}


def test_a_shortened_box_that_was_sealed_anew_is_decrypted_by_nobody_who_saw_more(
    drilled: Path, own_memory: Path
) -> None:
    """What no check of the record alone can find."""
    show(drilled, while_voting(3))
    assert look(drilled).exit_code == 0
    note = drilled.parent / "key.seen"
    before, key = note.read_bytes(), drilled.read_bytes()
    show(drilled, shortened())
    for result in (look(drilled), decrypt(drilled)):
        require_taken_back(result, "event 3 of the ballot box is not the one that was seen before")
        assert f"keep {note} and {own_memory}" in result.stderr
    assert (note.read_bytes(), drilled.read_bytes()) == (before, key)
    # Without the notes there is nothing that this program could know it by.
    note.unlink()
    require_taken_back(look(drilled), "event 3 of the ballot box is not the one that was seen before")
    shutil.rmtree(own_memory)
    assert set(answer(decrypt(drilled))) == {"partial_decryption", "strong_proofs"}


def test_what_was_seen_when_decrypting_is_noted_too(drilled: Path) -> None:
    assert decrypt(drilled).exit_code == 0
    show(drilled, while_voting(3))
    require_taken_back(look(drilled), "of the journal is not the one")
    (drilled.parent / "journal").write_bytes(before_decryption(sound("threshold")).journal)
    require_taken_back(look(drilled), "the ballot box ends at event 3, but event")


def test_who_saw_the_journal_must_give_it(drilled: Path) -> None:
    words = ["decrypt", "--yes", "--jobs", "1", drilled, drilled.parent / "box.bel"]
    lines = sound("threshold").journal_lines
    change(drilled, journal={"height": 3, "head": sha256_hex(lines[3])})
    refused = run(*words)
    assert_refused(refused)
    assert "give it with --journal" in refused.stderr
    content = json.loads(drilled.read_text())
    del content["journal"]
    drilled.write_text(json.dumps(content))
    assert run(*words).exit_code == 0
    # Of the box alone this time, so that nothing is asked of the journal.
    assert json.loads((drilled.parent / "key.seen").read_text())["journal"] is None
    assert run(*words).exit_code == 0
    assert look(drilled).exit_code == 0
    assert_refused(run(*words))


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "5",
        "{}",
        '{"version":2}',
        '{"version":1,"journal":5}',
        '{"version":1,"decrypted":5}',
        '{"version":1,"decrypted":"AB"}',
        '{"version":1,"box":{"height":1}}',
        '{"version":1,"box":{"height":true,"head":"' + "ab" * 32 + '"}}',
        '{"version":1,"box":{"height":-1,"head":"' + "ab" * 32 + '"}}',
        '{"version":1,"box":{"height":1,"head":"' + "AB" * 32 + '"}}',
    ],
)
def test_a_damaged_note_is_not_forgotten(drilled: Path, own_memory: Path, content: str) -> None:
    for note in (drilled.parent / "key.seen", next(own_memory.iterdir())):
        note.write_text(content)
        for result in (look(drilled), decrypt(drilled)):
            assert_refused(result)
            assert f"{note.name} is damaged" in result.stderr
        assert note.read_text() == content
        note.unlink()


def test_an_older_copy_in_another_folder_opens_no_second_sum(drilled: Path) -> None:
    """The record was sealed anew without the decryption, so that nothing published tells of it."""
    elsewhere = drilled.parent / "stick"
    elsewhere.mkdir()
    copy = elsewhere / "copy"
    copy.write_bytes(drilled.read_bytes())
    assert decrypt(drilled).exit_code == 0
    show(copy, shortened())
    key = copy.read_bytes()
    require_taken_back(decrypt(copy), "was seen before")
    # Another sum over the same ballots, for example of other weights, would pass what was seen of the box.
    note = seen_file(copy)
    note.write_text(json.dumps({"version": 1, "decrypted": "ab" * 32}))
    show(copy, before_decryption(sound("threshold")))
    for result in (decrypt(copy), look(copy)):
        assert_refused(result)
        assert "has decrypted another tally already" in result.stderr
    assert copy.read_bytes() == key
    # The same sum once more tells nothing new.
    note.unlink()
    again = decrypt(copy)
    assert again.exit_code == 0
    assert "remembers nothing" not in again.stderr


def test_a_note_beside_the_key_tells_which_sum_was_opened(drilled: Path, own_memory: Path) -> None:
    """An older copy that was put back in the key's own place, on a computer that forgets."""
    copy = drilled.read_bytes()
    assert decrypt(drilled).exit_code == 0
    shutil.rmtree(own_memory)
    drilled.write_bytes(copy)
    change_note(drilled, journal=None, box=None)
    show(drilled, shortened())
    refused = decrypt(drilled)
    assert_refused(refused)
    assert "has decrypted another tally already" in refused.stderr


def change_note(path: Path, **values: Any) -> None:
    change(seen_file(path), **values)


def test_a_computer_that_remembers_nothing_of_a_key_says_so(drilled: Path, own_memory: Path) -> None:
    assert len(list(own_memory.iterdir())) == 1
    shutil.rmtree(own_memory)
    assert "this computer remembers nothing of your key" in decrypt(drilled).stderr
    assert "remembers nothing" not in decrypt(drilled).stderr


def test_a_computer_that_can_keep_nothing_is_no_obstacle(
    drilled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was started from a stick: said, and the note beside the key does what it can."""
    blocked = drilled.parent / "file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(blocked))
    for result in (look(drilled), decrypt(drilled)):
        assert result.exit_code == 0
        assert "cannot remember your key" in result.stderr


def test_where_a_computer_keeps_its_memory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for value in ("", "relative/folder"):
        monkeypatch.setenv("XDG_STATE_HOME", value)
        assert computer_note("ab") == tmp_path / ".local/state/steward-trustee/ab.seen"


def test_a_look_at_another_election_or_at_none_is_refused(drilled: Path) -> None:
    show(drilled, sound("plain"))
    refused = look(drilled)
    assert_refused(refused)
    assert "another fingerprint" in refused.stderr
    (drilled.parent / "box.bel").write_bytes(b"")
    assert_refused(look(drilled))
    show(drilled, sound("threshold"))
    journal = drilled.parent / "journal"
    journal.write_bytes(journal.read_bytes()[:-1])
    assert_refused(look(drilled))
    assert not (drilled.parent / "key.seen").exists()


def test_the_registrar_writes_both_files_or_none(tmp_path: Path) -> None:
    roll = tmp_path / "roll.csv"
    roll.write_text("name,member_number\nA,1\n")
    words = ["generate", "--election", "1" * 14, "--out", str(tmp_path), str(roll)]
    for name, other in (
        ("public-credentials.json", "credentials.csv"),
        ("credentials.csv", "public-credentials.json"),
    ):
        (tmp_path / name).write_text("kept")
        assert CliRunner().invoke(registrar, words).exit_code != 0
        assert (tmp_path / name).read_text() == "kept"
        assert not (tmp_path / other).exists()
        (tmp_path / name).unlink()
    assert CliRunner().invoke(registrar, words).exit_code == 0
