"""Let a mandate that was withdrawn and carried no invoice be forgotten with its person.

An invoice holds on to its mandate by its foreign key; without one there is nothing to prove.
"""

from __future__ import annotations

from alembic import op

from core import protection

revision = "0084_forget_unused_mandates"
down_revision = "0083_withhold_messages"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _drop()
    protection.refuse("billing_mandate", "delete", "DELETE", when="OLD.withdrawn_at IS NULL")


def downgrade() -> None:
    _drop()
    protection.refuse("billing_mandate", "delete", "DELETE")


def _drop() -> None:
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    on = "" if is_sqlite else " ON billing_mandate"
    for name in ("delete",) if is_sqlite else ("delete", "truncate"):
        op.execute(f"DROP TRIGGER billing_mandate_refuse_{name}{on}")
