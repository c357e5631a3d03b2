"""Acquisition: new customers by month, and the share that came through the community.

Source: rules 7, 11 and 20 of the program; the definition is `sql/acquisition.sql`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _l

from ambassadors import program
from reports import engine, survey, wording
from reports.models import Kind, Period, Report, share

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
_COUNTS = tuple(column.name for column in TOTAL_COLUMNS if column.kind is not Kind.SHARE)


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
    tracked_and_declared: int
    tracked_only: int
    declared_only: int
    neither: int
    no_answer: int
    answers: int
    response_rate: Decimal | None
    share_declared: Decimal | None
    share_either: Decimal | None
    share_low: Decimal | None
    share_high: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Row(Totals):
    """The same for one month."""

    month: str


def report(
    period: Period, currency: str, *, most_rows: int | None = None,
    copy: engine.Copy | None = None,
) -> Report:  # fmt: skip
    """Return the report, a row for each month of the period.

    Args:
        period: Whole months of the program's time zone.
        currency: Only purchases in this currency.
        most_rows: See `lake.refresh`.
        copy: The state to read; a fresh one unless given.
    """
    copy = copy or engine.fresh(most_rows=most_rows)
    found = engine.run(copy, NAME, period, {"currency": currency})
    rows = [Row(month=row["month"], **figures_of(row)) for row in found]
    totals = Totals(**figures_of(_sums(rows)))
    surveyed = wording.SURVEY if totals.answers else ()  # nothing is declared without a survey
    return Report(
        name=NAME, currency=currency, period=period, timezone=program.current().timezone,
        as_of=copy.manifest.as_of, sql=engine.definition(NAME), text=TEXT,
        columns=(*COLUMNS, *surveyed), rows=rows, totals=totals,
        total_columns=(*TOTAL_COLUMNS, *surveyed),
        other_currencies=engine.other_currencies(copy, period, currency),
    )  # fmt: skip


def figures_of(counted: Mapping[str, Any]) -> dict[str, Any]:
    """Return the counts of a time or a group with the shares that follow from them."""
    counts = {name: counted[name] for name in _COUNTS}
    matrix = asdict(survey.declared(counted))
    tracked = share(counts["new_customers_community"], counts["new_customers"])
    return {**counts, "share_tracked": tracked, **matrix}


def _sums(rows: Sequence[Row]) -> dict[str, int]:
    return {name: sum(getattr(row, name) for row in rows) for name in (*_COUNTS, *survey.CELLS)}
