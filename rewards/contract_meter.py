"""The contract meter: pay and gifts of an ambassador, objective by objective, in a calendar year.

Pay is what was earned less what was taken back, on the day it happened; gifts are what perks
cost the brand, unless their price was paid with money that was earned, which is pay already.
What belongs to no campaign counts with acquisition, for which there is a program.  A sum in
another currency than the threshold's is converted with the rate of its day (UTC); where none
is known the reading says so, and counts the rest.

Source: rule 28; loi n° 2023-451, art. 8; décret n° 2025-1137.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from ambassadors import program
from campaigns.models import Campaign, Objective
from core import clock
from core.db import BATCH_ROWS, db
from core.money import POINTS
from rewards import rates, thresholds
from rewards.models import (
    Account,
    Commission,
    Entry,
    Exchange,
    ExchangeState,
    Perk,
    Posting,
    Voucher,
    VoucherBatch,
    VoucherTake,
)  # fmt: skip
from rewards.models_contracts import Contract, ThresholdKind
from rewards.rates import Wanted
from rewards.thresholds import Limit

WARN_AT = 80  # per cent of the threshold; rule 28


class Level(StrEnum):
    """How near a threshold is."""

    UNDER = "under"
    NEAR = "near"
    REACHED = "reached"


@dataclass(slots=True)
class Reading:
    """What the meter shows for one ambassador, objective and year; minor units of the limit."""

    ambassador_id: int
    objective: Objective
    year: int
    limit: Limit
    pay: int = 0
    gifts: int = 0
    unknown: set[str] = field(default_factory=set)  # currencies without a rate, not counted

    @property
    def total(self) -> int:
        """Pay and gifts together."""
        return self.pay + self.gifts

    @property
    def percent(self) -> int:
        """The share of the threshold, rounded down, never below zero."""
        return max(0, self.total * 100 // self.limit.amount)

    @property
    def level(self) -> Level:
        """How near it is."""
        if self.total >= self.limit.amount:
            return Level.REACHED
        return Level.NEAR if self.percent >= WARN_AT else Level.UNDER


@dataclass(frozen=True, slots=True)
class _Sum:
    """A sum to be counted; `on` is told where it has to be converted."""

    ambassador_id: int
    objective: Objective
    currency: str
    on: date | None
    pay: int
    gifts: int


def readings(
    year: int, *, only: Collection[int] | None = None, known_at: datetime | None = None
) -> list[Reading]:
    """Return the meter of a calendar year, the highest first; none where nothing counts.

    Args:
        year: In the program's time zone.
        only: Ambassadors to look at; all of them unless given.
        known_at: What the meter showed then: only what had been recorded.
    """
    limit = _limit(year, known_at)
    if limit is None:
        return []
    sums = list(_sums(year, limit.currency, only, known_at))
    asked = [_wanted(one, limit.currency) for one in sums if one.on]
    book = rates.load(asked, known_at=known_at)
    found: dict[tuple[int, Objective], Reading] = {}
    for one in sums:
        key = one.ambassador_id, one.objective
        reading = found.setdefault(key, Reading(*key, year, limit))
        _add(reading, one, book)
    return sorted(found.values(), key=lambda one: (-one.total, one.ambassador_id))


def unsigned(only: Collection[int], *, known_at: datetime | None = None) -> set[int]:
    """Return who reached the threshold of a year without having signed its contract by then."""
    found: set[int] = set()
    ordered = sorted(only)
    for start in range(0, len(ordered), BATCH_ROWS):
        some = ordered[start : start + BATCH_ROWS]
        signed = _signed(some, known_at)
        for year in years(known_at):
            found |= {
                one.ambassador_id
                for one in readings(year, only=some, known_at=known_at)
                if one.level is Level.REACHED
                and (one.ambassador_id, one.objective, year) not in signed
            }
    return found


def years(known_at: datetime | None = None) -> list[int]:
    """Return the years that are looked at for open contracts: this one and the one before."""
    this = clock.local_day(known_at or clock.now(), program.current().timezone).year
    return [this, this - 1]


def _limit(year: int, known_at: datetime | None) -> Limit | None:
    """Return what counts for a year: what holds on its last day, or today if that is earlier."""
    today = clock.local_day(known_at or clock.now(), program.current().timezone)
    on = min(today, date(year, 12, 31))
    return thresholds.at(ThresholdKind.CONTRACT, on, known_at=known_at) if on.year == year else None


def _signed(some: Collection[int], known_at: datetime | None) -> set[tuple[int, Objective, int]]:
    rows = db.session.execute(
        sa.select(Contract.ambassador_id, Contract.objective, Contract.year).where(
            Contract.ambassador_id.in_(some), Contract.signed_at <= (known_at or clock.now())
        )
    )
    return {(row.ambassador_id, row.objective, row.year) for row in rows}


def _wanted(one: _Sum, currency: str) -> Wanted:
    return Wanted(one.currency, currency, one.on or date.min)


def _add(reading: Reading, one: _Sum, book: rates.Book) -> None:
    if one.on is None:
        reading.pay += one.pay
        reading.gifts += one.gifts
        return
    rate = book.at(_wanted(one, reading.limit.currency))
    if rate is None:
        reading.unknown.add(one.currency)
        return
    reading.pay += rate.convert(one.pay)
    reading.gifts += rate.convert(one.gifts)


def _sums(
    year: int, currency: str, only: Collection[int] | None, known_at: datetime | None
) -> Iterator[_Sum]:
    for row in db.session.execute(_pay(year, currency, only, known_at)):
        yield _sum(row, pay=int(row.total), gifts=0)
    for row in db.session.execute(_gifts(year, currency, only, known_at)):
        yield _sum(row, pay=0, gifts=int(row.total))


def _sum(row: Any, *, pay: int, gifts: int) -> _Sum:
    on = date.fromisoformat(row.day) if row.day else None
    return _Sum(row.ambassador_id, Objective(row.objective), row.currency, on, pay, gifts)


def _objective() -> Any:
    """Return a campaign's objective, acquisition where there is no campaign."""
    told = sa.cast(Campaign.objective, sa.String)
    return sa.func.coalesce(told, Objective.ACQUISITION.value).label("objective")


def _day(at: Any, amount_in: Any, currency: str) -> Any:
    """Return the day of a sum that has to be converted as text, NULL for the others."""
    day = sa.cast(sa.func.date(at), sa.String)
    return sa.case((amount_in == currency, None), else_=day).label("day")


def _summed(query: Any) -> Any:
    """Sum up the amounts of a query by everything else that it tells."""
    told = query.subquery()
    keys = (told.c.ambassador_id, told.c.objective, told.c.currency, told.c.day)
    return sa.select(*keys, sa.func.sum(told.c.amount).label("total")).group_by(*keys)


def _pay(year: int, currency: str, only: Collection[int] | None, known_at: datetime | None) -> Any:
    source = sa.literal("voucher:") + sa.cast(VoucherTake.id, sa.String) + ":bonus"
    start, end = clock.year_bounds(year, program.current().timezone)
    query = (
        sa.select(
            Posting.ambassador_id, _objective(), Posting.currency,
            _day(Entry.occurred_at, Posting.currency, currency), Posting.amount,
        )
        .join(Entry, Entry.id == Posting.entry_id)
        .outerjoin(
            Commission,
            sa.and_(
                Commission.purchase_id == Posting.purchase_id,
                Commission.ambassador_id == Posting.ambassador_id,
            ),
        )
        .outerjoin(VoucherTake, sa.and_(Posting.account == Account.BONUS, Entry.source == source))
        .outerjoin(Voucher, Voucher.id == VoucherTake.voucher_id)
        .outerjoin(VoucherBatch, VoucherBatch.id == Voucher.batch_id)
        .outerjoin(
            Campaign,
            Campaign.id == sa.func.coalesce(Commission.campaign_id, VoucherBatch.campaign_id),
        )
        .where(
            Posting.account.in_([Account.EXPENSE, Account.BONUS]),
            Posting.ambassador_id.is_not(None), Posting.currency != POINTS,
            Entry.occurred_at >= start, Entry.occurred_at < end,
        )
    )  # fmt: skip
    if only is not None:
        query = query.where(Posting.ambassador_id.in_(only))
    return _summed(query.where(Entry.recorded_at <= known_at) if known_at else query)


def _gifts(
    year: int, currency: str, only: Collection[int] | None, known_at: datetime | None
) -> Any:
    start, end = clock.year_bounds(year, program.current().timezone)
    query = (
        sa.select(
            Exchange.ambassador_id, _objective(), Exchange.cost_currency.label("currency"),
            _day(Exchange.created_at, Exchange.cost_currency, currency),
            Exchange.cost.label("amount"),
        )
        .join(Perk, Perk.id == Exchange.perk_id)
        .outerjoin(Campaign, Campaign.id == Perk.campaign_id)
        .where(
            Exchange.state != ExchangeState.CANCELLED,
            sa.or_(Exchange.unit == POINTS, Exchange.price == 0),
            Exchange.created_at >= start, Exchange.created_at < end,
        )
    )  # fmt: skip
    if only is not None:
        query = query.where(Exchange.ambassador_id.in_(only))
    return _summed(query.where(Exchange.created_at <= known_at) if known_at else query)
