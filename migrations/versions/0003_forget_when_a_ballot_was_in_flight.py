"""Forget when a ballot was in flight.

Deleted rows stay in a database's files for long, and the time in them told when each ballot came. The rows
themselves live for milliseconds, so none has to be kept.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def _make_table(*times: sa.Column[Any]) -> None:
    op.create_table(
        "casting_in_flight",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("box_id", sa.Integer(), nullable=False),
        *times,
        sa.ForeignKeyConstraint(
            ["box_id"], ["ledger_box.id"], name=op.f("fk_casting_in_flight_box_id_ledger_box")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_casting_in_flight")),
    )


def upgrade() -> None:
    """Make the change."""
    op.drop_table("casting_in_flight")
    _make_table()
    op.create_index("ix_casting_in_flight_box_id", "casting_in_flight", ["box_id"])


def downgrade() -> None:
    """Take the change back."""
    op.drop_table("casting_in_flight")
    _make_table(sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False))
    op.create_index("ix_casting_in_flight_box_id_expires_at", "casting_in_flight", ["box_id", "expires_at"])
