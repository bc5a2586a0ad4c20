"""Trustees in the browser: from the first key to the opened result, and what they are protected from."""

from pathlib import Path

from audit.runner import audit
from tests.belenios import Tool
from tests.flows.browser import DESK, PHONE
from tests.flows.elections import HeldElection
from tests.flows.leaks import Secret
from tests.flows.people import Elections, People
from tests.flows.trustees import BrowserTrustee, CommandTrustee, key_secrets, tokens_of
from tests.flows.watching import Watcher

ACTS = ("Make your key", "Draw your part", "Send your part", "Put your key together")
DRILL = "Show that you have your key"


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


def test_two_in_the_browser_and_one_with_the_command_open_a_result(
    people: People, elections: Elections, watcher: Watcher, tmp_path: Path, belenios33: Tool
) -> None:
    election = elections.new(members=6).create().freeze().issue().seat()
    crowd = seat_people(election, people, tmp_path, 1, 3)
    command = CommandTrustee(election, 2, dict(tokens_of(election))[2], tmp_path)
    sends = ("certificate", "commitment", "reveal", "share")
    for act, send in zip(ACTS, sends, strict=True):
        crowd[1].step(act)
        getattr(command, f"send_{send}")()
        crowd[3].step(act)
    election.act("keys")
    crowd[3].step(DRILL)
    command.send_drill()
    crowd[1].step(DRILL)
    election.open()
    for member in range(1, 7):
        election.vote(f"M{member}", [member % 2], [0])
    election.close()

    # Trustee 3 is absent.
    first = crowd[1]
    first.visit()
    first.choose(first.file)
    first.heading("Everything is right. Open this sum?").wait_for()
    first.page.get_by_role("button", name="Use my key").click()
    first.save()
    first.choose(first.file)
    first.page.get_by_text("Your part stands in the published record.").wait_for()
    archive = election.download_archive(tmp_path / f"{election.uuid}.bel")
    journal = election.download_journal(tmp_path / "journal")
    command.send_decryption(archive, journal)
    election._wait(lambda status: status["state"] == "tallied")

    archive = election.download_archive(archive)
    report = audit(archive, election.download_journal(journal))
    assert report.verdict == "sound"
    assert report.result == [[0, 3, 3], [6, 0]]
    belenios33.run("election", "verify", "--dir", str(tmp_path))
    secrets = [secret for file in (first.file, crowd[3].file, command.file) for secret in key_secrets(file)]
    watcher.require_absent(secrets)
    tokens = [Secret(f"token of trustee {owner}", token) for owner, token in tokens_of(election)]
    watcher.require_absent(tokens, except_in={"authorization"})
