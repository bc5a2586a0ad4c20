"""Whatever people do, in any order: nothing that was fixed changes, and no election opens or is certified that should
not be.

Hypothesis chooses who does what. A refusal is as good as a success: what counts is what holds afterwards.
"""

import json
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import text

from audit.runner import audit
from crypto.encoding import sha256_hex
from crypto.roll import Member
from tests.voting_app.api import QUESTIONS, ROLL, Api, Run, Trustee
from tests.voting_app.conftest import SettableClock, make_settings
from voting_app.accounts.service import Actor
from voting_app.app import create_app
from voting_app.booth import service as booth
from voting_app.candidates import service as candidates
from voting_app.candidates.service import Change
from voting_app.context import Context
from voting_app.db import Database
from voting_app.elections import service
from voting_app.elections.drawing import draw_order
from voting_app.errors import Problem
from voting_app.mailing import addresses
from voting_app.roll import members
from voting_app.roll import service as roll
from voting_app.roll.members import Wanted

OFFICERS = ("committee", "second", "third")
# Others try the officers' acts too.
OTHERS = ("registrar", "observer", "helpdesk", "administrator", "trustee")
PEOPLE = st.sampled_from([*OFFICERS, *OFFICERS, *OTHERS])
# The result would say how its only member voted, so the privacy check blocks the opening.
LONELY = "name,member_number\nAda,M1\n"
REASON = {"reason": "The hall is closed."}
STATEMENT = {"statement": "The result stands."}
# A request of the right form is done, waits for another officer, or is refused.
ANSWERS = frozenset({200, 201, 202, 401, 403, 404, 409, 422})
VOTES = [[0], [0]]
# What one officer alone does to an election, and what needs several, with a body.
SHARED: dict[str, Any] = {
    "roll/freeze": None,
    "open": None,
    "pause": REASON,
    "resume": None,
    "extend": {"closes_at": "2026-12-24T12:00:00Z", **REASON},
    "close": None,
    "certify": STATEMENT,
    "cancel": REASON,
    "untalliable": REASON,
}
# Journal line of a shared act.
KINDS = frozenset(
    {
        "roll-frozen",
        "opened",
        "paused",
        "resumed",
        "extended",
        "closed",
        "certified",
        "cancelled",
        "untalliable",
    }
)


def add_officers(api: Api) -> None:
    for name in OFFICERS[1:]:
        api.tokens[name] = api.make_token("committee")
    for role in OTHERS:
        api.tokens.setdefault(role, api.make_token(role))


class Election(RuleBasedStateMachine):
    """One election, and what was seen of it before."""

    template: Path
    api: Api | None = None

    @initialize(
        certifiers=st.sampled_from([1, 2, 3]),
        roll=st.sampled_from([ROLL, ROLL, ROLL, LONELY]),
        steps=st.sampled_from([0, 3, 5, 6, 8]),
    )
    def begin(self, certifiers: int, roll: str, steps: int) -> None:
        """An election that has come so many steps far; few would get far by chance."""
        self.folder, self.clock = Path(tempfile.mkdtemp()), SettableClock()
        shutil.copyfile(self.template, self.folder / "steward.sqlite3")
        url = f"sqlite:///{self.folder / 'steward.sqlite3'}"
        context = Context(make_settings(self.folder, url), Database(url), self.clock)
        app = create_app(context.settings, clock=self.clock, database=context.database)
        self.api = Api(context, app.test_client())
        add_officers(self.api)
        # One certifier stands for the waiver of an organisation with a single officer.
        self.needed = min(certifiers, 2)
        self.certifiers = certifiers
        rules = {} if certifiers == 1 else {"single_officer": None, "certifiers": certifiers}
        self.run = Run(self.api).create(**rules)
        self.is_lonely = roll == LONELY
        self.is_drilled = self.has_mismatch = False
        self.fixed: dict[str, Any] = {}
        self.journal = self.box = b""
        self.run.committee("roll", roll)
        for _ in range(steps):
            self.go_on()

    def teardown(self) -> None:
        if self.api is None:
            return
        try:
            self.audit()
        finally:
            for desk in list(booth._desks):
                desk.close()
            self.api.context.database.dispose()
            shutil.rmtree(self.folder)

    def audit(self) -> None:
        """The auditor finds nothing, wherever it all ended; what has not happened yet cannot be checked."""
        box, journal = self.folder / "box.bel", self.folder / "journal.jsonl"
        box.write_bytes(self.box)
        journal.write_bytes(self.journal)
        if self.box:
            report = audit(box, journal)
            assert report.verdict != "findings", report.as_json()

    def ask(self, who: str, path: str, body: Any = None, method: str = "POST") -> int:
        assert self.api is not None
        address = f"{self.run.base}/{path}".rstrip("/")
        answer = self.api.send(method, address, body, role=who)
        assert answer.status_code in ANSWERS, answer.text
        assert who in OFFICERS or answer.status_code == 403, answer.text
        return answer.status_code

    def fetch(self, name: str) -> bytes:
        assert self.api is not None
        return self.api.client.get(f"/elections/{self.run.uuid}/{self.run.uuid}.{name}").data

    # --- what people do ---

    @rule(who=PEOPLE, number=st.integers(2, 6))
    def import_roll(self, who: str, number: int) -> None:
        rows = "".join(f"Member {n},M{n}\n" for n in range(1, number + 1))
        if self.ask(who, "roll", f"name,member_number\n{rows}") == 200:
            self.is_lonely = False

    @rule(who=PEOPLE)
    def edit(self, who: str) -> None:
        plan = {"closes_at": "2026-11-24T12:00:00Z", "trustees": {"singles": 1}, "credential_mode": "server"}
        self.ask(who, "", {"name": "Another", "questions": QUESTIONS, **plan}, "PUT")

    @rule()
    def go_on(self) -> None:
        """Whatever comes next on the way to a result, by those whose business it is, as often as it takes."""
        state = self.run.status()["state"]
        if state == "draft":
            self.together("roll/freeze")
        elif state == "roll-frozen" and not self.run.credentials:
            self.run.generate().seat()
        elif state == "roll-frozen" and not self.run.trustees[0].secret:
            self.run.ceremony()
        elif state == "roll-frozen":
            self.ask("committee", "keys")
        elif state == "keys-ready" and not self.is_drilled:
            self.run.drill()
            self.is_drilled = True
        elif state == "keys-ready":
            self.together("open")
        elif state == "open":
            self.together("close")
        elif state == "closed":
            self.run.decrypt()
        elif state == "tallied":
            self.together("certify")

    def together(self, act: str) -> None:
        for who in OFFICERS:
            self.ask(who, act, SHARED[act])

    @rule(who=PEOPLE, act=st.sampled_from(sorted(SHARED)))
    def act(self, who: str, act: str) -> None:
        self.ask(who, act, SHARED[act])

    @rule(who=PEOPLE, act=st.sampled_from(sorted(SHARED)))
    def withdraw(self, who: str, act: str) -> None:
        assert self.api is not None
        name = "freeze-roll" if act == "roll/freeze" else act
        waiting = self.api.get(f"{self.run.base}/proposals", role="observer")["proposals"]
        subjects = [proposal["subject"] for proposal in waiting if proposal["act"] == name]
        self.ask(who, f"proposals/{name}/withdraw", {"subject": (*subjects, "0" * 64)[0]})

    @rule(who=PEOPLE)
    def make_keys(self, who: str) -> None:
        self.ask(who, "keys")

    @rule(who=PEOPLE)
    def restart_trustee(self, who: str) -> None:
        assert self.api is not None
        path = f"{self.run.base}/trustees/1/restart"
        answer = self.api.send("POST", path, REASON, role=who)
        assert answer.status_code in ANSWERS, answer.text
        if answer.status_code == 200:
            self.run.trustees = [Trustee(1, "single", answer.get_json()["token"])]

    @rule(what=st.sampled_from(["add", "change", "remove", "statement", "draw", "rule"]))
    def work_in_the_office(self, what: str) -> None:
        """What only pages do, by the functions behind them: the newest version of everything is at hand there."""
        assert self.api is not None
        context, uuid = self.api.context, self.run.uuid
        try:
            if what == "add":
                members.add_member(context, uuid, Member("Eve", "M9"))
            elif what in ("change", "remove"):
                entry = members.find_entries(context, uuid, Wanted())[0]
                if what == "change":
                    members.change_member(context, uuid, entry.number, entry.version, Member("Eve", "M1"))
                else:
                    members.remove_member(context, uuid, entry.number, entry.version)
            elif what == "draw":
                draw_order(context, uuid, 0, Actor("committee", 1))
            else:
                self.write(what)
        except Problem as problem:
            if problem.status not in ANSWERS:
                raise
        if self.run.status()["state"] == "draft":
            self.is_lonely = self.count_voters() < 2

    def write(self, what: str) -> None:
        assert self.api is not None
        context, uuid = self.api.context, self.run.uuid
        with context.database.write() as session:
            view = service.election_for_box(session, uuid)
            if what == "rule":
                addresses.set_confirming(session, view.id, wanted=False)
        if what == "statement":
            change, revision = Change({"en": "I am Ada."}, None), service.get_revision(view)
            candidates.set_candidate(context, uuid, 0, 0, change, expected=revision)

    def count_voters(self) -> int:
        assert self.api is not None
        with self.api.context.database.read() as session:
            return len(roll.list_eligible(session, service.election_for_box(session, self.run.uuid).id))

    @rule(member=st.sampled_from(["M1", "M2", "M3"]), is_cast=st.booleans())
    def vote(self, member: str, is_cast: bool) -> None:
        if "election" not in self.fixed or member not in self.run.credentials:
            return
        assert self.api is not None
        ballot = self.run.make_ballot(member, VOTES)
        place = "ballots" if is_cast else "challenges"
        answer = self.api.send("POST", f"{self.run.base}/{place}", ballot)
        assert answer.status_code in (200, 201, 409), answer.text
        assert answer.status_code == 409 or self.fixed.get("opened"), "taken though it was never opened"

    @rule()
    def replace_credential(self) -> None:
        assert self.api is not None
        body = {"member_numbers": ["M1"]}
        answer = self.api.send("POST", f"{self.run.base}/credentials/replace", body, role="registrar")
        assert answer.status_code in ANSWERS, answer.text
        if answer.status_code == 200:
            self.run.generate()

    @rule(hours=st.sampled_from([1, 30]))
    def wait(self, hours: int) -> None:
        self.clock.advance(hours=hours)

    @rule(change=st.sampled_from(["name = 'Mallory'", "eligible = false", "weight = 2"]))
    def falsify_the_roll(self, change: str) -> None:
        """Somebody with the database at hand changes the roll after all: its hash does not agree any more."""
        if self.run.status()["state"] in ("closed", "tallied") and not self.has_mismatch:
            self.has_mismatch = True
            assert self.api is not None
            with self.api.context.database.write() as session:
                # Our own words.
                session.execute(text(f"UPDATE roll_entry SET {change}"))  # noqa: S608

    # --- what holds ---

    @invariant()
    def what_is_written_stays(self) -> None:
        journal, box = self.fetch("journal.jsonl"), self.fetch("bel")
        assert journal.startswith(self.journal)
        assert box.startswith(self.box)
        for line in map(json.loads, journal[len(self.journal) :].splitlines()):
            self.check_line(line)
        self.journal, self.box = journal, box

    def check_line(self, line: dict[str, Any]) -> None:
        kind, actor = line["kind"], line["actor"]
        if kind == "approval":
            self.fixed.setdefault("approving", set()).add(actor)
        elif kind in KINDS:
            others = self.fixed.pop("approving", set())
            if actor.startswith("committee:"):
                needed = self.certifiers if kind == "certified" else self.needed
                assert len(others | {actor}) == needed, f"{kind} by {len(others) + 1}"
        if kind == "opened":
            assert self.is_drilled, "opened without a drill"
            assert not self.is_lonely, "opened though the privacy check blocks it"
            self.fixed["opened"] = True
        if kind == "certified":
            assert not self.has_mismatch, "certified though the roll does not agree"

    @invariant()
    def what_is_fixed_stays(self) -> None:
        assert self.api is not None
        status = self.run.status()
        now = {"roll": status["roll"], "fingerprint": status["fingerprint"]}
        for name in ("election", "trustees", "credentials"):
            answer = self.api.send("GET", f"{self.run.base}/{name}")
            now[name] = sha256_hex(answer.data) if answer.status_code == 200 else None
        if status["roll"] is not None and not self.has_mismatch:
            now["members"] = self.hash_roll()
        for name, value in now.items():
            if value is not None:
                assert self.fixed.setdefault(name, value) == value, f"{name} has changed"
            else:
                assert name not in self.fixed, f"{name} is gone"

    def hash_roll(self) -> str:
        """Of the members that there are."""
        assert self.api is not None
        with self.api.context.database.read() as session:
            id_ = service.election_for_box(session, self.run.uuid).id
            return roll.hash_roll("", roll.list_members(session, id_))


def test_no_sequence_of_acts_changes_what_is_fixed(sqlite_template: Path, samples: int) -> None:
    Election.template = sqlite_template
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        Election,
        settings=hypothesis.settings(
            max_examples=samples // 12,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.mark.parametrize("act, kind", [("roll/freeze", "roll-frozen"), ("cancel", "cancelled")])
def test_three_at_once_have_one_effect_and_one_clear_message(
    each_context: Context, act: str, kind: str
) -> None:
    """Three officers want the same at the same moment: two of them do it, and the third reads that it is done."""
    app = create_app(each_context.settings, clock=each_context.clock, database=each_context.database)
    api = Api(each_context, app.test_client())
    add_officers(api)
    run = Run(api).create(single_officer=None)
    run.committee("roll", ROLL)
    barrier = Barrier(len(OFFICERS))

    def want(who: str) -> tuple[int, str]:
        client, headers = app.test_client(), {"Authorization": f"Bearer {api.tokens[who]}"}
        barrier.wait()
        answer = client.post(f"{run.base}/{act}", json=SHARED[act] or {}, headers=headers)
        return answer.status_code, answer.get_json().get("code", "")

    with ThreadPoolExecutor(len(OFFICERS)) as pool:
        said = sorted(pool.map(want, OFFICERS))
    assert said == [(200, ""), (202, ""), (409, "wrong-state")]
    raw = app.test_client().get(f"/elections/{run.uuid}/{run.uuid}.journal.jsonl").data
    kinds = [json.loads(line)["kind"] for line in raw.splitlines()]
    assert (kinds.count(kind), kinds.count("approval")) == (1, 1)
