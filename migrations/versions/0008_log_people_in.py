"""Log people in: addresses, sessions, recovery codes, wrong tries; and mail that has a secret in it."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TIME = sa.DateTime(timezone=True)


def _account() -> sa.Column[int]:
    return sa.Column("account_number", sa.Integer(), nullable=False)


def _of_account(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_account_number_account")
    return sa.ForeignKeyConstraint(["account_number"], ["account.number"], name=name)


def upgrade() -> None:
    """Make the change."""
    with op.batch_alter_table("account") as batch_op:
        batch_op.add_column(sa.Column("email", sa.String(length=254), nullable=True))
        batch_op.add_column(sa.Column("language", sa.String(length=35), nullable=True))
        batch_op.create_unique_constraint(op.f("uq_account_email"), ["email"])
    with op.batch_alter_table("setup_link") as batch_op:
        batch_op.add_column(
            sa.Column("purpose", sa.String(length=20), nullable=False, server_default="first")
        )
    with op.batch_alter_table("setup_link") as batch_op:
        batch_op.alter_column("purpose", server_default=None)
    with op.batch_alter_table("password") as batch_op:
        batch_op.drop_column("failures")
        batch_op.drop_column("locked_until_at")
    op.create_table(
        "recovery_code",
        sa.Column("digest", sa.String(length=64), nullable=False),
        _account(),
        _of_account("recovery_code"),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_recovery_code")),
    )
    op.create_index("ix_recovery_code_account_number", "recovery_code", ["account_number"])
    op.create_table(
        "login_session",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        _account(),
        sa.Column("is_full", sa.Boolean(), nullable=False),
        sa.Column("device", sa.String(length=60), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=False),
        sa.Column("ended_at", TIME, nullable=True),
        _of_account("login_session"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_session")),
        sa.UniqueConstraint("digest", name=op.f("uq_login_session_digest")),
    )
    op.create_index("ix_login_session_account_number", "login_session", ["account_number"])
    op.create_table(
        "known_browser",
        sa.Column("digest", sa.String(length=64), nullable=False),
        _account(),
        sa.Column("created_at", TIME, nullable=False),
        _of_account("known_browser"),
        sa.PrimaryKeyConstraint("digest", "account_number", name=op.f("pk_known_browser")),
    )
    op.create_table(
        "login_try",
        sa.Column("subject", sa.String(length=64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("pauses", sa.Integer(), nullable=False),
        sa.Column("last_at", TIME, nullable=False),
        sa.Column("paused_until_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_login_try")),
    )
    with op.batch_alter_table("outbox") as batch_op:
        batch_op.add_column(sa.Column("sealed", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    """Take the change back."""
    with op.batch_alter_table("outbox") as batch_op:
        batch_op.drop_column("sealed")
    for table in ("login_try", "known_browser", "login_session", "recovery_code"):
        op.drop_table(table)
    with op.batch_alter_table("password") as batch_op:
        batch_op.add_column(sa.Column("failures", sa.Integer(), nullable=False, server_default="0"))
        batch_op.add_column(sa.Column("locked_until_at", TIME, nullable=True))
    with op.batch_alter_table("password") as batch_op:
        batch_op.alter_column("failures", server_default=None)
    with op.batch_alter_table("setup_link") as batch_op:
        batch_op.drop_column("purpose")
    with op.batch_alter_table("account") as batch_op:
        batch_op.drop_constraint(op.f("uq_account_email"), type_="unique")
        batch_op.drop_column("language")
        batch_op.drop_column("email")
