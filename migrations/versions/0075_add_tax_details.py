"""Add what a tax declaration says of a person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import UtcDateTime

revision = "0075_add_tax_details"
down_revision = "0073_add_experiences"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = UtcDateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "tax_detail",
        sa.Column("ambassador_id", ID, autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("is_business", sa.Boolean(), nullable=False),
        sa.Column("siret", sa.String(length=14), nullable=False),
        sa.Column("profession", sa.String(length=100), nullable=False),
        sa.Column("street", sa.String(length=200), nullable=False),
        sa.Column("postal_code", sa.String(length=20), nullable=False),
        sa.Column("city", sa.String(length=100), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("sealed_tin", sa.Text(), nullable=True),
        sa.Column("tin_last4", sa.String(length=4), nullable=False),
        sa.Column("changed_at", TIME, nullable=False),
        sa.Column("erased_at", TIME, nullable=True),
        sa.ForeignKeyConstraint(
            ["ambassador_id"], ["ambassador.id"], name=op.f("fk_tax_detail_ambassador_id_ambassador")
        ),
        sa.PrimaryKeyConstraint("ambassador_id", name=op.f("pk_tax_detail")),
    )


def downgrade() -> None:
    op.drop_table("tax_detail")
