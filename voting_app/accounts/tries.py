"""Wrong tries: how many somebody has before there must be a pause. Counted in the database, so that restarts and
other hosts change nothing.

Who is counted is the caller's choice of `subject`, and decides whom a stranger can lock out: an address is paused for
browsers that nobody knows only, and a confirmation counts against the account that is logged in.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import bindparam, delete, or_, select, text
from sqlalchemy.orm import Session

from voting_app.accounts.models import LoginTry
from voting_app.db import UtcTime
from voting_app.errors import Problem


@dataclass(frozen=True)
class Limit:
    """So many tries, then a pause; after each further handful a pause of twice the length, `longest` at most.

    series: tries that lie no further apart than this are counted together.
    """

    tries: int
    pause: timedelta
    longest: timedelta
    series: timedelta


# After so long without a wrong try everything begins anew.
FORGET_AFTER = timedelta(days=2)
# A code is one of 10^6, two are good at a time. Pauses that grow to a day, and a series that patience does not end,
# leave a stranger who has the password a chance of less than one in two hundred in a year.
OF_ONE = Limit(5, timedelta(minutes=15), timedelta(days=1), FORGET_AFTER)
# All unknown browsers together: who tries one password with many addresses. The mistakes of honest people lie further
# apart.
OF_ALL = Limit(100, timedelta(minutes=15), timedelta(minutes=15), timedelta(minutes=15))


def take(session: Session, subject: str, limit: Limit, now: datetime) -> None:
    """Count a try before it is judged, so that many at once are counted too. The caller commits, and calls `forgive`
    if it was a good one. Problem 429 `too-many-tries` [seconds] in a pause; then nothing is counted.
    """
    row = _lock(session, subject, now)
    if (refusal := _judge(row, now)) is not None:
        raise refusal
    if now - row.last_at > limit.series:
        row.count = 0
    row.count, row.last_at, row.paused_until_at = row.count + 1, now, None
    if row.count >= limit.tries:
        row.paused_until_at = now + min(limit.pause * 2**row.pauses, limit.longest)
        # Counted no further than matters, so that the power stays a small number.
        row.count, row.pauses = 0, min(row.pauses + 1, 20)
    session.flush()


def find_pause(session: Session, subject: str, now: datetime) -> Problem | None:
    """The refusal `too-many-tries` [seconds] during a pause."""
    return _judge(session.get(LoginTry, subject), now)


def forgive(session: Session, subject: str) -> None:
    """It was a good one: everything begins anew."""
    session.execute(delete(LoginTry).where(LoginTry.subject == subject))


def give_back(session: Session, subject: str, now: datetime) -> None:
    """It was a good one among the wrong ones of others: it does not count."""
    row = _lock(session, subject, now)
    row.count = max(0, row.count - 1)


def _lock(session: Session, subject: str, now: datetime) -> LoginTry:
    is_old = LoginTry.last_at < now - FORGET_AFTER
    is_over = or_(LoginTry.paused_until_at.is_(None), LoginTry.paused_until_at < now)
    session.execute(delete(LoginTry).where(is_old, is_over))
    # Of two first tries at once one makes the row.
    statement = text(
        "INSERT INTO login_try (subject, count, pauses, last_at) VALUES (:subject, 0, 0, :now) "
        "ON CONFLICT (subject) DO NOTHING"
    ).bindparams(bindparam("subject", subject), bindparam("now", now, type_=UtcTime))
    session.execute(statement)
    return session.execute(
        select(LoginTry)
        .where(LoginTry.subject == subject)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).scalar_one()


def _judge(row: LoginTry | None, now: datetime) -> Problem | None:
    if row is None or row.paused_until_at is None or row.paused_until_at <= now:
        return None
    seconds = int((row.paused_until_at - now).total_seconds()) + 1
    return Problem(
        429,
        "too-many-tries",
        "There were too many wrong tries.",
        extra={"seconds": seconds},
        headers={"Retry-After": str(seconds)},
    )
