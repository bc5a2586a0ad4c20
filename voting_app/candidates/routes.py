"""The address of candidates' photos, for everybody."""

from flask import Blueprint, Response

from voting_app.access import access
from voting_app.candidates import service
from voting_app.context import get_context

blueprint = Blueprint("candidates", __name__)


@blueprint.get("/elections/<uuid>/photos/<photo>")
@access("public", voting=True)
def send_photo(uuid: str, photo: str) -> Response:
    """Send a photo by its hash, which is why it never changes."""
    with get_context().database.read() as session:
        content = service.get_photo(session, uuid, photo)
    response = Response(content, content_type="image/jpeg")
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
    return response
