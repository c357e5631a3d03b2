"""Codes: what each promo code brought over a period.

The definition is `sql/codes.sql`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from ambassadors import program
from reports import engine, people, wording
from reports.models import Period, Report

NAME = "codes"
TEXT = _l(
    "What each promo code brought: the purchases for which it won the credit. A code that was "
    "entered and lost is not counted; a code without a purchase in the period has no row."
)
TOTAL_COLUMNS = (
    wording.PURCHASES, wording.CUSTOMERS, wording.NEW_CUSTOMERS, wording.GROSS, wording.REFUNDS,
    wording.NET, wording.COMMISSION,
)  # fmt: skip
COLUMNS = (wording.CODE, wording.AMBASSADOR, wording.CAMPAIGN, *TOTAL_COLUMNS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What codes brought; amounts in minor units."""

    purchases: int
    customers: int  # different ones
    new_customers: int
    gross: int
    refunds: int
    net: int
    commission: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row(Totals):
    """The same for one code."""

    code: str
    ambassador: str
    ambassador_id: int
    campaign: str | None


def report(period: Period, currency: str, *, most_rows: int | None = None) -> Report:
    """Return the report, a row for each code that won a purchase, highest net first.

    Args:
        period: Whole months of the program's time zone.
        currency: Only purchases in this currency.
        most_rows: See `lake.refresh`.
    """
    copy = engine.fresh(most_rows=most_rows)
    found = engine.run(copy, NAME, period, {"currency": currency})
    (distinct,) = engine.run(copy, "codes_customers", period, {"currency": currency})
    known = people.references({row["ambassador_id"] for row in found})
    rows = [_row(row, known) for row in found]
    return Report(
        name=NAME, currency=currency, period=period, timezone=program.current().timezone,
        as_of=copy.manifest.as_of, sql=engine.definition(NAME), text=TEXT, columns=COLUMNS,
        rows=rows, totals=_totals(rows, distinct["customers"]), total_columns=TOTAL_COLUMNS,
        other_currencies=engine.other_currencies(copy, period, currency),
    )  # fmt: skip


def _row(row: dict[str, Any], known: dict[int, str]) -> Row:
    ambassador = row["ambassador_id"]
    return Row(**row, ambassador=known.get(ambassador, str(ambassador)))


def _totals(rows: Sequence[Row], customers: int) -> Totals:
    return Totals(
        purchases=sum(row.purchases for row in rows),
        customers=customers,
        new_customers=sum(row.new_customers for row in rows),
        gross=sum(row.gross for row in rows),
        refunds=sum(row.refunds for row in rows),
        net=sum(row.net for row in rows),
        commission=sum(row.commission for row in rows),
    )
