"""Mail to the officers who are awaited: who gets it, what stands in it, and when it is not sent any more."""

import multiprocessing
import os
import signal
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import event, select, update

from tests.smtp import MailDrop
from tests.voting_app.api import Api, Run
from tests.voting_app.conftest import SettableClock
from tests.voting_app.office import first_administrator
from voting_app.accounts import links
from voting_app.accounts import service as accounts
from voting_app.accounts.models import Account, Password
from voting_app.accounts.service import Actor
from voting_app.app import create_app
from voting_app.approvals import service
from voting_app.config import Settings
from voting_app.context import Context
from voting_app.db import Database
from voting_app.elections.states import Act
from voting_app.mail.jobs import run_due
from voting_app.mail.models import OutboxMail

REASON = {"reason": "Wrong ballot: a candidate's name"}
ADA, GRACE, JOAN = "ada@example.org", "grace@example.org", "joan@example.org"


class Committee:
    """People with accounts, a program, and an election with a roll."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.app: Flask = create_app(context.settings, clock=context.clock, database=context.database)
        self.people = {
            email: self.add(email, role, language)
            for email, role, language in (
                (ADA, "administrator", "en"),
                (GRACE, "committee", "es"),
                (JOAN, "committee", None),
            )
        }
        # Nobody of these can agree.
        self.add("registrar@example.org", "registrar", "en")
        self.add("observer@example.org", "observer", "en")
        self.add("invited@example.org", "committee", "en", is_ready=False)
        self.end(self.add("ended@example.org", "committee", "en"))
        self.run = Run(Api(context, self.app.test_client()))
        self.run.create(single_officer=None, certifiers=3)
        self.run.committee("roll", "name,member_number\nMia,1\nNoor,2\n")

    def add(self, email: str, role: str, language: str | None, *, is_ready: bool = True) -> Actor:
        name = email.partition("@")[0].capitalize()
        with self.context.database.write() as session:
            actor = accounts.create_account(
                session, role=role, label=name, now=self.context.clock.now(), email=email, language=language
            )
            if is_ready:
                session.add(
                    Password(
                        account_number=actor.account_number,
                        password_hash="x",
                        sealed_totp=b"",
                        last_totp_step=0,
                    )
                )
        return actor

    def end(self, actor: Actor) -> None:
        with self.context.database.write() as session:
            session.execute(
                update(Account)
                .where(Account.number == actor.account_number)
                .values(ended_at=self.context.clock.now(), email=None)
            )

    def want(self, email: str, act: Act = Act.CANCEL, **payload: str) -> bool:
        """Propose or agree; whether it is done."""
        wish = payload or (REASON if act is Act.CANCEL else {})
        return service.propose_or_agree(self.context, self.run.uuid, act, wish, self.people[email]).is_done

    def waiting(self) -> list[str]:
        """Whose mail is in the outbox."""
        with self.context.database.read() as session:
            return sorted(session.scalars(select(OutboxMail.recipient).where(OutboxMail.state == "waiting")))


@pytest.fixture
def committee(mail_context: Context) -> Committee:
    return Committee(mail_context)


@pytest.fixture
def each_committee(each_mail_context: Context) -> Committee:
    return Committee(each_mail_context)


def test_the_others_who_can_agree_are_told(each_committee: Committee, drop: MailDrop) -> None:
    committee = each_committee
    assert not committee.want(ADA)
    assert run_due(committee.context) == 2
    told = {one.recipients[0]: one for one in drop.received}
    assert set(told) == {GRACE, JOAN}
    uuid = committee.run.uuid
    text = told[JOAN].text
    assert str(told[JOAN].message["Subject"]).startswith("Proposed: Cancel the election, ")
    assert "Dear Joan," in text
    assert "Ada proposes this" in text
    # Until when, as a clock on the wall says it; and the page, which asks for a login.
    assert "2026" in text
    assert f"/office/elections/{uuid}/acts/cancel\n" in text
    assert told[GRACE].message["Content-Language"] == "es"
    assert "Ada propone" in told[GRACE].text
    assert "Cancelar" in told[GRACE].text
    # What is proposed in detail is read behind the login.
    assert "candidate" not in text
    # Who asks again, or looks, sends nothing more; nor does the timer.
    assert not committee.want(ADA)
    assert run_due(committee.context) == 0


def test_a_program_that_proposes_tells_everybody(committee: Committee, drop: MailDrop) -> None:
    answer = committee.run.api.send("POST", f"{committee.run.base}/cancel", REASON, role="committee")
    assert answer.status_code == 202
    assert committee.waiting() == [ADA, GRACE, JOAN]
    run_due(committee.context)
    assert len(drop.received) == 3
    assert committee.want(GRACE)


@pytest.mark.parametrize("how", ["withdrawn", "done", "overtaken", "roll"])
def test_what_is_over_is_not_sent_any_more(each_committee: Committee, how: str) -> None:
    committee = each_committee
    committee.want(ADA, Act.FREEZE_ROLL)
    assert committee.waiting() == [GRACE, JOAN]
    uuid, context = committee.run.uuid, committee.context
    proposal = service.find_proposal(context, uuid, Act.FREEZE_ROLL)
    assert proposal is not None
    if how == "withdrawn":
        service.withdraw(context, uuid, Act.FREEZE_ROLL, proposal.subject)
    elif how == "done":
        assert committee.want(GRACE, Act.FREEZE_ROLL)
    elif how == "overtaken":
        committee.want(ADA)
        assert committee.want(JOAN)
    else:
        # Another roll is another proposal: nobody is asked to agree to the first one.
        committee.run.committee("roll", "name,member_number\nEve,3\n")
        committee.want(GRACE, Act.FREEZE_ROLL)
        assert committee.waiting() == [ADA, JOAN]
        return
    assert committee.waiting() == []
    assert run_due(context) == 0


def test_a_proposal_that_lapsed_is_not_sent_with_the_next_one(committee: Committee, drop: MailDrop) -> None:
    committee.want(ADA)
    committee.context.clock.advance(days=3)  # type: ignore[attr-defined]
    committee.want(GRACE)
    assert committee.waiting() == [ADA, JOAN]
    run_due(committee.context)
    assert all("Grace proposes" in one.text for one in drop.received if one.recipients == (JOAN,))
    assert len(drop.received) == 2


def test_who_has_agreed_is_not_asked_any_more(committee: Committee) -> None:
    """Three certify: the third one's mail stays, the second one's goes."""
    run = committee.run
    committee.want(ADA, Act.FREEZE_ROLL)
    committee.want(GRACE, Act.FREEZE_ROLL)
    run.generate().seat().ceremony().ready().drill()
    for act in (Act.OPEN, Act.CLOSE):
        committee.want(ADA, act)
        assert committee.want(GRACE, act)
        if act is Act.OPEN:
            run.cast("1", [[0], [0]])
    run.decrypt()
    assert not committee.want(ADA, Act.CERTIFY, statement="We certify.")
    assert committee.waiting() == [GRACE, JOAN]
    assert not committee.want(GRACE, Act.CERTIFY, statement="We certify.")
    assert committee.waiting() == [JOAN]
    assert committee.want(JOAN, Act.CERTIFY, statement="We certify.")
    assert committee.waiting() == []


def test_two_who_propose_the_same_at_once_do_not_mail_twice(each_committee: Committee) -> None:
    with ThreadPoolExecutor(3) as pool:
        done = list(pool.map(each_committee.want, [ADA, ADA, ADA]))
    assert done == [False] * 3
    assert each_committee.waiting() == [GRACE, JOAN]


def test_who_is_no_officer_any_more_is_not_asked(each_committee: Committee) -> None:
    committee, now = each_committee, each_committee.context.clock.now()
    committee.want(ADA)
    with committee.context.database.write() as session:
        accounts.end_account(session, committee.people[GRACE].account_number, now)
    assert committee.waiting() == [JOAN]
    with committee.context.database.write() as session:
        accounts.change_role(session, committee.people[JOAN].account_number, "observer")
    assert committee.waiting() == []


def test_one_officer_alone_mails_nobody(committee: Committee) -> None:
    committee.run = Run(committee.run.api).create(single_officer="A small club")
    assert committee.want(ADA)
    assert committee.waiting() == []


def test_without_mail_the_page_says_so(app: Flask) -> None:
    ada = first_administrator(app)
    run = Run(Api(ada.context, app.test_client())).create(single_officer=None)
    act = f"/office/elections/{run.uuid}/acts/cancel"
    page = ada.get(ada.act(act, REASON).headers["Location"]).text
    assert "Tell the others yourself, because this server sends no mail" in page
    assert "Tell the others yourself" in ada.get(act).text
    with ada.context.database.read() as session:
        assert session.scalars(select(OutboxMail.id)).all() == []


def test_with_mail_the_page_says_so(mail_context: Context) -> None:
    app = create_app(mail_context.settings, clock=mail_context.clock, database=mail_context.database)
    run = Run(Api(mail_context, app.test_client())).create(single_officer=None)
    ada = first_administrator(app)
    links.invite(mail_context, name="Grace", email=GRACE, role="committee", language="en")
    page = ada.get(ada.act(f"/office/elections/{run.uuid}/acts/cancel", REASON).headers["Location"]).text
    assert "The other officers get a mail" in page
    assert "yourself" not in page


# --- killed ------------------------------------------------------------------------------------------------


def _propose_and_die(settings: Settings, uuid: str, actor: Actor, after: int) -> None:
    """Propose, and be no more once so many messages are written."""
    database = Database(settings.database_url)
    written = 0

    @event.listens_for(database._write_engine, "after_execute")
    def die(_connection: object, statement: object, *_: object) -> None:
        nonlocal written
        written += str(statement).startswith("INSERT INTO outbox")
        if written == after:
            os.kill(os.getpid(), signal.SIGKILL)

    service.propose_or_agree(
        Context(settings, database, SettableClock()), uuid, Act.CANCEL, REASON, actor.acting_as("committee")
    )


def test_a_server_killed_while_it_tells_has_neither_proposed_nor_told(each_committee: Committee) -> None:
    committee, uuid = each_committee, each_committee.run.uuid
    process = multiprocessing.get_context("spawn").Process(
        target=_propose_and_die, args=(committee.context.settings, uuid, committee.people[ADA], 2)
    )
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    assert service.find_proposal(committee.context, uuid, Act.CANCEL) is None
    assert committee.waiting() == []
    committee.want(ADA)
    assert committee.waiting() == [GRACE, JOAN]
