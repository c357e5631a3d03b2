"""Cohorts and LTV: customers by the month of their first purchase, compared at equal age.

Two reports read one definition, `sql/cohorts.sql`.  `cohorts` tells who still buys and, in
its totals, basket, frequency and repeat rate; `ltv` tells what a customer has brought by each
age.  An LTV is never a total over a total: `at_equal_age` pools, for each age, only the
cohorts that have lived that long.

Source: rule 22 of the program.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _l

from ambassadors import program
from core import clock
from core.money import divide_half_up
from reports import engine, wording
from reports.models import Column, Period, Report, following, share

NAME = "cohorts"
LTV = "ltv"
COMMUNITY, OTHER = "community", "other"
SEGMENTS = (COMMUNITY, OTHER)
TEXT = _l(
    "Customers by the month of their first paid purchase, those who came through the community "
    "apart, and how many of them buy in each later month, up to the end of the period."
)
LTV_TEXT = _l(
    "What a customer has brought by each age, net of refunds: the sum over the customers of a "
    "month divided by their number. Only ages that a cohort has reached are told; cohorts are "
    "compared at equal age, never total over total."
)
COLUMNS = (
    wording.COHORT, wording.SEGMENT, wording.SIZE, wording.AGE, wording.ACTIVE, wording.NET_OF_AGE,
    wording.LTV,
)  # fmt: skip
_SUMS = (
    wording.COHORT_CUSTOMERS, wording.REPEAT_CUSTOMERS, wording.REPEAT_RATE, wording.PURCHASES,
    wording.FREQUENCY, wording.AOV, wording.GROSS, wording.REFUNDS, wording.NET,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One cohort's segment at one age; amounts in minor units."""

    cohort: str  # YYYY-MM
    segment: str
    size: int
    age_months: int
    active: int
    purchases: int
    net: int
    net_to_date: int
    ltv: int

    @property
    def retention(self) -> Decimal | None:
        """Active customers divided by the cohort's size."""
        return share(self.active, self.size)


@dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """What customers bought in all; amounts in minor units, ratios with six places."""

    customers: int
    repeat_customers: int
    repeat_rate: Decimal | None
    purchases: int
    frequency: Decimal | None
    aov: int | None
    gross: int
    refunds: int
    net: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LtvTotals:
    """LTV at the greatest age that both segments have reached with enough customers."""

    age_months: int | None
    ltv: int | None
    ltv_community: int | None
    ltv_other: int | None


@dataclass(frozen=True, slots=True)
class Point:
    """LTV of a segment at one age, over the cohorts that have reached it."""

    age_months: int
    customers: int
    ltv: int


def report(
    period: Period, currency: str, *, most_rows: int | None = None,
    copy: engine.Copy | None = None,
) -> Report:  # fmt: skip
    """Return the cohorts of a period, seen up to its end, a row for each segment and age.

    Args:
        period: Whole months; first purchases and what is told of them lie within.
        currency: Only purchases in this currency.
        most_rows: See `lake.refresh`.
        copy: The state to read; a fresh one unless given.
    """
    copy = copy or engine.fresh(most_rows=most_rows)
    totals = whole(segments(copy, period, currency).values())
    return _report(NAME, TEXT, copy, period, currency, totals, _SUMS)


def ltv_report(
    period: Period, currency: str, *, most_rows: int | None = None,
    copy: engine.Copy | None = None,
) -> Report:  # fmt: skip
    """Return the same rows with, as totals, the LTV at the greatest common age."""
    copy = copy or engine.fresh(most_rows=most_rows)
    made = _report(LTV, LTV_TEXT, copy, period, currency, None, wording.LTV_TOTALS)
    totals = _ltv_totals(finished(made.rows))
    return _report(LTV, LTV_TEXT, copy, period, currency, totals, wording.LTV_TOTALS)


def segments(copy: engine.Copy, period: Period, currency: str) -> dict[str, Segment]:
    """Return what each segment's customers bought in all; a segment without any is absent."""
    found = engine.run(copy, "segments", period, {"currency": currency})
    return {row["segment"]: _segment(row) for row in found}


def whole(parts: Iterable[Segment]) -> Segment:
    """Return several segments as one."""
    names = ("customers", "repeat_customers", "purchases", "gross", "refunds")
    known = list(parts)
    return _segment({name: sum(getattr(part, name) for part in known) for name in names})


def finished(rows: Iterable[Row]) -> list[Row]:
    """Return the rows whose month is over: a running month would look like a fall."""
    present = clock.local_month(clock.now(), program.current().timezone)
    return [row for row in rows if following(row.cohort, row.age_months) < present]


def merged(rows: Iterable[Row]) -> list[Row]:
    """Return the rows of several segments as one for each cohort and age."""
    found: dict[tuple[str, int], Row] = {}
    for row in rows:
        place = row.cohort, row.age_months
        found[place] = _together(found[place], row) if place in found else row
    return [found[place] for place in sorted(found)]


def at_equal_age(rows: Iterable[Row], segment: str | None = None) -> list[Point]:
    """Return LTV by age, each over the customers of all cohorts that have reached it.

    Args:
        rows: From a report; leave out months that are not over with `finished`.
        segment: One of `SEGMENTS`, or None for everybody.
    """
    sizes: dict[int, int] = {}
    nets: dict[int, int] = {}
    for row in rows:
        if segment in (None, row.segment):
            sizes[row.age_months] = sizes.get(row.age_months, 0) + row.size
            nets[row.age_months] = nets.get(row.age_months, 0) + row.net_to_date
    return [Point(age, sizes[age], divide_half_up(nets[age], sizes[age])) for age in sorted(sizes)]


def payback(points: Sequence[Point], cac: int | None, *, margin: int) -> int | None:
    """Return the first age at which cumulated margin per customer passes what they cost.

    Args:
        points: From `at_equal_age`.
        cac: Cost per new customer, minor units; None if it cannot be told.
        margin: Share of net that is margin, basis points.

    Returns:
        Months, or None while no age has been reached at which it does.

    Source: rule 22 of the program.
    """
    if cac is None:
        return None
    return next((one.age_months for one in points if one.ltv * margin > cac * 10_000), None)


def _report(
    name: str, text: Any, copy: engine.Copy, period: Period, currency: str, totals: Any,
    total_columns: Sequence[Column],
) -> Report:  # fmt: skip
    found = engine.run(copy, NAME, period, {"currency": currency})
    return Report(
        name=name, currency=currency, period=period, timezone=program.current().timezone,
        as_of=copy.manifest.as_of, sql=engine.definition(NAME), text=text, columns=COLUMNS,
        rows=[_row(row) for row in found], totals=totals, total_columns=total_columns,
        other_currencies=engine.other_currencies(copy, period, currency),
    )  # fmt: skip


def _row(found: Mapping[str, Any]) -> Row:
    return Row(**found, ltv=divide_half_up(found["net_to_date"], found["size"]))


def _together(one: Row, other: Row) -> Row:
    size, to_date = one.size + other.size, one.net_to_date + other.net_to_date
    return Row(
        cohort=one.cohort, segment="", size=size, age_months=one.age_months,
        active=one.active + other.active, purchases=one.purchases + other.purchases,
        net=one.net + other.net, net_to_date=to_date, ltv=divide_half_up(to_date, size),
    )  # fmt: skip


def _segment(found: Mapping[str, Any]) -> Segment:
    customers, purchases, gross = found["customers"], found["purchases"], found["gross"]
    return Segment(
        customers=customers, repeat_customers=found["repeat_customers"],
        repeat_rate=share(found["repeat_customers"], customers), purchases=purchases,
        frequency=share(purchases, customers),
        aov=divide_half_up(gross, purchases) if purchases else None,
        gross=gross, refunds=found["refunds"], net=gross - found["refunds"],
    )  # fmt: skip


def _ltv_totals(rows: Sequence[Row]) -> LtvTotals:
    """Return LTV at the greatest age that both segments have, else that anybody has."""
    inside, outside = (
        {point.age_months: point.ltv for point in at_equal_age(rows, name)} for name in SEGMENTS
    )
    everybody = {point.age_months: point.ltv for point in at_equal_age(rows)}
    common = set(inside) & set(outside) or set(everybody)
    if not common:
        return LtvTotals(age_months=None, ltv=None, ltv_community=None, ltv_other=None)
    age = max(common)
    return LtvTotals(
        age_months=age, ltv=everybody[age], ltv_community=inside.get(age),
        ltv_other=outside.get(age),
    )  # fmt: skip
