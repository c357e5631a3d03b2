"""Let PostgreSQL refuse TRUNCATE too, which fires no trigger of rows."""

from __future__ import annotations

from alembic import op

revision = "0008_refuse_truncate"
down_revision = "0007_index_waiting_refunds"
branch_labels = None
depends_on = None

TABLES = ("ledger_entry", "ledger_posting", "audit_line", "reward_rule", "code", "commission")


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        return  # has no TRUNCATE
    for table in TABLES:
        op.execute(
            f"CREATE TRIGGER {table}_refuse_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        return
    for table in TABLES:
        op.execute(f"DROP TRIGGER {table}_refuse_truncate ON {table}")
