"""`steward-audit` as people and programs meet it: texts, exit statuses, JSON, and what it makes of impossible files."""

import gc
import json
import os
import resource
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from audit.checks import CHECKS, JOURNAL
from audit.checks.ballots import BallotCheck
from audit.checks.setup import check_setup
from audit.cli import cli
from audit.findings import EXIT_CODES, Findings
from audit.reader import read_entries
from audit.runner import audit
from crypto.archive import encode_header_record
from crypto.ballot import ballot_tracker
from crypto.election import parse_election
from crypto.encoding import encode_json_bytes
from crypto.receipt import ServiceKey, make_receipt
from crypto.words import fingerprint_words
from tests.audit.forgery import result_entry
from tests.audit.judging import tar_record
from tests.audit.serving import serving
from tests.simulator import (
    KINDS,
    TIMESTAMP,
    YES_NO,
    Simulation,
    Spec,
    change_json,
    join_lines,
    rebuild,
    rebuild_journal,
    simulated,
    sound,
)

VECTORS = Path(__file__).parent.parent / "vectors" / "archives"
EXIT_SOUND, EXIT_FINDINGS, EXIT_UNCHECKED = 0, 1, 2


class Shop:
    """Files of elections in a folder, and the command that reads them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, name: str, content: bytes) -> Path:
        """Writes a file."""
        path = self.folder / name
        path.write_bytes(content)
        return path

    def box(self, election: Simulation, name: str = "box.bel") -> Path:
        """An election's archive as a file."""
        return self.put(name, election.archive)

    def journal(self, election: Simulation, name: str = "box.journal.jsonl") -> Path:
        """Its journal."""
        return self.put(name, election.journal)

    def receipt(self, election: Simulation, number: int = 0) -> Path:
        """A voter's receipt."""
        return self.put(f"receipt{number}.json", encode_json_bytes(election.receipts[number].encode()))

    @staticmethod
    def run(*args: str | Path) -> Result:
        """The command, in this process."""
        return CliRunner().invoke(cli, [str(arg) for arg in args])

    @staticmethod
    def start(*args: str | Path, **options: Any) -> subprocess.Popen[str]:
        """The installed program, in a process of its own."""
        command = [sys.executable, "-m", "audit", *map(str, args)]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, **{"stdout": pipe, "stderr": pipe, "encoding": "utf-8", **options})

    def call(self, *args: str | Path, **options: Any) -> tuple[int, str, str]:
        """Runs the installed program: exit status, output, errors."""
        process = self.start(*args, **options)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def _with_result(election: Simulation, row: list[int]) -> bytes:
    return rebuild([*election.entries[:-1], result_entry([row])])


# --- verify ------------------------------------------------------------------------------------------------------


def test_verify_says_sound_first_and_ends_with_0(shop: Shop) -> None:
    """Without it: a person or script could take a sound election for a broken one."""
    election = sound("plain")
    run = shop.run("verify", shop.box(election), "--journal", shop.journal(election), "--jobs", "1")
    assert run.exit_code == EXIT_SOUND
    lines = run.output.splitlines()
    assert lines[0] == "sound: every check passed"
    assert election.election.uuid in run.output
    assert f"fingerprint  {election.election.fingerprint}" in lines
    assert f"words        {fingerprint_words(election.election.fingerprint)}" in lines
    assert "3, of which 3 count" in run.output
    assert "Question 1: Shall the dues be raised?" in lines
    assert "  2  Yes" in lines
    assert "  1  No" in lines
    assert election.service_key.public in run.output


@pytest.mark.parametrize(
    "stage, words",
    [
        ("setup", "sound so far: set up, no ballot yet"),
        ("open", "sound so far: open, no result"),
        ("closed", "sound so far: closed, no result"),
        ("tallying", "sound so far: being tallied, no result"),
    ],
)
def test_an_unfinished_election_is_sound_so_far(stage: str, words: str, shop: Shop) -> None:
    """Without it: "sound" of an unfinished box could be taken for a verified result."""
    run = shop.run("verify", shop.box(simulated(replace(KINDS["plain"], stage=stage))), "--jobs", "1")
    assert (run.exit_code, run.output.splitlines()[0]) == (EXIT_SOUND, words)
    assert "Question 1" not in run.output


def test_verify_names_rule_record_and_finding_and_ends_with_1(shop: Shop) -> None:
    """Without it: who has to act on a finding would not know on which record and why."""
    box = shop.put("box.bel", _with_result(sound("plain"), [1, 2]))
    run = shop.run("verify", box, "--jobs", "1")
    assert run.exit_code == EXIT_FINDINGS
    lines = run.output.splitlines()
    assert lines[0] == "FINDINGS: 1 check failed"
    [found] = [line for line in lines if "FAIL" in line]
    assert "R2" in found
    assert "result of question 1" in found
    assert "Question 1:" not in run.output, "a false result must not be shown as one"


def test_a_rule_that_many_ballots_break_is_one_finding_with_examples(shop: Shop) -> None:
    """Without it: a report about a thousand broken ballots would be unreadable, or hide how many there are."""
    election = simulated(Spec((YES_NO,), voters=9, stage="open", seed=71))
    entries = election.entries
    for index in range(1, 9):
        entries = change_json(
            entries, index, "ballot", lambda b: {**b, "signature": {**b["signature"], "hash": "A" * 43}}
        )
    run = shop.run("verify", shop.put("box.bel", rebuild(entries)), "--jobs", "1", "--json")
    [check] = [check for check in json.loads(run.output)["checks"] if check["status"] == "fail"]
    assert check["id"] == "B6"
    assert check["detail"].count("ballot at height") == 5
    assert check["detail"].endswith("; and 3 more")


@pytest.mark.parametrize("kind", ["tallied", "findings", "unchecked", "missing"])
def test_json_has_exactly_the_shape_of_the_design(kind: str, shop: Shop) -> None:
    """Without it: programs of others that read the report would break, worst of all when something is wrong."""
    paths = {
        "tallied": shop.box(sound("plain")),
        "findings": shop.put("bad.bel", _with_result(sound("plain"), [1, 2])),
        "unchecked": shop.put("empty.bel", b""),
        "missing": shop.folder / "nothing.bel",
    }
    verdict = {"tallied": "sound", "missing": "unchecked"}.get(kind, kind)
    code, out, err = shop.call("verify", paths[kind], "--json", "--jobs", "1")
    report = json.loads(out)
    assert out.count("\n") == 1
    assert list(report) == [
        *("verdict", "state", "election", "name", "fingerprint", "ballots", "counted"),
        *("result", "engine", "checks", "warnings"),
    ]
    assert report["verdict"] == verdict
    assert code == EXIT_CODES[verdict]
    assert [check["id"] for check in report["checks"]] == [spec.id for spec in CHECKS]
    for check in report["checks"]:
        assert list(check) == ["id", "title", "required", "status", "detail"]
        assert check["status"] in ("pass", "fail", "not-checked")
        assert isinstance(check["required"], bool)
        assert isinstance(check["detail"], str)
    assert all(isinstance(warning, str) for warning in report["warnings"])
    assert report["state"] in ("setup", "open", "closed", "tallying", "tallied")
    assert (report["result"] is None) == (kind != "tallied")
    assert bool(err) == (kind == "missing")
    if kind == "missing":
        assert any("No such file" in check["detail"] for check in report["checks"])


def test_the_verdict_follows_from_the_checks(shop: Shop) -> None:
    """Without it: a program that looks at the checks could come to another verdict than the report."""
    for path in sorted(VECTORS.glob("*/*/*.bel")):
        report = audit(path).as_json()
        states = {check["status"] for check in report["checks"]}
        open_ones = [c for c in report["checks"] if c["required"] and c["status"] == "not-checked"]
        expected = "findings" if "fail" in states else "unchecked" if open_ones else "sound"
        assert report["verdict"] == expected, path


@pytest.mark.parametrize("kind", ["weighted", "revotes", "belenios-mixed"])
def test_more_processes_give_the_same_report(kind: str, shop: Shop) -> None:
    """Without it: a report could depend on the machine that made it."""
    election = sound(kind)
    box, journal = shop.box(election), shop.journal(election)
    assert audit(box, journal, jobs=2).as_json() == audit(box, journal, jobs=1).as_json()


def test_more_processes_find_the_same_in_many_ballots(shop: Shop) -> None:
    """Without it: broken, doubled and replaced ballots that lie in different processes' parts could be missed."""
    votes = tuple((voter % 70, ((voter % 2,),)) for voter in range(140))
    election = simulated(Spec((YES_NO,), voters=70, votes=votes, stage="closed", seed=72))
    entries = list(election.entries)
    entries[100] = change_json(entries, 100, "ballot", lambda b: {**b, "election_uuid": "1" * 14})[100]
    entries.insert(139, entries[2])
    box = shop.put("box.bel", rebuild(entries))
    one, two = (audit(box, jobs=jobs).as_json() for jobs in (1, 2))
    assert one == two
    assert {check["id"] for check in one["checks"] if check["status"] == "fail"} == {"B2", "B11"}


# --- files that cannot be ----------------------------------------------------------------------------------------


def _huge_size(archive: bytes) -> bytes:
    start = len(encode_header_record(TIMESTAMP))
    return archive[: start + 124] + b"77777777777" + archive[start + 135 :]


BAD_FILES: dict[str, tuple[Callable[[bytes], bytes], int]] = {
    "empty": (lambda archive: b"", EXIT_UNCHECKED),
    "only the header record": (lambda archive: archive[:1024], EXIT_UNCHECKED),
    "one byte": (lambda archive: b"\0", EXIT_FINDINGS),
    "a text": (lambda archive: b"Dear voter,\n" * 100, EXIT_FINDINGS),
    "noughts": (lambda archive: bytes(4096), EXIT_FINDINGS),
    "all ones": (lambda archive: b"\xff" * 4096, EXIT_FINDINGS),
    "a zip": (lambda archive: b"PK\x03\x04" + bytes(range(256)) * 8, EXIT_UNCHECKED),
    "a huge size": (_huge_size, EXIT_FINDINGS),
    "cut off": (lambda archive: archive[:-1], EXIT_FINDINGS),
    "with the end marks of tar": (lambda archive: archive + bytes(1024), EXIT_FINDINGS),
    "the header alone, again and again": (lambda archive: archive[:1024] * 3, EXIT_FINDINGS),
    "a header that is no record": (
        lambda archive: tar_record("BELENIOS", b"[" * 100_000, TIMESTAMP) + archive[1024:],
        EXIT_FINDINGS,
    ),
    "no header": (lambda archive: archive[1024:], EXIT_FINDINGS),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_files_that_are_no_archives(name: str, shop: Shop) -> None:
    """Without it: such a file could crash the verifier, fill the memory, or be called sound."""
    make, code = BAD_FILES[name]
    box = shop.put("box.bel", make(sound("plain").archive))
    tracemalloc.start()
    run = shop.run("verify", box, "--jobs", "1")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert run.exit_code == code, run.output
    assert run.exception is None or isinstance(run.exception, SystemExit)
    assert run.output.splitlines()[0].upper().startswith({1: "FINDINGS", 2: "COULD NOT CHECK"}[code])
    assert peak < 50_000_000


@pytest.mark.parametrize("command", ["verify", "result", "receipt", "diff"])
@pytest.mark.parametrize("what", ["missing", "folder", "unreadable"])
def test_files_that_cannot_be_read_end_with_2_and_one_line(command: str, what: str, shop: Shop) -> None:
    """Without it: a mistyped name could look like a finding, or like nothing at all."""
    election = sound("plain")
    bad = shop.folder / "bad"
    if what == "folder":
        bad.mkdir()
    elif what == "unreadable":
        if os.geteuid() == 0:
            # Root may read everything but this.
            bad = Path("/proc/self/mem")
        else:
            bad.write_bytes(election.archive)
            bad.chmod(0)
    more = {"receipt": [shop.receipt(election)], "diff": [shop.box(election)]}.get(command, [])
    code, out, err = shop.call(command, bad, *more)
    assert code == EXIT_UNCHECKED, (out, err)
    assert err.strip()
    assert "Traceback" not in err
    assert not out


def test_a_journal_that_cannot_be_read(shop: Shop) -> None:
    """Without it: verification could go on without the journal that was asked for."""
    box = shop.box(sound("plain"))
    assert shop.call("verify", box, "--journal", shop.folder / "nothing")[0] == EXIT_UNCHECKED
    assert shop.call("verify", box, "--journal", shop.folder)[0] == EXIT_UNCHECKED
    assert shop.call("verify", box, "--journal", shop.put("binary", bytes(range(256))))[0] == EXIT_FINDINGS
    assert shop.call("verify", box, "--journal", shop.put("empty", b""))[0] == EXIT_FINDINGS


def test_a_crash_of_the_verifier_is_2_and_one_line(shop: Shop) -> None:
    """Without it: a bug of ours could end with 1, which means findings, or with 0."""
    box = shop.box(sound("plain"))
    # An output that cannot take what is written stands for any bug.
    with Path("/dev/full").open("w") as full:
        code, _, err = shop.call("verify", box, "--jobs", "1", stdout=full)
    assert code == EXIT_UNCHECKED
    assert len(err.splitlines()) == 1
    assert err.startswith("could not check: internal error: OSError")
    # Who pipes the report into a program that reads its first line only
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as gone:
        code, _, err = shop.call("verify", box, "--jobs", "1", stdout=gone)
    assert (code, err) == (EXIT_UNCHECKED, "could not check: nobody reads the output any more\n")
    # A record of a gigabyte, and a machine that has not so much
    with (shop.folder / "large.bel").open("wb") as file:
        file.write(tar_record("BELENIOS", encode_json_bytes({"version": 1, "timestamp": "1"}), 1))
        file.write(tar_record("x", b"", 1)[:124] + b"%011o\0" % 2**30)
        file.truncate(2**30 + 4096)
    limit = 400 * 2**20
    code, out, err = shop.call(
        "verify",
        shop.folder / "large.bel",
        "--jobs",
        "1",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )
    assert (code, out) == (EXIT_UNCHECKED, "")
    assert err == "could not check: internal error: MemoryError: \n"


def test_a_reader_who_goes_away_is_no_finding(shop: Shop) -> None:
    """Without it: `steward-audit verify … | head -1` would end with 1, which means findings."""
    read, write = os.pipe()
    os.close(read)
    code, _, err = shop.call("verify", shop.box(sound("plain")), "--jobs", "1", stdout=write)
    os.close(write)
    assert code not in (EXIT_SOUND, EXIT_FINDINGS)
    assert "Traceback" not in err


def test_an_interrupted_audit_is_2(shop: Shop) -> None:
    """Without it: Ctrl-C would end with 1, and a script take it for findings."""
    fifo = shop.folder / "slow.bel"
    os.mkfifo(fifo)
    process = shop.start("verify", fifo, "--jobs", "1")
    # The program opens the pipe, then waits for bytes that never come.
    with fifo.open("wb"):
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == EXIT_UNCHECKED
    assert "Traceback" not in err


@pytest.mark.parametrize(
    "args", [["verify"], ["verify", "x", "y"], ["nonsense"], ["verify", "--jobs", "0", "x"], []]
)
def test_wrong_use_ends_with_2(args: list[str], shop: Shop) -> None:
    """Without it: a script with a mistake in it could go on as if something had been verified."""
    code, _, err = shop.call(*args)
    assert code == EXIT_UNCHECKED
    assert "Usage" in err
    assert "Traceback" not in err


@pytest.mark.parametrize("args", [["--help"], ["verify", "-h"], ["--version"]])
def test_help_ends_with_0(args: list[str], shop: Shop) -> None:
    """Without it: asking for help could look like a failure."""
    code, out, err = shop.call(*args)
    assert (code, err) == (0, "")
    assert out


def test_names_cannot_move_the_cursor(shop: Shop) -> None:
    """Without it: an election's name could carry terminal commands that overwrite "FINDINGS" with "sound"."""
    name = "Board\x1b[2J\x1b[1;1Hsound: every check passed\r\n\u202esound\x07"
    election = simulated(replace(KINDS["plain"], name=name, stage="open"))
    broken = change_json(election.entries, 1, "ballot", lambda b: {**b, "election_uuid": "1" * 14})
    code, out, _ = shop.call("verify", shop.put("box.bel", rebuild(broken)), "--jobs", "1")
    assert code == EXIT_FINDINGS
    assert out.splitlines()[0] == "FINDINGS: 1 check failed"
    assert not [c for c in out if c != "\n" and not c.isprintable()]
    assert not [line for line in out.splitlines() if line.startswith("sound")]


def test_names_are_told_as_people_write_them(shop: Shop) -> None:
    """No-break blanks and joiners move no cursor; spelled out they would hide the name."""
    name = "Élection\u00a0: هیئت\u200cمدیره"
    election = simulated(replace(KINDS["plain"], name=name, stage="open"))
    _, out, _ = shop.call("verify", shop.put("box.bel", rebuild(election.entries)), "--jobs", "1")
    assert name in out


# --- result ------------------------------------------------------------------------------------------------------


def test_result_prints_the_counts_of_a_sound_election(shop: Shop) -> None:
    """Without it: programs that publish the result could publish other numbers."""
    election = sound("weighted")
    run = shop.run("result", shop.box(election), "--jobs", "1")
    assert run.exit_code == EXIT_SOUND
    assert json.loads(run.output) == election.result
    unfinished = simulated(replace(KINDS["plain"], stage="closed"))
    run = shop.run("result", shop.box(unfinished), "--jobs", "1")
    assert (run.exit_code, run.output.strip()) == (EXIT_SOUND, "null")


def test_no_result_is_printed_where_something_is_wrong(shop: Shop) -> None:
    """Without it: a number could be taken from a broken archive."""
    bad = shop.put("bad.bel", _with_result(sound("plain"), [1, 2]))
    code, out, err = shop.call("result", bad, "--jobs", "1")
    assert (code, out) == (EXIT_FINDINGS, "")
    assert "FINDINGS" in err
    code, out, err = shop.call("result", shop.put("empty.bel", b""), "--jobs", "1")
    assert (code, out) == (EXIT_UNCHECKED, "")


# --- receipt -----------------------------------------------------------------------------------------------------


def test_a_receipt_whose_ballot_is_in(shop: Shop) -> None:
    """Without it: voters could not find their ballot, or find it without the service's word being checked."""
    election = sound("plain")
    args = ("receipt", shop.box(election), shop.receipt(election))
    run = shop.run(*args, "--journal", shop.journal(election))
    assert (run.exit_code, run.output.strip()) == (0, "your ballot is in the ballot box, at height 1")
    run = shop.run(*args)
    assert run.exit_code == 0
    assert "signature was not checked" in run.output


def test_a_receipt_is_checked_by_the_key_that_the_election_data_name(shop: Shop) -> None:
    """Without it: a server that shows one voter another key, in the journal too, could have its receipt confirmed."""
    election, forger = sound("presented"), ServiceKey(b"\x09" * 32)
    box, true = shop.box(election), election.receipts[0]
    named = election.election.fingerprint
    compared = [
        f"words of the election: {fingerprint_words(named)} (compare them with your sheet)",
        f"fingerprint of the election: {named} (compare it with your sheet)",
    ]
    for more in ((), ("--journal", shop.journal(election))):
        code, out, err = shop.call("receipt", box, shop.receipt(election), *more)
        assert (code, err) == (0, "")
        assert out.splitlines() == ["your ballot is in the ballot box, at height 1", *compared]
    false = make_receipt(forger, true.election, true.tracker, true.height, true.event)
    path = shop.put("false.json", encode_json_bytes(false.encode()))
    acts = [
        replace(act, payload={**act.payload, "service_key": forger.public}) if act.kind == "journal" else act
        for act in election.acts
    ]
    lines = rebuild_journal(acts, election.heads, forger)
    journal = shop.put("false.jsonl", join_lines(lines))
    code, out, _ = shop.call("receipt", box, path)
    assert (code, "V2" in out) == (1, True)
    code, out, err = shop.call("receipt", box, path, "--journal", journal)
    assert (code, out) == (EXIT_UNCHECKED, "")
    assert "the journal's service key is not the one of the election data" in err


def test_a_receipt_of_a_replaced_vote_is_in_with_a_warning(shop: Shop) -> None:
    """Without it: a voter whose credential somebody else used would not learn of it."""
    election = sound("revotes")
    code, out, err = shop.call(
        "receipt", shop.box(election), shop.receipt(election), "--journal", shop.journal(election)
    )
    assert code == 0
    assert "warning: the vote was replaced by a later one" in err
    assert "at height 4 counts instead" in out


def test_a_receipt_whose_ballot_is_not_in(shop: Shop) -> None:
    """Without it: a dropped ballot would not be noticed by the one person who can notice."""
    election = sound("plain")
    dropped = rebuild([entry for index, entry in enumerate(election.entries) if index != 1])
    journal, receipt = shop.journal(election), shop.receipt(election)
    run = shop.run("receipt", shop.put("dropped.bel", dropped), receipt, "--journal", journal)
    assert run.exit_code == 1
    assert "not in the ballot box" in run.output
    moved = list(election.entries)
    moved[1], moved[2] = moved[2], moved[1]
    run = shop.run("receipt", shop.put("moved.bel", rebuild(moved)), receipt, "--journal", journal)
    assert run.exit_code == 1
    assert "at height 2 and not where the receipt says" in run.output
    early = rebuild(election.entries[:1])
    run = shop.run("receipt", shop.put("early.bel", early), receipt, "--journal", journal)
    assert run.exit_code == 1
    assert "Fetch a newer copy" in run.output


def test_a_forged_receipt(shop: Shop) -> None:
    """Without it: somebody could accuse an honest server with a receipt that it never gave."""
    election = sound("plain")
    box, journal = shop.box(election), shop.journal(election)
    true = election.receipts[0]
    forger = ServiceKey(b"\x05" * 32)
    forged = [
        make_receipt(forger, true.election, true.tracker, true.height, true.event),
        replace(true, height=2),
        replace(true, tracker=election.receipts[1].tracker),
        replace(true, event="ab" * 32),
        replace(true, signature=election.receipts[1].signature),
    ]
    for number, receipt in enumerate(forged):
        path = shop.put(f"forged{number}.json", encode_json_bytes(receipt.encode()))
        run = shop.run("receipt", box, path, "--journal", journal)
        assert run.exit_code == 1, run.output
        assert "V2" in run.output
    other = sound("revotes")
    run = shop.run("receipt", shop.box(other, "other.bel"), shop.receipt(election), "--journal", journal)
    assert run.exit_code == 1
    assert "another election" in run.output


def test_a_receipt_that_cannot_be_checked(shop: Shop) -> None:
    """Without it: an unreadable file could be reported as a missing ballot, and alarm a voter for nothing."""
    election, other = sound("plain"), sound("revotes")
    box, receipt, journal = shop.box(election), shop.receipt(election), shop.journal(election)
    text = receipt.read_bytes()
    for bad in (b"", b"{}", b"\xff", text[:-1], text.replace(b":", b": "), b"[" * 100_000):
        run = shop.run("receipt", box, shop.put("bad.json", bad), "--journal", journal)
        assert run.exit_code == EXIT_UNCHECKED, run.output
    for number, content in enumerate((b"", b"\xff\n", other.journal, election.journal[:-50])):
        path = shop.put(f"journal{number}", content)
        run = shop.run("receipt", box, receipt, "--journal", path)
        assert run.exit_code == EXIT_UNCHECKED, run.output
    run = shop.run("receipt", shop.put("cut.bel", election.archive[:-1]), receipt, "--journal", journal)
    assert run.exit_code == EXIT_UNCHECKED, run.output
    # A receipt saved with a line's end is the same receipt.
    run = shop.run("receipt", box, shop.put("saved.json", text + b"\r\n"), "--journal", journal)
    assert run.exit_code == 0, run.output


def test_a_receipt_in_an_election_with_ranked_questions(shop: Shop) -> None:
    """Without it: such a voter would be told that the ballot is not there, although it only cannot be verified yet."""
    path = next(VECTORS.glob("valid/v3.3.0-ed25519-nh/*.bel"))
    key = ServiceKey(b"\x06" * 32)
    entries = []
    for entry, reader in read_entries(path):
        if entry.event.type == "Setup":
            election = parse_election(entry.data[0])
            reader.cursor = reader.cursor.with_election(election)
        entries.append(entry)
    ballot = next(entry for entry in entries if entry.event.type == "Ballot")
    receipt = make_receipt(
        key, election.uuid, ballot_tracker(ballot.payload), ballot.event.height, ballot.hash
    )
    run = shop.run("receipt", path, shop.put("receipt.json", encode_json_bytes(receipt.encode())))
    assert run.exit_code == 0, run.output
    assert "is in the ballot box, at height 1" in run.output


# --- diff --------------------------------------------------------------------------------------------------------


def test_diff_of_copies(shop: Shop) -> None:
    """Without it: nobody could show that something that had been published was changed."""
    election = sound("certified")
    new = shop.box(election)
    for cut in (0, 1, 1024, len(election.archive) // 2):
        run = shop.run("diff", shop.put("old.bel", election.archive[:cut]), new)
        assert (run.exit_code, run.output.strip()) == (0, f"grew by {len(election.archive) - cut} bytes")
    run = shop.run("diff", new, new)
    assert (run.exit_code, run.output.strip()) == (0, "equal")
    run = shop.run("diff", new, shop.put("shorter.bel", election.archive[:-512]))
    assert run.exit_code == 1
    assert f"byte {len(election.archive) - 512} " in run.output
    changed = election.archive[:7000] + b"?" + election.archive[7001:] + b"more"
    run = shop.run("diff", new, shop.put("changed.bel", changed))
    assert run.exit_code == 1
    assert "byte 7000 " in run.output
    lines = election.journal.splitlines(keepends=True)
    old = shop.put("old.jsonl", b"".join(lines[:5]))
    assert shop.run("diff", old, shop.journal(election)).exit_code == 0
    assert shop.run("diff", shop.journal(election), old).exit_code == 1


def test_diff_beyond_one_read(shop: Shop) -> None:
    """Without it: a difference far into a large file could be missed, or its place be told wrongly."""
    size = 3 * (1 << 20) + 17
    old = shop.put("old", bytes(size))
    place = 2 * (1 << 20) + 5
    new = shop.put("new", bytes(place) + b"x" + bytes(size - place))
    run = shop.run("diff", old, new)
    assert run.exit_code == 1
    assert f"byte {place} " in run.output


# --- addresses ---------------------------------------------------------------------------------------------------


def _published(election: Simulation, **changes: bytes) -> dict[str, bytes]:
    base = f"/elections/{election.election.uuid}/{election.election.uuid}"
    files = {"bel": election.archive, "journal": election.journal, **changes}
    return {f"{base}.bel": files["bel"], f"{base}.journal.jsonl": files["journal"]}


def test_an_election_by_its_address(shop: Shop) -> None:
    """Without it: who verifies by address would verify without the journal, or not at all."""
    election = sound("certified")
    uuid = election.election.uuid
    with serving({**_published(election), "/other/box.bel": election.archive}.get) as base:
        for address in (f"/elections/{uuid}", f"/elections/{uuid}/", f"/elections/{uuid}/{uuid}.bel"):
            report = json.loads(shop.run("verify", base + address, "--json", "--jobs", "1").output)
            assert report["verdict"] == "sound"
            assert {c["status"] for c in report["checks"] if c["id"] in JOURNAL} == {"pass"}
        report = json.loads(shop.run("verify", f"{base}/other/box.bel", "--json", "--jobs", "1").output)
        assert report["verdict"] == "sound"
        assert {c["status"] for c in report["checks"] if c["id"][0] == "J"} == {"not-checked"}
        assert (
            json.loads(shop.run("result", f"{base}/elections/{uuid}", "--jobs", "1").output)
            == election.result
        )
        run = shop.run("receipt", f"{base}/elections/{uuid}", shop.receipt(election))
        assert (run.exit_code, "not checked" in run.output) == (0, False)
        code, out, err = shop.call("verify", f"{base}/elections/11111111111111")
        assert (code, out) == (EXIT_UNCHECKED, "")
        assert "Not Found" in err
    assert shop.call("verify", base)[0] == EXIT_UNCHECKED


def test_an_election_by_its_address_with_another_journal(shop: Shop) -> None:
    """Without it: the journal beside an archive could be any other's."""
    election, other = sound("certified"), sound("plain")
    with serving(_published(election, journal=other.journal).get) as base:
        assert shop.run("verify", f"{base}/elections/{election.election.uuid}", "--jobs", "1").exit_code == 1


def test_a_download_that_ends_early_could_not_be_checked(shop: Shop) -> None:
    """Without it: a broken connection would be reported as a broken election, or its first half as a sound one."""
    election = sound("plain")
    with serving(_published(election).get, lie=1) as base:
        code, out, err = shop.call("verify", f"{base}/elections/{election.election.uuid}")
    assert (code, out) == (EXIT_UNCHECKED, "")
    assert "too early" in err


# --- memory ------------------------------------------------------------------------------------------------------


def _memory_per_ballot(election: Simulation, shop: Shop) -> float:
    """Bytes that stay of each of the last third of the ballots; tables that are made once are there by then."""
    path = shop.box(election)
    findings = Findings()
    entries = []
    check: BallotCheck | None = None
    for entry, reader in read_entries(path):
        if entry.event.type == "Setup":
            setup = check_setup(entry, findings)
            reader.cursor = reader.cursor.with_election(setup.election)
            check = BallotCheck(path, setup, findings, None, 1, lambda _: None)
        elif entry.event.type == "Ballot":
            entries.append(entry)
    assert check is not None
    kept = []
    tracemalloc.start()
    for number, entry in enumerate(entries, 1):
        check.add(entry)
        if number % (len(entries) // 3) == 0:
            check.flush()
            gc.collect()
            kept.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert check.ballots == len(entries)
    return (kept[2] - kept[1]) / (len(entries) // 3)


def test_little_is_kept_of_each_ballot(shop: Shop) -> None:
    """Without it: a national election would need the memory of all its ballots, and its audit a large machine."""
    votes = tuple((voter, ((voter % 2,),)) for voter in range(300))
    once = simulated(Spec((YES_NO,), voters=300, votes=votes, stage="open", seed=73))
    assert _memory_per_ballot(once, shop) < 50
    # 100 voters vote once, then all of them twice more: a replaced ballot costs its hash and its place.
    votes = tuple((voter % 100, ((voter // 100 % 2,),)) for voter in range(300))
    again = simulated(Spec((YES_NO,), voters=100, votes=votes, stage="open", seed=74))
    assert _memory_per_ballot(again, shop) < 250
