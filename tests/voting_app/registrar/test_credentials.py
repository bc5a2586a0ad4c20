"""Credentials over HTTP: the list must fit the roll, and the server knows no secret and no link."""

import json
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import inspect, text

from crypto.credentials import derive_public, encode_credential_list, new_credential_text
from crypto.groups import get_group
from tests.voting_app.api import ROLL, Api, Run
from voting_app.context import Context

GROUP = get_group("Ed25519")
WEIGHTED = "name,member_number,weight\nA,M1,5\nB,M2,1\nC,M3,1\n"


@pytest.fixture
def api(context: Context, app: Flask) -> Api:
    return Api(context, app.test_client())


def make_list(run: Run, weights: list[int | None]) -> list[str]:
    entries = [(derive_public(GROUP, run.uuid, new_credential_text()), weight) for weight in weights]
    items: list[str] = json.loads(encode_credential_list(GROUP, entries))
    return items


def encode(items: Any) -> bytes:
    return json.dumps(items, separators=(",", ":")).encode()


def refuse(run: Run, body: bytes) -> str:
    problem = run.api.refuse(
        422, "bad-credentials", f"{run.base}/credentials", body, method="PUT", role="registrar"
    )
    return str(problem["title"])


def test_lists_that_do_not_fit_are_refused(api: Api) -> None:
    run = Run(api).create(credential_mode="registrar").freeze(WEIGHTED)
    good = make_list(run, [5, 1, 1])
    assert "2 credentials" in refuse(run, encode(good[:2]))
    assert "weights" in refuse(run, encode(make_list(run, [5, 5, 1])))
    assert "weights" in refuse(run, encode(make_list(run, [None, None, None])))
    assert "sorted" in refuse(run, encode(good[::-1]))
    assert "login" in refuse(run, encode([f"{item},M{n}" for n, item in enumerate(good)]))
    assert "twice" in refuse(run, encode([good[0], good[0], good[1]]))
    identity = GROUP.identity.text
    refuse(run, encode(sorted([f"{identity},1", *good[:2]])))
    refuse(run, encode([item.upper() for item in good]))
    refuse(run, json.dumps(good).encode())
    refuse(run, b"")
    refuse(run, b"{}")
    assert run.status()["journal"]["lines"] == 4
    api.post(f"{run.base}/credentials", encode(good) + b"\n", method="PUT", role="registrar")
    api.refuse(
        409,
        "credentials-published",
        f"{run.base}/credentials",
        encode(good),
        method="PUT",
        role="registrar",
    )


def test_the_mode_is_kept(api: Api) -> None:
    server = Run(api).create(credential_mode="server").freeze()
    body = encode(make_list(server, [None] * 4))
    api.refuse(409, "credential-mode", f"{server.base}/credentials", body, method="PUT", role="registrar")
    registrar = Run(api).create(credential_mode="registrar").freeze()
    api.refuse(409, "credential-mode", f"{registrar.base}/credentials/generate", role="registrar")


def test_credentials_come_after_the_freeze_and_once(api: Api) -> None:
    run = Run(api).create()
    api.refuse(409, "wrong-state", f"{run.base}/credentials/generate", role="registrar")
    api.refuse(409, "wrong-state", f"{run.base}/credentials/weights", method="GET", role="registrar")
    run.freeze().generate()
    assert sorted(run.credentials) == ["M1", "M2", "M3", "M4"]
    run.receive()
    api.refuse(409, "credentials-published", f"{run.base}/credentials/generate", role="registrar")


def test_an_answer_that_is_lost_loses_nothing(api: Api) -> None:
    run = Run(api).create().freeze().generate()
    again = api.post(f"{run.base}/credentials/generate", role="registrar")["credentials"]
    assert again == run.credentials
    assert run.status()["journal"]["lines"] == 5
    done = api.post(f"{run.base}/credentials/delivered", {"member_numbers": ["M1", "M2"]}, role="registrar")
    assert done == {"erased": 2}
    rest = api.post(f"{run.base}/credentials/generate", role="registrar")["credentials"]
    assert rest == {number: run.credentials[number] for number in ("M3", "M4")}
    # Said twice, it is done once.
    assert run.receive() == {"erased": 2}
    assert run.receive() == {"erased": 0}


def test_another_program_gets_none_and_erases_none(api: Api) -> None:
    other = api.make_token("registrar")
    run = Run(api).create().freeze()
    numbers = {"member_numbers": ["M1"]}
    api.refuse(409, "not-your-credentials", f"{run.base}/credentials/delivered", numbers, role="registrar")
    run.generate()
    api.refuse(409, "credentials-published", f"{run.base}/credentials/generate", token=other)
    api.refuse(409, "not-your-credentials", f"{run.base}/credentials/delivered", numbers, token=other)
    for role in ("committee", "observer"):
        api.refuse(403, "forbidden", f"{run.base}/credentials/delivered", numbers, role=role)
    wrong = {"member_numbers": ["M1", "M9"]}
    api.refuse(422, "unknown-member", f"{run.base}/credentials/delivered", wrong, role="registrar")
    for numbers_ in ("M1", [1], None):
        body = {"member_numbers": numbers_}
        api.refuse(422, "invalid-field", f"{run.base}/credentials/delivered", body, role="registrar")
    assert run.receive() == {"erased": 4}


def test_a_program_replaces_what_was_made_for_it(api: Api) -> None:
    run = Run(api).create().freeze().generate()
    path, numbers = f"{run.base}/credentials/replace", {"member_numbers": ["M2"]}
    api.refuse(409, "not-your-credentials", path, numbers, token=api.make_token("registrar"))
    api.refuse(403, "forbidden", path, numbers, role="committee")
    api.refuse(422, "invalid-field", path, {"member_numbers": 2}, role="registrar")
    run.receive()
    answer = api.post(path, numbers, role="registrar")
    assert (answer["count"], answer["mode"]) == (4, "server")
    again = api.post(f"{run.base}/credentials/generate", role="registrar")["credentials"]
    assert list(again) == ["M2"]
    assert again["M2"] != run.credentials["M2"]


def dump(context: Context) -> dict[str, list[tuple[Any, ...]]]:
    with context.database.read() as session:
        tables = inspect(session.connection()).get_table_names()
        return {
            name: [tuple(row) for row in session.execute(text(f'SELECT * FROM "{name}"'))]  # noqa: S608
            for name in tables
        }


def test_the_database_has_no_private_credential_and_no_link(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    run = Run(api).set_up()
    published: list[str] = json.loads(api.send("GET", f"{run.base}/credentials").data)
    tables = dump(api.context)
    everything = repr(tables)
    for member, credential in run.credentials.items():
        assert credential not in everything
        assert credential.replace("-", "") not in everything
        assert credential not in caplog.text
        public = derive_public(GROUP, run.uuid, credential).text
        assert public in published
        # No row of any table holds both a member's number and a public credential.
        for rows in tables.values():
            assert not any(member in row and any(public == cell for cell in row) for row in rows)
    # The list's order is that of the keys, not that of the roll.
    assert published == sorted(published, key=lambda key: bytes.fromhex(key)[::-1])
    assert "Member 1" not in caplog.text


def test_a_roll_is_never_logged(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    run = Run(api).create().freeze(ROLL + "Zebulon Pike,Z9\n")
    api.refuse(409, "wrong-state", f"{run.base}/roll", ROLL, role="committee")
    assert "Zebulon" not in caplog.text
    assert "Z9" not in caplog.text
