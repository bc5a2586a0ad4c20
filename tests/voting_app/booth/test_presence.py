"""The announcement that ballots are in flight: there whenever one is, and gone when none is."""

import os
import threading
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from tests.simulator import Simulation
from tests.voting_app.booth.test_casting import cast, make_another, require_refused
from tests.voting_app.casting import ballots_of, open_box
from tests.voting_app.conftest import SettableClock
from voting_app.app import create_app
from voting_app.booth import service as booth
from voting_app.booth.models import CastingInFlight
from voting_app.booth.presence import Presence
from voting_app.context import Context
from voting_app.db import Database
from voting_app.ledger import service as ledger


@pytest.fixture
def simulation() -> Simulation:
    return ballots_of(6)


@pytest.fixture
def box_id(each_context: Context, simulation: Simulation) -> int:
    return open_box(each_context, simulation)


def rows(database: Database) -> list[tuple[str, int]]:
    with database.read() as session:
        return [(row.id, row.box_id) for row in session.scalars(select(CastingInFlight))]


def spy(monkeypatch: pytest.MonkeyPatch, name: str) -> list[str]:
    """The calls of a method of Presence from now on."""
    calls: list[str] = []
    real: Callable[[Presence], None] = getattr(Presence, name)

    def call(presence: Presence) -> None:
        calls.append(name)
        real(presence)

    monkeypatch.setattr(Presence, name, call)
    return calls


def test_many_ballots_have_one_row(
    each_context: Context, box_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = each_context.database
    written, removed = spy(monkeypatch, "_announce"), spy(monkeypatch, "_take_back")
    presence = Presence(database, box_id)
    with presence.hold():
        for _ in range(5):
            with presence.hold():
                assert presence.count() == 2
                assert len(rows(database)) == 1
        assert len(rows(database)) == 1
    assert rows(database) == []
    assert (len(written), len(removed), presence.count()) == (1, 1, 0)
    with presence.hold():
        assert len(rows(database)) == 1
    assert rows(database) == []


def test_the_row_stays_when_a_ballot_fails(each_context: Context, box_id: int) -> None:
    presence = Presence(each_context.database, box_id)
    with presence.hold():
        with pytest.raises(ValueError, match="false"), presence.hold():
            raise ValueError("false")
        assert len(rows(each_context.database)) == 1
    assert rows(each_context.database) == []


def test_processes_and_boxes_have_rows_of_their_own(each_context: Context, box_id: int) -> None:
    database = each_context.database
    other_box = open_box(each_context, ballots_of(2, seed=99))
    first, second, third = (Presence(database, box) for box in (box_id, box_id, other_box))
    with first.hold(), third.hold():
        with second.hold():
            assert sorted(box for _, box in rows(database)) == sorted([box_id, box_id, other_box])
            with database.read() as session:
                assert [booth.in_flight(session, box) for box in (box_id, other_box)] == [2, 1]
        assert sorted(box for _, box in rows(database)) == sorted([box_id, other_box])


def test_who_enters_while_the_last_one_leaves_is_announced(
    each_context: Context, box_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row is being removed when the next ballot comes: it must not be let in on the strength of that row."""
    presence = Presence(each_context.database, box_id)
    take_back = Presence._take_back
    seen: list[int] = []

    def enter() -> None:
        with presence.hold():
            seen.append(len(rows(each_context.database)))

    thread = threading.Thread(target=enter)

    def take_back_slowly(self: Presence) -> None:
        if not seen and not thread.is_alive():
            thread.start()
            thread.join(0.2)
            assert not seen
        take_back(self)

    monkeypatch.setattr(Presence, "_take_back", take_back_slowly)
    with presence.hold():
        pass
    thread.join()
    assert seen == [1]
    assert rows(each_context.database) == []


def test_threads_never_see_themselves_unannounced(each_context: Context, box_id: int) -> None:
    presence = Presence(each_context.database, box_id)
    missing: list[int] = []

    def work() -> None:
        for _ in range(15):
            with presence.hold():
                if not rows(each_context.database):
                    missing.append(1)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not missing
    assert rows(each_context.database) == []


def fail(_: Any) -> None:
    raise OperationalError("statement", {}, Exception("database is locked"))


def test_without_an_announcement_nobody_is_let_in(
    each_context: Context, box_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    presence = Presence(each_context.database, box_id)
    with monkeypatch.context() as patch:
        patch.setattr(Presence, "_announce", fail)
        with pytest.raises(OperationalError), presence.hold():
            raise AssertionError("let in")
    assert presence.count() == 0
    with presence.hold():
        assert len(rows(each_context.database)) == 1


def test_an_announcement_of_unknown_fate_is_made_again(
    each_context: Context, box_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    presence = Presence(each_context.database, box_id)
    announce = Presence._announce

    def announce_and_fail(self: Presence) -> None:
        announce(self)
        fail(self)

    with monkeypatch.context() as patch:
        patch.setattr(Presence, "_announce", announce_and_fail)
        with pytest.raises(OperationalError), presence.hold():
            raise AssertionError("let in")
    with presence.hold():
        assert len(rows(each_context.database)) == 1
    assert rows(each_context.database) == []


def test_a_ballot_has_its_answer_although_the_row_cannot_be_removed(
    each_context: Context, simulation: Simulation, box_id: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = create_app(
        each_context.settings, clock=each_context.clock, database=each_context.database
    ).test_client()
    with monkeypatch.context() as patch:
        # The announcement uses the same transaction, and comes first.
        relaxed = each_context.database.relaxed
        patch.setattr(
            each_context.database,
            "relaxed",
            lambda: relaxed() if not rows(each_context.database) else fail(0),
        )
        assert cast(client, simulation, simulation.ballots[0]).status_code == 201
    assert len(rows(each_context.database)) == 1
    # The next one finds its way.
    assert cast(client, simulation, simulation.ballots[1]).status_code == 201
    assert rows(each_context.database) == []


def test_ballots_that_are_refused_at_once_announce_nothing(
    each_context: Context,
    simulation: Simulation,
    box_id: int,
    clock: SettableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody can keep the voting from being ended by sending ballots that come too late or for the second time."""
    client = create_app(
        each_context.settings, clock=each_context.clock, database=each_context.database
    ).test_client()
    raw = simulation.ballots[0]
    assert cast(client, simulation, raw).status_code == 201
    written = spy(monkeypatch, "_announce")
    assert cast(client, simulation, raw).status_code == 200
    require_refused(cast(client, simulation, make_another(simulation, 0)), 409, "already-voted")
    clock.advance(hours=2)
    require_refused(cast(client, simulation, simulation.ballots[1]), 409, "closed")
    assert not written


def test_the_end_of_voting_and_an_announcement_exclude_each_other(
    migrated_postgres_url: str, simulation: Simulation
) -> None:
    """On SQLite a writing transaction is alone anyway."""
    database = Database(migrated_postgres_url)
    with database.write() as session:
        box_id = ledger.create_box(session, "a" * 14, 1, service_key=simulation.service_key)
    presence = Presence(database, box_id)
    entered = threading.Event()

    def enter() -> None:
        with presence.hold():
            entered.set()

    thread = threading.Thread(target=enter)
    with database.write() as session:
        ledger.lock_box(session, box_id, exclusive=True)
        thread.start()
        assert not entered.wait(0.3)
        assert booth.in_flight(session, box_id) == 0
    thread.join()
    assert entered.is_set()
    database.dispose()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_forked_process_announces_for_itself(context: Context, simulation: Simulation) -> None:
    box_id = open_box(context, simulation)
    desk = booth.Desk(context)
    counter = desk.find_counter(simulation.election.uuid)
    assert counter is not None
    with counter.presence.hold(), desk._loading:
        child = os.fork()
        if child == 0:
            try:
                # Neither the lock nor the count of the parent is here.
                own = desk.find_counter(simulation.election.uuid)
                is_well = own is not None and own.presence.count() == 0
                if own is not None:
                    with own.presence.hold():
                        is_well = is_well and len(rows(context.database)) == 2
            except BaseException:  # noqa: BLE001  the child must not go on as a second pytest
                is_well = False
            os._exit(0 if is_well else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        with context.database.read() as session:
            assert booth.in_flight(session, box_id) == 1
    assert rows(context.database) == []


def test_what_a_killed_process_announced_is_forgotten_with_the_end(
    each_context: Context, box_id: int
) -> None:
    database = each_context.database
    dead, alive = Presence(database, box_id), Presence(database, box_id)
    dead.enter()
    with alive.hold():
        with database.write() as session:
            booth.forget_in_flight(session, box_id)
        # Removed from under a living one: it takes back what is not there.
        assert rows(database) == []
    assert rows(database) == []


def test_a_ballot_that_is_let_in_after_the_end_is_refused(
    each_context: Context,
    simulation: Simulation,
    box_id: int,
    clock: SettableClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It came in time, but its process was too slow to announce it."""
    client = create_app(
        each_context.settings, clock=each_context.clock, database=each_context.database
    ).test_client()
    announce = Presence._announce

    def announce_late(self: Presence) -> None:
        clock.advance(minutes=90)
        with each_context.database.write() as session:
            assert booth.in_flight(session, box_id) == 0
            ledger.append(session, box_id, ledger.END_BALLOTS)
        announce(self)

    monkeypatch.setattr(Presence, "_announce", announce_late)
    require_refused(cast(client, simulation, simulation.ballots[0]), 409, "closed")
    assert rows(each_context.database) == []
    with each_context.database.read() as session:
        assert ledger.count_ballots(session, box_id) == 0
