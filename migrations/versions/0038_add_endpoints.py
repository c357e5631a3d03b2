"""Add the endpoints of outgoing webhooks, and what each was told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import UtcDateTime

revision = "0038_add_endpoints"
down_revision = "0037_add_share_kit"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = UtcDateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "endpoint",
        sa.Column("id", ID, nullable=False),
        sa.Column("url", sa.String(length=2000), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("old_secret", sa.Text(), nullable=True),
        sa.Column("old_until", TIME, nullable=True),
        sa.Column("failing_since", TIME, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_endpoint")),
    )
    op.create_table(
        "endpoint_message",
        sa.Column("id", ID, nullable=False),
        sa.Column("endpoint_id", ID, nullable=False),
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("event", sa.String(length=40), nullable=False),
        sa.Column("body", sa.Text(), nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("answered", sa.Integer(), nullable=True),
        sa.Column("tried_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["endpoint_id"], ["endpoint.id"], name=op.f("fk_endpoint_message_endpoint_id_endpoint")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_endpoint_message")),
        sa.UniqueConstraint("key", name=op.f("uq_endpoint_message_key")),
    )
    op.create_index(
        op.f("ix_endpoint_message_endpoint_id"), "endpoint_message", ["endpoint_id"]
    )
    op.create_index(op.f("ix_endpoint_message_created_at"), "endpoint_message", ["created_at"])


def downgrade() -> None:
    op.drop_table("endpoint_message")
    op.drop_table("endpoint")
