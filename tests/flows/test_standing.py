"""Where a voter stands, told by a page that comes late or by a server that lies."""

import json

import pytest

from tests.flows.booth import CHALLENGED, Voter, ballots, vote_elsewhere
from tests.flows.elections import HeldElection
from tests.flows.people import Elections, People
from tests.flows.watching import Watcher
from tests.flows.wire import Wire

FORGED = "A ballot that you did not cast counts as yours"
CONTRADICTION = "The server contradicts your receipt"


def own_voter(people: People, election: HeldElection, member: str = "M1") -> Voter:
    return Voter(people.new(), election, member)


def answer_looks(voter: Voter, tracker: str | None) -> None:
    """The server says this of the voter's last ballot."""
    body = {"listed": True, "tracker": tracker}
    voter.page.route("**/credentials/lookup", lambda route: route.fulfill(json=body))


@pytest.mark.parametrize("state", ["paused", "closed"])
def test_who_comes_when_no_vote_is_taken_hears_whether_one_is_in(
    state: str, elections: Elections, people: People
) -> None:
    """A page that keeps nothing has promised that the link tells it."""
    election = elections.new(members=2).set_up()
    tracker = vote_elsewhere(election, "M1")
    if state == "paused":
        election.act("pause", {"reason": "The hall has no electricity."})
    else:
        election.close()
    voter = own_voter(people, election).open().see(f"Voting is {state}")
    voter.read("A ballot of yours is in the ballot box already.")
    assert voter.tracker() == tracker
    own_voter(people, election, "M2").open().read("No ballot of yours is in the ballot box.")


@pytest.mark.parametrize("tracker", [None, "A" * 43])
@pytest.mark.parametrize("has_link", [True, False])
def test_a_box_without_the_ballot_of_a_receipt_is_no_quiet_matter(
    tracker: str | None, has_link: bool, elections: Elections, people: People
) -> None:
    election = elections.new(members=2).set_up()
    voter = own_voter(people, election).cast()
    own = voter.tracker()
    answer_looks(voter, tracker)
    voter.open(None if has_link else f"{election.url}/vote").see(CONTRADICTION)
    assert voter.tracker() == own
    with voter.page.expect_download() as download:
        voter.press("Save as a file")
    assert json.loads(download.value.path().read_bytes())["tracker"] == own


def test_a_page_left_open_without_a_connection_does_not_replace_a_later_ballot(
    elections: Elections, people: People, wire: Wire, watcher: Watcher
) -> None:
    """Sent from a lift; cast from another phone, before the first one has a connection again."""
    watcher.expect(0, "POST", "/ballots")
    election = elections.new(members=2, revoting=True).set_up()
    voter = own_voter(people, election).with_clock().open().encrypt()
    wire.lose_requests("POST", "/ballots")
    voter.press("Cast this ballot").read("It is not known yet")
    overtaken = voter.tracker()
    voter.person.lose_network()
    wire.mend()
    other = vote_elsewhere(election, voter.member)
    voter.person.find_network()
    voter.hurry_to("A ballot of yours is in the ballot box already.")
    assert ballots(election) == [other]
    # The one that does not count, and the one that does.
    assert voter.trackers() == [overtaken, other]


@pytest.mark.parametrize("open_question", ["status", "lookup"])
def test_nothing_was_cast_is_said_by_the_box_only(
    open_question: str, elections: Elections, people: People, wire: Wire, watcher: Watcher
) -> None:
    """ "Closed" is no answer yet about a ballot of which an earlier request may still be at work: the box may not have
    ended, or something on the way refuses to let it be asked.
    """
    watcher.expect(0, "POST", "/ballots")
    watcher.expect(409, "POST", "/ballots")
    election = elections.new(members=2).set_up()
    voter = own_voter(people, election).with_clock().open().encrypt()
    wire.lose_requests("POST", "/ballots")
    voter.press("Cast this ballot").read("It is not known yet")
    status = election.status()
    election.close()
    if open_question == "status":
        voter.page.route("**/status", lambda route: route.fulfill(json=status))
    else:
        watcher.expect(403, "POST", "/lookup")
        refusal = {"code": "forbidden"}
        voter.page.route("**/lookup", lambda route: route.fulfill(status=403, json=refusal))
    wire.mend()
    voter.press("Try now").hurry_to("The next try is in 2 seconds")
    voter.page.unroute(f"**/{open_question}")
    voter.hurry_to("Voting is closed").see("Voting is closed").read(
        "Nothing was cast: your ballot is not in the ballot box."
    )
    assert ballots(election) == []


def test_a_ballot_that_was_only_to_be_checked_and_counts_is_the_servers_doing(
    elections: Elections, people: People, watcher: Watcher
) -> None:
    """The server takes a ballot that was opened, so that it knows this vote; and calls it the voter's own."""
    watcher.expect(409, "POST", "/challenges")
    election = elections.new(members=2).set_up()
    voter = own_voter(people, election).open().encrypt()
    stolen = voter.tracker()
    voter.page.route("**/challenges", lambda route: route.fulfill(body="{}"))
    voter.press("Check instead of cast").read("The server has not confirmed")
    voter.page.unroute("**/challenges")
    refusal = {"code": "already-cast"}
    voter.page.route("**/challenges", lambda route: route.fulfill(status=409, json=refusal))
    answer_looks(voter, stolen)
    voter.press("Try now").see(FORGED)
    assert voter.tracker() == stolen
    # Next time, too.
    voter.open().see(FORGED)
    assert voter.trackers() == [stolen]


def test_who_checks_after_voting_is_not_told_that_nothing_was_cast(
    elections: Elections, people: People
) -> None:
    election = elections.new(members=2, revoting=True).set_up()
    voter = own_voter(people, election).cast()
    voter.open().encrypt().press("Check instead of cast").see(CHALLENGED)
    voter.read("This ballot can never be cast. Your earlier one still counts.")
