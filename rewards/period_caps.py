"""The most of a month, quarter or year: of one ambassador, and of a campaign in all.

An order counts in the period of the program's time zone in which it was made, whenever it
is told.  What a period has given only grows, as budgets do: a refund gives nothing back
(0003).  Counts are locked in the order of their keys and raised by an UPDATE that itself
keeps the cap; what each commission took of which is frozen with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa

from campaigns.models import Period, RewardRule
from core import clock
from core.db import db, many, upsert_dialect
from rewards import rules
from rewards.models_periods import PeriodCount

ALL = 0  # in the place of an ambassador: all of the campaign's together
_MONTHS = {Period.MONTH: 1, Period.QUARTER: 3, Period.YEAR: 12}
Key = tuple[int, int, Period, date]  # campaign, ambassador or ALL, and the period's first day


@dataclass(frozen=True, slots=True)
class PeriodCap:
    """How much a rule gives in one period, minor units of the campaign's currency."""

    key: Key
    maximum: int


@dataclass(frozen=True, slots=True)
class Share:
    """What a commission took of a period's cap."""

    count_id: int
    maximum: int
    before: int  # taken of it already
    counted: int


@dataclass(slots=True)
class _Count:
    id: int
    committed: int
    taken: int = 0
    most: int = 0  # of the caps by which it was taken


@dataclass(slots=True)
class Counts:
    """What the periods have given so far, locked."""

    known: dict[Key, _Count] = field(default_factory=dict)

    def left(self, caps: Sequence[PeriodCap], amount: int) -> int:
        """Return how much of an amount the periods still give."""
        rests = [cap.maximum - self._given(self.known[cap.key]) for cap in caps]
        return max(0, min([amount, *rests]))

    def take(self, caps: Sequence[PeriodCap], counted: int) -> tuple[Share, ...]:
        """Count an amount that is left in every period, and return each one's share."""
        shares = []
        for cap in caps:
            count = self.known[cap.key]
            shares.append(Share(count.id, cap.maximum, self._given(count), counted))
            if counted:
                count.taken, count.most = count.taken + counted, max(count.most, cap.maximum)
        return tuple(shares)

    @staticmethod
    def _given(count: _Count) -> int:
        return count.committed + count.taken


def of(rule: RewardRule, ambassador_id: int, at: datetime, timezone: str) -> tuple[PeriodCap, ...]:
    """Return the caps that a rule sets on an ambassador's order of an instant."""
    told = (
        (ambassador_id, rule.ambassador_period, rule.ambassador_period_maximum),
        (ALL, rule.campaign_period, rule.campaign_period_maximum),
    )
    day = clock.local_day(at, timezone)
    return tuple(
        PeriodCap((rule.campaign_id, whose, period, first_day(period, day)), maximum)
        for whose, period, maximum in told
        if period is not None and maximum is not None
    )


def first_day(period: Period, day: date) -> date:
    """Return the first day of the period that a day is in."""
    months = _MONTHS[period]
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def touched(period: Period, first: date, last: date) -> int:
    """Return in how many periods the days from one to another are."""
    one, other = ((day.year * 12 + day.month - 1) // _MONTHS[period] for day in (first, last))
    return other - one + 1


def after(period: Period, starts_on: date) -> date:
    """Return the first day of the next period."""
    return rules.add_months(starts_on, _MONTHS[period])


_COUNTS = (
    sa.select(PeriodCount)
    .where(
        PeriodCount.campaign_id.in_(many("campaigns")),
        PeriodCount.ambassador_id.in_(many("ambassadors")),
        PeriodCount.starts_on.in_(many("days")),
    )
    .order_by(
        PeriodCount.campaign_id, PeriodCount.ambassador_id, PeriodCount.period,
        PeriodCount.starts_on,
    )
    .with_for_update(key_share=True)
    .execution_options(populate_existing=True)
)  # fmt: skip


def lock(caps: Iterable[PeriodCap]) -> Counts:
    """Lock what these caps count, and return it; no cap asks nothing."""
    wanted = sorted({cap.key for cap in caps})
    if not wanted:
        return Counts()
    names = ("campaign_id", "ambassador_id", "period", "starts_on")
    new = [dict(zip(names, key, strict=True)) | {"committed": 0} for key in wanted]
    db.session.execute(upsert_dialect().insert(PeriodCount).on_conflict_do_nothing(), new)
    asked: dict[str, list[Any]] = {
        "campaigns": sorted({key[0] for key in wanted}),
        "ambassadors": sorted({key[1] for key in wanted}),
        "days": sorted({key[3] for key in wanted}),
    }
    return Counts({
        (one.campaign_id, one.ambassador_id, one.period, one.starts_on):
            _Count(one.id, one.committed)
        for one in db.session.scalars(_COUNTS, asked)
    })  # fmt: skip


_RAISE = (
    sa.update(PeriodCount)
    .where(
        PeriodCount.id == sa.bindparam("which"),
        PeriodCount.committed + sa.bindparam("taken") <= sa.bindparam("most"),
    )
    .values(committed=PeriodCount.committed + sa.bindparam("taken"))
)


def commit(counts: Counts) -> None:
    """Write what was taken."""
    taken = [
        {"which": one.id, "taken": one.taken, "most": one.most}
        for _key, one in sorted(counts.known.items())
        if one.taken
    ]
    if taken:
        db.session.connection().execute(_RAISE, taken)
