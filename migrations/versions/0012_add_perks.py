"""Add the catalogue of perks and what was exchanged for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import UtcDateTime

revision = "0012_add_perks"
down_revision = "0011_add_code_requests"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "perk",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "reward_code",
                "product",
                "early_access",
                name="perkkind",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("name_en", sa.String(length=120), nullable=False),
        sa.Column("name_fr", sa.String(length=120), nullable=False),
        sa.Column("text_en", sa.String(length=500), nullable=False),
        sa.Column("text_fr", sa.String(length=500), nullable=False),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("unit", sa.String(length=3), nullable=False),
        sa.Column("stock", sa.Integer(), nullable=True),
        sa.Column("per_person", sa.Integer(), nullable=True),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("starts_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("ends_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.Column(
            "campaign_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True
        ),
        sa.Column("code_days", sa.Integer(), nullable=True),
        sa.Column(
            "status",
            sa.Enum("active", "frozen", name="offerstatus", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.CheckConstraint("price > 0", name=op.f("ck_perk_price_positive")),
        sa.CheckConstraint("stock IS NULL OR taken <= stock", name=op.f("ck_perk_within_stock")),
        sa.CheckConstraint("taken >= 0", name=op.f("ck_perk_taken_not_negative")),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_perk_campaign_id_campaign")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_perk")),
    )
    op.create_table(
        "perk_person",
        sa.Column("perk_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "ambassador_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.CheckConstraint("taken >= 0", name=op.f("ck_perk_person_taken_not_negative")),
        sa.ForeignKeyConstraint(
            ["ambassador_id"],
            ["ambassador.id"],
            name=op.f("fk_perk_person_ambassador_id_ambassador"),
        ),
        sa.ForeignKeyConstraint(["perk_id"], ["perk.id"], name=op.f("fk_perk_person_perk_id_perk")),
        sa.PrimaryKeyConstraint("perk_id", "ambassador_id", name=op.f("pk_perk_person")),
    )
    op.create_table(
        "perk_exchange",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column("perk_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "ambassador_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("price", sa.BigInteger(), nullable=False),
        sa.Column("unit", sa.String(length=3), nullable=False),
        sa.Column("cost", sa.BigInteger(), nullable=False),
        sa.Column("cost_currency", sa.String(length=3), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "preparing",
                "waiting",
                "done",
                "cancelled",
                name="exchangestate",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("code_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("settled_at", UtcDateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["ambassador_id"],
            ["ambassador.id"],
            name=op.f("fk_perk_exchange_ambassador_id_ambassador"),
        ),
        sa.ForeignKeyConstraint(
            ["code_id"], ["code.id"], name=op.f("fk_perk_exchange_code_id_code")
        ),
        sa.ForeignKeyConstraint(
            ["perk_id"], ["perk.id"], name=op.f("fk_perk_exchange_perk_id_perk")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_perk_exchange")),
        sa.UniqueConstraint("code_id", name=op.f("uq_perk_exchange_code_id")),
        sa.UniqueConstraint("key", name=op.f("uq_perk_exchange_key")),
    )
    with op.batch_alter_table("perk_exchange", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_perk_exchange_ambassador_id"), ["ambassador_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_perk_exchange_perk_id"), ["perk_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_perk_exchange_state"), ["state"], unique=False)
    _protect("perk_exchange", "key, perk_id, ambassador_id, price, unit, cost, cost_currency")


def downgrade() -> None:
    op.drop_table("perk_exchange")
    op.drop_table("perk_person")
    op.drop_table("perk")


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
