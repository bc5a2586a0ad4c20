"""Watches everything that leaves a page or stays behind: requests, history, storage, console, log and database.

A watcher belongs to one test. Every context that the test opens is attached to it; at the end (and whenever the test
wants) `require_absent` says whether a secret was seen anywhere, and `require_quiet` whether anything went wrong.
"""

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, CDPSession, ConsoleMessage, Page, Request
from playwright.sync_api import Error as BrowserError

from tests.flows.leaks import LeakError, Needles, Secret
from tests.flows.serving import Installation
from tests.flows.wire import OWN_LOOK, Exchange, Wire

# Everything that a page can leave behind in the browser, as one text. What a page may not touch (a page that has no
# origin, an old browser) has nothing in it.
_DUMP_PERSISTENT = r"""
async () => {
  const found = {};
  const read = async (name, action) => { try { found[name] = await action(); } catch (error) { void error; } };
  const text = async (value) => {
    if (value instanceof Blob) return await value.text();
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
      const bytes = new Uint8Array(value.buffer ?? value, value.byteOffset ?? 0, value.byteLength);
      return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("") + " "
        + new TextDecoder().decode(bytes);
    }
    if (value instanceof CryptoKey) return JSON.stringify(await crypto.subtle.exportKey("jwk", value));
    if (typeof value === "bigint") return String(value);
    if (value instanceof Map || value instanceof Set) return await text([...value]);
    if (value && typeof value === "object") {
      const parts = [];
      for (const key of Object.keys(value)) parts.push(key + ": " + await text(value[key]));
      return parts.join("\n");
    }
    return String(value);
  };
  const finish = (request) => new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  await read("localStorage", () => JSON.stringify({...localStorage}));
  await read("IndexedDB", async () => {
    const parts = [];
    for (const {name} of await indexedDB.databases()) {
      const database = await finish(indexedDB.open(name));
      for (const store of database.objectStoreNames) {
        const objects = database.transaction(store).objectStore(store);
        const keys = await finish(objects.getAllKeys());
        const values = await finish(database.transaction(store).objectStore(store).getAll());
        parts.push(name, store, await text(keys), await text(values));
      }
      database.close();
    }
    return parts.join("\n");
  });
  await read("cache", async () => {
    const parts = [];
    for (const name of await caches.keys()) {
      const cache = await caches.open(name);
      for (const request of await cache.keys()) {
        const answer = await cache.match(request);
        parts.push(name, request.url, JSON.stringify([...request.headers]), await answer.text());
      }
    }
    return parts.join("\n");
  });
  await read("private files", async () => {
    const parts = [];
    const walk = async (folder) => {
      for await (const [name, handle] of folder.entries()) {
        parts.push(name);
        if (handle.kind === "directory") await walk(handle);
        else parts.push(await (await handle.getFile()).text());
      }
    };
    await walk(await navigator.storage.getDirectory());
    return parts.join("\n");
  });
  return found;
}
"""
_DUMP_OF_PAGE = r"""
() => {
  const found = {"window.name": window.name, "title": document.title};
  try { found["sessionStorage"] = JSON.stringify({...sessionStorage}); } catch (error) { void error; }
  found["history.state"] = JSON.stringify(history.state) ?? "";
  found["address"] = location.href;
  return found;
}
"""
# Part of every origin. What is shown there is empty: a page of ours would bring its scripts.
_EMPTY_PAGE = "/static/css/base.css"


@dataclass(frozen=True)
class Seen:
    """Something that was seen. place: what kind of thing; where: which one."""

    place: str
    where: str
    data: bytes


@dataclass(frozen=True)
class _Expected:
    """An answer that a test provokes."""

    status: int
    method: str
    part: str

    def covers(self, exchange: Exchange) -> bool:
        return (
            exchange.status == self.status and exchange.method == self.method and self.part in exchange.path
        )


class Watcher:
    """Everything that one test's browsers did. wire: the proxy through which they talk."""

    def __init__(self, wire: Wire, *origins: str, installation: Installation | None = None) -> None:
        self.wire = wire
        self._origins = {*origins, *([installation.url] if installation else [])}
        self._installation = installation
        self._contexts: list[BrowserContext] = []
        # Each page that was not gathered yet; closing it would take its history and session along.
        self._pages: dict[Page, CDPSession] = {}
        self._is_opening = False
        self._seen: list[Seen] = []
        self._troubles: list[str] = []
        # Addresses that a test opened, each to be seen as often as it did.
        self._arrivals: Counter[str] = Counter()
        self._expected: list[_Expected] = []
        self._expected_troubles: list[str] = []

    # --- what a test says -------------------------------------------------------------------------------

    def attach(self, context: BrowserContext) -> None:
        """Watch a context from its beginning."""
        if context.pages:
            raise ValueError("a context is watched from before its first page")
        self._contexts.append(context)
        context.on("page", self._attach_popup)
        context.on("console", self._note_console)
        context.on("weberror", lambda error: self._note_trouble("page error", str(error.error)))
        context.on("requestfailed", self._note_failed)
        context.on("serviceworker", lambda worker: self._note_trouble("service worker", worker.url))

    def new_page(self, context: BrowserContext) -> Page:
        """Another tab of a context, watched before it goes anywhere."""
        self._is_opening = True
        try:
            page = context.new_page()
        finally:
            self._is_opening = False
        self._attach_page(page)
        return page

    def open(self, page: Page, url: str) -> None:
        """Go to an address as somebody who follows a link. Its fragment may hold what nothing else may."""
        self._arrivals[url] += 1
        page.goto(url)

    def expect(self, status: int, method: str, part: str) -> None:
        """The test provokes this answer (status 0: none), once or more, from a path that has `part`."""
        self._expected.append(_Expected(status, method, part))

    def expect_trouble(self, words: str) -> None:
        """The test provokes something else that is not quiet, whose text has these words."""
        self._expected_troubles.append(words)

    def gather(self, context: BrowserContext) -> None:
        """Look at what the context's pages would take along when they close."""
        for page in context.pages:
            if page in self._pages:
                self._gather_page(page)
        self._gather_storage(context)

    def gather_page(self, page: Page) -> None:
        """Look at a page; to be called before a test closes it."""
        if page in self._pages:
            self._gather_page(page)
            del self._pages[page]

    def rest(self) -> None:
        """The test is over: what closes now is not looked at any more."""
        self._pages.clear()

    def require_absent(
        self, secrets: Iterable[Secret], *, tokens: Iterable[Secret] = (), except_in: Collection[str] = ()
    ) -> None:
        """LeakError if a secret is anywhere but in the places of these kinds (as the error names them).

        tokens: secrets, too, which may stand in the header for them.
        """
        wanted, passes = list(secrets), list(tokens)
        if not wanted:
            raise ValueError("there is no secret to look for")
        self._require_everything_seen()
        for context in self._open_contexts():
            self.gather(context)
        everything = list(self._all())
        self._require_absent(wanted, everything, except_in)
        self._require_absent(passes, everything, {*except_in, "authorization"})

    def _require_absent(
        self, secrets: Iterable[Secret], everything: Iterable[Seen], except_in: Collection[str]
    ) -> None:
        needles = Needles(secrets)
        places = [seen for seen in everything if seen.place not in except_in]
        suspects = set(needles.find_suspects(seen.data for seen in places))
        found = [
            f"{what}: {seen.place} ({seen.where})"
            for seen in places
            if seen.data in suspects
            for what in needles.find(seen.data)
        ]
        if found:
            raise LeakError("secrets were seen:\n" + "\n".join(sorted(set(found))))

    def require_quiet(self) -> None:
        """AssertionError if anything but the expected went wrong or was said."""
        self._settle()
        troubles = [
            trouble for trouble in self._troubles if not any(w in trouble for w in self._expected_troubles)
        ]
        troubles += [f"asked another machine: {stray}" for stray in self.wire.strays]
        for exchange in list(self.wire.exchanges):
            told = f"{exchange.method} {exchange.url} was answered with {exchange.status or 'nothing'}"
            if _origin(exchange.url) not in self._origins:
                troubles.append(f"asked another server: {exchange.method} {exchange.url}")
            if not 200 <= exchange.status < 400 and not any(e.covers(exchange) for e in self._expected):
                troubles.append(told)
        if troubles:
            raise AssertionError("not everything was quiet:\n" + "\n".join(dict.fromkeys(troubles)))

    def shapes(self) -> list[tuple[str, str, tuple[str, ...], str]]:
        """Every request without its values: method, path, names of headers, structure of the body.

        Whatever members choose, their browsers must send requests of the same shapes.
        """
        return [_shape(exchange) for exchange in list(self.wire.exchanges)]

    # --- what browsers say ------------------------------------------------------------------------------

    def _attach_popup(self, page: Page) -> None:
        """Watch a page that a page has opened."""
        if not self._is_opening and not page.is_closed():
            self._attach_page(page)

    def _attach_page(self, page: Page) -> None:
        session = page.context.new_cdp_session(page)
        self._pages[page] = session
        listen = session.on
        listen("Page.frameNavigated", self._note_navigation)
        listen("Page.navigatedWithinDocument", lambda event: self._note_address("history", event["url"]))
        for kind in ("Added", "Updated"):
            listen(f"DOMStorage.domStorageItem{kind}", self._note_stored)
        listen("Audits.issueAdded", self._note_issue)
        for domain in ("Page", "DOMStorage", "Audits"):
            session.send(f"{domain}.enable")
        page.on("websocket", lambda socket: self._note_trouble("web socket", socket.url))
        page.on("close", self._note_closed)
        page.on("crash", lambda _: self._note_trouble("crash", "a page crashed"))

    def _note(self, place: str, where: str, text: str) -> None:
        self._seen.append(Seen(place, where, text.encode("utf-8", "surrogatepass")))

    def _note_trouble(self, kind: str, text: str) -> None:
        self._note(kind, "told by the browser", text)
        self._troubles.append(f"{kind}: {text}")

    def _note_console(self, message: ConsoleMessage) -> None:
        # The wire tells the same of a failed request, and with more words.
        if message.type == "error" and message.text.startswith("Failed to load resource"):
            return
        # Values that a line shows in short only.
        values = []
        for argument in message.args:
            with suppress(BrowserError):
                values.append(json.dumps(argument.json_value(), default=str, ensure_ascii=False))
        self._note("console", message.type, " ".join([message.text, *values]))
        # Pages of ours say nothing there: what is said during a vote is said on the page.
        self._troubles.append(f"console {message.type}: {message.text}")

    def _note_failed(self, request: Request) -> None:
        self._note("request", "failed", f"{request.url} {request.post_data or ''}")
        # What reached the wire is judged there; this is what did not get that far.
        if urlsplit(request.url).scheme == "http" and any(e.url == request.url for e in self.wire.exchanges):
            return
        self._troubles.append(f"a request failed: {request.method} {request.url} {request.failure}")

    def _note_navigation(self, event: dict[str, Any]) -> None:
        frame = event["frame"]
        self._note_address("navigation", frame["url"] + frame.get("urlFragment", ""))

    def _note_address(self, where: str, url: str) -> None:
        # A link with a secret in its fragment is how the voter comes; the page takes it away from there, and that it
        # did is seen in the entries of the history.
        if self._arrivals[url]:
            self._arrivals[url] -= 1
        else:
            self._note("address", where, url)

    def _note_stored(self, event: dict[str, Any]) -> None:
        kind = "localStorage" if event["storageId"].get("isLocalStorage") else "sessionStorage"
        self._note(kind, "for a moment", f"{event['key']} {event['newValue']}")

    def _note_issue(self, event: dict[str, Any]) -> None:
        issue = event["issue"]
        if issue["code"] in ("ContentSecurityPolicyIssue", "MixedContentIssue", "CookieIssue", "CorsIssue"):
            self._note_trouble(issue["code"], json.dumps(issue["details"]))

    def _note_closed(self, page: Page) -> None:
        if page in self._pages:
            self._pages.pop(page)
            self._troubles.append("a page was closed before it was gathered")

    # --- what stays behind ------------------------------------------------------------------------------

    def _gather_page(self, page: Page) -> None:
        for entry in self._pages[page].send("Page.getNavigationHistory")["entries"]:
            self._note("address", "history entry", f"{entry['url']} {entry['title']}")
        with suppress(BrowserError):
            for name, text in page.evaluate(_DUMP_OF_PAGE).items():
                self._note(name, page.url, text)

    def _gather_storage(self, context: BrowserContext) -> None:
        for cookie in context.cookies():
            self._note("cookie", cookie.get("domain", ""), json.dumps(cookie))
        self._is_opening = True
        page = context.new_page()
        self._is_opening = False
        # For a service worker of a page, which would be asked before the route.
        page.set_extra_http_headers({OWN_LOOK: "1"})
        page.route("**/*", lambda route: route.fulfill(body="", content_type="text/html"))
        for origin in self._origins:
            page.goto(origin + _EMPTY_PAGE)
            for name, text in page.evaluate(_DUMP_PERSISTENT).items():
                self._note(name, origin, text)
        page.close()

    def _open_contexts(self) -> list[BrowserContext]:
        return [
            context for context in self._contexts if context.browser and context in context.browser.contexts
        ]

    def _require_everything_seen(self) -> None:
        if any("before it was gathered" in trouble for trouble in self._troubles):
            raise LeakError("a page was closed before it was gathered, so nobody knows what it kept")

    def _settle(self) -> None:
        """Events come when the browser is asked something: ask each page once more."""
        for page in list(self._pages):
            if not page.is_closed():
                with suppress(BrowserError):
                    page.evaluate("() => 0")

    def _all(self) -> Iterator[Seen]:
        yield from list(self._seen)
        for exchange in list(self.wire.exchanges):
            where = f"{exchange.method} {exchange.path[:80]}"
            yield Seen("request", where, f"{exchange.method} {exchange.url}".encode())
            for name, value in exchange.headers:
                kind = "authorization" if name.lower() == "authorization" else "request"
                yield Seen(kind, where, f"{name}: {value}".encode("latin-1"))
            yield Seen("request", where, exchange.body)
            for name, value in exchange.answer_headers:
                yield Seen("answer", where, f"{name}: {value}".encode("latin-1"))
            yield Seen("answer", where, exchange.answer)
        if self._installation is not None:
            for path in self._installation.files():
                kind = "log" if path == self._installation.log else "file of the server"
                # A file of the database that goes away between listing and reading has nothing any more.
                with suppress(FileNotFoundError):
                    yield Seen(kind, path.name, path.read_bytes())


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


# Hashes, trackers and the numbers of elections.
_VALUE = re.compile(r"(?<![\w+-])(?:[0-9a-f]{64}|[\w+-]{43})(?![\w+-])|(?<=/elections/)[A-Za-z0-9]+")


def _shape(exchange: Exchange) -> tuple[str, str, tuple[str, ...], str]:
    path = _VALUE.sub("*", exchange.path)
    names = tuple(sorted(name.lower() for name, _ in exchange.headers))
    try:
        body = json.dumps(_skeleton(json.loads(exchange.body))) if exchange.body else ""
    except ValueError:
        # Not JSON: nothing is known of its structure but the length.
        body = f"{len(exchange.body)} bytes"
    return exchange.method, path, names, body


def _skeleton(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _skeleton(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_skeleton(part) for part in value]
    return type(value).__name__
