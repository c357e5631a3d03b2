"""There is one clock, it knows UTC, and days and months exist only in a time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from core import clock

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_the_clock_runs_in_utc_and_can_be_held() -> None:
    before = clock.now()
    assert before.tzinfo is UTC
    with clock.frozen(NOON):
        assert clock.now() == NOON
        with clock.frozen(NOON + timedelta(days=1)):
            assert clock.now() == NOON + timedelta(days=1)
        assert clock.now() == NOON
    assert clock.now() >= before


def test_the_clock_goes_on_after_an_error_in_a_frozen_block() -> None:
    with pytest.raises(RuntimeError), clock.frozen(NOON):
        raise RuntimeError
    assert clock.now() != NOON


def test_a_naive_instant_does_not_set_the_clock() -> None:
    with pytest.raises(ValueError, match="aware"):
        clock.set_now(datetime(2026, 3, 1))  # noqa: DTZ001  what is refused


def test_an_instant_of_another_zone_is_held_as_utc() -> None:
    with clock.frozen(datetime(2026, 3, 1, 13, tzinfo=timezone(timedelta(hours=1)))):
        assert clock.now() == NOON
        assert clock.now().tzinfo is UTC


@pytest.mark.parametrize(
    ("instant", "zone", "day", "month"),
    [
        ("2026-02-28T23:30:00Z", "Europe/Paris", date(2026, 3, 1), "2026-03"),
        ("2026-03-01T04:00:00Z", "America/New_York", date(2026, 2, 28), "2026-02"),
        ("2026-03-29T00:59:59Z", "Europe/Paris", date(2026, 3, 29), "2026-03"),  # summer begins
        ("2025-12-31T23:00:00Z", "Europe/Paris", date(2026, 1, 1), "2026-01"),
        ("2026-10-31T23:30:00Z", "Europe/Paris", date(2026, 11, 1), "2026-11"),
    ],
)  # fmt: skip
def test_days_and_months_are_those_of_the_time_zone(
    instant: str, zone: str, day: date, month: str
) -> None:
    at = clock.parse_instant(instant)
    assert (clock.local_day(at, zone), clock.local_month(at, zone)) == (day, month)


@pytest.mark.parametrize(
    "text", ["2026-03-01T12:00:00Z", "2026-03-01T13:00:00+01:00", "2026-03-01T07:00:00-05:00"]
)
def test_an_instant_with_its_offset_is_read_as_utc(text: str) -> None:
    assert clock.parse_instant(text) == NOON
    assert clock.parse_instant(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2026-03-01", "2026-03-01T12:00:00", "2026-02-30T12:00:00Z", "1772366400",
     "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-03-01T25:00:00Z"],
)  # fmt: skip
def test_what_is_no_instant_with_an_offset_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="instant"):
        clock.parse_instant(text)
