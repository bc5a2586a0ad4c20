"""What a page, a style or a program loads: a list of files is whole only if all of it is listed.

Programs are searched with patterns and not parsed. The published ones name what they load in plain words; one that
hides it is in the journal with its hash, for people to read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import PurePosixPath
from posixpath import normpath

_TEXT = r"""["']([^"'\n]*)["']"""
# Also in comments: an import that names a type names a listed file, too.
_IMPORT = re.compile(
    rf"\b(?:from|import)\s*{_TEXT}|\bimport\s*\(\s*{_TEXT}|\bnew\s+URL\s*\(\s*{_TEXT}\s*,\s*import\.meta\.url"
)
_UNCLEAR = re.compile(r"""\bimport\s*\(\s*[^\s"'][^)\n]{0,40}|\bimportScripts\s*\([^)\n]{0,40}\)?""")
_STYLE = re.compile(r"""@import\s*["']([^"'\n]*)["']|\burl\(\s*["']?([^"')\n]*)""")


class _PageParser(HTMLParser):
    """References in the order of the page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Also of an element without content."""
        values = {name: value or "" for name, value in attrs}
        # What makes addresses mean something else, leads away, or is a program in the page: nothing that can be listed.
        if (
            tag == "base"
            or (tag == "script" and "src" not in values)
            or values.get("http-equiv", "").strip().lower() == "refresh"
        ):
            self.found.append(tag)
        self.found += [name for name in values if name.startswith("on")]
        self.found += [
            values[name] for name in ("src", "srcset", "data", "srcdoc", "poster") if name in values
        ]
        if tag == "link":
            self.found.append(values.get("href", ""))
        if tag in ("use", "image"):
            self.found += [values[name] for name in ("href", "xlink:href") if name in values]


def _list_raw(path: str, text: str) -> Iterator[str]:
    """References as they stand there; what can be none of a file is for nobody to find in a list."""
    match PurePosixPath(path.partition("?")[0]).suffix:
        case ".js":
            yield from (next(filter(None, match.groups()), "") for match in _IMPORT.finditer(text))
            yield from (match.group() for match in _UNCLEAR.finditer(text))
        case ".css":
            yield from (match[1] or match[2] for match in _STYLE.finditer(text))
        case "":
            parser = _PageParser()
            parser.feed(text)
            parser.close()
            yield from parser.found


def list_references(path: str, body: bytes) -> Iterator[str]:
    """The address of each file that the file at ``path`` loads; as it stands there if it is none below the site."""
    for raw in _list_raw(path, body.decode("utf-8", "replace")):
        if raw.startswith(("data:", "#")):
            continue
        reference = raw.partition("#")[0]
        if reference.startswith("/") and not reference.startswith("//"):
            yield normpath(reference)
        elif reference.startswith(("./", "../")) or (reference and _is_name(path, reference)):
            yield normpath(f"{path.rpartition('/')[0]}/{reference}")
        else:
            yield raw


def _is_name(path: str, reference: str) -> bool:
    """Whether it is a name beside ``path``. In a module that imports it this would be a name that nobody resolves."""
    return bool(re.fullmatch(r"[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*\.(js|css|svg|json)", reference))
