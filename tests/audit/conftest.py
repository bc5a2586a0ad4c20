"""Fixtures of the auditor's tests."""

from pathlib import Path

import pytest

from tests.audit.judging import Judge


@pytest.fixture
def judge(tmp_path: Path) -> Judge:
    """Asks the auditor: `judge(archive)`, `judge(archive, journal)`, `judge.of(election)`."""
    return Judge(tmp_path)
