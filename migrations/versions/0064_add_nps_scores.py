"""Add the scores that people gave to the question of the NPS."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import UtcDateTime

revision = "0064_add_nps_scores"
down_revision = "0062_add_direction"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = UtcDateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "nps_score",
        sa.Column("id", ID, nullable=False),
        sa.Column("person", sa.String(length=300), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("answered_at", TIME, nullable=False),
        sa.Column("told_by", sa.String(length=32), nullable=False),
        sa.CheckConstraint("score BETWEEN 0 AND 10", name=op.f("ck_nps_score_score_from_0_to_10")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_nps_score")),
        sa.UniqueConstraint("person", "answered_at", name=op.f("uq_nps_score_person_answered_at")),
    )


def downgrade() -> None:
    op.drop_table("nps_score")
