"""The report of holdouts: a row for each, with its lift, the interval and what may be said.

The method is that of `reports/lift.py`; this lays it out as every report is laid out.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from ambassadors import holdouts, program
from ambassadors.models_holdouts import Holdout
from core import clock
from core.money import BASIS_POINTS
from reports import engine, lift
from reports import wording_holdouts as wording
from reports.estimates import Verdict
from reports.lift import Lift
from reports.models import SIX_PLACES, Period, Report

NAME = "holdouts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One holdout; amounts in minor units, shares with six places, None where not told."""

    id: int
    name: str
    created: str  # a day
    share: Decimal
    invited: int
    invited_bought: int
    withheld: int
    withheld_bought: int
    waiting: int
    lift: Decimal | None
    low: Decimal | None
    high: Decimal | None
    net: int | None
    net_low: int | None
    net_high: int | None
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """People of all of them; somebody drawn by two counts twice."""

    invited: int
    withheld: int
    waiting: int


def report(period: Period, currency: str, *, most_rows: int | None = None) -> Report:
    """Return the holdouts that were created in a period, the newest first.

    Args:
        period: Whole months of their creation; what people bought is counted until today.
        currency: Only purchases in this currency.
        most_rows: See `lake.refresh`.
    """
    zone = program.current().timezone
    known = [
        one
        for one in holdouts.everything()
        if period.first <= clock.local_month(one.created_at, zone) <= period.last
    ]
    return of(known, period, currency, most_rows=most_rows)


def of(
    known: list[Holdout], period: Period, currency: str, *, most_rows: int | None = None
) -> Report:
    """Return the report of some holdouts; see `report`."""
    copy = engine.fresh(most_rows=most_rows)
    rows = [_row(one, lift.read(one, copy=copy, currency=currency)) for one in known]
    return Report(
        name=NAME, currency=currency, period=period, timezone=program.current().timezone,
        as_of=copy.manifest.as_of, sql=engine.definition(lift.NAME), text=wording.TEXT,
        columns=wording.COLUMNS, rows=rows, total_columns=wording.TOTALS,
        totals=Totals(
            invited=sum(row.invited for row in rows), withheld=sum(row.withheld for row in rows),
            waiting=sum(row.waiting for row in rows),
        ),
    )  # fmt: skip


def _row(holdout: Holdout, found: Lift) -> Row:
    nobody = not found.invited.people + found.withheld.people
    is_early = found.verdict is Verdict.NOT_ENOUGH and (nobody or found.waiting)
    return Row(
        id=holdout.id, name=holdout.name,
        created=clock.local_day(holdout.created_at, program.current().timezone).isoformat(),
        share=Decimal(holdout.withheld_share) / BASIS_POINTS,
        invited=found.invited.people, invited_bought=found.invited.buyers,
        withheld=found.withheld.people, withheld_bought=found.withheld.buyers,
        waiting=found.waiting, lift=_share(found.buying.value), low=_share(found.buying.low),
        high=_share(found.buying.high), net=_minor(found.net.value),
        net_low=_minor(found.net.low), net_high=_minor(found.net.high),
        verdict=wording.TOO_EARLY if is_early else found.verdict.value,
    )  # fmt: skip


def _share(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(value).quantize(SIX_PLACES)


def _minor(value: float | None) -> int | None:
    return None if value is None else round(value)
