"""Add the books: closed months, codes of accounts, checks that ran."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from core import protection
from core.db import UtcDateTime

revision = "0041_add_books"
down_revision = "0040_add_payouts"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TIME = UtcDateTime(timezone=True)
KEPT = ("closed_month", "closed_balance", "closed_document", "ledger_check")


def upgrade() -> None:
    op.add_column("ledger_entry", sa.Column("booked_at", TIME, nullable=True))
    op.create_index(op.f("ix_ledger_entry_booked_at"), "ledger_entry", ["booked_at"])
    op.create_table(
        "books",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("closed_through", sa.String(length=7), nullable=True),
        sa.Column("closed_until", TIME, nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_books_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_books")),
    )
    op.execute("INSERT INTO books (id) VALUES (1)")
    op.create_table(
        "closed_month",
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("closed_at", TIME, nullable=False),
        sa.Column("closed_by", sa.String(length=100), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_closed_month")),
    )
    op.create_table(
        "closed_balance",
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("account", sa.String(length=32), nullable=False),
        sa.Column("opening", sa.BigInteger(), nullable=False),
        sa.Column("debit", sa.BigInteger(), nullable=False),
        sa.Column("credit", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("month", "currency", "account", name=op.f("pk_closed_balance")),
    )
    op.create_table(
        "closed_document",
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("month", "name", name=op.f("pk_closed_document")),
    )
    op.create_table(
        "account_code",
        sa.Column("account", sa.String(length=32), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_account_code")),
    )
    op.create_table(
        "ledger_check",
        sa.Column("id", ID, nullable=False),
        sa.Column("ran_at", TIME, nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("breaches", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_check")),
    )
    op.create_index(op.f("ix_ledger_check_ran_at"), "ledger_check", ["ran_at"])
    for table in KEPT:
        protection.protect(table)


def downgrade() -> None:
    for table in ("ledger_check", "account_code", *KEPT[2::-1], "books"):
        op.drop_table(table)
    op.drop_index(op.f("ix_ledger_entry_booked_at"), "ledger_entry")
    op.drop_column("ledger_entry", "booked_at")
