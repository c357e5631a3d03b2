"""Sprints: how far a campaign with a goal is, in purchases that count, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from campaigns.models import Brief, Campaign
from core import clock
from core.db import db
from referrals.models import Attribution, Purchase, PurchaseStatus


@dataclass(frozen=True, slots=True)
class Progress:
    """A sprint as it stands."""

    goal: int
    reached: int
    ends_at: datetime | None

    @property
    def is_over(self) -> bool:
        return self.ends_at is not None and self.ends_at <= clock.now()

    @property
    def is_on(self) -> bool:
        return not (self.is_over or self.is_reached)

    @property
    def is_reached(self) -> bool:
        return self.reached >= self.goal

    @property
    def days_left(self) -> int | None:
        """Return whole days until the end, or None without one."""
        return None if self.hours_left is None else self.hours_left // 24

    @property
    def hours_left(self) -> int | None:
        """Return whole hours until the end, or None without one."""
        if self.ends_at is None:
            return None
        return max(0, int((self.ends_at - clock.now()).total_seconds()) // 3600)


def progress(campaign: Campaign) -> Progress | None:
    """Return how far a campaign is, or None if it has no goal."""
    query = sa.select(Brief.goal, reached()).where(Brief.campaign_id == campaign.id)
    goal, count = db.session.execute(query).one_or_none() or (None, 0)
    return Progress(goal, count, campaign.ends_at) if goal else None


def reached() -> sa.ScalarSelect[int]:
    """Return the count of the purchases of a brief's campaign, for a query that has the brief."""
    return (
        sa.select(sa.func.count())
        .select_from(Purchase)
        .join(Attribution, Attribution.purchase_id == Purchase.id)
        .where(
            Attribution.campaign_id == Brief.campaign_id, Attribution.ambassador_id.is_not(None),
            Purchase.status == PurchaseStatus.PAID, Purchase.is_test.is_(False),
        )
        .correlate(Brief)
        .scalar_subquery()
    )  # fmt: skip
