"""Have two officers agree: how many an election needs, what one has proposed, and who agrees.

Elections that are there already keep their way: their journals do not announce a second officer.
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
OPEN = sa.text("ended_at IS NULL")


def upgrade() -> None:
    """Make the change."""
    with op.batch_alter_table("election") as batch_op:
        batch_op.add_column(sa.Column("officers_needed", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("certifiers", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("waiver", sa.Text(), nullable=True))
        batch_op.create_check_constraint(
            op.f("ck_election_officers"),
            "(officers_needed IS NULL) = (certifiers IS NULL) AND (officers_needed IS NULL) = (waiver IS NULL)"
            " AND (officers_needed IS NULL OR (officers_needed = 1 AND certifiers = 1 AND waiver <> '')"
            " OR (officers_needed = 2 AND certifiers >= 2 AND waiver = ''))",
        )
    op.create_table(
        "proposal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("election_id", sa.Integer(), nullable=False),
        sa.Column("act", sa.String(length=30), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("proposed_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        sa.Column("outcome", sa.String(length=10), nullable=True),
        sa.CheckConstraint(
            "outcome IN ('done', 'withdrawn', 'overtaken', 'expired')", name=op.f("ck_proposal_outcome")
        ),
        sa.CheckConstraint("(outcome IS NULL) = (ended_at IS NULL)", name=op.f("ck_proposal_ended")),
        sa.ForeignKeyConstraint(
            ["election_id"], ["election.id"], name=op.f("fk_proposal_election_id_election")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposal")),
    )
    op.create_index(
        "uq_proposal_open",
        "proposal",
        ["election_id", "act"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_table(
        "agreement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("proposal_id", sa.Integer(), nullable=False),
        sa.Column("account_number", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_number"], ["account.number"], name=op.f("fk_agreement_account_number_account")
        ),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["proposal.id"], name=op.f("fk_agreement_proposal_id_proposal")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agreement")),
        sa.UniqueConstraint(
            "proposal_id", "account_number", name=op.f("uq_agreement_proposal_id_account_number")
        ),
    )


def downgrade() -> None:
    """Take the change back."""
    op.drop_table("agreement")
    op.drop_index("uq_proposal_open", "proposal")
    op.drop_table("proposal")
    with op.batch_alter_table("election") as batch_op:
        batch_op.drop_constraint(op.f("ck_election_officers"), type_="check")
        batch_op.drop_column("waiver")
        batch_op.drop_column("certifiers")
        batch_op.drop_column("officers_needed")
