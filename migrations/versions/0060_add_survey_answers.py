"""Add what customers answered to the survey, and the channels of answers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import UtcDateTime

revision = "0060_add_survey_answers"
down_revision = "0050_add_holdouts"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = UtcDateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "survey_answer",
        sa.Column("purchase_id", ID, autoincrement=False, nullable=False),
        sa.Column("answer", sa.String(length=200), nullable=False),
        sa.Column("told_by", sa.String(length=32), nullable=False),
        sa.Column("answered_at", TIME, nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["purchase_id"], ["purchase.id"], name=op.f("fk_survey_answer_purchase_id_purchase")
        ),
        sa.PrimaryKeyConstraint("purchase_id", name=op.f("pk_survey_answer")),
    )
    op.create_table(
        "answer_channel",
        sa.Column("id", ID, nullable=False),
        sa.Column("folded", sa.String(length=200), nullable=False),
        sa.Column("channel", sa.String(length=60), nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_answer_channel")),
        sa.UniqueConstraint("folded", name=op.f("uq_answer_channel_folded")),
    )


def downgrade() -> None:
    op.drop_table("answer_channel")
    op.drop_table("survey_answer")
