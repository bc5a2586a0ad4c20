"""An election that is being worked on can be audited by its address: both files must be of one moment."""

from itertools import count
from pathlib import Path

import pytest

from audit.fetch import FetchError, fetch_election
from audit.runner import audit
from tests.audit.serving import serving
from tests.simulator import sound


def test_a_tally_that_ends_between_two_downloads_is_no_finding(tmp_path: Path) -> None:
    """Without it an honest election looks forged: a result in the box that the older journal does not know."""
    election = sound("certified")
    early = election.journal[: election.journal.index(b'"kind":"tallied"')]
    early = early[: early.rindex(b"\n") + 1]
    looks = count()

    def answer(path: str) -> bytes:
        if path.endswith(".bel"):
            return election.archive
        return early if next(looks) == 0 else election.journal

    (tmp_path / "old.jsonl").write_bytes(early)
    (tmp_path / "box.bel").write_bytes(election.archive)
    assert audit(tmp_path / "box.bel", tmp_path / "old.jsonl").verdict == "findings"
    with serving(answer) as base:
        fetched = fetch_election(f"{base}/elections/{election.election.uuid}", tmp_path)
    assert audit(fetched.archive, fetched.journal).verdict == "sound"


def test_a_journal_that_never_rests_is_given_up(tmp_path: Path) -> None:
    """A lying server must not keep the auditor busy for ever."""
    election = sound("certified")
    looks = count()

    def answer(path: str) -> bytes:
        return election.archive if path.endswith(".bel") else b"x" * next(looks)

    with serving(answer) as base, pytest.raises(FetchError, match="try again"):
        fetch_election(f"{base}/elections/{election.election.uuid}", tmp_path)
    assert next(looks) < 10
