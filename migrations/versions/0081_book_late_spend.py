"""Let spend for a closed month count in the open one, and have the database keep every line."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.protection import protect, release

revision = "0081_book_late_spend"
down_revision = "0080_tell_whose_spend"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("spend", sa.Column("booked_on", sa.Date(), nullable=True))
    protect("spend")


def downgrade() -> None:
    release("spend")
    op.drop_column("spend", "booked_on")
