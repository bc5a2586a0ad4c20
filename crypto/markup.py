r"""The little markup of descriptions and statements: a part of Markdown that is defined to the letter (docs/protocol.md
§7.11), so that every page and every program shows the same.

Blocks: paragraphs, headings of one level (``# …`` to ``### …``), lists (``- …``, ``* …`` or ``1. …``). Inside them:
``**bold**``, ``*italic*`` (or with ``_``), ``[links](https://…)`` to the web and to mail addresses, ``\*`` for a sign
that shall stand for itself; a line's end is a line's end. Everything else is the text that it is: no HTML, no images.
Any text can be read; there are no errors. The work grows with the length of the text, whatever stands in it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

SpanKind = Literal["strong", "em", "link", "break"]
BlockKind = Literal["paragraph", "heading", "bullets", "numbers"]

_HEADING = re.compile(r"#{1,3} +(?=[^ ])")
_BULLET = re.compile(r" *[-*] +(?=[^ ])")
_NUMBER = re.compile(r" *([0-9]{1,9})[.)] +(?=[^ ])", re.ASCII)
# No name or password before the host, which would look like one; no sign that a page could misread.
_LINK = re.compile(
    r"\]\(((?:https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:[/?#][!#-'*-;=?-\[\]-_a-z{|}~]*)?)"
    r"|(?:mailto:[A-Za-z0-9.%+_-]+@[A-Za-z0-9.-]+))\)",
    re.ASCII,
)
_ESCAPED = frozenset("\\*_[]()#-.!")
# Beside these an underscore may begin or end emphasis; in the middle of words it is a sign like any other.
_BEFORE_UNDERSCORE = frozenset(" \n([\"'*")
_AFTER_UNDERSCORE = frozenset(" \n)]\"'*.,;:!?")


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a line that is more than text; ``url`` is a link's."""

    kind: SpanKind
    children: tuple[Inline, ...] = ()
    url: str = ""

    @property
    def host(self) -> str:
        """Where a link leads, for who does not see its address."""
        if self.url.startswith("mailto:"):
            return self.url.removeprefix("mailto:")
        return re.split("[/?#]", self.url.partition("://")[2], maxsplit=1)[0]


Inline = str | Span


@dataclass(frozen=True, slots=True)
class Block:
    """Paragraph or heading of one item, or list of several; ``start`` is the first number of a numbered one."""

    kind: BlockKind
    items: tuple[tuple[Inline, ...], ...]
    start: int = 1


def parse_markup(text: str) -> tuple[Block, ...]:
    """Any text → its blocks."""
    return tuple(
        Block(kind, tuple(tuple(_parse_inline(item, frozenset())) for item in items), start)
        for kind, start, items in _split_blocks(text)
    )


def make_plain(text: str) -> str:
    """The text without its markup, for mail and paper: links with their addresses, lists with dashes and numbers."""
    blocks = []
    for block in parse_markup(text):
        items = [_write_plain(item) for item in block.items]
        if block.kind == "bullets":
            items = [f"- {item}" for item in items]
        elif block.kind == "numbers":
            items = [f"{number}. {item}" for number, item in enumerate(items, block.start)]
        blocks.append("\n".join(items))
    return "\n\n".join(blocks)


def _write_plain(items: tuple[Inline, ...]) -> str:
    parts = []
    for item in items:
        if isinstance(item, str):
            parts.append(item)
        elif item.kind == "break":
            parts.append("\n")
        else:
            inner = _write_plain(item.children)
            address = item.url.removeprefix("mailto:")
            parts.append(f"{inner} ({address})" if item.kind == "link" and inner != address else inner)
    return "".join(parts)


def _split_blocks(text: str) -> Iterator[tuple[BlockKind, int, list[str]]]:
    kind: BlockKind | None = None
    start, items = 1, list[str]()
    after_blank = False
    for line in text.split("\n"):
        found = _read_line(line, kind, after_blank)
        if found is None:
            after_blank = True
            continue
        new, number, rest, continues = found
        if continues == "line":
            items[-1] += "\n" + rest
        elif continues == "item":
            items.append(rest)
        else:
            if kind is not None:
                yield kind, start, items
            kind, start, items = new, number, [rest]
        after_blank = False
    if kind is not None:
        yield kind, start, items


def _read_line(
    line: str, kind: BlockKind | None, after_blank: bool
) -> tuple[BlockKind, int, str, Literal["line", "item", "block"]] | None:
    """Of a line: its kind of block, its number, its text, and whether it goes on with the last line's item, is a new
    item of its list, or begins a block. None for an empty line."""
    rest = line.strip(" ")
    if not rest:
        return None
    if found := _HEADING.match(line):
        return "heading", 1, line[found.end() :].rstrip(" "), "block"
    if found := _BULLET.match(line):
        return "bullets", 1, line[found.end() :].rstrip(" "), "item" if kind == "bullets" else "block"
    found = _NUMBER.match(line)
    # A line of a paragraph that happens to begin with a year and a full stop is no list.
    if found and (kind in (None, "heading", "numbers") or after_blank or int(found[1]) == 1):
        continues: Literal["item", "block"] = "item" if kind == "numbers" else "block"
        return "numbers", int(found[1]), line[found.end() :].rstrip(" "), continues
    if kind in (None, "heading") or after_blank:
        return "paragraph", 1, rest, "block"
    return "paragraph", 1, rest, "line"


def _parse_inline(text: str, inside: frozenset[SpanKind]) -> Iterator[Inline]:
    """Text and spans. Nothing stands in its like, so that no text is read more than a few times."""
    plain = ""
    place = 0
    # Signs after which the text has nothing that would close them, from here on.
    unclosed: set[str] = set()
    while place < len(text):
        sign = text[place]
        if sign == "\\" and text[place + 1 : place + 2] in _ESCAPED:
            plain += text[place + 1]
            place += 2
            continue
        found: tuple[Span, int] | None = None
        if sign == "\n":
            found = Span("break"), place + 1
        elif sign in "*_":
            found = _read_emphasis(text, place, inside, unclosed)
        elif sign == "[" and "link" not in inside:
            found = _read_link(text, place, inside, unclosed)
        if found is None:
            plain += sign
            place += 1
            continue
        if plain:
            yield plain
        plain = ""
        span, place = found
        yield span
    if plain:
        yield plain


def _read_emphasis(
    text: str, place: int, inside: frozenset[SpanKind], unclosed: set[str]
) -> tuple[Span, int] | None:
    sign = text[place]
    if sign == "_" and place and text[place - 1] not in _BEFORE_UNDERSCORE:
        return None
    kinds: tuple[tuple[str, SpanKind], ...] = ((sign * 2, "strong"), (sign, "em"))
    for mark, kind in kinds:
        first = place + len(mark)
        if (
            kind in inside
            or mark in unclosed
            or not text.startswith(mark, place)
            or text[first : first + 1] in ("", " ", "\n")
        ):
            continue
        end = _find_end(text, first, mark)
        if end is None:
            unclosed.add(mark)
            continue
        return Span(kind, tuple(_parse_inline(text[first:end], inside | {kind}))), end + len(mark)
    return None


def _find_end(text: str, first: int, mark: str) -> int | None:
    """Where the mark stands that closes what begins at ``first``: the last of a run of its signs that is long enough,
    after something that is no space. A run of two closes no single sign, because it is a mark of its own."""
    place = first
    while place < len(text):
        if text[place] == "\\":
            place += 2
            continue
        if text[place] != mark[0]:
            place += 1
            continue
        end = place
        while text[end : end + 1] == mark[0]:
            end += 1
        length = end - place
        if (
            place > first
            and text[place - 1] not in " \n"
            and (length >= 2 if len(mark) == 2 else length != 2)
            and (mark[0] == "*" or text[end : end + 1] == "" or text[end] in _AFTER_UNDERSCORE)
        ):
            return end - len(mark)
        place = end
    return None


def _read_link(
    text: str, place: int, inside: frozenset[SpanKind], unclosed: set[str]
) -> tuple[Span, int] | None:
    if "[" in unclosed:
        return None
    end = place + 1
    while end < len(text) and text[end] not in "[]":
        end += 2 if text[end] == "\\" else 1
    if end >= len(text):
        unclosed.add("[")
        return None
    found = _LINK.match(text, end)
    if found is None or not text[place + 1 : end].strip(" \n"):
        return None
    children = tuple(_parse_inline(text[place + 1 : end], inside | {"link"}))
    return Span("link", children, found[1]), found.end()
