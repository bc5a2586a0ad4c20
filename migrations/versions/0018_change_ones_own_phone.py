"""Change one's own phone: a second factor that was offered and not yet taken."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "new_phone",
        sa.Column("account_number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_number"], ["account.number"], name=op.f("fk_new_phone_account_number_account")
        ),
        sa.PrimaryKeyConstraint("account_number", name=op.f("pk_new_phone")),
    )


def downgrade() -> None:
    """Take the change back."""
    op.drop_table("new_phone")
