"""One whole election: committee at the terminal, two trustees and the members in real browsers, and all verify it.

What single pages do in every situation is tested beside this file. Here everything that issue and documents promise
happens in one election, and whoever took part can check it afterwards, with programs of ours and of other people.
"""

import base64
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from playwright.sync_api import Page, expect

from audit.cli import cli
from crypto.encoding import encode_json
from crypto.receipt import parse_receipt
from crypto.words import fingerprint_words
from tests.belenios import Tool
from tests.flows.booth import CHALLENGED, ENCRYPTED, IN_THE_BOX, REVIEW, Voter, ballots
from tests.flows.browser import DESK, PHONE
from tests.flows.elections import QUESTIONS, SHARED, HeldElection
from tests.flows.leaks import Secret, choice_secrets, credential_secrets
from tests.flows.people import Elections, People
from tests.flows.serving import PROJECT, Installation
from tests.flows.trustees import BrowserTrustee, CommandTrustee, key_secrets
from tests.flows.watching import Watcher
from tests.flows.wire import Wire
from tests.interop.bench import Bench
from tests.simulator import read_entries
from tests.voting_app.api import ALONE
from voting_app.cli import cli as steward

SPANISH = {
    "name": "Directiva de la Sección 12",
    "description": "Elegimos la directiva.",
    "questions": [
        {"question": "Presidencia", "answers": ["Ada Lovelace", "Grace Hopper"]},
        {"question": "¿Subir las cuotas un 2 %?", "answers": ["Sí", "No"]},
    ],
}
BLANK = "Blank vote: I take part, and choose nobody and nothing"
ADA, GRACE = {"president": "Ada Lovelace", "dues": "Yes"}, {"president": "Grace Hopper", "dues": "No"}
# Nine may vote, and one stays at home. First question: Ada, Grace, blank; second one: yes, no.
MEMBERS = 9
BLANKS, FOR_ADA, FOR_GRACE = 1, 5, 2
YES, NO = 7, 1


@dataclass(frozen=True)
class Terminal:
    """The committee's: `steward` beside the running server, with its settings."""

    installation: Installation

    def run(self, *words: str | Path) -> str:
        """In this process, which is not the server's: to start another one takes longer than most commands."""
        foreign = {name: None for name in os.environ if name.startswith("STEWARD_")}
        done = CliRunner().invoke(
            steward,
            ["--instance", str(self.installation.folder), "election", *map(str, words)],
            env={**foreign, **self.installation.settings},
        )
        assert done.exit_code == 0, f"{done.stderr} {done.exception}"
        return done.stdout.strip()

    def run_apart(self, *words: str | Path) -> str:
        """In a process of its own, as the committee does."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("STEWARD_")}
        start = [sys.executable, "-c", "from voting_app.cli import main; main()"]
        command = [*start, "--instance", str(self.installation.folder), "election", *map(str, words)]
        done = subprocess.run(
            command,
            cwd=PROJECT,
            env={**own, **self.installation.settings},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


def audited(*words: str | Path) -> str:
    """What steward-audit says when it has nothing against it."""
    run = CliRunner().invoke(cli, [str(word) for word in words])
    assert run.exit_code == 0, f"steward-audit {words[0]}: {run.output} {run.exception}"
    return run.output


@pytest.fixture
def bench33(belenios33: Tool, tmp_path: Path) -> Bench:
    """A folder for version 3.3.0 of the other verifier."""
    folder = tmp_path / "belenios"
    folder.mkdir()
    return Bench(belenios33, folder)


def prepare(terminal: Terminal, election: HeldElection, folder: Path) -> dict[int, str]:
    """What comes before the trustees; the token of each of them."""
    new = {
        "name": election.name,
        "description": "We elect the officers of Local 12 for the next two years.",
        "questions": QUESTIONS,
        "credential_mode": "registrar",
        "closes_at": "2099-11-23T12:00:00Z",
        "trustees": {"singles": 0, "threshold": {"size": 3, "threshold": 2}},
        "revoting": True,
        "language": "en",
        "texts": {"es": SPANISH},
        "rules": [{"majority": "majority"}, {"majority": "two-thirds"}],
        "quorum": {"percent": 50},
        **ALONE,
    }
    (folder / "new.json").write_text(encode_json(new))
    rows = "".join(f"Member {number},M{number}\n" for number in range(1, MEMBERS + 1))
    (folder / "roll.csv").write_text(f"name,member_number\n{rows}")
    election.uuid = terminal.run_apart("create", folder / "new.json")
    terminal.run("roll", election.uuid, folder / "roll.csv")
    terminal.run("freeze", election.uuid)
    election.issue()
    seats = [line.split() for line in terminal.run("trustees", election.uuid).splitlines()]
    assert [link for _, _, _, link in seats] == [f"{election.url}/trustee#{token}" for *_, token, _ in seats]
    return {int(owner): token for owner, _, token, _ in seats}


def make_keys(first: BrowserTrustee, second: CommandTrustee, third: BrowserTrustee) -> None:
    acts = ("Make your key", "Draw your part", "Send your part", "Put your key together")
    for act, send in zip(acts, ("certificate", "commitment", "reveal", "share"), strict=True):
        first.step(act)
        getattr(second, f"send_{send}")()
        third.step(act)


def require_agreement(trustee: BrowserTrustee) -> None:
    """Whether they all see one election nobody but they can tell."""
    page = trustee.page
    page.get_by_text("compare them with the other trustees").wait_for()
    page.locator(".notice").get_by_text("2 of 3 trustees open the result.").wait_for()
    shown = page.locator(".notice code span").all_text_contents()
    fingerprint = trustee.election.parameters.fingerprint
    assert "".join(shown) == fingerprint
    assert page.locator(".notice .fingerprint-words").all_text_contents() == [fingerprint_words(fingerprint)]


def decrypt(trustee: BrowserTrustee) -> None:
    trustee.visit()
    trustee.choose(trustee.file)
    trustee.heading("Everything is right. Open this sum?").wait_for()
    trustee.page.get_by_text("2 of 3 trustees open the result.").wait_for()
    expect(trustee.page.get_by_text("This device remembers nothing")).to_have_count(0)
    trustee.page.get_by_role("button", name="Use my key").click()
    trustee.save()
    trustee.choose(trustee.file)
    trustee.page.get_by_text("Your part stands in the published record.").wait_for()


# --- how each of the eight votes ---------------------------------------------------------------------------------


def vote_again(voter: Voter) -> list[str]:
    """The trackers of both ballots."""
    voter.cast(**GRACE)
    first = voter.tracker()
    voter.open().read("A ballot of yours is in the ballot box already.")
    voter.encrypt(**ADA).press("Cast this ballot").see(IN_THE_BOX)
    return [first, voter.tracker()]


def check_and_vote(voter: Voter, people: People) -> tuple[str, str]:
    """The tracker of the ballot that was checked, and the code that opens it."""
    voter.open().encrypt(**GRACE)
    spoiled = voter.tracker()
    voter.press("Check instead of cast").see(CHALLENGED)
    voter.page.get_by_text("The code as text").click()
    code = voter.page.locator("code.long-code").inner_text()
    second = people.new().open(f"{voter.election.url}/check#{code}")
    expect(second.get_by_role("heading", name="This is in the ballot")).to_be_visible()
    assert second.locator(".answers li").all_text_contents() == ["Grace Hopper", "No"]
    said = audited("check-ballot", f"{voter.election.url}#{code}")
    assert "Grace Hopper" in said
    assert spoiled in said
    assert "Ada Lovelace" not in said
    voter.press("Change my choices").see(REVIEW)
    voter.page.get_by_role("button", name="Change").first.click()
    voter.choose("Ada Lovelace").press("Review your choices").see(REVIEW)
    voter.page.get_by_role("button", name="Change").last.click()
    voter.choose("Yes").press("Review your choices").see(REVIEW)
    voter.press("Encrypt my ballot").see(ENCRYPTED).press("Cast this ballot").see(IN_THE_BOX)
    return spoiled, code


def vote_in_spanish(voter: Voter) -> None:
    voter.open().see("Directiva de la Sección 12").press("Empezar").choose("Ada Lovelace").press(
        "Pregunta siguiente"
    )
    voter.choose("Sí").press("Revisar sus opciones").press("Cifrar mi voto").press("Emitir este voto")
    expect(voter.page.locator(".receipt")).to_be_visible()
    expect(voter.page.locator("html")).to_have_attribute("lang", "es")


def lose_the_connection(voter: Voter, wire: Wire) -> None:
    """The ballot arrives, its answer does not, and then there is no network at all."""
    voter.open().encrypt(president="Grace Hopper", dues="Yes")
    wire.lose_answers("POST", "/ballots")
    voter.press("Cast this ballot").read("It is not known yet whether your ballot has arrived.")
    tracker = voter.tracker()
    voter.person.lose_network()
    voter.read("The next try is in")
    wire.mend()
    voter.person.find_network()
    voter.see(IN_THE_BOX)
    assert voter.tracker() == tracker


def type_the_code(voter: Voter) -> None:
    page = voter.person.open(f"{voter.election.url}/vote")
    page.get_by_label("Voting code").fill(voter.code.replace("-", " "))
    voter.press("Continue").encrypt(president=BLANK, dues="No").press("Cast this ballot").see(IN_THE_BOX)


def use_keys_only(voter: Voter) -> None:
    keys = voter.open().page.keyboard
    voter.page.get_by_role("button", name="Begin").focus()

    def press(*names: str) -> None:
        for name in names:
            keys.press(name)

    press("Enter")
    voter.see("President")
    press("Tab", "Space", "ArrowDown")
    expect(voter.page.get_by_label("Grace Hopper")).to_be_checked()
    press("Tab", "Enter")
    voter.see("Raise the dues by 2 %?")
    press("Tab", "Space")
    expect(voter.page.get_by_label("Yes")).to_be_checked()
    press("Tab", "Enter")
    voter.see(REVIEW)
    press("Tab", "Tab", "Tab", "Enter")
    voter.see(ENCRYPTED)
    press("Tab", "Enter")
    voter.see(IN_THE_BOX)
    assert voter.taps == 0


def save_receipt(voter: Voter, folder: Path) -> Path:
    """As the voter saves it, in whatever language."""
    with voter.page.expect_download() as loading:
        voter.page.locator(".actions button:visible").first.click()
    target = folder / f"receipt-{voter.member}.json"
    loading.value.save_as(target)
    return target


# --- what everybody sees ---------------------------------------------------------------------------------------------


def read_tables(page: Page) -> list[list[list[str]]]:
    """Each table of results as rows of words and numbers."""
    return [
        [row.locator("th, td").all_inner_texts() for row in table.locator("tbody tr").all()]
        for table in page.locator("table").all()
    ]


def require_result(page: Page) -> None:
    president, dues = read_tables(page)
    assert president == [
        ["Ada Lovelace chosen", str(FOR_ADA), "71.4%"],
        ["Grace Hopper", str(FOR_GRACE), "28.6%"],
        ["Blank votes", str(BLANKS), "–"],
    ]
    assert dues == [["Yes chosen", str(YES), "87.5%"], ["No", str(NO), "12.5%"]]
    for words in (
        # Signs around a text keep one that runs from the right in its place.
        "Chosen: \u2068Ada Lovelace\u2069.",
        "more than half of the votes are needed, that is 4 of 7.",
        "Chosen: \u2068Yes\u2069.",
        "two thirds of the votes are needed, that is 6 of 8.",
        "The quorum was reached: 5 of 9 members",
        "8 ballots were counted.",
    ):
        expect(page.get_by_text(words).first).to_be_visible()


def require_sound(election: HeldElection, receipts: Sequence[Path], bench: Bench, folder: Path) -> None:
    """Our verifier, and that of other people; the record, each ballot, each receipt."""
    archive = election.download_archive(folder / f"{election.uuid}.bel")
    journal = election.download_journal(folder / f"{election.uuid}.journal.jsonl")
    assert "sound: every check passed" in audited("verify", archive, "--journal", journal, "--jobs", "1")
    bench.put_archive(election.uuid, archive.read_bytes()).verify()
    cast = [entry.bodies[0] for entry in read_entries(archive.read_bytes()) if entry.type == "Ballot"]
    assert len(cast) == 9
    for ballot in cast:
        bench.verify_ballot(ballot)
    for receipt in receipts:
        audited("receipt", archive, receipt, "--journal", journal)


# --- the election ----------------------------------------------------------------------------------------------------


# Much happens here, on machines that do other things too.
@pytest.mark.timeout(1200)
def test_a_whole_election(
    elections: Elections,
    people: People,
    watcher: Watcher,
    wire: Wire,
    installation: Installation,
    bench33: Bench,
    tmp_path: Path,
) -> None:
    terminal = Terminal(installation)
    election = elections.new(members=MEMBERS, **SHARED)
    tokens = prepare(terminal, election, tmp_path)
    first, third = (
        BrowserTrustee(people.new(device), election, owner, tokens[owner], tmp_path)
        for owner, device in ((1, PHONE), (3, DESK))
    )
    # Trustee 2 has a computer without network, and the command.
    second = CommandTrustee(election, 2, tokens[2], tmp_path)
    make_keys(first, second, third)
    fingerprint = terminal.run("keys", election.uuid)
    assert fingerprint == election.parameters.fingerprint
    third.step("Show that you have your key")
    second.send_drill()
    first.step("Show that you have your key")
    require_agreement(first)
    assert terminal.run("open", election.uuid).endswith("is open.")

    watcher.expect(0, "POST", "/ballots")
    watcher.expect_trouble("a request failed: POST")
    voters = [
        Voter(people.new(PHONE, language="es" if number == 4 else "en"), election, f"M{number}")
        for number in range(1, 9)
    ]
    voters[0].cast(**ADA)
    replaced, last = vote_again(voters[1])
    spoiled, code = check_and_vote(voters[2], people)
    vote_in_spanish(voters[3])
    lose_the_connection(voters[4], wire)
    type_the_code(voters[5])
    use_keys_only(voters[6])
    voters[7].cast(**ADA)
    trackers = [voter.tracker() for voter in voters]
    assert trackers[1] == last
    assert ballots(election) == [trackers[0], f"{replaced} replaced", *trackers[1:]]
    assert spoiled not in {replaced, *trackers}
    receipts = [save_receipt(voter, tmp_path) for voter in voters]
    assert [parse_receipt(receipt.read_bytes()).tracker for receipt in receipts] == trackers
    assert "the same:" in audited("booth", election.url)

    assert terminal.run("close", election.uuid).endswith("is closed.")
    # Trustee 3 is absent.
    decrypt(first)
    box = election.download_archive(tmp_path / "box.bel")
    second.send_decryption(box, election.download_journal(tmp_path / "box.journal"))
    election._wait(lambda status: status["state"] == "tallied")
    assert f"[[{BLANKS}, {FOR_ADA}, {FOR_GRACE}], [{YES}, {NO}]]" in terminal.run("status", election.uuid)
    terminal.run("certify", election.uuid, "--statement", "We certify this result.")

    reader = people.new(PHONE)
    require_result(reader.open(election.url))
    require_result(reader.open(f"{election.url}/report"))
    # Who has voted finds the own tracker, and the receipt is still on the device.
    voters[3].page.reload()
    expect(voters[3].page.locator(".receipt")).to_be_visible()
    require_sound(election, receipts, bench33, tmp_path)

    secrets = [secret for trustee in (first, second, third) for secret in key_secrets(trustee.file)]
    for credential in election.credentials.values():
        secrets += credential_secrets(election.parameters, credential)
    for president in ([0], [1], "blank"):
        for dues in ([0], [1]):
            secrets += choice_secrets(president, dues)
    secrets += [Secret("the code", code), Secret("the seed", base64.b64decode(code.split(".")[2] + "="))]
    own = [Secret(f"token of trustee {owner}", token) for owner, token in tokens.items()]
    watcher.require_absent(secrets, tokens=own)
