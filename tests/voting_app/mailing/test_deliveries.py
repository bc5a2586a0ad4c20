"""Credentials by mail against a real mail server: nobody gets two, nobody is forgotten, and nothing is left behind."""

import contextlib
import logging
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text, update

from crypto.words import fingerprint_words
from tests.smtp import SENDER, MailDrop
from tests.voting_app.api import Run
from tests.voting_app.conftest import SettableClock
from tests.voting_app.mailing.conftest import HEAD, QUICK, ROLL, make_app, make_run
from tests.voting_app.office import first_administrator
from voting_app.accounts.service import Actor
from voting_app.config import SECRET_FILE_NAME
from voting_app.context import Context
from voting_app.elections.models import Election
from voting_app.errors import Problem
from voting_app.mail import smtp
from voting_app.mail.service import LEASE, PAUSES
from voting_app.mailing import addresses, deliveries
from voting_app.mailing.deliveries import LostLeaseError
from voting_app.mailing.jobs import run_due
from voting_app.mailing.models import Delivery, DeliveryState, MemberAddress
from voting_app.registrar import service as registrar
from voting_app.registrar import vault
from voting_app.registrar.models import CredentialPublication, SealedCredential
from voting_app.registrar.service import count_handed_out
from voting_app.roll.models import RollEntry

PROJECT = Path(__file__).parents[3]
STEWARD = [sys.executable, "-c", "from voting_app.cli import main; main()"]
THREE = HEAD + "Ada,M1,ada@example.org,,\nGrace,M2,grace@example.org,es,\nEmmy,M3,emmy@example.org,fr,\n"
S = DeliveryState


@pytest.fixture
def quick(mail_context: Context) -> Context:
    return with_settings(mail_context, **QUICK)


@pytest.fixture
def each_quick(each_mail_context: Context) -> Context:
    return with_settings(each_mail_context, **QUICK)


def with_settings(context: Context, **changes: Any) -> Context:
    return replace(context, settings=replace(context.settings, **changes))


def confirm_all(context: Context, run: Run, *but: str) -> None:
    """As if these members had answered."""
    with context.database.write() as session:
        for entry in session.scalars(select(RollEntry).where(RollEntry.email != "")):
            if entry.member_number not in but:
                now = context.clock.now()
                session.add(
                    MemberAddress(
                        member_number=entry.member_number,
                        address=entry.email.lower(),
                        name=entry.name,
                        language="en",
                        digest=f"{entry.id:064}",
                        asked_at=now,
                        confirmed_at=now,
                    )
                )


def begin(context: Context, roll: str = THREE, *, keep_days: int = 0) -> Run:
    """An election whose members have confirmed their addresses, and a run that waits to be sent."""
    run = make_run(context, roll)
    confirm_all(context, run)
    start(context, run, keep_days=keep_days)
    return run


def start(context: Context, run: Run, *, leaves_out: bool = False, keep_days: int = 0) -> int:
    return deliveries.start_run(
        context, run.uuid, shown=plan(context, run).shown, leaves_out=leaves_out, keep_days=keep_days
    )


def plan(context: Context, run: Run) -> deliveries.Plan:
    with context.database.read() as session:
        view = deliveries.elections.election_for_box(session, run.uuid)
        return deliveries.plan_run(session, context, view)


def rows(context: Context) -> list[Delivery]:
    with context.database.read() as session:
        return list(session.scalars(select(Delivery).order_by(Delivery.roll_entry_id)))


def states(context: Context) -> list[str]:
    return [row.state for row in rows(context)]


def sealed(context: Context) -> int:
    with context.database.read() as session:
        return len(session.scalars(select(SealedCredential.roll_entry_id)).all())


def test_each_member_gets_the_own_credential_once_and_it_is_erased(
    each_quick: Context, drop: MailDrop, caplog: pytest.LogCaptureFixture
) -> None:
    context = each_quick
    run = begin(context)
    assert states(context) == ["waiting"] * 3
    assert sealed(context) == 3
    with caplog.at_level(logging.DEBUG):
        assert run_due(context) == 3
        assert run_due(context) == 0
    assert states(context) == ["sent"] * 3
    assert sealed(context) == 0
    by_address = {one.recipients[0].partition("@")[0]: one for one in drop.received}
    fingerprint = run.election().fingerprint
    for name, number in {"ada": "M1", "grace": "M2", "emmy": "M3"}.items():
        link = (
            f"{context.settings.base_url}/elections/{run.uuid}/vote#{run.credentials[number]}.{fingerprint}"
        )
        assert f"\n{link}\n" in by_address[name].text
        assert f"\n{run.credentials[number]}\n" in by_address[name].text
        assert f"\n{fingerprint_words(fingerprint)}\n" in by_address[name].text
        others = set(run.credentials.values()) - {run.credentials[number]}
        assert not [code for code in others if code in by_address[name].text]
    ada = by_address["ada"]
    assert ada.message["Subject"] == "Your voting link: Officers of Local 12"
    assert "Voting ends on Monday, November 23, 2026, 12:00" in ada.text
    assert by_address["grace"].message["Content-Language"] == "es"
    assert "lundi 23 novembre 2026" in by_address["emmy"].text
    # Neither questions nor answers of the election.
    for word in ("President", "Grace", "Yes", "dues"):
        assert word not in ada.text.replace("Grace Hopper", "")
    assert "example.org" not in caplog.text
    assert not [code for code in run.credentials.values() if code in caplog.text]
    with context.database.read() as session:
        found = session.execute(select(RollEntry.credential_state, RollEntry.credential_way)).all()
    assert [tuple(row) for row in found] == [("delivered", "mailed")] * 3


def test_nothing_secret_is_left_in_the_database(quick: Context, drop: MailDrop) -> None:
    run = begin(quick)
    while run_due(quick):
        pass
    assert len(drop.received) == 3
    files = [path for path in Path(quick.settings.instance_folder).rglob("*") if path.is_file()]
    content = b"".join(path.read_bytes() for path in files)
    assert b"Grace" in content
    assert not [code for code in run.credentials.values() if code.encode() in content]


def test_a_run_is_what_a_person_was_shown(quick: Context) -> None:
    run = make_run(quick, ROLL)
    assert [one.member_number for one in plan(quick, run).unconfirmed] == ["M1", "M2", "M3", "M4"]
    with pytest.raises(Problem, match="nobody"):
        start(quick, run)
    confirm_all(quick, run, "M2")
    old = plan(quick, run)
    assert [one.member_number for one in old.recipients] == ["M1", "M3"]
    with quick.database.write() as session:
        session.execute(update(MemberAddress).values(denied_at=quick.clock.now(), confirmed_at=None))
    with pytest.raises(Problem, match="others now"):
        deliveries.start_run(quick, run.uuid, shown=old.shown, leaves_out=True, keep_days=0)
    assert rows(quick) == []


def test_a_doubtful_address_stops_everybody_until_it_is_left_out(quick: Context, drop: MailDrop) -> None:
    run = make_run(quick, THREE.replace("emmy@", "grace@") + "Sofia,M4,,,\n")
    with quick.database.write() as session:
        addresses.set_confirming(session, 1, wanted=False)
    with pytest.raises(Problem) as refused:
        start(quick, run)
    assert (refused.value.code, refused.value.extra) == ("mail-preflight", {"faults": 3})
    assert rows(quick) == []
    assert start(quick, run, leaves_out=True) == 1
    while run_due(quick):
        pass
    assert drop.list_recipients() == ["ada@example.org"]
    # The others' credentials wait for a sheet of paper.
    assert sealed(quick) == 3


def test_a_second_run_is_for_those_who_were_not_in_the_first(quick: Context, drop: MailDrop) -> None:
    run = make_run(quick, THREE)
    confirm_all(quick, run, "M2")
    assert start(quick, run) == 2
    while run_due(quick):
        pass
    with quick.database.write() as session:
        session.execute(text("DELETE FROM member_address"))
    confirm_all(quick, run)
    assert start(quick, run) == 1
    while run_due(quick):
        pass
    assert sorted(drop.list_recipients()) == ["ada@example.org", "emmy@example.org", "grace@example.org"]


def test_where_and_when_nothing_is_sent(quick: Context, context: Context) -> None:
    run = make_run(quick, THREE, until="roll-frozen")
    confirm_all(quick, run)
    for changed, code in (
        (quick, "keys-incomplete"),
        (with_settings(quick, smtp_url=""), "no-mail-server"),
    ):
        with pytest.raises(Problem) as refused:
            start(changed, run)
        assert refused.value.code == code
    run.seat().ceremony().ready()
    with pytest.raises(Problem) as refused:
        start(with_settings(quick, base_url="http://vote.example.org"), run)
    assert refused.value.code == "insecure-address"
    draft = Run(run.api).create()
    with pytest.raises(Problem) as refused:
        start(quick, draft)
    assert refused.value.code == "wrong-state"
    other = Run(run.api).create(credential_mode="registrar").freeze(THREE)
    with pytest.raises(Problem) as refused:
        start(quick, other)
    assert refused.value.code == "credential-mode"
    assert rows(quick) == []


def test_a_host_that_would_write_another_link_sends_nothing(quick: Context, drop: MailDrop) -> None:
    """Where `steward mail send` runs on a host of its own, the settings there may be others."""
    begin(quick)
    assert run_due(with_settings(quick, base_url="http://vote.example.org")) == 0
    assert (states(quick), sealed(quick), drop.received) == (["waiting"] * 3, 3, [])
    assert run_due(quick) == 3


def test_what_is_over_is_not_sent(quick: Context, drop: MailDrop) -> None:
    run = begin(quick)
    run.committee("cancel", {"reason": "A name was misspelt."})
    assert run_due(quick) == 0
    assert drop.received == []


def test_who_got_a_sheet_meanwhile_gets_no_mail(quick: Context, drop: MailDrop) -> None:
    begin(quick)
    with quick.database.write() as session:
        deliveries.vault.erase(session, rows(quick)[0].roll_entry_id, deliveries.Way.PRINTED)
    assert run_due(quick) == 2
    assert sorted(drop.list_recipients()) == ["emmy@example.org", "grace@example.org"]
    assert states(quick) == ["sent", "sent"]


def test_another_secret_opens_nothing_and_stops_no_other_host(
    quick: Context, drop: MailDrop, mail_clock: SettableClock
) -> None:
    begin(quick)
    stranger = with_settings(quick, secret=bytes(32))
    assert run_due(stranger) == 0
    assert drop.received == []
    assert (states(quick), sealed(quick)) == (["waiting"] * 3, 3)
    assert [row.reason is None for row in rows(quick)] == [False, True, True]
    assert run_due(quick) == 2
    mail_clock.moment += PAUSES[0]
    assert run_due(quick) == 1
    assert states(quick) == ["sent"] * 3


# --- before Setup: a lost code can still be replaced -------------------------------------------------------


REGISTRAR = Actor("registrar", 8)


def begin_early(context: Context, *, keep_days: int = 0) -> Run:
    """A run as soon as the trustees' keys are complete, before Setup."""
    run = make_run(context, THREE, until="complete")
    confirm_all(context, run)
    start(context, run, keep_days=keep_days)
    return run


def rename(run: Run, name: str) -> None:
    """As the committee's editor does."""
    with run.api.context.database.write() as session:
        session.execute(update(Election).values(name=name))


def find_number(context: Context, mail: deliveries.Claimed) -> str:
    with context.database.read() as session:
        return session.get_one(RollEntry, mail.roll_entry_id).member_number


def find_links(drop: MailDrop, address: str) -> list[str]:
    texts = [one.text for one in drop.received if one.recipients == (address,)]
    return [found[1] for text in texts if (found := re.search(r"vote#(\S+)", text))]


@pytest.mark.parametrize("keep_days", [0, 3])
def test_a_code_that_was_lost_in_the_mail_is_replaced_before_the_opening(
    each_quick: Context, drop: MailDrop, mail_clock: SettableClock, keep_days: int
) -> None:
    context = each_quick
    run = begin_early(context, keep_days=keep_days)
    assert run_due(context) == 3
    ada = rows(context)[0].roll_entry_id
    registrar.replace_credentials(context, run.uuid, ["M1"], REGISTRAR)
    # The row of the mail goes with the old code: the member is in the next run again, and only this one.
    assert len(rows(context)) == 2
    with pytest.raises(Problem) as refused:
        deliveries.send_again(context, run.uuid, ada)
    assert refused.value.status == 404
    assert [one.member_number for one in plan(context, run).recipients] == ["M1"]
    mail_clock.advance(days=3)
    run_due(context)
    assert sealed(context) == 1, "what was kept of the old code must not erase the new one"
    assert start(context, run) == 1
    assert run_due(context) == 1
    lost, found = (link.partition(".") for link in find_links(drop, "ada@example.org"))
    assert lost[0] == run.credentials["M1"] != found[0]
    run.ready()
    fingerprint = run.election().fingerprint
    assert lost[2] == found[2] == fingerprint
    assert sealed(context) == 0
    # After Setup there is the same code only, and it was erased when it was sent.
    with pytest.raises(Problem) as refused:
        registrar.replace_credentials(context, run.uuid, ["M1"], REGISTRAR)
    assert refused.value.code == "wrong-state"
    with pytest.raises(Problem) as refused:
        deliveries.send_again(context, run.uuid, ada)
    assert refused.value.code == "credential-gone"


def test_the_new_code_votes_and_the_mailed_one_does_not(quick: Context, drop: MailDrop) -> None:
    run = begin_early(quick)
    run_due(quick)
    registrar.replace_credentials(quick, run.uuid, ["M1"], REGISTRAR)
    start(quick, run)
    run_due(quick)
    run.ready().drill().open()
    answer = run.cast("M1", [[1], [1]])
    assert (answer.status_code, answer.json["code"]) == (403, "unknown-credential")
    run.credentials["M1"] = find_links(drop, "ada@example.org")[1].partition(".")[0]
    assert run.cast("M1", [[1], [1]]).status_code == 201


def test_a_mail_with_the_old_code_is_not_said_once_it_is_replaced(quick: Context) -> None:
    run = begin_early(quick)
    old = deliveries.claim(quick)
    assert old is not None
    registrar.replace_credentials(quick, run.uuid, [find_number(quick, old)], REGISTRAR)
    with pytest.raises(LostLeaseError):
        deliveries.begin_text(quick, old)
    start(quick, run)
    deliveries.mark_sent(quick, old)
    assert sealed(quick) == 3
    # Or while the mail server hears it: then its end has nothing to say about the new code.
    late = deliveries.claim(quick)
    assert late is not None
    deliveries.begin_text(quick, late)
    registrar.replace_credentials(quick, run.uuid, [find_number(quick, late)], REGISTRAR)
    deliveries.mark_sent(quick, late)
    assert sealed(quick) == 3


def test_what_was_mailed_fixes_the_fingerprint(
    quick: Context, drop: MailDrop, mail_clock: SettableClock
) -> None:
    """Without it: members hold links that the booth refuses, and their codes are erased."""
    run = begin_early(quick)
    mail = deliveries.claim(quick)
    assert mail is not None
    rename(run, "Officers of Local 21")
    # Written and not yet said: nobody has it, so it is written anew.
    with pytest.raises(LostLeaseError):
        deliveries.begin_text(quick, mail)
    assert [row.fingerprint for row in rows(quick)] == [None] * 3
    again = deliveries.claim(quick)
    assert again is not None
    deliveries.begin_text(quick, again)
    deliveries.mark_sent(quick, again)
    rename(run, "Officers of Local 12")
    run.api.refuse(409, "sheets-differ", f"{run.base}/keys", role="committee")
    # Mail with another fingerprint waits, and says why.
    assert run_due(quick) == 0
    assert (
        sorted((row.state, row.reason) for row in rows(quick))[1:]
        == [("waiting", "a text or a key of the election was changed")] * 2
    )
    with pytest.raises(Problem) as refused:
        deliveries.send_again(quick, run.uuid, again.roll_entry_id)
    assert refused.value.code == "sheets-differ"
    assert (
        "No mail with a code goes out now."
        in first_administrator(make_app(quick)).get(f"/office/elections/{run.uuid}/mailing").text
    )
    # Who has the old link gets a new code, and everything goes on.
    registrar.replace_credentials(quick, run.uuid, [find_number(quick, again)], REGISTRAR)
    mail_clock.moment += PAUSES[0]
    start(quick, run)
    assert run_due(quick) == 3
    run.ready()


def test_pages_say_until_when_a_lost_code_can_be_replaced(quick: Context, drop: MailDrop) -> None:
    run = begin_early(quick)
    ada = first_administrator(make_app(quick))
    base = f"/office/elections/{run.uuid}"
    entry = rows(quick)[0].roll_entry_id
    before, after = (
        "Until the key of the election is fixed, a lost code",
        "no lost code can be replaced any more",
    )
    pages = [f"{base}/mailing", f"{base}/mailing/members/{entry}", f"{base}/credentials/members/{entry}"]
    assert before in ada.get(pages[0]).text
    assert before in ada.get(pages[1]).text
    assert f"{base}/credentials/members/{entry}" in ada.get(pages[1]).text
    assert "Make a new code" in ada.get(pages[2]).text
    assert "3 mails with codes are still on their way." in ada.get(f"{base}/trustees").text
    assert "first wait for 3 mails with codes" in ada.get(f"{base}/checklist").text
    drop.after_data["ada@example.org"] = ["550 no"]
    run_due(quick)
    page = ada.get(f"{base}/trustees").text
    assert "still on" not in page
    assert "1 mail with a code was not taken, came back or is unclear." in page
    run.ready()
    for address in pages:
        assert after in ada.get(address).text
        assert before not in ada.get(address).text


# --- pacing ------------------------------------------------------------------------------------------------


def test_no_more_in_a_minute_than_the_settings_allow(
    mail_context: Context, drop: MailDrop, mail_clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("voting_app.mailing.jobs.time.sleep", lambda _seconds: None)
    context = with_settings(mail_context, mail_per_minute=5)
    roll = HEAD + "".join(f"Member {n},M{n},m{n}@example.org,,\n" for n in range(12))
    begin(context, roll)
    for expected in (5, 10, 12):
        while run_due(context):
            pass
        assert len(drop.received) == expected
        mail_clock.advance(seconds=59)
        assert run_due(context) == 0
        mail_clock.advance(seconds=1)
    assert len(set(drop.list_recipients())) == 12


# --- what the mail server says -----------------------------------------------------------------------------


def test_later_means_later(quick: Context, drop: MailDrop, mail_clock: SettableClock) -> None:
    drop.answers["ada@example.org"] = ["451 greylisted"]
    drop.after_data["ada@example.org"] = ["452 disk full"]
    drop.answers["grace@example.org"] = ["450 not now"] * 20
    begin(quick)
    assert run_due(quick) == 1
    assert states(quick) == ["waiting", "waiting", "sent"]
    for pause in (*PAUSES, *PAUSES):
        mail_clock.moment += pause
        run_due(quick)
    [ada, grace, _] = rows(quick)
    assert (ada.state, ada.attempts) == ("sent", 3)
    assert (grace.state, grace.attempts) == ("refused", len(PAUSES) + 1)
    assert "given up after 9 attempts; the mail server answered 450: not now" in (grace.reason or "")
    assert sorted(drop.list_recipients()) == ["ada@example.org", "emmy@example.org"]
    assert sealed(quick) == 1


@pytest.mark.parametrize("stage", ["answers", "after_data"])
def test_a_refused_mail_keeps_the_credential_for_another_try(
    quick: Context, drop: MailDrop, stage: str
) -> None:
    getattr(drop, stage)["ada@example.org"] = ["550 no such user"]
    run = begin(quick)
    assert run_due(quick) == 2
    [ada, grace, _] = rows(quick)
    assert (ada.state, ada.reason) == ("refused", "the mail server answered 550: no such user")
    deliveries.send_again(quick, run.uuid, ada.roll_entry_id)
    assert run_due(quick) == 1
    [received] = [one for one in drop.received if one.recipients == ("ada@example.org",)]
    assert run.credentials["M1"] in received.text
    assert sealed(quick) == 0
    # What was handed over is erased: nobody has it here.
    with pytest.raises(Problem) as refused:
        deliveries.send_again(quick, run.uuid, grace.roll_entry_id)
    assert refused.value.code == "credential-gone"


def test_what_is_learned_of_an_address_holds_for_what_waits_and_for_what_is_sent_again(
    quick: Context, drop: MailDrop, mail_clock: SettableClock
) -> None:
    run = begin(quick)
    with quick.database.write() as session:
        session.execute(
            update(MemberAddress)
            .where(MemberAddress.member_number == "M1")
            .values(confirmed_at=None, denied_at=mail_clock.now())
        )
        session.execute(
            update(MemberAddress).where(MemberAddress.member_number == "M2").values(confirmed_at=None)
        )
    assert run_due(quick) == 1
    assert states(quick) == ["refused", "refused", "sent"]
    ada, grace, _ = [row.roll_entry_id for row in rows(quick)]
    # Where nobody must confirm, what was not answered is no obstacle, and a no is.
    with quick.database.write() as session:
        addresses.set_confirming(session, 1, wanted=False)
    for entry in (ada, grace):
        deliveries.send_again(quick, run.uuid, entry)
    assert run_due(quick) == 1
    assert states(quick) == ["refused", "sent", "sent"]
    assert sorted(drop.list_recipients()) == ["emmy@example.org", "grace@example.org"]
    assert "not the member's" in (rows(quick)[0].reason or "")


@pytest.mark.parametrize("stage", ["answers", "after_data"])
@pytest.mark.parametrize("code", [451, 554])
def test_a_mail_server_that_repeats_the_link_does_not_leave_it_here(
    quick: Context, drop: MailDrop, stage: str, code: int
) -> None:
    run = make_run(quick, HEAD + "Ada,M1,ada@example.org,,\n")
    confirm_all(quick, run)
    start(quick, run)
    secret = run.credentials["M1"]
    link = f"https://vote.example.org/elections/{run.uuid}/vote#{secret}.{'x' * 43}"
    getattr(drop, stage)["ada@example.org"] = [f"{code} 5.7.1 {'no ' * 60}bad link: {link} ({secret})"]
    assert run_due(quick) == 0
    [ada] = rows(quick)
    assert (ada.reason or "").startswith(f"the mail server answered {code}: 5.7.1 no no")
    assert secret[:5] not in (ada.reason or "")
    # As those do who report what came back.
    with quick.database.write() as session:
        session.execute(update(Delivery).values(state="sent"))
    deliveries.note_bounced(quick, run.uuid, ada.roll_entry_id, f"listed: {link}")
    [ada] = rows(quick)
    assert ada.reason == f"listed: https://vote.example.org/elections/{run.uuid}/vote#….…"


def test_a_server_that_is_down_costs_a_pause(
    quick: Context, drop: MailDrop, mail_clock: SettableClock
) -> None:
    begin(quick)
    drop.stop()
    assert run_due(quick) == 0
    assert states(quick) == ["waiting"] * 3
    assert "no connection with the mail server" in (rows(quick)[0].reason or "")
    drop.start()
    mail_clock.moment += PAUSES[0]
    assert run_due(quick) == 3


def test_a_server_that_says_goodbye_has_taken_nothing(quick: Context, drop: MailDrop) -> None:
    drop.answers["ada@example.org"] = ["421 shutting down"]
    begin(quick)
    assert run_due(quick) == 0
    assert states(quick) == ["waiting"] * 3
    assert run_due(quick) == 2


# --- nobody knows ------------------------------------------------------------------------------------------


def test_a_connection_that_breaks_in_the_text_is_for_a_person(
    quick: Context, drop: MailDrop, mail_clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop.hold = True
    run = begin(quick, HEAD + "Ada,M1,ada@example.org,,\n")
    with monkeypatch.context() as patch:
        patch.setattr(smtp, "SESSION_SECONDS", 0.3)
        assert run_due(quick) == 0
    drop.hold = False
    mail_clock.advance(days=1)
    assert run_due(quick) == 0
    [row] = rows(quick)
    assert row.state == "unclear"
    assert "no connection with the mail server" in (row.reason or "")
    assert sealed(quick) == 1
    # Once more under the same name, so that most mail programs show it once; or it is found out that it has arrived.
    deliveries.send_again(quick, run.uuid, row.roll_entry_id)
    assert run_due(quick) == 1
    first, second = drop.received
    assert first.message["Message-ID"] == second.message["Message-ID"]
    assert sealed(quick) == 0


def test_an_answer_that_is_neither_yes_nor_no_is_for_a_person(quick: Context, drop: MailDrop) -> None:
    drop.after_data["ada@example.org"] = ["OK queued"]
    begin(quick, HEAD + "Ada,M1,ada@example.org,,\n")
    assert run_due(quick) == 0
    assert states(quick) == ["unclear"]


def test_an_unclear_mail_that_arrived_is_erased(quick: Context) -> None:
    run = begin(quick, HEAD + "Ada,M1,ada@example.org,,\n")
    mail = deliveries.claim(quick)
    assert mail is not None
    entry = mail.roll_entry_id
    with pytest.raises(Problem, match="known"):
        deliveries.note_arrived(quick, run.uuid, entry)
    deliveries.begin_text(quick, mail)
    deliveries.mark_unclear(quick, mail, "broken")
    deliveries.note_arrived(quick, run.uuid, entry)
    assert (states(quick), sealed(quick)) == (["sent"], 0)


@pytest.mark.parametrize("keep_days", [0, 7])
def test_what_is_known_to_have_arrived_counts_after_the_voting_too(quick: Context, keep_days: int) -> None:
    """Without it: a certification is stopped for good, because more have voted than got a code as far as is noted."""
    run = begin(quick, HEAD + "Ada,M1,ada@example.org,,\n", keep_days=keep_days)
    mail = deliveries.claim(quick)
    assert mail is not None
    deliveries.begin_text(quick, mail)
    deliveries.mark_unclear(quick, mail, "broken")
    with quick.database.write() as session:
        # As if the codes had been made in the office, whose deliveries are known.
        session.execute(update(CredentialPublication).values(program=None))
        vault.erase(session, mail.roll_entry_id, vault.Way.EXPIRED)
        assert count_handed_out(session, run.uuid) == 0
    deliveries.note_arrived(quick, run.uuid, mail.roll_entry_id)
    with quick.database.read() as session:
        assert count_handed_out(session, run.uuid) == 1


def test_who_lost_its_lease_says_no_text(quick: Context, mail_clock: SettableClock) -> None:
    begin(quick, HEAD + "Ada,M1,ada@example.org,,\n")
    slow = deliveries.claim(quick)
    assert slow is not None
    assert deliveries.claim(quick) is None
    mail_clock.moment += LEASE
    with pytest.raises(LostLeaseError):
        deliveries.begin_text(quick, slow)
    other = deliveries.claim(quick)
    assert other is not None
    with pytest.raises(LostLeaseError):
        deliveries.begin_text(quick, slow)
    deliveries.mark_sent(quick, slow)
    assert (states(quick), sealed(quick)) == (["sending"], 1)
    deliveries.begin_text(quick, other)
    # Slower than a lease, but alive: its word counts until somebody else decides.
    mail_clock.moment += LEASE
    deliveries.tidy(quick)
    assert states(quick) == ["unclear"]
    deliveries.mark_sent(quick, other)
    assert (states(quick), sealed(quick)) == (["sent"], 0)


# --- killed ------------------------------------------------------------------------------------------------


@pytest.fixture
def instance(each_quick: Context, drop: MailDrop) -> dict[str, str]:
    """What a process of its own needs to send from the same database."""
    folder = Path(each_quick.settings.instance_folder)
    (folder / SECRET_FILE_NAME).write_bytes(b"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n")
    return {
        **os.environ,
        "STEWARD_INSTANCE": str(folder),
        "STEWARD_DATABASE_URL": each_quick.settings.database_url,
        "STEWARD_SMTP_URL": drop.url,
        "STEWARD_MAIL_FROM": SENDER,
        "STEWARD_MAIL_PER_MINUTE": "60000",
    }


@contextlib.contextmanager
def sending(environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    command = [*STEWARD, "mail", "send"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=PROJECT, env=environment, text=True, **pipes) as process:
        try:
            yield process
        finally:
            process.kill()


def test_killed_in_the_middle_nobody_gets_two_and_nobody_is_forgotten(
    each_quick: Context, drop: MailDrop, mail_clock: SettableClock, instance: dict[str, str]
) -> None:
    """Once while the mail server has a text and has not answered, once somewhere between."""
    context, count = each_quick, 24
    mail_clock.moment = datetime.now(UTC)
    roll = HEAD + "".join(f"Member {n},M{n:02},m{n:02}@example.org,,\n" for n in range(count))
    run = make_run(context, roll, closes_at=f"{mail_clock.moment + timedelta(days=9):%Y-%m-%dT%H:%MZ}")
    confirm_all(context, run)
    assert start(context, run) == count
    drop.hold = True
    with sending(instance) as process:
        assert drop.arrived.wait(60)
        process.kill()
        process.wait()
    drop.hold = False
    assert sorted(set(states(context))) == ["handing", "waiting"]
    with sending(instance) as process:
        deadline = time.monotonic() + 60
        while len(drop.received) < count // 2:
            assert time.monotonic() < deadline
            time.sleep(0.002)
        process.kill()
        process.wait()
    # Restarted, at once and when the leases are over.
    for moment in (datetime.now(UTC), datetime.now(UTC) + 2 * LEASE):
        mail_clock.moment = moment
        while run_due(context):
            pass
    got = drop.list_recipients()
    assert len(got) == len(set(got))
    unclear = [row for row in rows(context) if row.state == "unclear"]
    assert {row.state for row in rows(context)} == {"sent", "unclear"}
    assert 1 <= len(unclear) <= 2
    with context.database.read() as session:
        addresses_of = {e.id: e.email for e in session.scalars(select(RollEntry))}
    everybody = set(addresses_of.values())
    # Whoever got none is among those that the page names, with the credential still there.
    assert everybody - set(got) <= {addresses_of[row.roll_entry_id] for row in unclear}
    assert sealed(context) == len(unclear)
    mailing = f"/office/elections/{run.uuid}/mailing"
    page = first_administrator(make_app(context)).get(f"{mailing}/members?only=trouble").text
    assert page.count("card-title") == page.count("Unclear<") == len(unclear)
    for row in unclear:
        deliveries.send_again(context, run.uuid, row.roll_entry_id)
    while run_due(context):
        pass
    assert set(drop.list_recipients()) == everybody
    codes = [re.search(r"vote#([\w-]+)\.", one.text) for one in drop.received]
    assert {found[1] for found in codes if found} == set(run.credentials.values())
    assert sealed(context) == 0


@pytest.mark.parametrize("migrated_url", ["postgresql"], indirect=True)
def test_two_processes_send_each_mail_once(
    each_quick: Context, drop: MailDrop, mail_clock: SettableClock, instance: dict[str, str]
) -> None:
    mail_clock.moment = datetime.now(UTC)
    roll = HEAD + "".join(f"Member {n},M{n:02},m{n:02}@example.org,,\n" for n in range(20))
    run = make_run(each_quick, roll, closes_at=f"{mail_clock.moment + timedelta(days=9):%Y-%m-%dT%H:%MZ}")
    confirm_all(each_quick, run)
    assert start(each_quick, run) == 20
    with sending(instance) as first, sending(instance) as second:
        outputs = [process.communicate(timeout=60) for process in (first, second)]
    assert [errors for _, errors in outputs if errors] == []
    assert sum(int(out.removesuffix(" sent.\n")) for out, _ in outputs) == 20
    assert len(set(drop.list_recipients())) == len(drop.received) == 20


# --- what comes back ---------------------------------------------------------------------------------------


def test_what_is_kept_for_mail_that_comes_back(
    quick: Context, drop: MailDrop, mail_clock: SettableClock
) -> None:
    run = begin(quick, keep_days=3)
    assert run_due(quick) == 3
    ada, grace, _ = rows(quick)
    assert sealed(quick) == 3
    with pytest.raises(Problem) as refused:
        deliveries.note_bounced(quick, run.uuid, 10**9, "")
    assert refused.value.status == 404
    deliveries.note_bounced(quick, run.uuid, ada.roll_entry_id, "mailbox full")
    deliveries.send_again(quick, run.uuid, ada.roll_entry_id)
    with pytest.raises(Problem, match="on its way"):
        deliveries.send_again(quick, run.uuid, ada.roll_entry_id)
    with pytest.raises(Problem, match="come back"):
        deliveries.note_bounced(quick, run.uuid, ada.roll_entry_id, "")
    assert run_due(quick) == 1
    # A mail that lies among the spam: the second one has a name of its own.
    first, second = [
        one.message["Message-ID"] for one in drop.received if one.recipients[0].startswith("ada")
    ]
    assert first != second
    assert (
        deliveries.report_bounce(quick, message_id=grace.message_id, recipient="", reason="unknown user") == 1
    )
    assert deliveries.report_bounce(quick, message_id="", recipient="EMMY@example.org", reason="full") == 1
    assert deliveries.report_bounce(quick, message_id="", recipient="nobody@example.org", reason="") == 0
    assert states(quick) == ["sent", "bounced", "bounced"]
    mail_clock.advance(days=3)
    run_due(quick)
    # What came back is kept until it was sent again, or voting is over.
    assert sealed(quick) == 2
    with quick.database.read() as session:
        assert deliveries.count_states(session, 1)[S.BOUNCED] == 2
