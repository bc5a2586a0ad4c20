"""The committee's pages of a roll: looking at a file before it is taken, and single members."""

import ast
import io
import multiprocessing
import os
import re
import signal
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import event, func, select
from werkzeug.test import TestResponse

import crypto.roll
import crypto.tables
from crypto.encoding import sha256_hex
from crypto.roll import MAX_TOTAL_WEIGHT, Member
from tests.voting_app.api import Api, Run
from tests.voting_app.conftest import SettableClock
from tests.voting_app.office import HTML, PASSWORD, Officer, find_form_token, first_administrator
from voting_app.accounts.service import Actor
from voting_app.app import create_app
from voting_app.config import Settings
from voting_app.context import Context
from voting_app.db import Database
from voting_app.errors import Problem
from voting_app.languages import LANGUAGES, load_catalogue
from voting_app.roll import jobs, members, office, service, uploads
from voting_app.roll.members import Wanted
from voting_app.roll.models import RollEntry, RollUpload
from voting_app.roll.preview_words import COLUMN_WORDS, FAULT_SENTENCES, FORM_SENTENCES

FIRST = (
    "name,member_number,email,unit,weight\nAda,M1,ada@example.org,East,1\nGrace,M2,,East,1\nJoan,M3,,West,1\n"
)


@pytest.fixture
def ada(app: Flask) -> Officer:
    return first_administrator(app)


@pytest.fixture
def draft(app: Flask, ada: Officer) -> Run:
    return Run(Api(ada.context, app.test_client())).create()


def base(run: Run) -> str:
    return f"/office/elections/{run.uuid}/roll"


def upload(officer: Officer, run: Run, text: str | bytes) -> TestResponse:
    raw = text.encode() if isinstance(text, str) else text
    token = find_form_token(officer.get("/office").text)
    return officer.client.post(
        f"{base(run)}/file",
        data={"csrf_token": token, "file": (io.BytesIO(raw), "roll.csv")},
        headers={"Accept": HTML},
    )


def take(officer: Officer, run: Run, page: str, **changes: str) -> TestResponse:
    """Send the form of a preview."""
    found = dict(re.findall(r'name="(file|roll)" value="([^"]+)"', page))
    code = changes.pop("code", None) or officer.code()
    return officer.post(f"{base(run)}/import", {**found, "code": code, **changes}, page="/office")


def preview(officer: Officer, run: Run, query: str = "") -> str:
    answer = officer.get(f"{base(run)}/preview{query}")
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", re.sub(r"<(?!input)[^>]+>", "", answer.text))


def names(run: Run) -> list[str]:
    return [member.name for member in service.get_roll(run.api.context, run.uuid)]


def count_uploads(context: Context) -> int:
    with context.database.read() as session:
        return session.scalar(select(func.count()).select_from(RollUpload)) or 0


# --- a file --------------------------------------------------------------------------------------------------


def test_a_file_is_looked_at_mended_and_taken(ada: Officer, draft: Run) -> None:
    answer = upload(ada, draft, "name,member_number,email\nAda,M1,ada\nGrace,M1,\n")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{base(draft)}/preview")
    page = preview(ada, draft)
    assert "2 faults must be mended first" in page
    assert "row 2, Mail address: This is not an e-mail address." in page
    assert "row 3, Member number: This member number stands already in row 2." in page
    assert "Take this file" not in page
    # Whoever sends the form nevertheless is refused.
    bad = sha256_hex(b"name,member_number,email\nAda,M1,ada\nGrace,M1,\n")
    assert take(ada, draft, "", file=bad, roll=uploads.digest_roll([])).status_code == 409
    assert names(draft) == []

    upload(ada, draft, FIRST)
    page = preview(ada, draft)
    assert "3 members stand in the file." in page
    assert "Grace (M2), row 3" in page
    assert names(draft) == []
    answer = take(ada, draft, page)
    assert (answer.status_code, names(draft)) == (303, ["Ada", "Grace", "Joan"])
    assert "The file is the roll now." in ada.get(answer.headers["Location"]).text
    assert count_uploads(ada.context) == 0

    # The next one is shown beside it.
    upload(ada, draft, FIRST.replace("Ada,M1", "Ada L.,M1").replace("Joan,M3", "Kim,M4"))
    page = preview(ada, draft)
    assert "differences below are to the roll as it stands now" in page
    for sentence in ("Joan (M3)", "Kim (M4), row 4", "Name: Ada → Ada L."):
        assert sentence in page, sentence


def test_who_freezes_is_told_what_is_odd(ada: Officer, draft: Run) -> None:
    assert "/acts/freeze-roll" not in ada.get(base(draft)).text
    draft.committee("roll", FIRST)
    [address] = re.findall(r'href="([^"]+/acts/freeze-roll)"', ada.get(base(draft)).text)
    page = ada.get(address).text
    assert "There is no e-mail address: this member needs a printed sheet. (2)" in page


def test_taking_asks_for_the_second_factor(ada: Officer, draft: Run) -> None:
    upload(ada, draft, FIRST)
    answer = take(ada, draft, preview(ada, draft), code="000000")
    assert answer.status_code == 400
    assert "six digits" in answer.text
    assert names(draft) == []


def test_only_what_was_shown_is_taken(ada: Officer, draft: Run) -> None:
    """Another file in another window, another import in between: nothing is taken, and the page shows what is now."""
    grace = ada.new_officer("grace@example.org")
    upload(ada, draft, FIRST)
    shown = preview(ada, draft)
    upload(ada, draft, FIRST.replace("Ada", "Eve"))
    code = ada.code()
    answer = take(ada, draft, shown, code=code)
    assert (answer.status_code, names(draft)) == (409, [])
    assert "You have uploaded another file" in answer.text
    assert "Eve" in answer.text
    # The code is good once, and was not used up by what was not done.
    fields = {"code": code, "password": PASSWORD}
    assert ada.post("/office/account/recovery", fields, page="/office").status_code == 200

    shown = preview(ada, draft)
    upload(grace, draft, FIRST.replace("Ada", "Kim"))
    assert "Kim" in names_after(grace, draft)
    answer = take(ada, draft, shown)
    assert (answer.status_code, names(draft)[0]) == (409, "Kim")
    assert "Somebody has changed the roll meanwhile." in answer.text
    # What is shown now is the difference to the other one's.
    assert "Kim" in answer.text
    assert take(ada, draft, answer.text).status_code == 303
    assert names(draft)[0] == "Eve"
    # Sent twice, it is taken once.
    answer = take(ada, draft, answer.text)
    assert answer.status_code == 409
    assert "The file is not here any more." in answer.text


def names_after(officer: Officer, run: Run) -> list[str]:
    assert take(officer, run, preview(officer, run)).status_code == 303
    return names(run)


def test_a_file_is_for_the_eyes_of_who_uploaded_it(ada: Officer, draft: Run) -> None:
    grace = ada.new_officer("grace@example.org")
    upload(ada, draft, FIRST)
    assert grace.get(f"{base(draft)}/preview").headers["Location"] == f"{base(draft)}?done=gone"
    assert "The file is not here any more." in grace.get(f"{base(draft)}?done=gone").text
    # Nor does another one take it who knows its hash.
    page = preview(ada, draft)
    assert take(grace, draft, page).status_code == 409
    assert "Go on with the file" in ada.get(base(draft)).text
    assert "Go on with the file" not in grace.get(base(draft)).text
    assert ada.post(f"{base(draft)}/discard", page="/office").status_code == 303
    assert count_uploads(ada.context) == 0


def test_a_roll_begins_with_that_of_another_election(ada: Officer, draft: Run) -> None:
    """An election that was cancelled for a mistake on its roll is made anew from it."""
    other, unready = Run(draft.api).create(name="Older").freeze(FIRST), Run(draft.api).create()
    assert f'value="{other.uuid}"' in ada.get(base(draft)).text
    assert f'value="{unready.uuid}"' not in ada.get(base(draft)).text
    for source in (unready.uuid, "none"):
        answer = ada.post(f"{base(draft)}/copy", {"election": source}, page="/office")
        assert answer.status_code == 404
    answer = ada.post(f"{base(draft)}/copy", {"election": other.uuid}, page="/office")
    assert answer.headers["Location"] == f"{base(draft)}/preview"
    assert names(draft) == []
    assert take(ada, draft, preview(ada, draft)).status_code == 303
    context = ada.context
    assert service.get_roll(context, draft.uuid) == service.get_roll(context, other.uuid)
    # A frozen roll is no longer exchanged for another one.
    assert ada.post(f"{base(other)}/copy", {"election": other.uuid}, page="/office").status_code == 409


def test_files_that_nobody_takes_are_forgotten(ada: Officer, draft: Run) -> None:
    upload(ada, draft, FIRST)
    jobs._forgot_at.clear()
    assert jobs.run_due(ada.context) == 0
    ada.clock.advance(hours=12)
    ada.log_in()
    assert jobs.run_due(ada.context) == 0
    ada.clock.advance(hours=12)
    ada.log_in()
    assert ada.get(f"{base(draft)}/preview").status_code == 303
    assert (jobs.run_due(ada.context), count_uploads(ada.context)) == (1, 0)
    # It does not look every second.
    assert jobs.run_due(ada.context) == 0


def test_files_of_other_kinds_are_refused_in_words(ada: Officer, draft: Run) -> None:
    for content, words in (
        (b"", "Choose a file first"),
        (b"PK\x03\x04" + b"\0" * 100, "This is not a CSV file but a spreadsheet or document."),
        (b"\xff\xfe\0", "The file is damaged UTF-16 text."),
        (b'name,member_number\n"Ada,M1\n', "A quotation mark in this row is never closed"),
        (b"name,member_number,<script>\n", "The column is unknown"),
        (b"\0\0\0\0", "The file seems to be UTF-16"),
    ):
        answer = upload(ada, draft, content)
        page = answer.text if answer.status_code == 400 else ada.get(f"{base(draft)}/preview").text
        assert words in page
        assert "<script>" not in page
        assert "Take this file" not in page


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_file_of_voting_codes_is_not_kept(ada: Officer, draft: Run, encoding: str) -> None:
    """Of another election, whose registrar has chosen the wrong file."""
    code = "QT13c-f1YKxL-Ntcqh-qBaqPT"
    answer = upload(ada, draft, f"Member_Number;Credential\r\nM1;{code}\r\n".encode(encoding))
    assert answer.status_code == 400
    assert "voting codes, not a roll" in answer.text
    assert code not in answer.text
    with ada.context.database.read() as session:
        assert session.scalars(select(RollUpload)).all() == []


def test_an_upload_has_a_largest_size(ada: Officer, draft: Run) -> None:
    mark = ada.app.view_functions["roll_office.upload_roll"].__steward_access__  # type: ignore[attr-defined]
    assert mark.longest_form == office.LONGEST_UPLOAD < ada.context.settings.max_body_bytes
    answer = ada.client.post(
        f"{base(draft)}/file",
        data={"file": (io.BytesIO(b"x"), "roll.csv")},
        headers={"Accept": HTML},
        environ_overrides={"CONTENT_LENGTH": str(office.LONGEST_UPLOAD + 1)},
    )
    assert answer.status_code == 413


def test_long_findings_come_in_pages(ada: Officer, draft: Run) -> None:
    rows = "".join(f"Member {n},N{n},m@example.org\n" for n in range(1, 121))
    upload(ada, draft, f"name,member_number,email\n{rows}")
    assert take(ada, draft, preview(ada, draft)).status_code == 303
    upload(ada, draft, "name,member_number,phone\nKim,K1,12345\n")
    page = preview(ada, draft)
    assert "Members who are gone 120" in page
    assert "Show all 120" in page
    part = preview(ada, draft, "?part=gone&page=3")
    assert "101 to 120 of 120" in part
    assert "Next page" not in part
    assert part.count("(N") == 20
    found = preview(ada, draft, "?part=gone&words=member+n117")
    assert (found.count("(N"), "(N117)" in found) == (1, True)
    assert preview(ada, draft, "?part=gone&words=%25").count("(N") == 0
    # An address that means nothing is the nearest that does.
    for odd in ("9", "0", "x", "9" * 5000):
        assert "gone" in preview(ada, draft, f"?part=gone&page={odd}")
    assert "What is in the file" in preview(ada, draft, "?part=none")


def _import_and_die(settings: Settings, uuid: str, actor: Actor, file: str, roll: str) -> None:
    database = Database(settings.database_url)

    @event.listens_for(database._write_engine, "after_execute")
    def die(_connection: object, statement: object, *_: object) -> None:
        if str(statement).startswith("INSERT INTO roll_entry"):
            os.kill(os.getpid(), signal.SIGKILL)

    uploads.take_upload(Context(settings, database, SettableClock()), uuid, actor, file=file, roll=roll)


def test_a_server_killed_in_the_middle_of_an_import_leaves_the_roll_as_it_was(each_context: Context) -> None:
    """The old members are gone and the new ones are there, but for the end of the transaction."""
    context = each_context
    app = create_app(context.settings, clock=context.clock, database=context.database)
    run = Run(Api(context, app.test_client())).create()
    run.committee("roll", FIRST)
    ada = first_administrator(app)
    actor = Actor("administrator", ada.number)
    raw = FIRST.replace("Ada", "Eve").encode()
    uploads.keep_upload(context, run.uuid, actor, raw)
    hashes = (sha256_hex(raw), uploads.digest_roll(service.get_roll(context, run.uuid)))
    process = multiprocessing.get_context("spawn").Process(
        target=_import_and_die, args=(context.settings, run.uuid, actor, *hashes)
    )
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert names(run) == ["Ada", "Grace", "Joan"]
    # The file is still there, and is taken by whoever comes back.
    assert "Go on with the file that you uploaded" in ada.get(base(run)).text
    page = ada.get(f"{base(run)}/preview").text
    assert "Take this file as the roll" in page
    assert "Eve" in page
    file, roll = hashes
    uploads.take_upload(context, run.uuid, actor, file=file, roll=roll)
    assert names(run) == ["Eve", "Grace", "Joan"]


# --- the list and single members -----------------------------------------------------------------------------


def test_members_are_found_by_parts_of_words(ada: Officer, draft: Run) -> None:
    draft.committee(
        "roll",
        "name,member_number,email,phone,unit,standing\n"
        "Zoë Łuc,M-1,zoe@example.org,+1 555 0100,East > Local 12,\n"
        "José Ñandú,M-2,,,East > Local 13,\n"
        "Grace,M-3,,555 0199,West,suspended\n",
    )
    context = ada.context

    def find(**wanted: object) -> list[str]:
        found = members.find_entries(context, draft.uuid, Wanted(**wanted))  # type: ignore[arg-type]
        return [entry.member.member_number for entry in found]

    assert find() == ["M-1", "M-2", "M-3"]
    assert find(words="jose") == find(words="NANDU josé") == ["M-2"]
    assert find(words="zoe@EXAMPLE") == find(words="0100") == ["M-1"]
    assert find(words="555") == ["M-1", "M-3"]
    assert find(words="nobody") == []
    assert find(unit=("East",)) == ["M-1", "M-2"]
    assert find(unit=("East", "Local 12"), eligible=True) == ["M-1"]
    assert find(eligible=False) == ["M-3"]
    page = ada.get(f"{base(draft)}?words=grace&standing=not-good").text
    assert "1 member was found." in page
    assert "may not vote" in page
    units = ada.get(f"{base(draft)}/units").text
    assert "East &gt; Local 12" in units
    assert f'href="{base(draft)}?unit=East+%3E+Local+12"' in units
    found = ada.get(f"{base(draft)}/units?words=lOCAL+13").text
    assert ("East &gt; Local 13" in found, "East &gt; Local 12" in found) == (True, False)
    assert "No unit has this in its name." in ada.get(f"{base(draft)}/units?words=North").text


FORM = {
    "name": "Kim",
    "member_number": "M9",
    "email": "",
    "phone": "",
    "address": "1 Main St\r\nTown",
    "unit": "East",
    "weight": "",
    "language": "",
    "standing": "good",
}


def test_a_member_is_added_corrected_and_taken_off(ada: Officer, draft: Run) -> None:
    draft.committee("roll", FIRST)
    answer = ada.post(f"{base(draft)}/members/new", FORM, page="/office")
    assert answer.status_code == 303, answer.text
    page = ada.get(answer.headers["Location"]).text
    assert "The member was added." in page
    [address] = re.findall(r'href="([^"]+/roll/members/\d+)"', page)
    page = ada.get(address).text
    # A line break after <textarea> would be swallowed.
    assert ">\n1 Main St\nTown</textarea>" in page
    [version] = set(re.findall(r'name="version" value="([^"]+)"', page))
    fields = {**FORM, "member_number": "M10", "standing": "not-good"}
    answer = ada.post(address, {**fields, "version": version}, page="/office")
    assert answer.status_code == 303
    assert service.get_roll(ada.context, draft.uuid)[-3] == Member(
        "Kim", "M10", address="1 Main St\nTown", unit="East", eligible=False
    )
    # From a page that shows the member as it was: neither changed nor taken off.
    for path, more in ((address, FORM), (f"{address}/remove", {})):
        answer = ada.post(path, {**more, "version": version}, page="/office")
        assert answer.status_code == 409
        assert "Somebody has changed this member meanwhile." in answer.text
        assert 'value="M10"' in answer.text
    [version] = set(re.findall(r'name="version" value="([^"]+)"', answer.text))
    assert ada.post(f"{address}/remove", {"version": version}, page="/office").status_code == 303
    assert names(draft) == ["Ada", "Grace", "Joan"]
    assert ada.get(address).status_code == 404


def test_a_row_that_an_import_has_given_to_somebody_else_is_not_changed(ada: Officer, draft: Run) -> None:
    draft.committee("roll", FIRST)
    entry = members.find_entries(ada.context, draft.uuid, Wanted())[0]
    draft.committee("roll", FIRST.replace("Ada,M1", "Eve,M7"))
    [again] = [e for e in members.find_entries(ada.context, draft.uuid, Wanted()) if e.number == entry.number]
    assert again.member.name == "Eve"
    with pytest.raises(Problem, match="member-changed"):
        members.remove_member(ada.context, draft.uuid, entry.number, entry.version)
    # Nor is a member of another election reached.
    other = Run(draft.api).create()
    with pytest.raises(Problem, match="unknown-member"):
        members.remove_member(ada.context, other.uuid, again.number, again.version)


def test_a_form_with_a_fault_is_shown_again(ada: Officer, draft: Run) -> None:
    for changes, words in (
        ({"name": " "}, "Please fill in this field."),
        ({"name": "A\u202eB"}, "This field has a character that cannot be printed."),
        ({"email": "x"}, "This is not an e-mail address."),
        ({"weight": "0"}, "A weight is a whole number"),
        ({"standing": "maybe"}, "The standing is unknown"),
        ({"unit": "East > "}, "name is missing before or after"),
        ({"address": "x" * 1001}, "This field is longer than 1000 characters"),
    ):
        answer = ada.post(f"{base(draft)}/members/new", {**FORM, **changes}, page="/office")
        assert answer.status_code == 400
        assert words in answer.text
        assert "The cell" not in answer.text
        assert 'value="M9"' in answer.text
    assert names(draft) == []


def test_every_sentence_about_cells_has_words_for_a_form() -> None:
    about_cells = {text for text in FAULT_SENTENCES if text.startswith("The cell ")}
    assert about_cells == set(FORM_SENTENCES)


def test_the_language_is_chosen_and_one_from_a_file_is_kept(ada: Officer, draft: Run) -> None:
    draft.committee("roll", "name,member_number,language\nKim,M9,pt-BR\nLou,M8,\n")
    kim, lou = (members.find_entries(ada.context, draft.uuid, Wanted(words))[0] for words in ("Kim", "Lou"))
    page = ada.get(f"{base(draft)}/members/{kim.number}").text
    assert '<option value="pt-BR" dir="ltr" selected>pt-BR</option>' in page
    assert '<option value="es" lang="es">Español</option>' in page
    page = ada.get(f"{base(draft)}/members/{lou.number}").text
    assert '<option value="" selected>The election’s own language</option>' in page
    assert "pt-BR" not in page
    fields = {**FORM, "language": "fr", "version": lou.version, "member_number": "M8"}
    assert ada.post(f"{base(draft)}/members/{lou.number}", fields, page="/office").status_code == 303
    assert members.get_entry(ada.context, draft.uuid, lou.number).member.language == "fr"


def test_what_no_file_could_hold_no_form_adds(ada: Officer, draft: Run) -> None:
    draft.committee("roll", FIRST)
    answer = ada.post(f"{base(draft)}/members/new", {**FORM, "member_number": "M1"}, page="/office")
    assert (answer.status_code, "Another member has this number." in answer.text) == (409, True)
    assert 'value="Kim"' in answer.text
    with pytest.raises(Problem, match="roll-too-heavy"):
        members.add_member(ada.context, draft.uuid, Member("Kim", "M9", weight=MAX_TOTAL_WEIGHT))
    # A field more than the form has.
    assert (
        ada.post(f"{base(draft)}/members/new", {**FORM, "credential_state": "x"}, page="/office").status_code
        == 400
    )
    assert len(names(draft)) == 3


def test_a_frozen_roll_says_why_nothing_can_be_changed(ada: Officer, draft: Run) -> None:
    upload(ada, draft, FIRST)
    shown = preview(ada, draft)
    draft.freeze(FIRST)
    before = names(draft)
    entry = members.find_entries(ada.context, draft.uuid, Wanted())[0]
    page = ada.get(base(draft)).text
    assert "The roll is frozen" in page
    assert "Look at the file" not in page
    member = f"{base(draft)}/members/{entry.number}"
    assert "<textarea" not in ada.get(member).text
    for path in ("preview", "members/new"):
        answer = ada.get(f"{base(draft)}/{path}")
        assert (answer.status_code, "The roll is fixed" in answer.text) == (409, True)
    assert upload(ada, draft, FIRST.replace("Ada", "Eve")).status_code == 409
    assert take(ada, draft, shown).status_code == 409
    assert ada.post(f"{base(draft)}/members/new", FORM, page="/office").status_code == 409
    version = {"version": entry.version}
    assert ada.post(member, {**FORM, **version}, page="/office").status_code == 409
    assert ada.post(f"{member}/remove", version, page="/office").status_code == 409
    assert names(draft) == before


def test_who_may_see_and_change_the_roll(ada: Officer, draft: Run) -> None:
    draft.committee("roll", FIRST)
    number = members.find_entries(ada.context, draft.uuid, Wanted())[0].number
    pages = ("", "/units", "/file", f"/members/{number}")
    changing = ("/preview", "/members/new")
    acts = (
        "/file",
        "/copy",
        "/import",
        "/discard",
        "/members/new",
        f"/members/{number}",
        f"/members/{number}/remove",
    )
    for role, may_see, may_change in (
        ("committee", True, True),
        ("registrar", True, False),
        ("observer", False, False),
        ("helpdesk", False, False),
    ):
        officer = ada.new_officer(f"{role}@example.org", role)
        for path in pages:
            assert officer.get(base(draft) + path).status_code == (200 if may_see else 403), (role, path)
        for path in changing:
            assert (officer.get(base(draft) + path).status_code != 403) == may_change, (role, path)
        for path in acts:
            answer = officer.post(base(draft) + path, page="/office")
            assert (answer.status_code != 403) == may_change, (role, path)
        if may_see:
            assert ("Look at the file" in officer.get(base(draft)).text) == may_change
    # And no form from elsewhere.
    for path in acts:
        assert ada.client.post(base(draft) + path, headers={"Accept": HTML}).status_code == 400


def test_a_saved_roll_has_no_formulas(ada: Officer, draft: Run) -> None:
    draft.committee("roll", "name,member_number\n'=HYPERLINK(1),M1\n")
    answer = ada.get(f"{base(draft)}/file")
    assert b"'=HYPERLINK(1)" in answer.data
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Cache-Control"] == "no-store"


# --- words ---------------------------------------------------------------------------------------------------


def test_every_fault_of_a_file_is_translated() -> None:
    """The sentences stand where files are read, which knows no languages; the page has a copy of them."""
    found: set[str] = set()
    for module in (crypto.roll, crypto.tables):
        tree = ast.parse(Path(module.__file__ or "").read_text())
        documents = {
            id(node.body[0].value)
            for node in ast.walk(tree)
            if isinstance(node, ast.Module | ast.FunctionDef | ast.ClassDef)
            and node.body
            and isinstance(node.body[0], ast.Expr)
        }
        found |= {
            node.value
            for node in ast.walk(tree)
            if isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node.value.endswith(".")
            and " " in node.value
            and id(node) not in documents
        }
    assert found == set(FAULT_SENTENCES)
    assert set(COLUMN_WORDS) == {"", *crypto.roll.COLUMNS}
    for language in set(LANGUAGES) - {"en"}:
        for sentence in FAULT_SENTENCES:
            assert load_catalogue(language).get(sentence).string, f"{language}: {sentence}"


def test_a_fault_is_said_in_the_readers_language(ada: Officer, draft: Run) -> None:
    upload(ada, draft, "name,member_number\nAda,M1,x\n")
    page = ada.get(f"{base(draft)}/preview?lang=es").text
    assert "The row has" not in page
    assert re.search(r"\b3\b.*\b2\b", page)


def test_entries_are_those_of_the_rows(ada: Officer, draft: Run) -> None:
    """A hash of what is shown stands for the row: equal members have equal ones, and any difference another."""
    draft.committee("roll", FIRST)
    with ada.context.database.read() as session:
        count = session.scalar(select(func.count()).select_from(RollEntry))
    entries = members.find_entries(ada.context, draft.uuid, Wanted())
    assert len({entry.version for entry in entries}) == len(entries) == count
