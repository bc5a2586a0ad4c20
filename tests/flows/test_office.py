"""The office on a phone: from the one-time link to the second factor, without JavaScript; and an officer who votes."""

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
