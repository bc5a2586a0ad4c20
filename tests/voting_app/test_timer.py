"""The timer: every job has its turn, whatever the others do, and stopping waits for the rounds that run."""

import threading

import pytest

from tests.smtp import MailDrop
from voting_app.context import Context
from voting_app.mail import jobs as mail
from voting_app.mail import service
from voting_app.mail.service import NewMail
from voting_app.tally import jobs as tally
from voting_app.timer import JOBS, Timer

SECONDS = 20


def test_a_job_that_hangs_or_fails_keeps_no_other_from_its_turn(
    context: Context, caplog: pytest.LogCaptureFixture
) -> None:
    let_go, hung, rounds, failures = threading.Event(), threading.Event(), [0], [0]
    enough = threading.Event()

    def hang(_context: Context) -> int:
        hung.set()
        assert let_go.wait(SECONDS)
        return 0

    def fail(_context: Context) -> int:
        failures[0] += 1
        raise RuntimeError("the address of ada@example.org")

    def count(_context: Context) -> int:
        rounds[0] += 1
        if hung.is_set() and failures[0] > 1 and rounds[0] > 3:
            enough.set()
        return 1

    timer = Timer(context, (hang, fail, count), interval=0.001)
    timer.start()
    assert enough.wait(SECONDS)
    let_go.set()
    timer.stop()
    assert "RuntimeError" in caplog.text
    # What an error says may hold data.
    assert "ada@example.org" not in caplog.text


def test_stopping_waits_for_the_round_that_runs(context: Context) -> None:
    begun, ended = threading.Event(), threading.Event()

    def work(_context: Context) -> int:
        begun.set()
        threading.Event().wait(0.1)
        ended.set()
        return 1

    timer = Timer(context, (work,), interval=0.001)
    timer.start()
    assert begun.wait(SECONDS)
    timer.stop()
    assert ended.is_set()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("timer ")]


def test_the_timer_of_the_program_closes_and_sends(mail_context: Context, drop: MailDrop) -> None:
    assert {tally.run_due, mail.run_due} <= set(JOBS)
    with mail_context.database.write() as session:
        payload = {
            "election": "E",
            "owner": 1,
            "name": None,
            "step": "drill",
            "number": 3,
            "of": 4,
            "page": "https://x",
        }
        service.enqueue(
            session, mail_context, NewMail("trustees/x", "1", "ada@example.org", "turn", payload, "en")
        )
    timer = Timer(mail_context, interval=0.01)
    timer.start()
    assert drop.arrived.wait(SECONDS)
    timer.stop()
    assert drop.list_recipients() == ["ada@example.org"]
    assert "Dear trustee 1," in drop.received[0].text
