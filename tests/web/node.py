"""Node.js, which runs the browser's modules beside their models in Python."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

DRIVER = Path(__file__).with_name("driver.mjs")
# The first that the bundled library's authors name.
OLDEST = (20, 19)


class NodeMissingError(Exception):
    """There is no Node.js, or an old one."""


class JsError(Exception):
    """What a module threw: its class, and the rule's number where there is one."""

    def __init__(self, family: str, rule: str | None, message: str, stack: str) -> None:
        super().__init__(f"{message}\n{stack}")
        self.family = family
        self.rule = rule
        self.message = message


def find_node() -> str:
    path = shutil.which("node")
    if path is None:
        raise NodeMissingError("Node.js is missing (on Debian as root: apt-get install nodejs)")
    version = subprocess.run([path, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    if tuple(int(part) for part in version.lstrip("v").split(".")[:2]) < OLDEST:
        raise NodeMissingError(
            f"Node.js {version} is too old: {'.'.join(map(str, OLDEST))} or newer is needed"
        )
    return path


class Node:
    """One process that answers `call(case, …)` from the files in cases/."""

    def __init__(self) -> None:
        command = [find_node(), str(DRIVER)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
        )

    def call(self, case: str, /, **args: Any) -> Any:
        """The value, or JsError."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"case": case, "args": args}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "Node.js ended"
        answer = json.loads(line)
        if "error" in answer:
            raise JsError(**answer["error"])
        return answer["value"]

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=30)
        self._process.stdout.close()
