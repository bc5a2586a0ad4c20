"""Create the tables."""

# ruff: noqa: E501  written by alembic from the models

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "account",
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("label", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_account")),
    )
    op.create_table(
        "ledger_box",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=64), nullable=False),
        sa.Column("timestamp", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_box")),
        sa.UniqueConstraint("uuid", name=op.f("uq_ledger_box_uuid")),
    )
    op.create_table(
        "organisation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation")),
    )
    op.create_table(
        "access_token",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("account_number", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_number"], ["account.number"], name=op.f("fk_access_token_account_number_account")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_access_token")),
    )
    with op.batch_alter_table("access_token", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_access_token_account_number"), ["account_number"], unique=False)

    op.create_table(
        "casting_in_flight",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("box_id", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["box_id"], ["ledger_box.id"], name=op.f("fk_casting_in_flight_box_id_ledger_box")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_casting_in_flight")),
    )
    with op.batch_alter_table("casting_in_flight", schema=None) as batch_op:
        batch_op.create_index(
            "ix_casting_in_flight_box_id_expires_at", ["box_id", "expires_at"], unique=False
        )

    op.create_table(
        "journal_line",
        sa.Column("box_id", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("parent", sa.String(length=64), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["box_id"], ["ledger_box.id"], name=op.f("fk_journal_line_box_id_ledger_box")
        ),
        sa.PrimaryKeyConstraint("box_id", "height", name=op.f("pk_journal_line")),
        sa.UniqueConstraint("box_id", "hash", name=op.f("uq_journal_line_box_id_hash")),
        sa.UniqueConstraint("box_id", "parent", name=op.f("uq_journal_line_box_id_parent")),
    )
    op.create_table(
        "ledger_event",
        sa.Column("box_id", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("parent", sa.String(length=64), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("end_position", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["box_id"], ["ledger_box.id"], name=op.f("fk_ledger_event_box_id_ledger_box")
        ),
        sa.PrimaryKeyConstraint("box_id", "height", name=op.f("pk_ledger_event")),
        sa.UniqueConstraint("box_id", "end_position", name=op.f("uq_ledger_event_box_id_end_position")),
        sa.UniqueConstraint("box_id", "hash", name=op.f("uq_ledger_event_box_id_hash")),
        sa.UniqueConstraint("box_id", "parent", name=op.f("uq_ledger_event_box_id_parent")),
    )
    op.create_table(
        "password",
        sa.Column("account_number", sa.Integer(), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("sealed_totp", sa.LargeBinary(), nullable=False),
        sa.Column("last_totp_step", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("locked_until_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_number"], ["account.number"], name=op.f("fk_password_account_number_account")
        ),
        sa.PrimaryKeyConstraint("account_number", name=op.f("pk_password")),
    )
    op.create_table(
        "setup_link",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("account_number", sa.Integer(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_number"], ["account.number"], name=op.f("fk_setup_link_account_number_account")
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_setup_link")),
    )
    op.create_table(
        "unit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_unit_organisation_id_organisation")
        ),
        sa.ForeignKeyConstraint(["parent_id"], ["unit.id"], name=op.f("fk_unit_parent_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit")),
        sa.UniqueConstraint(
            "organisation_id", "parent_id", "name", name=op.f("uq_unit_organisation_id_parent_id_name")
        ),
    )
    op.create_table(
        "election",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("organisation_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=500), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("group_name", sa.String(length=40), nullable=False),
        sa.Column("revoting", sa.Boolean(), nullable=False),
        sa.Column("credential_mode", sa.String(length=20), nullable=False),
        sa.Column("time_zone", sa.String(length=64), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("single_trustees", sa.Integer(), nullable=False),
        sa.Column("threshold_size", sa.Integer(), nullable=True),
        sa.Column("threshold", sa.Integer(), nullable=True),
        sa.Column("keys_drilled", sa.Boolean(), nullable=False),
        sa.Column("roll_salt", sa.String(length=64), nullable=True),
        sa.Column("roll_hash", sa.String(length=64), nullable=True),
        sa.Column("member_count", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "credential_mode IN ('server', 'registrar')", name=op.f("ck_election_credential_mode")
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'roll-frozen', 'keys-ready', 'open', 'paused', 'closed', 'tallied', 'certified', 'cancelled', 'untalliable')",
            name=op.f("ck_election_state"),
        ),
        sa.CheckConstraint(
            "(threshold_size IS NULL) = (threshold IS NULL) AND threshold >= 1 AND threshold <= threshold_size",
            name=op.f("ck_election_threshold"),
        ),
        sa.CheckConstraint("single_trustees >= 0", name=op.f("ck_election_single_trustees")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisation.id"], name=op.f("fk_election_organisation_id_organisation")
        ),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_election_unit_id_unit")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_election")),
    )
    op.create_table(
        "ledger_data",
        sa.Column("box_id", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("credential", sa.String(length=700), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["box_id", "height"],
            ["ledger_event.box_id", "ledger_event.height"],
            name=op.f("fk_ledger_data_box_id_height_ledger_event"),
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.ForeignKeyConstraint(["box_id"], ["ledger_box.id"], name=op.f("fk_ledger_data_box_id_ledger_box")),
        sa.PrimaryKeyConstraint("box_id", "height", "ordinal", name=op.f("pk_ledger_data")),
    )
    with op.batch_alter_table("ledger_data", schema=None) as batch_op:
        batch_op.create_index("ix_ledger_data_box_id_credential", ["box_id", "credential"], unique=False)
        batch_op.create_index("ix_ledger_data_box_id_hash", ["box_id", "hash"], unique=False)
        batch_op.create_index(
            "uq_ledger_data_ballot",
            ["box_id", "hash"],
            unique=True,
            sqlite_where=sa.text("credential IS NOT NULL"),
            postgresql_where=sa.text("credential IS NOT NULL"),
        )

    op.create_table(
        "ballot_box",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("election_id", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("uuid", sa.String(length=40), nullable=False),
        sa.Column("questions", sa.JSON(), nullable=False),
        sa.Column("service_key", sa.String(length=43), nullable=False),
        sa.ForeignKeyConstraint(
            ["election_id"], ["election.id"], name=op.f("fk_ballot_box_election_id_election")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ballot_box")),
        sa.UniqueConstraint("election_id", "ordinal", name=op.f("uq_ballot_box_election_id_ordinal")),
        sa.UniqueConstraint("uuid", name=op.f("uq_ballot_box_uuid")),
    )
    op.create_table(
        "retired_commitment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("election_id", sa.Integer(), nullable=False),
        sa.Column("commitment", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["election_id"], ["election.id"], name=op.f("fk_retired_commitment_election_id_election")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retired_commitment")),
        sa.UniqueConstraint(
            "election_id", "commitment", name=op.f("uq_retired_commitment_election_id_commitment")
        ),
    )
    op.create_table(
        "roll_entry",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("election_id", sa.Integer(), nullable=False),
        sa.Column("member_number", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("phone", sa.String(length=40), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("unit", sa.String(length=200), nullable=False),
        sa.Column("weight", sa.BigInteger(), nullable=False),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("eligible", sa.Boolean(), nullable=False),
        sa.Column("credential_state", sa.String(length=20), nullable=False),
        sa.CheckConstraint(
            "credential_state IN ('none', 'delivered')", name=op.f("ck_roll_entry_credential_state")
        ),
        sa.CheckConstraint("weight >= 1", name=op.f("ck_roll_entry_weight")),
        sa.ForeignKeyConstraint(
            ["election_id"], ["election.id"], name=op.f("fk_roll_entry_election_id_election")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roll_entry")),
        sa.UniqueConstraint(
            "election_id", "member_number", name=op.f("uq_roll_entry_election_id_member_number")
        ),
    )
    op.create_table(
        "trustee_seat",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("election_id", sa.Integer(), nullable=False),
        sa.Column("owner", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("share_index", sa.Integer(), nullable=True),
        sa.Column("account_number", sa.Integer(), nullable=False),
        sa.Column("certificate", sa.Text(), nullable=True),
        sa.Column("commitment", sa.String(length=64), nullable=True),
        sa.Column("revealed", sa.Text(), nullable=True),
        sa.Column("voutput", sa.Text(), nullable=True),
        sa.Column("drill_nonce", sa.String(length=64), nullable=True),
        sa.Column("drilled", sa.Boolean(), nullable=False),
        sa.CheckConstraint(
            "(kind = 'threshold') = (share_index IS NOT NULL)", name=op.f("ck_trustee_seat_share_index")
        ),
        sa.CheckConstraint("kind IN ('single', 'threshold')", name=op.f("ck_trustee_seat_kind")),
        sa.ForeignKeyConstraint(
            ["election_id"], ["election.id"], name=op.f("fk_trustee_seat_election_id_election")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trustee_seat")),
        sa.UniqueConstraint("account_number", name=op.f("uq_trustee_seat_account_number")),
        sa.UniqueConstraint("election_id", "owner", name=op.f("uq_trustee_seat_election_id_owner")),
    )
    op.create_table(
        "credential_publication",
        sa.Column("ballot_box_id", sa.Integer(), nullable=False),
        sa.Column("credentials", sa.Text(), nullable=False),
        sa.Column("credentials_hash", sa.String(length=64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ballot_box_id"],
            ["ballot_box.id"],
            name=op.f("fk_credential_publication_ballot_box_id_ballot_box"),
        ),
        sa.PrimaryKeyConstraint("ballot_box_id", name=op.f("pk_credential_publication")),
    )
    op.create_table(
        "work_claim",
        sa.Column("ballot_box_id", sa.Integer(), nullable=False),
        sa.Column("worker", sa.String(length=32), nullable=False),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["ballot_box_id"], ["ballot_box.id"], name=op.f("fk_work_claim_ballot_box_id_ballot_box")
        ),
        sa.PrimaryKeyConstraint("ballot_box_id", name=op.f("pk_work_claim")),
    )


def downgrade() -> None:
    """Take the change back."""
    op.drop_table("work_claim")
    op.drop_table("credential_publication")
    op.drop_table("trustee_seat")
    op.drop_table("roll_entry")
    op.drop_table("retired_commitment")
    op.drop_table("ballot_box")
    with op.batch_alter_table("ledger_data", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_ledger_data_ballot",
            sqlite_where=sa.text("credential IS NOT NULL"),
            postgresql_where=sa.text("credential IS NOT NULL"),
        )
        batch_op.drop_index("ix_ledger_data_box_id_hash")
        batch_op.drop_index("ix_ledger_data_box_id_credential")

    op.drop_table("ledger_data")
    op.drop_table("election")
    op.drop_table("unit")
    op.drop_table("setup_link")
    op.drop_table("password")
    op.drop_table("ledger_event")
    op.drop_table("journal_line")
    with op.batch_alter_table("casting_in_flight", schema=None) as batch_op:
        batch_op.drop_index("ix_casting_in_flight_box_id_expires_at")

    op.drop_table("casting_in_flight")
    with op.batch_alter_table("access_token", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_access_token_account_number"))

    op.drop_table("access_token")
    op.drop_table("organisation")
    op.drop_table("ledger_box")
    op.drop_table("account")
