"""Tables of the caps of months, quarters and years: what was given, and what took of it."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column, relationship

from campaigns.models import Period
from core.db import BigId, LocalDay, MinorUnits, Model, PrimaryKey, choice


class PeriodCount(Model):
    """What a campaign's commissions are for the orders of a period, where a cap counts them.

    A refund gives nothing back, as with budgets.
    """

    __tablename__ = "period_count"
    __table_args__ = (
        sa.UniqueConstraint("campaign_id", "ambassador_id", "period", "starts_on"),
        sa.CheckConstraint("committed >= 0", name="committed_not_negative"),
    )

    id: Mapped[PrimaryKey]
    campaign_id: Mapped[BigId] = mapped_column(sa.ForeignKey("campaign.id"))
    ambassador_id: Mapped[BigId]  # 0: all of the campaign's together
    period: Mapped[Period] = mapped_column(choice(Period))
    starts_on: Mapped[LocalDay]  # its first day
    committed: Mapped[MinorUnits]  # accrued in all, in the campaign's currency


class PeriodTake(Model):
    """What a commission took of a period's cap, frozen with the cap as it was."""

    __tablename__ = "period_take"
    __table_args__ = (
        sa.ForeignKeyConstraint(
            ["purchase_id", "ambassador_id"], ["commission.purchase_id", "commission.ambassador_id"]
        ),
    )

    purchase_id: Mapped[BigId] = mapped_column(primary_key=True)
    ambassador_id: Mapped[BigId] = mapped_column(primary_key=True)
    count_id: Mapped[BigId] = mapped_column(
        sa.ForeignKey("period_count.id"), primary_key=True, index=True
    )
    maximum: Mapped[MinorUnits]  # of the period, in the campaign's currency
    before: Mapped[MinorUnits]  # taken of it already
    counted: Mapped[MinorUnits]  # by this commission

    count: Mapped[PeriodCount] = relationship()

    @property
    def left(self) -> int:
        """What the period still gave to this commission; none where the cap was lowered."""
        return max(0, self.maximum - self.before)
