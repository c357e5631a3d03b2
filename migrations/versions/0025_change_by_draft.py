"""Let a draft change a campaign that is there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import UtcDateTime

revision = "0025_change_by_draft"
down_revision = "0024_reward_points_and_perks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    op.execute(  # in one statement: SQLite adds no constraint to a table that is there
        f"ALTER TABLE campaign_draft ADD COLUMN changes_id {'INTEGER' if is_sqlite else 'BIGINT'} "
        "CONSTRAINT fk_campaign_draft_changes_id_campaign REFERENCES campaign (id)"
    )
    op.create_index(op.f("ix_campaign_draft_changes_id"), "campaign_draft", ["changes_id"])
    op.add_column("campaign_draft", sa.Column("seen", sa.String(16), nullable=True))
    applied_at = sa.Column("applied_at", UtcDateTime(timezone=True), nullable=True)
    op.add_column("campaign_draft", applied_at)


def downgrade() -> None:
    op.drop_index(op.f("ix_campaign_draft_changes_id"), "campaign_draft")
    for name in ("applied_at", "seen", "changes_id"):
        op.drop_column("campaign_draft", name)
