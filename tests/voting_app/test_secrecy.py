"""Secrecy hygiene (DESIGN §8): what a thief of the database, its files and the logs learns about who voted how.

An election is run in which members cast in an order that only the test knows. Then everything that the program
has left behind is looked at: rows with their physical places, raw bytes of files, log lines. Each check is shown to
find a leak that was planted.
"""

import base64
import json
import logging
import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from flask import Flask
from sqlalchemy import inspect, text
from sqlalchemy.sql.sqltypes import DateTime

from crypto.ballot import make_ballot
from crypto.credentials import derive_public, derive_secret
from crypto.encoding import sha256_hex
from crypto.groups import get_group
from tests.postgres import ADMIN
from tests.voting_app.api import COINS, Api, Run, load_openapi
from tests.voting_app.conftest import SettableClock
from tests.voting_app.processes import real_context, running_server
from voting_app.access import find_mark
from voting_app.app import create_app
from voting_app.context import Context
from voting_app.db import Base, Database
from voting_app.operations.service import back_up

MODES = ("server", "registrar")
LEDGER_TABLES = {"ledger_box", "ledger_event", "ledger_data", "journal_line"}
BALLOT_TABLES = {*LEDGER_TABLES, "casting_in_flight", "challenged_ballot"}
MEMBER_TABLES = {"roll_entry"}
# Twelve answers: the votes of one member, written down, are a text that occurs nowhere by chance.
QUESTIONS = [
    {
        "answers": [f"Candidate {letter}" for letter in "ABCDEFGHIJKL"],
        "min": 0,
        "max": 12,
        "question": "Who shall sit on the board?",
    }
]
SMALL = [{"answers": ["Yes", "No"], "min": 1, "max": 1, "question": "Raise the dues?"}]


# --- a seeded election -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Person:
    """A member, with a value in every column that a roll may have."""

    number: str
    name: str
    email: str
    phone: str
    address: str
    unit: str

    @property
    def values(self) -> tuple[str, ...]:
        return (self.number, self.name, self.email, self.phone, self.address)


@dataclass
class Told:
    """What only the test knows: who cast which ballot, in the order of casting."""

    run: Run
    people: list[Person]
    tokens: list[str]
    order: list[Person] = field(default_factory=list)
    ballots: dict[str, bytes] = field(default_factory=dict)
    votes: dict[str, list[list[int]]] = field(default_factory=dict)

    @property
    def uuid(self) -> str:
        return self.run.uuid


def make_people(rng: random.Random, count: int) -> list[Person]:
    people = []
    for _ in range(count):
        tag = f"{rng.getrandbits(40):010x}"
        people.append(
            Person(
                number=f"member-{rng.getrandbits(32):08x}",
                name=f"Maria Teresa {tag}",
                email=f"{tag}@members.example.org",
                phone=f"+1 555 {rng.randrange(10**8):08d}",
                address=f"{rng.randrange(1000, 10000)} Elm Street {tag}",
                unit=rng.choice(["Local North", "Local South"]),
            )
        )
    return people


def write_roll(people: list[Person]) -> str:
    head = "name,member_number,email,phone,address,unit\n"
    return head + "".join(f"{p.name},{p.number},{p.email},{p.phone},{p.address},{p.unit}\n" for p in people)


def prepare(
    api: Api,
    mode: str,
    rng: random.Random,
    *,
    count: int,
    questions: list[dict[str, Any]],
    trustees: dict[str, Any],
) -> Told:
    """An open election of `count` members, whose roll has an order of its own."""
    people = make_people(rng, count)
    run = Run(api).create(questions=questions, credential_mode=mode, trustees=trustees)
    run.freeze(write_roll(people))
    if mode == "server":
        run.generate()
    else:
        run.publish(dict.fromkeys(sorted(person.number for person in people)))
    run.seat().ceremony().ready().drill().open()
    for person in rng.sample(people, count // 3):
        # Some have a ballot opened first; it must not name them either.
        opened = run.make_ballot(person.number, [[] if q["min"] == 0 else [0] for q in questions])
        assert api.send("POST", f"{run.base}/challenges", opened).status_code == 201
    tokens = [*api.tokens.values(), *(trustee.token for trustee in run.trustees)]
    return Told(run, people, tokens)


def cast_all(
    told: Told,
    clock: SettableClock,
    rng: random.Random,
    *,
    voters: int,
    after_each: Callable[[Person], None] = lambda person: None,
) -> None:
    """`voters` members cast in a secret order, at times that would be recognised again."""
    run, api = told.run, told.run.api
    election = run.election()
    told.order = rng.sample(told.people, voters)
    # No ballot in the minute of an act that the journal names.
    clock.advance(minutes=10)
    for person in told.order:
        clock.advance(seconds=rng.randrange(1, 200) + rng.randrange(1, 10**6) / 10**6)
        votes = [
            rng.choice([[1, 0], [0, 1]]) if question.minimum else [rng.randrange(2) for _ in question.answers]
            for question in election.homomorphic_questions
        ]
        raw = make_ballot(election, run.credentials[person.number], votes, COINS)
        told.ballots[person.number], told.votes[person.number] = raw, votes
        assert api.send("POST", f"{run.base}/ballots", raw).status_code == 201
        after_each(person)


def finish(told: Told) -> None:
    told.run.close()
    told.run.status()
    # The single trustee, and no more of the others than are needed.
    told.run.decrypt(1, *range(2, 2 + told.run.threshold))
    assert told.run.result()


# --- what a thief has --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One row with its physical place: rowid, or ctid and xmin (which is None on SQLite)."""

    table: str
    place: tuple[int, ...]
    xmin: int | None
    values: dict[str, Any]

    @property
    def raw(self) -> bytes:
        """Everything that stands in it."""
        return b"\x00".join(as_bytes(value) for value in self.values.values())


def as_bytes(value: Any) -> bytes:
    if isinstance(value, bytes | memoryview):
        return bytes(value)
    if isinstance(value, datetime):
        return value.isoformat(" ").encode()
    return (value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).encode()


def dump(database: Database) -> list[Row]:
    """Every row of every table, in its physical order."""
    rows = []
    with database.connect() as connection:
        for table in inspect(connection).get_table_names():
            if database.is_sqlite:
                places = "rowid AS place, NULL AS xmin_"
            else:
                places = "ctid::text AS place, xmin::text::bigint AS xmin_"
            # The tables' own names, not input.
            found = connection.execute(text(f'SELECT {places}, t.* FROM "{table}" t'))  # noqa: S608
            for row in found.mappings():
                values = dict(row)
                place, xmin = values.pop("place"), values.pop("xmin_")
                numbers = (
                    (place,)
                    if isinstance(place, int)
                    else tuple(int(n) for n in place.strip("()").split(","))
                )
                rows.append(Row(table, numbers, xmin, values))
    return sorted(rows, key=lambda row: (row.table, row.place))


def read_files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


class PostgresThief:
    """Takes the files of one PostgreSQL database and what was written to the server's log of writes since."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._database = parts.path.strip("/")
        self._host = parse_qs(parts.query)["host"][0]
        self._start = self._ask("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")

    def _ask(self, statement: str) -> Any:
        with psycopg.connect(
            host=self._host, user=ADMIN, dbname=self._database, autocommit=True
        ) as connection:
            answer = connection.execute(statement)  # type: ignore[arg-type]
            row = answer.fetchone() if answer.description else None
            return None if row is None else row[0]

    def take(self) -> dict[str, bytes]:
        self._ask("CHECKPOINT")
        data = Path(self._ask("SHOW data_directory"))
        number = self._ask(f"SELECT oid FROM pg_database WHERE datname = '{self._database}'")  # noqa: S608
        files = read_files(data / "base" / str(number))
        size = 16 << 20
        for position in range(
            int(self._start) // size,
            int(self._ask("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")) // size + 1,
        ):
            name = self._ask(f"SELECT pg_walfile_name('0/0'::pg_lsn + {position * size + 1})")
            # What lies behind the end of a recycled file is of another time.
            raw = (data / "pg_wal" / name).read_bytes().rstrip(b"\0")
            # Nor do other tests' writes before ours concern us.
            files[name] = raw[max(int(self._start) - position * size, 0) :]
        return files


def take_files(context: Context, thief: PostgresThief | None) -> dict[str, bytes]:
    """The instance folder, which is the SQLite file with its WAL too, or the files of PostgreSQL."""
    files = read_files(context.settings.instance_folder)
    if thief is None:
        # And what the owner keeps elsewhere; a copy of PostgreSQL has nothing that its files do not have.
        copy = context.settings.instance_folder / "backup"
        back_up(context.database, copy)
        files["backup"] = copy.read_bytes()
        copy.unlink()
        assert any(name.endswith("-wal") and raw for name, raw in files.items()), "no WAL to look at"
        return files
    return files | thief.take()


# --- forms of a secret -------------------------------------------------------------------------------------------


def forms_of(secret: bytes | str) -> Iterator[bytes]:
    """The secret as text, hex and base64, the latter also where it begins in the middle of a group."""
    raw = secret.encode() if isinstance(secret, str) else secret
    yield raw
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + raw)
        # Without the digits that depend on what stands before and after.
        core = encoded[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6]
        yield core
        yield core.translate(bytes.maketrans(b"+/", b"-_"))


def forms_of_number(number: int) -> Iterator[bytes]:
    yield str(number).encode()
    length = (number.bit_length() + 7) // 8
    for order in ("big", "little"):
        yield from forms_of(number.to_bytes(length, order))  # type: ignore[arg-type]


def find(needles: Iterable[bytes], haystack: bytes) -> list[bytes]:
    return [needle for needle in set(needles) if needle in haystack]


def needles_of(told: Told) -> dict[str, list[bytes]]:
    """What must stand nowhere at all."""
    group = get_group("Ed25519")
    needles: dict[str, list[bytes]] = {}
    for number, credential in told.run.credentials.items():
        found = [*forms_of(credential), *forms_of(credential.replace("-", ""))]
        found += forms_of_number(derive_secret(group, told.uuid, credential))
        needles[f"credential of {number}"] = found
    for trustee in told.run.trustees:
        found = list(forms_of_number(trustee.secret)) if trustee.secret else []
        if trustee.kind == "threshold":
            found += forms_of(trustee.seed)
        assert found
        needles[f"secret of trustee {trustee.owner}"] = found
    for index, token in enumerate(told.tokens):
        needles[f"token {index}"] = list(forms_of(token))
    for number, votes in told.votes.items():
        for row in votes:
            picked = [index for index, one in enumerate(row, 1) if one]
            found = [
                json.dumps(row, separators=separators).encode() for separators in ((",", ":"), (", ", ": "))
            ]
            found.append("".join(map(str, row)).encode())
            if len(picked) > 3:
                found += [json.dumps(picked, separators=s).encode() for s in ((",", ":"), (", ", ": "))]
            needles[f"choices of {number}"] = found
    return needles


# --- nothing secret lies anywhere --------------------------------------------------------------------------------


class Printed(logging.Handler):
    """Everything that anybody logs at any level, as a handler of the computer's owner would keep it."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))

    @property
    def raw(self) -> bytes:
        return "\n".join(self.lines).encode()


@pytest.fixture
def printed() -> Iterator[Printed]:
    handler = Printed()
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler
    root.setLevel(level)
    root.removeHandler(handler)


def make_app(context: Context) -> Flask:
    return create_app(context.settings, clock=context.clock, database=context.database)


@pytest.fixture
def thief(migrated_url: str) -> PostgresThief | None:
    return None if migrated_url.startswith("sqlite") else PostgresThief(migrated_url)


FULL: dict[str, Any] = {"singles": 1, "threshold": {"size": 3, "threshold": 2}}


@pytest.mark.parametrize("mode", MODES)
def test_no_secret_lies_in_tables_files_or_logs(
    each_context: Context,
    clock: SettableClock,
    thief: PostgresThief | None,
    printed: Printed,
    capfd: pytest.CaptureFixture[str],
    mode: str,
) -> None:
    rng = random.Random(f"bytes {mode}")
    api = Api(each_context, make_app(each_context).test_client())
    told = prepare(api, mode, rng, count=6, questions=QUESTIONS, trustees=FULL)
    cast_all(told, clock, rng, voters=5)
    # What goes wrong is logged by other roads than what goes well.
    person = told.order[0]
    for body in (b"x", told.ballots[person.number][:-2], b'{"credential":1}'):
        assert api.send("POST", f"{told.run.base}/ballots", body).status_code == 400
    again = make_ballot(
        told.run.election(), told.run.credentials[person.number], told.votes[person.number], COINS
    )
    api.refuse(409, "already-voted", f"{told.run.base}/ballots", again)
    api.refuse(401, "not-authenticated", f"{told.run.base}/open", token=told.tokens[0] + "x")
    api.refuse(403, "forbidden", f"{told.run.base}/open", role="registrar")
    open_files = take_files(each_context, thief)
    finish(told)
    rows = dump(each_context.database)
    files = open_files | {f"{name} after": raw for name, raw in take_files(each_context, thief).items()}
    out, err = capfd.readouterr()
    logs = {"logging": printed.raw, "stdout": out.encode(), "stderr": err.encode()}
    assert b"/ballots" in logs["logging"]
    tables = {f"{row.table} {row.place}": row.raw for row in rows}

    # (1) Private credentials, trustees' secrets, tokens, choices: nowhere.
    everything = {**tables, **files, **logs}
    for what, needles in needles_of(told).items():
        places = [place for place, raw in everything.items() if find(needles, raw)]
        assert not places, f"{what} in {places}"
    # (2) Members' data: in the roll's table, and in no log.
    for someone in told.people:
        needles = [form for value in someone.values for form in forms_of(value)]
        assert {row.table for row in rows if find(needles, row.raw)} == MEMBER_TABLES
        assert not [name for name, raw in logs.items() if find(needles, raw)]
    # (3) The installation's secret, from which the service keys come, is in no database.
    secret = each_context.settings.secret
    assert not [place for place, raw in {**tables, **files}.items() if find(forms_of(secret), raw)]
    # (4) A ballot, or its public credential, is in the ledger and the published list, never in a log.
    public = [
        str(derive_public(get_group("Ed25519"), told.uuid, c).text) for c in told.run.credentials.values()
    ]
    for raw in told.ballots.values():
        assert {row.table for row in rows if raw in row.raw} == {"ledger_data"}
        trackers = [sha256_hex(raw).encode(), *forms_of(bytes.fromhex(sha256_hex(raw)))]
        assert not [name for name, log in logs.items() if find([raw, *trackers], log)]
    assert not [name for name, log in logs.items() if find([key.encode() for key in public], log)]


@pytest.mark.parametrize("form", range(9))
def test_the_search_finds_a_planted_secret(form: int, tmp_path: Path) -> None:
    secret = "ABCDE-FGHIJK-LMNOP-QRSTUV"
    noise = random.Random(form).randbytes(500)
    planted = [
        secret.encode(),
        secret.encode().hex().encode(),
        secret.encode().hex().upper().encode(),
        *(base64.b64encode(noise[:shift] + secret.encode() + noise[:5]) for shift in range(3)),
        *(base64.urlsafe_b64encode(b"\xff" * (30 + shift) + secret.encode()) for shift in range(3)),
    ][form]
    (tmp_path / "file").write_bytes(noise + planted + noise)
    assert find(forms_of(secret), read_files(tmp_path)[str(tmp_path / "file")])
    assert not find(forms_of(secret), noise + noise)
    number = 2**200 + form
    assert find(forms_of_number(number), json.dumps({"x": str(number)}).encode())


def test_the_servers_own_output_names_nobody(
    tmp_path: Path, sqlite_url: str, clock: SettableClock, rng: random.Random
) -> None:
    """As in real use: gunicorn's stdout and stderr, while ballots are cast over the network."""
    with real_context(tmp_path, sqlite_url) as context:
        api = Api(context, make_app(context).test_client())
        told = prepare(
            api,
            "server",
            rng,
            count=3,
            questions=QUESTIONS,
            trustees={"singles": 1},
        )
        election = told.run.election()
        with running_server(tmp_path, sqlite_url, workers=1) as server, server.client() as client:
            for person in told.people:
                votes = [[rng.randrange(2) for _ in range(12)]]
                raw = make_ballot(election, told.run.credentials[person.number], votes, COINS)
                told.ballots[person.number], told.votes[person.number] = raw, votes
                answer = client.post(
                    f"{told.run.base}/ballots", content=raw, headers={"X-Forwarded-For": "198.51.100.7"}
                )
                assert answer.status_code == 201
                path = f"{told.run.base}/ballots?credential={told.run.credentials[person.number]}"
                assert client.post(path, content=raw[:-3]).status_code == 400
                client.get(f"/setup/{told.tokens[0]}")
                client.get(f"{told.run.base}/{told.run.credentials[person.number]}/%zz")
            log = server.log().encode()
    assert log
    for needles in needles_of(told).values():
        assert not find(needles, log)
    assert not find(told.ballots.values(), log)
    assert b"198.51.100.7" not in log


# --- no key, time, session or address in common ------------------------------------------------------------------


def family(tables: set[str], keys: dict[str, set[str]]) -> set[str]:
    """All tables that foreign keys connect with these, in either direction."""
    found = set(tables)
    while True:
        more = {t for t, referred in keys.items() if referred & found or t in found}
        more |= {r for t in found for r in keys[t]}
        if more <= found:
            return found
        found |= more


def foreign_keys(database: Database) -> dict[str, set[str]]:
    with database.connect() as connection:
        inspector = inspect(connection)
        return {
            table: {key["referred_table"] for key in inspector.get_foreign_keys(table)}
            for table in inspector.get_table_names()
        }


def test_no_chain_of_keys_leads_from_a_ballot_to_a_member(each_database: Database) -> None:
    keys = foreign_keys(each_database)
    assert set(keys) >= BALLOT_TABLES | MEMBER_TABLES
    assert family(BALLOT_TABLES, keys) == BALLOT_TABLES
    assert not family(MEMBER_TABLES, keys) & BALLOT_TABLES
    # Planted: one table that points at both.
    assert family(BALLOT_TABLES, {**keys, "leak": {"ledger_event", "roll_entry"}}) & MEMBER_TABLES


def test_ballot_tables_know_no_time_session_address_or_person(each_database: Database) -> None:
    # "position" and "timestamp" are bytes of the archive; the latter is one number for the whole box.
    forbidden = ("member", "roll", "account", "session", "user", "ip", "address", "email", "agent", "when")
    with each_database.connect() as connection:
        inspector = inspect(connection)
        assert set(inspector.get_table_names()) - {"alembic_version"} == set(Base.metadata.tables)
        for table in BALLOT_TABLES:
            for column in inspector.get_columns(table):
                assert not isinstance(column["type"], DateTime), f"{table}.{column['name']}"
                assert not set(column["name"].split("_")) & {*forbidden, "at", "time"}, column["name"]


def scalars(value: Any) -> Iterator[str]:
    """Every text and number in a row, also inside of JSON."""
    if isinstance(value, bytes | str):
        raw = value if isinstance(value, str) else value.decode("latin-1")
        yield raw
        try:
            inner = json.loads(raw)
        except ValueError:
            return
        if not isinstance(inner, str):
            yield from scalars(inner)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from scalars(item)
    elif isinstance(value, list):
        for item in value:
            yield from scalars(item)
    elif isinstance(value, datetime):
        yield as_bytes(value).decode()
    elif value is not None:
        yield str(value)


def common_values(rows: list[Row], allowed: Iterable[str]) -> set[str]:
    """Values of eight characters or more that a member's row has in common with a row of the ledger."""
    member_rows = [row for row in rows if row.table in MEMBER_TABLES]
    ledger_rows = [row for row in rows if row.table in LEDGER_TABLES]
    assert member_rows
    assert ledger_rows
    ledger, members = b"\0".join(r.raw for r in ledger_rows), b"\0".join(r.raw for r in member_rows)
    # A value of one side may stand within a value of the other.
    found = {s for r in member_rows for v in r.values.values() for s in scalars(v) if s.encode() in ledger}
    found |= {s for r in ledger_rows for v in r.values.values() for s in scalars(v) if s.encode() in members}
    return {value for value in found if len(value) >= 8} - set(allowed)


@pytest.mark.parametrize("mode", MODES)
def test_no_value_stands_on_both_sides(each_context: Context, clock: SettableClock, mode: str) -> None:
    rng = random.Random(f"values {mode}")
    api = Api(each_context, make_app(each_context).test_client())
    told = prepare(api, mode, rng, count=6, questions=SMALL, trustees={"singles": 1})
    cast_all(told, clock, rng, voters=5)
    finish(told)
    rows = dump(each_context.database)
    with each_context.database.read() as session:
        allowed = set(session.execute(text("SELECT uuid FROM ballot_box")).scalars())
    assert not common_values(rows, allowed)
    # Participation: voters and the one who did not vote look alike.
    states = [row.values["credential_state"] for row in rows if row.table == "roll_entry"]
    assert len(set(states)) == 1
    # Accounts are those of staff: they stand in the journal as actors, never beside a ballot.
    ballots = [
        row.raw for row in rows if row.table in ("ledger_data", "ledger_event") and b"credential" in row.raw
    ]
    accounts = [str(row.values["number"]).encode() for row in rows if row.table == "account"]
    digests = [row.values["digest"].encode() for row in rows if row.table == "access_token"]
    assert ballots
    assert not [raw for raw in ballots if find(accounts, raw)]
    assert not [row for row in rows if row.table in LEDGER_TABLES and find(digests, row.raw)]
    # Planted: a phone number with a public credential in it.
    [key, *_] = [row.values["credential"] for row in rows if row.values.get("credential")]
    leak = Row("roll_entry", (99,), None, {"phone": f"+1 {key[:40]}", "note": key})
    assert common_values([*rows, leak], allowed) == {key}


# --- casting touches nothing but the ballots ---------------------------------------------------------------------


def fingerprints(rows: list[Row]) -> Counter[tuple[Any, ...]]:
    return Counter((row.table, row.place, row.xmin, row.raw) for row in rows)


@pytest.mark.parametrize("mode", MODES)
def test_a_cast_leaves_every_other_row_as_and_where_it_was(
    each_context: Context, clock: SettableClock, mode: str
) -> None:
    """Backups before and after each cast differ in the ledger's new rows only; PostgreSQL's xmin and ctid included."""
    rng = random.Random(f"diff {mode}")
    api = Api(each_context, make_app(each_context).test_client())
    told = prepare(api, mode, rng, count=4, questions=SMALL, trustees={"singles": 1})
    seen = [fingerprints(dump(each_context.database))]
    cast_all(
        told,
        clock,
        rng,
        voters=4,
        after_each=lambda _: seen.append(fingerprints(dump(each_context.database))),
    )
    for before, after in pairwise(seen):
        assert not before - after
        assert sorted(row[0] for row in (after - before)) == ["ledger_data", "ledger_event"]
    rows = dump(each_context.database)
    if not each_context.database.is_sqlite:
        # No row of a member was written in a ballot's transaction or between two of them.
        ballots = [row.xmin for row in rows if row.table == "ledger_data" and row.values["credential"]]
        members = {row.xmin for row in rows if row.table in MEMBER_TABLES}
        assert len(members) == 1
        assert max(x or 0 for x in members) < min(x or 0 for x in ballots)
    # Planted: a mark at the member who voted.
    with each_context.database.write() as session:
        session.execute(
            text("UPDATE roll_entry SET language = 'x' WHERE member_number = :n"),
            {"n": told.order[0].number},
        )
    assert fingerprints(rows) - fingerprints(dump(each_context.database))


@pytest.mark.parametrize("mode", MODES)
def test_no_file_knows_the_time_of_a_ballot(
    each_context: Context, clock: SettableClock, thief: PostgresThief | None, mode: str
) -> None:
    """Deleted rows, dead tuples and the WAL included: a time would lead to the web server's or the mail's log.

    (PostgreSQL's own WAL has the time of every commit; docs/threat-model.md says so.)
    """
    rng = random.Random(f"times {mode}")
    # On days of its own: the server's files also have what other tests wrote, whose clocks begin at one moment.
    clock.advance(days=-100 * (1 + MODES.index(mode)))
    api = Api(each_context, make_app(each_context).test_client())
    told = prepare(api, mode, rng, count=3, questions=SMALL, trustees={"singles": 1})
    moments: list[datetime] = []
    cast_all(told, clock, rng, voters=3, after_each=lambda _: moments.append(clock.now()))
    files = take_files(each_context, thief)
    leases = {0, each_context.settings.casting_lease_seconds}
    for moment in moments:
        for lease in leases:
            found = moment.timestamp() + lease
            texts = [
                datetime.fromtimestamp(found, tz=moment.tzinfo).isoformat(sep)[:16].encode() for sep in " T"
            ]
            # PostgreSQL keeps microseconds since 2000; of eight bytes the upper six tell 65 milliseconds.
            ticks = round((found - 946684800) * 10**6)
            inside = [(ticks + step).to_bytes(8, "little")[2:] for step in (-(2**16), 0, 2**16)]
            places = [name for name, raw in files.items() if find(texts, raw) or find(inside, raw)]
            assert not places, f"{moment} in {places}"


# --- order -------------------------------------------------------------------------------------------------------

FALSE_ALARM = 1e-6


@cache
def kendall(size: int, runs: int) -> tuple[float, ...]:
    """P(sum of the numbers of inversions of `runs` random permutations = k)."""
    total = [1.0]
    for _ in range(runs):
        for length in range(1, size + 1):
            spread = [0.0] * (len(total) + length - 1)
            for k, p in enumerate(total):
                for step in range(length):
                    spread[k + step] += p / length
            total = spread
    return tuple(total)


@cache
def hits(size: int, runs: int) -> tuple[float, ...]:
    """P(sum of the numbers of fixed points of `runs` random permutations = k)."""

    def derangements(n: int) -> int:
        return sum((-1) ** k * math.factorial(n) // math.factorial(k) for k in range(n + 1))

    one = [math.comb(size, k) * derangements(size - k) / math.factorial(size) for k in range(size + 1)]
    total = [1.0]
    for _ in range(runs):
        spread = [0.0] * (len(total) + size)
        for k, p in enumerate(total):
            for extra, q in enumerate(one):
                spread[k + extra] += p * q
        total = spread
    return tuple(total)


def p_value(permutations: list[list[int]]) -> float:
    """How probable it is that chance alone orders as well, or as badly, as these guesses do."""
    size, runs = len(permutations[0]), len(permutations)
    inversions = sum(a > b for order in permutations for i, a in enumerate(order) for b in order[i + 1 :])
    matched = sum(a == i for order in permutations for i, a in enumerate(order))
    law = kendall(size, runs)
    tails = min(sum(law[: inversions + 1]), sum(law[inversions:]))
    # Two tails and two statistics.
    return min(1.0, 3 * min(tails, sum(hits(size, runs)[matched:])))


Order = list[str]


def orders_of(rows: list[Row], marks: dict[str, bytes], rng: random.Random) -> dict[str, Order]:
    """Every order in which a table puts the things that `marks` names: by place, by xmin, by each column.

    Found by content, so that a table which somebody adds is looked at too. Ties are broken by chance.
    """
    found: dict[str, Order] = {}
    for table in {row.table for row in rows}:
        owners = [
            (name, row)
            for row in rows
            if row.table == table
            for name, mark in marks.items()
            if mark in row.raw
        ]
        if len({id(row) for _, row in owners}) < len(marks):
            # One row with many of them, such as the list of credentials: their order inside of it.
            for row in {id(row): row for _, row in owners}.values():
                inside = {name: row.raw.find(mark) for name, mark in marks.items()}
                if min(inside.values()) >= 0:
                    found[f"{table} inside"] = sorted(inside, key=inside.__getitem__)
            continue
        columns: dict[str, Callable[[Row], Any]] = {
            "place": lambda row: row.place,
            "xmin": lambda row: row.xmin or 0,
            "size": lambda row: len(row.raw),
        }
        for column in owners[0][1].values:
            columns[column] = lambda row, column=column: as_bytes(row.values[column])
            columns[f"{column} as number"] = lambda row, column=column: (
                row.values[column] if isinstance(row.values[column], int) else 0
            )
        for name, key in columns.items():
            rng.shuffle(owners)
            order = [owner for owner, _ in sorted(owners, key=lambda pair: key(pair[1]))]
            found[f"{table} {name}"] = list(dict.fromkeys(order))
    return found


def match_all(rows: list[Row], told: Told, rng: random.Random) -> dict[tuple[str, str], list[int]]:
    """For each order of members and each order of ballots: which place the k-th member's ballot has."""
    group = get_group("Ed25519")
    members = {person.number: person.number.encode() for person in told.people}
    digests = {number: sha256_hex(raw).encode() for number, raw in told.ballots.items()}
    keys = {
        number: derive_public(group, told.uuid, credential).text.encode()
        for number, credential in told.run.credentials.items()
    }
    member_orders = orders_of(rows, members, rng)
    member_orders["the roll's file"] = [person.number for person in told.people]
    member_orders["the handing out of credentials"] = list(told.run.credentials)
    ballot_orders = orders_of(rows, digests, rng)
    ballot_orders |= {f"key: {name}": order for name, order in orders_of(rows, keys, rng).items()}
    return {
        (a, b): [second.index(number) for number in first]
        for a, first in member_orders.items()
        for b, second in ballot_orders.items()
    }


def best_match(runs: list[dict[tuple[str, str], list[int]]]) -> tuple[float, tuple[str, str]]:
    """The smallest probability of all pairs of orders, corrected for their number, and that pair."""
    pairs = set(runs[0]).intersection(*runs)
    probability, pair = min((p_value([run[pair] for run in runs]), pair) for pair in pairs)
    return min(1.0, probability * len(pairs)), pair


RUNS = 6
VOTERS = 8


def match_voters(
    context: Context, clock: SettableClock, mode: str, plant: Callable[[Told, Person], None] | None = None
) -> tuple[float, tuple[str, str]]:
    api = Api(context, make_app(context).test_client())
    runs = []
    for seed in range(RUNS):
        rng = random.Random(f"order {mode} {seed}")
        told = prepare(api, mode, rng, count=VOTERS, questions=SMALL, trustees={"singles": 1})
        after = (lambda person, told=told: plant(told, person)) if plant else (lambda person: None)
        cast_all(told, clock, rng, voters=VOTERS, after_each=after)
        runs.append(match_all(dump(context.database), told, rng))
    assert len(runs[0]) > 100
    return best_match(runs)


@pytest.mark.parametrize("mode", MODES)
def test_no_order_matches_voters_to_ballots(each_context: Context, clock: SettableClock, mode: str) -> None:
    probability, pair = match_voters(each_context, clock, mode)
    assert probability > FALSE_ALARM, f"{pair} match voters to ballots"


def test_the_matching_finds_a_table_written_at_each_cast(each_context: Context, clock: SettableClock) -> None:
    """Planted: a harmless looking list of who has taken part, without time and without ballot."""
    with each_context.database.write() as session:
        session.execute(text("CREATE TABLE took_part (member VARCHAR(64) NOT NULL)"))

    def plant(told: Told, person: Person) -> None:
        with each_context.database.write() as session:
            session.execute(text("INSERT INTO took_part VALUES (:number)"), {"number": person.number})

    probability, pair = match_voters(each_context, clock, "server", plant)
    assert probability < FALSE_ALARM
    assert "took_part" in pair[0]


def test_the_matching_finds_a_row_updated_at_each_cast(
    migrated_postgres_url: str, settings: Any, clock: SettableClock
) -> None:
    """Planted: the roll's own row is touched, which only xmin and ctid tell, because its content stays."""
    database = Database(migrated_postgres_url)
    context = Context(settings, database, clock)

    def plant(told: Told, person: Person) -> None:
        with database.write() as session:
            session.execute(
                text("UPDATE roll_entry SET language = language WHERE member_number = :n"),
                {"n": person.number},
            )

    try:
        probability, pair = match_voters(context, clock, "registrar", plant)
    finally:
        database.dispose()
    assert probability < FALSE_ALARM
    assert pair[0] in ("roll_entry xmin", "roll_entry place")


def test_the_matching_finds_credentials_that_stand_in_the_order_of_the_roll() -> None:
    rng = random.Random(4)
    numbers = [f"m{index}" for index in range(VOTERS)]
    runs = []
    for _ in range(RUNS):
        keys = dict(zip(numbers, (rng.randbytes(32).hex() for _ in numbers), strict=True))
        roll = [Row("roll_entry", (i,), None, {"n": number}) for i, number in enumerate(numbers)]
        listed = [Row("list", (1,), None, {"keys": json.dumps(list(keys.values()))})]
        first = orders_of(roll, {n: n.encode() for n in numbers}, rng)
        second = orders_of(listed, {n: key.encode() for n, key in keys.items()}, rng)
        runs.append({(a, b): [second[b].index(n) for n in first[a]] for a in first for b in second})
    probability, pair = best_match(runs)
    assert probability < FALSE_ALARM
    assert pair[1] == "list inside"


def test_the_matching_has_the_false_alarms_that_it_claims() -> None:
    """Exact laws: they sum up to one, have the known means, and chance stays far from the threshold."""
    for law, mean in (
        (kendall(VOTERS, RUNS), RUNS * VOTERS * (VOTERS - 1) / 4),
        (hits(VOTERS, RUNS), RUNS * 1.0),
    ):
        assert math.isclose(sum(law), 1)
        assert math.isclose(sum(k * p for k, p in enumerate(law)), mean)
    rng = random.Random(5)
    values = [p_value([rng.sample(range(VOTERS), VOTERS) for _ in range(RUNS)]) for _ in range(400)]
    assert min(values) > 1e-4
    assert sum(value < 0.1 for value in values) < 80
    in_order = [list(range(VOTERS))] * RUNS
    assert p_value(in_order) < 1e-15
    assert p_value([order[::-1] for order in in_order]) < 1e-15
    # Half of the runs betrayed is found too.
    mixed = in_order[: RUNS // 2] + [rng.sample(range(VOTERS), VOTERS) for _ in range(RUNS - RUNS // 2)]
    assert p_value(mixed) < FALSE_ALARM


# --- logs --------------------------------------------------------------------------------------------------------


def test_the_log_of_a_vote_is_the_same_for_everybody(
    each_context: Context, clock: SettableClock, printed: Printed
) -> None:
    rng = random.Random("log")
    app = make_app(each_context)
    api = Api(each_context, app.test_client())
    told = prepare(api, "server", rng, count=4, questions=SMALL, trustees={"singles": 1})
    printed.lines.clear()
    cast_all(told, clock, rng, voters=4)
    rules = {rule.endpoint for rule in app.url_map.iter_rules()}
    voting = {rule for rule in rules if (mark := find_mark(app, rule)) and mark.is_voting}
    # Everything that a voter's device asks for.
    assert voting >= {
        f"booth.{name}" for name in ("cast_ballot", "challenge_ballot", "send_challenged_ballot")
    }
    assert voting >= {"booth.look_up_credential", "ledger.send_trackers"}
    requests = [line.split(" INFO ")[1] for line in printed.lines if "/ballots" in line]
    assert len(requests) == 4
    expected = (
        '{"event": "request", "level": "info", "method": "POST", "route": "/api/v1/elections/<uuid>/ballots",'
        ' "status": 201}'
    )
    assert set(requests) == {expected}


# --- no interim counts, no small groups --------------------------------------------------------------------------


def test_there_is_no_interim_count(each_context: Context, clock: SettableClock) -> None:
    rng = random.Random("interim")
    api = Api(each_context, make_app(each_context).test_client())
    told = prepare(api, "server", rng, count=3, questions=SMALL, trustees={"singles": 1})
    cast_all(told, clock, rng, voters=2)
    run = told.run
    for end in (lambda: None, lambda: run.committee("pause", {"reason": "x"})):
        end()
        api.refuse(404, "no-result", f"{run.base}/result", method="GET")
        assert run.inbox(run.trustees[0])["step"] == "wait-close"
        with pytest.raises(ValueError, match="unpack"):
            # There is no tally that a trustee could decrypt, not even in part.
            run.make_decryption(run.trustees[0])
        body = {"partial_decryption": {}, "strong_proofs": {}}
        api.refuse(409, "wrong-state", f"{run.base}/trustee/decryption", body, token=run.trustees[0].token)
        api.refuse(409, "wrong-state", f"{run.base}/untalliable", {"reason": "x"}, role="committee")
    tables = {row.table for row in dump(each_context.database) if b"encrypted_tally" in row.raw}
    assert not tables


def test_no_answer_breaks_anything_down(each_context: Context, clock: SettableClock) -> None:
    """Results are for the whole box; the interface has no count by unit, weight or language that could be small."""
    described = load_openapi()["components"]["schemas"]
    # Said before anybody votes: of the roll, and of a turnout that is supposed.
    beforehand = {"RollPreview", "RollDifferences", "Privacy"}
    assert beforehand <= set(described)
    schemas = json.dumps({name: schema for name, schema in described.items() if name not in beforehand})
    for word in ("turnout", "by_unit", "breakdown", "units"):
        assert word not in schemas
    rng = random.Random("units")
    api = Api(each_context, make_app(each_context).test_client())
    told = prepare(api, "server", rng, count=3, questions=SMALL, trustees={"singles": 1})
    cast_all(told, clock, rng, voters=3)
    finish(told)
    [counts] = told.run.result()
    assert sum(counts) == 3
    record = b"".join(
        api.send("GET", f"/elections/{told.uuid}/{told.uuid}.{kind}").data
        for kind in ("bel", "journal.jsonl")
    )
    for unit in {person.unit for person in told.people}:
        assert unit.encode() not in record
