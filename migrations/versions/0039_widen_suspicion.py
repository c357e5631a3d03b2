"""Make room for one more signal in what holds a commission."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039_widen_suspicion"
down_revision = "0038_add_endpoints"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("attribution") as batch_op:
        batch_op.alter_column("suspicion", existing_type=sa.String(60), type_=sa.String(100))


def downgrade() -> None:
    op.execute(
        "UPDATE attribution SET suspicion = nullif(trim(replace(suspicion, 'account', '')), '') "
        "WHERE length(suspicion) > 60"
    )
    with op.batch_alter_table("attribution") as batch_op:
        batch_op.alter_column("suspicion", existing_type=sa.String(100), type_=sa.String(60))
