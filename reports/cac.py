"""CAC: what a new customer cost, by month and channel, over new paying customers.

Accrual basis: a commission belongs to the month of its purchase.  A figure
is None where nobody came, never zero.

Source: rule 21 of the program; the definition is `sql/cac.sql`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from flask_babel import lazy_gettext as _l

from ambassadors import program
from campaigns.spend import COMMUNITY
from core.money import divide_half_up
from reports import engine, wording
from reports.models import Period, Report

NAME = "cac"
UNATTRIBUTED = "unattributed"
TEXT = _l(
    "What each new customer cost, by month and channel, on an accrual basis. A new customer "
    "belongs to the community if an ambassador has the credit for their first paid purchase; the "
    "others are unattributed, as no channel is guessed."
)
COSTS = (
    wording.SPEND, wording.COMMISSIONS, wording.COMMISSIONS_RETENTION,
    wording.COMMISSIONS_UNKNOWN, wording.DISCOUNTS, wording.PERKS, wording.BOXES, wording.EVENTS,
    wording.PEOPLE, wording.TOOLS, wording.OTHER, wording.COST, wording.NEW_CUSTOMERS,
)  # fmt: skip
COLUMNS = (wording.MONTH, wording.CHANNEL, *COSTS, wording.CAC)
TOTAL_COLUMNS = (
    *COSTS, wording.NEW_COMMUNITY, wording.CAC_COMMUNITY,
    wording.CAC_COMMUNITY_WITHOUT_DISCOUNTS, wording.CAC_PAID, wording.CAC_LOADED,
    wording.CAC_BLENDED,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Costs and new customers; amounts in minor units."""

    spend: int
    commissions: int
    commissions_retention: int
    commissions_unknown: int
    discounts: int
    perks: int
    boxes: int
    events: int
    people: int
    tools: int
    other: int
    cost: int
    new_customers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row(Costs):
    """One channel in one month."""

    month: str
    channel: str
    cac: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals(Costs):
    """All channels over a time, and the three kinds of CAC."""

    new_customers_community: int
    cac_community: int | None
    cac_community_without_discounts: int | None
    cac_paid: int | None
    cac_loaded: int | None
    cac_blended: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthTotals(Totals):
    """The totals of one month."""

    month: str


def cac(cost: int, new_customers: int) -> int | None:
    """Return cost per new customer in minor units, half-up, or None if nobody came."""
    return divide_half_up(cost, new_customers) if new_customers else None


def report(
    period: Period, currency: str, *, most_rows: int | None = None,
    copy: engine.Copy | None = None,
) -> Report:  # fmt: skip
    """Return the report, a row for each month and channel where there was anything.

    Args:
        period: Whole months of the program's time zone.
        currency: Only purchases and spend in this currency.
        most_rows: See `lake.refresh`.
        copy: The state to read; a fresh one unless given.
    """
    copy = copy or engine.fresh(most_rows=most_rows)
    found = engine.run(copy, NAME, period, {"currency": currency})
    rows = [Row(**row, cac=_channel_cac(row)) for row in found]
    by_month = [
        MonthTotals(month=month, **totals_of([row for row in rows if row.month == month]))
        for month in period.months
    ]
    return Report(
        name=NAME, currency=currency, period=period, timezone=program.current().timezone,
        as_of=copy.manifest.as_of, sql=engine.definition(NAME), text=TEXT, columns=COLUMNS,
        rows=rows, totals=Totals(**totals_of(rows)), total_columns=TOTAL_COLUMNS, by_month=by_month,
        other_currencies=engine.other_currencies(copy, period, currency),
    )  # fmt: skip


def channels(rows: Sequence[Row]) -> list[Row]:
    """Return one row per channel over all the months of the rows, `month` empty."""
    names = list(dict.fromkeys(row.channel for row in rows))
    names.sort(key=lambda name: (name == UNATTRIBUTED, name != COMMUNITY, name))
    summed = []
    for name in names:
        sums = _sums([row for row in rows if row.channel == name])
        rate = _channel_cac({"channel": name, **sums})
        summed.append(Row(month="", channel=name, cac=rate, **sums))
    return summed


def _channel_cac(row: Mapping[str, Any]) -> int | None:
    """Return the CAC of a channel; None for customers whose channel, and so cost, is unknown."""
    if row["channel"] == UNATTRIBUTED:
        return None
    return cac(row["cost"], row["new_customers"])


def _sums(rows: Sequence[Costs]) -> dict[str, int]:
    return {column.name: sum(getattr(row, column.name) for row in rows) for column in fields(Costs)}


def totals_of(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the sums of rows with the kinds of CAC that follow from them."""
    every = _sums(rows)
    inside = _sums([row for row in rows if row.channel == COMMUNITY])
    media, spent, others = (
        sum(getattr(row, name) for row in rows if row.channel != COMMUNITY)
        for name in ("spend", "cost", "new_customers")
    )
    came = inside["new_customers"]
    return {
        **every,
        "new_customers_community": came,
        "cac_community": cac(inside["cost"], came),
        "cac_community_without_discounts": cac(inside["cost"] - inside["discounts"], came),
        "cac_paid": cac(media, others),
        "cac_loaded": cac(spent, others),
        "cac_blended": cac(every["cost"], every["new_customers"]),
    }
