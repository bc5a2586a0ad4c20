"""People with a browser, and the elections that they look at."""

from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from tests.flows.browser import PHONE, Device, new_context
from tests.flows.elections import HeldElection
from tests.flows.serving import Installation
from tests.flows.watching import Watcher
from voting_app.demo.client import Client


@dataclass
class Person:
    """Somebody with a device of their own. `page` is the first tab."""

    context: BrowserContext
    watcher: Watcher
    page: Page

    def open(self, url: str) -> Page:
        """Follow a link in the first tab."""
        self.watcher.open(self.page, url)
        return self.page

    def new_tab(self, url: str | None = None) -> Page:
        """Another tab of the same browser."""
        page = self.watcher.new_page(self.context)
        if url is not None:
            self.watcher.open(page, url)
        return page

    def close_tab(self, page: Page) -> None:
        """Close a tab in the middle of whatever it does."""
        self.watcher.gather_page(page)
        page.close()

    def lose_network(self) -> None:
        """In the lift: no network at all, until `find_network`."""
        self.context.set_offline(True)

    def find_network(self) -> None:
        """The network is back."""
        self.context.set_offline(False)

    def leave(self) -> None:
        """Close the browser; what stays behind has been looked at."""
        for page in self.context.pages:
            self.watcher.gather_page(page)
        self.watcher.gather(self.context)
        self.context.close()


@dataclass
class People:
    """Everybody in a test."""

    browser: Browser
    watcher: Watcher
    _all: list[BrowserContext] = field(default_factory=list)

    def new(
        self, device: Device = PHONE, *, language: str = "en", scheme: str = "light", **more: Any
    ) -> Person:
        """Somebody with an empty browser. more: for Playwright's new_context, such as java_script_enabled."""
        context = new_context(
            self.browser, device, language=language, scheme=scheme, proxy=self.watcher.wire.url, **more
        )
        self._all.append(context)
        self.watcher.attach(context)
        return Person(context, self.watcher, self.watcher.new_page(context))

    def leave(self) -> None:
        """Close all browsers."""
        self.watcher.rest()
        for context in self._all:
            context.close()


@dataclass
class Elections:
    """Makes elections on one server."""

    installation: Installation
    client: Client

    def new(self, **what: Any) -> HeldElection:
        """An election that nobody has created yet; `what` as HeldElection's fields, others as in NewElection."""
        own = {
            name: what.pop(name) for name in ("name", "members", "trustee_count", "threshold") if name in what
        }
        return HeldElection(self.installation, self.client, **own, more=what)
