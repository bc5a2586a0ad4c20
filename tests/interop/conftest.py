"""A folder with each version of belenios-tool."""

from pathlib import Path

import pytest

from tests.belenios import Tool
from tests.interop.bench import Bench


@pytest.fixture
def bench20(belenios20: Tool, tmp_path: Path) -> Bench:
    """Version 2.0; multiplicative groups only."""
    folder = tmp_path / "2.0"
    folder.mkdir()
    return Bench(belenios20, folder, group="BELENIOS-2048")


@pytest.fixture
def bench30(belenios30: Tool, tmp_path: Path) -> Bench:
    """Version 3.0; used for multiplicative groups."""
    folder = tmp_path / "3.0"
    folder.mkdir()
    return Bench(belenios30, folder, group="BELENIOS-2048")


@pytest.fixture
def bench33(belenios33: Tool, tmp_path: Path) -> Bench:
    """Version 3.3.0."""
    folder = tmp_path / "3.3.0"
    folder.mkdir()
    return Bench(belenios33, folder)
