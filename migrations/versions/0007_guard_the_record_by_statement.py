"""Guard the record by statement.

On PostgreSQL the triggers that keep events and data at the end of the record ran for each row, and the plans of their
queries, made while the tables were empty, read whole tables later on. Now they run once for a statement, however many
rows it adds, and ask only what no constraint says already. On SQLite they stay as they are: there INSERT OR REPLACE
goes past unique constraints.
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

MESSAGE = "the record is append-only"
REFUSE = f"RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'integrity_constraint_violation'"

# Conditions under which a statement that added these rows is undone. Each inner query is put for one added row, so
# that the primary key answers it; PostgreSQL would rather read the whole table for an EXISTS or a join, because it does
# not know how few rows were added.
REFUSED_BY_STATEMENT = {
    # The right parent and the right place in the archive. The next height follows: each event has the height after
    # its parent's, no parent has two children and no hash comes twice (unique constraints), so an event can only
    # come after the last one.
    "ledger_event": """
        EXISTS (SELECT 1 FROM added WHERE
            height < 0
            OR (height = 0) <> (parent IS NULL)
            OR end_position <= position
            OR (height > 0 AND NOT COALESCE((
                SELECT earlier.hash = added.parent AND earlier.end_position = added.position
                FROM ledger_event AS earlier
                WHERE earlier.box_id = added.box_id AND earlier.height = added.height - 1), FALSE)))
    """,
    # Data stand before their event: once it is there, no more can join it. That no ballot comes twice, and no data
    # record, say a unique index and the primary key.
    "ledger_data": """
        EXISTS (SELECT 1 FROM added WHERE
            height <= (SELECT MAX(event.height) FROM ledger_event AS event WHERE event.box_id = added.box_id))
    """,
}

# As migration 0002 made them.
REFUSED_BY_ROW = {
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
    "ledger_data": """
        EXISTS (SELECT 1 FROM ledger_event WHERE box_id = NEW.box_id AND height >= NEW.height)
        OR EXISTS (
            SELECT 1 FROM ledger_data
            WHERE box_id = NEW.box_id AND height = NEW.height AND ordinal = NEW.ordinal)
        OR (NEW.credential IS NOT NULL AND EXISTS (
            SELECT 1 FROM ledger_data
            WHERE box_id = NEW.box_id AND hash = NEW.hash AND credential IS NOT NULL))
    """,
}


def upgrade() -> None:
    """Make the change."""
    if op.get_bind().dialect.name == "sqlite":
        return
    for table, refused in REFUSED_BY_STATEMENT.items():
        _drop(table)
        op.execute(
            f"CREATE FUNCTION {table}_only_at_end() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF {refused} THEN {REFUSE}; END IF; RETURN NULL; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_only_at_end AFTER INSERT ON {table} REFERENCING NEW TABLE AS added "
            f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_only_at_end()"
        )


def downgrade() -> None:
    """Take the change back."""
    if op.get_bind().dialect.name == "sqlite":
        return
    for table, refused in REFUSED_BY_ROW.items():
        _drop(table)
        op.execute(
            f"CREATE FUNCTION {table}_only_at_end() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF {refused} THEN {REFUSE}; END IF; RETURN NEW; END $$"
        )
        op.execute(
            f"CREATE TRIGGER {table}_only_at_end BEFORE INSERT ON {table} "
            f"FOR EACH ROW EXECUTE FUNCTION {table}_only_at_end()"
        )


def _drop(table: str) -> None:
    op.execute(f"DROP TRIGGER {table}_only_at_end ON {table}")
    op.execute(f"DROP FUNCTION {table}_only_at_end()")
