"""Keep what makes a credit suspicious: on the purchase, and as findings with their evidence."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import UtcDateTime

revision = "0009_add_suspicions"
down_revision = "0008_refuse_truncate"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def columns() -> list[tuple[str, sa.Column[object]]]:
    """Return the new columns of tables that were there before."""
    number, text, yes = sa.Integer(), sa.String(1000), sa.Boolean()
    return [
        ("program", sa.Column("velocity_orders", number, nullable=False, server_default="10")),
        ("program", sa.Column("shared_ip_customers", number, nullable=False, server_default="5")),
        ("program", sa.Column("disposable_domains", text, nullable=False, server_default="")),
        ("purchase", sa.Column("name_key", sa.String(64), nullable=True)),
        ("purchase", sa.Column("is_disposable", yes, nullable=False, server_default=sa.false())),
    ]


def upgrade() -> None:
    for table, column in columns():
        op.add_column(table, column)
    op.create_table(
        "suspicion",
        sa.Column("purchase_id", BIG, nullable=False),
        sa.Column("ambassador_id", BIG, nullable=False),
        sa.Column("signal", sa.String(40), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("found_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["purchase_id"], ["purchase.id"], name=op.f("fk_suspicion_purchase_id_purchase")
        ),
        sa.ForeignKeyConstraint(
            ["ambassador_id"], ["ambassador.id"], name=op.f("fk_suspicion_ambassador_id_ambassador")
        ),
        sa.PrimaryKeyConstraint(
            "purchase_id", "ambassador_id", "signal", name=op.f("pk_suspicion")
        ),
    )


def downgrade() -> None:
    op.drop_table("suspicion")
    for table, column in columns():
        op.drop_column(table, column.name)
