"""Let a job of codes remember its first and last id, and drop the index of batches.

Each of a million codes had to enter it; the job finds them by their keys instead.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0066_find_batches_by_their_ids"
down_revision = "0064_add_nps_scores"
branch_labels = None
depends_on = None

_IS_THERE = sa.text("batch_id IS NOT NULL")
_JOB = sa.table("job", sa.column("id", sa.BigInteger), sa.column("result", sa.JSON))
_SPANS = sa.text(
    "SELECT batch_id, min(id) AS first, max(id) AS last FROM code "
    "WHERE batch_id IS NOT NULL GROUP BY batch_id"
)


def upgrade() -> None:
    for batch_id, first, last in op.get_bind().execute(_SPANS).all():
        _remember(batch_id, {"ids": [first, last]})
    op.drop_index("ix_code_batch", table_name="code")


def downgrade() -> None:
    op.create_index(
        "ix_code_batch", "code", ["batch_id"],
        sqlite_where=_IS_THERE, postgresql_where=_IS_THERE,
    )  # fmt: skip


def _remember(job_id: int, more: dict[str, Any]) -> None:
    result = op.get_bind().scalar(sa.select(_JOB.c.result).where(_JOB.c.id == job_id)) or {}
    op.execute(sa.update(_JOB).where(_JOB.c.id == job_id).values(result=result | more))
