"""Sealed credentials: open for their own row and secret only, erased for good, and expired when voting is over."""

import time
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import select, update

from tests.postgres import Cluster
from tests.voting_app.api import Api, Run
from voting_app.app import create_app
from voting_app.context import Context
from voting_app.elections import service as elections
from voting_app.registrar import jobs, service, vault
from voting_app.registrar.models import ReplaceableCredential, SealedCredential
from voting_app.registrar.vault import Way
from voting_app.roll.models import RollEntry


@pytest.fixture
def run(context: Context, app: Flask) -> Run:
    return Run(Api(context, app.test_client())).create().freeze().generate()


def list_waiting(run: Run) -> list[vault.Waiting]:
    with run.api.context.database.read() as session:
        return vault.list_waiting(session, elections.election_for_box(session, run.uuid).id)


def find_states(run: Run) -> dict[str, tuple[str, str | None]]:
    with run.api.context.database.read() as session:
        return {
            row.member_number: (row.credential_state, row.credential_way)
            for row in session.scalars(select(RollEntry))
        }


def test_a_credential_is_opened_until_it_is_erased(run: Run) -> None:
    context = run.api.context
    waiting = list_waiting(run)
    assert [row.member_number for row in waiting] == ["M1", "M2", "M3", "M4"]
    assert waiting[0].name == "Member 1"
    first, second, *_ = [row.roll_entry_id for row in waiting]
    with context.database.read() as session:
        assert vault.open_credential(context, session, first) == run.credentials["M1"]
        assert vault.open_many(context, session, [first, second, 99]) == {
            first: run.credentials["M1"],
            second: run.credentials["M2"],
        }
        assert vault.open_credential(context, session, 99) is None
    with context.database.write() as session:
        assert vault.erase(session, first, Way.MAILED)
        # The first note stays.
        assert not vault.erase(session, first, Way.PRINTED)
        assert not vault.erase(session, 99, Way.PRINTED)
        assert vault.open_credential(context, session, first) is None
    assert [row.member_number for row in list_waiting(run)] == ["M2", "M3", "M4"]
    states = find_states(run)
    assert states["M1"] == ("delivered", "mailed")
    assert states["M2"] == ("none", None)


def test_neither_another_secret_nor_another_row_opens_it(run: Run) -> None:
    context = run.api.context
    ids = [row.roll_entry_id for row in list_waiting(run)]
    stranger = replace(context, settings=replace(context.settings, secret=bytes(32)))
    with context.database.read() as session, pytest.raises(RuntimeError, match="secret"):
        vault.open_credential(stranger, session, ids[0])
    # Somebody who can write to the database gives a member's credential to another one.
    with context.database.write() as session:
        sealed = session.scalar(
            select(SealedCredential.sealed).where(SealedCredential.roll_entry_id == ids[0])
        )
        session.execute(
            update(SealedCredential).where(SealedCredential.roll_entry_id == ids[1]).values(sealed=sealed)
        )
    with context.database.read() as session, pytest.raises(RuntimeError):
        vault.open_credential(context, session, ids[1])


def test_all_are_sealed_or_nothing_is_published(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that dies in the middle leaves an election whose credentials can be made."""
    another = Run(run.api).create().freeze()

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(vault, "keep", die)
        with pytest.raises(KeyboardInterrupt):
            another.generate()
    assert another.status()["journal"]["lines"] == 4
    assert len(another.generate().credentials) == 4


def test_what_was_not_handed_out_is_erased_when_voting_is_over(run: Run) -> None:
    context = run.api.context
    jobs._looked_at.clear()
    assert jobs.run_due(context) == 0
    with context.database.write() as session:
        vault.erase(session, list_waiting(run)[0].roll_entry_id, Way.PRINTED)
    run.committee("cancel", {"reason": "A candidate was forgotten."})
    # Not looked at every second.
    assert jobs.run_due(context) == 0
    context.clock.advance(minutes=2)  # type: ignore[attr-defined]
    assert jobs.run_due(context) == 3
    assert list_waiting(run) == []
    assert find_states(run) == {
        "M1": ("delivered", "printed"),
        **dict.fromkeys(("M2", "M3", "M4"), ("none", "expired")),
    }


def test_credentials_that_are_made_in_the_office_go_to_no_program(context: Context, app: Flask) -> None:
    api = Api(context, app.test_client())
    run = Run(api).create().freeze()
    actor = service.Actor("registrar", 7)
    assert service.generate_credentials(context, run.uuid, actor) == 4
    api.refuse(409, "credentials-published", f"{run.base}/credentials/generate", role="registrar")
    assert len(list_waiting(run)) == 4


@pytest.fixture
def each_run(each_context: Context) -> Run:
    app = create_app(each_context.settings, clock=each_context.clock, database=each_context.database)
    return Run(Api(each_context, app.test_client())).create().freeze().generate()


def read_database(context: Context, request: pytest.FixtureRequest) -> bytes:
    """What is on the disk."""
    if context.database.is_sqlite:
        folder = context.settings.instance_folder
        return b"".join(file.read_bytes() for file in folder.rglob("*") if file.is_file())
    cluster: Cluster = request.getfixturevalue("postgres_cluster")
    return cluster.read_tables()


def list_sealed(context: Context) -> list[bytes]:
    with context.database.read() as session:
        rows = list(session.scalars(select(SealedCredential.sealed).order_by(SealedCredential.roll_entry_id)))
        rows += session.scalars(select(ReplaceableCredential.sealed))
        return [bytes(row) for row in rows]


def look(context: Context) -> int:
    """A minute later."""
    context.clock.advance(minutes=2)  # type: ignore[attr-defined]
    return jobs.run_due(context)


def test_what_was_erased_is_gone_from_the_files_too(each_run: Run, request: pytest.FixtureRequest) -> None:
    run = each_run
    context = run.api.context
    sealed = list_sealed(context)
    with context.database.read() as session:
        first_list = (service.find_credentials(session, run.uuid) or b"")[:-1]
    written = read_database(context, request)
    assert [blob in written for blob in sealed] == [True] * 8
    look(context)
    # As many rows as before: two lists next to each other would tell which entry is the lost one's.
    service.replace_credentials(context, run.uuid, ["M1"], service.Actor("registrar", 7))
    look(context)
    assert (first_list in read_database(context, request)) is False
    run.seat().ceremony().ready()
    with context.database.write() as session:
        # The last one: nothing is written to its place.
        vault.erase(session, list_waiting(run)[-1].roll_entry_id, Way.PRINTED)
    look(context)
    written = read_database(context, request)
    assert [blob in written for blob in sealed] == [False, True, True, False] + [False] * 4
    with context.database.write() as session:
        vault.erase_all(session, elections.election_for_box(session, run.uuid).id, Way.PRINTED)
    look(context)
    written = read_database(context, request)
    assert [blob in written for blob in sealed] == [False] * 8


def test_who_reads_meanwhile_puts_it_off_and_nobody_waits_for_it(
    each_run: Run, request: pytest.FixtureRequest
) -> None:
    """While the files are cleared up ballots are cast, and a backup may take its time."""
    context = each_run.api.context
    look(context)
    sealed = list_sealed(context)[:4]
    with context.database.read() as reader:
        vault.find_traces(reader)
        with context.database.write() as session:
            ids = [row.roll_entry_id for row in list_waiting(each_run)]
            vault.erase_many(session, ids, Way.PRINTED)
        before = time.monotonic()
        look(context)
        assert time.monotonic() - before < 5
    look(context)
    written = read_database(context, request)
    assert [blob in written for blob in sealed] == [False] * 4
