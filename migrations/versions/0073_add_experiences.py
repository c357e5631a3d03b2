"""Let perks be experiences with a date and a place, and early access have a window and a link."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import UtcDateTime

revision = "0073_add_experiences"
down_revision = "0072_add_missions"
branch_labels = None
depends_on = None

TIME = UtcDateTime(timezone=True)


def upgrade() -> None:
    op.add_column("perk", sa.Column("happens_at", TIME, nullable=True))
    op.add_column("perk", sa.Column("closes_at", TIME, nullable=True))
    op.add_column(
        "perk", sa.Column("place", sa.String(length=200), nullable=False, server_default="")
    )
    op.add_column("perk", sa.Column("link", sa.String(length=500), nullable=True))


def downgrade() -> None:
    for column in ("link", "place", "closes_at", "happens_at"):
        op.drop_column("perk", column)
