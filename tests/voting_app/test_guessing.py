"""Guessing credentials and links: what protects them is their length, and no answer helps whoever guesses.

Codes of voting are guessed without the server: the public halves are published. So no lock and no limit of requests
could protect them, and their 128 bits must.
"""

import json

import pytest
from flask import Flask
from sqlalchemy import text
from werkzeug.test import TestResponse

from crypto.ballot import ballot_tracker
from crypto.encoding import BASE58
from crypto.groups import get_group
from crypto.randomness import CREDENTIAL_GROUPS, new_token
from tests.simulator import read_entries
from tests.voting_app.api import Api, Run
from voting_app.accounts import links
from voting_app.accounts import service as accounts
from voting_app.app import create_app
from voting_app.context import Context


@pytest.fixture
def api(each_context: Context) -> Api:
    app: Flask = create_app(each_context.settings, clock=each_context.clock, database=each_context.database)
    return Api(each_context, app.test_client())


def told(answer: TestResponse) -> tuple[int, bytes, list[tuple[str, str]]]:
    """Everything that somebody learns from an answer but the time that it takes."""
    return answer.status_code, answer.data, sorted(answer.headers)


def test_what_is_guessed_is_long_enough() -> None:
    assert len(set(BASE58)) ** sum(CREDENTIAL_GROUPS) > 2**128
    # 43 characters of Base64 for 32 bytes of the system's chance.
    tokens = {new_token() for _ in range(50)}
    assert len(tokens) == 50
    assert {len(token) for token in tokens} == {43}


def test_wrong_tokens_are_all_told_the_same(api: Api) -> None:
    """Nothing about how near a guess was, whether the token was ever good, or whose it was."""
    run = Run(api).create().freeze().generate().seat()
    good = run.trustees[0].token
    with api.context.database.write() as session:
        ended = accounts.create_token(session, role="committee", label="", now=api.context.clock.now())
        accounts.end_account(session, ended.actor.account_number, api.context.clock.now())
        digests = session.execute(text("SELECT digest FROM access_token")).scalars().all()
    near = [good[:place] + ("A" if good[place] != "A" else "B") + good[place + 1 :] for place in (0, 21, 41)]
    guesses = [
        new_token(),
        ended.text,
        *digests,
        *near,
        good[:-1],
        good.swapcase(),
        "x",
        "%ff",
        "' OR 1=1 --",
    ]
    for method, path in (
        ("GET", "trustee"),
        ("POST", "trustee/commitment"),
        ("POST", "close"),
        ("GET", "trustees/progress"),
        # Of an election that is none, too.
        ("GET", "../aaaaaaaaaaaaaa/trustee"),
    ):
        address = f"{run.base}/{path}" if ".." not in path else "/api/v1/elections/aaaaaaaaaaaaaa/trustee"
        answers = {repr(told(api.send(method, address, token=guess))) for guess in guesses}
        assert len(answers) == 1, answers
        assert "not-authenticated" in answers.pop()
    assert api.get(f"{run.base}/trustee", token=good)["election"] == run.uuid


def test_tokens_are_looked_for_by_their_hash_only(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """So the time of a comparison tells of a hash, which nobody can steer towards that of a token."""
    asked: list[str] = []
    digest = accounts.digest

    def listen(word: str) -> str:
        asked.append(word)
        return digest(word)

    monkeypatch.setattr(accounts, "digest", listen)
    api.refuse(401, "not-authenticated", "/api/v1/elections", method="GET", token="guess" * 8)
    assert asked == ["guess" * 8]
    with api.context.database.read() as session:
        columns = session.execute(text("SELECT * FROM access_token")).all()
    assert not any(token in str(columns) for token in api.tokens.values())


def test_one_time_links_are_all_told_the_same(api: Api) -> None:
    with api.context.database.write() as session:
        used = links.create_setup_link(session, api.context.clock.now())
        good = links.create_setup_link(session, api.context.clock.now())
    near = good[:-2] + ("AA" if good[-2:] != "AA" else "BB")
    for method in ("GET", "POST"):
        answers = {
            repr(told(api.client.open(f"/setup/{link}", method=method)))
            for link in (used, near, "x", new_token())
        }
        assert len(answers) == 1, answers
    assert api.client.get(f"/setup/{good}").status_code == 200


def test_a_lookup_tells_what_everybody_can_read(api: Api) -> None:
    """Whether a public credential is on the list, and its last ballot: both stand in the archive."""
    run = Run(api).set_up(revoting=True)
    for member, president in (("M1", [0]), ("M2", [1]), ("M1", "blank")):
        assert run.cast(member, [president, [0]]).status_code == 201
    entries = read_entries(api.client.get(f"/elections/{run.uuid}/{run.uuid}.bel").data)
    listed = {line.partition(",")[0] for line in json.loads(entries[0].body("credentials"))}
    published: dict[str, str | None] = dict.fromkeys(listed)
    for entry in entries:
        if entry.type == "Ballot":
            published[json.loads(entry.bodies[0])["credential"]] = ballot_tracker(entry.bodies[0])
    assert len(listed) == 4
    assert len([tracker for tracker in published.values() if tracker]) == 2
    stranger = get_group("Ed25519").power_g(5).text
    answers = {
        public: api.post(f"{run.base}/credentials/lookup", {"credential": public})
        for public in (*published, stranger)
    }
    assert answers == {
        **{public: {"listed": True, "tracker": tracker} for public, tracker in published.items()},
        stranger: {"listed": False, "tracker": None},
    }


def test_who_looks_up_gives_no_secret(api: Api) -> None:
    """A private code is no public one: it is refused by its form, unread by any list."""
    run = Run(api).set_up()
    for code in run.credentials.values():
        problem = api.refuse(422, "invalid-field", f"{run.base}/credentials/lookup", {"credential": code})
        assert code not in json.dumps(problem)
