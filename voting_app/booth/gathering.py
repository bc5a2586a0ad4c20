"""Lets the threads of one process share a transaction: one wait for the disk then serves several ballots.

Nothing depends on it but speed. Each process gathers for itself; between processes the database decides.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


class _Ticket(Generic[Job, Result]):
    """A job on its way and, once `is_done`, its result or the error that its owner is to raise."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.is_done = False
        self.results: Sequence[Result] = ()
        self.error: BaseException | None = None

    def get(self) -> Result:
        if self.error is not None:
            raise self.error
        return self.results[0]


class Gathering(Generic[Job, Result]):
    """Runs `run(jobs)` for jobs of several threads. Who comes while a run is under way is served by the
    next one.

    run: one transaction; returns one result for each job, in order. If it raises, each job is run alone,
    so that no job can spoil another one.
    """

    def __init__(self, run: Callable[[Sequence[Job]], Sequence[Result]]) -> None:
        """Gather for `run`."""
        self._run = run
        self._waiting: list[_Ticket[Job, Result]] = []
        self._door = threading.Lock()
        self._turn = threading.Lock()

    def submit(self, job: Job) -> Result:
        """Return the job's result, or raise what its run raised."""
        ticket = _Ticket[Job, Result](job)
        with self._door:
            self._waiting.append(ticket)
        with self._turn:
            # Somebody's run may have taken this job along; otherwise this thread runs all that are waiting.
            if not ticket.is_done:
                with self._door:
                    batch, self._waiting = self._waiting, []
                self._serve(batch)
        return ticket.get()

    def _serve(self, batch: list[_Ticket[Job, Result]]) -> None:
        try:
            results = self._run([ticket.job for ticket in batch])
        except Exception as error:  # noqa: BLE001  whatever it is, its owner raises it again
            if len(batch) > 1:
                for ticket in batch:
                    self._serve([ticket])
            else:
                batch[0].error = error
                batch[0].is_done = True
        except BaseException as error:
            # This thread is being ended; the others must not wait for it, and may try again.
            for ticket in batch:
                ticket.error = RuntimeError("the thread that worked for this one was ended")
                ticket.is_done = True
            raise error
        else:
            for ticket, result in zip(batch, results, strict=True):
                ticket.results = (result,)
                ticket.is_done = True
