"""What rewards may still take: a campaign's budget and number, and one ambassador's most in it.

Rows are locked in the order of their keys, budgets before ambassadors before periods, and
raised by an UPDATE that itself keeps the limit: never a count and then an insert.
They count in the campaign's currency.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa

from campaigns.models import Campaign
from core.db import db, many, run, upsert_dialect
from rewards import period_caps
from rewards.models import RewardCount
from rewards.period_caps import PeriodCap, Share
from rewards.rates import Rate

Pair = tuple[int, int]  # campaign, ambassador


@dataclass(slots=True)
class _Limit:
    left: int
    taken: int = 0

    @property
    def rest(self) -> int:
        return self.left - self.taken


@dataclass(slots=True)
class _Count:
    committed: int
    purchases: int
    taken: int = 0
    added: int = 0


@dataclass(frozen=True, slots=True)
class Taken:
    """What the caps gave of an amount."""

    amount: int  # minor units of the order's currency
    counted: int  # the same as the caps count it, in the campaign's
    shares: tuple[Share, ...]  # of periods


@dataclass(slots=True)
class Caps:
    """What is left of each campaign's limits, and what each ambassador has, all locked."""

    budgets: dict[int, _Limit] = field(default_factory=dict)
    numbers: dict[int, _Limit] = field(default_factory=dict)  # of rewarded purchases
    counts: dict[Pair, _Count] = field(default_factory=dict)
    periods: period_caps.Counts = field(default_factory=period_caps.Counts)

    def has_budget(self, campaign_id: int) -> bool:
        """Tell whether a campaign's commissions are limited in all."""
        return campaign_id in self.budgets

    def number(self, pair: Pair) -> int:
        """Return which of the ambassador's purchases the next one is, from 1."""
        count = self.counts.get(pair)
        return count.purchases + count.added + 1 if count else 1

    def take(
        self,
        pair: Pair,
        amount: int,
        *,
        maximum: int | None,
        periods: Sequence[PeriodCap] = (),
        rate: Rate | None = None,
    ) -> Taken:
        """Take as much of an amount as the caps still have.

        Args:
            pair: Whose commission, in which campaign.
            amount: What the rule gives, minor units of the order's currency.
            maximum: Of one ambassador in the campaign, in all.
            periods: The caps of the order's month, quarter or year.
            rate: From the campaign's currency, in which caps count, to the order's.
        """
        counted = rate.convert_back(amount) if rate else amount
        left = self.periods.left(periods, self._left(pair, counted, maximum))
        if left < counted:
            amount = rate.limit(left) if rate else left
            counted = rate.convert_back(amount) if rate else left
        if amount and not self.admit(pair):
            amount = counted = 0
        if budget := self.budgets.get(pair[0]):
            budget.taken += counted
        if count := self.counts.get(pair):
            count.taken += counted
        self.count(pair)
        return Taken(amount, counted, self.periods.take(periods, counted))

    def _left(self, pair: Pair, amount: int, maximum: int | None) -> int:
        budget, count = self.budgets.get(pair[0]), self.counts.get(pair)
        if budget:
            amount = max(0, min(amount, budget.rest))
        if count and maximum is not None:
            amount = max(0, min(amount, maximum - count.committed - count.taken))
        return amount

    def admit(self, pair: Pair) -> bool:
        """Take one of the purchases that the campaign rewards; False if it has none left."""
        number = self.numbers.get(pair[0])
        if number is None:
            return True
        if number.rest < 1:
            return False
        number.taken += 1
        return True

    def count(self, pair: Pair) -> None:
        """Count one more purchase of the ambassador, where that decides."""
        if count := self.counts.get(pair):
            count.added += 1


_LIMITS = (
    sa.select(
        Campaign.id, Campaign.budget, Campaign.committed, Campaign.rewarded_limit, Campaign.rewarded
    )
    .where(Campaign.id.in_(many()))
    .where(sa.or_(Campaign.budget.is_not(None), Campaign.rewarded_limit.is_not(None)))
    .order_by(Campaign.id)
    .with_for_update(key_share=True)
)
_COUNTS = (
    sa.select(RewardCount)
    .where(RewardCount.campaign_id.in_(many("campaigns")))
    .where(RewardCount.ambassador_id.in_(many("ambassadors")))
    .order_by(RewardCount.campaign_id, RewardCount.ambassador_id)
    .with_for_update()
    .execution_options(populate_existing=True)
)


def lock(campaign_ids: Iterable[int], pairs: set[Pair], periods: Iterable[PeriodCap] = ()) -> Caps:
    """Lock what commissions of these campaigns and ambassadors may take, and return it.

    Args:
        campaign_ids: Whose budgets.
        pairs: The ambassadors whose earnings count, by campaign.
        periods: Caps of months, quarters and years.
    """
    rows = run(_LIMITS, {"ids": sorted(campaign_ids)}).all()
    return Caps(
        {row.id: _Limit(row.budget - row.committed) for row in rows if row.budget is not None},
        {
            row.id: _Limit(row.rewarded_limit - row.rewarded)
            for row in rows if row.rewarded_limit is not None
        },
        _counts(pairs),
        period_caps.lock(periods),
    )  # fmt: skip


def _counts(pairs: set[Pair]) -> dict[Pair, _Count]:
    if not pairs:
        return {}
    new = [
        {"campaign_id": campaign, "ambassador_id": ambassador, "committed": 0, "purchases": 0}
        for campaign, ambassador in sorted(pairs)
    ]
    db.session.execute(upsert_dialect().insert(RewardCount).on_conflict_do_nothing(), new)
    asked = {
        "campaigns": sorted({p[0] for p in pairs}),
        "ambassadors": sorted({p[1] for p in pairs}),
    }
    return {
        pair: _Count(count.committed, count.purchases)
        for count in db.session.scalars(_COUNTS, asked)
        if (pair := (count.campaign_id, count.ambassador_id)) in pairs
    }


_COMMIT = (
    sa.update(Campaign)
    .where(
        Campaign.id == sa.bindparam("campaign"),
        Campaign.committed + sa.bindparam("taken") <= Campaign.budget,
    )
    .values(committed=Campaign.committed + sa.bindparam("taken"))
)
_REWARD = (
    sa.update(Campaign)
    .where(
        Campaign.id == sa.bindparam("campaign"),
        Campaign.rewarded + sa.bindparam("taken") <= Campaign.rewarded_limit,
    )
    .values(rewarded=Campaign.rewarded + sa.bindparam("taken"))
)
_COUNT = (
    sa.update(RewardCount)
    .where(
        RewardCount.campaign_id == sa.bindparam("campaign"),
        RewardCount.ambassador_id == sa.bindparam("ambassador"),
    )
    .values(
        committed=RewardCount.committed + sa.bindparam("taken"),
        purchases=RewardCount.purchases + sa.bindparam("added"),
    )
)


def commit(caps: Caps) -> None:
    """Write what was taken."""
    connection = db.session.connection()
    for statement, limits in ((_COMMIT, caps.budgets), (_REWARD, caps.numbers)):
        taken = [
            {"campaign": id_, "taken": one.taken}
            for id_, one in sorted(limits.items())
            if one.taken
        ]
        if taken:
            connection.execute(statement, taken)
    counted = [
        {"campaign": pair[0], "ambassador": pair[1], "taken": one.taken, "added": one.added}
        for pair, one in sorted(caps.counts.items())
        if one.added
    ]
    if counted:
        connection.execute(_COUNT, counted)
    period_caps.commit(caps.periods)
