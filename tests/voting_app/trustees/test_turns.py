"""Whose turn it is: what the inbox says, who is told by mail and when, and that no mail tells more than that."""

from collections import Counter
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from tests.smtp import MailDrop
from tests.voting_app.api import Api, Run, Trustee
from tests.voting_app.conftest import SettableClock
from tests.voting_app.test_secrecy import Told, dump, find, needles_of
from voting_app.app import create_app
from voting_app.context import Context
from voting_app.mail import service
from voting_app.mail.jobs import run_due
from voting_app.mail.models import OutboxMail
from voting_app.tally import jobs as tally

GROUP = {"singles": 0, "threshold": {"size": 3, "threshold": 2}}
MIXED = {"singles": 1, "threshold": {"size": 2, "threshold": 1}}
NAMES = ["Emmy", "Lise", "Zoë"]
ACTS = ["certificate", "commitment", "reveal", "share", "drill", "decryption"]


def address(owner: int) -> str:
    return f"trustee{owner}@example.org"


def seat(run: Run, people: list[dict[str, Any]]) -> Run:
    seats = run.committee("trustees", {"trustees": people})["trustees"]
    run.trustees = [Trustee(made["owner"], made["kind"], made["token"]) for made in seats]
    return run


def everybody(count: int = 3) -> list[dict[str, Any]]:
    return [{"owner": n, "name": NAMES[n - 1], "email": address(n)} for n in range(1, count + 1)]


def make_api(context: Context) -> Api:
    app: Flask = create_app(context.settings, clock=context.clock, database=context.database)
    return Api(context, app.test_client())


@pytest.fixture
def api(context: Context) -> Api:
    return make_api(context)


@pytest.fixture
def mail_api(mail_context: Context) -> Api:
    return make_api(mail_context)


def list_outbox(context: Context) -> list[tuple[str, str, str]]:
    """(recipient, event, state) of every row."""
    with context.database.read() as session:
        rows = session.scalars(select(OutboxMail).order_by(OutboxMail.id))
        return [(row.recipient, row.event, row.state) for row in rows]


def steps_told(drop: MailDrop) -> Counter[tuple[str, str]]:
    """(recipient, subject without the election) of what was delivered."""
    return Counter((one.recipients[0], one.message["Subject"].split(",")[0]) for one in drop.received)


# --- the whole way -----------------------------------------------------------------------------------------------


def test_a_whole_election_mails_each_trustee_once_for_each_step(mail_api: Api, drop: MailDrop) -> None:
    context = mail_api.context

    def new_mails() -> list[tuple[str, int]]:
        """(recipient, number of the step) of what is delivered now."""
        known = len(drop.received)
        run_due(context)
        return sorted(
            (one.recipients[0], int(one.message["Subject"].split("step ")[1].split(" of 6")[0]))
            for one in drop.received[known:]
        )

    def all_at(number: int) -> list[tuple[str, int]]:
        return [(address(owner), number) for owner in (1, 2, 3)]

    run = seat(Run(mail_api).create(trustees=GROUP).freeze().generate(), everybody())
    assert new_mails() == all_at(1)
    for number, (what, make) in enumerate(
        [
            ("certificate", run.make_certificate),
            ("commitment", lambda trustee: {"commitment": run.make_commitment(trustee)}),
            ("reveal", lambda trustee: trustee.message),
            ("share", run.make_share),
        ],
        start=1,
    ):
        for trustee in run.trustees:
            # Nobody is told before the last of the others has acted.
            assert new_mails() == ([] if trustee.owner > 1 or number == 1 else all_at(number))
            run.send(trustee, what, make(trustee))
    # It is the committee's turn.
    assert new_mails() == []
    run.ready()
    assert new_mails() == all_at(5)
    run.drill().open()
    before = list_outbox(context)
    for member, choice in (("M1", 0), ("M2", 1), ("M3", 0)):
        assert run.cast(member, [[choice], [choice]]).status_code == 201
    # Votes leave no trace here.
    assert list_outbox(context) == before
    assert new_mails() == []
    run.close()
    assert new_mails() == []
    # They are told when there is something to open.
    tally.run_due(context)
    assert new_mails() == all_at(6)
    run.decrypt(1, 3)
    assert run.result() == [[0, 2, 1], [2, 1]]
    assert new_mails() == []
    assert len(drop.received) == 18
    assert {state for _, _, state in list_outbox(context)} == {"sent"}

    # Neither the messages nor the outbox nor anything else knows a secret or a token; one recipient each.
    told = Told(run, [], [trustee.token for trustee in run.trustees])
    places = [one.raw for one in drop.received] + [row.raw for row in dump(context.database)]
    texts = [one.text.encode() for one in drop.received]
    for what_secret, needles in needles_of(told).items():
        assert not [place for place in places + texts if find(needles, place)], what_secret
    for one in drop.received:
        assert len(one.recipients) == 1
        assert "#" not in one.text
        assert f"Dear {NAMES[int(one.recipients[0][7]) - 1]}," in one.text
        assert f"http://127.0.0.1:8000/elections/{run.uuid}\n" in one.text
    # Names and addresses are with the committee and the trustees, not in the published record.
    for path in (f"/elections/{run.uuid}/{run.uuid}.bel", f"/elections/{run.uuid}/{run.uuid}.journal.jsonl"):
        published = mail_api.client.get(path).data
        assert published
        assert not [
            n for n in range(1, 4) if address(n).encode() in published or NAMES[n - 1].encode() in published
        ]


def test_what_is_overtaken_is_never_sent(mail_api: Api, drop: MailDrop) -> None:
    """The mail server was down, and the trustees went on without it."""
    run = seat(Run(mail_api).create(trustees=GROUP).freeze().generate(), everybody()).certify_seats()
    run.send(run.trustees[0], "commitment", {"commitment": run.make_commitment(run.trustees[0])})
    assert list_outbox(mail_api.context) == [(address(n), f"1/{n}/commitment", "waiting") for n in (2, 3)]
    for trustee in run.trustees[1:]:
        run.send(trustee, "commitment", {"commitment": run.make_commitment(trustee)})
    run.reveal().share().ready().drill().open().close().decrypt(1, 2)
    assert list_outbox(mail_api.context) == []
    assert run_due(mail_api.context) == 0
    assert drop.received == []


@pytest.mark.parametrize("act,step", [("cancel", "certificate"), ("untalliable", "decryption")])
def test_nobody_is_called_to_an_election_that_is_over(
    mail_api: Api, drop: MailDrop, clock: SettableClock, act: str, step: str
) -> None:
    run = seat(Run(mail_api).create(trustees=GROUP).freeze().generate(), everybody())
    if step == "decryption":
        run.certify_seats().commit().reveal().share().ready().drill().open().close()
        tally.run_due(mail_api.context)
    drop.answers |= {address(1): ["550 no such user"], address(2): ["451 come back later"]}
    assert run_due(mail_api.context) == 1
    states = {address(1): "failed", address(2): "waiting", address(3): "sent"}
    # Another election goes on.
    other = seat(Run(mail_api).create(trustees=GROUP).freeze().generate(), everybody(1))
    told = list_outbox(mail_api.context)
    assert told == [
        *((to, f"1/{to[7]}/{step}", states[to]) for to in states),
        (address(1), "1/1/certificate", "waiting"),
    ]
    run.committee(act, {"reason": "A candidate's name was misspelt."})
    assert list_outbox(mail_api.context) == told[2:]
    assert service.retry_failed(mail_api.context) == 0
    clock.advance(days=3)
    assert run_due(mail_api.context) == 1
    assert drop.list_recipients() == [address(3), address(1)]
    assert other.uuid in drop.received[1].text


def test_who_did_not_prove_the_key_is_not_asked_for_it_after_the_opening(mail_api: Api) -> None:
    run = seat(Run(mail_api).create(trustees=GROUP).freeze().generate(), everybody())
    run.certify_seats().commit().reveal().share().ready()
    assert [row[1] for row in list_outbox(mail_api.context)] == [f"1/{n}/drill" for n in (1, 2, 3)]
    for trustee in run.trustees[:2]:
        run.send(trustee, "drill", run.make_drill(trustee))
    assert [row[1] for row in list_outbox(mail_api.context)] == ["1/3/drill"]
    run.open()
    assert list_outbox(mail_api.context) == []


def test_single_trustees_have_fewer_steps_and_need_no_certificates(mail_api: Api, drop: MailDrop) -> None:
    run = seat(Run(mail_api).create(trustees=MIXED).freeze().generate(), everybody())
    run_due(mail_api.context)
    assert steps_told(drop) == {
        (address(1), "It is your turn: step 1 of 4"): 1,
        (address(2), "It is your turn: step 1 of 6"): 1,
        (address(3), "It is your turn: step 1 of 6"): 1,
    }
    drop.received.clear()
    run.certify_seats()
    run_due(mail_api.context)
    # The single trustee was told to commit before, and is not told again.
    assert set(steps_told(drop)) == {(address(n), "It is your turn: step 2 of 6") for n in (2, 3)}


def test_a_new_ceremony_is_told_anew_and_to_the_new_person(mail_api: Api, drop: MailDrop) -> None:
    run = seat(Run(mail_api).create(trustees=GROUP), everybody()).certify_seats()
    run_due(mail_api.context)
    run.send(run.trustees[0], "commitment", {"commitment": run.make_commitment(run.trustees[0])})
    drop.received.clear()
    body = {"reason": "The trustee has moved away.", "name": "Edsger", "email": "new@example.org"}
    made = run.committee("trustees/2/restart", body)
    assert (made["name"], made["link"].partition("#")[2]) == ("Edsger", made["token"])
    run_due(mail_api.context)
    assert steps_told(drop) == {
        (who, "It is your turn: step 1 of 6"): 1 for who in (address(1), "new@example.org", address(3))
    }
    # Without a name it is the same person with a new token.
    made = run.committee("trustees/2/restart", {"reason": "The key file was lost."})
    assert made["name"] == "Edsger"
    drop.received.clear()
    run_due(mail_api.context)
    assert steps_told(drop)[("new@example.org", "It is your turn: step 1 of 6")] == 1


def test_a_corrected_address_is_told_and_the_wrong_one_no_more(mail_api: Api, drop: MailDrop) -> None:
    drop.answers[address(1)] = ["550 no such user"]
    run = seat(Run(mail_api).create(trustees=GROUP), everybody(2))
    run_due(mail_api.context)
    assert drop.list_recipients() == [address(2)]
    put = {"method": "PUT", "role": "committee"}
    for owner, body in ((1, {"name": "Emmy", "email": "right@example.org"}), (2, {"name": "Lise"})):
        mail_api.post(f"{run.base}/trustees/{owner}/person", body, **put)
    run_due(mail_api.context)
    assert drop.list_recipients() == [address(2), "right@example.org"]
    run.certify_seats()
    run_due(mail_api.context)
    # Nobody writes to who has no address (any more).
    assert drop.list_recipients() == [address(2), "right@example.org", "right@example.org"]
    mail_api.refuse(404, "unknown-trustee", f"{run.base}/trustees/4/person", {}, **put)
    observer = {"method": "PUT", "role": "observer"}
    mail_api.refuse(403, "forbidden", f"{run.base}/trustees/1/person", {}, **observer)


def test_the_mail_is_in_the_elections_language(mail_api: Api) -> None:
    run = Run(mail_api).create(trustees=GROUP, language="es")
    seat(run, everybody(1))
    with mail_api.context.database.read() as session:
        assert session.scalars(select(OutboxMail.language)).all() == ["es"]


def test_a_refused_act_tells_nobody(mail_api: Api) -> None:
    run = seat(Run(mail_api).create(trustees=GROUP), everybody())
    before = list_outbox(mail_api.context)
    trustee = run.trustees[0]
    for what, body, code in (("reveal", {}, "wrong-step"), ("certificate", {}, "bad-certificate")):
        status = 409 if code == "wrong-step" else 422
        mail_api.refuse(status, code, f"{run.base}/trustee/{what}", body, token=trustee.token)
    mail_api.refuse(409, "trustees-exist", f"{run.base}/trustees", {}, role="committee")
    assert list_outbox(mail_api.context) == before


# --- seats, links, inbox -----------------------------------------------------------------------------------------


def test_each_seat_has_a_link_of_its_own(api: Api) -> None:
    run = Run(api).create(trustees=MIXED)
    seats = run.committee("trustees", {"trustees": [{"owner": 2, "name": "Lise"}]})["trustees"]
    assert [made["name"] for made in seats] == [None, "Lise", None]
    base = f"http://127.0.0.1:8000/elections/{run.uuid}/trustee#"
    assert [made["link"] for made in seats] == [base + made["token"] for made in seats]
    # Without a mail server nothing waits in the outbox, whoever has an address.
    assert list_outbox(api.context) == []
    progress = api.get(f"{run.base}/trustees/progress", role="observer")["trustees"]
    assert [(row["owner"], row["name"], row["step"]) for row in progress] == [
        (1, None, "commitment"),
        (2, "Lise", "certificate"),
        (3, None, "certificate"),
    ]


@pytest.mark.parametrize(
    "trustees, field",
    [
        ("Emmy", "trustees"),
        ([1], "trustees"),
        ([{"name": "Emmy"}], "owner"),
        ([{"owner": 0}], "owner"),
        ([{"owner": "1"}], "owner"),
        ([{"owner": 1}, {"owner": 1}], "owner"),
        ([{"owner": 1, "phone": "1"}], "phone"),
        ([{"owner": 1, "name": "Ada\r\nBcc: eve@example.org"}], "name"),
        ([{"owner": 1, "name": "A" * 201}], "name"),
        ([{"owner": 1, "name": None}], "name"),
        ([{"owner": 1, "email": "ada"}], "email"),
        ([{"owner": 1, "email": "ada@example.org, eve@example.org"}], "email"),
        ([{"owner": 1, "email": "ada@example.org\nBcc: eve@example.org"}], "email"),
        ([{"owner": 1, "email": ["ada@example.org"]}], "email"),
    ],
)
def test_who_sits_where_is_read_strictly(api: Api, trustees: Any, field: str) -> None:
    run = Run(api).create(trustees=GROUP)
    body = {"trustees": trustees}
    problem = api.refuse(422, "invalid-field", f"{run.base}/trustees", body, role="committee")
    assert problem["field"] == field
    run.seat()


def test_a_person_without_a_seat_is_refused_before_anything_is_made(api: Api) -> None:
    run = Run(api).create(trustees=GROUP)
    body = {"trustees": [{"owner": 4, "name": "Emmy"}]}
    api.refuse(404, "unknown-trustee", f"{run.base}/trustees", body, role="committee")
    assert api.get(f"{run.base}/trustees/progress", role="committee")["trustees"] == []


def test_the_inbox_says_which_step_this_is_and_who_is_awaited(api: Api) -> None:
    run = seat(Run(api).create(trustees=MIXED).freeze().generate(), everybody(2))
    single, second, third = run.trustees

    def look(trustee: Any) -> tuple[Any, ...]:
        inbox = run.inbox(trustee)
        assert inbox["number"] is None or inbox["acts"][inbox["number"] - 1] == inbox["act"]
        assert inbox["election_name"] == "Officers of Local 12"
        awaited = [(one["owner"], one["name"]) for one in inbox["awaited"]]
        return inbox["step"], inbox["act"], inbox["number"], awaited

    inbox = run.inbox(third)
    assert (inbox["name"], inbox["index"], inbox["size"], inbox["threshold"]) == (None, 2, 2, 1)
    assert inbox["acts"] == ACTS
    assert (run.inbox(single)["index"], run.inbox(single)["name"]) == (None, "Emmy")
    assert run.inbox(single)["acts"] == ["commitment", "reveal", "drill", "decryption"]

    run.send(second, "certificate", run.make_certificate(second))
    assert look(second) == ("wait-certificates", "commitment", 2, [(1, "Emmy"), (3, None)])
    assert look(third) == ("certificate", "certificate", 1, [(1, "Emmy")])
    run.send(single, "commitment", {"commitment": run.make_commitment(single)})
    assert look(single) == ("wait-commitments", "reveal", 2, [(3, None)])
    run.send(third, "certificate", run.make_certificate(third))
    assert look(single) == ("wait-commitments", "reveal", 2, [(2, "Lise"), (3, None)])
    for trustee in (second, third):
        run.send(trustee, "commitment", {"commitment": run.make_commitment(trustee)})
    run.send(second, "reveal", second.message)
    assert look(second) == ("wait-reveals", "share", 4, [(1, "Emmy"), (3, None)])
    run.send(single, "reveal", single.message)
    assert look(single) == ("wait-reveals", "drill", 3, [(3, None)])
    run.send(third, "reveal", third.message)
    assert look(third) == ("share", "share", 4, [(2, "Lise")])
    run.share()
    assert look(third) == ("wait-keys-ready", "drill", 5, [])
    run.ready()
    assert look(second) == ("drill", "drill", 5, [(1, "Emmy"), (3, None)])
    run.send(single, "drill", run.make_drill(single))
    assert look(single) == ("wait-close", "decryption", 4, [(2, "Lise"), (3, None)])
    run.send(second, "drill", run.make_drill(second))
    run.open()
    # Who has not drilled is not awaited any more: the election is open.
    assert look(second) == ("wait-close", "decryption", 6, [])
    run.close()
    assert look(single) == ("decryption", "decryption", 4, [(2, "Lise"), (3, None)])
    run.decrypt(1)
    assert look(single) == ("wait-result", None, None, [(2, "Lise"), (3, None)])
    run.decrypt(2)
    assert look(third) == ("done", None, None, [])
