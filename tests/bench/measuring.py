"""Runs programs and says what they took."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

# On Linux a process begins with the peak memory of the one that it was forked from. So a small one stands between: it
# starts the program, waits, and prints wall seconds, processor seconds of the program and its children, the peak of
# the largest of them in kilobytes, and the exit status.
_BETWEEN = """
import json, os, resource, sys, time
started = time.perf_counter()
pid = os.fork()
if pid == 0:
    null = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(null, number)
    os.execvp(sys.argv[1], sys.argv[1:])
_, status, usage = os.wait4(pid, 0)
wall = time.perf_counter() - started
print(json.dumps([wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss, os.waitstatus_to_exitcode(status)]))
"""


@dataclass(frozen=True, slots=True)
class Taken:
    """What a run took. wall, cpu: seconds; peak: megabytes of the largest process."""

    wall: float
    cpu: float
    peak: float


def run(command: Sequence[str | Path], environment: dict[str, str] | None = None) -> Taken:
    """Run a program to its end; RuntimeError if it does not end well."""
    words = [str(word) for word in command]
    answer = subprocess.run(
        [sys.executable, "-I", "-S", "-c", _BETWEEN, *words],
        stdout=subprocess.PIPE,
        check=True,
        env=environment,
    )
    wall, cpu, kilobytes, status = json.loads(answer.stdout)
    if status != 0:
        raise RuntimeError(f"{' '.join(words)} ended with {status}")
    return Taken(wall, cpu, kilobytes / 1024)


def verify(archive: Path, jobs: int) -> Taken:
    """One run of our auditor."""
    return run([sys.executable, "-m", "audit", "verify", archive, "--jobs", str(jobs)])


_SPIN = """
import time
end = time.perf_counter() + 1
while time.perf_counter() < end:
    pass
print(time.process_time())
"""


def get_free_processors(processes: int) -> float:
    """How many processors that many busy processes get at this moment: fewer than asked for if others work too."""
    spinning = [
        subprocess.Popen([sys.executable, "-I", "-S", "-c", _SPIN], stdout=subprocess.PIPE)
        for _ in range(processes)
    ]
    return sum(float(process.communicate()[0]) for process in spinning)


def get_cpu_seconds(pids: Sequence[int]) -> float:
    """Processor seconds that running processes have taken so far, with those of their children that have ended."""
    ticks = 0
    for pid in pids:
        with suppress(FileNotFoundError):  # ended just now
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(int(field) for field in fields[11:15])
    return ticks / os.sysconf("SC_CLK_TCK")


def get_children(pids: Sequence[int]) -> list[int]:
    """The processes that these processes have started, whichever of their threads did it."""
    files = [file for pid in pids for file in Path(f"/proc/{pid}/task").glob("*/children")]
    return [int(word) for file in files for word in file.read_text().split()]
