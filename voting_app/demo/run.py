"""A whole election, step by step, from the roll to the verdict."""

import json
import shlex
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

from crypto.counting import Outcome, decide
from crypto.election import Election, parse_election
from crypto.receipt import Receipt
from crypto.roll import Member, encode_roll
from crypto.words import fingerprint_words
from paper.link import make_link
from voting_app.access import Role
from voting_app.accounts.service import create_token
from voting_app.clock import SystemClock
from voting_app.config import load_settings
from voting_app.db import Database, upgrade
from voting_app.demo.client import Client, RefusedError
from voting_app.demo.count import Counts, count_voters, count_votes, find_difference
from voting_app.demo.files import Case, Vote
from voting_app.demo.people import (
    Committee,
    Plan,
    Registrar,
    Trustee,
    base,
    cast_vote,
    find_missing_receipts,
    read_tally,
)
from voting_app.demo.server import Server, ServerError, running_server
from voting_app.demo.stopping import StopRequest
from voting_app.demo.story import Story
from voting_app.demo.verdict import Verdict, report_lines, result_lines, run_auditor

DEFAULT_FOLDER = Path("demo-out")
SPARE_FILE_NAME = "spare-credentials.txt"
# The group that the pages compute in.
BROWSER_GROUP = "Ed25519"
GUESTS = 5
_POLL_SECONDS = 0.2
# Two voters at a time: while the application verifies one ballot, the next is being encrypted.
_VOTERS_AT_ONCE = 2
_OPEN_FOR = timedelta(days=1)
_OPEN_FOR_GUESTS = timedelta(days=30)


@dataclass(frozen=True)
class Options:
    """What the demo was asked for. presentation: as in Plan; out: None for a folder of the election's own; port: 0 for
    a free one.
    """

    case: Case
    name: str
    description: str
    presentation: dict[str, Any]
    trustees: int
    threshold: int
    group_name: str
    out: Path | None
    is_serving: bool
    port: int


@dataclass(frozen=True)
class _Files:
    """Where the published files of one election go."""

    folder: Path
    uuid: str

    @property
    def archive(self) -> Path:
        return self.folder / f"{self.uuid}.bel"

    @property
    def journal(self) -> Path:
        return self.folder / f"{self.uuid}.journal.jsonl"


def run_demo(options: Options, story: Story, stop: StopRequest) -> bool:
    """Hold the election; whether the audit is sound and the result is the votes file's plain count.

    Raises ServerError (a busy port), RefusedError, AuditorError, OSError, httpx.HTTPError and Interrupted.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="steward-demo-")))
        tokens = _install(folder)
        server = stack.enter_context(running_server(folder, options.port))
        client = stack.enter_context(Client(server.url))
        try:
            return _hold_election(_Demo(options, story, server, client, tokens), server, stop)
        except RefusedError as error:
            if error.status < HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            # The log lies in a folder that is gone in a moment.
            raise ServerError(f"{error}{server.read_log()}") from error


def _hold_election(demo: "_Demo", server: Server, stop: StopRequest) -> bool:
    demo.set_up()
    if demo.is_serving:
        # From here on there are ballots to lose.
        stop.hold()
    demo.open()
    demo.vote()
    if demo.is_serving:
        demo.show_door()
        stop.wait(server.require_running)
    demo.close()
    demo.decrypt()
    demo.certify()
    return demo.verify()


# Two of the committee, because most of its acts need two.
_STAFF = {"chair": Role.COMMITTEE, "secretary": Role.COMMITTEE, "registrar": Role.REGISTRAR}


def _install(folder: Path) -> dict[str, str]:
    """An empty installation in `folder`, and a token for each of its staff, as `steward token create` makes them."""
    settings = load_settings(folder, {})
    upgrade(settings.database_url)
    database = Database(settings.database_url)
    try:
        with database.write() as session:
            now = SystemClock().now()
            return {
                name: create_token(session, role=role, label=f"demo {name}", now=now).text
                for name, role in _STAFF.items()
            }
    finally:
        database.dispose()


class _Demo:
    """The election in hand; the methods are its steps, in this order."""

    def __init__(
        self, options: Options, story: Story, server: Server, client: Client, tokens: dict[str, str]
    ) -> None:
        self._options, self._story = options, story
        self.is_serving = options.is_serving
        self._server, self._client = server, client
        self._case = options.case
        self._committee = Committee(client, tokens["chair"], tokens["secretary"])
        self._registrar = Registrar(client, tokens["registrar"])
        self._guests = _make_guests(options.case.members) if options.is_serving else []
        self._plan = _make_plan(options)
        self._trustees: list[Trustee] = []
        self._credentials: dict[str, str] = {}
        self._receipts: list[Receipt] = []

    # --- before the voting ---------------------------------------------------------------------------

    def set_up(self) -> None:
        """Roll, credentials, trustees, drill: up to an election that may be opened."""
        self._create()
        self._issue_credentials()
        self._make_keys()
        self._drill()

    def _create(self) -> None:
        self._story.step(
            "The committee freezes the roll",
            "Who may vote is fixed before anybody votes. A hash of the roll is published, so that nobody can be "
            "added or struck off later without everybody noticing.",
        )
        self._uuid = self._committee.create(self._plan)
        folder = self._options.out or DEFAULT_FOLDER / self._uuid
        folder.mkdir(parents=True, exist_ok=True)
        self._files = _Files(folder, self._uuid)
        members = [*self._case.members, *self._guests]
        digest = self._committee.freeze_roll(self._uuid, encode_roll(members).encode())
        self._weights = {member.member_number: member.weight for member in members if member.eligible}
        guests = f", {len(self._guests)} of them guests for the spare credentials" if self._guests else ""
        self._story.fact(f"{self._plan.name}: {len(self._weights)} members may vote{guests}.")
        self._story.fact(f"Published hash of the roll: {digest[:16]}…")
        self._story.fact(
            "Two of the committee agreed to it, as to every act that follows; the journal names both."
        )

    def _issue_credentials(self) -> None:
        self._story.step(
            "The registrar makes the voting credentials",
            "Each member gets a secret code, made on the registrar's own computer. The application gets only the "
            "public halves: it can tell a true ballot from a false one, but can make none.",
        )
        self._credentials = self._registrar.issue(self._uuid, self._plan.group_name, self._weights)
        self._story.fact(f"{len(self._credentials)} public credentials published, sorted, without names.")

    def _make_keys(self) -> None:
        plan = self._plan
        self._story.step("The trustees make the election's key", _tell_key(plan))
        self._trustees = self._committee.seat_trustees(self._uuid)
        sharing_trustees = [trustee for trustee in self._trustees if trustee.is_threshold]
        steps = 2 * len(self._trustees) + 2 * len(sharing_trustees)
        with self._story.bar("making the key", steps) as bar:
            for trustee in sharing_trustees:
                trustee.send_certificate()
                bar.advance()
            for trustee in self._trustees:
                trustee.send_commitment()
                bar.advance()
            for trustee in self._trustees:
                trustee.send_reveal()
                bar.advance()
            for trustee in sharing_trustees:
                trustee.send_share()
                bar.advance()
        fingerprint = self._committee.act(self._uuid, "keys")["fingerprint"]
        self._election = parse_election(self._client.get_bytes(f"{base(self._uuid)}/election"))
        if fingerprint != self._election.fingerprint:
            raise AssertionError(
                "the application announces another fingerprint than that of its election data"
            )
        self._story.fact("The key is made; questions, key and credentials are fixed for good.")
        self._story.fact(
            f"Words of the election, to be compared by everybody: {fingerprint_words(fingerprint)}"
        )
        self._story.fact(f"Its whole fingerprint: {fingerprint}")

    def _drill(self) -> None:
        self._story.step(
            "Key drill",
            "Each trustee proves, before voting begins, that its key is at hand and works: a lost key is found today, "
            "not on the night of the count.",
        )
        for trustee in self._trustees:
            trustee.send_drill()
        self._story.fact(f"{_count(len(self._trustees), 'trustee')} passed the drill.")

    # --- voting --------------------------------------------------------------------------------------

    def open(self) -> None:
        """Ballots are taken from now on, after the privacy check; the demo's own server only says what it finds."""
        for finding in self._committee.check_privacy(self._uuid):
            if finding["severity"] != "note":
                self._story.warn(f"Privacy check: {finding['sentence']}")
        self._committee.act(self._uuid, "open")

    def vote(self) -> None:
        """Everybody in the votes file votes."""
        self._story.step(
            "The members vote",
            "Each vote is encrypted and signed on the voter's side, with a proof that it is a proper vote. The "
            "application checks it without being able to read it, writes it down for good, and signs a receipt.",
        )
        votes = self._case.votes
        with self._story.bar("voting", len(votes)) as bar:
            for round_ in _split_rounds(votes):
                for receipt in _cast_all(self._client, self._election, self._credentials, round_):
                    self._receipts.append(receipt)
                    bar.advance()
        voters, ballots = _count(count_voters(self._case), "member"), _count(len(votes), "ballot")
        again = ", some of them a second time: only the last ballot counts" if self._case.has_revotes else ""
        self._story.fact(f"{voters} cast {ballots}{again}. Each got a signed receipt.")

    def show_door(self) -> None:
        """Leave the election open for whoever wants to cast a ballot, with credentials to do so."""
        spare = self._files.folder / SPARE_FILE_NAME
        codes = [self._credentials[guest.member_number] for guest in self._guests]
        spare.write_text("".join(f"{code}\n" for code in codes), "ascii")
        story = self._story
        story.heading("The election is open")
        page = f"{self._server.url}/elections/{self._uuid}"
        story.line(page)
        story.line("")
        if self._plan.group_name == BROWSER_GROUP:
            story.line("Vote in your browser. Each of these links holds an unused credential:")
            for code in codes:
                story.line(f"  {make_link(self._server.url, self._uuid, code, self._election.fingerprint)}")
            story.line("")
        story.line(
            f"The {len(codes)} unused credentials are in {spare}, too, one a line, for programs such as belenios-tool "
            "3.0 or later:"
        )
        story.line("  head -n 1 " + _quote(spare) + " > credential.txt")
        story.line("  echo '" + json.dumps(_some_choice(self._case)) + "' > choice.json")
        story.line(
            f"  belenios-tool election generate-ballot --url {self._server.url}/ --uuid {self._uuid} "
            "--privcred credential.txt --choice choice.json > ballot.json"
        )
        story.line(f"  curl --data-binary @ballot.json {self._server.url}{base(self._uuid)}/ballots")
        story.line("")
        story.line("Press Ctrl-C to close the election, count and verify it.")

    # --- after the voting ----------------------------------------------------------------------------

    def close(self) -> None:
        """No more ballots; the encrypted sum."""
        self._story.step(
            "The committee closes the election",
            "From now on no ballot comes in. The encrypted ballots are added up without being opened: anybody can "
            "repeat the sum from the published ballots.",
        )
        self._committee.act(self._uuid, "close")
        with self._story.bar("adding up the encrypted ballots") as bar:
            while self._status()["box"]["state"] in ("voting", "ended"):
                self._server.require_running()
                time.sleep(_POLL_SECONDS)
                bar.advance()
        self._story.fact("The encrypted sum is in the record.")

    def decrypt(self) -> None:
        """Trustees verify the record, then open the sum."""
        deciding = self._trustees[-self._plan.threshold :]
        away = len(self._trustees) - len(deciding)
        absence = (
            f" {_count(away, 'trustee')} can stay at home: {self._plan.threshold} are enough." if away else ""
        )
        self._story.step(
            "The trustees open the sum, and nothing else",
            "Before using their keys they have the auditor verify the whole published record: that way no server can "
            f"slip them a single ballot to open. Each proves that it decrypted honestly.{absence}",
        )
        verdict = self._audit()
        if not verdict.is_sound:
            for failure in verdict.failures:
                self._story.warn(failure)
            raise AuditFailedError("The trustees do not open a record in which the auditor has findings.")
        self._story.fact(f"The record is sound so far: {verdict.passed} checks passed.")
        tally = read_tally(self._files.archive, self._election)
        for trustee in deciding:
            trustee.send_decryption(self._election, tally)
        with self._story.bar("finding the result") as bar:
            while self._status()["state"] != "tallied":
                self._server.require_running()
                time.sleep(_POLL_SECONDS)
                bar.advance()
        owners = " and ".join(str(trustee.owner) for trustee in deciding)
        self._story.fact(f"Decrypted by {'trustee' if len(deciding) == 1 else 'trustees'} {owners}.")

    def certify(self) -> None:
        """The committee's word."""
        self._story.step(
            "The committee certifies the result",
            "Its statement names the record's last entry, so it stands for this record and no other.",
        )
        self._committee.act(self._uuid, "certify", {"statement": "We certify this result."})
        self._story.fact("Certified.")

    def verify(self) -> bool:
        """The auditor, the receipts and the plain count must agree."""
        self._story.step(
            "Anybody verifies everything",
            "The two published files are fetched, and the auditor, a separate program that trusts no server, repeats "
            "every check on them. Then every receipt is looked up, and the result is compared with a plain count.",
        )
        verdict = self._audit()
        for failure in verdict.failures:
            self._story.warn(failure)
        if verdict.is_final:
            self._story.fact(f"The auditor says: sound ({verdict.passed} checks passed).")
        else:
            self._story.warn(f"The auditor says: {verdict.word}.")
        is_kept = self._check_receipts()
        expected = count_votes(self._case)
        difference, comparison = self._compare(verdict, expected)
        if difference is None:
            self._story.fact(f"{comparison[0].upper()}{comparison[1:]}.")
        else:
            self._story.warn(f"{difference[0].upper()}{difference[1:]}.")
        is_good = verdict.is_final and is_kept and difference is None
        self._write_reports(verdict, expected, difference is None, comparison)
        self._show_end(verdict, comparison, is_good=is_good)
        return is_good

    def _check_receipts(self) -> bool:
        """Whether every ballot for which a receipt was given is in the record, where the receipt says."""
        key = self._status_key()
        missing = find_missing_receipts(self._files.archive, self._election, self._receipts, key)
        if missing:
            self._story.warn(
                f"{len(missing)} of {len(self._receipts)} receipts name a ballot that is not in the record."
            )
            return False
        self._story.fact(f"All {len(self._receipts)} receipts: the ballot is in the record, at its place.")
        return True

    def _compare(self, verdict: Verdict, expected: Counts) -> tuple[str | None, str]:
        """(what differs from the votes file's plain count, or None; a phrase for the report)."""
        result = verdict.result
        if result is None:
            return "there is no result to compare", "not compared: there is no result"
        voters = count_voters(self._case)
        guests = int(verdict.report["counted"]) - voters
        if guests < 0 or guests > len(self._guests):
            difference: str | None = f"{verdict.report['counted']} ballots count, {voters} members voted"
        else:
            difference = find_difference(self._case.questions, expected, result, guests)
        if difference is not None:
            return difference, f"DIFFERS: {difference}"
        if guests:
            more = _count(guests, "ballot")
            return None, f"the result is the plain count of the votes file plus {more} by spare credentials"
        return None, "the result is the plain count of the votes file"

    def _decide(self, verdict: Verdict) -> Outcome | None:
        """Who has won, where the election data name the rules."""
        presentation = self._election.presentation
        if verdict.result is None or presentation is None or presentation.rules is None:
            return None
        return decide(
            self._case.questions,
            verdict.result,
            presentation.rules,
            quorum_percent=presentation.quorum_percent,
            members=len(self._credentials),
            ballots=int(verdict.report["counted"]),
        )

    def _write_reports(self, verdict: Verdict, expected: Counts, is_equal: bool, comparison: str) -> None:
        extra = {"plain_count": {"equal": is_equal, "expected": expected, "detail": comparison}}
        text = json.dumps({**verdict.report, **extra}, ensure_ascii=False, indent=2)
        (self._files.folder / "report.json").write_text(text + "\n", "utf-8")
        lines = report_lines(verdict, self._case.questions, comparison, self._decide(verdict))
        (self._files.folder / "report.txt").write_text("\n".join(lines) + "\n", "utf-8")

    def _show_end(self, verdict: Verdict, comparison: str, *, is_good: bool) -> None:
        story = self._story
        if verdict.result is not None:
            story.heading(f"Result of {self._plan.name}")
            for line in result_lines(self._case.questions, verdict.result, self._decide(verdict)):
                story.line(line)
        story.heading(f"Sound, and {comparison}." if is_good else "NOT SOUND. See the lines marked with !")
        story.line(f"  fingerprint  {self._election.fingerprint}")
        story.line(f"  words        {fingerprint_words(self._election.fingerprint)}")
        story.line(f"  files        {self._files.folder.resolve()}")
        for name in (self._files.archive.name, self._files.journal.name, "report.txt", "report.json"):
            story.line(f"               {name}")
        story.heading("Verify it yourself, with our auditor and with a program that we did not write:")
        story.line(
            f"  {_find_auditor()} verify {_quote(self._files.archive)} --journal {_quote(self._files.journal)}"
        )
        story.line(
            f"  belenios-tool election verify --dir {_quote(self._files.folder)} --uuid {self._uuid}"
            "   # 3.0 or later"
        )

    # --- the published record ------------------------------------------------------------------------

    def _audit(self) -> Verdict:
        """Fetch both files as anybody may, and have them verified."""
        address = f"/elections/{self._uuid}/{self._uuid}"
        self._client.download(f"{address}.bel", self._files.archive)
        self._client.download(f"{address}.journal.jsonl", self._files.journal)
        return run_auditor(self._files.archive, self._files.journal)

    def _status(self) -> Any:
        return self._client.get(f"{base(self._uuid)}/status")

    def _status_key(self) -> str:
        return str(self._status()["service_key"])


class AuditFailedError(Exception):
    """The record is not sound."""


def _make_plan(options: Options) -> Plan:
    duration = _OPEN_FOR_GUESTS if options.is_serving else _OPEN_FOR
    # The journal names minutes, so a closing time is a whole one.
    closes_at = (SystemClock().now() + duration).replace(second=0, microsecond=0)
    return Plan(
        options.name,
        options.description,
        options.case.questions,
        options.group_name,
        options.trustees,
        options.threshold,
        options.case.has_revotes,
        closes_at,
        options.presentation,
    )


def _tell_key(plan: Plan) -> str:
    if plan.trustees == 1:
        return (
            "The one trustee makes the key alone, and could open single ballots with it. That is for trying out; a "
            "real election has several trustees who do not trust each other."
        )
    if plan.has_threshold_key:
        sharing = f"Any {plan.threshold} of the {plan.trustees} trustees can open the result, fewer cannot"
    else:
        sharing = f"Only all {plan.trustees} trustees together can open the result"
    return (
        f"{sharing}. Nobody, the application included, ever has the whole key. Each trustee commits to "
        "its part before it sees any other one, so that nobody can choose a part that undoes the others'."
    )


def _make_guests(members: Sequence[Member]) -> list[Member]:
    """Members for the spare credentials; none of them has the number of a true one."""
    taken = {member.member_number for member in members}
    numbers = (f"guest-{number}" for number in range(1, len(taken) + GUESTS + 1))
    free = [number for number in numbers if number not in taken][:GUESTS]
    return [Member(name=f"Guest {place}", member_number=number) for place, number in enumerate(free, start=1)]


def _split_rounds(votes: Sequence[Vote]) -> list[list[Vote]]:
    """Everybody's first vote, then everybody's second one …: in a round each member votes once."""
    rounds: list[list[Vote]] = []
    seen: dict[str, int] = {}
    for vote in votes:
        number = seen.get(vote.member_number, 0)
        seen[vote.member_number] = number + 1
        if number == len(rounds):
            rounds.append([])
        rounds[number].append(vote)
    return rounds


def _cast_all(
    client: Client, election: Election, credentials: dict[str, str], votes: Sequence[Vote]
) -> Iterator[Receipt]:
    """The receipts, as they come."""
    with ThreadPoolExecutor(_VOTERS_AT_ONCE) as pool:
        casts = [pool.submit(cast_vote, client, election, credentials[v.member_number], v) for v in votes]
        try:
            for cast in as_completed(casts):
                yield cast.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _some_choice(case: Case) -> list[list[int]]:
    """A valid choice in belenios-tool's form: one 0 or 1 for each answer, the blank vote first."""
    choice: list[list[int]] = []
    for question in case.questions:
        chosen = max(question.minimum, min(1, question.maximum))
        answers = [1] * chosen + [0] * (len(question.answers) - chosen)
        choice.append([0, *answers] if question.blank else answers)
    return choice


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _quote(path: Path) -> str:
    return shlex.quote(str(path))


def _find_auditor() -> str:
    """How to call steward-audit from here."""
    beside = Path(sys.executable).parent / "steward-audit"
    found = shutil.which("steward-audit")
    if found is not None and Path(found).resolve() == beside.resolve():
        return "steward-audit"
    if not beside.exists():
        return f"{shlex.quote(sys.executable)} -m audit"
    current = Path.cwd()
    return _quote(beside.relative_to(current) if beside.is_relative_to(current) else beside)
