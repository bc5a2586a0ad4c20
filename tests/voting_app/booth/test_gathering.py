"""Threads share runs, and nobody's failure is another one's."""

import threading
from collections.abc import Sequence

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

    gathering = Gathering[int, int](run)
    with gathering._turn:
        outcomes: dict[int, object] = {}

        def submit(job: int) -> None:
            try:
                outcomes[job] = gathering.submit(job)
            except ValueError as error:
                outcomes[job] = str(error)

        threads = [threading.Thread(target=submit, args=(job,)) for job in range(5)]
        for thread in threads:
            thread.start()
        while len(gathering._waiting) < 5:
            threading.Event().wait(0.01)
    for thread in threads:
        thread.join()
    assert outcomes == {0: 0, 1: 1, 2: 2, 3: "three", 4: 4}


def test_results_must_be_as_many_as_jobs() -> None:
    with pytest.raises(ValueError, match="zip"):
        Gathering[int, int](lambda jobs: []).submit(1)
