"""The timer: obeys closing times and does what is due after them. Started by ``steward serve``.

Nothing depends on it: every act and request that finds something due does it too.
"""

from __future__ import annotations

import logging
import threading

from voting_app.context import Context
from voting_app.elections import service as elections
from voting_app.tally import service

_log = logging.getLogger("steward.jobs")

INTERVAL_SECONDS = 1.0


def run_due(context: Context) -> int:
    """One round over all elections in which something is due; how many there were."""
    with context.database.read() as session:
        due = elections.list_due(session, context.clock.now()) + elections.list_closed(session)
    for uuid in due:
        try:
            service.advance(context, uuid)
        except Exception as error:  # noqa: BLE001 - one broken election must not keep the others open
            _log.error("election %s could not be moved on: %s", uuid, type(error).__name__)
    return len(due)


class Timer:
    """Calls :func:`run_due` once a second in a thread of its own until it is stopped."""

    def __init__(self, context: Context, interval: float = INTERVAL_SECONDS) -> None:
        self._context = context
        self._interval = interval
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="steward-timer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ends the thread after the round that is running."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self._interval):
            try:
                run_due(self._context)
            except Exception as error:  # noqa: BLE001 - the database may be back in a second
                _log.error("the timer's round failed: %s", type(error).__name__)
