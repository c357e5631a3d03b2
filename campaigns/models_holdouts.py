"""The table of messages that leave a share of their audience out by lot."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column

from core.db import BasisPoints, BigId, Model


class MessageHoldout(Model):
    """What a message leaves to the lot; without a row, everybody is asked."""

    __tablename__ = "message_holdout"
    __table_args__ = (
        sa.CheckConstraint("withheld_share >= 0 AND withheld_share < 10000", name="a_share"),
    )

    message_id: Mapped[BigId] = mapped_column(sa.ForeignKey("message.id"), primary_key=True)
    withheld_share: Mapped[BasisPoints]  # 0: nobody; the row only names the campaign
    holdout_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("holdout.id"), index=True)
    campaign_id: Mapped[BigId | None] = mapped_column(sa.ForeignKey("campaign.id"), index=True)
