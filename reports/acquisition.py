"""Acquisition: new customers by month, and the share that came through the community.

Source: rules 7, 11 and 20 of the program; the definition is `sql/acquisition.sql`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from decimal import Decimal

from flask_babel import lazy_gettext as _l

from ambassadors import program
from reports import engine, wording
from reports.models import Period, Report, share

NAME = "acquisition"
TEXT = _l(
    "Who bought in each month, and how many of the new customers came through the community: an "
    "ambassador has the credit for their first paid purchase, by code or link."
)
TOTAL_COLUMNS = (
    wording.NEW_CUSTOMERS, wording.NEW_COMMUNITY, wording.NEW_UNKNOWN, wording.SHARE_TRACKED,
    wording.PURCHASES, wording.PURCHASES_COMMUNITY, wording.GROSS, wording.REFUNDS, wording.NET,
)  # fmt: skip
COLUMNS = (wording.MONTH, *TOTAL_COLUMNS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What was bought over a time; amounts in minor units."""

    new_customers: int
    new_customers_community: int
    new_customers_unknown: int
    share_tracked: Decimal | None
    purchases: int
    purchases_community: int
    gross: int
    refunds: int
    net: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row(Totals):
    """The same for one month."""

    month: str


def report(period: Period, currency: str, *, most_rows: int | None = None) -> Report:
    """Return the report, a row for each month of the period.

    Args:
        period: Whole months of the program's time zone.
        currency: Only purchases in this currency.
        most_rows: See `lake.refresh`.
    """
    copy = engine.fresh(most_rows=most_rows)
    found = engine.run(copy, NAME, period, {"currency": currency})
    rows = [
        Row(**row, share_tracked=share(row["new_customers_community"], row["new_customers"]))
        for row in found
    ]
    return Report(
        name=NAME, currency=currency, period=period, timezone=program.current().timezone,
        as_of=copy.manifest.as_of, sql=engine.definition(NAME), text=TEXT, columns=COLUMNS,
        rows=rows, totals=_totals(rows), total_columns=TOTAL_COLUMNS,
        other_currencies=engine.other_currencies(copy, period, currency),
    )  # fmt: skip


def _totals(rows: Sequence[Row]) -> Totals:
    sums = {
        column.name: sum(getattr(row, column.name) for row in rows)
        for column in fields(Totals)
        if column.name != "share_tracked"
    }
    return Totals(
        **sums, share_tracked=share(sums["new_customers_community"], sums["new_customers"])
    )
