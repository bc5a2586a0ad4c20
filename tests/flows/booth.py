"""A voter's hands: what somebody does in the booth, as taps on what the page shows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Locator, Page, expect

from crypto.credentials import derive_public
from tests.flows.elections import HeldElection
from tests.flows.people import Person

# Headings of the views.
REVIEW = "Are these your choices?"
ENCRYPTED = "Your ballot is encrypted"
CASTING = "Casting your ballot …"
IN_THE_BOX = "Your ballot is in the ballot box"
CHALLENGED = "Check this ballot on another device"
VOTED = "You have already voted"
DO_NOT_VOTE = "Do not vote here"

# Small enough that nothing which a page shows for a second is missed.
_HURRY_MS, _HURRIES = 100, 200


@dataclass
class Voter:
    """Somebody with a code and a device. taps: on buttons and choices so far."""

    person: Person
    election: HeldElection
    member: str
    taps: int = 0
    _page: Page | None = None

    @property
    def page(self) -> Page:
        return self._page or self.person.page

    @property
    def code(self) -> str:
        """The voting credential."""
        return self.election.credentials[self.member]

    @property
    def public(self) -> str:
        """The public credential."""
        election = self.election.parameters
        return derive_public(election.group, election.uuid, self.code).text

    @property
    def key(self) -> str:
        """The name of this voter's place in a device's storage."""
        return f"steward:{self.election.uuid}:{self.public}"

    @property
    def record(self) -> Any:
        """What this device keeps for this voter, as the booth wrote it."""
        return self.page.evaluate("key => JSON.parse(localStorage.getItem(key))", self.key)

    def in_tab(self, page: Page) -> "Voter":
        """The same person in another tab."""
        return Voter(self.person, self.election, self.member, _page=page)

    def link(self, fingerprint: str | None = None) -> str:
        """The address on the sheet."""
        named = self.election.parameters.fingerprint if fingerprint is None else fingerprint
        return f"{self.election.url}/vote#{self.code}{'.' if named else ''}{named}"

    def open(self, link: str | None = None) -> "Voter":
        """Scan the sheet."""
        # Otherwise a second visit would be a step within the same page.
        if self.page.url != "about:blank":
            self.page.goto("about:blank")
        self.person.watcher.open(self.page, link or self.link())
        return self

    def tap(self, what: Locator) -> "Voter":
        what.click()
        self.taps += 1
        return self

    def press(self, name: str) -> "Voter":
        """Tap a button."""
        return self.tap(self.page.get_by_role("button", name=name, exact=True))

    def choose(self, *answers: str) -> "Voter":
        """Tap answers of the question that is shown."""
        for answer in answers:
            self.tap(self.page.get_by_text(answer, exact=True))
        return self

    def see(self, heading: str) -> "Voter":
        """Wait for a view by its heading."""
        expect(self.page.get_by_role("heading", level=1, name=heading, exact=True)).to_be_visible()
        return self

    def read(self, text: str) -> "Voter":
        """Wait for words somewhere on the page."""
        expect(self.page.get_by_text(text).first).to_be_visible()
        return self

    # --- time --------------------------------------------------------------------------------------------

    def with_clock(self) -> "Voter":
        """A device whose clock `hurry_to` may put forward; before its first page is opened."""
        self.page.clock.install()
        return self

    def hurry_to(self, text: str) -> "Voter":
        """As `read`, while time passes five times as fast: pauses between two tries are over sooner."""
        wanted = self.page.get_by_text(text).first
        for _ in range(_HURRIES):
            if wanted.is_visible():
                return self
            self.page.clock.fast_forward(_HURRY_MS * 4)
            self.page.wait_for_timeout(_HURRY_MS)
        return self.read(text)

    # --- the way -----------------------------------------------------------------------------------------

    def fill_in(self, president: str = "Grace Hopper", dues: str = "No") -> "Voter":
        """From the beginning to the review, in the election of elections.QUESTIONS."""
        self.press("Begin").choose(president).press("Next question").choose(dues)
        return self.press("Review your choices").see(REVIEW)

    def encrypt(self, **choices: str) -> "Voter":
        return self.fill_in(**choices).press("Encrypt my ballot").see(ENCRYPTED)

    def cast(self, **choices: str) -> "Voter":
        """All of it."""
        return self.open().encrypt(**choices).press("Cast this ballot").see(IN_THE_BOX)

    def tracker(self) -> str:
        """The first tracker that the page shows."""
        return "".join(self.page.locator(".tracker code").first.locator("span").all_text_contents())

    def trackers(self) -> list[str]:
        """All that the page shows, in their order."""
        shown = self.page.locator(".tracker code").all()
        return ["".join(code.locator("span").all_text_contents()) for code in shown]

    def wait_until(self, is_done: Callable[[], bool]) -> "Voter":
        """Wait for what no page tells."""
        for _ in range(200):
            if is_done():
                return self
            self.page.wait_for_timeout(50)
        raise AssertionError("it did not happen")


def require_clean_history(page: Page) -> None:
    """AssertionError if an address that the tab remembers has a fragment, or the present entry a state."""
    session = page.context.new_cdp_session(page)
    entries = session.send("Page.getNavigationHistory")["entries"]
    assert [entry["url"] for entry in entries if "#" in entry["url"]] == []
    assert page.evaluate("() => history.state") is None


def ballots(election: HeldElection) -> list[str]:
    """The trackers in the ballot box, in their order; replaced ones are marked."""
    text = election.client.get_bytes(f"/api/v1/elections/{election.uuid}/trackers").decode()
    return [line.partition(" ")[2] for line in text.splitlines()]


def vote_elsewhere(election: HeldElection, member: str) -> str:
    """The member votes for Ada Lovelace on another device, of which nothing is looked at; the tracker."""
    return election.vote(member, [0], [0]).receipts[-1].tracker
