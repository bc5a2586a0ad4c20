"""A folder in which belenios-tool and we work on one election, each reading what the other wrote."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

from crypto.archive import RecordParser
from crypto.ballot import Ballot, parse_ballot, verify_ballot
from crypto.checker import PlainChecker
from crypto.credentials import parse_credential_list
from crypto.decryption import (
    PartialDecryption,
    parse_owned,
    parse_partial_decryption,
    verify_partial_decryption,
)
from crypto.election import parse_election
from crypto.record import BoxState, Entry, EntryReader
from crypto.result import Result, find_odd_ballots, parse_result, verify_result
from crypto.shuffle import apply_shuffle, parse_shuffle, verify_shuffle
from crypto.tally import TallyAccumulator, encode_encrypted_tally, parse_encrypted_tally, parse_sized_tally
from crypto.trustees import Trustees, election_public_key, parse_trustees, verify_trustees
from tests.belenios import Tool
from tests.simulator import read_entries, rebuild


@dataclass
class Bench:
    """A folder and a version of belenios-tool; the archive in it is `<uuid>.bel`."""

    tool: Tool
    folder: Path
    uuid: str = ""
    group: str = "Ed25519"
    _count: int = field(default=0, repr=False)

    @property
    def is_old(self) -> bool:
        """Version 2.0: other names of options, no `--uuid` beside `--dir`."""
        return self.tool.version.startswith("2.0")

    # --- files

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def temporary(self, text: str | bytes) -> Path:
        """A file with this content and a name of its own."""
        self._count += 1
        return self.write(f"file{self._count}.txt", text)

    def read(self, name: str) -> bytes:
        """A file without the newline that the tool writes at its end."""
        return (self.folder / name).read_bytes().rstrip(b"\n")

    @property
    def archive(self) -> bytes:
        return (self.folder / f"{self.uuid}.bel").read_bytes()

    def put_archive(self, uuid: str, archive: bytes) -> "Bench":
        self.uuid = uuid
        self.write(f"{uuid}.bel", archive)
        return self

    # --- the tool

    def run(self, *args: str | Path, text: str | None = None, check: bool = True) -> CompletedProcess[str]:
        return self.tool.run(*args, cwd=self.folder, input=text, check=check)

    def verify(self) -> None:
        """`election verify`: ToolError if it refuses."""
        self.run("election", "verify", "--dir", self.folder)

    def _verify_ballot(self, ballot: bytes, *, check: bool) -> CompletedProcess[str]:
        # It refuses a ballot that stands in the box already, so it is asked with an empty box.
        empty = self.folder / "empty"
        empty.mkdir(exist_ok=True)
        (empty / f"{self.uuid}.bel").write_bytes(
            rebuild(read_entries(self.archive)[:1], _timestamp(self.archive))
        )
        path = self.temporary(ballot)
        return self.run("election", "verify-ballot", "--dir", empty, "--ballot", path, check=check)

    def verify_ballot(self, ballot: bytes) -> None:
        """`election verify-ballot` (3.x): ToolError if it refuses."""
        self._verify_ballot(ballot, check=True)

    def why_ballot_is_refused(self, ballot: bytes) -> str:
        """What `election verify-ballot` says against it; empty if nothing."""
        run = self._verify_ballot(ballot, check=False)
        return run.stderr.partition("error: ")[2] if run.returncode else ""

    def add_event(self, kind: str, lines: Iterable[bytes] = ()) -> None:
        text = "".join(line.decode() + "\n" for line in lines)
        self.run("archive", "add-event", "--dir", self.folder, f"--type={kind}", text=text)

    def make_ballot(self, credential: str, choice: Any) -> bytes:
        """`generate-ballot`, the text without its newline."""
        option = "--ballot" if self.is_old else "--choice"
        args: list[str | Path] = [
            "--privcred",
            self.temporary(credential),
            option,
            self.temporary(json.dumps(choice)),
        ]
        run = self.run("election", "generate-ballot", "--dir", self.folder, *args)
        return run.stdout.rstrip("\n").encode()

    def lines_of(self, *args: str | Path) -> list[bytes]:
        """What a command prints for `archive add-event`: one record on each line."""
        return [line.encode() for line in self.run(*args, "--dir", self.folder).stdout.splitlines() if line]

    def single_key(self) -> tuple[str, Any]:
        """`generate-trustee-key`: (text of the private key's file, public key object)."""
        before = set(self.folder.glob("*.privkey"))
        self.run("setup", "generate-trustee-key", "--group", self.group)
        (private,) = set(self.folder.glob("*.privkey")) - before
        return private.read_text(), json.loads(private.with_suffix(".pubkey").read_text())


def _timestamp(archive: bytes) -> int:
    return int(json.loads(next(RecordParser().feed(archive)).body)["timestamp"])


# --- a threshold key, step by step, by any mix of programs -------------------------------------------------------


@dataclass
class ToolTrustee:
    """One trustee of a threshold group who uses belenios-tool."""

    bench: Bench
    index: int
    needed: int
    size: int
    name: str = ""

    def _run(self, step: int, *args: str | Path, text: str | None = None) -> str:
        command = [
            "setup",
            "generate-trustee-key-threshold",
            "--group",
            self.bench.group,
            "--step",
            str(step),
        ]
        return self.bench.run(*command, *args, text=text).stdout

    def _context(self) -> list[str]:
        if self.bench.is_old:
            return []
        return ["--threshold-context", f"{self.index}/{self.needed}/{self.size}"]

    @property
    def _key_file(self) -> Path:
        return self.bench.folder / f"{self.name}.key"

    @property
    def seed(self) -> str:
        return self._key_file.read_text().strip()

    def certificate(self) -> Any:
        """Step 1."""
        before = set(self.bench.folder.glob("*.key"))
        self._run(1, *self._context())
        (key,) = set(self.bench.folder.glob("*.key")) - before
        self.name = key.stem
        return json.loads(key.with_suffix(".cert").read_text())

    def _certificates(self, certificates: list[Any]) -> Path:
        return self.bench.temporary("".join(dump(item) + "\n" for item in certificates))

    def check(self, certificates: list[Any]) -> None:
        """Step 2."""
        self._run(2, "--certs", self._certificates(certificates))

    def coefficients(self, certificates: list[Any]) -> Any:
        """Step 3."""
        old = ["--threshold", str(self.needed)] if self.bench.is_old else []
        certs = self._certificates(certificates)
        return json.loads(self._run(3, *self._context(), "--certs", certs, "--key", self._key_file, *old))

    def collect(self, certificates: list[Any], messages: list[Any]) -> dict[str, Any]:
        """Step 4, the server's: trustee's name → input of step 5."""
        polynomials = self.bench.temporary("".join(dump(item) + "\n" for item in messages))
        self._run(4, "--certs", self._certificates(certificates), "--polynomials", polynomials)
        return {path.stem: json.loads(path.read_text()) for path in self.bench.folder.glob("*.vinput")}

    def output(self, certificates: list[Any], vinput: Any) -> Any:
        """Step 5."""
        certs = self._certificates(certificates)
        made = json.loads(self._run(5, "--certs", certs, "--key", self._key_file, text=dump(vinput) + "\n"))
        # What `decrypt-threshold --decryption-key` reads; step 6 writes the same.
        self.bench.write(f"{self.name}.dkey", made["private_key"])
        return made

    def assemble(self, certificates: list[Any], messages: list[Any], outputs: list[Any]) -> Any:
        """Step 6, the server's."""
        polynomials = self.bench.temporary("".join(dump(item) + "\n" for item in messages))
        text = "".join(dump(item) + "\n" for item in outputs)
        args: list[str | Path] = ["--certs", self._certificates(certificates), "--polynomials", polynomials]
        return json.loads(self._run(6, *args, text=text))

    def decrypt(self, owner: int) -> list[bytes]:
        """The lines of a partial decryption of the bench's archive."""
        key = self.bench.folder / f"{self.name}.dkey"
        return self.bench.lines_of(
            "election",
            "decrypt-threshold",
            "--key",
            self._key_file,
            "--decryption-key",
            key,
            "--trustee-id",
            str(owner),
        )


def dump(value: Any) -> str:
    """JSON on one line, as the tool's files have it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


# --- our judgement -----------------------------------------------------------------------------------------------


def _read(archive: bytes) -> tuple[EntryReader, list[Entry]]:
    reader = EntryReader()
    parser = RecordParser()
    entries: list[Entry] = []
    for record in parser.feed(archive):
        for entry in reader.feed(record):
            entries.append(entry)
            if entry.event.type == "Setup":
                reader.cursor = reader.cursor.with_election(parse_election(entry.data[0]))
    parser.close()
    reader.close()
    return reader, entries


def judge(archive: bytes) -> Result | None:
    """Everything that `crypto` checks about an archive; its result if it has one. Raises what is wrong."""
    reader, entries = _read(archive)
    raw_election, raw_trustees, raw_credentials, _ = entries[0].data
    election = parse_election(raw_election)
    group = election.group
    checker = PlainChecker(group)
    trustees = parse_trustees(group, raw_trustees)
    verify_trustees(group, trustees, checker)
    assert election_public_key(group, trustees) == election.public_key
    credentials = parse_credential_list(group, raw_credentials)
    counted: dict[int, Ballot] = {}
    for entry in entries:
        if entry.event.type == "Ballot":
            ballot = parse_ballot(election, entry.payload)
            verify_ballot(election, ballot, checker)
            place = credentials.find(ballot.credential)
            assert place is not None
            counted[place] = ballot
    checker.finish()
    if reader.cursor.state not in {BoxState.COUNTED, BoxState.DECRYPTING, BoxState.DONE}:
        return None
    accumulator = TallyAccumulator(election)
    for place, ballot in counted.items():
        accumulator.add(ballot, credentials.weight(place))
    tally = accumulator.tally()
    (counting,) = [entry for entry in entries if entry.event.type == "EncryptedTally"]
    assert encode_encrypted_tally(election, tally) == counting.data[0]
    assert parse_encrypted_tally(election, counting.data[0]) == tally
    sized = parse_sized_tally(counting.payload)
    total = sum(credentials.weight(place) for place in counted)
    assert (sized.num_tallied, sized.total_weight) == (len(counted), total)
    partials: dict[int, PartialDecryption] = {}
    for entry in entries:
        if entry.event.type == "Shuffle":
            shuffle = parse_shuffle(election, tally, entry.data[0])
            verify_shuffle(election, tally, shuffle, checker)
            tally = apply_shuffle(election, tally, shuffle)
        elif entry.event.type == "PartialDecryption":
            owner = parse_owned(entry.payload).owner
            pd = parse_partial_decryption(election, tally, entry.data[0])
            verify_partial_decryption(election, tally, trustees.owners[owner - 1].public_key, pd, checker)
            assert owner not in partials
            partials[owner] = pd
    if reader.cursor.state is not BoxState.DONE:
        return None
    result = parse_result(election, entries[-1].payload)
    verify_result(election, trustees, tally, partials, result, total)
    assert find_odd_ballots(election, trustees, tally, partials) == []
    checker.finish()
    return result


def trustees_of(archive: bytes) -> Trustees:
    """The trustees' record of an archive, read."""
    bodies = [record.body for record in RecordParser().feed(archive) if record.kind == "data"]
    return parse_trustees(parse_election(bodies[0]).group, bodies[1])
