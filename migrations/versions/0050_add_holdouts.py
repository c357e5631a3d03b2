"""Add holdouts: who was left out of an invitation by lot."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import UtcDateTime

revision = "0050_add_holdouts"
down_revision = "0043_add_self_billing"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "holdout",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("salt", sa.String(32), nullable=False),
        sa.Column("withheld_share", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "withheld_share > 0 AND withheld_share < 10000", name=op.f("ck_holdout_a_share")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holdout")),
        sa.UniqueConstraint("name", name=op.f("uq_holdout_name")),
    )
    op.create_table(
        "holdout_member",
        sa.Column("holdout_id", ID, nullable=False),
        sa.Column("member_id", ID, nullable=False),
        sa.Column("is_withheld", sa.Boolean(), nullable=False),
        sa.Column("drawn_at", UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["holdout_id"], ["holdout.id"], name=op.f("fk_holdout_member_holdout_id_holdout")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_holdout_member_member_id_member")
        ),
        sa.PrimaryKeyConstraint("holdout_id", "member_id", name=op.f("pk_holdout_member")),
    )
    op.create_index(op.f("ix_holdout_member_member_id"), "holdout_member", ["member_id"])


def downgrade() -> None:
    op.drop_table("holdout_member")
    op.drop_table("holdout")
