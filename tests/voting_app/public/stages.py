"""An election in every state that its page can show, made through the HTTP interface, and kept for the next test.

Making one takes longer than most tests that look at it. So the first test that wants a state makes it, and later ones
with an empty SQLite database get a copy of the whole database, in which the election has the same secrets.
"""

import sqlite3
from contextlib import closing
from copy import deepcopy
from dataclasses import dataclass, fields, replace
from typing import Any

from crypto.encoding import encode_json
from tests.voting_app.api import Api, Run

NAME = "Officers of Local 12"
QUESTIONS = [
    {"answers": ["Ada Byron", "Grace Hopper"], "blank": True, "min": 0, "max": 1, "question": "President"},
    {"answers": ["Yes", "No"], "min": 1, "max": 1, "question": "Raise the dues?"},
]
SPANISH = {
    "name": "Directiva de la sección 12",
    "description": "Cada dos años.",
    "questions": [
        {"question": "Presidencia", "answers": ["Ada Byron", "Grace Hopper"]},
        {"question": "¿Subir las cuotas?", "answers": ["Sí", "No"]},
    ],
}
TEXTS: dict[str, Any] = {
    "name": NAME,
    "description": "Every two years.\nSecond line.",
    "questions": QUESTIONS,
    "language": "en",
    "texts": {"es": SPANISH},
    "rules": [{"majority": "plurality"}, {"majority": "two-thirds"}],
    "quorum": {"percent": 50},
    "time_zone": "America/Chicago",
    "trustees": {"singles": 0, "threshold": {"size": 2, "threshold": 1}},
}
VOTES = (("M1", [[0], [0]]), ("M2", [[0], [0]]), ("M3", ["blank", [1]]))

# The states in which an election has a page, in the order of an election's life.
STATES = (
    "roll-frozen",
    "keys-ready",
    "open",
    "paused",
    "closed",
    "tallied",
    "certified",
    "cancelled",
    "untalliable",
)


def make_stage(api: Api, state: str, **changes: Any) -> Run:
    """An election in this state. Three of its four members have voted where that is possible."""
    if not _is_empty(api):
        return _make(api, state, **changes)
    key = _key(api, state, changes)
    if key in _kept:
        return _kept[key].put_into(api)
    run = _make(api, state, **changes)
    _kept[key] = _Kept(replace(run, api=None), dict(api.tokens), sqlite3.connect(":memory:"))  # type: ignore[arg-type]
    with closing(sqlite3.connect(_path(api))) as source:
        source.backup(_kept[key].content)
    return run


@dataclass(frozen=True)
class _Kept:
    """A database with one election in it, and what its people know."""

    run: Run
    tokens: dict[str, str]
    content: sqlite3.Connection

    def put_into(self, api: Api) -> Run:
        with closing(sqlite3.connect(_path(api))) as target:
            self.content.backup(target)
        api.tokens = dict(self.tokens)
        return replace(deepcopy(self.run), api=api)


_kept: dict[str, _Kept] = {}


def _path(api: Api) -> str:
    path = api.context.database.url.database
    assert path is not None
    return path


def _is_empty(api: Api) -> bool:
    """Whether nobody has done anything there but give this Api its tokens."""
    if not api.context.database.is_sqlite:
        return False
    with closing(sqlite3.connect(_path(api))) as connection:
        tables = [
            name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        ]
        # The tables' own names, not input.
        rows = {
            table: connection.execute(f'SELECT count(*) FROM "{table}"').fetchone()[0]  # noqa: S608
            for table in tables
        }
    found = {table: number for table, number in rows.items() if number}
    given = {"account": len(api.tokens), "access_token": len(api.tokens)}
    return found == {"alembic_version": 1, **given}


def _key(api: Api, state: str, changes: dict[str, Any]) -> str:
    """All that an election could be different by: the state, what was asked for, the time and the settings."""
    places = ("instance_folder", "database_url")
    settings = api.context.settings
    values = [
        f"{field.name}={getattr(settings, field.name)!r}"
        for field in fields(settings)
        if field.name not in places
    ]
    return "\n".join([state, encode_json(changes), api.context.clock.now().isoformat(), *values])


def _make(api: Api, state: str, **changes: Any) -> Run:
    run = Run(api).create(**TEXTS | changes).freeze()
    if state == "roll-frozen":
        return run
    run.generate().seat().ceremony().ready()
    if state == "keys-ready":
        return run
    run.drill().open()
    for member, choices in VOTES:
        assert run.cast(member, choices).status_code == 201
    if state == "paused":
        run.committee("pause", {"reason": "The hall's network is down."})
    elif state == "cancelled":
        run.committee("cancel", {"reason": "The notice was wrong."})
    elif state in ("closed", "tallied", "certified", "untalliable"):
        run.close()
        _finish(run, state)
    assert run.status()["state"] == state
    return run


def _finish(run: Run, state: str) -> None:
    if state == "untalliable":
        run.committee("untalliable", {"reason": "The keys are lost."})
    elif state in ("tallied", "certified"):
        run.decrypt(run.trustees[0].owner)
        if state == "certified":
            run.committee("certify", {"statement": "We certify this result.\nThe committee."})
