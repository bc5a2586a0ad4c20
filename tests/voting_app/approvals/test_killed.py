"""A server that is killed in the middle of an opening has opened nothing, and the officers go on where they were."""

import multiprocessing
import os
import signal

import pytest
from sqlalchemy import event

from crypto.journal import JournalReader
from tests.voting_app.api import Api, Run
from tests.voting_app.conftest import SettableClock
from tests.voting_app.office import first_administrator
from voting_app.accounts.service import Actor, create_token
from voting_app.app import create_app
from voting_app.approvals import service
from voting_app.config import Settings
from voting_app.context import Context
from voting_app.db import Database
from voting_app.elections.states import Act
from voting_app.ledger import service as ledger


def _agree_and_die(settings: Settings, uuid: str, subject: str, actor: Actor, after: int) -> None:
    """Agree, and be no more once so many lines of the journal are written."""
    database = Database(settings.database_url)
    written = 0

    @event.listens_for(database._write_engine, "after_execute")
    def die(_connection: object, statement: object, *_: object) -> None:
        nonlocal written
        written += str(statement).startswith("INSERT INTO journal_line")
        if written == after:
            os.kill(os.getpid(), signal.SIGKILL)

    service.agree(Context(settings, database, SettableClock()), uuid, Act.OPEN, subject, actor)


def journal(context: Context, uuid: str) -> list[bytes]:
    with context.database.read() as session:
        return ledger.read_journal(session, ledger.get_box_id(session, uuid))


# The list of the booth's files, the other officer's approval, the opening, and its seal.
@pytest.mark.parametrize("after", [1, 4])
def test_a_server_killed_in_the_middle_of_an_opening_has_opened_nothing(
    each_context: Context, after: int
) -> None:
    context = each_context
    app = create_app(context.settings, clock=context.clock, database=context.database)
    run = Run(Api(context, app.test_client())).create(single_officer=None)
    with context.database.write() as session:
        made = [create_token(session, role="committee", label="", now=context.clock.now()) for _ in range(2)]
    first, second = (token.actor for token in made)
    run.committee("roll", "name,member_number\nAda,M1\nGrace,M2\n")
    for actor in (first, second):
        service.propose_or_agree(context, run.uuid, Act.FREEZE_ROLL, {}, actor)
    run.generate().seat().ceremony().ready().drill()
    service.propose_or_agree(context, run.uuid, Act.OPEN, {}, first)
    proposal = service.find_proposal(context, run.uuid, Act.OPEN)
    assert proposal is not None
    before = journal(context, run.uuid)
    process = multiprocessing.get_context("spawn").Process(
        target=_agree_and_die, args=(context.settings, run.uuid, proposal.subject, second, after)
    )
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert run.status()["state"] == "keys-ready"
    assert journal(context, run.uuid) == before
    # Whoever comes back finds the proposal as it was, on the pages too, and agrees once more.
    page = first_administrator(app).get(f"/office/elections/{run.uuid}/calendar").text
    assert "Waiting for another officer" in page
    assert "/acts/open" in page.partition("Waiting for another officer")[2].partition("<h2>")[0]
    again = service.find_proposal(context, run.uuid, Act.OPEN)
    assert again == proposal
    assert service.agree(context, run.uuid, Act.OPEN, proposal.subject, second).is_done
    assert run.status()["state"] == "open"
    reader = JournalReader()
    for line in journal(context, run.uuid):
        reader.feed(line)
    reader.close()
    assert reader.state == "open"
