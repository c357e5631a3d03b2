"""Predicted LTV by segment: those who came through the community beside the others.

Each segment is fitted by itself, as they buy otherwise, and has its own interval, its own doubts
and its own reason where it cannot be told.  Who came through the community chose to: the gap is
not what the program did, and no test of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from flask_babel import lazy_gettext as _l

from reports import cohorts, engine, prediction, wording
from reports import wording_prediction as words
from reports.models import Column, Kind, Period, Report

NAME = "prediction_segments"
TEXT = _l(
    "What a customer will have brought at twelve months of age, net of refunds, told apart for "
    "those who came through the community and the others. The models of the prediction are fitted "
    "to each by itself. Who came through the community chose to: the gap is not what the program "
    "did."
)
COLUMNS = (
    wording.SEGMENT,
    *(one for one in words.TOTALS if not one.group),
    *(replace(one, group="") for one in words.TOTALS if one.group == "check"),
)
TOTALS = (
    Column("size", Kind.COUNT, _l("Customers"), _l("Customers of all cohorts of the period.")),
    Column(
        "gap",
        Kind.MONEY,
        _l("Gap"),
        _l("LTV at 12 months of the community less that of the others, where both can be told."),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One segment; amounts in minor units."""

    segment: str
    size: int
    ltv_12: int | None
    low: int | None
    high: int | None
    reason: str | None
    doubts: str | None
    customers: int
    repeaters: int
    check_months: int | None
    check_expected: int | None
    check_actual: int | None
    link: object


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """Both together."""

    size: int
    gap: int | None  # minor units


def report(
    period: Period, currency: str, *, most_rows: int | None = None,
    copy: engine.Copy | None = None,
) -> Report:  # fmt: skip
    """Return the prediction of each segment, a row for each.

    Args:
        period: Whole months; those that are not over are left out.
        currency: Only purchases in this currency.
        most_rows: See `lake.refresh`.
        copy: The state to read; a fresh one unless given.
    """
    copy = copy or engine.fresh(most_rows=most_rows)
    made = {
        name: prediction.report(period, currency, copy=copy, segment=name)
        for name in cohorts.SEGMENTS
    }
    rows = [_row(name, one.totals) for name, one in made.items()]
    totals = Totals(size=sum(row.size for row in rows), gap=_gap(*rows))
    return replace(
        made[cohorts.SEGMENTS[0]], name=NAME, text=TEXT, columns=COLUMNS, rows=rows,
        totals=totals, total_columns=TOTALS,
    )  # fmt: skip


def _row(segment: str, told: prediction.Totals) -> Row:
    kept = (column.name for column in COLUMNS if column.name != "segment")
    return Row(segment=segment, **{name: getattr(told, name) for name in kept})


def _gap(community: Row, other: Row) -> int | None:
    if community.ltv_12 is None or other.ltv_12 is None:
        return None
    return community.ltv_12 - other.ltv_12
