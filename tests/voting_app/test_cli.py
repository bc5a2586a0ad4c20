"""`steward`: an election from a terminal, refusals in one sentence, and the server as a process."""

import contextlib
import csv
import io
import json
import os
import re
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.voting_app.api import ALONE, QUESTIONS, ROLL
from voting_app.accounts.service import create_account
from voting_app.cli import main
from voting_app.commands import TERMINAL, make_actor
from voting_app.context import Context

NEW = {
    "name": "Officers",
    "questions": QUESTIONS,
    "closes_at": "2099-11-23T12:00:00Z",
    "trustees": {"singles": 1},
    "credential_mode": "server",
    **ALONE,
}
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("STEWARD_")}


class Terminal:
    """Runs `steward` as a person would."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.errors = ""
        self.command = [sys.executable, "-c", "from voting_app.cli import main; main()"]

    def run(self, *words: str, status: int = 0) -> str:
        """The entry point in this process, which saves a second of imports for each command."""
        out, err = io.StringIO(), io.StringIO()
        arguments = ["steward", "--instance", str(self.folder / "instance"), *words]
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            patch.setattr(sys, "argv", arguments)
            for name in set(os.environ) - set(ENVIRONMENT):
                patch.delenv(name)
            with pytest.raises(SystemExit) as ended:
                main()
        self.errors = err.getvalue()
        assert (ended.value.code or 0) == status, out.getvalue() + err.getvalue()
        return (out if status == 0 else err).getvalue().strip()


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


def test_the_terminal_is_one_of_two_officers(terminal: Terminal) -> None:
    terminal.run("upgrade")
    two = {name: value for name, value in NEW.items() if name not in ALONE}
    (terminal.folder / "new.json").write_text(json.dumps(two))
    uuid = terminal.run("election", "create", "new.json")
    for _ in range(2):
        told = terminal.run("election", "cancel", uuid, "--reason", "Wrong ballot")
        assert told.startswith("Proposed, and not done yet: waiting for a second person of the committee")
    assert "state        draft" in terminal.run("election", "status", uuid)


def test_an_officer_who_is_called_like_it_is_not_the_terminal(context: Context) -> None:
    """Without it: what is done on the server would stand in the journal as done by that officer."""
    with context.database.write() as session:
        officer = create_account(
            session, role="committee", label=TERMINAL, email="t@example.org", now=context.clock.now()
        )
    terminal = make_actor(context, "committee")
    assert terminal != officer
    assert make_actor(context, "committee") == terminal


def test_an_election_is_prepared_from_the_terminal(terminal: Terminal) -> None:
    folder = terminal.folder
    assert terminal.run("token", "create", "--role", "committee", status=1).endswith("run `steward upgrade`")
    terminal.run("upgrade")
    (folder / "new.json").write_text(json.dumps(NEW))
    # A comma, which must be quoted, and a formula: in a spreadsheet it could send the codes away.
    (folder / "roll.csv").write_text(ROLL.replace(",M4", ',"M4, retired"') + "Eve,=HYPERLINK(B2)\n")
    uuid = terminal.run("election", "create", "new.json")
    assert terminal.run("election", "roll", uuid, "roll.csv") == "5 members, 5 of them may vote."
    assert re.fullmatch("[0-9a-f]{64}", terminal.run("election", "freeze", uuid))
    terminal.run("election", "credentials", uuid, "--out", "secret.csv")
    secret = folder / "secret.csv"
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    rows = list(csv.DictReader(secret.read_text().splitlines()))
    numbers = ["'=HYPERLINK(B2)", "M1", "M2", "M3", "M4, retired"]
    assert [row["member_number"] for row in rows] == numbers
    again = terminal.run("election", "credentials", uuid, "--out", "second.csv", status=1)
    assert again == "Error: The credentials of this election were published before."
    assert not (folder / "second.csv").exists()
    owner, kind, token, link = terminal.run(
        "election", "trustees", uuid, "--name", "1=Ada B.", "--email", "1=ada@example.org"
    ).split()
    assert (owner, kind) == ("1", "single")
    assert link == f"http://127.0.0.1:8000/elections/{uuid}/trustee#{token}"
    assert terminal.run("election", "status", uuid).splitlines()[-1] == (
        "next         trustee 1 (Ada B.): commitment"
    )
    terminal.run("election", "trustee", uuid, "1", "--email", "ada@example.net")
    assert terminal.run("election", "status", uuid).splitlines()[-1] == "next         trustee 1: commitment"
    for wrong in ("ada@example.org", "x=y", "1=a\n@b.c"):
        terminal.run("election", "trustees", uuid, "--email", wrong, status=1 if wrong[0] == "1" else 2)
    assert terminal.run("mail", "list") == ""
    assert terminal.run("mail", "send", status=1).endswith("the setting smtp_url is empty")
    seat = terminal.run(
        "election", "restart", uuid, "1", "--reason", "The token was mailed to the wrong person."
    )
    assert seat.startswith("1 single ")
    assert seat.split()[2] != token
    early = terminal.run("election", "keys", uuid, status=1)
    assert early == "Error: The keys are not complete: trustee 1 has not finished."
    status = json.loads(terminal.run("election", "status", uuid, "--json"))
    assert (status["state"], status["members"]) == ("roll-frozen", 5)
    assert uuid in terminal.run("election", "list")
    assert terminal.run("election", "cancel", uuid, "--reason", "A test.").endswith("is cancelled.")
    terminal.run("election", "export", uuid, "out")
    lines = (folder / "out" / f"{uuid}.journal.jsonl").read_text().splitlines()
    actors = {json.loads(line)["actor"].split(":")[0] for line in lines}
    assert actors == {"service", "committee", "registrar"}
    assert (folder / "out" / f"{uuid}.bel").read_bytes()[:8] == b"BELENIOS"


def test_refusals_are_sentences(terminal: Terminal) -> None:
    terminal.run("upgrade")
    folder = terminal.folder
    (folder / "new.json").write_text(json.dumps(NEW | {"group": "P-256"}))
    assert terminal.run("election", "create", "new.json", status=1).startswith("Error: group: One of these")
    (folder / "new.json").write_text(json.dumps(NEW))
    uuid = terminal.run("election", "create", "new.json")
    (folder / "roll.csv").write_text("name,member_number,weight\nA,1,1\n,2,1\nC,3,none\n")
    refused = terminal.run("election", "roll", uuid, "roll.csv", status=1).splitlines()
    assert [line.partition(":")[0] for line in refused[1:]] == ["row 3, name", "row 4, weight"]
    unknown = terminal.run("election", "status", "1111111111111A", status=1)
    assert unknown == "Error: There is no election with this address."
    assert "cannot open" in terminal.run("election", "open", uuid, status=1)
    assert "Give either" in terminal.run("election", "credentials", uuid, status=2)
    terminal.run("token", "create", "--role", "king", status=2)


def test_a_lost_administrator_is_helped_on_the_server(terminal: Terminal) -> None:
    terminal.run("upgrade")
    assert terminal.run("admin", "list") == ""
    link = terminal.run("admin", "reset")
    assert re.fullmatch(r"http://127\.0\.0\.1:8000/setup/[\w-]{43}", link)
    unknown = terminal.run("admin", "reset", "--email", "ada@example.org", status=1)
    assert unknown == "Error: There is no administrator with this mail address."


def test_a_roll_is_looked_at_before_it_is_taken(terminal: Terminal) -> None:
    terminal.run("upgrade")
    folder = terminal.folder
    (folder / "new.json").write_text(json.dumps(NEW))
    (folder / "roll.csv").write_text("name,member_number,address,weight\n=Ada,01,x,1\nGrace,2,,3\n")
    last, uuid = (terminal.run("election", "create", "new.json") for _ in range(2))
    terminal.run("election", "roll", last, "roll.csv")
    terminal.run("election", "freeze", last)
    (folder / "next.csv").write_text(
        'name;member_number;address;weight\n=Ada;1;x;1\nKim;2;"1 Main St\nTown";3\n'
    )
    assert terminal.run("election", "roll", uuid, "next.csv", "--preview").splitlines() == [
        "2 members, 2 of them may vote, 0 may not.",
        "All votes together weigh 4.",
        f"Beside the roll of “Officers” ({last}):",
        "New (1):",
        "  row 2, 1, =Ada",
        "Gone (1):",
        "  01, =Ada",
        "Perhaps the same person under another number (1):",
        "  01 was, row 2 is",
        "Changed (2):",
        "  row 3, 2, name: Grace → Kim",
        "  row 3, 2, address: - → 1 Main St / Town",
    ]
    # Nothing was taken.
    terminal.run("election", "save-roll", uuid, "none.csv")
    assert (folder / "none.csv").read_text("utf-8-sig").count("\n") == 1
    (folder / "bad.csv").write_text("name,member_number,\x1b[2J\n,1,\n")
    terminal.run("election", "roll", uuid, "bad.csv", "--preview", status=1)
    assert "\x1b" not in terminal.run("election", "roll", uuid, "bad.csv", status=1)
    terminal.run("election", "roll", uuid, "next.csv", "--against", last, status=2)
    terminal.run("election", "roll", uuid, "next.csv")
    assert terminal.run("election", "save-roll", uuid, "saved.csv") == "Written to saved.csv."
    saved = folder / "saved.csv"
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    assert "'=Ada,1," in saved.read_text()
    assert "Changed" not in terminal.run(
        "election", "roll", uuid, "saved.csv", "--preview", "--against", uuid
    )
    terminal.run("election", "save-roll", uuid, "saved.csv", status=1)


def test_wrong_settings_stop_the_start(terminal: Terminal) -> None:
    (terminal.folder / "instance").mkdir()
    (terminal.folder / "instance" / "steward.toml").write_text("colour = 'red'\n")
    assert "unknown setting: colour" in terminal.run("serve", "--port", "0", status=1)


@contextlib.contextmanager
def serving(terminal: Terminal) -> Iterator[tuple[str, list[str]]]:
    process = subprocess.Popen(
        [*terminal.command, "--instance", str(terminal.folder / "instance"), "serve", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=ENVIRONMENT | {"PYTHONPATH": str(Path(__file__).parents[2]), "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    lines = [process.stdout.readline().strip()]
    try:
        address = re.search(r"http://127\.0\.0\.1:[0-9]+", lines[0])
        assert address is not None, lines
        yield address[0], lines
    finally:
        process.send_signal(signal.SIGTERM)
        lines += process.stdout.read().splitlines()
        process.stdout.close()
        assert process.wait(30) == 0


def test_serve_prints_the_first_administrators_link_answers_and_ends_on_sigterm(terminal: Terminal) -> None:
    with serving(terminal) as (address, lines):
        document = httpx.get(f"{address}/api/v1/openapi.json", trust_env=False).json()
        assert document["openapi"] == "3.1.0"
        answer = httpx.get(f"{address}/api/v1/elections", trust_env=False)
        assert (answer.status_code, answer.json()["code"]) == (401, "not-authenticated")
        token = terminal.run("token", "create", "--role", "committee")
        headers = {"Authorization": f"Bearer {token}"}
        assert httpx.get(f"{address}/api/v1/elections", headers=headers, trust_env=False).json() == {
            "elections": []
        }
    assert f" {address}/setup/" in lines[1]


def test_a_second_start_on_the_same_port_leaves_the_first_ones_link_alone(terminal: Terminal) -> None:
    def read_links() -> list[tuple[object, ...]]:
        with contextlib.closing(sqlite3.connect(terminal.folder / "instance" / "steward.sqlite3")) as file:
            return file.execute("SELECT * FROM setup_link").fetchall()

    with serving(terminal) as (address, _):
        # It answers, so its link is there.
        httpx.get(f"{address}/api/v1/openapi.json", trust_env=False)
        links = read_links()
        port = address.rpartition(":")[2]
        # A process of its own: waitress leaves its socket to the end of the process.
        second = subprocess.run(
            [*terminal.command, "--instance", str(terminal.folder / "instance"), "serve", "--port", port],
            capture_output=True,
            text=True,
            check=False,
            env=ENVIRONMENT | {"PYTHONPATH": str(Path(__file__).parents[2])},
        )
        assert second.returncode == 1
        assert second.stderr.startswith(f"Error: cannot listen at 127.0.0.1, port {port}: ")
        assert (len(links), read_links()) == (1, links)


def test_an_ended_token_is_refused_at_once(terminal: Terminal) -> None:
    terminal.run("upgrade")
    terminal.run("token", "create", "--role", "observer")
    number = terminal.errors.split()[-1]
    assert terminal.run("token", "end", number) == "Ended."
    terminal.run("token", "end", number, status=1)
