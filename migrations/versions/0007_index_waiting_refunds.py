"""Find parked refunds, the refunds of an order and its other names without reading the tables.

Every purchase asks whether refunds are waiting, every message of a shop asks for
the names of its order: without an index both read the whole table.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007_index_waiting_refunds"
down_revision = "0006_keep_breaks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_order_alias_order", "order_alias", ["source", "external_id"])
    op.create_index(
        "ix_refund_parked",
        "refund",
        ["state"],
        sqlite_where=sa.text("state = 'parked'"),
        postgresql_where=sa.text("state = 'parked'"),
    )
    op.drop_index("ix_refund_order", table_name="refund")
    op.create_index("ix_refund_order", "refund", ["order_source", "order_external_id"])


def downgrade() -> None:
    op.drop_index("ix_refund_order", table_name="refund")
    op.create_index("ix_refund_order", "refund", ["source", "order_external_id"])
    op.drop_index("ix_refund_parked", table_name="refund")
    op.drop_index("ix_order_alias_order", table_name="order_alias")
