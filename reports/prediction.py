"""Predicted LTV: what a customer will have brought at twelve months, for cohorts not there yet.

What was observed, and on top of it what the models of `lifetimes.py` expect until that age, with
an interval at 95 in 100 and what speaks against it.  Where it cannot be told, the report says why.
It is a prediction of the LTV of rule 22, at the same equal age, and no figure of the books.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from flask_babel import lazy_gettext as _l

from ambassadors import program
from core import clock
from core.money import LARGEST, divide_half_up
from reports import cohorts, engine
from reports import wording_prediction as wording
from reports.models import SIX_PLACES, Period, Reason, Report, following

if TYPE_CHECKING:
    from reports.forecast import Ahead, Forecast, Told

NAME = "prediction"
AGE = 12  # months, as `age_months` of the cohorts: the cohort's own month and twelve more
PARAMETERS = ("r", "alpha", "a", "b", "p", "q", "v")
TEXT = _l(
    "What a customer will have brought at twelve months of age, net of refunds: what was observed, "
    "and what two models expect from there. BG/NBD tells from the dates of purchases who is still "
    "a customer and how often they will buy; gamma-gamma tells their mean basket. Both are fitted "
    "by maximum likelihood to the customers of the period, up to the last month that is over. New "
    "customers to come are not counted. 95 in 100 of the futures drawn from the models, with the "
    "doubt about their parameters, lie within the interval. Seasons and changes of the shop are in "
    "neither."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One cohort; amounts in minor units."""

    cohort: str
    size: int
    age_months: int
    ltv: int  # observed, at that age
    ltv_12: int | None  # observed where the cohort has reached the age, else predicted
    low: int | None
    high: int | None
    alive: Decimal | None
    purchases_ahead: Decimal | None
    note: str

    @property
    def is_observed(self) -> bool:
        return self.age_months >= AGE


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """All cohorts of the period as one, the models' parameters, and how far to trust them."""

    size: int
    ltv_12: int | None
    low: int | None
    high: int | None
    reason: str | None
    doubts: str | None
    r: Decimal | None
    alpha: Decimal | None
    a: Decimal | None
    b: Decimal | None
    p: Decimal | None
    q: Decimal | None
    v: Decimal | None
    customers: int
    repeaters: int
    check_months: int | None
    check_expected: int | None
    check_actual: int | None
    link: Decimal | None


def report(
    period: Period, currency: str, *, most_rows: int | None = None,
    copy: engine.Copy | None = None, segment: str | None = None,
) -> Report:  # fmt: skip
    """Return the prediction for the cohorts of a period, a row for each.

    Args:
        period: Whole months; those that are not over are left out.
        currency: Only purchases in this currency.
        most_rows: See `lake.refresh`.
        copy: The state to read; a fresh one unless given.
        segment: Only customers who came so, `community` or `other`; all unless given.
    """
    copy = copy or engine.fresh(most_rows=most_rows)
    seen = _over(period)
    known = _observed(copy, seen, currency, segment) if seen else {}
    made = _forecast(copy, seen, currency, known, segment=segment) if seen and known else None
    told = made.told if made else None
    reason = wording.reason(made.reason if made else Reason.TOO_EARLY, made) if not told else None
    rows = [_row(row, told, reason) for row in known.values()]
    return Report(
        name=NAME, currency=currency, period=period, timezone=program.current().timezone,
        as_of=copy.manifest.as_of, sql=engine.definition(NAME), text=TEXT,
        columns=wording.COLUMNS, rows=rows, totals=_totals(rows, known, made, reason),
        total_columns=wording.TOTALS,
        other_currencies=engine.other_currencies(copy, period, currency),
    )  # fmt: skip


def _over(period: Period) -> Period | None:
    """Return the months of a period that are over."""
    present = clock.local_month(clock.now(), program.current().timezone)
    last = min(period.last, following(present, -1))
    return Period(period.first, last) if period.first <= last else None


def _observed(
    copy: engine.Copy, seen: Period, currency: str, segment: str | None
) -> dict[str, cohorts.Row]:
    """Return each cohort at the greatest age that is told: its own, or twelve months."""
    rows = cohorts.report(seen, currency, copy=copy).rows
    rows = [row for row in rows if segment in (None, row.segment)]
    return {row.cohort: row for row in cohorts.merged(rows) if row.age_months <= AGE}


def _forecast(
    copy: engine.Copy, seen: Period, currency: str, known: Mapping[str, cohorts.Row], *,
    segment: str | None,
) -> Forecast:  # fmt: skip
    from reports import forecast  # SciPy is loaded by who asks for a prediction, not by all

    customers = sum(row.size for row in known.values())
    return forecast.forecast(copy, seen, currency, customers=customers, age=AGE, segment=segment)


def _row(known: cohorts.Row, told: Told | None, reason: str | None) -> Row:
    ahead = told.cohorts.get(known.cohort) if told else None
    is_observed = known.age_months >= AGE
    expected = _added(known, ahead.value) if ahead else None
    return Row(
        cohort=known.cohort, size=known.size, age_months=known.age_months, ltv=known.ltv,
        ltv_12=known.ltv if is_observed else expected, **_ends(known, ahead),
        alive=_decimal(ahead.alive if ahead else None),
        purchases_ahead=_decimal(ahead.purchases if ahead else None),
        note=str(wording.OBSERVED if is_observed else reason or wording.PREDICTED),
    )  # fmt: skip


def _ends(known: cohorts.Row, ahead: Ahead | None) -> dict[str, int | None]:
    """Return the interval of a cohort's LTV, which holds what is expected."""
    if ahead is None:
        return {"low": None, "high": None}
    low, high = min(ahead.low, ahead.value), max(ahead.high, ahead.value)
    return {"low": _added(known, low), "high": _added(known, high)}


def _added(known: cohorts.Row, value: float) -> int:
    """Return LTV so far with what follows per customer."""
    return _minor(known.net_to_date / known.size + value)


def _totals(
    rows: Sequence[Row], known: Mapping[str, cohorts.Row], made: Forecast | None,
    reason: str | None,
) -> Totals:  # fmt: skip
    told = made.told if made else None
    check = told.check if told else None
    found = {**told.buying._asdict(), **told.spending._asdict()} if told else {}
    parameters: dict[str, Any] = {name: _decimal(found.get(name)) for name in PARAMETERS}
    return Totals(
        size=sum(row.size for row in rows), **_pooled(known, rows, told), reason=reason,
        doubts=" ".join(wording.doubts(told)) or None if told else None,
        **parameters,
        customers=made.customers if made else 0, repeaters=made.repeaters if made else 0,
        check_months=check.months if check else None,
        check_expected=round(check.expected) if check else None,
        check_actual=check.actual if check else None,
        link=_decimal(told.link if told else None),
    )  # fmt: skip


def _pooled(
    known: Mapping[str, cohorts.Row], rows: Sequence[Row], told: Told | None
) -> dict[str, Any]:
    """Return the LTV of all customers at twelve months, where every cohort's can be told."""
    if not rows or any(row.ltv_12 is None for row in rows):
        return {"ltv_12": None, "low": None, "high": None}
    size = sum(row.size for row in rows)
    middle = divide_half_up(sum((row.ltv_12 or 0) * row.size for row in rows), size)
    if told is None or not told.cohorts:
        return {"ltv_12": middle, "low": None, "high": None}
    so_far = sum(row.net_to_date for row in known.values())
    low, high = (
        _minor((so_far + ahead) / size) for ahead in told.pooled({n: known[n].size for n in known})
    )
    return {"ltv_12": middle, "low": min(low, middle), "high": max(high, middle)}


def _minor(value: float) -> int:
    """Return an estimated amount as minor units."""
    return min(round(value), LARGEST)


def _decimal(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(str(value)).quantize(SIX_PLACES)
