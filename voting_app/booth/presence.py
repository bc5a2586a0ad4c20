"""Tells other processes that ballots of a box are being cast in this one.

Whoever ends the voting (`voting_app.tally`) must not do so while a ballot that arrived in time is being
verified or appended. A row for each ballot would be two writes for each; one row for all the ballots that a
process has in flight is no write at all under load.

Why nothing is missed: the row is committed before `hold` lets the ballot in, and stays until the last ballot that
was let in has left, because both are decided under one lock of this process. The end of voting locks the box
exclusively before it looks for rows, and a row is written under a lock of the box that excludes this one. So either
the end sees the row and waits, or it came first; then the look at the box in the append's transaction finds it ended
and refuses the ballot. A ballot that was let in too late is refused there too: it did not count on being waited for.

Who may `join` without having been looked at: while others are in flight, a ballot enters for nothing, and is looked at
later, together with those that wait with it. So that nobody keeps the voting from being ended with ballots that come
too late, none joins any more once a look has found nothing but ballots to refuse (`Counter.lets_in`): after
closing that is so as soon as those have left that came in time.

A process that dies leaves its row. It costs a wait of `casting_lease_seconds` after closing, no more, and is
removed with the end of voting.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from crypto.randomness import new_hex
from voting_app.db import Database
from voting_app.ledger import service as ledger

# Again is allowed: after a commit that failed nobody knows whether the row is there.
_ANNOUNCE = text(
    "INSERT INTO casting_in_flight (id, box_id) VALUES (:id, :box_id) ON CONFLICT (id) DO NOTHING"
)
_TAKE_BACK = text("DELETE FROM casting_in_flight WHERE id = :id")


class Presence:
    """The ballots that one process has in flight for one box."""

    def __init__(self, database: Database, box_id: int) -> None:
        """Nothing is in flight, and nothing is written until something is."""
        self._database = database
        self._box_id = box_id
        # Of chance: a process id comes back, and means nothing on another host.
        self._id = new_hex(16)
        self._count = 0
        self._is_announced = False
        self._door = threading.Lock()

    def count(self) -> int:
        """Return how many ballots are in flight in this process."""
        return self._count

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Keep the voting from being ended while the block runs."""
        self.enter()
        try:
            yield
        finally:
            self.leave()

    def join(self) -> bool:
        """Enter if that needs no announcement, because others have entered already; whether it was so."""
        with self._door:
            if self._count == 0:
                return False
            self._count += 1
            return True

    def enter(self) -> None:
        """Keep the voting from being ended until `leave`, which every `enter` needs, and every `join`."""
        with self._door:
            if not self._is_announced:
                self._announce()
                self._is_announced = True
            self._count += 1

    def leave(self) -> None:
        """Let the voting be ended if nobody else has entered."""
        with self._door:
            self._count -= 1
            if self._count == 0:
                self._is_announced = False
                self._take_back()

    def _announce(self) -> None:
        # Not synced to the disk: with the power every ballot in flight is gone too.
        with self._database.relaxed() as session:
            # From here until the row is there, nobody ends the voting.
            ledger.lock_arrival(session, self._box_id)
            session.execute(_ANNOUNCE, {"id": self._id, "box_id": self._box_id})

    def _take_back(self) -> None:
        try:
            with self._database.relaxed() as session:
                session.execute(_TAKE_BACK, {"id": self._id})
        except SQLAlchemyError:
            # The ballot has its answer whatever becomes of the row. The next time takes it back, or the end of
            # voting removes it.
            pass
