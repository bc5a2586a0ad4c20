"""Obeys closing times and does what is due after them; called by the timer."""

from __future__ import annotations

import logging

from voting_app.context import Context
from voting_app.elections import service as elections
from voting_app.tally import service

_log = logging.getLogger("steward.jobs")


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
