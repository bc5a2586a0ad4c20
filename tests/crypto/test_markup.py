"""The little markup: what is read, what stays text, and that no text takes long."""

import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from crypto.markup import Block, Inline, Span, make_plain, parse_markup


def write_inline(items: tuple[Inline, ...]) -> str:
    """As the simplest HTML, to be compared with what others make of the same text."""
    parts = []
    for item in items:
        if isinstance(item, str):
            parts.append(item.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
        elif item.kind == "break":
            parts.append("<br>\n")
        else:
            tag = "a" if item.kind == "link" else item.kind
            href = f' href="{item.url.replace("&", "&amp;")}"' if item.kind == "link" else ""
            parts.append(f"<{tag}{href}>{write_inline(item.children)}</{tag}>")
    return "".join(parts)


def write_html(blocks: tuple[Block, ...]) -> str:
    parts = []
    for block in blocks:
        items = [write_inline(item) for item in block.items]
        if block.kind in ("paragraph", "heading"):
            tag = "p" if block.kind == "paragraph" else "h"
            parts.append(f"<{tag}>{items[0]}</{tag}>\n")
        else:
            tag = "ul" if block.kind == "bullets" else "ol"
            start = f' start="{block.start}"' if block.kind == "numbers" and block.start != 1 else ""
            parts.append(
                f"<{tag}{start}>\n" + "".join(f"<li>{item}</li>\n" for item in items) + f"</{tag}>\n"
            )
    return "".join(parts)


def html(text: str) -> str:
    return write_html(parse_markup(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Plain words.",
        "One line\nand the next.",
        "A paragraph.\n\nAnother one.\n\n\nA third one.",
        "# A heading\nand text",
        "Before\n## A heading\n\nAfter",
        "- one\n- two *in italics*\n- three",
        "* one\n* two",
        "Before\n- one\n- two\n\nAfter",
        "- one\nthat goes on\n- two",
        "1. one\n2. two",
        "7. seven\n8. eight",
        "1) one\n2) two",
        "We met in\n2019. It rained.",
        "We want\n1. bread\n2. roses",
        "**bold** and *italic* and __bold__ and _italic_",
        "**bold *and italic* again**",
        "*italic **and bold** again*",
        "snake_case_name and 2 * 3 * 4 and 5*6",
        "**not closed",
        "*not closed either",
        "** nothing **",
        "a**b**c",
        r"\*no italics\* \# \[x\]",
        r"C:\Users\ada",
        "[our site](https://example.org/a?b=c&d=e#f)",
        "[**bold** link](http://example.org)",
        "[mail](mailto:ada@example.org)",
        "A [link](https://example.org/_a_*b*) in words",
        "[not](javascript:alert(1)) a link",
        "[no link]",
        "[x] (https://example.org)",
        "Zoë 👩🏽‍⚖️ — **Ł**",
        "-not a list\n#nor a heading\n1.nor numbers",
    ],
)
def test_it_is_a_part_of_markdown(text: str) -> None:
    """What others make of the same text, but for headings, whose level is always one, and links that we do not make."""
    judge = MarkdownIt("zero", {"breaks": True}).enable(
        ["heading", "list", "emphasis", "link", "escape", "newline", "balance_pairs"]
    )
    theirs = re.sub(r"(</?h)[1-6]>", r"\1>", judge.render(text))
    assert html(text) == theirs


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JAVASCRIPT:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "//example.org",
        "/office",
        "ftp://example.org",
        "HTTPS://example.org",
        "https://",
        "https:///x",
        # A name before the host would look like one.
        "https://union.example@evil.example",
        "https://union.example:secret@evil.example",
        "https://exämple.org",
        "https://example.org/a b",
        'https://example.org/"onclick=x',
        "https://example.org/<b>",
        "https://example.org/\\",
        "mailto:ada@example.org?bcc=eve@example.org",
        "mailto:ada",
        "https://example.org:123456",
    ],
)
def test_links_lead_to_the_web_and_to_mail_only(url: str) -> None:
    [block] = parse_markup(f"[here]({url})")
    assert all(isinstance(item, str) for item in block.items[0])


def test_where_a_link_leads() -> None:
    for url, host in (
        ("https://example.org", "example.org"),
        ("http://example.org:8080/a/b", "example.org:8080"),
        ("https://example.org?x=https://other.org", "example.org"),
        ("https://example.org#x/y", "example.org"),
        ("mailto:ada@example.org", "ada@example.org"),
    ):
        [block] = parse_markup(f"[here]({url})")
        assert block.items == ((Span("link", ("here",), url),),)
        assert block.items[0][0].host == host  # type: ignore[union-attr]


def test_html_and_images_are_text() -> None:
    for text in (
        "<script>alert(1)</script>",
        "<b>x</b>",
        "a <br> b",
        "&lt;b&gt; &amp; &#39;",
        "<https://x.org>",
    ):
        assert parse_markup(text) == (Block("paragraph", ((text,),)),)
    [block] = parse_markup("![x](https://example.org/x.png)")
    assert block.items == (("!", Span("link", ("x",), "https://example.org/x.png")),)


def test_nothing_stands_in_its_like() -> None:
    text = "[a [b](https://b.org) c](https://c.org) **a __b__ c**"
    [block] = parse_markup(text)

    def depth(items: tuple[Inline, ...], inside: tuple[str, ...] = ()) -> None:
        for item in items:
            if isinstance(item, Span):
                assert item.kind not in inside
                depth(item.children, (*inside, item.kind))

    depth(block.items[0])


def test_the_same_in_plain_text() -> None:
    text = (
        "# Who I am\nA **welder**, see\n[my page](https://example.org/ada) or [a@b.org](mailto:a@b.org).\n\n"
        "- bread\n- *roses*\n\n3. three\n4. four"
    )
    assert make_plain(text) == (
        "Who I am\n\nA welder, see\nmy page (https://example.org/ada) or a@b.org.\n\n- bread\n- roses\n\n"
        "3. three\n4. four"
    )


@pytest.mark.parametrize(
    "piece",
    [
        "*a ",
        "**a ",
        "_a ",
        "[",
        "[a",
        "[a](",
        "[a](https://a.b/",
        "\\",
        "*",
        "**a*",
        "***",
        "_a_",
        "- ",
        "1. a\n",
        "\n",
        "*a **b ",
    ],
)
def test_no_text_takes_long(piece: str) -> None:
    """The longest description, made of what makes careless readers start again from every sign."""
    text = piece * (20_000 // len(piece))
    begin = time.process_time()
    parse_markup(text)
    assert time.process_time() - begin < 0.5


PIECES = st.lists(
    st.sampled_from(
        [
            "*",
            "**",
            "_",
            "__",
            "[",
            "]",
            "](https://a.b)",
            "](mailto:a@b.c)",
            "\\",
            "\n",
            "\n\n",
            " ",
            "a",
            "é",
            "- ",
            "# ",
            "1. ",
            "2) ",
            ".",
            "(",
            "<b>",
        ]
    ),
    max_size=30,
).map("".join)


@given(PIECES)
def test_no_letter_is_lost(text: str) -> None:
    """Whatever is not a mark is shown."""

    def letters(value: Any) -> str:
        return "".join(c for c in str(value) if c in "aé<>")

    shown = letters(re.sub(r"https://a\.b|mailto:a@b\.c|a@b\.c", "", make_plain(text)))
    given_ = letters(re.sub(r"https://a\.b|mailto:a@b\.c", "", text))
    assert shown == given_
