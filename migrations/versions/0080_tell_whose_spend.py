"""Say for which ambassador a perk was paid, so that its cost is told by circle and kind.

What exchanges told before is filled in from them.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0080_tell_whose_spend"
down_revision = "0075_add_tax_details"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_FILL = r"""
UPDATE spend SET ambassador_id = (
    SELECT perk_exchange.ambassador_id FROM perk_exchange
    WHERE perk_exchange.id = CAST(replace(substr(spend.key, 10), '\:back', '') AS BIGINT)
) WHERE kind = 'perks' AND key LIKE 'exchange:%'
"""


def upgrade() -> None:
    op.add_column("spend", sa.Column("ambassador_id", ID, nullable=True))
    op.execute(_FILL)


def downgrade() -> None:
    op.drop_column("spend", "ambassador_id")
