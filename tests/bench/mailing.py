"""Mail to as many members as are asked for: questions about addresses, the list before sending, and the run itself,
to a mail server on this computer.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from sqlalchemy import update

from tests.smtp import SENDER, running_mail_server
from tests.voting_app.api import Api, Run
from tests.voting_app.conftest import make_settings
from voting_app.accounts.service import Actor
from voting_app.app import create_app
from voting_app.clock import SystemClock
from voting_app.context import Context
from voting_app.db import Database, upgrade
from voting_app.elections.service import election_for_box
from voting_app.mailing import addresses, deliveries
from voting_app.mailing.jobs import run_due
from voting_app.mailing.models import MemberAddress
from voting_app.registrar import service as registrar

T = TypeVar("T")
# The run is as fast as the settings allow; so much is measured of it.
SECONDS = 10
ALLOWED_PER_MINUTE = 1200


@dataclass(frozen=True)
class Mailed:
    """Seconds for each step, and how many mails went out in SECONDS at most when so many more were allowed, and when
    ALLOWED_PER_MINUTE were.
    """

    asking: float
    looking: float
    starting: float
    fast: float
    paced: float


def measure(count: int, folder: Path) -> Mailed:
    """Do it all, in `folder`."""
    url = f"sqlite:///{folder}/steward.sqlite3"
    upgrade(url)
    database = Database(url)
    with running_mail_server() as server:
        settings = make_settings(folder, url, smtp_url=server.url, mail_from=SENDER)
        context = Context(settings, database, SystemClock())
        app = create_app(settings, clock=context.clock, database=database)
        run = Run(Api(context, app.test_client())).create(closes_at="2099-01-01T00:00Z")
        rows = (f"Member {n},{n},member{n}@example.org,{('en', 'es', 'fr')[n % 3]}\n" for n in range(count))
        run.freeze("name,member_number,email,language\n" + "".join(rows))
        registrar.generate_credentials(context, run.uuid, Actor("registrar", 8))
        run.seat().ceremony().ready()
        asking, _ = _time(lambda: addresses.ask_members(context, run.uuid))
        with database.write() as session:
            session.execute(update(MemberAddress).values(confirmed_at=context.clock.now()))

        def look() -> deliveries.Plan:
            with database.read() as session:
                return deliveries.plan_run(session, context, election_for_box(session, run.uuid))

        looking, plan = _time(look)
        starting, started = _time(
            lambda: deliveries.start_run(context, run.uuid, shown=plan.shown, leaves_out=False, keep_days=0)
        )
        if started != count:
            raise RuntimeError("not everybody is in the run")
        # The slower one first: what went out in the last minute counts for both.
        paced = _send(replace(context, settings=replace(settings, mail_per_minute=ALLOWED_PER_MINUTE)))
        fast = _send(replace(context, settings=replace(settings, mail_per_minute=1_000_000)))
        if len(set(server.list_recipients())) != len(server.received):
            raise RuntimeError("somebody got two mails")
    database.dispose()
    return Mailed(asking, looking, starting, fast, paced)


def _send(context: Context) -> float:
    """Mails in a second."""
    began, sent = time.perf_counter(), 0
    while time.perf_counter() - began < SECONDS and (now := run_due(context)):
        sent += now
    return sent / (time.perf_counter() - began)


def _time(act: Callable[[], T]) -> tuple[float, T]:
    began = time.perf_counter()
    done = act()
    return time.perf_counter() - began, done
