"""Points and perks that purchases earn: what was given is what the frozen rule leaves of them.

M4 no more points than the rule says, and every purchase counted once; M6 an order
that is gone leaves nothing given; M7 the ledger has the points that stand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from math import floor
from typing import Any

import sqlalchemy as sa

from campaigns.models import Campaign, RewardRule
from core.db import db
from referrals.models import Purchase, PurchaseStatus
from rewards.breach import MOST_SHOWN, Breach, pages
from rewards.models import (
    Account,
    Commission,
    EarnedState,
    Exchange,
    ExchangeState,
    Posting,
    PurchaseReward,
    RewardCount,
)  # fmt: skip


def points_as_the_rule_says() -> Iterator[Breach]:
    """M4 and M7: points within the rule of their day, and in the ledger as far as they stand."""
    for page in pages(_with_orders(), PurchaseReward.id):
        for row in page:
            told = (row.amount, *(one["amount"] for one in (*row.cases, *row.tiers)))
            most = max(int(amount or 0) for amount in told) if row.kind == "points" else 0
            if not 0 <= row.points <= most:
                detail = f"freezes {row.points} points, the rule allows {most}"
                yield Breach("M4", f"purchase reward {row.id}", detail)
            due = _due(row)
            if row.posted != due:
                detail = f"has {row.posted} points in the ledger, {due} are due"
                yield Breach("M7", f"purchase reward {row.id}", detail)


def nothing_stays_of_what_is_gone() -> Iterator[Breach]:
    """M6: an order that is refunded or cancelled leaves no points, and no perk that can go back."""
    gone = sa.or_(
        Purchase.status != PurchaseStatus.PAID, Purchase.refunded >= Purchase.total
    )  # fmt: skip
    query = (
        sa.select(PurchaseReward.id)
        .join(Purchase, Purchase.id == PurchaseReward.purchase_id)
        .where(PurchaseReward.state == EarnedState.GIVEN, gone)
        .where(sa.or_(PurchaseReward.points > 0, PurchaseReward.perk_id.is_not(None)))
    )
    for id_ in db.session.scalars(query.limit(MOST_SHOWN)):
        yield Breach("M6", f"purchase reward {id_}", "stands although its order is gone")
    left = (
        sa.select(PurchaseReward.id)
        .join(Exchange, Exchange.id == PurchaseReward.exchange_id)
        .where(
            PurchaseReward.state == EarnedState.TAKEN_BACK,
            Exchange.state != ExchangeState.CANCELLED,
        )
    )
    for id_ in db.session.scalars(left.limit(MOST_SHOWN)):
        yield Breach("M6", f"purchase reward {id_}", "is taken back and its perk is not")


def purchases_are_counted_once() -> Iterator[Breach]:
    """M4: where a tier counts an ambassador's purchases, each counts once."""
    counted = sa.union_all(*(
        sa.select(one.campaign_id, one.ambassador_id).where(one.number.is_not(None))
        for one in (Commission, PurchaseReward)
    )).subquery()  # fmt: skip
    same = sa.and_(
        RewardCount.campaign_id == counted.c.campaign_id,
        RewardCount.ambassador_id == counted.c.ambassador_id,
    )
    query = (
        sa.select(counted.c.campaign_id, counted.c.ambassador_id, sa.func.count().label("n"))
        .add_columns(sa.func.max(RewardCount.purchases).label("counts"))
        .outerjoin(RewardCount, same)
        .group_by(counted.c.campaign_id, counted.c.ambassador_id)
        .having(sa.func.coalesce(sa.func.max(RewardCount.purchases), 0) != sa.func.count())
    )
    for row in db.session.execute(query.limit(MOST_SHOWN)):
        subject = f"campaign {row.campaign_id}, ambassador {row.ambassador_id}"
        yield Breach("M4", subject, f"counts {row.counts} purchases, has {row.n}")


def numbers_within_limits() -> Iterator[Breach]:
    """M4: a campaign rewards no more purchases than its limit, and counts those it rewarded."""
    commissions = sa.select(Commission.campaign_id).where(Commission.amount > 0)
    things = sa.select(PurchaseReward.campaign_id).where(
        sa.or_(PurchaseReward.points > 0, PurchaseReward.perk_id.is_not(None))
    )
    rewarded = sa.union_all(commissions, things).subquery()
    query = (
        sa.select(Campaign.slug, Campaign.rewarded, Campaign.rewarded_limit)
        .add_columns(sa.func.count(rewarded.c.campaign_id).label("n"))
        .outerjoin(rewarded, rewarded.c.campaign_id == Campaign.id)
        .where(Campaign.rewarded_limit.is_not(None))
        .group_by(Campaign.id)
        .having(
            sa.or_(
                Campaign.rewarded > Campaign.rewarded_limit,
                Campaign.rewarded > sa.func.count(rewarded.c.campaign_id),
            )
        )
    )
    for row in db.session.execute(query.limit(MOST_SHOWN)):
        detail = f"counts {row.rewarded} rewarded purchases of {row.rewarded_limit}, has {row.n}"
        yield Breach("M4", f"campaign {row.slug}", detail)


CHECKS: tuple[Callable[[], Iterator[Breach]], ...] = (
    points_as_the_rule_says,
    nothing_stays_of_what_is_gone,
    purchases_are_counted_once,
    numbers_within_limits,
)


def _with_orders() -> Any:
    posted = (
        sa.select(sa.func.coalesce(sa.func.sum(Posting.amount), 0))
        .where(
            Posting.account == Account.POINTS_GIVEN,
            Posting.purchase_id == PurchaseReward.purchase_id,
            Posting.ambassador_id == PurchaseReward.ambassador_id,
        )
        .scalar_subquery()
    )
    return (
        sa.select(
            PurchaseReward.id, PurchaseReward.points, PurchaseReward.state, PurchaseReward.kind,
            RewardRule.amount, RewardRule.cases, RewardRule.tiers,
            Purchase.total, Purchase.refunded, posted.label("posted"),
        )
        .join(Purchase, Purchase.id == PurchaseReward.purchase_id)
        .join(RewardRule, RewardRule.id == PurchaseReward.rule_id)
    )  # fmt: skip


def _due(row: Any) -> int:
    if row.state is not EarnedState.GIVEN or not row.total:
        return 0
    return floor(Fraction(row.points * (row.total - row.refunded), row.total) + Fraction(1, 2))
