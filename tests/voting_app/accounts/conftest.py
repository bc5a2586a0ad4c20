"""An installation with its first administrator."""

import pytest
from flask import Flask

from tests.voting_app.office import Officer, first_administrator
from voting_app.app import create_app
from voting_app.context import Context


@pytest.fixture
def ada(app: Flask) -> Officer:
    """The first administrator, logged in, on SQLite."""
    return first_administrator(app)


@pytest.fixture
def each_app(each_context: Context) -> Flask:
    """The application, once on each kind of database."""
    return create_app(each_context.settings, clock=each_context.clock, database=each_context.database)


@pytest.fixture
def each_ada(each_app: Flask) -> Officer:
    """The first administrator, once on each kind of database."""
    return first_administrator(each_app)
