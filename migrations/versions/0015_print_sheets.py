"""Keep whose sheets were asked for together, and whether they are printed; never the sheets."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "sheet_run",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("election_id", sa.Integer(), nullable=False),
        sa.Column("layout", sa.String(length=20), nullable=False),
        sa.Column("fingerprint", sa.String(length=43), nullable=False),
        sa.Column("unit", sa.String(length=200), nullable=False),
        sa.Column("member_number", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.CheckConstraint("state IN ('open', 'printed', 'dropped')", name=op.f("ck_sheet_run_state")),
        sa.ForeignKeyConstraint(
            ["election_id"], ["election.id"], name=op.f("fk_sheet_run_election_id_election")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sheet_run")),
    )
    op.create_index("ix_sheet_run_election_id", "sheet_run", ["election_id"])
    op.create_table(
        "sheet_run_entry",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("roll_entry_id", sa.Integer(), nullable=False),
        sa.Column("fault", sa.String(length=500), nullable=True),
        sa.ForeignKeyConstraint(
            ["run_id"], ["sheet_run.id"], name=op.f("fk_sheet_run_entry_run_id_sheet_run")
        ),
        sa.ForeignKeyConstraint(
            ["roll_entry_id"], ["roll_entry.id"], name=op.f("fk_sheet_run_entry_roll_entry_id_roll_entry")
        ),
        sa.PrimaryKeyConstraint("run_id", "place", name=op.f("pk_sheet_run_entry")),
    )
    op.create_index("ix_sheet_run_entry_roll_entry_id", "sheet_run_entry", ["roll_entry_id"])


def downgrade() -> None:
    """Take the change back."""
    op.drop_table("sheet_run_entry")
    op.drop_table("sheet_run")
