"""Know until Setup which public credential is a member's, so that a lost one can be replaced."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TABLE = "replaceable_credential"


def upgrade() -> None:
    """Make the change. Credentials that were made before it cannot be replaced."""
    op.create_table(
        TABLE,
        sa.Column("roll_entry_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("replaced", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["roll_entry_id"], ["roll_entry.id"], name=op.f(f"fk_{TABLE}_roll_entry_id_roll_entry")
        ),
        sa.PrimaryKeyConstraint("roll_entry_id", name=op.f(f"pk_{TABLE}")),
    )


def downgrade() -> None:
    """Take the change back."""
    op.drop_table(TABLE)
