"""Add drafts and briefs of campaigns, and the mentions that the law asks, with date and source."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa
from alembic import op

from core.db import UtcDateTime

revision = "0017_add_campaign_wizard"
down_revision = "0016_extend_reward_rules"
branch_labels = None
depends_on = None

_LAW = "Loi n° 2023-451 du 9 juin 2023, art. 5, ordonnance n° 2024-978 du 6 novembre 2024"
_FIRST = [  # format, French, English
    ("paid", "Publicité", "Advertisement"),
    ("commission", "Collaboration commerciale", "Paid partnership"),
    ("gifted", "Collaboration commerciale", "Gifted product"),
]


def upgrade() -> None:
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "campaign_draft",
        sa.Column("id", big, nullable=False),
        sa.Column("token", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("answers", sa.JSON(), nullable=False),
        sa.Column("campaign_id", big, nullable=True),
        sa.Column("saved_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_campaign_draft_campaign_id_campaign")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_draft")),
        sa.UniqueConstraint("token", name=op.f("uq_campaign_draft_token")),
        sa.UniqueConstraint("campaign_id", name=op.f("uq_campaign_draft_campaign_id")),
    )
    op.create_table(
        "campaign_brief",
        sa.Column("campaign_id", big, nullable=False),
        sa.Column("audience", sa.JSON(), nullable=False),
        sa.Column("format", sa.String(length=32), nullable=False),
        sa.Column("text_en", sa.Text(), nullable=False),
        sa.Column("text_fr", sa.Text(), nullable=False),
        sa.Column("goal", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_campaign_brief_campaign_id_campaign")
        ),
        sa.PrimaryKeyConstraint("campaign_id", name=op.f("pk_campaign_brief")),
    )
    mention = op.create_table(
        "mention",
        sa.Column("id", big, nullable=False),
        sa.Column("format", sa.String(length=32), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("text_fr", sa.String(length=200), nullable=False),
        sa.Column("text_en", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=300), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mention")),
        sa.UniqueConstraint(
            "format", "effective_on", name=op.f("uq_mention_format_effective_on")
        ),
    )
    op.bulk_insert(
        mention,
        [
            {"format": kind, "effective_on": date(2023, 6, 11), "text_fr": french,
             "text_en": english, "source": _LAW}
            for kind, french, english in _FIRST
        ],
    )  # fmt: skip


def downgrade() -> None:
    for table in ("mention", "campaign_brief", "campaign_draft"):
        op.drop_table(table)
