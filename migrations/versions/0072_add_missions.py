"""Add missions that give something, who did them, and badges."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core import protection
from core.db import UtcDateTime

revision = "0072_add_missions"
down_revision = "0071_expire_points"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = UtcDateTime(timezone=True)


def upgrade() -> None:
    _create_badge()
    _create_mission()
    _create_take()
    _create_holder()


def downgrade() -> None:
    for table in ("badge_holder", "mission_take", "mission", "badge"):
        op.drop_table(table)


def _to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{other}.id"], name=op.f(f"fk_{table}_{column}_{other}")
    )


def _create_badge() -> None:
    op.create_table(
        "badge",
        sa.Column("id", ID, nullable=False),
        sa.Column("name_en", sa.String(length=60), nullable=False),
        sa.Column("name_fr", sa.String(length=60), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_badge")),
    )


def _create_mission() -> None:
    op.create_table(
        "mission",
        sa.Column("id", ID, nullable=False),
        sa.Column("campaign_id", ID, nullable=False),
        sa.Column("name_en", sa.String(length=120), nullable=False),
        sa.Column("name_fr", sa.String(length=120), nullable=False),
        sa.Column("text_en", sa.String(length=1000), nullable=False),
        sa.Column("text_fr", sa.String(length=1000), nullable=False),
        sa.Column("proof", sa.String(length=32), nullable=False),
        sa.Column("goal", sa.Integer(), nullable=True),
        sa.Column("code_key", sa.String(length=60), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("perk_id", ID, nullable=True),
        sa.Column("badge_id", ID, nullable=True),
        sa.Column("starts_at", TIME, nullable=True),
        sa.Column("ends_at", TIME, nullable=True),
        sa.Column("takes_limit", sa.Integer(), nullable=True),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("budget", sa.BigInteger(), nullable=True),
        sa.Column("committed", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.CheckConstraint("amount >= 0 AND points >= 0", name=op.f("ck_mission_not_negative")),
        sa.CheckConstraint(
            "takes_limit IS NULL OR taken <= takes_limit", name=op.f("ck_mission_within_limit")
        ),
        sa.CheckConstraint(
            "budget IS NULL OR committed <= budget", name=op.f("ck_mission_within_budget")
        ),
        _to("mission", "campaign_id", "campaign"),
        _to("mission", "perk_id", "perk"),
        _to("mission", "badge_id", "badge"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mission")),
    )
    op.create_index(op.f("ix_mission_campaign_id"), "mission", ["campaign_id"])
    frozen = ("campaign_id", "proof", "goal", "amount", "currency", "points", "perk_id", "badge_id")
    protection.protect("mission", frozen)


def _create_take() -> None:
    op.create_table(
        "mission_take",
        sa.Column("id", ID, nullable=False),
        sa.Column("mission_id", ID, nullable=False),
        sa.Column("ambassador_id", ID, nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=True),
        sa.Column("handed_in_at", TIME, nullable=False),
        sa.Column("decided_at", TIME, nullable=True),
        sa.Column("decided_by", sa.String(length=100), nullable=True),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("points_back", sa.BigInteger(), nullable=False),
        sa.Column("exchange_id", ID, nullable=True),
        sa.CheckConstraint(
            "points_back <= points", name=op.f("ck_mission_take_no_more_back_than_given")
        ),
        _to("mission_take", "mission_id", "mission"),
        _to("mission_take", "ambassador_id", "ambassador"),
        _to("mission_take", "exchange_id", "perk_exchange"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mission_take")),
        sa.UniqueConstraint(
            "mission_id", "ambassador_id", name=op.f("uq_mission_take_mission_id_ambassador_id")
        ),
    )
    op.create_index(op.f("ix_mission_take_ambassador_id"), "mission_take", ["ambassador_id"])
    op.create_index(op.f("ix_mission_take_state"), "mission_take", ["state"])
    protection.protect("mission_take", ("mission_id", "ambassador_id"))


def _create_holder() -> None:
    op.create_table(
        "badge_holder",
        sa.Column("badge_id", ID, nullable=False),
        sa.Column("ambassador_id", ID, nullable=False),
        sa.Column("mission_id", ID, nullable=True),
        sa.Column("given_at", TIME, nullable=False),
        _to("badge_holder", "badge_id", "badge"),
        _to("badge_holder", "ambassador_id", "ambassador"),
        _to("badge_holder", "mission_id", "mission"),
        sa.PrimaryKeyConstraint("badge_id", "ambassador_id", name=op.f("pk_badge_holder")),
    )
    op.create_index(op.f("ix_badge_holder_ambassador_id"), "badge_holder", ["ambassador_id"])
