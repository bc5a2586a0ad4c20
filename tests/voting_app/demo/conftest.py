"""Runs the demo as a user does: the program, its files, its exit status."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

QUESTIONS = '[{"question": "Shall we?", "answers": ["Yes", "No"], "min": 1, "max": 1}]'
# The installed program.
COMMAND = [str(Path(sys.executable).with_name("steward")), "demo"]


@dataclass(frozen=True)
class Files:
    """A user's own files."""

    folder: Path

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    def options(self, roll: str | bytes, votes: str | bytes, questions: str | bytes = QUESTIONS) -> list[str]:
        """The options that name files with these contents."""
        return [
            *("--roll", str(self.write("roll.csv", roll))),
            *("--questions", str(self.write("questions.json", questions))),
            *("--votes", str(self.write("votes.csv", votes))),
        ]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    folder = tmp_path / "files"
    folder.mkdir()
    return Files(folder)


def run_demo(*options: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """The demo to its end."""
    return subprocess.run(
        [*COMMAND, *options],
        cwd=cwd,
        capture_output=True,
        encoding="utf-8",
        timeout=240,
        check=False,
    )
