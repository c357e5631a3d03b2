"""Make room for one more signal in what holds a commission."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039_widen_suspicion"
down_revision = "0038_add_endpoints"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":  # SQLite has no lengths
        op.alter_column("attribution", "suspicion", type_=sa.String(100))


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute(
            "UPDATE attribution SET suspicion = nullif(trim(replace(suspicion, 'account', '')), '') "
            "WHERE length(suspicion) > 60"
        )
        op.alter_column("attribution", "suspicion", type_=sa.String(60))
