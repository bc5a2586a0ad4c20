"""How many have voted, found without going through the box each time, is what counting finds."""

import random
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from tests.simulator import sound
from tests.voting_app.casting import fill_box
from voting_app.context import Context
from voting_app.ledger import service, trackers, turnout
from voting_app.ledger.turnout import Turnout, get_turnout


@pytest.fixture(autouse=True)
def _new_process() -> None:
    turnout._known.clear()


def count(session: Session, box_id: int) -> Turnout:
    """By going through all of it."""
    return Turnout(service.count_ballots(session, box_id), service.count_voters(session, box_id))


@pytest.mark.parametrize("kind", ["plain", "revotes"])
@pytest.mark.parametrize("most_new", [0, 1, 1000])
def test_at_every_height_it_is_what_counting_finds(
    each_context: Context, kind: str, most_new: int, rng: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turnout, "_MOST_NEW", most_new)
    simulation = sound(kind)
    with each_context.database.write() as session:
        box_id = service.create_box(
            session, simulation.election.uuid, simulation.timestamp, service_key=simulation.service_key
        )
    heights_with_ballots = 0
    done = 0
    while done < len(simulation.entries):
        with each_context.database.read() as session:
            assert get_turnout(session, box_id) == get_turnout(session, box_id) == count(session, box_id)
            heights_with_ballots += get_turnout(session, box_id).ballots > 0
        step = min(rng.randint(1, 3), len(simulation.entries) - done)
        with each_context.database.write() as session:
            for entry in simulation.entries[done : done + step]:
                service.append(session, box_id, entry.type, entry.bodies)
        done += step
    with each_context.database.read() as session:
        assert get_turnout(session, box_id) == count(session, box_id)
        assert get_turnout(session, box_id).voters == len(simulation.counted)
    assert heights_with_ballots > 0


def test_it_is_not_counted_again(context: Context) -> None:
    box_id = fill_box(context, sound("revotes"))
    statements: list[str] = []
    with context.database.read() as session:
        first = get_turnout(session, box_id)
        engine = session.get_bind().engine
        event.listen(engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
        assert get_turnout(session, box_id) == first
    assert len(statements) == 1
    assert "count" not in statements[0].lower()


@pytest.mark.parametrize("stop", [3, 5, None])
def test_another_box_in_its_place_is_counted_itself(context: Context, stop: int | None) -> None:
    """A restored backup has another box under the same number, shorter or longer."""
    simulation = sound("revotes")
    box_id = fill_box(context, simulation)
    with context.database.read() as session:
        own = get_turnout(session, box_id)
    [place] = turnout._known
    turnout._known[place] = turnout._Known("ab" * 32, Turnout(stop or own.ballots + 7, 99))
    with context.database.read() as session:
        assert get_turnout(session, box_id) == own == count(session, box_id)


def test_nothing_is_kept_but_numbers_and_a_published_hash(context: Context) -> None:
    """Who would keep when a number changed could tell when somebody voted."""
    simulation = sound("revotes")
    box_id = fill_box(context, simulation)
    with context.database.read() as session:
        get_turnout(session, box_id)
    [known] = turnout._known.values()
    assert known.event_hash in simulation.heads
    assert known.turnout == Turnout(len(simulation.receipts), len(simulation.counted))


def test_boxes_are_told_apart(context: Context) -> None:
    boxes = []
    for kind in ("revotes", "plain"):
        simulation = sound(kind)
        boxes.append((fill_box(context, simulation), len(simulation.counted)))
    with context.database.read() as session:
        for _ in range(2):
            assert [get_turnout(session, box_id).voters for box_id, _ in boxes] == [n for _, n in boxes]


@pytest.mark.parametrize("asks", ["turnout", "trackers"])
def test_a_credentials_other_ballots_are_found_by_the_index(context: Context, asks: str) -> None:
    """Going through all ballots for each of them took half a minute for four thousand, at an address for everybody."""
    simulation = sound("revotes")
    box_id = fill_box(context, simulation)
    with context.database.read() as session:
        get_turnout(session, box_id)
        engine = session.get_bind().engine
    [place] = turnout._known
    turnout._known[place] = turnout._Known(simulation.heads[1], Turnout(1, 1))
    calls: list[tuple[str, Any]] = []
    event.listen(engine, "before_cursor_execute", lambda *call: calls.append((call[2], call[3])))
    if asks == "turnout":
        with context.database.read() as session:
            assert get_turnout(session, box_id) == count(session, box_id)
    else:
        lines = b"".join(
            trackers.iter_trackers(context.database, box_id, len(simulation.receipts))
        ).splitlines()
        assert len(lines) == len(simulation.receipts)
    plans = []
    with context.database.read() as session:
        for statement, values in [call for call in calls if "EXISTS" in call[0]]:
            rows = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
            plans.append(" ".join(row.detail for row in rows))
    assert plans
    for plan in plans:
        inner = plan.partition("SUBQUERY")[2]
        assert "USING INDEX ix_ledger_data_box_id_credential (box_id=? AND credential=?)" in inner, plan
