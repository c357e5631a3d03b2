"""Add circles, tags, notes, segments, acts on lists, and what the guard counts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014_add_circles_and_guard"
down_revision = "0013_add_vouchers"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLES = (
    "circle",
    "circle_seat",
    "tag",
    "member_tag",
    "member_note",
    "timeline_entry",
    "segment",
    "segment_member",
    "bulk_act",
    "bulk_act_member",
    "contact",
    "contact_choice",
    "suppression",
)


def upgrade() -> None:
    op.create_table(
        "circle",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("purpose", sa.String(500), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("seated", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_circle"),
        sa.CheckConstraint("seated >= 0", name=op.f("ck_circle_seated_not_negative")),
        sa.CheckConstraint(
            "capacity IS NULL OR seated <= capacity", name=op.f("ck_circle_within_capacity")
        ),
        sa.UniqueConstraint("name", name="uq_circle_name"),
    )
    op.create_table(
        "circle_seat",
        sa.Column("id", _ID, nullable=False),
        sa.Column("circle_id", _ID, sa.ForeignKey("circle.id"), nullable=False),
        sa.Column("member_id", _ID, sa.ForeignKey("member.id"), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_circle_seat"),
        sa.UniqueConstraint("circle_id", "member_id", name="uq_circle_seat_circle_id_member_id"),
    )
    op.create_index("ix_circle_seat_member_id", "circle_seat", ["member_id"])
    op.create_index("ix_circle_seat_queue", "circle_seat", ["circle_id", "state", "id"])
    op.create_table(
        "tag",
        sa.Column("id", _ID, nullable=False),
        sa.Column("key", sa.String(60), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tag"),
        sa.UniqueConstraint("key", name="uq_tag_key"),
    )
    op.create_table(
        "member_tag",
        sa.Column("tag_id", _ID, sa.ForeignKey("tag.id"), nullable=False),
        sa.Column("member_id", _ID, sa.ForeignKey("member.id"), nullable=False),
        sa.PrimaryKeyConstraint("tag_id", "member_id", name="pk_member_tag"),
    )
    op.create_index("ix_member_tag_member_id", "member_tag", ["member_id"])
    op.create_table(
        "member_note",
        sa.Column("id", _ID, nullable=False),
        sa.Column("member_id", _ID, sa.ForeignKey("member.id"), nullable=False),
        sa.Column("user_id", _ID, sa.ForeignKey("user_account.id"), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_member_note"),
    )
    op.create_index("ix_member_note_member_id", "member_note", ["member_id"])
    op.create_table(
        "timeline_entry",
        sa.Column("id", _ID, nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("member_id", _ID, sa.ForeignKey("member.id"), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("about", sa.String(200), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_timeline_entry"),
        sa.UniqueConstraint("key", name="uq_timeline_entry_key"),
    )
    op.create_index("ix_timeline_entry_member", "timeline_entry", ["member_id", "occurred_at"])
    op.create_table(
        "segment",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("rule", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_segment"),
        sa.UniqueConstraint("name", name="uq_segment_name"),
    )
    op.create_table(
        "segment_member",
        sa.Column("segment_id", _ID, sa.ForeignKey("segment.id"), nullable=False),
        sa.Column("member_id", _ID, sa.ForeignKey("member.id"), nullable=False),
        sa.PrimaryKeyConstraint("segment_id", "member_id", name="pk_segment_member"),
    )
    op.create_index("ix_segment_member_member_id", "segment_member", ["member_id"])
    op.create_table(
        "bulk_act",
        sa.Column("id", _ID, nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("act", sa.String(20), nullable=False),
        sa.Column("target", sa.String(100), nullable=False),
        sa.Column("list_name", sa.String(100), nullable=False),
        sa.Column("user_id", _ID, sa.ForeignKey("user_account.id"), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_bulk_act"),
        sa.UniqueConstraint("key", name="uq_bulk_act_key"),
    )
    op.create_table(
        "bulk_act_member",
        sa.Column("bulk_act_id", _ID, sa.ForeignKey("bulk_act.id"), nullable=False),
        sa.Column("member_id", _ID, sa.ForeignKey("member.id"), nullable=False),
        sa.PrimaryKeyConstraint("bulk_act_id", "member_id", name="pk_bulk_act_member"),
    )
    op.create_index("ix_bulk_act_member_member_id", "bulk_act_member", ["member_id"])
    op.create_table(
        "contact",
        sa.Column("id", _ID, nullable=False),
        sa.Column("key", sa.String(200), nullable=False),
        sa.Column("member_id", _ID, sa.ForeignKey("member.id"), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("what", sa.String(100), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_contact"),
        sa.UniqueConstraint("key", name="uq_contact_key"),
    )
    op.create_index("ix_contact_member", "contact", ["member_id", "occurred_at"])
    op.create_table(
        "contact_choice",
        sa.Column(
            "member_id", _ID, sa.ForeignKey("member.id"), autoincrement=False, nullable=False
        ),
        sa.Column("snoozed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unsubscribed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("member_id", name="pk_contact_choice"),
    )
    op.create_table(
        "suppression",
        sa.Column("id", _ID, nullable=False),
        sa.Column("email_hash", sa.String(64), nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_suppression"),
        sa.UniqueConstraint("email_hash", name="uq_suppression_email_hash"),
    )
    op.add_column("program", _count("asks_per_give", "2"))
    op.add_column("program", _count("quiet_from", "20"))
    op.add_column("program", _count("quiet_until", "8"))
    op.add_column(
        "program", sa.Column("quiet_days", sa.String(40), nullable=False, server_default="sun")
    )


def _count(name: str, default: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False, server_default=default)


def downgrade() -> None:
    for column in ("asks_per_give", "quiet_from", "quiet_until", "quiet_days"):
        op.drop_column("program", column)
    for table in reversed(TABLES):
        op.drop_table(table)
