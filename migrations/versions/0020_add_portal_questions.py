"""Add what ambassadors ask about purchases, and the files of a person's data."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import UtcDateTime

revision = "0020_add_portal_questions"
down_revision = "0019_add_profiles"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = UtcDateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "purchase_question",
        sa.Column("id", ID, nullable=False),
        sa.Column("purchase_id", ID, nullable=False),
        sa.Column("ambassador_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("text", sa.String(length=1000), nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("answer", sa.String(length=2000), nullable=True),
        sa.Column("answered_at", TIME, nullable=True),
        sa.Column("answered_by", sa.String(length=100), nullable=True),
        sa.Column("read_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["purchase_id"], ["purchase.id"], name=op.f("fk_purchase_question_purchase_id_purchase")
        ),
        sa.ForeignKeyConstraint(
            ["ambassador_id"],
            ["ambassador.id"],
            name=op.f("fk_purchase_question_ambassador_id_ambassador"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purchase_question")),
        sa.UniqueConstraint(
            "purchase_id",
            "ambassador_id",
            name=op.f("uq_purchase_question_purchase_id_ambassador_id"),
        ),
    )
    op.create_index(
        op.f("ix_purchase_question_ambassador_id"), "purchase_question", ["ambassador_id"]
    )
    op.create_index(op.f("ix_purchase_question_answered_at"), "purchase_question", ["answered_at"])
    op.create_table(
        "data_export",
        sa.Column("id", ID, nullable=False),
        sa.Column("member_id", ID, nullable=False),
        sa.Column("asked_at", TIME, nullable=False),
        sa.Column("ready_at", TIME, nullable=True),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_data_export_member_id_member")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_data_export")),
        sa.UniqueConstraint("member_id", name=op.f("uq_data_export_member_id")),
    )


def downgrade() -> None:
    op.drop_table("data_export")
    op.drop_table("purchase_question")
