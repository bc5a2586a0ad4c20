"""Lets the threads of one process share a piece of work: one wait for the disk then serves several ballots.

Nothing depends on it but speed. Each process gathers for itself; between processes the database decides.
"""

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

Job = TypeVar("Job")
Result = TypeVar("Result")


class GaveUpError(Exception):
    """The job was not begun within the limit, and will not be."""


class _Ticket(Generic[Job, Result]):
    """A job on its way. Its thread sleeps until it is called: to lead the next run, or because it is done."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.leads = False
        # Stands if the leading thread is ended: the others must not wait for it, and may try again.
        self.error: BaseException | None = RuntimeError("the thread that worked for this one was ended")
        self._results: Sequence[Result] = ()
        self._sleep = threading.Lock()
        self._sleep.acquire()

    def wait(self, seconds: float = -1) -> bool:
        """Wait to be called; False if that does not happen in time."""
        return self._sleep.acquire(timeout=seconds)

    def call(self) -> None:
        self._sleep.release()

    def finish(self, result: Result) -> None:
        self._results, self.error = (result,), None

    def get(self) -> Result:
        if self.error is not None:
            raise self.error
        return self._results[0]


class _Baton:
    """Is handed over once, however often it is asked for."""

    def __init__(self, hand_over: Callable[[], None]) -> None:
        self._hand_over = hand_over
        self._is_held = True

    def hand_over(self) -> None:
        if self._is_held:
            self._is_held = False
            self._hand_over()


class Gathering(Generic[Job, Result]):
    """Runs `run(jobs, hand_over)` for jobs of several threads. Who comes while a run is under way is served by the
    next one.

    run: returns one result for each job, in order. If it raises, each job is run alone, so that no job can
    spoil another one. It may call hand_over() from when on the next run may begin, and it is the next run's turn
    then although this one is not done; otherwise that is when it has ended.
    leaders: how many runs may be under way at a time that have not handed over.
    limit: who has waited this many seconds for the run to begin leaves with GaveUpError.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Job], Callable[[], None]], Sequence[Result]],
        *,
        leaders: int = 1,
        limit: float = -1,
    ) -> None:
        """Gather for `run`."""
        self._run = run
        self._leaders = leaders
        self._limit = limit
        self._waiting: list[_Ticket[Job, Result]] = []
        # A thread that leads runs for all that wait. The lock guards `_waiting` and how many lead.
        self._leading = 0
        self._door = threading.Lock()

    def submit(self, job: Job) -> Result:
        """Return the job's result, or raise what its run raised, or GaveUpError."""
        ticket = _Ticket[Job, Result](job)
        with self._door:
            self._waiting.append(ticket)
            leads_at_once = ticket.leads = self._leading < self._leaders
            if leads_at_once:
                self._leading += 1
        # Not `ticket.leads`: it may have been called to lead just now, and the call has to be taken.
        if not leads_at_once and not ticket.wait(self._limit):
            self._leave(ticket)
            ticket.wait()
        if ticket.leads:
            self._lead(ticket)
        return ticket.get()

    def _leave(self, ticket: _Ticket[Job, Result]) -> None:
        """Raise GaveUpError, unless the ticket's run has begun or the ticket has been called to lead it."""
        with self._door:
            if not ticket.leads and ticket in self._waiting:
                self._waiting.remove(ticket)
                raise GaveUpError

    def _lead(self, own: _Ticket[Job, Result]) -> None:
        """Run all that are waiting, this thread's job among them, and call their threads, whatever happens."""
        with self._door:
            # Others who lead come with a run of their own.
            batch = [ticket for ticket in self._waiting if ticket is own or not ticket.leads]
            self._waiting = [ticket for ticket in self._waiting if ticket not in batch]
        baton = _Baton(self._hand_over)
        try:
            self._serve(batch, baton.hand_over)
        finally:
            baton.hand_over()
            for ticket in batch:
                ticket.call()

    def _hand_over(self) -> None:
        """Let one of those who came meanwhile lead the next run."""
        with self._door:
            heir = next((ticket for ticket in self._waiting if not ticket.leads), None)
            if heir is None:
                self._leading -= 1
            else:
                heir.leads = True
                heir.call()

    def _serve(self, batch: list[_Ticket[Job, Result]], hand_over: Callable[[], None]) -> None:
        try:
            results = self._run([ticket.job for ticket in batch], hand_over)
        except Exception as error:  # noqa: BLE001  whatever it is, its owner raises it again
            if len(batch) > 1:
                for ticket in batch:
                    self._serve([ticket], hand_over)
            else:
                batch[0].error = error
        else:
            for ticket, result in zip(batch, results, strict=True):
                ticket.finish(result)
