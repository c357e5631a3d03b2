"""Add rates of currency, conversions frozen beside commissions, and the queue that awaits a rate.

Paid orders in another currency than the amounts of their campaign earned nothing so far:
they go into the queue.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core import protection

revision = "0034_add_currency_rates"
down_revision = "0032_add_sepa_debtor"
branch_labels = None
depends_on = None

_BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_QUEUE = """
    INSERT INTO rate_wait (purchase_id, since)
    SELECT purchase.id, purchase.recorded_at
    FROM purchase
    JOIN attribution ON attribution.purchase_id = purchase.id
    JOIN campaign ON campaign.id = attribution.campaign_id
    WHERE purchase.status = 'paid' AND NOT purchase.is_test
        AND attribution.ambassador_id IS NOT NULL AND purchase.currency <> campaign.currency
        AND NOT EXISTS (
            SELECT 1 FROM commission
            WHERE commission.purchase_id = purchase.id
                AND commission.ambassador_id = attribution.ambassador_id
        )
        AND (
            campaign.budget IS NOT NULL
            OR EXISTS (
                SELECT 1 FROM reward_rule
                WHERE reward_rule.campaign_id = campaign.id AND (
                    reward_rule.kind = 'fixed' OR reward_rule.maximum IS NOT NULL
                    OR reward_rule.ambassador_maximum IS NOT NULL
                )
            )
        )
"""


def upgrade() -> None:
    op.add_column(
        "program", sa.Column("rate_days", sa.Integer(), nullable=False, server_default="7")
    )
    op.create_table(
        "currency_rate",
        sa.Column("id", _BIG, nullable=False),
        sa.Column("rate_on", sa.Date(), nullable=False),
        sa.Column("base", sa.String(3), nullable=False),
        sa.Column("quote", sa.String(3), nullable=False),
        sa.Column("value", sa.String(40), nullable=False),
        sa.Column("source", sa.String(40), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_currency_rate")),
        sa.UniqueConstraint(
            "rate_on", "base", "quote", "source",
            name=op.f("uq_currency_rate_rate_on_base_quote_source"),
        ),
    )  # fmt: skip
    op.create_table(
        "conversion",
        sa.Column("purchase_id", _BIG, nullable=False),
        sa.Column("ambassador_id", _BIG, nullable=False),
        sa.Column("base", sa.String(3), nullable=False),
        sa.Column("quote", sa.String(3), nullable=False),
        sa.Column("value", sa.String(40), nullable=False),
        sa.Column("rate_on", sa.Date(), nullable=False),
        sa.Column("source", sa.String(40), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("counted", sa.BigInteger(), nullable=False),
        sa.Column("worth", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["purchase_id", "ambassador_id"],
            ["commission.purchase_id", "commission.ambassador_id"],
            name=op.f("fk_conversion_purchase_id_commission"),
        ),
        sa.PrimaryKeyConstraint("purchase_id", "ambassador_id", name=op.f("pk_conversion")),
    )
    protection.protect("conversion")
    op.create_table(
        "rate_wait",
        sa.Column("purchase_id", _BIG, autoincrement=False, nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["purchase_id"], ["purchase.id"], name=op.f("fk_rate_wait_purchase_id_purchase")
        ),
        sa.PrimaryKeyConstraint("purchase_id", name=op.f("pk_rate_wait")),
    )
    op.execute(_QUEUE)


def downgrade() -> None:
    op.drop_table("rate_wait")
    op.drop_table("conversion")
    op.drop_table("currency_rate")
    op.drop_column("program", "rate_days")
