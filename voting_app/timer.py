"""The timer: does what is due, again and again. Started by ``steward serve``.

Nothing depends on it: every act and request that finds something due in an election does it too, and mail can be
sent by ``steward mail send``.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence

from voting_app.booth import jobs as booth
from voting_app.context import Context
from voting_app.mail import jobs as mail
from voting_app.mailing import jobs as mailing
from voting_app.registrar import jobs as registrar
from voting_app.roll import jobs as roll
from voting_app.tally import jobs as tally

_log = logging.getLogger("steward.jobs")

INTERVAL_SECONDS = 1.0

# One round of something that may be due; how much there was.
Job = Callable[[Context], int]
JOBS: tuple[Job, ...] = (
    tally.run_due,
    mail.run_due,
    mailing.run_due,
    booth.run_due,
    registrar.run_due,
    roll.run_due,
)


class Timer:
    """Calls each job once a second until it is stopped.

    Each in a thread of its own: a mail server that does not answer must not keep an election open.
    """

    def __init__(
        self, context: Context, jobs: Sequence[Job] = JOBS, interval: float = INTERVAL_SECONDS
    ) -> None:
        self._context = context
        self._interval = interval
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(job,), name=f"timer {job.__module__}", daemon=True)
            for job in jobs
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Ends the threads after the rounds that are running."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, job: Job) -> None:
        while not self._stop.wait(self._interval):
            try:
                job(self._context)
            except Exception as error:  # noqa: BLE001 - the database may be back in a second
                _log.error("a round of %s failed: %s", job.__module__, type(error).__name__)
