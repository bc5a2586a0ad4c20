"""Responses in a quarter of their size: what a phone with a slow connection needs before it can show anything.

Only what is the same for everybody is compressed: pages that anybody may read, their styles, scripts and texts. Where
a response mixed a secret with words of the request, its compressed length would tell about the secret (the attack
called BREACH); so compressing is asked for by name, and nothing with a secret does. The record itself stays as it is:
who fetches it asks for parts of it, and its ballots are chance, which does not get smaller.

It is done here and not left to a proxy, because the weight of the booth is promised, and a small union has no proxy
that would be set up for it.
"""

import gzip
from functools import lru_cache

from flask import Flask, Response, request

# Below, the headers outweigh what is saved; above, keeping copies costs more memory than it is worth.
_SMALLEST = 400
_LARGEST = 1_000_000
_TYPES = frozenset(
    {"text/html", "text/css", "text/javascript", "text/plain", "application/json", "image/svg+xml"}
)


def compress(response: Response) -> Response:
    """Compress a response that holds nothing but what everybody may read, if the reader's program understands it."""
    if response.mimetype not in _TYPES:
        return response
    # A cache between us and the reader must not give one reader's form to another one.
    response.vary.add("Accept-Encoding")
    # Answers without a body, and parts of a file, are what they are.
    if response.status_code != 200 or "Content-Encoding" in response.headers:
        return response
    if not request.accept_encodings["gzip"]:
        return response
    # A static file is handed on unread otherwise.
    response.direct_passthrough = False
    plain = response.get_data()
    if not _SMALLEST <= len(plain) <= _LARGEST:
        return response
    response.set_data(_gzip(plain))
    response.headers["Content-Encoding"] = "gzip"
    # The same page, but not the same bytes.
    etag, _ = response.get_etag()
    if etag is not None:
        response.set_etag(etag, weak=True)
    return response


@lru_cache(maxsize=256)
def _gzip(plain: bytes) -> bytes:
    # No time in the header: equal content gives equal bytes on every host.
    return gzip.compress(plain, mtime=0)


def register_compression(app: Flask) -> None:
    """Compress the static files of `app`; pages ask for it themselves."""

    @app.after_request
    def compress_static_files(response: Response) -> Response:
        return compress(response) if request.endpoint == "static" else response
