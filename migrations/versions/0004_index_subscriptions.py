"""Find the orders of a subscription by an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004_index_subscriptions"
down_revision = "0003_add_links_and_limits"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_purchase_subscription",
        "purchase",
        ["subscription"],
        sqlite_where=sa.text("subscription IS NOT NULL"),
        postgresql_where=sa.text("subscription IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_purchase_subscription", table_name="purchase")
