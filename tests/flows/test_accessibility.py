"""The judges of accessibility themselves: they must find faults that were made on purpose, and none where none is."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from tests.flows.accessibility import AxeMissingError, read_axe, require_accessible, require_keyboard
from tests.flows.browser import PHONE, new_context

GOOD = """<!doctype html><html lang="en"><head><title>Vote</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>:focus-visible { outline: 3px solid #00f } button, a { display: inline-block; padding: 1rem } %s</style></head>
<body><main><h1>Vote</h1>%s</main></body></html>"""
FORM = """<form><p><a href="/x">Read</a></p>
<fieldset><legend>President</legend><label><input type="radio" name="a"> Ada</label>
<label><input type="radio" name="a"> Grace</label></fieldset>
<label>Code <input name="code"></label> <button disabled>No</button> <button>Go on</button></form>
<div hidden><button>Hidden</button></div>"""


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    try:
        read_axe()
    except AxeMissingError as missing:
        pytest.skip(str(missing))
    with new_context(browser, PHONE) as context:
        yield context.new_page()


def test_a_good_page_passes(page: Page) -> None:
    page.set_content(GOOD % ("", FORM))
    require_accessible(page)
    assert require_keyboard(page) == ["a Read", "input a", "input code", "button Go on"]


@pytest.mark.parametrize(
    "style, body, rule",
    [
        ("", FORM + '<img src="data:,">', "image-alt"),
        ("", FORM + "<input>", "label"),
        ("p { color: #999; background: #aaa }", FORM + "<p>Hardly seen</p>", "color-contrast"),
        ("", FORM + "<h4>Too deep</h4>", "heading-order"),
        ("", FORM + '<p id="a"><a href="#b" id="a" aria-labelledby="none"></a></p>', "link-name"),
        (
            "",
            (
                '<button style="padding:0;width:9px;height:9px" aria-label="a"></button>'
                '<button style="padding:0;width:9px;height:9px" aria-label="b"></button>'
            ),
            "target-size",
        ),
        ("p { width: 600px }", "<p>Wide</p>", "moved sideways"),
    ],
)
def test_faults_are_found(page: Page, style: str, body: str, rule: str) -> None:
    page.set_content(GOOD % (style, body))
    with pytest.raises(AssertionError, match=rule):
        require_accessible(page)


@pytest.mark.parametrize(
    "style, body, words",
    [
        (":focus-visible { outline: none }", FORM, "nobody sees that 'a Read' has the focus"),
        (
            "",
            '<button tabindex="2">B</button><button tabindex="1">A</button>',
            "Tab leaves the page before 'button A'",
        ),
        (
            ".bar { position: fixed; inset: 0; background: #fff }",
            FORM + '<div class="bar"></div>',
            "out of sight",
        ),
        (
            "",
            "<button onkeydown='event.preventDefault()'>Trap</button><button>After</button>",
            "where 'button After' comes next",
        ),
        ("a { position: absolute; left: -999px }", FORM, "out of sight"),
    ],
)
def test_traps_for_the_keyboard_are_found(page: Page, style: str, body: str, words: str) -> None:
    page.set_content(GOOD % (style, body))
    with pytest.raises(AssertionError, match=words):
        require_keyboard(page)
