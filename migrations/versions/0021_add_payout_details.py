"""Add where ambassadors are paid, what they published, and passkeys."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import UtcDateTime

revision = "0021_add_payout_details"
down_revision = "0020_add_portal_questions"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = UtcDateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "payout_detail",
        sa.Column("id", ID, nullable=False),
        sa.Column("ambassador_id", ID, nullable=False),
        sa.Column("method", sa.String(length=32), nullable=False),
        sa.Column("holder", sa.String(length=70), nullable=False),
        sa.Column("sealed", sa.Text(), nullable=True),
        sa.Column("last4", sa.String(length=4), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=True),
        sa.Column("changed_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["ambassador_id"],
            ["ambassador.id"],
            name=op.f("fk_payout_detail_ambassador_id_ambassador"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payout_detail")),
        sa.UniqueConstraint("ambassador_id", name=op.f("uq_payout_detail_ambassador_id")),
    )
    op.create_index(op.f("ix_payout_detail_fingerprint"), "payout_detail", ["fingerprint"])
    op.create_table(
        "content_link",
        sa.Column("id", ID, nullable=False),
        sa.Column("ambassador_id", ID, nullable=False),
        sa.Column("campaign_id", ID, nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("handed_in_at", TIME, nullable=False),
        sa.Column("seen_at", TIME, nullable=True),
        sa.Column("seen_by", sa.String(length=100), nullable=True),
        sa.Column("thanks", sa.String(length=300), nullable=True),
        sa.ForeignKeyConstraint(
            ["ambassador_id"],
            ["ambassador.id"],
            name=op.f("fk_content_link_ambassador_id_ambassador"),
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_content_link_campaign_id_campaign")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_content_link")),
        sa.UniqueConstraint("ambassador_id", "url", name=op.f("uq_content_link_ambassador_id_url")),
    )
    op.create_index(op.f("ix_content_link_campaign_id"), "content_link", ["campaign_id"])
    op.create_index(op.f("ix_content_link_seen_at"), "content_link", ["seen_at"])
    op.create_table(
        "passkey",
        sa.Column("id", ID, nullable=False),
        sa.Column("user_id", ID, nullable=False),
        sa.Column("credential_id", sa.String(length=1400), nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("used_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_passkey_user_id_user_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkey")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkey_credential_id")),
    )
    op.create_index(op.f("ix_passkey_user_id"), "passkey", ["user_id"])


def downgrade() -> None:
    op.drop_table("passkey")
    op.drop_table("content_link")
    op.drop_table("payout_detail")
