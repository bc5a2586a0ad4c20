"""Elections whose server made the credentials, with a real mail server beside them."""

from collections.abc import Callable

import pytest
from flask import Flask

from tests.voting_app.api import Api, Run
from tests.voting_app.conftest import SettableClock
from voting_app.app import create_app
from voting_app.context import Context

HEAD = "name,member_number,email,language,standing\n"
ROLL = HEAD + (
    "Ada Lovelace,M1,ada@example.org,en,\n"
    "Grace Hopper,M2,Grace@Example.org,es-MX,\n"
    "Emmy Noether,M3,emmy@example.org,fr,\n"
    "Sofia Kovalevskaya,M4,,,\n"
    "Hypatia,M5,hypatia@example.org,,suspended\n"
)
# Settings under which nobody waits.
QUICK = {"mail_per_minute": 60_000}

MakeRun = Callable[..., Run]


def make_app(context: Context) -> Flask:
    return create_app(context.settings, clock=context.clock, database=context.database)


def make_run(context: Context, roll: str = ROLL, *, until: str = "keys-ready", **changes: object) -> Run:
    """An election in draft, with a frozen roll and credentials, with all trustees' keys (complete), or with Setup."""
    run = Run(Api(context, make_app(context).test_client())).create(**changes)
    run.committee("roll", roll)
    if until != "draft":
        run.committee("roll/freeze")
        run.generate()
    if until in ("complete", "keys-ready"):
        run.seat().ceremony()
    if until == "keys-ready":
        run.ready()
    return run


@pytest.fixture
def mail_clock(clock: SettableClock) -> SettableClock:
    return clock
