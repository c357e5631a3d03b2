"""CAC under another assumption, beside the real figures and never instead of them.

Two assumptions: friends' discounts are left out, as a brand may see them as a lower price and
not as a cost; and hours of the team cost another rate.  Only hours that were recorded as hours
follow the rate; other spend on people stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation

from flask_babel import gettext as _

from campaigns import costs
from campaigns.models_costs import HoursEntry
from core import money
from core.errors import InvalidInputError
from reports import cac
from reports.models import Report


@dataclass(frozen=True, slots=True)
class Assumption:
    """What is assumed otherwise; nothing unless told."""

    without_discounts: bool = False
    rate: int | None = None  # for an hour, minor units of the report's currency
    rate_text: str = ""  # as it was asked

    def __bool__(self) -> bool:
        return self.without_discounts or self.rate is not None


def asked(query: Mapping[str, str], currency: str) -> Assumption:
    """Return the assumption that an address tells: `without=discounts`, `rate=60`.

    Raises:
        InvalidInputError: A word or a rate that cannot be.
    """
    if query.get("without") not in (None, "", "discounts"):
        raise InvalidInputError(_("without: use discounts, or leave it out."))
    text = (query.get("rate") or "").strip()
    rate = None
    if text:
        try:
            rate = money.to_minor(Decimal(text.replace(",", ".")), currency)
        except (InvalidOperation, money.MoneyError):
            rate = -1
        if not 0 <= rate <= money.LARGEST // costs.MOST_HOURS:
            raise InvalidInputError(_("rate: use an amount for an hour, such as 60."))
    return Assumption(query.get("without") == "discounts", rate, text)


def totals(report: Report, assumed: Assumption) -> cac.Totals:
    """Return the totals of a CAC report as they would be."""
    return cac.Totals(**cac.totals_of(rows(report, assumed)))


def rows(report: Report, assumed: Assumption) -> list[cac.Row]:
    """Return the rows of a CAC report as they would be."""
    more = _more(report, assumed.rate)
    return [_row(row, assumed, more.get((row.month, row.channel), 0)) for row in report.rows]


def _row(row: cac.Row, assumed: Assumption, more: int) -> cac.Row:
    discounts = 0 if assumed.without_discounts else row.discounts
    cost = row.cost - row.discounts + discounts + more
    per = cac.cac(cost, row.new_customers) if row.channel != cac.UNATTRIBUTED else None
    return replace(row, discounts=discounts, people=row.people + more, cost=cost, cac=per)


def _more(report: Report, rate: int | None) -> dict[tuple[str, str], int]:
    """Return what hours would cost more, by month and channel."""
    if rate is None:
        return {}
    sums: dict[tuple[str, str], int] = {}
    for one in _hours(report):
        place = (one.month, one.channel)
        sums[place] = sums.get(place, 0) + costs.cost_of(one.minutes, rate) - one.amount
    return sums


def _hours(report: Report) -> Sequence[HoursEntry]:
    found = costs.hours(report.period.first, report.period.last)
    return [one for one in found if one.currency == report.currency]
