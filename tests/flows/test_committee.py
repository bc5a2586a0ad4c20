"""A volunteer committee runs an election of officers in the browser, from the first start to the package: two officers
and a registrar, members who get their codes by mail or on paper, three trustees.

What is real: the server, its timer and its mail over SMTP; and officers, members and two of the three trustees of the
first election have a browser each. These two go by the links that the office shows: they make the key together, show
that they have it, and open the result, with key files that their browsers save; they vote with the same browsers. What
is not: recovery codes stand in for an app's digits, the clock of the trustees' pages is put forward instead of waiting
for them to ask again, and the third trustee, who is missing when the result is opened, acts with a program, as does the
only one of the second election, which is not counted. The package is verified by the auditor's program and by that of
Belenios.
"""

import io
import re
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import pyotp
import pytest
from click.testing import CliRunner
from PIL import Image
from playwright.sync_api import Page, expect

from audit.cli import cli
from tests.belenios import ToolMissingError, find_tool
from tests.flows.booth import ENCRYPTED, IN_THE_BOX, Voter
from tests.flows.elections import HeldElection
from tests.flows.office import PASSWORD
from tests.flows.people import People, Person
from tests.flows.serving import Installation, running_installation
from tests.flows.trustees import BrowserTrustee
from tests.paper.reading import Reader
from tests.smtp import MailDrop, running_mail_server
from voting_app.clock import SystemClock
from voting_app.demo.client import Client
from voting_app.demo.people import Trustee

T = TypeVar("T")
ADDRESS = "ada.byron@example.org"
PRINTED = "These sheets are printed. Nobody can print them again."
ROLL = """name,member_number,email,language
Ada Byron,M1,ada.byron@example.org,en
Benito Juárez,M2,,es
Clara Zetkin,M3,,en
"""


@pytest.fixture
def drop() -> Iterator[MailDrop]:
    with running_mail_server() as server:
        yield server


@pytest.fixture
def installation(tmp_path: Path, drop: MailDrop) -> Iterator[Installation]:
    """An installation that nobody has set up."""
    folder = tmp_path / "office"
    folder.mkdir()
    with running_installation(
        folder, SMTP_URL=drop.url, MAIL_FROM="vote@example.org", ORGANISATION="Local 12"
    ) as running:
        yield running


class Officer:
    """Somebody of the committee with a browser, and the recovery codes that stand in for half a minute of waiting."""

    def __init__(self, person: Person, site: str) -> None:
        self.page, self.site = person.page, site
        self._codes: list[str] = []

    def set_up(self, link: str, name: str = "", email: str = "") -> "Officer":
        page = self.page
        page.goto(link)
        key = "".join(page.locator("code.code span").all_text_contents())
        if name:
            page.get_by_label("Your name").fill(name)
            page.get_by_label("Mail address").fill(email)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_label("The six digits").fill(pyotp.TOTP(key).at(SystemClock().now()))
        page.get_by_role("button", name="Set password and second factor").click()
        self._codes = page.locator(".codes code").all_text_contents()
        assert len(self._codes) == 10
        return self

    def renew_codes(self) -> None:
        """A long day takes more than ten."""
        form = self.go("/office/account").locator("form", has_text="Make new recovery codes")
        form.locator("input[type=password]").fill(PASSWORD)
        self.press("Make new recovery codes")
        self.page.locator(".codes").wait_for()
        self._codes = self.page.locator(".codes code").all_text_contents()

    def go(self, path: str) -> Page:
        self.page.goto(f"{self.site}{path}")
        return self.page

    def press(self, button: str) -> None:
        """With a code, where the form of this button asks for one."""
        target = self.page.get_by_role("button", name=button, exact=True)
        code = self.page.locator("form", has=target).locator("input[name=code]")
        if code.count():
            code.fill(self._codes.pop())
        target.click()

    def type_code(self) -> None:
        """Where a program of the page sends the form."""
        self.page.get_by_label("The six digits").fill(self._codes.pop())

    def expect(self, words: str) -> None:
        expect(self.page.locator("main")).to_contain_text(words)


def find_link(text: str) -> str:
    found = re.search(r"https?://\S+", text)
    assert found, text
    return found[0]


def invite(ada: Officer, drop: MailDrop, people: People, name: str, role: str) -> Officer:
    email = f"{name.partition(' ')[0].lower()}@example.org"
    ada.go("/office/accounts")
    ada.page.get_by_label("Name").fill(name)
    ada.page.get_by_label("Mail address").fill(email)
    ada.page.get_by_label("Role").select_option(role)
    ada.press("Invite")
    return Officer(people.new(), ada.site).set_up(find_link(wait_for_mail(drop, email)))


def wait_for(find: Callable[[], T | None]) -> T:
    """What comes to be soon."""
    for _ in range(300):
        found = find()
        if found is not None:
            return found
        time.sleep(0.1)
    raise TimeoutError("it has not come to be")


def wait_for_mail(drop: MailDrop, recipient: str) -> str:
    """The text of the newest message to somebody; it goes out by the timer."""

    def find() -> str | None:
        texts = [received.text for received in drop.received if recipient in received.recipients]
        drop.received[:] = [received for received in drop.received if recipient not in received.recipients]
        return texts[-1] if texts else None

    return wait_for(find)


def together(one: Officer, other: Officer, act: str, statement: str = "") -> None:
    """One officer proposes, the other reads the same page and agrees."""
    one.go(act)
    if statement:
        one.page.locator("textarea").first.fill(statement)
    one.press("Propose")
    other.go(act)
    agree = other.page.get_by_role("button", name=re.compile("^I agree")).inner_text()
    other.press(agree)


def print_sheets(rita: Officer, here: str, folder: Path) -> list[str]:
    """The links in the QR codes of everybody who has no code yet."""
    rita.go(f"{here}/credentials/sheets")
    # A reload in the middle of a navigation fails.
    with rita.page.expect_navigation():
        rita.press("Prepare the sheets")
    ready = rita.page.get_by_role("link", name=re.compile("^File 1 of 1"))

    def find() -> bool | None:
        rita.page.reload()
        return True if ready.count() else None

    wait_for(find)
    with rita.page.expect_download() as download:
        ready.click()
    download.value.save_as(folder / "sheets.pdf")
    rita.page.locator("input[name=sure]").check()
    rita.press("Printed: erase the codes here")
    rita.expect(PRINTED)
    reader = Reader((folder / "sheets.pdf").read_bytes(), folder)
    return [code for page in range(1, reader.count_pages() + 1) for code in reader.scan(page)]


def make_in_the_browser(rita: Officer, here: str, file: Path) -> None:
    """The codes are made by the page, saved, and only then their list is published."""
    page = rita.go(f"{here}/credentials/browser")
    page.get_by_role("button", name="Make the codes").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Save the file").click()
    download.value.save_as(file)
    page.get_by_label("The saved file").set_input_files(file)
    rita.type_code()
    page.get_by_role("button", name="Publish the list").click()
    expect(page.get_by_text("The list is published.")).to_be_visible()


def print_in_the_browser(rita: Officer, here: str, file: Path) -> list[str]:
    """The links in the QR codes of everybody, out of the saved file."""
    page = rita.go(f"{here}/credentials/browser")
    page.get_by_label("The file with the codes").set_input_files(file)
    page.evaluate("() => { window.print = () => {} }")
    page.get_by_label("Paper").select_option("letter")
    page.get_by_role("button", name="Print").click()
    page.locator(".sheets .letter").first.wait_for(state="attached")
    reader = Reader(page.pdf(prefer_css_page_size=True), file.parent)
    return [code for number in range(1, reader.count_pages() + 1) for code in reader.scan(number)]


def clone_election(ada: Officer, here: str) -> str:
    """The same once more, roll included, with codes that the registrar makes; its uuid."""
    page = ada.go(f"/office/elections/new?clone={here.rpartition('/')[2]}")
    page.locator("#closes").fill((SystemClock().now() + timedelta(days=3)).strftime("%Y-%m-%dT%H:%M"))
    page.locator("input[name=copy_roll]").check()
    page.locator("input[name=credential_mode][value=registrar]").check()
    page.locator("#trustees").fill("1")
    page.locator("#needed").fill("1")
    ada.press("Make the election")
    found = re.search(r"/elections/(\w+)/", page.url)
    assert found, page.url
    return str(found[1])


def make_election(ada: Officer) -> str:
    """Texts and questions in two languages, with a statement and a photo; its uuid."""
    page = ada.go("/office/elections/new?start=officers")
    # That of the browser, which nobody has to look for among four hundred.
    expect(page.locator("#time_zone")).to_have_value("America/New_York")
    page.locator("#new_language").select_option("es")
    ada.press("Add this language")
    for _ in range(3):
        page.get_by_role("button", name="Remove the question").last.click()
    for place, name in enumerate(("Rosa Luxemburg", "Mother Jones")):
        for tag in ("en", "es"):
            page.locator(f"#q0-a{place}-{tag}").fill(name)
    closes = SystemClock().now() + timedelta(days=3)
    page.locator("#closes").fill(closes.strftime("%Y-%m-%dT%H:%M"))
    page.get_by_label("This server").check()
    ada.press("Make the election")
    found = re.search(r"/elections/(\w+)/", page.url)
    assert found, page.url
    picture = io.BytesIO()
    Image.new("RGB", (900, 1200), "teal").save(picture, "PNG")
    page = ada.go(f"/office/elections/{found[1]}/candidates/0/0")
    page.locator("input[type=file]").set_input_files(
        {"name": "rosa.png", "mimeType": "image/png", "buffer": picture.getvalue()}
    )
    page.locator("textarea").first.fill("For **equal** pay.")
    page.locator("textarea").nth(1).fill("Por salarios **iguales**.")
    ada.press("Save")
    # Who leaves while the photo still comes breaks it off.
    page.locator("img").first.wait_for()
    page.wait_for_function("() => [...document.images].every((image) => image.complete)")
    return str(found[1])


def import_roll(ada: Officer, here: str) -> None:
    """A file with a fault, which cannot be taken, and the corrected one."""
    for text, is_good in ((ROLL.replace("M2", "M1"), False), (ROLL, True)):
        page = ada.go(f"{here}/roll")
        page.locator("input[type=file]").set_input_files(
            {"name": "roll.csv", "mimeType": "text/csv", "buffer": text.encode()}
        )
        page.locator("form[enctype] button").click()
        take = page.get_by_role("button", name="Take this file as the roll")
        expect(take).to_have_count(int(is_good))
    ada.press("Take this file as the roll")
    ada.expect("The file is the roll now.")


def seat_trustees(ada: Officer, here: str, count: int) -> list[str]:
    """The links that the office shows, this once."""
    ada.go(f"{here}/trustees")
    for owner in range(1, count + 1):
        ada.page.locator(f"#name-{owner}").fill(f"Trustee {owner}")
    ada.press("Make the seats and show the links")
    copies = ada.page.get_by_role("button", name="Copy the link")
    expect(copies).to_have_count(count)
    copies.last.click()
    expect(ada.page.get_by_role("status").last).not_to_be_empty()
    links = ada.page.locator("code.long-code").all_text_contents()
    assert len(set(links)) == count
    return links


def fix_key(ada: Officer, here: str) -> None:
    ada.go(f"{here}/trustees")
    ada.press("Fix the key")
    ada.expect("The key of the election is fixed.")


def make_keys(ada: Officer, here: str, trustees: list[BrowserTrustee], third: Trustee) -> None:
    """Each with the file of the step before; then each shows that it has its key."""
    for trustee in trustees:
        trustee.stay()
    for act, send in (
        ("Make your key", "certificate"),
        ("Draw your part", "commitment"),
        ("Send your part", "reveal"),
        ("Put your key together", "share"),
    ):
        getattr(third, f"send_{send}")()
        for trustee in trustees:
            trustee.look()
            trustee.do(act)
    fix_key(ada, here)
    third.send_drill()
    for trustee in trustees:
        trustee.look()
        trustee.do("Show that you have your key")


def make_single_key(ada: Officer, here: str, client: Client) -> None:
    """The only trustee does it with a program."""
    (link,) = seat_trustees(ada, here, 1)
    trustee = Trustee(client, here.rpartition("/")[2], 1, False, link.partition("#")[2])
    trustee.send_commitment()
    trustee.send_reveal()
    fix_key(ada, here)
    trustee.send_drill()


def open_sum(trustee: BrowserTrustee) -> None:
    """With the device that has seen the record when the key was shown."""
    page = trustee.page
    trustee.look()
    trustee.choose(trustee.file)
    trustee.heading("Everything is right. Open this sum?").wait_for()
    expect(page.get_by_text("This device remembers nothing")).to_have_count(0)
    page.get_by_role("button", name="Use my key").click()
    trustee.save()
    trustee.choose(trustee.file)
    page.get_by_text("Your part stands in the published record.").wait_for()


def confirm_address(rita: Officer, here: str, drop: MailDrop, member: Page) -> None:
    """The members whose addresses are known are asked; one answers."""
    rita.go(f"{here}/mailing")
    rita.press("Ask them")
    member.goto(find_link(wait_for_mail(drop, ADDRESS)))
    member.get_by_role("button", name="Yes, this is my address").click()


def test_a_committee_runs_an_election_from_the_first_start_to_the_package(
    people: People, installation: Installation, drop: MailDrop, tmp_path: Path
) -> None:
    first = wait_for(lambda: re.search(r"http://\S+/setup/\S+", installation.log.read_text()))[0]
    ada = Officer(people.new(), installation.url).set_up(first, "Ada Lovelace", "ada@example.org")
    grace = invite(ada, drop, people, "Grace Hopper", "committee")
    rita = invite(ada, drop, people, "Rita Levi", "registrar")
    uuid = make_election(ada)
    here = f"/office/elections/{uuid}"
    import_roll(ada, here)
    ada.page.get_by_role("link", name="Freeze the roll").click()
    # What the privacy check says, before anything is fixed.
    ada.expect("3 members may vote. If 50 in 100 of them do")
    together(ada, grace, f"{here}/acts/freeze-roll")
    rita.go(f"{here}/credentials")
    rita.press("Make the codes")
    with installation.client() as client:
        election = HeldElection(installation, client, uuid=uuid)
        shown = seat_trustees(ada, here, 3)
        tokens = [link.partition("#")[2] for link in shown]
        trustees = [
            BrowserTrustee(people.new(), election, owner, token, tmp_path)
            for owner, token in enumerate(tokens[:2], 1)
        ]
        assert [trustee.link for trustee in trustees] == shown[:2]
        make_keys(ada, here, trustees, Trustee(client, uuid, 3, True, tokens[2]))
        confirm_address(rita, here, drop, trustees[0].person.new_tab())
        together(ada, grace, f"{here}/acts/open")
        rita.go(f"{here}/mailing/run")
        rita.press("Send 1 mail")
        links = [find_link(wait_for_mail(drop, ADDRESS)), *print_sheets(rita, here, tmp_path)]
        assert len(set(links)) == 3
        # Trustees are members, too, and vote with the browser that they have.
        for number, link in enumerate(links[:2], 1):
            election.credentials[f"M{number}"] = link.partition("#")[2].partition(".")[0]
            member = trustees[number - 1].person
            voter = Voter(replace(member, page=member.new_tab()), election, f"M{number}").open(link)
            voter.press("Begin").choose("Mother Jones").press("Review your choices")
            voter.press("Encrypt my ballot").see(ENCRYPTED).press("Cast this ballot").see(IN_THE_BOX)
        together(grace, ada, f"{here}/acts/close")
        election.wait_for_tally()
        # Two of three are enough, and nobody has to press anything for the result.
        for trustee in trustees:
            open_sum(trustee)
        election.wait_for_result()
    ada.go(f"{here}/result")
    ada.expect("All numbers agree with each other.")
    together(ada, grace, f"{here}/acts/certify", statement="We certify this result.")
    verify_package(ada, here, tmp_path)
    with installation.client() as client:
        hold_another(ada, grace, rita, people, client, here, tmp_path / "credentials.csv")


def hold_another(
    ada: Officer, grace: Officer, rita: Officer, people: People, client: Client, here: str, file: Path
) -> None:
    """In the other mode, up to a ballot that was cast with a printed code; then it is cancelled by two."""
    ada.renew_codes()
    uuid = clone_election(ada, here)
    here = f"/office/elections/{uuid}"
    together(ada, grace, f"{here}/acts/freeze-roll")
    make_in_the_browser(rita, here, file)
    make_single_key(ada, here, client)
    links = print_in_the_browser(rita, here, file)
    assert len(set(links)) == 3
    together(grace, ada, f"{here}/acts/open")
    page = people.new().page
    page.goto(links[0])
    for button in ("Begin", "Review your choices", "Encrypt my ballot", "Cast this ballot"):
        if button == "Review your choices":
            page.get_by_label("Rosa Luxemburg").check()
        page.get_by_role("button", name=button).click()
    expect(page.locator("#view")).to_contain_text(IN_THE_BOX)
    together(ada, grace, f"{here}/acts/cancel", statement="The hall is closed.")
    ada.go(f"{here}/result")
    ada.expect("Report and package")


def verify_package(ada: Officer, here: str, folder: Path) -> None:
    """Downloaded, and verified on another computer by two programs."""
    ada.go(f"{here}/result")
    with ada.page.expect_download() as download:
        ada.page.get_by_role("link", name="Download the package").click()
    package, alone = folder / "package.zip", folder / "alone"
    download.value.save_as(package)
    verdict = CliRunner().invoke(cli, ["verify", str(package), "--jobs", "1"])
    assert verdict.exit_code == 0, verdict.output
    assert re.search(r"ok +P4", verdict.output)
    with zipfile.ZipFile(package) as files:
        files.extract(f"{here.rpartition('/')[2]}.bel", alone)
    try:
        tool = find_tool("3.3.0")
    except ToolMissingError as missing:
        pytest.skip(str(missing))
    tool.run("election", "verify", cwd=alone)
