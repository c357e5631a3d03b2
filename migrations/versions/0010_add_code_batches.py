"""Let codes carry the job that made them, and index only what has an owner.

A million codes of nobody need no place in the index of owners.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010_add_code_batches"
down_revision = "0009_add_suspicions"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("code", sa.Column("batch_id", _ID, nullable=True))
    _index("ix_code_batch", "batch_id")
    op.drop_index("ix_code_ambassador_id", table_name="code")
    _index("ix_code_ambassador_id", "ambassador_id")


def downgrade() -> None:
    op.drop_index("ix_code_ambassador_id", table_name="code")
    op.create_index("ix_code_ambassador_id", "code", ["ambassador_id"])
    op.drop_index("ix_code_batch", table_name="code")
    op.drop_column("code", "batch_id")


def _index(name: str, column: str) -> None:
    is_there = sa.text(f"{column} IS NOT NULL")
    op.create_index(name, "code", [column], sqlite_where=is_there, postgresql_where=is_there)
