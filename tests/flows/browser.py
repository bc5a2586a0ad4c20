"""A real browser: Debian's Chromium, driven by Playwright; people with a phone or a desk computer each."""

import contextlib
import os
import shutil
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, CDPSession, Page, sync_playwright

from tests.voting_app.processes import find_descendants

# Where Debian puts it; on other systems it may lie elsewhere on the path.
_PROGRAMS = ("chromium", "chromium-browser")
# The same browser without windows, toolbars and menus, which take three quarters of a new context's time.
_BARE_PROGRAMS = ("chromium-headless-shell", *_PROGRAMS)
# A process for a page takes a tenth of a second to start: a person's pages of one site may share one. The pages of two
# people never do.
_SHARING_FLAG = "--renderer-process-limit=1"
# Long enough for a signal to be worth it, short enough that a measurement has many of them.
_STRETCH_SECONDS = 0.004
_FLAGS = (
    # No name is ever looked up, so that nothing of a page or of the browser itself reaches another machine.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
    # A container's shared memory is often too small for a browser.
    "--disable-dev-shm-usage",
)


class BrowserMissingError(Exception):
    """There is no Chromium here; the text says what to do."""


@dataclass(frozen=True)
class Device:
    """A kind of device. width, height: CSS pixels of its window."""

    name: str
    width: int
    height: int
    is_phone: bool


PHONE = Device("phone", 360, 740, is_phone=True)
DESK = Device("desk", 1280, 800, is_phone=False)


def find_chromium(*, is_bare: bool = False) -> Path:
    """The browser's program, is_bare: without windows if there is such a one; BrowserMissingError if there is none."""
    for name in _BARE_PROGRAMS if is_bare else _PROGRAMS:
        if found := shutil.which(name):
            return Path(found)
    raise BrowserMissingError("there is no Chromium here; on Debian: apt-get install chromium")


@contextmanager
def running_browser(*flags: str, is_bare: bool = False) -> Iterator[Browser]:
    """One browser without window. Each person gets a context of it, which shares nothing with the others.

    is_bare: without what costs only time.
    """
    program = find_chromium(is_bare=is_bare)
    # Chromium refuses to run its sandbox as root, which is who runs tests in a container.
    sandbox = ("--no-sandbox",) if os.geteuid() == 0 else ()
    sharing = (_SHARING_FLAG,) if is_bare else ()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=[*_FLAGS, *sharing, *sandbox, *flags])
        try:
            yield browser
        finally:
            browser.close()


def new_context(
    browser: Browser,
    device: Device = PHONE,
    *,
    language: str = "en",
    scheme: str = "light",
    proxy: str | None = None,
    **more: Any,
) -> BrowserContext:
    """A person's browser, new and empty. language: as Accept-Language; scheme: "light" or "dark"."""
    context = browser.new_context(
        viewport={"width": device.width, "height": device.height},
        screen={"width": device.width, "height": device.height},
        has_touch=device.is_phone,
        is_mobile=device.is_phone,
        locale=language,
        color_scheme="dark" if scheme == "dark" else "light",
        # A time zone other than that of the server and of UTC shows times that forgot theirs.
        timezone_id=more.pop("timezone_id", "America/New_York"),
        # Animations would make screenshots and clicks depend on the moment.
        reduced_motion="reduce",
        proxy={"server": proxy} if proxy else None,
        **more,
    )
    context.set_default_timeout(20_000)
    return context


# --- circumstances -----------------------------------------------------------------------------------


def open_devtools(page: Page) -> CDPSession:
    """The browser's own protocol for this page, for what Playwright has no words for."""
    return page.context.new_cdp_session(page)


def slow_down(page: Page, factor: float) -> None:
    """Make the processor so many times slower for this page, as on an old phone; 1 is full speed.

    The browser can do that for what a page does itself, not for its Workers; `all_slowed_down` can.
    """
    open_devtools(page).send("Emulation.setCPUThrottlingRate", {"rate": factor})


@contextmanager
def all_slowed_down(factor: float) -> Iterator[None]:
    """Make everything slower that the open pages of this process's browsers do, their Workers too.

    Their processes may run for one part of the time in `factor`, a few milliseconds at a stretch.
    """
    renderers = [pid for pid in find_descendants(os.getpid()) if _is_renderer(pid)]
    over = threading.Event()

    def send(number: signal.Signals) -> None:
        for pid in renderers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def take_turns() -> None:
        while not over.is_set():
            send(signal.SIGSTOP)
            time.sleep(_STRETCH_SECONDS * (factor - 1))
            send(signal.SIGCONT)
            time.sleep(_STRETCH_SECONDS)

    thread = threading.Thread(target=take_turns)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _is_renderer(pid: int) -> bool:
    try:
        return b"--type=renderer" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return False


def limit_network(page: Page, kilobits: float, latency_ms: float = 150) -> None:
    """Give this page a line of so many kilobits per second in each direction."""
    session = open_devtools(page)
    session.send("Network.enable")
    bytes_per_second = kilobits * 1000 / 8
    session.send(
        "Network.emulateNetworkConditions",
        {
            "offline": False,
            "latency": latency_ms,
            "downloadThroughput": bytes_per_second,
            "uploadThroughput": bytes_per_second,
        },
    )
