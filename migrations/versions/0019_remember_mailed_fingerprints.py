"""Remember which fingerprint stands in a link that was mailed: Setup refuses another one."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change. What was mailed before was mailed after Setup, which is final: nothing to fill in."""
    op.add_column("delivery", sa.Column("fingerprint", sa.String(length=43), nullable=True))


def downgrade() -> None:
    """Take the change back."""
    op.drop_column("delivery", "fingerprint")
