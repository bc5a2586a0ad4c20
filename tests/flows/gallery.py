"""Every page, and how to come there: what the screenshots show, axe-core judges and the keyboard walks through.

A page is added by a line in VIEWS. A test crawls the site from its first page and fails when it finds a page of which
there is no view.
"""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, Route

from audit.keyfile import KeyFile, encode_key_file
from crypto.tables import encode_table
from paper.sheets import Layout
from tests.flows.browser import open_devtools
from tests.flows.elections import QUESTIONS, SHARED, HeldElection
from tests.flows.office import PASSWORD, enter, find_member, get_office, new_recovery_code, open_app
from tests.flows.people import Elections
from tests.voting_app.candidates.pictures import make_picture
from voting_app.accounts.service import Actor
from voting_app.candidates import service as candidates
from voting_app.candidates.photos import make_photo
from voting_app.context import Context, get_context
from voting_app.demo.people import base
from voting_app.elections.service import election_for_box, get_revision
from voting_app.incidents import service as incidents
from voting_app.mailing.models import Delivery, DeliveryState
from voting_app.registrar import service as registrar
from voting_app.roll.models import RollEntry
from voting_app.sheets import service as sheets
from voting_app.sheets.service import Choice

BROWSER_PROGRAMS = Path(__file__).resolve().parents[2] / "voting_app/static/pages"

Step = Callable[[Page, HeldElection], Any]

# Long enough to be cut or to break a narrow page, with what must be escaped, and with right-to-left words in it.
AWKWARD_NAME = "Überlandverkehrsgewerkschaftsdelegiertenversammlung <b>2027</b> & שלום"


def _nothing(_page: Page, _election: HeldElection) -> None:
    """The page as it comes."""


# The booth by its structure, whatever its language: the first button of a view is the one that leads on, and what may
# be chosen has ids.
def _go_on(page: Page) -> None:
    page.locator("#view .actions button").first.click()


def _to_question(page: Page, _election: HeldElection) -> None:
    _go_on(page)
    page.locator("#choice-0").wait_for()


def _to_candidates(page: Page, election: HeldElection) -> None:
    _to_question(page, election)
    page.locator("summary").click()
    page.locator("img.portrait[src]").wait_for()


def _to_fault(page: Page, election: HeldElection) -> None:
    _to_question(page, election)
    _go_on(page)
    page.locator("#choice-error").wait_for()


def _to_review(page: Page, election: HeldElection) -> None:
    _to_question(page, election)
    for _ in QUESTIONS:
        page.locator("#choice-1").check()
        _go_on(page)
    page.locator(".answered").first.wait_for()


def _to_ballot(page: Page, election: HeldElection) -> None:
    _to_review(page, election)
    _go_on(page)
    page.locator(".tracker").first.wait_for()


def _to_receipt(page: Page, election: HeldElection) -> None:
    _to_ballot(page, election)
    _go_on(page)
    page.locator(".receipt .qr").wait_for()


def _to_contradiction(page: Page, election: HeldElection) -> None:
    _to_receipt(page, election)
    # A server that has lost the ballot for which it gave the receipt.
    page.route("**/credentials/lookup", lambda route: route.fulfill(json={"listed": True, "tracker": None}))
    page.reload()
    page.locator(".notice.danger").wait_for()


def _to_forgery(page: Page, election: HeldElection) -> None:
    _to_challenged(page, election)
    # A server that has cast the ballot that was opened.
    opened = "".join(page.locator(".tracker code").first.locator("span").all_text_contents())
    page.route("**/credentials/lookup", lambda route: route.fulfill(json={"listed": True, "tracker": opened}))
    code = next(iter(election.credentials.values()))
    _return(page, f"{election.url}/vote#{code}.{election.parameters.fingerprint}")


def _return(page: Page, address: str) -> None:
    """Open a link once more in the language that is shown."""
    language = page.evaluate("() => document.documentElement.lang")
    path, _, fragment = address.partition("#")
    page.goto("about:blank")
    page.goto(f"{path}?lang={language}#{fragment}")
    page.locator("#view .notice.danger, #view .notice.warning:not(#not-loaded)").first.wait_for()


def _to_unnamed_key(page: Page, election: HeldElection) -> None:
    _wait_for_booth(page, election)
    data = election.client.get(f"/api/v1/elections/{election.uuid}/election")
    del data["steward"]
    page.route(re.compile(r"/api/v1/elections/\w+/election$"), lambda route: route.fulfill(json=data))
    _return(page, f"{election.url}/vote#{next(iter(election.credentials.values()))}")


def _to_challenged(page: Page, election: HeldElection) -> None:
    _to_ballot(page, election)
    page.locator("#view .actions").nth(1).locator("button").first.click()
    page.locator(".qr").wait_for()


def _to_shelf(page: Page, election: HeldElection) -> None:
    _wait_for_booth(page, election)
    # As two members leave it who have voted on this device.
    for voter in ("A", "B"):
        part = {"credential": voter, "tracker": voter * 43, "text": "{}"}
        page.evaluate(
            "([key, text]) => localStorage.setItem(key, text)",
            [f"steward:{election.uuid}:{voter}", json.dumps({"version": 1, "kept": part})],
        )
    page.reload()
    page.locator("#view .tracker").first.wait_for()


def _to_checked(page: Page, election: HeldElection) -> None:
    _to_challenged(page, election)
    code = page.locator("code.long-code").text_content()
    language = page.evaluate("() => document.documentElement.lang")
    page.goto(f"{election.url}/check?lang={language}#{code}")
    page.locator(".answered").first.wait_for()


def _to_false(page: Page, election: HeldElection) -> None:
    _check_instead(page, election, lambda route: route.fulfill(json={}))
    page.locator(".notice.danger").wait_for()


def _to_lost(page: Page, election: HeldElection) -> None:
    _check_instead(page, election, lambda route: route.fulfill(status=404, json={}))
    page.locator("#view .notice:not(#not-loaded):not(#too-old)").first.wait_for()


def _check_instead(page: Page, election: HeldElection, answer: Callable[[Route], None]) -> None:
    """Check a ballot on the second device, where the server answers something else than the ballot."""
    _to_challenged(page, election)
    code = page.locator("code.long-code").text_content()
    language = page.evaluate("() => document.documentElement.lang")
    page.route("**/api/v1/elections/*/challenges/*", answer)
    page.goto(f"{election.url}/check?lang={language}#{code}")


def _to_encrypting(page: Page, election: HeldElection) -> None:
    _to_review(page, election)
    # A phone that takes its time.
    page.evaluate("() => { Worker.prototype.postMessage = () => {} }")
    _go_on(page)
    page.locator("#progress").wait_for()


def _to_casting(page: Page, election: HeldElection) -> None:
    _to_ballot(page, election)
    # The view must stand still while it is looked at: the next try is made after minutes.
    away = {"status": 503, "headers": {"Retry-After": "300"}, "json": {}}
    page.route("**/api/v1/elections/*/ballots", lambda route: route.fulfill(**away))
    _go_on(page)
    page.locator("#view .notice").first.wait_for()
    # Otherwise the next visit would go on with this ballot.
    page.evaluate("() => localStorage.clear()")


# What the page says before its program, or in its place. The first visit has ended before, so that nothing breaks off.
def _to_no_script(page: Page, election: HeldElection) -> None:
    _wait_for_booth(page, election)
    session = open_devtools(page)
    session.send("Emulation.setScriptExecutionDisabled", {"value": True})
    page.reload()
    page.locator("noscript .notice").wait_for()
    # axe-core is a program too. What was read without programs stays, but is not drawn in this element any more.
    session.detach()
    page.locator("noscript").first.evaluate("(one) => one.replaceWith(...one.childNodes)")
    page.locator(".notice.warning").first.wait_for()


def _to_too_old(page: Page, election: HeldElection) -> None:
    _wait_for_booth(page, election)
    support = (BROWSER_PROGRAMS / "support.js").read_text("utf-8")
    script = f"delete HTMLScriptElement.prototype.noModule;\n{support}"
    page.route(
        "**/pages/support.js", lambda route: route.fulfill(body=script, content_type="text/javascript")
    )
    page.reload()
    page.locator("#too-old").wait_for()


def _to_not_loaded(page: Page, election: HeldElection) -> None:
    _wait_for_booth(page, election)
    page.route("**/pages/vote.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page.reload()
    page.evaluate("() => document.querySelector('script[type=module]').dispatchEvent(new Event('error'))")
    page.locator("#not-loaded").wait_for()


def _look_for(page: Page, tracker: str, kind: str) -> None:
    page.locator("#tracker").fill(tracker)
    page.locator("#search button").click()
    page.locator(f"#answer .{kind}").wait_for()


def _to_found(page: Page, election: HeldElection) -> None:
    listed = election.client.get_bytes(f"/api/v1/elections/{election.uuid}/trackers").decode()
    _look_for(page, listed.splitlines()[0].split(" ")[1], "good")


def _to_missing(page: Page, _election: HeldElection) -> None:
    _look_for(page, "A" * 43, "warning")


def _to_mistyped(page: Page, _election: HeldElection) -> None:
    page.locator("#code").fill("2O2O")
    _go_on(page)
    page.locator("#code-error").wait_for()


def _wait_for_booth(page: Page, _election: HeldElection) -> None:
    page.locator("#view.view").wait_for()


def _to_begin(page: Page, _election: HeldElection) -> None:
    page.locator("#view.view button").first.wait_for()


# The trustees' page, likewise by its structure. Nothing is sent, so that each step can be shown any number of times.
def _to_trustee_link(page: Page, _election: HeldElection) -> None:
    page.locator("#token").wait_for()


def _to_trustee_step(page: Page, _election: HeldElection) -> None:
    page.locator("#file").wait_for()


def _to_trustee_wait(page: Page, _election: HeldElection) -> None:
    page.locator("#view a.button.quiet").wait_for()


def _to_saving(page: Page, election: HeldElection) -> None:
    _to_trustee_step(page, election)
    _go_on(page)
    page.locator("#view a[download]").wait_for()


def _choose_file(page: Page, election: HeldElection, content: bytes) -> None:
    _to_trustee_step(page, election)
    page.locator("#file").set_input_files(
        {"name": "trustee.json", "mimeType": "application/json", "buffer": content}
    )


def _to_shortened(page: Page, election: HeldElection) -> None:
    _to_trustee_wait(page, election)
    # As a device leaves it that has seen a longer journal.
    seen = {"version": 1, "journal": {"height": 99, "head": "0" * 64}, "box": None}
    page.evaluate(
        "([key, text]) => localStorage.setItem(key, text)",
        [f"steward-trustee:{election.uuid}", json.dumps(seen)],
    )
    _return(page, f"{election.url}/trustee#{election.trustees[0].token}")
    page.evaluate("(key) => localStorage.removeItem(key)", f"steward-trustee:{election.uuid}")


def _to_refused_file(page: Page, election: HeldElection) -> None:
    _choose_file(page, election, b"{}")
    page.locator("#view [role=alert]").wait_for()


def _key_file(election: HeldElection) -> bytes:
    """The first trustee's, as it is from the drill on. The part of a shared key opens what a key of one's own would."""
    journal = election.client.get_bytes(f"/elections/{election.uuid}/{election.uuid}.journal.jsonl")
    lines = [json.loads(line) for line in journal.splitlines()]
    committed = [line["payload"] for line in lines if line["kind"] == "trustee-committed"]
    key = KeyFile(
        "single",
        "Ed25519",
        secret=str(election.trustees[0]._secret),
        commitments={str(payload["owner"]): payload["commitment"] for payload in committed},
        fingerprint=election.parameters.fingerprint,
    )
    return encode_key_file(key)


def _to_sum(page: Page, election: HeldElection) -> None:
    _choose_file(page, election, _key_file(election))
    page.locator("#view button.quiet").wait_for()


def _to_drilled(page: Page, election: HeldElection) -> None:
    """The answers are those of a server that has taken the proof."""
    inbox = election.client.get(f"/api/v1/elections/{election.uuid}/trustee", election.trustees[0].token)
    inbox |= {"step": "wait-close", "act": "decryption", "number": len(inbox["acts"])}
    _choose_file(page, election, _key_file(election))
    with page.expect_download() as download:
        page.locator("#view a[download]").click()
    page.route("**/trustee/drill", lambda route: route.fulfill(json={}))
    page.route(re.compile(r"/api/v1/elections/\w+/trustee$"), lambda route: route.fulfill(json=inbox))
    page.locator("#file").set_input_files(download.value.path())
    page.locator(".notice.good code").wait_for()
    _to_trustee_wait(page, election)


def _to_opened(page: Page, election: HeldElection) -> None:
    _to_sum(page, election)
    _go_on(page)
    page.locator("#view a[download]").wait_for()


def _to_code(page: Page, election: HeldElection) -> None:
    page.locator("#email").fill(get_office(election.server).email)
    page.locator("#password").fill(PASSWORD)
    page.locator("main button").first.click()
    page.locator("#code").wait_for()


def _to_new_phone(page: Page, election: HeldElection) -> None:
    page.locator("#phone-password").fill(PASSWORD)
    page.locator("details summary").click()
    page.locator("#phone-recovery").fill(new_recovery_code(election.server))
    page.locator("main button").first.click()
    page.locator(".qr").wait_for()


def _upload(page: Page, election: HeldElection, text: str) -> None:
    language = page.evaluate("() => document.documentElement.lang")
    page.goto(f"{election.server.url}/office/elections/{election.uuid}/roll?lang={language}")
    file = {"name": "roll.csv", "mimeType": "text/csv", "buffer": text.encode()}
    page.locator("input[type=file]").set_input_files(file)
    page.locator("form[enctype] button").click()
    page.locator("section .badge").first.wait_for()


def _to_printing(page: Page, election: HeldElection) -> None:
    _wait_for_booth(page, election)
    table = encode_table([("member_number", "credential"), *election.credentials.items()])
    file = {"name": "credentials.csv", "mimeType": "text/csv", "buffer": table.encode()}
    page.locator("#file").set_input_files(file)
    page.locator("#paper").wait_for()


def _to_roll_file(page: Page, election: HeldElection) -> None:
    more = '"Ñandú, José",M61,member2@example.org,,Region West,3,\nMember 2,m-2,x@y,,,1,\n'
    _upload(page, election, _ENROLLED.replace("Local 3", "Local 33").replace("Member 5,M5", "Kim,M5") + more)


def _to_roll_faults(page: Page, election: HeldElection) -> None:
    _upload(page, election, f"{_ENROLLED}Kim,M1,kim,,,0,maybe\n,M77,,,a > > b,1,\n")


@dataclass(frozen=True)
class View:
    """One page in one situation.

    name: of the files; caption: what one sees; state: of the election that is shown, a key of SCENES; path: below the
    election's page, or from the root if it begins with "/" (braces: uuid, credential, and the tokens of the first two
    trustees, a one-time link, the numbers of an officer's account and of a member's row, of a run of sheets);
    act: what is done there first; status: what the
    server answers; is_office: an administrator is logged in.
    """

    name: str
    caption: str
    state: str
    path: str = ""
    act: Step = _nothing
    status: int = 200
    is_office: bool = False

    def url(self, election: HeldElection) -> str:
        """The full address."""
        tokens = [trustee.token for trustee in election.trustees] or ["", ""]
        path = self.path.format(
            uuid=election.uuid,
            credential=next(iter(election.credentials.values()), ""),
            token=tokens[0],
            token2=tokens[1],
            member=find_member(election.server, election.uuid) if "{member}" in self.path else "",
            run=_runs.get(election.uuid, ""),
            **get_office(election.server).values() if self.name.startswith("office") else {},
        )
        return election.server.url + path if path.startswith("/") else election.url + path


def _vote_all(election: HeldElection) -> HeldElection:
    for number, president in enumerate(([0], [1], [0], "blank", [0]), start=2):
        election.vote(f"M{number}", president, [number % 3 // 2])
    return election


_ENROLLED = "name,member_number,email,address,unit,weight,standing\n" + "".join(
    f"Member {n},M{n},member{n}@example.org,,Region East > Local {n % 4},1,{'suspended' if n % 9 == 0 else ''}\n"
    for n in range(1, 61)
)


def _enrol(election: HeldElection) -> HeldElection:
    """A roll of several pages, with a name that is long and to be escaped."""
    roll = _ENROLLED.replace("Member 1,", f'"{AWKWARD_NAME}",', 1)
    election.client.post(f"{base(election.uuid)}/roll", roll.encode(), election.committee.token)
    return election


def _propose(election: HeldElection) -> HeldElection:
    """One of two officers wants to freeze the roll, and to cancel."""
    _enrol(election)
    election.act("cancel", {"reason": "A candidate's name is misspelt, <b>so</b> we begin anew.\nשלום"})
    return election.act("roll/freeze")


def _begin_keys(election: HeldElection) -> HeldElection:
    """The second trustee is ahead of the others and waits for them."""
    election.trustees[1].send_certificate()
    return election


# Election -> the number of its run of sheets.
_runs: dict[str, int] = {}


def _complain(election: HeldElection) -> HeldElection:
    """One complaint is decided, another one waits."""
    context, actor = get_context(open_app(election.server)), Actor("committee", 8)
    incidents.record_complaint(context, election.uuid, "The booth in the hall was locked until noon.", actor)
    incidents.resolve_complaint(context, election.uuid, 1, "It was. The voting was extended.", actor)
    incidents.record_complaint(context, election.uuid, f"{AWKWARD_NAME}\nwas not told of the vote.", actor)
    context.database.dispose()
    return election


def _issue_here(election: HeldElection) -> HeldElection:
    """The server makes the codes, and sheets are asked for."""
    context = get_context(open_app(election.server))
    registrar.generate_credentials(context, election.uuid, Actor("registrar", 8))
    election.seat().make_keys()
    _runs[election.uuid] = sheets.create_run(context, election.uuid, Choice(), Layout.LETTER)
    _break_off(context, find_member(election.server, election.uuid))
    context.database.dispose()
    return election


def _present(election: HeldElection) -> HeldElection:
    """Candidates with photos and statements of all that the markup has, and one with neither."""
    context = get_context(open_app(election.server))
    statement = (
        "# Why me\nI was **treasurer** for *six* years, in good times and in bad ones.\n\n- bread\n- roses\n\n"
        "1. first\n2. then\n\nMore on [my page](https://example.org/a-long-address/of/a/page) – שלום"
    )
    photo = make_photo(make_picture(size=(600, 800), colour=(160, 120, 90)))
    with context.database.read() as session:
        revision = get_revision(election_for_box(session, election.uuid))
    change = candidates.Change({"en": statement}, photo)
    candidates.set_candidate(context, election.uuid, 0, 0, change, expected=revision)
    context.database.dispose()
    return election


def _break_off(context: Context, entry: int) -> None:
    """Nobody knows what became of one member's mail."""
    now = context.clock.now()
    with context.database.write() as session:
        row = session.get_one(RollEntry, entry)
        session.add(
            Delivery(
                roll_entry_id=entry,
                election_id=row.election_id,
                message_id="0" * 32,
                state=DeliveryState.UNCLEAR.value,
                attempts=1,
                created_at=now,
                next_try_at=now,
                reason="no connection with the mail server: the connection was reset by the other side",
            )
        )


# How to bring a new election into each state that pages differ in. Later ones go on from where earlier ones stop.
SCENES: dict[str, Callable[[HeldElection], HeldElection]] = {
    "draft": lambda e: e.create(),
    "enrolled": lambda e: _enrol(e.create()),
    "proposed": lambda e: _propose(e.create()),
    "listed": lambda e: e.create().freeze(),
    "frozen": lambda e: _begin_keys(e.create().freeze().issue().seat()),
    "issued": lambda e: _issue_here(e.create().freeze()),
    "presented": lambda e: _present(e.create()).freeze().issue().seat().make_keys().drill().open(),
    "practised": lambda e: _present(e.create()),
    "ready": lambda e: e.create().freeze().issue().seat().make_keys(),
    # Each trustee has a key of its own here.
    "single": lambda e: e.create().freeze().issue().seat().make_keys(),
    "open": lambda e: _vote_all(e.set_up()),
    # Where one may vote again, so that the way can be walked any number of times.
    "again": lambda e: e.set_up(),
    "paused": lambda e: _complain(e.set_up().act("pause", {"reason": "The hall has no electricity."})),
    "voted": lambda e: e.set_up().vote("M1", [0], [0]),
    "closed": lambda e: _vote_all(e.set_up()).close(),
    "tallied": lambda e: _vote_all(e.set_up()).close().decrypt(),
    "certified": lambda e: _vote_all(e.set_up()).close().decrypt().certify(),
    "cancelled": lambda e: e.set_up().act("cancel", {"reason": "A candidate's name was misspelt."}),
    "untalliable": lambda e: e.set_up().close().act("untalliable", {"reason": "Two key files are lost."}),
}

_OFFICE = "/office/elections/{uuid}"
_VOTE = "/elections/{uuid}/vote#{credential}"
_TRUSTEE = "/elections/{uuid}/trustee#{token}"

VIEWS = (
    View("elections", "All elections", "open", "/"),
    View("election-frozen", "Before the keys are made", "frozen"),
    View("election-ready", "Ready to open", "ready"),
    View("election-open", "Open", "open"),
    View("election-candidates", "Candidates of a test election", "presented"),
    View("election-paused", "Paused", "paused"),
    View("election-closed", "Closed, the trustees are awaited", "closed"),
    View("election-tallied", "The result", "tallied"),
    View("election-certified", "The certified result", "certified"),
    View("election-cancelled", "Cancelled", "cancelled"),
    View("election-untalliable", "Without a result", "untalliable"),
    View("trackers", "Looking for one's ballot", "open", "/elections/{uuid}/trackers"),
    View("trackers-found", "One's ballot is there", "open", "/elections/{uuid}/trackers", _to_found),
    View("trackers-missing", "One's ballot is not there", "open", "/elections/{uuid}/trackers", _to_missing),
    View("journal", "What was done, in words", "certified", "/elections/{uuid}/journal"),
    View("verify", "How to verify", "certified", "/elections/{uuid}/verify"),
    View("report", "The report to print", "certified", "/elections/{uuid}/report"),
    View("booth-code", "The booth without a link", "again", "/elections/{uuid}/vote", _wait_for_booth),
    View(
        "booth-shared", "A device on which several have voted", "again", "/elections/{uuid}/vote", _to_shelf
    ),
    View("booth-mistyped", "A code that cannot be", "again", "/elections/{uuid}/vote", _to_mistyped),
    View("booth", "The booth", "again", _VOTE, _wait_for_booth),
    View("booth-question", "Choosing", "again", _VOTE, _to_question),
    View("booth-candidates", "Choosing among candidates", "presented", _VOTE, _to_candidates),
    View("booth-fault", "A choice that is not allowed", "again", _VOTE, _to_fault),
    View("booth-review", "Reviewing the choices", "again", _VOTE, _to_review),
    View("booth-encrypting", "Encrypting on a slow phone", "again", _VOTE, _to_encrypting),
    View("booth-ballot", "The encrypted ballot", "again", _VOTE, _to_ballot),
    View("booth-casting", "Casting without a connection", "again", _VOTE, _to_casting),
    View("booth-receipt", "The receipt", "again", _VOTE, _to_receipt),
    View("booth-challenged", "A ballot for the second device", "again", _VOTE, _to_challenged),
    View("booth-voted", "Who has voted already", "voted", _VOTE, _wait_for_booth),
    View(
        "booth-deceived",
        "Another election than on the sheet",
        "again",
        f"{_VOTE}.{'A' * 43}",
        _wait_for_booth,
    ),
    View(
        "booth-contradicted",
        "A receipt that the server contradicts",
        "again",
        _VOTE,
        _to_contradiction,
    ),
    View("booth-forged", "A ballot that the server has cast", "again", _VOTE, _to_forgery),
    View("booth-unnamed", "An election that names no key for receipts", "again", _VOTE, _to_unnamed_key),
    View("booth-no-script", "The booth without JavaScript", "again", _VOTE, _to_no_script),
    View("booth-too-old", "The booth in an old browser", "again", _VOTE, _to_too_old),
    View("booth-not-loaded", "A part of the booth did not arrive", "again", _VOTE, _to_not_loaded),
    View("booth-early", "The booth before the keys are made", "frozen", "/elections/{uuid}/vote"),
    View("booth-ready", "The booth before the opening", "ready", _VOTE, _wait_for_booth),
    View("booth-paused", "The booth in a pause", "paused", _VOTE, _wait_for_booth),
    View("booth-closed", "The booth after the closing", "closed", _VOTE, _wait_for_booth),
    View("booth-cancelled", "The booth of a cancelled election", "cancelled", _VOTE, _wait_for_booth),
    View("check", "The second device", "again", "/elections/{uuid}/check", _wait_for_booth),
    View("checked", "What is in the ballot", "again", _VOTE, _to_checked),
    View("check-false", "A ballot that is not what its code tells", "again", _VOTE, _to_false),
    View("check-missing", "A ballot that the server does not have", "again", _VOTE, _to_lost),
    View("trustee-link", "A trustee without a link", "frozen", "/elections/{uuid}/trustee", _to_trustee_link),
    View("trustee-begin", "A trustee begins", "frozen", _TRUSTEE, _to_trustee_step),
    View("trustee-save", "The new key must be saved", "frozen", _TRUSTEE, _to_saving),
    View(
        "trustee-wait",
        "Waiting for the other trustees",
        "frozen",
        "/elections/{uuid}/trustee#{token2}",
        _to_trustee_wait,
    ),
    View("trustee-drill", "Showing that the key is there", "ready", _TRUSTEE, _to_trustee_step),
    View("trustee-refused", "A file that is no key", "ready", _TRUSTEE, _to_refused_file),
    View("trustee-drilled", "The key is at hand", "single", _TRUSTEE, _to_drilled),
    View("trustee-voting", "A trustee while people vote", "open", _TRUSTEE, _to_trustee_wait),
    View("trustee-shortened", "A record that lacks what was seen before", "open", _TRUSTEE, _to_shortened),
    View("trustee-sum", "Before the result is opened", "closed", _TRUSTEE, _to_sum),
    View("trustee-opened", "The key has been used", "closed", _TRUSTEE, _to_opened),
    View("trustee-done", "A trustee who has done everything", "tallied", _TRUSTEE, _to_trustee_wait),
    View("office-setup", "Setting up an account", "open", "/setup/{link}"),
    View("office-login", "Logging in", "open", "/office/login"),
    View("office-code", "The second factor", "open", "/office/login", _to_code),
    View("office", "The office", "open", "/office", is_office=True),
    View("office-people", "Who has an account", "open", "/office/accounts", is_office=True),
    View("office-person", "Somebody's account", "open", "/office/accounts/{officer}", is_office=True),
    View(
        "office-candidates",
        "Statements and photos",
        "practised",
        "/office/elections/{uuid}/candidates",
        is_office=True,
    ),
    View(
        "office-candidate",
        "One candidate",
        "practised",
        "/office/elections/{uuid}/candidates/0/0",
        is_office=True,
    ),
    View("office-roll", "The roll", "enrolled", f"{_OFFICE}/roll", is_office=True),
    View(
        "office-roll-file",
        "A file before it is taken",
        "enrolled",
        f"{_OFFICE}/roll/preview",
        _to_roll_file,
        is_office=True,
    ),
    View(
        "office-roll-faults",
        "A file with faults",
        "enrolled",
        f"{_OFFICE}/roll/preview",
        _to_roll_faults,
        is_office=True,
    ),
    View("office-roll-units", "Units", "enrolled", f"{_OFFICE}/roll/units", is_office=True),
    View("office-roll-new", "A new member", "enrolled", f"{_OFFICE}/roll/members/new", is_office=True),
    View(
        "office-roll-member", "One member", "enrolled", f"{_OFFICE}/roll/members/{{member}}", is_office=True
    ),
    View("office-codes", "Voting codes of the server", "issued", f"{_OFFICE}/credentials", is_office=True),
    View(
        "office-codes-list", "Whose code is where", "issued", f"{_OFFICE}/credentials/members", is_office=True
    ),
    View(
        "office-codes-member",
        "A member's code",
        "issued",
        f"{_OFFICE}/credentials/members/{{member}}",
        is_office=True,
    ),
    View("office-sheets", "Asking for sheets", "issued", f"{_OFFICE}/credentials/sheets", is_office=True),
    View(
        "office-sheet-run",
        "Sheets to be printed",
        "issued",
        f"{_OFFICE}/credentials/sheets/{{run}}",
        is_office=True,
    ),
    View(
        "office-browser-codes",
        "Codes made in the browser",
        "listed",
        f"{_OFFICE}/credentials/browser",
        _wait_for_booth,
        is_office=True,
    ),
    View(
        "office-browser-sheets",
        "Sheets printed by the browser",
        "ready",
        f"{_OFFICE}/credentials/browser",
        _to_printing,
        is_office=True,
    ),
    View("office-mailing", "Mail to members", "issued", f"{_OFFICE}/mailing", is_office=True),
    View(
        "office-mailing-run",
        "Whom mail would reach",
        "issued",
        f"{_OFFICE}/mailing/run",
        status=409,
        is_office=True,
    ),
    View(
        "office-mailing-list", "Whose mail is where", "issued", f"{_OFFICE}/mailing/members", is_office=True
    ),
    View(
        "office-mailing-member",
        "A mail of which nobody knows whether it arrived",
        "issued",
        f"{_OFFICE}/mailing/members/{{member}}",
        is_office=True,
    ),
    View("office-address", "A member is asked for the address", "open", "/addresses/{question}"),
    View("office-account", "One's own account", "open", "/office/account", is_office=True),
    View(
        "office-phone",
        "A new phone is offered",
        "open",
        "/office/account/phone",
        _to_new_phone,
        is_office=True,
    ),
    View(
        "office-settings",
        "Settings and a message to try the mail",
        "open",
        "/office/settings",
        is_office=True,
    ),
    View("office-elections", "All elections", "open", "/office/elections", is_office=True),
    View("office-overview", "What happens in an election now", "open", _OFFICE, is_office=True),
    View(
        "office-complaints",
        "Complaints and what was decided on them",
        "paused",
        f"{_OFFICE}/complaints",
        is_office=True,
    ),
    View(
        "office-complaint",
        "The decision on a complaint",
        "paused",
        f"{_OFFICE}/complaints/2",
        is_office=True,
    ),
    View(
        "office-counting", "Who is awaited to open the result", "closed", f"{_OFFICE}/result", is_office=True
    ),
    View("office-result", "The result and its report", "certified", f"{_OFFICE}/result", is_office=True),
    View("office-starts", "A new election", "open", "/office/elections/new", is_office=True),
    View(
        "office-new",
        "An election of officers from its template",
        "open",
        "/office/elections/new?start=officers",
        is_office=True,
    ),
    View("office-texts", "Texts and questions", "draft", "/office/elections/{uuid}/texts", is_office=True),
    View("office-texts-fixed", "What is fixed", "open", "/office/elections/{uuid}/texts", is_office=True),
    View("office-preview", "The preview", "draft", "/office/elections/{uuid}/preview", is_office=True),
    View(
        "office-preview-booth",
        "The preview by itself",
        "draft",
        "/office/elections/{uuid}/preview/booth",
        _to_begin,
        is_office=True,
    ),
    View(
        "office-checklist",
        "What is left to do",
        "frozen",
        "/office/elections/{uuid}/checklist",
        is_office=True,
    ),
    View(
        "office-seats", "Seating the trustees", "draft", "/office/elections/{uuid}/trustees", is_office=True
    ),
    View(
        "office-trustees",
        "How far the trustees are",
        "frozen",
        "/office/elections/{uuid}/trustees",
        is_office=True,
    ),
    View("office-trustee", "One trustee", "frozen", "/office/elections/{uuid}/trustees/1", is_office=True),
    View(
        "office-calendar",
        "What waits and what can be done",
        "proposed",
        f"{_OFFICE}/calendar",
        is_office=True,
    ),
    View(
        "office-agree",
        "What another officer proposes",
        "proposed",
        f"{_OFFICE}/acts/freeze-roll",
        is_office=True,
    ),
    View("office-extend", "Another closing time", "open", f"{_OFFICE}/acts/extend", is_office=True),
    View("office-pause", "A pause", "open", f"{_OFFICE}/acts/pause", is_office=True),
    View("office-close", "Closing early", "open", f"{_OFFICE}/acts/close", is_office=True),
    View("office-cancel", "Cancelling", "open", f"{_OFFICE}/acts/cancel", is_office=True),
    View("unknown", "An address that does not exist", "open", "/elections/none", status=404),
)


@dataclass
class Gallery:
    """One election in each state, made when it is first asked for."""

    elections: Elections
    _made: dict[str, HeldElection] = field(default_factory=dict)

    def get(self, state: str) -> HeldElection:
        """The election in that state."""
        if state not in self._made:
            more: dict[str, Any] = {"name": AWKWARD_NAME} if state == "ready" else {}
            if state == "again":
                more = {"revoting": True}
            if state == "issued":
                more = {"credential_mode": "server"}
            if state == "proposed":
                more = {"single_officer": None}
            if state in ("presented", "practised"):
                more = {"test": True, "orders": ["rotated", "fixed"], "revoting": True}
            if state == "single":
                more = {"threshold": 3}
            self._made[state] = SCENES[state](self.elections.new(**SHARED | more))
        return self._made[state]


def show(page: Page, view: View, election: HeldElection, language: str = "") -> None:
    """Bring the view onto the page; AssertionError if the server answers with another status."""
    url, mark, fragment = view.url(election).partition("#")
    if language:
        url += ("&" if "?" in url else "?") + f"lang={language}"
    # What a view before has answered in the server's place.
    page.unroute_all()
    # A page at the same address but for the fragment would not be loaded anew.
    page.goto("about:blank")
    if view.is_office:
        enter(page.context, election.server)
    response = page.goto(url + mark + fragment)
    assert response is not None
    assert response.status == view.status, f"{url} was answered with {response.status}"
    view.act(page, election)


def find_rule(url: str) -> str:
    """An address without host, query and numbers: pages with the same rule are the same page."""
    path = re.sub(r"^https?://[^/]+", "", url).partition("#")[0].partition("?")[0]
    path = re.sub(r"/(elections|setup)/[^/]+", r"/\1/*", path)
    return re.sub(r"/[0-9]+", "/*", path)
