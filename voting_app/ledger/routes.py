"""The published record: archive, journal, and the paths from which belenios-tool pulls (PROTOCOL §15)."""

from collections.abc import Iterator

from flask import Blueprint, Response, jsonify, request

from voting_app.access import access
from voting_app.context import get_context
from voting_app.errors import Problem
from voting_app.ledger import service
from voting_app.ledger.trackers import iter_trackers
from voting_app.ledger.wire import ByteRange, UnsatisfiableRangeError, parse_range

blueprint = Blueprint("ledger", __name__)

ARCHIVE_TYPE = "application/x-belenios"
JOURNAL_TYPE = "application/jsonl"


@blueprint.get("/elections/<uuid>/<name>.bel")
@access("public")
def send_archive(uuid: str, name: str) -> Response:
    """Send the archive, whole or the bytes that a Range header asks for."""
    if name != uuid:
        raise _no_such_file()
    return _send_archive(uuid)


@blueprint.get("/api/elections/<uuid>/archive")
@access("public")
def send_archive_to_tool(uuid: str) -> Response:
    """Send the archive to belenios-tool 3.0."""
    return _send_archive(uuid)


@blueprint.get("/elections/<uuid>/<name>.journal.jsonl")
@access("public")
def send_journal(uuid: str, name: str) -> Response:
    """Send the journal."""
    if name != uuid:
        raise _no_such_file()
    database = get_context().database
    with database.read() as session:
        box_id = service.get_box_id(session, uuid)
        lines, digest = service.journal_head(session, box_id)
    response = Response(_started(service.iter_journal(database, box_id, lines)), content_type=JOURNAL_TYPE)
    response.set_etag(digest or "empty")
    return _finish(response)


@blueprint.get("/api/v1/elections/<uuid>/trackers")
@access("public", voting=True)
def send_trackers(uuid: str) -> Response:
    """Send height and tracker of every ballot, a line each: who looks for one does so without telling us which."""
    database = get_context().database
    with database.read() as session:
        box_id = service.get_box_id(session, uuid)
        head = service.head(session, box_id)
    lines = iter_trackers(database, box_id, head.height)
    response = Response(_started(lines), content_type="text/plain; charset=utf-8")
    response.set_etag(head.event_hash or "empty")
    return _finish(response)


@blueprint.get("/api/elections/<uuid>/archive-header")
@access("public")
def send_archive_header(uuid: str) -> Response:
    """Send the body of the archive's first record."""
    with get_context().database.read() as session:
        body = service.read_header_body(session, service.get_box_id(session, uuid))
    return Response(body, content_type="application/json")


@blueprint.get("/api/elections/<uuid>/last-event")
@access("public")
def show_last_event(uuid: str) -> Response:
    """Tell the newest event and the length of the archive with it."""
    with get_context().database.read() as session:
        head = service.head(session, service.get_box_id(session, uuid))
    if head.event_hash is None:
        raise Problem(404, "no-event", "This election has no event yet.")
    response = jsonify(height=head.height, hash=head.event_hash, pos=head.length)
    response.headers["Cache-Control"] = "no-cache"
    return response


@blueprint.get("/api/elections/<uuid>/objects/<name>")
@access("public")
def send_object(uuid: str, name: str) -> Response:
    """Send the body of a data record or event by its SHA-256."""
    with get_context().database.read() as session:
        body = service.read_object(session, service.get_box_id(session, uuid), name)
    if body is None:
        raise Problem(404, "not-found", "This election's archive has no record with that hash.")
    response = Response(body, content_type="application/json")
    # Named by its hash, it can't change.
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response


def _send_archive(uuid: str) -> Response:
    database = get_context().database
    with database.read() as session:
        box_id = service.get_box_id(session, uuid)
        head = service.head(session, box_id)
    asked: ByteRange | None = None
    etag = f'"{head.event_hash or "empty"}"'
    # HEAD and If-Range of an older state get the whole file: the ranges of another representation mean
    # nothing here.
    if request.method == "GET" and request.headers.get("If-Range", etag) == etag:
        try:
            asked = parse_range(request.headers.get("Range"), head.length)
        except UnsatisfiableRangeError:
            raise Problem(
                416,
                "range-not-satisfiable",
                "The archive has no such bytes (yet).",
                headers={"Content-Range": f"bytes */{head.length}", "ETag": etag},
            ) from None
    part = asked or ByteRange(0, head.length)
    body = service.iter_archive(database, box_id, part.start, part.end)
    response = Response(_started(body), 206 if asked else 200, content_type=ARCHIVE_TYPE)
    response.content_length = part.end - part.start
    response.headers["Accept-Ranges"] = "bytes"
    if asked:
        response.headers["Content-Range"] = f"bytes {part.start}-{part.end - 1}/{head.length}"
    response.set_etag(head.event_hash or "empty")
    return _finish(response)


def _finish(response: Response) -> Response:
    """Let caches keep the file but ask each time, and answer 304 to who has it. A part is never a 304."""
    response.headers["Cache-Control"] = "no-cache"
    if response.status_code != 206:
        response.make_conditional(request)
    return response


def _started(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Read the first piece now: what goes wrong there is still answered with a problem document."""
    first = next(pieces, b"")

    def give() -> Iterator[bytes]:
        yield first
        yield from pieces

    return give()


def _no_such_file() -> Problem:
    return Problem(404, "not-found", "There is no such file.")
