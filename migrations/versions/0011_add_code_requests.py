"""Keep the codes that ambassadors wish for, those given on joining, and signs of leaks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import UtcDateTime

revision = "0011_add_code_requests"
down_revision = "0010_add_code_batches"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "code_request",
        sa.Column("id", _ID, nullable=False),
        sa.Column("ambassador_id", _ID, nullable=False),
        sa.Column("campaign_id", _ID, nullable=False),
        sa.Column("text", sa.String(length=60), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting", "approved", "declined",
                name="requeststate", native_enum=False, length=32,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(length=300), nullable=True),
        sa.Column("code_id", _ID, nullable=True),
        sa.Column("created_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("decided_at", UtcDateTime(timezone=True), nullable=True),
        *_belongs("code_request", "ambassador", "campaign", "code"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_code_request")),
    )
    op.create_index(op.f("ix_code_request_ambassador_id"), "code_request", ["ambassador_id"])
    op.create_index("ix_code_request_state", "code_request", ["state", "id"])
    is_waiting = sa.text("state = 'waiting'")
    op.create_index(
        "uq_code_request_waiting", "code_request", ["ambassador_id", "campaign_id"], unique=True,
        sqlite_where=is_waiting, postgresql_where=is_waiting,
    )
    op.create_table(
        "given_code",
        sa.Column("ambassador_id", _ID, nullable=False),
        sa.Column("campaign_id", _ID, nullable=False),
        sa.Column("given_at", UtcDateTime(timezone=True), nullable=False),
        *_belongs("given_code", "ambassador", "campaign"),
        sa.PrimaryKeyConstraint("ambassador_id", "campaign_id", name=op.f("pk_given_code")),
    )
    op.create_index(op.f("ix_given_code_campaign_id"), "given_code", ["campaign_id"])
    op.create_table(
        "code_signal",
        sa.Column("id", _ID, nullable=False),
        sa.Column("code_id", _ID, nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "beyond_its_past", "without_click", "unusual_countries",
                name="signalkind", native_enum=False, length=32,
            ),
            nullable=False,
        ),
        sa.Column("week_on", sa.Date(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("seen_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("closed_at", UtcDateTime(timezone=True), nullable=True),
        sa.Column("closed_as", sa.String(length=20), nullable=True),
        *_belongs("code_signal", "code"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_code_signal")),
        sa.UniqueConstraint(
            "code_id", "kind", "week_on", name=op.f("uq_code_signal_code_id_kind_week_on")
        ),
    )
    op.create_index(op.f("ix_code_signal_code_id"), "code_signal", ["code_id"])
    is_open = sa.text("closed_at IS NULL")
    op.create_index(
        "ix_code_signal_open", "code_signal", ["id"],
        sqlite_where=is_open, postgresql_where=is_open,
    )


def downgrade() -> None:
    for table in ("code_signal", "given_code", "code_request"):
        op.drop_table(table)


def _belongs(table: str, *others: str) -> list[sa.ForeignKeyConstraint]:
    return [
        sa.ForeignKeyConstraint(
            [f"{other}_id"], [f"{other}.id"], name=op.f(f"fk_{table}_{other}_id_{other}")
        )
        for other in others
    ]
