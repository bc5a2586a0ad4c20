"""The pages on which two officers do something together."""

import re
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, update
from werkzeug.test import TestResponse

from tests.voting_app.api import Api, Run
from tests.voting_app.office import Officer, first_administrator
from voting_app.approvals import wire
from voting_app.elections.models import Election
from voting_app.elections.states import Act
from voting_app.errors import Problem
from voting_app.roll.models import RollEntry

CHICAGO = "America/Chicago"


class Pair:
    """Two officers in front of an election with a roll."""

    def __init__(self, app: Flask) -> None:
        self.ada = first_administrator(app)
        self.grace = self.ada.new_officer("grace@example.org")
        self.grace.log_in()
        self.run = Run(Api(self.ada.context, app.test_client()))
        self.run.create(single_officer=None, time_zone=CHICAGO)
        self.run.committee("roll", "name,member_number\nMia,1\nNoor,2\n")

    def page(self, who: Officer, act: str) -> str:
        answer = who.get(self.address(act))
        assert answer.status_code == 200, answer.text
        return answer.text

    def address(self, act: str, more: str = "") -> str:
        return f"/office/elections/{self.run.uuid}/acts/{act}{more}"

    def calendar(self, who: Officer) -> str:
        return who.get(f"/office/elections/{self.run.uuid}/calendar").text

    def subject(self, who: Officer, act: str) -> str:
        found = re.search(r'name="subject" value="(\w{64})"', self.page(who, act))
        assert found
        return found[1]

    def propose(self, who: Officer, act: str, **fields: str) -> TestResponse:
        return who.act(self.address(act), fields)

    def agree(self, who: Officer, act: str, subject: str) -> TestResponse:
        return who.act(self.address(act, "/agreement"), {"subject": subject})


@pytest.fixture
def pair(app: Flask) -> Pair:
    return Pair(app)


def test_one_proposes_and_another_one_agrees(pair: Pair) -> None:
    ada, grace = pair.ada, pair.grace
    assert "Freeze the roll" in pair.calendar(ada)
    assert "Open the voting" not in pair.calendar(ada)
    page = pair.page(ada, "freeze-roll")
    [shown] = re.findall(r'class="code"[^>]*>(.*?)</code>', page)
    answer = pair.propose(ada, "freeze-roll")
    assert (answer.status_code, answer.headers["Location"][-13:]) == (303, "done=proposed")
    assert pair.run.status()["state"] == "draft"
    # Whoever has agreed has no button to agree again; the other one sees who wants what.
    assert "You have agreed. 1 more officer must agree." in pair.page(ada, "freeze-roll")
    assert "/agreement" not in pair.page(ada, "freeze-roll")
    page = pair.page(grace, "freeze-roll")
    assert "Ada Lovelace" in page
    assert page.count(shown) == 1
    assert "Waiting for another officer" in pair.calendar(grace)
    answer = pair.agree(grace, "freeze-roll", pair.subject(grace, "freeze-roll"))
    assert answer.status_code == 303
    assert "Done: Freeze the roll." in grace.get(answer.headers["Location"]).text
    assert pair.run.status()["state"] == "roll-frozen"
    journal = pair.run.api.client.get(f"/elections/{pair.run.uuid}/{pair.run.uuid}.journal.jsonl").text
    assert f'"kind":"approval","actor":"committee:{ada.number}"' in journal
    assert f'"kind":"roll-frozen","actor":"committee:{grace.number}"' in journal


def test_a_roll_that_has_changed_since_is_said(pair: Pair) -> None:
    pair.propose(pair.ada, "freeze-roll")
    subject = pair.subject(pair.grace, "freeze-roll")
    pair.run.committee("roll", "name,member_number\nEve,1\n")
    page = pair.page(pair.grace, "freeze-roll")
    assert "The roll has changed since this was proposed" in page
    assert "/agreement" not in page
    assert pair.agree(pair.grace, "freeze-roll", subject).status_code == 409
    assert pair.run.status()["state"] == "draft"


def test_who_freezes_or_opens_reads_what_the_result_would_tell(pair: Pair) -> None:
    """After the freeze nothing of it can be mended, so it must not be found out at the opening."""
    page = pair.page(pair.ada, "freeze-roll")
    assert "Only two members may vote: from the result each of them learns how the other one voted." in page
    assert "can never be opened" not in page
    pair.run.committee("roll", "name,member_number\nMia,1\n")
    page = pair.page(pair.ada, "freeze-roll")
    assert "With this roll the voting can never be opened." in page
    assert "Only one member may vote" in page
    assert f"/office/elections/{pair.run.uuid}/checklist" in page
    assert "Privacy check" not in pair.page(pair.ada, "cancel")
    ready = Run(pair.run.api).create().freeze("name,member_number\nMia,1\nNoor,2\n")
    ready.generate().seat().ceremony().ready()
    pair.run.uuid = ready.uuid
    assert "Only two members may vote" in pair.page(pair.ada, "open")


def test_no_act_without_the_second_factor(pair: Pair) -> None:
    """Without it: whoever finds a browser open has an officer's voice."""
    for fields in ({"code": "000000", "reason": "x"}, {"code": "", "reason": "x"}):
        answer = pair.ada.post(pair.address("cancel"), fields, page="/office")
        assert answer.status_code == 400
        assert "It is proposed" not in answer.text
    assert pair.propose(pair.ada, "cancel", reason="Wrong ballot").status_code == 303
    subject = pair.subject(pair.grace, "cancel")
    fields = {"code": "000000", "subject": subject}
    answer = pair.grace.post(pair.address("cancel", "/agreement"), fields, page="/office")
    assert answer.status_code == 400
    assert pair.run.status()["state"] == "draft"


def test_nobody_agrees_alone_or_to_something_else(pair: Pair) -> None:
    pair.propose(pair.ada, "cancel", reason="Wrong ballot")
    subject = pair.subject(pair.ada, "cancel")
    assert pair.agree(pair.ada, "cancel", subject).status_code == 303
    assert pair.run.status()["state"] == "draft"
    answer = pair.agree(pair.grace, "cancel", "0" * 64)
    assert (answer.status_code, "not proposed any more" in answer.text) == (409, True)
    assert pair.agree(pair.grace, "freeze-roll", subject).status_code == 409
    assert pair.run.status()["state"] == "draft"


def test_a_proposal_is_withdrawn_by_either(pair: Pair) -> None:
    for who in (pair.ada, pair.grace):
        pair.propose(pair.ada, "cancel", reason="Wrong ballot")
        subject = pair.subject(who, "cancel")
        address = pair.address("cancel", "/withdrawal")
        assert who.post(address, {"subject": subject}, page="/office").status_code == 303
        assert pair.agree(pair.grace, "cancel", subject).status_code == 409
    assert "Waiting for another officer" not in pair.calendar(pair.ada)


def test_what_was_typed_is_kept_and_costs_no_code(pair: Pair) -> None:
    answer = pair.propose(pair.ada, "cancel", reason=" ")
    assert (answer.status_code, "A reason is needed" in answer.text) == (422, True)
    answer = pair.ada.post(
        pair.address("cancel"), {"code": "000000", "reason": "Snow & <b>ice</b>\r\nall day"}, page="/office"
    )
    assert "Snow &amp; &lt;b&gt;ice&lt;/b&gt;" in answer.text
    assert pair.propose(pair.ada, "pause", reason="x").status_code == 409
    assert pair.propose(pair.ada, "cancel", reason="Snow\r\nall day").status_code == 303
    assert "Snow\nall day" in pair.page(pair.grace, "cancel")


def test_only_officers_are_let_in(pair: Pair) -> None:
    for role in ("registrar", "observer", "helpdesk"):
        other = pair.ada.new_officer(f"{role}@example.org", role)
        other.log_in()
        assert other.get(f"/office/elections/{pair.run.uuid}/calendar").status_code == 403
        assert other.get(pair.address("cancel")).status_code == 403
        assert other.act(pair.address("cancel"), {"reason": "x"}).status_code == 403


def test_only_acts_of_officers_have_a_page(pair: Pair) -> None:
    for act in ("tally", "ready-keys", "edit-roll", "nonsense"):
        assert pair.ada.get(pair.address(act)).status_code == 404
    for act in wire.FIELDS:
        assert pair.ada.get(pair.address(act.value)).status_code == 200


def test_one_who_is_alone_is_told(app: Flask) -> None:
    ada = first_administrator(app)
    run = Run(Api(ada.context, app.test_client()))
    run.create(single_officer=None)
    address = f"/office/elections/{run.uuid}/calendar"
    assert "Only one person can log in as an officer." in ada.get(address).text
    alone = Run(run.api).create(single_officer="We are five.")
    page = ada.get(f"/office/elections/{alone.uuid}/calendar").text
    assert "One officer alone may act" in page
    assert "We are five." in page
    answer = ada.act(f"/office/elections/{alone.uuid}/acts/cancel", {"reason": "x"})
    assert answer.headers["Location"].endswith("done=cancel")
    assert alone.status()["state"] == "cancelled"


# --- the new closing time, by the clocks of the election -----------------------------------------------------


def extend(text: str, which: str = "") -> dict[str, Any]:
    return wire.parse_wish(Act.EXTEND, {"closes_at": text, "which": which, "reason": "Snow"}, CHICAGO)


def test_a_time_is_that_of_the_elections_clocks() -> None:
    assert extend("2026-11-24T18:00") == {"closes_at": "2026-11-25T00:00Z", "reason": "Snow"}
    assert extend("2026-11-24 18:00:00")["closes_at"] == "2026-11-25T00:00Z"
    opening = {"closes_at": "", "which": ""}
    assert wire.parse_wish(Act.OPEN, opening, CHICAGO) == {}


def test_a_time_that_the_clocks_skip_or_show_twice() -> None:
    with pytest.raises(Problem, match="skipped-time") as skipped:
        extend("2026-03-08T02:30")
    assert skipped.value.extra == {"before": "02:00", "after": "03:00"}
    with pytest.raises(Problem, match="twice") as twice:
        extend("2026-11-01T01:30")
    assert len(twice.value.extra["moments"]) == 2
    assert extend("2026-11-01T01:30", "1")["closes_at"] == "2026-11-01T06:30Z"
    assert extend("2026-11-01T01:30", "2")["closes_at"] == "2026-11-01T07:30Z"


@pytest.mark.parametrize("text", ["", "soon", "2026-13-01T10:00", "0001-01-01T00:00", "2026-11-24T18:0٣"])
def test_what_is_no_time(text: str) -> None:
    with pytest.raises(Problem, match="bad-time"):
        extend(text)


def test_the_page_asks_which_of_two_times(pair: Pair) -> None:
    with pair.ada.context.database.write() as session:
        session.execute(update(Election).values(state="open"))
    fields = {"closes_at": "2027-11-07T01:30", "reason": "Snow"}
    page = pair.propose(pair.ada, "extend", **fields).text
    assert page.count('name="which"') == 2
    assert "Central Daylight Time" in page
    assert "Central Standard Time" in page


def test_the_first_page_tells_what_waits(pair: Pair) -> None:
    """Without a message from anybody, an officer who logs in sees what was proposed; who has proposed it does not."""
    proposed = "Another officer has proposed something."
    assert proposed not in pair.grace.get("/office").text
    pair.propose(pair.ada, "freeze-roll")
    page = pair.grace.get("/office").text
    assert proposed in page
    assert f'href="{pair.address("freeze-roll")}"' in page
    assert proposed not in pair.ada.get("/office").text
    # Who only reads is asked for nothing.
    watcher = pair.ada.new_officer("olga@example.org", "observer")
    assert proposed not in watcher.get("/office").text
    assert "New election" not in watcher.get("/office").text


def test_a_new_office_is_told_the_first_steps(app: Flask) -> None:
    ada = first_administrator(app)
    page = ada.get("/office").text
    assert page.count(">To do<") == 3
    ada.invite("grace@example.org")
    # An invitation alone is no second officer.
    assert ada.get("/office").text.count(">To do<") == 3
    grace = ada.new_officer("joan@example.org")
    ada.new_officer("rita@example.org", "registrar")
    assert ada.get("/office").text.count(">To do<") == 1
    assert "First steps" not in grace.get("/office").text
    Run(Api(ada.context, app.test_client())).create()
    page = ada.get("/office").text
    assert "First steps" not in page
    assert "In preparation" in page


# --- what would be refused is said before anybody fills in a form ---------------------------------------------


def hindered(pair: Pair, act: str, words: str, link: str, **fields: str) -> None:
    """The page says why, leads on, and has no form but that of a withdrawal."""
    page = pair.page(pair.ada, act)
    assert words in page
    assert f'href="/office/elections/{pair.run.uuid}/{link}"' in page
    assert 'name="code"' not in page
    # The act looks for itself, and before the code is spent.
    answer = pair.propose(pair.ada, act, **fields)
    assert (answer.status_code, words in answer.text) == (409, True)


def test_why_an_act_is_not_possible_is_said_beforehand(pair: Pair) -> None:
    pair.run.uuid = Run(pair.run.api).create(single_officer=None).uuid
    hindered(pair, "freeze-roll", "The roll has no member who may vote.", "roll")


def test_an_opening_that_must_wait_says_for_what(pair: Pair) -> None:
    run = Run(pair.run.api).create(single_officer=None)
    run.committee("roll", "name,member_number\nMia,1\nNoor,2\nOla,3\n")
    pair.run.uuid = run.uuid
    with pair.ada.context.database.write() as session:
        session.execute(update(Election).values(state="keys-ready"))
    words = "Not enough trustees have proved that they hold their keys"
    hindered(pair, "open", words, "trustees", closes_at="", which="")
    with pair.ada.context.database.write() as session:
        session.execute(update(Election).values(keys_drilled=True))
    assert 'name="code"' in pair.page(pair.ada, "open")
    with pair.ada.context.database.write() as session:
        session.execute(delete(RollEntry).where(RollEntry.member_number != "1"))
    page = pair.page(pair.ada, "open")
    assert "would show how somebody voted, so it is not opened" in page
    assert f'href="/office/elections/new?clone={run.uuid}"' in page
    assert 'name="code"' not in page


def test_nobody_agrees_to_what_would_be_refused(pair: Pair) -> None:
    """Between proposal and agreement time goes on."""
    with pair.ada.context.database.write() as session:
        session.execute(update(Election).values(state="paused"))
    pair.propose(pair.ada, "resume")
    assert "/agreement" in pair.page(pair.grace, "resume")
    subject = pair.subject(pair.grace, "resume")
    with pair.ada.context.database.write() as session:
        session.execute(update(Election).values(closes_at=pair.ada.context.clock.now()))
    page = pair.page(pair.grace, "resume")
    assert "The closing time has passed" in page
    assert f'href="{pair.address("extend")}"' in page
    assert 'name="code"' not in page
    assert "Withdraw the proposal" in page
    answer = pair.agree(pair.grace, "resume", subject)
    assert (answer.status_code, "The closing time has passed" in answer.text) == (409, True)


def test_nothing_is_certified_or_given_up_too_early(pair: Pair) -> None:
    with pair.ada.context.database.write() as session:
        session.execute(update(Election).values(state="closed"))
    hindered(pair, "declare-untalliable", "The encrypted tally is not there yet.", "result", reason="x")
