"""Cohorts and LTV: who still buys, and what a customer has brought by each age."""

from __future__ import annotations

from datetime import datetime

import pytest
from flask import Flask

from core import clock
from core.db import db
from referrals.models import Code
from reports import cohorts, engine
from reports.cohorts import Point, Row
from reports.models import Period, Report
from rewards import intake
from tests.factories import refund_fact
from tests.reports.conftest import buy

SPAN = Period("2026-01", "2026-03")


def _two_segments(zoe: Code) -> None:
    """Ann came by Zoé's code and buys again twice; Bob came alone and never again."""
    buy("2026-01-10T10:00:00+00:00", 10_000, email="ann@example.com", codes=(zoe.text,))
    buy("2026-02-11T10:00:00+00:00", 5_000, email="ann@example.com")
    buy("2026-02-20T10:00:00+00:00", 1_001, email="ann@example.com")
    buy("2026-01-12T10:00:00+00:00", 3_000, email="bob@example.com")


def _rows(report: Report, segment: str) -> list[Row]:
    return [row for row in report.rows if row.segment == segment]


def _made() -> Report:
    return cohorts.report(SPAN, "GBP")


def _made_ltv() -> Report:
    return cohorts.ltv_report(SPAN, "GBP")


def test_a_customer_stays_in_the_cohort_and_segment_of_the_first_purchase(zoe: Code) -> None:
    _two_segments(zoe)
    inside = _rows(_made(), "community")
    assert [(row.age_months, row.size, row.active, row.purchases, row.net) for row in inside] == [
        (0, 1, 1, 1, 10_000), (1, 1, 1, 2, 6_001), (2, 1, 0, 0, 0),
    ]  # fmt: skip


def test_ltv_adds_up_by_age_and_counts_those_who_never_came_back(zoe: Code) -> None:
    _two_segments(zoe)
    buy("2026-01-13T10:00:00+00:00", 2_000, email="cid@example.com")
    assert [row.ltv for row in _rows(_made(), "other")] == [2_500, 2_500, 2_500]
    assert [row.ltv for row in _rows(_made(), "community")] == [10_000, 16_001, 16_001]


def test_a_refund_lowers_the_age_of_its_purchase(zoe: Code) -> None:
    _two_segments(zoe)
    first = buy("2026-01-20T10:00:00+00:00", 4_000, email="dee@example.com", codes=(zoe.text,))
    refund = refund_fact(
        first, amount=1_000, occurred_at=datetime.fromisoformat("2026-02-25T10:00:00+00:00")
    )
    intake.take_refunds([refund])
    db.session.commit()
    assert _rows(_made(), "community")[0].net == 13_000


def test_pooled_ltv_holds_only_cohorts_that_have_reached_the_age() -> None:
    rows = [
        _row("2026-01", age=0, size=2, to_date=200), _row("2026-01", age=1, size=2, to_date=300),
        _row("2026-02", age=0, size=8, to_date=80),
    ]  # fmt: skip
    assert cohorts.at_equal_age(rows) == [Point(0, 10, 28), Point(1, 2, 150)]


def test_a_month_that_is_not_over_is_left_out(london: Flask) -> None:
    rows = [_row("2026-01", age=age, size=1, to_date=100) for age in (0, 1, 2)]
    with clock.frozen(clock.parse_instant("2026-03-15T12:00:00Z")):
        assert [row.age_months for row in cohorts.finished(rows)] == [0, 1]


@pytest.mark.parametrize(
    ("cac", "margin", "months"),
    [(99, 10_000, 0), (100, 10_000, 1), (100, 5_000, None), (None, 10_000, None)],
)
def test_payback_is_the_first_age_at_which_margin_passes_the_cost(
    cac: int | None, margin: int, months: int | None
) -> None:
    points = [Point(0, 5, 100), Point(1, 5, 150), Point(2, 5, 200)]
    assert cohorts.payback(points, cac, margin=margin) == months


def test_totals_describe_and_say_who_came_back(zoe: Code) -> None:
    _two_segments(zoe)
    totals = _made().totals
    assert (totals.customers, totals.repeat_customers, totals.purchases) == (2, 1, 4)
    assert str(totals.repeat_rate) == "0.500000"
    assert str(totals.frequency) == "2.000000"
    assert totals.aov == 4_750


def test_a_period_without_customers_has_no_rows_and_no_figures(london: Flask) -> None:
    assert _made().rows == []
    assert _made().totals.repeat_rate is None
    assert _made_ltv().totals.ltv is None


def test_ltv_totals_compare_at_the_greatest_common_age(zoe: Code) -> None:
    _two_segments(zoe)
    with clock.frozen(clock.parse_instant("2026-03-01T12:00:00Z")):
        totals = _made_ltv().totals
    assert (totals.age_months, totals.ltv_community, totals.ltv_other) == (1, 16_001, 3_000)


def test_the_definition_says_what_it_counts() -> None:
    assert "-- Cohort:" in engine.definition(cohorts.NAME)


def _row(cohort: str, *, age: int, size: int, to_date: int) -> Row:
    return Row(
        cohort=cohort, segment="other", size=size, age_months=age, active=1, purchases=1,
        net=0, net_to_date=to_date, ltv=to_date // size,
    )  # fmt: skip
