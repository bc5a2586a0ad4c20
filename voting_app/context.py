"""What one running application holds, reachable from a request."""

from dataclasses import dataclass
from typing import cast

from flask import Flask, current_app
from flask.sansio.app import App

from voting_app.clock import Clock
from voting_app.config import Settings
from voting_app.db import Database

_NAME = "steward"


@dataclass(frozen=True)
class Context:
    """Settings, database and clock of one application."""

    settings: Settings
    database: Database
    clock: Clock


def set_context(app: Flask, context: Context) -> None:
    """Give the application its context, once, at the start."""
    app.extensions[_NAME] = context


def get_context(app: App | None = None) -> Context:
    """Return the context of `app`, or of the application that answers the present request."""
    return cast(Context, (app or current_app).extensions[_NAME])
