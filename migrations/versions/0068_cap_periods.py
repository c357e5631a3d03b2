"""Let a reward stop at the most of a month, quarter or year, of one ambassador and of all."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core import protection

revision = "0068_cap_periods"
down_revision = "0066_find_batches_by_their_ids"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_CAPS = ("ambassador", "campaign")


def upgrade() -> None:
    for whose in _CAPS:
        op.add_column("reward_rule", sa.Column(f"{whose}_period", sa.String(32), nullable=True))
        maximum = sa.Column(f"{whose}_period_maximum", sa.BigInteger(), nullable=True)
        op.add_column("reward_rule", maximum)
    op.create_table(
        "period_count",
        sa.Column("id", ID, nullable=False),
        sa.Column("campaign_id", ID, nullable=False),
        sa.Column("ambassador_id", ID, nullable=False),
        sa.Column("period", sa.String(32), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("committed", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("committed >= 0", name=op.f("ck_period_count_committed_not_negative")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_period_count_campaign_id_campaign")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_period_count")),
        sa.UniqueConstraint(
            "campaign_id", "ambassador_id", "period", "starts_on",
            name=op.f("uq_period_count_campaign_id_ambassador_id_period_starts_on"),
        ),
    )  # fmt: skip
    op.create_table(
        "period_take",
        sa.Column("purchase_id", ID, nullable=False),
        sa.Column("ambassador_id", ID, nullable=False),
        sa.Column("count_id", ID, nullable=False),
        sa.Column("maximum", sa.BigInteger(), nullable=False),
        sa.Column("before", sa.BigInteger(), nullable=False),
        sa.Column("counted", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["purchase_id", "ambassador_id"],
            ["commission.purchase_id", "commission.ambassador_id"],
            name=op.f("fk_period_take_purchase_id_commission"),
        ),
        sa.ForeignKeyConstraint(
            ["count_id"], ["period_count.id"], name=op.f("fk_period_take_count_id_period_count")
        ),
        sa.PrimaryKeyConstraint(
            "purchase_id", "ambassador_id", "count_id", name=op.f("pk_period_take")
        ),
    )
    op.create_index(op.f("ix_period_take_count_id"), "period_take", ["count_id"])
    protection.protect("period_take")


def downgrade() -> None:
    op.drop_table("period_take")
    op.drop_table("period_count")
    for whose in _CAPS:
        op.drop_column("reward_rule", f"{whose}_period_maximum")
        op.drop_column("reward_rule", f"{whose}_period")
