"""Let a reward depend on product, country, customer and tier, end after months, and stop at a cap."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016_extend_reward_rules"
down_revision = "0015_add_messages"
branch_labels = None
depends_on = None

_BEFORE = (
    "purchase_id", "ambassador_id", "rule_id", "kind", "rate", "fixed", "base", "currency",
    "amount", "earned_at",
)  # fmt: skip
_ADDED = ("parts", "number")


def upgrade() -> None:
    for name in ("cases", "tiers"):
        column = sa.Column(name, sa.JSON(), nullable=False, server_default="[]")
        op.add_column("reward_rule", column)
    op.add_column("reward_rule", sa.Column("months", sa.Integer(), nullable=True))
    op.add_column("reward_rule", sa.Column("ambassador_maximum", sa.BigInteger(), nullable=True))
    op.add_column("commission", sa.Column("parts", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("commission", sa.Column("number", sa.Integer(), nullable=True))
    _refuse_update((*_BEFORE, *_ADDED))
    big = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "reward_count",
        sa.Column("campaign_id", big, nullable=False),
        sa.Column("ambassador_id", big, nullable=False),
        sa.Column("committed", sa.BigInteger(), nullable=False),
        sa.Column("purchases", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "committed >= 0 AND purchases >= 0", name=op.f("ck_reward_count_not_negative")
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f("fk_reward_count_campaign_id_campaign")
        ),
        sa.ForeignKeyConstraint(
            ["ambassador_id"], ["ambassador.id"],
            name=op.f("fk_reward_count_ambassador_id_ambassador"),
        ),
        sa.PrimaryKeyConstraint("campaign_id", "ambassador_id", name=op.f("pk_reward_count")),
    )  # fmt: skip
    op.create_index(op.f("ix_reward_count_ambassador_id"), "reward_count", ["ambassador_id"])


def downgrade() -> None:
    op.drop_table("reward_count")
    _refuse_update(_BEFORE)
    for name in _ADDED:
        op.drop_column("commission", name)
    for name in ("ambassador_maximum", "months", "tiers", "cases"):
        op.drop_column("reward_rule", name)


def _refuse_update(columns: tuple[str, ...]) -> None:
    """Name anew the figures of a commission that never change."""
    names = ", ".join(columns)
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER commission_refuse_update")
        op.execute(
            f"CREATE TRIGGER commission_refuse_update BEFORE UPDATE OF {names} ON commission "
            "BEGIN SELECT RAISE(ABORT, 'commission keeps its history: add a row instead'); END"
        )
        return
    op.execute("DROP TRIGGER commission_refuse_update ON commission")
    op.execute(
        f"CREATE TRIGGER commission_refuse_update BEFORE UPDATE OF {names} ON commission "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )
