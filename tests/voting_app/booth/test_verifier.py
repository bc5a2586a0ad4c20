"""The process that verifies ballots says what the function says, and its death costs nothing but time."""

import contextlib
import gc
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from crypto.checker import PlainChecker
from crypto.encoding import encode_json_bytes
from crypto.errors import MalformedError, ProtocolError, RejectedError
from tests.simulator import Simulation, sound
from tests.voting_app.casting import ballots_of
from tests.voting_app.processes import is_running
from voting_app.booth import verifier as module
from voting_app.booth.verifier import TooSlowError, Verifier, check


@pytest.fixture(scope="module")
def simulation() -> Simulation:
    return ballots_of(6)


@pytest.fixture
def verifier() -> Iterator[Verifier]:
    verifier = Verifier()
    yield verifier
    verifier.close()


def raw_election(simulation: Simulation) -> bytes:
    return simulation.entries[0].body("election")


def ask(verifier: Verifier, simulation: Simulation, *ballots: bytes) -> list[tuple[type, str]]:
    verdicts = verifier.check(simulation.election, raw_election(simulation), ballots)
    return [(type(verdict), str(verdict)) for verdict in verdicts]


def credentials(*ballots: bytes) -> list[tuple[type, str]]:
    return [(str, json.loads(raw)["credential"]) for raw in ballots]


def pid_of(verifier: Verifier) -> int:
    assert verifier._child is not None
    return verifier._child._process.pid


def test_it_says_what_the_function_says(verifier: Verifier, simulation: Simulation) -> None:
    sound_one, other, *_ = simulation.ballots
    value, second = json.loads(sound_one), json.loads(other)
    response = value["signature"]["proof"]["response"].encode()
    ballots = [
        sound_one,
        b"",
        b"{}",
        b"\xff",
        b"[" * 50_000,
        b'{"credential":"\\ud800"}',
        sound_one[:-1],
        sound_one.replace(response, b"1"),
        encode_json_bytes({**value, "answers": second["answers"]}),
        encode_json_bytes({**value, "election_uuid": "a" * 14}),
        encode_json_bytes({**value, "é\n": 1}),
        other,
    ]
    expected = []
    for raw in ballots:
        verdict = check(simulation.election, raw)
        expected.append((type(verdict), str(verdict)))
    assert ask(verifier, simulation, *ballots) == expected
    assert {kind for kind, _ in expected} == {str, MalformedError, RejectedError}


def test_it_knows_several_elections_and_is_told_again_what_it_forgot(
    verifier: Verifier, simulation: Simulation
) -> None:
    stranger = sound("plain")
    for one in (simulation, stranger, simulation):
        assert ask(verifier, one, one.ballots[0]) == credentials(one.ballots[0])
    [(kind, text)] = ask(verifier, simulation, stranger.ballots[0])
    assert issubclass(kind, ProtocolError)
    assert text.startswith("B2")
    first = pid_of(verifier)
    child = verifier._child
    assert child is not None
    for number in range(module._ELECTIONS):
        child.ask(f"other{number}", raw_election(stranger), [b""])
    assert child._put([simulation.election.uuid.encode(), b"", simulation.ballots[0]]) == []
    assert ask(verifier, simulation, simulation.ballots[0]) == credentials(simulation.ballots[0])
    assert pid_of(verifier) == first


def test_many_and_large_ballots(verifier: Verifier, simulation: Simulation) -> None:
    """More than a socket holds at a time."""
    large = b'{"a":"' + b"x" * 900_000 + b'"}'
    verdicts = ask(verifier, simulation, *[*simulation.ballots, large] * 3)
    assert [kind for kind, _ in verdicts] == [*[str] * 6, MalformedError] * 3


def test_it_is_started_when_it_is_needed(verifier: Verifier, simulation: Simulation) -> None:
    assert verifier._child is None
    ask(verifier, simulation, simulation.ballots[0])
    pid = pid_of(verifier)
    assert is_running(pid)
    verifier.close()
    assert not is_running(pid)
    # And again.
    assert ask(verifier, simulation, simulation.ballots[0]) == credentials(simulation.ballots[0])


def test_a_killed_one_is_replaced(verifier: Verifier, simulation: Simulation) -> None:
    pids = set()
    for _ in range(3):
        assert ask(verifier, simulation, *simulation.ballots) == credentials(*simulation.ballots)
        pids.add(pid_of(verifier))
        os.kill(pid_of(verifier), signal.SIGKILL)
    assert len(pids) == 3


def test_it_is_killed_while_it_works(verifier: Verifier, simulation: Simulation) -> None:
    stop = threading.Event()

    def kill() -> None:
        while not stop.wait(0.4):
            child = verifier._child
            if child is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child._process.pid, signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    for _ in range(40):
        assert ask(verifier, simulation, *simulation.ballots) == credentials(*simulation.ballots)
    stop.set()
    thread.join()


def test_one_that_does_not_answer_is_ended(
    verifier: Verifier, simulation: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(verifier, simulation, simulation.ballots[0])
    pid = pid_of(verifier)
    os.kill(pid, signal.SIGSTOP)
    monkeypatch.setattr(module, "_SECONDS_TO_ANSWER", 0.2)
    monkeypatch.setattr(module, "_SECONDS_TO_END", 0.2)
    with pytest.raises(TooSlowError):
        ask(verifier, simulation, simulation.ballots[0])
    assert not is_running(pid)
    monkeypatch.undo()
    assert ask(verifier, simulation, simulation.ballots[0]) == credentials(simulation.ballots[0])


def test_without_a_process_it_is_done_here(
    verifier: Verifier,
    simulation: Simulation,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    for broken in ("/nowhere/python", "/bin/false"):
        verifier._rests_until = 0.0
        monkeypatch.setattr(sys, "executable", broken)
        assert ask(verifier, simulation, *simulation.ballots) == credentials(*simulation.ballots)
        # It is not tried for every ballot.
        monkeypatch.undo()
        ask(verifier, simulation, simulation.ballots[0])
        assert verifier._child is None
    assert [record.name for record in caplog.records] == ["steward.verifier"] * 2
    assert json.loads(simulation.ballots[0])["credential"] not in caplog.text
    verifier._rests_until = 0.0
    ask(verifier, simulation, simulation.ballots[0])
    assert verifier._child is not None


def test_a_fault_of_the_program_is_met_here_too(
    verifier: Verifier, simulation: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The child has no rule to name; who asked for the ballot has the error, as with any other fault."""

    def fail(self: PlainChecker) -> None:
        raise ArithmeticError

    monkeypatch.setattr(PlainChecker, "finish", fail)
    assert module._answer(simulation.election, simulation.ballots[0]) == b"?"
    monkeypatch.setattr(module._Child, "ask", lambda *_: [module._decode_verdict(b"?")])
    with pytest.raises(ArithmeticError):
        ask(verifier, simulation, simulation.ballots[0])


def test_signals_to_all_processes_of_a_service_do_not_end_it(
    verifier: Verifier, simulation: Simulation
) -> None:
    """Its parent may have begun something, and ends it by ending."""
    ask(verifier, simulation, simulation.ballots[0])
    pid = pid_of(verifier)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(pid, number)
    assert ask(verifier, simulation, simulation.ballots[0]) == credentials(simulation.ballots[0])
    assert pid_of(verifier) == pid
    # Ctrl-C does not even reach it.
    assert os.getsid(pid) != os.getsid(0)


def test_it_is_told_no_settings(
    verifier: Verifier, simulation: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STEWARD_SECRET", "not for the child")
    monkeypatch.setenv("STEWARD_DATABASE_URL", "postgresql://steward:not-for-the-child@host/steward")
    ask(verifier, simulation, simulation.ballots[0])
    environment = Path(f"/proc/{pid_of(verifier)}/environ").read_bytes()
    assert environment
    assert b"STEWARD_" not in environment


def test_it_ends_with_its_owner(simulation: Simulation) -> None:
    verifier = Verifier()
    ask(verifier, simulation, simulation.ballots[0])
    pid = pid_of(verifier)
    del verifier
    gc.collect()
    assert not is_running(pid)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_does_not_keep_it_alive(
    simulation: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    verifier = Verifier()
    # Not by being killed.
    monkeypatch.setattr(module, "_SECONDS_TO_END", 1_000)
    ask(verifier, simulation, simulation.ballots[0])
    pid = pid_of(verifier)
    reading, writing = os.pipe()
    child = verifier._child
    assert child is not None
    # A thread waits for an answer meanwhile.
    child._channel.settimeout(20)
    thread = threading.Thread(target=lambda: child._put([b"unknown", b"", b""]))
    os.kill(pid, signal.SIGSTOP)
    thread.start()
    threading.Event().wait(0.1)
    forked = os.fork()
    if forked == 0:
        verifier.forget()
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)
    try:
        os.kill(pid, signal.SIGCONT)
        thread.join()
        verifier.close()
        assert not is_running(pid)
    finally:
        os.close(writing)
        os.close(reading)
        os.waitpid(forked, 0)
