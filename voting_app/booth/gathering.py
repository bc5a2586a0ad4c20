"""Lets the threads of one process share a transaction: one wait for the disk then serves several ballots.

Nothing depends on it but speed. Each process gathers for itself; between processes the database decides.
"""

import threading
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Generic, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


def _nobody_else() -> int:
    return 1


class _Ticket(Generic[Job, Result]):
    """A job on its way. Its thread sleeps until it is called: to lead the next run, or because it is done."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.leads = False
        self.came_at = monotonic()
        # Stands if the leading thread is ended: the others must not wait for it, and may try again.
        self.error: BaseException | None = RuntimeError("the thread that worked for this one was ended")
        self._results: Sequence[Result] = ()
        self._sleep = threading.Lock()
        self._sleep.acquire()

    def wait(self) -> None:
        self._sleep.acquire()

    def call(self) -> None:
        self._sleep.release()

    def finish(self, result: Result) -> None:
        self._results, self.error = (result,), None

    def get(self) -> Result:
        if self.error is not None:
            raise self.error
        return self._results[0]


class Gathering(Generic[Job, Result]):
    """Runs `run(jobs)` for jobs of several threads. Who comes while a run is under way is served by the
    next one.

    run: one transaction; returns one result for each job, in order. If it raises, each job is run alone,
    so that no job can spoil another one.
    company, patience: a run waits until as many jobs are there as company() says are on their way, this many
    seconds at most. The more share a run, the less each costs; who is alone waits for nobody.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Job]], Sequence[Result]],
        *,
        company: Callable[[], int] = _nobody_else,
        patience: float = 0.0,
    ) -> None:
        """Gather for `run`."""
        self._run = run
        self._company = company
        self._patience = patience
        self._waiting: list[_Ticket[Job, Result]] = []
        # One thread leads: it waits for company and runs for all. The lock guards `_waiting` and this.
        self._is_led = False
        self._door = threading.Lock()
        self._company_came = threading.Condition(self._door)

    def count(self) -> int:
        """Return how many jobs wait for their run."""
        return len(self._waiting)

    def submit(self, job: Job) -> Result:
        """Return the job's result, or raise what its run raised."""
        ticket = _Ticket[Job, Result](job)
        with self._door:
            self._waiting.append(ticket)
            if not self._is_led:
                self._is_led = ticket.leads = True
            elif self._is_complete():
                self._company_came.notify()
        if not ticket.leads:
            ticket.wait()
        if ticket.leads:
            self._lead(ticket.came_at + self._patience)
        return ticket.get()

    def _is_complete(self) -> bool:
        return len(self._waiting) >= self._company()

    def _lead(self, until: float) -> None:
        """Run all that are waiting, this thread's job among them, and call their threads, whatever happens.

        until: on the clock of `monotonic`. Who waited for the run before has no patience left for company.
        """
        batch: list[_Ticket[Job, Result]] = []
        try:
            with self._door:
                try:
                    if self._patience:
                        self._company_came.wait_for(self._is_complete, until - monotonic())
                finally:
                    batch, self._waiting = self._waiting, []
            self._serve(batch)
        finally:
            self._hand_over()
            for ticket in batch:
                ticket.call()

    def _hand_over(self) -> None:
        """Let one of those who came meanwhile lead the next run."""
        with self._door:
            self._is_led = bool(self._waiting)
            if self._is_led:
                self._waiting[0].leads = True
                self._waiting[0].call()

    def _serve(self, batch: list[_Ticket[Job, Result]]) -> None:
        try:
            results = self._run([ticket.job for ticket in batch])
        except Exception as error:  # noqa: BLE001  whatever it is, its owner raises it again
            if len(batch) > 1:
                for ticket in batch:
                    self._serve([ticket])
            else:
                batch[0].error = error
        else:
            for ticket, result in zip(batch, results, strict=True):
                ticket.finish(result)
