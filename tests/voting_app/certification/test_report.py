"""Report and package of an election that has ended: they say what the record says, or nothing is certified."""

import io
import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask.testing import FlaskClient
from sqlalchemy import select, update

from audit.cli import cli
from crypto.encoding import encode_json_bytes, sha256_hex
from tests.paper.reading import Reader
from tests.voting_app.api import Api, Run
from tests.voting_app.public.stages import make_stage
from voting_app.certification.service import make_account
from voting_app.elections import service as elections
from voting_app.errors import Problem
from voting_app.ledger import service as ledger
from voting_app.registrar.models import CredentialPublication, SheetRun, SheetRunEntry
from voting_app.roll.models import RollEntry
from voting_app.sheets import service as sheets

ENDED = ("certified", "cancelled", "untalliable")


@pytest.fixture
def api(client: FlaskClient) -> Api:
    from voting_app.context import get_context

    return Api(get_context(client.application), client)


def fetch(run: Run, name: str) -> bytes:
    answer = run.api.client.get(f"/elections/{run.uuid}/{name}")
    assert answer.status_code == 200, answer.text
    return answer.data


def audit(package: bytes, folder: Path) -> Result:
    path = folder / "package.zip"
    path.write_bytes(package)
    return CliRunner().invoke(cli, ["verify", str(path), "--json", "--jobs", "1"])


def checks(result: Result) -> dict[str, str]:
    return {check["id"]: check["status"] for check in json.loads(result.stdout)["checks"]}


def repack(
    package: bytes, change: Callable[[dict[str, bytes]], None], kind: int = zipfile.ZIP_STORED
) -> bytes:
    with zipfile.ZipFile(io.BytesIO(package)) as old:
        files = {name: old.read(name) for name in old.namelist()}
    change(files)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", kind) as new:
        for name, body in files.items():
            new.writestr(name, body)
    return out.getvalue()


# --- what they say -------------------------------------------------------------------------------------------


def test_a_certified_election_has_a_report_and_a_package_that_verifies(api: Api, tmp_path: Path) -> None:
    run = make_stage(api, "certified")
    raw = fetch(run, "report.json")
    report = json.loads(raw)
    assert report["ballots"] == {"received": 3, "superseded": 0, "counted": 3, "opened": 0}
    assert {**report["roll"], "hash": ""} == {"hash": "", "members": 4, "credentials": 4}
    assert [question["winners"] for question in report["outcome"]["questions"]] == [[0], [0]]
    assert report["outcome"]["questions"][0]["blank"] == 1
    with api.context.database.read() as session:
        [line] = ledger.read_journal(session, ledger.get_box_id(session, run.uuid), kinds=("reported",))
    assert json.loads(line)["payload"] == {"report": sha256_hex(raw)}
    package = fetch(run, f"{run.uuid}.zip")
    found = audit(package, tmp_path)
    assert found.exit_code == 0, found.output
    assert {checks(found)[rule] for rule in ("P1", "P2", "P3", "P4")} == {"pass"}
    # Nobody shall take these for verified.
    [told] = [check["detail"] for check in json.loads(found.stdout)["checks"] if check["id"] == "P1"]
    assert told.startswith(
        "for people, compared with nothing: README.txt, program.json, texts.en.txt, report.en.pdf"
    )
    # The same bytes each time, so that two copies can be compared.
    assert fetch(run, f"{run.uuid}.zip") == package
    with zipfile.ZipFile(io.BytesIO(package)) as files:
        assert files.testzip() is None
        assert {"report.en.pdf", "report.es.pdf", "texts.es.txt", "README.txt", "program.json"} < set(
            files.namelist()
        )
        assert "Presidencia" in files.read("texts.es.txt").decode()


def test_the_report_is_for_the_paper_that_was_chosen(api: Api) -> None:
    run = make_stage(api, "cancelled")
    assert b"/MediaBox [0 0 612" in fetch(run, "report.pdf?paper=letter")
    assert b"/MediaBox [0 0 595" in fetch(run, "report.pdf?paper=a4")
    assert fetch(run, "report.pdf") == fetch(run, "report.pdf?paper=a4")
    for other in ("a4-labels", "A5", ""):
        answer = api.client.get(f"/elections/{run.uuid}/report.pdf?paper={other}")
        assert answer.status_code == 404


def test_the_printed_report_has_result_numbers_and_hash(api: Api, tmp_path: Path) -> None:
    run = make_stage(api, "certified")
    digest = sha256_hex(fetch(run, "report.json"))
    for language, words in (("en", "Chosen: Ada Byron."), ("es", "Ballots")):
        reader = Reader(fetch(run, f"report.pdf?lang={language}"), tmp_path)
        text = " ".join(reader.read(page) for page in range(1, reader.count_pages() + 1))
        assert digest in text.replace(" ", "")
        assert run.uuid in text
        if language == "en":
            assert words in text
            assert "Ballots that count 3" in text
            assert "We certify this result." in text
        else:
            assert "Presidencia" in text


def test_what_is_noted_after_the_certification_changes_no_report(api: Api) -> None:
    """Without it: the printed report would have other numbers than the one whose hash stands below them."""
    run = make_stage(api, "certified")
    with api.context.database.write() as session:
        # As if codes had been made in the office, and the first mail had been found to have arrived.
        session.execute(update(CredentialPublication).values(program=None))
        session.execute(
            update(RollEntry).where(RollEntry.member_number == "M1").values(credential_state="delivered")
        )
        account = make_account(session, run.uuid)
    assert account.agrees
    assert account.report.encode() == fetch(run, "report.json")


@pytest.mark.parametrize("state", ["cancelled", "untalliable"])
def test_an_election_without_a_result_has_a_report_too(api: Api, tmp_path: Path, state: str) -> None:
    run = make_stage(api, state)
    report = json.loads(fetch(run, "report.json"))
    assert report["state"] == state
    assert report["ballots"]["received"] == 3
    assert not {"result", "outcome"} & set(report)
    assert "counted" not in report["ballots"]
    found = audit(fetch(run, f"{run.uuid}.zip"), tmp_path)
    assert found.exit_code == 0, found.output
    assert checks(found)["P3"] == "pass"
    assert checks(found)["P4"] == "not-checked"
    said = CliRunner().invoke(cli, ["result", str(tmp_path / "package.zip"), "--jobs", "1"])
    assert (said.exit_code, said.stdout) == (0, "null\n")
    assert "warning: the election " in said.stderr


def test_the_report_of_a_test_says_so_and_texts_have_the_statements(api: Api, tmp_path: Path) -> None:
    said = [[{"statement": {"en": "**Treasurer**\n- bread"}}, {}], []]
    run = Run(api).create(language="en", test=True, candidates=said, description="We *elect*.").freeze()
    run.committee("cancel", {"reason": "It was practice."})
    assert "Test election It is for practice." in Reader(fetch(run, "report.pdf"), tmp_path).read(1)
    with zipfile.ZipFile(io.BytesIO(fetch(run, f"{run.uuid}.zip"))) as files:
        texts = files.read("texts.en.txt").decode()
    assert "We elect." in texts
    assert "  - Ada\n      Treasurer\n      \n      - bread\n  - Grace\n" in texts


def test_one_that_was_cancelled_before_its_setup_too(api: Api, tmp_path: Path) -> None:
    run = make_stage(api, "roll-frozen")
    run.committee("cancel", {"reason": "The notice was wrong."})
    report = json.loads(fetch(run, "report.json"))
    assert report["box"] == {"height": -1}
    assert report["roll"]["members"] == 4
    assert "fingerprint" not in report
    with zipfile.ZipFile(io.BytesIO(fetch(run, f"{run.uuid}.zip"))) as files:
        assert json.loads(files.read("report.json")) == report
    found = audit(fetch(run, f"{run.uuid}.zip"), tmp_path)
    # Nothing was set up, so there is nothing that could be sound.
    assert (found.exit_code, json.loads(found.stdout)["verdict"]) == (2, "unchecked")


@pytest.mark.parametrize("state", ["roll-frozen", "open", "tallied"])
def test_before_the_end_there_is_none(api: Api, state: str) -> None:
    run = make_stage(api, state)
    for name in ("report.json", "report.pdf", f"{run.uuid}.zip"):
        answer = api.client.get(f"/elections/{run.uuid}/{name}")
        assert (answer.status_code, answer.json["code"]) == (404, "no-report")
    assert api.client.get(f"/elections/{run.uuid}/other.zip").status_code == 404


# --- numbers that do not agree -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change,code",
    [({"name": "Somebody else"}, "roll"), ({"credential_state": "delivered"}, "delivered-voters")],
)
def test_what_does_not_agree_is_not_certified(api: Api, change: dict[str, str], code: str) -> None:
    """Three have voted; two are noted to have been given a code, or their names are others now."""
    run = make_stage(api, "tallied")
    with api.context.database.write() as session:
        if code == "delivered-voters":
            # As if the codes had been made in the office, whose deliveries are known.
            session.execute(update(CredentialPublication).values(program=None))
        session.execute(update(RollEntry).where(RollEntry.member_number.in_(("M1", "M2"))).values(**change))
    body = {"statement": "We certify this result."}
    answer = api.send("POST", f"{run.base}/certify", body, role="committee")
    assert answer.status_code == 409
    assert (answer.json["code"], answer.json["mismatches"]) == ("does-not-agree", [code])
    assert run.status()["state"] == "tallied"
    with api.context.database.read() as session:
        assert not ledger.read_journal(session, ledger.get_box_id(session, run.uuid), kinds=("reported",))


# --- packages that were changed ------------------------------------------------------------------------------


def change_report(**fields: object) -> Callable[[dict[str, bytes]], None]:
    def change(files: dict[str, bytes]) -> None:
        report = json.loads(files["report.json"])
        for name, value in fields.items():
            report[name] = {**report[name], **value} if isinstance(value, dict) else value
        files["report.json"] = encode_json_bytes(report)

    return change


def test_a_package_with_another_report_is_found(api: Api, tmp_path: Path) -> None:
    run = make_stage(api, "certified")
    package = fetch(run, f"{run.uuid}.zip")
    wrong: list[tuple[Callable[[dict[str, bytes]], None], set[str]]] = [
        (change_report(ballots={"received": 4}), {"P3"}),
        (change_report(roll={"members": 5}), {"P3"}),
        (change_report(state="cancelled"), {"P3"}),
        (change_report(version=2), {"P2"}),
        # How many codes were handed out is not in the record: the journal names the report that was certified.
        (change_report(roll={"delivered": 3}), {"P4"}),
        (change_report(roll={"delivered": 2}), {"P2"}),
        (lambda files: files.update({"report.json": b"{}"}), {"P2"}),
    ]
    for change, rules in wrong:
        found = audit(repack(package, change), tmp_path)
        assert found.exit_code == 1, found.output
        assert {rule for rule, status in checks(found).items() if status == "fail"} == rules


def test_a_journal_that_names_two_reports_names_none(api: Api, tmp_path: Path) -> None:
    """Without it: one report could be shown to the committee and another one to everybody else."""
    run = make_stage(api, "tallied")
    with api.context.database.write() as session:
        election = elections.lock_election(session, run.uuid)
        elections.write_journal(
            session, api.context, election, "reported", "committee:7", {"report": "ab" * 32}
        )
    run.committee("certify", {"statement": "We certify this result."})
    found = audit(fetch(run, f"{run.uuid}.zip"), tmp_path)
    assert {rule for rule, status in checks(found).items() if status == "fail"} == {"P4"}


def bloat(files: dict[str, bytes]) -> None:
    [box] = [name for name in files if name.endswith(".bel")]
    files[box] = bytes(50_000_000)


def say_larger(package: bytes, name: str) -> bytes:
    """As if as much as a tenth of that file's size had been packed."""
    place = package.rindex(b"PK\x01\x02", 0, package.rindex(name.encode()))
    packed = struct.pack("<I", 5_000_000)
    return package[: place + 20] + packed + package[place + 24 :]


def test_what_is_no_package_is_not_checked(api: Api, tmp_path: Path) -> None:
    run = make_stage(api, "certified")
    package = fetch(run, f"{run.uuid}.zip")
    others: list[tuple[bytes, str]] = [
        (repack(package, lambda files: files.update({"../evil": b""})), "does not belong"),
        (repack(package, lambda files: files.pop("report.json") and None), "lacks report.json"),
        (repack(package, lambda files: files.pop(f"{run.uuid}.bel") and None), "exactly one ballot box"),
        (
            repack(
                package, lambda files: files.update({"report.json": b" " * 900_000}), zipfile.ZIP_DEFLATED
            ),
            "too large",
        ),
        # What says that it is small, and becomes large while it is read.
        (repack(package, lambda _: None, zipfile.ZIP_BZIP2), "in a way that packages are not"),
        (repack(package, lambda _: None, zipfile.ZIP_LZMA), "in a way that packages are not"),
        (say_larger(repack(package, bloat, zipfile.ZIP_DEFLATED), f"{run.uuid}.bel"), "too large"),
        (package[: len(package) // 2], "cannot be unpacked"),
        (package[:4] + bytes(40), "cannot be unpacked"),
    ]
    for body, words in others:
        found = audit(body, tmp_path)
        assert found.exit_code == 2
        assert words in found.stderr
    # Who packs the same files again has changed nothing.
    assert audit(repack(package, lambda _: None, zipfile.ZIP_DEFLATED), tmp_path).exit_code == 0


def test_sheets_that_were_made_are_taken_for_printed_when_nobody_said_so(api: Api) -> None:
    """A forgotten click must not stand in the way of a certification; a run that was dropped is no sheet."""
    run = make_stage(api, "tallied")
    with api.context.database.write() as session:
        session.execute(update(CredentialPublication).values(program=None))
        session.execute(update(RollEntry).values(credential_state="none", credential_way="expired"))
        assert make_account(session, run.uuid).report.delivered == 0
        entries = list(session.scalars(select(RollEntry.id).order_by(RollEntry.id)))
        election_id = elections.find_box(session, run.uuid).election_id
        for state, some in (("open", entries[:3]), ("dropped", entries[3:])):
            made = SheetRun(
                election_id=election_id,
                layout="a4",
                fingerprint="x" * 43,
                unit="",
                member_number="",
                created_at=api.context.clock.now(),
                state=state,
            )
            session.add(made)
            session.flush()
            session.add_all(
                SheetRunEntry(run_id=made.id, place=place, roll_entry_id=entry)
                for place, entry in enumerate(some)
            )
        session.flush()
        account = make_account(session, run.uuid)
        [opened] = session.scalars(select(SheetRun.id).where(SheetRun.state == "open"))
    assert account.report.delivered == 3
    assert account.agrees
    # Nor is the number taken back when voting is over, which would stop a certification for good.
    with pytest.raises(Problem, match="sheets-erased"):
        sheets.drop_run(api.context, run.uuid, opened)
