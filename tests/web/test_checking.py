"""The check page finds out what the command does (tests/audit/test_check_ballot.py), also where the server lies."""

from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from crypto.ballot import ballot_tracker, make_ballot, votes_from_choices
from crypto.challenge import encode_challenge
from crypto.encoding import sha256_hex
from crypto.journal import SERVICE
from crypto.randomness import SeedCoins
from tests.simulator import KINDS, Act, Simulation, simulated
from tests.web.node import Node

SEED = bytes(range(32))
CHOICES: list[Any] = [[0, 2], [1]]
ELECTION = simulated(replace(KINDS["presented"], stage="open"))
UUID = ELECTION.election.uuid
RAW = make_ballot(
    ELECTION.election,
    ELECTION.credentials[0],
    votes_from_choices(ELECTION.election, CHOICES),
    SeedCoins(SEED),
)
OTHER = simulated(replace(KINDS["presented"], stage="open", seed=99))
FIRST = ELECTION.acts[0]
# The same story, sealed by somebody else.
REWRITTEN = replace(ELECTION, service_key=OTHER.service_key).with_acts(
    [
        replace(FIRST, payload={**FIRST.payload, "service_key": OTHER.service_key.public}),
        *ELECTION.acts[1:],
    ]
)
TRACKER = ballot_tracker(RAW)
DATA, BALLOT = f"/api/v1/elections/{UUID}/election", f"/api/v1/elections/{UUID}/challenges/{sha256_hex(RAW)}"
JOURNAL = f"/elections/{UUID}/{UUID}.journal.jsonl"


def journal_with(tracker: str, simulation: Simulation = ELECTION) -> str:
    act = Act("ballot-challenged", {"tracker": tracker}, SERVICE, len(simulation.entries) - 1)
    return simulation.with_acts([*simulation.acts, act]).journal.decode()


FILES = {DATA: ELECTION.election.raw.decode(), BALLOT: RAW.decode(), JOURNAL: journal_with(TRACKER)}


def check(js: Node, choices: Any = None, **changed: str | None) -> Any:
    """With some of the server's answers changed: data, ballot, journal; "" for one that is missing."""
    names = {"data": DATA, "ballot": BALLOT, "journal": JOURNAL}
    files = {**FILES, **{names[name]: text for name, text in changed.items()}}
    code = encode_challenge(TRACKER, SEED, choices or CHOICES)
    found = {path: text for path, text in files.items() if text != ""}
    return js.call("checkOpening", uuid=UUID, opened={"code": code, "tracker": TRACKER}, files=found)


def test_a_ballot_that_the_journal_names(js: Node) -> None:
    found = check(js)
    assert (found["contents"]["choices"], found["isGivenUp"]) == (CHOICES, True)


@pytest.mark.parametrize(
    "journal",
    [
        "",
        ELECTION.journal.decode(),
        journal_with(ballot_tracker(b"another")),
        journal_with(TRACKER, OTHER),
        journal_with(TRACKER, REWRITTEN),
    ],
    ids=["missing", "silent", "of another ballot", "of another election", "of another key"],
)
def test_a_ballot_that_the_journal_does_not_name(js: Node, journal: str) -> None:
    """The server has it, and could cast it later."""
    found = check(js, journal=journal)
    assert (found["contents"]["choices"], found["isGivenUp"]) == (CHOICES, False)


@pytest.mark.parametrize(
    "journal", [None, "{}\n", FILES[JOURNAL][:-1], FILES[JOURNAL].replace(UUID, "x" * 14)]
)
def test_of_a_journal_that_cannot_be_read_nothing_is_concluded(js: Node, journal: str | None) -> None:
    assert check(js, journal=journal) == "failed"


@pytest.mark.parametrize("journal", [None, "", "{}\n"])
def test_no_journal_hides_a_ballot_that_is_wrong(js: Node, journal: str | None) -> None:
    found = check(js, [[0, 1], [1]], journal=journal)
    assert found["contents"]["rule"] == "V4"
    assert not found["isGivenUp"]


def test_a_ballot_or_election_that_the_server_does_not_know(js: Node) -> None:
    assert check(js, ballot="") == "missing"
    assert check(js, data="") == "missing"
    assert check(js, data=simulated(replace(KINDS["plain"])).election.raw.decode()) == "missing"
    assert check(js, ballot=None) == "failed"


@pytest.mark.parametrize(
    "change",
    [
        lambda code: code,
        lambda code: f"https://vote.example/elections/{UUID}/check#{code}",
        lambda code: f"{code[:30]}\n  {code[30:]}\n",
        # What some scanners and messengers make of an address.
        lambda code: quote(code, safe=""),
        lambda code: f"https://vote.example/check#{quote(code, safe='')}".replace("%2C", "%2c"),
        lambda code: f"100 % sure: {code}",
    ],
)
def test_a_code_is_found_in_what_was_scanned_or_pasted(js: Node, change: Any) -> None:
    """One that lost its end on the way would accuse an honest device."""
    code = f"1.{'a+/' * 14}a.{'b+/' * 14}b.0,2;;b;1"
    assert js.call("checkFindCode", text=change(code)) == {"code": code, "tracker": "a+/" * 14 + "a"}


@pytest.mark.parametrize("text", ["", "%", "main", "1.A.B.0", f"1.{'a' * 43}.{'b' * 42}."])
def test_what_has_no_code(js: Node, text: str) -> None:
    assert js.call("checkFindCode", text=text) is None
