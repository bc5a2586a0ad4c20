"""Erases what nobody handed out before voting was over, and the traces of what was erased; called by the timer."""

from __future__ import annotations

from datetime import datetime, timedelta

from voting_app.context import Context
from voting_app.registrar import vault

INTERVAL = timedelta(minutes=1)
# With the lists that were replaced: two of them next to each other tell which entries are new.
_TABLES = ("sealed_credential", "replaceable_credential", "credential_publication")
# When this process last looked, by database: the timer comes every second.
_looked_at: dict[str, datetime] = {}
# What was there when it last cleared up.
_cleared_at: dict[str, vault.Traces] = {}


def run_due(context: Context) -> int:
    """One round; how many credentials were erased."""
    now, place = context.clock.now(), str(context.database.url)
    last = _looked_at.get(place)
    if last is not None and now - last < INTERVAL:
        return 0
    _looked_at[place] = now
    with context.database.read() as session:
        ended = vault.list_ended(session)
    done = 0
    for election_id in ended:
        with context.database.write() as session:
            done += vault.erase_all(session, election_id, vault.Way.EXPIRED)
    with context.database.read() as session:
        traces = vault.find_traces(session)
    # Not after each that is mailed: clearing up once a minute is enough. Where somebody was in the way, once more.
    if traces != _cleared_at.get(place) and context.database.wipe_deleted(*_TABLES):
        _cleared_at[place] = traces
    return done
