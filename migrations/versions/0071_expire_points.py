"""Let points expire: the terms of the program and of campaigns, and those of points given."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core import protection
from core.db import UtcDateTime

revision = "0071_expire_points"
down_revision = "0069_add_circle_stays"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = UtcDateTime(timezone=True)
IS_OPEN = sa.text("over_at IS NULL")


def upgrade() -> None:
    op.add_column(
        "program", sa.Column("points_months", sa.Integer(), nullable=False, server_default="0")
    )
    op.add_column("campaign", sa.Column("points_months", sa.Integer(), nullable=True))
    op.create_table(
        "points_term",
        sa.Column("entry_id", ID, nullable=False, autoincrement=False),
        sa.Column("ambassador_id", ID, nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.Column("warned_at", TIME, nullable=True),
        sa.Column("reminded_at", TIME, nullable=True),
        sa.Column("over_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["ledger_entry.id"], name=op.f("fk_points_term_entry_id_ledger_entry")
        ),
        sa.ForeignKeyConstraint(
            ["ambassador_id"],
            ["ambassador.id"],
            name=op.f("fk_points_term_ambassador_id_ambassador"),
        ),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_points_term")),
    )
    op.create_index(op.f("ix_points_term_ambassador_id"), "points_term", ["ambassador_id"])
    op.create_index(
        "ix_points_term_open", "points_term", ["expires_at"],
        sqlite_where=IS_OPEN, postgresql_where=IS_OPEN,
    )  # fmt: skip
    protection.protect("points_term", ("entry_id", "ambassador_id", "expires_at"))


def downgrade() -> None:
    op.drop_table("points_term")
    op.drop_column("campaign", "points_months")
    op.drop_column("program", "points_months")
