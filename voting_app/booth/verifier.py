"""Verifies ballots in a process of its own, many at a time.

libsodium gives the interpreter's lock away and takes it back some fifty times for a ballot. Among the threads of a web
server each time is a fight, which costs a process as much again as the work around the proofs.

The child is asked over a socket that is its standard input, and ends when that ends: with its application, and also
when the application's process is killed. It knows no database, no voter and no secret, only what is published, and
it writes nothing anywhere. What decides about a ballot stays where it was: the child says whether the proofs
hold, and the append's transaction says the rest.

A message is a list of byte strings: a number of four bytes, the length of what follows, then each string behind its
length. The question is the election's uuid, the election's text or nothing, and ballots; the answer is one string for
each ballot, or none at all: then the child does not know the election, and the question is put again with its text.
"""

import logging
import os
import signal
import socket
import struct
import subprocess
import sys
import weakref
from collections.abc import Sequence
from pathlib import Path
from time import monotonic

from crypto.ballot import check_ballot
from crypto.checker import PlainChecker
from crypto.election import Election, parse_election
from crypto.errors import MalformedError, ProtocolError, RejectedError

# The public credential of a sound ballot, or the rule that it breaks.
Verdict = str | ProtocolError

# The slowest computer in the slowest group needs less, even for the child's start.
_SECONDS_TO_ANSWER = 30.0
_BYTES_IN_A_SECOND = 10_000
_SECONDS_TO_END = 5
# After a child that could not be used, ballots are verified in this process for so long.
_REST_SECONDS = 60
# The child keeps so many elections; one that it has forgotten is sent again.
_ELECTIONS = 32

_NUMBER = struct.Struct(">I")
_SOUND, _MALFORMED, _REJECTED, _UNKNOWN = b"s", b"m", b"r", b"?"

# As `python -m`, but nothing is imported from the folder in which the application happens to run.
_START = (
    "import runpy, sys; sys.path.insert(0, sys.argv[1]); runpy.run_module(sys.argv[2], run_name='__main__')"
)
_ROOT = Path(__file__).resolve().parents[2]

_log = logging.getLogger("steward.verifier")


class TooSlowError(Exception):
    """The child did not answer in time, and was ended."""


def check(election: Election, raw: bytes) -> Verdict:
    """Verify a ballot here and now (rules B1 to B10 without B4)."""
    try:
        return check_ballot(election, raw, PlainChecker(election.group)).credential.text
    except ProtocolError as error:
        return error


# --- messages ----------------------------------------------------------------------------------------


def _send(channel: socket.socket, items: Sequence[bytes]) -> None:
    body = b"".join(part for item in items for part in (_NUMBER.pack(len(item)), item))
    channel.sendall(_NUMBER.pack(len(body)) + body)


def _receive(channel: socket.socket) -> list[bytes]:
    """Return the next message; EOFError if the other side has ended."""
    body = _read(channel, _NUMBER.unpack(_read(channel, _NUMBER.size))[0])
    items: list[bytes] = []
    position = 0
    while position < len(body):
        start = position + _NUMBER.size
        position = start + _NUMBER.unpack_from(body, position)[0]
        items.append(body[start:position])
    return items


def _read(channel: socket.socket, length: int) -> bytes:
    # Not through a file object: that has a lock, which a forked process may find taken for ever.
    data = bytearray(length)
    left = memoryview(data)
    while left:
        count = channel.recv_into(left)
        if count == 0:
            raise EOFError
        left = left[count:]
    return bytes(data)


def _encode_verdict(verdict: Verdict) -> bytes:
    if isinstance(verdict, str):
        return _SOUND + verdict.encode()
    kind = _MALFORMED if isinstance(verdict, MalformedError) else _REJECTED
    return kind + f"{verdict.rule}\n{verdict.detail}".encode()


def _decode_verdict(raw: bytes) -> Verdict | None:
    """Return the child's verdict, None if it has none."""
    kind, text = raw[:1], raw[1:].decode()
    if kind == _SOUND:
        return text
    if kind == _UNKNOWN:
        return None
    rule, _, detail = text.partition("\n")
    return {_MALFORMED: MalformedError, _REJECTED: RejectedError}[kind](rule, detail)


# --- the parent's side -------------------------------------------------------------------------------


class Verifier:
    """One child, for one thread at a time. It is started when it is first asked, and anew when it has died."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._child: _Child | None = None
        self._rests_until = 0.0

    def check(self, election: Election, raw_election: bytes, ballots: Sequence[bytes]) -> list[Verdict]:
        """Return a verdict for each ballot, from a child if one can be had. Raises TooSlowError."""
        verdicts = self._ask(election.uuid, raw_election, ballots)
        if verdicts is None:
            verdicts = [None] * len(ballots)
        # What the child stumbled over without a rule fails here as well, and is told and logged as any other fault.
        return [
            check(election, raw) if verdict is None else verdict
            for raw, verdict in zip(ballots, verdicts, strict=True)
        ]

    def close(self) -> None:
        """End the child."""
        if self._child is not None:
            self._child.end()
            self._child = None

    def forget(self) -> None:
        """In a forked process: the child is the parent's."""
        if self._child is not None:
            self._child.forget()
            self._child = None

    def _ask(
        self, uuid: str, raw_election: bytes, ballots: Sequence[bytes]
    ) -> Sequence[Verdict | None] | None:
        if monotonic() < self._rests_until:
            return None
        # A child may have died long ago, or of these ballots: a new one is asked once more.
        for _ in range(2):
            try:
                if self._child is None:
                    self._child = _Child()
                return self._child.ask(uuid, raw_election, ballots)
            except TimeoutError:
                self.close()
                raise TooSlowError from None
            except (OSError, EOFError, ValueError, LookupError):
                self.close()
        self._rests_until = monotonic() + _REST_SECONDS
        _log.warning("the process that verifies ballots could not be used; they are verified without it")
        return None


class _Child:
    """A running child."""

    def __init__(self) -> None:
        if os.name != "posix":
            raise OSError("sockets can't be given to a child here")
        self._channel, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-c", _START, str(_ROOT), __name__],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    # The text of an error could repeat a ballot.
                    stderr=subprocess.DEVNULL,
                    # The secret and the database's password may be among our settings.
                    env={k: v for k, v in os.environ.items() if not k.startswith("STEWARD_")},
                    # Ctrl-C is for the application, which may need the child for what it has begun.
                    start_new_session=True,
                )
        except OSError:
            self._channel.close()
            raise
        self._is_new = True
        # Also when nobody holds the application any more, and at the end of the interpreter.
        self._end = weakref.finalize(self, _end, self._process, self._channel)

    def ask(self, uuid: str, raw_election: bytes, ballots: Sequence[bytes]) -> list[Verdict | None]:
        """Put the question. Raises OSError, EOFError, ValueError or LookupError if the child is of no use."""
        size = sum(map(len, ballots))
        self._channel.settimeout(_SECONDS_TO_ANSWER + size / _BYTES_IN_A_SECOND)
        answers: list[bytes] = []
        if not self._is_new:
            answers = self._put([uuid.encode(), b"", *ballots])
        if not answers:
            answers = self._put([uuid.encode(), raw_election, *ballots])
        self._is_new = False
        if len(answers) != len(ballots):
            raise ValueError("the child answered something else")
        return [_decode_verdict(answer) for answer in answers]

    def _put(self, question: Sequence[bytes]) -> list[bytes]:
        _send(self._channel, question)
        return _receive(self._channel)

    def end(self) -> None:
        """End the process, and wait for it."""
        self._end()

    def forget(self) -> None:
        """Close this process's copy of the socket, or the child would live as long as this process."""
        self._end.detach()
        self._channel.close()
        # Not ours to wait for.
        self._process.returncode = 0


def _end(process: "subprocess.Popen[bytes]", channel: socket.socket) -> None:
    channel.close()
    try:
        process.wait(_SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


# --- the child's side --------------------------------------------------------------------------------


def main() -> None:
    """Entry point of the child: answer until the parent's side of the socket is closed."""
    # Who stops a service may signal every process of it. The parent says when the work is over, by ending.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    elections: dict[str, Election] = {}
    with socket.socket(fileno=os.dup(0)) as channel:
        while True:
            try:
                name, raw_election, *ballots = _receive(channel)
            except (EOFError, ConnectionError):
                return
            uuid = name.decode()
            if raw_election:
                while len(elections) >= _ELECTIONS:
                    del elections[next(iter(elections))]
                elections[uuid] = parse_election(raw_election)
            election = elections.get(uuid)
            try:
                _send(channel, [] if election is None else [_answer(election, raw) for raw in ballots])
            except ConnectionError:
                return


def _answer(election: Election, raw: bytes) -> bytes:
    try:
        return _encode_verdict(check(election, raw))
    except Exception:  # noqa: BLE001  the parent meets it again, and answers and logs it as any other
        return _UNKNOWN


if __name__ == "__main__":
    main()
