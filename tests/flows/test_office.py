"""The office on a phone: from the one-time link to the second factor, without JavaScript; and an officer who votes."""

from pathlib import Path

import pyotp
from playwright.sync_api import expect

from tests.flows.booth import Voter
from tests.flows.office import PASSWORD, enter, new_link
from tests.flows.people import Elections, People
from tests.flows.serving import Installation
from tests.flows.watching import Watcher
from voting_app.clock import SystemClock


def test_an_administrator_sets_up_logs_out_and_in_on_a_phone(
    people: People, installation: Installation, watcher: Watcher
) -> None:
    watcher.expect(400, "POST", "/office/login")
    page = people.new(java_script_enabled=False).page
    page.goto(new_link(installation))
    key = "".join(page.locator("code.code span").all_text_contents())
    page.get_by_label("Your name").fill("Grace Hopper")
    page.get_by_label("Mail address").fill("Grace@phone.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("The six digits").fill(pyotp.TOTP(key).at(SystemClock().now()))
    page.get_by_role("button", name="Set password and second factor").click()
    codes = page.locator(".codes code").all_text_contents()
    assert len(codes) == 10
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_text("You are logged in as Grace Hopper.")).to_be_visible()
    page.get_by_role("link", name="People").click()
    expect(page.get_by_text("grace@phone.example")).to_be_visible()
    page.get_by_role("button", name="Log out").click()
    # The way back to a page that only a login opens.
    page.goto(f"{installation.url}/office/account")
    page.get_by_label("Mail address").fill("grace@phone.example")
    page.get_by_label("Password").fill("wrong horse battery")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("alert")).to_contain_text("Mail address or password is wrong.")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    # The phone's app is somewhere else today; and each of its codes is good once.
    page.get_by_text("I do not have my phone").click()
    page.get_by_label("One of your recovery codes").fill(codes[3])
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("You have 9 recovery codes left.")).to_be_visible()
    assert page.url == f"{installation.url}/office/account"


def test_recovery_codes_are_copied_and_saved_by_the_browser_alone(
    people: People, installation: Installation, watcher: Watcher, tmp_path: Path
) -> None:
    page = people.new().page
    page.goto(new_link(installation))
    page.add_init_script("navigator.clipboard.writeText = async (text) => { globalThis.copied = text; }")
    key = "".join(page.locator("code.code span").all_text_contents())
    page.get_by_label("Your name").fill("Joan Clarke")
    page.get_by_label("Mail address").fill("joan@phone.example")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_label("The six digits").fill(pyotp.TOTP(key).at(SystemClock().now()))
    page.get_by_role("button", name="Set password and second factor").click()
    page.get_by_role("button", name="Copy the codes").click()
    expect(page.get_by_text("Copied.")).to_be_visible()
    text = "".join(f"{code}\n" for code in page.locator(".codes code").all_text_contents())
    assert page.evaluate("copied") == text
    asked = len(watcher.wire.exchanges)
    with page.expect_download() as download:
        page.get_by_role("link", name="Save as a text file").click()
    assert download.value.suggested_filename == "recovery-codes.txt"
    download.value.save_as(tmp_path / "codes")
    assert (tmp_path / "codes").read_text() == text
    assert len(text.splitlines()) == 10
    assert len(watcher.wire.exchanges) == asked


def test_the_booth_sends_no_cookie_of_an_officer_who_votes(
    people: People, elections: Elections, installation: Installation, watcher: Watcher
) -> None:
    """The pages come with it, as everything from this server does; no question and no ballot of the booth."""
    election = elections.new(members=2).set_up()
    person = people.new()
    enter(person.context, installation)
    Voter(person, election, "M1").cast()
    asked = [e for e in watcher.wire.exchanges if e.path.startswith(("/api/", "/texts/"))]
    assert [e for e in asked if e.method == "POST"]
    assert len(asked) > 4
    for exchange in asked:
        assert "cookie" not in {name.lower() for name, _ in exchange.headers}, exchange.path
    # The test would see one.
    person.page.goto(f"{installation.url}/office")
    assert any("cookie" in {name.lower() for name, _ in e.headers} for e in watcher.wire.exchanges)


def test_an_officer_edits_without_javascript_and_tries_the_booth_that_casts_nothing(
    people: People, elections: Elections, installation: Installation, watcher: Watcher
) -> None:
    election = elections.new(members=2).create()
    plain = people.new(java_script_enabled=False)
    enter(plain.context, installation)
    page = plain.open(f"{installation.url}/office/elections/{election.uuid}/texts")
    page.get_by_label("Name of the election").fill("Delegates of Local 12")
    first = page.locator("#q0")
    first.get_by_role("button", name="Add a choice").click()
    # The browser comes back to the question, with all that was typed.
    assert page.url.endswith("#q0")
    page.get_by_label("choice 3 of question 1").fill("Barbara Liskov")
    page.get_by_label("choice 3 of question 1").press("Enter")
    expect(page.get_by_text("Everything is saved.")).to_be_visible()
    expect(page.get_by_label("Name of the election")).to_have_value("Delegates of Local 12")
    officer = people.new()
    enter(officer.context, installation)
    booth = officer.open(f"{installation.url}/office/elections/{election.uuid}/preview").frame_locator(
        "iframe"
    )
    booth.get_by_role("button", name="Begin").click()
    booth.get_by_label("Barbara Liskov").check()
    booth.get_by_role("button", name="Next question").click()
    booth.get_by_label("Yes").check()
    for name in ("Review your choices", "Encrypt my ballot", "Cast this ballot"):
        booth.get_by_role("button", name=name).click()
    expect(booth.get_by_text("Nothing was sent, and nothing is kept.")).to_be_visible()
    booth.get_by_role("button", name="Begin again").click()
    expect(booth.get_by_role("heading", name="Delegates of Local 12")).to_be_visible()
    watcher.rest()
    assert not [e for e in watcher.wire.exchanges if e.path.startswith("/api/") and e.method != "GET"]
    assert not officer.context.storage_state()["origins"]


def test_what_was_typed_is_not_lost_with_the_login(people: People, installation: Installation) -> None:
    """The login has ended while somebody was typing; afterwards the browser gives the form back, unsaved."""
    person = people.new()
    enter(person.context, installation)
    page = person.page
    page.goto(f"{installation.url}/office/elections/new?start=strike")
    page.locator("#name-en").fill("Strike & more")
    person.context.clear_cookies(name="steward-office")
    page.get_by_role("button", name="Make the election").click()
    expect(page.get_by_text("what you sent was not done")).to_be_visible()
    enter(person.context, installation)
    # Where the login leads back to.
    page.goto(f"{installation.url}/office/elections/new")
    page.get_by_role("button", name="Take it back").click()
    expect(page.locator("#name-en")).to_have_value("Strike & more")
    expect(page.get_by_role("button", name="Take it back")).to_have_count(0)
    page.goto(f"{installation.url}/office/elections/new")
    expect(page.get_by_role("button", name="Take it back")).to_have_count(0)
