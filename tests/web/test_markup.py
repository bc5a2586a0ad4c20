"""Descriptions and statements: the booth reads the same in them as the pages of the server."""

from dataclasses import asdict
from typing import Any

from hypothesis import given, settings

from crypto.markup import Block, Inline, Span, parse_markup
from tests.crypto.test_markup import PIECES
from tests.web.node import Node


def plain(items: tuple[Inline, ...]) -> list[Any]:
    return [
        item
        if isinstance(item, str)
        else {"kind": item.kind, "children": plain(item.children), "url": item.url}
        for item in items
    ]


def plain_blocks(blocks: tuple[Block, ...]) -> list[Any]:
    return [{**asdict(block), "items": [plain(item) for item in block.items]} for block in blocks]


def test_every_text_is_read_alike(js: Node) -> None:
    @settings(max_examples=300)
    @given(PIECES)
    def alike(text: str) -> None:
        assert js.call("markup", text=text) == plain_blocks(parse_markup(text)), text

    alike()


def test_links_are_judged_alike(js: Node) -> None:
    for url in (
        "https://example.org/!#$%&'*+,-./09:;=?@AZ[]^_az{|}~",
        "http://a.b:80?x",
        "mailto:a.b+c_d%e@f.g",
        *(f"https://example.org/{chr(code)}" for code in (*range(0x20, 0x7F), 0xE9, 0x1F600)),
        *(f"https://example.org{sign}x" for sign in ":@?#/\\"),
    ):
        text = f"[a]({url})"
        blocks = parse_markup(text)
        assert js.call("markup", text=text) == plain_blocks(blocks), url
        for span in blocks[0].items[0]:
            if isinstance(span, Span):
                assert js.call("host", url=span.url) == span.host
