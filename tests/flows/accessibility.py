"""Is a page usable by everybody? axe-core looks for known faults; the keyboard walks through what can be used."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = Path(__file__).resolve().parents[2] / "tools/web/node_modules/axe-core/axe.min.js"
# WCAG 2.0 to 2.2, levels A and AA, and what axe-core recommends beyond them.
_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_RUN = """
(tags) => axe.run(document, {
  runOnly: tags,
  resultTypes: ["violations", "incomplete"],
  // Off unless asked for: fingers need 24 pixels (WCAG 2.5.8).
  rules: {"target-size": {enabled: true}},
})
"""
# What axe-core could not decide is a fault unless it is one of these, which it can never decide. What is in a frame is
# a page of its own, and a view of its own in the gallery.
_UNDECIDABLE = frozenset({"color-contrast", "frame-tested"})

# Everything that the keyboard should reach, in the order of the document: visible, enabled, and of a set of radio
# buttons the one that Tab stops at. Each gets a number, so that what has the focus can be told.
_MARK = r"""
() => {
  const wanted = "a[href], button, input, select, textarea, summary, [tabindex], [contenteditable=true]";
  for (const element of document.querySelectorAll("[data-stop]")) delete element.dataset.stop;
  let number = 0;
  const seen = new Map();
  for (const element of document.querySelectorAll(wanted)) {
    const is_hidden = !element.checkVisibility({visibilityProperty: true}) || element.closest("[inert]");
    if (is_hidden || element.disabled || element.tabIndex < 0 || element.type === "hidden") continue;
    if (element.type === "radio") {
      const group = (element.form ? "f" : "") + element.name;
      const known = seen.get(group);
      if (known) {
        // Tab stops at the chosen one, or else at the first.
        if (element.checked) {
          element.dataset.stop = known.dataset.stop;
          delete known.dataset.stop;
          seen.set(group, element);
        }
        continue;
      }
      seen.set(group, element);
    }
    element.dataset.stop = String(number++);
  }
  return Array.from({length: number}, (_, stop) => {
    const element = document.querySelector(`[data-stop="${stop}"]`);
    return element.tagName.toLowerCase() + " " + (element.innerText || element.name || element.id).trim().slice(0, 40);
  });
}
"""
# Tab goes on from where the focus was last, even if that element has lost it. So it starts from an element of ours.
_GO_TO_START = r"""
() => {
  const start = document.createElement("span");
  start.tabIndex = -1;
  start.dataset.start = "";
  document.body.prepend(start);
  start.focus();
  scrollTo(0, 0);
}
"""
# What has the focus, and whether somebody sees that it has: an outline, a shadow or a border that was not there before,
# and a place within the window that nothing else covers.
_FOCUS = r"""
() => {
  const element = document.activeElement;
  if (!element || element === document.body) return null;
  const look = (one) => {
    const style = getComputedStyle(one);
    return [style.outlineStyle === "none" ? "" : style.outlineWidth + style.outlineColor, style.boxShadow,
      style.borderColor + style.borderWidth, style.backgroundColor, style.textDecorationLine].join("|");
  };
  const parts = [element, element.parentElement, element.closest("label"),
    element.labels && element.labels[0]].filter(Boolean);
  const focused = parts.map(look);
  element.blur();
  const blurred = parts.map(look);
  element.focus({preventScroll: true, focusVisible: true});
  const box = element.getBoundingClientRect();
  const x = Math.min(Math.max(box.x + box.width / 2, 0), innerWidth - 1);
  const y = Math.min(Math.max(box.y + box.height / 2, 0), innerHeight - 1);
  const on_top = document.elementFromPoint(x, y);
  return {
    stop: element.dataset.stop ?? null,
    what: element.tagName.toLowerCase() + " " + (element.innerText || element.name || element.id).trim().slice(0, 40),
    is_visible: focused.some((value, place) => value !== blurred[place]),
    is_in_view: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth,
    is_covered: !(on_top && parts.some((part) => part.contains(on_top) || on_top.contains(part))),
  };
}
"""


# Whether the focus is within something that has several stops of its own: the parts of a date, or a page in a frame.
_IS_WITHIN = r"""
(stop) => {
  const element = document.activeElement;
  if (element?.tagName === "IFRAME") return true;
  return element?.dataset.stop === stop && /^(date|time|datetime-local)$/.test(element.type);
}
"""
_MOST_PARTS = 40


class AxeMissingError(Exception):
    """axe-core is not installed; the text says what to do."""


@dataclass(frozen=True)
class Finding:
    """A fault that axe-core found. target: a selector of the element."""

    rule: str
    help: str
    target: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.help} ({self.target})"


@cache
def read_axe() -> str:
    """The text of axe-core; AxeMissingError if it is not here."""
    if not AXE.exists():
        raise AxeMissingError("axe-core is not installed here; run: npm --prefix tools/web ci")
    return AXE.read_text("utf-8")


def find_faults(page: Page) -> list[Finding]:
    """What axe-core finds on a page as it is at this moment.

    The script is put into the page by the developer's protocol, which the page's Content-Security-Policy does not
    concern; nothing else of the page is changed.
    """
    if page.evaluate("() => !globalThis.axe"):
        page.evaluate(read_axe())
    report: dict[str, Any] = page.evaluate(_RUN, _TAGS)
    undecided = [rule for rule in report["incomplete"] if rule["id"] not in _UNDECIDABLE]
    return [
        Finding(rule["id"], rule["help"], " ".join(map(str, node["target"])))
        for rule in [*report["violations"], *undecided]
        for node in rule["nodes"]
    ]


def require_accessible(page: Page) -> None:
    """AssertionError naming everything that axe-core finds on a page, or that it is wider than its window."""
    faults = [str(fault) for fault in find_faults(page)]
    width, window = page.evaluate(
        "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    if width > window:
        faults.append(
            f"the page is {width} pixels wide, the window {window}: it must be moved sideways to be read"
        )
    if faults:
        raise AssertionError(f"{page.url}:\n" + "\n".join(faults))


def require_keyboard(page: Page) -> list[str]:
    """AssertionError unless Tab reaches everything that can be used, in order, and shows where it is.

    Returns what it reached. Nothing is pressed but Tab and Shift+Tab, so nothing is changed.
    """
    stops: list[str] = page.evaluate(_MARK)
    page.evaluate(_GO_TO_START)
    faults: list[str] = []
    reached = []
    for number, what in enumerate(stops):
        page.keyboard.press("Tab")
        for _ in range(_MOST_PARTS):
            if not page.evaluate(_IS_WITHIN, str(number - 1)):
                break
            page.keyboard.press("Tab")
        page.evaluate("() => document.querySelector('[data-start]')?.remove()")
        focus = page.evaluate(_FOCUS)
        if focus is None:
            faults.append(f"Tab leaves the page before {what!r}")
            break
        if focus["stop"] != str(number):
            faults.append(f"Tab reaches {focus['what']!r} where {what!r} comes next")
            break
        reached.append(what)
        if not focus["is_visible"]:
            faults.append(f"nobody sees that {what!r} has the focus")
        if not focus["is_in_view"] or focus["is_covered"]:
            faults.append(f"{what!r} has the focus out of sight")
    if not faults and len(stops) > 1:
        page.keyboard.press("Shift+Tab")
        focus = page.evaluate(_FOCUS)
        if focus is None or focus["stop"] != str(len(stops) - 2):
            faults.append(f"Shift+Tab does not lead back from {stops[-1]!r}")
    if faults:
        raise AssertionError(f"{page.url} by keyboard:\n" + "\n".join(faults))
    return reached
