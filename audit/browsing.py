"""How a browser asks for the files of a page, and what of an answer it heeds besides the bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from audit.fetch import Answer

# A common one. Whoever runs the server must not tell the auditor from a voter by the first header; by the order of
# headers and the way of encrypting he still can, so that the pages are to be compared from several places, and by hand.
_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
_ANY = "*/*"
_DOCUMENT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

# Ending of the address -> what it is to a browser, what it accepts, and the types as which it may come.
_KINDS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "": ("document", _DOCUMENT, ("text/html",)),
    ".js": ("script", _ANY, ("text/javascript", "application/javascript")),
    ".css": ("style", "text/css,*/*;q=0.1", ("text/css",)),
    ".json": ("empty", _ANY, ("application/json",)),
    ".svg": ("image", "image/avif,image/webp,*/*;q=0.8", ("image/svg+xml",)),
}
_OTHER: tuple[str, str, tuple[str, ...]] = ("empty", _ANY, ())

# They load or show something else, run something where nothing was run, or make a browser forget receipts.
_FORBIDDEN = (
    "link",
    "refresh",
    "content-location",
    "service-worker-allowed",
    "clear-site-data",
    "speculation-rules",
)
_CHARSET = re.compile(r';\s*charset="?utf-8"?\s*', re.I)
_HARMLESS_SOURCES = {"'none'", "'self'"}
_DIRECTIVES = re.compile(
    "(default|script|worker|connect|style|img|font|media|object|manifest|child|frame)-src(-elem|-attr)?|form-action"
    "|base-uri|frame-ancestors|upgrade-insecure-requests"
)


def _kind_of(address: str) -> tuple[str, str, tuple[str, ...]]:
    return _KINDS.get(PurePosixPath(address.partition("?")[0]).suffix, _OTHER)


def make_headers(address: str, language: str | None = None) -> dict[str, str]:
    """What a browser sends that is set to a language, when it fetches what is there as a part of a page."""
    use, accepted, _ = _kind_of(address)
    is_page = use == "document"
    languages = {} if language is None else {"Accept-Language": f"{language},{language};q=0.8"}
    return {
        "User-Agent": _BROWSER,
        "Accept": accepted,
        **languages,
        # A browser also understands others, which this program cannot unpack.
        "Accept-Encoding": "gzip",
        **({"Upgrade-Insecure-Requests": "1"} if is_page else {}),
        "Sec-Fetch-Dest": use,
        "Sec-Fetch-Mode": "navigate" if is_page else "no-cors" if use in ("style", "image") else "cors",
        "Sec-Fetch-Site": "none" if is_page else "same-origin",
    }


def find_fault(address: str, answer: Answer) -> str | None:
    """What of an answer makes the same bytes something else to a browser; None if nothing does."""
    if answer.status != 200:
        return f"status {answer.status}"
    return next((f"header {name}" for name in _list_faults(address, answer)), None)


def _list_faults(address: str, answer: Answer) -> Iterator[str]:
    for name in _FORBIDDEN:
        if answer.get_all(name):
            yield name.title()
    types = _kind_of(address)[2]
    found = answer.get_all("content-type")
    if types and (len(found) != 1 or not _is_type(found[0], types)):
        yield "Content-Type"
    if answer.get_all("content-encoding") not in ([], ["gzip"], ["identity"]):
        yield "Content-Encoding"
    policies = [policy for value in answer.get_all("content-security-policy") for policy in value.split(",")]
    # A Worker has the policy that comes with its program.
    if types and not (policies and all(map(_is_strict, policies))):
        yield "Content-Security-Policy"


def _is_type(value: str, types: tuple[str, ...]) -> bool:
    kind, mark, parameters = value.partition(";")
    return kind.strip().lower() in types and (not mark or bool(_CHARSET.fullmatch(mark + parameters)))


def _is_strict(policy: str) -> bool:
    """Whether nothing comes from elsewhere, nothing runs that stands in the page, and nobody is told of either."""
    is_closed = False
    for directive in policy.split(";"):
        if not (words := directive.split()):
            continue
        name, sources = words[0].lower(), set(words[1:])
        harmless = _HARMLESS_SOURCES | {"data:"} if name == "img-src" else _HARMLESS_SOURCES
        if not _DIRECTIVES.fullmatch(name) or not sources <= harmless:
            return False
        is_closed = is_closed or (name == "default-src" and bool(sources))
    return is_closed
