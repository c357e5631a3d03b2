"""Months, shares and periods."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import sqlglot

from core import clock
from core.errors import InvalidInputError
from reports import engine
from reports.models import following, intervals, last_quarter, period, share


@pytest.mark.parametrize(
    "zone", ["Europe/London", "America/New_York", "Asia/Kolkata", "Pacific/Apia", "UTC"]
)
def test_months_follow_each_other_without_gap_or_overlap(zone: str) -> None:
    month = "2009-01"
    end = intervals(month, zone)[-1][1]
    for _ in range(60):
        month = following(month)
        ((start, stop),) = intervals(month, zone)
        assert start == end
        assert clock.local_month(start, zone) == month
        assert clock.local_month(start - timedelta(microseconds=1), zone) != month
        end = stop


def test_a_month_is_an_hour_short_or_long_when_clocks_change() -> None:
    ((start, stop),) = intervals("2026-03", "Europe/London")
    assert stop - start == timedelta(days=31, hours=-1)
    ((start, stop),) = intervals("2026-10", "Europe/London")
    assert stop - start == timedelta(days=31, hours=1)


@pytest.mark.parametrize(
    ("present", "first", "last"),
    [("2026-01", "2025-10", "2025-12"), ("2026-03", "2025-10", "2025-12"),
     ("2026-04", "2026-01", "2026-03"), ("2026-12", "2026-07", "2026-09")],
)  # fmt: skip
def test_last_quarter_is_the_calendar_quarter_before_this_one(
    present: str, first: str, last: str
) -> None:
    assert last_quarter(present) == period(first, last)


def test_an_evening_that_comes_twice_belongs_to_the_old_month_both_times() -> None:
    """St. John's turned its clocks back at 00:01 on 1 November 2009."""
    zone = "America/St_Johns"
    at = datetime(2009, 11, 1, 1, 30, tzinfo=UTC)
    for minute in range(180):
        instant = at + timedelta(minutes=minute)
        month = clock.local_month(instant, zone)
        for candidate in ("2009-10", "2009-11"):
            inside = any(start <= instant < stop for start, stop in intervals(candidate, zone))
            assert inside == (candidate == month), instant


def test_a_share_has_six_places_half_up() -> None:
    assert str(share(1, 3)) == "0.333333"
    assert str(share(2, 3)) == "0.666667"
    assert str(share(1, 2_000_000)) == "0.000001"
    assert share(0, 0) is None


@pytest.mark.parametrize(
    ("first", "last"),
    [("2026-13", "2026-13"), ("2026-1", "2026-02"), ("", "2026-01"), ("2026-02", "2026-01"),
     ("1950-01", "2026-01"), ("2026-01'--", "2026-02"), ("٢٠٢٦-01", "2026-02")],
)  # fmt: skip
def test_what_is_not_a_period_is_refused(first: str, last: str) -> None:
    with pytest.raises(InvalidInputError):
        period(first, last)


@pytest.mark.parametrize("name", [path.stem for path in engine.FOLDER.glob("*.sql")])
def test_every_definition_can_be_said_in_sparks_dialect(name: str) -> None:
    (said,) = sqlglot.transpile(engine.definition(name), read="duckdb", write="spark")
    assert "SELECT" in said
