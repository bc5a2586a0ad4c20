"""Writes a picture of every page at the width of a phone and of a desk to docs/screenshots/, with an index.

make screenshots                                    # all of them
make screenshots ARGS="election-open report"        # some, by their names in tests/flows/gallery.py
make screenshots ARGS="--scheme dark --language es --out /tmp/pictures"
"""

import argparse
import base64
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page
from rich.progress import track

from tests.flows.browser import DESK, PHONE, BrowserMissingError, new_context, open_devtools, running_browser
from tests.flows.gallery import VIEWS, Gallery, View, show
from tests.flows.people import Elections
from tests.flows.serving import running_installation
from voting_app.languages import LANGUAGES

FOLDER = Path(__file__).resolve().parents[2] / "docs/screenshots"
DEVICES = (PHONE, DESK)
# Readable, and small enough that all of them together stay at about 3 MB in the repository.
_QUALITY = 15
# Long pages are cut: what is below is more of the same.
_LONGEST = 1800


def take_picture(page: Page, path: Path) -> None:
    """Write the whole page as WebP, which Playwright can't and the browser can."""
    session = open_devtools(page)
    size = session.send("Page.getLayoutMetrics")["cssContentSize"]
    answer = session.send(
        "Page.captureScreenshot",
        {
            "format": "webp",
            "quality": _QUALITY,
            "captureBeyondViewport": True,
            "clip": {
                "x": 0,
                "y": 0,
                "width": page.viewport_size["width"] if page.viewport_size else size["width"],
                "height": min(size["height"], _LONGEST),
                "scale": 1,
            },
        },
    )
    session.detach()
    path.write_bytes(base64.b64decode(answer["data"]))


def picture_name(view: View, device: str) -> str:
    """The file of a view."""
    return f"{view.name}-{device}.webp"


def encode_index(views: tuple[View, ...]) -> str:
    """The folder's README.md."""
    lines = [
        "# Every page",
        "",
        "At the width of a phone (360 pixels) and of a desk (1280 pixels). `make screenshots` writes the pictures and",
        "this list; the pages and how to come there are lines of `tests/flows/gallery.py`.",
        "",
        f"| page | {' | '.join(device.name for device in DEVICES)} |",
        f"|---|{'---|' * len(DEVICES)}",
    ]
    for view in views:
        pictures = [
            f'<img src="{picture_name(view, device.name)}" width="{180 if device.is_phone else 480}" '
            f'alt="{view.caption}, {device.name}">'
            for device in DEVICES
        ]
        lines.append(f"| {view.caption} | {' | '.join(pictures)} |")
    return "\n".join(lines) + "\n"


def write_pictures(browser: Browser, views: list[View], folder: Path, language: str, scheme: str) -> None:
    """Run elections through their states and take a picture of each view."""
    with (
        tempfile.TemporaryDirectory(prefix="steward-screenshots-") as name,
        running_installation(Path(name), ORGANISATION="Transport Workers' Union, Local 12") as installation,
        installation.client() as client,
    ):
        gallery = Gallery(Elections(installation, client))
        # Made first, so that the list of elections shows them all.
        for view in track(views, "Holding elections", disable=not sys.stderr.isatty()):
            gallery.get(view.state)
        for device in DEVICES:
            for view in track(views, f"Pictures for the {device.name}", disable=not sys.stderr.isatty()):
                with new_context(browser, device, language=language, scheme=scheme) as context:
                    page = context.new_page()
                    show(page, view, gallery.get(view.state), "" if language == "en" else language)
                    take_picture(page, folder / picture_name(view, device.name))


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.flows.screenshots", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument(
        "views", nargs="*", metavar="VIEW", help="names of views; all of them if none is given"
    )
    parser.add_argument("--out", type=Path, default=FOLDER, help="the folder to write to")
    parser.add_argument("--scheme", choices=("light", "dark"), default="light")
    parser.add_argument("--language", choices=tuple(LANGUAGES), default="en")
    options = parser.parse_args()
    unknown = set(options.views) - {view.name for view in VIEWS}
    if unknown:
        parser.error(f"no such view: {', '.join(sorted(unknown))}")
    views = [view for view in VIEWS if not options.views or view.name in options.views]
    options.out.mkdir(parents=True, exist_ok=True)
    if not options.views:
        # What is not written again is of a page that is no more.
        for path in options.out.glob("*.webp"):
            path.unlink()
    try:
        with running_browser() as browser:
            write_pictures(browser, views, options.out, options.language, options.scheme)
    except BrowserMissingError as missing:
        sys.exit(str(missing))
    (options.out / "README.md").write_text(encode_index(VIEWS), "utf-8")
    size = sum(path.stat().st_size for path in options.out.iterdir())
    sys.stdout.write(f"{2 * len(views)} pictures; the folder {options.out} has {size / 1e6:.1f} MB\n")


if __name__ == "__main__":
    main()
