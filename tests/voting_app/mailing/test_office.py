"""The pages of mailing: by role, with everything that they refuse."""

import json
import re
from dataclasses import replace

import pytest
from flask import Flask
from sqlalchemy import select

from tests.smtp import MailDrop
from tests.voting_app.api import Api, Run
from tests.voting_app.mailing.conftest import HEAD, QUICK, ROLL, make_app, make_run
from tests.voting_app.mailing.test_deliveries import confirm_all, plan, rows, sealed, start, states
from tests.voting_app.office import Officer, first_administrator
from voting_app.context import Context
from voting_app.mail import jobs as outbox
from voting_app.mailing import deliveries, members
from voting_app.mailing.jobs import run_due
from voting_app.mailing.members import Only
from voting_app.roll.models import RollEntry


@pytest.fixture
def quick(mail_context: Context) -> Context:
    return replace(mail_context, settings=replace(mail_context.settings, **QUICK))


@pytest.fixture
def office(quick: Context) -> Flask:
    return make_app(quick)


@pytest.fixture
def ada(office: Flask) -> Officer:
    return first_administrator(office)


def hire(ada: Officer, drop: MailDrop, role: str) -> Officer:
    """Somebody who got the invitation by mail."""
    officer = Officer(ada.app, f"{role}@example.org")
    fields = {"name": "Grace Hopper", "email": officer.email, "role": role, "language": "en"}
    assert ada.act("/office/accounts", fields).status_code == 200
    outbox.run_due(ada.context)
    link = re.search(r"/setup/([\w-]+)", drop.received[-1].text)
    assert link
    assert officer.set_up(link[1]).status_code == 200
    outbox.run_due(ada.context)
    drop.received.clear()
    ada.clock.advance(minutes=1)
    return officer


def entry_of(context: Context, number: str) -> int:
    with context.database.read() as session:
        return session.scalars(select(RollEntry.id).where(RollEntry.member_number == number)).one()


def find_shown(page: str) -> str:
    found = re.search(r'name="shown" value="([0-9a-f]{64})"', page)
    assert found, page
    return found[1]


def test_from_the_question_to_the_last_mail(ada: Officer, quick: Context, drop: MailDrop) -> None:
    """A registrar does it all with the pages; the help desk sees what became of it, and no more."""
    run = make_run(quick, ROLL)
    home = f"/office/elections/{run.uuid}/mailing"
    registrar, desk = hire(ada, drop, "registrar"), hire(ada, drop, "helpdesk")
    page = registrar.get(home).text
    assert f'href="{home}" aria-current="page">Mailing' in page
    assert "Ask them" in page
    assert "Must addresses be confirmed?" not in page
    for asked in ("3 members are asked by mail.", "0 members are asked by mail."):
        answer = registrar.act(f"{home}/questions")
        assert answer.status_code == 303
        assert asked in registrar.get(answer.location).text
    ada.clock.advance(minutes=5)
    while outbox.run_due(quick):
        pass
    visitor = make_app(quick).test_client()
    for one in drop.received:
        link = re.search(r"/addresses/[^\s]+", one.text)
        assert link
        said = "no" if one.recipients[0].startswith("emmy") else "yes"
        assert visitor.post(link[0], data={"answer": said}).status_code == 200
    drop.received.clear()
    page = registrar.get(f"{home}/run").text
    assert "2 members would get a voting link by mail." in page
    assert "2 members have not confirmed their addresses" in page
    assert "Grace@Example.org" in page
    answer = registrar.act(f"{home}/run", {"shown": find_shown(page), "keep": "0"})
    assert answer.status_code == 303, answer.text
    assert "The mails are on their way." in registrar.get(answer.location).text
    assert states(quick) == ["waiting"] * 2
    while run_due(quick):
        pass
    assert sorted(drop.list_recipients()) == ["Grace@Example.org", "ada@example.org"]
    listed = desk.get(f"{home}/members").text
    assert "a…@example.org" in listed
    assert "ada@example.org" not in listed
    assert "Hypatia" not in listed
    # Capitals and accents are no hindrance, as on a telephone.
    assert "Sofia Kovalevskaya" in desk.get(f"{home}/members?words=kovalevskäya+SOFÍA").text
    found = desk.get(f"{home}/members?words=lovelace").text
    assert ("Ada Lovelace" in found, "Grace Hopper" in found) == (True, False)
    assert "1 member was found." in desk.get(f"{home}/members?only=waiting&words=emmy").text
    # By the whole address, and not by parts of it, which could be guessed one after the other.
    for words, desks, registrars in (("ADA@example.org", 1, 1), ("da@exam", 0, 1), ("@example.org", 0, 3)):
        for officer, count in ((desk, desks), (registrar, registrars)):
            text = officer.get(f"{home}/members", query_string={"words": words}).text
            assert re.search(rf"\b{count} members? (was|were) found", text), (words, officer.email)
    assert "0 members were found." in desk.get(f"{home}/members?words=%25").text
    assert desk.get(f"{home}/members?words=x&only=nonsense&page=99").status_code == 200
    page = desk.get(f"{home}/members/{entry_of(quick, 'M1')}").text
    assert "The mail server has taken it." in page
    assert '<form method="post" action="/office/elections' not in page
    # Nobody finds a code on any page.
    for officer in (desk, registrar, ada):
        for number in ("M1", "M2", "M3", "M4"):
            text = officer.get(f"{home}/members/{entry_of(quick, number)}").text
            assert not [code for code in run.credentials.values() if code in text]


def test_the_overview_tells_of_mail_that_needs_somebody_to_look(
    ada: Officer, quick: Context, drop: MailDrop
) -> None:
    run = make_run(quick, ROLL)
    confirm_all(quick, run)
    start(quick, run, leaves_out=True)
    overview = f"/office/elections/{run.uuid}"
    assert "Mails on their way" in ada.get(overview).text
    while run_due(quick):
        pass
    assert len(drop.received) == 3
    page = ada.get(overview).text
    assert "Mails on their way" not in page
    assert "needs somebody to look" not in page
    deliveries.note_bounced(quick, run.uuid, entry_of(quick, "M1"), "mailbox full")
    page = ada.get(overview).text
    assert "1 mail with a voting code needs somebody to look." in page
    trouble = f"{overview}/mailing/members?only=trouble"
    assert f'href="{trouble}"' in page
    assert "Ada Lovelace" in ada.get(trouble).text


def test_observers_see_numbers_and_no_names(ada: Officer, quick: Context, drop: MailDrop) -> None:
    run = make_run(quick, ROLL)
    confirm_all(quick, run)
    deliveries.start_run(quick, run.uuid, shown=plan(quick, run).shown, leaves_out=False, keep_days=0)
    drop.answers["ada@example.org"] = ["550 no such user"]
    while run_due(quick):
        pass
    home = f"/office/elections/{run.uuid}"
    observer, desk = hire(ada, drop, "observer"), hire(ada, drop, "helpdesk")
    for officer, status in ((observer, 403), (desk, 200)):
        for path in (home, f"{home}/mailing"):
            answer = officer.get(path)
            assert answer.status_code == 200
            assert (f"{home}/mailing/members" in answer.text) == (status == 200)
            assert "Lovelace" not in answer.text
        for path in ("members", f"members/{entry_of(quick, 'M1')}"):
            assert officer.get(f"{home}/mailing/{path}").status_code == status


def test_what_is_doubtful_is_named_and_left_out_by_hand_only(ada: Officer, quick: Context) -> None:
    run = make_run(
        quick, HEAD + "Ada,M1,ada@example.org,,\nEve,M2,ada@example.org,,\nEmmy,M3,emmy@example.org,,\n"
    )
    home = f"/office/elections/{run.uuid}/mailing"
    assert ada.act(f"{home}/rule", {"confirming": "maybe"}).status_code == 400
    assert ada.act(f"{home}/rule", {"confirming": "no"}).status_code == 303
    assert "Addresses need not be confirmed" in ada.get(home).text
    page = ada.get(f"{home}/run").text
    assert page.count("shares the address with another member") == 2
    for words, is_there in (("EMMÝ", True), ("ada", False)):
        found = ada.get(f"{home}/run?words={words}").text.partition("Recipients")[2]
        assert ("emmy@example.org" in found) == is_there
    form = {"shown": find_shown(page), "keep": "3"}
    answer = ada.act(f"{home}/run", form)
    assert answer.status_code == 409
    assert "Nobody was mailed" in answer.text
    for wrong in ({"keep": "30"}, {"leave_out": "all"}, {"entries": "1"}):
        assert ada.act(f"{home}/run", {**form, **wrong}).status_code == 400
    assert ada.act(f"{home}/run", {**form, "shown": "0" * 64, "leave_out": "yes"}).status_code == 409
    assert rows(quick) == []
    assert ada.act(f"{home}/run", {**form, "leave_out": "yes"}).status_code == 303
    assert [row.keep_days for row in rows(quick)] == [3]


def test_every_act_asks_for_the_second_factor(ada: Officer, quick: Context) -> None:
    run = make_run(quick, ROLL)
    confirm_all(quick, run)
    home = f"/office/elections/{run.uuid}/mailing"
    entry = entry_of(quick, "M1")
    shown = find_shown(ada.get(f"{home}/run").text)
    for path, fields in {
        "questions": {},
        "rule": {"confirming": "no"},
        "run": {"shown": shown, "keep": "0"},
        f"members/{entry}/again": {},
        f"members/{entry}/arrived": {},
    }.items():
        answer = ada.post(f"{home}/{path}", {**fields, "code": "000000"}, page="/office")
        assert answer.status_code == 400, path
        # The page that is shown again can be read in another language.
        [other] = re.findall(r'href="([^"]*\?lang=es)"', answer.text)
        assert ada.get(other).status_code == 200, path
        # Otherwise so many wrong ones would end the login.
        assert ada.act(f"{home}/rule", {"confirming": "yes"}).status_code == 303
    assert rows(quick) == []
    assert "Must addresses be confirmed?" in ada.get(home).text
    assert "Addresses need not be confirmed" not in ada.get(home).text


def test_one_member(ada: Officer, quick: Context, drop: MailDrop) -> None:
    run = make_run(quick, HEAD + "Ada,M1,ada@example.org,,\n")
    confirm_all(quick, run)
    drop.answers["ada@example.org"] = ["550 5.1.1 no such user"]
    home = f"/office/elections/{run.uuid}/mailing"
    entry = entry_of(quick, "M1")
    ada.act(f"{home}/run", {"shown": find_shown(ada.get(f"{home}/run").text), "keep": "3"})
    run_due(quick)
    page = ada.get(f"{home}/members/{entry}").text
    assert "the mail server answered 550: 5.1.1 no such user" in page
    assert "Send it again" in page
    assert "Mails that need somebody to look" in ada.get(home).text
    assert "Ada" in ada.get(f"{home}/members?only=trouble").text
    assert ada.act(f"{home}/members/{entry}/arrived").status_code == 409
    assert ada.post(f"{home}/members/{entry}/bounced", page="/office").status_code == 409
    assert ada.act(f"{home}/members/{entry}/again").status_code == 303
    run_due(quick)
    assert states(quick) == ["sent"]
    assert ada.post(f"{home}/members/{entry}/bounced", page="/office").status_code == 303
    assert states(quick) == ["bounced"]
    assert ada.post(f"{home}/members/{entry}/question", page="/office").status_code == 303
    assert sealed(quick) == 1
    # Members of other elections, and numbers of nobody.
    other = make_run(quick, HEAD + "Eve,M9,eve@example.org,,\n", until="draft")
    for number in (0, 10**6, 10**30):
        assert ada.get(f"{home}/members/{number}").status_code == 404
    for path in ("", "/question", "/bounced"):
        strange = f"/office/elections/{other.uuid}/mailing/members/{entry}{path}"
        answer = ada.post(strange, page="/office") if path else ada.get(strange)
        assert answer.status_code == 404


def test_where_the_registrar_makes_the_codes(ada: Officer, quick: Context) -> None:
    run = Run(Api(quick, make_app(quick).test_client())).create(credential_mode="registrar").freeze()
    home = f"/office/elections/{run.uuid}/mailing"
    assert "The server has none, so it sends none." in ada.get(home).text
    assert ada.get(f"{home}/run").status_code == 409


def test_every_filter_can_be_asked(quick: Context) -> None:
    run = make_run(quick, ROLL)
    confirm_all(quick, run, "M2")
    with quick.database.read() as session:
        view = deliveries.elections.election_for_box(session, run.uuid)
        found = {only: len(members.find_members(session, quick, view, "", only)) for only in Only}
    assert found == {
        Only.ALL: 4,
        Only.UNCONFIRMED: 2,
        Only.WAITING: 4,
        Only.ON_ITS_WAY: 0,
        Only.SENT: 0,
        Only.TROUBLE: 0,
    }


def test_a_program_reports_what_came_back(quick: Context) -> None:
    run = make_run(quick, HEAD + "Ada,M1,ada@example.org,,\nGrace,M2,grace@example.org,,\n")
    confirm_all(quick, run)
    api = run.api
    with quick.database.read() as session:
        view = deliveries.elections.election_for_box(session, run.uuid)
        shown = deliveries.plan_run(session, quick, view).shown
    deliveries.start_run(quick, run.uuid, shown=shown, leaves_out=False, keep_days=0)
    path = "/api/v1/mail/bounces"
    token = api.make_token("helpdesk")
    # Nothing was sent yet, so nothing can come back.
    assert api.post(path, {"recipient": "ada@example.org"}, token=token) == {"mails": 0}
    while run_due(quick):
        pass
    name = rows(quick)[0].message_id
    report = {"message_id": f"<{name}@union.example>", "reason": "550 mailbox unavailable"}
    assert api.post(path, report, token=token) == {"mails": 1}
    assert api.post(path, report, role="registrar") == {"mails": 0}
    assert api.post(path, {"recipient": "Grace@example.org"}, token=token) == {"mails": 1}
    assert [(row.state, row.reason) for row in rows(quick)] == [
        ("bounced", "550 mailbox unavailable"),
        ("bounced", ""),
    ]
    api.refuse(401, "not-authenticated", path, report)
    api.refuse(403, "forbidden", path, report, role="observer")
    for wrong in (
        {},
        {"message_id": name, "recipient": "a@b.c"},
        {"message_id": "x"},
        {"message_id": name, "a": 1},
    ):
        api.refuse(422, "invalid-field", path, json.dumps(wrong), token=token)
