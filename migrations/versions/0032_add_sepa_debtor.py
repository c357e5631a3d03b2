"""Add the account that pays SEPA transfers to the program."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032_add_sepa_debtor"
down_revision = "0025_limit_rewarded"
branch_labels = None
depends_on = None

LENGTHS = {"sepa_name": 70, "sepa_iban": 34, "sepa_bic": 11}


def upgrade() -> None:
    for name, length in LENGTHS.items():
        op.add_column(
            "program", sa.Column(name, sa.String(length), nullable=False, server_default="")
        )


def downgrade() -> None:
    for name in reversed(LENGTHS):
        op.drop_column("program", name)
