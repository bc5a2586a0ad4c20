"""Measures what the project promises about speed and memory, and prints targets beside figures.

All speeds are ratios of two things measured in the same run: absolute figures say more about a computer than about a
program. Nothing is kept but in a temporary folder.
"""

import argparse
import contextlib
import io
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

from flask.testing import FlaskClient
from rich.console import Console
from rich.table import Table

from crypto.election import parse_election
from crypto.roll import Member, encode_roll
from tests.belenios import ToolMissingError, find_tool, tool_environment
from tests.bench import mailing, measuring
from tests.bench.load import encode_requests
from tests.bench.making import PROCESSES, Voting, make_ballots, make_voting, measure_verification
from tests.bench.pages import bench_pages
from tests.flows.office import make_office
from tests.postgres import PostgresMissingError, running_cluster
from tests.simulator import YES_NO
from tests.voting_app.casting import open_box
from tests.voting_app.office import find_form_token
from voting_app.access import Role
from voting_app.accounts.service import create_token
from voting_app.app import create_app
from voting_app.clock import SystemClock
from voting_app.config import load_settings
from voting_app.context import Context, get_context
from voting_app.db import Database, upgrade
from voting_app.demo.client import Client
from voting_app.demo.people import Committee, Plan, Registrar, base, read_tally
from voting_app.demo.server import running_server
from voting_app.ledger import service as ledger

PARTS = ("verify", "memory", "cast", "close", "roll", "sheets", "mail", "pages")
TOOL_RUNS = 5
OUR_RUNS = 3
WORKERS = 2
# Ballots that wait for each other share a transaction, so a worker has many threads; but as there is a worker for each
# processor, only one of its ballots is verified at a time.
THREADS = 32
VERIFICATIONS = 1
CONNECTIONS = 64
PROJECT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Sizes:
    """How many ballots each part takes, how many members the roll has, and how many sheets are printed."""

    verify: int
    memory: int
    cast: int
    close: int
    roll: int
    sheets: int


FULL = Sizes(verify=2_000, memory=20_000, cast=2_000, close=10_000, roll=10_000, sheets=10_000)
QUICK = Sizes(verify=300, memory=2_000, cast=400, close=1_000, roll=1_000, sheets=1_000)


@dataclass
class Results:
    """The table at the end."""

    rows: list[tuple[str, str, str, str]] = field(default_factory=list)

    def add(self, what: str, found: str, target: str, is_met: bool | None) -> None:
        verdict = {True: "met", False: "MISSED", None: ""}[is_met]
        self.rows.append((what, found, target, verdict))

    def print(self) -> None:
        table = Table("measured", "found", "target", "", title="Targets are ratios within this run")
        for row in self.rows:
            table.add_row(*row)
        Console(width=None if sys.stdout.isatty() else 120).print(table)


def warn_if_busy() -> None:
    """Say it when figures by time are not to be believed."""
    free = measuring.get_free_processors(PROCESSES)
    if free < 0.9 * PROCESSES:
        say(
            f"  NOTE: other programs leave {free:.1f} of {PROCESSES} processors at this moment; figures by time, and "
            "--jobs 2 above all, say little. Those by processor time hold."
        )


def say(text: str) -> None:
    print(text, flush=True)


# --- the auditor beside belenios-tool --------------------------------------------------------------------------------


def bench_verify(voting: Voting, folder: Path, results: Results) -> None:
    """Ratio to belenios-tool on one processor, and to ourselves on two."""
    archive = voting.write_archive(folder)
    count = len(voting.ballots)
    one = [measuring.verify(archive, 1) for _ in range(OUR_RUNS)]
    two = [measuring.verify(archive, 2) for _ in range(OUR_RUNS)]
    ours, both = min(one, key=lambda taken: taken.wall), min(two, key=lambda taken: taken.wall)
    for jobs, runs in ((1, one), (2, two)):
        figures = ", ".join(f"{taken.wall:.2f} s ({taken.cpu:.2f} s processor)" for taken in runs)
        say(f"  steward-audit verify --jobs {jobs}: {figures}")
    try:
        tool = find_tool("3.3.0")
    except ToolMissingError as missing:
        results.add("steward-audit --jobs 1 beside belenios-tool 3.3.0", str(missing), "≥ 1.5", None)
    else:
        command = [tool.path, "election", "verify", "--dir", folder, "--uuid", voting.start.election.uuid]
        runs = [measuring.run(command, tool_environment()) for _ in range(TOOL_RUNS)]
        say(f"  belenios-tool 3.3.0 election verify: {', '.join(f'{t.cpu:.2f}' for t in runs)} s processor")
        say("  (the longest counts: some of its runs end before the ballots have been checked)")
        longest = max(taken.cpu for taken in runs)
        by_cpu, by_wall = longest / ours.cpu, longest / ours.wall
        results.add(
            f"verify {count} ballots, --jobs 1, beside belenios-tool 3.3.0 (longest of {TOOL_RUNS})",
            f"{by_wall:.2f} × by time, {by_cpu:.2f} × by processor time",
            "≥ 1.5 ×",
            # Both work on one processor, and other programs do not change this ratio.
            by_cpu >= 1.5,
        )
    ratio = ours.wall / both.wall
    results.add(
        f"verify {count} ballots, --jobs 2 beside --jobs 1", f"{ratio:.2f} ×", "≥ 1.7 ×", ratio >= 1.7
    )


def bench_memory(voting: Voting, folder: Path, results: Results) -> None:
    """Peak of the largest process."""
    archive = voting.write_archive(folder)
    peaks = []
    for jobs in (1, 2):
        taken = measuring.verify(archive, jobs)
        say(f"  --jobs {jobs}: {taken.peak:.0f} MB, {taken.wall:.1f} s")
        peaks.append(taken.peak)
    count, peak = len(voting.ballots), max(peaks)
    results.add(
        f"peak memory of the largest process, {count} ballots", f"{peak:.0f} MB", "< 300 MB", peak < 300
    )


# --- casting ---------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _gunicorn(instance: Path, database_url: str) -> Iterator[tuple[int, int]]:
    """The application as docs/operations.md runs it; its port and the process id of the first process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    own = {name: value for name, value in os.environ.items() if not name.startswith("STEWARD_")}
    log = instance / "gunicorn.log"
    with log.open("wb") as output:
        server = subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}"),
                *("--workers", str(WORKERS), "--threads", str(THREADS), "--keep-alive", "60"),
                *("--log-level", "warning", "voting_app.wsgi:app"),
            ],
            env={
                **own,
                "STEWARD_INSTANCE": str(instance),
                "STEWARD_DATABASE_URL": database_url,
                "STEWARD_MAX_VERIFICATIONS": str(VERIFICATIONS),
            },
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=PROJECT,
        )
        try:
            _wait_for_port(port, server, log)
            yield port, server.pid
        finally:
            server.terminate()
            server.wait()


def _wait_for_port(port: int, server: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(300):
        if server.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                time.sleep(1)  # the second worker
                return
        time.sleep(0.1)
    raise RuntimeError(f"gunicorn did not start:\n{log.read_text()}")


def _vote(port: int, uuid: str, ballots: list[bytes], folder: Path) -> tuple[float, float]:
    """(seconds, the client's processor seconds) for casting these ballots."""
    file = folder / "requests"
    file.write_bytes(encode_requests(uuid, ballots))
    command = [sys.executable, "-m", "tests.bench.load", str(port), str(CONNECTIONS), str(file)]
    answer = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=PROJECT)
    seconds, cpu, statuses = json.loads(answer.stdout)
    if statuses != {"201": len(ballots)}:
        raise RuntimeError(f"ballots were refused: {statuses}")
    return seconds, cpu


class _Meter:
    """Processor seconds of those who take part in casting, from when it was made."""

    def __init__(self, server: int, database: int | None) -> None:
        """server, database: ids of gunicorn's and PostgreSQL's first process."""
        self._server, self._database = server, database
        self._before = self._read()

    def _read(self) -> dict[str, float]:
        workers = measuring.get_children([self._server])
        parts = {"workers": workers, "verifiers": measuring.get_children(workers)}
        if self._database is not None:
            parts["database server"] = [self._database, *measuring.get_children([self._database])]
        return {name: measuring.get_cpu_seconds(pids) for name, pids in parts.items()}

    def read(self) -> dict[str, float]:
        return {name: seconds - self._before[name] for name, seconds in self._read().items()}


def bench_cast(
    voting: Voting, url: str, kind: str, folder: Path, results: Results, database_pid: int | None = None
) -> None:
    """Casts per second over HTTP, as a share of what verification alone allows."""
    instance = folder / kind
    settings = load_settings(instance, {}, database_url=url)
    upgrade(url)
    database = Database(url)
    context = Context(settings, database, SystemClock())
    box_id = open_box(context, voting.start)
    warm, measured = voting.ballots[:50], voting.ballots[50:]
    uuid = voting.start.election.uuid
    before = measure_verification(voting)
    with _gunicorn(instance, url) as (port, pid):
        _vote(port, uuid, warm, folder)
        meter = _Meter(pid, database_pid)
        seconds, client = _vote(port, uuid, measured, folder)
        taken = meter.read()
    after = measure_verification(voting)
    with database.read() as session:
        kept = ledger.count_ballots(session, box_id)
    database.dispose()
    if kept != len(voting.ballots):
        raise RuntimeError(f"{kept} of {len(voting.ballots)} ballots are in the box")
    rate, alone = len(measured) / seconds, (before.rate + after.rate) / 2
    per_cast = {name: 1000 * cpu / len(measured) for name, cpu in {**taken, "voters": client}.items()}
    alone_cpu = 1000 * (before.cpu + after.cpu) / 2

    # The voters work on the same processors as the application; what they took, it could not have. So it is with the
    # database server, but that is a part of casting: its share is printed, and not what the target means.
    def share_of(others: float) -> float:
        return rate / (alone * (PROCESSES - others / seconds) / PROCESSES)

    net = share_of(client)
    shares = f"{rate / alone:.0%}; {net:.0%} of what the voters' processes leave; "
    if "database server" in taken:
        shares += (
            f"{share_of(client + taken['database server']):.0%} of what they and the database server leave; "
        )
    say(
        f"  {kind}: {rate:.0f} casts/s; verification alone {before.rate:.0f}/s before, {after.rate:.0f}/s after, "
        f"{alone_cpu:.2f} ms of processor time"
    )
    parts = ", ".join(f"{name} {cpu:.2f} ms" for name, cpu in per_cast.items())
    say(f"    processor time per cast {sum(per_cast.values()):.2f} ms: {parts}")
    warn_if_busy()
    by_cpu = alone_cpu / (per_cast["workers"] + per_cast["verifiers"])
    results.add(
        f"casts/s over HTTP on {kind} beside verification alone",
        f"{shares}{by_cpu:.0%} by processor time",
        "≥ 60 %",
        net >= 0.6,
    )


def bench_casts(voting: Voting, folder: Path, results: Results) -> None:
    """On both databases, each as durable as in real use."""
    bench_cast(voting, f"sqlite:///{folder / 'bench.sqlite3'}", "SQLite", folder, results)
    try:
        with running_cluster(durable=True) as cluster:
            bench_cast(voting, cluster.new_database(), "PostgreSQL", folder, results, cluster.pid)
    except PostgresMissingError as missing:
        results.add("casts/s over HTTP on PostgreSQL", str(missing), "≥ 60 %", None)


# --- from closing to the result --------------------------------------------------------------------------------------


def bench_close(ballots: int, folder: Path, results: Results) -> None:
    """A whole election over HTTP, but for the ballots, which are put into the box beforehand."""
    settings = load_settings(folder, {})
    upgrade(settings.database_url)
    database = Database(settings.database_url)
    with ExitStack() as stack:
        with database.write() as session:
            now = SystemClock().now()
            chair, secretary, desk = (
                create_token(session, role=role, label="bench", now=now).text
                for role in (Role.COMMITTEE, Role.COMMITTEE, Role.REGISTRAR)
            )
        server = stack.enter_context(running_server(folder, 0))
        client = stack.enter_context(Client(server.url))
        committee = Committee(client, chair, secretary)
        closes_at = (now + timedelta(days=1)).replace(second=0, microsecond=0)
        uuid = committee.create(Plan("Bench", "", (YES_NO,), "Ed25519", 3, 2, False, closes_at))
        members = [Member(f"Member {number}", str(number)) for number in range(ballots)]
        committee.freeze_roll(uuid, encode_roll(members).encode())
        registrar = Registrar(client, desk)
        credentials = registrar.issue(uuid, "Ed25519", {member.member_number: 1 for member in members})
        trustees = committee.seat_trustees(uuid)
        for act in ("certificate", "commitment", "reveal", "share"):
            for trustee in trustees:
                getattr(trustee, f"send_{act}")()
        committee.act(uuid, "keys")
        for trustee in trustees:
            trustee.send_drill()
        committee.act(uuid, "open")
        made = make_ballots(client.get_bytes(f"{base(uuid)}/election"), list(credentials.values()))
        with database.write() as session:
            box_id = ledger.get_box_id(session, uuid)
            for ballot in made:
                ledger.append(session, box_id, ledger.BALLOT, [ballot])
        database.dispose()

        started = time.perf_counter()
        committee.act(uuid, "close")
        while client.get(f"{base(uuid)}/status")["box"]["state"] in ("voting", "ended"):
            time.sleep(0.05)
        summed = time.perf_counter()
        archive = folder / "box.bel"
        client.download(f"/elections/{uuid}/{uuid}.bel", archive)
        fetched = time.perf_counter()
        election = parse_election(client.get_bytes(f"{base(uuid)}/election"))
        tally = read_tally(archive, election)
        for trustee in trustees[:2]:
            trustee.send_decryption(election, tally)
        while client.get(f"{base(uuid)}/status")["state"] != "tallied":
            time.sleep(0.05)
        ended = time.perf_counter()
    say(
        f"  encrypted sum {summed - started:.1f} s, download {fetched - summed:.1f} s, "
        f"decryption by two trustees and result {ended - fetched:.1f} s"
    )
    results.add(
        f"from closing to the result, {ballots} ballots", f"{ended - started:.1f} s", "(printed)", None
    )


def bench_roll(count: int, folder: Path, results: Results) -> None:
    """A roll that is looked at beside the last one, taken, and saved, over HTTP and without a network."""
    settings = load_settings(folder, {})
    upgrade(settings.database_url)
    app = create_app(settings)
    context = get_context(app)
    with context.database.write() as session:
        token = create_token(session, role=Role.COMMITTEE, label="bench", now=context.clock.now()).text
    client = app.test_client()

    def send(path: str, body: str | None = None, method: str = "POST") -> tuple[float, bytes]:
        started = time.perf_counter()
        headers = {"Authorization": f"Bearer {token}"}
        answer = client.open(f"/api/v1/elections{path}", method=method, data=body, headers=headers)
        if answer.status_code not in (200, 201):
            raise RuntimeError(f"{path}: {answer.get_data(as_text=True)[:500]}")
        return time.perf_counter() - started, answer.data

    new = {
        "name": "Bench",
        "questions": [{"answers": ["Yes", "No"], "min": 1, "max": 1, "question": "?"}],
        "closes_at": "2099-11-23T12:00:00Z",
        "trustees": {"singles": 1},
        "single_officer": "A bench has one officer.",
    }
    last, uuid = (json.loads(send("", json.dumps(new))[1])["uuid"] for _ in range(2))
    members = [
        Member(
            name=f"María-José Ñandú the {number}th",
            member_number=f"{number:06}",
            email=f"member{number}@example.org",
            phone=f"+1 555 {number:06}",
            address=f"{number} Long Street\nSpringfield, IL 62701",
            unit=f"Region {number % 5} > Local {number % 50}",
        )
        for number in range(count)
    ]
    roll = encode_roll(members)
    # Half of them have changed in something.
    earlier = encode_roll(replace(m, phone="") if place % 2 else m for place, m in enumerate(members))
    send(f"/{last}/roll", earlier)
    send(f"/{last}/roll/freeze", "{}")
    preview, answer = send(f"/{uuid}/roll/preview", roll)
    take, _ = send(f"/{uuid}/roll", roll)
    save, saved = send(f"/{uuid}/roll/file", None, "GET")
    if saved.decode("utf-8-sig") != roll:
        raise RuntimeError("the saved roll is not the one that was taken")
    office = app.test_client()
    office.set_cookie("steward-office", make_office(app).cookie)
    shown = _show_roll_file(office, uuid, earlier)
    listed = _show_lists(office, uuid, count)
    context.database.dispose()
    size, answered = len(roll.encode()) / 1e6, len(answer) / 1e6
    say(
        f"  a file of {size:.1f} MB: preview {preview:.2f} s (an answer of {answered:.1f} MB), import {take:.2f} s, "
        f"saved in {save:.2f} s"
    )
    say(f"  the office's page about such a file, beside the roll that was taken: {shown:.2f} s")
    say("  lists, a page in the middle and a search: " + ", ".join(f"{s:.2f} s" for s in listed))
    results.add(f"preview of a roll with {count} members", f"{preview:.1f} s", "< 10 s", preview < 10)
    results.add(
        f"page of a file with {count} members, upload included", f"{shown:.1f} s", "< 10 s", shown < 10
    )
    results.add(
        f"slowest list of {count} members, a page or a search", f"{max(listed):.1f} s", "(printed)", None
    )


def _show_roll_file(client: FlaskClient, uuid: str, roll: str) -> float:
    """How long an officer waits from sending a file to the page that says what is in it."""
    page = f"/office/elections/{uuid}/roll"
    token = find_form_token(client.get(page).text)
    started = time.perf_counter()
    client.post(f"{page}/file", data={"csrf_token": token, "file": (io.BytesIO(roll.encode()), "roll.csv")})
    answer = client.get(f"{page}/preview")
    if answer.status_code != 200:
        raise RuntimeError(f"the page about a roll file was answered with {answer.status_code}")
    return time.perf_counter() - started


def _show_lists(client: FlaskClient, uuid: str, count: int) -> list[float]:
    """Seconds for a page in the middle and a search, in each list of all members."""
    seconds = []
    for place, words in (("roll", "words"), ("credentials/members", "q"), ("mailing/members", "words")):
        for query in (f"page={count // 100 + 1}", f"{words}=nandu+{count // 2}th"):
            started = time.perf_counter()
            answer = client.get(f"/office/elections/{uuid}/{place}?{query}")
            if answer.status_code != 200 or f"{count // 2}th" not in answer.text:
                raise RuntimeError(f"the list {place} was answered with {answer.status_code}")
            seconds.append(time.perf_counter() - started)
    return seconds


def bench_sheets(count: int, results: Results) -> None:
    """A page for each member, in three languages: as one document, and out of the office, from the roll on."""
    for program, what in (("sheets", "voting sheets as PDF"), ("office_sheets", "sheets out of the office")):
        taken = measuring.run([sys.executable, "-m", f"tests.bench.{program}", str(count)])
        say(f"  {what}: {taken.wall:.1f} s, {taken.cpu:.1f} s of processor time, {taken.peak:.0f} MB")
        warn_if_busy()
        found = f"{taken.wall:.1f} s, {taken.peak:.0f} MB"
        results.add(f"{count} {what}", found, "< 60 s", taken.wall < 60)


def bench_mail(count: int, folder: Path, results: Results) -> None:
    """What a person waits for, and how fast mail goes out without and with a limit."""
    found = mailing.measure(count, folder)
    say(f"  asking for addresses {found.asking:.1f} s, the list before sending {found.looking:.1f} s")
    say(f"  starting the run {found.starting:.1f} s; {found.fast:.0f} mails in a second without a limit")
    warn_if_busy()
    longest = max(found.asking, found.looking, found.starting)
    results.add(
        f"longest wait on a page of mail to {count} members", f"{longest:.1f} s", "< 10 s", longest < 10
    )
    limit = mailing.ALLOWED_PER_MINUTE / 60
    results.add(
        "mails in a second, paced", f"{found.paced:.1f}", f"at most {limit:.0f}", found.paced <= limit * 1.1
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer ballots: a look, not a measurement")
    parser.add_argument("--part", choices=PARTS, action="append", help="only this part; may be repeated")
    options = parser.parse_args()
    sizes = QUICK if options.quick else FULL
    parts = options.part or PARTS
    results = Results()
    with tempfile.TemporaryDirectory(prefix="steward-bench-") as name:
        folder = Path(name)
        voting = None
        if "verify" in parts or "cast" in parts:
            say(f"Making {sizes.verify} ballots")
            voting = make_voting(max(sizes.verify, sizes.cast))
        if voting is not None and "verify" in parts:
            say(f"Verifying {len(voting.ballots)} ballots")
            warn_if_busy()
            bench_verify(voting, _new_folder(folder, "verify"), results)
        if voting is not None and "cast" in parts:
            say(
                f"Casting {len(voting.ballots)} ballots: gunicorn, {WORKERS} workers with {THREADS} threads each"
            )
            bench_casts(voting, _new_folder(folder, "cast"), results)
        if "memory" in parts:
            say(f"Making {sizes.memory} ballots")
            large = make_voting(sizes.memory)
            say(f"Verifying {sizes.memory} ballots, looking at memory")
            bench_memory(large, _new_folder(folder, "memory"), results)
        if "close" in parts:
            say(f"Making an election with {sizes.close} ballots, then closing it")
            bench_close(sizes.close, _new_folder(folder, "close"), results)
        if "roll" in parts:
            say(f"Previewing, importing and saving a roll of {sizes.roll} members")
            bench_roll(sizes.roll, _new_folder(folder, "roll"), results)
        if "sheets" in parts:
            say(f"Printing {sizes.sheets} voting sheets")
            bench_sheets(sizes.sheets, results)
        if "mail" in parts:
            say(f"Mailing {sizes.roll} members")
            bench_mail(sizes.roll, _new_folder(folder, "mail"), results)
        if "pages" in parts:
            say("Measuring pages in Chromium")
            bench_pages(_new_folder(folder, "pages"), say, results.add)
    say("")
    results.print()


def _new_folder(folder: Path, name: str) -> Path:
    path = folder / name
    path.mkdir()
    return path


if __name__ == "__main__":
    main()
