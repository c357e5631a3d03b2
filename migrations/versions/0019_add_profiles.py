"""Add the social profiles of applicants, with the code that proves them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import UtcDateTime

revision = "0019_add_profiles"
down_revision = "0018_add_applications"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PROOFS = ("asked", "checking", "proven", "missing", "unreachable")


def upgrade() -> None:
    op.create_table(
        "social_profile",
        sa.Column("id", BIG, nullable=False),
        sa.Column("application_id", BIG, nullable=False),
        sa.Column("address", sa.String(length=500), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column(
            "state", sa.Enum(*PROOFS, name="proofstate", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("state_since", UtcDateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["application.id"], ondelete="CASCADE",
            name=op.f("fk_social_profile_application_id_application"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_social_profile")),
        sa.UniqueConstraint("application_id", name=op.f("uq_social_profile_application_id")),
        sa.UniqueConstraint("code", name=op.f("uq_social_profile_code")),
    )
    op.create_index(op.f("ix_social_profile_state"), "social_profile", ["state"])


def downgrade() -> None:
    op.drop_table("social_profile")
