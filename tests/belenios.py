"""The outside verifier: runs official versions of belenios-tool.

Version 2.0 is an ordinary Debian 12 package. The other versions, and 2.0 on other systems, come from
`tools/get-belenios-tool` and lie in `.cache/belenios/VERSION/` (or below `$TEST_TOOLS_DIR`).
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
# What `--version` must begin with. Version 2.0 knows multiplicative groups only.
SERIES: Mapping[str, str] = {"2.0": "2.0", "3.0": "3.0", "3.3.0": "3.3"}


class ToolError(AssertionError):
    """belenios-tool refused; what it was asked and what it said are in the message and in `run`."""

    def __init__(self, run: subprocess.CompletedProcess[str]) -> None:
        words = " ".join(str(word) for word in run.args)
        super().__init__(f"{words} ended with {run.returncode}\n{run.stdout}{run.stderr}")
        self.run = run


class ToolMissingError(LookupError):
    """This machine does not have the version that was asked for; the message says how to get it."""


@dataclass(frozen=True)
class Tool:
    """One version of belenios-tool."""

    path: Path
    version: str

    def run(
        self,
        *args: str | Path,
        cwd: Path | None = None,
        input: str | None = None,  # noqa: A002  the name that subprocess.run has made familiar
        check: bool = True,
        timeout: float = 240,
    ) -> subprocess.CompletedProcess[str]:
        """Runs it and returns what it printed (`stdout`, `stderr`, `returncode`).

        Raises ToolError when it refuses, unless `check` is false. A run that does not end is killed.
        """
        command = [str(self.path), *(str(arg) for arg in args)]
        run = subprocess.run(
            command,
            cwd=cwd,
            # Without input of our own it must not wait for the terminal's.
            input="" if input is None else input,
            env=tool_environment(),
            capture_output=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
        )
        if check and run.returncode != 0:
            raise ToolError(run)
        return run


def tool_environment() -> dict[str, str]:
    """The environment to run it in, for callers that start the program themselves.

    It takes its randomness from /dev/random by default, which may block for minutes on a fresh machine.
    """
    return {**os.environ, "BELENIOS_USE_URANDOM": "1"}


def find_tool(version: str) -> Tool:
    """The wanted version ("2.0", "3.0" or "3.3.0"), or ToolMissingError."""
    series = SERIES[version]
    base = Path(os.environ.get("TEST_TOOLS_DIR") or PROJECT / ".cache" / "belenios")
    candidates = [base / version / "belenios-tool"]
    if installed := shutil.which("belenios-tool"):
        candidates.append(Path(installed))
    for path in candidates:
        if not path.is_file():
            continue
        answer = subprocess.run([path, "--version"], capture_output=True, encoding="utf-8", check=False)
        # "3.3.0 (3.3.0+20260702) [debug]"
        found = answer.stdout.split(" ", 1)[0].strip()
        if answer.returncode == 0 and (found == series or found.startswith(f"{series}.")):
            return Tool(path, found)
    raise ToolMissingError(
        f"belenios-tool {version} is not here: tools/get-belenios-tool {version} unpacks it on Debian"
    )
