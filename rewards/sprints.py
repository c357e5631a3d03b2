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
    def hours_left(self) -> int | None:
        """Return whole hours until the end, or None without one."""
        if self.ends_at is None:
            return None
        return max(0, int((self.ends_at - clock.now()).total_seconds()) // 3600)


def progress(campaign: Campaign) -> Progress | None:
    """Return how far a campaign is, or None if it has no goal."""
    brief = db.session.get(Brief, campaign.id)
    if brief is None or brief.goal is None:
        return None
    counted = (
        sa.select(sa.func.count())
        .select_from(Purchase)
        .join(Attribution, Attribution.purchase_id == Purchase.id)
        .where(
            Attribution.campaign_id == campaign.id, Attribution.ambassador_id.is_not(None),
            Purchase.status == PurchaseStatus.PAID, Purchase.is_test.is_(False),
        )
    )  # fmt: skip
    return Progress(brief.goal, db.session.scalar(counted) or 0, campaign.ends_at)
