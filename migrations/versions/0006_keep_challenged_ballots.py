"""Keep challenged ballots.

Their rows are part of the record: without one, a ballot that was opened could be cast.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TABLE = "challenged_ballot"
MESSAGE = "the record is append-only"


def _is_sqlite() -> bool:
    return op.get_bind().dialect.name == "sqlite"


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        TABLE,
        sa.Column("box_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("credential", sa.String(length=700), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["box_id"], ["ledger_box.id"], name=op.f("fk_challenged_ballot_box_id_ledger_box")
        ),
        sa.PrimaryKeyConstraint("box_id", "digest", name=op.f("pk_challenged_ballot")),
    )
    op.create_index("ix_challenged_ballot_box_id_credential", TABLE, ["box_id", "credential"])
    if _is_sqlite():
        for act in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {TABLE}_no_{act.lower()} BEFORE {act} ON {TABLE} "
                f"BEGIN SELECT RAISE(ABORT, '{MESSAGE}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION challenged_ballot_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"RAISE EXCEPTION '{MESSAGE}' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    for act, each in (("UPDATE", "FOR EACH ROW "), ("DELETE", "FOR EACH ROW "), ("TRUNCATE", "")):
        op.execute(
            f"CREATE TRIGGER {TABLE}_no_{act.lower()} BEFORE {act} ON {TABLE} "
            f"{each}EXECUTE FUNCTION challenged_ballot_refuse()"
        )


def downgrade() -> None:
    """Take the change back."""
    op.drop_table(TABLE)
    if not _is_sqlite():
        op.execute("DROP FUNCTION challenged_ballot_refuse()")
