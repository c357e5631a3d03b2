"""The one place that tells the time.

Everything is an aware UTC instant; a calendar day or month exists only in a
named time zone.  Tests and demos set the clock here instead of sleeping.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

_fixed: datetime | None = None


def now() -> datetime:
    """Return the current instant, aware, in UTC."""
    return _fixed or datetime.now(UTC)


def set_now(instant: datetime | None) -> None:
    """Stop the clock at an aware instant, or let it run again with None.

    Raises:
        ValueError: The instant has no time zone.
    """
    global _fixed
    if instant is not None and instant.tzinfo is None:
        raise ValueError("the clock needs an aware instant")
    _fixed = instant.astimezone(UTC) if instant else None


@contextmanager
def frozen(instant: datetime) -> Iterator[None]:
    """Hold the clock at an instant for the length of a block."""
    before = _fixed
    set_now(instant)
    try:
        yield
    finally:
        set_now(before)


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo:
    """Return the IANA time zone of that name."""
    return ZoneInfo(name)


def local_day(instant: datetime, timezone: str) -> date:
    """Return the calendar day of an instant in an IANA time zone."""
    return instant.astimezone(zone(timezone)).date()


def local_month(instant: datetime, timezone: str) -> str:
    """Return the calendar month of an instant, as `YYYY-MM`."""
    return f"{instant.astimezone(zone(timezone)):%Y-%m}"


def parse_instant(text: str) -> datetime:
    """Read an RFC 3339 instant with its offset.

    Raises:
        ValueError: Not a date and time that can be, or without an offset.
    """
    try:
        instant = datetime.fromisoformat(text)
        utc = instant.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{text[:40]!r} is not an instant such as 2026-03-01T12:00:00Z") from None
    if instant.tzinfo is None:
        raise ValueError("an instant needs an offset, such as 2026-03-01T12:00:00+01:00")
    return utc


def year_bounds(year: int, timezone: str) -> tuple[datetime, datetime]:
    """Return the first instant of a calendar year and that of the next, in UTC."""
    first, last = (datetime(y, 1, 1, tzinfo=zone(timezone)) for y in (year, year + 1))
    return first.astimezone(UTC), last.astimezone(UTC)


def month_bounds(month: str, timezone: str) -> tuple[datetime, datetime]:
    """Return the first instant of a month `YYYY-MM` and that of the next, in UTC.

    Raises:
        ValueError: There is no such month.
    """
    first = datetime.strptime(month, "%Y-%m").replace(tzinfo=zone(timezone))
    after = first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
    return first.astimezone(UTC), after.astimezone(UTC)
