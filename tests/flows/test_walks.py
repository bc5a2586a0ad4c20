"""Random walks through the booth: whatever happens and whenever, no vote is lost, none is cast twice, no page lies.

Each walk is somebody who taps, doubly taps, reloads, closes tabs, opens others, goes back, and loses and finds the
network at random moments. On the same device somebody else's ballot was on its way when a tab was closed. At the end
everything is mended and the voter goes on until the page has an answer. Which walk it is, a failure tells (and
`--randomly-seed` repeats it as far as moments can be repeated).
"""

import contextlib
import json
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Error as BrowserError
from playwright.sync_api import Page, expect

from crypto.ballot import ballot_tracker, make_ballot, votes_from_choices
from crypto.randomness import SystemCoins
from tests.conftest import sample_size
from tests.flows.booth import CHALLENGED, IN_THE_BOX, VOTED, Voter, ballots
from tests.flows.elections import HeldElection
from tests.flows.people import Elections, People
from tests.flows.serving import Installation
from tests.flows.watching import Watcher
from tests.flows.wire import Wire

# A desk makes one walk in each kind of election, and large samples make eight in each part.
PARTS = {"small": 1, "large": 2}[sample_size()]
SAMPLES_OF_A_WALK = 75
LONGEST = 25
MOST_TABS = 3
# What leads on, in the order in which it is looked for: no view has two of them but that of a lost connection.
FORWARD = (
    "Try now",
    "Cast this ballot",
    "Encrypt again",
    "Encrypt my ballot",
    "Review your choices",
    "Next question",
    "Begin",
    "Try again",
)
NOTHING_CAST = "Nothing was cast: your ballot is not in the ballot box."
_PATIENCE_MS = 60_000


@dataclass
class Poll:
    """An election, and those in it who have not walked yet."""

    election: HeldElection
    members: Iterator[str]


@pytest.fixture(scope="module")
def polls(installation: Installation) -> Iterator[dict[bool, Poll]]:
    """An election in which votes are final, and one in which they are not."""
    with installation.client() as client:
        elections = Elections(installation, client)
        held = {again: elections.new(members=60, revoting=again).set_up() for again in (False, True)}
        yield {again: Poll(election, iter(election.credentials)) for again, election in held.items()}


@dataclass
class Walk:
    """One voter's way. `log` tells it in a failure."""

    voter: Voter
    neighbour: Voter
    wire: Wire
    rng: random.Random
    revoting: bool
    before: int
    # Tracker of the neighbour's ballot.
    others: str = ""
    tabs: list[Page] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    is_online: bool = True
    # Trackers of ballots of which a page said something.
    said_in: set[str] = field(default_factory=set)
    said_spoiled: set[str] = field(default_factory=set)

    # --- what can happen ---------------------------------------------------------------------------------

    def tab(self) -> Page:
        if not self.tabs:
            self.tabs.append(self.voter.person.new_tab())
        return self.rng.choice(self.tabs)

    def do_open(self) -> None:
        """The link, in a tab that is there or in another one."""
        if len(self.tabs) < MOST_TABS and self.rng.random() < 0.5:
            self.tabs.append(self.voter.person.new_tab())
        self.follow(self.tab(), self.voter.link())

    def do_forward(self, double: bool = False) -> None:
        page = self.tab()
        if page.get_by_label("Voting code").is_visible():
            page.get_by_label("Voting code").fill(self.voter.code)
            self.tap(page, "Continue", double)
        elif self.shows_neighbours(page):
            self.tap(page, "Vote with another code", double)
        elif (boxes := page.locator("main input[name=choice]")).count() and not self.is_chosen(page):
            boxes.nth(self.rng.randrange(boxes.count())).check(timeout=2_000)
        else:
            for name in FORWARD:
                if page.get_by_role("button", name=name, exact=True).is_visible():
                    self.tap(page, name, double)
                    break
            else:
                if "/vote" not in page.url:
                    self.follow(page, self.voter.link())

    def do_double(self) -> None:
        self.do_forward(double=True)

    def do_check(self) -> None:
        page = self.tab()
        if page.get_by_role("button", name="Check instead of cast", exact=True).is_visible():
            self.tap(page, "Check instead of cast", self.rng.random() < 0.3)

    def do_reload(self) -> None:
        self.tab().reload(wait_until="commit")

    def do_close(self) -> None:
        page = self.tab()
        self.tabs.remove(page)
        self.voter.person.close_tab(page)

    def do_back(self) -> None:
        self.tab().go_back(wait_until="commit", timeout=3_000)

    def do_lose_network(self) -> None:
        self.voter.person.lose_network()
        self.is_online = False

    def do_find_network(self) -> None:
        self.voter.person.find_network()
        self.is_online = True

    def do_lose_requests(self) -> None:
        self.wire.lose_requests("POST", self.rng.choice(["/ballots", "/challenges", "/lookup"]))

    def do_lose_answers(self) -> None:
        self.wire.lose_answers("POST", self.rng.choice(["/ballots", "/challenges"]))

    def do_mend(self) -> None:
        self.wire.mend()

    # --- how -----------------------------------------------------------------------------------------------

    def follow(self, page: Page, link: str) -> None:
        with contextlib.suppress(BrowserError):
            page.goto("about:blank")
        self.voter.person.watcher.open(page, link)

    def shows_neighbours(self, page: Page) -> bool:
        """Whether this is the neighbour's receipt, which who comes without a link may find."""
        is_receipt = page.get_by_role("heading", name=IN_THE_BOX).is_visible()
        return is_receipt and self.voter.in_tab(page).tracker() == self.others

    def leave_neighbours_ballot(self) -> None:
        """As a tab leaves it that was closed before the answer."""
        election = self.voter.election.parameters
        votes = votes_from_choices(election, [[0] for _ in election.questions])
        raw = make_ballot(election, self.neighbour.code, votes, SystemCoins())
        self.others = ballot_tracker(raw)
        part = {"credential": self.neighbour.public, "tracker": self.others, "text": raw.decode()}
        text = json.dumps({"version": 1, "sending": part})
        self.voter.page.evaluate(
            "([key, text]) => localStorage.setItem(key, text)", [self.neighbour.key, text]
        )

    def is_chosen(self, page: Page) -> bool:
        return page.locator("main input[name=choice]:checked").count() > 0

    def tap(self, page: Page, name: str, double: bool) -> None:
        button = page.get_by_role("button", name=name, exact=True).first
        if double:
            button.dblclick(timeout=2_000)
        else:
            button.click(timeout=2_000)

    def listen(self) -> None:
        """What the pages say now is compared with what is."""
        said: list[tuple[str, str]] = []
        denied = 0
        for page in self.tabs:
            # A page on its way to somewhere else says nothing.
            with contextlib.suppress(BrowserError):
                text = page.locator("main").inner_text(timeout=200)
                heading = page.locator("h1").first.inner_text(timeout=200)
                if heading in (IN_THE_BOX, VOTED, CHALLENGED):
                    said.append((heading, self.voter.in_tab(page).tracker()))
                denied += NOTHING_CAST in text
        everybody = ballots(self.voter.election)
        own = self.own()
        for heading, tracker in said:
            if tracker == self.others:
                assert (heading, tracker in everybody) == (IN_THE_BOX, True), "a page said more than is"
            elif heading == CHALLENGED:
                self.said_spoiled.add(tracker)
            else:
                self.said_in.add(tracker)
        assert self.said_in <= {line.split(" ")[0] for line in own}, f"a page said more than is: {own}"
        assert not (denied and own), "a page said that nothing was cast"

    def own(self) -> list[str]:
        """This voter's ballots in the box."""
        return [line for line in ballots(self.voter.election)[self.before :] if line != self.others]

    # --- the whole way ---------------------------------------------------------------------------------------

    def wander(self) -> None:
        steps = {
            self.do_forward: 12,
            self.do_double: 3,
            self.do_open: 1.5,
            self.do_check: 2,
            self.do_reload: 1,
            self.do_close: 0.7,
            self.do_back: 0.7,
            self.do_lose_network: 0.7,
            self.do_find_network: 1.5,
            self.do_lose_requests: 0.7,
            self.do_lose_answers: 0.9,
            self.do_mend: 1.2,
        }
        self.tabs.append(self.voter.page)
        self.follow(self.voter.page, self.voter.link())
        self.leave_neighbours_ballot()
        for _ in range(self.rng.randint(10, LONGEST)):
            [step] = self.rng.choices(list(steps), list(steps.values()))
            self.log.append(step.__name__.removeprefix("do_"))
            # What can't be done now (a button that has just gone, a page without network) is not done.
            with contextlib.suppress(BrowserError):
                step()
            self.tab().wait_for_timeout(self.rng.choice([0, 20, 100, 400]))
            self.listen()

    def arrive(self) -> None:
        """Everything is mended, and the voter goes on in each tab until there is an answer."""
        self.wire.mend()
        self.do_find_network()
        self.log.append("mended")
        # A ballot whose casting was begun needs no more than the page: no code, no choice.
        page = self.voter.person.new_tab()
        self.tabs.insert(0, page)
        page.goto(f"{self.voter.election.url}/vote")
        begun = (self.voter.in_tab(page).record or {}).get("sending")
        if begun and not self.revoting:
            self.log.append("a ballot was on its way")
            expect(page.get_by_role("heading", name=IN_THE_BOX)).to_be_visible(timeout=_PATIENCE_MS)
        for page in list(self.tabs):
            self.finish(page)
        self.listen()
        own = self.own()
        if begun:
            assert begun["tracker"] in {line.split(" ")[0] for line in own}, "a ballot on its way was lost"
        assert len(own) == len({line.split(" ")[0] for line in own})
        if not self.revoting:
            assert len(own) == 1, own
        assert not self.said_spoiled & {line.split(" ")[0] for line in own}
        # The last one counts, and every receipt that was shown is for a ballot that is there.
        assert self.said_in <= {line.split(" ")[0] for line in own}
        assert [line for line in own if not line.endswith(" replaced")] == own[-1:]
        # Nobody was in the neighbour's way, and they in nobody's.
        self.voter.wait_until(lambda: "kept" in (self.neighbour.in_tab(self.tabs[0]).record or {}))
        assert self.neighbour.in_tab(self.tabs[0]).record["kept"]["tracker"] == self.others
        assert ballots(self.voter.election).count(self.others) == 1

    def finish(self, page: Page) -> None:
        answers = page.get_by_role("heading", name=IN_THE_BOX).or_(page.get_by_role("heading", name=VOTED))
        self.tabs = [page, *(other for other in self.tabs if other is not page)]
        for _ in range(300):
            if answers.is_visible() and not self.shows_neighbours(page):
                return
            only, self.tabs = self.tabs, [page]
            with contextlib.suppress(BrowserError):
                self.do_forward()
            self.tabs = only
            page.wait_for_timeout(100)
        shown = page.locator("body").inner_text()
        raise AssertionError(f"no answer at {page.url}:\n{shown}")


# Ten walks, if many samples are wanted; a walk waits for pauses that grow.
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("revoting", [False, True], ids=["final", "revoting"])
@pytest.mark.parametrize("part", range(PARTS))
def test_no_walk_loses_a_vote_or_casts_it_twice(
    part: int,
    revoting: bool,
    polls: dict[bool, Poll],
    people: People,
    watcher: Watcher,
    rng: random.Random,
    samples: int,
) -> None:
    # Requests that fail are what this is about; errors of a page's program are none of that.
    watcher.expect_trouble("a request failed")
    for status, method in ((0, "POST"), (0, "GET"), (409, "POST")):
        watcher.expect(status, method, "/")
    poll = polls[revoting]
    for number in range(max(1, samples // SAMPLES_OF_A_WALK)):
        voter = Voter(people.new(), poll.election, next(poll.members))
        neighbour = Voter(voter.person, poll.election, next(poll.members))
        walk = Walk(voter, neighbour, watcher.wire, rng, revoting, len(ballots(poll.election)))
        try:
            walk.wander()
            walk.arrive()
        except (AssertionError, BrowserError) as error:
            raise AssertionError(f"walk {number} of part {part}: {' '.join(walk.log)}\n{error}") from error
        voter.person.leave()
