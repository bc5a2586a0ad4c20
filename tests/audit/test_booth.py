"""`steward-audit booth`: whether the pages that a server shows are those of the journal."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from audit.cli import cli
from crypto.encoding import sha256_hex
from tests.audit.serving import serving
from tests.simulator import KINDS, Act, Simulation, simulated

SAME, DIFFERENT, UNCHECKED = 0, 1, 2
ELECTION = simulated(replace(KINDS["plain"], stage="open"))
UUID = ELECTION.election.uuid
JOURNAL = f"/elections/{UUID}/{UUID}.journal.jsonl"
PAGE = f"/elections/{UUID}/vote?lang=en"
FILES = {PAGE: b"<html>", "/static/booth/worker.js": b"let x;", "/texts/en.json": b"{}"}


def with_lists(*lists: dict[str, bytes]) -> Simulation:
    acts = list(ELECTION.acts)
    place = next(index for index, act in enumerate(acts) if act.kind == "opened")
    for files in lists:
        named = [[path, sha256_hex(body)] for path, body in sorted(files.items())]
        acts.insert(place, Act("booth-files", {"files": named}, box=acts[place].box))
        place += 1
    return ELECTION.with_acts(acts)


def compare(
    served: dict[str, bytes],
    *lists: dict[str, bytes],
    journal: Path | None = None,
    address: Callable[[str], str] = lambda base: f"{base}{PAGE}#secret",
) -> Result:
    files = {JOURNAL: with_lists(*lists).journal, **served}
    own = [] if journal is None else ["--journal", str(journal)]
    # What links and sheets name is the page without a language.
    files = {**{path.removesuffix("?lang=en"): body for path, body in files.items()}, **files}
    with serving(files.get) as base:
        return CliRunner().invoke(cli, ["booth", address(base), *own])


def test_the_pages_of_the_journal() -> None:
    run = compare(FILES, FILES)
    assert run.exit_code == SAME, run.output
    assert run.output.startswith("the same: 3 files")


@pytest.mark.parametrize("path", FILES)
def test_an_exchanged_file_is_named(path: str) -> None:
    run = compare({**FILES, path: b"fetch('https://evil.example')"}, FILES)
    assert (run.exit_code, run.output) == (DIFFERENT, f"DIFFERS: {path}\n")


def test_a_page_that_is_exchanged_for_those_who_follow_a_link() -> None:
    """A link names no language; an honest page at the address that does is not enough."""
    plain = PAGE.removesuffix("?lang=en")
    run = compare({**FILES, plain: b"<script src=evil>"}, FILES)
    assert (run.exit_code, run.output) == (DIFFERENT, f"DIFFERS: {plain} (for a browser in en)\n")


@pytest.mark.parametrize("path", FILES)
def test_a_missing_file_is_named(path: str) -> None:
    run = compare({key: body for key, body in FILES.items() if key != path}, FILES)
    assert (run.exit_code, run.output) == (DIFFERENT, f"MISSING: {path}\n")


def test_the_last_list_counts_and_a_change_is_said() -> None:
    newer = {**FILES, "/texts/en.json": b"{1}"}
    run = compare(newer, FILES, newer)
    assert run.exit_code == SAME
    assert "changed 1 times" in run.output
    assert compare(FILES, FILES, newer).exit_code == DIFFERENT


def test_a_copy_of_the_journal_that_was_kept(tmp_path: Path) -> None:
    """The server may exchange its journal together with its pages; who has an earlier copy sees it."""
    kept = tmp_path / "kept.jsonl"
    kept.write_bytes(with_lists(FILES).journal)
    other = {**FILES, "/static/booth/worker.js": b"evil"}
    assert compare(other, other).exit_code == SAME
    assert compare(other, other, journal=kept).exit_code == DIFFERENT


@pytest.mark.parametrize(
    "address",
    [
        lambda base: "file:///etc/passwd",
        lambda base: f"{base}/",
        lambda base: base,
        lambda base: f"{base}/elections/short",
        lambda base: f"{base}/elections/Unknown1E1ection",
    ],
)
def test_other_addresses(address: Callable[[str], str]) -> None:
    assert compare(FILES, FILES, address=address).exit_code == UNCHECKED


@pytest.mark.parametrize("journal", [b"", b"x\n", b"{}\n", with_lists().journal])
def test_a_journal_without_a_list(journal: bytes) -> None:
    assert compare({**FILES, JOURNAL: journal}, FILES).exit_code == UNCHECKED


def test_the_journal_of_another_election() -> None:
    other = simulated(replace(KINDS["revotes"], stage="open")).journal
    run = compare({**FILES, JOURNAL: other}, FILES)
    assert run.exit_code == UNCHECKED


def test_no_other_address_is_asked() -> None:
    """A list cannot lead the auditor to another host: paths are below the site's address."""
    asked: list[str] = []
    files = {JOURNAL: with_lists({"//evil.example/x": b"1", "/a@evil.example": b"2"}).journal}

    def answer(path: str) -> bytes | None:
        asked.append(path)
        return files.get(path)

    with serving(answer) as base:
        run = CliRunner().invoke(cli, ["booth", f"{base}/elections/{UUID}"])
    assert run.exit_code == DIFFERENT
    # The test's server writes "//" as "/".
    assert asked == [JOURNAL, "/evil.example/x", "/a@evil.example"]


def test_a_flood_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("audit.booth._LARGEST_FILE", 5)
    assert compare(FILES, FILES).exit_code == UNCHECKED
