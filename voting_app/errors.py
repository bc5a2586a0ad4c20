"""Refusals: one exception for everything a client can be told, and its form on the wire (RFC 9457)."""

import json
import logging
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from flask import Flask, Response
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from werkzeug.exceptions import HTTPException

RETRY_AFTER_SECONDS = 2

# Codes and sentences of refusals that come from the web server's part and not from a service.
_HTTP_CODES: dict[int, tuple[str, str]] = {
    400: ("bad-request", "The request could not be understood."),
    401: ("not-authenticated", "This address needs a valid access token."),
    403: ("forbidden", "Your role does not allow this."),
    404: ("not-found", "There is nothing at this address."),
    405: ("method-not-allowed", "This address does not answer that method."),
    411: ("length-required", "The request must say how long its body is."),
    413: ("too-large", "The request is larger than is accepted here."),
    414: ("address-too-long", "The address is too long."),
    415: ("unsupported-media-type", "The request's content type is not accepted here."),
    416: ("range-not-satisfiable", "That part of the file does not exist."),
}
_INTERNAL = ("internal-error", "Something went wrong on our side. Nothing was recorded for this request.")

_log = logging.getLogger("steward.errors")


class Problem(Exception):  # noqa: N818  named as RFC 9457 names it
    """A refusal that the client is told: `application/problem+json` with a stable code and a sentence for
    people.

    status: HTTP status; code: stable, lower case with hyphens; title: the sentence; detail: what exactly
    was found; extra: further members of the document (JSON values); headers: further response headers.
    """

    def __init__(
        self,
        status: int,
        code: str,
        title: str,
        detail: str | None = None,
        *,
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """Keep the parts of the refusal; nothing in them may be secret."""
        super().__init__(f"{code}: {title}" + (f" {detail}" if detail else ""))
        self.status = status
        self.code = code
        self.title = title
        self.detail = detail
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})

    def to_dict(self) -> dict[str, Any]:
        """Return the problem document."""
        document: dict[str, Any] = {
            "type": "about:blank",
            "title": self.title,
            "status": self.status,
            "code": self.code,
        }
        if self.detail:
            document["detail"] = self.detail
        return document | self.extra


def get_overloaded(detail: str | None = None) -> Problem:
    """Return the refusal for a server that has no room now; the client may repeat the very same request."""
    return Problem(
        503,
        "overloaded",
        "Too many requests at this moment. Please try again in a few seconds; nothing was lost.",
        detail,
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


def make_response(problem: Problem) -> Response:
    """Return the problem document as a response."""
    response = Response(
        json.dumps(problem.to_dict(), ensure_ascii=False, separators=(",", ":")),
        status=problem.status,
        content_type="application/problem+json",
    )
    response.headers["Cache-Control"] = "no-store"
    response.vary.add("Accept")
    response.headers.update(problem.headers)
    return response


def register_error_handlers(app: Flask, answer: Callable[[Problem], Response]) -> None:
    """Make every error of `app` a problem, put into words by `answer`; an unexpected one says nothing of its
    cause to the client.
    """

    def handle_http(error: HTTPException) -> Response:
        status = error.code or 500
        if status < 400 and error.response is None:
            # Redirects are raised as exceptions too.
            response = error.get_response()
            return Response(response.get_data(), status, headers=list(response.headers))
        code, title = _HTTP_CODES.get(status, (f"http-{status}", HTTPStatus(status).phrase + "."))
        headers = {
            name: value
            for name, value in error.get_headers()
            if name in {"Allow", "Content-Range", "Retry-After"}
        }
        return answer(Problem(status, code, title, headers=headers))

    def handle_database(error: Exception) -> Response:
        # Locked too long, disk full, connection lost: the transaction was undone, so the client may try
        # again.
        _log.error("database unavailable: %s", type(getattr(error, "orig", None) or error).__name__)
        return answer(get_overloaded())

    def handle_unexpected(error: Exception) -> Response:
        log_error(error)
        return answer(Problem(500, *_INTERNAL))

    app.register_error_handler(Problem, answer)
    app.register_error_handler(HTTPException, handle_http)
    app.register_error_handler(OperationalError, handle_database)
    app.register_error_handler(PoolTimeoutError, handle_database)
    app.register_error_handler(Exception, handle_unexpected)


def log_error(error: BaseException) -> None:
    """Log where it happened, never with what data: messages and local values may hold ballots or tokens."""
    _log.error("unexpected %s at %s", type(error).__name__, _place(error))


def _place(error: BaseException) -> str:
    """Return file:line of each frame the error came through, innermost last, without any values."""
    places: list[str] = []
    trace = error.__traceback__
    while trace is not None:
        places.append(f"{trace.tb_frame.f_code.co_filename.rsplit('/', 2)[-1]}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " > ".join(places[-8:])
