"""The registrar's own browser makes the voting codes: nothing of them leaves it, and sheets are those of the file."""

import re
from pathlib import Path

from playwright.sync_api import expect

from audit.sheets import read_credentials
from crypto.words import fingerprint_words
from tests.flows.browser import DESK
from tests.flows.leaks import credential_secrets
from tests.flows.office import enter, get_office
from tests.flows.people import Elections, People
from tests.flows.serving import Installation
from tests.flows.watching import Watcher
from tests.paper.reading import Reader


def test_codes_are_made_published_and_printed_in_the_browser(
    people: People, elections: Elections, installation: Installation, watcher: Watcher, tmp_path: Path
) -> None:
    election = elections.new(members=3, trustee_count=1, threshold=1).create().freeze()
    person = people.new(DESK)
    enter(person.context, installation)
    address = f"{installation.url}/office/elections/{election.uuid}/credentials/browser"
    page = person.open(address)
    page.get_by_role("button", name="Make the codes").click()
    with page.expect_download() as download:
        page.get_by_role("link", name="Save the file").click()
    path, other = tmp_path / "credentials.csv", tmp_path / "other.csv"
    download.value.save_as(path)
    codes = read_credentials(path)
    assert list(codes) == ["M1", "M2", "M3"]
    page.get_by_label("The saved file").set_input_files(path)
    page.get_by_label("The six digits").fill(get_office(installation).codes.pop())
    page.get_by_role("button", name="Publish the list").click()
    expect(page.get_by_text("The list is published.")).to_be_visible()

    election.credentials = codes
    election.seat().make_keys().drill().open().vote("M2", [0], [1])
    person.open(address)
    # Another's code in one row: nothing is printed.
    first, second = codes["M1"], codes["M2"]
    other.write_text(path.read_text().replace(first, second[::-1]))
    page.get_by_label("The file with the codes").set_input_files(other)
    expect(page.get_by_role("alert")).to_contain_text("Nothing was sent.")
    page.get_by_label("The file with the codes").set_input_files(path)
    page.evaluate("() => { window.print = () => {} }")
    for paper, pages in (("letter", 3), ("a4-labels", 1)):
        page.get_by_label("Paper").select_option(paper)
        page.get_by_role("button", name="Print").click()
        page.locator(f".sheets .{paper}").first.wait_for(state="attached")
        read = Reader(page.pdf(prefer_css_page_size=True), tmp_path)
        assert read.count_pages() == pages
        text = read.read(1)
        assert "Officers of Local 12" in text
        # The page of the booth shows the same; a label has no room for the whole of it.
        assert fingerprint_words(election.parameters.fingerprint) in re.sub(r"\s+", " ", text)
        whole = election.parameters.fingerprint in re.sub(r"\s", "", text)
        assert whole == (paper == "letter")
        assert (
            f"{installation.url}/elections/{election.uuid}/vote#{first}.{election.parameters.fingerprint}"
            in (" ".join(read.scan(1)))
        )
        page.evaluate("() => dispatchEvent(new Event('afterprint'))")
        assert page.locator(".sheets").count() == 0
    secrets = [secret for code in codes.values() for secret in credential_secrets(election.parameters, code)]
    watcher.require_absent(secrets)
