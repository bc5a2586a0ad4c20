"""The elections that tests of pages share are whole: they go on where they stopped."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.voting_app.api import Api
from tests.voting_app.conftest import SettableClock, make_settings
from tests.voting_app.public.stages import make_stage
from voting_app.app import create_app
from voting_app.context import Context
from voting_app.db import Database


@pytest.fixture
def two(tmp_path: Path, sqlite_template: Path, clock: SettableClock) -> Iterator[list[Api]]:
    """Two installations in which nothing has happened."""
    made = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        shutil.copyfile(sqlite_template, folder / "steward.sqlite3")
        url = f"sqlite:///{folder / 'steward.sqlite3'}"
        context = Context(make_settings(folder, url), Database(url), clock)
        app = create_app(context.settings, clock=clock, database=context.database)
        made.append(Api(context, app.test_client()))
    yield made
    for api in made:
        api.context.database.dispose()


def test_an_election_that_was_kept_goes_on_where_it_stopped(two: list[Api]) -> None:
    first, second = (make_stage(api, "open") for api in two)
    assert second.uuid == first.uuid
    for run in (first, second):
        assert run.cast("M4", [[1], [0]]).status_code == 201
        run.close().decrypt(run.trustees[1].owner)
        assert run.result() == [[1, 2, 1], [3, 1]]
    # Only a database in which nothing has happened is replaced.
    assert make_stage(two[0], "open").uuid != first.uuid
    assert make_stage(two[0], "open", name="Another name").election().name == "Another name"
