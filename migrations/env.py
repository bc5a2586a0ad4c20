"""Runs the steps in one transaction: after a crash in the middle there are the old tables and nothing of
the new ones.
"""

from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import Any, Literal

from alembic import context

import voting_app
from voting_app.db import Base, Database

# Two servers of one PostgreSQL database may start at once; the second waits, and then has nothing left to do.
_ADVISORY_LOCK = 0x73746577


def _import_models() -> None:
    """Import the tables of every feature, so that `Base.metadata` is complete."""
    for module in iter_modules(voting_app.__path__, "voting_app."):
        if module.ispkg and find_spec(f"{module.name}.models"):
            import_module(f"{module.name}.models")


def _render_item(kind: str, item: Any, _: Any) -> str | Literal[False]:
    """Write our own column types as what they are in the database: a step must not change when our code
    does.
    """
    if kind == "type" and type(item).__module__.startswith("voting_app."):
        return f"sa.{item.impl!r}"
    return False


def _run() -> None:
    url = context.config.attributes.get("url") or context.get_x_argument(as_dictionary=True)["url"]
    _import_models()
    database = Database(str(url) if isinstance(url, str) else url.render_as_string(hide_password=False))
    with database.connect() as connection:
        if database.is_sqlite:
            # SQLite changes a table by copying it; the rows that point at it must not be looked at
            # meanwhile. The switch has no effect inside a transaction, so it goes to the driver before one
            # begins.
            driver: Any = connection.connection.dbapi_connection
            driver.execute("PRAGMA foreign_keys = OFF")
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=True,
            transactional_ddl=True,
            compare_server_default=True,
            render_item=_render_item,
        )
        with context.begin_transaction():
            if not database.is_sqlite:
                connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})")
            context.run_migrations()
            if database.is_sqlite and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                raise RuntimeError("a migration left rows that point at nothing")
    database.dispose()


_run()
