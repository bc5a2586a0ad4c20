"""What flows ask for: a running installation, elections on it, and people with a browser each, who are watched.

    def test_a_vote(people: People, elections: Elections, watcher: Watcher) -> None:
        election = elections.new(members=2).set_up()
        ada = people.new(PHONE, language="es")
        ada.open(f"{election.url}/vote#{election.credentials['M1']}")
        ada.page.get_by_role("button", name="…").click()
        watcher.require_absent(credential_secrets(election.parameters, election.credentials["M1"]))

At the end of each test everything must have been quiet (Watcher.require_quiet); what a test provokes it announces
with Watcher.expect.

A browser is slow. So a desk runs every test of this folder but a sixth of the variants of each (tests/conftest.py),
in Chromium's headless shell; large samples are all of them, in the whole of Chromium.
"""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, expect

from tests.conftest import sample_size
from tests.flows.browser import BrowserMissingError, running_browser
from tests.flows.people import Elections, People
from tests.flows.serving import Installation, running_installation
from tests.flows.watching import Watcher
from tests.flows.wire import ProgramFiles, Wire

# What is awaited comes sooner; a busy computer may take so long for it.
expect.set_options(timeout=20_000)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One browser in each worker process; tests get contexts of it, by `people`."""
    with ExitStack() as stack:
        try:
            # All of it where all is tested.
            started = stack.enter_context(running_browser(is_bare=sample_size() == "small"))
        except BrowserMissingError as missing:
            pytest.skip(str(missing))
        yield started


@pytest.fixture(scope="session")
def program_files() -> ProgramFiles:
    """What each test's browsers fetch anew, and the server of `installation` need not send anew."""
    return ProgramFiles()


@pytest.fixture(scope="session")
def installation(
    tmp_path_factory: pytest.TempPathFactory, program_files: ProgramFiles
) -> Iterator[Installation]:
    """One running server in each worker process. A test that ends servers or changes settings runs one of its own."""
    with running_installation(tmp_path_factory.mktemp("installation")) as running:
        program_files.origins.add(running.url)
        yield running


@pytest.fixture
def elections(installation: Installation) -> Iterator[Elections]:
    """Makes elections on the running server."""
    with installation.client() as client:
        yield Elections(installation, client)


@pytest.fixture
def wire(program_files: ProgramFiles) -> Iterator[Wire]:
    """The line between the test's browsers and servers."""
    with Wire(program_files) as running:
        yield running


@pytest.fixture
def watcher(wire: Wire, installation: Installation) -> Watcher:
    """Sees everything that the test's browsers do."""
    return Watcher(wire, installation=installation)


@pytest.fixture
def people(browser: Browser, watcher: Watcher) -> Iterator[People]:
    """Gives people a phone or a desk computer each; all are watched, and at the end all must have been quiet."""
    crowd = People(browser, watcher)
    try:
        yield crowd
        watcher.require_quiet()
    finally:
        crowd.leave()
