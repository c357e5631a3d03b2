"""The contract meter: pay and gifts of an ambassador, objective by objective, in a calendar year.

Pay is what was earned less what was taken back, on the day it happened; gifts are what perks
cost the brand, unless their price was paid with money that was earned, which is pay already.
What belongs to no campaign counts with acquisition, for which there is a program.  A sum in
another currency than the threshold's is converted with the rate of its day (UTC); where none
is known the reading says so, and counts the rest.

Source: rule 28; loi n° 2023-451, art. 8; décret n° 2025-1137.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from flask_babel import gettext as _

from ambassadors import program
from campaigns.models import Campaign, Objective
from core import clock
from core.db import BATCH_ROWS, db
from core.errors import ConflictError
from core.money import POINTS
from rewards import day_sums, rates, thresholds
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
from rewards.models_missions import Mission, MissionTake
from rewards.thresholds import Limit

_KEYS = ("ambassador_id", "objective")
WARN_AT = 80  # per cent of the threshold; rule 28


class ContractNeededError(ConflictError):
    """The threshold is reached, and the contract that the law asks for is not signed."""


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
    pay = day_sums.rows(_pay(year, limit.currency, only, known_at), *_KEYS)
    given = day_sums.rows(gifts(year, limit.currency, only, known_at), *_KEYS)
    book = day_sums.book([*pay, *given], limit.currency, known_at=known_at)
    found: dict[tuple[int, Objective], Reading] = {}
    for rows, name in ((pay, "pay"), (given, "gifts")):
        for row in rows:
            key = row.ambassador_id, Objective(row.objective)
            _add(found.setdefault(key, Reading(*key, year, limit)), name, row, book)
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


def require_contract(
    ambassador_id: int, objective: Objective | None = None, *, worth: int = 0, currency: str = ""
) -> None:
    """Refuse to give somebody more before they have signed the contract that the law asks for.

    Whoever gives a perk, a box or a mission calls it, holding the ambassador's row, so that two
    gifts at once are not both under the threshold.

    Args:
        ambassador_id: Who would get it.
        objective: Of its campaign; None where there is no campaign.
        worth: What it costs the brand, minor units; it may be what reaches the threshold.
        currency: Of the worth.

    Raises:
        ContractNeededError: A threshold is reached, or would be by this, and nothing is signed.
    """
    meant = objective or Objective.ACQUISITION
    if unsigned([ambassador_id]) or (worth and _would_reach(ambassador_id, meant, worth, currency)):
        raise ContractNeededError(
            _("The law asks for a written contract from here on. Sign it under “My contracts”; "
              "if it is not there yet, ask the team for it. Then come back.")
        )  # fmt: skip


def _would_reach(ambassador_id: int, objective: Objective, worth: int, currency: str) -> bool:
    """Tell whether a gift of today reaches the threshold of this year without a contract."""
    year = years()[0]
    limit = _limit(year, None)
    if limit is None or (ambassador_id, objective, year) in _signed([ambassador_id], None):
        return False
    so_far = next(
        (one.total for one in readings(year, only=[ambassador_id]) if one.objective is objective), 0
    )
    if currency != limit.currency:
        rate = rates.rate_at(currency, limit.currency, clock.now().date())
        worth = rate.convert(worth) if rate else 0  # as the meter: what has no rate is not counted
    return so_far + worth >= limit.amount


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


def _add(reading: Reading, name: str, row: Any, book: rates.Book) -> None:
    """Add a row to the pay or the gifts of a reading, or name its currency."""
    amount = day_sums.told(row, reading.limit.currency, book)
    if amount is None:
        reading.unknown.add(row.currency)
    else:
        setattr(reading, name, getattr(reading, name) + amount)


def _objective() -> Any:
    """Return a campaign's objective, acquisition where there is no campaign."""
    told = sa.cast(Campaign.objective, sa.String)
    return sa.func.coalesce(told, Objective.ACQUISITION.value).label("objective")


def _pay(year: int, currency: str, only: Collection[int] | None, known_at: datetime | None) -> Any:
    source = sa.literal("voucher:") + sa.cast(VoucherTake.id, sa.String) + ":bonus"
    mission = sa.literal("mission:") + sa.cast(MissionTake.id, sa.String)
    of_mission = Entry.source.in_([mission + ":bonus", mission + ":back"])
    start, end = clock.year_bounds(year, program.current().timezone)
    query = (
        sa.select(
            Posting.ambassador_id, _objective(), Posting.currency,
            day_sums.day(Entry.occurred_at, Posting.currency, currency), Posting.amount,
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
        .outerjoin(MissionTake, sa.and_(Posting.account == Account.BONUS, of_mission))
        .outerjoin(Mission, Mission.id == MissionTake.mission_id)
        .outerjoin(Voucher, Voucher.id == VoucherTake.voucher_id)
        .outerjoin(VoucherBatch, VoucherBatch.id == Voucher.batch_id)
        .outerjoin(
            Campaign,
            Campaign.id == sa.func.coalesce(
                Commission.campaign_id, VoucherBatch.campaign_id, Mission.campaign_id
            ),
        )
        .where(
            Posting.account.in_([Account.EXPENSE, Account.BONUS]),
            Posting.ambassador_id.is_not(None), Posting.currency != POINTS,
            Entry.occurred_at >= start, Entry.occurred_at < end,
        )
    )  # fmt: skip
    if only is not None:
        query = query.where(Posting.ambassador_id.in_(only))
    return query.where(Entry.recorded_at <= known_at) if known_at else query


def gifts(year: int, currency: str, only: Collection[int] | None, known_at: datetime | None) -> Any:
    """Return the query of gifts in a year: `amount` with its day where it has to be converted."""
    start, end = clock.year_bounds(year, program.current().timezone)
    query = (
        sa.select(
            Exchange.ambassador_id, _objective(), Exchange.cost_currency.label("currency"),
            day_sums.day(Exchange.created_at, Exchange.cost_currency, currency),
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
    return query.where(Exchange.created_at <= known_at) if known_at else query
