"""Let a campaign limit how many purchases it rewards."""

from __future__ import annotations

from alembic import op

revision = "0025_limit_rewarded"
down_revision = "0025_change_by_draft"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE campaign ADD COLUMN rewarded_limit INTEGER")
    op.execute(  # in one statement: SQLite adds no constraint to a table that is there
        "ALTER TABLE campaign ADD COLUMN rewarded INTEGER NOT NULL DEFAULT 0 "
        "CONSTRAINT ck_campaign_within_rewarded_limit "
        "CHECK (rewarded >= 0 AND (rewarded_limit IS NULL OR rewarded <= rewarded_limit))"
    )


def downgrade() -> None:
    op.drop_column("campaign", "rewarded")
    op.drop_column("campaign", "rewarded_limit")
