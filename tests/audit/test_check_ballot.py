"""`steward-audit check-ballot`: what a voter's second device says, also when the server lies."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from click.testing import CliRunner, Result

from audit.cli import cli
from crypto.ballot import ballot_tracker, make_ballot, votes_from_choices
from crypto.challenge import encode_challenge
from crypto.encoding import sha256_hex
from crypto.journal import SERVICE
from crypto.randomness import SeedCoins
from crypto.words import fingerprint_words
from tests.audit.serving import Reply, serving
from tests.simulator import KINDS, Act, Simulation, change_json, simulated

SEED = bytes(range(32))
CHOICES: list[Any] = [[0, 2], [1]]
OPENED, DIFFERENT, UNCHECKED = 0, 1, 2


def election() -> Simulation:
    """BOARD (blank, up to two of Ada, Björn, Çelik) and YES_NO, open."""
    return simulated(replace(KINDS["presented"], stage="open"))


def make(choices: Any = None, seed: bytes = SEED) -> bytes:
    simulation = election()
    votes = votes_from_choices(simulation.election, choices or CHOICES)
    return make_ballot(simulation.election, simulation.credentials[0], votes, SeedCoins(seed))


def journal_with(raw: bytes) -> bytes:
    simulation = election()
    act = Act("ballot-challenged", {"tracker": ballot_tracker(raw)}, SERVICE, len(simulation.entries) - 1)
    return simulation.with_acts([*simulation.acts, act]).journal


def files_of(raw: bytes) -> dict[str, bytes]:
    """What an honest server has."""
    simulation = election()
    uuid = simulation.election.uuid
    return {
        f"/api/v1/elections/{uuid}/election": simulation.election.raw,
        f"/api/v1/elections/{uuid}/challenges/{sha256_hex(raw)}": raw,
        f"/elections/{uuid}/{uuid}.journal.jsonl": journal_with(raw),
    }


def check(*args: str | Path) -> Result:
    return CliRunner().invoke(cli, ["check-ballot", *map(str, args)])


def scan(
    raw: bytes,
    *,
    files: Mapping[str, bytes | Reply] | None = None,
    choices: Any = None,
    page: str = "check",
    change: Callable[[str], str] = lambda code: code,
) -> Result:
    """The phone shows the code of `raw`; the server has `files`."""
    code = encode_challenge(ballot_tracker(raw), SEED, choices or CHOICES)
    with serving((files_of(raw) if files is None else files).get) as base:
        return check(f"{base}/elections/{election().election.uuid}/{page}#{change(code)}")


# --- honest ------------------------------------------------------------------------------------------------------


def test_what_the_ballot_contains_in_the_elections_words() -> None:
    raw = make()
    run = scan(raw)
    assert run.exit_code == OPENED, run.output
    lines = run.output.splitlines()
    assert lines[0] == "The ballot contains exactly this:"
    assert lines[2:7] == [
        "Question 1: Who shall sit on the board?",
        "  Ada",
        "  Çelik",
        "Question 2: Shall the dues be raised?",
        "  No",
    ]
    assert f"fingerprint  {election().election.fingerprint}" in lines
    assert f"words        {fingerprint_words(election().election.fingerprint)}" in lines
    assert f"tracker      {ballot_tracker(raw)}" in lines
    assert "can never be cast" in lines[-1]


@pytest.mark.parametrize("board, words", [("blank", "  blank vote"), ([], "  nothing chosen")])
def test_votes_for_nobody_have_words(board: Any, words: str) -> None:
    choices = [board, [0]]
    run = scan(make(choices), choices=choices)
    assert run.exit_code == OPENED
    assert run.output.splitlines()[3] == words


def test_from_files_without_network(tmp_path: Path) -> None:
    raw = make()
    (tmp_path / "election.json").write_bytes(election().election.raw)
    (tmp_path / "ballot.json").write_bytes(raw + b"\n")
    code = encode_challenge(ballot_tracker(raw), SEED, CHOICES)
    files = ("--election", tmp_path / "election.json", "--ballot", tmp_path / "ballot.json")
    run = check(code, *files)
    assert run.exit_code == OPENED, run.output
    assert "was not asked" in run.output.splitlines()[-1]
    uuid = election().election.uuid
    assert check(f"https://vote.example.org/elections/{uuid}/check#{code}", *files).exit_code == OPENED
    assert check(code).exit_code == UNCHECKED
    assert check(code, *files[:2]).exit_code == UNCHECKED
    assert check(code, *files[2:]).exit_code == UNCHECKED


def test_a_code_that_a_scanner_has_escaped() -> None:
    assert scan(make(), change=lambda code: quote(code, safe="")).exit_code == OPENED


def test_what_lies_elsewhere_is_not_taken() -> None:
    """Whoever stands in between must not lead to election data, a ballot and a journal of his own."""
    raw = make()
    for path in files_of(raw):
        moved: dict[str, bytes | Reply] = {f"/elsewhere{path}": files_of(raw)[path]}
        moved = {**files_of(raw), **moved, path: Reply(status=302, headers={"Location": f"/elsewhere{path}"})}
        run = scan(raw, files=moved)
        assert run.exit_code == UNCHECKED
        assert f"redirects to /elsewhere{path}: not followed" in run.output


# --- a dishonest booth -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encrypted", [[[0, 1], [1]], [[0, 2], [0]], ["blank", [1]]])
def test_a_booth_that_encrypts_something_else(encrypted: Any) -> None:
    """Without it: the phone could vote for whom it likes."""
    run = scan(make(encrypted))
    assert run.exit_code == DIFFERENT
    assert run.output.startswith("NOT WHAT IT SAYS: V4: question ")
    assert "complain" in run.output


def test_a_booth_that_tells_another_seed() -> None:
    assert scan(make(seed=bytes(32))).exit_code == DIFFERENT


def test_choices_that_nobody_can_make() -> None:
    assert scan(make(), choices=[[0, 9], [1]]).exit_code == DIFFERENT


@pytest.mark.parametrize(
    "change", [lambda code: code + "x", lambda code: code[1:], lambda code: "", lambda code: "2" + code[1:]]
)
def test_what_is_no_code(change: Callable[[str], str]) -> None:
    run = scan(make(), change=change)
    assert run.exit_code == UNCHECKED
    assert "V4" in run.output


# --- a dishonest server ------------------------------------------------------------------------------------------


def altered(raw: bytes, **files: bytes | None) -> dict[str, bytes]:
    """The honest files about `raw` with another election, ballot or journal; None: not there."""
    names = {"/election": "election", "challenges": "ballot", ".jsonl": "journal"}
    result = {}
    for path, body in files_of(raw).items():
        [kind] = [name for part, name in names.items() if path.endswith(part) or f"/{part}/" in path]
        new = files.get(kind, body)
        if new is not None:
            result[path] = new
    return result


def test_another_ballot_under_the_tracker() -> None:
    raw = make()
    run = scan(raw, files=altered(raw, ballot=make([[0], [1]])))
    assert run.exit_code == DIFFERENT
    assert "tracker" in run.output


def test_other_election_data_than_the_ballot_names() -> None:
    """Names exchanged in the election data would show the voter the right words for a wrong vote."""
    simulation = election()
    entries = change_json(
        simulation.entries,
        0,
        "election",
        lambda e: {
            **e,
            "questions": [{**e["questions"][0], "answers": ["Çelik", "Björn", "Ada"]}, e["questions"][1]],
        },
    )
    raw = make()
    run = scan(raw, files=altered(raw, election=entries[0].body("election")))
    assert run.exit_code == DIFFERENT
    assert "B3" in run.output


def test_the_data_of_another_election() -> None:
    other = simulated(replace(KINDS["plain"], stage="open")).election.raw
    raw = make()
    run = scan(raw, files=altered(raw, election=other))
    assert run.exit_code == UNCHECKED
    assert "another election" in run.output


def test_a_ballot_that_was_not_given_up() -> None:
    """It could be cast after its content was shown to somebody."""
    raw = make()
    run = scan(raw, files=altered(raw, journal=election().journal))
    assert run.exit_code == DIFFERENT
    assert "could still be cast" in run.output


def test_a_journal_that_somebody_else_sealed_says_nothing() -> None:
    """Whoever stands in between could show this device a journal of his own, and cast the ballot all the same."""
    raw, simulation = make(), election()
    assert simulation.election.record_terms is not None
    key = simulated(replace(KINDS["presented"], stage="open", seed=99)).service_key
    act = Act("ballot-challenged", {"tracker": ballot_tracker(raw)}, SERVICE, len(simulation.entries) - 1)
    first, *acts = simulation.acts
    created = replace(first, payload={**first.payload, "service_key": key.public})
    journal = replace(simulation, service_key=key).with_acts([created, *acts, act]).journal
    run = scan(raw, files=altered(raw, journal=journal))
    assert run.exit_code == DIFFERENT
    assert "another key than the election data name" in run.output


@pytest.mark.parametrize("missing", ["election", "ballot", "journal"])
def test_what_is_not_there_is_not_checked(missing: str) -> None:
    raw = make()
    run = scan(raw, files=altered(raw, **{missing: None}))
    assert run.exit_code == UNCHECKED
    assert run.output.startswith("could not check: ")


@pytest.mark.parametrize("body", [b"", b"{}", b"\xff", b"[" * 100_000])
@pytest.mark.parametrize("what", ["election", "journal"])
def test_nonsense_is_not_checked(what: str, body: bytes) -> None:
    raw = make()
    assert scan(raw, files=altered(raw, **{what: body})).exit_code == UNCHECKED


def test_a_flood_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.checking._LARGEST_RECORD", 1000)
    run = scan(make())
    assert run.exit_code == UNCHECKED
    assert "longer than 1000 bytes" in run.output


@pytest.mark.parametrize(
    "address", ["file:///etc/elections/AAAAAAAAAAAAAA/check", "https://example.org/", "javascript:1", ""]
)
def test_other_addresses_are_not_asked(address: str) -> None:
    code = encode_challenge(ballot_tracker(make()), SEED, CHOICES)
    assert check(f"{address}#{code}").exit_code == UNCHECKED


def test_names_cannot_move_the_cursor() -> None:
    """A name with control characters must not overwrite what was said."""
    spec = replace(KINDS["plain"], stage="open", name="\x1b[2Jyes", seed=95)
    simulation = simulated(spec)
    votes = votes_from_choices(simulation.election, [[0]])
    raw = make_ballot(simulation.election, simulation.credentials[0], votes, SeedCoins(SEED))
    uuid = simulation.election.uuid
    act = Act("ballot-challenged", {"tracker": ballot_tracker(raw)}, SERVICE, len(simulation.entries) - 1)
    files = {
        f"/api/v1/elections/{uuid}/election": simulation.election.raw,
        f"/api/v1/elections/{uuid}/challenges/{sha256_hex(raw)}": raw,
        f"/elections/{uuid}/{uuid}.journal.jsonl": simulation.with_acts([*simulation.acts, act]).journal,
    }
    with serving(files.get) as base:
        run = check(f"{base}/elections/{uuid}/check#{encode_challenge(ballot_tracker(raw), SEED, [[0]])}")
    assert run.exit_code == OPENED, run.output
    assert "\x1b" not in run.output
