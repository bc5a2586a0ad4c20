"""The outbox against a real mail server: what is sent, when again, when never, and by whom of several."""

import logging
import os
import re
import smtplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from crypto.encoding import sha256_hex
from tests.smtp import HOST, PASSWORD, SENDER, USER, MailDrop, make_certificate, running_mail_server
from tests.voting_app.conftest import SettableClock
from voting_app.config import SECRET_FILE_NAME
from voting_app.context import Context
from voting_app.languages import LANGUAGES
from voting_app.mail import service, smtp
from voting_app.mail.jobs import FORGETTING_INTERVAL, run_due
from voting_app.mail.letters import Letter, compose
from voting_app.mail.models import MailState, OutboxMail
from voting_app.mail.service import LEASE, PAUSES, NewMail

PAYLOAD = {
    "election": "Officers of Local 12",
    "owner": 2,
    "name": "Ada",
    "step": "commitment",
    "number": 2,
    "of": 6,
    "page": "https://vote.example.org/elections/abc",
}
PROJECT = Path(__file__).parents[3]
STEWARD = [sys.executable, "-c", "from voting_app.cli import main; main()"]


def make_mail(recipient: str = "ada@example.org", event: str = "1", **payload: Any) -> NewMail:
    return NewMail("trustees/abc", event, recipient, "turn", PAYLOAD | payload, "en")


def put(context: Context, *mails: NewMail) -> list[bool]:
    with context.database.write() as session:
        return [service.enqueue(session, context, mail) for mail in mails]


def rows(context: Context) -> list[OutboxMail]:
    with context.database.read() as session:
        return list(session.scalars(select(OutboxMail).order_by(OutboxMail.id)))


def with_settings(context: Context, **changes: Any) -> Context:
    return replace(context, settings=replace(context.settings, **changes))


def test_a_message_is_delivered_once(each_mail_context: Context, drop: MailDrop) -> None:
    context = each_mail_context
    assert put(context, make_mail()) == [True]
    assert run_due(context) == 1
    [received] = drop.received
    assert (received.sender, received.recipients) == (SENDER, ("ada@example.org",))
    message = received.message
    assert message["To"] == "ada@example.org"
    assert message["Subject"] == "It is your turn: step 2 of 6, Officers of Local 12"
    assert message["Date"] == "Sun, 22 Nov 2026 12:00:00 +0000"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message.get_content_type() == "text/plain"
    assert "Dear Ada," in received.text
    assert "Step 2 of 6: make your part of the key, and commit to it." in received.text
    assert "https://vote.example.org/elections/abc" in received.text
    # The same event again, before and after it was sent: nothing more.
    assert put(context, make_mail()) == [False]
    assert put(context, make_mail("other@example.org"), make_mail(event="2")) == [True, True]
    assert run_due(context) == 2
    assert run_due(context) == 0
    assert [row.state for row in rows(context)] == ["sent"] * 3


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("step", ["certificate", "commitment", "reveal", "share", "drill", "decryption"])
def test_every_step_can_be_told_in_every_language(language: str, step: str) -> None:
    """French has a blank before the colon at which no line may end, which counts as a sign that can't be printed."""
    payload = PAYLOAD | {"step": step, "election": "Élection\u202f: bureau"}
    letter = Letter("turn", "ada@example.org", language, payload, "ab" * 16, datetime.now(UTC))
    message = compose(letter, sender=SENDER, organisation="Union\u00a0!")
    assert str(message["Subject"]).endswith(", Élection : bureau")
    assert "\u202f: bureau" in message.get_content()
    assert str(message["From"]) == f"Union ! <{SENDER}>"


def test_a_subject_has_the_joiners_of_a_name(mail_context: Context, drop: MailDrop) -> None:
    """Persian words are read wrongly without them."""
    name = "انتخابات هیئت\u200cمدیره"
    put(mail_context, make_mail(election=name))
    assert run_due(mail_context) == 1
    [received] = drop.received
    assert received.message["Subject"].endswith(f", {name}")
    assert name in received.text


def test_nothing_tells_the_name_of_this_computer(mail_context: Context, drop: MailDrop) -> None:
    put(mail_context, make_mail())
    run_due(mail_context)
    [received] = drop.received
    assert received.greeting == "union.example"
    assert received.message["Message-ID"] == f"<{rows(mail_context)[0].message_id}@union.example>"
    assert not {"Received", "X-Mailer", "User-Agent", "Sender"} & set(received.message.keys())
    host = socket.gethostname().encode()
    if len(host) > 3:
        assert host not in received.raw


def test_without_a_mail_server_nothing_is_put_in(mail_context: Context) -> None:
    context = with_settings(mail_context, smtp_url="")
    assert put(context, make_mail()) == [False]
    with context.database.write() as session:
        service.replace_waiting(session, context, "trustees/abc", [make_mail()])
    assert rows(context) == []
    assert run_due(context) == 0


def test_later_means_later_and_each_pause_is_longer(
    mail_context: Context, drop: MailDrop, clock: SettableClock, caplog: pytest.LogCaptureFixture
) -> None:
    drop.answers["ada@example.org"] = ["451 4.7.1 greylisted, come back"] * 2
    drop.after_data["ada@example.org"] = ["452 4.3.1 disk full"]
    put(mail_context, make_mail(), make_mail("grace@example.org"))
    # One message that waits keeps no other one from being sent.
    assert run_due(mail_context) == 1
    with caplog.at_level(logging.DEBUG):
        for pause in PAUSES[:3]:
            [row, _] = rows(mail_context)
            assert (row.state, row.next_try_at, row.lease_until) == ("waiting", clock.moment + pause, None)
            assert row.reason is not None
            clock.moment += pause - timedelta(seconds=1)
            assert run_due(mail_context) == 0
            clock.advance(seconds=1)
            run_due(mail_context)
    assert drop.list_recipients() == ["grace@example.org", "ada@example.org"]
    [row, _] = rows(mail_context)
    assert (row.state, row.attempts, row.reason) == ("sent", 4, None)
    assert list(PAUSES) == sorted(set(PAUSES))
    # What a mail server says, and to whom, is in the outbox and not in a log.
    assert "mail 1 was not taken now" in caplog.text
    assert "example.org" not in caplog.text
    assert "greylisted" not in caplog.text


def test_after_the_last_pause_it_has_failed(
    mail_context: Context, drop: MailDrop, clock: SettableClock
) -> None:
    drop.answers["ada@example.org"] = ["450 not now"] * 20
    put(mail_context, make_mail())
    for _ in range(30):
        run_due(mail_context)
        clock.advance(days=2)
    [row] = rows(mail_context)
    assert (row.state, row.attempts) == ("failed", len(PAUSES) + 1)
    assert row.reason == f"given up after {len(PAUSES) + 1} attempts; the mail server answered 450: not now"
    assert len(drop.answers["ada@example.org"]) == 20 - len(PAUSES) - 1


@pytest.mark.parametrize("stage", ["answers", "after_data"])
def test_a_refusal_is_final_until_somebody_says_otherwise(
    mail_context: Context, drop: MailDrop, clock: SettableClock, stage: str
) -> None:
    getattr(drop, stage)["ada@example.org"] = ["550 5.1.1 no\tsuch user"]
    put(mail_context, make_mail(), make_mail("grace@example.org"))
    assert run_due(mail_context) == 1
    clock.advance(days=30)
    assert run_due(mail_context) == 0
    [row, _] = rows(mail_context)
    assert (row.state, row.attempts) == ("failed", 1)
    assert row.reason == "the mail server answered 550: 5.1.1 no such user"
    with mail_context.database.read() as session:
        [view] = service.list_unsent(session)
    assert (view.recipient, view.state, view.reason) == ("ada@example.org", MailState.FAILED, row.reason)
    # The address was wrong in the mail server, say, and is right now.
    assert service.retry_failed(mail_context) == 1
    assert run_due(mail_context) == 1
    assert drop.list_recipients() == ["grace@example.org", "ada@example.org"]


def test_a_server_that_is_down_costs_a_pause_and_no_message(
    mail_context: Context, drop: MailDrop, clock: SettableClock, caplog: pytest.LogCaptureFixture
) -> None:
    drop.stop()
    put(mail_context, make_mail(), make_mail("grace@example.org"))
    with caplog.at_level(logging.DEBUG):
        for _ in range(3):
            assert run_due(mail_context) == 0
    # The third round found nothing due: both wait.
    assert caplog.text.count("cannot be reached") == 2
    assert [(row.state, row.attempts) for row in rows(mail_context)] == [("waiting", 1)] * 2
    assert all("no connection with the mail server" in (row.reason or "") for row in rows(mail_context))
    drop.start()
    assert run_due(mail_context) == 0
    clock.moment += PAUSES[0]
    assert run_due(mail_context) == 2
    assert sorted(drop.list_recipients()) == ["ada@example.org", "grace@example.org"]


def test_a_connection_that_breaks_is_no_refusal(mail_context: Context, drop: MailDrop) -> None:
    drop.answers["ada@example.org"] = ["421 4.3.2 shutting down"]
    put(mail_context, make_mail(), make_mail("grace@example.org"))
    assert run_due(mail_context) == 0
    assert [row.state for row in rows(mail_context)] == ["waiting", "waiting"]
    assert run_due(mail_context) == 1
    assert drop.list_recipients() == ["grace@example.org"]


def test_a_server_that_never_finishes_is_left(
    mail_context: Context, drop: MailDrop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp, "SESSION_SECONDS", 0.3)
    drop.hold = True
    put(mail_context, make_mail())
    began = time.monotonic()
    assert run_due(mail_context) == 0
    assert time.monotonic() - began < smtp.REPLY_SECONDS
    [row] = rows(mail_context)
    assert (row.state, row.attempts) == ("waiting", 1)
    assert timedelta(seconds=60 + 3 * smtp.REPLY_SECONDS) < LEASE


# --- what is over, and what is old ------------------------------------------------------------------------------


def test_what_was_taken_back_while_it_was_sent_is_not_tried_again(mail_context: Context) -> None:
    put(mail_context, make_mail(), make_mail(event="2"))
    mail = service.claim(mail_context)
    assert mail is not None
    with mail_context.database.write() as session:
        service.withdraw(session, "trustees/abc", is_over=False)
    service.mark_later(mail_context, mail, "no connection")
    assert rows(mail_context) == []


@pytest.mark.parametrize("is_over", [True, False])
def test_a_failure_stays_to_be_seen_while_the_election_goes_on(
    mail_context: Context, drop: MailDrop, is_over: bool
) -> None:
    drop.answers["ada@example.org"] = ["550 no such user"]
    put(mail_context, make_mail(), make_mail("grace@example.org"))
    run_due(mail_context)
    with mail_context.database.write() as session:
        service.withdraw(session, "trustees/abc", is_over=is_over)
    assert [row.state for row in rows(mail_context)] == (["sent"] if is_over else ["failed", "sent"])


def test_after_a_while_nobody_can_read_who_was_told(
    each_mail_context: Context, drop: MailDrop, clock: SettableClock
) -> None:
    context = each_mail_context
    drop.answers["failed@example.org"] = ["550 no such user"]
    put(context, make_mail(), make_mail("grace@example.org", name="Grace"), make_mail("failed@example.org"))
    assert run_due(context) == 2
    clock.moment += service.FORGET_AFTER - timedelta(seconds=1)
    assert service.forget_recipients(context) == 0
    assert [row.recipient for row in rows(context)][:2] == ["ada@example.org", "grace@example.org"]
    clock.advance(seconds=1)
    # The timer looks once in an hour.
    run_due(context)
    clock.moment += FORGETTING_INTERVAL
    run_due(context)
    ada, grace, failed = rows(context)
    assert (failed.recipient, failed.payload["name"]) == ("failed@example.org", "Ada")
    assert (ada.payload, grace.payload) == ({}, {})
    assert len({ada.recipient, grace.recipient}) == 2
    for row in (ada, grace):
        assert re.fullmatch(r"forgotten:[0-9a-f]{64}", row.recipient)
        assert row.recipient != f"forgotten:{sha256_hex(b'ada@example.org')}"
    # The same turn lasts still: nobody is told a second time, and whoever is new on the seat is told.
    assert put(context, make_mail(), make_mail("emmy@example.org")) == [False, True]
    assert service.forget_recipients(context) == 0


def test_the_address_is_found_again_with_the_secret_only(
    mail_context: Context, drop: MailDrop, clock: SettableClock
) -> None:
    put(mail_context, make_mail())
    run_due(mail_context)
    clock.moment += service.FORGET_AFTER
    assert service.forget_recipients(mail_context) == 1
    assert put(with_settings(mail_context, secret=bytes(32)), make_mail()) == [True]


# --- nobody writes into the head of a message --------------------------------------------------------------------


@pytest.mark.parametrize("extensions,wanted", [({"dsn", "size"}, ["size=", "ret="]), ({"size"}, ["size="])])
def test_what_comes_back_is_asked_for_without_its_text(extensions: set[str], wanted: list[str]) -> None:
    asked = []

    class Client(smtplib.SMTP):
        does_esmtp = True

        def has_extn(self, opt: str) -> bool:
            return opt in extensions

        def docmd(self, cmd: str, args: str = "") -> tuple[int, bytes]:
            return 250, b"OK"

        def putcmd(self, cmd: str, args: str = "") -> None:
            asked.append(args)

        def getreply(self) -> tuple[int, bytes]:
            return (354 if asked[-1] == "" else 250), b"OK"

        def send(self, s: object) -> None:
            asked.append("text")

    message = EmailMessage()
    message.set_content("a link")
    smtp.Connection(Client(local_hostname="test")).send(message, SENDER, "ada@example.org")
    options = asked[0].split()[1:]
    assert [option.partition("=")[0] + "=" for option in options] == wanted
    assert ("ret=hdrs" in options) == ("dsn" in extensions)


@pytest.mark.parametrize("end", ["\r\n", "\n", "\r", "\r\n\r\n", "\x00", "\u2028", "\x0b", "\x85"])
def test_a_name_adds_no_header(mail_context: Context, drop: MailDrop, end: str) -> None:
    """The pages refuse such names; should one get into the table, its mail does not go out."""
    put(
        mail_context,
        make_mail(election=f"Officers{end}Bcc: everybody@example.org"),
        make_mail("b@example.org"),
    )
    assert run_due(mail_context) == 1
    assert drop.list_recipients() == ["b@example.org"]
    [row, _] = rows(mail_context)
    assert (row.state, row.reason) == ("failed", "the message cannot be written (ValueError)")


def test_text_stays_text(mail_context: Context, drop: MailDrop) -> None:
    """A line that looks like the end, names with other letters and long ones, and signs of templates and HTML."""
    name = "Wahl — „für alle“ Élection du comité exécutif " + "日本語 " * 30 + "<b>{{ 7*7 }} %(x)s & co</b>"
    put(mail_context, make_mail(election=name, name=".\u00ad. QUIT <script>"))
    assert run_due(mail_context) == 1
    [received] = drop.received
    assert received.message["Subject"] == f"It is your turn: step 2 of 6, {name}"
    assert f"“{name}”" in received.text
    assert "Dear .\u00ad. QUIT <script>," in received.text
    assert max(map(len, received.raw.splitlines())) <= 78
    assert received.raw.isascii()


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ada",
        "ada@",
        "@example.org",
        "ada@example.org\r\nBcc: eve@example.org",
        "ada@example.org, eve@example.org",
        "Ada <ada@example.org>",
        "ada@example.org>",
        "a b@example.org",
        "ada@exam ple.org",
        "ada@@example.org",
        '"ada"@example.org',
        "adä@example.org",
        "ada@example..org",
        "ada@-example.org",
        "a" * 65 + "@example.org",
        "ada@" + "a." * 130 + "org",
        "ada@example.org\n",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    assert not smtp.is_address(address)
    assert smtp.is_address("Ada.B+vote@mail-1.example.org")


# --- several processes -------------------------------------------------------------------------------------------


@pytest.fixture
def instance(each_mail_context: Context) -> dict[str, str]:
    """The environment of processes of the same installation."""
    settings = each_mail_context.settings
    (settings.instance_folder / SECRET_FILE_NAME).write_text("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("STEWARD_")}
    return inherited | {
        "PYTHONPATH": str(PROJECT),
        "STEWARD_INSTANCE": str(settings.instance_folder),
        "STEWARD_DATABASE_URL": settings.database_url,
        "STEWARD_SMTP_URL": settings.smtp_url,
        "STEWARD_MAIL_FROM": SENDER,
    }


@contextmanager
def sending(environment: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """`steward mail send` as a process of its own."""
    process = subprocess.Popen(
        [*STEWARD, "mail", "send"], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        with process:
            yield process
    finally:
        process.kill()


def test_two_processes_send_each_message_once(
    each_mail_context: Context, drop: MailDrop, clock: SettableClock, instance: dict[str, str]
) -> None:
    recipients = [f"trustee{number:02}@example.org" for number in range(30)]
    clock.moment = datetime.now(UTC) - timedelta(minutes=1)
    put(each_mail_context, *(make_mail(recipient) for recipient in recipients))
    with sending(instance) as first, sending(instance) as second:
        outputs = [process.communicate(timeout=60) for process in (first, second)]
    assert [errors for _, errors in outputs if errors and "was not taken" not in errors] == []
    counts = [int(out.removesuffix(" sent.\n")) for out, _ in outputs]
    assert sum(counts) == 30
    assert sorted(drop.list_recipients()) == recipients
    assert {row.state for row in rows(each_mail_context)} == {"sent"}


def test_a_killed_process_costs_at_most_one_duplicate_after_its_lease(
    each_mail_context: Context, drop: MailDrop, clock: SettableClock, instance: dict[str, str]
) -> None:
    """The mail server has the message, and the process dies before it can write that down. Nobody can know then
    whether it was sent; so it is sent again, not before the lease is over, and can be recognised.
    """
    clock.moment = datetime.now(UTC) - timedelta(minutes=1)
    put(each_mail_context, make_mail(), make_mail("grace@example.org"))
    drop.hold = True
    with sending(instance) as process:
        assert drop.arrived.wait(60)
        process.kill()
        process.wait()
    drop.hold = False
    assert drop.list_recipients() == ["ada@example.org"]
    clock.moment = datetime.now(UTC)
    # Others go on with the rest, and leave that one alone.
    assert run_due(each_mail_context) == 1
    assert drop.list_recipients() == ["ada@example.org", "grace@example.org"]
    [row, _] = rows(each_mail_context)
    assert (row.state, row.attempts) == ("sending", 1)
    clock.moment += LEASE
    assert run_due(each_mail_context) == 1
    clock.moment += 3 * LEASE
    assert run_due(each_mail_context) == 0
    first, _, again = drop.received
    assert again.recipients == ("ada@example.org",)
    assert again.message["Message-ID"] == first.message["Message-ID"]
    assert {row.state for row in rows(each_mail_context)} == {"sent"}


def test_who_lost_its_lease_has_nothing_to_say(each_mail_context: Context, clock: SettableClock) -> None:
    context = each_mail_context
    put(context, make_mail())
    slow = service.claim(context)
    assert slow is not None
    assert service.claim(context) is None
    clock.moment += LEASE
    other = service.claim(context)
    assert other is not None
    assert (other.id, other.attempts) == (slow.id, 2)
    service.mark_failed(context, slow, "too late")
    assert rows(context)[0].state == "sending"
    service.mark_sent(context, other)
    service.mark_later(context, slow, "too late")
    assert (rows(context)[0].state, rows(context)[0].reason) == ("sent", None)


def test_what_is_overtaken_is_taken_back_unless_it_is_being_sent(
    each_mail_context: Context, clock: SettableClock
) -> None:
    context = each_mail_context
    old, held, kept = make_mail("a@example.org"), make_mail("b@example.org"), make_mail("c@example.org")
    other = replace(make_mail("d@example.org"), topic="trustees/other")
    put(context, held)
    assert service.claim(context) is not None
    put(context, old, kept, other)
    new = make_mail("e@example.org")
    for _ in range(2):
        with context.database.write() as session:
            service.replace_waiting(session, context, "trustees/abc", [kept, new])
    found = {row.recipient[0]: row.state for row in rows(context)}
    assert found == {"b": "sending", "c": "waiting", "d": "waiting", "e": "waiting"}


# --- encrypted ---------------------------------------------------------------------------------------------------


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Any]:
    folder = tmp_path / "tls"
    folder.mkdir()
    return make_certificate(folder)


@pytest.mark.parametrize("kind", ["smtp+starttls", "smtps"])
def test_encrypted_and_with_a_password(
    mail_context: Context,
    certificate: tuple[Path, Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    clock: SettableClock,
    kind: str,
) -> None:
    path, server_side = certificate
    options = (
        {"tls_context": server_side, "auth_required": True}
        if kind == "smtp+starttls"
        # aiosmtpd knows of encryption only what was begun by STARTTLS.
        else {"ssl_context": server_side, "auth_require_tls": False}
    )
    with running_mail_server(with_login=True, **options) as drop, caplog.at_level(logging.DEBUG):
        good = with_settings(mail_context, smtp_url=f"{kind}://{USER}:p%40ss%3Aword%2F1@{HOST}:{drop.port}")
        put(good, make_mail())
        # A certificate that this computer does not trust: nothing is said to that server.
        assert run_due(good) == 0
        assert (drop.logins, drop.received) == ([], [])
        assert "CERTIFICATE_VERIFY_FAILED" in (rows(good)[0].reason or "")
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        clock.moment += PAUSES[0]
        # A wrong password is our fault, not the message's: it waits.
        wrong = with_settings(mail_context, smtp_url=f"{kind}://{USER}:wrong@{HOST}:{drop.port}")
        assert run_due(wrong) == 0
        assert (rows(good)[0].state, rows(good)[0].attempts) == ("waiting", 2)
        clock.moment += PAUSES[1]
        assert run_due(good) == 1
        # The name must be the certificate's: this one is for an address of this machine, not for its name.
        put(good, make_mail(event="2"))
        other = with_settings(good, smtp_url=f"{kind}://{USER}:{'x'}@localhost:{drop.port}")
        logins = len(drop.logins)
        assert run_due(other) == 0
        assert len(drop.logins) == logins
        assert [one.is_encrypted for one in drop.received] == [True]
    assert PASSWORD not in caplog.text
    assert PASSWORD not in repr(good) + repr(smtp.parse_server(good.settings.smtp_url))


def test_without_starttls_on_offer_nothing_is_said(mail_context: Context, drop: MailDrop) -> None:
    """Somebody on the way who removes the offer gets neither password nor mail."""
    context = with_settings(mail_context, smtp_url=f"smtp+starttls://{USER}:x@{HOST}:{drop.port}")
    put(context, make_mail())
    assert run_due(context) == 0
    assert (drop.logins, drop.received) == ([], [])
    assert "STARTTLS" in (rows(context)[0].reason or "")


# --- settings ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url, server",
    [
        ("smtp://mail.example.org", ("smtp", "mail.example.org", 25, "", "")),
        ("smtps://u:p%3A@mail.example.org", ("smtps", "mail.example.org", 465, "u", "p:")),
        ("smtp+starttls://u:p@[::1]:2525/", ("smtp+starttls", "::1", 2525, "u", "p")),
        ("smtp://u:p@127.0.0.1", ("smtp", "127.0.0.1", 25, "u", "p")),
        ("smtp://u:p@localhost", ("smtp", "localhost", 25, "u", "p")),
    ],
)
def test_addresses_of_servers(url: str, server: tuple[object, ...]) -> None:
    found = smtp.parse_server(url)
    assert (found.security, found.host, found.port, found.user, found.password) == server


@pytest.mark.parametrize(
    "url",
    [
        "mail.example.org",
        "http://u:sesame@mail.example.org",
        "smtp://u:sesame@mail.example.org",
        "smtps://u@mail.example.org",
        "smtps://:sesame@mail.example.org",
        "smtps://u:sesame@",
        "smtps://u:sesame@mail.example.org:99999",
        "smtps://u:sesame@mail.example.org:port",
        "smtps://u:sesame@mail.example.org/path",
        "smtps://u:sesame@mail.example.org?x=1",
        "smtps://u:sesame%0D%0AMAIL@mail.example.org",
    ],
)
def test_wrong_addresses_of_servers_are_refused_without_repeating_the_password(url: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        smtp.parse_server(url)
    assert "sesame" not in str(refused.value)
