"""Shapes of the reports: a period of whole months, a column, a report with its rows.

Amounts are integers in minor units of the report's currency; a share is a
decimal with six places; what cannot be told is None, never zero.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _

from core import clock
from core.errors import InvalidInputError

LONGEST_PERIOD = 240  # months
SIX_PLACES = Decimal("0.000001")
_MONTH = re.compile(r"(19|20|21)\d\d-(0[1-9]|1[0-2])")


class Kind(StrEnum):
    """What a column holds, so that every way out formats it alike."""

    MONTH = "month"
    TEXT = "text"
    COUNT = "count"
    MONEY = "money"
    SHARE = "share"
    RATIO = "ratio"  # a plain number with decimals
    MEASURE = "measure"  # another kind in each row, which says so in `kind`


class Reason(StrEnum):
    """Why a prediction cannot be told."""

    TOO_EARLY = "too_early"  # no month is over
    TOO_FEW_CUSTOMERS = "too_few_customers"
    TOO_FEW_REPEATERS = "too_few_repeaters"
    NO_FIT = "no_fit"
    NO_MEAN = "no_mean"  # a few baskets outweigh all others


class Doubt(StrEnum):
    """What speaks against a prediction that is told."""

    UNCHECKED = "unchecked"  # against months that the model had not seen
    OFF = "off"  # it was, and it missed
    DEPENDENT = "dependent"  # who buys more often pays more, or less, each time
    LOOSE = "loose"  # the purchases do not pin every parameter down


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a report: its name, what it holds, its heading and its definition."""

    name: str
    kind: Kind
    label: Any  # a lazy text
    definition: Any  # a lazy text
    group: str = ""  # the object of a JSON answer that holds it


@dataclass(frozen=True, slots=True)
class Period:
    """Whole months, both ends included, as `YYYY-MM` of the program's time zone."""

    first: str
    last: str

    @property
    def months(self) -> list[str]:
        return list(_months(self.first, self.last))


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """A report, ready for a page, a file or an answer."""

    name: str
    currency: str
    period: Period
    timezone: str
    as_of: datetime  # the state of the database that it shows
    sql: str  # its definition as it ran
    text: Any  # its definition in words, lazy
    columns: Sequence[Column]
    rows: Sequence[Any]  # frozen dataclasses with the columns' names
    totals: Any  # a frozen dataclass
    total_columns: Sequence[Column]
    by_month: Sequence[Any] = field(default_factory=tuple)  # totals of each month, where told
    by: str = ""  # what its rows stand for, where somebody asked for groups
    other_currencies: Sequence[str] = ()  # in which there were purchases, counted apart


def period(first: str, last: str) -> Period:
    """Return the period from one month to another.

    Raises:
        InvalidInputError: Not months as `2026-03`, in the wrong order, or more than 20 years.
    """
    for text in (first, last):
        if not _MONTH.fullmatch(text):
            raise InvalidInputError(_("“%(text)s” is not a month such as 2026-03.", text=text[:40]))
    if first > last:
        raise InvalidInputError(
            _("The period ends (%(last)s) before it begins (%(first)s).", last=last, first=first)
        )
    if _count(last) - _count(first) >= LONGEST_PERIOD:
        raise InvalidInputError(_("Ask for at most %(n)s months at once.", n=LONGEST_PERIOD))
    return Period(first, last)


def last_quarter(present: str) -> Period:
    """Return the calendar quarter before the one of a month: in `2026-05`, January to March."""
    first = following(present, -3 - (int(present[5:]) - 1) % 3)
    return Period(first, following(first, 2))


def following(month: str, by: int = 1) -> str:
    """Return the month that comes so many months after; before, if negative."""
    count = _count(month) + by
    return f"{count // 12:04d}-{count % 12 + 1:02d}"


def intervals(month: str, timezone: str) -> list[tuple[datetime, datetime]]:
    """Return when it is that month in a time zone: from an instant to the first after, in UTC.

    One interval, but for the rare zone whose clocks once went back over midnight
    between two months (St. John's, 1 November 2009): then the end of the old month
    came twice, and each month has two.
    """
    begin, back, again = _edges(month, timezone)
    end, left, over = _edges(following(month), timezone)
    return [
        (start, stop) for start, stop in ((begin, back), (again, end), (left, over)) if start < stop
    ]


def share(part: int, whole: int) -> Decimal | None:
    """Return part / whole with six places, half-up, or None where there is no whole."""
    if not whole:
        return None
    return (Decimal(part) / Decimal(whole)).quantize(SIX_PLACES, ROUND_HALF_UP)


def _edges(month: str, timezone: str) -> tuple[datetime, datetime, datetime]:
    """Return the first instant of a month, when clocks went back out of it, and its return."""
    zone = clock.zone(timezone)
    midnight = datetime.combine(date.fromisoformat(f"{month}-01"), time.min, zone)
    first = midnight.astimezone(UTC)
    last = midnight.replace(fold=1).astimezone(UTC)
    if last <= first:
        return first, first, first
    back = first
    while clock.local_month(back, timezone) == month and back < last:
        back += timedelta(minutes=1)
    return (first, back, last) if back < last else (first, first, first)


def _months(first: str, last: str) -> list[str]:
    return [following(first, n) for n in range(_count(last) - _count(first) + 1)]


def _count(month: str) -> int:
    return int(month[:4]) * 12 + int(month[5:]) - 1
