"""What the timer does for rolls: it forgets files that somebody looked at and never took."""

from __future__ import annotations

from datetime import datetime, timedelta

from voting_app.context import Context
from voting_app.roll import uploads

INTERVAL = timedelta(hours=1)
# When this process last looked, by database.
_forgot_at: dict[str, datetime] = {}


def run_due(context: Context) -> int:
    """One round, once in a while; how many files were forgotten."""
    now, database = context.clock.now(), str(context.database.url)
    last = _forgot_at.get(database)
    if last is not None and now < last + INTERVAL:
        return 0
    _forgot_at[database] = now
    return uploads.forget_old(context)
