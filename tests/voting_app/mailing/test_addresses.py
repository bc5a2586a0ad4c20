"""Is this your address? What is asked, of whom, who answers, and who hears of another address."""

import re
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from tests.smtp import MailDrop
from tests.voting_app.conftest import SettableClock
from tests.voting_app.mailing.conftest import HEAD, ROLL, make_app, make_run
from voting_app.context import Context
from voting_app.errors import Problem
from voting_app.mail import jobs as outbox
from voting_app.mail.models import OutboxMail
from voting_app.mailing import addresses, deliveries, members
from voting_app.mailing.addresses import LINK_LIFETIME, AddressState
from voting_app.mailing.members import Only
from voting_app.mailing.models import MemberAddress
from voting_app.roll.models import RollEntry

PAGE = {"Accept": "text/html"}
LIFETIME = timedelta(days=400)


def send_all(context: Context, clock: SettableClock) -> None:
    """Everything that waits for its minute."""
    clock.advance(minutes=10)
    while outbox.run_due(context):
        pass


def find_links(drop: MailDrop) -> dict[str, str]:
    """Recipient -> path of the newest link."""
    found = {}
    for one in drop.received:
        if link := re.search(r"/addresses/[\w-]{43}\?lang=\w\w", one.text):
            found[one.recipients[0]] = link[0]
    return found


def states(context: Context, uuid: str) -> dict[str, AddressState]:
    with context.database.read() as session:
        entries = list(session.scalars(select(RollEntry).where(RollEntry.eligible)))
        known = addresses.find_known(session, context, entries)
        return {e.member_number: known[e.id].state for e in entries}


def answer(client: FlaskClient, path: str, **fields: str) -> int:
    return client.post(path, data=fields, headers=PAGE).status_code


def test_each_member_is_asked_once_in_the_members_language(
    each_mail_context: Context, drop: MailDrop, mail_clock: SettableClock
) -> None:
    context = each_mail_context
    run = make_run(context, until="draft")
    assert addresses.ask_members(context, run.uuid) == 3
    assert addresses.ask_members(context, run.uuid) == 0
    send_all(context, mail_clock)
    # Who has no address, or may not vote, is not written to.
    assert sorted(drop.list_recipients()) == ["Grace@Example.org", "ada@example.org", "emmy@example.org"]
    texts = {one.recipients[0]: one for one in drop.received}
    assert texts["ada@example.org"].message["Subject"] == "Is this your address? Officers of Local 12"
    assert "Dear Ada Lovelace," in texts["ada@example.org"].text
    assert texts["Grace@Example.org"].message["Content-Language"] == "es"
    assert texts["emmy@example.org"].message["Content-Language"] == "fr"
    assert states(context, run.uuid) == {
        "M1": "asked",
        "M2": "asked",
        "M3": "asked",
        "M4": "missing",
    }
    # Of a link there is the hash only, and what was sealed for the mail is gone with it.
    with context.database.read() as session:
        assert all(row.sealed is None for row in session.scalars(select(OutboxMail)))
        assert all(re.fullmatch("[0-9a-f]{64}", row.digest) for row in session.scalars(select(MemberAddress)))


def test_looking_confirms_nothing_and_a_link_is_good_once(
    mail_context: Context, drop: MailDrop, mail_clock: SettableClock
) -> None:
    """Mail programs and their guards open every link in a mail."""
    run = make_run(mail_context, until="draft")
    addresses.ask_members(mail_context, run.uuid)
    send_all(mail_context, mail_clock)
    client = make_app(mail_context).test_client()
    links = find_links(drop)
    ada, grace = links["ada@example.org"], links["Grace@Example.org"]
    for method in ("GET", "HEAD", "GET"):
        page = client.open(ada, method=method, headers=PAGE)
        assert page.status_code == 200
        assert page.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in page.headers
    assert "Ada Lovelace" in page.text
    assert states(mail_context, run.uuid)["M1"] == "asked"
    for fields in ({}, {"answer": "maybe"}, {"answer": "yes", "address": "eve@example.org"}):
        assert answer(client, ada, **fields) == 400
    assert client.post(ada, data={"answer": "yes" + "x" * 2000}, headers=PAGE).status_code == 413
    assert answer(client, ada, answer="yes") == 200
    assert answer(client, grace, answer="no") == 200
    assert states(mail_context, run.uuid) | {"M3": ""} == {
        "M1": "confirmed",
        "M2": "denied",
        "M3": "",
        "M4": "missing",
    }
    # The first answer holds, and the page says no more whose it is.
    assert answer(client, ada, answer="no") == 409
    assert answer(client, grace, answer="yes") == 409
    assert "Ada" not in client.get(ada, headers=PAGE).text
    assert states(mail_context, run.uuid)["M1"] == "confirmed"
    assert addresses.ask_members(mail_context, run.uuid) == 0


def test_a_link_ends_with_its_time_and_with_a_newer_one(
    mail_context: Context, drop: MailDrop, mail_clock: SettableClock
) -> None:
    run = make_run(mail_context, until="draft")
    addresses.ask_members(mail_context, run.uuid)
    send_all(mail_context, mail_clock)
    client = make_app(mail_context).test_client()
    old = find_links(drop)
    with mail_context.database.read() as session:
        entries = {e.member_number: e.id for e in session.scalars(select(RollEntry))}
    addresses.ask_member(mail_context, run.uuid, entries["M1"])
    send_all(mail_context, mail_clock)
    new = find_links(drop)
    assert client.get(old["ada@example.org"], headers=PAGE).status_code == 404
    assert client.get(new["ada@example.org"], headers=PAGE).status_code == 200
    mail_clock.moment += LINK_LIFETIME
    for link in (*old.values(), *new.values(), "/addresses/" + "A" * 43, "/addresses/x"):
        assert client.get(link, headers=PAGE).status_code == 404
        assert answer(client, link, answer="yes") == 404
    assert set(states(mail_context, run.uuid).values()) == {"expired", "missing"}
    # They are asked anew.
    assert addresses.ask_members(mail_context, run.uuid) == 3
    for missing in (entries["M4"], entries["M5"], 10**9):
        with pytest.raises(Problem):
            addresses.ask_member(mail_context, run.uuid, missing)


def test_another_address_is_asked_anew_and_the_one_before_is_told(
    mail_context: Context, drop: MailDrop, mail_clock: SettableClock
) -> None:
    """An officer, or whoever has an officer's login, who takes a member's mail to another address."""
    run = make_run(mail_context, until="draft")
    addresses.ask_members(mail_context, run.uuid)
    send_all(mail_context, mail_clock)
    client = make_app(mail_context).test_client()
    assert answer(client, find_links(drop)["ada@example.org"], answer="yes") == 200
    assert answer(client, find_links(drop)["emmy@example.org"], answer="no") == 200
    changed = (
        ROLL.replace("ada@", "eve@").replace("emmy@", "emily@").replace("Grace@Example", "grace@example")
    )
    run.committee("roll", changed)
    assert states(mail_context, run.uuid)["M1"] == "unasked"
    drop.received.clear()
    assert addresses.ask_members(mail_context, run.uuid) == 2
    send_all(mail_context, mail_clock)
    # Who said that an address is not Emmy's is not told about Emmy; large letters are no other address.
    assert sorted(drop.list_recipients()) == ["ada@example.org", "emily@example.org", "eve@example.org"]
    [told] = [one for one in drop.received if one.recipients == ("ada@example.org",)]
    assert told.message["Subject"] == "Your mail address was changed: Officers of Local 12"
    assert "eve@" not in told.text
    # Back again: asked anew, and the one in between is told. Somebody who once had an address of his own confirmed in a
    # member's place could put it back otherwise.
    assert answer(client, find_links(drop)["eve@example.org"], answer="yes") == 200
    run.committee("roll", ROLL)
    assert [states(mail_context, run.uuid)[number] for number in ("M1", "M2", "M3")] == [
        "expired",
        "asked",
        "denied",
    ]
    drop.received.clear()
    assert addresses.ask_members(mail_context, run.uuid) == 1
    send_all(mail_context, mail_clock)
    assert sorted(drop.list_recipients()) == ["ada@example.org", "eve@example.org"]
    with mail_context.database.read() as session:
        view = deliveries.elections.election_for_box(session, run.uuid)
        found = members.find_members(session, mail_context, view, "Ada", Only.UNCONFIRMED)
    assert len(found) == 1
    assert answer(client, find_links(drop)["ada@example.org"], answer="yes") == 200
    assert states(mail_context, run.uuid)["M1"] == "confirmed"
    with mail_context.database.read() as session:
        assert members.find_members(session, mail_context, view, "Ada", Only.UNCONFIRMED) == []


def test_a_confirmation_holds_for_another_election_and_not_for_ever(
    mail_context: Context, drop: MailDrop, mail_clock: SettableClock
) -> None:
    run = make_run(mail_context, HEAD + "Ada,M1,ada@example.org,,\n", until="draft")
    addresses.ask_members(mail_context, run.uuid)
    send_all(mail_context, mail_clock)
    assert (
        answer(make_app(mail_context).test_client(), find_links(drop)["ada@example.org"], answer="yes") == 200
    )
    other = make_run(mail_context, HEAD + "Ada,M1,ada@example.org,,\n", until="draft")
    assert addresses.ask_members(mail_context, other.uuid) == 0
    # Another member at the same address is another question.
    other.committee("roll", HEAD + "Ada,M1,ada@example.org,,\nEve,M2,ada@example.org,,\n")
    assert addresses.ask_members(mail_context, other.uuid) == 1
    now = mail_clock.now()
    with mail_context.database.read() as session:
        row = session.scalars(select(MemberAddress).where(MemberAddress.member_number == "M1")).one()
    assert addresses.judge(row.address, row, now, lifetime=LIFETIME) is AddressState.CONFIRMED
    assert addresses.judge(row.address, row, now + LIFETIME, lifetime=LIFETIME) is AddressState.EXPIRED


def test_many_questions_do_not_go_out_at_once(
    mail_context: Context, drop: MailDrop, mail_clock: SettableClock
) -> None:
    roll = HEAD + "".join(f"Member {n},M{n},m{n}@example.org,,\n" for n in range(150))
    run = make_run(mail_context, roll, until="draft")
    assert addresses.ask_members(mail_context, run.uuid) == 150
    with mail_context.database.read() as session:
        times = sorted(session.scalars(select(OutboxMail.next_try_at)))
    assert times[0] == mail_clock.now()
    assert times[-1] - times[0] == timedelta(seconds=149)
    with mail_context.database.read() as session:
        entry = session.scalars(select(RollEntry).limit(1)).one()
    # The next one stands at the end of the line.
    addresses.ask_member(mail_context, run.uuid, entry.id)
    with mail_context.database.read() as session:
        assert max(session.scalars(select(OutboxMail.next_try_at))) == mail_clock.now() + timedelta(
            seconds=150
        )


def test_nobody_waits_behind_an_address_that_takes_no_mail_today(
    mail_context: Context, drop: MailDrop, mail_clock: SettableClock
) -> None:
    run = make_run(mail_context, HEAD + "Ada,M1,ada@example.org,,\n", until="draft")
    drop.answers["ada@example.org"] = ["450 not now"] * 9
    addresses.ask_members(mail_context, run.uuid)
    for _ in range(5):
        outbox.run_due(mail_context)
        mail_clock.advance(hours=3)
    run.committee("roll", HEAD + "Ada,M1,ada@example.org,,\nEve,M2,eve@example.org,,\n")
    addresses.ask_members(mail_context, run.uuid)
    outbox.run_due(mail_context)
    assert drop.list_recipients() == ["eve@example.org"]


def test_nobody_is_asked_when_it_is_over_or_without_a_mail_server(
    mail_context: Context, context: Context
) -> None:
    run = make_run(mail_context, until="draft")
    with pytest.raises(Problem, match="no mail server"):
        addresses.ask_members(context, run.uuid)
    run.committee("cancel", {"reason": "A name was misspelt."})
    with pytest.raises(Problem, match="is over"):
        addresses.ask_members(mail_context, run.uuid)
    with mail_context.database.read() as session:
        assert session.scalars(select(MemberAddress)).all() == []
