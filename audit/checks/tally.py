"""Encrypted tally, shuffles, decryptions and result (rules C1–C3, H1–H3, D1–D5, R1–R4)."""

from __future__ import annotations

from audit.checks import DECRYPTION, OPENED, RESULT, SHUFFLES
from audit.checks.ballots import BallotCheck, unanimous
from audit.checks.setup import SetupFacts
from audit.findings import Findings
from crypto.checker import PlainChecker
from crypto.decryption import (
    PartialDecryption,
    parse_owned,
    parse_partial_decryption,
    verify_partial_decryption,
    verify_strong_proofs,
)
from crypto.encoding import sha256_hex
from crypto.errors import RejectedError
from crypto.record import Entry
from crypto.result import Result, find_odd_ballots, parse_result, verify_result
from crypto.shuffle import apply_shuffle, parse_shuffle, verify_shuffle
from crypto.tally import EncryptedTally, encode_encrypted_tally, parse_encrypted_tally, parse_sized_tally


class TallyCheck:
    """Follows a box from its encrypted tally to its result."""

    def __init__(self, setup: SetupFacts, findings: Findings) -> None:
        self._setup, self._findings = setup, findings
        self._partials: dict[int, PartialDecryption] = {}
        self._shufflers: set[int] = set()
        self._strong: set[int] = set()
        self._odd: list[tuple[int, int]] = []
        self._weight = 0
        self.result: Result | None = None
        self.result_hash: str | None = None

    @property
    def owners(self) -> set[int]:
        """Who decrypted."""
        return set(self._partials)

    def encrypted_tally(self, entry: Entry, ballots: BallotCheck) -> EncryptedTally | None:
        """The published tally is the one that we computed from the ballots; returns the latter."""
        raw, raw_sized = entry.data
        findings = self._findings
        own = ballots.tally()
        with findings.stage("C1", record="encrypted tally"):
            self._tally = parse_encrypted_tally(self._setup.election, raw)
        with findings.stage(record="sized tally"):
            sized = parse_sized_tally(raw_sized)
        self._weight = sized.total_weight
        if not ballots.all_good:
            findings.not_applicable("not compared, because some ballots are not valid", "C2", "C3")
            return None
        with findings.stage("C2", record="sized tally"):
            if (sized.num_tallied, sized.total_weight) != (ballots.counted, ballots.counted_weight):
                raise RejectedError(
                    "C2",
                    f"{sized.num_tallied} ballots of weight {sized.total_weight} are said to count, "
                    f"but it is {ballots.counted} of weight {ballots.counted_weight}",
                )
        with findings.stage("C3", record="encrypted tally"):
            if encode_encrypted_tally(self._setup.election, own) != raw:
                raise RejectedError("C3", "it is not what the counted ballots make")
        return own

    def shuffle(self, entry: Entry) -> None:
        """One trustee's shuffle of what there is so far."""
        raw, raw_owned = entry.data
        election, findings = self._setup.election, self._findings
        record = f"shuffle at height {entry.event.height}"
        with findings.stage(*SHUFFLES, record=record):
            owner = parse_owned(raw_owned).owner
            if owner > len(self._setup.trustees.owners):
                raise RejectedError("H1", f"there is no trustee {owner}")
            shuffle = parse_shuffle(election, self._tally, raw)
            checker = PlainChecker(election.group)
            checker.record = record
            verify_shuffle(election, self._tally, shuffle, checker)
            checker.finish()
        if owner in self._shufflers:
            findings.warn(f"trustee {owner} is said to have shuffled twice")
        self._shufflers.add(owner)
        self._tally = apply_shuffle(election, self._tally, shuffle)

    @property
    def shuffled(self) -> EncryptedTally:
        """What is to be decrypted once the shuffles have ended."""
        return self._tally

    def partial_decryption(self, entry: Entry) -> None:
        """One trustee's factors and proofs."""
        raw, raw_owned = entry.data
        election, findings = self._setup.election, self._findings
        record = f"partial decryption at height {entry.event.height}"
        with findings.stage(record=record):
            owner = parse_owned(raw_owned).owner
            owners = self._setup.trustees.owners
            if owner > len(owners):
                raise RejectedError("D1", f"there is no trustee {owner}")
            if owner in self._partials:
                raise RejectedError("D1", f"trustee {owner} decrypted twice")
            record = f"partial decryption of trustee {owner}"
        with findings.stage(*DECRYPTION, record=record):
            partial = parse_partial_decryption(election, self._tally, raw)
            checker = PlainChecker(election.group)
            checker.record = record
            verify_partial_decryption(election, self._tally, owners[owner - 1].public_key, partial, checker)
            checker.finish()
        self._partials[owner] = partial

    def read_result(self, entry: Entry) -> None:
        """The result opens the tally."""
        setup, findings = self._setup, self._findings
        with findings.stage(*RESULT, record="result"):
            result = parse_result(setup.election, entry.payload)
            verify_result(setup.election, setup.trustees, self._tally, self._partials, result, self._weight)
            self._odd = find_odd_ballots(setup.election, setup.trustees, self._tally, self._partials)
        self.result, self.result_hash = result, sha256_hex(entry.payload)
        if unanimous(setup.election, result, self._weight):
            findings.warn("all ballots are alike: the result tells how everybody voted")

    def strong_proofs(self, values: dict[int, object]) -> None:
        """Rule D4, for the strong proofs that the journal holds."""
        setup, findings = self._setup, self._findings
        for owner, partial in self._partials.items():
            record = f"strong proofs of trustee {owner}"
            if owner not in values:
                if setup.election.shuffled_questions:
                    findings.failed(
                        RejectedError("D4", "ballots that are opened one by one need them", record)
                    )
                else:
                    findings.warn(f"trustee {owner} gave no strong decryption proof")
                continue
            with findings.stage("D4", record=record):
                checker = PlainChecker(setup.election.group)
                checker.record = record
                key = setup.trustees.owners[owner - 1].public_key
                verify_strong_proofs(setup.election, self._tally, key, partial, values[owner], checker)
                checker.finish()
            self._strong.add(owner)

    def check_embeddings(self) -> None:
        """Rule R4. An opened ballot that no honest program encrypted is its voter's fault if every trustee proved
        strongly, and invalid; without these proofs a trustee may have put it there."""
        if self.result is None or not self._setup.election.shuffled_questions:
            return
        is_proved = self.owners <= self._strong
        for place, index in self._odd:
            what = f"question {place + 1}, ballot {index + 1} in the order of the last shuffle"
            if is_proved:
                self._findings.warn(f"{what}: no honest program encrypted it, so it is invalid")
            else:
                self._findings.failed(
                    RejectedError(
                        "R4",
                        "no honest program encrypted it, and strong proofs of all trustees are missing",
                        what,
                    )
                )
        self._findings.passed(*OPENED)
