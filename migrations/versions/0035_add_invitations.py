"""Add invitations, vouchers that lead into a circle or come from an ambassador, who invited whom."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core.db import UtcDateTime

revision = "0035_add_invitations"
down_revision = "0034_add_currency_rates"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
KINDS = ("customer", "micro_creator", "employee", "partner")
REFERENCES = (  # table, new column, where it points
    ("ambassador", "invited_by_id", "ambassador"),
    ("voucher_batch", "circle_id", "circle"),
    ("voucher_batch", "inviter_id", "ambassador"),
)
INDEXED = (("ambassador", "invited_by_id"), ("voucher_batch", "inviter_id"))


def upgrade() -> None:
    op.add_column(
        "program",
        sa.Column("invitations_per_month", sa.Integer(), nullable=False, server_default="3"),
    )
    for table, column, target in REFERENCES:
        _add_reference(table, column, target)
    op.add_column(
        "voucher_batch", sa.Column("note", sa.String(60), nullable=False, server_default="")
    )
    for table, column in INDEXED:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
    _create_invitations()


def _add_reference(table: str, column: str, target: str) -> None:
    """Add a column that points somewhere, without copying the table as Alembic would on SQLite."""
    kind = "INTEGER" if op.get_bind().dialect.name == "sqlite" else "BIGINT"
    name = op.f(f"fk_{table}_{column}_{target}")
    op.execute(
        f"ALTER TABLE {table} ADD COLUMN {column} {kind} CONSTRAINT {name} REFERENCES {target} (id)"
    )


def _create_invitations() -> None:
    instants = ("opened_at", "accepted_at", "withdrawn_at")
    keys = ("campaign", "circle", "voucher", "charter", "ambassador")
    op.create_table(
        "invitation",
        sa.Column("id", BIG, nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("email_hash", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("locale", sa.String(5), nullable=False),
        sa.Column(
            "kind", sa.Enum(*KINDS, name="ambassadorkind", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("target", sa.String(40), nullable=False),
        *(sa.Column(f"{key}_id", BIG, nullable=True) for key in keys),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("sends", sa.Integer(), nullable=False),
        sa.Column("sent_at", UtcDateTime(timezone=True), nullable=False),
        sa.Column("expires_at", UtcDateTime(timezone=True), nullable=False),
        *(sa.Column(name, UtcDateTime(timezone=True), nullable=True) for name in instants),
        *(
            sa.ForeignKeyConstraint(
                [f"{key}_id"], [f"{key}.id"], name=op.f(f"fk_invitation_{key}_id_{key}")
            )
            for key in keys
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint(
            "email_hash", "target", name=op.f("uq_invitation_email_hash_target")
        ),
        sa.UniqueConstraint("token_hash", name=op.f("uq_invitation_token_hash")),
    )  # fmt: skip
    op.create_index(op.f("ix_invitation_sent_at"), "invitation", ["sent_at"])


def downgrade() -> None:
    op.drop_table("invitation")
    for table, column in INDEXED:
        op.drop_index(op.f(f"ix_{table}_{column}"), table_name=table)
    op.drop_column("voucher_batch", "note")
    for table, column, _target in reversed(REFERENCES):
        op.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    op.drop_column("program", "invitations_per_month")
