"""Members vote in a real browser: everything that can happen on the way, and what the page then says."""

import base64
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect

from crypto.receipt import parse_receipt, verify_receipt
from crypto.words import fingerprint_words
from tests.flows.booth import (
    CASTING,
    CHALLENGED,
    DO_NOT_VOTE,
    ENCRYPTED,
    IN_THE_BOX,
    REVIEW,
    VOTED,
    Voter,
    ballots,
    require_clean_history,
    vote_elsewhere,
)
from tests.flows.browser import DESK, slow_down
from tests.flows.elections import SHARED, HeldElection
from tests.flows.leaks import Secret, choice_secrets, credential_secrets
from tests.flows.people import Elections, People
from tests.flows.serving import Installation
from tests.flows.watching import Watcher
from tests.flows.wire import Wire, weigh
from voting_app.demo.client import RefusedError
from voting_app.demo.people import base
from voting_app.languages import LANGUAGES

ONE_QUESTION = [{"question": "Strike?", "answers": ["Yes", "No"], "min": 1, "max": 1}]
SPANISH = {
    "name": "Directiva de la Sección 12",
    "description": "Elegimos la directiva.",
    "questions": [
        {"question": "Presidencia", "answers": ["Ada Lovelace", "Grace Hopper"]},
        {"question": "¿Subir las cuotas un 2 %?", "answers": ["Sí", "No"]},
    ],
}
# What a browser tells a page that it keeps as it is, and that it brings back.
LEAVE = "kind => dispatchEvent(new PageTransitionEvent(kind, { persisted: true }))"
NOTHING_CAST = "Nothing was cast: your ballot is not in the ballot box."


@pytest.fixture(scope="module")
def election(installation: Installation) -> Iterator[HeldElection]:
    """An open election that the tests of this file share: each uses members of its own."""
    with installation.client() as client:
        elections = Elections(installation, client)
        yield elections.new(members=150, language="en", texts={"es": SPANISH}, **SHARED).set_up()


@pytest.fixture(scope="module")
def members(election: HeldElection) -> Iterator[str]:
    """Those who have not voted yet."""
    return iter(election.credentials)


@pytest.fixture
def voter(people: People, election: HeldElection, members: Iterator[str]) -> Voter:
    """Somebody with a phone and a code that nobody has used."""
    return Voter(people.new(), election, next(members))


def own_voter(people: People, election: HeldElection, member: str = "M1") -> Voter:
    return Voter(people.new(), election, member)


def stored(voter: Voter) -> Any:
    return voter.record


# --- the way ---------------------------------------------------------------------------------------------------


def test_six_taps_from_the_sheet_to_the_receipt(
    elections: Elections, people: People, watcher: Watcher, tmp_path: Path
) -> None:
    election = elections.new(members=2, questions=ONE_QUESTION).set_up()
    voter = own_voter(people, election).open().read("Your browser's history may keep the link that you open")
    scan = 1
    voter.press("Begin").choose("Yes").press("Review your choices").press("Encrypt my ballot")
    voter.press("Cast this ballot").see(IN_THE_BOX)
    assert scan + voter.taps <= 6
    assert voter.page.url == f"{election.url}/vote"
    assert ballots(election) == [voter.tracker()]
    with voter.page.expect_download() as download:
        voter.press("Save as a file")
    download.value.save_as(tmp_path / "receipt.json")
    receipt = parse_receipt((tmp_path / "receipt.json").read_bytes())
    verify_receipt(receipt, election.status()["service_key"])
    assert receipt.tracker == voter.tracker()
    watcher.require_absent(credential_secrets(election.parameters, voter.code))


def test_whole_vote_betrays_nothing(voter: Voter, watcher: Watcher) -> None:
    voter.cast(president="Ada Lovelace", dues="Yes")
    assert voter.tracker() in ballots(voter.election)
    watcher.require_absent(
        [
            *credential_secrets(voter.election.parameters, voter.code),
            *choice_secrets([0], [0], answers=[2, 2]),
        ]
    )
    assert set(voter.record) == {"version", "kept"}
    # A look at the ballot box and back: the receipt may stand nowhere else, and there is no code any more.
    voter.page.evaluate(LEAVE, "pagehide")
    voter.page.evaluate(LEAVE, "pageshow")
    voter.see(IN_THE_BOX).read("This is your receipt.")


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_booth_is_light(language: str, elections: Elections, people: People, watcher: Watcher) -> None:
    """150 kB compressed for a phone with a weak signal, from the link to the first question."""
    election = elections.new(members=2).set_up()
    person = people.new(language=language)
    before = len(watcher.wire.exchanges)
    Voter(person, election, "M1").open()
    person.page.locator("#view .actions button").first.click()
    person.page.locator("#choice-0").wait_for()
    fetched = watcher.wire.exchanges[before:]
    assert {"/static/pages/vote.js", "/static/booth/worker.js"} <= {exchange.path for exchange in fetched}
    # What only the second device and trustees need is not among it.
    others = ("/static/booth/journal.js", "/static/pages/trustee", "/texts/trustees/")
    assert not [exchange.path for exchange in fetched if exchange.path.startswith(others)]
    assert weigh(fetched).bodies <= 150_000


def test_requests_tell_nothing_of_the_choices(
    people: People, election: HeldElection, members: Iterator[str], watcher: Watcher
) -> None:
    """Whatever somebody chooses, the browser sends the same requests with the same structure."""
    shapes = []
    for president, dues in (
        ("Ada Lovelace", "Yes"),
        ("Blank vote: I take part, and choose nobody and nothing", "No"),
    ):
        before = len(watcher.shapes())
        Voter(people.new(), election, next(members)).cast(president=president, dues=dues)
        shapes.append([shape for shape in watcher.shapes()[before:] if "/api/" in shape[1]])
    assert set(shapes[0]) == set(shapes[1])


def test_a_code_is_typed(voter: Voter, watcher: Watcher) -> None:
    page = voter.person.open(f"{voter.election.url}/vote")
    field = page.get_by_label("Voting code")
    for name, value in {"autocapitalize": "off", "autocomplete": "off", "spellcheck": "false"}.items():
        expect(field).to_have_attribute(name, value)
    assert page.locator("form").count() == 0
    field.fill(voter.code[:-1])
    voter.press("Continue").read("this one has 21")
    expect(field).to_be_focused()
    field.fill(voter.code[:-1] + "0")
    voter.press("Continue").read("These characters never stand in a code: 0")
    field.fill(" " + voter.code.replace("-", " – ") + " ")
    voter.press("Continue").encrypt().press("Cast this ballot").see(IN_THE_BOX)
    watcher.require_absent(credential_secrets(voter.election.parameters, voter.code))


def test_a_code_is_typed_without_network(voter: Voter, watcher: Watcher) -> None:
    watcher.expect_trouble("a request failed")
    page = voter.person.open(f"{voter.election.url}/vote")
    page.get_by_label("Voting code").wait_for()
    voter.person.lose_network()
    page.get_by_label("Voting code").fill(voter.code)
    voter.press("Continue").see("The server cannot be reached")
    voter.person.find_network()
    voter.press("Try again").read("Is this the right election?")


def test_the_language_is_switched_on_the_way(voter: Voter, watcher: Watcher) -> None:
    voter.open().press("Begin").choose("Grace Hopper").press("Next question")
    voter.page.get_by_role("link", name="Español").click()
    voter.see("¿Subir las cuotas un 2 %?")
    assert voter.page.url.endswith("/vote?lang=es")
    expect(voter.page.locator("html")).to_have_attribute("lang", "es")
    voter.choose("Sí").press("Revisar sus opciones")
    assert voter.page.locator(".answers li").all_text_contents() == ["Grace Hopper", "Sí"]
    voter.page.get_by_role("link", name="English").click()
    voter.see(REVIEW).press("Encrypt my ballot").press("Cast this ballot").see(IN_THE_BOX)
    watcher.require_absent(credential_secrets(voter.election.parameters, voter.code))


def test_everything_by_keyboard(people: People, election: HeldElection, members: Iterator[str]) -> None:
    voter = Voter(people.new(DESK), election, next(members)).open()
    page = voter.page
    voter.read("Is this the right election?")
    page.get_by_role("button", name="Begin").press("Enter")
    # Each view takes the reader to its heading; what can be used comes after it.
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    expect(page.get_by_label("Ada Lovelace")).to_be_checked()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_label("Grace Hopper")).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    voter.see(REVIEW)
    for _ in range(3):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    voter.see(ENCRYPTED)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    voter.see(IN_THE_BOX)


def test_the_way_back_of_the_phone_leads_through_the_steps(voter: Voter) -> None:
    voter.open().fill_in()
    voter.page.go_back()
    voter.see("Raise the dues by 2 %?")
    voter.page.go_back()
    voter.see("President")
    voter.page.go_back()
    voter.see(voter.election.name)
    voter.press("Begin")
    expect(voter.page.get_by_label("Grace Hopper")).to_be_checked()


def test_a_choice_that_is_not_allowed_is_explained(elections: Elections, people: People) -> None:
    questions = [{"question": "Delegates", "answers": ["A1", "B2", "C3", "D4"], "min": 2, "max": 3}]
    election = elections.new(members=2, questions=questions).set_up()
    voter = own_voter(people, election).open().press("Begin")
    voter.read("Choose at least 2 and at most 3.").press("Review your choices")
    voter.read("Choose something first.").choose("A1").read("Choose 1 more.")
    voter.choose("B2", "C3", "D4").press("Review your choices")
    voter.read("You have chosen more than is allowed: 3 at most. Take some back.")
    voter.choose("A1").press("Review your choices").see(REVIEW)
    assert voter.page.locator(".answers li").all_text_contents() == ["B2", "C3", "D4"]


# --- lost, twice, too late -----------------------------------------------------------------------------------------


def _lose_the_request(wire: Wire) -> None:
    wire.lose_requests("POST", "/ballots")


def _lose_the_answer(wire: Wire) -> None:
    wire.lose_answers("POST", "/ballots")


@pytest.mark.parametrize("lose", [_lose_the_request, _lose_the_answer])
def test_a_lost_connection_loses_no_vote_and_casts_none_twice(
    lose: Callable[[Wire], None], voter: Voter, wire: Wire, watcher: Watcher
) -> None:
    watcher.expect(0, "POST", "/ballots")
    voter.with_clock().open().encrypt()
    lose(wire)
    voter.press("Cast this ballot").read("It is not known yet whether your ballot has arrived.")
    tracker = voter.tracker()
    assert stored(voter)["sending"]["tracker"] == tracker
    # During a retry, too.
    _lose_the_answer(wire)
    voter.press("Try now").read("The next try is in 2 seconds")
    wire.mend()
    voter.hurry_to(IN_THE_BOX).see(IN_THE_BOX)
    assert voter.tracker() == tracker
    assert ballots(voter.election).count(tracker) == 1
    sent = wire.find("POST", "/ballots")
    assert len(sent) >= 3
    assert len({exchange.body for exchange in sent}) == 1
    assert set(stored(voter)) == {"version", "kept"}


def test_the_ballot_leaves_as_soon_as_the_network_is_back(voter: Voter, watcher: Watcher) -> None:
    watcher.expect_trouble("a request failed: POST")
    voter.with_clock().open().encrypt()
    voter.person.lose_network()
    voter.press("Cast this ballot").read("There is no connection to the server at the moment.")
    for seconds in ("2 seconds", "4 seconds", "8 seconds"):
        voter.hurry_to(f"The next try is in {seconds}")
    voter.person.find_network()
    expect(voter.page.get_by_role("heading", level=1, name=IN_THE_BOX)).to_be_visible(timeout=4_000)


def test_a_double_click_does_nothing_that_was_not_meant(voter: Voter, wire: Wire) -> None:
    voter.open().fill_in()
    voter.page.get_by_role("button", name="Encrypt my ballot").dblclick()
    voter.see(ENCRYPTED)
    voter.page.wait_for_timeout(500)
    voter.see(ENCRYPTED)
    voter.page.get_by_role("button", name="Cast this ballot").dblclick()
    voter.see(IN_THE_BOX)
    assert len(wire.find("POST", "/ballots")) == 1


def test_a_double_click_opens_one_ballot_and_encrypts_one(voter: Voter, wire: Wire) -> None:
    before = ballots(voter.election)
    voter.open().encrypt()
    spoiled = voter.tracker()
    voter.page.get_by_role("button", name="Check instead of cast").dblclick()
    voter.see(CHALLENGED)
    assert len(wire.find("POST", "/challenges")) == 1
    voter.page.get_by_role("button", name="Encrypt again").dblclick()
    voter.see(ENCRYPTED)
    voter.page.wait_for_timeout(500)
    voter.see(ENCRYPTED)
    assert voter.tracker() != spoiled
    assert ballots(voter.election) == before


def test_a_double_click_while_the_connection_is_lost(voter: Voter, wire: Wire, watcher: Watcher) -> None:
    watcher.expect(0, "POST", "/ballots")
    before = ballots(voter.election)
    voter.open().encrypt()
    _lose_the_answer(wire)
    voter.page.get_by_role("button", name="Cast this ballot").dblclick()
    voter.read("It is not known yet")
    tracker = voter.tracker()
    wire.mend()
    voter.page.get_by_role("button", name="Try now").dblclick()
    voter.see(IN_THE_BOX)
    assert ballots(voter.election) == [*before, tracker]


def test_a_reload_while_a_ballot_is_given_up(voter: Voter, wire: Wire, watcher: Watcher) -> None:
    """Whether the server heard of it or not: that ballot is never cast, and the voter can vote."""
    watcher.expect(0, "POST", "/challenges")
    before = ballots(voter.election)
    spoiled = []
    for lose in (wire.lose_requests, wire.lose_answers):
        voter.open().encrypt()
        spoiled.append(voter.tracker())
        lose("POST", "/challenges")
        voter.press("Check instead of cast").read("is shown as soon as the server has confirmed")
        voter.page.reload()
        expect(voter.page.get_by_label("Voting code")).to_be_visible()
        assert stored(voter) is None
        wire.mend()
    voter.cast()
    assert ballots(voter.election) == [*before, voter.tracker()]
    assert voter.tracker() not in spoiled


def test_a_tab_that_waits_goes_on_when_the_other_one_is_closed(
    voter: Voter, wire: Wire, watcher: Watcher
) -> None:
    """What the voter said first comes first, and both tabs would say the same."""
    watcher.expect(0, "POST", "/ballots")
    before = ballots(voter.election)
    voter.open().encrypt()
    other = voter.in_tab(voter.person.new_tab()).open().encrypt(president="Ada Lovelace")
    _lose_the_request(wire)
    voter.press("Cast this ballot").read("There is no connection")
    tracker = voter.tracker()
    other.press("Cast this ballot").read("Another tab of this browser is casting a ballot.")
    voter.person.close_tab(voter.page)
    wire.mend()
    other.see(IN_THE_BOX)
    assert other.tracker() == tracker
    assert ballots(voter.election) == [*before, tracker]


def test_two_tabs_know_of_each_other(voter: Voter) -> None:
    voter.open().encrypt()
    other = voter.in_tab(voter.person.new_tab()).open().encrypt(president="Ada Lovelace")
    voter.press("Cast this ballot").see(IN_THE_BOX)
    other.see(IN_THE_BOX)
    assert other.tracker() == voter.tracker()


def test_two_tabs_that_cast_at_once(voter: Voter, wire: Wire, watcher: Watcher) -> None:
    """The second tab waits for the first one, and then says whose ballot is in the box."""
    watcher.expect(0, "POST", "/ballots")
    voter.open().encrypt()
    other = voter.in_tab(voter.person.new_tab()).open().encrypt(president="Ada Lovelace")
    _lose_the_request(wire)
    voter.press("Cast this ballot").read("There is no connection")
    other.press("Cast this ballot").read("Another tab of this browser is casting a ballot.")
    tracker = voter.tracker()
    wire.mend()
    voter.see(IN_THE_BOX)
    other.see(VOTED if other.page.get_by_role("heading", name=VOTED).is_visible() else IN_THE_BOX)
    assert other.tracker() == tracker
    assert ballots(voter.election).count(tracker) == 1


def test_two_phones(voter: Voter, watcher: Watcher) -> None:
    """The second one is told that nothing was cast, and the tracker of the ballot that counts."""
    watcher.expect(409, "POST", "/ballots")
    voter.open().encrypt()
    other = vote_elsewhere(voter.election, voter.member)
    own = voter.tracker()
    voter.press("Cast this ballot").see(VOTED).read("nothing was cast now")
    assert voter.tracker() == other
    assert stored(voter) is None
    # Of the ballot that was made here it is said that it does not count.
    voter.read("The ballot that this device was sending does not count.")
    assert voter.trackers() == [other, own]
    # And who comes later sees it at once.
    voter.open().see(VOTED).read("If it was not you")
    assert voter.tracker() == other


@pytest.mark.parametrize("view", ["intro", "question", "review", "ballot", "challenged"])
def test_a_page_that_is_loaded_again_before_casting_has_cast_nothing(view: str, voter: Voter) -> None:
    before = ballots(voter.election)
    voter.open()
    steps: dict[str, Callable[[], Any]] = {
        "intro": lambda: voter.read("Is this the right election?"),
        "question": lambda: voter.press("Begin").choose("Grace Hopper"),
        "review": voter.fill_in,
        "ballot": voter.encrypt,
        "challenged": lambda: voter.encrypt().press("Check instead of cast").see(CHALLENGED),
    }
    steps[view]()
    voter.page.reload()
    expect(voter.page.get_by_label("Voting code")).to_be_visible()
    assert stored(voter) is None
    assert ballots(voter.election) == before
    voter.cast()


@pytest.mark.parametrize("how", ["reload", "closed tab"])
@pytest.mark.parametrize("lose", [_lose_the_request, _lose_the_answer])
def test_a_page_that_goes_away_while_casting_goes_on_by_itself(
    how: str, lose: Callable[[Wire], None], voter: Voter, wire: Wire, watcher: Watcher
) -> None:
    watcher.expect(0, "POST", "/ballots")
    voter.open().encrypt()
    lose(wire)
    voter.press("Cast this ballot").read("It is not known yet")
    tracker = voter.tracker()
    if how == "reload":
        wire.mend()
        voter.page.reload()
    else:
        later = voter.person.new_tab()
        voter.person.close_tab(voter.page)
        wire.mend()
        voter = voter.in_tab(later)
        voter.page.goto(f"{voter.election.url}/vote")
    voter.see(IN_THE_BOX)
    assert voter.tracker() == tracker
    assert ballots(voter.election).count(tracker) == 1
    # The receipt stays, until it is removed.
    voter.page.reload()
    voter.see(IN_THE_BOX).press("Remove from this device").read("This device does not keep the receipt")
    assert stored(voter) is None
    voter.page.reload()
    expect(voter.page.get_by_label("Voting code")).to_be_visible()


def test_a_pause_keeps_the_ballot(elections: Elections, people: People, watcher: Watcher) -> None:
    watcher.expect(409, "POST", "/ballots")
    election = elections.new(members=2).set_up()
    voter = own_voter(people, election).open().encrypt()
    tracker = voter.tracker()
    election.act("pause", {"reason": "The hall has no electricity."})
    voter.press("Cast this ballot").see("Voting is paused").read(NOTHING_CAST)
    voter.page.reload()
    voter.see("Voting is paused").read(NOTHING_CAST)
    election.act("resume")
    voter.press("Try again").see(IN_THE_BOX)
    assert [voter.tracker()] == [tracker] == ballots(election)


def test_who_comes_too_late_is_told_so(elections: Elections, people: People, watcher: Watcher) -> None:
    watcher.expect(409, "POST", "/ballots")
    election = elections.new(members=3).set_up()
    early = own_voter(people, election, "M2").cast()
    voter = own_voter(people, election).open().encrypt()
    election.close()
    voter.press("Cast this ballot").see("Voting is closed").read(NOTHING_CAST)
    assert stored(voter) is None
    assert ballots(election) == [early.tracker()]
    voter.open().see("Voting is closed")
    # Who has a receipt on the device sees that instead.
    early.open().see(IN_THE_BOX)


def test_a_lost_answer_before_the_closing_is_no_lost_vote(
    elections: Elections, people: People, wire: Wire
) -> None:
    election = elections.new(members=2).set_up()
    voter = own_voter(people, election).with_clock().open().encrypt()
    _lose_the_answer(wire)
    voter.press("Cast this ballot").read("It is not known yet")
    election.close()
    wire.mend()
    voter.hurry_to(IN_THE_BOX).see(IN_THE_BOX)
    assert ballots(election) == [voter.tracker()]


def test_without_storage_the_page_says_so_and_the_code_tells_later(
    people: People, election: HeldElection, members: Iterator[str], wire: Wire, watcher: Watcher
) -> None:
    # The page is loaded again while it tries to send.
    watcher.expect_trouble("a request failed: POST")
    voter = Voter(people.new(), election, next(members))
    voter.person.context.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('denied', 'SecurityError'); }})"
    )
    voter.open().encrypt()
    _lose_the_answer(wire)
    voter.press("Cast this ballot").read("Do not close this page before you see the receipt.")
    tracker = voter.tracker()
    wire.mend()
    voter.page.reload()
    voter.page.get_by_label("Voting code").fill(voter.code)
    voter.press("Continue").see(VOTED)
    assert voter.tracker() == tracker


def test_voting_again_where_that_is_allowed(elections: Elections, people: People) -> None:
    election = elections.new(members=2, revoting=True).set_up()
    voter = own_voter(people, election).open().read("You may vote again until voting closes")
    voter.encrypt().press("Cast this ballot").see(IN_THE_BOX)
    first = voter.tracker()
    voter.open().read("A ballot of yours is in the ballot box already.")
    assert voter.tracker() == first
    voter.encrypt(president="Ada Lovelace").press("Cast this ballot").see(IN_THE_BOX)
    assert ballots(election) == [f"{first} replaced", voter.tracker()]


@pytest.mark.parametrize("lose", [_lose_the_request, _lose_the_answer])
def test_a_vote_that_replaces_another_one_is_not_lost_either(
    lose: Callable[[Wire], None], elections: Elections, people: People, wire: Wire, watcher: Watcher
) -> None:
    """The page has promised to go on by itself; the ballot that is in the box is the one to be replaced."""
    watcher.expect(0, "POST", "/ballots")
    election = elections.new(members=2, revoting=True).set_up()
    voter = own_voter(people, election).cast()
    first = voter.tracker()
    voter.open().read("A ballot of yours is in the ballot box already.")
    voter.encrypt(president="Ada Lovelace")
    lose(wire)
    voter.press("Cast this ballot").read("It is not known yet")
    second = voter.tracker()
    wire.mend()
    voter.page.goto("about:blank")
    voter.page.goto(f"{election.url}/vote")
    voter.see(IN_THE_BOX)
    assert voter.tracker() == second
    assert ballots(election) == [f"{first} replaced", second]


def test_an_unsent_ballot_does_not_replace_a_later_one(
    elections: Elections, people: People, wire: Wire, watcher: Watcher
) -> None:
    """Sent on Monday from a lift, closed; cast on Tuesday from another phone; the first one opened again."""
    watcher.expect(0, "POST", "/ballots")
    election = elections.new(members=2, revoting=True).set_up()
    voter = own_voter(people, election).with_clock().open().encrypt()
    _lose_the_request(wire)
    voter.press("Cast this ballot").read("It is not known yet")
    sent = voter.tracker()
    voter.page.goto("about:blank")
    wire.mend()
    other = vote_elsewhere(election, voter.member)
    voter.open().hurry_to("The ballot that this device was sending does not count.")
    voter.read("A ballot of yours is in the ballot box already.").read("vote again: the last ballot counts")
    assert ballots(election) == [other]
    assert voter.trackers() == [sent, other]


def test_voters_who_share_a_phone(
    people: People, election: HeldElection, members: Iterator[str], wire: Wire, watcher: Watcher
) -> None:
    """Neither's ballot on its way, nor receipt, is replaced by the other's, and each one sees the own one."""
    watcher.expect(0, "POST", "/ballots")
    first = Voter(people.new(), election, next(members)).open().encrypt()
    _lose_the_request(wire)
    first.press("Cast this ballot").read("It is not known yet")
    second = Voter(first.person, election, next(members)).open().encrypt()
    second.press("Cast this ballot").read("It is not known yet")
    trackers = [stored(voter)["sending"]["tracker"] for voter in (first, second)]
    assert second.tracker() == trackers[1] != trackers[0]
    # Both are sent again when the page is opened, whoever opens it.
    second.page.goto("about:blank")
    wire.mend()
    third = Voter(first.person, election, next(members)).open().read("Is this the right election?")
    third.wait_until(lambda: set(trackers) <= set(ballots(election)))
    third.wait_until(lambda: all("kept" in stored(voter) for voter in (first, second)))
    assert third.trackers() == []
    for voter, tracker in zip((second, first), reversed(trackers), strict=True):
        voter.open().see(IN_THE_BOX)
        assert voter.tracker() == tracker
    # Who hands the phone on after that leaves neither the code nor what the link has named.
    voter.press("Vote with another code").read("Your voting code").page.locator("#code").fill(
        own_voter(people, election, next(members)).code
    )
    voter.press("Continue").read("Compare these eight words with those on your sheet")
    # Without a link nobody is taken for one of them.
    page = first.page
    page.goto("about:blank")
    page.goto(f"{election.url}/vote")
    expect(page.get_by_role("heading", name="Receipts that this device keeps")).to_be_visible()
    assert first.trackers() == sorted(trackers)
    first.press(f"Show this receipt {trackers[0][:4]}").see(IN_THE_BOX).read("If it is not yours")
    assert first.tracker() == trackers[0]
    # One is removed, then all the others.
    first.press("Remove from this device").press("Vote with another code").read("Your voting code")
    assert first.trackers() == [trackers[1]]
    first.press("Remove all receipts from this device")
    expect(page.get_by_role("heading", name="Receipts that this device keeps")).to_be_hidden()
    assert [stored(voter) for voter in (first, second)] == [None, None]


def test_a_page_that_was_left_does_not_come_back_with_code_and_choices(voter: Voter) -> None:
    """Browsers keep a page as it was, and show it to whoever taps "back", on a phone that several use."""
    voter.open().fill_in()
    voter.page.evaluate(LEAVE, "pagehide")
    expect(voter.page.locator("#view")).to_be_empty()
    voter.page.evaluate(LEAVE, "pageshow")
    voter.read("Your voting code")


# --- wrong situations ----------------------------------------------------------------------------------------------


def test_before_the_opening(elections: Elections, people: People) -> None:
    election = elections.new(members=2).create().freeze().issue().seat()
    person = people.new()
    person.open(f"{election.url}/vote")
    expect(person.page.get_by_text("You cannot vote yet.")).to_be_visible()
    election.make_keys()
    voter = Voter(person, election, "M1").open().see("Voting has not begun yet").read("Voting closes: ")
    election.drill().open()
    voter.press("Try again").read("Is this the right election?")
    # A closing time may be moved, so that nothing which the sheet names covers it.
    voter.read("Voting closes: ").read("This is what the server says now.")


def test_after_a_cancellation(elections: Elections, people: People) -> None:
    election = elections.new(members=2).set_up().act("cancel", {"reason": "A name was misspelt."})
    own_voter(people, election).open().see("This election was cancelled")


def test_a_code_of_another_election(voter: Voter) -> None:
    wrong = "11111-222222-33333-444444"
    fingerprint = voter.election.parameters.fingerprint
    voter.open(f"{voter.election.url}/vote#{wrong}.{fingerprint}")
    voter.see("This code is not on the list of this election").press("Type the code again")
    voter.page.get_by_label("Voting code").fill(voter.code)
    voter.press("Continue").read("Is this the right election?")


def test_a_damaged_link(voter: Voter) -> None:
    voter.open(voter.link()[:-1]).read("Your link is not complete.")
    voter.open(f"{voter.election.url}/vote#{voter.code[:-3]}").read("Your link is not complete.")
    # What is no text in UTF-8, and what is no escape.
    for fragment in ("%ff", "%", "%E0%A4%A"):
        voter.open(f"{voter.election.url}/vote#{fragment}").read("Your link is not complete.")
        assert "#" not in voter.page.url


def test_another_link_in_the_same_tab(voter: Voter, members: Iterator[str], watcher: Watcher) -> None:
    """Only the fragment changes then, and the browser loads nothing anew."""
    voter.cast()
    second = Voter(voter.person, voter.election, next(members))
    watcher.open(second.page, second.link())
    second.read("Is this the right election?")
    assert "#" not in second.page.url
    second.encrypt().press("Cast this ballot").see(IN_THE_BOX)
    watcher.require_absent(credential_secrets(voter.election.parameters, second.code))


def test_another_voters_link_while_a_ballot_is_on_its_way(
    voter: Voter, members: Iterator[str], wire: Wire, watcher: Watcher
) -> None:
    """The first one's is cast without being seen, and its receipt is not shown to the second one."""
    watcher.expect(0, "POST", "/ballots")
    voter.open().encrypt()
    _lose_the_request(wire)
    voter.press("Cast this ballot").read("It is not known yet")
    first = voter.tracker()
    # The own link once more changes nothing.
    watcher.open(voter.page, voter.link())
    voter.see(CASTING)
    second = Voter(voter.person, voter.election, next(members))
    watcher.open(second.page, second.link())
    second.read("Is this the right election?").encrypt()
    second.press("Cast this ballot").read("It is not known yet")
    own = second.tracker()
    wire.mend()
    second.press("Try now").see(IN_THE_BOX).read("This is your receipt.")
    second.wait_until(lambda: "kept" in (stored(voter) or {}))
    assert {first, own} <= set(ballots(voter.election))
    assert second.tracker() == own != first
    parameters = voter.election.parameters
    watcher.require_absent(
        [secret for one in (voter, second) for secret in credential_secrets(parameters, one.code)]
    )


def test_two_links_in_one_tab_before_the_program_is_there(
    voter: Voter, members: Iterator[str], wire: Wire
) -> None:
    """Who opened theirs last is the one who votes."""
    second = Voter(voter.person, voter.election, next(members))
    held: list[Route] = []
    page = voter.page
    page.route("**/pages/vote.js", lambda route: route.continue_() if held else held.append(route))
    for link in (voter.link(), second.link()):
        page.goto(link, wait_until="commit")
        voter.wait_until(lambda: "#" not in page.url)
    voter.wait_until(lambda: bool(held))
    held[0].continue_()
    second.read("Is this the right election?")
    asked = b"".join(exchange.body for exchange in wire.find("POST", "/lookup"))
    assert second.public.encode() in asked
    assert voter.public.encode() not in asked
    require_clean_history(page)


@pytest.mark.parametrize("how", ["the button", "the link"])
def test_a_program_that_arrives_the_second_time(how: str, voter: Voter, watcher: Watcher) -> None:
    watcher.expect_trouble("a request failed: GET")
    voter.page.route("**/pages/vote-views.js", lambda route: route.abort())
    voter.open().read("A part of this page did not arrive.")
    voter.page.unroute("**/pages/vote-views.js")
    if how == "the button":
        voter.press("Try again")
    else:
        watcher.open(voter.page, voter.link())
    voter.read("Is this the right election?")
    require_clean_history(voter.page)
    watcher.require_absent(credential_secrets(voter.election.parameters, voter.code))


def test_without_javascript(people: People, election: HeldElection) -> None:
    person = people.new(java_script_enabled=False)
    person.open(f"{election.url}/vote")
    expect(person.page.locator("noscript .title")).to_have_text("JavaScript is off in this browser.")
    expect(person.page.locator("noscript p").last).to_contain_text("in another browser or on another phone")
    expect(person.page.locator("noscript p").last).to_be_visible()
    expect(person.page.locator("#waiting")).to_be_hidden()
    expect(person.page.get_by_text("Nobody sees how you vote")).to_be_visible()


@pytest.mark.parametrize("lacks", ["BigInt", "Worker", "isSecureContext"])
def test_a_browser_that_is_too_old(lacks: str, people: People, election: HeldElection) -> None:
    person = people.new()
    person.context.add_init_script(f"Object.defineProperty(window, '{lacks}', {{value: undefined}})")
    link = f"{election.url}/vote#{election.credentials['M1']}"
    person.page.goto(link)
    expect(
        person.page.get_by_text("This browser is too old, or the connection is not secure.")
    ).to_be_visible()
    expect(person.page.locator("#waiting")).to_be_hidden()
    # Its owner will copy the address to another browser.
    assert person.page.url == link


@pytest.mark.parametrize("part", ["**/pages/vote.js", "**/pages/vote-state.js"])
def test_a_program_that_does_not_arrive(part: str, voter: Voter, watcher: Watcher) -> None:
    watcher.expect_trouble("a request failed: GET")
    voter.page.route(part, lambda route: route.abort())
    voter.open()
    expect(voter.page.get_by_text("A part of this page did not arrive.")).to_be_visible()


def test_a_worker_that_does_not_start(voter: Voter, watcher: Watcher) -> None:
    watcher.expect_trouble("a request failed: GET")
    voter.page.context.route("**/booth/ballot.js", lambda route: route.abort())
    voter.open().see("The program that encrypts did not start")


def test_a_server_that_is_away(voter: Voter, wire: Wire, watcher: Watcher) -> None:
    watcher.expect(0, "GET", "/status")
    wire.lose_requests("GET", "/status")
    voter.open().see("The server cannot be reached")
    wire.mend()
    voter.press("Try again").read("Is this the right election?")


def test_a_server_that_answers_nonsense(voter: Voter) -> None:
    """One answer of many: the others are tried without a browser (tests/web/test_voting.py)."""
    status = {**voter.election.status(), "time_zone": None}
    voter.page.route("**/status", lambda route: route.fulfill(json=status))
    voter.open().see("The server's answer cannot be read").read("Nothing was sent.").read("status: time_zone")
    voter.page.unroute("**/status")
    voter.press("Try again").read("Is this the right election?")


# --- a hostile server ----------------------------------------------------------------------------------------------


def altered(election: HeldElection, change: Callable[[dict[str, Any]], Any]) -> Callable[[Route], None]:
    """Answers with other election data than the true ones."""
    value = json.loads(election.parameters.raw)
    change(value)
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return serve(body)


def serve(body: bytes) -> Callable[[Route], None]:
    return lambda route: route.fulfill(body=body, content_type="application/json")


def _other_key(value: dict[str, Any]) -> None:
    # g itself: whoever serves this could open every ballot.
    value["public_key"] = "6666666666666666666666666666666666666666666666666666666666666658"


def _other_question(value: dict[str, Any]) -> None:
    value["questions"][1]["question"] = "Lower the dues by 2 %?"


def _exchanged_answers(value: dict[str, Any]) -> None:
    value["questions"][0]["answers"].reverse()


def _other_translation(value: dict[str, Any]) -> None:
    value["steward"]["texts"]["es"]["questions"][1]["answers"] = ["No", "Sí"]


@pytest.mark.parametrize("change", [_other_key, _other_question, _exchanged_answers, _other_translation])
def test_altered_election_data_are_refused(
    change: Callable[[dict[str, Any]], None], voter: Voter, wire: Wire
) -> None:
    voter.page.route("**/api/v1/elections/*/election", altered(voter.election, change))
    voter.open().see(DO_NOT_VOTE).read("the fingerprints differ")
    assert voter.page.get_by_role("button").count() == 0
    assert not [e for e in wire.exchanges if e.method == "POST"]


def test_another_key_is_refused_even_without_a_fingerprint(voter: Voter) -> None:
    voter.page.route("**/api/v1/elections/*/election", altered(voter.election, _other_key))
    voter.open(voter.link(fingerprint="")).see(DO_NOT_VOTE).read("contradict themselves")


def test_another_fingerprint_on_the_sheet_is_refused(voter: Voter) -> None:
    voter.open(voter.link(fingerprint="A" * 43)).see(DO_NOT_VOTE)


def test_who_can_see_what_is_not_taken_from_the_servers_word(voter: Voter) -> None:
    """The trustees' record and the page itself say it; both are the same for everybody."""
    lies = {"trustees": {"singles": 1, "threshold": None}, "credential_mode": "server"}
    voter.page.route("**/status", lambda route: route.fulfill(json=voter.election.status() | lies))
    voter.open().read("Is this the right election?").read("by several trustees together")
    voter.read("The registrar, who made the voting codes")


def test_data_of_another_election_are_refused(elections: Elections, voter: Voter) -> None:
    other = elections.new(members=2).set_up()
    for part in ("election", "trustees"):
        body = other.client.get_bytes(f"{base(other.uuid)}/{part}")
        voter.page.route(f"**/api/v1/elections/*/{part}", serve(body))
    voter.open(voter.link(fingerprint="")).see(DO_NOT_VOTE).read("not those of this address")


@pytest.mark.parametrize(
    "field,value", [("signature", "B" * 85 + "A"), ("tracker", "A" * 43), ("version", 2), ("event", "none")]
)
def test_a_false_receipt_is_not_believed(field: str, value: Any, voter: Voter) -> None:
    voter.open().encrypt()
    tracker = voter.tracker()
    receipt = {
        "version": 1,
        "election": voter.election.uuid,
        "tracker": tracker,
        "height": 1,
        "event": "ab" * 32,
        "signature": "B" * 85 + "A",
        field: value,
    }
    answer = {"tracker": tracker, "receipt": receipt}
    voter.page.route("**/ballots", lambda route: route.fulfill(status=201, json=answer))
    voter.press("Cast this ballot").see("The receipt is not valid")
    assert voter.tracker() == tracker


def test_texts_are_texts(elections: Elections, people: People) -> None:
    """Whatever stands in names and answers is shown letter by letter."""
    hostile = "<img src=x onerror=alert(1)>"
    questions = [
        {
            "question": f"Q {hostile}",
            "answers": [f"A {hostile}", "</script><script>alert(2)</script>"],
            "min": 1,
            "max": 1,
        }
    ]
    election = elections.new(members=2, name=hostile, description=hostile, questions=questions).set_up()
    voter = own_voter(people, election)
    voter.page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    voter.open().see(hostile).press("Begin").see(f"Q {hostile}").choose(f"A {hostile}")
    voter.press("Review your choices").see(REVIEW)
    assert voter.page.locator(".answers li").all_text_contents() == [f"A {hostile}"]
    assert voter.page.locator("main img, main script").count() == 0
    voter.press("Encrypt my ballot").press("Cast this ballot").see(IN_THE_BOX)


# --- check instead of cast -------------------------------------------------------------------------------------------


def opened_code(page: Page) -> str:
    page.get_by_text("The code as text").click()
    return page.locator("code.long-code").inner_text()


def test_a_ballot_is_checked_on_another_device(voter: Voter, people: People, watcher: Watcher) -> None:
    voter.open().encrypt(president="Ada Lovelace", dues="Yes")
    spoiled = voter.tracker()
    voter.press("Check instead of cast").see(CHALLENGED)
    code = opened_code(voter.page)
    version, tracker, seed, choices = code.split(".")
    assert (version, tracker, choices) == ("1", spoiled, "0;0")
    # It is told to the voter, and to nobody else.
    secrets = [Secret("the seed", base64.b64decode(seed + "=")), Secret("the code", code)]
    watcher.require_absent(secrets)

    second = people.new()
    second.open(f"{voter.election.url}/check#{code}")
    page = second.page
    expect(page.get_by_role("heading", name="This is in the ballot")).to_be_visible()
    assert page.locator(".answers li").all_text_contents() == ["Ada Lovelace", "Yes"]
    shown = ["".join(box.locator("code span").all_text_contents()) for box in page.locator(".tracker").all()]
    fingerprint = voter.election.parameters.fingerprint
    assert shown == [spoiled, fingerprint]
    # On a telephone the two devices are compared by words.
    for device in (voter.page, page):
        assert device.locator(".fingerprint-words").all_text_contents() == [fingerprint_words(fingerprint)]
    assert "#" not in page.url
    # The code is in no address any more: another language must not ask for it again.
    page.get_by_role("link", name="Español").click()
    expect(page.get_by_role("heading", name="Esto es lo que hay en el voto")).to_be_visible()
    assert page.locator(".answers li").all_text_contents() == ["Ada Lovelace", "Sí"]
    watcher.require_absent(secrets)

    # That ballot can never be cast; the next one can, and has another seed.
    [sent] = watcher.wire.find("POST", "/challenges")
    with pytest.raises(RefusedError, match=r"checked|opened"):
        voter.election.client.post(f"{base(voter.election.uuid)}/ballots", sent.body)
    voter.press("Encrypt again").see(ENCRYPTED)
    assert voter.tracker() != spoiled
    voter.press("Cast this ballot").see(IN_THE_BOX)
    assert voter.tracker() in ballots(voter.election)
    assert spoiled not in ballots(voter.election)


def test_the_code_is_shown_only_after_the_server_has_spoiled_the_ballot(
    voter: Voter, wire: Wire, watcher: Watcher
) -> None:
    watcher.expect(0, "POST", "/challenges")
    voter.open().encrypt()
    wire.lose_requests("POST", "/challenges")
    voter.press("Check instead of cast").read("is shown as soon as the server has confirmed")
    assert voter.page.locator("svg.qr").count() == 0
    wire.mend()
    voter.press("Try now").see(CHALLENGED).press("Change my choices").see(REVIEW)


def test_a_false_code_is_not_believed(voter: Voter, people: People) -> None:
    voter.open().encrypt(president="Ada Lovelace", dues="Yes").press("Check instead of cast").see(CHALLENGED)
    code = opened_code(voter.page)
    second = people.new()
    page = second.open(f"{voter.election.url}/check#{code.removesuffix('0;0')}1;0")
    expect(page.get_by_role("heading", name="This ballot is not what it should be")).to_be_visible()
    expect(page.get_by_role("alert").get_by_text("Do not vote on the other device.")).to_be_visible()
    # Pasted, with the line breaks that a mail puts in.
    page.get_by_role("button", name="Check another ballot").click()
    page.get_by_label("Code of the ballot").fill("nonsense")
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_text("This is not the code of a ballot.")).to_be_visible()
    page.get_by_label("Code of the ballot").fill("typed")
    page.get_by_role("link", name="Français").click()
    page.get_by_role("link", name="English").click()
    expect(page.get_by_text("This is not the code of a ballot.")).to_be_visible()
    assert page.get_by_label("Code of the ballot").input_value() == "typed"
    page.get_by_label("Code of the ballot").fill(f"{voter.election.url}/check#{code[:60]}\n{code[60:]}")
    page.get_by_role("button", name="Check", exact=True).click()
    expect(page.get_by_role("heading", name="This is in the ballot")).to_be_visible()


def test_a_ballot_that_the_server_does_not_have(voter: Voter, people: People, watcher: Watcher) -> None:
    watcher.expect(404, "GET", "/challenges/")
    page = people.new().open(f"{voter.election.url}/check#1.{'A' * 43}.{'A' * 43}.0;0")
    expect(page.get_by_role("heading", name="The server does not know this ballot")).to_be_visible()


def tracker_hex(code: str) -> str:
    return base64.b64decode(code.split(".")[1] + "=").hex()


def test_a_ballot_that_could_still_be_cast(voter: Voter, people: People, watcher: Watcher) -> None:
    """A server may say that it has given a ballot up, and keep it to cast it later: the journal says what holds."""
    voter.open().encrypt(president="Ada Lovelace", dues="Yes").press("Check instead of cast").see(CHALLENGED)
    code = opened_code(voter.page)
    page = people.new().page
    uuid = voter.election.uuid
    lines = voter.election.client.get_bytes(f"/elections/{uuid}/{uuid}.journal.jsonl").splitlines(
        keepends=True
    )
    [place] = [number for number, line in enumerate(lines) if code.split(".")[1].encode() in line]
    page.route("**/*.journal.jsonl", lambda route: route.fulfill(body=b"".join(lines[:place])))
    page.goto(f"{voter.election.url}/check#{code}")
    expect(page.get_by_role("heading", name="This ballot could still be cast")).to_be_visible()
    expect(page.get_by_role("alert").get_by_text("Do not vote on the other device.")).to_be_visible()
    expect(page.get_by_text("can never be cast")).to_have_count(0)

    # Two codes in one tab: an answer that comes late must not take the place of the second one's.
    page.unroute_all()
    watcher.expect(404, "GET", "/challenges/")
    held: list[Route] = []
    page.route(f"**/challenges/{tracker_hex(code)}", lambda route: held.append(route))  # noqa: PLW0108  a built-in takes no mark
    page.goto("about:blank")
    page.goto(f"{voter.election.url}/check#{code}")
    expect(page.get_by_role("heading", name="Checking …")).to_be_visible()
    page.evaluate(f"location.hash = '1.{'A' * 43}.{'A' * 43}.0;0'")
    unknown = page.get_by_role("heading", name="The server does not know this ballot")
    expect(unknown).to_be_visible()
    with page.expect_response("**/challenges/*"):
        held[0].continue_()
    # As long as the check of the first takes that was not given up.
    page.wait_for_timeout(400)
    expect(unknown).to_be_visible()


# --- the page itself -------------------------------------------------------------------------------------------------


def test_the_page_is_the_same_for_everybody(elections: Elections) -> None:
    """Its hash stands in the journal: neither time, nor state, nor who asks may change it."""
    election = elections.new(members=2).create().freeze().issue().seat().make_keys()

    def page() -> list[bytes]:
        return [
            election.client.get_bytes(f"/elections/{election.uuid}/vote?lang={x}") for x in ("en", "es", "fr")
        ]

    first = page()
    assert len(set(first)) == 3
    election.drill().open()
    assert page() == first
    election.vote("M1", [0], [0]).act("pause", {"reason": "Lunch."})
    assert page() == first


def test_a_slow_phone_stays_responsive(elections: Elections, people: People) -> None:
    questions = [
        {
            "question": "Delegates",
            "answers": [f"Candidate {n}" for n in range(1, 31)],
            "min": 0,
            "max": 30,
            "blank": True,
        }
    ]
    election = elections.new(members=2, questions=questions).set_up()
    voter = own_voter(people, election).open().press("Begin")
    voter.choose("Candidate 3", "Candidate 7").press("Review your choices").see(REVIEW)
    voter.page.wait_for_timeout(300)
    slow_down(voter.page, 4)
    voter.page.evaluate(
        "() => { window.longest = 0; new PerformanceObserver(list => { for (const e of list.getEntries())"
        " window.longest = Math.max(window.longest, e.duration); }).observe({type: 'longtask'});"
        # The bar may be gone before anybody outside of the page has looked for it.
        " window.hadBar = false; new MutationObserver(() => { window.hadBar ||= Boolean(document.querySelector("
        "'progress')); }).observe(document.body, {childList: true, subtree: true}); }"
    )
    voter.press("Encrypt my ballot").see(ENCRYPTED)
    assert voter.page.evaluate("() => window.hadBar")
    assert voter.page.evaluate("() => window.longest") < 200


def test_the_receipt_leads_to_the_ballot_box(voter: Voter) -> None:
    voter.cast()
    tracker = voter.tracker()
    voter.page.get_by_role("link", name="Look for it in the ballot box now").click()
    expect(voter.page.get_by_text("Your ballot is in the ballot box.")).to_be_visible()
    assert re.fullmatch(r".*/trackers(\?lang=en)?", voter.page.url)
    assert voter.page.get_by_label("Tracker").input_value() == tracker
