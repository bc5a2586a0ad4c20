"""Threads share runs, and nobody's failure is another one's."""

import threading
from collections.abc import Callable, Sequence

import pytest

from voting_app.booth.gathering import Gathering, GaveUpError

HandOver = Callable[[], None]


class Held:
    """A run whose first call lasts until it is told to go on."""

    def __init__(self, act: Callable[[Sequence[int]], Sequence[int]] = list) -> None:
        self.runs: list[int] = []
        self.is_running, self.go_on = threading.Event(), threading.Event()
        self._act = act

    def __call__(self, jobs: Sequence[int], _: HandOver) -> Sequence[int]:
        self.runs.append(len(jobs))
        if len(self.runs) == 1:
            self.is_running.set()
            assert self.go_on.wait(20)
        return self._act(jobs)

    def run_with(self, gathering: Gathering[int, int], act: Callable[[int], object], count: int) -> None:
        """Submit job 0 alone and the others together: they share the second run."""
        threads = [threading.Thread(target=act, args=(job,)) for job in range(count)]
        threads[0].start()
        assert self.is_running.wait(20)
        for thread in threads[1:]:
            thread.start()
        # All of them are in the queue before the first run ends.
        while len(gathering._waiting) < count - 1:
            threading.Event().wait(0.01)
        self.go_on.set()
        for thread in threads:
            thread.join()


def test_who_comes_during_a_run_shares_the_next_one() -> None:
    held = Held(lambda jobs: [job * 10 for job in jobs])
    gathering = Gathering[int, int](held)
    results: dict[int, int] = {}

    def submit(job: int) -> None:
        results[job] = gathering.submit(job)

    held.run_with(gathering, submit, 6)
    assert held.runs == [1, 5]
    assert results == {job: job * 10 for job in range(6)}


def test_a_failing_job_fails_alone() -> None:
    def run(jobs: Sequence[int]) -> Sequence[int]:
        if 3 in jobs:
            raise ValueError("three")
        return list(jobs)

    held = Held(run)
    gathering = Gathering[int, int](held)
    outcomes: dict[int, object] = {}

    def submit(job: int) -> None:
        try:
            outcomes[job] = gathering.submit(job)
        except ValueError as error:
            outcomes[job] = str(error)

    held.run_with(gathering, submit, 5)
    assert outcomes == {0: 0, 1: 1, 2: 2, 3: "three", 4: 4}
    assert held.runs == [1, 4, 1, 1, 1, 1]


def run_all(act: Callable[[int], object], count: int) -> None:
    threads = [threading.Thread(target=act, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_the_next_run_begins_when_this_one_hands_over() -> None:
    second_has_run = threading.Event()

    def run(jobs: Sequence[int], hand_over: HandOver) -> Sequence[int]:
        if 1 in jobs:
            # Twice is as once.
            hand_over()
            hand_over()
            threading.Thread(target=gathering.submit, args=(2,)).start()
            assert second_has_run.wait(20)
        else:
            second_has_run.set()
        return list(jobs)

    gathering = Gathering[int, int](run)
    assert gathering.submit(1) == 1
    assert gathering._leading == 0


def test_several_runs_at_a_time_if_they_may() -> None:
    """Each waits for the other one."""
    together = threading.Barrier(2, timeout=20)

    def run(jobs: Sequence[int], _: HandOver) -> Sequence[int]:
        together.wait()
        return list(jobs)

    gathering = Gathering[int, int](run, leaders=2)
    run_all(gathering.submit, 2)
    assert gathering._leading == 0


def test_who_waits_too_long_leaves() -> None:
    held = Held()
    gathering = Gathering[int, int](held, limit=0.05)
    first = threading.Thread(target=gathering.submit, args=(0,))
    first.start()
    assert held.is_running.wait(20)
    with pytest.raises(GaveUpError):
        gathering.submit(1)
    held.go_on.set()
    first.join()
    # It is forgotten, and nobody waits for it to lead.
    assert (held.runs, gathering._waiting, gathering._leading) == ([1], [], 0)
    assert gathering.submit(2) == 2


def test_a_run_that_has_begun_is_waited_for_however_long_it_takes() -> None:
    held = Held()
    gathering = Gathering[int, int](held, limit=0.05)
    threading.Timer(0.5, held.go_on.set).start()
    assert gathering.submit(0) == 0


@pytest.mark.parametrize("leaders, limit", [(1, -1), (3, -1), (2, 0.001)])
def test_every_job_is_run_once_whatever_the_order(leaders: int, limit: float) -> None:
    runs: list[list[int]] = []

    def run(jobs: Sequence[int], hand_over: HandOver) -> list[int]:
        assert jobs
        runs.append(list(jobs))
        if len(runs) % 3 == 0:
            hand_over()
        return [-job for job in jobs]

    gathering = Gathering[int, int](run, leaders=leaders, limit=limit)
    results: dict[int, int] = {}

    def submit(start: int) -> None:
        for job in range(100 * start, 100 * start + 100):
            while job not in results:
                try:
                    results[job] = gathering.submit(job)
                except GaveUpError:
                    continue

    run_all(submit, 8)
    assert results == {job: -job for job in range(800)}
    assert sorted(job for jobs in runs for job in jobs) == list(range(800))
    assert (gathering._waiting, gathering._leading) == ([], 0)


class Ended(BaseException):
    """What ends a thread."""


def test_a_leader_that_is_ended_leaves_nobody_behind() -> None:
    def run(jobs: Sequence[int]) -> Sequence[int]:
        if len(jobs) == 3:
            raise Ended
        return list(jobs)

    held = Held(run)
    gathering = Gathering[int, int](held)
    outcomes: list[str] = []

    def submit(job: int) -> None:
        try:
            gathering.submit(job)
        except BaseException as error:  # noqa: BLE001  an end is what is asked for
            outcomes.append(type(error).__name__)

    held.run_with(gathering, submit, 4)
    assert sorted(outcomes) == ["Ended", "RuntimeError", "RuntimeError"]
    assert gathering.submit(1) == 1


def test_results_must_be_as_many_as_jobs() -> None:
    with pytest.raises(ValueError, match="zip"):
        Gathering[int, int](lambda _jobs, _: []).submit(1)
