"""How long one customer's purchases earn: for life, for some months, or the first alone.

The months count from the customer's first paid and credited purchase in the
campaign.  An earlier one may come late, or the first be cancelled: so whoever
settles one purchase settles the customer's others in such a campaign with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from ambassadors import program
from campaigns.models import RewardRule
from core import clock
from core.db import many, run
from referrals.models import Attribution, Purchase, PurchaseStatus
from rewards import rules
from rewards.models import Commission, PurchaseReward

First = tuple[datetime, int]  # instant and id of a purchase


@dataclass(frozen=True, slots=True)
class Firsts:
    """The first credited purchase of each customer in each campaign."""

    known: dict[tuple[int, int], First]
    timezone: str

    def still_earns(
        self, months: int | None, *, campaign_id: int, customer_id: int | None, this: First
    ) -> bool:
        """Tell whether a purchase is within its rule's months; a nameless customer's is."""
        first = self.known.get((campaign_id, customer_id or 0))
        if months is None or first is None or this <= first:
            return True
        return months > 0 and rules.is_within(
            months,
            first=clock.local_day(first[0], self.timezone),
            on=clock.local_day(this[0], self.timezone),
        )


_LIMITED = sa.select(RewardRule.campaign_id).where(RewardRule.months.is_not(None))
_ASKED, _OTHER = sa.orm.aliased(Purchase), sa.orm.aliased(Purchase)
_OTHERS = (
    sa.select(_OTHER.id)
    .select_from(_ASKED)
    .join(Attribution, Attribution.purchase_id == _ASKED.id)
    .join(_OTHER, _OTHER.customer_id == _ASKED.customer_id)
    .where(_ASKED.id.in_(many()), Attribution.campaign_id.in_(_LIMITED))
    .union(
        sa.select(_OTHER.id)
        .select_from(_ASKED)
        .join(Commission, Commission.purchase_id == _ASKED.id)
        .join(_OTHER, _OTHER.customer_id == _ASKED.customer_id)
        .where(_ASKED.id.in_(many()), Commission.campaign_id.in_(_LIMITED)),
        sa.select(_OTHER.id)
        .select_from(_ASKED)
        .join(PurchaseReward, PurchaseReward.purchase_id == _ASKED.id)
        .join(_OTHER, _OTHER.customer_id == _ASKED.customer_id)
        .where(_ASKED.id.in_(many()), PurchaseReward.campaign_id.in_(_LIMITED)),
    )
)


def with_others(purchase_ids: Sequence[int]) -> set[int]:
    """Return purchases and those of the same customers whose months they may move."""
    return {*purchase_ids, *run(_OTHERS, {"ids": list(purchase_ids)}).scalars()}


_CREDITED = (
    sa.select(Purchase.customer_id, Attribution.campaign_id, Purchase.occurred_at, Purchase.id)
    .join(Attribution, Attribution.purchase_id == Purchase.id)
    .where(
        Purchase.customer_id.in_(many("customers")),
        Attribution.campaign_id.in_(many("campaigns")),
        Attribution.ambassador_id.is_not(None),
        Purchase.status == PurchaseStatus.PAID,
        Purchase.is_test.is_(False),
    )
)


def firsts(pairs: Iterable[tuple[int, int | None]]) -> Firsts:
    """Return the first credited purchases of (campaign, customer) pairs; none asks nothing."""
    wanted = {(campaign, customer) for campaign, customer in pairs if customer is not None}
    known: dict[tuple[int, int], First] = {}
    if wanted:
        asked = {
            "campaigns": sorted({campaign for campaign, _ in wanted}),
            "customers": sorted({customer for _, customer in wanted}),
        }
        for row in run(_CREDITED, asked):
            pair, this = (row.campaign_id, row.customer_id), (row.occurred_at, row.id)
            known[pair] = min(known.get(pair, this), this)
    return Firsts(known, program.current().timezone)
