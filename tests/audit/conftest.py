"""Fixtures of the auditor's tests."""

from pathlib import Path

import pytest

from tests.audit.judging import Judge


@pytest.fixture(autouse=True)
def own_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where steward-trustee remembers keys: the simulator gives the same ones to several tests."""
    folder = tmp_path / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(folder))
    return folder / "steward-trustee"


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """Asks the auditor: `judge(archive)`, `judge(archive, journal)`, `judge.of(election)`."""
    return Judge(tmp_path)
