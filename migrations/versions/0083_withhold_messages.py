"""Let a message leave a share of its audience out by lot."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0083_withhold_messages"
down_revision = "0081_book_late_spend"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TABLE = "message_holdout"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("message_id", ID, nullable=False),
        sa.Column("withheld_share", sa.Integer(), nullable=False),
        sa.Column("holdout_id", ID, nullable=True),
        sa.Column("campaign_id", ID, nullable=True),
        sa.CheckConstraint(
            "withheld_share >= 0 AND withheld_share < 10000", name=op.f(f"ck_{TABLE}_a_share")
        ),
        sa.ForeignKeyConstraint(
            ["message_id"], ["message.id"], name=op.f(f"fk_{TABLE}_message_id_message")
        ),
        sa.ForeignKeyConstraint(
            ["holdout_id"], ["holdout.id"], name=op.f(f"fk_{TABLE}_holdout_id_holdout")
        ),
        sa.ForeignKeyConstraint(
            ["campaign_id"], ["campaign.id"], name=op.f(f"fk_{TABLE}_campaign_id_campaign")
        ),
        sa.PrimaryKeyConstraint("message_id", name=op.f(f"pk_{TABLE}")),
    )
    op.create_index(op.f(f"ix_{TABLE}_holdout_id"), TABLE, ["holdout_id"])
    op.create_index(op.f(f"ix_{TABLE}_campaign_id"), TABLE, ["campaign_id"])


def downgrade() -> None:
    op.drop_table(TABLE)
