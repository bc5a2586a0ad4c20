"""``steward-registrar sheets``: what is printed is compared with what is published; one wrong row refuses all."""

import os
import re
import stat
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from audit.registrar import cli
from audit.sheets import SheetsError, parse_calendar
from crypto.roll import Member, encode_roll
from crypto.tables import encode_table, read_table
from crypto.words import fingerprint_words
from tests.belenios import PROJECT
from tests.paper.reading import Reader
from tests.simulator import KINDS, Simulation, simulated, sound

SITE = "https://vote.example.org"


@dataclass
class Desk:
    """The registrar's: the files, and what to ask for."""

    folder: Path
    election: Simulation
    members: list[Member]
    rows: list[Sequence[str]]

    @property
    def out(self) -> Path:
        return self.folder / "sheets.pdf"

    def write(self) -> list[str]:
        """The three files; their names."""
        archive, roll, secret = (self.folder / name for name in ("box.bel", "roll.csv", "credentials.csv"))
        archive.write_bytes(self.election.archive)
        roll.write_text(encode_roll(self.members))
        secret.write_text(encode_table([("member_number", "credential"), *self.rows]))
        return [str(archive), str(roll), str(secret)]

    def words(self, *more: str) -> list[str]:
        dates = ["--closes", "2026-12-05T17:00", "--time-zone", "America/Chicago"]
        return ["sheets", "--site", SITE, *dates, "--out", str(self.out), *more, *self.write()]

    def run(self, *more: str) -> Result:
        return CliRunner().invoke(cli, self.words(*more))

    def refuse(self, *more: str) -> str:
        """What is said when nothing is printed; never a code."""
        result = self.run(*more)
        assert result.exit_code == 1, result.output
        assert not self.out.exists()
        for code in self.election.credentials:
            assert code not in result.output
        return result.stderr


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    election = sound("presented")
    return _lay_out(tmp_path, election)


def _lay_out(folder: Path, election: Simulation) -> Desk:
    members = [
        Member(f"Łukasz {number}", f"M{number}", weight=election.weight(number))
        for number in range(len(election.credentials))
    ]
    return Desk(folder, election, members, [(f"M{n}", code) for n, code in enumerate(election.credentials)])


def test_every_member_gets_a_sheet_with_the_own_code(desk: Desk, tmp_path: Path) -> None:
    result = desk.run()
    assert result.exit_code == 0, result.output
    fingerprint = desk.election.election.fingerprint
    assert f"3 sheets; secret, for the members only: {desk.out}\n" in result.output
    assert f"fingerprint of the election on them: {fingerprint}\n" in result.output
    words = fingerprint_words(fingerprint)
    assert f"words of the election on them:       {words}\n" in result.output
    assert stat.S_IMODE(desk.out.stat().st_mode) == 0o600
    reader = Reader(desk.out.read_bytes(), tmp_path)
    for number, code in enumerate(desk.election.credentials):
        link = f"{SITE}/elections/{desk.election.election.uuid}/vote#{code}.{fingerprint}"
        assert reader.scan(number + 1) == [link]
        text = reader.read(number + 1)
        assert words in text
        assert f"Łukasz {number}" in text
        assert code in text


def test_sheets_are_made_from_what_generate_writes(tmp_path: Path) -> None:
    """The two commands of the registrar fit together, whatever stands in a member number."""
    election = simulated(replace(KINDS["presented"], stage="setup"))
    desk = _lay_out(tmp_path, election)
    desk.members = [Member("Ada", '1,"a"', weight=3), Member("Bob", "2"), Member("Eve", "=HYPERLINK(B2)")]
    _, roll, secret = desk.write()
    Path(secret).unlink()
    made = CliRunner().invoke(
        cli, ["generate", "--election", election.election.uuid, "--out", str(tmp_path), roll]
    )
    assert made.exit_code == 0, made.output
    # A formula in this file, opened with a spreadsheet, could send everybody's codes away.
    assert "\n'=HYPERLINK(B2)," in Path(secret).read_text()
    desk.rows = [cells for _, cells in read_table(Path(secret).read_bytes())][1:]
    public = (tmp_path / "public-credentials.json").read_bytes()
    setup = election.index("Setup")
    entries = list(election.entries)
    entries[setup] = entries[setup].with_body("credentials", public)
    desk.election = election.with_entries(entries)
    assert desk.run().exit_code == 0
    reader = Reader(desk.out.read_bytes(), tmp_path)
    for page, (number, code) in enumerate(desk.rows, 1):
        text = reader.read(page)
        assert f"Member number {number} " in f"{text} "
        assert code in text


def test_the_sheets_speak_the_members_language(desk: Desk, tmp_path: Path) -> None:
    desk.members[0] = replace(desk.members[0], language="fr-CA")
    desk.members[1] = replace(desk.members[1], language="xx")
    assert desk.run("--language", "es", "--organisation", "Sección 12").exit_code == 0
    reader = Reader(desk.out.read_bytes(), tmp_path)
    assert "Votre code de vote" in reader.read(1)
    assert "Su código de voto" in reader.read(3)
    assert reader.read(3).startswith("Sección 12 ")


def test_single_sheets_are_printed_again(desk: Desk, tmp_path: Path) -> None:
    """A torn sheet: the member gets the same code once more, and nobody else's is printed."""
    assert desk.run("--member", "M1").exit_code == 0
    reader = Reader(desk.out.read_bytes(), tmp_path)
    assert reader.count_pages() == 1
    assert desk.election.credentials[1] in reader.read(1)


def test_nobody_gets_a_sheet_who_is_not_on_the_roll(desk: Desk) -> None:
    assert "no member who may vote has the number M9" in desk.refuse("--member", "M9")


@pytest.mark.parametrize("paper", ["letter", "a4-labels", "letter-labels"])
def test_other_papers_are_printed(desk: Desk, tmp_path: Path, paper: str) -> None:
    assert desk.run("--paper", paper, "--opens", "2026-12-01T08:00").exit_code == 0
    reader = Reader(desk.out.read_bytes(), tmp_path)
    assert len([code for page in range(reader.count_pages()) for code in reader.scan(page + 1)]) == 3


def test_sheets_are_never_replaced(desk: Desk) -> None:
    desk.out.write_bytes(b"earlier ones")
    result = desk.run()
    assert isinstance(result.exception, FileExistsError)
    assert desk.out.read_bytes() == b"earlier ones"


# --- what is compared ------------------------------------------------------------------------------------------------


def test_a_list_that_somebody_exchanged_is_found_before_it_is_printed(desk: Desk) -> None:
    """The server publishes other credentials than the registrar's, to vote with them itself: members' would fail."""
    desk.rows[1] = ("M1", simulated(replace(KINDS["presented"], seed=99)).credentials[1])
    said = desk.refuse()
    assert "the list in the ballot box is not the one of these credentials and weights" in said
    assert "the credential of member M1 is not in the ballot box's list" in said
    assert "member M0" not in said


def test_a_ballot_box_of_another_election_is_refused(desk: Desk) -> None:
    desk.election = simulated(replace(KINDS["presented"], seed=99))
    assert "the list in the ballot box is not the one" in desk.refuse()


def test_a_credential_too_many_in_the_ballot_box_is_found(desk: Desk) -> None:
    """A voter whom nobody knows: all sheets would be right, and still somebody else could vote."""
    desk.members.pop()
    desk.rows.pop()
    assert "the list in the ballot box is not the one" in desk.refuse()


def test_exchanged_weights_are_found(tmp_path: Path) -> None:
    desk = _lay_out(tmp_path, simulated(replace(KINDS["presented"], weights=(1, 2, 3))))
    assert desk.run().exit_code == 0
    desk.out.unlink()
    desk.members = [replace(member, weight=4 - member.weight) for member in desk.members]
    assert "credentials and weights" in desk.refuse()


def test_members_and_credentials_must_be_the_same_people(desk: Desk) -> None:
    desk.rows[0] = ("M7", desk.rows[0][1])
    said = desk.refuse()
    assert "member M0 has no credential" in said
    assert "member M7 is not on the roll, or may not vote" in said


def test_who_may_not_vote_gets_no_sheet(desk: Desk) -> None:
    desk.members[2] = replace(desk.members[2], eligible=False)
    assert "member M2 is not on the roll, or may not vote" in desk.refuse()


@pytest.mark.parametrize(
    "row, sentence",
    [
        (("M1", "{0}"), "row 5: this member number stands twice"),
        (("M9", "{1}"), "row 5: this credential stands twice"),
        (("M9", "{1}x"), "row 5: a credential has 22 characters, this text has 23"),
        (("M9",), "row 5: two cells are expected"),
        # What a terminal would obey to.
        (("\x1b]0;M9\x07", "x"), "row 5: the member number has a character that cannot be printed"),
        ((), "row 5: two cells are expected"),
    ],
)
def test_a_bad_row_of_credentials_refuses_all(desk: Desk, row: Sequence[str], sentence: str) -> None:
    desk.rows.append(tuple(cell.format(*desk.election.credentials) for cell in row))
    assert sentence in desk.refuse()


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"member_number,code\n",
        b"credential,member_number\n",
        b"\xff\xfe",
        b'member_number,credential\n"1',
    ],
)
def test_a_file_that_is_no_list_of_credentials_is_refused(desk: Desk, raw: bytes) -> None:
    words = desk.words()
    (desk.folder / "credentials.csv").write_bytes(raw)
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 1
    assert "credentials.csv" in result.stderr
    assert not desk.out.exists()


def test_an_archive_that_is_not_sound_is_refused(desk: Desk) -> None:
    words = desk.words()
    box = desk.folder / "box.bel"
    for damaged, said in (
        (b"no archive", "is not sound"),
        (desk.election.archive.replace(b"Ed25519", b"Ed25518", 1), "is not sound"),
        (b"", "is not s"),
    ):
        box.write_bytes(damaged)
        result = CliRunner().invoke(cli, words)
        assert result.exit_code == 1
        assert said in result.stderr
        assert not desk.out.exists()


def test_an_election_in_which_no_browser_votes_is_refused(tmp_path: Path) -> None:
    """Without the service key under the fingerprint the booth stops (ADR 0009); a sheet would promise too much."""
    desk = _lay_out(tmp_path, sound("plain"))
    assert "do not name the service key" in desk.refuse()


def test_names_that_cannot_be_printed_are_told_all_at_once(desk: Desk) -> None:
    desk.members = [replace(member, name="王芳") for member in desk.members]
    said = desk.refuse()
    assert said.count("The fonts have no letter for U+738B") == 3
    assert "--font FILE may help" in said


def test_many_faults_are_not_all_listed(desk: Desk) -> None:
    desk.rows += [(f"X{number}", "x") for number in range(60)]
    said = desk.refuse()
    assert said.count("row ") == 20
    assert "and 40 more" in said


@pytest.mark.parametrize(
    "site", ["http://vote.example.org", "vote.example.org", "https://vote.example.org/?x"]
)
def test_a_site_that_is_none_is_refused(desk: Desk, site: str) -> None:
    assert "is not an address such as https://vote.example.org" in desk.refuse("--site", site)


# --- when -----------------------------------------------------------------------------------------------------------


def test_times_are_those_of_the_time_zone_or_have_their_own() -> None:
    local = parse_calendar("2026-12-01 08:00", "2026-12-05T17:00", "America/Chicago")
    own = parse_calendar("2026-12-01T14:00Z", "2026-12-06T00:00+01:00", "America/Chicago")
    assert local == own
    assert local.closes_at.isoformat() == "2026-12-05T23:00:00+00:00"
    assert parse_calendar(None, "2026-12-05", "UTC").opens_at is None


@pytest.mark.parametrize(
    "opens, closes, zone, sentence",
    [
        (None, "5 December", "UTC", "is not a moment"),
        (None, "2026-12-05T17:00", "America/Springfield", "is not a time zone"),
        (None, "2026-12-05T17:00", "", "is not a time zone"),
        (None, "2026-12-05T17:00", "../etc/passwd", "is not a time zone"),
        (None, "2026-12-05T17:00", "America", "is not a time zone"),
        ("2026-12-05T17:00", "2026-12-05T17:00", "UTC", "close before it opens"),
        # Clocks are put back and forward: one hour is there twice, another not at all.
        (None, "2026-11-01T01:30", "America/Chicago", "is no hour or two hours"),
        (None, "2026-03-08T02:30", "America/Chicago", "is no hour or two hours"),
    ],
)
def test_times_that_are_none_are_refused(opens: str | None, closes: str, zone: str, sentence: str) -> None:
    with pytest.raises(SheetsError, match=re.escape(sentence)):
        parse_calendar(opens, closes, zone)


# --- what is installed ------------------------------------------------------------------------------------------------

_WITHOUT = """
import sys
for name in ("fpdf", "qrcode", "fontTools", "PIL"):
    sys.modules[name] = None
import audit.cli, audit.trustee
from audit.registrar import main
sys.argv[0] = "steward-registrar"
main()
"""


def test_the_other_commands_need_no_packages_for_sheets(desk: Desk) -> None:
    """An observer's or trustee's installation has the base only; ``sheets`` says there what is missing."""
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-c", _WITHOUT, *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    assert run("generate", "--help").returncode == 0
    refused = run(*desk.words())
    assert refused.returncode == 1
    assert "pip install 'steward-voting[sheets]'" in refused.stderr
    assert "Traceback" not in refused.stderr
