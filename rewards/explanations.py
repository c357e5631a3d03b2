"""How a commission came about, step by step, from the rule to the cent.

Nothing is decided here again: the steps are read from what was frozen, and lead to the
amount that the ledger holds.  `leads_there` says whether they do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from fractions import Fraction
from typing import Any

import sqlalchemy as sa

from ambassadors import stays
from ambassadors.stays import Stays
from campaigns import terms
from campaigns.models import Campaign, RewardKind, RewardRule
from campaigns.terms import Case, Tier
from core import money
from core.db import db
from referrals.models import Purchase
from rewards import ledger, rules
from rewards.models import (
    OF_COMMISSION,
    Account,
    Commission,
    Conversion,
    PurchaseReward,
)  # fmt: skip
from rewards.models_periods import PeriodCount, PeriodTake
from rewards.rates import Rate


@dataclass(frozen=True, slots=True)
class Part:
    """A share of the base and what the rule pays for it; a fixed reward has one part."""

    rate: int | None  # basis points; None: a fixed amount
    base: int  # minor units; of a fixed reward, its amount in the campaign's currency
    exact: Fraction  # what it gives, minor units of the order's currency
    condition: Case | Tier | None  # why it is not the usual reward


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A commission with everything that led to its amount."""

    commission: Commission
    purchase: Purchase
    rule: RewardRule
    until: datetime | None  # when the next version of the rule came into force
    conversion: Conversion | None
    campaign: str
    slug: str
    campaign_currency: str
    budget: int | None  # as it is now
    rewarded_limit: int | None  # as it is now
    parts: tuple[Part, ...]
    takes: tuple[PeriodTake, ...]  # of the caps of its month, quarter or year
    most: int | None  # for one purchase, in the order's currency
    due: int  # what the frozen rule gives on what remains of the order
    posted: int | None  # what the ledger holds of it; None: it was not asked

    @property
    def exact(self) -> Fraction:
        """What the parts give together, before rounding."""
        return sum((part.exact for part in self.parts), Fraction(0))

    @property
    def rounded(self) -> int:
        """The same, half-up."""
        return money.divide_half_up(self.exact.numerator, self.exact.denominator)

    @property
    def within_most(self) -> int:
        """The same, as far as one purchase may earn."""
        return self.rounded if self.most is None else min(self.rounded, self.most)

    @property
    def is_cut(self) -> bool:
        """Tell whether a limit of the campaign or of the ambassador left less than that."""
        return self.commission.amount < self.within_most

    @property
    def reached(self) -> PeriodTake | None:
        """Return the period's cap that left no more than the commission is, if one did."""
        if not self.is_cut:
            return None
        rate = rate_of(self.conversion)
        for one in self.takes:
            if (rate.limit(one.left) if rate else one.left) == self.commission.amount:
                return one
        return None

    @property
    def leads_there(self) -> bool:
        """Tell whether the steps end at what was frozen, and that at what the ledger holds."""
        return self.commission.amount <= self.within_most and self.due == self.posted


def one(purchase_id: int, ambassador_id: int) -> Explained | None:
    """Return an ambassador's commission on a purchase explained; None if there is none."""
    row = next(iter(_rows(_key(purchase_id, ambassador_id))), None)
    if row is None:
        return None
    balances = ledger.by_purchase([purchase_id])
    standing = balances.get((purchase_id, ambassador_id), {})
    return _explained(row, standing.get(Account.EXPENSE, 0), _beside([row]))


def of_ambassador(ambassador_id: int, purchase_ids: Sequence[int]) -> dict[int, Explained]:
    """Return an ambassador's commissions on purchases, by purchase.

    One statement, and one each for caps of periods and for circles if a rule has any.  The
    ledger is not asked: the list beside which they stand has its figures.
    """
    if not purchase_ids:
        return {}
    of_list = Commission.purchase_id.in_(purchase_ids)
    rows = _rows(sa.and_(Commission.ambassador_id == ambassador_id, of_list))
    beside = _beside(rows)
    return {row.Purchase.id: _explained(row, None, beside) for row in rows}


def rules_of(things: Sequence[PurchaseReward]) -> dict[int, tuple[RewardRule, str]]:
    """Return by which rule points and perks were earned, with its campaign's currency, by purchase.

    They have no steps: the rule names them whole, and no rate or budget changes them.
    """
    if not things:
        return {}
    query = (
        sa.select(RewardRule, Campaign.currency)
        .join(Campaign, Campaign.id == RewardRule.campaign_id)
        .where(RewardRule.id.in_({one.rule_id for one in things}))
    )
    known = {rule.id: (rule, currency) for rule, currency in db.session.execute(query)}
    return {one.purchase_id: known[one.rule_id] for one in things}


def _key(purchase_id: int, ambassador_id: int) -> sa.ColumnElement[bool]:
    return sa.and_(Commission.purchase_id == purchase_id, Commission.ambassador_id == ambassador_id)


def _rows(condition: sa.ColumnElement[bool]) -> Sequence[Any]:
    later = sa.orm.aliased(RewardRule)
    until = (
        sa.select(sa.func.min(later.effective_from))
        .where(later.campaign_id == RewardRule.campaign_id, later.version > RewardRule.version)
        .scalar_subquery()
    )
    query = (
        sa.select(Commission, Purchase, RewardRule, Conversion, until.label("until"))
        .add_columns(Campaign.name, Campaign.slug, Campaign.currency)
        .add_columns(Campaign.budget, Campaign.rewarded_limit)
        .join(Purchase, Purchase.id == Commission.purchase_id)
        .join(RewardRule, RewardRule.id == Commission.rule_id)
        .join(Campaign, Campaign.id == Commission.campaign_id)
        .outerjoin(Conversion, OF_COMMISSION)
        .where(condition)
    )
    return db.session.execute(query).all()


@dataclass(frozen=True, slots=True)
class _Beside:
    """What some rules ask about besides their orders."""

    takes: dict[tuple[int, int], list[PeriodTake]]  # by purchase and ambassador
    stays: Stays


def _beside(rows: Sequence[Any]) -> _Beside:
    """Return what rules with caps of periods and with circles ask; others ask nothing."""
    asking = [
        (row.Commission.ambassador_id, circles)
        for row in rows
        if (circles := rules.circles_of(row.RewardRule))
    ]
    circles = set().union(*(one for _, one in asking))
    return _Beside(_takes(rows), stays.of_ambassadors([who for who, _ in asking], circles))


def _takes(rows: Sequence[Any]) -> dict[tuple[int, int], list[PeriodTake]]:
    """Return what commissions took of the caps of periods, those of the ambassador first."""
    capped = [
        row.Purchase.id
        for row in rows
        if row.RewardRule.ambassador_period or row.RewardRule.campaign_period
    ]
    found: dict[tuple[int, int], list[PeriodTake]] = {}
    if not capped:
        return found
    query = (
        sa.select(PeriodTake)
        .join(PeriodTake.count)
        .where(PeriodTake.purchase_id.in_(capped))
        .order_by(PeriodCount.ambassador_id.desc())
        .options(sa.orm.contains_eager(PeriodTake.count))
    )
    for one in db.session.scalars(query):
        found.setdefault((one.purchase_id, one.ambassador_id), []).append(one)
    return found


def _explained(row: Any, posted: int | None, beside: _Beside) -> Explained:
    commission: Commission = row.Commission
    purchase: Purchase = row.Purchase
    rule: RewardRule = row.RewardRule
    rate = rate_of(row.Conversion)
    most = rule.maximum
    return Explained(
        commission=commission, purchase=purchase, rule=rule, until=row.until,
        conversion=row.Conversion, campaign=row.name, slug=row.slug,
        campaign_currency=row.currency, budget=row.budget, rewarded_limit=row.rewarded_limit,
        parts=_parts(commission, rule, rate, fitting=_fitting(row, beside.stays)),
        takes=tuple(beside.takes.get((commission.purchase_id, commission.ambassador_id), ())),
        most=rate.limit(most) if rate and most is not None else most,
        due=_due(commission, purchase), posted=posted,
    )  # fmt: skip


def rate_of(conversion: Conversion | None) -> Rate | None:
    """Return the rate that was frozen with a commission."""
    if conversion is None:
        return None
    return Rate(
        base=conversion.base, quote=conversion.quote, value=conversion.value,
        on=conversion.rate_on, source=conversion.source,
    )  # fmt: skip


def _due(commission: Commission, purchase: Purchase) -> int:
    if not commission.is_active:
        return 0
    return rules.earned(commission, total=purchase.total, refunded=purchase.refunded)


def _fitting(row: Any, stays: Stays) -> list[Case]:
    """Return the cases that are about the order's country and the ambassador's circles."""
    circles = stays.at(row.Commission.ambassador_id, row.Purchase.occurred_at)
    return [
        case
        for case in terms.reward_of(row.RewardRule).cases
        if (not case.countries or row.Purchase.country in case.countries)
        and (case.circle_id is None or case.circle_id in circles)
    ]


def _parts(
    commission: Commission, rule: RewardRule, rate: Rate | None, *, fitting: list[Case]
) -> tuple[Part, ...]:
    reward = terms.reward_of(rule)
    tier = _tier(reward.tiers, commission.number)
    if commission.kind is RewardKind.FIXED:
        return (_fixed(commission, [*fitting, tier], usual=rule.amount or 0, rate=rate),)
    usual = tier.rate if tier else rule.rate
    shares = commission.parts or [[commission.rate or 0, commission.base]]
    return tuple(
        Part(
            share, base, Fraction(share * base, money.BASIS_POINTS),
            tier if share == usual else next((one for one in fitting if one.rate == share), None),
        )
        for share, base in shares
    )  # fmt: skip


def _fixed(
    commission: Commission, others: list[Case | Tier | None], *, usual: int, rate: Rate | None
) -> Part:
    """Return the fixed reward that gave the frozen amount: of a case, of the tier or the usual."""

    def there(amount: int) -> int:
        return rate.convert(amount) if rate else amount

    condition = next(
        (one for one in others if one and there(one.amount or 0) == commission.fixed), None
    )
    amount = usual if condition is None else condition.amount or 0
    exact = Fraction(amount)
    if rate:
        exact *= money.factor(rate.value, rate.base, rate.quote)
    return Part(None, amount, exact, condition)


def _tier(tiers: Sequence[Tier], number: int | None) -> Tier | None:
    reached = [tier for tier in tiers if tier.start <= (number or 1)]
    return reached[-1] if reached else None
