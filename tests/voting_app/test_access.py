"""Every address, every role, every state of an election: the answers are those of docs/access.md."""

import random
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from itsdangerous import URLSafeTimedSerializer
from sqlalchemy import text

from crypto.encoding import encode_json
from crypto.roll import COLUMNS
from paper.sheets import Layout
from tests.voting_app.api import ALONE, Api, Run
from tests.voting_app.conftest import SettableClock, make_settings
from tests.voting_app.public.stages import TEXTS, make_stage
from voting_app.access import STAFF, Role
from voting_app.access_table import ACTS, STATES, Row, list_rows, make_document
from voting_app.accounts import logins
from voting_app.accounts import service as accounts
from voting_app.app import create_app
from voting_app.context import Context
from voting_app.db import Database
from voting_app.elections.states import State
from voting_app.sheets import service as sheets
from voting_app.sheets.service import Choice

ROOT = Path(__file__).parent.parent.parent
HASH = "a" * 64
# Where an address is refused because of the state: something that is not there, or not possible now.
_NOT_NOW = frozenset({404, 409})
# With more samples than these every pair of address and role is tried in every state.
_FEW = 100

# What programs send, right in form. Where a function stands: made with the election.
JSON: dict[str, Any] = {
    "certification.certify": {"statement": "It stands."},
    "elections.cancel_election": {"reason": "x"},
    "elections.extend_election": {"closes_at": "2026-12-23T12:00:00Z", "reason": "x"},
    "elections.pause_election": {"reason": "x"},
    "incidents.record_complaint": {"text": "x"},
    "incidents.resolve_complaint": {"text": "x"},
    "elections.update_election": TEXTS
    | ALONE
    | {"closes_at": "2026-11-24T12:00:00Z", "credential_mode": "server"},
    "approvals.withdraw": {"subject": HASH},
    "registrar.replace_credentials": {"member_numbers": ["M1"]},
    "registrar.forget_credentials": {"member_numbers": ["M1"]},
    "registrar.publish_credentials": ["a"],
    "roll.import_roll": "name,member_number\nAda,M1\nGrace,M2\n",
    "roll.preview_roll": "name,member_number\nAda,M1\nGrace,M2\n",
    "booth.look_up_credential": {"credential": "00"},
    "tally.declare_untalliable": {"reason": "x"},
    "trustees.restart_seat": {"reason": "x"},
    "trustees.set_person": {"name": "Eva"},
    "trustees.submit_commitment": {"commitment": HASH},
}
# What the office's forms have, beside the second factor and what is against forms of other sites.
_MEMBER = dict.fromkeys(COLUMNS, "") | {"name": "Eva", "member_number": "M9"}
FORMS: dict[str, dict[str, str]] = {
    "approvals_office.agree": {"subject": HASH},
    "approvals_office.propose": {"reason": "x"},
    "approvals_office.withdraw": {"subject": HASH},
    "candidates_office.set_candidate": {"revision": HASH, "statement-en": "", "statement-es": ""},
    "incidents_office.record_complaint": {"text": "x"},
    "incidents_office.resolve_complaint": {"text": "x"},
    "mailing_office.change_rule": {"confirming": "yes"},
    "mailing_office.start_run": {"shown": HASH, "keep": "7"},
    "roll_office.add_member": _MEMBER,
    "roll_office.change_member": _MEMBER | {"version": HASH},
    "roll_office.remove_member": {"version": HASH},
    "roll_office.take_upload": {"file": HASH, "roll": HASH},
    "sheets_office.create_run": {"who": "all", "layout": "letter-a4"},
    "sheets_office.say_printed": {"sure": "yes"},
    "trustees_office.restart_seat": {"name": "Eva", "email": "", "reason": "x"},
    "trustees_office.seat_trustees": {"name-1": "Eva", "email-1": "", "name-2": "Max", "email-2": ""},
    "trustees_office.set_person": {"name": "Eva", "email": ""},
}
# Forms that ask for no code: nothing is done by them that could not be undone as easily.
_WITHOUT_CODE = frozenset(
    {
        "approvals_office.withdraw",
        "elections_editor.save_election",
        "candidates_office.set_candidate",
        "mailing_office.ask_member",
        "mailing_office.note_bounced",
        "roll_office.add_member",
        "roll_office.change_member",
        "roll_office.drop_upload",
        "roll_office.remove_member",
        "roll_office.copy_roll",
        "roll_office.upload_roll",
        "sheets_office.drop_run",
        "trustees_office.remind",
        "trustees_office.set_person",
    }
)
# Where a right request would need more than an election in this state, like the message of a certain step: how it is
# refused then. That such requests do what they should is the business of their own tests.
NOT_RIGHT: dict[str, int] = {
    "approvals.withdraw": 409,
    "approvals_office.agree": 409,
    "approvals_office.withdraw": 409,
    "booth.cast_ballot": 400,
    "booth.challenge_ballot": 400,
    "booth.look_up_credential": 422,
    "booth.send_challenged_ballot": 404,
    "candidates.send_photo": 404,
    "candidates_office.send_photo": 404,
    "candidates_office.set_candidate": 409,
    "elections.open_election": 409,
    "elections_editor.save_election": 400,
    "incidents.resolve_complaint": 404,
    "incidents_office.resolve_complaint": 404,
    "incidents_office.show_complaint": 404,
    "ledger.send_object": 404,
    "issuing_office.publish_list": 422,
    "issuing_office.send_members": 409,
    "mailing_office.ask_member": 409,
    "mailing_office.ask_members": 409,
    "mailing_office.note_arrived": 404,
    "mailing_office.note_bounced": 404,
    "mailing_office.send_again": 404,
    "mailing_office.show_run": 409,
    "mailing_office.start_run": 409,
    "registrar.forget_credentials": 409,
    "registrar.publish_credentials": 409,
    "registrar.replace_credentials": 409,
    "registrar_office.replace_credential": 409,
    "roll_office.change_member": 409,
    "roll_office.copy_roll": 400,
    "roll_office.remove_member": 409,
    "roll_office.take_upload": 409,
    "roll_office.upload_roll": 400,
    "sheets_office.create_run": 422,
    "sheets_office.download_all": 404,
    "sheets_office.download_part": 404,
    "sheets_office.drop_run": 404,
    "sheets_office.say_printed": 404,
    "sheets_office.show_run": 404,
    "trustees.create_seats": 409,
    "trustees.ready_keys": 409,
    "trustees.submit_certificate": 422,
    "trustees.submit_commitment": 409,
    "trustees.submit_reveal": 409,
    "trustees.submit_share": 409,
    "trustees_office.ready_keys": 409,
    "trustees_office.remind": 409,
    "trustees_office.seat_trustees": 409,
}
# These look at what was sent before they look at the election.
LOOK_FIRST = frozenset(
    {
        "booth.cast_ballot",
        "booth.challenge_ballot",
        "elections_editor.save_election",
        "issuing_office.publish_list",
        "roll_office.copy_roll",
        "roll_office.upload_roll",
        "sheets_office.create_run",
    }
)


# --- people --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Somebody:
    """Who sends a request. kind: "nobody", "program" or "person"; headers: with what."""

    kind: str
    role: str
    headers: dict[str, str]
    form_token: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.role}"


def make_people(app: Flask, api: Api, run: Run) -> list[Somebody]:
    """Everybody there is, a token of each role, and a login of each role that persons can have."""
    now = api.context.clock.now()
    people = [Somebody("nobody", "", {})]
    for role in Role:
        token = run.trustees[0].token if role is Role.TRUSTEE and run.trustees else api.make_token(str(role))
        people.append(Somebody("program", str(role), {"Authorization": f"Bearer {token}"}))
    with api.context.database.write() as session:
        ended = accounts.create_token(session, role="committee", label="", now=now)
        accounts.end_account(session, ended.actor.account_number, now)
        for role in STAFF:
            email = f"{role}@example.org"
            actor = accounts.create_account(session, role=role, label=role, now=now, email=email)
            token = logins._add_session(session, actor.account_number, "", now, is_full=True)
            people.append(Somebody("person", str(role), *make_cookie(app, token)))
    people.append(Somebody("nobody", "whose account has ended", {"Authorization": f"Bearer {ended.text}"}))
    return people


def make_cookie(app: Flask, token: str) -> tuple[dict[str, str], str]:
    """The office's cookie of somebody who is logged in, as a header, and what their forms have."""
    serializer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    cookie = serializer.dumps({"_user_id": token, "csrf_token": HASH})
    assert isinstance(app.secret_key, str | bytes)
    form_token = URLSafeTimedSerializer(app.secret_key, salt="wtf-csrf-token").dumps(HASH)
    return {"Cookie": f"{app.config['SESSION_COOKIE_NAME']}={cookie}"}, str(form_token)


def is_allowed(row: Row, who: Somebody) -> bool:
    """What the table says."""
    if row.mark.audience in ("public", "entrance"):
        return True
    kind = "program" if row.mark.audience == "token" else "person"
    return who.kind == kind and who.role in row.mark.roles


# --- requests ------------------------------------------------------------------------------------------------


@dataclass
class Walk:
    """The application with one election, and what was found out."""

    app: Flask
    run: Run
    state: State
    entry: int
    confirmed: list[str] = field(default_factory=list)

    def send(self, row: Row, who: Somebody) -> tuple[int, str]:
        """Status and code of the answer; no code of one that is no problem document."""
        client = self.app.test_client(use_cookies=False)
        path = fill(row, self.run.uuid, self.entry)
        more: dict[str, Any] = {}
        if row.method != "GET" and row.mark.audience in ("public", "token"):
            body = JSON.get(row.endpoint)
            body = MADE[row.endpoint](self.run) if row.endpoint in MADE else body
            more["data"] = body if isinstance(body, str) or body is None else encode_json(body)
        elif row.method != "GET":
            fields = dict(FORMS.get(row.endpoint, {}))
            if row.endpoint not in _WITHOUT_CODE:
                fields["code"] = "000000"
            more["data"] = fields | {"csrf_token": who.form_token}
        with client.open(path, method=row.method, headers=who.headers, **more) as answer:
            is_problem = answer.mimetype == "application/problem+json"
            return answer.status_code, answer.get_json()["code"] if is_problem else ""


def fill(row: Row, uuid: str, entry: int) -> str:
    """The row's address of this election, with its trustee 1 and a member."""
    name = HASH if "objects" in row.address else uuid
    values = {"uuid": uuid, "name": name, "owner": "1", "number": str(entry), "entry": str(entry)}
    values |= {
        "question": "0",
        "answer": "0",
        "digest": HASH,
        "act": "cancel",
        "language": "en",
        "part": "1",
        "photo": HASH,
    }
    return re.sub(r"<(?:\w+:)?(\w+)>", lambda found: values.get(found[1], "1"), row.address)


def _certificate(run: Run) -> Any:
    return run.make_certificate(run.trustees[0]) if run.trustees and run.status()["state"] == "draft" else {}


def _drill(run: Run) -> Any:
    return run.make_drill(run.trustees[0]) if run.status()["state"] == "keys-ready" else {}


def _decryption(run: Run) -> Any:
    if run.status()["state"] == "closed":
        run.inbox(run.trustees[0])
        return run.make_decryption(run.trustees[0])
    return {"partial_decryption": {}, "strong_proofs": {}}


# What depends on the election.
MADE: dict[str, Callable[[Run], Any]] = {
    "tally.submit_decryption": _decryption,
    "trustees.submit_certificate": _certificate,
    "trustees.submit_drill": _drill,
}


def make_election(api: Api, state: State) -> Run:
    """An election in this state; trustees have their seats as soon as they can have them."""
    if state is State.DRAFT:
        run = Run(api).create(**TEXTS)
        run.committee("roll", "name,member_number\nAda,M1\nGrace,M2\n")
    else:
        run = make_stage(api, str(state))
    return run if run.trustees else run.seat()


class Snapshot:
    """The database as it is now, to go back to."""

    def __init__(self, context: Context) -> None:
        assert context.database.url.database is not None
        self.connection = sqlite3.connect(context.database.url.database)
        self.content = sqlite3.connect(":memory:")
        self.connection.backup(self.content)
        self.version = self._read_version()

    def has_changed(self) -> bool:
        """Whether anybody has written since then."""
        return self._read_version() != self.version

    def restore(self) -> None:
        self.content.backup(self.connection)
        self.version = self._read_version()

    def close(self) -> None:
        self.connection.close()
        self.content.close()

    def _read_version(self) -> int:
        # Changes whenever another connection commits.
        return int(self.connection.execute("PRAGMA data_version").fetchone()[0])


@dataclass
class Installation:
    """An application, and its database as it was in the beginning."""

    app: Flask
    api: Api
    empty: Snapshot
    tokens: dict[str, str]


# --- the walk ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Installation]:
    """One application for all states, so that its pages are made ready once."""
    folder = tmp_path_factory.mktemp("access")
    shutil.copyfile(sqlite_template, folder / "steward.sqlite3")
    url = f"sqlite:///{folder / 'steward.sqlite3'}"
    context = Context(make_settings(folder, url), Database(url), SettableClock())
    app = create_app(context.settings, clock=context.clock, database=context.database)
    api = Api(context, app.test_client())
    with closing(Snapshot(context)) as empty:
        yield Installation(app, api, empty, dict(api.tokens))
    context.database.dispose()


@pytest.fixture
def api(installation: Installation) -> Api:
    """Nothing has happened there."""
    installation.empty.restore()
    installation.api.tokens = dict(installation.tokens)
    return installation.api


@pytest.mark.parametrize("state", State)
def test_the_answers_are_those_of_the_table(
    api: Api, state: State, samples: int, rng: random.Random, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is let in who should not be, nobody is kept out who may, and nothing happens in another state.

    A desk sends each refused pair of address and role in one of the states, and each allowed one of a role or two;
    `.ci/run` sends all.
    """
    run, app = make_election(api, state), api.client.application
    walk = Walk(app, run, state, find_entry(api.context, run.uuid))
    monkeypatch.setattr(logins, "confirm", lambda *_: walk.confirmed.append("x"))
    people = make_people(app, api, run)
    faults: list[str] = []
    with closing(Snapshot(api.context)) as database:
        for number, row in enumerate(list_rows(app)):
            for who in choose(row, people, number + list(State).index(state), samples, rng):
                walk.confirmed.clear()
                status, code = walk.send(row, who)
                fault = judge(row, who, state, status, code)
                if database.has_changed():
                    fault = fault or find_stray_change(row, status, walk.confirmed)
                    database.restore()
                if fault:
                    faults.append(
                        f"{row.method} {row.address} ({row.endpoint}) by {who}: {status} {code}, {fault}"
                    )
    assert faults == []


def choose(row: Row, people: list[Somebody], turn: int, samples: int, rng: random.Random) -> list[Somebody]:
    """Who sends this request in this state. What does not ask for the state is sent in a few of them."""
    if samples > _FEW:
        return people
    refused = [
        who for at, who in enumerate(people) if (turn + at) % len(State) == 0 and not is_allowed(row, who)
    ]
    if row.states in (None, frozenset(State)) and turn % 3:
        return refused
    return [*refused, rng.choice([who for who in people if is_allowed(row, who)])]


def find_stray_change(row: Row, status: int, confirmed: list[str]) -> str:
    """What is wrong about a request that has changed the database."""
    if status >= 400:
        return "refused, but the database has changed"
    if row.mark.audience == "login" and row.states and not confirmed and row.endpoint not in _WITHOUT_CODE:
        return "done without a code of the second factor"
    return ""


def judge(row: Row, who: Somebody, state: State, status: int, code: str) -> str:
    """What is wrong about an answer, or "" if it is as the table says."""
    if not is_allowed(row, who):
        if row.mark.audience == "token":
            wanted = (403, "forbidden") if who.kind == "program" else (401, "not-authenticated")
        else:
            wanted = (403, "forbidden") if who.kind == "person" else (401, "not-logged-in")
        return "" if (status, code) == wanted else f"not {wanted}"
    if code in ("forbidden", "not-authenticated", "not-logged-in") or status >= 500:
        return "not let in"
    is_refused_for_itself = status == NOT_RIGHT.get(row.endpoint)
    if row.states is None or (status < 400 and state in row.states):
        return ""
    if state in row.states:
        return "" if is_refused_for_itself else "nothing done in this state"
    is_refused = status in _NOT_NOW or (is_refused_for_itself and row.endpoint in LOOK_FIRST)
    return "" if is_refused else "not refused in this state"


def find_entry(context: Context, uuid: str) -> int:
    """A member's number in the database."""
    with context.database.read() as session:
        return (
            session.execute(
                text(
                    "SELECT roll_entry.id FROM roll_entry JOIN ballot_box USING (election_id) WHERE uuid = :uuid"
                ),
                {"uuid": uuid},
            )
            .scalars()
            .first()
            or 1
        )


def test_no_form_of_the_office_takes_a_field_that_it_does_not_have(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mass assignment: whatever else a form brings, like a role or a state, refuses all of it."""
    run = make_election(api, State.DRAFT)
    walk = Walk(api.client.application, run, State.DRAFT, find_entry(api.context, run.uuid))
    monkeypatch.setattr(logins, "confirm", lambda *_: None)
    people = make_people(walk.app, api, run)
    [ada] = [who for who in people if (who.kind, who.role) == ("person", "administrator")]
    tried = 0
    with closing(Snapshot(api.context)) as database:
        for row in list_rows(walk.app):
            if row.method == "GET" or row.mark.audience != "login" or "<uuid>" not in row.address:
                continue
            monkeypatch.setitem(FORMS, row.endpoint, FORMS.get(row.endpoint, {}) | {"state": "open"})
            status, _ = walk.send(row, ada)
            assert (status >= 400, database.has_changed()) == (True, False), row.endpoint
            tried += 1
    assert tried > 25


def test_no_address_shows_a_voting_code_to_help_desk_or_observer(api: Api) -> None:
    """While codes wait here, and a run of their sheets is ready."""
    run, app = make_election(api, State.KEYS_READY), api.client.application
    entry = find_entry(api.context, run.uuid)
    assert sheets.create_run(api.context, run.uuid, Choice(), Layout.A4) == entry == 1
    codes = [form.encode() for code in run.credentials.values() for form in (code, code.replace("-", ""))]
    found: dict[str, set[int]] = {}
    client = app.test_client(use_cookies=False)
    for who in make_people(app, api, run):
        if who.role not in (Role.HELPDESK, Role.OBSERVER, Role.REGISTRAR) or who.kind == "nobody":
            continue
        for row in list_rows(app):
            if row.method != "GET":
                continue
            with client.open(fill(row, run.uuid, entry), headers=who.headers) as answer:
                assert not [code for code in codes if code in answer.get_data()], f"{row.address} by {who}"
                if row.endpoint == "sheets_office.download_part":
                    found.setdefault(who.role, set()).add(answer.status_code)
    # The registrar has the sheets at one of these addresses, so it is one where they are.
    assert found == {Role.HELPDESK: {401, 403}, Role.OBSERVER: {401, 403}, Role.REGISTRAR: {401, 200}}


# --- the document --------------------------------------------------------------------------------------------


def test_every_address_that_changes_an_election_says_in_which_states(installation: Installation) -> None:
    rows = list_rows(installation.app)
    missing = {row.endpoint for row in rows if row.states == frozenset()}
    assert missing == set(), "say so in voting_app/access_table.py, then run tools/update-access"
    assert not set(ACTS) & set(STATES)
    assert {row.endpoint for row in rows} >= set(STATES)


def test_the_document_shows_the_present_table(installation: Installation) -> None:
    document = (ROOT / "docs/access.md").read_text()
    assert document == make_document(installation.app), "run tools/update-access"
