"""Measures in a real browser: how long encrypting a ballot takes, what pages weigh, how soon they can be read."""

import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from crypto.credentials import new_credential_text
from crypto.election import parse_election
from crypto.encoding import encode_json_bytes, parse_json
from tests.bench.load import encode_get_requests
from tests.flows.browser import (
    PHONE,
    BrowserMissingError,
    all_slowed_down,
    limit_network,
    new_context,
    running_browser,
)
from tests.flows.elections import HeldElection
from tests.flows.gallery import VIEWS, Gallery
from tests.flows.people import Elections
from tests.flows.serving import Installation, running_installation
from tests.flows.wire import Weight, Wire, weigh
from voting_app.languages import LANGUAGES, SOURCE

CHOICES = (2, 10, 50, 100)
SLOWER = 4
# The goal of the booth, for a slow phone.
GOAL_CHOICES, GOAL_SECONDS = 10, 1.0
BOOTH_KILOBYTES = 150
LINE_KILOBITS = 400
FIRST_VIEW_SECONDS = 2.0
_RUNS = 5
_REQUESTS = 1_500
_CONNECTIONS = 4

# As the booth does it: a new Worker each time, as there is one ballot in most of them.
_BY_WORKER = """
async ([election, credential, runs]) => {
  const { Client } = await import("/static/booth/client.js");
  const taken = [];
  for (let run = 0; run < runs; run++) {
    const client = new Client();
    await client.call("prepare", { election });
    const started = performance.now();
    await client.call("encrypt", { credential, choices: [[0]] });
    taken.push(performance.now() - started);
    client.close();
  }
  return taken;
}
"""
_FIRST_PAINT = """
() => new Promise((resolve) => new PerformanceObserver((list, observer) => {
  for (const entry of list.getEntries()) {
    if (entry.name === "first-contentful-paint") { observer.disconnect(); resolve(entry.startTime); }
  }
}).observe({ type: "paint", buffered: true }))
"""

Add = Callable[[str, str, str, bool | None], None]
Say = Callable[[str], None]


@dataclass(frozen=True)
class _Stage:
    """What the measurements share."""

    browser: Browser
    installation: Installation
    gallery: Gallery
    say: Say
    add: Add


def bench_pages(folder: Path, say: Say, add: Add) -> None:
    """All of it; a row that says why where there is no browser."""
    with ExitStack() as stack:
        try:
            browser = stack.enter_context(running_browser())
        except BrowserMissingError as missing:
            add("pages in Chromium", str(missing), "", None)
            return
        installation = stack.enter_context(running_installation(folder))
        client = stack.enter_context(installation.client())
        stage = _Stage(browser, installation, Gallery(Elections(installation, client)), say, add)
        _measure_encryption(stage)
        _measure_weights(stage)
        _measure_first_view(stage)
        _measure_requests(stage, folder)


def _widen(election: HeldElection, answers: int) -> bytes:
    """The published election data with one question of so many answers."""
    raw = election.client.get_bytes(f"/api/v1/elections/{election.uuid}/election")
    value: dict[str, Any] = parse_json(raw, "S1")
    names = [f"Candidate {number}" for number in range(1, answers + 1)]
    value["questions"] = [{"answers": names, "min": 1, "max": 1, "question": "Who?"}]
    widened = encode_json_bytes(value)
    parse_election(widened)
    return widened


def _list_times(milliseconds: list[float]) -> str:
    return ", ".join(f"{taken:.0f}" for taken in milliseconds) + " ms"


def _measure_encryption(stage: _Stage) -> None:
    election = stage.gallery.get("open")
    credential = new_credential_text()
    with new_context(stage.browser, PHONE) as context:
        page = context.new_page()
        page.goto(f"{election.url}/vote")
        for answers in CHOICES:
            arguments = [_widen(election, answers).decode(), credential, _RUNS]
            plain = page.evaluate(_BY_WORKER, arguments)
            with all_slowed_down(SLOWER):
                slow = page.evaluate(_BY_WORKER, arguments)
            stage.say(f"  {answers} choices: {_list_times(plain)}; {SLOWER} × slower {_list_times(slow)}")
            is_goal = answers == GOAL_CHOICES
            stage.add(
                f"encrypt a ballot with {answers} choices in Chromium's Worker, and {SLOWER} × slower",
                f"{statistics.median(plain):.0f} ms; {statistics.median(slow):.0f} ms, {max(slow):.0f} ms at most",
                f"< {GOAL_SECONDS:.0f} s slowed down" if is_goal else "(printed)",
                max(slow) < GOAL_SECONDS * 1000 if is_goal else None,
            )


def _weigh(stage: _Stage, path: str) -> Weight:
    """What a page fetches that is opened for the first time."""
    with Wire() as wire, new_context(stage.browser, PHONE, proxy=wire.url) as context:
        page = context.new_page()
        page.goto(path)
        _wait_until_quiet(page, wire)
        return weigh(wire.exchanges)


def _wait_until_quiet(page: Page, wire: Wire) -> None:
    """Programs fetch more after the page has loaded, and may ask again and again: until nothing new was fetched."""
    known = 0
    while known < (found := len({exchange.path for exchange in wire.exchanges})):
        known = found
        page.wait_for_timeout(1000)


def _measure_weights(stage: _Stage) -> None:
    heaviest = 0
    seen = set()
    for view in VIEWS:
        url = view.url(stage.gallery.get(view.state))
        if view.status != 200 or url in seen:
            continue
        seen.add(url)
        weight = _weigh(stage, url)
        stage.say(
            f"  {view.name}: {weight.requests} requests, {weight.total / 1000:.1f} kB over the wire, "
            f"{weight.unpacked / 1000:.1f} kB unpacked"
        )
        heaviest = max(heaviest, weight.total)
    stage.add("heaviest page over the wire", f"{heaviest / 1000:.1f} kB", "(printed)", None)
    booth = f"{stage.gallery.get('open').url}/vote"
    weights = {language: _weigh(stage, f"{booth}?lang={language}") for language in LANGUAGES}
    own = weights[SOURCE]
    stage.add(
        # Over HTTP/2, which the proxy of docs/operations.md speaks, headers that come again take next to nothing.
        "the booth over the wire, with all headers of HTTP/1.1",
        f"{own.total / 1000:.1f} kB in {own.requests} requests",
        "(printed)",
        None,
    )
    language, weight = max(weights.items(), key=lambda one: one[1].bodies)
    stage.add(
        f"the booth in its heaviest language ({language}), compressed; with headers",
        f"{weight.bodies / 1000:.1f} kB; {weight.total / 1000:.1f} kB",
        f"≤ {BOOTH_KILOBYTES} kB compressed",
        weight.bodies <= BOOTH_KILOBYTES * 1000,
    )


def _see_first(page: Page, url: str) -> float:
    limit_network(page, LINE_KILOBITS)
    page.goto(url, wait_until="commit")
    return float(page.evaluate(_FIRST_PAINT)) / 1000


def _measure_first_view(stage: _Stage) -> None:
    for name, path in (("the public page", ""), ("the booth", "/vote")):
        seconds = []
        for _ in range(3):
            with new_context(stage.browser, PHONE) as context:
                seconds.append(_see_first(context.new_page(), stage.gallery.get("open").url + path))
        stage.say(
            f"  {name} at {LINE_KILOBITS} kbit/s: first text after {', '.join(f'{s:.2f} s' for s in seconds)}"
        )
        median = statistics.median(seconds)
        stage.add(
            f"first view of {name} at {LINE_KILOBITS} kbit/s",
            f"{median:.2f} s",
            f"< {FIRST_VIEW_SECONDS:.0f} s",
            median < FIRST_VIEW_SECONDS,
        )


def _ask(stage: _Stage, path: str, folder: Path) -> float:
    """Answers per second to a process that asks for one address over and over."""
    file = folder / "requests.bin"
    file.write_bytes(encode_get_requests(path, _REQUESTS))
    command = [
        sys.executable,
        "-m",
        "tests.bench.load",
        str(stage.installation.port),
        str(_CONNECTIONS),
        str(file),
    ]
    answer = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    seconds, _, statuses = json.loads(answer.stdout)
    if statuses != {"200": _REQUESTS}:
        raise RuntimeError(f"{path} was refused: {statuses}")
    return _REQUESTS / float(seconds)


def _measure_requests(stage: _Stage, folder: Path) -> None:
    election = stage.gallery.get("open")
    static = _ask(stage, "/static/css/base.css", folder)
    public = _ask(stage, f"/elections/{election.uuid}", folder)
    stage.say(f"  waitress: public page {public:.0f}/s, static file {static:.0f}/s")
    stage.add(
        "public page beside a static file by the same server",
        f"{public:.0f} requests/s, {public / static:.0%}",
        "(printed)",
        None,
    )
