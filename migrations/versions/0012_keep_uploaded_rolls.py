"""Keep uploaded rolls until they are taken."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "roll_upload",
        sa.Column("election_id", sa.Integer(), nullable=False),
        sa.Column("account_number", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["election_id"], ["election.id"], name=op.f("fk_roll_upload_election_id_election")
        ),
        sa.ForeignKeyConstraint(
            ["account_number"], ["account.number"], name=op.f("fk_roll_upload_account_number_account")
        ),
        sa.PrimaryKeyConstraint("election_id", "account_number", name=op.f("pk_roll_upload")),
    )


def downgrade() -> None:
    """Take the change back."""
    op.drop_table("roll_upload")
