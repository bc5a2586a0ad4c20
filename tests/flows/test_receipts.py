"""A receipt is worth what the sheet says: its key, and whether a vote is final, are under the fingerprint (ADR 0009).

Who runs the server can show one voter whatever they like, in status, journal and receipts alike. Here they do.
"""

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Route

from crypto.encoding import encode_json_bytes
from crypto.receipt import ServiceKey, make_receipt, parse_receipt, verify_receipt
from tests.flows.booth import DO_NOT_VOTE, IN_THE_BOX, Voter, ballots
from tests.flows.elections import HeldElection
from tests.flows.people import Elections, People
from tests.flows.serving import Installation
from tests.flows.wire import Wire
from voting_app.demo.people import base

FALSE_KEY = ServiceKey(hashlib.sha256(b"the key of one voter").digest())


@pytest.fixture(scope="module")
def election(installation: Installation) -> Iterator[HeldElection]:
    """An open election that the tests of this file share: each uses members of its own."""
    with installation.client() as client:
        yield Elections(installation, client).new(members=20).set_up()


@pytest.fixture(scope="module")
def members(election: HeldElection) -> Iterator[str]:
    """Those who have not voted yet."""
    return iter(election.credentials)


@pytest.fixture
def voter(people: People, election: HeldElection, members: Iterator[str]) -> Voter:
    """Somebody with a phone and a code that nobody has used."""
    return Voter(people.new(), election, next(members))


def say(voter: Voter, **fields: Any) -> None:
    """The server tells this voter something else in the status, and in the journal's first line."""
    status = {**voter.election.status(), **fields}
    voter.page.route("**/status", lambda route: route.fulfill(json=status))
    uuid = voter.election.uuid
    first, *rest = voter.election.client.get_bytes(f"/elections/{uuid}/{uuid}.journal.jsonl").split(b"\n")
    line: dict[str, Any] = json.loads(first)
    line["payload"]["service_key"] = status["service_key"]
    journal = b"\n".join([json.dumps(line, separators=(",", ":")).encode(), *rest])
    voter.page.route("**/*.journal.jsonl", lambda route: route.fulfill(body=journal))


def sign_with_another_key(voter: Voter) -> None:
    """The ballots are taken, and what they get for it are receipts in which only the signature is false."""
    client, address = voter.election.client, f"{base(voter.election.uuid)}/ballots"

    def cast(route: Route) -> None:
        body = client.post(address, route.request.post_data_buffer)
        true = parse_receipt(encode_json_bytes(body["receipt"]))
        false = make_receipt(FALSE_KEY, true.election, true.tracker, true.height, true.event)
        verify_receipt(false, FALSE_KEY.public)
        route.fulfill(status=201, json={**body, "receipt": false.encode()})

    voter.page.route("**/ballots", cast)


def change_record(voter: Voter, change: Callable[[dict[str, Any]], None]) -> None:
    """The server shows this voter other election data."""
    value: dict[str, Any] = json.loads(voter.election.parameters.raw)
    change(value)
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    voter.page.route("**/api/v1/elections/*/election", lambda route: route.fulfill(body=body))


def _name_another_key(value: dict[str, Any]) -> None:
    value["steward"]["record"]["service_key"] = FALSE_KEY.public


def _name_nothing(value: dict[str, Any]) -> None:
    # Nothing else is in it where the committee gave neither languages nor rules.
    assert set(value.pop("steward")) == {"version", "record"}


@pytest.mark.parametrize(
    "fields", [{"service_key": FALSE_KEY.public}, {"revoting": True}], ids=["key", "finality"]
)
def test_a_status_that_contradicts_the_election_data_is_refused(
    fields: dict[str, Any], voter: Voter, wire: Wire
) -> None:
    """Another key in status, journal and receipts alike would sign receipts that prove nothing to anybody else."""
    say(voter, **fields)
    sign_with_another_key(voter)
    voter.open().see(DO_NOT_VOTE)
    assert not wire.find("POST", "/")


def test_a_receipt_under_another_key_is_not_believed(voter: Voter, wire: Wire) -> None:
    """The server keeps to the true key until it signs."""
    sign_with_another_key(voter)
    voter.open().encrypt()
    tracker = voter.tracker()
    voter.press("Cast this ballot").see("The receipt is not valid").read(
        "does not bear the election's signature"
    )
    assert voter.tracker() == tracker
    # And the ballot box may well have it: that is said, too.
    assert tracker in ballots(voter.election)
    # The election data name the key, so that no voter fetches the journal for it.
    assert not wire.find("GET", ".journal.jsonl")


def test_a_kept_receipt_convicts_a_server_that_changes_its_key(elections: Elections, people: People) -> None:
    """Without a fingerprint in the link nothing is left to compare but what this device keeps."""
    held = elections.new(members=2).set_up()
    voter = Voter(people.new(), held, "M1").cast()
    say(voter, service_key=FALSE_KEY.public)
    change_record(voter, _name_another_key)
    voter.open(voter.link(fingerprint="")).see("The server contradicts your receipt")


def test_the_fingerprint_covers_the_key(voter: Voter) -> None:
    change_record(voter, _name_another_key)
    voter.open().see(DO_NOT_VOTE).read("the fingerprints differ")


def test_no_vote_where_no_key_is_fixed(voter: Voter, wire: Wire) -> None:
    """An election that was set up by an earlier version: nothing here could tell a true receipt from a false one."""
    change_record(voter, _name_nothing)
    voter.open(voter.link(fingerprint="")).see("You cannot vote in this election here")
    assert voter.page.get_by_role("button").count() == 0
    assert not wire.find("POST", "/")


@pytest.mark.parametrize("revoting", [False, True])
def test_finality_is_said_as_the_election_data_have_it(
    revoting: bool, elections: Elections, people: People, voter: Voter
) -> None:
    if revoting:
        voter = Voter(people.new(), elections.new(members=2, revoting=True).set_up(), "M1")
    record = json.loads(voter.election.parameters.raw)["steward"]["record"]
    assert record == {"service_key": voter.election.status()["service_key"], "revotes": revoting}
    sentence = "You may vote again until voting closes" if revoting else "Your vote is final"
    voter.open().read(sentence).encrypt().read(sentence).press("Cast this ballot").see(IN_THE_BOX)
