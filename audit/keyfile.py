"""A trustee's key file: everything that the trustee keeps between the steps of a key ceremony.

One JSON object, readable by its owner only. It never crosses a network; what does is printed by
the commands of ``steward-trustee``. A new file never replaces an old one, and a changed one takes
the old one's place in a single step.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal

from crypto.errors import MalformedError
from crypto.groups import Group, get_group

RULE = "T7"
VERSION = 1
# Of the fields that are not texts.
_TYPES: dict[str, type] = {
    "size": int,
    "threshold": int,
    "index": int,
    "message": dict,
    "certificates": list,
    "commitments": dict,
}


@dataclass
class KeyFile:
    """``secret`` for a single trustee, ``seed`` for a threshold trustee; the rest is what was seen."""

    kind: Literal["single", "threshold"]
    group: str
    secret: str | None = None
    seed: str | None = None
    size: int | None = None
    threshold: int | None = None
    index: int | None = None
    # What this trustee will reveal, made at the commitment.
    message: dict[str, Any] | None = None
    certificates: list[Any] = field(default_factory=list)
    # Everybody's commitments as they were shown before this trustee revealed.
    commitments: dict[str, str] = field(default_factory=dict)
    private_key: str | None = None
    # The tally that this key was applied to: never to another one.
    decrypted: str | None = None

    def get_group(self) -> Group:
        return get_group(self.group, RULE)


def _encode(key: KeyFile) -> bytes:
    present = {item.name: getattr(key, item.name) for item in fields(key)}
    content = {name: value for name, value in present.items() if value not in (None, [], {})}
    return (json.dumps({"version": VERSION, **content}, ensure_ascii=False, indent=1) + "\n").encode()


def create_key_file(path: Path, key: KeyFile) -> None:
    """Writes a new file with mode 0600; FileExistsError rather than replacing a key."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(_encode(key))
        file.flush()
        os.fsync(file.fileno())


def replace_key_file(path: Path, key: KeyFile) -> None:
    """Writes the changed key beside the old file and puts it in its place."""
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    create_key_file(beside, key)
    beside.replace(path)


def read_key_file(path: Path) -> KeyFile:
    """MalformedError (T7) with a sentence if it is not such a file."""
    try:
        content = json.loads(path.read_bytes())
    except ValueError as error:
        raise MalformedError(RULE, f"{path.name} is not a trustee's key file") from error
    known = {item.name for item in fields(KeyFile)}
    if not isinstance(content, dict) or content.pop("version", None) != VERSION or set(content) - known:
        raise MalformedError(RULE, f"{path.name} is not a trustee's key file of version {VERSION}")
    needed = {"single": ("secret",), "threshold": ("seed", "size", "threshold", "index")}
    kind = content.get("kind")
    if (
        not isinstance(kind, str)
        or kind not in needed
        or any(x not in content for x in ("group", *needed[kind]))
    ):
        raise MalformedError(RULE, f"{path.name} lacks a part of a trustee's key")
    for name, value in content.items():
        if type(value) is not _TYPES.get(name, str):
            raise MalformedError(RULE, f"{path.name} is damaged: {name} is of the wrong kind")
    if kind == "threshold" and "coefexps" not in content.get("message", {"coefexps": None}):
        raise MalformedError(RULE, f"{path.name} is damaged: the message has no coefficients")
    return KeyFile(**content)
