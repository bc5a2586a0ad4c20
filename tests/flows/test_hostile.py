"""Hostile people and other people's sites, in a real browser: frames, posts across sites, stored scripts, redirects.

What each attack meets, with the tests that are not about browsers, is a table in docs/threat-model.md.
"""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.flows.booth import CHALLENGED, REVIEW, Voter, ballots
from tests.flows.browser import PHONE
from tests.flows.elections import SHARED, HeldElection
from tests.flows.leaks import credential_secrets
from tests.flows.people import Elections, People
from tests.flows.serving import Installation
from tests.flows.watching import Watcher
from tests.flows.wire import Wire
from voting_app.demo.people import base

# Below an election's address; "" is its public page.
PAGES = ("", "/vote", "/check", "/trackers", "/journal", "/report", "/verify", "/trustee")


class Site:
    """Another site: "localhost" is another one than 127.0.0.1 for a browser. A test writes its pages."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {"/": "<h1>Mine</h1>", "/static/css/base.css": ""}
        site = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = site.pages.get(self.path, "").encode()
                self.send_response(200)
                kind = "text/css" if self.path.endswith(".css") else "text/html"
                self.send_header("Content-Type", f"{kind}; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's name
                """Nobody reads it."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://localhost:{self.server.server_address[1]}"

    def write(self, body: str) -> str:
        """A page with this body; its address."""
        self.pages["/page"] = f"<!doctype html><title>Prizes</title><body>{body}</body>"
        return f"{self.url}/page"


@pytest.fixture
def site() -> Iterator[Site]:
    running = Site()
    thread = threading.Thread(target=running.server.serve_forever, args=(0.05,))
    thread.start()
    yield running
    running.server.shutdown()
    running.server.server_close()
    thread.join()


@pytest.fixture
def watcher(wire: Wire, installation: Installation, site: Site) -> Watcher:
    """One that knows the other site."""
    return Watcher(wire, site.url, installation=installation)


@pytest.fixture(scope="module")
def election(installation: Installation) -> Iterator[HeldElection]:
    """An open election that tests look at."""
    with installation.client() as client:
        yield Elections(installation, client).new(members=4).set_up()


# --- clickjacking --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("element", ['iframe src="{}"', 'object data="{}"', 'embed src="{}"'])
def test_no_page_is_shown_inside_of_another_site(
    element: str, people: People, election: HeldElection, site: Site, wire: Wire, watcher: Watcher
) -> None:
    kind = element.partition(" ")[0]
    for word in ("console", "a request failed", "ContentSecurityPolicyIssue"):
        watcher.expect_trouble(word)
    page = people.new().page
    # What has no such protection is shown: the test would see it.
    own = f"{site.url}/"
    addresses = [own, f"{election.server.url}/", *(f"{election.url}{part}" for part in PAGES)]
    frames = (f"<{element.format(address)} width=300 height=500></{kind}>" for address in addresses)
    watcher.open(page, site.write("".join(frames)))
    while not set(addresses) <= {exchange.url for exchange in wire.exchanges}:
        page.wait_for_timeout(50)
    page.wait_for_timeout(300)
    assert [frame.url for frame in page.frames[1:] if frame.url in addresses] == [own]
    for frame in page.frames[1:]:
        assert frame.url == own or frame.locator("h1").filter(has_text=election.name).count() == 0


def test_a_site_that_opens_a_page_has_no_hold_on_it(
    people: People, election: HeldElection, site: Site, watcher: Watcher
) -> None:
    """Otherwise it could watch where the voter goes, and put another page in this one's place."""
    person = people.new()
    page = person.page
    watcher.open(
        page,
        site.write(
            "<button onclick=\"window.held = window.open('{}')\">Win</button>".replace(
                "{}", f"{election.url}/vote"
            )
        ),
    )
    with person.context.expect_page() as opened:
        page.get_by_role("button").click()
    booth = opened.value
    booth.get_by_label("Voting code").wait_for()
    assert booth.evaluate("() => window.opener") is None
    assert page.evaluate("() => window.held.closed") is True
    page.evaluate("() => { window.held.location = '/'; }")
    expect(booth.get_by_label("Voting code")).to_be_visible()


# --- posts across sites ----------------------------------------------------------------------------------------------


def list_targets(election: HeldElection) -> list[str]:
    api = base(election.uuid)
    return [
        *(f"{api}/{act}" for act in ("close", "pause", "cancel", "certify", "keys", "trustees", "roll")),
        *(
            f"{api}/trustee/{act}"
            for act in ("certificate", "commitment", "reveal", "share", "drill", "decryption")
        ),
        "/api/v1/elections",
        f"{api}/ballots",
        f"{api}/challenges",
        f"{api}/credentials/lookup",
        "/setup/unknown",
    ]


def test_a_wrong_address_does_not_keep_the_code(
    people: People, election: HeldElection, watcher: Watcher
) -> None:
    """Somebody who types the address of a sheet and errs still has the code in it."""
    watcher.expect(404, "GET", "/vot")
    code = election.credentials["M1"]
    person = people.new()
    for again in ("", ".x"):
        page = person.open(f"{election.url}/vot?lang=en#{code}{again}")
        expect(page.get_by_role("heading", name="There is nothing at this address.")).to_be_visible()
        expect(page).to_have_url(f"{election.url}/vot?lang=en")
    page.get_by_role("link", name="Skip to the content").focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{election.url}/vot?lang=en#main")
    watcher.require_absent(credential_secrets(election.parameters, code))


@pytest.mark.parametrize("kind", ["application/x-www-form-urlencoded", "multipart/form-data", "text/plain"])
def test_forms_of_another_site_do_nothing(
    kind: str, people: People, election: HeldElection, site: Site, wire: Wire, watcher: Watcher
) -> None:
    """Nothing is done because of who the reader is: no cookie and no token goes along, and a form is no JSON."""
    targets = list_targets(election)
    for status in (400, 401, 404, 422):
        watcher.expect(status, "POST", "/")
    before = election.status(), ballots(election)
    page = people.new().page
    for number, target in enumerate(targets, 1):
        url = election.server.url + target
        # Such a form makes JSON out of text/plain: {"reason":"x=y"}.
        field = """<input name='{"reason":"x' value='y"}'>"""
        watcher.open(
            page,
            site.write(
                f"<form method=post enctype='{kind}' action='{url}'>{field}<button>Win</button></form>"
            ),
        )
        page.get_by_role("button").click()
        page.wait_for_url(url)
        sent = wire.find("POST", "/")
        assert len(sent) == number
        names = {name.lower() for name, _ in sent[-1].headers}
        assert not names & {"cookie", "authorization"}
        assert 400 <= sent[-1].status < 500
        assert (sent[-1].status == 401) == (number <= 14), target
    assert (election.status(), ballots(election)) == before


def test_programs_of_another_site_read_nothing_and_send_no_token(
    people: People, election: HeldElection, site: Site, wire: Wire, watcher: Watcher
) -> None:
    for word in ("console", "a request failed", "CorsIssue"):
        watcher.expect_trouble(word)
    watcher.expect(401, "OPTIONS", "/")
    for status in (400, 401, 404, 422):
        watcher.expect(status, "POST", "/")
    before = election.status(), ballots(election)
    page = people.new().page
    watcher.open(page, site.write(""))
    ask = """async ([url, options]) => {
        try { const answer = await fetch(url, options); return [answer.type, await answer.text()]; }
        catch (error) { return ["refused", error.name]; }
    }"""
    token = {"Authorization": f"Bearer {election.server.tokens['committee']}"}
    for target in list_targets(election):
        url = election.server.url + target
        blind = {"method": "POST", "mode": "no-cors", "credentials": "include", "body": "{}"}
        assert page.evaluate(ask, [url, blind]) == ["opaque", ""]
        # What needs the server's leave: another header, another type.
        for headers in (token, {"Content-Type": "application/json"}):
            options = {"method": "POST", "headers": headers, "body": "{}"}
            assert page.evaluate(ask, [url, options]) == ["refused", "TypeError"]
    for url in (election.url, f"{election.server.url}{base(election.uuid)}/status"):
        assert page.evaluate(ask, [url, {}]) == ["refused", "TypeError"]
    for exchange in wire.exchanges:
        assert not exchange.header("access-control-allow-origin")
        assert "authorization" not in {name.lower() for name, _ in exchange.headers}
    assert (election.status(), ballots(election)) == before


# --- addresses that lead elsewhere -----------------------------------------------------------------------------------


def require_own_links(page: Page, origin: str) -> None:
    links = page.eval_on_selector_all(
        "[href], [src], [action]",
        "(all) => all.flatMap((one) => [one.href, one.src, one.action].filter(Boolean))",
    )
    assert links
    assert [link for link in links if not str(link).startswith((f"{origin}/", "data:image/"))] == []
    assert page.locator("meta[http-equiv=refresh]").count() == 0


@pytest.mark.parametrize(
    "hostile",
    [
        "//evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "\\\\evil.example",
        "%0d%0aLocation:x",
    ],
)
def test_no_address_leads_elsewhere(
    hostile: str, people: People, election: HeldElection, watcher: Watcher
) -> None:
    # A page is left before all of its programs are there.
    watcher.expect_trouble("net::ERR_ABORTED")
    for status in (401, 404):
        watcher.expect(status, "GET", "/")
    origin = election.server.url
    page = people.new().page
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    for part in PAGES:
        page.goto("about:blank")
        watcher.open(page, f"{election.url}{part}?lang={hostile}&next={hostile}&url={hostile}#{hostile}")
        page.locator("h1").first.wait_for()
        require_own_links(page, origin)
        assert page.url.startswith(f"{election.url}{part}")
    for path in (f"/{hostile}", f"/elections/{hostile}/vote", f"//evil.example/..{hostile}"):
        watcher.open(page, origin + path)
        assert page.url.startswith(f"{origin}/")
        require_own_links(page, origin)


# --- stored scripts --------------------------------------------------------------------------------------------------


HOSTILE = "</script><script>window.stolen=1</script>\"'><img src=x onerror=window.stolen=1><svg onload=window.stolen=1>"


def require_harmless(page: Page) -> None:
    """The text stands there letter by letter, nothing has come of it, and it pushes nothing off a phone."""
    expect(page.get_by_text("<script>window.stolen=1</script>").first).to_be_visible()
    assert page.evaluate("() => window.stolen") is None
    widest = page.evaluate("() => [document.scrollingElement.scrollWidth, innerWidth]")
    assert widest == [PHONE.width, PHONE.width], page.url
    assert page.locator("img, [onerror], [onload], script:not([src])").count() == 0


def look_around(page: Page, election: HeldElection, watcher: Watcher) -> None:
    """All pages of the election that show texts, in its own language and in a translation."""
    for part in ("", "/vote", "/trackers", "/journal", "/report", "/verify"):
        for language in ("en", "es"):
            watcher.open(page, f"{election.url}{part}?lang={language}")
            require_harmless(page)
    watcher.open(page, f"{election.server.url}/")
    require_harmless(page)


def test_no_text_of_an_election_becomes_a_program(
    people: People, elections: Elections, watcher: Watcher
) -> None:
    """Name, description, questions, answers, translations, trustees' names, reasons and statement, on every page."""
    question = {"question": HOSTILE, "answers": [HOSTILE, f"B {HOSTILE}"]}
    texts = {"name": HOSTILE, "description": HOSTILE, "questions": [question]}
    election = elections.new(
        name=HOSTILE,
        members=2,
        description=HOSTILE,
        questions=[{**question, "min": 1, "max": 1}],
        language="en",
        texts={"es": texts},
        **SHARED,
    )
    election.create().freeze().issue().seat()
    seats, committee = f"{base(election.uuid)}/trustees", election.committee
    for trustee in election.trustees:
        committee.client.post(
            f"{seats}/{trustee.owner}/person", {"name": HOSTILE}, committee.token, method="PUT"
        )
    first, *others = election.trustees
    first.send_certificate()
    page = people.new().page
    watcher.open(page, f"{election.url}/trustee#{first.token}")
    page.get_by_text("Awaited: ").wait_for()
    expect(page.get_by_text("Awaited: ")).to_contain_text(HOSTILE)
    require_harmless(page)
    for trustee in others:
        trustee.send_certificate()
    for act in ("commitment", "reveal", "share"):
        for trustee in election.trustees:
            getattr(trustee, f"send_{act}")()
    election.act("keys").drill().open()

    voter = Voter(people.new(language="es"), election, "M1").open().see(HOSTILE)
    require_harmless(voter.page)
    voter.press("Empezar").see(HOSTILE).choose(f"B {HOSTILE}")
    require_harmless(voter.page)
    voter.press("Revisar sus opciones")
    require_harmless(voter.page)
    voter.page.get_by_role("link", name="English").click()
    voter.see(REVIEW).press("Encrypt my ballot").press("Check instead of cast").see(CHALLENGED)
    voter.page.get_by_text("The code as text").click()
    code = voter.page.locator("code.long-code").inner_text()
    second = people.new().open(f"{election.url}/check#{code}")
    expect(second.get_by_role("heading", name="This is in the ballot")).to_be_visible()
    require_harmless(second)

    election.act("pause", {"reason": HOSTILE})
    look_around(page, election, watcher)
    election.act("resume").vote("M1", [0]).vote("M2", [1]).close().decrypt()
    election.act("certify", {"statement": HOSTILE})
    look_around(page, election, watcher)
