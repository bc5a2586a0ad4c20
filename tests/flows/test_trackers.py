"""A voter looks for a ballot: the answer is found in the browser, and the tracker never leaves it."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from tests.flows.elections import HeldElection
from tests.flows.leaks import Secret
from tests.flows.people import Elections, People
from tests.flows.watching import Watcher

MISSING = "A" * 43


@pytest.fixture
def election(elections: Elections) -> HeldElection:
    """An election in which M1 has voted twice and M2 once."""
    held = elections.new(members=3, revoting=True).set_up()
    return held.vote("M1", [0], [0]).vote("M2", [1], [0]).vote("M1", [1], [1])


def trackers(election: HeldElection) -> list[str]:
    """In the order in which the ballots were cast."""
    text = election.client.get_bytes(f"/api/v1/elections/{election.uuid}/trackers").decode()
    return [line.split(" ")[1] for line in text.splitlines()]


def search(page: Page, text: str) -> None:
    page.get_by_label("Tracker").fill(text)
    page.get_by_role("button", name="Search").click()


def test_the_answers(people: People, election: HeldElection, watcher: Watcher) -> None:
    replaced, other, last = trackers(election)
    page = people.new().open(f"{election.url}/trackers")
    answer = page.get_by_role("status")
    # tests/web/test_trackers.py has more of what people type, and of what the answers say.
    for text in (last, f" {other[:20]} {other[20:]}\n"):
        search(page, text)
        expect(answer).to_contain_text("Your ballot is in the ballot box.")
    search(page, replaced)
    expect(answer).to_contain_text("a later one of the same voter counts instead")
    search(page, MISSING)
    expect(answer).to_contain_text("This tracker is not in the list.")
    for text in ("", "<b>x</b>"):
        search(page, text)
        expect(answer).to_contain_text("This is not a tracker.")
        expect(page.get_by_label("Tracker")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Tracker").fill(MISSING)
    page.keyboard.press("Enter")
    expect(answer).to_contain_text("This tracker is not in the list.")
    # The one that is in no list was seen nowhere either: nothing of what was typed was sent or kept.
    watcher.require_absent([Secret("the tracker that was typed", MISSING)])


def test_a_receipts_link_brings_its_tracker(people: People, election: HeldElection, watcher: Watcher) -> None:
    page = people.new(language="es").open(f"{election.url}/trackers?lang=es#{MISSING}")
    expect(page.get_by_role("status")).to_contain_text("Este código de seguimiento no está en la lista.")
    expect(page).to_have_url(re.compile(r"/trackers\?lang=es$"))
    watcher.require_absent([Secret("the tracker of the link", MISSING)])


def test_an_answer_is_never_that_of_another_tracker(people: People, election: HeldElection) -> None:
    last = trackers(election)[-1]
    page = people.new().open(f"{election.url}/trackers#{last}")
    answer = page.get_by_role("status")
    expect(answer).to_contain_text("Your ballot is in the ballot box.")
    # Another receipt's link in the same tab: the browser loads nothing anew.
    page.evaluate("(tracker) => { location.hash = tracker }", MISSING)
    expect(answer).to_contain_text("This tracker is not in the list.")
    expect(page.get_by_label("Tracker")).to_have_value(MISSING)
    expect(page).to_have_url(re.compile(r"/trackers$"))
    search(page, last)
    expect(answer).to_contain_text("Your ballot is in the ballot box.")
    page.evaluate("() => { location.hash = 'half-of-one' }")
    expect(answer).to_contain_text("This is not a tracker.")
    expect(page.get_by_label("Tracker")).to_have_value("")
    search(page, last)
    expect(answer).to_contain_text("Your ballot is in the ballot box.")
    page.get_by_label("Tracker").press("x")
    expect(answer).to_be_empty()


def test_a_late_list_does_not_answer_for_the_next_tracker(people: People, election: HeldElection) -> None:
    page = people.new().open(f"{election.url}/trackers")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/v1/elections/*/trackers", hold, times=1)
    search(page, trackers(election)[-1])
    expect(page.get_by_role("status")).to_contain_text("Fetching the list")
    search(page, MISSING)
    expect(page.get_by_role("status")).to_contain_text("This tracker is not in the list.")
    with page.expect_response("**/trackers"):
        held[0].continue_()
    page.evaluate("() => new Promise((done) => setTimeout(done, 100))")
    expect(page.get_by_role("status")).to_contain_text("This tracker is not in the list.")


def test_a_cancelled_election_counts_nothing_even_on_a_page_that_was_open_before(
    people: People, election: HeldElection
) -> None:
    page = people.new().open(f"{election.url}/trackers")
    tracker = trackers(election)[-1]
    search(page, tracker)
    expect(page.get_by_role("status")).to_contain_text("unless you vote once more before")
    election.act("cancel", {"reason": "A candidate's name was misspelt."})
    search(page, tracker)
    expect(page.get_by_role("status")).to_contain_text("no ballot of this election counts")


def test_without_network_it_says_so(people: People, election: HeldElection, watcher: Watcher) -> None:
    watcher.expect_trouble("ERR_INTERNET_DISCONNECTED")
    person = people.new()
    page = person.open(f"{election.url}/trackers")
    expect(page.get_by_role("button", name="Search")).to_be_visible()
    person.lose_network()
    search(page, MISSING)
    expect(page.get_by_role("status")).to_contain_text("The list could not be fetched.")
    person.find_network()
    search(page, MISSING)
    expect(page.get_by_role("status")).to_contain_text("This tracker is not in the list.")


def test_without_javascript_there_is_the_list(people: People, election: HeldElection) -> None:
    page = people.new(java_script_enabled=False).open(f"{election.url}/trackers")
    expect(page.locator("noscript .title")).to_have_text("JavaScript is off in this browser.")
    expect(page.locator("noscript .title")).to_be_visible()
    expect(page.get_by_label("Tracker", exact=True)).to_be_hidden()
    page.get_by_role("link", name="List of all trackers").click()
    expect(page.locator("body")).to_contain_text(trackers(election)[0])
