"""Response headers, and a request log that can't tell who voted when."""

import logging
from collections.abc import Mapping, MutableMapping
from datetime import datetime
from typing import Any

import structlog
from flask import Flask, Response, current_app, request

from voting_app.access import find_mark
from voting_app.context import get_context

# Pages bring no script, style or image from elsewhere and none inline, and their programs speak with this server
# only. Pictures that a program draws, such as a receipt's code, may come as data.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; style-src 'self'; "
    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}

# The only keys of a log line. What is not listed is dropped, so that a careless call can't log a person or
# a ballot.
LOG_KEYS = frozenset({"event", "level", "at", "method", "route", "status"})


def _drop_unlisted(_: Any, __: str, line: MutableMapping[str, Any]) -> Mapping[str, Any]:
    return {key: value for key, value in line.items() if key in LOG_KEYS}


_requests = logging.getLogger("steward.requests")


class _StandardSink:
    """Where finished lines go: the standard logger, so that handlers, tests and servers see them as any
    other.
    """

    def info(self, line: str) -> None:
        """Write one line."""
        _requests.info(line)


request_log = structlog.wrap_logger(
    _StandardSink(),
    processors=[
        structlog.stdlib.add_log_level,
        _drop_unlisted,
        structlog.processors.JSONRenderer(sort_keys=True),
    ],
    wrapper_class=structlog.BoundLogger,
)


def register_security(app: Flask) -> None:
    """Set the headers of every response of `app`, and log every request by its route."""

    @app.after_request
    def finish(response: Response) -> Response:
        # Asked once for all: `setdefault` goes through all headers for each of them.
        present = {name.lower() for name, _ in response.headers}
        for name, value in _HEADERS.items():
            if name.lower() not in present:
                response.headers.add(name, value)
        mark = find_mark(app, request.endpoint)
        if mark is not None and mark.audience != "public":
            response.headers["Cache-Control"] = "no-store"
        context = get_context(app)
        if context.settings.is_https:
            response.headers.setdefault("Strict-Transport-Security", "max-age=31536000")
        _log_request(response, context.clock.now())
        return response


def _log_request(response: Response, now: datetime) -> None:
    # A line that nobody keeps is not made.
    if not _requests.isEnabledFor(logging.INFO):
        return
    mark = find_mark(current_app, request.endpoint)
    line: dict[str, Any] = {
        "method": request.method,
        # The rule, not the address: addresses can hold trackers, credentials and one-time secrets.
        "route": request.url_rule.rule if request.url_rule else "-",
        "status": response.status_code,
    }
    if mark is None or not mark.is_voting:
        line["at"] = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    request_log.info("request", **line)
