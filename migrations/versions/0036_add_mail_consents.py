"""Add what customers said about being written to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import UtcDateTime

revision = "0036_add_mail_consents"
down_revision = "0035_add_invitations"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mail_consent",
        sa.Column("email_hash", sa.String(64), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("may_write", sa.Boolean(), nullable=False),
        sa.Column("said_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("told_by", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("email_hash", name=op.f("pk_mail_consent")),
    )


def downgrade() -> None:
    op.drop_table("mail_consent")
