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
    "journal": dict,
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
    # What was published at the drill: the election's fingerprint, and height and hash of the journal's last line.
    fingerprint: str | None = None
    journal: dict[str, Any] | None = None
    # The tally that this key was applied to: never to another one.
    decrypted: str | None = None

    def get_group(self) -> Group:
        return get_group(self.group, RULE)


def encode_key_file(key: KeyFile) -> bytes:
    """The file's text; the browser's pages (static/booth/keyfile.js) write the same bytes."""
    present = {item.name: getattr(key, item.name) for item in fields(key)}
    content = {name: value for name, value in present.items() if value not in (None, [], {})}
    return (json.dumps({"version": VERSION, **content}, ensure_ascii=False, indent=1) + "\n").encode()


def create_key_file(path: Path, key: KeyFile) -> None:
    """Writes a new file with mode 0600; FileExistsError rather than replacing a key."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(encode_key_file(key))
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
    return parse_key_file(path.read_bytes(), path.name)


def parse_key_file(raw: bytes, file_name: str) -> KeyFile:
    """The inverse of :func:`encode_key_file`, forgiving as to spaces; ``file_name`` is for the sentence."""
    try:
        content = json.loads(raw)
    except ValueError as error:
        raise MalformedError(RULE, f"{file_name} is not a trustee's key file") from error
    known = {item.name for item in fields(KeyFile)}
    if not isinstance(content, dict) or content.pop("version", None) != VERSION or set(content) - known:
        raise MalformedError(RULE, f"{file_name} is not a trustee's key file of version {VERSION}")
    needed = {"single": ("secret",), "threshold": ("seed", "size", "threshold", "index")}
    kind = content.get("kind")
    if (
        not isinstance(kind, str)
        or kind not in needed
        or any(x not in content for x in ("group", *needed[kind]))
    ):
        raise MalformedError(RULE, f"{file_name} lacks a part of a trustee's key")
    for name, value in content.items():
        if type(value) is not _TYPES.get(name, str):
            raise MalformedError(RULE, f"{file_name} is damaged: {name} is of the wrong kind")
    if kind == "threshold" and "coefexps" not in content.get("message", {"coefexps": None}):
        raise MalformedError(RULE, f"{file_name} is damaged: the message has no coefficients")
    return KeyFile(**content)
