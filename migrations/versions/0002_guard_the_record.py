"""Guard the record.

Triggers refuse to change or remove a row of the record, and to add one anywhere but at its end. They also
stop SQLite's INSERT OR REPLACE, which removes rows without asking the triggers for DELETE unless the
connection wished so.
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = ("ledger_box", "ledger_event", "ledger_data", "journal_line")
MESSAGE = "the record is append-only"

# Conditions under which a new row is refused, in SQL that both databases read.
REFUSED_INSERTS = {
    "ledger_box": "EXISTS (SELECT 1 FROM ledger_box WHERE id = NEW.id OR uuid = NEW.uuid)",
    # The next height, the right parent, the right place in the archive.
    "ledger_event": """
        NEW.height <> (SELECT COALESCE(MAX(height), -1) + 1 FROM ledger_event WHERE box_id = NEW.box_id)
        OR (NEW.height = 0) <> (NEW.parent IS NULL)
        OR (NEW.height > 0 AND NOT EXISTS (
            SELECT 1 FROM ledger_event
            WHERE box_id = NEW.box_id AND height = NEW.height - 1
            AND hash = NEW.parent AND end_position = NEW.position))
        OR NEW.end_position <= NEW.position
        OR EXISTS (SELECT 1 FROM ledger_event WHERE box_id = NEW.box_id AND hash = NEW.hash)
    """,
    # Data stand before their event: once it is there, no more can join it. And no ballot twice.
    "ledger_data": """
        EXISTS (SELECT 1 FROM ledger_event WHERE box_id = NEW.box_id AND height >= NEW.height)
        OR EXISTS (
            SELECT 1 FROM ledger_data
            WHERE box_id = NEW.box_id AND height = NEW.height AND ordinal = NEW.ordinal)
        OR (NEW.credential IS NOT NULL AND EXISTS (
            SELECT 1 FROM ledger_data
            WHERE box_id = NEW.box_id AND hash = NEW.hash AND credential IS NOT NULL))
    """,
    "journal_line": """
        NEW.height <> (SELECT COALESCE(MAX(height), -1) + 1 FROM journal_line WHERE box_id = NEW.box_id)
        OR (NEW.height = 0) <> (NEW.parent IS NULL)
        OR (NEW.height > 0 AND NOT EXISTS (
            SELECT 1 FROM journal_line
            WHERE box_id = NEW.box_id AND height = NEW.height - 1 AND hash = NEW.parent))
        OR EXISTS (SELECT 1 FROM journal_line WHERE box_id = NEW.box_id AND hash = NEW.hash)
    """,
}


def _sqlite() -> list[str]:
    statements = []
    for table in TABLES:
        for act in ("UPDATE", "DELETE"):
            statements.append(
                f"CREATE TRIGGER {table}_no_{act.lower()} BEFORE {act} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
            )
        statements.append(
            f"CREATE TRIGGER {table}_only_at_end BEFORE INSERT ON {table} WHEN {REFUSED_INSERTS[table]} "
            f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
        )
    return statements


def _postgresql() -> list[str]:
    # The error class is the one of violated constraints, so that programs see the same kind of error on
    # both databases.
    refuse = f"RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'integrity_constraint_violation'"
    statements = [
        f"CREATE FUNCTION record_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {refuse}; END $$"
    ]
    for table in TABLES:
        statements += [
            f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION record_refuse()",
            f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION record_refuse()",
            f"CREATE TRIGGER {table}_no_truncate BEFORE TRUNCATE ON {table} EXECUTE FUNCTION record_refuse()",
            (
                f"CREATE FUNCTION {table}_only_at_end() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
                f"IF {REFUSED_INSERTS[table]} THEN {refuse}; END IF; RETURN NEW; END $$"
            ),
            (
                f"CREATE TRIGGER {table}_only_at_end BEFORE INSERT ON {table} "
                f"FOR EACH ROW EXECUTE FUNCTION {table}_only_at_end()"
            ),
        ]
    return statements


def upgrade() -> None:
    """Make the change."""
    for statement in _sqlite() if op.get_bind().dialect.name == "sqlite" else _postgresql():
        op.execute(statement)


def downgrade() -> None:
    """Take the change back."""
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    for table in TABLES:
        for name in ("no_update", "no_delete", "only_at_end", *(() if is_sqlite else ("no_truncate",))):
            op.execute(f"DROP TRIGGER {table}_{name}" + ("" if is_sqlite else f" ON {table}"))
        if not is_sqlite:
            op.execute(f"DROP FUNCTION {table}_only_at_end()")
    if not is_sqlite:
        op.execute("DROP FUNCTION record_refuse()")
