"""Let the database itself refuse to change history.

Ledger and audit rows are append-only; a reward rule and a commission's figures
are frozen; a code is never deleted and never given to somebody else.
"""

from __future__ import annotations

from alembic import op

revision = "0002_protect_history"
down_revision = "0001_create_tables"
branch_labels = None
depends_on = None

APPEND_ONLY = ("ledger_entry", "ledger_posting", "audit_line", "reward_rule")
FROZEN = {  # columns that never change, though others of the row may
    "code": ("key", "campaign_id", "ambassador_id"),
    "commission": (
        "purchase_id", "ambassador_id", "rule_id", "kind", "rate", "fixed", "base", "currency",
        "amount", "earned_at",
    ),
}  # fmt: skip


def upgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        _upgrade_sqlite()
    else:
        _upgrade_postgresql()


def _upgrade_sqlite() -> None:
    for table in (*APPEND_ONLY, *FROZEN):
        op.execute(_sqlite_trigger(table, "delete", "DELETE"))
    for table in APPEND_ONLY:
        op.execute(_sqlite_trigger(table, "update", "UPDATE"))
    for table, columns in FROZEN.items():
        op.execute(_sqlite_trigger(table, "update", f"UPDATE OF {', '.join(columns)}"))


def _sqlite_trigger(table: str, name: str, event: str) -> str:
    return (
        f"CREATE TRIGGER {table}_refuse_{name} BEFORE {event} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} keeps its history: add a row instead'); END"
    )


def _upgrade_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE EXCEPTION '% keeps its history: add a row instead', TG_TABLE_NAME "
        "USING ERRCODE = 'restrict_violation'; END $$"
    )
    for table in (*APPEND_ONLY, *FROZEN):
        op.execute(_postgresql_trigger(table, "delete", "DELETE"))
    for table in APPEND_ONLY:
        op.execute(_postgresql_trigger(table, "update", "UPDATE"))
    for table, columns in FROZEN.items():
        op.execute(_postgresql_trigger(table, "update", f"UPDATE OF {', '.join(columns)}"))


def _postgresql_trigger(table: str, name: str, event: str) -> str:
    return (
        f"CREATE TRIGGER {table}_refuse_{name} BEFORE {event} ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    on = "" if op.get_bind().dialect.name == "sqlite" else " ON {table}"
    for table in (*APPEND_ONLY, *FROZEN):
        for name in ("delete", "update"):
            op.execute(f"DROP TRIGGER {table}_refuse_{name}" + on.format(table=table))
    if on:
        op.execute("DROP FUNCTION refuse_change()")
