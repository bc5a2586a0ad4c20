"""Whole elections: the program runs, another program of ours and one that we did not write verify what it leaves."""

import json
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from audit.runner import audit
from tests.belenios import Tool
from tests.simulator import sound
from tests.voting_app.demo.conftest import COMMAND, Files, run_demo
from voting_app.demo.cli import demo as command
from voting_app.demo.client import Client
from voting_app.demo.people import find_missing_receipts

ROLL = "name,member_number,weight\nAda,1,1\nGrace,2,3\nJoan,3,1\nZoë,4,1\n"


def read_report(out: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads((out / "report.json").read_text())
    return report


def require_complete(out: Path) -> dict[str, Any]:
    """The four files are there, and the auditor finds the record sound; the report."""
    report = read_report(out)
    uuid = report["election"]
    names = {"report.json", "report.txt", f"{uuid}.bel", f"{uuid}.journal.jsonl"}
    assert names <= {path.name for path in out.iterdir()}
    found = audit(out / f"{uuid}.bel", out / f"{uuid}.journal.jsonl")
    assert (found.verdict, found.state) == ("sound", "tallied")
    assert found.result == report["result"]
    assert report["verdict"] == "sound"
    assert report["plain_count"]["equal"]
    assert uuid in (out / "report.txt").read_text()
    return report


def test_officers(tmp_path: Path, belenios33: Tool) -> None:
    """The default: no option, files in a folder of the election's own."""
    done = run_demo(cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    [out] = (tmp_path / "demo-out").iterdir()
    report = require_complete(out)
    assert out.name == report["election"]
    assert (report["ballots"], report["counted"]) == (50, 50)
    # Counted with a spreadsheet, not with this program.
    assert report["result"] == [[24, 17, 8], [26, 20], [25, 15], [35, 13]]
    # What the sample's rules say of these counts, and its quorum.
    for words in (
        "→ Denise Freeman, by the most votes",
        "→ Yes, by more than half of the votes",
        "Quorum reached: 50 ballots count; 50 percent of 60 members are 30.",
    ):
        assert words in done.stdout
        assert words in (out / "report.txt").read_text()
    for words in (report["fingerprint"], str(out), "steward-audit verify", "belenios-tool election verify"):
        assert words in done.stdout
    assert "\x1b" not in done.stdout
    assert max(len(line) for line in done.stdout.splitlines() if line.startswith("   ")) > 100, "not wrapped"
    belenios33.run("election", "verify", "--dir", out, "--uuid", out.name)


def test_association(tmp_path: Path, belenios33: Tool) -> None:
    done = run_demo("--sample", "association", "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stdout + done.stderr
    report = require_complete(tmp_path / "out")
    assert (report["ballots"], report["counted"]) == (44, 38)
    assert report["result"] == [
        [590, 3469, 2571],
        [412, 2385, 3220, 2178, 1994, 3049, 2400],
        [1322, 3836, 1472],
    ]
    belenios33.run("election", "verify", "--dir", tmp_path / "out", "--uuid", report["election"])


@pytest.mark.whole_election
@pytest.mark.parametrize(
    "options",
    [
        ["--trustees", "1"],
        ["--trustees", "3", "--threshold", "2"],
        ["--trustees", "3", "--threshold", "3"],
        ["--group", "BELENIOS-2048"],
        ["--group", "RFC-3526-2048", "--trustees", "2"],
    ],
    ids=" ".join,
)
def test_own_files(files: Files, tmp_path: Path, options: list[str]) -> None:
    questions = """[
      {"question": "Shall we?", "answers": ["Yes", "No"], "min": 1, "max": 1},
      {"question": "Who?", "answers": ["Ada", "Grace"], "blank": true, "min": 0, "max": 2}
    ]"""
    votes = "\ufeffmember_number,q1,q2\r\n1,1,1 2\r\n2,2,blank\r\n3,2,\r\n1,2,2\r\n"
    out = tmp_path / "out"
    done = run_demo(*files.options(ROLL, votes, questions), *options, "--out", str(out))
    assert done.returncode == 0, done.stdout + done.stderr
    report = require_complete(out)
    assert (report["ballots"], report["counted"]) == (4, 3)
    assert report["result"] == [[0, 5], [3, 0, 1]]


def test_a_demo_shows_elections_that_would_not_be_opened_and_says_so(
    tmp_path: Path, files: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    roll = "name,member_number,weight\nAda,1,9\nGrace,2,1\n"
    options = files.options(roll, "member_number,q1\n1,1\n")
    command.main([*options, "--out", str(tmp_path / "out")], standalone_mode=False)
    require_complete(tmp_path / "out")
    assert "! Privacy check: Every result shows how 2 members vote" in capsys.readouterr().out


def test_a_changed_record_is_not_decrypted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, files: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    """The trustees look before they use their keys; without them there is no result, and the exit status says so."""
    download = Client.download

    def change(self: Client, path: str, target: Path) -> None:
        download(self, path, target)
        if target.suffix == ".bel":
            raw = target.read_bytes()
            assert raw.count(b'"election_hash"') == 1
            target.write_bytes(raw.replace(b'"response":"1', b'"response":"2', 1))

    monkeypatch.setattr(Client, "download", change)
    options = files.options(ROLL, "member_number,q1\n1,1\n")
    with pytest.raises(SystemExit) as ended:
        command.main([*options, "--out", str(tmp_path / "out")], standalone_mode=False)
    assert ended.value.code == 1
    said = capsys.readouterr()
    assert "The trustees do not open a record in which the auditor has findings." in said.err
    assert not (tmp_path / "out" / "report.json").exists()


def test_a_result_that_is_not_the_plain_count_is_exit_1(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, files: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("voting_app.demo.run.count_votes", lambda _: [[0, 1]])
    options = files.options(ROLL, "member_number,q1\n1,1\n")
    with pytest.raises(SystemExit) as ended:
        command.main([*options, "--out", str(tmp_path / "out")], standalone_mode=False)
    assert ended.value.code == 1
    assert "NOT SOUND" in capsys.readouterr().out
    assert read_report(tmp_path / "out")["plain_count"]["equal"] is False


def test_a_receipt_whose_ballot_was_removed_is_noticed(tmp_path: Path) -> None:
    election = sound("plain")
    key = election.service_key.public
    path = tmp_path / "box.bel"
    path.write_bytes(election.archive)
    assert find_missing_receipts(path, election.election, election.receipts, key) == []
    first = election.index("Ballot")
    path.write_bytes(
        election.with_entries([e for place, e in enumerate(election.entries) if place != first]).archive
    )
    missing = find_missing_receipts(path, election.election, election.receipts, key)
    # The one that is gone, and all that have moved.
    assert missing == list(election.receipts)


# --- left open -----------------------------------------------------------------------------------------------


def find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Open:
    """A demo that waits with an open election."""

    def __init__(self, process: "subprocess.Popen[str]", out: Path) -> None:
        self.process, self.out = process, out
        self.said: list[str] = []

    def wait(self) -> str:
        """Until the election is open; its address."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if line.startswith("Press Ctrl-C"):
                [address] = [line.strip() for line in self.said if line.startswith("http://")]
                return address
        raise AssertionError("".join(self.said))

    def end(self) -> str:
        """All that it says until its end."""
        rest, _ = self.process.communicate(timeout=120)
        return "".join(self.said) + rest


@pytest.fixture
def open_demo(files: Files, tmp_path: Path) -> Iterator[Open]:
    out = tmp_path / "out"
    options = files.options(ROLL, "member_number,q1\n1,1\n2,2\n4,1\n")
    process = subprocess.Popen(
        [*COMMAND, *options, "--serve", "--port", str(find_free_port()), "--out", str(out)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    try:
        yield Open(process, out)
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def test_serve_takes_a_ballot_of_belenios_tool_and_closes_on_sigterm(
    open_demo: Open, belenios33: Tool, tmp_path: Path
) -> None:
    address = open_demo.wait()
    url, _, uuid = address.partition("/elections/")
    assert httpx.get(address).status_code == 200
    spare = (open_demo.out / "spare-credentials.txt").read_text().splitlines()
    assert len(set(spare)) == 5
    (tmp_path / "credential.txt").write_text(spare[2] + "\n")
    (tmp_path / "choice.json").write_text("[[1,0]]")
    ballot = belenios33.run(
        *("election", "generate-ballot", "--url", f"{url}/", "--uuid", uuid),
        *("--privcred", tmp_path / "credential.txt", "--choice", tmp_path / "choice.json"),
        cwd=tmp_path,
    ).stdout
    answer = httpx.post(f"{url}/api/v1/elections/{uuid}/ballots", content=ballot.encode())
    assert answer.status_code == 201
    open_demo.process.send_signal(signal.SIGTERM)
    # Whoever is impatient loses nothing.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGINT):
        time.sleep(0.2)
        open_demo.process.send_signal(number)
    said = open_demo.end()
    assert open_demo.process.returncode == 0, said
    report = require_complete(open_demo.out)
    assert (report["ballots"], report["counted"]) == (4, 4)
    assert report["result"] == [[3, 3]]
    assert "plus 1 ballot by spare credentials" in said
    # Links for whoever votes in the browser.
    assert [f"{address}/vote#{code}.{report['fingerprint']}" in said for code in spare] == [True] * 5
    assert "nothing is lost by waiting" in said
    belenios33.run("election", "verify", "--dir", open_demo.out, "--uuid", uuid)


def test_serve_without_further_ballots_closes_on_ctrl_c(open_demo: Open) -> None:
    open_demo.wait()
    open_demo.process.send_signal(signal.SIGINT)
    said = open_demo.end()
    assert open_demo.process.returncode == 0, said
    assert require_complete(open_demo.out)["result"] == [[2, 3]]


def test_interrupted_before_the_voting(open_demo: Open) -> None:
    assert open_demo.process.stdout is not None
    for line in open_demo.process.stdout:
        if line.startswith("1. "):
            break
    open_demo.process.send_signal(signal.SIGINT)
    said = open_demo.end()
    # Quick computers may be voting by then; then it closes, counts and verifies.
    assert open_demo.process.returncode in (0, 130), said
    assert "Traceback" not in said


def test_a_busy_port_is_said(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = run_demo("--serve", "--port", str(port), "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert (
        done.stderr
        == f"Port {port} is used by another program on this computer; choose another one with --port.\n"
    )
