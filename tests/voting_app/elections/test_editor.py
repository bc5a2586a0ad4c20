"""The editor: rows are added without losing a word, what is wrong is said, and nothing is saved that a program could
not save."""

import re
from typing import Any

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from crypto.encoding import sha256_hex
from tests.voting_app.api import ROLL, Api, Run
from tests.voting_app.candidates.pictures import make_picture
from tests.voting_app.office import Officer, find_form_token, first_administrator
from voting_app.candidates import service as candidates
from voting_app.candidates.photos import make_photo
from voting_app.elections import service

TRANSLATED = {
    "name": "Dues",
    "description": "One line\nanother",
    "language": "en",
    "texts": {
        "es": {
            "name": "Cuotas",
            "description": "Una línea",
            "questions": [{"question": "¿Quién?", "answers": ["Élan", "Ádám", "Zoë"]}],
        }
    },
    "questions": [
        {"question": "Who?", "answers": ["Elan", "Adam", "Zoe"], "blank": True, "min": 0, "max": 2}
    ],
    "rules": [{"majority": "plurality"}],
    "quorum": {"percent": 30},
    "candidates": [[{}, {"statement": {"en": "I am *Adam*.", "es": "Soy Adam."}}, {}]],
    "time_zone": "America/Chicago",
    "credential_mode": "registrar",
    "trustees": {"singles": 0, "threshold": {"size": 3, "threshold": 2}},
}


@pytest.fixture
def ada(app: Flask) -> Officer:
    return first_administrator(app)


@pytest.fixture
def run(app: Flask, ada: Officer) -> Run:
    return Run(Api(ada.context, app.test_client()))


def read_form(page: str) -> MultiDict[str, str]:
    """What a browser would send of the editor's form, without a button."""
    found: MultiDict[str, str] = MultiDict()
    form = next(part for part in page.split("<form ")[1:] if 'name="questions"' in part).partition("</form>")[
        0
    ]

    def attribute(tag: str, name: str) -> str | None:
        value = re.search(rf'\s{name}="([^"]*)"', tag)
        return None if value is None else unescape(value[1])

    for tag in re.findall(r"<input[^>]*>", form):
        kind, name = attribute(tag, "type"), attribute(tag, "name")
        if name and (kind not in ("radio", "checkbox") or " checked" in tag):
            found.add(name, attribute(tag, "value") or "")
    for name, text in re.findall(
        r'<textarea id="[^"]*" name="([^"]*)"[^>]*>\n(.*?)</textarea>', form, re.DOTALL
    ):
        found.add(name, unescape(text))
    for name, options in re.findall(
        r'<select id="[^"]*" name="([^"]*)"[^>]*>(.*?)</select>', form, re.DOTALL
    ):
        chosen = re.findall(r'<option(?: value="([^"]*)")?[^>]* selected>([^<]*)<', options)
        found.add(
            name, (chosen[0][0] or chosen[0][1] if "value=" in options else chosen[0][1]) if chosen else ""
        )
    return found


def unescape(text: str) -> str:
    for code, sign in (("&#34;", '"'), ("&#39;", "'"), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(code, sign)
    return text


def send(officer: Officer, path: str, form: MultiDict[str, str], do: str, **changes: str) -> Any:
    """Press a button of the form with some fields changed."""
    data = form.copy()
    for name, value in {
        **changes,
        "do": do,
        "csrf_token": find_form_token(officer.get("/office").text),
    }.items():
        data.setlist(name.replace("__", "-"), [value])
    return officer.client.post(path, data=data, headers={"Accept": "text/html"})


def test_an_election_is_made_from_a_template_in_two_languages(ada: Officer, run: Run) -> None:
    new = "/office/elections/new"
    starts = ada.get(new).text
    assert f'href="{new}?start=officers"' in starts
    page = ada.get(f"{new}?start=strike")
    form = read_form(page.text)
    assert form["q0-rule"] == "two-thirds"
    assert form["quorum"] == "50"
    # A button for rows keeps all that was typed, and saves nothing.
    page = send(ada, new, form, "add-language", new_language="es", name__en="Strike & more")
    form = read_form(page.text)
    assert form["name-en"] == "Strike & more"
    assert form.getlist("language") == ["en", "es"]
    assert form["q0-a0-es"] == "Sí", "the template's wording comes along"
    assert form["name-es"] == "", "what is not the template's is not guessed"
    assert ada.get("/office/elections").text.count("card-title") == 0
    refused = send(ada, new, form, "save")
    assert refused.status_code == 422
    assert "A day and a time are needed" in refused.text
    assert 'href="#name-es"' in refused.text
    # An earlier election could have a plan that this form cannot say; a new one has none.
    refused = send(ada, new, form, "save", closes="2026-11-30T18:00", trustees="", needed="")
    assert refused.status_code == 422
    assert 'href="#trustees"' in refused.text
    made = send(
        ada, new, form, "save", name__es="Huelga", closes="2026-11-30T18:00", time_zone="America/Chicago"
    )
    assert made.status_code == 303, made.text
    run.uuid = made.headers["Location"].split("/")[3]
    status = run.status()
    assert status["closes_at"] == "2026-12-01T00:00:00Z"
    assert status["presentation"]["texts"]["es"]["name"] == "Huelga"
    assert status["trustees"] == {"singles": 0, "threshold": {"size": 3, "threshold": 2}}
    assert status["officers"] == {"needed": 2, "certifiers": 2, "reason": ""}
    assert "Members cannot see it yet" in ada.get(made.headers["Location"]).text


def test_what_is_saved_unchanged_stays_the_same(ada: Officer, run: Run) -> None:
    run.create(**TRANSLATED)
    before = run.status()
    address = f"/office/elections/{run.uuid}/texts"
    form = read_form(ada.get(address).text)
    assert send(ada, address, form, "save").status_code == 303
    assert run.status() == before


def test_choices_and_questions_move_both_ways(ada: Officer, run: Run) -> None:
    new = "/office/elections/new"
    form = read_form(ada.get(f"{new}?start=officers").text)
    for place, name in enumerate(("Rosa", "Mother Jones")):
        form[f"q0-a{place}-en"] = name
    down = read_form(send(ada, new, form, "answer-down-0-0").text)
    assert (down["q0-a0-en"], down["q0-a1-en"]) == ("Mother Jones", "Rosa")
    # The last one stays where it is.
    same = read_form(send(ada, new, down, "answer-down-0-1").text)
    assert same == down
    first, second = form["q0-text-en"], form["q1-text-en"]
    moved = read_form(send(ada, new, form, "question-down-0").text)
    assert (moved["q0-text-en"], moved["q1-text-en"]) == (second, first)
    assert moved["q1-a0-en"] == "Rosa"


def test_names_are_typed_once_for_all_languages(ada: Officer, run: Run) -> None:
    new = "/office/elections/new"
    form = read_form(
        send(
            ada, new, read_form(ada.get(f"{new}?start=officers").text), "add-language", new_language="es"
        ).text
    )
    form["q0-a0-en"], form["q0-a1-en"], form["q0-a1-es"] = "Rosa", "None of them", "Nadie"
    filled = read_form(send(ada, new, form, "same-0").text)
    # What was typed stays.
    assert (filled["q0-a0-es"], filled["q0-a1-es"]) == ("Rosa", "Nadie")
    assert filled["q1-a0-es"] == ""


def test_a_list_of_faults_says_where_each_is(ada: Officer, run: Run) -> None:
    new = "/office/elections/new"
    form = read_form(
        send(
            ada, new, read_form(ada.get(f"{new}?start=officers").text), "add-language", new_language="es"
        ).text
    )
    form["q1-a0-en"] = "Rosa"
    page = send(ada, new, form, "save", name__en="").text
    assert ">Question 1: There must be at least one choice.<" in page
    assert ">Question 2, choice 1: This text is missing.<" in page
    assert ">Name of the election: This text is missing.<" in page


def test_statements_follow_their_candidates(ada: Officer, run: Run) -> None:
    run.create(**TRANSLATED)
    address = f"/office/elections/{run.uuid}/texts"
    form = read_form(send(ada, address, read_form(ada.get(address).text), "sort-0").text)
    assert [form[f"q0-a{n}-en"] for n in range(3)] == ["Adam", "Elan", "Zoe"]
    form = read_form(send(ada, address, form, "remove-language-es").text)
    form = read_form(send(ada, address, form, "add-answer-0").text)
    assert send(ada, address, form, "save", **{"q0-a3-en": "Bea"}).status_code == 303
    status = run.status()
    assert status["questions"][0]["answers"] == ["Adam", "Elan", "Zoe", "Bea"]
    assert status["presentation"]["candidates"] == [[{"statement": {"en": "I am *Adam*."}}, {}, {}, {}]]


def test_an_order_is_drawn_once(ada: Officer, run: Run) -> None:
    run.create(**TRANSLATED)
    address = f"/office/elections/{run.uuid}/texts"
    assert send(ada, address, read_form(ada.get(address).text), "draw-0").status_code == 303
    drawn = run.status()
    answers = drawn["questions"][0]["answers"]
    assert sorted(answers) == ["Adam", "Elan", "Zoe"]
    # Translation and statement have followed.
    spanish = drawn["presentation"]["texts"]["es"]["questions"][0]["answers"]
    assert dict(zip(answers, spanish, strict=True)) == {"Elan": "Élan", "Adam": "Ádám", "Zoe": "Zoë"}
    said = [bool(one) for one in drawn["presentation"]["candidates"][0]]
    assert said == [answer == "Adam" for answer in answers]
    again = send(ada, address, read_form(ada.get(address).text), "draw-0")
    assert again.status_code == 409
    assert "drawn already" in again.text
    assert run.status() == drawn
    # Another order by hand is possible, and everybody in the office sees what was drawn.
    form = read_form(send(ada, address, read_form(ada.get(address).text), "answer-up-0-1").text)
    assert send(ada, address, form, "save").status_code == 303
    assert f"committee:{ada.number}" in ada.get(address).text


def test_of_two_who_edit_at_once_the_second_one_keeps_what_was_typed(ada: Officer, run: Run) -> None:
    run.create(**TRANSLATED)
    address = f"/office/elections/{run.uuid}/texts"
    form = read_form(ada.get(address).text)
    assert send(ada, address, form, "save", name__en="First").status_code == 303
    second = send(ada, address, form, "save", name__en="Second")
    assert second.status_code == 409
    assert read_form(second.text)["name-en"] == "Second"
    assert run.status()["name"] == "First"


@pytest.mark.parametrize(
    "closes,zone,said",
    [
        ("2027-03-14T02:30", "America/Chicago", "put forward from 02:00 to 03:00"),
        ("2027-11-07T01:30", "America/Chicago", "comes twice"),
        ("2026-11-01T01:30", "UTC", "has passed already"),
        ("tomorrow", "UTC", "A day and a time are needed"),
    ],
)
def test_closing_times_that_are_not_clear_are_asked_about(
    ada: Officer, run: Run, closes: str, zone: str, said: str
) -> None:
    run.create(**TRANSLATED)
    address = f"/office/elections/{run.uuid}/texts"
    form = read_form(ada.get(address).text)
    refused = send(ada, address, form, "save", closes=closes, time_zone=zone)
    assert refused.status_code == 422
    assert said in refused.text
    if said == "comes twice":
        assert (
            send(ada, address, form, "save", closes=closes, time_zone=zone, occurrence="2").status_code == 303
        )
        assert run.status()["closes_at"] == "2027-11-07T07:30:00Z"
        assert read_form(ada.get(address).text)["occurrence"] == "2"


@pytest.mark.parametrize(
    "changes,field",
    [
        ({"q0-max": "4"}, "q0-max"),
        ({"q0-min": "3"}, "q0-min"),
        ({"q0-min": "-1"}, "q0-min"),
        ({"q0-rule": "two-thirds"}, "q0-rule"),
        ({"q0-a1-en": "Elan "}, "q0-answers"),
        ({"q0-a1-es": ""}, "q0-a1-es"),
        ({"q0-text-es": " "}, "q0-text-es"),
        ({"name-en": "x\u202ey"}, "name-en"),
        ({"description-es": ""}, "description-es"),
        ({"quorum": "101"}, "quorum"),
        ({"trustees": "31"}, "trustees"),
        ({"needed": "4"}, "needed"),
        ({"questions": "0"}, None),
        ({"state": "open"}, None),
        ({"time_zone": "../etc/passwd"}, None),
        ({"credential_mode": "none"}, None),
        ({"do": "open"}, None),
        ({"copy_roll": "yes"}, None),
        ({"q0-answers": "500"}, None),
        ({"questions": "100"}, None),
    ],
)
def test_faults_are_named_at_their_field(
    ada: Officer, run: Run, changes: dict[str, str], field: str | None
) -> None:
    run.create(**TRANSLATED)
    before = run.status()
    address = f"/office/elections/{run.uuid}/texts"
    data = read_form(ada.get(address).text)
    for name, value in changes.items():
        data[name] = value
    token = find_form_token(ada.get("/office").text)
    data.setdefault("do", "save")
    data["csrf_token"] = token
    answer = ada.client.post(address, data=data, headers={"Accept": "text/html"})
    assert answer.status_code == (422 if field else 400)
    if field:
        assert f'href="#{field}"' in answer.text
        # Each link of the list leads to something.
        assert all(
            f'id="{name}"' in answer.text for name in re.findall(r'<li><a href="#([\w-]+)"', answer.text)
        )
    assert run.status() == before


def test_pages_say_why_nothing_can_be_edited_any_more(ada: Officer, run: Run) -> None:
    run.create(**{**TRANSLATED, "trustees": {"singles": 1}, "credential_mode": "server"})
    address = f"/office/elections/{run.uuid}/texts"
    run.freeze().generate().seat()
    form = read_form(ada.get(address).text)
    assert "cannot be changed any more" in ada.get(address).text
    assert send(ada, address, form, "save", trustees="5", needed="5").status_code == 409
    run.ceremony().ready()
    page = ada.get(address).text
    assert "whoever changes a letter makes another election" in page
    assert "<textarea" not in page
    late = send(ada, address, form, "save", name__en="Too late")
    assert late.status_code == 409
    assert run.status()["name"] == "Dues"


@pytest.mark.parametrize("with_roll", [True, False])
def test_an_earlier_election_is_cloned_without_its_dates(ada: Officer, run: Run, with_roll: bool) -> None:
    run.create(**TRANSLATED, test=True)
    run.committee("roll", ROLL)
    first = run.status()
    page = ada.get(f"/office/elections/new?clone={run.uuid}")
    form = read_form(page.text)
    assert form["closes"] == ""
    roll = {"copy_roll": "yes"} if with_roll else {}
    alone = {"closes": "2026-12-24T12:00", "officers": "one"}
    assert 'href="#waiver"' in send(ada, "/office/elections/new", form, "save", **alone).text
    made = send(
        ada, "/office/elections/new", form, "save", **alone, waiver="There is only one officer.", **roll
    )
    assert made.status_code == 303, made.text
    run.uuid = made.headers["Location"].split("/")[3]
    copy = run.status()
    for name in (
        "name",
        "description",
        "questions",
        "presentation",
        "trustees",
        "time_zone",
        "credential_mode",
    ):
        assert copy[name] == first[name], name
    assert copy["uuid"] != first["uuid"]
    members = ada.get(f"/office/elections/{run.uuid}/roll").text
    assert ("Member 3" in members) is with_roll
    assert copy["officers"] == {"needed": 1, "certifiers": 1, "reason": "There is only one officer."}


def test_where_there_are_several_officers_none_acts_alone(ada: Officer, run: Run) -> None:
    """The waiver is for organisations that have one, and no way round the second one."""
    new = "/office/elections/new"
    form = read_form(ada.get(f"{new}?start=dues").text)
    form["closes"], form["waiver"] = "2026-12-24T12:00", "Nobody else has time."
    assert 'name="officers" value="one"' in ada.get(f"{new}?start=dues").text
    ada.new_officer("grace@example.org")
    page = ada.get(f"{new}?start=dues").text
    assert 'name="officers" value="one"' not in page
    assert read_form(page)["officers"] == "two"
    refused = send(ada, new, form, "save", officers="one")
    assert refused.status_code == 422
    assert "Several officers can log in" in refused.text
    assert "card-title" not in ada.get("/office/elections").text
    made = send(ada, new, form, "save")
    assert made.status_code == 303
    run.uuid = made.headers["Location"].split("/")[3]
    assert run.status()["officers"] == {"needed": 2, "certifiers": 2, "reason": ""}


def test_who_is_no_officer_reads_and_changes_nothing(ada: Officer, run: Run) -> None:
    run.create(**TRANSLATED)
    address = f"/office/elections/{run.uuid}/texts"
    form = read_form(ada.get(address).text)
    observer = ada.new_officer("olga@example.org", "observer")
    assert "Cuotas" in observer.get(address).text
    assert "<textarea" not in observer.get(address).text
    assert send(observer, address, form, "save").status_code == 403
    assert observer.get("/office/elections/new").status_code == 403
    helper = ada.new_officer("hal@example.org", "helpdesk")
    assert helper.get(address).status_code == 403


def test_the_preview_can_be_framed_by_us_only_and_is_no_public_page(ada: Officer, run: Run) -> None:
    run.create(**TRANSLATED)
    address = f"/office/elections/{run.uuid}/preview"
    framing = ada.get(address)
    assert "frame-src 'self'" in framing.headers["Content-Security-Policy"]
    booth = ada.get(f"{address}/booth")
    assert "frame-ancestors 'self'" in booth.headers["Content-Security-Policy"]
    assert booth.headers["X-Frame-Options"] == "SAMEORIGIN"
    assert ada.get("/office").headers["X-Frame-Options"] == "DENY"
    data = ada.get(f"{address}/election").get_json()
    assert data["questions"] == TRANSLATED["questions"]
    nobody = run.api.send("GET", f"{address}/election")
    assert nobody.status_code == 401


def test_the_checklist_says_what_is_left(ada: Officer, run: Run) -> None:
    run.create(trustees={"singles": 1})
    address = f"/office/elections/{run.uuid}/checklist"

    def count_done() -> int:
        page = ada.get(address)
        assert page.status_code == 200
        return page.text.count('class="badge good"')

    counts = [count_done()]
    for step in (run.freeze, run.generate, run.seat, run.ceremony, run.ready, run.drill, run.open):
        step()
        counts.append(count_done())
    assert counts == sorted(set(counts)), counts
    assert "To do" not in ada.get(address).text


def test_elections_are_found_by_their_names(ada: Officer, run: Run) -> None:
    for number in range(52):
        run.create(name=f"Vote {number} of Local {number % 2}")
    for address in ("/office/elections", "/office/elections/new"):
        first = ada.get(address).text
        assert "Vote 51 " in first
        assert "Vote 1 " not in first
        assert "Vote 1 " in ada.get(f"{address}?page=2").text
        found = ada.get(f"{address}?words=vote 1 OF").text
        assert "Vote 1 " in found
        assert "Vote 51 " not in found


def test_a_copy_has_photos_of_its_own(ada: Officer, run: Run) -> None:
    run.create(**TRANSLATED)
    photo = make_photo(make_picture())
    context = ada.context
    with context.database.read() as session:
        revision = service.get_revision(service.election_for_box(session, run.uuid))
    change = candidates.Change({"en": "I am *Adam*."}, photo)
    candidates.set_candidate(context, run.uuid, 0, 1, change, expected=revision)
    before = run.status()["presentation"]["candidates"]
    form = read_form(ada.get(f"/office/elections/new?clone={run.uuid}").text)
    made = send(ada, "/office/elections/new", form, "save", closes="2026-12-24T12:00")
    run.uuid = made.headers["Location"].split("/")[3]
    assert run.status()["presentation"]["candidates"] == before
    with context.database.read() as session:
        assert candidates.get_photo(session, run.uuid, sha256_hex(photo), is_public=False) == photo


def test_faces_follow_names_and_not_rows(ada: Officer, run: Run) -> None:
    run.create(**TRANSLATED)
    address = f"/office/elections/{run.uuid}/texts"
    form = read_form(ada.get(address).text)
    swapped = {"q0-a0-en": "Adam", "q0-a1-en": "Elan", "q0-a0-es": "Ádám", "q0-a1-es": "Élan"}
    assert send(ada, address, form, "save", **swapped).status_code == 303
    said = run.status()["presentation"]["candidates"][0]
    assert [bool(one) for one in said] == [True, False, False]
