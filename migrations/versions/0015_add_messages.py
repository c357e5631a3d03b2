"""Add messages to an audience, their readers, and the events of the mail provider."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015_add_messages"
down_revision = "0014_add_circles_and_guard"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = ("message", "message_reader", "mail_event")


def upgrade() -> None:
    op.create_table(
        "message",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("audience", sa.JSON(), nullable=False),
        sa.Column("subject_en", sa.String(200), nullable=False),
        sa.Column("body_en", sa.Text(), nullable=False),
        sa.Column("subject_fr", sa.String(200), nullable=False),
        sa.Column("body_fr", sa.Text(), nullable=False),
        sa.Column("status", sa.String(32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_to", _ID, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_message"),
    )
    op.create_index("ix_message_status", "message", ["status"])
    op.create_table(
        "message_reader",
        sa.Column("id", _ID, nullable=False),
        sa.Column("message_id", _ID, sa.ForeignKey("message.id"), nullable=False),
        sa.Column("member_id", _ID, sa.ForeignKey("member.id"), nullable=False),
        sa.Column("spared", sa.String(30), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("bounced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unsubscribed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_message_reader"),
        sa.UniqueConstraint(
            "message_id", "member_id", name="uq_message_reader_message_id_member_id"
        ),
    )
    op.create_index("ix_message_reader_member_id", "message_reader", ["member_id"])
    op.create_index("ix_message_reader_list", "message_reader", ["message_id", "id"])
    op.create_table(
        "mail_event",
        sa.Column("event_id", sa.String(120), nullable=False),
        sa.Column("mail_key", sa.String(200), nullable=True),
        sa.Column("kind", sa.String(30), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name="pk_mail_event"),
    )
    op.create_index("ix_mail_event_mail_key", "mail_event", ["mail_key"])


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
