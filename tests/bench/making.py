"""Makes large elections, with every processor."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from time import perf_counter, process_time

from crypto.ballot import check_ballot, make_ballot, parse_ballot, votes_from_choices
from crypto.checker import PlainChecker
from crypto.decryption import Owned, make_partial_decryption, parse_partial_decryption
from crypto.election import parse_election
from crypto.encoding import sha256_hex
from crypto.randomness import SystemCoins
from crypto.result import compute_result, encode_result
from crypto.tally import SizedTally, TallyAccumulator, encode_encrypted_tally
from tests.simulator import YES_NO, Entry, Simulation, Spec, rebuild, simulate

PROCESSES = 2
_PIECE = 100


def _pool() -> ProcessPoolExecutor:
    # Not forked: the children shall not begin with what the parent has in its memory.
    return ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn"))


def _pieces(items: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(items), _PIECE):
        yield items[start : start + _PIECE]


def _make_piece(raw_election: bytes, credentials: Sequence[str]) -> list[bytes]:
    election, coins = parse_election(raw_election), SystemCoins()
    return [
        make_ballot(election, credential, votes_from_choices(election, [[number % 2]]), coins)
        for number, credential in enumerate(credentials)
    ]


def make_ballots(raw_election: bytes, credentials: Sequence[str]) -> list[bytes]:
    """A ballot for each credential."""
    with _pool() as pool:
        made = pool.map(partial(_make_piece, raw_election), _pieces(credentials))
        return [ballot for piece in made for ballot in piece]


@dataclass(frozen=True)
class Voting:
    """An election in which everybody has made a ballot; `start` has its setup only."""

    start: Simulation
    ballots: list[bytes]

    def write_archive(self, folder: Path) -> Path:
        """The finished election as a file, `<uuid>.bel`."""
        path = folder / f"{self.start.election.uuid}.bel"
        ballots = [Entry("Ballot", (ballot,)) for ballot in self.ballots]
        path.write_bytes(rebuild([*self.start.entries, *ballots, *self._count()]))
        return path

    def _count(self) -> list[Entry]:
        election, [secret] = self.start.election, self.start.secrets.values()
        accumulator = TallyAccumulator(election)
        for raw in self.ballots:
            accumulator.add(parse_ballot(election, raw), 1)
        tally = accumulator.tally()
        raw_tally = encode_encrypted_tally(election, tally)
        sized = SizedTally(len(self.ballots), len(self.ballots), sha256_hex(raw_tally)).encode()
        raw = make_partial_decryption(election, tally, secret, SystemCoins())
        partials = {1: parse_partial_decryption(election, tally, raw)}
        result = compute_result(election, self.start.trustees, tally, partials, len(self.ballots))
        return [
            Entry("EndBallots"),
            Entry("EncryptedTally", (raw_tally, sized)),
            Entry("PartialDecryption", (raw, Owned(1, sha256_hex(raw)).encode())),
            Entry("Result", (encode_result(result),)),
        ]


def make_voting(ballots: int) -> Voting:
    """An election with one two-choice question on Ed25519 and one trustee."""
    start = simulate(Spec((YES_NO,), voters=ballots, stage="setup", seed=ballots))
    return Voting(start, make_ballots(start.entries[0].body("election"), start.credentials))


@dataclass(frozen=True, slots=True)
class Alone:
    """Verification that has all processors for itself. rate: ballots per second; cpu: processor seconds per ballot."""

    rate: float
    cpu: float


def _verify_piece(raw_election: bytes, ballots: Sequence[bytes]) -> tuple[float, float]:
    """(seconds, processor seconds) for verifying these ballots as the application does before it appends one."""
    election = parse_election(raw_election)
    check_ballot(election, ballots[0], PlainChecker(election.group))  # tables are made at first use
    started, cpu = perf_counter(), process_time()
    for raw in ballots:
        check_ballot(election, raw, PlainChecker(election.group))
    return perf_counter() - started, process_time() - cpu


def measure_verification(voting: Voting) -> Alone:
    """As many processes verify as the application has, each ballot for itself, and do nothing else."""
    half = len(voting.ballots) // PROCESSES
    parts = [voting.ballots[start * half : (start + 1) * half] for start in range(PROCESSES)]
    raw_election = voting.start.entries[0].body("election")
    with _pool() as pool:
        # Both run when both are measured.
        list(pool.map(partial(_verify_piece, raw_election), [part[:5] for part in parts]))
        taken = list(pool.map(partial(_verify_piece, raw_election), parts))
    count = half * PROCESSES
    return Alone(count / max(wall for wall, _ in taken), sum(cpu for _, cpu in taken) / count)
