"""Add the charter, application pages and applications."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import UtcDateTime

revision = "0018_add_applications"
down_revision = "0017_add_campaign_wizard"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KINDS = ("customer", "micro_creator", "employee", "partner")
STATES = ("waiting", "listed", "approved", "declined")


def upgrade() -> None:
    op.create_table(
        "charter",
        sa.Column("id", BIG, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("text_fr", sa.Text(), nullable=False),
        sa.Column("published_at", UtcDateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_charter")),
        sa.UniqueConstraint("version", name=op.f("uq_charter_version")),
    )
    op.create_table(
        "application_page",
        sa.Column("campaign_id", BIG, nullable=False, autoincrement=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("title_en", sa.String(length=150), nullable=False),
        sa.Column("title_fr", sa.String(length=150), nullable=False),
        sa.Column("intro_en", sa.String(length=1000), nullable=False),
        sa.Column("intro_fr", sa.String(length=1000), nullable=False),
        sa.Column("questions", sa.JSON(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "capacity IS NULL OR taken <= capacity",
            name=op.f("ck_application_page_within_capacity"),
        ),
        sa.CheckConstraint("taken >= 0", name=op.f("ck_application_page_taken_not_negative")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"],
            name=op.f("fk_application_page_campaign_id_campaign"),
        ),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_application_page")),
    )
    op.create_table(
        "application",
        sa.Column("id", BIG, nullable=False),
        sa.Column("campaign_id", BIG, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("email_hash", sa.String(length=64), nullable=False),
        sa.Column("locale", sa.String(length=5), nullable=False),
        sa.Column(
            "kind", sa.Enum(*KINDS, name="ambassadorkind", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("charter_id", BIG, nullable=False),
        sa.Column("wants_messages", sa.Boolean(), nullable=False),
        sa.Column("applied_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column(
            "state", sa.Enum(*STATES, name="applicationstate", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("state_since", UtcDateTime(timezone=True), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("ambassador_id", BIG, nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_application_campaign_id_campaign")
        ),
        sa.ForeignKeyConstraint(
            ["charter_id"], ["charter.id"], name=op.f("fk_application_charter_id_charter")
        ),
        sa.ForeignKeyConstraint(
            ["ambassador_id"], ["ambassador.id"],
            name=op.f("fk_application_ambassador_id_ambassador"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application")),
        sa.UniqueConstraint(
            "campaign_id", "email_hash", name=op.f("uq_application_campaign_id_email_hash")
        ),
    )
    op.create_index("ix_application_queue", "application", ["campaign_id", "state", "id"])
    op.create_index(op.f("ix_application_state_since"), "application", ["state_since"])


def downgrade() -> None:
    op.drop_table("application")
    op.drop_table("application_page")
    op.drop_table("charter")
