"""Keep the times in which a campaign or an ambassador was stopped, after they go on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006_keep_breaks"
down_revision = "0005_list_lost_credits"
branch_labels = None
depends_on = None

TABLES = ("ambassador", "campaign")


def upgrade() -> None:
    for table in TABLES:
        op.add_column(table, sa.Column("breaks", sa.JSON(), nullable=False, server_default="[]"))


def downgrade() -> None:
    for table in TABLES:
        op.drop_column(table, "breaks")
