"""Mail members: which addresses are theirs, and what became of each mail with a credential."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)
STATES = "'waiting', 'sending', 'handing', 'sent', 'refused', 'bounced', 'unclear'"


def _refers(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}"))


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "mailing_rule",
        sa.Column("election_id", sa.Integer(), nullable=False),
        sa.Column("confirms_addresses", sa.Boolean(), nullable=False),
        _refers("mailing_rule", "election_id", "election"),
        sa.PrimaryKeyConstraint("election_id", name=op.f("pk_mailing_rule")),
    )
    op.create_table(
        "member_address",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("member_number", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("confirmed_at", TIME, nullable=True),
        sa.Column("denied_at", TIME, nullable=True),
        sa.CheckConstraint(
            "confirmed_at IS NULL OR denied_at IS NULL", name=op.f("ck_member_address_answer")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member_address")),
        sa.UniqueConstraint("member_number", "address", name=op.f("uq_member_address_member_number_address")),
        sa.UniqueConstraint("digest", name=op.f("uq_member_address_digest")),
    )
    op.create_table(
        "delivery",
        sa.Column("roll_entry_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("election_id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("next_try_at", TIME, nullable=False),
        sa.Column("attempted_at", TIME, nullable=True),
        sa.Column("sent_at", TIME, nullable=True),
        sa.Column("keep_days", sa.Integer(), nullable=False),
        sa.Column("lease_until", TIME, nullable=True),
        sa.Column("worker", sa.String(length=32), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.CheckConstraint(f"state IN ({STATES})", name=op.f("ck_delivery_state")),
        sa.CheckConstraint(
            "(state IN ('sending', 'handing')) = (lease_until IS NOT NULL)", name=op.f("ck_delivery_lease")
        ),
        _refers("delivery", "roll_entry_id", "roll_entry"),
        _refers("delivery", "election_id", "election"),
        sa.PrimaryKeyConstraint("roll_entry_id", name=op.f("pk_delivery")),
        sa.UniqueConstraint("message_id", name=op.f("uq_delivery_message_id")),
    )
    op.create_index("ix_delivery_state_next_try_at", "delivery", ["state", "next_try_at"])
    op.create_index("ix_delivery_election_id_state", "delivery", ["election_id", "state"])
    op.create_index("ix_delivery_attempted_at", "delivery", ["attempted_at"])


def downgrade() -> None:
    """Take the change back."""
    for table in ("delivery", "member_address", "mailing_rule"):
        op.drop_table(table)
