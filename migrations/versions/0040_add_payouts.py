"""Add payouts, their batches, connected accounts, and above what two people approve."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core import protection
from core.db import UtcDateTime

revision = "0040_add_payouts"
down_revision = "0039_widen_suspicion"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = UtcDateTime(timezone=True)
IS_OPEN = sa.text("state IN ('draft', 'approved', 'sending', 'unknown')")
# What a payout is about never changes; where it stands does.
FROZEN = ("batch_id", "ambassador_id", "currency", "amount", "created_at")


def upgrade() -> None:
    op.add_column(
        "program",
        sa.Column("payout_approval_above", sa.BigInteger(), nullable=False, server_default="50000"),
    )
    op.create_table(
        "payout_batch",
        sa.Column("id", ID, nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.Column("approved_at", TIME, nullable=True),
        sa.Column("approved_by", sa.String(length=100), nullable=True),
        sa.Column("alone_up_to", sa.BigInteger(), nullable=True),
        sa.Column("cancelled_at", TIME, nullable=True),
        sa.Column("exported_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_batch")),
        sa.UniqueConstraint("key", name=op.f("uq_payout_batch_key")),
    )
    op.create_table(
        "payout",
        sa.Column("id", ID, nullable=False),
        sa.Column("batch_id", ID, nullable=False),
        sa.Column("ambassador_id", ID, nullable=False),
        sa.Column("method", sa.String(length=32), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("holder", sa.String(length=70), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.Column("last4", sa.String(length=4), nullable=False),
        sa.Column("account", sa.String(length=100), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=True),
        sa.Column("first_sent_at", TIME, nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("absent_at", TIME, nullable=True),
        sa.Column("due_at", TIME, nullable=True),
        sa.Column("token", sa.String(length=32), nullable=True),
        sa.Column("reference", sa.String(length=100), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("approved_at", TIME, nullable=True),
        sa.Column("sent_at", TIME, nullable=True),
        sa.Column("settled_at", TIME, nullable=True),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payout_amount_positive")),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["payout_batch.id"], name=op.f("fk_payout_batch_id_payout_batch")
        ),
        sa.ForeignKeyConstraint(
            ["ambassador_id"], ["ambassador.id"], name=op.f("fk_payout_ambassador_id_ambassador")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout")),
        sa.UniqueConstraint("key", name=op.f("uq_payout_key")),
    )
    op.create_index(op.f("ix_payout_batch_id"), "payout", ["batch_id"])
    op.create_index(op.f("ix_payout_ambassador_id"), "payout", ["ambassador_id"])
    op.create_index("ix_payout_due", "payout", ["state", "due_at"])
    op.create_index(
        "uq_payout_open", "payout", ["ambassador_id", "currency"], unique=True,
        sqlite_where=IS_OPEN, postgresql_where=IS_OPEN,
    )  # fmt: skip
    op.create_table(
        "connected_account",
        sa.Column("id", ID, nullable=False),
        sa.Column("ambassador_id", ID, nullable=False),
        sa.Column("account", sa.String(length=100), nullable=False),
        sa.Column("is_ready", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["ambassador_id"],
            ["ambassador.id"],
            name=op.f("fk_connected_account_ambassador_id_ambassador"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connected_account")),
        sa.UniqueConstraint("ambassador_id", name=op.f("uq_connected_account_ambassador_id")),
        sa.UniqueConstraint("account", name=op.f("uq_connected_account_account")),
    )
    protection.protect("payout", FROZEN)


def downgrade() -> None:
    op.drop_table("connected_account")
    op.drop_table("payout")
    op.drop_table("payout_batch")
    op.drop_column("program", "payout_approval_above")
