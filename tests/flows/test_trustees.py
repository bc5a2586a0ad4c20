"""Trustees in the browser: from the first key to the opened result, and what they are protected from."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from audit.runner import audit
from crypto.archive import RecordParser
from crypto.ballot import parse_ballot
from crypto.encoding import encode_json, sha256_hex
from crypto.tally import SizedTally, TallyAccumulator, encode_encrypted_tally
from tests.flows.accessibility import require_accessible, require_keyboard
from tests.flows.booth import require_clean_history
from tests.flows.browser import DESK, PHONE
from tests.flows.elections import SHARED, HeldElection
from tests.flows.people import Elections, People
from tests.flows.trustees import NEW_KEY, SAVE, BrowserTrustee, CommandTrustee, key_secrets, tokens_of
from tests.flows.watching import Watcher
from tests.flows.wire import Wire
from tests.simulator import Entry, change_json, read_entries, rebuild
from voting_app.demo.people import base

ACTS = ("Make your key", "Draw your part", "Send your part", "Put your key together")
DRILL = "Show that you have your key"
SENDS = ("certificate", "commitment", "reveal", "share", "drill")


def seat_people(
    election: HeldElection, people: People, folder: Path, *owners: int
) -> dict[int, BrowserTrustee]:
    """Give these seats to people with a browser."""
    tokens = dict(tokens_of(election))
    return {
        owner: BrowserTrustee(
            people.new(PHONE if owner == 1 else DESK), election, owner, tokens[owner], folder
        )
        for owner in owners
    }


def do_with_command(own: BrowserTrustee, send: str) -> None:
    """What somebody with a browser could do there: the same with the command, which goes on with the same file."""
    command = CommandTrustee(own.election, own.owner, own.token, own.folder)
    if own.files:
        command.file.write_bytes(own.file.read_bytes())
    getattr(command, f"send_{send}")()
    # It replaces its file at each step; the browser would save another one.
    own.files.append(own.folder / f"{send}.key")
    own.file.write_bytes(command.file.read_bytes())


# --- tabs, reloads, lost connections -----------------------------------------------------------------------------


class Ceremony:
    """Trustee 1 has a browser; the others act with programs as soon as they can."""

    def __init__(self, election: HeldElection, people: People, folder: Path) -> None:
        self.election = election
        self.own = seat_people(election, people, folder, 1)[1]
        self.others = election.trustees[1:]

    def others_do(self, act: str) -> None:
        for trustee in self.others:
            getattr(trustee, f"send_{act}")()

    def to(self, act: str) -> BrowserTrustee:
        """Everything that comes before this act. Making the key is left to the command, whose file is the same; the
        drill is the browser's, which remembers what it saw then.
        """
        for send in SENDS:
            if send == act:
                break
            if send == "drill":
                self.own.step(DRILL)
            else:
                do_with_command(self.own, send)
            self.others_do(send)
            if send == "share":
                self.election.act("keys")
        return self.own

    def finish_from(self, act: str) -> None:
        """Everything that comes after this act, with the command and the file of the browser; then voting begins."""
        for send in SENDS[SENDS.index(act) :]:
            if send != act:
                do_with_command(self.own, send)
                self.others_do(send)
            if send == "share":
                self.election.act("keys")
        self.election.open()

    def to_tally(self, *members: str) -> BrowserTrustee:
        self.to("decryption")
        self.election.open()
        for member in members:
            self.election.vote(member, [0], [1])
        self.election.close()
        return self.own


@pytest.fixture
def ceremony(people: People, elections: Elections, tmp_path: Path) -> Ceremony:
    return Ceremony(elections.new(members=6, **SHARED).create().freeze().issue().seat(), people, tmp_path)


@pytest.mark.parametrize("act,send", list(zip((*ACTS, DRILL), SENDS, strict=True)), ids=SENDS)
def test_a_reload_or_a_closed_tab_costs_nothing_at_any_step(act: str, send: str, ceremony: Ceremony) -> None:
    own = ceremony.to(send)
    page = own.visit()
    own.heading(act).wait_for()
    # The link's secret was in the tab's memory only.
    page.reload()
    page.get_by_label("Your trustee link").fill(own.link)
    page.get_by_role("button", name="Continue").click()
    own.heading(act).wait_for()
    own.choose(own.files[-1] if own.files else None)
    own.save()
    # The tab is closed after the file was saved and before anything was sent.
    own.person.close_tab(page)
    own.person.page = own.person.new_tab()
    own.visit()
    own.heading(act).wait_for()
    assert not own.person.watcher.wire.find("POST", f"/trustee/{send}")
    own.choose(own.file)
    own.page.get_by_text(f"Done: {act}").wait_for()
    # And the others can go on.
    ceremony.others_do(send)
    ceremony.finish_from(send)


def test_nothing_is_sent_before_the_saved_file_is_shown(ceremony: Ceremony, watcher: Watcher) -> None:
    own = ceremony.to("commitment")
    other = ceremony.own.folder / "other.json"
    own.visit()
    own.choose(own.file)
    own.save()
    for content in (b"", b"{}", own.files[0].read_bytes(), own.file.read_bytes()[:-1] + b" "):
        other.write_bytes(content)
        own.choose(other)
        own.refused("This is not the file that was just made.")
    assert not watcher.wire.find("POST", "/trustee/commitment")
    own.choose(own.file)
    own.page.get_by_text("Done: Draw your part").wait_for()


def test_wrong_and_damaged_files_are_refused_in_words(
    ceremony: Ceremony, watcher: Watcher, tmp_path: Path
) -> None:
    (tmp_path / "second").mkdir()
    election = ceremony.election
    second = CommandTrustee(election, 2, dict(tokens_of(election))[2], tmp_path / "second")
    second.send_certificate()
    own = ceremony.own
    own.step(ACTS[0])
    ceremony.others[-1].send_certificate()
    damaged = tmp_path / "damaged.json"
    own.visit()
    for content, words in (
        (second.file.read_bytes(), "This is the key file of another trustee"),
        (own.file.read_bytes()[:50], "This is no key file, or it is damaged."),
        (b"\xff\xfe", "This is no key file, or it is damaged."),
        (own.file.read_bytes().replace(b'"seed"', b'"sead"'), "This is no key file, or it is damaged."),
        (
            b'{"version":1,"kind":"single","group":"Ed25519","secret":"5"}',
            "This is the key file of another trustee",
        ),
    ):
        damaged.write_bytes(content)
        own.try_file(damaged, words)
    own.choose(own.file)
    own.save()
    older = own.files[0]
    own.choose(own.file)
    own.page.get_by_text("Done: Draw your part").wait_for()
    second.send_commitment()
    ceremony.others[-1].send_commitment()
    own.visit()
    own.choose(older)
    own.refused("This is an older copy of your key file.")
    assert len(watcher.wire.find("POST", "/trustee/reveal")) == 0


def test_two_tabs_make_one_key(ceremony: Ceremony, watcher: Watcher, tmp_path: Path) -> None:
    own = ceremony.own
    own.visit()
    second = own.person.new_tab()
    own.person.watcher.open(second, own.link)
    for page in (own.page, second):
        page.get_by_role("button", name=NEW_KEY).click()
        page.get_by_role("link", name=SAVE).wait_for()
    late = tmp_path / "late.json"
    with second.expect_download() as loading:
        second.get_by_role("link", name=SAVE).click()
    loading.value.save_as(late)
    own.save()
    own.choose(own.file)
    own.page.get_by_text("Done: Make your key").wait_for()
    watcher.expect(409, "POST", "/trustee/certificate")
    second.set_input_files("#file", late)
    second.get_by_role("alert").filter(has_text="This step was done already").wait_for()
    ceremony.others_do("certificate")
    # The key that counts is the one of the first tab.
    own.step(ACTS[1])


def test_a_lost_answer_is_asked_for_again(ceremony: Ceremony, watcher: Watcher, wire: Wire) -> None:
    own = ceremony.own
    own.visit()
    own.choose(None)
    own.save()
    wire.lose_answers("POST", "/trustee/certificate")
    watcher.expect(409, "POST", "/trustee/certificate")
    watcher.expect(0, "POST", "/trustee/certificate")
    watcher.expect_trouble("/trustee/certificate net::ERR")
    own.choose(own.file)
    own.heading("It is not known whether it arrived").wait_for()
    wire.mend()
    own.page.get_by_role("button", name="Send again").click()
    own.page.get_by_text("Done: Make your key").wait_for()
    own.page.get_by_text("Awaited: trustee 2, trustee 3").wait_for()


def test_who_waits_hears_when_it_goes_on(ceremony: Ceremony) -> None:
    own = ceremony.own
    own.page.clock.install()
    own.visit()
    own.choose(None)
    own.save()
    own.choose(own.file)
    own.page.get_by_text("Done: Make your key").wait_for()
    own.page.get_by_role("button", name="Look again").click()
    own.page.get_by_text("Nothing has changed yet.").wait_for()
    ceremony.others_do("certificate")
    own.page.clock.fast_forward(16_000)
    own.heading("Draw your part").wait_for()


def test_a_ceremony_that_is_started_anew(
    people: People, elections: Elections, watcher: Watcher, tmp_path: Path
) -> None:
    """The committee gives seats to somebody else: what was made is worth nothing, and the page says so."""
    election = elections.new(members=2, trustee_count=2, threshold=2).create().freeze().issue().seat()
    own = seat_people(election, people, tmp_path, 1)[1]

    def restart(owner: int) -> str:
        path, body = f"{base(election.uuid)}/trustees/{owner}/restart", {"reason": "A key file was lost."}
        token: str = election.client.post(path, body, election.committee.token)["token"]
        return token

    own.step("Make your key")
    election.trustees[1].send_commitment()
    own.page.get_by_role("button", name="Look again").click()
    own.heading("Choose your key file").wait_for()

    # The page still shows the step of the ceremony that was given up.
    second = replace(election.trustees[1], token=restart(2))
    watcher.expect(409, "POST", "/trustee/reveal")
    own.choose(own.file)
    own.save()
    own.choose(own.file)
    own.refused("The committee has started the making of the keys anew.")
    # As it was when it had been committed to, and as it was at the last step.
    watcher.expect(409, "POST", "/trustee/commitment")
    for file in own.files:
        own.choose(file)
        own.refused("This key file was used in another ceremony.")

    watcher.expect(401, "GET", "/trustee")
    own.choose(None)
    own.save()
    own.choose(own.file)
    own.page.get_by_text("Done: Make your key").wait_for()
    own.token = restart(1)
    own.page.get_by_role("button", name="Look again").click()
    own.refused("This link is not valid, or not any more.")
    own.page.get_by_label("Your trustee link").fill(own.link)
    own.page.get_by_role("button", name="Continue").click()
    own.heading("Begin").wait_for()
    own.choose(None)
    own.save()
    own.choose(own.file)
    own.page.get_by_text("Done: Make your key").wait_for()
    second.send_commitment()
    own.step("Show your public key")
    second.send_reveal()
    election.act("keys")
    own.step(DRILL)
    watcher.require_absent([secret for file in own.files for secret in key_secrets(file)])


# --- the link ----------------------------------------------------------------------------------------------------


def test_the_link_leaves_the_address_at_once_and_bad_ones_are_explained(
    ceremony: Ceremony, elections: Elections, watcher: Watcher
) -> None:
    own = ceremony.own
    page = own.visit()
    own.heading("Make your key").wait_for()
    assert page.url == own.link.partition("#")[0]
    page.get_by_role("link", name="Español").click()
    page.get_by_role("heading", name="Crear su clave").wait_for()
    page.get_by_role("button", name="Crear una clave nueva").wait_for()
    assert page.url.endswith("/trustee?lang=es")
    page.get_by_role("link", name="English").click()
    own.heading("Make your key").wait_for()

    other = elections.new(members=2, **SHARED).create().freeze().issue().seat()
    stranger = dict(tokens_of(other))[1]
    committee = ceremony.election.server.tokens["committee"]
    for token, status, words in (
        (own.token[:-1], 401, "This link is not valid"),
        (stranger, 403, "This link belongs to another election."),
        (committee, 403, "This link is not a trustee's."),
        ("%", 401, "This link is not valid"),
        # What is no text in UTF-8.
        ("%ff", 401, "This link is not valid"),
    ):
        watcher.expect(status, "GET", "/trustee")
        page.goto("about:blank")
        own.person.open(f"{ceremony.election.url}/trustee#{token}")
        own.refused(words)
    page.get_by_label("Your trustee link").fill(f"  {own.link} ")
    page.get_by_role("button", name="Continue").click()
    own.heading("Make your key").wait_for()


@pytest.mark.parametrize("how", ["the button", "the link"])
def test_a_program_that_arrives_the_second_time(how: str, ceremony: Ceremony, watcher: Watcher) -> None:
    watcher.expect_trouble("a request failed: GET")
    own = ceremony.own
    own.page.route("**/pages/trustee.js", lambda route: route.abort())
    own.visit()
    own.refused("A part of this page did not arrive.")
    own.page.unroute("**/pages/trustee.js")
    if how == "the button":
        own.page.get_by_role("button", name="Try again").click()
    else:
        own.person.open(own.link)
    own.heading("Make your key").wait_for()
    require_clean_history(own.page)


def test_without_javascript_and_without_a_link(people: People, ceremony: Ceremony) -> None:
    bare = people.new(java_script_enabled=False).open(f"{ceremony.election.url}/trustee")
    expect(bare.locator("noscript .title")).to_have_text("JavaScript is off in this browser.")
    expect(bare.locator("#waiting")).to_be_hidden()
    page = people.new().open(f"{ceremony.election.url}/trustee")
    page.get_by_label("Your trustee link").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_view_is_usable_by_everybody(
    people: People, elections: Elections, tmp_path: Path, scheme: str
) -> None:
    election = elections.new(members=2, **SHARED).create().freeze().issue().seat()
    token = dict(tokens_of(election))[1]
    person = people.new(PHONE, scheme=scheme)
    own = BrowserTrustee(person, election, 1, token, tmp_path)
    person.open(f"{election.url}/trustee")
    own.page.get_by_label("Your trustee link").wait_for()
    require_accessible(own.page)
    own.visit()
    own.heading("Begin").wait_for()
    require_accessible(own.page)
    require_keyboard(own.page)
    own.choose(None)
    own.heading("Save your key file").wait_for()
    assert own.page.evaluate("document.activeElement.textContent") == "Save your key file"
    require_accessible(own.page)
    require_keyboard(own.page)
    own.save()
    own.choose(own.file)
    own.page.get_by_text("Done: Make your key").wait_for()
    require_accessible(own.page)


# --- a hostile server --------------------------------------------------------------------------------------------


def test_a_record_that_was_taken_back_is_refused_at_the_next_visit(
    ceremony: Ceremony, watcher: Watcher, tmp_path: Path
) -> None:
    """The device remembers a line that is not in the journal any more: no key file can be chosen."""
    own = ceremony.own
    own.visit()
    own.page.get_by_text("will compare at your next visit").wait_for()
    own.page.reload()
    lines = ceremony.election.download_journal(tmp_path / "journal").read_bytes().splitlines(keepends=True)
    own.page.context.route("**/*.journal.jsonl", lambda route: route.fulfill(body=lines[0]))
    own.visit()
    own.refused("Something that was published has been changed or taken back.")
    view = own.page.locator("#view")
    expect(view.locator("input")).to_have_count(0)
    shown = "".join(view.locator("dl code span").all_text_contents())
    assert shown == sha256_hex(lines[-1].rstrip(b"\n"))
    require_accessible(own.page)
    # Nor does it help to say that this is another seat: the device saw what it saw.
    change_inbox(own, lambda value: value.update(owner=2))
    own.page.get_by_role("button", name="Look again").click()
    own.page.get_by_text("Asking what comes next").wait_for(state="detached")
    own.refused("Something that was published has been changed or taken back.")
    own.page.unroute_all()
    own.page.context.unroute_all()
    # What was noted is still there, and the true record goes on from it.
    own.page.get_by_role("button", name="Look again").click()
    own.page.get_by_text("goes on from what this device saw before").wait_for()
    own.heading("Make your key").wait_for()
    assert not watcher.wire.find("POST", "/trustee/")


def test_an_answer_that_is_none_can_be_asked_for_again(ceremony: Ceremony, watcher: Watcher) -> None:
    own = ceremony.own
    own.page.route("**/api/v1/elections/*/trustee", lambda route: route.fulfill(body="<html>"))
    own.visit()
    own.refused("The server did not answer as it should.")
    own.page.unroute_all()
    own.page.route("**/api/v1/elections/*/status", lambda route: route.fulfill(body="{}"))
    own.page.get_by_role("button", name="Try again").click()
    own.page.get_by_role("button", name="Look again").wait_for()
    own.refused("The server did not answer as it should.")
    own.page.unroute_all()
    # Whatever else may happen in the program: it does not look as if it went on.
    own.page.route("**/api/v1/elections/*/trustee", lambda route: None)
    own.page.get_by_role("button", name="Look again").click()
    own.page.get_by_text("Asking what comes next").wait_for()
    watcher.expect_trouble("out of the blue")
    own.page.evaluate("void Promise.reject(new Error('out of the blue'))")
    own.refused("The program could not go on.")
    own.page.unroute_all()
    own.page.get_by_role("button", name="Try again").click()
    own.heading("Make your key").wait_for()


def change_inbox(own: BrowserTrustee, change: Callable[[Any], None]) -> None:
    """From now on the server shows this trustee something else."""

    def answer(route: Route) -> None:
        value = own.election.client.get(f"{base(own.election.uuid)}/trustee", own.token)
        change(value)
        route.fulfill(body=encode_json(value), content_type="application/json")

    own.page.route("**/api/v1/elections/*/trustee", answer)


def test_other_certificates_and_commitments_are_refused(ceremony: Ceremony, watcher: Watcher) -> None:
    own = ceremony.to("share")
    change_inbox(own, lambda value: value["inputs"]["certificates"].reverse())
    own.visit()
    own.choose(own.file)
    own.refused("The server shows something else than before.")
    own.page.get_by_text("tell the election committee").wait_for()
    own.page.unroute_all()
    change_inbox(own, lambda value: value["inputs"]["vinput"]["secrets"].reverse())
    own.visit()
    own.choose(own.file)
    own.refused("What the server shows of the other trustees is not right.")
    own.page.unroute_all()
    assert not watcher.wire.find("POST", "/trustee/share")
    own.step(ACTS[3])


def serve_box(own: BrowserTrustee, archive: bytes) -> None:
    """From now on the server shows another box to this device, which does not remember the true one."""
    own.page.context.route("**/*.bel", lambda route: route.fulfill(body=archive))
    own.page.evaluate("localStorage.clear()")


def test_another_box_tally_or_election_is_not_opened(
    ceremony: Ceremony, elections: Elections, watcher: Watcher, tmp_path: Path
) -> None:
    own = ceremony.to_tally("M1", "M2", "M3")
    archive = ceremony.election.download_archive(tmp_path / "true.bel").read_bytes()
    entries = read_entries(archive)
    timestamp = int(json.loads(next(RecordParser().feed(archive)).body)["timestamp"])
    ballot = next(place for place, entry in enumerate(entries) if entry.type == "Ballot")
    plain = [replace(entry, event=None) for entry in entries]
    shortened = plain[:ballot] + plain[ballot + 1 :]
    tally = next(place for place, entry in enumerate(entries) if entry.type == "EncryptedTally")
    swapped = list(change_json(plain, tally, "encrypted_tally", lambda rows: [rows[0][::-1], rows[1]]))
    # As a server would do it: everything recomputed but what it cannot, the proofs of the ballots and the journal.
    ended = plain[: ballot + 1] + [entry for entry in plain if entry.type == "EndBallots"]
    recounted = without_ballot(shortened, ceremony.election)
    other = elections.new(members=2).set_up().close()
    stranger = other.download_archive(tmp_path / "other.bel").read_bytes()
    own.visit()
    own.heading("Choose your key file").wait_for()
    for body, words in (
        (rebuild(shortened, timestamp), "The published record of the election is not right."),
        (rebuild(recounted, timestamp), "The published record of the election is not right."),
        (rebuild(swapped, timestamp), "The published record of the election is not right."),
        (rebuild(ended, timestamp), "The published record of the election is not right."),
        (archive[:-100], "The published record of the election is not right."),
        (stranger, "The server shows another election."),
    ):
        serve_box(own, body)
        own.try_file(own.file, words)
        own.page.context.unroute_all()
    key = json.loads(own.file.read_text())
    own.visit()
    own.heading("Choose your key file").wait_for()
    for change, words in (
        ({"decrypted": "ab" * 32}, "Your key has opened another sum already."),
        ({"fingerprint": "A" * 43}, "This is not the election for which you showed your key."),
        ({"journal": {"height": 2, "head": "ab" * 32}}, "Something that was published has been changed"),
    ):
        other_key = tmp_path / "other-key.json"
        other_key.write_text(json.dumps(key | change))
        own.try_file(other_key, words)
    assert not watcher.wire.find("POST", "/trustee/decryption")


def without_ballot(entries: list[Entry], election: HeldElection) -> list[Entry]:
    """The tally computed anew from the ballots that are left."""
    parameters = election.parameters
    accumulator = TallyAccumulator(parameters)
    count = 0
    for entry in entries:
        if entry.type == "Ballot":
            accumulator.add(parse_ballot(parameters, entry.bodies[0]), 1)
            count += 1
    raw = encode_encrypted_tally(parameters, accumulator.tally())
    sized = SizedTally(count, count, sha256_hex(raw)).encode()
    return [
        replace(entry, bodies=(raw, sized)) if entry.type == "EncryptedTally" else entry for entry in entries
    ]


def test_done_is_only_what_stands_in_the_published_record(ceremony: Ceremony, watcher: Watcher) -> None:
    own = ceremony.to_tally("M1")
    own.visit()
    own.choose(own.file)
    own.page.get_by_text("So few ballots count that the result may tell how a person voted.").wait_for()
    require_accessible(own.page)
    own.page.get_by_role("button", name="Not now").click()
    # What a header of the server can do as well.
    own.page.evaluate("localStorage.clear()")
    own.visit()
    own.choose(own.file)
    own.page.get_by_text("This device remembers nothing from the time when you showed your key.").wait_for()
    own.page.get_by_role("button", name="Use my key").click()
    own.save()
    # A server that says that it has taken the decryption, and publishes nothing.
    own.page.context.route("**/trustee/decryption", lambda route: route.fulfill(body="{}"))
    own.choose(own.file)
    own.heading("Sent, but not yet seen").wait_for()
    own.refused("Your part was sent, but the published record does not have it.")
    require_accessible(own.page)
    # Nor is it believed when the trustee comes back.
    own.page.unroute_all()
    own.page.context.unroute_all()
    change_inbox(own, lambda value: value.update(step="wait-result", act=None, number=None))
    own.visit()
    own.heading("Your part is not in the published record.").wait_for()
    require_accessible(own.page)
    own.page.unroute_all()
    own.page.get_by_role("button", name="Look again").click()
    own.choose(own.file)
    own.page.get_by_role("button", name="Use my key").click()
    own.page.get_by_text("Your part stands in the published record.").wait_for()
    own.page.get_by_text("Awaited: trustee 2, trustee 3").wait_for()
    watcher.require_absent(key_secrets(own.file))


def test_a_larger_box_is_verified_by_several_workers(
    people: People, elections: Elections, watcher: Watcher, tmp_path: Path
) -> None:
    """More ballots than one part: the Workers of the Worker find the one that is false, and agree on the sum."""
    question = [{"question": "Strike?", "answers": ["Yes", "No"], "min": 1, "max": 1}]
    election = elections.new(members=70, trustee_count=1, threshold=1, questions=question)
    election.create().freeze().issue().seat()
    own = seat_people(election, people, tmp_path, 1)[1]
    own.step("Make your key")
    do_with_command(own, "reveal")
    election.act("keys")
    own.step(DRILL)
    election.open()
    for member in range(1, 71):
        election.vote(f"M{member}", [member % 2])
    election.close()

    archive = election.download_archive(tmp_path / f"{election.uuid}.bel")
    entries = [replace(entry, event=None) for entry in read_entries(archive.read_bytes())]
    timestamp = int(json.loads(next(RecordParser().feed(archive.read_bytes())).body)["timestamp"])
    journal = election.download_journal(tmp_path / "journal")
    ballots = [place for place, entry in enumerate(entries) if entry.type == "Ballot"]

    def forge(value: Any) -> Any:
        [[first, second]] = [answer["individual_proofs"] for answer in value["answers"]]
        value["answers"][0]["individual_proofs"] = [second, first]
        return value

    false = rebuild(change_json(entries, ballots[50], "ballot", forge), timestamp)
    own.visit()
    own.heading("Choose your key file").wait_for()
    serve_box(own, false)
    own.choose(own.file)
    own.refused("The published record of the election is not right.")
    own.page.context.unroute_all()

    own.choose(own.file)
    own.page.get_by_text("Everything is right. Open this sum?").wait_for()
    expect(own.page.get_by_text("70", exact=True)).to_have_count(2)
    own.page.get_by_role("button", name="Use my key").click()
    own.save()
    own.choose(own.file)
    own.page.get_by_text("Your part stands in the published record.").wait_for()
    assert election._wait(lambda status: status["state"] == "tallied")
    report = audit(election.download_archive(archive), election.download_journal(journal))
    assert (report.verdict, report.result) == ("sound", [[35, 35]])
    watcher.require_absent(key_secrets(own.file))
