"""Keep the reports that were certified."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "certified_report",
        sa.Column("ballot_box_id", sa.Integer(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ballot_box_id"], ["ballot_box.id"], name=op.f("fk_certified_report_ballot_box_id_ballot_box")
        ),
        sa.PrimaryKeyConstraint("ballot_box_id", name=op.f("pk_certified_report")),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("certified_report")
