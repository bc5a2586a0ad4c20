"""Every page in every language, colour scheme and width: faultless for axe-core, whole by keyboard, and quiet."""

import random
from collections import deque
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import groupby, product
from urllib.parse import urljoin

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page

from tests.conftest import SAMPLES
from tests.flows.accessibility import AxeMissingError, read_axe, require_accessible, require_keyboard
from tests.flows.browser import DESK, PHONE, Device
from tests.flows.gallery import VIEWS, Gallery, View, find_rule, show
from tests.flows.office import enter
from tests.flows.people import Elections, People, Person
from tests.flows.serving import Installation
from tests.flows.watching import Watcher
from voting_app.languages import LANGUAGES


@pytest.fixture(scope="session")
def gallery(installation: Installation) -> Iterator[Gallery]:
    """An election in each state, on the worker's server."""
    with installation.client() as client:
        yield Gallery(Elections(installation, client))


@pytest.fixture(scope="session", autouse=True)
def axe() -> None:
    """Nothing here says anything without axe-core."""
    try:
        read_axe()
    except AxeMissingError as missing:
        pytest.skip(str(missing))


# In these every page must be good. Sorted by what costs most to change.
LOOKS = sorted(product(LANGUAGES, (PHONE.name, DESK.name), ("dark", "light")))


def require_good(page: Page, where: str, device: Device, schemes: list[str]) -> None:
    """All that a page must be at this width, in these colour schemes."""
    page.set_viewport_size({"width": device.width, "height": device.height})
    for scheme in schemes:
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        try:
            require_accessible(page)
        except AssertionError as fault:
            raise AssertionError(f"{where}, {device.name}, {scheme}: {fault}") from None
    require_keyboard(page)


@pytest.mark.parametrize("view", VIEWS, ids=lambda view: view.name)
def test_every_page_is_accessible(
    view: View, people: People, watcher: Watcher, gallery: Gallery, samples: int, rng: random.Random
) -> None:
    """With large samples in every language, colour scheme and width; at a desk in some of them, by chance."""
    election = gallery.get(view.state)
    if view.status >= 400:
        watcher.expect(view.status, "GET", "/")
    page = people.new().page
    looks = sorted(rng.sample(LOOKS, max(1, len(LOOKS) * samples // SAMPLES["large"])))
    for language, of_language in groupby(looks, key=lambda look: look[0]):
        show(page, view, election, language)
        assert page.evaluate("() => document.documentElement.lang") == language
        for name, of_device in groupby(of_language, key=lambda look: look[1]):
            device = PHONE if name == PHONE.name else DESK
            require_good(page, f"{view.name} in {language}", device, [scheme for _, _, scheme in of_device])


# Of the walk along the links, at once.
MOST_TABS = 4


class Links(HTMLParser):
    """The links of a page, and whether a program makes more of them. Files are offered by links with `download`."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.has_program = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag == "a" and "download" not in attributes and (address := attributes.get("href")):
            self.found.append(address)
        self.has_program = self.has_program or (tag == "script" and attributes.get("type") == "module")


def find_links(context: BrowserContext, url: str) -> list[str] | None:
    """Where the links of a page lead; None if a program on it may make links, which only a browser sees."""
    cookies = {cookie["name"]: cookie["value"] for cookie in context.cookies(url)}
    answer = httpx.get(url, cookies=cookies, follow_redirects=True, timeout=60).raise_for_status()
    links = Links(answer.text)
    return None if links.has_program else [urljoin(str(answer.url), address) for address in links.found]


def draw_links(person: Person, tab: Page) -> list[str]:
    """The same of a page that a browser draws; then its tab is closed."""
    # Leaving a page that still fetches its programs would break requests off.
    tab.wait_for_load_state("networkidle")
    made: list[str] = tab.eval_on_selector_all(
        "a[href]:not([download])", "(links) => links.map((link) => link.href)"
    )
    person.close_tab(tab)
    return made


def test_every_page_that_is_linked_has_a_view(people: People, gallery: Gallery) -> None:
    """Otherwise nobody would look at it."""
    known = {find_rule(view.url(gallery.get(view.state))) for view in VIEWS}
    origin = gallery.elections.installation.url
    person = people.new(DESK)
    enter(person.context, gallery.elections.installation)
    # From the first page, and from an election in each state.
    waiting = [f"{origin}/", *(view.url(gallery.get(view.state)) for view in VIEWS if view.status == 200)]
    # What the browser draws takes its time; meanwhile others are asked for.
    tabs: deque[Page] = deque()
    seen: set[str] = set()
    unknown: set[str] = set()
    while waiting or tabs:
        if waiting and len(tabs) < MOST_TABS:
            url = waiting.pop()
            if find_rule(url) in seen:
                continue
            seen.add(find_rule(url))
            if find_rule(url) not in known:
                unknown.add(find_rule(url))
            found = find_links(person.context, url)
            if found is None:
                tabs.append(person.new_tab(url))
                continue
        else:
            found = draw_links(person, tabs.popleft())
        # Programs' addresses are below /api/.
        waiting += [link for link in found if link.startswith(origin + "/") and "/api/" not in link]
    assert len(seen) > 1
    assert unknown == set(), "add a line to tests/flows/gallery.py"
