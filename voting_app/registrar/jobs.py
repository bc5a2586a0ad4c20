"""Erases what nobody handed out before voting was over, and the traces of what was erased; called by the timer."""

from __future__ import annotations

from datetime import datetime, timedelta

from voting_app.context import Context
from voting_app.registrar import vault

INTERVAL = timedelta(minutes=1)
_TABLES = ("sealed_credential", "replaceable_credential")
# When this process last looked, by database: the timer comes every second.
_looked_at: dict[str, datetime] = {}
# How many sealed rows there were then.
_sealed: dict[str, int] = {}


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
        sealed = vault.count_sealed(session)
    # Not after each that is mailed: clearing up once a minute is enough.
    if sealed < _sealed.get(place, sealed + 1):
        context.database.wipe_deleted(*_TABLES)
    _sealed[place] = sealed
    return done
