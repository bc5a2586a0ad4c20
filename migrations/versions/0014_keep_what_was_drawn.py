"""Keep which orders of answers were drawn by lot, so that each is drawn once."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TABLE = "answer_drawing"


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        TABLE,
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ballot_box_id", sa.Integer(), nullable=False),
        sa.Column("answers_hash", sa.String(length=64), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("drawn_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["ballot_box_id"], ["ballot_box.id"], name=op.f(f"fk_{TABLE}_ballot_box_id_ballot_box")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{TABLE}")),
        sa.UniqueConstraint(
            "ballot_box_id", "answers_hash", name=op.f(f"uq_{TABLE}_ballot_box_id_answers_hash")
        ),
    )


def downgrade() -> None:
    """Take the change back."""
    op.drop_table(TABLE)
