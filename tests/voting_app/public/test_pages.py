"""The public pages in every state and language: what they say, where they lead, and that they are sound HTML."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from crypto.counting import decide_question
from crypto.journal import KINDS, JournalLine
from crypto.presentation import Majority, QuestionTexts
from crypto.questions import HomomorphicQuestion
from crypto.words import fingerprint_words
from tests.voting_app.api import Api, Run
from tests.voting_app.public.stages import NAME, SPANISH, STATES, make_stage
from voting_app.context import Context
from voting_app.elections.states import State
from voting_app.languages import LANGUAGES
from voting_app.public import service, words
from voting_app.public.outcome import describe_verdict

PAGES = ("", "/report", "/journal", "/trackers", "/verify")
# Elements that have no end.
VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "path", "rect", "source", "wbr"}


@pytest.fixture
def api(context: Context, client: FlaskClient) -> Api:
    return Api(context, client)


class Checker(HTMLParser):
    """A page's structure: tags that fit, ids that exist once, nothing inline that the policy forbids."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.faults: list[str] = []
        self.needed: list[str] = []
        self.headings: list[int] = []
        self.feed(text)
        self.close()
        if self.open:
            self.faults.append(f"never closed: {self.open}")
        self.faults += [f"id {name} twice" for name in set(self.ids) if self.ids.count(name) > 1]
        self.faults += [f"no element {name}" for name in self.needed if name not in self.ids]
        if self.headings.count(1) != 1 or any(
            b > a + 1 for a, b in zip(self.headings, self.headings[1:], strict=False)
        ):
            self.faults.append(f"headings {self.headings}")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if len(values) != len(attrs):
            self.faults.append(f"<{tag}> has an attribute twice")
        self.faults += [f"<{tag} {name}>" for name in values if name == "style" or name.startswith("on")]
        if tag in ("style", "base", "iframe", "object", "embed") or (tag == "script" and "src" not in values):
            self.faults.append(f"<{tag}>")
        if tag == "input" and values.get("type") != "hidden":
            self.needed.append(str(values.get("id")))
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "html" and not (values.get("lang") and values.get("dir")):
            self.faults.append("no language or direction")
        self.ids += [str(values[name]) for name in ("id",) if name in values]
        self.needed += (
            str(values.get("for") or "").split() + str(values.get("aria-describedby") or "").split()
        )
        self.links += [
            str(values[name]) for name in ("href", "src", "action", "data-list") if values.get(name)
        ]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}> does not fit")


def check(answer: TestResponse) -> Checker:
    assert answer.status_code == 200
    assert answer.content_type == "text/html; charset=utf-8"
    assert answer.text.startswith("<!doctype html>")
    checker = Checker(answer.text)
    assert checker.faults == []
    return checker


def plain(answer: TestResponse) -> str:
    """The page's words on one line, without the marks that isolate names."""
    text = re.sub(r"<[^>]+>", " ", answer.text)
    return re.sub(r"\s+", " ", re.sub("[\u2068\u2069]", "", text))


def test_the_checker_finds_faults() -> None:
    """It must not be blind."""
    for fault in (
        "<p>x",
        "<p>x</div>",
        "<h1>x</h1><p onclick='x'>x</p>",
        "<h1>x</h1><p style='x'>x</p>",
        "<h1>x</h1><script>x</script>",
        "<h1>x</h1><p id=a></p><p id=a></p>",
        "<h1>x</h1><label for=a></label>",
        "<h1>x</h1><h3>x</h3>",
        "<h2>x</h2>",
    ):
        assert Checker(fault).faults, fault
    assert Checker("<h1>x</h1><h2>y</h2><br>").faults == []


# --- states --------------------------------------------------------------------------------------------------

SENTENCES = {
    "roll-frozen": "It is fixed who may vote.",
    "keys-ready": "The keys are ready. Voting has not begun.",
    "open": "Members can vote now",
    "paused": "The hall&#39;s network is down.",
    "closed": "0 of the 1 trustees who are needed",
    "tallied": "The committee has still to certify the result.",
    "certified": "We certify this result.",
    "cancelled": "The notice was wrong.",
    "untalliable": "The keys are lost.",
}


@pytest.mark.parametrize("state", STATES)
def test_every_page_of_every_state_in_every_language(api: Api, state: str) -> None:
    run = make_stage(api, state)
    assert SENTENCES[state] in plain(api.client.get(f"/elections/{run.uuid}"))
    for page in PAGES:
        for language in LANGUAGES:
            answer = api.client.get(f"/elections/{run.uuid}{page}?lang={language}")
            check(answer)
            assert f'<html lang="{language}"' in answer.text
            assert (SPANISH["name"] if language == "es" else NAME) in answer.text
            # What only the result may tell must not be on any page before it.
            if state not in ("tallied", "certified"):
                assert 'class="bars"' not in answer.text
                assert "chosen" not in answer.text


def test_every_state_has_words_and_a_page() -> None:
    assert set(STATES) | {"draft"} == {state.value for state in State}
    for state in State:
        described = words.describe_state(state)
        assert described.badge
        assert described.sentence.endswith(".")


def test_a_draft_is_nobodys_business(api: Api) -> None:
    """Its texts may still change."""
    run = Run(api).create()
    for page in PAGES:
        answer = api.client.get(f"/elections/{run.uuid}{page}", headers={"Accept": "text/html"})
        assert answer.status_code == 404
        assert "Officers" not in answer.text
    assert "Officers" not in api.client.get("/").text
    run.freeze()
    assert NAME in api.client.get("/").text
    assert api.client.get("/elections/aaaaaaaaaaaaaa").get_json()["code"] == "unknown-election"


def test_the_list_has_every_election_with_its_state(api: Api) -> None:
    assert "There is no election at this time." in api.client.get("/").text
    for state in ("open", "cancelled"):
        make_stage(api, state)
    page = plain(api.client.get("/"))
    assert page.index("Cancelled") < page.index("Open")
    assert SPANISH["name"] in api.client.get("/?lang=es").text


def test_closing_time_is_obeyed_by_the_next_reader(api: Api) -> None:
    run = make_stage(api, "open")
    api.context.clock.advance(days=2)  # type: ignore[attr-defined]
    page = plain(api.client.get(f"/elections/{run.uuid}"))
    assert "Being counted" in page
    assert "Voting closed Monday, November 23, 2026" in page


# --- what it says --------------------------------------------------------------------------------------------


def test_the_result_with_its_winners_rules_and_quorum(api: Api) -> None:
    page = plain(api.client.get(f"/elections/{make_stage(api, 'tallied').uuid}"))
    assert "Chosen: Ada Byron." in page
    assert "The rule: two thirds of the votes are needed, that is 2 of 3." in page
    assert "Chosen: Yes." in page
    assert "The quorum was reached: 2 of 4 members (50%) had to vote, and 3 did." in page
    assert "Yes chosen 2 66.7%" in page
    assert "No 1 33.3%" in page
    assert "Blank votes 1 –" in page


@pytest.mark.parametrize(
    "changes,is_told",
    [
        ({"language": "es-ES", "texts": {"en": SPANISH}}, False),
        ({"texts": {"es-MX": SPANISH}}, False),
        ({"texts": {"fr": SPANISH}}, True),
    ],
)
def test_a_countrys_spanish_is_spanish(changes: dict[str, Any], is_told: bool, api: Api) -> None:
    run = make_stage(api, "keys-ready", **changes)
    name = SPANISH["name"] if "es-MX" in changes["texts"] else NAME
    for page in ("", "/vote"):
        text = api.client.get(f"/elections/{run.uuid}{page}?lang=es").text
        assert name in text
        assert ("La comisión no ha escrito" in text) is (is_told and not page)


def test_a_missed_quorum_chooses_nobody(api: Api) -> None:
    page = plain(api.client.get(f"/elections/{make_stage(api, 'tallied', quorum={'percent': 100}).uuid}"))
    assert "The quorum was missed: 4 of 4 members (100%) had to vote, and 3 did." in page
    assert "nothing is decided" in page
    assert "Chosen" not in page
    assert "Ada Byron 2 100%" in page


def test_without_rules_there_are_numbers_and_no_winner(api: Api) -> None:
    run = make_stage(api, "tallied", rules=[{"majority": "plurality"}] * 2)
    assert "Chosen: Yes." in plain(api.client.get(f"/elections/{run.uuid}"))
    plain_run = Run(api).set_up()
    plain_run.cast("M1", [[0], [0]])
    plain_run.cast("M2", [[1], [0]])
    plain_run.close().decrypt()
    page = plain(api.client.get(f"/elections/{plain_run.uuid}"))
    assert "Ada 1 50%" in page
    assert "no rule by which an answer wins" in page
    assert "chosen" not in page.lower()
    assert "In a question all ballots are alike" in page


def test_ties_are_named_and_not_broken(api: Api) -> None:
    run = make_stage(api, "open", rules=[{"majority": "plurality"}, {"majority": "majority"}])
    run.cast("M4", [[1], [1]])
    run.close().decrypt(run.trustees[0].owner)
    page = plain(api.client.get(f"/elections/{run.uuid}"))
    # Two for Ada, one for Grace, one blank; two for yes, two for no.
    assert "Chosen: Ada Byron." in page
    assert "Nothing is chosen: no answer has the votes that it needs." in page
    other = make_stage(api, "open", rules=[{"majority": "plurality"}, {"majority": "plurality"}])
    other.cast("M4", [[1], [1]])
    other.close().decrypt(other.trustees[0].owner)
    tie = plain(api.client.get(f"/elections/{other.uuid}"))
    assert "A tie: Yes and No have equally many votes, and 1 seat is left for them." in tie
    assert "The rules of the organisation say whether a runoff or the lot decides between them." in tie
    assert "Yes tied 2 50%" in tie


def test_a_runoff_is_named(app: Flask) -> None:
    question = HomomorphicQuestion(("Ada", "Grace", "Emmy"), 1, 1, "President")
    outcome = decide_question(question, (2, 4, 3), Majority.MAJORITY)
    with app.test_request_context():
        said = describe_verdict(QuestionTexts("President", ("Ada", "Grace", "Emmy")), outcome)
    assert said == (
        "Nothing is chosen: no answer has the votes that it needs. If the rules of the organisation ask for a runoff,"
        " it is between \u2068Grace\u2069 and \u2068Emmy\u2069."
    )


def test_warnings_are_the_auditors(api: Api) -> None:
    run = Run(api).set_up()
    run.cast("M1", [[0], [0]])
    run.close().decrypt()
    for page in ("", "/report"):
        assert "A single ballot was counted" in api.client.get(f"/elections/{run.uuid}{page}").text


def test_weights_are_explained(api: Api) -> None:
    roll = "name,member_number,weight\nA,M1,5\nB,M2,2\nC,M3,3\n"
    run = Run(api).create(credential_mode="registrar").freeze(roll)
    run.publish({"M1": 5, "M2": 2, "M3": 3}).seat().ceremony().ready().drill().open()
    run.cast("M1", [[0], [0]])
    run.cast("M2", [[1], [1]])
    run.close().decrypt()
    page = plain(api.client.get(f"/elections/{run.uuid}"))
    assert "2 ballots were counted. Ballots have weights: together they stand for 7 votes." in page
    assert "This server never had them." in page


def test_turnout_is_a_count_of_voters(api: Api) -> None:
    run = Run(api).set_up(revoting=True)
    for choices in ([[0], [0]], [[1], [1]]):
        assert run.cast("M1", choices).status_code == 201
    page = plain(api.client.get(f"/elections/{run.uuid}"))
    assert "1 member has a ballot in the ballot box (25%)" in page
    assert "can be changed until the voting closes; the last one counts" in page


def test_texts_are_in_the_readers_language_if_the_election_has_them(api: Api) -> None:
    run = make_stage(api, "open")
    spanish = api.client.get(f"/elections/{run.uuid}", headers={"Accept-Language": "es"}).text
    assert "¿Subir las cuotas?" in spanish
    assert "Raise the dues?" not in spanish
    french = api.client.get(f"/elections/{run.uuid}?lang=fr").text
    assert "Raise the dues?" in french
    assert "La commission n’a pas écrit les textes de cette élection en français." in french
    # A voice that reads the page aloud must know which words are English.
    assert f'<span dir="auto" lang="en">{NAME}</span>' in french


def test_dates_have_the_elections_zone(api: Api) -> None:
    page = plain(api.client.get(f"/elections/{make_stage(api, 'open').uuid}")).replace("\u202f", " ")
    assert "Voting closes Monday, November 23, 2026, 6:00 AM (Central Standard Time)" in page


def test_the_report_has_everything_for_the_notice_board(api: Api) -> None:
    run = make_stage(api, "certified")
    page = plain(api.client.get(f"/elections/{run.uuid}/report"))
    fingerprint = run.status()["fingerprint"]
    for part in (
        "Chosen: Ada Byron.",
        "The quorum was reached",
        "3 members have a ballot in the ballot box (75%)",
        "We certify this result.",
        "The committee fixed the roll: 4 members may vote.",
        "2 trustees, any one of whom can open the result",
        f"http://127.0.0.1:8000/elections/{run.uuid}",
    ):
        assert part in page, part
    assert fingerprint in page.replace(" ", "")
    for address in ("/report", "/verify", ""):
        page = plain(api.client.get(f"/elections/{run.uuid}{address}"))
        assert fingerprint_words(fingerprint) in page, address


# --- the journal ---------------------------------------------------------------------------------------------


def sample_payload(kind: str) -> dict[str, Any]:
    values: dict[str, Any] = {
        "at": "2026-11-22T12:00Z",
        "closes_at": "2026-11-23T12:00Z",
        "revotes": True,
        "mode": "server",
        "files": [["/static/booth/vote.js", "0" * 64]],
        "text": "Words of a person.",
        "reason": "Words of a person.",
        "statement": "Words of a person.",
        "seed": "Words of a person.",
        "needed": 1,
        "certifiers": 1,
        "act": "paused",
    }
    numbers = dict.fromkeys(("members", "count", "owner", "number", "question", "version"), 3)
    return {name: (values | numbers).get(name, "code") for name in KINDS[kind].fields}


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_act_has_a_sentence(kind: str) -> None:
    payload = sample_payload(kind)
    act = words.describe_act(JournalLine(7, "p", 0, "h", kind, "committee:1", payload), "America/Chicago")
    assert not act.sentence.startswith("An act of the kind")
    assert act.sentence[-1] in ".:"
    assert (act.at is None) == ("at" not in payload)
    assert bool(act.quote) == ("Words of a person." in payload.values())
    assert act.quote == "" or act.sentence.endswith(":")


def test_an_act_of_a_later_version_is_still_told() -> None:
    act = words.describe_act(JournalLine(7, "p", 0, "h", "strange", "service:0", {}), "UTC")
    assert act.sentence == "An act of the kind strange."


def test_the_journal_has_a_sentence_for_each_line(api: Api) -> None:
    run = make_stage(api, "certified")
    answer = api.client.get(f"/elections/{run.uuid}/journal")
    lines = api.client.get(f"/elections/{run.uuid}/{run.uuid}.journal.jsonl").data.splitlines()
    assert [int(n) for n in re.findall(r'<li id="line-(\d+)">', answer.text)] == list(range(len(lines)))
    page = plain(answer)
    assert "Voting opened; it closes on Monday, November 23, 2026" in page
    assert "Trustee 1 decrypted the sum of the ballots" in page


def test_a_long_journal_has_pages(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "JOURNAL_PAGE", 5)
    run = make_stage(api, "open")
    seen: list[int] = []
    address = f"/elections/{run.uuid}/journal"
    while True:
        answer = api.client.get(address)
        check(answer)
        seen += [int(n) for n in re.findall(r'<li id="line-(\d+)">', answer.text)]
        later = re.search(r'href="([^"]+)">Later lines', answer.text)
        if later is None:
            break
        address = later[1]
    lines = api.client.get(f"/elections/{run.uuid}/{run.uuid}.journal.jsonl").data.splitlines()
    assert seen == list(range(len(lines)))
    assert "Earlier lines" in api.client.get(address).text


@pytest.mark.parametrize("start", ["-1", "x", "99999999999999999999", "1e3", "%00", "٣", "9999999"])
def test_a_strange_beginning_of_the_journal_is_no_error(api: Api, start: str) -> None:
    run = make_stage(api, "roll-frozen")
    check(api.client.get(f"/elections/{run.uuid}/journal?from={start}"))


# --- links ---------------------------------------------------------------------------------------------------


def crawl(client: FlaskClient, start: str) -> Iterator[tuple[str, TestResponse]]:
    """Every address that is linked from `start`, with its answer."""
    todo, seen = [start], {start}
    while todo:
        address = todo.pop()
        answer = client.get(address, headers={"Accept": "text/html"})
        # A file that is not read to its end stays open.
        answer.get_data()
        answer.close()
        yield address, answer
        if answer.mimetype != "text/html":
            continue
        for link in Checker(answer.text).links:
            parts = urlsplit(urljoin(f"http://localhost{address}", link))
            assert parts.netloc == "localhost", f"{address} leads to {link}"
            target = parts.path + (f"?{parts.query}" if parts.query else "")
            if target not in seen:
                seen.add(target)
                todo.append(target)


@pytest.mark.parametrize("state", STATES)
def test_every_link_leads_somewhere(api: Api, state: str) -> None:
    run = make_stage(api, state)
    found = dict(crawl(api.client, "/"))
    assert {address: a.status_code for address, a in found.items() if a.status_code != 200} == {}
    for page in (*PAGES, f"/{run.uuid}.bel", f"/{run.uuid}.journal.jsonl"):
        assert f"/elections/{run.uuid}{page}" in found or page == "/trackers"
    # Whoever has chosen a language keeps it.
    assert f"/elections/{run.uuid}/journal?lang=fr" in found


# --- hostile texts -------------------------------------------------------------------------------------------

HOSTILE = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>{{7*7}}%(x)s&amp;"


def test_stored_texts_are_never_markup(api: Api) -> None:
    texts = {
        "name": HOSTILE,
        "description": HOSTILE + "\n</textarea>",
        "questions": [
            {"answers": [HOSTILE, HOSTILE + "2"], "blank": True, "min": 0, "max": 1, "question": HOSTILE},
            {"answers": ["javascript:alert(1)", "--><!--"], "min": 1, "max": 1, "question": "]]>"},
        ],
        "texts": {
            "es": {
                "name": HOSTILE,
                "description": HOSTILE,
                "questions": [
                    {"question": HOSTILE, "answers": [HOSTILE, HOSTILE + "2"]},
                    {"question": HOSTILE, "answers": [HOSTILE, "--><!--"]},
                ],
            }
        },
    }
    run = make_stage(api, "open", **texts)
    run.committee("pause", {"reason": HOSTILE})
    pages = [
        (address, answer) for address, answer in crawl(api.client, "/") if answer.mimetype == "text/html"
    ]
    run.close().decrypt(run.trustees[0].owner)
    run.committee("certify", {"statement": HOSTILE})
    pages += [
        (address, answer) for address, answer in crawl(api.client, "/") if answer.mimetype == "text/html"
    ]
    for address, answer in pages:
        check(answer)
        assert "<script>" not in answer.text, address
        assert "<img" not in answer.text, address
        assert "49" not in re.sub(r"[0-9a-zA-Z+/]{4,}", "", plain(answer)), address
    assert any("&lt;script&gt;alert(1)&lt;/script&gt;&#34;&#39;" in answer.text for _, answer in pages)


def test_texts_that_run_from_the_right_stay_in_their_place(api: Api) -> None:
    """Each has a direction of its own, so that a name cannot turn the words round it."""
    name = "انتخابات النقابة"
    run = make_stage(api, "open", name=name, language="ar", texts={"es": SPANISH})
    for page in PAGES:
        answer = api.client.get(f"/elections/{run.uuid}{page}")
        check(answer)
        body = answer.text.partition("</title>")[2]
        assert set(re.findall(rf"<[^<>]*>(?={name})", body)) == {'<span dir="auto" lang="ar">'}
    listed = api.client.get("/").text
    assert f'<span dir="auto" lang="ar">{name}</span>' in listed


# --- HTTP ----------------------------------------------------------------------------------------------------


def test_pages_are_kept_by_caches_and_asked_for_each_time(api: Api) -> None:
    run = make_stage(api, "open")
    for page in PAGES:
        address = f"/elections/{run.uuid}{page}"
        answer = api.client.get(address)
        assert answer.headers["Cache-Control"] == "no-cache"
        assert "Accept-Language" in answer.headers["Vary"]
        tag = {"If-None-Match": answer.headers["ETag"]}
        assert api.client.get(address, headers=tag).status_code == 304
        assert api.client.get(f"{address}?lang=es", headers=tag).status_code == 200
        head = api.client.head(address)
        assert (head.status_code, head.data) == (200, b"")
        assert head.headers["ETag"] == answer.headers["ETag"]
        assert api.client.post(address).status_code == 405
    before = api.client.get(f"/elections/{run.uuid}").headers["ETag"]
    run.cast("M4", [[0], [0]])
    assert api.client.get(f"/elections/{run.uuid}").headers["ETag"] != before


def test_the_icon_is_where_browsers_ask_for_it(client: FlaskClient) -> None:
    with client.get("/favicon.ico") as answer:
        assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")


def test_archives_keep_their_addresses(api: Api) -> None:
    run = make_stage(api, "open")
    box = api.client.get(f"/elections/{run.uuid}/{run.uuid}.bel", headers={"Accept": "text/html"})
    assert box.data.startswith(b"BELENIOS")
    assert api.client.get(f"/elections/{run.uuid}/other.bel").status_code == 404


def test_the_host_that_a_request_names_is_on_no_page(api: Api) -> None:
    run = make_stage(api, "open")
    for page in PAGES:
        answer = api.client.get(f"/elections/{run.uuid}{page}", headers={"Host": "evil.example"})
        assert "evil" not in answer.text


def test_a_tracker_can_only_be_searched_in_the_browser(api: Api) -> None:
    """Whatever the browser does with the form, the tracker is not sent: the field has no name."""
    run = make_stage(api, "open")
    text = api.client.get(f"/elections/{run.uuid}/trackers").text
    [form] = re.findall(r"<form.*?</form>", text, re.DOTALL)
    assert " name=" not in form
    assert re.match(r"<form[^>]* hidden>", form)
    assert "<noscript>" in text
    waiting = make_stage(api, "keys-ready")
    assert "the ballot box is empty" in api.client.get(f"/elections/{waiting.uuid}/trackers").text


def test_commands_on_the_page_exist(api: Api) -> None:
    """A reader who copies a command must not be told that it is unknown."""
    run = make_stage(api, "tallied")
    answer = api.client.get(f"/elections/{run.uuid}/verify")
    commands = re.findall(
        r"steward-audit (\w[\w-]*) \S", "\n".join(re.findall(r"(?s)<pre>.*?</pre>", answer.text))
    )
    assert set(commands) == {"verify", "receipt", "diff", "booth"}
    for command in commands:
        run_of_help = subprocess.run(
            [sys.executable, "-m", "audit", command, "--help"], capture_output=True, check=False
        )
        assert run_of_help.returncode == 0, command
    assert f"steward-audit verify http://127.0.0.1:8000/elections/{run.uuid}" in answer.text


def test_the_page_shows_nothing_of_a_single_voter(api: Api) -> None:
    """Neither members nor credentials are on any page."""
    run = make_stage(api, "certified")
    members = [f"Member {number}" for number in range(1, 5)]
    public = json.loads(api.client.get(f"/api/v1/elections/{run.uuid}/credentials").data)
    secrets = [*members, *run.credentials.values(), *public, *[t.token for t in run.trustees]]
    assert len(secrets) == 14
    for page in PAGES:
        text = api.client.get(f"/elections/{run.uuid}{page}").text
        assert [secret for secret in secrets if secret in text] == []
