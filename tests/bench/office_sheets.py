"""Prints as many voting sheets as the first argument says the way the office does: codes that wait sealed, in parts, as
one ZIP file. For `tests.bench` to watch: a process of its own, so that its memory is known."""

import sys
import tempfile
from pathlib import Path

from paper.sheets import Layout
from tests.voting_app.api import Api, Run
from tests.voting_app.conftest import SettableClock, make_settings
from voting_app.accounts.service import Actor
from voting_app.app import create_app
from voting_app.context import Context
from voting_app.db import Database, upgrade
from voting_app.registrar import service as registrar
from voting_app.sheets import service
from voting_app.sheets.service import Choice


def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/steward.sqlite3"
        upgrade(url)
        database = Database(url)
        context = Context(make_settings(Path(folder), url), database, SettableClock())
        app = create_app(context.settings, clock=context.clock, database=database)
        address = '"12 Long Street\nApartment 4\nSpringfield, IL 62701"'
        rows = (
            f"María-José Ñandú the {n}th,{n},{address},{('en', 'es', 'fr')[n % 3]}\n" for n in range(count)
        )
        run = Run(Api(context, app.test_client())).create()
        run.freeze("name,member_number,address,language\n" + "".join(rows))
        registrar.generate_credentials(context, run.uuid, Actor("registrar", 8))
        run.seat().ceremony().ready()
        number = service.create_run(context, run.uuid, Choice(), Layout.A4)
        size = sum(len(piece) for piece in service.iter_archive(context, run.uuid, number))
        if service.say_printed(context, run.uuid, number) != count or not size:
            raise RuntimeError("not every sheet was printed")
        database.dispose()


if __name__ == "__main__":
    main(int(sys.argv[1]))
