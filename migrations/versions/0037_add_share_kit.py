"""Add the images of share kits, and whether friends may read an ambassador's first name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import UtcDateTime

revision = "0037_add_share_kit"
down_revision = "0036_add_mail_consents"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "kit_image",
        sa.Column("id", ID, nullable=False),
        sa.Column("campaign_id", ID, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=4), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("alt_en", sa.String(length=200), nullable=False),
        sa.Column("alt_fr", sa.String(length=200), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_kit_image_campaign_id_campaign")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kit_image")),
        sa.UniqueConstraint("campaign_id", "digest", name=op.f("uq_kit_image_campaign_id_digest")),
    )
    op.create_index(op.f("ix_kit_image_digest"), "kit_image", ["digest"])
    op.add_column(
        "ambassador",
        sa.Column("shows_name", sa.Boolean(), nullable=False, server_default=sa.false()),
    )


def downgrade() -> None:
    op.drop_column("ambassador", "shows_name")
    op.drop_table("kit_image")
