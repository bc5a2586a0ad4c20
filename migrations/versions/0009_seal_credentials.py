"""Keep credentials that the server made sealed until they are handed out, and how they were."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

TABLE = "sealed_credential"


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        TABLE,
        sa.Column("roll_entry_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["roll_entry_id"], ["roll_entry.id"], name=op.f(f"fk_{TABLE}_roll_entry_id_roll_entry")
        ),
        sa.PrimaryKeyConstraint("roll_entry_id", name=op.f(f"pk_{TABLE}")),
    )
    op.add_column("credential_publication", sa.Column("program", sa.Integer(), nullable=True))
    op.add_column("roll_entry", sa.Column("credential_way", sa.String(length=20), nullable=True))


def downgrade() -> None:
    """Take the change back: what was not handed out by then is lost."""
    op.drop_column("roll_entry", "credential_way")
    op.drop_column("credential_publication", "program")
    op.drop_table(TABLE)
