"""List the ambassadors whose touch lost, so that they find the purchases and the reasons."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005_list_lost_credits"
down_revision = "0004_index_subscriptions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "lost_credit",
        sa.Column("purchase_id", big, nullable=False),
        sa.Column("ambassador_id", big, nullable=False),
        sa.ForeignKeyConstraint(
            ["purchase_id"], ["purchase.id"], name="fk_lost_credit_purchase_id_purchase"
        ),
        sa.ForeignKeyConstraint(
            ["ambassador_id"], ["ambassador.id"], name="fk_lost_credit_ambassador_id_ambassador"
        ),
        sa.PrimaryKeyConstraint("purchase_id", "ambassador_id", name="pk_lost_credit"),
    )
    op.create_index("ix_lost_credit_ambassador_id", "lost_credit", ["ambassador_id"])


def downgrade() -> None:
    op.drop_table("lost_credit")
