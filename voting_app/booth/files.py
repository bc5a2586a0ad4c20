"""What the pages consist of on which people vote and trustees use keys: each file with the hash of what is served.

The journal has the list (kind `booth-files`), so that a page that was exchanged for some or all voters can be told
from the one that was opened. `steward-audit booth` compares.

The list is made once in a process. A file that is changed under a running program is thus a difference that
auditors see, and not a new line in the journal.
"""

import threading
from collections.abc import Callable, Iterable
from contextvars import Context as ContextVariables
from functools import cache, lru_cache
from importlib import import_module
from pathlib import Path
from typing import cast

from flask import Flask, current_app, has_app_context

from crypto.encoding import sha256_hex
from voting_app.context import Context, get_context
from voting_app.elections.service import election_for_box
from voting_app.languages import LANGUAGES, PARTS

# Sorted pairs of address below the site's and SHA-256 in hex of the body, not compressed.
Files = tuple[tuple[str, str], ...]

_STATIC = Path(__file__).resolve().parent.parent / "static"


def _list_pages(uuid: str, language: str) -> Iterable[str]:
    yield f"/elections/{uuid}/vote?lang={language}"
    yield f"/elections/{uuid}/check?lang={language}"
    yield f"/elections/{uuid}/trustee?lang={language}"


def _list_texts(_: str, language: str) -> Iterable[str]:
    yield f"/texts/{language}.json"
    yield from (f"/texts/{part}/{language}.json" for part in PARTS)


# What is made by the program instead of lying in a file: (uuid, language) -> addresses. Each must answer the same bytes
# to everybody, from before opening until the end: no date, no state, no token.
DYNAMIC: list[Callable[[str, str], Iterable[str]]] = [_list_pages, _list_texts]

_NAME = "steward-booth-files"
_making = threading.Lock()


def list_files(context: Context, uuid: str) -> Files:
    """Return the files of the booth of the election `uuid`, whose keys are ready.

    Problem 404 `unknown-election`. Not inside a transaction that writes: pages are made, which read.
    """
    with context.database.read() as session:
        election_for_box(session, uuid)
    app = _get_app(context)
    found: dict[str, Files] = app.extensions.setdefault(_NAME, {})
    with _making:
        if uuid not in found:
            # In a context of its own: the language and person of the present request are not those of the pages.
            pages = ContextVariables().run(_hash_pages, app, context, uuid)
            found[uuid] = tuple(sorted({**_hash_static_files(), **pages}.items()))
        return found[uuid]


@cache
def _hash_static_files() -> dict[str, str]:
    return {
        f"/static/{path.relative_to(_STATIC).as_posix()}": sha256_hex(path.read_bytes())
        for path in _STATIC.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }


def _hash_pages(app: Flask, context: Context, uuid: str) -> dict[str, str]:
    hashes: dict[str, str] = {}
    client = app.test_client(use_cookies=False)
    for language in LANGUAGES:
        for address in (address for make in DYNAMIC for address in make(uuid, language)):
            answer = client.get(address, base_url=context.settings.base_url)
            if answer.status_code != 200:
                raise RuntimeError(f"a page of the booth answers {answer.status_code}")
            hashes[address] = sha256_hex(answer.get_data())
    return hashes


def _get_app(context: Context) -> Flask:
    """Return the application that answers the present request; commands and the timer have one made."""
    if has_app_context() and get_context() is context:
        return cast(Flask, current_app._get_current_object())  # type: ignore[attr-defined]
    return _make_app(context)


@lru_cache(maxsize=1)
def _make_app(context: Context) -> Flask:
    # The application imports this module.
    create_app = import_module("voting_app.app").create_app
    return cast(Flask, create_app(context.settings, clock=context.clock, database=context.database))
