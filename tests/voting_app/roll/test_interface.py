"""Previewing, saving and taking back a roll: over HTTP and from a terminal, and what stands in no log."""

import json
import logging
import time
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from crypto.roll import Member, encode_roll, parse_roll
from tests.voting_app.api import Api, Run
from voting_app.app import create_app
from voting_app.context import Context
from voting_app.db import Database
from voting_app.elections.models import Election
from voting_app.errors import Problem
from voting_app.roll import service
from voting_app.roll.models import RollEntry

FIRST = (
    "name,member_number,email,unit,weight\nAda,M1,ada@example.org,East,1\nGrace,M2,,East,1\nJoan,M3,,West,1\n"
)


@pytest.fixture
def api(context: Context, client: FlaskClient) -> Api:
    return Api(context, client)


@pytest.fixture
def draft(api: Api) -> Run:
    return Run(api).create()


def preview(run: Run, roll: str | bytes, against: str | None = None) -> Any:
    query = "" if against is None else f"?against={against}"
    return run.committee(f"roll/preview{query}", roll)


def list_entries(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(RollEntry.name).order_by(RollEntry.id)))


def test_a_preview_says_everything_and_writes_nothing(draft: Run) -> None:
    draft.committee("roll", FIRST)
    before = list_entries(draft.api.context.database)
    found = preview(
        draft, "name;member_number;email;weight\nEve;M9;x@example.org;0\n;M8;x@example.org;1\nKim;M7;;1\n"
    )
    assert found["acceptable"] is False
    assert [(fault["row"], fault["column"]) for fault in found["faults"]] == [(2, "weight"), (3, "name")]
    assert (found["members"], found["differences"]) == (1, None)
    assert list_entries(draft.api.context.database) == before == ["Ada", "Grace", "Joan"]


def test_what_a_preview_accepts_an_import_takes(draft: Run) -> None:
    found = preview(draft, FIRST)
    taken = draft.committee("roll", FIRST)
    assert found["acceptable"] is True
    assert {name: found[name] for name in ("members", "eligible", "total_weight")} == {
        name: taken[name] for name in ("members", "eligible", "total_weight")
    }
    assert found["units"][0] == {"path": ["East"], "members": 2, "eligible": 2, "weight": 2}
    assert found["warnings"] == [
        {
            "code": "no-contact",
            "sentence": "There is neither an e-mail address nor a telephone number nor a postal address.",
            "count": 2,
            "groups": [[3], [4]],
        },
        {
            "code": "no-email",
            "sentence": "There is no e-mail address: this member needs a printed sheet.",
            "count": 2,
            "groups": [[3], [4]],
        },
    ]


def test_the_last_frozen_roll_is_compared_with(api: Api, draft: Run) -> None:
    assert preview(draft, FIRST)["differences"] is None
    older, last = Run(api).create(name="Older").freeze(), Run(api).create(name="Last").freeze(FIRST)
    Run(api).create(name="A draft").committee("roll", "name,member_number\nX,1\n")
    second = FIRST.replace("Ada,M1", "Ada L.,M1").replace("Joan,M3", "Kim,M4")
    found = preview(draft, second)["differences"]
    assert found["against"] == {"uuid": last.uuid, "name": "Last"}
    assert found["counts"] == {"new": 1, "gone": 1, "changed": 1}
    assert found["new"] == [{"row": 4, "member_number": "M4", "name": "Kim"}]
    assert found["gone"] == [{"member_number": "M3", "name": "Joan"}]
    assert found["changed"][0]["columns"] == [{"column": "name", "before": "Ada", "after": "Ada L."}]
    # Another one, and the draft's own, are compared with when it is said.
    assert preview(draft, FIRST, older.uuid)["differences"]["against"]["name"] == "Older"
    assert preview(draft, FIRST, draft.uuid)["differences"]["counts"] == {"new": 3, "gone": 0, "changed": 0}


def test_a_roll_of_the_same_unit_comes_first(each_context: Context) -> None:
    app = create_app(each_context.settings, clock=each_context.clock, database=each_context.database)
    api = Api(each_context, app.test_client())
    Run(api).create(name="Local", unit="Local 12").freeze()
    Run(api).create(name="Whole").freeze()
    Run(api).create(name="Other", unit="Local 13").freeze()
    for unit, name in (("Local 12", "Local"), ("", "Whole"), ("Local 14", "Other")):
        run = Run(api).create(**({"unit": unit} if unit else {}))
        assert preview(run, FIRST)["differences"]["against"]["name"] == name
    for against in ("x", "%00", "1" * 14):
        api.refuse(
            404, "unknown-election", f"{run.base}/roll/preview?against={against}", FIRST, role="committee"
        )


def test_a_preview_is_refused_where_an_import_is(draft: Run) -> None:
    draft.freeze(FIRST)
    for path in ("roll", "roll/preview"):
        draft.api.refuse(409, "wrong-state", f"{draft.base}/{path}", FIRST, role="committee")
    draft.api.refuse(
        404, "unknown-election", "/api/v1/elections/11111111111111/roll/preview", FIRST, role="committee"
    )
    for role in ("registrar", "observer"):
        draft.api.refuse(403, "forbidden", f"{draft.base}/roll/preview", FIRST, role=role)
        draft.api.refuse(403, "forbidden", f"{draft.base}/roll/file", method="GET", role=role)


def test_a_saved_roll_is_taken_back_as_it_was(draft: Run) -> None:
    members = [
        Member("=HYPERLINK(1)", "-1", "a@example.org", "+1 555 0100", "1 Main St\n@x", "East > Local 12", 3),
        Member("'t Hooft; =1", "=2", eligible=False, language="es"),
    ]
    draft.committee("roll", encode_roll(members))
    answer = draft.api.send("GET", f"{draft.base}/roll/file", role="committee")
    assert (answer.status_code, answer.mimetype) == (200, "text/csv")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="roll-{draft.uuid}.csv"'
    assert answer.data.startswith(b"\xef\xbb\xbfname,member_number,")
    assert parse_roll(answer.data) == members
    assert b"'=HYPERLINK" in answer.data
    assert preview(draft, answer.data, draft.uuid)["differences"]["counts"] == {
        "new": 0,
        "gone": 0,
        "changed": 0,
    }
    # The registrar's file as well: it is opened with a spreadsheet to address letters.
    draft.committee("roll/freeze")
    frozen = draft.api.send("GET", f"{draft.base}/roll", role="registrar").data
    assert frozen.splitlines()[1].startswith(b"'=HYPERLINK(1),'-1,")
    assert parse_roll(frozen) == members[:1]


def test_no_data_of_members_are_logged(draft: Run, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = ["Lovelace", "secret@example.org", "5550199", "77-number"]
    row = f"{secrets[0]},{secrets[3]},{secrets[1]},{secrets[2]}\n"
    header = "name,member_number,email,phone\n"
    preview(draft, header + row)
    preview(draft, header + row + row + "x,,y,z\n")
    draft.committee("roll", header + row)
    draft.api.refuse(422, "bad-roll", f"{draft.base}/roll", header + row + row, role="committee")
    draft.api.send("GET", f"{draft.base}/roll/file", role="committee")
    assert "roll/preview" in caplog.text
    assert not [secret for secret in secrets if secret in caplog.text]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.binary(max_size=120),
    st.sampled_from([b"", b"name,member_number\n", b"\xff\xfe", b"name;member_number;\xff\n"]),
)
def test_any_bytes_get_an_answer(draft: Run, raw: bytes, header: bytes) -> None:
    """Whatever the file, a preview is an answer and an import is one or a refusal, and both agree."""
    found = preview(draft, header + raw)
    answer = draft.api.send("POST", f"{draft.base}/roll", header + raw, role="committee")
    assert answer.status_code == (200 if found["acceptable"] else 422)
    if not found["acceptable"]:
        assert json.loads(answer.data)["rows"] == found["faults"]


def test_ten_thousand_members_are_looked_at_quickly(draft: Run) -> None:
    members = [
        Member(
            f"María Ñandú the {n}th",
            f"{n:05}",
            f"m{n}@example.org",
            f"+1 555 {n:05}",
            f"{n} Main St\nTown",
            f"Local {n % 40}",
        )
        for n in range(10_000)
    ]
    Run(draft.api).create(name="Last").freeze(encode_roll(members[100:]))
    started = time.perf_counter()
    found = preview(draft, encode_roll(members))
    assert time.perf_counter() - started < 10
    assert found["differences"]["counts"] == {"new": 100, "gone": 0, "changed": 0}
    assert (found["acceptable"], found["warnings"], len(found["units"])) == (True, [], 40)


def test_long_lists_are_cut_and_counted(draft: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("voting_app.roll.views.LONGEST_LIST", 2)
    last = Run(draft.api).create().freeze(FIRST)
    found = preview(draft, FIRST.replace(",M", ",N").replace("ada@example.org", ""))
    assert found["warnings"][0]["count"] == 3
    assert len(found["warnings"][0]["groups"]) == 2
    assert found["differences"]["counts"] == {"new": 3, "gone": 3, "changed": 0}
    assert [len(found["differences"][part]) for part in ("new", "gone", "renumbered")] == [2, 2, 2]
    assert found["differences"]["against"]["uuid"] == last.uuid


def test_the_hash_covers_contacts_and_cannot_be_guessed_without_the_salt(draft: Run) -> None:
    """Who knows all of a member but the telephone number cannot try numbers on the published hash."""
    draft.freeze(FIRST)
    published = draft.status()["roll"]
    members = service.get_roll(draft.api.context, draft.uuid)
    changed = [*members[:-1], Member("Joan", "M3", phone="1234", unit="West")]
    salts = ["", "00" * 32, draft.uuid]
    assert published not in {service.hash_roll(salt, roll) for salt in salts for roll in (members, changed)}
    again = Run(draft.api).create().freeze(FIRST)
    assert again.status()["roll"] != published
    # The salt stands in no answer to anybody.
    with draft.api.context.database.read() as session:
        salt = session.scalars(select(Election.roll_salt).where(Election.roll_hash == published)).one()
    assert salt is not None
    for path, role in (("status", None), ("roll", "registrar"), ("roll/file", "committee")):
        answer = draft.api.send("GET", f"{draft.base}/{path}", role=role)
        assert answer.status_code == 200
        assert salt not in answer.get_data(as_text=True)


def test_what_a_freeze_would_fix_is_told_before(draft: Run) -> None:
    """Several people agree to one hash: that of the roll as it is, and of no other one."""
    context = draft.api.context

    def describe() -> service.RollFreeze:
        with context.database.read() as session:
            return service.describe_freeze(context, session, draft.uuid)

    with pytest.raises(Problem, match="roll-empty"):
        describe()
    draft.committee("roll", FIRST)
    first = describe()
    assert (first.members, first.eligible, first.total_weight) == (3, 3, 3)
    assert dict(first.warnings) == {
        "There is no e-mail address: this member needs a printed sheet.": 2,
        "There is neither an e-mail address nor a telephone number nor a postal address.": 2,
    }
    draft.committee("roll", FIRST.replace("ada@", "eve@"))
    second = describe()
    assert second.roll_hash != first.roll_hash
    assert second == describe()
    draft.committee("roll/freeze")
    assert second.payload == {"roll": draft.status()["roll"], "members": 3}
    with pytest.raises(Problem, match="wrong-state"):
        describe()
