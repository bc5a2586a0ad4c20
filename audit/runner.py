"""One audit from the first byte to the verdict."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from pathlib import Path

import nacl

from audit.checks import (
    ARCHIVE,
    BALLOTS,
    FINALITY,
    JOURNAL,
    LISTS,
    OFFICERS,
    OPENED,
    RANKED_BALLOTS,
    SHUFFLES,
)
from audit.checks.ballots import BallotCheck, make_pool
from audit.checks.journal import (
    BoxFacts,
    challenged_ballots,
    check_journal,
    read_journal,
    strong_proofs,
    wanted_heads,
)
from audit.checks.setup import SetupFacts, check_setup
from audit.checks.tally import TallyCheck
from audit.findings import WITHOUT_RESULT, Findings, Report, Stop
from audit.reader import read_entries
from crypto.ballot import ballot_tracker
from crypto.election import Election
from crypto.encoding import sha256_hex
from crypto.errors import ProtocolError
from crypto.journal import JournalLine, JournalReader
from crypto.record import BoxState, Entry, EntryReader

ENGINE = f"plain (PyNaCl {nacl.__version__})"
_STATES = {
    BoxState.EMPTY: "setup",
    BoxState.VOTING: "open",
    BoxState.ENDED: "closed",
    BoxState.DONE: "tallied",
}

Progress = Callable[[int, int], None]  # ballots checked, bytes read


class _Run:
    """The state of one audit."""

    def __init__(self, path: Path, jobs: int, progress: Progress) -> None:
        self.path, self.jobs, self._progress = path, jobs, progress
        self.findings = Findings()
        self.report = Report(self.findings, ENGINE)
        self.box = BoxFacts("")
        self.wanted: set[int] = set()
        self.challenged: set[str] = set()
        self.setup: SetupFacts | None = None
        self._pool: ProcessPoolExecutor | None = None
        self._ballots: BallotCheck | None = None
        self._tally: TallyCheck | None = None
        self._checked = self._read = 0

    def _ballots_checked(self, count: int) -> None:
        self._checked += count
        self._progress(self._checked, self._read)

    def _bytes_read(self, count: int) -> None:
        self._read = count
        self._progress(self._checked, self._read)

    def read_box(self) -> None:
        """Every entry in order; the end of the file passes the rules about the whole."""
        self.findings.require(*ARCHIVE, "S1", "S2")
        state = BoxState.EMPTY
        try:
            for entry, entries in read_entries(self.path, self._bytes_read):
                self._entry(entry, entries)
                state = entries.cursor.state
        except ProtocolError as error:
            # What is wrong with the archive as such: the ballots before it are still checked.
            self.findings.failed(error)
            if self._ballots is not None:
                self._ballots.flush()
            raise Stop from error
        finally:
            self.report.state = _STATES.get(state, "tallying")
            self._count_ballots()
        if self._ballots is not None:
            self._ballots.flush()
            self._count_ballots()
            if state is not BoxState.EMPTY:
                self.findings.passed(*BALLOTS, *self._finality(), *self._kinds())
        self.findings.passed(*ARCHIVE)

    def _finality(self) -> tuple[str, ...]:
        """Rule B12, where the election data say whether votes are final."""
        if self.setup is None or self.setup.election.record_terms is None:
            return ()
        return FINALITY

    def _count_ballots(self) -> None:
        if self._ballots is not None:
            self.report.ballots, self.report.counted = self._ballots.ballots, self._ballots.counted
            self.report.counted_weight = self._ballots.counted_weight
            self.box.revoted_at = self._ballots.revoted_at
            if self.report.state == "open" and not self.report.ballots:
                self.report.state = "setup"

    def _entry(self, entry: Entry, entries: EntryReader) -> None:
        height, kind = entry.event.height, entry.event.type
        self.box.height = self.report.box_height = height
        self.report.box_head = entry.hash
        if height in self.wanted:
            self.box.heads[height] = entry.hash
        if kind == "Setup":
            self._read_setup(entry, entries)
        elif kind == "Ballot":
            self._note_ballot(entry)
        elif kind == "EndBallots":
            self.box.end_ballots = height
        elif kind == "Result":
            self.box.result_height = height
            self.box.result_hash = self.report.result_hash = sha256_hex(entry.payload)
        if self._ballots is not None and self._tally is not None:
            self._follow(entry, self._ballots, self._tally)
        elif kind == "Ballot":
            self.report.ballots += 1

    def _note_ballot(self, entry: Entry) -> None:
        """What the journal's story (J9) is compared with."""
        box, height = self.box, entry.event.height
        box.first_ballot = height if box.first_ballot is None else box.first_ballot
        box.last_ballot = height
        if self.challenged and ballot_tracker(entry.payload) in self.challenged:
            box.challenged_at = height

    def _read_setup(self, entry: Entry, entries: EntryReader) -> None:
        self.setup = self.report.setup = setup = check_setup(entry, self.findings)
        election = setup.election
        entries.cursor = entries.cursor.with_election(election)
        self.report.election, self.report.name = election.uuid, election.name
        self.report.fingerprint = election.fingerprint
        self.report.questions = list(election.questions)
        self.box.uuid = election.uuid
        if election.record_terms is None:
            self.findings.not_applicable("the election data do not say whether votes are final", *FINALITY)
        else:
            self.findings.require(*FINALITY)
            # Rather than the journal's: a different one there is a finding (J9).
            self.report.service_key = election.record_terms.service_key
        self._expect_kinds(election)
        self._pool = make_pool(setup, self.jobs)
        self._ballots = BallotCheck(
            self.path, setup, self.findings, self._pool, self.jobs, self._ballots_checked
        )
        self._tally = TallyCheck(setup, self.findings)

    def _expect_kinds(self, election: Election) -> None:
        """Which rules apply only to some kinds of questions."""
        if not election.shuffled_questions:
            why = "no question is ranked or graded"
            self.findings.not_applicable(why, *RANKED_BALLOTS, *SHUFFLES, *OPENED)
        if not election.has_lists:
            self.findings.not_applicable("no question has lists", *LISTS)

    def _kinds(self) -> tuple[str, ...]:
        """The rules about ballots of the kinds of questions that there are."""
        if self.setup is None:
            return ()
        election = self.setup.election
        return (
            *(RANKED_BALLOTS if election.shuffled_questions else ()),
            *(LISTS if election.has_lists else ()),
        )

    def _follow(self, entry: Entry, ballots: BallotCheck, tally: TallyCheck) -> None:
        kind = entry.event.type
        if kind == "Ballot":
            ballots.add(entry)
        elif kind == "EncryptedTally":
            counted = tally.encrypted_tally(entry, ballots)
            # Where ballots are shuffled there is nothing to decrypt before that has ended.
            if self.setup is not None and not self.setup.election.shuffled_questions:
                self.report.tally = counted
        elif kind == "Shuffle":
            tally.shuffle(entry)
        elif kind == "EndShuffles":
            self.report.tally = tally.shuffled if ballots.all_good else None
        elif kind == "PartialDecryption":
            tally.partial_decryption(entry)
        elif kind == "Result":
            tally.read_result(entry)
            self.report.result = tally.result

    def check_journal(self, reader: JournalReader, lines: list[JournalLine]) -> None:
        """What needs both chains."""
        if self.setup is None:
            self.findings.require(*JOURNAL)
            return
        if self._tally is not None:
            self.box.decrypted = self._tally.owners
        check_journal(self.setup, reader, lines, self.box, self.findings)
        if self._tally is not None:
            self._tally.strong_proofs(strong_proofs(lines))

    def check_embeddings(self) -> None:
        """What can be said only when the strong proofs are known."""
        if self._tally is not None:
            self._tally.check_embeddings()

    def remarks(self) -> None:
        """Warnings about the election as a whole."""
        if self.report.state == "tallied" and self.report.counted == 1:
            self.findings.warn("a single ballot was counted: the result tells how its voter voted")
        if words := WITHOUT_RESULT.get(self.report.journal_state or ""):
            reason = next(
                line.payload["reason"] for line in reversed(self.report.journal) if "reason" in line.payload
            )
            self.findings.warn(f"{words}, so nothing in it decides anything: {reason}")
        if self.setup is None:
            self.findings.require("S3", "S4", "S5", "S6")

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)


def audit(
    path: Path,
    journal: Path | None = None,
    *,
    jobs: int = 1,
    progress: Progress = lambda _ballots, _bytes: None,
) -> Report:
    """Audits the archive at ``path``, with its journal if given; never raises for what a file says."""
    run = _Run(path, jobs, progress)
    findings = run.findings
    reader: JournalReader | None = None
    lines: list[JournalLine] = []
    try:
        if journal is None:
            findings.not_applicable("no journal was given", *JOURNAL, *OFFICERS, "D4")
        else:
            findings.require(*JOURNAL)
            with suppress(Stop):
                reader, lines = read_journal(journal, findings)
                run.wanted, run.challenged = wanted_heads(lines), challenged_ballots(lines)
                run.report.service_key = reader.service_key
                run.report.journal, run.report.journal_state = tuple(lines), reader.state
        with suppress(Stop):
            run.read_box()
            if reader is not None:
                run.check_journal(reader, lines)
            run.check_embeddings()
        run.remarks()
    finally:
        run.close()
    if journal is None and run.report.state in ("tallying", "tallied"):
        findings.warn("strong decryption proofs (D4) stand in the journal, which was not given")
    return run.report
