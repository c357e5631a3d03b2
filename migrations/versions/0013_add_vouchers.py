"""Add vouchers, who took them, and points that people gave."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import UtcDateTime

revision = "0013_add_vouchers"
down_revision = "0012_add_perks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "voucher_batch",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "invitation",
                "event",
                "box",
                "reward",
                "welcome",
                name="voucherkind",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("name_en", sa.String(length=120), nullable=False),
        sa.Column("name_fr", sa.String(length=120), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("perk_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("per_person", sa.Integer(), nullable=True),
        sa.Column("starts_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("ends_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column(
            "status",
            sa.Enum("active", "frozen", name="offerstatus", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "points >= 0 AND amount >= 0", name=op.f("ck_voucher_batch_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_voucher_batch_campaign_id_campaign")
        ),
        sa.ForeignKeyConstraint(
            ["perk_id"], ["perk.id"], name=op.f("fk_voucher_batch_perk_id_perk")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voucher_batch")),
    )
    op.create_table(
        "voucher",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.Column("text", sa.String(length=60), nullable=False),
        sa.Column("batch_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("takes_limit", sa.Integer(), nullable=True),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("active", "frozen", name="offerstatus", native_enum=False, length=32),
            nullable=False,
        ),
        sa.CheckConstraint("taken >= 0", name=op.f("ck_voucher_taken_not_negative")),
        sa.CheckConstraint(
            "takes_limit IS NULL OR taken <= takes_limit", name=op.f("ck_voucher_within_limit")
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["voucher_batch.id"], name=op.f("fk_voucher_batch_id_voucher_batch")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voucher")),
        sa.UniqueConstraint("key", name=op.f("uq_voucher_key")),
    )
    with op.batch_alter_table("voucher", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_voucher_batch_id"), ["batch_id"], unique=False)
    op.create_table(
        "voucher_person",
        sa.Column("batch_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "ambassador_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["ambassador_id"],
            ["ambassador.id"],
            name=op.f("fk_voucher_person_ambassador_id_ambassador"),
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["voucher_batch.id"],
            name=op.f("fk_voucher_person_batch_id_voucher_batch"),
        ),
        sa.PrimaryKeyConstraint("batch_id", "ambassador_id", name=op.f("pk_voucher_person")),
    )
    op.create_table(
        "voucher_take",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "voucher_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "ambassador_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column(
            "exchange_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("taken_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["ambassador_id"],
            ["ambassador.id"],
            name=op.f("fk_voucher_take_ambassador_id_ambassador"),
        ),
        sa.ForeignKeyConstraint(
            ["exchange_id"],
            ["perk_exchange.id"],
            name=op.f("fk_voucher_take_exchange_id_perk_exchange"),
        ),
        sa.ForeignKeyConstraint(
            ["voucher_id"], ["voucher.id"], name=op.f("fk_voucher_take_voucher_id_voucher")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_voucher_take")),
        sa.UniqueConstraint(
            "voucher_id", "ambassador_id", name=op.f("uq_voucher_take_voucher_id_ambassador_id")
        ),
    )
    with op.batch_alter_table("voucher_take", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_voucher_take_ambassador_id"), ["ambassador_id"], unique=False
        )
    op.create_table(
        "points_grant",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column(
            "ambassador_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=False),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["ambassador_id"],
            ["ambassador.id"],
            name=op.f("fk_points_grant_ambassador_id_ambassador"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_points_grant")),
        sa.UniqueConstraint("key", name=op.f("uq_points_grant_key")),
    )
    with op.batch_alter_table("points_grant", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_points_grant_ambassador_id"), ["ambassador_id"], unique=False
        )
    _protect("voucher_batch", "kind, points, amount, currency, perk_id, campaign_id, created_at")
    _protect("voucher", "key, batch_id")
    _protect("voucher_take", "voucher_id, ambassador_id, exchange_id, taken_at")
    _protect("points_grant", "key, ambassador_id, points, reason")


def downgrade() -> None:
    op.drop_table("points_grant")
    op.drop_table("voucher_take")
    op.drop_table("voucher_person")
    op.drop_table("voucher")
    op.drop_table("voucher_batch")


def _protect(table: str, columns: str) -> None:
    """Let the database refuse to delete rows and to change these columns of them."""
    for name, event in (("delete", "DELETE"), ("update", f"UPDATE OF {columns}")):
        act = f"CREATE TRIGGER {table}_refuse_{name} BEFORE {event} ON {table} "
        if op.get_bind().dialect.name == "sqlite":
            said = f"'{table} keeps its history: add a row instead'"
            op.execute(f"{act}BEGIN SELECT RAISE(ABORT, {said}); END")
        else:
            op.execute(f"{act}FOR EACH ROW EXECUTE FUNCTION refuse_change()")
    if op.get_bind().dialect.name != "sqlite":
        op.execute(
            f"CREATE TRIGGER {table}_refuse_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
