"""Keep from when until when members were in circles; who is in one now came with their seat."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import UtcDateTime

revision = "0069_add_circle_stays"
down_revision = "0068_cap_periods"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = UtcDateTime(timezone=True)
_SEATED = """
    INSERT INTO circle_stay (circle_id, member_id, since)
    SELECT circle_id, member_id, since FROM circle_seat WHERE state = 'seated' ORDER BY id
"""


def upgrade() -> None:
    op.create_table(
        "circle_stay",
        sa.Column("id", ID, nullable=False),
        sa.Column("circle_id", ID, nullable=False),
        sa.Column("member_id", ID, nullable=False),
        sa.Column("since", TIME, nullable=False),
        sa.Column("until", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["circle_id"], ["circle.id"], name=op.f("fk_circle_stay_circle_id_circle")
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_circle_stay_member_id_member")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_circle_stay")),
    )
    op.create_index("ix_circle_stay_member", "circle_stay", ["member_id", "circle_id"])
    op.execute(_SEATED)


def downgrade() -> None:
    op.drop_table("circle_stay")
