"""Keep candidates' photos."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TABLE = "candidate_photo"


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        TABLE,
        sa.Column("box_id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["box_id"], ["ballot_box.id"], name=op.f(f"fk_{TABLE}_box_id_ballot_box")),
        sa.PrimaryKeyConstraint("box_id", "digest", name=op.f(f"pk_{TABLE}")),
    )


def downgrade() -> None:
    """Take the change back."""
    op.drop_table(TABLE)
