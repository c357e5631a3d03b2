"""Let a purchase earn points or a perk."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core import protection
from core.db import UtcDateTime

revision = "0024_reward_points_and_perks"
down_revision = "0021_add_payout_details"
branch_labels = None
depends_on = None

_KINDS = ("percent", "fixed", "points", "perk")
_STATES = ("waiting", "given", "gone", "limited", "taken_back", "kept")
_FROZEN = (
    "purchase_id", "ambassador_id", "campaign_id", "rule_id", "kind", "points", "perk_id",
    "number", "earned_at", "due_at",
)  # fmt: skip


def upgrade() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    op.execute(  # in one statement: SQLite adds no constraint to a table that is there
        f"ALTER TABLE reward_rule ADD COLUMN perk_id {'INTEGER' if is_sqlite else 'BIGINT'} "
        "CONSTRAINT fk_reward_rule_perk_id_perk REFERENCES perk (id)"
    )
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "purchase_reward",
        sa.Column("id", big, nullable=False),
        sa.Column("purchase_id", big, nullable=False),
        sa.Column("ambassador_id", big, nullable=False),
        sa.Column("campaign_id", big, nullable=False),
        sa.Column("rule_id", big, nullable=False),
        sa.Column("kind", _choice(_KINDS, "rewardkind"), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("perk_id", big, nullable=True),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("earned_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("due_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("state", _choice(_STATES, "earnedstate"), nullable=False),
        sa.Column("exchange_id", big, nullable=True),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.CheckConstraint("points >= 0", name=op.f("ck_purchase_reward_points_not_negative")),
        *(_key(column, table) for column, table in (
            ("purchase_id", "purchase"), ("ambassador_id", "ambassador"),
            ("campaign_id", "campaign"), ("rule_id", "reward_rule"), ("perk_id", "perk"),
            ("exchange_id", "perk_exchange"),
        )),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_purchase_reward")),
        sa.UniqueConstraint(
            "purchase_id", "ambassador_id", name=op.f("uq_purchase_reward_purchase_id_ambassador_id")
        ),
    )  # fmt: skip
    for column in ("ambassador_id", "campaign_id", "perk_id"):
        op.create_index(op.f(f"ix_purchase_reward_{column}"), "purchase_reward", [column])
    op.create_index("ix_purchase_reward_due", "purchase_reward", ["state", "due_at"])
    protection.protect("purchase_reward", _FROZEN)


def downgrade() -> None:
    op.drop_table("purchase_reward")
    op.drop_column("reward_rule", "perk_id")


def _choice(words: tuple[str, ...], name: str) -> sa.Enum:
    return sa.Enum(*words, name=name, native_enum=False, length=32)


def _key(column: str, table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_purchase_reward_{column}_{table}")
    return sa.ForeignKeyConstraint([column], [f"{table}.id"], name=name)
