"""What takes two officers: proposed by one, agreed to by another, and what the journal says of it."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from crypto.journal import JournalReader, act_subject
from tests.simulator import YES_NO
from tests.voting_app.api import Api, Run
from tests.voting_app.conftest import SettableClock
from voting_app.accounts.service import Actor, create_token, end_account, find_token
from voting_app.approvals import proposals, service
from voting_app.approvals.models import Proposal
from voting_app.context import Context
from voting_app.elections import service as elections
from voting_app.elections.service import NewElection, TrusteePlan
from voting_app.elections.states import Act
from voting_app.errors import Problem
from voting_app.ledger import service as ledger

TWO: dict[str, Any] = {"single_officer": None}
REASON = {"reason": "A fire alarm"}


@pytest.fixture
def api(context: Context, app: Flask) -> Api:
    api = Api(context, app.test_client())
    api.tokens["second"], api.tokens["third"] = api.make_token("committee"), api.make_token("committee")
    return api


def actor(api: Api, role: str) -> Actor:
    with api.context.database.read() as session:
        found = find_token(session, api.tokens[role])
    assert found is not None
    return found


def both(run: Run, path: str, body: Any = None) -> Any:
    """One officer's request waits for the other one's."""
    answer = run.api.send("POST", f"{run.base}/{path}", body, role="committee")
    assert answer.status_code == 202, answer.text
    return run.api.post(f"{run.base}/{path}", body, role="second")


def frozen(api: Api, **changes: Any) -> Run:
    run = Run(api).create(**TWO, **changes)
    run.committee("roll", "name,member_number\nAda,1\nGrace,2\nJoan,3\n")
    both(run, "roll/freeze")
    return run


def opened(api: Api, **changes: Any) -> Run:
    run = frozen(api, **changes).generate().seat().ceremony().ready().drill()
    both(run, "open")
    return run


def read(run: Run) -> list[dict[str, Any]]:
    """The published journal, which is as it has to be."""
    raw = run.api.client.get(f"/elections/{run.uuid}/{run.uuid}.journal.jsonl").data
    reader = JournalReader()
    for line in raw.splitlines():
        reader.feed(line)
    reader.close()
    assert reader.officers is not None
    return [json.loads(line) for line in raw.splitlines()]


def open_proposals(run: Run) -> list[Act]:
    return [one.act for one in service.list_proposals(run.api.context, run.uuid)]


def test_a_whole_election_by_two(api: Api) -> None:
    run = opened(api, certifiers=3)
    both(run, "pause", REASON)
    both(run, "resume")
    both(run, "extend", {"closes_at": "2026-11-24T12:00:00Z", "reason": "A fire alarm"})
    run.cast("1", [[0], [0]])
    both(run, "close")
    run.decrypt()
    body = {"statement": "We certify."}
    for role in ("committee", "second"):
        assert api.send("POST", f"{run.base}/certify", body, role=role).status_code == 202
    assert api.post(f"{run.base}/certify", body, role="third")["state"] == "certified"
    lines = read(run)
    assert lines[1]["kind"] == "officers"
    assert lines[1]["payload"] == {"needed": 2, "certifiers": 3, "reason": ""}
    kinds = [line["kind"] for line in lines]
    for act in ("roll-frozen", "opened", "paused", "resumed", "extended", "closed"):
        place = kinds.index(act)
        assert kinds[place - 1] == "approval"
        approval = lines[place - 1]
        assert approval["payload"] == {"act": act, "subject": act_subject(act, lines[place]["payload"])}
        assert (approval["actor"], lines[place]["actor"]) == (
            str(actor(api, "committee")),
            str(actor(api, "second")),
        )
    assert kinds[-4:] == ["approval", "approval", "certified", "seal"]


def test_one_alone_changes_nothing(api: Api) -> None:
    run = frozen(api)
    before = run.status()
    for _ in range(3):
        answer = api.send("POST", f"{run.base}/cancel", REASON, role="committee")
        assert answer.status_code == 202
        told = json.loads(answer.data)
        assert told["agreed"] == [str(actor(api, "committee"))]
        assert (told["act"], told["needed"], told["payload"]) == ("cancel", 2, REASON)
    assert run.status() == before
    assert [line["kind"] for line in read(run)].count("approval") == 1


def test_nobody_agrees_to_other_words(api: Api) -> None:
    run = frozen(api)
    path = f"{run.base}/cancel"
    api.send("POST", path, REASON, role="committee")
    assert api.refuse(409, "other-proposal", path, {"reason": "Other"}, role="second")["proposed"] == REASON
    assert run.status()["state"] == "roll-frozen"
    assert api.post(path, REASON, role="second")["state"] == "cancelled"


def test_what_was_read_is_what_is_agreed_to(api: Api) -> None:
    """Without it: somebody agrees to a roll, another one is put in its place, and that is frozen."""
    run = Run(api).create(**TWO)
    run.committee("roll", "name,member_number\nAda,1\n")
    seen = json.loads(api.send("POST", f"{run.base}/roll/freeze", role="committee").data)["subject"]
    run.committee("roll", "name,member_number\nEve,1\n")
    with pytest.raises(Problem, match="proposal-gone"):
        service.agree(api.context, run.uuid, Act.FREEZE_ROLL, seen, actor(api, "second"))
    # A request without a word on what was read is a proposal of what there is now.
    assert api.send("POST", f"{run.base}/roll/freeze", role="second").status_code == 202
    assert run.status()["state"] == "draft"
    with pytest.raises(Problem, match="proposal-gone"):
        service.agree(api.context, run.uuid, Act.FREEZE_ROLL, seen, actor(api, "committee"))
    assert run.status()["state"] == "draft"


def test_an_act_ends_what_was_proposed_before_it(api: Api) -> None:
    """Agreed to in another situation: nobody should find it done an hour later."""
    run = opened(api)
    for path, body in (("close", None), ("cancel", REASON)):
        assert api.send("POST", f"{run.base}/{path}", body, role="committee").status_code == 202
    both(run, "pause", REASON)
    assert open_proposals(run) == []
    assert api.send("POST", f"{run.base}/close", role="second").status_code == 202
    assert run.status()["state"] == "paused"
    with api.context.database.read() as session:
        outcomes = list(session.scalars(select(Proposal.outcome).order_by(Proposal.id)))
    assert outcomes == ["done", "done", "overtaken", "overtaken", "done", None]
    assert [line["kind"] for line in read(run)].count("approval") == 3


def test_proposals_lapse_and_are_withdrawn(api: Api, clock: SettableClock) -> None:
    run = frozen(api, closes_at="2027-11-23T12:00:00Z")
    path = f"{run.base}/cancel"
    first = json.loads(api.send("POST", path, REASON, role="committee").data)["subject"]
    clock.advance(days=proposals.LIFETIME.days, minutes=1)
    assert open_proposals(run) == []
    with pytest.raises(Problem, match="proposal-gone"):
        service.agree(api.context, run.uuid, Act.CANCEL, first, actor(api, "second"))
    assert api.send("POST", path, {"reason": "Other"}, role="second").status_code == 202
    with pytest.raises(Problem, match="proposal-gone"):
        service.withdraw(api.context, run.uuid, Act.CANCEL, first)
    [now] = service.list_proposals(api.context, run.uuid)
    service.withdraw(api.context, run.uuid, Act.CANCEL, now.subject)
    assert open_proposals(run) == []
    assert api.send("POST", path, {"reason": "Other"}, role="committee").status_code == 202
    assert [line["kind"] for line in read(run)].count("approval") == 1


def test_who_lost_the_account_has_not_agreed(api: Api) -> None:
    run = frozen(api)
    assert api.send("POST", f"{run.base}/cancel", REASON, role="committee").status_code == 202
    with api.context.database.write() as session:
        end_account(session, actor(api, "committee").account_number, api.context.clock.now())
    assert api.send("POST", f"{run.base}/cancel", REASON, role="second").status_code == 202
    assert api.post(f"{run.base}/cancel", REASON, role="third")["state"] == "cancelled"
    assert "committee" in [line["actor"].split(":")[0] for line in read(run)]


@pytest.mark.parametrize("changes", [TWO, {}])
def test_who_loses_the_account_during_a_request_does_nothing(api: Api, changes: dict[str, Any]) -> None:
    """The token was looked at before the transaction."""
    run = Run(api).create(**changes)
    gone = actor(api, "second")
    with api.context.database.write() as session:
        end_account(session, gone.account_number, api.context.clock.now())
    with pytest.raises(Problem, match="forbidden"):
        elections.cancel_election(api.context, run.uuid, gone, "x")
    assert run.status()["state"] == "draft"


def test_only_officers_agree(api: Api) -> None:
    run = frozen(api)
    api.send("POST", f"{run.base}/cancel", REASON, role="committee")
    for role in ("registrar", "observer"):
        api.refuse(403, "forbidden", f"{run.base}/cancel", REASON, role=role)
    with pytest.raises(RuntimeError, match="seeks approval"):
        elections.cancel_election(api.context, run.uuid, Actor("registrar", 7), "x")


def test_nothing_is_proposed_that_cannot_be_done(api: Api) -> None:
    run = frozen(api)
    api.refuse(409, "wrong-state", f"{run.base}/close", role="committee")
    api.refuse(409, "wrong-state", f"{run.base}/open", role="committee")
    assert open_proposals(run) == []


def test_the_service_closes_by_itself(api: Api, clock: SettableClock) -> None:
    run = opened(api)
    api.send("POST", f"{run.base}/pause", REASON, role="committee")
    clock.advance(days=2)
    assert elections.close_if_due(api.context, run.uuid)
    assert open_proposals(run) == []
    assert read(run)[-2]["actor"] == "service:0"


def test_no_way_past_the_second_officer(api: Api) -> None:
    """Whatever else in the program moves an election, an act with too few officers never reaches the journal."""
    run = frozen(api)
    alone = str(actor(api, "committee"))
    with api.context.database.write() as session:
        election = elections.lock_election(session, run.uuid)
        with pytest.raises(RuntimeError, match="by 1 officers"):
            elections.perform(session, api.context, election, Act.CANCEL, alone, REASON)


def test_one_alone_for_a_reason_that_everybody_reads(api: Api) -> None:
    run = Run(api).create(single_officer="The local has one officer.")
    told = api.get("/api/v1/elections", role="observer")["elections"][0]["officers"]
    assert told == {"needed": 1, "certifiers": 1, "reason": "The local has one officer."}
    assert read(run.freeze())[1]["payload"] == told
    page = api.client.get(f"/elections/{run.uuid}/journal", headers={"Accept": "text/html"}).text
    assert "One officer alone may act" in page
    assert "The local has one officer." in page
    assert open_proposals(run) == []


@pytest.mark.parametrize(
    "fields, field",
    [
        ({"single_officer": " "}, "single_officer"),
        ({"single_officer": True}, "single_officer"),
        ({"single_officer": "Small", "certifiers": 2}, "certifiers"),
        ({"certifiers": 1}, "certifiers"),
        ({"certifiers": 21}, "certifiers"),
    ],
)
def test_officers_that_cannot_be(api: Api, fields: dict[str, Any], field: str) -> None:
    body = {"name": "x", "closes_at": "2026-11-23T12:00:00Z", "trustees": {"singles": 1}, **fields}
    body["questions"] = [{"answers": ["Yes", "No"], "min": 1, "max": 1, "question": "?"}]
    assert api.refuse(422, "invalid-field", "/api/v1/elections", body, role="committee")["field"] == field


def test_how_many_act_is_fixed_from_the_start(api: Api) -> None:
    """Without it: one officer would take the second one away by editing the draft."""
    run = Run(api).create(**TWO)
    body = {"name": "x", "closes_at": "2026-11-23T12:00:00Z", "trustees": {"singles": 1}}
    body |= {"questions": [{"answers": ["Yes", "No"], "min": 1, "max": 1, "question": "?"}]}
    for more in ({"single_officer": "Alone"}, {"certifiers": 3}):
        api.refuse(422, "invalid-field", run.base, body | more, method="PUT", role="committee")
    api.post(run.base, body | {"certifiers": 2}, method="PUT", role="committee")
    api.post(run.base, body, method="PUT", role="committee")


def test_an_election_of_an_earlier_version_goes_on(api: Api) -> None:
    """It is not stuck after an upgrade, and its journal gets no approvals that its auditors would not understand."""
    run = frozen(api)
    with api.context.database.write() as session:
        session.execute(text("UPDATE election SET officers_needed = NULL, certifiers = NULL, waiver = NULL"))
    assert api.post(f"{run.base}/cancel", REASON, role="committee")["state"] == "cancelled"
    assert run.status()["officers"] is None


def test_one_open_proposal_of_each_act(api: Api, clock: SettableClock) -> None:
    """The table itself keeps a second one out, whatever the program does."""
    run = frozen(api)
    api.send("POST", f"{run.base}/cancel", REASON, role="committee")
    now = clock.now()
    another = {"act": "cancel", "payload": "{}", "subject": "0" * 64, "proposed_at": now}
    with api.context.database.write() as session:
        election_id = elections.election_for_box(session, run.uuid).id
        session.add(Proposal(election_id=election_id, expires_at=now + timedelta(days=1), **another))
        with pytest.raises(IntegrityError):
            session.flush()
        session.rollback()


def test_of_four_who_want_it_at_once_two_do_it(each_context: Context) -> None:
    """One effect; whoever comes later reads that it is done already."""
    context = each_context
    with context.database.write() as session:
        people = [
            create_token(session, role="committee", label=str(n), now=context.clock.now()).actor
            for n in range(4)
        ]
    closes_at = context.clock.now() + timedelta(days=1)
    new = NewElection(
        "x", "", (YES_NO,), "Ed25519", False, closes_at, "UTC", TrusteePlan(1, None, None), "server"
    )
    uuid = elections.create_election(context, new, people[0]).uuid

    def cancel(who: Actor) -> str:
        try:
            _, outcome = elections.cancel_election(context, uuid, who, "Wrong ballot")
        except Problem as problem:
            return problem.code
        return "done" if outcome.is_done else "proposed"

    with ThreadPoolExecutor(4) as pool:
        told = sorted(pool.map(cancel, people))
    assert told == ["done", "proposed", "wrong-state", "wrong-state"]
    with context.database.read() as session:
        lines = ledger.read_journal(session, ledger.get_box_id(session, uuid))
    assert [json.loads(line)["kind"] for line in lines] == [
        "journal",
        "officers",
        "approval",
        "cancelled",
        "seal",
    ]


def test_programs_see_and_withdraw_proposals(api: Api) -> None:
    run = Run(api).create(**TWO)
    path = f"{run.base}/proposals"
    assert api.get(path, role="observer") == {"proposals": []}
    told = json.loads(api.send("POST", f"{run.base}/cancel", REASON, role="committee").data)
    assert api.get(path, role="observer") == {"proposals": [told]}
    api.refuse(403, "forbidden", f"{path}/cancel/withdraw", {"subject": told["subject"]}, role="observer")
    api.refuse(404, "not-found", f"{path}/tally/withdraw", {"subject": told["subject"]}, role="second")
    api.refuse(409, "proposal-gone", f"{path}/cancel/withdraw", {"subject": "0" * 64}, role="second")
    assert api.post(f"{path}/cancel/withdraw", {"subject": told["subject"]}, role="second") == {}
    assert api.get(path, role="committee") == {"proposals": []}
