"""Complaints and the decisions on them: in the journal once and for good, by the committee only."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask

from audit.runner import audit
from crypto.credentials import new_credential_text
from crypto.journal import JournalLine, JournalReader
from tests.voting_app.api import Api, Run
from tests.voting_app.office import HTML, Officer, first_administrator
from voting_app.accounts.service import Actor
from voting_app.app import create_app
from voting_app.context import Context
from voting_app.errors import Problem
from voting_app.incidents import service, wire

HOSTILE = '</blockquote><script>alert("1")</script> {{ 7*7 }} & \u05e9\u05dc\u05d5\u05dd'


@pytest.fixture
def run(context: Context, app: Flask) -> Run:
    return Run(Api(context, app.test_client())).create()


def read(run: Run) -> list[JournalLine]:
    """The lines about complaints of the published journal, which is as it has to be and sealed to its end."""
    raw = run.api.client.get(f"/elections/{run.uuid}/{run.uuid}.journal.jsonl").data
    reader = JournalReader()
    lines = [reader.feed(line) for line in raw.splitlines()]
    reader.close()
    found = [line for line in lines if line.kind.startswith("complaint")]
    assert not found or reader.lines_since_seal == 0
    return found


def test_a_complaint_and_its_decision_stand_in_the_journal_in_every_state(run: Run, tmp_path: Path) -> None:
    def complain(text: str) -> int:
        made = run.committee("complaints", {"text": text})
        assert made == {
            "number": made["number"],
            "at": "2026-11-22T12:00Z",
            "text": text,
            "resolution": None,
        }
        number: int = made["number"]
        return number

    assert complain("in draft") == 1
    run.freeze().generate().seat().ceremony().ready().drill()
    assert complain("before the opening") == 2
    run.open().cast("M1", [[0], [0]])
    assert complain("open") == 3
    run.committee("pause", {"reason": "x"})
    assert complain("paused\nin two lines") == 4
    run.close()
    assert complain("closed") == 5
    run.decrypt()
    assert complain("tallied") == 6
    run.committee("certify", {"statement": "It stands."})
    assert complain("certified") == 7
    answer = run.committee("complaints/4/resolution", {"text": "Rejected."})
    assert answer["resolution"] == {"at": "2026-11-22T12:00Z", "text": "Rejected."}
    lines = read(run)
    assert [(line.kind, line.payload["number"]) for line in lines] == [
        *(("complaint", number) for number in range(1, 8)),
        ("complaint-resolved", 4),
    ]
    assert {line.actor.partition(":")[0] for line in lines} == {"committee"}
    box, acts = tmp_path / "e.bel", tmp_path / "e.jsonl"
    box.write_bytes(run.api.client.get(f"/elections/{run.uuid}/{run.uuid}.bel").data)
    acts.write_bytes(run.api.client.get(f"/elections/{run.uuid}/{run.uuid}.journal.jsonl").data)
    report = audit(box, acts)
    assert (report.verdict, report.ballots) == ("sound", 1)
    assert not [warning for warning in report.findings.warnings if "sealed yet" in warning]
    # The public page of the journal says both in words.
    shown = run.api.client.get(f"/elections/{run.uuid}/journal", headers={"Accept": HTML}).text
    assert "The committee received complaint 4:" in shown
    assert "The committee decided on complaint 4:" in shown


def test_what_programs_are_refused(run: Run) -> None:
    complaints, resolution = f"{run.base}/complaints", f"{run.base}/complaints/1/resolution"
    good = {"text": "The list was too short."}
    for path in (complaints, resolution):
        run.api.refuse(401, "not-authenticated", path, good)
        for role in ("registrar", "observer"):
            run.api.refuse(403, "forbidden", path, good, role=role)
        run.api.refuse(400, "malformed-json", path, b"{", role="committee")
        for body in (
            {},
            {"text": ""},
            {"text": " \u200b"},
            {"text": 1},
            {"text": "x" * 2001},
            {"text": "\u202ex"},
        ):
            problem = run.api.refuse(422, "invalid-field", path, body, role="committee")
            assert problem["field"] == "text"
        run.api.refuse(422, "invalid-field", path, {**good, "number": 9}, role="committee")
        run.api.refuse(422, "voting-code", path, {"text": new_credential_text()}, role="committee")
    nowhere = run.base.replace(run.uuid, "1" * 14)
    run.api.refuse(404, "unknown-election", f"{nowhere}/complaints", good, role="committee")
    run.api.refuse(404, "unknown-election", f"{nowhere}/complaints/1/resolution", good, role="committee")
    for number in (0, 1):
        path = f"{run.base}/complaints/{number}/resolution"
        run.api.refuse(404, "unknown-complaint", path, good, role="committee")
    assert read(run) == []
    run.committee("complaints", good)
    problem = run.api.refuse(409, "already-recorded", complaints, good, role="committee")
    assert problem["number"] == 1
    run.committee("complaints/1/resolution", good)
    run.api.refuse(409, "already-resolved", resolution, {"text": "No, otherwise."}, role="committee")
    assert len(read(run)) == 2
    # Once it is decided, the same may happen again.
    assert run.committee("complaints", good)["number"] == 2


@pytest.mark.parametrize("dash", ["-", " - ", "\u2011", "\u2013", ""])
def test_a_voting_code_is_found_in_a_text(dash: str) -> None:
    code = "Abc23-Defgh4-Jkmn5-Pqrst6".replace("-", dash)
    with pytest.raises(Problem) as caught:
        wire.parse_form_words(f"My code ({code}) was refused.")
    assert caught.value.code == "voting-code"
    assert code not in f"{caught.value.title}{caught.value.detail}{caught.value.extra}"


@pytest.mark.parametrize(
    "text",
    [
        "There people voted before noon, twenty minutes early.",
        "Gewerkschaftsmitgliederversammlung, Bundesgenossenschaften",
        "The tracker was abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMN12345",
    ],
)
def test_what_is_no_voting_code_may_be_said(text: str) -> None:
    assert wire.parse_form_words(text) == text


def test_two_at_once_get_two_numbers_and_a_complaint_one_decision(each_context: Context) -> None:
    context = each_context
    app = create_app(context.settings, clock=context.clock, database=context.database)
    run = Run(Api(context, app.test_client())).create()
    actor = Actor("committee", 7)

    def record(number: int) -> int:
        return service.record_complaint(context, run.uuid, f"complaint {number}", actor).number

    def resolve(number: int) -> str:
        try:
            service.resolve_complaint(context, run.uuid, 1, f"decision {number}", actor)
        except Problem as problem:
            return problem.code
        return ""

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(record, range(4))) == [1, 2, 3, 4]
        assert sorted(pool.map(resolve, range(4))) == ["", *["already-resolved"] * 3]
    assert len(read(run)) == 5


# --- the office ----------------------------------------------------------------------------------------------


@pytest.fixture
def ada(app: Flask) -> Officer:
    return first_administrator(app)


def test_the_pages_of_the_office(ada: Officer, run: Run) -> None:
    overview = f"/office/elections/{run.uuid}"
    page = f"{overview}/complaints"
    assert f'href="{page}"' in ada.get(overview).text
    assert "There is no complaint so far." in ada.get(page).text
    # A slip of the hand costs no code.
    code = ada.code()
    refused = ada.post(page, {"text": " ", "code": code}, page="/office")
    assert (refused.status_code, "A text is needed" in refused.text) == (422, True)
    wrong = ada.post(page, {"text": HOSTILE, "code": "000000"}, page="/office")
    assert "The six digits are not those" in wrong.text
    assert "&lt;script&gt;alert" in wrong.text
    assert read(run) == []
    answer = ada.post(page, {"text": f"{HOSTILE}\r\nsecond line", "code": code}, page="/office")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{page}?done=recorded")
    [line] = read(run)
    assert line.payload["text"] == f"{HOSTILE}\nsecond line"
    assert line.actor == f"committee:{ada.number}"
    assert "1 complaint has no answer." in ada.get(overview).text
    for shown in (page, f"{page}/1", overview):
        text = ada.get(shown).text
        assert "&lt;/blockquote&gt;&lt;script&gt;" in text
        assert "<script>alert" not in text
        assert "{{ 7*7 }}" in text
    again = ada.act(page, {"text": f"{HOSTILE}\nsecond line"})
    assert (again.status_code, "is in the journal already" in again.text) == (409, True)
    for text, status in (("", 422), (new_credential_text(), 422)):
        assert ada.act(f"{page}/1/resolution", {"text": text}).status_code == status
    assert ada.act(f"{page}/2/resolution", {"text": "x"}).status_code == 404
    answer = ada.act(f"{page}/1/resolution", {"text": "It is <b>so</b>."})
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{page}?done=resolved")
    assert "It is &lt;b&gt;so&lt;/b&gt;." in ada.get(page).text
    assert "<form" not in ada.get(f"{page}/1").text.partition("<main")[2]
    again = ada.act(f"{page}/1/resolution", {"text": "Otherwise"})
    assert (again.status_code, "for good" in again.text) == (409, True)
    assert "has no answer" not in ada.get(overview).text
    assert ada.get(f"{page}/2").status_code == 404
    run.freeze()
    assert "<script>alert" not in run.api.client.get(f"/elections/{run.uuid}", headers={"Accept": HTML}).text


def test_who_only_reads_has_no_form(ada: Officer, run: Run) -> None:
    run.committee("complaints", {"text": "The list was too short."})
    page = f"/office/elections/{run.uuid}/complaints"
    observer = ada.new_officer("olga@example.org", "observer")
    shown = observer.get(page)
    assert (shown.status_code, "The list was too short." in shown.text) == (200, True)
    assert "Record" not in shown.text
    for path in (page, f"{page}/1/resolution"):
        assert observer.act(path, {"text": "x"}).status_code == 403
    assert len(read(run)) == 1


def test_many_complaints_are_shown_by_pages(context: Context, ada: Officer, run: Run) -> None:
    for number in range(1, 52):
        service.record_complaint(context, run.uuid, f"no {number}", Actor("committee", 7))
    page = f"/office/elections/{run.uuid}/complaints"
    assert "Complaint 51 " in ada.get(page).text
    assert "Complaint 1 " not in ada.get(page).text
    assert "Complaint 1 " in ada.get(f"{page}?page=2").text
    assert [line.payload["number"] for line in read(run)] == list(range(1, 52))
