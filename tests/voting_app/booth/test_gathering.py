"""Threads share runs, and nobody's failure is another one's."""

import threading
import time
from collections.abc import Callable, Sequence

import pytest

from voting_app.booth.gathering import Gathering


def test_who_comes_during_a_run_shares_the_next_one() -> None:
    runs: list[int] = []
    first_is_running, go_on = threading.Event(), threading.Event()

    def run(jobs: Sequence[int]) -> list[int]:
        runs.append(len(jobs))
        if len(runs) == 1:
            first_is_running.set()
            assert go_on.wait(20)
        return [job * 10 for job in jobs]

    gathering = Gathering[int, int](run)
    results: dict[int, int] = {}

    def submit(job: int) -> None:
        results[job] = gathering.submit(job)

    threads = [threading.Thread(target=submit, args=(job,)) for job in range(6)]
    threads[0].start()
    assert first_is_running.wait(20)
    for thread in threads[1:]:
        thread.start()
    # All five are in the queue before the first run ends.
    while len(gathering._waiting) < 5:
        threading.Event().wait(0.01)
    go_on.set()
    for thread in threads:
        thread.join()
    assert runs == [1, 5]
    assert results == {job: job * 10 for job in range(6)}


def test_a_failing_job_fails_alone() -> None:
    def run(jobs: Sequence[int]) -> list[int]:
        if 3 in jobs:
            raise ValueError("three")
        return list(jobs)

    gathering = Gathering[int, int](run, company=lambda: 5, patience=20)
    outcomes: dict[int, object] = {}

    def submit(job: int) -> None:
        try:
            outcomes[job] = gathering.submit(job)
        except ValueError as error:
            outcomes[job] = str(error)

    run_all(submit, 5)
    assert outcomes == {0: 0, 1: 1, 2: 2, 3: "three", 4: 4}


def run_all(act: Callable[[int], object], count: int) -> None:
    threads = [threading.Thread(target=act, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_run_waits_for_all_who_are_on_their_way() -> None:
    runs: list[int] = []

    def run(jobs: Sequence[int]) -> list[int]:
        runs.append(len(jobs))
        return list(jobs)

    run_all(Gathering[int, int](run, company=lambda: 7, patience=20).submit, 7)
    assert runs == [7]


def test_nobody_waits_for_long() -> None:
    """Somebody who is on the way may never come: a ballot that is refused."""
    started = time.monotonic()
    assert Gathering[int, int](list, company=lambda: 2, patience=0.1).submit(1) == 1
    assert 0.09 < time.monotonic() - started < 10
    # Who is alone does not wait at all.
    assert Gathering[int, int](list, company=lambda: 1, patience=1000).submit(1) == 1


def test_every_job_is_run_once_whatever_the_order() -> None:
    runs: list[list[int]] = []

    def run(jobs: Sequence[int]) -> list[int]:
        runs.append(list(jobs))
        return [-job for job in jobs]

    gathering = Gathering[int, int](run, company=lambda: 4, patience=0.001)
    results: dict[int, int] = {}

    def submit(start: int) -> None:
        for job in range(100 * start, 100 * start + 100):
            results[job] = gathering.submit(job)

    run_all(submit, 8)
    assert results == {job: -job for job in range(800)}
    assert sorted(job for jobs in runs for job in jobs) == list(range(800))


class Ended(BaseException):
    """What ends a thread."""


def test_a_leader_that_is_ended_leaves_nobody_behind() -> None:
    def run(jobs: Sequence[int]) -> list[int]:
        if len(jobs) == 3:
            raise Ended
        return list(jobs)

    gathering = Gathering[int, int](run, company=lambda: 3, patience=20)
    outcomes: list[str] = []

    def submit(job: int) -> None:
        try:
            gathering.submit(job)
        except BaseException as error:  # noqa: BLE001  an end is what is asked for
            outcomes.append(type(error).__name__)

    run_all(submit, 3)
    assert sorted(outcomes) == ["Ended", "RuntimeError", "RuntimeError"]
    gathering._company = lambda: 1
    assert gathering.submit(1) == 1


def test_results_must_be_as_many_as_jobs() -> None:
    with pytest.raises(ValueError, match="zip"):
        Gathering[int, int](lambda jobs: []).submit(1)
