"""Keep an election's languages, rules and quorum.

They wait here until the keys are ready; from then on the election data in the record have them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    op.add_column("ballot_box", sa.Column("presentation", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Take the change back."""
    op.drop_column("ballot_box", "presentation")
