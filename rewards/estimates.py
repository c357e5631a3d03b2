"""What a campaign may cost, from what the program's ambassadors brought before.

For each of the last twelve whole months: credited purchases for each active
ambassador of that month.  The leanest and the best month are the range, their
middle value the estimate; nothing is claimed from fewer than 3 months or 30
purchases.  Amounts are minor units of the program's currency.
"""

from __future__ import annotations

import dataclasses
import statistics
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from types import SimpleNamespace

import sqlalchemy as sa

from ambassadors import program
from ambassadors.models import Ambassador, AmbassadorStatus
from campaigns.models import BenefitKind, Period, RewardKind
from campaigns.terms import FriendGets, Terms
from core import clock, money
from core.db import db
from core.money import POINTS
from referrals.models import Attribution, Purchase, PurchaseStatus
from rewards import period_caps, rules
from rewards.models import Perk

MONTHS, FEWEST_MONTHS, FEWEST_PURCHASES = 12, 3, 30
_MONTH = 30  # days, of a campaign without an end and of a month of the past


@dataclass(frozen=True, slots=True)
class Past:
    """What the program knows: purchases by month and ambassador, and the usual basket."""

    rates: tuple[Fraction, ...]
    purchases: int
    basket: int  # mean net amount

    @property
    def is_enough(self) -> bool:
        """Tell whether an estimate may be built on it."""
        return len(self.rates) >= FEWEST_MONTHS and self.purchases >= FEWEST_PURCHASES


@dataclass(frozen=True, slots=True)
class Range:
    """A figure with its lowest and highest value."""

    low: int
    middle: int
    high: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a campaign may bring and cost over its days."""

    days: int
    purchases: Range
    rewards: Range  # commissions, points, or what perks cost
    unit: str  # of rewards: a currency, or PTS
    discounts: Range
    basket: int


def past(currency: str) -> Past:
    """Return what credited purchases of the last twelve months say.

    Args:
        currency: Other currencies are left out.
    """
    end = clock.now()
    spans = [(end - timedelta(days=_MONTH * (n + 1)), end - timedelta(days=_MONTH * n))
             for n in range(MONTHS)]  # fmt: skip
    rows = [_month(start, until, currency) for start, until in spans]
    with_people = [row for row in rows if row[1] and row[0]]
    purchases = sum(row[0] for row in with_people)
    net = sum(row[2] for row in with_people)
    return Past(
        rates=tuple(Fraction(count, people) for count, people, _ in with_people),
        purchases=purchases,
        basket=money.divide_half_up(net, purchases) if purchases else 0,
    )


def of(terms: Terms, *, reached: int, known: Past, currency: str) -> Estimate | None:
    """Return what a campaign may cost, or None where the past says too little.

    The reward is the usual one on the usual basket; cases and tiers are left out,
    delivery and gifts too.  Caps hold: of each ambassador and of all, in all and by period.

    Args:
        terms: Of the campaign.
        reached: How many ambassadors it reaches.
        known: What `past` returned.
        currency: Of the campaign.
    """
    if not known.is_enough or not reached:
        return None
    days = _days(terms)
    rates = [rate * reached * days / _MONTH for rate in known.rates]
    purchases = Range(int(min(rates)), int(statistics.median(rates)), int(max(rates)) + 1)
    rewarded = _times(purchases, 1, most=terms.rewarded_limit)
    is_points = terms.reward.kind is RewardKind.POINTS
    return Estimate(
        days=days, purchases=purchases, basket=known.basket,
        rewards=_times(rewarded, _reward(terms, known.basket), most=_most(terms, reached, days)),
        unit=POINTS if is_points else currency,
        discounts=_times(purchases, _discount(terms.benefits, known.basket), most=None),
    )  # fmt: skip


def _month(start: datetime, until: datetime, currency: str) -> tuple[int, int, int]:
    """Return credited purchases, ambassadors and net amount of a span."""
    brought = (
        sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(Purchase.net_amount), 0))
        .select_from(Purchase)
        .join(Attribution, Attribution.purchase_id == Purchase.id)
        .where(
            Attribution.ambassador_id.is_not(None), Purchase.status == PurchaseStatus.PAID,
            Purchase.is_test.is_(False), Purchase.currency == currency,
            Purchase.occurred_at >= start, Purchase.occurred_at < until,
        )
    )  # fmt: skip
    people = sa.select(sa.func.count()).where(
        Ambassador.status == AmbassadorStatus.ACTIVE, Ambassador.enrolled_at < until
    )
    count, net = db.session.execute(brought).one()
    return int(count), int(db.session.scalar(people) or 0), int(net)


def _most(terms: Terms, reached: int, days: int) -> int | None:
    """Return what the caps leave for commissions over the campaign's days; None: no cap."""
    reward = terms.reward
    caps = [
        (reward.ambassador_maximum, reached),
        (reward.ambassador_period_maximum,
         reached * _periods(reward.ambassador_period, terms, days)),
        (reward.campaign_period_maximum, _periods(reward.campaign_period, terms, days)),
        (terms.budget, 1),
    ]  # fmt: skip
    return min((cap * times for cap, times in caps if cap is not None), default=None)


def _periods(period: Period | None, terms: Terms, days: int) -> int:
    """Return in how many months, quarters or years a campaign runs."""
    if period is None:
        return 0
    timezone = program.current().timezone
    first = clock.local_day(max(terms.starts_at or clock.now(), clock.now()), timezone)
    return period_caps.touched(period, first, first + timedelta(days=days - 1))


def _days(terms: Terms) -> int:
    if terms.ends_at is None:
        return _MONTH
    start = max(terms.starts_at or clock.now(), clock.now())
    return max(1, -(-(terms.ends_at - start) // timedelta(days=1)))


def _reward(terms: Terms, basket: int) -> int:
    """Return the usual reward of a purchase: minor units, points, or what the perk costs."""
    if terms.reward.kind is RewardKind.PERK:
        perk = db.session.get(Perk, terms.reward.perk_id) if terms.reward.perk_id else None
        return perk.cost if perk else 0
    plain = dataclasses.replace(terms.reward, cases=(), tiers=())
    purchase = SimpleNamespace(net_amount=basket, tax=0, shipping=0, discount=0)
    return rules.grant(purchase, plain, lines=()).amount


def _discount(benefits: tuple[FriendGets, ...], basket: int) -> int:
    """Return what the friend saves on a basket that is `basket` after it."""
    gets = {one.kind: one for one in benefits}
    if percent := gets.get(BenefitKind.PERCENT):
        left = money.BASIS_POINTS - (percent.percent or 0)
        return money.divide_half_up(basket * (percent.percent or 0), left) if left else 0
    amount = gets.get(BenefitKind.AMOUNT)
    return (amount.amount or 0) if amount else 0


def _times(purchases: Range, each: int, *, most: int | None) -> Range:
    found = [each * n for n in (purchases.low, purchases.middle, purchases.high)]
    return Range(*(one if most is None else min(one, most) for one in found))
