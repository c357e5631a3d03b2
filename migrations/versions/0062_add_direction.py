"""Add readers of the direction report, saved views, and expectations of the 3-6-12 board."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import UtcDateTime

revision = "0062_add_direction"
down_revision = "0061_add_costs"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = UtcDateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "direction_reader",
        sa.Column("id", ID, nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("locale", sa.String(length=5), nullable=False),
        sa.Column("last_month", sa.String(length=7), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_direction_reader")),
        sa.UniqueConstraint("email", name=op.f("uq_direction_reader_email")),
    )
    op.create_table(
        "saved_view",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("path", sa.String(length=100), nullable=False),
        sa.Column("query", sa.String(length=2000), nullable=False),
        sa.Column("is_shared", sa.Boolean(), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_saved_view_user_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_view")),
        sa.UniqueConstraint("user_id", "name", name=op.f("uq_saved_view_user_id_name")),
    )
    op.create_table(
        "expectation",
        sa.Column("id", ID, nullable=False),
        sa.Column("scope", sa.String(length=60), nullable=False),
        sa.Column("measure", sa.String(length=32), nullable=False),
        sa.Column("after_months", sa.Integer(), nullable=False),
        sa.Column("launched", sa.String(length=7), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("low", sa.BigInteger(), nullable=False),
        sa.Column("high", sa.BigInteger(), nullable=False),
        sa.Column("written_at", TIME, nullable=False),
        sa.CheckConstraint("low <= high", name=op.f("ck_expectation_in_order")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_expectation")),
        sa.UniqueConstraint("scope", "measure", "after_months", name=op.f("uq_expectation_scope_measure_after_months")),
    )


def downgrade() -> None:
    op.drop_table("expectation")
    op.drop_table("saved_view")
    op.drop_table("direction_reader")
