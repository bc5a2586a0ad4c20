"""The watcher itself: pages that leak in every way that we know must be caught, and an honest page must not."""

import base64
import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest
from playwright.sync_api import Browser

from crypto.credentials import derive_secret, new_credential_text
from crypto.groups import get_group
from tests.flows.browser import PHONE
from tests.flows.leaks import LeakError, Secret, choice_secrets, find_secrets
from tests.flows.people import People, Person
from tests.flows.serving import Installation
from tests.flows.watching import Watcher
from tests.flows.wire import Wire

CREDENTIAL = "AbCdE-FgHiJk-LmNoP-qRsTuV"
SECRETS = [
    Secret("the credential", CREDENTIAL),
    Secret("the credential without dashes", CREDENTIAL.replace("-", "")),
]
# What an honest page does with the fragment that it was given.
TAKE = "const s = location.hash.slice(1); history.replaceState(null, '', location.pathname);"
# Without an icon the browser would ask for one.
HEAD = '<!doctype html><title>t</title><link rel="icon" href="data:,">'
WORKER = "onmessage = async (event) => { %s; postMessage('done'); };"

# Where it is seen, and the script of a page that has taken the credential into `s`. Some wait for what they began.
LEAKS = {
    "address of a request": ("request", "await fetch('/any?c=' + s)"),
    "in Base64 in an address": ("request", "await fetch('/any?c=' + btoa('c=' + s))"),
    "in hexadecimal digits in an address": ("request", "await fetch('/any/' + hex(s))"),
    "without dashes in an address": ("request", "await fetch('/any?c=' + s.replaceAll('-', ''))"),
    "every letter escaped in an address": (
        "request",
        "await fetch('/any?c=' + hex(s).replace(/../g, '%$&'))",
    ),
    "header": ("request", "await fetch('/any', {headers: {'X-Any': s}})"),
    "address of the page in a header": (
        "request",
        "history.pushState(null, '', '/quiet?' + s); await fetch('/any', {referrerPolicy: 'unsafe-url'})",
    ),
    "body": ("request", "await fetch('/any', {method: 'POST', body: JSON.stringify({a: [s]})})"),
    "compressed body": (
        "request",
        (
            "const z = new Blob([s.repeat(9)]).stream().pipeThrough(new CompressionStream('gzip'));"
            "await fetch('/any', {method: 'POST', body: await new Response(z).blob()})"
        ),
    ),
    "beacon": ("request", "navigator.sendBeacon('/any', s); await later()"),
    "image": ("request", "new Image().src = '/any?' + s; await later()"),
    "style sheet": (
        "request",
        (
            "const l = document.createElement('link'); l.rel = 'stylesheet'; l.href = '/any?' + s;"
            "document.head.append(l); await later()"
        ),
    ),
    "form": (
        "request",
        (
            "const f = document.createElement('form'); f.action = '/quiet'; f.innerHTML = '<input name=c>';"
            "f.c.value = s; document.body.append(f); f.submit(); await later()"
        ),
    ),
    "navigation": ("request", "location.href = '/quiet?' + s; await later()"),
    "frame": (
        "request",
        "const f = document.createElement('iframe'); f.src = '/quiet?' + s; document.body.append(f); await later()",
    ),
    "new window": ("request", "window.open('/quiet?' + s); await later()"),
    "event source": ("request", "new EventSource('/any?' + s); await later()"),
    "request of a worker": ("request", "await work('await fetch(\"/any?c=\" + event.data)')"),
    "request of a shared worker": (
        "request",
        (
            "const b = new Blob(['onconnect = (e) => { e.ports[0].onmessage ='"
            "+ ' (m) => fetch(origin + \"/any?\" + m.data) }']);"
            "const w = new SharedWorker(URL.createObjectURL(b)); w.port.postMessage(s); await later()"
        ),
    ),
    "service worker": (
        "request",
        "await navigator.serviceWorker.register('/worker.js?' + s).catch(() => 0); await later()",
    ),
    "cookie": ("cookie", "document.cookie = 'c=' + s"),
    "localStorage": ("localStorage", "localStorage.c = s"),
    "localStorage for a moment": (
        "localStorage",
        "localStorage.setItem('c', s); localStorage.clear(); await later()",
    ),
    "sessionStorage": ("sessionStorage", "sessionStorage[s] = 1"),
    "IndexedDB": (
        "IndexedDB",
        (
            "await new Promise((resolve) => { const r = indexedDB.open('d'); r.onupgradeneeded = () => "
            "r.result.createObjectStore('o'); r.onsuccess = () => { const t = r.result.transaction('o', 'readwrite');"
            "t.objectStore('o').put({deep: [new TextEncoder().encode(s)]}, 1);"
            "t.oncomplete = () => { r.result.close(); resolve(); }; }; })"
        ),
    ),
    "cache": ("cache", "await (await caches.open('c')).put('/any', new Response(s))"),
    "private files": (
        "private files",
        (
            "const d = await navigator.storage.getDirectory(); const h = await d.getFileHandle('f', {create: true});"
            "const w = await h.createWritable(); await w.write(s); await w.close()"
        ),
    ),
    "window.name": ("window.name", "window.name = s"),
    "title": ("title", "document.title = s"),
    "state of the history": ("history.state", "history.replaceState({s}, '', '/quiet')"),
    "address in the history": (
        "address",
        "history.pushState(null, '', '#' + s); history.pushState(null, '', '/quiet')",
    ),
    "address for a moment": (
        "address",
        "history.replaceState(null, '', '#' + s); history.replaceState(null, '', '/quiet'); await later()",
    ),
    "console": ("console", "console.debug('it is', s)"),
    "object in the console": ("console", "console.log({a: {b: {c: [s]}}})"),
    "console of a worker": ("console", "await work('console.log(event.data)')"),
    "error": ("page error", "setTimeout(() => { throw new Error(s) }); await later()"),
    "promise that nobody kept": ("page error", "Promise.reject(new Error(s)); await later()"),
    "error of a worker": (
        "page error",
        "work('setTimeout(() => { throw new Error(event.data) })'); await later()",
    ),
}
# Not leaks of a secret, but nothing that a page of ours does.
NOISES = {
    "console": "console.info('hello')",
    "page error": "setTimeout(() => { throw new Error('hello') }); await later()",
    "was answered with 404": "await fetch('/missing')",
    "asked another server": "await fetch(OTHER + '/any', {mode: 'no-cors'})",
    "asked another machine": "await fetch('http://steward.example/any', {mode: 'no-cors'}).catch(() => 0)",
    "a request failed": "await fetch('http://127.0.0.1:1/any', {mode: 'no-cors'}).catch(() => 0); await later()",
    "ContentSecurityPolicyIssue": "document.body.setAttribute('onclick', 'void 0'); await later()",
    "web socket": "new WebSocket(location.origin.replace('http', 'ws') + '/any'); await later()",
    "service worker": "await navigator.serviceWorker.register('/worker.js'); await later()",
}
HELP = """
const later = () => new Promise((resolve) => setTimeout(resolve, 300));
const hex = (text) => Array.from(new TextEncoder().encode(text), (b) => b.toString(16).padStart(2, "0")).join("");
const work = (code) => new Promise((resolve) => {
  const worker = new Worker("/worker.js?" + encodeURIComponent(code));
  worker.onmessage = resolve;
  worker.postMessage(s);
});
"""


class Site:
    """A web server with one page that runs whatever script it was given, and answers everything else with little."""

    def __init__(self) -> None:
        self.script = ""
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.0"

            def do_GET(self) -> None:
                kind, body, status = "text/html", f"{HEAD}<p>quiet</p>", 200
                policy = "script-src 'self' blob:; worker-src 'self' blob:"
                path, _, query = self.path.partition("?")
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if path == "/":
                    body = f'{HEAD}<body><script src="/script.js"></script>'
                elif path == "/script.js":
                    kind, body = "text/javascript", site.script
                elif path == "/worker.js":
                    kind, body = "text/javascript", WORKER % unquote(query)
                elif path == "/static/css/base.css":
                    kind, body = "text/css", ""
                elif path == "/missing":
                    status = 404
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Security-Policy", policy)
                self.end_headers()
                self.wfile.write(body.encode())

            do_POST = do_GET

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                """Nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    running = Site()
    yield running
    running.close()


@pytest.fixture(scope="module")
def other_site() -> Iterator[Site]:
    running = Site()
    yield running
    running.close()


@pytest.fixture
def site_watcher(wire: Wire, site: Site) -> Watcher:
    return Watcher(wire, site.url)


@pytest.fixture
def visitor(browser: Browser, site_watcher: Watcher) -> Iterator[Person]:
    """Somebody at the test's own site; that all was quiet is the test's to say."""
    crowd = People(browser, site_watcher)
    yield crowd.new()
    crowd.leave()


def visit(person: Person, site: Site, script: str, other: str = "") -> None:
    """Follow the voter's link to a page that runs `script`."""
    site.script = (
        f"{TAKE} {HELP} const OTHER = '{other}'; (async () => {{ {script};"
        " })().finally(() => { document.documentElement.dataset.done = 1; });"
    )
    # Otherwise a second visit would be a step within the same document.
    person.page.goto("about:blank")
    person.open(f"{site.url}/#{CREDENTIAL}")
    if "f.submit" not in script and "location.href" not in script:
        person.page.wait_for_selector("html[data-done]")
    else:
        person.page.wait_for_url("**/quiet?*")


def test_an_honest_page_passes(visitor: Person, site: Site, site_watcher: Watcher) -> None:
    visit(visitor, site, "globalThis.kept = s; localStorage.a = 'public'; await fetch('/any?b')")
    site_watcher.require_absent(SECRETS)
    site_watcher.require_quiet()
    assert [exchange.path for exchange in site_watcher.wire.exchanges] == ["/", "/script.js", "/any?b"]


@pytest.mark.parametrize("leak", LEAKS)
def test_every_leak_is_caught(leak: str, visitor: Person, site: Site, site_watcher: Watcher) -> None:
    place, script = LEAKS[leak]
    visit(visitor, site, script)
    with pytest.raises(LeakError, match=rf"the credential.*: {place} \("):
        site_watcher.require_absent(SECRETS)


def test_a_credential_that_stays_in_the_address_is_caught(
    visitor: Person, site: Site, site_watcher: Watcher
) -> None:
    visitor.open(f"{site.url}/quiet#{CREDENTIAL}")
    with pytest.raises(LeakError, match="address"):
        site_watcher.require_absent(SECRETS)


def test_what_was_stored_is_seen_after_the_tab_was_closed(
    visitor: Person, site: Site, site_watcher: Watcher
) -> None:
    visit(visitor, site, "sessionStorage.a = s")
    visitor.close_tab(visitor.page)
    with pytest.raises(LeakError, match="sessionStorage"):
        site_watcher.require_absent(SECRETS)


def test_a_page_that_was_closed_unseen_is_no_proof(
    visitor: Person, site: Site, site_watcher: Watcher
) -> None:
    visit(visitor, site, "")
    visitor.page.close()
    with pytest.raises(LeakError, match="before it was gathered"):
        site_watcher.require_absent(SECRETS)


@pytest.mark.parametrize("name", ["server.log", "steward.sqlite3", "steward.sqlite3-wal"])
def test_what_the_server_writes_is_looked_through(
    name: str, wire: Wire, tmp_path: Path, installation: Installation
) -> None:
    (tmp_path / name).write_bytes(b"\0\1" + CREDENTIAL.encode() + b"\0")
    watcher = Watcher(wire, installation=Installation(tmp_path, installation.port, {}))
    with pytest.raises(LeakError, match=name):
        watcher.require_absent(SECRETS)


def test_a_place_that_is_allowed_allows_no_other(visitor: Person, site: Site, site_watcher: Watcher) -> None:
    """A trustee's token may stand in the header that is made for it, and nowhere else."""
    visit(visitor, site, "await fetch('/any', {headers: {Authorization: 'Bearer ' + s}})")
    site_watcher.require_absent(SECRETS, except_in={"authorization"})
    visit(visitor, site, "await fetch('/any?' + s)")
    with pytest.raises(LeakError, match="request"):
        site_watcher.require_absent(SECRETS, except_in={"authorization"})


@pytest.mark.parametrize("noise", NOISES)
def test_every_noise_is_heard(
    noise: str, visitor: Person, site: Site, other_site: Site, site_watcher: Watcher
) -> None:
    visit(visitor, site, NOISES[noise], other_site.url)
    with pytest.raises(AssertionError, match=noise):
        site_watcher.require_quiet()


def test_what_is_announced_is_no_noise(visitor: Person, site: Site, site_watcher: Watcher) -> None:
    site_watcher.expect(404, "GET", "/missing")
    visit(visitor, site, "await fetch('/missing')")
    site_watcher.require_quiet()
    visit(visitor, site, "await fetch('/missing', {method: 'POST'})")
    with pytest.raises(AssertionError, match="POST"):
        site_watcher.require_quiet()


def test_requests_of_other_choices_have_the_same_shape_unless_they_tell(
    browser: Browser, wire: Wire, site: Site
) -> None:
    def shapes(script: str) -> object:
        crowd = People(browser, Watcher(wire, site.url))
        del wire.exchanges[:]
        visit(crowd.new(PHONE), site, script)
        told = crowd.watcher.shapes()
        crowd.leave()
        return told

    post = "await fetch('/any/%s', {method: 'POST', body: JSON.stringify({a: [%s]})})"
    one = shapes(post % ("ab" * 32, "'x', 'y'"))
    assert shapes(post % ("cd" * 32, "'longer', 'z'")) == one
    assert shapes(post % ("ab" * 32, "'x'")) != one
    assert shapes(post % ("ab" * 32, "1, 'y'")) != one
    assert shapes(post % ("b", "'x', 'y'")) != one


def test_a_lost_connection_is_lost_on_the_asked_side(
    visitor: Person, site: Site, site_watcher: Watcher
) -> None:
    """Before the server: it hears nothing. After it: it hears, and the browser is left without an answer."""
    wire = site_watcher.wire
    ask = "() => fetch('/any', {method: 'POST'}).then(() => 'got', () => 'lost')"
    visit(visitor, site, "")
    wire.lose_requests("POST", "/any")
    assert visitor.page.evaluate(ask) == "lost"
    assert {e.status for e in wire.find("POST", "/any")} == {0}
    wire.mend()
    wire.lose_answers("POST", "/any")
    assert visitor.page.evaluate(ask) == "lost"
    assert wire.find("POST", "/any")[-1].status == 200
    wire.mend()
    assert visitor.page.evaluate(ask) == "got"


# --- forms of secrets ------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [b"", b"a", b"ab", b"abc"])
def test_a_secret_within_base64_is_found_wherever_it_begins(before: bytes) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        data = b"x=" + encode(before + b"\xff\xfe~?" * 5 + b"tail")
        assert find_secrets(data, [Secret("it", b"\xff\xfe~?" * 5)])


def test_a_scalar_is_found_in_every_form() -> None:
    group = get_group("Ed25519")
    scalar = derive_secret(group, "4f1ZmQsf3XvEXN", new_credential_text())
    raw = scalar.to_bytes(32, "big")
    for data in (
        str(scalar).encode(),
        b"%x" % scalar,
        raw,
        raw[::-1],
        base64.b64encode(raw),
        raw.hex().encode(),
    ):
        assert find_secrets(b"..." + data + b"...", [Secret("s", scalar)])
        assert find_secrets(gzip.compress(data), [Secret("s", scalar)])
    assert not find_secrets(str(scalar + 1).encode(), [Secret("s", scalar)])


def test_what_is_too_short_is_refused_instead_of_found_by_chance() -> None:
    with pytest.raises(ValueError, match="too short"):
        find_secrets(b"any", [Secret("choice", "0,1")])
    assert [secret.value for secret in choice_secrets([0], "blank")] == ['[[0], "blank"]', '[[0],"blank"]']
    assert "[[1,0,1],[0,0]]" in {s.value for s in choice_secrets([0, 2], "blank", answers=[3, 2])}
