"""Tells in the journal when the program has other files than before; called by the timer."""

from __future__ import annotations

import logging

from voting_app.booth import opening
from voting_app.context import Context
from voting_app.elections import service as elections

_log = logging.getLogger("steward.jobs")


def run_due(context: Context) -> int:
    """One round over all elections in which people vote; how many there were."""
    with context.database.read() as session:
        voting = elections.list_voting(session)
    for uuid in voting:
        try:
            opening.write_changed_files(context, uuid)
        except Exception as error:  # noqa: BLE001 - one broken election must not keep the others waiting
            _log.error("the files of election %s could not be listed: %s", uuid, type(error).__name__)
    return len(voting)
