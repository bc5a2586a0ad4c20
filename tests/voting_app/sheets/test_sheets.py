"""Sheets out of the office: whose code is on which sheet, and what is left of the codes when they are printed."""

import io
import re
import zipfile
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import inspect, select, text, update
from werkzeug.test import TestResponse

from paper import labels
from paper.sheets import Layout
from tests.paper.reading import Reader
from tests.voting_app.api import Api, Run
from tests.voting_app.office import Officer, first_administrator
from tests.voting_app.registrar.test_replacing import REGISTRAR, open_all
from voting_app.app import create_app
from voting_app.context import Context
from voting_app.elections.models import Election
from voting_app.errors import Problem
from voting_app.languages import LANGUAGES, load_catalogue
from voting_app.operations.service import back_up
from voting_app.registrar import jobs, vault
from voting_app.registrar import service as registrar
from voting_app.registrar.models import SealedCredential
from voting_app.roll.models import RollEntry
from voting_app.sealing import unseal
from voting_app.sheets import service
from voting_app.sheets.service import Choice
from voting_app.sheets.words import FAULTS

ROLL = (
    "name,member_number,unit,language\nŁukasz Nowak,M1,North>One > A,es\nGrace Hopper,M2,North,\n"
    "Alan Turing,M3,South,fr\nEmmy Noether,M4,North2,\n"
)
ALL = {"who": "all", "layout": "letter"}


@pytest.fixture
def ada(app: Flask) -> Officer:
    return first_administrator(app)


@pytest.fixture
def run(app: Flask, ada: Officer) -> Run:
    """Codes wait, and the trustees' keys are complete but not fixed."""
    return Run(Api(ada.context, app.test_client())).create().freeze(ROLL).generate().seat().ceremony()


def find_base(run: Run) -> str:
    return f"/office/elections/{run.uuid}/credentials/sheets"


def ask(ada: Officer, run: Run, **fields: str) -> str:
    """The address of a new run of sheets."""
    answer = ada.act(find_base(run), {**ALL, **fields})
    assert answer.status_code == 303, answer.text
    return answer.headers["Location"]


def download(ada: Officer, address: str, part: int = 1) -> TestResponse:
    return ada.get(f"{address}/sheets-{part:03}.pdf")


def say_printed(ada: Officer, address: str, **fields: str) -> TestResponse:
    return ada.act(f"{address}/printed", {"sure": "yes", **fields})


def test_each_sheet_has_the_code_of_its_member_and_the_fingerprint(
    ada: Officer, run: Run, tmp_path: Path
) -> None:
    credentials = open_all(run)
    answer = download(ada, ask(ada, run))
    assert answer.mimetype == "application/pdf"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert int(answer.headers["Content-Length"]) == len(answer.data)
    run.ready()
    fingerprint = run.election().fingerprint
    reader = Reader(answer.data, tmp_path)
    assert reader.count_pages() == 4
    for page, number in enumerate(sorted(credentials), 1):
        written = reader.read(page)
        assert number in written
        assert [code for code in credentials.values() if code in written] == [credentials[number]]
        link = f"http://127.0.0.1:8000/elections/{run.uuid}/vote#{credentials[number]}.{fingerprint}"
        assert reader.scan(page) == [link]
    assert "Su código de voto" in reader.read(1)


@pytest.mark.parametrize(
    "fields,numbers",
    [
        ({"who": "unit", "unit": "North"}, {"M1", "M2"}),
        ({"who": "unit", "unit": "North > One"}, {"M1"}),
        ({"who": "member", "member": "M3"}, {"M3"}),
        ({"who": "all", "unit": "North", "member": "M3"}, {"M1", "M2", "M3", "M4"}),
    ],
)
def test_whose_sheets_are_printed(ada: Officer, run: Run, fields: dict[str, str], numbers: set[str]) -> None:
    address = ask(ada, run, **fields)
    units = ["North", "North > One", "North > One > A", "North2", "South"]
    assert service.list_units(ada.context, run.uuid) == units
    assert say_printed(ada, address).status_code == 303
    assert set(open_all(run)) == {"M1", "M2", "M3", "M4"} - numbers


def test_what_is_not_asked_for_rightly(ada: Officer, run: Run) -> None:
    base = find_base(run)
    for fields, status in (
        ({"who": "unit"}, 422),
        ({"who": "member", "member": " "}, 422),
        ({"who": "friends"}, 422),
        ({"layout": "a5"}, 422),
        ({"who": "member", "member": "M9"}, 409),
        ({"who": "unit", "unit": "East"}, 409),
        ({"code": "000000"}, 400),
    ):
        answer = ada.post(base, {**ALL, "code": ada.code(), **fields}, page=base)
        assert answer.status_code == status, fields
    assert service.list_runs(ada.context, run.uuid) == []
    early = Run(run.api).create().freeze().generate()
    assert "trustees must make their keys first" in ada.get(find_base(early)).text
    assert ada.act(find_base(early), ALL).status_code == 409


def test_after_printing_no_code_is_left(
    ada: Officer, run: Run, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """Neither in tables nor in files, not even for whoever has the installation's secret; nor in a backup from then."""
    caplog.set_level("DEBUG")
    credentials = open_all(run)
    context = ada.context
    with context.database.read() as session:
        sealed = list(session.scalars(select(SealedCredential.sealed)))
    before, after = tmp_path / "before", tmp_path / "after"
    back_up(context.database, before)
    run.ready().drill().open()
    address = ask(ada, run)
    assert say_printed(ada, address, sure="").status_code == 422
    assert ada.act(f"{address}/printed").status_code == 422
    assert ada.post(f"{address}/printed", {"sure": "yes", "code": "000000"}).status_code == 400
    assert open_all(run) == credentials
    assert download(ada, address).status_code == 200
    assert say_printed(ada, address).status_code == 303
    assert open_all(run) == {}
    # Nobody prints them again.
    for answer in (download(ada, address), ada.get(f"{address}/sheets.zip"), say_printed(ada, address)):
        assert answer.status_code == 409
    assert "Nobody can print them again" in ada.get(address).text
    assert ada.act(find_base(run), ALL).status_code == 409
    blobs: list[bytes] = []
    with context.database.read() as session:
        for table in inspect(session.connection()).get_table_names():
            for row in session.execute(text(f'SELECT * FROM "{table}"')):  # noqa: S608
                blobs += [bytes(cell) for cell in row if isinstance(cell, bytes | memoryview)]
    for blob in blobs:
        for entry in range(1, 5):
            with pytest.raises((RuntimeError, ValueError)):
                unseal(context.settings.secret, vault._PURPOSE, vault._place(entry), blob)
    files = [file for file in context.settings.instance_folder.rglob("*") if file.is_file()]
    assert any(file.name.endswith("-wal") for file in files)
    back_up(context.database, after)
    assert [blob in before.read_bytes() for blob in sealed] == [True] * 4
    assert [blob in after.read_bytes() for blob in sealed] == [False] * 4
    raw = b"".join(file.read_bytes() for file in (*files, before, after)) + caplog.text.encode()
    for credential in credentials.values():
        assert credential.encode() not in raw
        assert credential.replace("-", "").encode() not in raw


def test_a_run_may_be_dropped(ada: Officer, run: Run) -> None:
    address = ask(ada, run)
    unused = {"unused": "yes"}
    assert ada.act(f"{address}/drop", unused).status_code == 400, "a field that the form has not"
    # With sheets that members have, the numbers would not agree in the end, and nothing could be certified.
    refused = ada.post(f"{address}/drop")
    assert refused.status_code == 422
    assert "none of these sheets was handed out" in refused.text
    assert ada.post(f"{address}/drop", unused).status_code == 303
    assert len(open_all(run)) == 4
    assert download(ada, address).status_code == 409
    assert ada.post(f"{address}/drop", unused).status_code == 409


def test_long_rolls_come_in_parts(
    ada: Officer, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "PART", 3)
    address = ask(ada, run)
    assert "2 files" in ada.get(address).text
    parts = [download(ada, address, part).data for part in (1, 2)]
    assert [Reader(part, tmp_path).count_pages() for part in parts] == [3, 1]
    for part in (0, 3, 10**9):
        assert download(ada, address, part).status_code == 409
    archive = zipfile.ZipFile(io.BytesIO(ada.get(f"{address}/sheets.zip").data))
    assert archive.testzip() is None
    assert [archive.read(name) for name in archive.namelist()] == parts


def test_who_got_the_code_otherwise_is_not_printed(ada: Officer, run: Run, tmp_path: Path) -> None:
    address = ask(ada, run)
    with ada.context.database.write() as session:
        [entry] = [row.roll_entry_id for row in vault.list_waiting(session, 1) if row.member_number == "M2"]
        vault.erase(session, entry, vault.Way.MAILED)
    assert Reader(download(ada, address).data, tmp_path).count_pages() == 3
    assert say_printed(ada, address).status_code == 303
    with ada.context.database.read() as session:
        assert vault.count_ways(session, 1) == vault.Count(0, 0, {"mailed": 1, "printed": 3})


def test_who_has_the_code_by_mail_gets_a_sheet_when_named(ada: Officer, run: Run) -> None:
    """Mail may keep a credential sealed for some days, so that it can be sent again."""
    mailed = update(RollEntry).where(RollEntry.member_number.in_(("M3", "M4")))
    with ada.context.database.write() as session:
        session.execute(mailed.values(credential_state="delivered"))
    page = ada.get(f"/office/elections/{run.uuid}/credentials/members?q=M3").text
    assert "Sent by mail, and kept" in page
    assert "South" not in service.list_units(ada.context, run.uuid)
    assert service.get_run(ada.context, run.uuid, int(ask(ada, run).rpartition("/")[2])).count == 2
    ask(ada, run, who="member", member="M3")
    assert ada.act(find_base(run), {**ALL, "who": "unit", "unit": "South"}).status_code == 409
    with ada.context.database.write() as session:
        assert vault.count_ways(session, 1) == vault.Count(2, 2, {})
        vault.erase_all(session, 1, vault.Way.EXPIRED)
        assert vault.count_ways(session, 1) == vault.Count(0, 0, {"expired": 2, "mailed": 2})


def test_a_sheet_that_cannot_be_printed_leaves_the_others_alone(
    ada: Officer, run: Run, tmp_path: Path
) -> None:
    other = Run(run.api).create().freeze("name,member_number\nGrace,M1\nम,M2\n").generate().seat().ceremony()
    address = ask(ada, other)
    assert Reader(download(ada, address).data, tmp_path).count_pages() == 1
    page = ada.get(address).text
    assert "1 sheet cannot be printed" in page
    assert "The fonts have no letter for U+092E DEVANAGARI LETTER MA." in page
    assert "Las fuentes no tienen letra para U+092E" in ada.get(f"{address}?lang=es").text
    assert say_printed(ada, address).status_code == 303
    assert list(open_all(other)) == ["M2"], "it goes on waiting"


def test_every_reason_is_translated() -> None:
    """They stand where sheets are drawn, which knows no languages; the page has a copy of them."""
    source = "".join(
        (Path(labels.__file__).parent / f"{name}.py").read_text() for name in ("labels", "letter")
    )
    drawn = set(re.findall(r'return (?:"" if .*? else )?"([^"]+\.)"', source))
    assert len(drawn) > 5
    assert drawn | {"There is a character that cannot be printed."} == set(FAULTS)
    for language in set(LANGUAGES) - {"en"}:
        for sentence in FAULTS:
            assert load_catalogue(language).get(sentence).string, f"{language}: {sentence}"


def test_a_change_of_the_election_makes_sheets_void(ada: Officer, run: Run) -> None:
    address = ask(ada, run)
    assert say_printed(ada, ask(ada, run, who="member", member="M1")).status_code == 303
    change(run, "Officers of Local 21")
    assert download(ada, address).status_code == 409
    assert say_printed(ada, address).status_code == 409
    # What is on paper already must fit, or be replaced.
    run.api.refuse(409, "sheets-differ", f"{run.base}/keys", role="committee")
    registrar.replace_credentials(ada.context, run.uuid, ["M1"], REGISTRAR)
    run.ready()
    assert len(open_all(run)) == 4


def change(run: Run, name: str) -> None:
    """As the committee's editor does."""
    with run.api.context.database.write() as session:
        session.execute(update(Election).values(name=name))


def test_nobody_but_registrars_reaches_a_sheet(ada: Officer, run: Run) -> None:
    address = ask(ada, run)
    paths = ("", "/sheets-001.pdf", "/sheets.zip")
    for role in ("committee", "observer", "helpdesk"):
        officer = ada.new_officer(f"{role}@example.org", role)
        assert {officer.get(address + path).status_code for path in paths} == {403}
        assert officer.get(find_base(run)).status_code == 403
        for path in ("/printed", "/drop"):
            assert officer.act(address + path, {"sure": "yes"}).status_code == 403
    stranger = ada.app.test_client()
    assert {stranger.get(address + path).status_code for path in paths} == {401}
    # Nor under another election's address.
    other = Run(run.api).create().freeze().generate().seat().ceremony()
    wrong = address.replace(run.uuid, other.uuid)
    assert {ada.get(wrong + path).status_code for path in paths} == {404}
    assert say_printed(ada, wrong).status_code == 404
    assert len(open_all(run)) == 4


def test_after_voting_nothing_is_printed(ada: Officer, run: Run) -> None:
    run.ready().committee("cancel", {"reason": "A candidate was forgotten."})
    assert ada.act(find_base(run), ALL).status_code == 409


def test_from_making_to_erasing_on_each_database(each_context: Context) -> None:
    app = create_app(each_context.settings, clock=each_context.clock, database=each_context.database)
    run = Run(Api(each_context, app.test_client())).create().freeze(ROLL).generate().seat().ceremony()
    registrar.replace_credentials(each_context, run.uuid, ["M4"], REGISTRAR)
    # PostgreSQL keeps no more than 200 characters of a unit, and blanks around its names do not count.
    for unit in ("East" * 100, f"North{' > ' * 100}"):
        with pytest.raises(Problem, match="nobody-waits"):
            service.create_run(each_context, run.uuid, Choice(unit=unit), Layout.A4_LABELS)
    padded = Choice(unit=f"North{' ' * 150}>{' ' * 150}One")
    number = service.create_run(each_context, run.uuid, padded, Layout.A4_LABELS)
    assert service.get_run(each_context, run.uuid, number).choice.unit == "North > One"
    service.drop_run(each_context, run.uuid, number)
    number = service.create_run(each_context, run.uuid, Choice(unit="North"), Layout.A4_LABELS)
    assert service.make_part(each_context, run.uuid, number, 1).startswith(b"%PDF")
    view = service.get_run(each_context, run.uuid, number)
    assert (view.count, view.waiting, view.parts, view.state) == (2, 2, 1, "open")
    assert service.say_printed(each_context, run.uuid, number) == 2
    assert [view.state for view in service.list_runs(each_context, run.uuid)] == ["printed"]
    run.ready()
    jobs._looked_at.clear()
    assert jobs.run_due(each_context) == 0
    run.committee("cancel", {"reason": "A candidate was forgotten."})
    jobs._looked_at.clear()
    assert jobs.run_due(each_context) == 2
    with each_context.database.read() as session:
        [election_id] = session.scalars(select(Election.id))
        assert vault.count_ways(session, election_id) == vault.Count(0, 0, {"printed": 2, "expired": 2})
        assert {member.name for member in vault.list_held(session, election_id, "łuk")} == {"Łukasz Nowak"}
