"""The application: `create_app` puts the features together and refuses to start if something is not as it
must be.
"""

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from flask import Blueprint, Flask
from flask.json.provider import DefaultJSONProvider
from werkzeug.routing import IntegerConverter, Map

from voting_app.access import access, register_access, require_marks
from voting_app.clock import Clock, SystemClock
from voting_app.compression import register_compression
from voting_app.config import Settings
from voting_app.context import Context, set_context
from voting_app.db import Database
from voting_app.error_pages import answer_problem
from voting_app.errors import log_error, register_error_handlers
from voting_app.languages import register_languages
from voting_app.login import register_login
from voting_app.pages import register_pages
from voting_app.security import register_security

# Each folder has a `routes.blueprint`, whose routes hold their whole address, or an `office.blueprint` with pages of
# the office (elections an `editor.blueprint` as well), or both. The order is that of imports: later ones use earlier
# ones.
FEATURES = (
    "accounts",
    "ledger",
    "elections",
    "roll",
    "registrar",
    "mailing",
    "trustees",
    "sheets",
    "issuing",
    "tally",
    "certification",
    "booth",
    "candidates",
    "public",
    "operations",
    "approvals",
    "incidents",
    "dashboard",
)


class _NumberConverter(IntegerConverter):
    """A number in an address. One that is larger than the databases' numbers names nothing: 404."""

    def __init__(self, map: Map) -> None:  # noqa: A002 - Werkzeug's name
        super().__init__(map, max=2**31 - 1)


class _Application(Flask):
    """Flask, but an error inside an error handler is logged as every other one: without its words."""

    def log_exception(self, exc_info: Any) -> None:
        """Log kind and place; Flask would log address and message."""
        log_error(exc_info[1])


def create_app(settings: Settings, *, clock: Clock | None = None, database: Database | None = None) -> Flask:
    """Return the application for `settings`.

    Raises SchemaError when the database has other tables than this program, MissingMarkError when a URL
    has no access mark.
    """
    app = _Application(__name__)
    # Otherwise "//" in an address is answered with a redirect to the host that the request names, whoever that is.
    app.url_map.merge_slashes = False
    app.url_map.converters["int"] = _NumberConverter
    # Receipts and other objects of the protocol have an order of fields, and clients may keep them as they come.
    provider = app.json
    if isinstance(provider, DefaultJSONProvider):
        provider.sort_keys, provider.ensure_ascii, provider.compact = False, False, True
    # A form of ours is never larger; a route that takes files or ballots sets its own limit on the request.
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body_bytes
    app.config["MAX_FORM_MEMORY_SIZE"] = 100_000
    database = database or Database(settings.database_url)
    database.require_current_schema()
    set_context(app, Context(settings, database, clock or SystemClock()))
    register_error_handlers(app, answer_problem)
    register_languages(app)
    register_pages(app)
    register_login(app, settings)
    register_access(app)
    register_security(app)
    register_compression(app)
    for name in FEATURES:
        for blueprint in _list_blueprints(name):
            app.register_blueprint(blueprint)
    app.view_functions["static"] = access("public")(app.view_functions["static"])
    require_marks(app)
    return app


@cache
def _list_blueprints(feature: str) -> tuple[Blueprint, ...]:
    return tuple(_find_blueprints(feature))


def _find_blueprints(feature: str) -> Iterator[Blueprint]:
    for room in ("routes", "office", "editor"):
        module = f"voting_app.{feature}.{room}"
        if find_spec(module) is None or not hasattr(import_module(module), "blueprint"):
            continue
        blueprint = import_module(module).blueprint
        if not isinstance(blueprint, Blueprint):
            raise TypeError(f"{module}.blueprint is not a Blueprint")
        yield blueprint
